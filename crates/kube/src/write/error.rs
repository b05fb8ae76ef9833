//! Why nothing was written, or why that is not known.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::MAX_SIZE;
use crate::history::NoCopy;
use crate::kind::Kind;
use crate::request_error::RequestError;
use crate::target::Target;
use crate::{HISTORY, NAME, NAMESPACE};

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is stored.
    Written,
    /// It is not stored and will not be.
    NotWritten,
    /// It was sent, and no answer tells.
    Unknown,
}

/// Why a write ended without its answer. `E` is why the plan couldn't be made.
#[derive(Debug, Error)]
pub enum WriteError<E: std::error::Error + 'static> {
    /// No plan could be made of what was read. Nothing was written.
    #[error(transparent)]
    Plan(E),
    /// A request failed. Nothing was written.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is no aws-auth, and none may be created.
    #[error("{NAMESPACE}/{NAME} does not exist, and it is not to be created")]
    Missing,
    /// There is no namespace to create it in.
    #[error("the cluster has no namespace {NAMESPACE}")]
    NamespaceMissing {
        /// The cluster.
        target: Arc<Target>,
    },
    /// The ConfigMap is marked `immutable: true`.
    #[error("{NAMESPACE}/{NAME} is marked immutable")]
    Immutable {
        /// The cluster.
        target: Arc<Target>,
    },
    /// Somebody has deleted the ConfigMap, and a finalizer still holds it.
    #[error("{NAMESPACE}/{NAME} is being deleted")]
    BeingDeleted {
        /// The cluster.
        target: Arc<Target>,
    },
    /// More than a ConfigMap holds.
    #[error("{NAMESPACE}/{NAME} would hold {size} bytes, and a ConfigMap holds {MAX_SIZE} at most")]
    TooLarge {
        /// The bytes it would hold.
        size: usize,
    },
    /// What is there now could be kept nowhere. Nothing was written.
    #[error("nothing is written without a copy of what is there now")]
    NoCopy {
        /// Why not.
        source: Arc<NoCopy>,
    },
    /// Others kept changing it. Nothing was written.
    #[error("{NAMESPACE}/{NAME} kept changing for {} s, through {attempts} attempts{}", timeout.as_secs_f32(), by.as_ref().map(|name| format!("; last changed by {name}")).unwrap_or_default())]
    Conflict {
        /// The field manager that changed it most often meanwhile.
        by: Option<String>,
        /// How often the write was tried.
        attempts: u32,
        /// For how long.
        timeout: Duration,
        /// The cluster.
        target: Arc<Target>,
    },
    /// The write was sent, no answer came, and reading again didn't tell.
    #[error("it is not known whether {NAMESPACE}/{NAME} was written")]
    Unknown {
        /// Why there is no answer.
        source: RequestError,
    },
    /// The caller was interrupted.
    #[error("interrupted; {}", match fate {
        Fate::Written => "the change was written",
        Fate::NotWritten => "nothing was written",
        Fate::Unknown => "it is not known whether the change was written",
    })]
    Interrupted {
        /// What became of the write.
        fate: Fate,
    },
}

impl<E: std::error::Error + 'static> WriteError<E> {
    /// Whether the write may have been carried out all the same.
    pub(super) fn may_be_written(&self) -> bool {
        match self {
            Self::Unknown { .. } => true,
            Self::Interrupted { fate } => *fate != Fate::NotWritten,
            _ => false,
        }
    }

    /// Which sort of failure it is; `None` for [`Plan`](Self::Plan), which the caller knows better.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Plan(_) => None,
            Self::Request(error) => Some(error.kind()),
            Self::Unknown { .. } => Some(Kind::Unreachable),
            Self::Conflict { .. } => Some(Kind::Conflict),
            Self::Interrupted { .. } => Some(Kind::Interrupted),
            Self::Missing
            | Self::NamespaceMissing { .. }
            | Self::Immutable { .. }
            | Self::BeingDeleted { .. }
            | Self::NoCopy { .. }
            | Self::TooLarge { .. } => Some(Kind::Refused),
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Plan(_) => return None,
            Self::Request(error) => error.hint(),
            Self::Missing => {
                "leave out --no-create, or wait for it with --wait 10m --wait-for-configmap".into()
            }
            Self::NamespaceMissing { target } => format!(
                "see whether this is the right cluster: {} get namespaces",
                target.kubectl()
            ),
            Self::Immutable { target } => {
                let kubectl = target.kubectl();
                format!(
                    "only a new object can differ: {kubectl} get configmap {NAME} -n {NAMESPACE} -o yaml >{NAME}.yaml; run this command \
                     with --file {NAME}.yaml; take out its line immutable: true; {kubectl} replace --force -f {NAME}.yaml"
                )
            }
            Self::BeingDeleted { target } => format!(
                "see what holds it, and run this again when it is gone: {} get configmap {NAME} -n {NAMESPACE} -o jsonpath='{{.metadata.finalizers}}'",
                target.kubectl()
            ),
            Self::NoCopy { source } => format!(
                "allow one of them: {} auth can-i patch configmaps/{HISTORY} -n {NAMESPACE}, or XDG_STATE_HOME=FOLDER; or write without a copy: --no-backup",
                source.cluster.target.kubectl()
            ),
            Self::TooLarge { .. } => {
                "remove what is no longer needed: awsauth get -o wide; awsauth unmap role ARN"
                    .into()
            }
            Self::Conflict { target, .. } => format!(
                "see who changes it, then run it again, with a longer --timeout if need be: {} get configmap {NAME} -n {NAMESPACE} --show-managed-fields -o yaml",
                target.kubectl()
            ),
            Self::Unknown { .. }
            | Self::Interrupted {
                fate: Fate::Unknown,
            } => "see what is stored: awsauth get; running this again is safe".into(),
            Self::Interrupted {
                fate: Fate::Written,
            } => "see what is stored: awsauth get".into(),
            Self::Interrupted {
                fate: Fate::NotWritten,
            } => "run it again".into(),
        })
    }
}
