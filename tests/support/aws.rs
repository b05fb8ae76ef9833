//! An AWS of the tests' own: identities, the credentials they hold, STS, EC2, instance metadata and container
//! endpoints, played by the program in `tests/cluster/standin`. Its README has what may be declared.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::environment::Environment;
use super::secrets;
use super::supervised::Supervised;
use super::toolchain::Binary;

/// The account of the examples.
pub(crate) const ACCOUNT: &str = "111122223333";

/// The region of [`Aws::environment`].
pub(crate) const REGION: &str = "us-east-1";

const PATIENCE: Duration = Duration::from_secs(60);

/// A running stand-in. It ends with its value, and with the process in any case.
pub(crate) struct Aws {
    // Held so that it runs.
    _process: Supervised,
    home: PathBuf,
    endpoints: Endpoints,
    // Held so that what it hands out is searched for.
    _secrets: Arc<secrets::Told>,
}

#[derive(Deserialize)]
struct Endpoints {
    proxy: String,
    aws: String,
    control: String,
    ca: PathBuf,
}

/// What a request to AWS is signed with.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credentials {
    /// Whose they are, as STS reports it.
    #[serde(default)]
    pub(crate) arn: String,
    /// As STS reports it: `AIDA…`, or `AROA…:SESSION`.
    #[serde(default, alias = "id")]
    pub(crate) user_id: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: Option<String>,
    /// RFC 3339, in UTC.
    pub(crate) expiration: Option<String>,
}

/// A request that the stand-in was asked.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(crate) struct Asked {
    /// `sts`, `ec2`, `imds`, `container`; `proxy` for what the proxy refused.
    pub(crate) service: String,
    /// The instance's or container's.
    pub(crate) id: String,
    pub(crate) host: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) action: String,
    pub(crate) access_key_id: String,
    pub(crate) user_agent: String,
    /// The client's end of the connection that it came by; of STS, EC2 and SSO.
    pub(crate) connection: String,
    /// 0 where no answer was given.
    pub(crate) status: u16,
    /// The AWS error code.
    pub(crate) code: String,
}

impl Aws {
    /// Starts one that keeps its files in `folder`, where there is nobody yet.
    pub(crate) fn start(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let args = [folder.display().to_string()];
        let log = folder.join("standin.log");
        let mut process = Supervised::start(&Binary::Standin.path(), &args, &[], folder, log)?;
        let path = folder.join("endpoints.json");
        let deadline = Instant::now() + PATIENCE;
        while !path.exists() {
            if let Some(last_words) = process.ended() {
                return Err(io::Error::other(format!(
                    "the stand-in ended: {last_words}"
                )));
            }
            if Instant::now() > deadline {
                return Err(io::Error::other("the stand-in does not come up"));
            }
            sleep(Duration::from_millis(5));
        }
        let endpoints: Endpoints = serde_json::from_slice(&fs::read(path)?)?;
        let control = endpoints.control.clone();
        let secrets: Arc<secrets::Told> = Arc::new(move || handed_out(&control));
        secrets::know_standin(&secrets);
        Ok(Self {
            _process: process,
            home: folder.to_owned(),
            endpoints,
            _secrets: secrets,
        })
    }

    /// The variables with which a program sees this AWS, and nothing else of anybody's environment: no
    /// credentials yet.
    pub(crate) fn environment(&self) -> Environment {
        let ca = self.endpoints.ca.display().to_string();
        Environment::new(&self.home)
            .with("HTTPS_PROXY", &self.endpoints.proxy)
            // Where an instance's metadata may be instead; a test that forgets to say which must not find a real one.
            .with("AWS_EC2_METADATA_DISABLED", "true")
            .with("AWS_CA_BUNDLE", &ca)
            .with("SSL_CERT_FILE", &ca)
            .with("AWS_REGION", REGION)
    }

    /// For `AWS_ENDPOINT_URL_STS`: STS without TLS or proxy.
    pub(crate) fn plain_endpoint(&self) -> &str {
        &self.endpoints.aws
    }

    /// The authority behind [`Self::environment`], in PEM form.
    pub(crate) fn ca(&self) -> &Path {
        &self.endpoints.ca
    }

    /// Adds to what there is, as the README says; answers what the stand-in made up.
    ///
    /// # Panics
    /// With its reason if it refuses; so do all methods here.
    pub(crate) fn declare(&self, what: &Value) -> Value {
        self.control("POST", "/declare", what)
    }

    /// Adds a role that the statements in `trust` let somebody assume.
    pub(crate) fn role(&self, arn: &str, trust: &[Value]) {
        self.declare(&json!({"roles": [{"arn": arn, "trust": trust}]}));
    }

