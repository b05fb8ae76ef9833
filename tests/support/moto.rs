//! moto in its own process. It accepts every signature and token, and its responses have the shapes of AWS.

use std::collections::BTreeMap;

use super::python::Packages;
use super::python_server::PythonServer;

/// A running moto. It ends when it is dropped, at the latest with the process.
pub(crate) struct Moto {
    server: PythonServer,
    instances: BTreeMap<String, String>,
}

impl Moto {
    /// Starts moto with an EKS cluster for each `REGION/NAME`, and IAM objects as `tests/python/moto_server.py` defines them.
    pub(crate) fn start(clusters: &[&str]) -> Self {
        let mut server = PythonServer::start(Packages::Moto, "moto_server.py", clusters);
        let instances = serde_json::from_str(&server.line()).expect("JSON");
        Self { server, instances }
    }

    /// Returns the id of the instance with this name.
    pub(crate) fn instance(&self, name: &str) -> &str {
        &self.instances[name]
    }

    /// For `AWS_ENDPOINT_URL`.
    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }
}
