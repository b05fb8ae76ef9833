//! T3: whether the token is short enough.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::facts::limits::TOKEN_BYTES;

pub(crate) const CHECK: Check = Check {
    id: "T3",
    title: "token size",
    after: &["T1"],
    judge,
};

/// The size from which the check warns.
const NEAR: usize = 3800;

fn judge(evidence: &Evidence) -> CheckResult {
    let bytes = evidence.token.seen()?.bytes;
    let saw = format!("{bytes} of {TOKEN_BYTES} bytes");
    if bytes > TOKEN_BYTES {
        return Outcome::problem(
            saw,
            format!(
                "the token is {bytes} bytes long, but the authenticator accepts at most {TOKEN_BYTES}: its session token is too long"
            ),
            "use a session with fewer or shorter tags, or another role: --role-arn ARN",
        );
    }
    Outcome::ok(match bytes >= NEAR {
        true => format!("{saw}: one more session tag can exceed the limit"),
        false => saw,
    })
}
