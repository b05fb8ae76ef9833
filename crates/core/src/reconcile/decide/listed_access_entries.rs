//! What EKS returned about the cluster's access entries.

use super::super::decision::Input;
use crate::arn::comparable;
use crate::authenticator::AccessEntries;
use crate::facts::access_entries::AccessEntry;
use crate::facts::authentication_mode::AuthenticationMode;

/// Returns the access entries, if all are listed.
pub(super) fn listed<'a>(input: &Input<'a>) -> Option<&'a AccessEntries> {
    let entries = input.access_entries?;
    entries.all().is_some().then_some(&**entries)
}

/// Returns whether EKS returned all current access entries and their contents. Otherwise, an object may own entries that are not known.
pub(super) fn is_complete(input: &Input<'_>) -> bool {
    let all = listed(input).and_then(AccessEntries::all);
    let has_contents = |all: &[AccessEntry]| all.iter().all(|entry| entry.terms.is_some());
    input.unlisted_access_entries.are_none() && all.is_some_and(has_contents)
}

/// Returns whether EKS returned the contents of a principal's access entry, or that it has none.
pub(super) fn is_read(input: &Input<'_>, principal_arn: &str) -> bool {
    listed(input).is_some_and(|entries| {
        let entry = entries.of(&comparable(principal_arn));
        entry.is_none_or(|entry| entry.terms.is_some())
    })
}

/// Returns whether the cluster also reads aws-auth, or may do so.
pub(super) fn reads_aws_auth(input: &Input<'_>) -> bool {
    listed(input).is_none_or(AccessEntries::uses_aws_auth)
}

/// Returns why a new mapping is not an access entry, as a clause.
pub(super) fn why_not_used(input: &Input<'_>) -> &'static str {
    let mode = listed(input).map(AccessEntries::mode);
    match mode.or(input
        .facts
        .mode
        .filter(|mode| *mode == AuthenticationMode::ConfigMap))
    {
        None => {
            "the controller does not know the access entries: it needs --cluster-name, and AWS credentials that may eks:ListAccessEntries"
        }
        Some(AuthenticationMode::ConfigMap) => {
            "the authentication mode of this cluster is CONFIG_MAP: it ignores access entries"
        }
        Some(AuthenticationMode::ApiAndConfigMap | AuthenticationMode::Api) => {
            "the controller's configuration has backend: aws-auth; set it to auto or access-entries"
        }
    }
}
