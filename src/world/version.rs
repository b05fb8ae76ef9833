use super::live::{Cluster, kind, until_interrupted};
use crate::cluster::version::{ServerVersion, version};
use crate::edge::{Failure, Out};

impl Cluster {
    /// Asks the API server for its version.
    pub(super) fn version(&self, out: &Out) -> Result<ServerVersion, Failure> {
        let asking = version(self.store(), self.asked().timeout);
        let told = until_interrupted(self.runtime(), out, "Asking for the version", asking)?;
        told.map_err(|error| {
            let what = format!("cannot ask {} for its version", self.target());
            Failure::new(kind(error.kind()), what)
                .because(&error)
                .hint(error.hint())
        })
    }
}
