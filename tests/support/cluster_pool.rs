//! Clusters that tests use one after another. Each test finds the cluster as it was when it was created.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::ops::Deref;
use std::path::Path;

use super::cluster::Cluster;
use super::etcd::StoredObjects;
use super::pool::{Pool, PoolGuard};

/// Up to three clusters, each created on first use. They end with the process.
pub(crate) struct ClusterPool(Pool<ReusableCluster>);

/// Exclusive use of a cluster, until it is dropped.
pub(crate) struct ClusterGuard(PoolGuard<ReusableCluster>);

struct ReusableCluster {
    cluster: Cluster,
    objects: StoredObjects,
    files: BTreeSet<OsString>,
}

impl ClusterPool {
    pub(crate) const fn new() -> Self {
        Self(Pool::new())
    }

    /// Waits for a free cluster. It has only the objects and files of `create`: those that an earlier test left are removed.
    pub(crate) fn take(&'static self, create: impl FnOnce() -> Cluster) -> ClusterGuard {
        let guard = self.0.take(|| ReusableCluster::of(create()));
        guard.reset();
        ClusterGuard(guard)
    }
}

impl ClusterGuard {
    pub(crate) fn cluster(&self) -> &'static Cluster {
        &self.0.cluster
    }
}

impl Deref for ClusterGuard {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.cluster()
    }
}

impl ReusableCluster {
    fn of(cluster: Cluster) -> Self {
        Self {
            objects: StoredObjects::read(&cluster.etcd_url()),
            files: names(cluster.folder()),
            cluster,
        }
    }

    fn reset(&self) {
        self.objects.restore(&self.cluster.etcd_url());
        self.cluster.forget_requests();
        let folder = self.cluster.folder();
        for name in names(folder).difference(&self.files) {
            let path = folder.join(name);
            // A test may have left a symlink, or a folder without permissions.
            let _ = match path.symlink_metadata() {
                Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
                _ => fs::remove_file(path),
            };
        }
    }
}

fn names(folder: &Path) -> BTreeSet<OsString> {
    let entries = fs::read_dir(folder).expect("the cluster's folder");
    entries
        .map(|entry| entry.expect("an entry").file_name())
        .collect()
}
