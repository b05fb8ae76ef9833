//! Errors of a write.

use std::sync::Arc;
use std::time::Duration;

use awsauth_core::facts::limits::CONFIG_MAP_BYTES;
use thiserror::Error;

use crate::connection_target::Target;
use crate::error_kind::ErrorKind;
use crate::history::NoCopy;
use crate::request_error::RequestError;
use crate::{HISTORY, NAME, NAMESPACE};

/// The final state of an interrupted write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalState {
    /// The change is stored.
    Written,
    /// The change is not stored and will not be.
    NotWritten,
    /// The change was sent, but no response confirmed it.
    Unknown,
}

/// Why a write failed. `E` is the error of the plan.
#[derive(Debug, Error)]
pub enum WriteError<E: std::error::Error + 'static> {
    /// The plan failed. Nothing was written.
    #[error(transparent)]
    Plan(E),
    /// A request failed. Nothing was written.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// aws-auth does not exist, and the options do not allow creating it.
    #[error("{NAMESPACE}/{NAME} does not exist, and --no-create forbids creating it")]
    Missing,
    /// Another client deleted aws-auth after this run had read it. A new aws-auth would have only the entries of this run.
    #[error("another client deleted {NAMESPACE}/{NAME} in the meantime; it was not created again")]
    Deleted,
    /// The namespace of aws-auth does not exist.
    #[error("the cluster has no namespace {NAMESPACE}")]
    NamespaceMissing { target: Arc<Target> },
    /// The ConfigMap is marked `immutable: true`.
    #[error("{NAMESPACE}/{NAME} is marked immutable")]
    Immutable { target: Arc<Target> },
    /// Another client has deleted the ConfigMap, and a finalizer still holds it.
    #[error("{NAMESPACE}/{NAME} is being deleted")]
    BeingDeleted { target: Arc<Target> },
    /// The result exceeds the maximum size of a ConfigMap.
    #[error(
        "{NAMESPACE}/{NAME} would be {size} bytes long, but the limit of a ConfigMap is {CONFIG_MAP_BYTES}"
    )]
    TooLarge { size: usize },
    /// No copy of the current state could be stored. Nothing was written.
    #[error("nothing was written, because no copy of the current content could be stored")]
    NoCopy { source: Arc<NoCopy> },
    /// Other clients kept changing aws-auth. Nothing was written.
    #[error("{NAMESPACE}/{NAME} kept changing for {} s, through {attempts} attempts{}", timeout.as_secs_f32(), by.as_ref().map(|name| format!("; last changed by {name}")).unwrap_or_default())]
    Conflict {
        /// The field manager that changed aws-auth most often in the meantime.
        by: Option<String>,
        /// The number of attempts.
        attempts: u32,
        timeout: Duration,
        target: Arc<Target>,
    },
    /// The write was sent, but neither a response nor another read confirmed it.
    #[error("it is unknown whether {NAMESPACE}/{NAME} was written")]
    Unknown {
        /// Why there was no response.
        source: RequestError,
    },
    /// The run was interrupted.
    #[error("interrupted; {}", match state {
        FinalState::Written => "the change was written",
        FinalState::NotWritten => "nothing was written",
        FinalState::Unknown => "it is unknown whether the change was written",
    })]
    Interrupted { state: FinalState },
}

impl<E: std::error::Error + 'static> WriteError<E> {
    /// Whether the write may have been applied.
    pub fn may_be_written(&self) -> bool {
        match self {
            Self::Unknown { .. } => true,
            Self::Interrupted { state } => *state != FinalState::NotWritten,
            _ => false,
        }
    }

    /// Returns the kind of failure; `None` for [`Plan`](Self::Plan), whose kind only the caller knows.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Plan(_) => None,
            Self::Request(error) => Some(error.kind()),
            Self::Unknown { .. } => Some(ErrorKind::Unreachable),
            Self::Conflict { .. } | Self::Deleted => Some(ErrorKind::Conflict),
            Self::Interrupted { .. } => Some(ErrorKind::Interrupted),
            Self::Missing
            | Self::NamespaceMissing { .. }
            | Self::Immutable { .. }
            | Self::BeingDeleted { .. }
            | Self::NoCopy { .. }
            | Self::TooLarge { .. } => Some(ErrorKind::Refused),
        }
    }

    /// Returns the next step for the user.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Plan(_) => return None,
            Self::Request(error) => error.hint(),
            Self::Missing => {
                "leave out --no-create, or wait for it with --wait 10m --wait-for-configmap".into()
            }
            Self::Deleted => {
                "restore its last content, then run this again: awsauth restore".into()
            }
            Self::NamespaceMissing { target } => format!(
                "check that this is the right cluster: {} get namespaces",
                target.kubectl()
            ),
            Self::Immutable { target } => {
                let kubectl = target.kubectl();
                format!(
                    "replace the object: {kubectl} get configmap {NAME} -n {NAMESPACE} -o yaml >{NAME}.yaml; run this command \
                     with --file {NAME}.yaml; remove its line immutable: true; {kubectl} replace --force -f {NAME}.yaml"
                )
            }
            Self::BeingDeleted { target } => format!(
                "list its finalizers, and run this again when it is deleted: {} get configmap {NAME} -n {NAMESPACE} -o jsonpath='{{.metadata.finalizers}}'",
                target.kubectl()
            ),
            Self::NoCopy { source } => format!(
                "allow one of these: {} auth can-i patch configmaps/{HISTORY} -n {NAMESPACE}, or XDG_STATE_HOME=FOLDER; or write without a copy: --no-backup",
                source.cluster.target.kubectl_as_user()
            ),
            Self::TooLarge { .. } => {
                "remove entries that are no longer needed: awsauth get -o wide; awsauth unmap role ARN"
                    .into()
            }
            Self::Conflict { target, .. } => format!(
                "check which client changes it, then run this again, with a longer --timeout if necessary: {} get configmap {NAME} -n {NAMESPACE} --show-managed-fields -o yaml",
                target.kubectl()
            ),
            Self::Unknown { .. }
            | Self::Interrupted {
                state: FinalState::Unknown,
            } => "check what is stored: awsauth get; it is safe to run this again".into(),
            Self::Interrupted {
                state: FinalState::Written,
            } => "check what is stored: awsauth get".into(),
            Self::Interrupted {
                state: FinalState::NotWritten,
            } => "run it again".into(),
        })
    }
}
