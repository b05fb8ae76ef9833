use super::{Evidence, Judged, Outcome, Rung, Skipped};
use crate::facts::fleet::{Issue, NodeGroup};
use crate::shell::quoted;

pub(super) const RUNG: Rung = Rung {
    id: "W3",
    title: "managed node group health",
    after: &["K7"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let fleet = evidence.fleet()?;
    let groups = fleet.groups.as_deref();
    let groups = groups.ok_or_else(|| Skipped::needs("eks:ListNodegroups"))?;
    let all = groups.iter();
    let saw: Vec<String> = all
        .map(|group| format!("{} {}", group.name, group.status))
        .collect();
    let saw = match saw.as_slice() {
        [] => return Outcome::ok("no managed node groups"),
        saw => saw.join(", "),
    };
    let ill = groups
        .iter()
        .find_map(|group| Some((group, group.issues.first()?)));
    let Some((group, issue)) = ill else {
        return Outcome::ok(saw);
    };
    let cause = format!(
        "EKS finds {} wrong with node group {}: {}",
        issue.code, group.name, issue.message
    );
    Outcome::problem(saw, cause, next(evidence, group, issue))
}

/// What mends it: <https://docs.aws.amazon.com/eks/latest/userguide/troubleshooting.html#troubleshoot-managed-node-groups>
fn next(evidence: &Evidence, group: &NodeGroup, issue: &Issue) -> String {
    let cluster = match evidence.described.known() {
        Some(Ok(described)) => format!(
            " --cluster-name {} --region {}",
            quoted(&described.name),
            quoted(described.arn.split(':').nth(3).unwrap_or_default())
        ),
        _ => String::new(),
    };
    let role = group.role.as_deref().unwrap_or("ROLE-ARN");
    match issue.code.as_str() {
        "AccessDenied" => format!(
            "let its nodes in: awsauth map node-role {} --kind {}{cluster}; and see whether EKS's own role is still there: kubectl get clusterrole,clusterrolebinding eks:node-manager",
            quoted(role),
            group.kind().name()
        ),
        "IamNodeRoleNotFound" => {
            format!("make the role {role} again, or the node group with another one")
        }
        "IamInstanceProfileNotFound" => {
            "make the instance profile again, or the node group anew: EKS does not make it a second time".to_owned()
        }
        "NodeCreationFailure" => {
            "see W1 for the nodes' role, then whether their subnets lead to the API server and to EC2, ECR and S3".to_owned()
        }
        _ => format!(
            "aws eks describe-nodegroup{cluster} --nodegroup-name {} --query nodegroup.health",
            quoted(&group.name)
        ),
    }
}
