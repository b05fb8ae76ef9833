//! T4: whether the token has expired.

use jiff::SignedDuration;

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::facts::limits::TOKEN_MINUTES;
use crate::token::{FormatError, TokenError};

pub(crate) const CHECK: Check = Check {
    id: "T4",
    title: "token lifetime",
    after: &["T1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let token = evidence.token.seen()?;
    let signed = match &token.read {
        Ok((_, signed)) => *signed,
        Err(TokenError::Format(FormatError::Expired(signed))) => {
            return Outcome::problem(
                format!("signed at {signed}"),
                format!(
                    "the token is older than {TOKEN_MINUTES} minutes: the client keeps tokens too long"
                ),
                "make the client run the exec plugin again, or restart the client",
            );
        }
        Err(_) => return Outcome::ok("not read"),
    };
    let end = signed + SignedDuration::from_mins(TOKEN_MINUTES);
    Outcome::ok(match token.keys_end.filter(|keys| *keys < end) {
        Some(keys) => format!("valid until {keys}, when the credentials expire"),
        None => format!("valid until {end}"),
    })
}
