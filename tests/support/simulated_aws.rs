//! A simulated AWS: identities, their credentials, STS, EC2, instance metadata and container endpoints.
//! The program is in `tests/go/cluster/standin`; its README lists what can be declared.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::child_process::Supervised;
use super::environment::Environment;
use super::go_programs::Binary;
use super::{plain_http, secrets};

/// The account that the tests use.
pub(crate) const ACCOUNT: &str = "111122223333";

/// The region of [`Aws::environment`].
pub(crate) const REGION: &str = "us-east-1";

const PATIENCE: Duration = Duration::from_secs(180);

/// A running stand-in. It ends when it is dropped, at the latest with the process.
pub(crate) struct Aws {
    // Held so that it keeps running.
    _process: Supervised,
    home: PathBuf,
    endpoints: Endpoints,
    // Held so that all output is searched for the secrets that it issues.
    _secrets: Arc<secrets::IssuedSecrets>,
}

#[derive(Deserialize)]
struct Endpoints {
    proxy: String,
    aws: String,
    control: String,
    ca: PathBuf,
}

/// Credentials that sign requests to AWS.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credentials {
    /// The ARN of their identity, as STS reports it.
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

/// A request that the stand-in received.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(crate) struct ReceivedRequest {
    /// `sts`, `ec2`, `imds`, `container`, or `proxy` for requests that the proxy refused.
    pub(crate) service: String,
    /// The ID of the instance or container.
    pub(crate) id: String,
    pub(crate) host: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) action: String,
    pub(crate) access_key_id: String,
    pub(crate) user_agent: String,
    /// The client address of the connection, for STS, EC2 and SSO.
    pub(crate) connection: String,
    /// 0 if the stand-in sent no response.
    pub(crate) status: u16,
    /// The AWS error code.
    pub(crate) code: String,
}

impl Aws {
    /// Starts a stand-in without identities. It stores its files in `folder`.
    pub(crate) fn start(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let args = [folder.display().to_string()];
        let log = folder.join("standin.log");
        let mut process = Supervised::start(&Binary::Standin.path(), &args, &[], folder, log)?;
        let path = folder.join("endpoints.json");
        let deadline = Instant::now() + PATIENCE;
        while !path.exists() {
            if let Some(log_tail) = process.ended() {
                return Err(io::Error::other(format!("the stand-in ended: {log_tail}")));
            }
            if Instant::now() > deadline {
                return Err(io::Error::other("the stand-in does not come up"));
            }
            sleep(Duration::from_millis(5));
        }
        let endpoints: Endpoints = serde_json::from_slice(&fs::read(path)?)?;
        let control = endpoints.control.clone();
        let secrets: Arc<secrets::IssuedSecrets> = Arc::new(move || issued_secrets(&control));
        secrets::know_standin(&secrets);
        Ok(Self {
            _process: process,
            home: folder.to_owned(),
            endpoints,
            _secrets: secrets,
        })
    }

    /// Returns the variables with which a program uses this AWS. They contain nothing of this process's environment, and no
    /// credentials.
    pub(crate) fn environment(&self) -> Environment {
        let ca = self.endpoints.ca.display().to_string();
        Environment::new(&self.home)
            .with("HTTPS_PROXY", &self.endpoints.proxy)
            // A test that does not set an instance must not reach the metadata service of a real one.
            .with("AWS_EC2_METADATA_DISABLED", "true")
            .with("AWS_CA_BUNDLE", &ca)
            .with("SSL_CERT_FILE", &ca)
            .with("AWS_REGION", REGION)
    }

    /// The endpoint of STS without TLS or proxy, for `AWS_ENDPOINT_URL_STS`.
    pub(crate) fn plain_endpoint(&self) -> &str {
        &self.endpoints.aws
    }

    /// The CA certificate of [`Self::environment`], in PEM form.
    pub(crate) fn ca(&self) -> &Path {
        &self.endpoints.ca
    }

    /// Declares identities and machines as described in the README. Returns the values that the stand-in generated.
    ///
    /// # Panics
    /// If the stand-in rejects the declaration. The other methods panic likewise.
    pub(crate) fn declare(&self, what: &Value) -> Value {
        self.control("POST", "/declare", what)
    }

