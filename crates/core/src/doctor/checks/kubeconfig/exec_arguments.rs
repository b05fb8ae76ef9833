//! K5: whether the exec plugin's arguments and variables are for this cluster.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::checks::kubeconfig::exec_api_version::exec;
use crate::doctor::evidence::{ADOPTED_VARIABLES, Entry, Exec};
use crate::doctor::remedy;
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "K5",
    title: "exec arguments",
    after: &["K1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let exec = exec(evidence)?;
    let entry = evidence.entry()?;
    let name = entry.plugin_named.as_deref();
    let mut saw = match name {
        Some(name) => format!("for cluster {name}"),
        None => "no cluster name in the arguments".to_owned(),
    };
    if let Some(region) = &entry.region {
        saw += &format!(", region {region}");
    }
    for (name, value) in &exec.env {
        saw += &format!(", {name}={}", quoted(value));
    }
    if let (Some(plugin), Some(own)) = (name, entry.named.as_deref())
        && plugin != own
    {
        return Outcome::problem(
            saw,
            format!(
                "the token is made for cluster {plugin:?}, but the kubeconfig entry is for {own:?}"
            ),
            correction(evidence, entry, exec, plugin, own),
        );
    }
    if let Some(typo) = exec.env.iter().find_map(|(name, _)| misspelled(name)) {
        let (written, correct) = typo;
        return Outcome::problem(
            saw,
            format!("the plugin's variable {written} has no effect: the name is {correct}"),
            format!("rename it to {correct} in the env of the kubeconfig user"),
        );
    }
    let profile = exec.env.iter().find(|(name, _)| name == "AWS_PROFILE");
    if let (Some((_, profile)), true) = (profile, exec.keys_in_environment) {
        saw += &format!(
            "; most tools prefer keys in the environment to AWS_PROFILE={profile}: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"
        );
    }
    let ignored: Vec<&str> = exec
        .env
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| is_of_aws(name) && !ADOPTED_VARIABLES.contains(name))
        .collect();
    if !ignored.is_empty() {
        saw += &format!(
            "; only the plugin uses {}: to use them for doctor's own requests, export them",
            ignored.join(", ")
        );
    }
    Outcome::ok(saw)
}

/// Returns the step that lets the context sign in to its own cluster. Changes no user that contexts of other clusters have.
fn correction(evidence: &Evidence, entry: &Entry, exec: &Exec, wrong: &str, name: &str) -> String {
    let select = |user: &str| {
        let context = entry.context.as_deref()?;
        let (context, user) = (quoted(context), quoted(user));
        Some(format!(
            "select the user of cluster {name}: kubectl config set-context {context} --user={user}"
        ))
    };
    if let Some(step) = entry.matching_user.as_deref().and_then(select) {
        return step;
    }
    match with_name(entry, exec, wrong, name) {
        Some(change) if !entry.has_shared_user => change,
        _ => remedy::rewrite(evidence, entry),
    }
}

/// Returns the command that replaces the cluster's name in the arguments; `None` if they are not known completely.
fn with_name(entry: &Entry, exec: &Exec, wrong: &str, name: &str) -> Option<String> {
    let args = exec.args.iter().map(|arg| match arg.split_once('=') {
        Some((flag, value)) if value == wrong => format!("{flag}={name}"),
        _ if arg == wrong => name.to_owned(),
        _ => arg.clone(),
    });
    entry.change_plugin(&Exec::arg_flags(args)?.join(" "))
}

/// Whether requests to AWS may depend on the variable.
fn is_of_aws(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("AWS_") || name.ends_with("_PROXY")
}

/// Returns a misspelled AWS variable, with the correct name.
fn misspelled(name: &str) -> Option<(&str, &'static str)> {
    const KNOWN: [&str; 6] = [
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_CONFIG_FILE",
        "AWS_STS_REGIONAL_ENDPOINTS",
    ];
    if KNOWN.contains(&name) {
        return None;
    }
    let near = KNOWN
        .into_iter()
        .find(|known| strsim::damerau_levenshtein(known, name) <= 2)?;
    Some((name, near))
}
