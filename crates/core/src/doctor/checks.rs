//! The checks: one file for each check, and one folder for each stage.

mod credentials;
mod endpoint;
mod kubeconfig;
pub(in crate::doctor) mod mapping;
mod nodes;
mod permissions;
mod token;

use super::check::Check;

/// Every check, in the order of the output.
pub static CHECKS: [Check; 46] = [
    kubeconfig::selected_cluster::CHECK,
    kubeconfig::exec_api_version::CHECK,
    kubeconfig::exec_command::CHECK,
    kubeconfig::exec_output::CHECK,
    kubeconfig::exec_arguments::CHECK,
    kubeconfig::static_token::CHECK,
    kubeconfig::cluster_entry_matches_eks::CHECK,
    kubeconfig::ignored_entries::CHECK,
    credentials::provider_chain::CHECK,
    credentials::profile::CHECK,
    credentials::web_identity::CHECK,
    credentials::container::CHECK,
    credentials::instance_metadata::CHECK,
    credentials::hop_limit::CHECK,
    credentials::instance_profile::CHECK,
    credentials::instance_profile_role::CHECK,
    credentials::expiration::CHECK,
    credentials::caller_identity::CHECK,
    credentials::clock_skew::CHECK,
    credentials::expected_identity::CHECK,
    credentials::region_and_partition::CHECK,
    credentials::assume_role_permission::CHECK,
    credentials::role_trust_policy::CHECK,
    token::format::CHECK,
    token::cluster_name::CHECK,
    token::size::CHECK,
    token::lifetime::CHECK,
    token::sts_verification::CHECK,
    endpoint::address::CHECK,
    endpoint::connection::CHECK,
    endpoint::liveness::CHECK,
    mapping::authentication_mode::CHECK,
    mapping::sign_in::CHECK,
    mapping::access_entry::CHECK,
    mapping::aws_auth::CHECK,
    mapping::lookup::CHECK,
    mapping::near_miss::CHECK,
    mapping::ignored_entry::CHECK,
    mapping::recent_change::CHECK,
    mapping::authenticator_log::CHECK,
    permissions::requested_permissions::CHECK,
    permissions::bindings::CHECK,
    permissions::failed_user_command::CHECK,
    nodes::node_roles::CHECK,
    nodes::node_name::CHECK,
    nodes::node_group_health::CHECK,
];
