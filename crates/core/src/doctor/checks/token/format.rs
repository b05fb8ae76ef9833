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

/// Returns how to make the plugin use STS in the region of the cluster. The region in the plugin's `env` overrides the one in
/// the environment.
fn in_region(evidence: &Evidence) -> Option<String> {
    let entry = evidence.entry().ok()?;
    let region = entry.region.as_deref()?;
    let set = entry.change_plugin(&format!("--exec-env=AWS_REGION={region}"))?;
    Some(format!(
        "the plugin uses another region than that of the cluster, such as one in AWS_REGION: unset it, or set it for the plugin: {set}"
    ))
}

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
            match error {
                TokenError::Format(FormatError::OtherPartition { .. }) => in_region(evidence),
                _ => None,
            }
            .unwrap_or_else(|| {
                "let awsauth create it: awsauth token --cluster-name NAME".to_owned()
            }),
        ),
    }
}
