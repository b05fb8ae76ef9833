//! Access to the cluster: connects to an API server, and reads and writes aws-auth.
//!
//! Only this crate and `controller` use the `kube` crate. Their callers get plain data:
//! [`Snapshot`](awsauth_core::aws_auth_snapshot::Snapshot)s, errors with an [`ErrorKind`] and a hint, and a [`Target`] for
//! messages.

pub mod access_review;
mod api_client;
pub mod backoff;
pub mod bind_cluster_admin;
pub mod command_line;
pub mod connect;
mod connect_error;
mod connection_target;
pub mod discovery;
mod eks_name;
pub mod environment;
mod error_kind;
pub mod field_managers;
pub mod guard_facts;
pub mod history;
pub mod interrupt;
pub mod kubeconfig;
mod live_config_map;
mod misplaced_aws_auth;
pub mod node_classes;
pub mod node_readiness;
pub mod nodes;
pub mod other_tools_sync;
mod proxy;
pub mod rbac;
pub mod request_error;
pub mod selected_context;
pub mod server_certificate;
pub mod server_version;
pub mod token_renewal;
pub mod wait_for_cluster;
pub mod write;

pub use api_client::ApiClient;
pub use connect::{EksEndpoint, connect, connect_to};
pub use connection_target::{EksClusterId, Impersonated, Target};
pub use eks_name::EksName;
pub use environment::Environment;
pub use error_kind::ErrorKind;
pub use kubeconfig::Flags;
pub use live_config_map::Live;
pub use misplaced_aws_auth::misplaced_aws_auth;
pub use proxy::of_environment as proxy_of_environment;
pub use token_renewal::Tokens;
pub use write::write;

/// The namespace of the ConfigMap that the authenticator reads.
pub const NAMESPACE: &str = "kube-system";
/// The name of the ConfigMap that the authenticator reads.
pub const NAME: &str = "aws-auth";
/// The name of the ConfigMap with the revisions of aws-auth.
pub const HISTORY: &str = "awsauth-history";
/// The field manager of the command-line program.
pub const FIELD_MANAGER: &str = "awsauth";
/// The field manager of the controller.
pub const CONTROLLER: &str = "awsauth-controller";

/// Whether a field manager is the command-line program or the controller.
pub fn is_own_manager(name: &str) -> bool {
    matches!(name, FIELD_MANAGER | CONTROLLER)
}
