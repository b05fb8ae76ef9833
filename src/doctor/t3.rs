use super::{Evidence, Judged, Outcome, Rung};
use crate::facts::limits::TOKEN_BYTES;

pub(super) const RUNG: Rung = Rung {
    id: "T3",
    title: "token size",
    after: &["T1"],
    judge,
};

/// From here on it is worth a word.
const NEAR: usize = 3800;

fn judge(evidence: &Evidence) -> Judged {
    let bytes = evidence.token.seen()?.bytes;
    let saw = format!("{bytes} of {TOKEN_BYTES} bytes");
    if bytes > TOKEN_BYTES {
        return Outcome::problem(
            saw,
            format!(
                "the token has {bytes} bytes, and the authenticator reads at most {TOKEN_BYTES}: its session token is too long"
            ),
            "use a session with fewer or shorter tags, or another role: --role-arn ARN",
        );
    }
    Outcome::ok(match bytes >= NEAR {
        true => format!("{saw}: one more session tag may be too many"),
        false => saw,
    })
}
