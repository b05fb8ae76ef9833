//! In authentication mode API, the cluster ignores aws-auth.

use crate::facts::authentication_mode::AuthenticationMode;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N12",
    name: "mode-ignores-aws-auth",
    severity: Severity::Error,
    needs: Needs::Mode,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let entries = context.facts.access_entries.as_ref();
    if entries.map(|entries| entries.mode()) != Some(AuthenticationMode::Api) {
        return;
    }
    let entries = context.entries().iter();
    let entries = match entries.filter(|entry| entry.is_kept()).count() {
        0 => return,
        1 => "its entry has".to_owned(),
        many => format!("its {many} entries have"),
    };
    findings.config_map(
        format!("the cluster's authentication mode is API, which ignores aws-auth: {entries} no effect"),
        "create access entries for the principals that need access: aws eks create-access-entry; a cluster cannot leave this mode",
    );
}
