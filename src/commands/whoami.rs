//! `awsauth whoami`.

use std::time::Duration;

use super::{Format, OutputArgs};
use crate::access_check::{SigningCredentials, TokenSigner};
use crate::backend::{SignIn, SignInResult, Target};
use crate::output::{OnCluster, Whoami, whoami_json, whoami_text};
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_core::arn::{Identity, is_same_principal};
use awsauth_core::authenticator::{Question, explain};
use awsauth_core::document::Document;
use awsauth_core::shell_quote::quoted;

/// Show your AWS identity, its source, and your user in the cluster
///
/// Always asks STS, without cached sessions. With --cluster-name or a cluster in the kubeconfig, signs in to the
/// cluster with a new token of these AWS credentials, and shows the Kubernetes user and, if you can read aws-auth, the entry
/// that applies. The user of a kubeconfig may have other credentials, which kubectl and the other commands use: also signs in
/// with those, unless an option selects the AWS credentials.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Which AWS identity, and which user in the cluster of the current context?
  awsauth whoami

  # As another role, on a cluster without a kubeconfig
  awsauth whoami --cluster-name prod --role-arn arn:aws:iam::111122223333:role/dev")]
pub(crate) struct Args {
    #[command(flatten)]
    answer: OutputArgs,
}

/// Asks AWS for the identity, then the cluster if there is one.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let what = "cannot determine your AWS identity";
    let cluster = SignIn::open_if_any(target, matches, out)?;
    let is_of_kubeconfig = cluster
        .as_ref()
        .is_some_and(|cluster| cluster.described().is_none());
    let hint = "see which user the kubeconfig's own credentials sign in as, which whoami does not need: \
        kubectl auth whoami";
    let with_other = |failure: Failure| match is_of_kubeconfig {
        true => failure.hint(hint),
        false => failure,
    };
    let credentials =
        SigningCredentials::get(&target.identity, None, what, out).map_err(with_other)?;
    let caller = credentials.caller().map_err(|error| {
        Failure::new(Kind::Unreachable, what)
            .because(&error)
            .note(format!("credentials: {}", credentials.resolved.source))
            .hint(error.hint())
    });
    let caller = caller.map_err(with_other)?;
    let resolved = credentials.resolved.clone();
    let key = &resolved.credentials.access_key_id;
    let identity = Identity::from_sts(&caller.arn, &caller.account, &caller.user_id, key);
    let identity =
        identity.map_err(|error| Failure::new(Kind::Unreachable, what).because(&error))?;
    let kubeconfig_user = match &cluster {
        Some(cluster) => cluster.kubeconfig_user(target, matches, out)?,
        None => None,
    };
    let on_cluster = match cluster {
        None => {
            out.detail(|| "No cluster is checked: the kubeconfig has none".to_owned());
            None
        }
        Some(cluster) => match cluster.eks().name.clone() {
            None => {
                out.note(&format!(
                    "{} is skipped: its kubeconfig does not contain the name of the EKS cluster",
                    cluster.target()
                ));
                out.note("hint: name it: --cluster-name NAME");
                None
            }
            Some(name) => {
                let what = format!("cannot sign in to {}", cluster.target());
                match credentials.signer(&cluster, name, &what, out) {
                    Ok(signer) => sign_in(
                        &cluster,
                        &signer,
                        &caller.arn,
                        &identity,
                        target.timeout(),
                        out,
                    )?,
                    Err(failure) if failure.is_refused() => {
                        out.failure(&failure.render(out.program()));
                        None
                    }
                    Err(failure) => return Err(failure),
                }
            }
        },
    };
    let whoami = Whoami {
        arn: &caller.arn,
        identity: &identity,
        resolved: &resolved,
        on_cluster,
        kubeconfig_user,
    };
    if let Some(Err(_)) = &whoami.kubeconfig_user {
        out.note("hint: find out why the kubeconfig's own user has no access: awsauth doctor");
    }
    match args.answer.output {
        Format::Human => out.text(&whoami_text(&whoami))?,
        Format::Json => out.json(&whoami_json(&whoami).map_err(|error| Failure::bug(&error))?)?,
    }
    Ok(Exit::Done)
}

/// Signs in once. Prints a warning if the cluster does not respond.
fn sign_in(
    cluster: &SignIn,
    signer: &TokenSigner,
    arn: &str,
    identity: &Identity,
    time_limit: Duration,
    out: &mut Out,
) -> Result<Option<OnCluster>, Failure> {
    let client = signer.authenticated(&signer.token());
    let sign_in = match cluster.attempt(&client, &[], time_limit, out) {
        Ok(sign_in) => sign_in,
        Err(failure) if failure.exit() == Exit::Interrupted => return Err(failure),
        Err(failure) => {
            out.note(&format!("warning: {}", failure.message()));
            return Ok(None);
        }
    };
    let target = cluster.target().clone();
    let who = match sign_in {
        SignInResult::Accepted(who, _) => who,
        SignInResult::Unauthorized => {
            let with_these = match cluster.described() {
                Some(eks) => format!("--cluster-name {}", quoted(&eks.facts.name)),
                // Without an ARN, doctor checks the credentials of the kubeconfig.
                None => format!("--for {}", quoted(&identity.canonical_arn)),
            };
            out.note(&format!(
                "hint: find the cause: awsauth doctor {with_these}"
            ));
            return Ok(Some(OnCluster {
                target,
                user: None,
                place: None,
                access_entry: None,
                note: Some("it does not accept your token".to_owned()),
            }));
        }
        SignInResult::TimedOut(_) => {
            return Ok(Some(OnCluster {
                target,
                user: None,
                place: None,
                access_entry: None,
                note: Some(
                    "whether it accepts your token is unknown: there was no answer in time"
                        .to_owned(),
                ),
            }));
        }
        SignInResult::Forbidden(message) => {
            return Ok(Some(OnCluster {
                target,
                user: None,
                place: None,
                access_entry: None,
                note: Some(message),
            }));
        }
    };
    let user = who.user();
    let entries = cluster.access_entries(&|of| is_same_principal(of, arn), out);
    let entry = entries.and_then(|entries| entries.of(&identity.canonical_arn).cloned());
    if entry.is_some() {
        return Ok(Some(OnCluster {
            target,
            user: Some(user),
            place: None,
            access_entry: entry,
            note: None,
        }));
    }
    let (place, note) = match cluster.aws_auth(&client, time_limit, out)? {
        Err(why) => (None, Some(format!("the deciding entry is unknown: {why}"))),
        Ok(snapshot) => {
            let document = Document::read(&snapshot.data);
            let question = Question {
                arn,
                session_name: Some(&identity.session_name),
                access_key_id: Some(&identity.access_key_id),
                account: Some(&identity.account),
                ..Question::default()
            };
            let explanation = explain(&document, &question).ok();
            let answers = explanation.map(|explanation| explanation.answers);
            match answers.as_deref() {
                Some([answer]) => (Some(answer.place), None),
                Some([]) | None => (None, Some("by no entry of aws-auth; it may be an access entry".to_owned())),
                Some(_) => (None, Some("by one of several entries of aws-auth, any of which the authenticator may choose".to_owned())),
            }
        }
    };
    Ok(Some(OnCluster {
        target,
        user: Some(user),
        place,
        access_entry: None,
        note,
    }))
}
