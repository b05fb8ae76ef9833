//! What EKS accepts as an access entry.
//!
//! Unless another source is named, the source is
//! <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>.

use thiserror::Error;

use crate::arn::{ArnError, Kind, Normalized, Parts, canonical, normalize};
use crate::authenticator::Placeholder;
use crate::facts::access_entries::{AccessEntry, STANDARD};
use crate::facts::accounts::is_account_id;
use crate::facts::groups::MASTERS;

/// The most access entries of a cluster; AWS does not raise it:
/// <https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html>
pub const MAX_ENTRIES: usize = 3000;

/// The types of access entries:
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html>
pub const TYPES: [&str; 7] = [
    STANDARD,
    "EC2_LINUX",
    "EC2_WINDOWS",
    "FARGATE_LINUX",
    "EC2",
    "HYBRID_LINUX",
    "HYPERPOD_LINUX",
];

/// The type of the nodes of EKS Auto Mode, which can have access policies:
/// <https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html>
const AUTO_MODE: &str = "EC2";

/// The prefixes of usernames that EKS refuses.
const RESERVED_USERNAMES: [&str; 5] = ["system:", "eks:", "aws:", "amazon:", "iam:"];

/// The prefix of groups that EKS refuses. Its message is `The kubernetes group name system:masters is invalid, it cannot
/// start with system:`, see <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2915>.
const RESERVED_GROUPS: &str = "system:";

/// The IAM path of service-linked roles:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>
const SERVICE_LINKED_PATH: &str = "/aws-service-role/";
/// The start of their names: <https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html>
const SERVICE_LINKED_NAME: &str = "AWSServiceRoleFor";

/// The limits of tags: <https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html>
const MAX_TAGS: usize = 50;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;
const RESERVED_TAGS: &str = "aws:";

/// The first platform version of each Kubernetes version that has access entries. Later Kubernetes versions always have
/// them, earlier ones never: <https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html>
const FIRST_PLATFORMS: [(u32, u32); 8] = [
    (23, 17),
    (24, 15),
    (25, 12),
    (26, 11),
    (27, 10),
    (28, 6),
    (29, 1),
    (30, 2),
];

/// Why EKS refuses an access entry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    #[error("{arn} is not the ARN of a role or user")]
    NotAPrincipal { arn: String },
    /// EKS's message is `The principalArn parameter format is not valid`:
    /// <https://github.com/aws-samples/appmod-blueprints/issues/319>
    #[error("{arn} is one session of a role, and EKS accepts only the role")]
    Session { arn: String, role: String },
    /// EKS documents roles and users only.
    #[error("EKS documents no access entries for a {what}")]
    NotARoleOrUser { what: &'static str },
    /// <https://github.com/hashicorp/terraform-provider-aws/issues/36447>
    #[error("EKS does not let callers create access entries for service-linked roles")]
    ServiceLinkedRole,
    #[error("the principal is in the partition {partition}, the cluster in {cluster}")]
    OtherPartition { partition: String, cluster: String },
    #[error("{kind} is not a type of access entries")]
    UnknownType { kind: String },
    #[error("an access entry of type {kind} needs a role of the cluster's own account")]
    NodeTypePrincipal { kind: String },
    #[error("the type {kind} sets the username and the groups itself")]
    NodeTypeTerms { kind: String },
    /// EKS's message is `This operation can only be performed on Access Entries with a type of "STANDARD".`:
    /// <https://github.com/aws-controllers-k8s/community/issues/2144>
    #[error("an access entry of type {kind} cannot have access policies")]
    NodeTypePolicies { kind: String },
    #[error("the username is empty")]
    EmptyUsername,
    #[error("EKS reserves usernames that start with {prefix}")]
    ReservedUsername { prefix: &'static str },
    #[error("a colon must precede {} in the username", .placeholder.text())]
    NoColon { placeholder: Placeholder },
    #[error("EKS does not document {text} in usernames")]
    Placeholder { text: String },
    #[error("EKS refuses groups that start with system:, such as {group}")]
    SystemGroup { group: String },
    #[error("EKS documents no placeholders in groups, such as {group}")]
    GroupPlaceholder { group: String },
    #[error("{count} tags are more than {MAX_TAGS}")]
    TagCount { count: usize },
    #[error(
        "the tag {key} is too long: EKS allows {MAX_TAG_KEY} characters, and {MAX_TAG_VALUE} in the value"
    )]
    TagLength { key: String },
    #[error("AWS reserves tags that start with {RESERVED_TAGS}, such as {key}")]
    ReservedTag { key: String },
}

