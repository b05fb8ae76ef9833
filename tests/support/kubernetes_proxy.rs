//! A proxy to an API server that can fail each request that writes: `tests/python/kubernetes_proxy.py`.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use super::certificates::Certificates;
use super::cluster::Cluster;
use super::python::Packages;
use super::python_server::PythonServer;

/// A running proxy. It ends when it is dropped, at the latest with the process.
pub(crate) struct KubernetesProxy {
    server: PythonServer,
    certificates: Certificates,
    folder: TempDir,
}

impl KubernetesProxy {
    pub(crate) fn start(cluster: &Cluster) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let certificates = Certificates::create(folder.path()).expect("certificates");
        let text = |path: PathBuf| path.display().to_string();
        let arguments = [
            folder.path().display().to_string(),
            text(certificates.server.clone()),
            text(certificates.server_key.clone()),
            cluster.server_url(),
            text(cluster.ca()),
        ];
        let arguments = arguments.each_ref().map(String::as_str);
        Self {
            server: PythonServer::start(Packages::Botocore, "kubernetes_proxy.py", &arguments),
            certificates,
            folder,
        }
    }

    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// Returns the CA certificate of the proxy, in PEM form.
    pub(crate) fn ca(&self) -> Vec<u8> {
        fs::read(&self.certificates.ca).expect("a certificate")
    }

    /// Sets the fault, in the form that the program describes.
    pub(crate) fn set_fault(&self, fault: &Value) {
        let path = self.folder.path().join("faults.json");
        fs::write(path, fault.to_string()).expect("a file");
    }

    /// Returns the requests that write, as the program logs them.
    pub(crate) fn writes(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.folder.path().join("requests.jsonl"));
        let read = |line: &str| serde_json::from_str(line).expect("a line of JSON");
        log.unwrap_or_default().lines().map(read).collect()
    }
}
