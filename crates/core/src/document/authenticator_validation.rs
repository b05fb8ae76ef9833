//! Validates entries like the authenticator, which drops invalid ones.
//!
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/config/mapper.go>

use super::entry_decoder::RawEntry;
use super::{SectionName, SsoRole};
use crate::facts::accounts::is_account_id;
use crate::facts::partitions::Partition;

/// Returns the authenticator's message if it drops this entry.
pub(super) fn invalid(section: SectionName, entry: &RawEntry) -> Option<String> {
    if section == SectionName::Users {
        return entry
            .arn
            .is_empty()
            .then(|| "value for userarn must be supplied".to_owned());
    }
    match (&entry.sso, entry.arn.is_empty()) {
        (None, true) => Some("one of rolearn or SSO must be supplied".to_owned()),
        (Some(_), false) => Some("only one of rolearn or SSO can be supplied".to_owned()),
        (Some(sso), true) => invalid_sso(sso),
        (None, false) => None,
    }
}

fn invalid_sso(sso: &SsoRole) -> Option<String> {
    let SsoRole {
        permission_set_name: name,
        account_id: account,
        partition,
    } = sso;
    let is_name = (1..=32).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
    if !is_account_id(account) {
        return Some(format!(
            "AccountID '{account}' is not a valid AWS Account ID"
        ));
    }
    if !is_name {
        return Some(format!(
            "PermissionSetName '{name}' is not a valid AWS SSO PermissionSet Name"
        ));
    }
    if !partition.is_empty() && Partition::named(partition).is_none() {
        return Some(format!(
            "partition '{partition}' is not a valid AWS partition"
        ));
    }
    None
}