    /// Adds an IAM user with a key.
    pub(crate) fn user(&self, arn: &str) -> Credentials {
        let told = self.declare(&json!({"users": [{"arn": arn}]}));
        read(told["users"][0].clone())
    }

    /// Adds an instance, or changes it, and returns the URL of its metadata service (IPv4). `fields` are
    /// those of the README; without `metadata` there is no URL.
    pub(crate) fn instance(&self, fields: &Value) -> String {
        let told = self.declare(&json!({"instances": [fields]}));
        told["instances"][0]["ipv4"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Adds a container and returns the URL of its credentials (IPv4).
    pub(crate) fn container(&self, fields: &Value) -> String {
        let told = self.declare(&json!({"containers": [fields]}));
        told["containers"][0]["ipv4"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Credentials for whoever has these ARNs, as STS reports them, without asking anybody's trust.
    pub(crate) fn sessions(&self, arns: &[&str]) -> Vec<Credentials> {
        let fields: Vec<_> = arns.iter().map(|arn| json!({"arn": arn})).collect();
        self.sessions_with(&fields)
    }

    /// The same with more fields.
    pub(crate) fn sessions_with(&self, fields: &[Value]) -> Vec<Credentials> {
        self.control("POST", "/sessions", &json!(fields))
    }

    /// Ends a session now.
    pub(crate) fn expire(&self, access_key_id: &str) {
        let () = self.control("POST", "/expire", &json!({"accessKeyId": access_key_id}));
    }

    /// A token of a declared OIDC issuer, for the audience `sts.amazonaws.com`.
    pub(crate) fn web_identity(&self, issuer: &str, subject: &str) -> String {
        let fields = json!({"issuer": issuer, "subject": subject});
        self.web_identity_with(&fields)
    }

    /// The same with more fields.
    pub(crate) fn web_identity_with(&self, fields: &Value) -> String {
        let told: Value = self.control("POST", "/web-identity", fields);
        told["token"].as_str().unwrap_or_default().to_owned()
    }

    /// Makes some requests go wrong.
    pub(crate) fn fault(&self, fields: &Value) {
        let () = self.control("POST", "/faults", &json!([fields]));
    }

    /// Makes no more requests go wrong.
    pub(crate) fn no_faults(&self) {
        let () = self.control("DELETE", "/faults", &Value::Null);
    }

    /// What was asked since [`Self::forget_requests`].
    pub(crate) fn requests(&self) -> Vec<Asked> {
        self.control("GET", "/requests", &Value::Null)
    }

    pub(crate) fn forget_requests(&self) {
        let () = self.control("DELETE", "/requests", &Value::Null);
    }

    fn control<T: DeserializeOwned>(&self, method: &str, path: &str, body: &Value) -> T {
        // A server that does not read what it is sent closes the connection over our heads.
        let sent = (!body.is_null()).then(|| body.to_string());
        let answer = ask(
            &self.endpoints.control,
            method,
            path,
            &sent.unwrap_or_default(),
        )
        .unwrap_or_else(|e| panic!("the stand-in does not answer: {e}"));
        let (head, content) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        assert!(
            head.starts_with("HTTP/1.0 200"),
            "{method} {path} {body}: {answer}"
        );
        serde_json::from_str(content).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }
}

/// Every secret key, session token and web identity token that the stand-in ever handed out.
fn handed_out(control: &str) -> Option<Vec<String>> {
    let answer = ask(control, "GET", "/secrets", "").ok()?;
    let (_, content) = answer.split_once("\r\n\r\n")?;
    serde_json::from_str(content).ok()
}

/// One HTTP request, after which the server closes the connection.
fn ask(control: &str, method: &str, path: &str, body: &str) -> io::Result<String> {
    let address = control.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    write!(
        connection,
        "{method} {path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap_or_else(|e| panic!("the stand-in's answer: {e}"))
}

/// Lets an AWS service, such as `ec2.amazonaws.com`, assume a role.
pub(crate) fn trusts_service(name: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"Service": name}, "Action": "sts:AssumeRole"})
}

/// Lets the principal of this ARN, or a whole account, assume a role.
pub(crate) fn trusts(arn: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"})
}

/// Lets the holder of a token of `issuer` (without `https://`) for `subject` assume a role.
pub(crate) fn trusts_web_identity(issuer: &str, subject: &str) -> Value {
    json!({
        "Effect": "Allow",
        "Principal": {"Federated": format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}")},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {
            format!("{issuer}:aud"): "sts.amazonaws.com",
            format!("{issuer}:sub"): subject,
        }},
    })
}
