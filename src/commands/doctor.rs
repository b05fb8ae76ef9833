mod gather;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;

use super::{Answer, Format};
use crate::doctor::{examine, without_accounts};
use crate::edge::{Exit, Failure, Kind, Out};
use crate::probe;
use crate::rbac::Question;
use crate::render::{Ran, doctor_bundle, doctor_json, doctor_text};
use crate::world::{Target, keep_private};
use gather::Asked;

/// The whole ladder ends within this time.
const WHOLE: Duration = Duration::from_secs(10);

/// Find out why an identity can't use a cluster: from "Unauthorized" to its cause
///
/// Looks at the kubeconfig, its exec plugin, the AWS credentials, the token, the endpoint, aws-auth and RBAC, at the same time
/// where that is possible, and writes nothing. Says of each what it saw, then one diagnosis and the next step. Exits with 1 when
/// there is something to mend.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Why does kubectl say Unauthorized?
  awsauth doctor

  # Read the failing command's own message
  awsauth doctor -- kubectl get pods

  # On an instance: is its role the right one, and does the cluster know it?
  awsauth doctor --source instance --expect-role mytestrole --cluster-name prod

  # For somebody else, as an administrator
  awsauth doctor --for arn:aws:iam::111122223333:role/ci")]
pub(crate) struct Args {
    /// Somebody else's ARN: the diagnosis is what can be read about them
    #[arg(long = "for", env = "AWSAUTH_FOR", value_name = "ARN")]
    who: Option<String>,

    /// The role or user that one should be, by ARN or name
    #[arg(long, env = "AWSAUTH_EXPECT_ROLE", value_name = "ARN|NAME")]
    expect_role: Option<String>,

    /// Something that must be allowed, as kubectl auth can-i takes it: "get pods -n default"; may be repeated
    #[arg(long, env = "AWSAUTH_CAN", value_name = "QUESTION")]
    can: Vec<Question>,

    /// Read aws-auth with the user of this context, who may
    #[arg(long, env = "AWSAUTH_AS_CONTEXT", value_name = "NAME")]
    as_context: Option<String>,

    /// Write all of it to a file for a ticket, without secrets
    #[arg(long, env = "AWSAUTH_BUNDLE", value_name = "FILE")]
    bundle: Option<PathBuf>,

    /// Leave the accounts' numbers out of that file
    #[arg(long, env = "AWSAUTH_REDACT_ACCOUNTS", value_parser = FalseyValueParser::new())]
    redact_accounts: bool,

    #[command(flatten)]
    answer: Answer,

    /// The command that fails; it is run, and what it says is read
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Looks at everything, and says what came of it.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    if matches.value_source("file") == Some(ValueSource::CommandLine) {
        return Err(
            Failure::usage("cannot use --file here: a file has nobody who signs in")
                .hint("what a manifest makes of somebody: awsauth explain ARN --file FILE"),
        );
    }
    if let Some(arn) = &args.who {
        crate::arn::canonical(arn).map_err(|error| {
            Failure::usage(format!("cannot diagnose {arn}"))
                .because(&error)
                .hint("give it as aws sts get-caller-identity prints it")
        })?;
    }
    let end = Instant::now() + WHOLE;
    let spinner = out.spinner("Looking", Duration::from_millis(300));
    let words = args.command.clone();
    let failing = (!words.is_empty())
        .then(|| probe::send(WHOLE, end, move || probe::command::run(&words, WHOLE)));
    let asked = Asked {
        target: target.clone(),
        wish: target.identity.wish(),
        cluster: target.cluster_name.clone(),
        arn: args.who.clone(),
        identity: args.expect_role.clone(),
        questions: args.can.clone(),
        as_context: args.as_context.clone(),
    };
    let (evidence, ran) = asked.gather(failing, end);
    drop(spinner);
    let report = examine(&evidence);
    let ran = (!args.command.is_empty()).then(|| Ran {
        command: &args.command,
        status: ran.as_ref().and_then(|ran| ran.status.as_deref()),
        worked: ran.as_ref().is_some_and(|ran| ran.worked),
        said: ran.as_ref().map_or("", |ran| &ran.said),
        symptom: ran.as_ref().and_then(|ran| ran.symptom.as_ref()),
    });
    let json = doctor_json(&report, ran.as_ref()).map_err(|error| Failure::bug(&error))?;
    if let Some(path) = &args.bundle {
        let bundle = doctor_bundle(&report, ran.as_ref()).map_err(|error| Failure::bug(&error))?;
        let bundle = match args.redact_accounts {
            true => without_accounts(&bundle),
            false => bundle,
        };
        keep_private(path, bundle.as_bytes()).map_err(|error| {
            Failure::new(Kind::Usage, format!("cannot write {}", path.display())).because(&error)
        })?;
        out.note(&format!(
            "{} is for the ticket: look through it first",
            path.display()
        ));
    }
    match args.answer.output {
        Format::Human => out.text(&doctor_text(&report, ran.as_ref()))?,
        Format::Json => out.data(json.as_bytes())?,
    }
    Ok(match report.headline.problem {
        Some(_) => Exit::No,
        None => Exit::Done,
    })
}
