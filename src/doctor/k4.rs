use super::k2::exec;
use super::{Evidence, Judged, Outcome, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "K4",
    title: "exec output",
    after: &["K1", "K3"],
    judge,
};

/// A plugin that takes longer is felt at every command.
const SLOW: i64 = 3;

fn judge(evidence: &Evidence) -> Judged {
    let exec = exec(evidence)?;
    if let Some(limit) = evidence.plugin.late() {
        return Outcome::problem(
            format!("{} did not end within {} s", exec.command, limit.as_secs()),
            "the exec plugin does not end: it waits for the network, or for somebody to answer",
            "run it by itself, with nothing on its standard input, and see what it waits for",
        );
    }
    let plugin = evidence.plugin.seen()?;
    let by_itself = || format!("run it by itself: {}", plugin.command);
    if let Some(status) = &plugin.failed {
        let said = plugin.stderr.lines().rfind(|line| !line.trim().is_empty());
        let said = said.unwrap_or("it says nothing");
        return Outcome::problem(
            format!("{} failed with {status}", plugin.command),
            format!("the exec plugin fails: {}", said.trim()),
            by_itself(),
        );
    }
    if let Some(why) = &plugin.unreadable {
        return Outcome::problem(
            format!("{} printed something else", plugin.command),
            format!("what the exec plugin printed is no ExecCredential: {why}"),
            by_itself(),
        );
    }
    let version = plugin.api_version.as_deref().unwrap_or("no apiVersion");
    let mut saw = format!(
        "a token of {} bytes, {version}, {} ms",
        plugin.token_bytes,
        plugin.took.as_millis()
    );
    if plugin.token_bytes == 0 {
        return Outcome::problem(
            saw,
            "the exec plugin prints no token, so nothing is sent, and one is system:anonymous",
            by_itself(),
        );
    }
    if exec.api_version.as_deref() != Some(version) {
        let asked = exec.api_version.as_deref().unwrap_or("none");
        return Outcome::problem(
            saw,
            format!(
                "the kubeconfig asks the exec plugin for {asked}, and it answers with {version}"
            ),
            evidence.entry()?.rewrite(),
        );
    }
    match &plugin.expiration {
        Some(when) => saw += &format!(", until {when}"),
        None => saw += "; it says no end, so that clients keep it when it is over",
    }
    if plugin.took.as_secs() >= SLOW {
        saw += "; that is slow";
    }
    Outcome::ok(saw)
}
