use super::k2::exec;
use super::{Evidence, Judged, Outcome, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "K3",
    title: "exec command",
    after: &["K1"],
    judge,
};

/// The name that aws-iam-authenticator had until 2018.
const OLD_NAME: &str = "heptio-authenticator-aws";

fn judge(evidence: &Evidence) -> Judged {
    let exec = exec(evidence)?;
    let entry = evidence.entry()?;
    let saw = match &exec.path {
        Some(path) => format!("{} is {path}", exec.command),
        None => format!("{} is nowhere on PATH", exec.command),
    };
    let instead = match entry.eks_name() {
        Some(_) => format!("let awsauth be the plugin: {}", entry.rewrite()),
        None => format!(
            "install it, or give its whole path: command -v {}",
            exec.command
        ),
    };
    match (&exec.path, &exec.fault) {
        (None, _) if exec.command.ends_with(OLD_NAME) => Outcome::problem(
            saw,
            format!("{OLD_NAME} was renamed to aws-iam-authenticator, and is not installed"),
            instead,
        ),
        (None, _) => Outcome::problem(
            saw,
            format!("the exec plugin {:?} is not installed here", exec.command),
            instead,
        ),
        (Some(_), Some(fault)) => Outcome::problem(
            saw,
            format!("the exec plugin {:?} can't be run: {fault}", exec.command),
            instead,
        ),
        (Some(_), None) => Outcome::ok(saw),
    }
}
