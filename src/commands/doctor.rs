//! `awsauth doctor`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;

use super::{Format, OutputArgs};
use crate::backend::{Target, replace_private};
use crate::collect::{self, Collector, command_flags, command_question, failing_command};
use crate::output::{Ran, doctor_bundle, doctor_json, doctor_text};
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_core::doctor::diagnose;
use awsauth_core::escape;
use awsauth_core::rbac::{Question, Target as RequestTarget};
use awsauth_core::redact;

/// The time limit for the whole run without `--timeout`. kubectl sets no limit for exec plugins, so a run that waits only for
/// a plugin must not end early.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// The time limit for everything after the exec plugin.
const AFTER_PLUGIN: Duration = Duration::from_secs(10);

/// Find out why an identity cannot use a cluster
///
/// Checks the kubeconfig, its exec plugin, the AWS credentials, the token, the endpoint, aws-auth and RBAC, concurrently if
/// possible, and writes nothing. Prints the evidence of each check, then one diagnosis and the next step. Exits with 1 if there is
/// a problem, and with 3 if what decides could not be read. Ends after 30 s, or after --timeout.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Why does kubectl report Unauthorized?
  awsauth doctor

  # Run the failing command and read its message
  awsauth doctor -- kubectl get pods

  # On an instance: is its role the right one, and does the cluster know it?
  awsauth doctor --source instance --expect-role mytestrole --cluster-name prod

  # For another identity, as an administrator
  awsauth doctor --for arn:aws:iam::111122223333:role/ci")]
pub(crate) struct Args {
    /// Diagnose this ARN instead of your own identity, using aws-auth, access entries and RBAC
    #[arg(long = "for", env = "AWSAUTH_FOR", value_name = "ARN")]
    who: Option<String>,

    /// The role or user that you expect to be, by ARN or name
    #[arg(long, env = "AWSAUTH_EXPECT_ROLE", value_name = "ARN|NAME")]
    expect_role: Option<String>,

    /// A permission to check, in the form of kubectl auth can-i: "get pods -n default"; may be repeated
    #[arg(long, env = "AWSAUTH_CAN", value_name = "QUESTION")]
    can: Vec<Question>,

    /// Read aws-auth and RBAC with the user of this context (does not impersonate)
    #[arg(long, env = "AWSAUTH_AS_CONTEXT", value_name = "NAME")]
    as_context: Option<String>,

    /// Write the whole report to a file for a ticket, without secrets
    #[arg(long, env = "AWSAUTH_BUNDLE", value_name = "FILE")]
    bundle: Option<PathBuf>,

    /// Replace account ids in that file
    #[arg(long, env = "AWSAUTH_REDACT_ACCOUNTS", value_parser = FalseyValueParser::new())]
    redact_accounts: bool,

    #[command(flatten)]
    answer: OutputArgs,

    /// The failing command; doctor runs it and reads its message
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Names of subresources.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris>
const SUBRESOURCES: [&str; 8] = [
    "attach",
    "ephemeralcontainers",
    "eviction",
    "exec",
    "log",
    "portforward",
    "proxy",
    "scale",
];

/// Notes that `pods/exec` in a question is the pod of that name, as in `kubectl auth can-i`.
fn note_subresource(question: &Question, out: &mut Out) {
    if let RequestTarget::Resource {
        kind,
        name: Some(name),
        subresource: None,
        ..
    } = &question.target
        && SUBRESOURCES.contains(&name.as_str())
    {
        out.note(&format!(
            "note: {kind}/{name} is the object of the name {name}; for the subresource, write {} {kind} --subresource={name}",
            question.verb
        ));
    }
}

/// Collects the evidence, judges it, and prints the report.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    if matches.value_source("file") == Some(ValueSource::CommandLine) {
        return Err(
            Failure::usage("cannot use --file here: doctor needs a cluster to sign in to")
                .hint("to see how a manifest maps an identity: awsauth explain ARN --file FILE"),
        );
    }
    if let Some(arn) = &args.who {
        awsauth_core::arn::canonical(arn).map_err(|error| {
            Failure::usage(format!("cannot diagnose {arn}"))
                .because(&error)
                .hint("use the ARN that aws sts get-caller-identity prints")
        })?;
    }
    for question in &args.can {
        note_subresource(question, out);
    }
    let time_limit = target.timeout.unwrap_or(TIME_LIMIT);
    let end = Instant::now() + time_limit;
    let spinner = out.spinner("Checking", Duration::from_millis(300));
    let words = args.command.clone();
    let failing = (!words.is_empty()).then(|| {
        collect::spawn(time_limit, end, move || {
            failing_command::run(&words, time_limit)
        })
    });
    let mut target = target.clone();
    command_flags::adopt(&mut target, &args.command);
    let collector = Collector {
        credential_options: target.identity.credential_options(),
        cluster: target.cluster_name.clone(),
        target,
        arn: args.who.clone(),
        identity: args.expect_role.clone(),
        questions: args.can.clone(),
        of_command: command_question::of(&args.command),
        bound_role: command_flags::bound_role(&args.command),
        namespace: command_flags::namespace(&args.command),
        as_context: args.as_context.clone(),
        plugin_limit: time_limit.saturating_sub(AFTER_PLUGIN).max(time_limit / 2),
    };
    let (evidence, ran) = collector.collect(failing, end);
    drop(spinner);
    let report = diagnose(&evidence);
    let command = redact::arguments(args.command.clone());
    let ran = (!command.is_empty()).then(|| Ran {
        command: &command,
        status: ran.as_ref().and_then(|ran| ran.status.as_deref()),
        worked: ran.as_ref().is_some_and(|ran| ran.worked),
        stderr: ran.as_ref().map_or("", |ran| &ran.stderr),
        symptom: ran.as_ref().and_then(|ran| ran.symptom.as_ref()),
    });
    let json = doctor_json(&report, ran.as_ref()).map_err(|error| Failure::bug(&error))?;
    if let Some(path) = &args.bundle {
        let bundle = doctor_bundle(&report, ran.as_ref()).map_err(|error| Failure::bug(&error))?;
        let bundle = match args.redact_accounts {
            true => redact::without_accounts(&bundle),
            false => bundle,
        };
        replace_private(path, escape::json(&bundle).as_bytes()).map_err(|error| {
            Failure::new(Kind::Usage, format!("cannot write {}", path.display())).because(&error)
        })?;
        out.note(&format!(
            "Wrote {}. Review it before you attach it to a ticket",
            path.display()
        ));
    }
    match args.answer.output {
        Format::Human => out.text(&doctor_text(&report, ran.as_ref()))?,
        Format::Json => out.json(&json)?,
    }
    Ok(match (&report.headline.problem, &report.headline.unread) {
        (Some(_), _) => Exit::No,
        (None, Some(_)) => Exit::Unreachable,
        (None, None) => Exit::Done,
    })
}
