//! W3: whether EKS reports health issues of managed node groups.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::facts::node_inventory::{Issue, NodeGroup};
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "W3",
    title: "managed node group health",
    after: &["K7"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let node_inventory = evidence.node_inventory()?;
    let groups = node_inventory.groups.as_deref();
    let groups = groups.ok_or_else(|| Skipped::needs("eks:ListNodegroups"))?;
    let all = groups.iter();
    let saw: Vec<String> = all
        .map(|group| format!("{} {}", group.name, group.status))
        .collect();
    let saw = match saw.as_slice() {
        [] => return Outcome::ok("no managed node groups"),
        saw => saw.join(", "),
    };
    let unhealthy = groups
        .iter()
        .find_map(|group| Some((group, group.issues.first()?)));
    let Some((group, issue)) = unhealthy else {
        return Outcome::ok(saw);
    };
    let cause = format!(
        "EKS reports {} for node group {}: {}",
        issue.code, group.name, issue.message
    );
    Outcome::problem(saw, cause, next(evidence, group, issue))
}

/// Returns the fix: <https://docs.aws.amazon.com/eks/latest/userguide/troubleshooting.html#troubleshoot-managed-node-groups>
fn next(evidence: &Evidence, group: &NodeGroup, issue: &Issue) -> String {
    let cluster = match evidence.described.known() {
        Some(Ok(described)) => format!(
            " --cluster-name {} --region {}",
            quoted(&described.name),
            quoted(described.region().unwrap_or_default())
        ),
        _ => String::new(),
    };
    let role = group.role.as_deref().unwrap_or("ROLE-ARN");
    match issue.code.as_str() {
        "AccessDenied" => format!(
            "map its role: awsauth map node-role {} --kind {}{cluster}; and check that EKS's own role still exists: kubectl get clusterrole,clusterrolebinding eks:node-manager",
            quoted(role),
            group.kind().name()
        ),
        "IamNodeRoleNotFound" => {
            format!("create the role {role} again, or the node group with another role")
        }
        "IamInstanceProfileNotFound" => {
            "create the instance profile again, or create the node group again: EKS does not create the instance profile a second time".to_owned()
        }
        "NodeCreationFailure" => {
            "see W1 for the node role, then check that the subnets reach the API server, EC2, ECR and S3".to_owned()
        }
        _ => format!(
            "aws eks describe-nodegroup{cluster} --nodegroup-name {} --query nodegroup.health",
            quoted(&group.name)
        ),
    }
}
