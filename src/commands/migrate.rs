//! `awsauth migrate`.

use super::{Format, OutputArgs};
use crate::backend::Backend;
use crate::output::{EntryForm, migration_json, migration_text, printed_entries};
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::access_entries::migrate::{
    ChoiceError, Choices, ClusterFacts, Masters, MigrationInput, MigrationPlan, plan,
};
use awsauth_core::document::{Document, SectionName};
use awsauth_core::plan::Known;

/// Plan the move from aws-auth to EKS access entries
///
/// Shows, for each mapping, the access entry that replaces it, and whether the access stays the same. Then lists the
/// operations in a safe order. Writes nothing. With --cluster-name, reads the authentication mode, the access entries,
/// the nodes and the IAM paths of roles. Without it, the output lists what could not be checked.
///
/// Exits with 0 if every mapping can be replaced without a change, with 1 if the access of a principal would change or an
/// access entry differs from aws-auth, and with 4 if a mapping cannot be replaced.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What replaces the group system:masters, which EKS refuses: a group that is bound to cluster-admin, or the access
    /// policy AmazonEKSClusterAdminPolicy
    #[arg(long, env = "AWSAUTH_MASTERS", value_name = "group=NAME|policy", value_parser = masters)]
    masters: Option<Masters>,

    /// Accept that the access of this principal changes; may be repeated
    #[arg(long = "accept", value_name = "ARN")]
    accepted: Vec<String>,

    /// Leave this principal or account in aws-auth; may be repeated
    #[arg(long = "skip", env = "AWSAUTH_SKIP", value_name = "ARN|ACCOUNT")]
    skipped: Vec<String>,

    /// The ARN, with its IAM path, of a role that IAM does not show; may be repeated
    #[arg(long = "principal", env = "AWSAUTH_PRINCIPAL", value_name = "ARN")]
    principals: Vec<String>,

    /// Print only the access entries, for another tool
    #[arg(long, env = "AWSAUTH_PRINT", value_enum, value_name = "FORM")]
    print: Option<EntryForm>,

    #[command(flatten)]
    answer: OutputArgs,
}

/// Parses `group=NAME` or `policy`.
fn masters(text: &str) -> Result<Masters, String> {
    match text.split_once('=') {
        None if text == "policy" => Ok(Masters::Policy),
        Some(("group", name)) if !name.is_empty() => Ok(Masters::Group(name.to_owned())),
        _ => Err("give group=NAME or policy".to_owned()),
    }
}

/// Reads aws-auth and what is known about the cluster, and prints the plan.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let access_entries = backend.access_configuration(out);
    let first = backend.read_for_plan(false, false, out)?;
    let (snapshot, caller) = match first {
        Some(first) => {
            let caller = match first.facts.caller {
                Known::Is(caller) => caller.arn,
                _ => None,
            };
            (first.snapshot, caller)
        }
        None => (backend.read(out)?.snapshot, None),
    };
    let document = Document::read(&snapshot.data);
    for section in document
        .sections()
        .filter(|section| section.is_unreadable())
    {
        out.note(&format!(
            "{} cannot be read: none of its entries is in effect.",
            section.name().key()
        ));
    }
    let inventory = backend.inventory(&document, out);
    let choices = Choices {
        masters: args.masters.clone().unwrap_or_default(),
        accepted: args.accepted.clone(),
        skipped: args.skipped.clone(),
        principals: args.principals.clone(),
    };
    let eks = backend.eks().map(|eks| &eks.facts);
    let planned = plan(&MigrationInput {
        document: &document,
        access_entries: access_entries.as_deref(),
        cluster: eks.map(|facts| ClusterFacts {
            arn: &facts.arn,
            version: facts.version.as_deref(),
            platform_version: facts.platform_version.as_deref(),
        }),
        node_inventory: inventory.as_ref().map(|found| &found.node_inventory),
        principals: inventory
            .as_ref()
            .and_then(|found| found.principals.as_ref()),
        caller: caller.as_deref(),
        choices: &choices,
    })
    .map_err(|error| not_possible(&error))?;
    let cluster = eks.map(|facts| facts.name.as_str());
    let file_line = |section: SectionName, line| backend.file_line(section, line);
    match (args.print, args.answer.output) {
        (Some(form), _) => {
            let region = eks.map(|facts| facts.region());
            out.data(printed_entries(&planned, form, cluster, region).as_bytes())?;
        }
        (None, Format::Human) => {
            out.text(&migration_text(&planned, cluster, &file_line, out.width()))?;
        }
        (None, Format::Json) => out.data(
            migration_json(&planned, cluster, &file_line)
                .map_err(|error| Failure::bug(&error))?
                .as_bytes(),
        )?,
    }
    for obstacle in &planned.obstacles {
        out.note(&format!("Nothing can be migrated: {obstacle}."));
        out.note(&format!("hint: {}", obstacle.remedy()));
    }
    Ok(exit(&planned))
}

fn exit(plan: &MigrationPlan<'_>) -> Exit {
    let summary = plan.summary();
    if summary.cannot > 0 || !plan.obstacles.is_empty() {
        Exit::Refused
    } else if summary.changed + summary.accepted + summary.conflicts > 0 {
        Exit::No
    } else {
        Exit::Done
    }
}

fn not_possible(error: &ChoiceError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        ChoiceError::UnknownPrincipal { .. } => {
            failure.hint("show the ARNs in aws-auth: awsauth get -o name")
        }
        ChoiceError::MastersGroup { .. } => {
            failure.hint("choose another name, or leave out --masters")
        }
    }
}
