use jiff::Timestamp;

use crate::document::{Principal, SectionName};

/// An object that asks for a mapping, as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`
    pub uid: String,
    /// `metadata.generation`
    pub generation: i64,
    /// `metadata.creationTimestamp`
    pub created: Timestamp,
    /// Whether it is being deleted; an IAMIdentityMapping, which has no finalizer of ours, also when it is gone and
    /// [`State::release`](super::State::release) was not said of it yet.
    pub is_deleting: bool,
    /// Whether it has the finalizer `awsauth.dev/entry`.
    pub has_finalizer: bool,
    /// What it asks for, or why that can't be read; a fragment.
    pub spec: Result<Spec, String>,
    /// What was reported of it. Of an IAMIdentityMapping, what is remembered.
    pub status: Status,
}

/// The kinds of objects that ask for mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// `awsauth.dev/v1alpha1`
    AwsAuthMapping,
    /// `iamauthenticator.k8s.aws/v1alpha1`:
    /// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/deploy/iamidentitymapping.yaml>
    IamIdentityMapping,
}

/// What an object asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Whom to admit, as given: not mended.
    pub principal: Principal,
    /// As whom; `None` for an account.
    pub username: Option<String>,
    /// With which groups.
    pub groups: Vec<String>,
    /// What becomes of the entry when the object goes.
    pub deletion: DeletionPolicy,
    /// What is done when somebody else changes the entry.
    pub drift: DriftPolicy,
}

/// `spec.deletionPolicy`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// The entry goes with the object.
    #[default]
    Delete,
    /// It stays, and is nobody's.
    Retain,
}

/// `spec.driftPolicy`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DriftPolicy {
    /// The entry is made again what the object asks for.
    #[default]
    Repair,
    /// It is reported, and left as it is until the object's spec changes.
    Report,
}

/// An object's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The generation that it speaks of; `None` before the first report.
    pub observed_generation: Option<i64>,
    /// The ARN as entries are compared with it; `None` for an account, and where there is none.
    pub canonical_arn: Option<String>,
    /// The entry that is this object's, as it was last written for it.
    pub entry: Option<Recorded>,
    /// What is about to be written for it, and may have been.
    pub pending: Vec<Recorded>,
    /// Ready always, once reported; Reconciling and Stalled only while they are true.
    pub conditions: Vec<Condition>,
}

/// What was written for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Where.
    pub section: SectionName,
    /// The ARN or account, as written.
    pub key: String,
    /// Empty for an account.
    pub username: String,
    /// In the order of the spec.
    pub groups: Vec<String>,
}

/// A condition of an object: <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its `type`.
    pub kind: ConditionKind,
    /// Its `status`: True or False.
    pub is_true: bool,
    /// Its `reason`.
    pub reason: Reason,
    /// Its `message`, for people.
    pub message: String,
    /// Its `observedGeneration`.
    pub observed_generation: i64,
    /// Its `lastTransitionTime`, in whole seconds: since when it has this status.
    pub since: Timestamp,
}

/// The types of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConditionKind {
    /// Whether aws-auth says what the object asks for.
    Ready,
    /// Whether a write is under way.
    Reconciling,
    /// Whether nothing more is done until somebody does something.
    Stalled,
}

/// The reasons of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// aws-auth says what the object asks for.
    Applied,
    /// It is about to.
    Applying,
    /// The entry is about to go, with the object.
    Removing,
    /// Somebody else has changed the entry, and `driftPolicy` is Report.
    Drifted,
    /// The ARN is an older object's, or an entry's that no object has written.
    Conflict,
    /// Somebody changes the entry again and again.
    Contested,
    /// The configuration does not grant it, a guard stops it, or it can't be written at all.
    Refused,
    /// An access entry or the other list answers for the ARN, or nobody reads aws-auth.
    ShadowedBy,
    /// The section that it belongs to can't be read, or not be edited.
    Unreadable,
}

impl ObjectKind {
    /// Kubernetes's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwsAuthMapping => "AwsAuthMapping",
            Self::IamIdentityMapping => "IAMIdentityMapping",
        }
    }
}

impl ConditionKind {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 3] = [Self::Ready, Self::Reconciling, Self::Stalled];

    /// The condition's `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
        }
    }

    /// The one of this `type`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Applied,
        Self::Applying,
        Self::Removing,
        Self::Drifted,
        Self::Conflict,
        Self::Contested,
        Self::Refused,
        Self::ShadowedBy,
        Self::Unreadable,
    ];

    /// The condition's `reason`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "Applied",
            Self::Applying => "Applying",
            Self::Removing => "Removing",
            Self::Drifted => "Drifted",
            Self::Conflict => "Conflict",
            Self::Contested => "Contested",
            Self::Refused => "Refused",
            Self::ShadowedBy => "ShadowedBy",
            Self::Unreadable => "Unreadable",
        }
    }

    /// The one of this `reason`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl Status {
    /// The condition of a type.
    pub fn condition(&self, kind: ConditionKind) -> Option<&Condition> {
        self.conditions
            .iter()
            .find(|condition| condition.kind == kind)
    }

    /// The reason of Ready, by which objects are counted; `None` before the first report.
    pub fn reason(&self) -> Option<Reason> {
        Some(self.condition(ConditionKind::Ready)?.reason)
    }
}
