//! The objects that request mappings: kind, spec, status and conditions.

use jiff::Timestamp;

use crate::access_entries::NamedPolicy;
use crate::document::{Principal, SectionName};
use crate::facts::access_entries::{AccessPolicy, AccessTerms};

/// An object that requests a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub kind: ObjectKind,
    pub name: String,
    pub uid: String,
    pub generation: i64,
    /// `metadata.creationTimestamp`
    pub created: Timestamp,
    /// Whether the object is being deleted. An IAMIdentityMapping has no finalizer, so this is also true after it was deleted, until
    /// [`ObjectReport::remove_finalizer`](super::ObjectReport::remove_finalizer) is set.
    pub is_deleting: bool,
    /// Whether the object has the finalizer `awsauth.dev/entry`.
    pub has_finalizer: bool,
    pub spec: Result<Spec, InvalidSpec>,
    /// The status. That of an IAMIdentityMapping exists only in the controller's memory.
    pub status: Status,
}

/// The kinds of objects that request mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// `awsauth.dev/v1alpha1`
    AwsAuthMapping,
    /// `iamauthenticator.k8s.aws/v1alpha1`:
    /// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/deploy/iamidentitymapping.yaml>
    IamIdentityMapping,
}

/// The requested mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The principal as the user wrote it, not normalized.
    pub principal: Principal,
    /// The username; `None` for an account.
    pub username: Option<String>,
    pub groups: Vec<String>,
    /// The access policies, which only an access entry can have.
    pub policies: Vec<NamedPolicy>,
    pub deletion: DeletionPolicy,
    pub drift: DriftPolicy,
    /// When the entry is removed: `spec.expiresAt`.
    pub expires_at: Option<Timestamp>,
}

/// An invalid spec, with what still applies to the entry that the object already has: otherwise, a user could keep it with an edit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvalidSpec {
    /// Why the spec is invalid; a sentence fragment.
    pub why: String,
    /// As in [`Spec`], if it is valid.
    pub deletion: DeletionPolicy,
    /// As in [`Spec`]. [`Timestamp::MIN`] if it is not a valid time, so that the access ends at once.
    pub expires_at: Option<Timestamp>,
}

impl Object {
    /// Returns what happens to the entry when the object is deleted.
    pub(super) fn deletion(&self) -> DeletionPolicy {
        match &self.spec {
            Ok(spec) => spec.deletion,
            Err(invalid) => invalid.deletion,
        }
    }

    /// Returns when the entry is removed.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match &self.spec {
            Ok(spec) => spec.expires_at,
            Err(invalid) => invalid.expires_at,
        }
    }

    /// Returns the message about an object whose `expiresAt` has passed; `None` if it has none.
    pub(super) fn expiry_message(&self) -> Option<String> {
        let expires_at = self.expires_at()?;
        let passed = format!("expiresAt {expires_at} has passed");
        Some(match &self.spec {
            Ok(_) => passed,
            Err(invalid) if expires_at == Timestamp::MIN => {
                format!("the spec is invalid: {}", invalid.why)
            }
            Err(invalid) => format!("{passed}; the spec is invalid: {}", invalid.why),
        })
    }
}

/// What happens to the entry when the object is deleted: `spec.deletionPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// The entry is removed.
    #[default]
    Delete,
    /// The entry is kept, without an owner.
    Retain,
}

/// What happens when another client changes the entry: `spec.driftPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DriftPolicy {
    /// The controller reverts the change.
    #[default]
    Repair,
    /// The controller reports the change, and keeps it until the object's spec changes.
    Report,
}

/// An object's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The generation that the status describes; `None` before the first report.
    pub observed_generation: Option<i64>,
    /// The ARN in the form that the authenticator compares; `None` for an account and for an invalid spec.
    pub canonical_arn: Option<String>,
    /// The entry that the object owns, as it was last written.
    pub entry: Option<EntryRecord>,
    /// The entries that are about to be written, or may have been written.
    pub pending: Vec<EntryRecord>,
    /// The access entry that the object owns, as it was last written or found.
    pub access_entry: Option<AccessEntryRecord>,
    /// Always contains Ready after the first report; contains Reconciling and Stalled only while they are true.
    pub conditions: Vec<Condition>,
}

