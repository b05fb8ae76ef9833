//! T1: whether the authenticator can parse the token.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::evidence::Signer;
use crate::token::{FormatError, TokenError};

pub(crate) const CHECK: Check = Check {
    id: "T1",
    title: "token format",
    after: &[],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let token = evidence.token.seen()?;
    let by = match token.signer {
        Signer::Plugin => "the plugin's token",
        Signer::Kubeconfig => "the kubeconfig's token",
        Signer::Awsauth => "a token made here",
    };
    match &token.read {
        Ok((host, _)) => Outcome::ok(format!("{by}, {} bytes, for {host}", token.bytes)),
        // Other checks report these.
        Err(TokenError::Format(FormatError::TooLarge | FormatError::Expired(_))) => {
            Outcome::ok(format!("{by}, {} bytes", token.bytes))
        }
        Err(error) => Outcome::problem(
            format!("{by}, {} bytes", token.bytes),
            format!("the authenticator rejects the token before it calls STS: {error}"),
            "let awsauth create it: awsauth token --cluster-name NAME",
        ),
    }
}
