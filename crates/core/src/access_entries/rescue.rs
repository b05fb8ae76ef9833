//! The way back into a cluster with IAM permissions alone, as a plan.
//!
//! An access entry with the access policy AmazonEKSClusterAdminPolicy makes its principal an administrator, whatever
//! aws-auth and RBAC contain: <https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>

use std::fmt;

use super::migrate::ClusterFacts;
use super::rules::{Violation, supports_access_entries, validate};
use super::{Operation, tags};
use crate::arn::Parts;
use crate::facts::access_entries::{
    AccessEntry, AccessScope, AccessTerms, CLUSTER_ADMIN, STANDARD,
};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::facts::iam_inventory::Principal;

/// The value of [`tags::FROM`] in access entries that a rescue creates.
const RESCUE: &str = "rescue";

/// Returns whether a rescue created an access entry, according to its tags.
pub fn is_rescued(terms: &AccessTerms) -> bool {
    terms
        .tags
        .get(tags::FROM)
        .is_some_and(|from| from == RESCUE)
}

/// What a rescue depends on.
#[derive(Clone, Copy, Debug)]
pub struct RescueInput<'a> {
    /// The ARN of the caller: a user, or a role with its IAM path.
    pub principal_arn: &'a str,
    /// The caller in IAM; `None` if IAM did not return it.
    pub principal: Option<&'a Principal>,
    pub cluster: ClusterFacts<'a>,
    /// `None` if EKS reports none. The cluster then reads aws-auth only.
    pub mode: Option<AuthenticationMode>,
    /// The caller's access entry, if it has one.
    pub own_entry: Option<&'a AccessEntry>,
}

/// The plan of a rescue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RescuePlan {
    /// The change of the authentication mode, if access entries need one. EKS cannot reverse it.
    pub mode: Option<Operation>,
    /// The operations that give the caller an access entry, in order.
    pub entry: Vec<Operation>,
    /// The operation that makes the caller an administrator, if it is needed.
    pub policy: Option<Operation>,
    /// What restores the policies of an access entry that existed before, if `policy` changes them.
    pub former_policy: Option<Vec<Operation>>,
    /// What recreates the dead access entry that the plan deletes.
    pub dead_entry: Option<Vec<Operation>>,
}

/// Why a rescue is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RescueObstacle {
    /// The platform version of the cluster has no access entries.
    PlatformVersion { version: String, platform: String },
    /// EKS accepts no access entry for the caller.
    Caller(Violation),
    /// The caller has an access entry for nodes, which has fixed permissions.
    NodeEntry { principal_arn: String, kind: String },
}

/// Plans a rescue. The plan depends on its input alone, so a second run continues where the first one stopped.
///
/// # Errors
/// If the caller cannot have an access entry with the policy.
pub fn plan(input: &RescueInput<'_>) -> Result<RescuePlan, RescueObstacle> {
    let principal_arn = || input.principal_arn.to_owned();
    let named = AccessEntry {
        principal_arn: principal_arn(),
        terms: None,
    };
    if let Some(violation) = validate(&named, Some(input.cluster.arn)).into_iter().next() {
        return Err(RescueObstacle::Caller(violation));
    }
    let mode = match input.mode.unwrap_or(AuthenticationMode::ConfigMap) {
        AuthenticationMode::ConfigMap => Some(mode_change(&input.cluster)?),
        AuthenticationMode::ApiAndConfigMap | AuthenticationMode::Api => None,
    };
    let is_dead = |entry: &&AccessEntry| {
        let principal = input.principal;
        principal.is_some_and(|principal| entry.is_older_than(principal))
    };
    let dead = input.own_entry.filter(is_dead);
    let live = input.own_entry.filter(|entry| !is_dead(entry));
    let terms = live.and_then(|entry| entry.terms.as_ref());
    if let Some(terms) = terms.filter(|terms| terms.is_for_nodes()) {
        return Err(RescueObstacle::NodeEntry {
            principal_arn: principal_arn(),
            kind: terms.kind.clone(),
        });
    }
    let delete = Operation::DeleteEntry {
        principal_arn: principal_arn(),
    };
    let create = Operation::CreateEntry {
        principal_arn: principal_arn(),
        kind: STANDARD.to_owned(),
        username: None,
        groups: Vec::new(),
        tags: [(tags::FROM.to_owned(), RESCUE.to_owned())].into(),
    };
    let entry = match (live, dead) {
        (Some(_), _) => Vec::new(),
        (None, Some(_)) => vec![delete.clone(), create],
        (None, None) => vec![create],
    };
    // An earlier run may have created the entry and stopped before it added the policy.
    let former = live.filter(|_| !terms.is_some_and(is_rescued));
    let mut policies = terms.iter().flat_map(|terms| terms.policies());
    let is_admin = policies.any(|policy| policy.is_cluster_admin());
    let policy = (!is_admin).then(|| Operation::AssociatePolicy {
        principal_arn: principal_arn(),
        policy_arn: admin_policy(input.cluster.arn),
        scope: AccessScope::Cluster,
    });
    Ok(RescuePlan {
        mode,
        entry,
        former_policy: policy.as_ref().and_then(|policy| policy.inverse(former)),
        policy,
        dead_entry: dead.and_then(|entry| delete.inverse(Some(entry))),
    })
}

