//! A headless Chromium, driven by ChromeDriver: <https://www.w3.org/TR/webdriver2/>.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// Text whose contrast with its background is below 4.5, which WCAG 2 requires at level AA:
/// <https://www.w3.org/TR/WCAG22/#contrast-minimum>
const LOW_CONTRAST: &str = r#"
  const rgb = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const bad = new Set();
  for (const element of document.querySelectorAll("body *:not(script)")) {
    const has = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!has || element.closest("svg")) continue;
    const pair = [luminance(rgb(getComputedStyle(element).color)), luminance(background(element))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) bad.add(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return [...bad];
"#;

/// A window. When it is dropped, the browser ends.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Returns whether there is a browser. `.ci/run` installs one, and sets the variable so that its absence is a failure.
    #[allow(
        clippy::print_stderr,
        reason = "a developer wants to know what did not run"
    )]
    pub(crate) fn is_available() -> bool {
        let mut driver = Command::new("chromedriver");
        driver.arg("--version").stdout(Stdio::null());
        let started = driver.spawn().and_then(|mut driver| driver.wait());
        let has = started.is_ok_and(|status| status.success());
        assert!(
            has || std::env::var_os("AWSAUTH_TEST_BROWSER").is_none(),
            "chromedriver is not on PATH"
        );
        if !has {
            eprintln!(
                "not checked: chromedriver is not on PATH (Debian: apt-get install chromium-driver)"
            );
        }
        has
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

    /// Presses keys one after another: characters, or the keys of <https://www.w3.org/TR/webdriver2/#keyboard-actions>.
    pub(crate) fn press(&self, keys: &str) {
        let keys = keys.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|what| json!({"type": what, "value": key.to_string()}))
        });
        let keys: Vec<_> = keys.collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": keys});
        self.ask("actions", &json!({"actions": [keyboard]}));
    }

    /// Shows the page as it is printed on A4 paper without margins, on the screen.
    pub(crate) fn show_printed(&self) {
        let device = json!({"width": 794, "height": 1123, "deviceScaleFactor": 1, "mobile": false});
        let media = json!({"media": "print"});
        for (command, parameters) in [
            ("Emulation.setDeviceMetricsOverride", device),
            ("Emulation.setEmulatedMedia", media),
        ] {
            let body = json!({"cmd": command, "params": parameters});
            self.ask("goog/cdp/execute", &body);
        }
    }

    /// Prints the page to a PDF, and returns it in base64.
    pub(crate) fn print(&self) -> String {
        let path = format!("/session/{}/print", self.session);
        // ChromeDriver waits for ten seconds, which is not enough on a busy machine.
        let mut attempts = (0..12).map(|_| self.answer("POST", &path, &json!({})));
        let printed = attempts.find(|printed| printed["error"] != "timeout");
        let printed = printed.expect("a PDF in two minutes");
        printed
            .as_str()
            .unwrap_or_else(|| panic!("{printed}"))
            .to_owned()
    }

    /// Checks that the page has enough contrast, that only its tables and pictures scroll sideways, and that it loaded nothing else.
    pub(crate) fn assert_readable(&self) {
        assert_eq!(self.run(LOW_CONTRAST), json!([]));
        let fits = self.run(
            "return document.documentElement.scrollWidth <= document.documentElement.clientWidth",
        );
        assert_eq!(fits, true, "the page is wider than the window");
        let loaded = self.run("return performance.getEntriesByType('resource').length");
        assert_eq!(loaded, 0);
    }

    fn ask(&self, what: &str, body: &Value) -> Value {
        self.send("POST", &format!("/session/{}/{what}", self.session), body)
    }

    /// Sends a request that must succeed.
    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.answer(method, path, body);
        assert!(answer["error"].is_null(), "{answer}");
        answer
    }

    /// Sends a request, and returns the value of the answer, which may be an error.
    fn answer(&self, method: &str, path: &str, body: &Value) -> Value {
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