impl Violation {
    /// Returns what to do instead, as the object of "to fix it:".
    pub fn remedy(&self) -> String {
        match self {
            Self::NotAPrincipal { .. } => {
                "give the ARN as aws iam get-role or aws iam get-user prints it".to_owned()
            }
            Self::Session { role, .. } => format!("give the role: {role}, with its IAM path"),
            Self::NotARoleOrUser { .. } => "let the caller assume a role".to_owned(),
            Self::ServiceLinkedRole => {
                "leave it to the AWS service, which may create its access entry itself".to_owned()
            }
            Self::OtherPartition { .. } => "give a principal of the cluster's partition".to_owned(),
            Self::UnknownType { .. } => format!("choose one of {}", TYPES.join(", ")),
            Self::NodeTypePrincipal { .. } => {
                "give the nodes a role of the cluster's account".to_owned()
            }
            Self::NodeTypeTerms { kind } => {
                format!("leave out the username and the groups, or use the type {STANDARD} instead of {kind}")
            }
            Self::NodeTypePolicies { .. } => format!("use the type {STANDARD}"),
            Self::EmptyUsername => "leave it out: EKS then sets one from the ARN".to_owned(),
            Self::ReservedUsername { .. } => {
                "choose another username, and bind it like the old one".to_owned()
            }
            Self::NoColon { .. } => {
                "put text with a colon before it, such as role:{{SessionName}}, and change the bindings of the username"
                    .to_owned()
            }
            Self::Placeholder { .. } => {
                "use {{SessionName}} or {{SessionNameRaw}}, and change the bindings of the username"
                    .to_owned()
            }
            Self::SystemGroup { group } if group == MASTERS => {
                "give a group that is bound to cluster-admin, or associate AmazonEKSClusterAdminPolicy"
                    .to_owned()
            }
            Self::SystemGroup { .. } => {
                "bind another group to the same roles, and give that group".to_owned()
            }
            Self::GroupPlaceholder { .. } => {
                "give a fixed group, or bind the usernames of the sessions".to_owned()
            }
            Self::TagCount { .. } => format!("give at most {MAX_TAGS}"),
            Self::TagLength { .. } => "shorten the key or the value".to_owned(),
            Self::ReservedTag { .. } => "choose another key".to_owned(),
        }
    }
}

/// Returns every reason why EKS refuses the entry. An entry without terms is checked for its principal only. `cluster_arn`
/// is the ARN of the cluster, if it is known.
///
/// EKS also refuses principals that do not exist or whose role path is missing, which only IAM knows.
pub fn validate(entry: &AccessEntry, cluster_arn: Option<&str>) -> Vec<Violation> {
    let cluster = cluster_arn.and_then(Parts::of);
    let mut violations: Vec<_> = principal(&entry.principal_arn, cluster.as_ref())
        .err()
        .into_iter()
        .collect();
    let Some(terms) = &entry.terms else {
        return violations;
    };
    let kind = terms.kind.as_str();
    if !TYPES.contains(&kind) {
        violations.push(Violation::UnknownType {
            kind: kind.to_owned(),
        });
    } else if kind != STANDARD {
        let kind = || kind.to_owned();
        let parts = Parts::of(&entry.principal_arn);
        let is_own = parts.is_some_and(|parts| {
            parts.is("iam", "role")
                && cluster.is_none_or(|cluster| parts.account == cluster.account)
        });
        if !is_own {
            violations.push(Violation::NodeTypePrincipal { kind: kind() });
        }
        if terms.username.is_some() || !terms.groups.is_empty() {
            violations.push(Violation::NodeTypeTerms { kind: kind() });
        }
        if !terms.policies().is_empty() && terms.kind != AUTO_MODE {
            violations.push(Violation::NodeTypePolicies { kind: kind() });
        }
    } else {
        violations.extend(
            terms
                .username
                .as_deref()
                .and_then(|name| username(name).err()),
        );
        violations.extend(
            terms
                .groups
                .iter()
                .filter_map(|name| validate_group(name).err()),
        );
    }
    if terms.tags.len() > MAX_TAGS {
        let count = terms.tags.len();
        violations.push(Violation::TagCount { count });
    }
    for (key, value) in &terms.tags {
        if key.starts_with(RESERVED_TAGS) {
            violations.push(Violation::ReservedTag { key: key.clone() });
        }
        let is_short = (1..=MAX_TAG_KEY).contains(&key.chars().count());
        if !is_short || value.chars().count() > MAX_TAG_VALUE {
            violations.push(Violation::TagLength { key: key.clone() });
        }
    }
    violations
}

