//! K1: whether the kubeconfig selects a cluster.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::evidence::User;
use crate::doctor::remedy;
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "K1",
    title: "kubeconfig",
    after: &[],
    judge,
};

/// Returns whether kubectl accepts the URL of a proxy.
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/client-go/tools/clientcmd/validation.go>
fn is_proxy(url: &str) -> bool {
    let url = url.to_ascii_lowercase();
    let schemes = ["http://", "https://", "socks5://"];
    schemes.iter().any(|scheme| url.starts_with(scheme))
}

fn judge(evidence: &Evidence) -> CheckResult {
    let entry = match evidence.kubeconfig.seen()? {
        Ok(entry) => entry,
        Err(problem) => return Outcome::from_problem("no cluster is selected", problem),
    };
    let context = match &entry.context {
        Some(name) => format!("context {name} of {}", entry.files),
        None => entry.files.clone(),
    };
    let user = match &entry.user {
        User::Anonymous => "no credentials".to_owned(),
        User::Exec(exec) => format!("the plugin {}", exec.command),
        User::Token { .. } => "a static token".to_owned(),
        User::TokenFile { path, .. } => format!("the token file {path}"),
        User::Other(what) => what.clone(),
    };
    let fails = evidence.command.known().is_some_and(|run| !run.succeeded);
    if entry.user == User::Anonymous && fails {
        let name = entry.context.as_deref().unwrap_or("NAME");
        return Outcome::problem(
            format!("{context}: {} without credentials", entry.server),
            format!("the context {name} has no user, or its user has no credentials"),
            format!(
                "write the entries again: {}; or select a user of the kubeconfig: kubectl config set-context {} --user=USER",
                remedy::rewrite(evidence, entry),
                quoted(name)
            ),
        );
    }
    if entry.is_insecure_with_authority {
        return Outcome::problem(
            format!("{context}: insecure-skip-tls-verify and a certificate authority"),
            "kubectl refuses a cluster entry that has both insecure-skip-tls-verify: true and a certificate authority",
            entry.change_cluster(
                "--insecure-skip-tls-verify=false",
                "remove insecure-skip-tls-verify, so that the certificate is verified",
            ),
        );
    }
    if let Some(proxy) = entry.proxy_url.as_deref().filter(|url| !is_proxy(url)) {
        let flag = quoted(&format!("--proxy-url=http://{proxy}"));
        return Outcome::problem(
            format!("{context}: proxy-url {proxy}"),
            format!(
                "kubectl refuses the proxy-url {proxy} of the cluster entry: it does not begin with http://, https:// or socks5://"
            ),
            entry.change_cluster(&flag, "write the proxy-url with its scheme"),
        );
    }
    let acts_as = entry.impersonates.as_ref();
    let acts_as = acts_as.map_or_else(String::new, |name| format!(", which acts as user {name}"));
    Outcome::ok(format!("{context}: {} with {user}{acts_as}", entry.server))
}