fn mode_change(cluster: &ClusterFacts<'_>) -> Result<Operation, RescueObstacle> {
    if let (Some(version), Some(platform)) = (cluster.version, cluster.platform_version)
        && supports_access_entries(version, platform) == Some(false)
    {
        return Err(RescueObstacle::PlatformVersion {
            version: version.to_owned(),
            platform: platform.to_owned(),
        });
    }
    Ok(Operation::UpdateAuthenticationMode {
        from: AuthenticationMode::ConfigMap,
        to: AuthenticationMode::ApiAndConfigMap,
    })
}

/// Returns the ARN of the policy that allows everything, in the partition of a cluster.
fn admin_policy(cluster_arn: &str) -> String {
    let partition = Parts::of(cluster_arn).map_or("aws", |parts| parts.partition);
    format!("arn:{partition}:eks::aws:cluster-access-policy/{CLUSTER_ADMIN}")
}

impl RescuePlan {
    /// Returns the operations on the caller's access entry, in order.
    pub fn entry_operations(&self) -> Vec<Operation> {
        self.entry.iter().chain(&self.policy).cloned().collect()
    }
}

impl fmt::Display for RescueObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlatformVersion { version, platform } => write!(
                f,
                "Kubernetes {version} with the platform version {platform} has no access entries"
            ),
            Self::Caller(violation) => violation.fmt(f),
            Self::NodeEntry {
                principal_arn,
                kind,
            } => write!(
                f,
                "{principal_arn} has an access entry of type {kind}, for nodes, which cannot have the policy {CLUSTER_ADMIN}"
            ),
        }
    }
}

