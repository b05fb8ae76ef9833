use std::sync::Arc;

use clap::Subcommand;

use super::PlanFormat;
use super::principal::must_be_arn;
use super::write::WriteArgs;
use crate::document::edit::Edit;
use crate::document::{Document, Principal};
use crate::edge::{Exit, Failure, Out};
use crate::effect::{Question, explain};
use crate::plan::{Plan, Request};
use crate::render::user_text;
use crate::snapshot::Snapshot;
use crate::world::World;

/// Remove the mappings of one identity
///
/// Every entry whose ARN equals the argument, as written or as the authenticator reads it, goes, with the comment that
/// belongs to it. Everything else in aws-auth keeps every byte.
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
    /// The account's id, as it stands there
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    rest: Rest,
}

#[derive(Debug, clap::Args)]
struct Rest {
    /// Only the entry that begins at this line of its section, as get -o wide shows it
    #[arg(long, env = "AWSAUTH_ONLY", value_name = "LINE")]
    only: Option<usize>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Removes the mappings.
pub(crate) fn run(args: &Args, world: &mut World, out: &mut Out) -> Result<Exit, Failure> {
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
    let asking = |snapshot: &Snapshot| {
        let document = Document::read(&snapshot.data);
        absent_names_must_be_arns(&principal, &document)?;
        Ok(request.clone())
    };
    let plan = rest.write.carry_out(false, &asking, None, world, out)?;
    if let Some(admitted) = still_admitted(&principal, &plan) {
        out.note(&admitted);
    }
    Ok(Exit::Done)
}

impl Args {
    /// The form of the answer.
    pub(crate) fn output(&self) -> PlanFormat {
        match &self.what {
            What::Role(args) | What::User(args) => args.rest.write.answer.output,
            What::Account(args) => args.rest.write.answer.output,
        }
    }
}

/// A bare name is a slip of the hand, unless an entry reads just like that.
fn absent_names_must_be_arns(principal: &Principal, document: &Document) -> Result<(), Failure> {
    let (word, arn) = match principal {
        Principal::Role(arn) => ("role", arn),
        Principal::User(arn) => ("user", arn),
        Principal::Account(_) | Principal::Sso(_) => return Ok(()),
    };
    let entries = document.section(principal.section()).entries();
    let is_there = entries.iter().any(|entry| {
        entry
            .mapping()
            .is_some_and(|mapping| mapping.principal == *principal)
    });
    if is_there {
        Ok(())
    } else {
        must_be_arn(word, arn)
    }
}

/// Who is unmapped here may come in another way.
fn still_admitted(principal: &Principal, plan: &Plan) -> Option<String> {
    let (Principal::Role(arn) | Principal::User(arn)) = principal else {
        return None;
    };
    let question = Question {
        arn,
        access_entries: plan.access_entries().map(Arc::as_ref),
        ..Question::default()
    };
    let explanation = explain(&plan.after(), &question).ok()?;
    if let Some(admitted) = &explanation.admitted {
        let becomes = admitted.user().map(user_text);
        let becomes = becomes.map_or_else(String::new, |user| format!(", as {user}"));
        return Some(format!(
            "{} is still admitted, by the access entry of {}{becomes}.",
            explanation.canonical_arn, admitted.entry.principal_arn
        ));
    }
    let answer = explanation.answers.first()?;
    let place = format!("{} line {}", answer.place.section.key(), answer.place.line);
    Some(format!(
        "{} is still admitted, by {place}.",
        explanation.canonical_arn
    ))
}
