//! `awsauth unmap`.

use std::sync::Arc;

use clap::Subcommand;

use super::principal_argument::must_be_arn;
use super::store_args::StoreArgs;
use super::write_args::{DryRun, WriteArgs};
use crate::backend::Backend;
use crate::output::{PlanFormat, user_text};
use crate::terminal::{Exit, Failure, Out};
use crate::write::{EntryRequest, NamedOptions, Transaction, read_stores};
use awsauth_core::access_entries::{Store, StoreChoice};
use awsauth_core::authenticator::{Question, explain};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::edit::Edit;
use awsauth_core::document::{Document, Principal};
use awsauth_core::plan::{Plan, Request};

/// Remove the mappings of one identity
///
/// Removes every entry whose ARN equals the argument, as written or as the authenticator reads it, with its comment. All other
/// text in aws-auth is preserved byte for byte. With --cluster-name, removes an EKS access entry if aws-auth has none, see --backend.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  awsauth unmap role arn:aws:iam::111122223333:role/dev
  awsauth unmap user arn:aws:iam::111122223333:user/ann
  awsauth unmap account 111122223333")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Remove an IAM role from mapRoles
    #[command(after_help = "\
Examples:
  # Show what would change, then write
  awsauth unmap role arn:aws:iam::111122223333:role/dev --dry-run
  awsauth unmap role arn:aws:iam::111122223333:role/dev --reason 'team was dissolved'

  # Only one of two entries for the role
  awsauth unmap role arn:aws:iam::111122223333:role/dev --only 9")]
    Role(Identity),
    /// Remove an IAM user from mapUsers
    #[command(after_help = "\
Examples:
  awsauth unmap user arn:aws:iam::111122223333:user/ann")]
    #[command(mut_arg("arn", |arn| arn.help("Its ARN, such as arn:aws:iam::111122223333:user/NAME")))]
    User(Identity),
    /// Remove an AWS account from mapAccounts
    #[command(after_help = "\
Examples:
  awsauth unmap account 111122223333")]
    Account(Account),
}

#[derive(Debug, clap::Args)]
struct Identity {
    /// Its ARN, such as arn:aws:iam::111122223333:role/NAME
    #[arg(value_name = "ARN")]
    arn: String,
    #[command(flatten)]
    rest: Rest,
}

#[derive(Debug, clap::Args)]
struct Account {
    /// The account's ID, as written in mapAccounts
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    rest: Rest,
}

#[derive(Debug, clap::Args)]
struct Rest {
    /// Remove only the entry that starts at this line of its section; get -o wide shows the lines
    #[arg(long, env = "AWSAUTH_ONLY", value_name = "LINE")]
    only: Option<usize>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// Removes the mappings.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    unmap(args, backend, out)?;
    Ok(Exit::Done)
}

/// Removes the mappings, and returns the plan that was carried out.
pub(super) fn unmap(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Plan, Failure> {
    let (principal, rest) = match &args.what {
        What::Role(args) => (Principal::Role(args.arn.clone()), &args.rest),
        What::User(args) => (Principal::User(args.arn.clone()), &args.rest),
        What::Account(args) => (Principal::Account(args.id.clone()), &args.rest),
    };
    let edit = Edit::Unmap {
        principal: principal.clone(),
        only_line: rest.only,
    };
    let choice = match (rest.store.choice(&rest.write.overrides), rest.only) {
        // A line is one of aws-auth.
        (StoreChoice::Auto, Some(_)) => StoreChoice::Only(Store::AwsAuth),
        (StoreChoice::Only(Store::AccessEntries), Some(_)) => {
            return Err(Failure::usage("--only names a line of aws-auth")
                .hint("leave out --only or --backend access-entries"));
        }
        (choice, _) => choice,
    };
    let read = read_stores(&[(edit.clone(), choice)], false, None, backend, out)?;
    let (mut edits, mut requests) = (Vec::new(), Vec::new());
    if read.as_ref().is_some_and(|read| read.is_for_entries(0)) {
        check_arn(&principal)?;
        requests.push(EntryRequest {
            edit,
            options: NamedOptions::default(),
            place: None,
        });
    } else {
        edits.push(edit);
    }
    let entries = read.map(|read| read.plan(&requests, backend, out));
    let entries = entries.transpose()?;
    let request = Request {
        edits,
        ..Request::default()
    };
    let checked_request = |snapshot: &Snapshot| {
        if !request.edits.is_empty() {
            must_be_arn_or_mapped(&principal, snapshot)?;
        }
        Ok(request.clone())
    };
    let plan = Transaction {
        edits: &request.edits,
        request: &checked_request,
        create: false,
        entries,
        verify: None,
        options: &rest.write.options(backend),
    }
    .run(backend, out)?;
    if let Some(admitted) = still_admitted(&principal, &plan) {
        out.note(&admitted);
    }
    Ok(plan)
}

impl Args {
    /// Whether nothing is written.
    pub(super) fn is_dry_run(&self) -> bool {
        let write = match &self.what {
            What::Role(args) | What::User(args) => &args.rest.write,
            What::Account(args) => &args.rest.write,
        };
        write.dry_run != DryRun::None
    }

    /// The output format.
    pub(crate) fn output(&self) -> PlanFormat {
        match &self.what {
            What::Role(args) | What::User(args) => args.rest.write.answer.output,
            What::Account(args) => args.rest.write.answer.output,
        }
    }
}

/// Refuses an argument that is not an ARN.
fn check_arn(principal: &Principal) -> Result<(), Failure> {
    match principal {
        Principal::Role(arn) => must_be_arn("role", arn),
        Principal::User(arn) => must_be_arn("user", arn),
        Principal::Account(_) | Principal::Sso(_) => Ok(()),
    }
}

/// Refuses an argument that is not an ARN, unless an entry has exactly this text.
fn must_be_arn_or_mapped(principal: &Principal, snapshot: &Snapshot) -> Result<(), Failure> {
    let Err(failure) = check_arn(principal) else {
        return Ok(());
    };
    let document = Document::read(&snapshot.data);
    let entries = document.section(principal.section()).entries();
    let is_mapped = entries.iter().any(|entry| {
        entry
            .mapping()
            .is_some_and(|mapping| mapping.principal == *principal)
    });
    match is_mapped {
        true => Ok(()),
        false => Err(failure),
    }
}

/// Returns a note if the principal still has access in another way.
fn still_admitted(principal: &Principal, plan: &Plan) -> Option<String> {
    let (Principal::Role(arn) | Principal::User(arn)) = principal else {
        return None;
    };
    let question = Question {
        arn,
        access_entries: plan.access_entries().map(Arc::as_ref),
        ..Question::default()
    };
    let explanation = explain(plan.after(), &question).ok()?;
    if let Some(admitted) = &explanation.admitted {
        let becomes = admitted.user().map(user_text);
        let becomes = becomes.map_or_else(String::new, |user| format!(", as {user}"));
        return Some(format!(
            "{} still has access, by the access entry of {}{becomes}.",
            explanation.canonical_arn, admitted.entry.principal_arn
        ));
    }
    let answer = explanation.answers.first()?;
    let place = format!("{} line {}", answer.place.section.key(), answer.place.line);
    Some(format!(
        "{} still has access, by {place}.",
        explanation.canonical_arn
    ))
}
