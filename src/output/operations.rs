//! Calls that change access entries, as text and JSON.

use std::fmt::Write;

use serde::Serialize;

use awsauth_core::access_entries::Operation;
use awsauth_core::escape::one_line;

/// The name of a cluster in commands, if it is unknown.
pub(super) const UNKNOWN_CLUSTER: &str = "CLUSTER";

/// A call in the form that docs/json.md documents.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperationData<'a> {
    /// Null if the operation is not about one principal.
    principal_arn: Option<&'a str>,
    command: String,
    permissions: Vec<&'static str>,
    holds_after: String,
}

impl<'a> OperationData<'a> {
    pub(super) fn of(operation: &'a Operation, cluster: Option<&str>) -> Self {
        Self {
            principal_arn: operation.principal_arn(),
            command: operation.command(cluster.unwrap_or(UNKNOWN_CLUSTER)),
            permissions: permissions(operation).collect(),
            holds_after: operation.what_holds_after(),
        }
    }
}

fn permissions(operation: &Operation) -> impl Iterator<Item = &'static str> {
    std::iter::once(operation.permission()).chain(operation.further_permission())
}

/// Numbers the calls, each with its permissions and the state after it.
pub(super) fn numbered(operations: &[Operation], cluster: Option<&str>) -> String {
    numbered_from(1, operations, cluster)
}

/// Does the same for the calls of a plan. `writes_aws_auth` is whether it writes aws-auth between the two lists of calls.
pub(super) fn numbered_in_plan(
    [first, last]: &[Vec<Operation>; 2],
    writes_aws_auth: bool,
    cluster: Option<&str>,
) -> String {
    let mut text = numbered_from(1, first, cluster);
    let mut next = first.len() + 1;
    if writes_aws_auth {
        let _ = writeln!(
            text,
            "{next:>3}. write aws-auth\n     needs update configmaps/aws-auth"
        );
        next += 1;
    }
    text + &numbered_from(next, last, cluster)
}

fn numbered_from(first: usize, operations: &[Operation], cluster: Option<&str>) -> String {
    let mut text = String::new();
    for (number, operation) in (first..).zip(operations) {
        let command = operation.command(cluster.unwrap_or(UNKNOWN_CLUSTER));
        let permissions: Vec<_> = permissions(operation).collect();
        let _ = writeln!(text, "{number:>3}. {}", one_line(&command));
        let _ = writeln!(text, "     needs {}", permissions.join(", "));
        let _ = writeln!(text, "     {}", one_line(&operation.what_holds_after()));
    }
    text
}
