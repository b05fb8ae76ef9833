//! `awsauth unmap`.

use std::sync::Arc;

use clap::Subcommand;

use super::principal_argument::must_be_arn;
use super::write_args::WriteArgs;
use crate::backend::Backend;
use crate::output::{PlanFormat, user_text};
use crate::terminal::{Exit, Failure, Out};
use crate::write::Transaction;
use awsauth_core::authenticator::{Question, explain};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::edit::Edit;
use awsauth_core::document::{Document, Principal};
use awsauth_core::plan::{Plan, Request};

/// Remove the mappings of one identity
///
/// Removes every entry whose ARN equals the argument, as written or as the authenticator reads it, with its comment. All other
/// text in aws-auth is preserved byte for byte.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Remove an IAM role from mapRoles
    Role(Identity),
    /// Remove an IAM user from mapUsers
    #[command(mut_arg("arn", |arn| arn.help("Its ARN, such as arn:aws:iam::111122223333:user/NAME")))]
    User(Identity),
    /// Remove an AWS account from mapAccounts
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
    write: WriteArgs,
}

/// Removes the mappings.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let (principal, rest) = match &args.what {
        What::Role(args) => (Principal::Role(args.arn.clone()), &args.rest),
        What::User(args) => (Principal::User(args.arn.clone()), &args.rest),
        What::Account(args) => (Principal::Account(args.id.clone()), &args.rest),
    };
    let request = Request {
        edits: vec![Edit::Unmap {
            principal: principal.clone(),
            only_line: rest.only,
        }],
        ..Request::default()
    };
    let checked_request = |snapshot: &Snapshot| {
        must_be_arn_or_mapped(&principal, snapshot)?;
        Ok(request.clone())
    };
    let plan = Transaction {
        edits: &request.edits,
        request: &checked_request,
        create: false,
        verify: None,
        options: &rest.write.options(backend),
    }
    .run(backend, out)?;
    if let Some(admitted) = still_admitted(&principal, &plan) {
        out.note(&admitted);
    }
    Ok(Exit::Done)
}

impl Args {
    /// The output format.
    pub(crate) fn output(&self) -> PlanFormat {
        match &self.what {
            What::Role(args) | What::User(args) => args.rest.write.answer.output,
            What::Account(args) => args.rest.write.answer.output,
        }
    }
}

/// Refuses an argument that is not an ARN, unless an entry has exactly this text.
fn must_be_arn_or_mapped(principal: &Principal, snapshot: &Snapshot) -> Result<(), Failure> {
    let (word, arn) = match principal {
        Principal::Role(arn) => ("role", arn),
        Principal::User(arn) => ("user", arn),
        Principal::Account(_) | Principal::Sso(_) => return Ok(()),
    };
    let Err(failure) = must_be_arn(word, arn) else {
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
