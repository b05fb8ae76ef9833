//! K8: whether another kubeconfig file defines the selected cluster or user differently.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::evidence::IgnoredEntry;
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "K8",
    title: "merged kubeconfigs",
    after: &["K1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let entry = evidence.entry()?;
    let Some(ignored) = entry.ignored.first() else {
        return Err(Skipped::needs(
            "kubeconfig files that define the same cluster or user",
        ));
    };
    let saw: Vec<String> = entry.ignored.iter().map(described).collect();
    let saw = saw.join("; ");
    let is_in_use = evidence.is_signed_in() || evidence.request.arn.is_some();
    if is_in_use {
        return Outcome::ok(saw);
    }
    let context = entry.context.as_deref().unwrap_or_default();
    let file = quoted(&ignored.ignored);
    Outcome::problem(
        saw,
        format!(
            "{}, although context {context} is in {}",
            described(ignored),
            ignored.ignored
        ),
        format!(
            "use only the file of the context: export KUBECONFIG={file}; or give the {kind} {name} of that file another name, there and in its context",
            kind = ignored.kind,
            name = quoted(&ignored.name),
        ),
    )
}

fn described(ignored: &IgnoredEntry) -> String {
    let of = |cluster: &Option<String>| {
        let cluster = cluster.as_ref();
        cluster.map_or_else(String::new, |name| format!(" (tokens for cluster {name})"))
    };
    format!(
        "kubectl takes the {} {} from {}{}, and ignores that of {}{}",
        ignored.kind,
        ignored.name,
        ignored.used,
        of(&ignored.used_cluster),
        ignored.ignored,
        of(&ignored.ignored_cluster)
    )
}
