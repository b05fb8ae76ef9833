use super::k2::exec;
use super::{Evidence, Judged, Outcome, Rung};
use crate::shell::quoted;

pub(super) const RUNG: Rung = Rung {
    id: "K5",
    title: "exec arguments",
    after: &["K1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let exec = exec(evidence)?;
    let entry = evidence.entry()?;
    let name = entry.plugin_named.as_deref();
    let mut saw = match name {
        Some(name) => format!("for cluster {name}"),
        None => "no cluster's name among the arguments".to_owned(),
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
            format!("the token is made for cluster {plugin:?}, and the entry is that of {own:?}"),
            entry.rewrite(),
        );
    }
    if let Some(typo) = exec.env.iter().find_map(|(name, _)| misspelt(name)) {
        let (written, meant) = typo;
        return Outcome::problem(
            saw,
            format!("the plugin's variable {written} means nothing: it is {meant}"),
            format!("write {meant} in the env of the kubeconfig's user"),
        );
    }
    let profile = exec.env.iter().find(|(name, _)| name == "AWS_PROFILE");
    if let (Some((_, profile)), true) = (profile, exec.keys_in_environment) {
        saw += &format!(
            "; keys in the environment win over AWS_PROFILE={profile} with most tools: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"
        );
    }
    Outcome::ok(saw)
}

/// A variable that nearly is one of AWS's.
fn misspelt(name: &str) -> Option<(&str, &'static str)> {
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
