//! The version of the API server.

use super::cluster::{Cluster, until_interrupted};
use super::failures::kind;
use crate::terminal::{Failure, Out};
use awsauth_kube::server_version::{ServerVersion, version};

impl Cluster {
    /// Requests the version of the API server.
    pub(super) fn version(&self, out: &Out) -> Result<ServerVersion, Failure> {
        let asking = version(self.client(), self.options().timeout());
        let version = until_interrupted(self.runtime(), out, "Asking for the version", asking)?;
        version.map_err(|error| {
            let what = format!("cannot get the version of {}", self.target());
            Failure::new(kind(error.kind()), what)
                .because(&error)
                .hint(error.hint())
        })
    }
}
