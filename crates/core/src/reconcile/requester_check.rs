//! Checks which users may request a mapping.

use super::config::{Config, Grant};
use super::decide::desired_entry;
use super::mapping_object::Spec;
use crate::document::SectionName;

/// Checks whether a user may create an object with this spec, if the configuration names requesters. A spec that no grant covers is
/// an error as well: a grant that is added later would cover it without a check of its requester.
///
/// # Errors
/// Why the user may not; a sentence fragment.
pub fn check_requester(
    config: &Config,
    spec: &Spec,
    user: &str,
    user_groups: &[String],
) -> Result<(), String> {
    if !config.has_requesters() {
        return Ok(());
    }
    // The controller refuses an invalid spec, even if the configuration grants it.
    let Ok(entry) = desired_entry::of(spec) else {
        return Ok(());
    };
    let is_account = entry.section == SectionName::Accounts;
    let username = (!is_account).then_some(entry.username.as_str());
    let may_use = |grant: &Grant| {
        let requesters = grant.requesters.as_ref();
        requesters.is_none_or(|requesters| requesters.include(user, user_groups))
    };
    let principal = entry.principal();
    let approve = |includes: &dyn Fn(&Grant) -> bool| {
        config
            .approve_for(&principal, username, &entry.groups, includes)
            .map(drop)
    };
    if approve(&may_use).is_ok() {
        return Ok(());
    }
    approve(&|_| true)?;
    Err(format!(
        "{user} is not one of the requesters of a grant that covers {}",
        entry.describe()
    ))
}
