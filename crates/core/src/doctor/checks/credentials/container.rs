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

fn judge(evidence: &Evidence) -> CheckResult {
    let mut judged = of_source(
        evidence,
        FailedAt::Container,
        &["container"],
        "credentials from a container",
        |_| "the credentials endpoint provides credentials".to_owned(),
    );
    if let Ok(outcome) = &mut judged
        && let Some(problem) = &mut outcome.problem
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
