//! The live aws-auth: connect to an API server, read the ConfigMap, write it back.
//!
//! Only this room names `kube`, and above it `controller`. What leaves it is plain data: [`Snapshot`](awsauth_core::snapshot::Snapshot)s,
//! typed errors with a [`Kind`] and a hint, and a [`Target`] for messages.

pub mod api_client;
pub mod backoff;
pub mod choice;
pub mod command_line;
pub mod connect;
mod discovery;
mod eks_name;
pub mod environment;
pub mod history;
pub mod interrupt;
pub mod karpenter;
pub mod kind;
pub mod known;
pub mod kubeconfig;
pub mod live;
pub mod managers;
pub mod next_sync;
pub mod nodes;
mod proxy;
pub mod rbac;
pub mod request_error;
pub mod review;
pub mod target;
pub mod tokens;
pub mod version;
pub mod wait;
pub mod write;

pub use api_client::Store;
pub use connect::{Place, connect, connect_to};
pub use eks_name::EksName;
pub use environment::Environment;
pub use kind::Kind;
pub use kubeconfig::Flags;
pub use live::Live;
pub use target::{AtEks, Target};
pub use tokens::Tokens;
pub use write::write;

/// The namespace of the ConfigMap that the authenticator reads.
pub const NAMESPACE: &str = "kube-system";
/// The name of the ConfigMap that the authenticator reads.
pub const NAME: &str = "aws-auth";
/// The name of the ConfigMap that keeps what aws-auth was before each write.
pub const HISTORY: &str = "awsauth-history";
/// The field manager under which awsauth writes.
pub const FIELD_MANAGER: &str = "awsauth";
/// The field manager under which it writes as a controller.
pub const CONTROLLER: &str = "awsauth-controller";

/// Whether a field manager is awsauth, at a desk or in a cluster.
pub fn is_own_manager(name: &str) -> bool {
    matches!(name, FIELD_MANAGER | CONTROLLER)
}
