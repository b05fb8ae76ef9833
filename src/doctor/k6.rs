use jiff::SignedDuration;

use super::evidence::User;
use super::{Evidence, Judged, Outcome, Rung, Skipped};
use crate::facts::limits::TOKEN_MINUTES;

pub(super) const RUNG: Rung = Rung {
    id: "K6",
    title: "static token",
    after: &["K1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let entry = evidence.entry()?;
    let User::Token {
        signed,
        is_eks,
        hides_plugin,
    } = &entry.user
    else {
        return Err(Skipped::needs("a token in the kubeconfig"));
    };
    if !is_eks {
        return Outcome::ok(
            "a token, not of EKS: what it may do is not looked at, the AWS identity is",
        );
    }
    let mut saw = match signed {
        Some(signed) => format!("a token of EKS, signed at {signed}"),
        None => "a token of EKS that can't be read".to_owned(),
    };
    if *hides_plugin {
        saw += ", and beside it a plugin that therefore never runs";
    }
    let age = signed.map(|signed| evidence.now.duration_since(signed));
    if age.is_some_and(|age| age > SignedDuration::from_mins(TOKEN_MINUTES)) {
        return Outcome::problem(
            saw,
            format!(
                "the kubeconfig holds a pasted token, and a token of EKS lives {TOKEN_MINUTES} minutes"
            ),
            format!("let a plugin make them: {}", entry.rewrite()),
        );
    }
    Outcome::ok(saw)
}
