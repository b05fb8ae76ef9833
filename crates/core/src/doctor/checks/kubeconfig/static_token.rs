//! K6: whether the kubeconfig contains a static token.

use jiff::SignedDuration;

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::evidence::{CommandRun, Entry, User};
use crate::doctor::remedy;
use crate::facts::limits::TOKEN_MINUTES;
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "K6",
    title: "static token",
    after: &["K1"],
    judge,
};

/// Why the API server may reject a token that is not from EKS.
const REJECTED: &str =
    "it expired, its service account was deleted, or it belongs to another cluster";

fn judge(evidence: &Evidence) -> CheckResult {
    let entry = evidence.entry()?;
    let is_rejected = evidence.command.known().is_some_and(is_unauthorized);
    let is_removed = evidence.command.known().is_some_and(has_removed_plugin);
    let (signed, is_eks, overrides_plugin) = match &entry.user {
        User::Token {
            signed,
            is_eks,
            overrides_plugin,
        } => (signed, is_eks, overrides_plugin),
        User::TokenFile {
            path,
            fault: Some(fault),
        } => {
            return Outcome::problem(
                format!("the token file {path}"),
                format!("the tokenFile {path} of the kubeconfig's user cannot be read: {fault}"),
                without_token(evidence, entry, "tokenFile", false),
            );
        }
        User::TokenFile { path, fault: None } if is_rejected && !evidence.is_signed_in() => {
            return Outcome::problem(
                format!("the token file {path}"),
                format!(
                    "the API server does not accept the token in {path}, the tokenFile of the kubeconfig's user: {REJECTED}"
                ),
                without_token(evidence, entry, "tokenFile", false),
            );
        }
        User::TokenFile { path, fault: None } => {
            return Outcome::ok(format!("the token in {path}"));
        }
        User::Other(what)
            if is_removed
                || evidence.is_anonymous()
                || (is_rejected && !evidence.is_signed_in()) =>
        {
            let cause = match (is_removed, evidence.is_anonymous()) {
                (true, _) => format!(
                    "the kubeconfig's user has {what} that kubectl no longer supports, and that does not sign in with AWS"
                ),
                (_, true) => format!(
                    "the kubeconfig's user has {what}, which EKS does not accept, so the requests are anonymous"
                ),
                _ => format!(
                    "the API server does not accept {what} of the kubeconfig's user, which does not sign in with AWS"
                ),
            };
            return Outcome::problem(
                what,
                cause,
                format!(
                    "use an exec plugin instead: {}",
                    with_new_user(evidence, entry)
                ),
            );
        }
        _ => return Err(Skipped::needs("a token in the kubeconfig")),
    };
    if !is_eks && is_rejected {
        return Outcome::problem(
            "a token that is not from EKS",
            format!("the API server does not accept the token in the kubeconfig: {REJECTED}"),
            without_token(evidence, entry, "token", *overrides_plugin),
        );
    }
    if !is_eks {
        return Outcome::ok(
            "a token that is not from EKS: its permissions are not checked, only the AWS identity is",
        );
    }
    let mut saw = match signed {
        Some(signed) => format!("an EKS token, signed at {signed}"),
        None => "an EKS token that cannot be read".to_owned(),
    };
    if *overrides_plugin {
        saw += ", so the exec plugin next to it does not run";
    }
    let age = signed.map(|signed| evidence.now.duration_since(signed));
    if age.is_some_and(|age| age > SignedDuration::from_mins(TOKEN_MINUTES)) {
        return Outcome::problem(
            saw,
            format!(
                "the kubeconfig contains a pasted token, and an EKS token expires after {TOKEN_MINUTES} minutes"
            ),
            without_token(evidence, entry, "token", *overrides_plugin),
        );
    }
    Outcome::ok(saw)
}

/// Returns the step that gives the context a new user with an exec plugin, because another way to sign in is not overwritten.
fn with_new_user(evidence: &Evidence, entry: &Entry) -> String {
    let alias = entry.eks_name().or(entry.context.as_deref());
    let alias = quoted(&format!("{}-aws", alias.unwrap_or("eks")));
    let (before, after) = (
        "awsauth kubeconfig ",
        format!("awsauth kubeconfig --user-alias {alias} "),
    );
    remedy::rewrite(evidence, entry).replacen(before, &after, 1)
}

/// Returns how to remove the field with the token, so that an exec plugin runs.
fn without_token(evidence: &Evidence, entry: &Entry, field: &str, has_plugin: bool) -> String {
    let instead = || match entry.awsauth_as_plugin() {
        // It changes only the user.
        Some(change) if remedy::may_not_describe(evidence) => change,
        _ => remedy::rewrite(evidence, entry),
    };
    let remove = entry.user_name.as_ref().map(|name| {
        let path = quoted(&format!("users.{name}.{field}"));
        format!("{} config unset {path}", entry.kubectl)
    });
    match (remove, has_plugin) {
        (Some(remove), true) => {
            format!("remove the token, so that the exec plugin next to it runs: {remove}")
        }
        (None, true) => {
            "remove token from the user in the kubeconfig, so that the exec plugin next to it runs"
                .to_owned()
        }
        (Some(remove), false) => format!("use an exec plugin instead: {remove} && {}", instead()),
        (None, false) => format!("use an exec plugin instead: {}", instead()),
    }
}

/// Whether kubectl has no auth provider of the name in the kubeconfig.
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/client-go/rest/plugin.go>
fn has_removed_plugin(run: &CommandRun) -> bool {
    let text = run.stderr.to_lowercase();
    let words = ["auth plugin has been removed", "no auth provider found"];
    !run.succeeded && words.iter().any(|words| text.contains(words))
}

/// Whether the API server rejected the command's credentials.
fn is_unauthorized(run: &CommandRun) -> bool {
    let text = run.stderr.to_lowercase();
    let words = [
        "unauthorized",
        "must be logged in",
        "asked for the client to provide credentials",
    ];
    !run.succeeded && words.iter().any(|words| text.contains(words))
}