/// An entry of aws-auth, as it was written for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRecord {
    pub section: SectionName,
    /// The ARN or account, as written.
    pub key: String,
    /// The username; empty for an account.
    pub username: String,
    /// The groups in the order of the spec.
    pub groups: Vec<String>,
}

/// An access entry, as it was written for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntryRecord {
    /// With its IAM path.
    pub principal_arn: String,
    pub username: String,
    pub groups: Vec<String>,
    pub policies: Vec<AccessPolicy>,
}

/// A condition of an object: <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `type`
    pub kind: ConditionKind,
    /// `status`: True or False.
    pub is_true: bool,
    pub reason: Reason,
    pub message: String,
    pub observed_generation: i64,
    /// `lastTransitionTime`, in whole seconds.
    pub since: Timestamp,
}

/// The types of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConditionKind {
    /// The requested mapping is in the store that the cluster reads.
    Ready,
    /// A write is in progress.
    Reconciling,
    /// The controller needs a user's action to continue.
    Stalled,
}

/// The reasons of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// aws-auth or an access entry contains the requested mapping.
    Applied,
    /// The requested entry is about to be written.
    Applying,
    /// The entry is about to be removed, because the object is being deleted.
    Removing,
    /// Another client changed the entry, and `driftPolicy` is Report.
    Drifted,
    /// An older object requests the same ARN, or an entry that no object owns maps it.
    Conflict,
    /// Another client keeps changing the entry.
    Contested,
    /// `expiresAt` has passed.
    Expired,
    /// The configuration does not grant the request, a guard refuses it, aws-auth is full, or it is invalid.
    Refused,
    /// The entry has no effect: an access entry or the other list applies to the ARN, or the cluster does not read aws-auth.
    ShadowedBy,
    /// The section of the entry cannot be read or edited.
    Unreadable,
    /// An access entry cannot express the spec.
    Unsupported,
    /// EKS refused a call about the access entry, or did not answer.
    AwsError,
}

impl ObjectKind {
    /// Returns the `kind` of the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwsAuthMapping => "AwsAuthMapping",
            Self::IamIdentityMapping => "IAMIdentityMapping",
        }
    }
}

impl ConditionKind {
    /// All condition types, in the order in which they are reported.
    pub const ALL: [Self; 3] = [Self::Ready, Self::Reconciling, Self::Stalled];

    /// Returns the `type` of the condition.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
        }
    }

    /// Returns the kind with this `type`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Reason {
    pub const ALL: [Self; 12] = [
        Self::Applied,
        Self::Applying,
        Self::Removing,
        Self::Drifted,
        Self::Conflict,
        Self::Contested,
        Self::Expired,
        Self::Refused,
        Self::ShadowedBy,
        Self::Unreadable,
        Self::Unsupported,
        Self::AwsError,
    ];

    /// Returns the `reason` of the condition.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "Applied",
            Self::Applying => "Applying",
            Self::Removing => "Removing",
            Self::Drifted => "Drifted",
            Self::Conflict => "Conflict",
            Self::Contested => "Contested",
            Self::Expired => "Expired",
            Self::Refused => "Refused",
            Self::ShadowedBy => "ShadowedBy",
            Self::Unreadable => "Unreadable",
            Self::Unsupported => "Unsupported",
            Self::AwsError => "AwsError",
        }
    }

    /// Returns the reason with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl AccessEntryRecord {
    /// Returns the contents of the entry.
    pub(super) fn terms(&self) -> AccessTerms {
        AccessTerms {
            username: Some(self.username.clone()),
            groups: self.groups.clone(),
            policies: Some(self.policies.clone()),
            ..AccessTerms::default()
        }
    }
}

impl Status {
    pub fn condition(&self, kind: ConditionKind) -> Option<&Condition> {
        self.conditions
            .iter()
            .find(|condition| condition.kind == kind)
    }

    /// Returns the reason of the condition Ready; `None` before the first report.
    pub fn reason(&self) -> Option<Reason> {
        Some(self.condition(ConditionKind::Ready)?.reason)
    }
}
