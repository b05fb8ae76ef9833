//! K1 to K8: the kubeconfig and its exec plugin.

pub(super) mod cluster_entry_matches_eks;
pub(super) mod exec_api_version;
pub(super) mod exec_arguments;
pub(super) mod exec_command;
pub(super) mod exec_output;
pub(crate) mod ignored_entries;
pub(super) mod selected_cluster;
pub(super) mod static_token;