    /// Adds a role with these trust policy statements.
    pub(crate) fn role(&self, arn: &str, trust: &[Value]) {
        self.declare(&json!({"roles": [{"arn": arn, "trust": trust}]}));
    }

    /// Adds an IAM user with a key.
    pub(crate) fn user(&self, arn: &str) -> Credentials {
        let response = self.declare(&json!({"users": [{"arn": arn}]}));
        read(response["users"][0].clone())
    }

    /// Adds or changes an instance, and returns the URL of its metadata service (IPv4). The README lists the
    /// fields; without `metadata` the URL is empty.
    pub(crate) fn instance(&self, fields: &Value) -> String {
        let response = self.declare(&json!({"instances": [fields]}));
        response["instances"][0]["ipv4"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Adds a container and returns the URL of its credentials (IPv4).
    pub(crate) fn container(&self, fields: &Value) -> String {
        let response = self.declare(&json!({"containers": [fields]}));
        response["containers"][0]["ipv4"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Returns credentials for sessions with these ARNs, as STS reports them, without checking a trust policy.
    pub(crate) fn sessions(&self, arns: &[&str]) -> Vec<Credentials> {
        let fields: Vec<_> = arns.iter().map(|arn| json!({"arn": arn})).collect();
        self.sessions_with(&fields)
    }

    /// Like the function above, with more fields.
    pub(crate) fn sessions_with(&self, fields: &[Value]) -> Vec<Credentials> {
        self.control("POST", "/sessions", &json!(fields))
    }

    /// Expires a session.
    pub(crate) fn expire(&self, access_key_id: &str) {
        let () = self.control("POST", "/expire", &json!({"accessKeyId": access_key_id}));
    }

    /// Returns a token of a declared OIDC issuer for the audience `sts.amazonaws.com`.
    pub(crate) fn web_identity(&self, issuer: &str, subject: &str) -> String {
        let fields = json!({"issuer": issuer, "subject": subject});
        self.web_identity_with(&fields)
    }

    /// Like the function above, with more fields.
    pub(crate) fn web_identity_with(&self, fields: &Value) -> String {
        let response: Value = self.control("POST", "/web-identity", fields);
        response["token"].as_str().unwrap_or_default().to_owned()
    }

    /// Makes the requests that match `fields` fail.
    pub(crate) fn fault(&self, fields: &Value) {
        let () = self.control("POST", "/faults", &json!([fields]));
    }

    /// Removes all faults.
    pub(crate) fn no_faults(&self) {
        let () = self.control("DELETE", "/faults", &Value::Null);
    }

    /// Returns the requests since [`Self::forget_requests`].
    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.control("GET", "/requests", &Value::Null)
    }

    pub(crate) fn forget_requests(&self) {
        let () = self.control("DELETE", "/requests", &Value::Null);
    }

    fn control<T: DeserializeOwned>(&self, method: &str, path: &str, body: &Value) -> T {
        // The server closes the connection early if it does not read the request body.
        let sent = (!body.is_null()).then(|| body.to_string());
        let sent = sent.unwrap_or_default();
        let (status, content) = plain_http::ask(&self.endpoints.control, method, path, &sent)
            .unwrap_or_else(|e| panic!("the stand-in does not respond: {e}"));
        assert_eq!(status, 200, "{method} {path} {body}: {content}");
        serde_json::from_str(&content).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }
}

/// Returns every secret key, session token and web identity token that the stand-in issued.
fn issued_secrets(control: &str) -> Option<Vec<String>> {
    let (_, content) = plain_http::ask(control, "GET", "/secrets", "").ok()?;
    serde_json::from_str(&content).ok()
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap_or_else(|e| panic!("the stand-in's answer: {e}"))
}

/// A trust policy statement that allows an AWS service, such as `ec2.amazonaws.com`.
pub(crate) fn trusts_service(name: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"Service": name}, "Action": "sts:AssumeRole"})
}

/// A trust policy statement that allows the principal with this ARN, or a whole account.
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