/// Checks the ARN of a principal.
fn principal(arn: &str, cluster: Option<&Parts<'_>>) -> Result<(), Violation> {
    let invalid = || Violation::NotAPrincipal {
        arn: arn.to_owned(),
    };
    let parts = Parts::of(arn).ok_or_else(invalid)?;
    let kind = match canonical(arn) {
        Ok(canonical) => canonical.kind,
        Err(ArnError::Partition(_)) if cluster.is_some_and(|c| c.partition == parts.partition) => {
            // A partition that is newer than this program.
            match parts.kind {
                "role" => Kind::Role,
                _ => Kind::User,
            }
        }
        Err(_) => return Err(invalid()),
    };
    match kind {
        Kind::Role | Kind::User => {}
        Kind::AssumedRole => {
            return Err(match normalize(arn) {
                Normalized::Session { role } => Violation::Session {
                    arn: arn.to_owned(),
                    role,
                },
                Normalized::AsGiven | Normalized::PathDropped { .. } => invalid(),
            });
        }
        Kind::Root => return Err(Violation::NotARoleOrUser { what: "root user" }),
        Kind::FederatedUser => {
            return Err(Violation::NotARoleOrUser {
                what: "federated user",
            });
        }
    }
    if !is_account_id(parts.account) || !parts.region.is_empty() || !parts.has_valid_name() {
        return Err(invalid());
    }
    if kind == Kind::Role && is_service_linked(&parts) {
        return Err(Violation::ServiceLinkedRole);
    }
    match cluster.filter(|cluster| cluster.partition != parts.partition) {
        Some(cluster) => Err(Violation::OtherPartition {
            partition: parts.partition.to_owned(),
            cluster: cluster.partition.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Returns whether a role is one that only its AWS service uses.
pub fn is_service_linked(role: &Parts<'_>) -> bool {
    role.path.starts_with(SERVICE_LINKED_PATH)
        || (role.path == "/" && role.name.starts_with(SERVICE_LINKED_NAME))
}

/// Checks the username of an entry of type [`STANDARD`].
fn username(name: &str) -> Result<(), Violation> {
    if name.is_empty() {
        return Err(Violation::EmptyUsername);
    }
    if let Some(prefix) = RESERVED_USERNAMES
        .into_iter()
        .find(|prefix| name.starts_with(prefix))
    {
        return Err(Violation::ReservedUsername { prefix });
    }
    let mut rest = name.to_owned();
    for placeholder in [Placeholder::SessionNameRaw, Placeholder::SessionName] {
        if let Some((before, _)) = name.split_once(placeholder.text())
            && !before.contains(':')
        {
            return Err(Violation::NoColon { placeholder });
        }
        rest = rest.replace(placeholder.text(), "");
    }
    match rest.find("{{").or_else(|| rest.find("}}")) {
        Some(start) => Err(Violation::Placeholder {
            text: rest[start..].to_owned(),
        }),
        None => Ok(()),
    }
}

/// Checks a group of an entry of type [`STANDARD`].
///
/// # Errors
/// If EKS refuses it, or does not document what it does with it.
pub fn validate_group(name: &str) -> Result<(), Violation> {
    if name.starts_with(RESERVED_GROUPS) {
        return Err(Violation::SystemGroup {
            group: name.to_owned(),
        });
    }
    match name.contains("{{") || name.contains("}}") {
        true => Err(Violation::GroupPlaceholder {
            group: name.to_owned(),
        }),
        false => Ok(()),
    }
}

/// Returns whether clusters of this Kubernetes version, such as `1.29`, and this platform version, such as `eks.3`, have
/// access entries; `None` if the strings are not such versions.
pub fn supports_access_entries(version: &str, platform: &str) -> Option<bool> {
    let minor: u32 = version.strip_prefix("1.")?.parse().ok()?;
    let platform: u32 = platform.strip_prefix("eks.")?.parse().ok()?;
    let first = FIRST_PLATFORMS
        .iter()
        .find(|(version, _)| *version == minor);
    Some(match first {
        Some(&(_, first)) => platform >= first,
        None => FIRST_PLATFORMS
            .last()
            .is_some_and(|&(last, _)| minor > last),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::access_entries::{AccessPolicy, AccessScope, AccessTerms};

    const CLUSTER: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
    const ROLE: &str = "arn:aws:iam::111122223333:role/team/Dev";

    fn violations(arn: &str, terms: AccessTerms) -> Vec<String> {
        let entry = AccessEntry {
            principal_arn: arn.to_owned(),
            terms: Some(terms),
        };
        let found = validate(&entry, Some(CLUSTER)).into_iter();
        found
            .map(|violation| format!("{violation}; {}", violation.remedy()))
            .collect()
    }

    fn of_principal(arn: &str) -> Vec<String> {
        violations(arn, AccessTerms::default())
    }

    fn of_username(name: &str) -> Vec<String> {
        let username = Some(name.to_owned());
        violations(
            ROLE,
            AccessTerms {
                username,
                ..AccessTerms::default()
            },
        )
    }

    #[test]
    fn principals_are_roles_and_users_of_the_partition() {
        for arn in [ROLE, "arn:aws:iam::444455556666:user/team/bob"] {
            assert!(of_principal(arn).is_empty(), "{arn}");
        }
        for (arn, reason) in [
            (
                "arn:aws:sts::111122223333:assumed-role/Dev/ann",
                "is one session of a role, and EKS accepts only the role; give the role: arn:aws:iam::111122223333:role/Dev, with its IAM path",
            ),
            (
                "arn:aws:iam::111122223333:root",
                "no access entries for a root user",
            ),
            (
                "arn:aws:sts::111122223333:federated-user/bob",
                "no access entries for a federated user",
            ),
            (
                "arn:aws:iam::111122223333:role/*",
                "is not the ARN of a role or user",
            ),
            (
                "arn:aws:iam::111122223333:group/devs",
                "is not the ARN of a role or user",
            ),
            (
                "arn:aws:iam::1111:role/Dev",
                "is not the ARN of a role or user",
            ),
            ("", "is not the ARN of a role or user"),
            (
                "arn:aws:iam::111122223333:role/aws-service-role/emr-containers.amazonaws.com/AWSServiceRoleForAmazonEMRContainers",
                "service-linked roles; leave it to the AWS service",
            ),
            (
                "arn:aws:iam::111122223333:role/AWSServiceRoleForAmazonEMRContainers",
                "service-linked roles",
            ),
            (
                "arn:aws-cn:iam::111122223333:role/Dev",
                "in the partition aws-cn, the cluster in aws",
            ),
        ] {
            let found = of_principal(arn);
            assert!(
                found.len() == 1 && found[0].contains(reason),
                "{arn}: {found:?}"
            );
        }
    }

    #[test]
    fn usernames_have_no_reserved_prefix_and_a_colon_before_the_session() {
        for name in [
            "dev",
            "dev:{{SessionName}}",
            "a:b/{{SessionNameRaw}}/{{SessionName}}",
            "arn:aws:sts::111122223333:assumed-role/Dev/{{SessionName}}",
            "System:x",
        ] {
            assert!(
                of_username(name).is_empty(),
                "{name}: {:?}",
                of_username(name)
            );
        }
        for (name, reason) in [
            ("", "the username is empty; leave it out"),
            (
                "system:node:x",
                "usernames that start with system:; choose another",
            ),
            ("eks:x", "start with eks:"),
            ("aws:x", "start with aws:"),
            ("amazon:x", "start with amazon:"),
            ("iam:x", "start with iam:"),
            (
                "ci-{{SessionName}}",
                "a colon must precede {{SessionName}} in the username; put text with a colon",
            ),
            (
                "{{SessionNameRaw}}:x",
                "a colon must precede {{SessionNameRaw}}",
            ),
            (
                "a:{{AccessKeyID}}",
                "does not document {{AccessKeyID}} in usernames",
            ),
            ("a:{{AccountID}}", "does not document {{AccountID}}"),
            (
                "a:{{EC2PrivateDNSName}}",
                "does not document {{EC2PrivateDNSName}}",
            ),
            ("a:}}", "does not document }}"),
        ] {
            let found = of_username(name);
            assert!(
                found.len() == 1 && found[0].contains(reason),
                "{name}: {found:?}"
            );
        }
    }

    #[test]
    fn groups_do_not_start_with_system() {
        let groups = [
            "devs",
            "eks:x",
            "system:masters",
            "system:nodes",
            "team-{{AccountID}}",
        ];
        let groups = groups.map(str::to_owned).to_vec();
        let found = violations(
            ROLE,
            AccessTerms {
                groups,
                ..AccessTerms::default()
            },
        );
        assert_eq!(
            found,
            [
                "EKS refuses groups that start with system:, such as system:masters; give a group that is bound to cluster-admin, or associate AmazonEKSClusterAdminPolicy",
                "EKS refuses groups that start with system:, such as system:nodes; bind another group to the same roles, and give that group",
                "EKS documents no placeholders in groups, such as team-{{AccountID}}; give a fixed group, or bind the usernames of the sessions",
            ]
        );
    }

    #[test]
    fn node_types_need_a_role_of_the_account_and_fix_the_user() {
        let terms = |kind: &str| AccessTerms {
            kind: kind.to_owned(),
            ..AccessTerms::default()
        };
        for kind in TYPES {
            assert!(violations(ROLE, terms(kind)).is_empty(), "{kind}");
        }
        assert_eq!(violations(ROLE, terms("EC2_MAC")).len(), 1);
        let principals = [
            "arn:aws:iam::111122223333:user/bob",
            "arn:aws:iam::444455556666:role/n",
        ];
        for arn in principals {
            assert!(violations(arn, terms(STANDARD)).is_empty());
            let found = violations(arn, terms("EC2_LINUX"));
            assert!(
                found[0].contains("needs a role of the cluster's own account"),
                "{arn}"
            );
        }
        let policy = AccessPolicy {
            arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy".to_owned(),
            scope: AccessScope::Cluster,
        };
        for (kind, count) in [
            (STANDARD, 0),
            ("EC2", 0),
            ("EC2_LINUX", 1),
            ("FARGATE_LINUX", 1),
        ] {
            let terms = AccessTerms {
                policies: Some(vec![policy.clone()]),
                ..terms(kind)
            };
            assert_eq!(violations(ROLE, terms).len(), count, "{kind}");
        }
        let named = AccessTerms {
            groups: vec!["x".to_owned()],
            ..terms("EC2_LINUX")
        };
        assert!(violations(ROLE, named)[0].contains("sets the username and the groups itself"));
    }

    #[test]
    fn tags_have_limits() {
        let tags = |keys: &[String], value: &str| {
            let tags = keys.iter().map(|key| (key.clone(), value.to_owned()));
            violations(
                ROLE,
                AccessTerms {
                    tags: tags.collect(),
                    ..AccessTerms::default()
                },
            )
        };
        let many: Vec<String> = (0..51).map(|number| number.to_string()).collect();
        assert!(tags(&many[..50], "").is_empty());
        assert!(tags(&many, "")[0].contains("51 tags are more than 50"));
        assert!(tags(&["ä".repeat(128)], &"ä".repeat(256)).is_empty());
        for (key, value) in [
            ("x".repeat(129), String::new()),
            ("x".to_owned(), "x".repeat(257)),
            (String::new(), String::new()),
        ] {
            assert!(tags(&[key], &value)[0].contains("is too long"));
        }
        assert!(tags(&["aws:x".to_owned()], "")[0].contains("reserves tags"));
        assert!(tags(&["awsauth.dev/x".to_owned()], "").is_empty());
    }

    #[test]
    fn platform_versions_decide_for_old_clusters() {
        for (version, platform, supported) in [
            ("1.22", "eks.99", Some(false)),
            ("1.23", "eks.16", Some(false)),
            ("1.23", "eks.17", Some(true)),
            ("1.28", "eks.5", Some(false)),
            ("1.30", "eks.2", Some(true)),
            ("1.31", "eks.1", Some(true)),
            ("1.36", "eks-local-outposts.1", None),
            ("2.0", "eks.1", None),
        ] {
            assert_eq!(
                supports_access_entries(version, platform),
                supported,
                "{version} {platform}"
            );
        }
    }
}
