//! Who maps an account gives all of it what everybody has who signs in.

use crate::facts::accounts::is_account_id;
use crate::facts::groups::AUTHENTICATED;
use crate::lint::bound::in_words;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};
use crate::rbac::{Binding, is_for_everybody};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "A05",
    name: "account-plus-wide-binding",
    severity: Severity::Error,
    needs: Needs::Bindings,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let wide = wide(context);
    let Some(first) = wide.iter().min() else {
        return;
    };
    let more = match wide.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    for written in context.accounts() {
        let account = written.principal();
        if written.is_kept() && is_account_id(account) {
            let message = format!(
                "whoever signs in has {} {} by {}{more}: so has every user and role of the account {account}",
                first.role.kind.name(),
                first.role.name,
                in_words(first)
            );
            let help = format!("bind a group of your own instead of {AUTHENTICATED}");
            found.entry(written, written.entry.span, message, help);
        }
    }
}

/// The bindings that give everybody who signs in more than every cluster gives them.
pub(super) fn wide<'a>(context: &Context<'a>) -> Vec<&'a Binding> {
    let bound = context.bound.iter();
    let bindings = bound.flat_map(|bound| bound.group(AUTHENTICATED).iter().copied());
    bindings
        .filter(|binding| !is_for_everybody(binding) && !is_of_old_eks(binding))
        .collect()
}

/// EKS gave everybody its pod security policy, which Kubernetes 1.25 knows no more:
/// <https://docs.aws.amazon.com/eks/latest/userguide/pod-security-policy.html>
fn is_of_old_eks(binding: &Binding) -> bool {
    binding.role.name == "eks:podsecuritypolicy:privileged"
}
