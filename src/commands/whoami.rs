use super::access_entries::is_of;
use super::signer::{Signer, Whose};
use super::{Answer, Format};
use crate::arn::Identity;
use crate::document::Document;
use crate::edge::{Exit, Failure, Kind, Out};
use crate::effect::{Question, explain};
use crate::render::{OnCluster, Whoami, whoami_json, whoami_text};
use crate::world::{Came, SignIn, Target};

/// Say who your AWS credentials are, where they come from, and whom a cluster takes you for
///
/// Asks STS, never only what was kept of an earlier run. With --cluster-name or a cluster in the kubeconfig, signs in to it with a fresh token, and
/// says which Kubernetes user comes out and, where you may read aws-auth, which entry decides that.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    answer: Answer,
}

/// Asks AWS, then the cluster if there is one.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let what = "cannot say who you are to AWS";
    let cluster = SignIn::open_if_any(target, matches, out)?;
    let whose = Whose::get(&target.identity, None, what, out)?;
    let caller = whose.caller().map_err(|error| {
        Failure::new(Kind::Unreachable, what)
            .because(&error)
            .note(format!("credentials: {}", whose.resolved.source))
            .hint(error.hint())
    })?;
    let resolved = whose.resolved.clone();
    let key = &resolved.credentials.access_key_id;
    let identity = Identity::from_sts(&caller.arn, &caller.account, &caller.user_id, key);
    let identity =
        identity.map_err(|error| Failure::new(Kind::Unreachable, what).because(&error))?;
    let on_cluster = match cluster {
        None => {
            out.detail(|| "No cluster is asked: the kubeconfig has none".to_owned());
            None
        }
        Some(cluster) => match cluster.eks().name.clone() {
            None => {
                out.note(&format!(
                    "{} is not asked: its kubeconfig does not say what it is called at EKS",
                    cluster.target()
                ));
                out.note("hint: give its name: --cluster-name NAME");
                None
            }
            Some(name) => {
                let signer = whose.signer(cluster.eks(), name).map_err(|error| {
                    Failure::usage(what)
                        .because(&error)
                        .hint("give it with --region")
                })?;
                asked(&cluster, &signer, &caller.arn, &identity, out)?
            }
        },
    };
    let whoami = Whoami {
        arn: &caller.arn,
        identity: &identity,
        resolved: &resolved,
        on_cluster,
    };
    match args.answer.output {
        Format::Human => out.text(&whoami_text(&whoami))?,
        Format::Json => out.data(
            whoami_json(&whoami)
                .map_err(|error| Failure::bug(&error))?
                .as_bytes(),
        )?,
    }
    Ok(Exit::Done)
}

/// Signs in once. A cluster that gives no answer is told of, and spoils nothing.
fn asked(
    cluster: &SignIn,
    signer: &Signer,
    arn: &str,
    identity: &Identity,
    out: &mut Out,
) -> Result<Option<OnCluster>, Failure> {
    let token = signer.token();
    let came = match cluster.attempt(&token, &[], out) {
        Ok(came) => came,
        Err(failure) if failure.exit() == Exit::Interrupted => return Err(failure),
        Err(failure) => {
            out.note(&format!("warning: {}", failure.message()));
            return Ok(None);
        }
    };
    let target = cluster.target().clone();
    let who = match came {
        Came::In(who, _) => who,
        Came::Unauthorized => {
            out.note("hint: find out what keeps you out: awsauth doctor");
            return Ok(Some(OnCluster {
                target,
                user: None,
                place: None,
                access_entry: None,
                note: Some("it does not accept your token".to_owned()),
            }));
        }
        Came::Forbidden(said) => {
            return Ok(Some(OnCluster {
                target,
                user: None,
                place: None,
                access_entry: None,
                note: Some(said),
            }));
        }
    };
    let user = who.user();
    let entries = cluster.access_entries(&|of| is_of(of, arn), out);
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
    let (place, note) = match cluster.aws_auth(&token, out)? {
        Err(why) => (None, Some(format!("by which entry is not known: {why}"))),
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
                Some([]) | None => (None, Some("by no entry of aws-auth: an access entry may do it".to_owned())),
                Some(_) => (None, Some("by one of several entries of aws-auth, and the authenticator picks any of them".to_owned())),
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
