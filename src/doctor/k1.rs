use super::evidence::User;
use super::{Evidence, Judged, Outcome, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "K1",
    title: "kubeconfig",
    after: &[],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let entry = match evidence.kubeconfig.seen()? {
        Ok(entry) => entry,
        Err(trouble) => return Outcome::trouble("no cluster could be chosen", trouble),
    };
    let context = match &entry.context {
        Some(name) => format!("context {name} of {}", entry.files),
        None => entry.files.clone(),
    };
    let user = match &entry.user {
        User::Nobody => "nobody's credentials".to_owned(),
        User::Exec(exec) => format!("the plugin {}", exec.command),
        User::Token { .. } => "a token that stands in it".to_owned(),
        User::Other(what) => what.clone(),
    };
    Outcome::ok(format!("{context}: {} with {user}", entry.server))
}
