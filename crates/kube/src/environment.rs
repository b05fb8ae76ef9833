//! The part of the process environment that affects connections, as a value that tests can replace.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The folder of a pod's service account.
///
/// <https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The variables and folders that kubectl consults. The default is empty.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `KUBECONFIG`: a list of files to merge.
    pub kubeconfig: Option<OsString>,
    /// The folder that holds `.kube/config`.
    pub home: Option<PathBuf>,
    /// `HTTPS_PROXY` or `https_proxy`.
    pub https_proxy: Option<String>,
    /// `HTTP_PROXY` or `http_proxy`, which applies to servers with an `http:` URL.
    pub http_proxy: Option<String>,
    /// `NO_PROXY` or `no_proxy`.
    pub no_proxy: Option<String>,
    /// `KUBERNETES_SERVICE_HOST`, which a pod has.
    pub service_host: Option<String>,
    /// `KUBERNETES_SERVICE_PORT`, which a pod has.
    pub service_port: Option<String>,
    /// The folder with a pod's `token` and `ca.crt`.
    pub service_account: PathBuf,
}

impl Environment {
    /// Reads the environment of this process.
    pub fn of_process() -> Self {
        let text = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            kubeconfig: env::var_os("KUBECONFIG").filter(|value| !value.is_empty()),
            home: env::home_dir(),
            https_proxy: text("HTTPS_PROXY").or_else(|| text("https_proxy")),
            http_proxy: text("HTTP_PROXY").or_else(|| text("http_proxy")),
            no_proxy: text("NO_PROXY").or_else(|| text("no_proxy")),
            service_host: text("KUBERNETES_SERVICE_HOST"),
            service_port: text("KUBERNETES_SERVICE_PORT"),
            service_account: PathBuf::from(SERVICE_ACCOUNT),
        }
    }

    /// Whether this is a pod with a service account.
    pub(crate) fn is_pod(&self) -> bool {
        self.service_host.is_some()
            && self.service_port.is_some()
            && self.service_account.join("token").is_file()
    }
}
