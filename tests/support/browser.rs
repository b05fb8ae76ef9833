//! A headless Chromium, driven by ChromeDriver: <https://www.w3.org/TR/webdriver2/>.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A window. When it is dropped, the browser ends.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Returns whether this machine has ChromeDriver.
    pub(crate) fn exists() -> bool {
        let mut driver = Command::new("chromedriver");
        driver.arg("--version").stdout(Stdio::null());
        driver
            .spawn()
            .and_then(|mut driver| driver.wait())
            .is_ok_and(|status| status.success())
    }

    /// Opens a window of this width with the user's preference for light or dark colors.
    ///
    /// # Panics
    /// If the browser does not start. The other methods panic likewise.
    pub(crate) fn open(width: u32, is_dark: bool, profile: &Path) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver");
        let output = BufReader::new(driver.stdout.take().expect("its output"));
        let started = output.lines().map_while(Result::ok);
        let port = started
            .filter_map(|line| {
                let (_, port) = line.split_once("successfully on port ")?;
                port.trim_end_matches('.').parse().ok()
            })
            .next()
            .expect("ChromeDriver's port");
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
        };
        let scheme = if is_dark { 0 } else { 1 };
        let arguments = [
            "--headless".to_owned(),
            // Chromium's sandbox does not work for root or in most containers. The page is ours.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!("--blink-settings=preferredColorScheme={scheme}"),
            format!("--window-size={width},1000"),
            format!("--user-data-dir={}", profile.display()),
        ];
        let options = json!({"args": arguments});
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let answer = browser.send("POST", "/session", &wanted);
        let session = answer["sessionId"].as_str();
        browser.session = session.unwrap_or_else(|| panic!("{answer}")).to_owned();
        browser
    }

    /// Opens a file.
    pub(crate) fn show(&self, file: &Path) {
        let url = format!("file://{}", file.display());
        self.ask("url", &json!({ "url": url }));
    }

    /// Runs the body of a function in the page, and returns its result.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.ask("execute/sync", &json!({"script": script, "args": []}))
    }

    fn ask(&self, what: &str, body: &Value) -> Value {
        self.send("POST", &format!("/session/{}/{what}", self.session), body)
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("ChromeDriver");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .expect("a request");
        // ChromeDriver leaves the connection open.
        let mut answer = BufReader::new(stream);
        let head: Vec<String> = answer
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        let length = head.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is = name.eq_ignore_ascii_case("content-length");
            is.then(|| value.trim().parse().ok()).flatten()
        });
        let mut body = vec![0; length.unwrap_or_else(|| panic!("{head:?}"))];
        answer.read_exact(&mut body).expect("the answer's body");
        let value: Value = serde_json::from_slice(&body).expect("JSON");
        assert!(value["value"]["error"].is_null(), "{value}");
        value["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.send("DELETE", &format!("/session/{}", self.session), &json!({}));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
