//! moto in its own process. It accepts every signature and token, and its responses have the shapes of AWS.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use super::python::Packages;

/// A running moto. It ends when it is dropped, at the latest with the process.
pub(crate) struct Moto {
    process: Child,
    url: String,
    instances: BTreeMap<String, String>,
}

impl Moto {
    /// Starts moto with an EKS cluster for each `REGION/NAME`, and IAM objects as `tests/python/moto_server.py` defines them.
    pub(crate) fn start(clusters: &[&str]) -> Self {
        let mut python = Packages::Moto.python();
        python
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/python/moto_server.py"
            ))
            .args(clusters)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = python.spawn().expect("python runs");
        let stdout = process.stdout.take().expect("a pipe");
        let mut url = String::new();
        let mut stdout = BufReader::new(stdout);
        stdout.read_line(&mut url).expect("its URL");
        let mut instances = String::new();
        stdout.read_line(&mut instances).expect("its instances");
        Self {
            process,
            url: url.trim().to_owned(),
            instances: serde_json::from_str(&instances).expect("JSON"),
        }
    }

    /// Returns the id of the instance with this name.
    pub(crate) fn instance(&self, name: &str) -> &str {
        &self.instances[name]
    }

    /// For `AWS_ENDPOINT_URL`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
