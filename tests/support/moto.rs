//! moto's AWS, in a process of its own: it believes every signature and every token, and answers with AWS's shapes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use super::python::Packages;

/// A running one. It ends with its value, and with the process in any case.
pub(crate) struct Moto {
    process: Child,
    url: String,
}

impl Moto {
    /// With an EKS cluster for each `REGION/NAME`, and what IAM has as `tests/python/clusters.py` takes it.
    pub(crate) fn start(clusters: &[&str]) -> Self {
        let mut python = Packages::Moto.python();
        python
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/python/clusters.py"
            ))
            .args(clusters)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = python.spawn().expect("python runs");
        let stdout = process.stdout.take().expect("a pipe");
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url).expect("its URL");
        Self {
            process,
            url: url.trim().to_owned(),
        }
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
