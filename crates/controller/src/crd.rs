//! The AwsAuthMapping custom resource: its schema and its JSON form.
#![allow(clippy::duplicated_attributes, reason = "each column has its own type")]

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The definition of AwsAuthMapping, for `kubectl apply`.
pub fn definition() -> CustomResourceDefinition {
    AwsAuthMapping::crd()
}

/// One mapping of aws-auth: an IAM role or user with its Kubernetes user and groups, or a whole account.
#[derive(CustomResource, Clone, Debug, Default, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "awsauth.dev",
    version = "v1alpha1",
    kind = "AwsAuthMapping",
    plural = "awsauthmappings",
    shortname = "aam",
    category = "awsauth",
    status = "AwsAuthMappingStatus",
    doc = "One mapping of aws-auth. The controller's configuration determines what may be granted.",
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
    printcolumn(name = "Expires", type_ = "string", json_path = ".spec.expiresAt"),
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
    validation = Rule::new("[has(self.role), has(self.user), has(self.account), has(self.sso)].filter(given, given).size() == 1")
        .message("name exactly one of role, user, account and sso"),
    validation = Rule::new("!has(self.account) || (!has(self.username) && !has(self.groups) && !has(self.policies))")
        .message("an account has neither username, groups nor policies: the username of each of its identities is its own ARN"),
    validation = Rule::new("has(self.account) || has(self.username)")
        .message("username is missing: set the name of the Kubernetes user"),
    validation = Rule::new("!has(self.expiresAt) || self.deletionPolicy == 'Delete'")
        .message("expiresAt requires deletionPolicy Delete: with Retain, the entry of a deleted object would never expire"),
)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AwsAuthMappingSpec {
    /// The ARN of an IAM role, such as arn:aws:iam::111122223333:role/developer. The entry is written without the IAM path.
    #[schemars(with = "String", length(max = 1024))]
    #[x_kube(
        validation = Rule::new("self.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^ ]+$')")
            .message("role is the ARN of an IAM role, such as arn:aws:iam::111122223333:role/developer; of assumed-role/NAME/SESSION, it is role/NAME")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,

    /// The ARN of an IAM user with its path, such as arn:aws:iam::111122223333:user/alice.
    #[schemars(with = "String", length(max = 1024))]
    #[x_kube(
        validation = Rule::new("self.matches('^arn:aws[a-z-]*:(iam::[0-9]{12}:(user/[^ ]+|root)|sts::[0-9]{12}:federated-user/[^ ]+)$')")
            .message("user is the ARN of an IAM user, such as arn:aws:iam::111122223333:user/alice")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,

    /// An AWS account. All of its identities can sign in, each with its ARN as username.
    #[schemars(with = "String", regex(pattern = "^[0-9]{12}$"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,

    /// A permission set of IAM Identity Center. The entry is for its current role, which the controller finds in IAM.
    #[schemars(with = "PermissionSet")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso: Option<PermissionSet>,

    /// The Kubernetes username. The authenticator replaces {{SessionName}}, {{AccountID}} and {{EC2PrivateDNSName}}.
    #[schemars(with = "String", length(min = 1, max = 1024))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,

    /// The Kubernetes groups.
    #[schemars(
        with = "Vec<String>",
        length(max = 64),
        inner(length(min = 1, max = 253))
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,

    /// When the controller removes the entry from aws-auth, or deletes the access entry, such as 2027-01-31T18:00:00Z. This object stays.
    // The format alone allows strings that are not times, such as a time with more text after it.
    #[schemars(
        with = "String",
        length(max = 64),
        regex(
            pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
        ),
        extend("format" = "date-time")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,

    /// The EKS access policies. Only an access entry can have them.
    #[schemars(with = "Vec<RequestedPolicy>", length(max = 32))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<RequestedPolicy>>,

    /// Whether the entry is removed from aws-auth, or the access entry deleted, when this object is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// Whether the controller reverts changes that other clients make to the entry, or only reports them.
    #[serde(default)]
    pub drift_policy: DriftPolicy,
}

/// A permission set in an account.
#[derive(Clone, Debug, Default, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PermissionSet {
    /// The name of the permission set, such as Developers.
    #[schemars(regex(pattern = r"^[\w+=,.@-]{1,32}$"))]
    pub permission_set: String,

    /// The account in which the permission set is assigned.
    #[schemars(regex(pattern = "^[0-9]{12}$"))]
    pub account: String,
}

/// An access policy with its scope.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, KubeSchema)]
pub(crate) struct RequestedPolicy {
    /// A short name such as view, a name such as AmazonEKSViewPolicy, or an ARN.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,

    /// The namespaces; * matches any text. Without it, the policy applies in the whole cluster.
    #[schemars(
        with = "Vec<String>",
        length(min = 1, max = 64),
        inner(length(min = 1, max = 63))
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
}

/// What happens to the entry when the object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum DeletionPolicy {
    #[default]
    Delete,
    Retain,
}

/// How the controller handles changes by other clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum DriftPolicy {
    #[default]
    Repair,
    Report,
}

/// The current state. Written only by the controller.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AwsAuthMappingStatus {
    /// The generation of the spec that this status describes.
    #[schemars(with = "i64")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// The ARN in the form in which the authenticator compares it.
    #[schemars(with = "String")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical_arn: Option<String>,

    /// The entry of aws-auth that this object owns, as it was last written.
    #[schemars(with = "RecordedEntry")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<RecordedEntry>,

    /// The access entry that this object owns, as it was last written.
    #[schemars(with = "RecordedAccessEntry")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_entry: Option<RecordedAccessEntry>,

    /// The entries that are about to be written, or may have been written. Recorded before each write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<RecordedEntry>,

    /// Ready is always present. Reconciling and Stalled are present while they are true.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<RecordedCondition>,
}

/// An access entry as it was written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecordedAccessEntry {
    /// The ARN of the principal with its IAM path.
    pub principal_arn: String,
    /// The Kubernetes user.
    pub username: String,
    /// The Kubernetes groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The access policies by ARN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<RequestedPolicy>,
}

/// An entry of aws-auth as it was written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct RecordedEntry {
    /// mapRoles, mapUsers or mapAccounts.
    pub section: String,
    /// The ARN or the account id, as in aws-auth.
    pub key: String,
    /// The Kubernetes user.
    #[schemars(with = "String")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The Kubernetes groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// A standard Kubernetes condition.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordedCondition {
    /// The type of the condition.
    #[serde(rename = "type")]
    pub kind: String,
    /// True, False or Unknown.
    pub status: String,
    /// The generation of the spec that the condition describes.
    #[schemars(with = "i64")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When the status last changed.
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: String,
    /// The reason as one word.
    pub reason: String,
    /// The reason as a readable sentence.
    pub message: String,
}
