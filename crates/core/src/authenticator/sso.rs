//! The `sso` matcher of a mapRoles entry, which has an effect only with the feature gate `SSORoleMatch`.
//! Source: <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/config/mapper.go>

use crate::document::SsoRole;

/// Returns the matcher as text: its key in the authenticator's store.
///
/// If a partition is given, the authenticator uses an EMPTY one instead, so the entry never matches.
pub(super) fn pattern(sso: &SsoRole) -> String {
    format!("{}*", prefix(sso))
}

/// Returns whether the `sso` block matches the canonical ARN `subject`, given in lower case.
pub(super) fn matches(sso: &SsoRole, subject: &str) -> bool {
    // The only wildcard is the last character, and it does not match a line break.
    subject
        .strip_prefix(prefix(sso).as_str())
        .is_some_and(|suffix| !suffix.contains('\n'))
}

fn prefix(sso: &SsoRole) -> String {
    let partition = if sso.partition.is_empty() { "aws" } else { "" };
    format!(
        "arn:{partition}:iam::{}:role/awsreservedsso_{}_",
        sso.account_id,
        sso.permission_set_name.to_ascii_lowercase()
    )
}
