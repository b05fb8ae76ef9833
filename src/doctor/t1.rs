use super::evidence::Signer;
use super::{Evidence, Judged, Outcome, Rung};
use crate::token::{FormatError, TokenError};

pub(super) const RUNG: Rung = Rung {
    id: "T1",
    title: "token form",
    after: &[],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let token = evidence.token.seen()?;
    let by = match token.signer {
        Signer::Plugin => "the plugin's token",
        Signer::Kubeconfig => "the kubeconfig's token",
        Signer::Awsauth => "a token made here",
    };
    match &token.read {
        Ok((host, _)) => Outcome::ok(format!("{by}, {} bytes, for {host}", token.bytes)),
        // Told by the rungs that are about it.
        Err(TokenError::Format(FormatError::TooLarge | FormatError::Expired(_))) => {
            Outcome::ok(format!("{by}, {} bytes", token.bytes))
        }
        Err(error) => Outcome::problem(
            format!("{by}, {} bytes", token.bytes),
            format!("the authenticator refuses the token unread: {error}"),
            "let awsauth make it: awsauth token --cluster-name NAME",
        ),
    }
}
