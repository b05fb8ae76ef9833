use jiff::SignedDuration;

use super::{Evidence, Judged, Outcome, Rung};
use crate::facts::limits::TOKEN_MINUTES;
use crate::token::{FormatError, TokenError};

pub(super) const RUNG: Rung = Rung {
    id: "T4",
    title: "token life",
    after: &["T1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let token = evidence.token.seen()?;
    let signed = match &token.read {
        Ok((_, signed)) => *signed,
        Err(TokenError::Format(FormatError::Expired(signed))) => {
            return Outcome::problem(
                format!("signed at {signed}"),
                format!(
                    "the token is older than {TOKEN_MINUTES} minutes: whoever sends it keeps tokens too long"
                ),
                "let the client run the exec plugin again, or restart it",
            );
        }
        Err(_) => return Outcome::ok("not read"),
    };
    let end = signed + SignedDuration::from_mins(TOKEN_MINUTES);
    Outcome::ok(match token.keys_end.filter(|keys| *keys < end) {
        Some(keys) => format!("good until {keys}, when the credentials end"),
        None => format!("good until {end}"),
    })
}
