//! In one of EKS's modes nobody reads aws-auth.

use crate::facts::auth_mode::AuthenticationMode;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N12",
    name: "mode-ignores-aws-auth",
    severity: Severity::Error,
    needs: Needs::Mode,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let mode = context
        .facts
        .access_entries
        .as_ref()
        .map(|entries| entries.mode());
    if mode != Some(AuthenticationMode::Api) {
        return;
    }
    let kept = context
        .entries()
        .iter()
        .filter(|written| written.is_kept())
        .count();
    let entries = match kept {
        0 => return,
        1 => "its entry has".to_owned(),
        many => format!("its {many} entries have"),
    };
    found.config_map(
        format!("the cluster's authentication mode is API, in which nobody reads aws-auth: {entries} no effect"),
        "make access entries for whoever needs one: aws eks create-access-entry; this mode can't be left",
    );
}
