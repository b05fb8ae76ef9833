//! Explains why the API server rejects a token.

use std::time::Duration;

use super::TokenSigner;
use crate::backend::SignIn;
use crate::terminal::{Failure, Kind};
use awsauth_aws::credentials::{Caller, CallerError};
use awsauth_core::arn::{Kind as Of, Parts, canonical};
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::limits::TOKEN_BYTES;
use awsauth_core::shell_quote::quoted;

/// Explains why the API server rejects a token, as far as a client can know, and what to do about it. `caller` is the identity that
/// STS reports; `None` for a token that is too long for the authenticator.
pub(super) fn rejection(
    cluster: &SignIn,
    signer: &TokenSigner,
    caller: Option<&Result<Caller, CallerError>>,
    access_entry: Option<&AccessEntry>,
) -> Failure {
    let what = format!("{} does not accept the token", cluster.target());
    let failure = Failure::new(Kind::No, &what);
    match caller {
        None => failure
            .note(format!(
                "it is longer than the {TOKEN_BYTES} bytes that the authenticator accepts, because its session token is too long"
            ))
            .hint("use a session with fewer or shorter tags, or another role"),
        Some(Err(error)) if error.is_refusal() => {
            Failure::new(Kind::No, format!("{what}, and AWS does not accept its credentials"))
                .because(error)
                .hint(error.hint())
        }
        Some(Err(error)) => {
            let known = failure.note(format!("its identity could not be checked: {error}"));
            other_cluster(known.hint(error.hint()), signer)
        }
        Some(Ok(caller)) => match access_entry {
            Some(entry) => stale_access_entry(failure, signer, caller, entry),
            None => not_mapped(failure, cluster, signer, caller),
        },
    }
}

/// Explains that it is unknown whether the cluster maps the identity: there was no answer in time, or a rejection only after a timeout.
pub(super) fn timed_out(cluster: &SignIn, elapsed: Duration) -> Failure {
    let target = cluster.target();
    Failure::new(
        Kind::Unreachable,
        format!("cannot tell whether {target} accepts the token: it had no answer within {:.0} s", elapsed.as_secs_f64()),
    )
    .note("the API server, its authenticator or STS does not answer; whether the identity is mapped is unknown")
    .hint(format!(
        "check whether the API server itself is ready, then try again: {} get --raw /readyz",
        target.kubectl()
    ))
}

/// Explains why an identity with an access entry is rejected.
fn stale_access_entry(
    failure: Failure,
    signer: &TokenSigner,
    caller: &Caller,
    entry: &AccessEntry,
) -> Failure {
    let arn = &entry.principal_arn;
    failure
        .note(format!("AWS identifies its owner as {}", caller.arn))
        .note(format!("{arn} cannot sign in through its access entry: either the entry was created within the last seconds, or {arn} was deleted and created again, and the entry belongs to the old one"))
        .hint(format!(
            "check when the entry was created, and what to recreate after deleting it: aws eks describe-access-entry --region {} --cluster-name {} --principal-arn {}",
            quoted(&signer.host.region),
            quoted(&signer.cluster),
            quoted(arn)
        ))
        .hint(format!(
            "check when its principal was created: aws iam get-{} --{}-name {}",
            kind(arn), kind(arn),
            quoted(arn.rsplit('/').next().unwrap_or(arn))
        ))
}

/// Returns the resource type in IAM commands.
fn kind(arn: &str) -> &'static str {
    match Parts::of(arn) {
        Some(parts) if parts.is("iam", "user") => "user",
        _ => "role",
    }
}

/// Explains why an identity that AWS accepts is rejected.
fn not_mapped(
    failure: Failure,
    cluster: &SignIn,
    signer: &TokenSigner,
    caller: &Caller,
) -> Failure {
    let failure = failure.note(format!("AWS identifies its owner as {}", caller.arn));
    let Ok(canonical) = canonical(&caller.arn) else {
        return other_cluster(failure, signer);
    };
    let arn = canonical.arn;
    let failure = failure.note(format!(
        "either the cluster does not map {arn}, or it is not the cluster that the token is for: {:?}",
        signer.cluster
    ));
    let section = match canonical.kind {
        Of::Role | Of::AssumedRole => Some("role"),
        Of::User => Some("user"),
        Of::Root | Of::FederatedUser => None,
    };
    let rescue = format!(
        "if no administrator can sign in, and you have IAM permissions: awsauth rescue --cluster-name {} --region {}",
        quoted(&signer.cluster),
        quoted(&signer.host.region)
    );
    let name = arn.rsplit('/').next().unwrap_or(&arn);
    let mode = cluster
        .described()
        .and_then(|eks| eks.facts.authentication_mode);
    if mode == Some(AuthenticationMode::Api) {
        return failure
            .note("in authentication mode API, the cluster ignores aws-auth")
            .hint(format!(
                "to give it access, a user with IAM permissions runs this, with the principal's path: aws eks create-access-entry --region {} --cluster-name {} --principal-arn {}",
                quoted(&signer.host.region),
                quoted(&signer.cluster),
                quoted(&arn)
            ))
            .hint(rescue);
    }
    let failure = match section {
        Some(section) => failure.hint(format!(
            "to give it access, a user who can write aws-auth runs: awsauth map {section} {} --username {} --group GROUP",
            quoted(&arn),
            quoted(name)
        )),
        None => failure,
    };
    let failure = failure
        .hint(format!(
            "check which entries nearly match: awsauth explain {}",
            quoted(&arn)
        ))
        .hint(rescue);
    other_cluster(failure, signer)
}

fn other_cluster(failure: Failure, signer: &TokenSigner) -> Failure {
    failure.hint(format!(
        "check whether its endpoint is that of cluster {:?}: aws eks describe-cluster --name {} --region {} --query cluster.endpoint",
        signer.cluster,
        quoted(&signer.cluster),
        quoted(&signer.host.region)
    ))
}
