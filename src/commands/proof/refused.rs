use crate::arn::{Kind as Of, Parts, canonical};
use crate::aws::credentials::{Caller, CallerError};
use crate::cluster::shell::quoted;
use crate::commands::signer::Signer;
use crate::edge::{Failure, Kind};
use crate::facts::access_entries::AccessEntry;
use crate::facts::auth_mode::AuthenticationMode;
use crate::facts::limits::TOKEN_BYTES;
use crate::world::SignIn;

/// Why the API server does not accept a token, as far as it can be known from outside, and what to do. `caller` is what STS says;
/// `None` for a token that no authenticator reads.
pub(super) fn refused(
    cluster: &SignIn,
    signer: &Signer,
    caller: Option<&Result<Caller, CallerError>>,
    access_entry: Option<&AccessEntry>,
) -> Failure {
    let what = format!("{} does not accept the token", cluster.target());
    let failure = Failure::new(Kind::No, &what);
    match caller {
        None => failure
            .note(format!(
                "it is longer than the {TOKEN_BYTES} bytes that the authenticator reads, for its session token is"
            ))
            .hint("use a session with fewer or shorter tags, or another role"),
        Some(Err(error)) if error.is_refusal() => {
            Failure::new(Kind::No, format!("{what}, and AWS not what it is signed with"))
                .because(error)
                .hint(error.hint())
        }
        Some(Err(error)) => {
            let known = failure.note(format!("whose it is could not be asked: {error}"));
            other_cluster(known.hint(error.hint()), signer)
        }
        Some(Ok(caller)) => match access_entry {
            Some(entry) => of_another(failure, signer, caller, entry),
            None => not_mapped(failure, cluster, signer, caller),
        },
    }
}

/// There is an access entry for it, which does not let it in.
fn of_another(failure: Failure, signer: &Signer, caller: &Caller, entry: &AccessEntry) -> Failure {
    let arn = &entry.principal_arn;
    failure
        .note(format!("AWS knows its holder as {}", caller.arn))
        .note(format!("the access entry of {arn} does not let it in: either it was made within the last seconds, or {arn} was deleted and made again since, and the entry is the old one's"))
        .hint(format!(
            "see when the entry was made, and what to make anew after deleting it: aws eks describe-access-entry --region {} --cluster-name {} --principal-arn {}",
            quoted(&signer.host.region),
            quoted(&signer.cluster),
            quoted(arn)
        ))
        .hint(format!(
            "see when its principal was made: aws iam get-{} --{}-name {}",
            kind(arn), kind(arn),
            quoted(arn.rsplit('/').next().unwrap_or(arn))
        ))
}

/// IAM's word for what an ARN names.
fn kind(arn: &str) -> &'static str {
    match Parts::of(arn) {
        Some(parts) if parts.is("iam", "user") => "user",
        _ => "role",
    }
}

/// AWS accepts what the token is signed with.
fn not_mapped(failure: Failure, cluster: &SignIn, signer: &Signer, caller: &Caller) -> Failure {
    let failure = failure.note(format!("AWS knows its holder as {}", caller.arn));
    let Ok(canonical) = canonical(&caller.arn) else {
        return other_cluster(failure, signer);
    };
    let arn = canonical.arn;
    let failure = failure.note(format!(
        "either the cluster does not map {arn}, or it is not the one that the token is for: {:?}",
        signer.cluster
    ));
    let section = match canonical.kind {
        Of::Role | Of::AssumedRole => Some("role"),
        Of::User => Some("user"),
        Of::Root | Of::FederatedUser => None,
    };
    let name = arn.rsplit('/').next().unwrap_or(&arn);
    let mode = cluster
        .described()
        .and_then(|eks| eks.facts.authentication_mode);
    if mode == Some(AuthenticationMode::Api) {
        return failure
            .note("nothing reads aws-auth in mode API")
            .hint(format!(
                "to let it in, somebody with IAM rights runs this, with the principal's path: aws eks create-access-entry --region {} --cluster-name {} --principal-arn {}",
                quoted(&signer.host.region),
                quoted(&signer.cluster),
                quoted(&arn)
            ));
    }
    let failure = match section {
        Some(section) => failure.hint(format!(
            "to let it in, somebody who may write aws-auth runs: awsauth map {section} {} --username {} --group GROUP",
            quoted(&arn),
            quoted(name)
        )),
        None => failure,
    };
    let failure = failure.hint(format!(
        "see which entries come near: awsauth explain {}",
        quoted(&arn)
    ));
    other_cluster(failure, signer)
}

fn other_cluster(failure: Failure, signer: &Signer) -> Failure {
    failure.hint(format!(
        "see whether its endpoint is that of cluster {:?}: aws eks describe-cluster --name {} --region {} --query cluster.endpoint",
        signer.cluster,
        quoted(&signer.cluster),
        quoted(&signer.host.region)
    ))
}
