//! Every principal of a mapped account gets what is bound to all authenticated users.

use crate::facts::accounts::is_account_id;
use crate::facts::groups::AUTHENTICATED;
use crate::lint::bindings::describe;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};
use crate::rbac::{Binding, has_default_role};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "A05",
    name: "account-plus-wide-binding",
    severity: Severity::Error,
    needs: Needs::Bindings,
    supersedes: &["A03"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let wide = wide_bindings(context);
    let Some(first) = wide.iter().min() else {
        return;
    };
    let more = match wide.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    for entry in context.accounts() {
        let account = entry.principal();
        if entry.is_kept() && is_account_id(account) {
            let message = format!(
                "{}{more} grants {} {} to {AUTHENTICATED}, and so to every user and role in account {account}",
                describe(first),
                first.role.kind.name(),
                first.role.name,
            );
            let help = format!("bind a group of your own instead of {AUTHENTICATED}");
            findings.entry(entry, Part::Entry, message, help);
        }
    }
}

/// Returns the bindings that grant all authenticated users more than a new cluster does.
fn wide_bindings<'a>(context: &Context<'a>) -> Vec<&'a Binding> {
    let bindings = context.bindings.iter();
    bindings
        .flat_map(|bindings| bindings.of_group(AUTHENTICATED).iter().copied())
        .filter(|binding| !has_default_role(binding) && !is_pod_security_policy(binding))
        .collect()
}

/// Returns whether this is the binding with which EKS granted its pod security policy, which Kubernetes 1.25 removed:
/// <https://docs.aws.amazon.com/eks/latest/userguide/pod-security-policy.html>
fn is_pod_security_policy(binding: &Binding) -> bool {
    binding.role.name == "eks:podsecuritypolicy:privileged"
}
