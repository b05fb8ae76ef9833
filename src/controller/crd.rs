//! The objects that are asked for: what the API server is told of them, and what comes of their JSON.
#![allow(
    clippy::duplicated_attributes,
    reason = "each column has a type of its own"
)]

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The definition of AwsAuthMapping, for `kubectl apply`.
pub(crate) fn definition() -> CustomResourceDefinition {
    AwsAuthMapping::crd()
}

/// One mapping of aws-auth: an IAM role or user and the Kubernetes user and groups that it becomes, or a whole account.
#[derive(CustomResource, Clone, Debug, Default, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "awsauth.dev",
    version = "v1alpha1",
    kind = "AwsAuthMapping",
    plural = "awsauthmappings",
    shortname = "aam",
    category = "awsauth",
    status = "AwsAuthMappingStatus",
    doc = "One mapping of aws-auth: who of AWS becomes which user of Kubernetes. What may be granted is for the controller's configuration to say.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(
        name = "Principal",
        type_ = "string",
        json_path = ".spec['role','user','account']"
    ),
    printcolumn(name = "Username", type_ = "string", json_path = ".spec.username"),
    printcolumn(name = "Groups", type_ = "string", json_path = ".spec.groups"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        priority = "1"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[x_kube(
    validation = Rule::new("[has(self.role), has(self.user), has(self.account)].filter(given, given).size() == 1")
        .message("name exactly one of role, user and account"),
    validation = Rule::new("!has(self.account) || (!has(self.username) && !has(self.groups))")
        .message("an account has neither username nor groups: each of its identities becomes a user named by its own ARN"),
    validation = Rule::new("has(self.account) || has(self.username)")
        .message("username is missing: who is it to be in Kubernetes?"),
)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AwsAuthMappingSpec {
    /// The ARN of an IAM role, such as arn:aws:iam::111122223333:role/developer. Its IAM path is left out where it is written.
    #[schemars(with = "String", length(max = 1024))]
    #[x_kube(
        validation = Rule::new("self.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^ ]+$')")
            .message("role is the ARN of an IAM role, such as arn:aws:iam::111122223333:role/developer; of assumed-role/NAME/SESSION, it is role/NAME")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,

    /// The ARN of an IAM user with its path, such as arn:aws:iam::111122223333:user/alice.
    #[schemars(with = "String", length(max = 1024))]
    #[x_kube(
        validation = Rule::new("self.matches('^arn:aws[a-z-]*:(iam::[0-9]{12}:(user/[^ ]+|root)|sts::[0-9]{12}:federated-user/[^ ]+)$')")
            .message("user is the ARN of an IAM user, such as arn:aws:iam::111122223333:user/alice")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,

    /// An AWS account, all of whose identities are let in, each as a user named by its ARN.
    #[schemars(with = "String", regex(pattern = "^[0-9]{12}$"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,

    /// The Kubernetes user. The authenticator fills in {{SessionName}}, {{AccountID}} and {{EC2PrivateDNSName}}.
    #[schemars(with = "String", length(min = 1, max = 1024))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,

    /// The Kubernetes groups.
    #[schemars(
        with = "Vec<String>",
        length(max = 64),
        inner(length(min = 1, max = 253))
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) groups: Option<Vec<String>>,

    /// Whether the entry goes from aws-auth when this object does.
    #[serde(default)]
    pub(crate) deletion_policy: DeletionPolicy,

    /// Whether the entry is put back when somebody else changes it in aws-auth, or that is only reported.
    #[serde(default)]
    pub(crate) drift_policy: DriftPolicy,
}

/// What becomes of the entry when the object goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub(crate) enum DeletionPolicy {
    #[default]
    Delete,
    Retain,
}

/// What is done about somebody else's change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub(crate) enum DriftPolicy {
    #[default]
    Repair,
    Report,
}

/// What came of it. Written by the controller alone.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AwsAuthMappingStatus {
    /// The generation of the spec that this is about.
    #[schemars(with = "i64")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) observed_generation: Option<i64>,

    /// Whom the authenticator takes the principal for: the form in which it compares ARNs.
    #[schemars(with = "String")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) canonical_arn: Option<String>,

    /// The entry of aws-auth that is this object's own, as it was last written for it.
    #[schemars(with = "RecordedEntry")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<RecordedEntry>,

    /// What is about to be written for it, and may have been: recorded before it is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) pending: Vec<RecordedEntry>,

    /// Ready always; Reconciling and Stalled while they are true.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) conditions: Vec<RecordedCondition>,
}

/// An entry of aws-auth, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub(crate) struct RecordedEntry {
    /// mapRoles, mapUsers or mapAccounts.
    pub(crate) section: String,
    /// The ARN or the account, as it stands there.
    pub(crate) key: String,
    /// The Kubernetes user.
    #[schemars(with = "String")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// The Kubernetes groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<String>,
}

/// A condition, as Kubernetes has them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecordedCondition {
    /// What it is about.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// True, False or Unknown.
    pub(crate) status: String,
    /// The generation of the spec that it is about.
    #[schemars(with = "i64")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) observed_generation: Option<i64>,
    /// When the status last changed.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) last_transition_time: String,
    /// Why, in one word.
    pub(crate) reason: String,
    /// Why, in a sentence for people.
    pub(crate) message: String,
}