impl RescueObstacle {
    /// Returns what to do instead. `cluster` is the name of the cluster.
    pub fn remedy(&self, cluster: &str) -> String {
        match self {
            Self::PlatformVersion { .. } => format!(
                "upgrade the cluster, which needs IAM permissions only, then run again: aws eks update-cluster-version --name {cluster} --kubernetes-version VERSION"
            ),
            Self::Caller(_) | Self::NodeEntry { .. } => format!(
                "run as another IAM role or user: awsauth rescue --cluster-name {cluster} --profile PROFILE, or --role-arn ARN"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::access_entries::AccessPolicy;
    use jiff::Timestamp;

    const CLUSTER: &str = "arn:aws-cn:eks:cn-north-1:111122223333:cluster/prod";
    const ROLE: &str = "arn:aws-cn:iam::111122223333:role/team/ops";

    fn input<'a>(
        mode: Option<AuthenticationMode>,
        own_entry: Option<&'a AccessEntry>,
        principal: Option<&'a Principal>,
    ) -> RescueInput<'a> {
        RescueInput {
            principal_arn: ROLE,
            principal,
            cluster: ClusterFacts {
                arn: CLUSTER,
                version: Some("1.29"),
                platform_version: Some("eks.1"),
            },
            mode,
            own_entry,
        }
    }

    fn entry(kind: &str, policies: &[AccessScope], created: i64) -> AccessEntry {
        let policies = policies.iter().map(|scope| AccessPolicy {
            arn: admin_policy(CLUSTER),
            scope: scope.clone(),
        });
        AccessEntry {
            principal_arn: ROLE.to_owned(),
            terms: Some(AccessTerms {
                kind: kind.to_owned(),
                policies: Some(policies.collect()),
                created_at: Some(Timestamp::from_second(created).unwrap()),
                ..AccessTerms::default()
            }),
        }
    }

    fn commands(plan: &RescuePlan) -> Vec<String> {
        let mode = plan.mode.iter().cloned();
        let all = mode.chain(plan.entry_operations());
        all.map(|operation| operation.to_string()).collect()
    }

    const MODE: &str =
        "aws eks update-cluster-config --access-config authenticationMode=API_AND_CONFIG_MAP";
    const DELETE: &str =
        "aws eks delete-access-entry --principal-arn arn:aws-cn:iam::111122223333:role/team/ops";
    const CREATE: &str = r#"aws eks create-access-entry --principal-arn arn:aws-cn:iam::111122223333:role/team/ops --tags '{"awsauth.dev/from":"rescue"}'"#;
    const ASSOCIATE: &str = r#"aws eks associate-access-policy --principal-arn arn:aws-cn:iam::111122223333:role/team/ops --policy-arn arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy --access-scope '{"type":"cluster"}'"#;

    #[test]
    fn plan_contains_only_what_is_missing() {
        let role = Principal {
            created_at: Some(Timestamp::from_second(100).unwrap()),
            ..Principal::default()
        };
        let namespaces = AccessScope::Namespaces(vec!["a".to_owned()]);
        let dead = entry(STANDARD, &[AccessScope::Cluster], 99);
        let limited = entry(STANDARD, &[namespaces], 100);
        let admin = entry(STANDARD, &[AccessScope::Cluster], 100);
        let both = Some(AuthenticationMode::ApiAndConfigMap);
        for (mode, own, expected) in [
            (None, None, &[MODE, CREATE, ASSOCIATE][..]),
            (
                Some(AuthenticationMode::ConfigMap),
                None,
                &[MODE, CREATE, ASSOCIATE],
            ),
            (both, None, &[CREATE, ASSOCIATE]),
            (
                Some(AuthenticationMode::Api),
                Some(&dead),
                &[DELETE, CREATE, ASSOCIATE],
            ),
            (both, Some(&limited), &[ASSOCIATE]),
            (both, Some(&admin), &[]),
        ] {
            let plan = plan(&input(mode, own, Some(&role))).unwrap();
            assert_eq!(commands(&plan), expected);
            let restored: Vec<String> = plan
                .former_policy
                .iter()
                .flatten()
                .map(Operation::to_string)
                .collect();
            match own == Some(&limited) {
                true => assert_eq!(
                    restored,
                    [ASSOCIATE.replace(
                        r#"{"type":"cluster"}"#,
                        r#"{"namespaces":["a"],"type":"namespace"}"#
                    )]
                ),
                false => assert!(restored.is_empty(), "{restored:?}"),
            }
            let recreates = plan.dead_entry.map(|operations| operations.len());
            assert_eq!(recreates, (own == Some(&dead)).then_some(2));
        }
        // Without IAM, no entry is known to be dead.
        let unknown = plan(&input(both, Some(&dead), None)).unwrap();
        assert!(commands(&unknown).is_empty());
    }

    #[test]
    fn each_obstacle_is_reported_with_its_remedy() {
        let node = entry("EC2_LINUX", &[], 100);
        let mut old = input(None, None, None);
        old.cluster.version = Some("1.27");
        old.cluster.platform_version = Some("eks.9");
        let mut root = input(None, None, None);
        root.principal_arn = "arn:aws-cn:iam::111122223333:root";
        let mut federated = input(None, None, None);
        federated.principal_arn = "arn:aws-cn:sts::111122223333:federated-user/ann";
        let both = Some(AuthenticationMode::ApiAndConfigMap);
        for (input, message, remedy) in [
            (
                old,
                "Kubernetes 1.27 with the platform version eks.9 has no access entries",
                "aws eks update-cluster-version --name prod",
            ),
            (root, "root user", "as another IAM role or user"),
            (federated, "federated user", "as another IAM role or user"),
            (
                input(both, Some(&node), None),
                "of type EC2_LINUX, for nodes",
                "as another IAM role or user",
            ),
        ] {
            let obstacle = plan(&input).unwrap_err();
            let text = obstacle.to_string();
            assert!(text.contains(message), "{text}");
            assert!(obstacle.remedy("prod").contains(remedy), "{text}");
        }
        // The version does not matter once the cluster reads access entries.
        old.mode = both;
        assert_eq!(plan(&old).unwrap().mode, None);
    }
}
