//! C4: whether the container credentials endpoint works.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult};
use crate::doctor::checks::credentials::provider_chain::of_source;
use crate::doctor::evidence::{Entry, FailedAt};
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "C4",
    title: "container credentials",
    after: &["C1"],
    judge,
};

/// The message of the EKS Pod Identity agent if EKS has no association for the pod's service account.
/// <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-association.html>
const NO_ASSOCIATION: &str = "No association found";

/// The message of the EKS Pod Identity agent if the role's trust policy does not name EKS Pod Identity.
/// <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html>
const NOT_TRUSTED: &str = "does not have permissions to assume the associated role";

fn judge(evidence: &Evidence) -> CheckResult {
    let mut judged = of_source(
        evidence,
        FailedAt::Container,
        &["container"],
        "credentials from a container",
        |_| "the credentials endpoint provides credentials".to_owned(),
    );
    let Ok(outcome) = &mut judged else {
        return judged;
    };
    if let Some(problem) = &mut outcome.problem
        && problem.cause.contains(NOT_TRUSTED)
    {
        problem.next = "let EKS Pod Identity assume the role of the association: its trust policy needs the actions sts:AssumeRole and sts:TagSession for {\"Service\": \"pods.eks.amazonaws.com\"}: aws iam get-role --role-name ROLE --query Role.AssumeRolePolicyDocument".to_owned();
    }
    if let Some(problem) = &mut outcome.problem
        && problem.cause.contains(NO_ASSOCIATION)
    {
        let name = evidence.entry().ok().and_then(Entry::eks_name);
        problem.next = format!(
            "create an association for the pod's service account, and restart the pod: aws eks create-pod-identity-association --cluster-name {} --namespace NAMESPACE --service-account NAME --role-arn ROLE-ARN",
            quoted(name.unwrap_or("NAME"))
        );
    }
    judged
}
