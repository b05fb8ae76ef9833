//! K2: whether kubectl supports the exec plugin's apiVersion.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::evidence::{Exec, User};
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "K2",
    title: "exec apiVersion",
    after: &["K1"],
    judge,
};

/// The versions that kubectl supports.
/// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>
pub(crate) const SUPPORTED: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

/// The message of kubectl if an exec plugin needs a terminal.
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/client-go/plugin/pkg/client/auth/exec/exec.go>
const NO_TERMINAL: &str = "standard input is not a terminal";

/// Returns the exec plugin of the kubeconfig.
pub(crate) fn exec(evidence: &Evidence) -> Result<&Exec, Skipped> {
    match &evidence.entry()?.user {
        User::Exec(exec) => Ok(exec),
        _ => Err(Skipped::needs("an exec plugin in the kubeconfig")),
    }
}

fn judge(evidence: &Evidence) -> CheckResult {
    let exec = exec(evidence)?;
    let entry = evidence.entry()?;
    let change = || {
        let flag = format!("--exec-api-version={}", SUPPORTED[1]);
        let change = entry.change_plugin(&flag);
        change.unwrap_or_else(|| {
            format!(
                "set apiVersion: {} in the user of the kubeconfig",
                SUPPORTED[1]
            )
        })
    };
    let Some(version) = &exec.api_version else {
        return Outcome::problem(
            "no apiVersion",
            "the exec plugin has no apiVersion",
            change(),
        );
    };
    let saw = format!("apiVersion {}", quoted(version));
    if !SUPPORTED.contains(&version.as_str()) {
        let cause = match version.as_str() {
            "client.authentication.k8s.io/v1alpha1" => {
                "kubectl 1.24 and later do not support exec plugins of v1alpha1".to_owned()
            }
            other => format!("kubectl does not support exec plugins of {other:?}"),
        };
        return Outcome::problem(saw, cause, change());
    }
    if version == SUPPORTED[0] && !exec.has_interactive_mode {
        return Outcome::problem(
            saw,
            "an exec plugin of v1 needs interactiveMode, and the kubeconfig has none",
            "set interactiveMode: IfAvailable next to it in the user of the kubeconfig",
        );
    }
    let lacks_terminal = !exec.has_terminal
        || evidence
            .command
            .known()
            .is_some_and(|run| run.stderr.contains(NO_TERMINAL));
    if exec.needs_terminal && lacks_terminal {
        return Outcome::problem(
            format!("{saw}, interactiveMode Always"),
            "the exec plugin has interactiveMode: Always, with which kubectl runs it only in a terminal, but its standard input is not a terminal here",
            "set interactiveMode: IfAvailable in the user of the kubeconfig",
        );
    }
    Outcome::ok(saw)
}
