//! Errors of reading desired state.

use crate::document::SectionName;
use crate::expiry::ExpiryError;

/// Why desired state was rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct DesiredError {
    /// The name of the input, such as a path.
    pub file: String,
    /// The line in the input, from 1.
    pub line: usize,
    pub reason: Box<Reason>,
}

impl DesiredError {
    /// Returns what the user can do about it, as a sentence.
    pub fn remedy(&self) -> String {
        self.reason.remedy()
    }
}

/// An error that does not know its file yet.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) reason: Reason,
}

impl Fault {
    pub(super) fn new(line: usize, reason: Reason) -> Self {
        Self { line, reason }
    }

    pub(super) fn of(self, file: &str) -> DesiredError {
        DesiredError {
            file: file.to_owned(),
            line: self.line,
            reason: Box::new(self.reason),
        }
    }
}

/// What is wrong with desired state. `what` names the value, such as "an item of mapRoles" or "`username`".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("not YAML: {0}")]
    Yaml(String),
    #[error("awsauth does not read aliases that add more than 1 MiB")]
    Aliases,
    #[error("Helm template text, not YAML yet: `{text}`")]
    Helm { text: String },
    #[error("no desired state: neither a mapping nor an empty list")]
    Empty,
    #[error("{what} has no value")]
    NoValue { what: String },
    #[error("{what} is {found}, but must be {expected}")]
    WrongType {
        what: String,
        expected: &'static str,
        found: &'static str,
    },
    #[error(
        "{what} is the unquoted {text}, which YAML reads as {kind}; the authenticator would read it as empty"
    )]
    Unquoted {
        what: String,
        text: String,
        kind: &'static str,
    },
    #[error("unknown field `{field}` in {what}")]
    UnknownField {
        field: String,
        what: String,
        nearest: Option<String>,
        known: String,
    },
    #[error("`{field}` does not belong in {what}")]
    OtherList {
        field: String,
        what: String,
        list: &'static str,
    },
    #[error("`{field}` is given twice")]
    Twice { field: String },
    #[error("both `{first}` and `{second}`, but a mapping has only one principal")]
    TwoPrincipals { first: String, second: String },
    #[error("both `{first}` and `{second}`, but an access entry has only one cluster")]
    TwoClusters { first: String, second: String },
    #[error("{what} has no principal: none of {choices}")]
    NoPrincipal { what: String, choices: String },
    #[error(
        "{who} has no username, and the authenticator would sign it in as the user with the empty name"
    )]
    NoUsername { who: String, suggestion: String },
    #[error(
        "account {account} cannot have `{field}`: mapAccounts maps each identity of the account to its own ARN, without groups"
    )]
    AccountOnly {
        account: String,
        field: &'static str,
    },
    #[error("`{account}` is not an AWS account id")]
    AccountId { account: String },
    #[error("`{arn}` is neither a role nor a user")]
    ArnKind { arn: String },
    #[error("{what} is empty")]
    EmptyText { what: String },
    #[error(
        "{what} starts or ends with white space, or contains a character that is not visible: {text:?}"
    )]
    Blank { what: String, text: String },
    #[error(
        "sso permissionSetName `{0}` is not valid: it must have 1 to 32 letters, digits or _+=,.@-"
    )]
    PermissionSet(String),
    #[error("sso partition `{0}` is not an AWS partition")]
    Partition(String),
    #[error(
        "an iamIdentityMappings item with `serviceName` also creates RBAC objects, which awsauth does not write"
    )]
    ServiceName,
    #[error("`{field}` is `{text}`, which is not a valid value")]
    Policy {
        field: &'static str,
        text: String,
        values: [&'static str; 2],
    },
    #[error("`{field}`: {error}")]
    Expiry { field: String, error: ExpiryError },
    #[error("{what} has no `{field}`")]
    MissingField { what: String, field: String },
    #[error("{who} has access policies, which aws-auth cannot give")]
    PoliciesInAwsAuth { who: String },
    #[error("{who} is for nodes of Auto Mode, which aws-auth cannot map")]
    AutoModeInAwsAuth { who: String },
    #[error("`{field}` together with `nodes`: EKS sets the permissions of nodes")]
    WithNodes { field: String },
    #[error("`{name}` is not a kind of nodes")]
    NodeKind { name: String },
    #[error("`{name}` has no account")]
    NoAccount { name: String },
    #[error("an access scope of type `{kind}` is not valid with these namespaces")]
    PolicyScope { kind: String },
    #[error("access entries cannot be applied to aws-auth")]
    AccessEntries,
    #[error("no clusters")]
    NoClusters,
    #[error("{what} has both `{first}` and `{second}`")]
    TwoConnections {
        what: String,
        first: String,
        second: String,
    },
    #[error("an object without `kind` is not supported")]
    NoKind,
    #[error("{kind} is not a supported kind")]
    Kind { kind: String },
    #[error("ConfigMap {namespace}/{name} is not kube-system/aws-auth")]
    OtherConfigMap { namespace: String, name: String },
    #[error("`{key}` must be a string that contains the list, not the list itself")]
    NotText { key: &'static str },
    #[error("the authenticator would not read all of {}: {}", section.key(), listed(problems))]
    Section {
        section: SectionName,
        /// The line in the file, and the authenticator's message.
        problems: Vec<(usize, String)>,
    },
    #[error("{} contains several YAML documents, but the authenticator reads only the first", section.key())]
    SeveralDocuments { section: SectionName },
    #[error("{who} is also requested at {other}, with {difference}")]
    Differs {
        who: String,
        other: String,
        difference: String,
    },
}

fn listed(problems: &[(usize, String)]) -> String {
    let lines: Vec<_> = problems
        .iter()
        .map(|(line, message)| format!("line {line}: {message}"))
        .collect();
    lines.join("; ")
}

const SUPPORTED: &str = "an aws-auth ConfigMap; mapRoles, mapUsers and mapAccounts as lists; a list of {rolearn|userarn|account, username, groups}; \
    the output of `awsauth get -o yaml`; eksctl.io/v1alpha5 ClusterConfig; iamauthenticator.k8s.aws/v1alpha1 IAMIdentityMapping; awsauth.dev/v1alpha1 AwsAuthMapping; \
    awsauth.dev/v1beta1 Access; eks.services.k8s.aws/v1alpha1 AccessEntry; a v1 List of these; a CloudFormation template; aws eks describe-access-entry";

impl Reason {
    fn remedy(&self) -> String {
        match self {
            Self::Yaml(_) => "Fix the YAML at this line.".into(),
            Self::Aliases => "Write the values out, or split the file.".into(),
            Self::Helm { .. } => "Render it first: `helm template RELEASE CHART | awsauth apply -f -`".into(),
            Self::Empty => "Write `[]` to request an empty list, so that an empty file never prunes by accident.".into(),
            Self::NoValue { what } => format!("Write `[]` after {what} if it must be empty, or remove it."),
            Self::WrongType { what, expected, .. } => format!("Make {what} {expected}."),
            Self::Unquoted { text, .. } => format!("Quote it: \"{text}\""),
            Self::UnknownField { nearest: Some(nearest), .. } => format!("Did you mean `{nearest}`?"),
            Self::UnknownField { known, .. } => format!("Known fields: {known}."),
            Self::OtherList { list, .. } => format!("Move the item to {list}."),
            Self::Twice { .. } => "Keep one of them.".into(),
            Self::TwoClusters { .. } => "Keep one of them: ACK does not accept both.".into(),
            Self::TwoPrincipals { .. } => "Split it into two items.".into(),
            Self::NoPrincipal { choices, .. } => format!("Add one of {choices}."),
            Self::NoUsername { suggestion, .. } => format!("Add one, such as `username: {suggestion}`."),
            Self::AccountOnly { field, .. } => {
                format!("Remove `{field}`, or map the roles and users of the account one by one.")
            }
            Self::AccountId { .. } => "Write the twelve digits without dashes or spaces.".into(),
            Self::ArnKind { .. } => {
                "Write arn:aws:iam::ACCOUNT:role/NAME or arn:aws:iam::ACCOUNT:user/NAME, or a whole `account`.".into()
            }
            Self::EmptyText { what } => format!("Give {what} a value."),
            Self::Blank { .. } => "Remove this character: names are compared exactly.".into(),
            Self::PermissionSet(_) => "Write the name of the permission set as IAM Identity Center shows it.".into(),
            Self::Partition(_) => "Remove `partition`.".into(),
            Self::ServiceName => "For EMR on EKS, replace the item by `arn: \
                arn:aws:iam::ACCOUNT:role/AWSServiceRoleForAmazonEMRContainers` with `username: emr-containers`, and create the \
                Role and RoleBinding `emr-containers` in its namespace, as docs/peers.md shows."
                .into(),
            Self::Policy { values: [one, other], .. } => format!("Write {one} or {other}."),
            Self::Expiry { .. } => "Write the time with its offset, the date alone, or never.".into(),
            Self::MissingField { field, .. } => format!("Add `{field}`."),
            Self::PoliciesInAwsAuth { .. } => "Add `withoutPolicies: {groups: [NAME]}` with groups that give similar permissions, or use an access entry: --backend access-entries.".into(),
            Self::AutoModeInAwsAuth { .. } => "Use an access entry: --backend access-entries.".into(),
            Self::WithNodes { field } => format!("Remove `{field}`."),
            Self::NodeKind { .. } => "Write linux, windows, fargate, hybrid or auto.".into(),
            Self::NoAccount { .. } => "Add `account`, write the ARN, or name the cluster, whose account is the default: --cluster-name NAME.".into(),
            Self::PolicyScope { .. } => "Write type cluster without namespaces, or type namespace with at least one.".into(),
            Self::AccessEntries => "Connect with a kubeconfig instead of --cluster-name when you run `awsauth get`; it then prints only aws-auth.".into(),
            Self::NoClusters => "Write a list of clusters, such as `- context: NAME`.".into(),
            Self::TwoConnections { .. } => "Keep `context` and `kubeconfig` to connect with a kubeconfig, or `clusterName`, `region`, `account` and `roleArn` to connect through EKS.".into(),
            Self::NoKind => "If it is the aws-auth ConfigMap, add `apiVersion: v1` and `kind: ConfigMap`.".into(),
            Self::Kind { .. } => format!("Supported: {SUPPORTED}."),
            Self::OtherConfigMap { .. } => "Use the ConfigMap aws-auth in namespace kube-system; the authenticator reads no other ConfigMap.".into(),
            Self::NotText { key } => format!("Put `|` after `{key}:`."),
            Self::Section { .. } => "Correct these lines: `awsauth lint` explains each, and `awsauth lint --fix` corrects most of them.".into(),
            Self::SeveralDocuments { .. } => "Remove the `---` lines inside the text.".into(),
            Self::Differs { .. } => "Keep one of the two.".into(),
        }
    }
}
