//! A client of an API server.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;

use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::runtime::Runtime;

/// Returns a client for the current context of a kubeconfig, to be used in this runtime.
pub(crate) fn of(kubeconfig: &Path, runtime: &Runtime) -> kube::Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    runtime.block_on(async {
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options);
        kube::Client::try_from(config.await.unwrap()).unwrap()
    })
}
