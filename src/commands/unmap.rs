//! `awsauth unmap`.

use std::sync::Arc;

use clap::Subcommand;
use clap::builder::{FalseyValueParser, Resettable};

use super::confirmation::not_confirmed;
use super::principal_validation::must_be_arn;
use super::selected_edits::SelectedEdits;
use super::selector_args::{SELECT, SelectorArgs};
use super::store_args::StoreArgs;
use super::unused::{self, LogArgs, PeriodArgs};
use super::write_args::{DryRun, WriteArgs};
use crate::backend::{Backend, ask};
use crate::output::{PlanFormat, user_text};
use crate::terminal::{Exit, Failure, Kind, Out};
use crate::write::{EntryRequest, NamedOptions, Transaction, read_stores};
use awsauth_core::access_entries::{Store, StoreChoice};
use awsauth_core::authenticator::{Question, explain};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::edit::{Edit, Outcome};
use awsauth_core::document::{Document, Principal};
use awsauth_core::entry_selection::{
    Principals, Selection, Selector, near_principal, principal_named,
};
use awsauth_core::escape::one_line;
use awsauth_core::plan::{ExpectedUser, Plan, Request};
use awsauth_core::shell_quote::quoted;

/// Remove the mapping of one principal, or all that match conditions
///
/// With a principal, removes every entry for that ARN, compared both literally and as the authenticator reads it, and the
/// comment above the entry. With --username, --group, --account or --arn, removes the entries that awsauth get shows with the
/// same options, and with --unused those of principals that have not signed in for some time; on a terminal, awsauth prompts
/// first. All other text in aws-auth is preserved byte for byte. With --cluster-name, also removes EKS access entries; see
/// --backend.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    // Accepted before and after the principal. A condition in the environment could remove entries by accident.
    mut_args(|arg| match arg.get_id().as_str() {
        id if SelectorArgs::IDS.contains(&id) => arg.env(Resettable::Reset).global(true),
        "since" | "log" => arg.requires("unused").help_heading(SELECT).global(true),
        _ => arg.global(true),
    }),
    after_help = "\
Examples:
  # Remove the mapping of a role
  awsauth unmap role arn:aws:iam::111122223333:role/dev

  # The same in a script, only if it is still what the script created
  awsauth unmap role arn:aws:iam::111122223333:role/dev --expect-username dev --expect-group devs

  # Show which entries have a group, then remove them
  awsauth unmap --group contractors --dry-run
  awsauth unmap --group contractors

  # Remove the roles of a deleted account
  awsauth unmap --arn 'arn:aws:iam::444455556666:*'

  # Remove the entries of principals that have not signed in for 90 days
  awsauth unmap --unused --since 90d --cluster-name prod"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,

    /// Remove only the entry that starts at this line of its section; awsauth get -o wide shows the lines
    #[arg(long, env = "AWSAUTH_ONLY", value_name = "LINE")]
    only: Option<usize>,

    /// Refuse to remove an entry with a different username
    #[arg(long, env = "AWSAUTH_EXPECT_USERNAME", value_name = "USER")]
    expect_username: Option<String>,

    /// Refuse to remove an entry without this group; may be repeated
    #[arg(
        long = "expect-group",
        env = "AWSAUTH_EXPECT_GROUP",
        value_name = "GROUP"
    )]
    expect_groups: Vec<String>,

    /// Succeed if there is no such entry, even if a similar one exists
    #[arg(long, env = "AWSAUTH_IGNORE_MISSING", value_parser = FalseyValueParser::new())]
    ignore_missing: bool,

    /// Exit with 1 if there is no such entry
    #[arg(long, env = "AWSAUTH_MUST_EXIST", value_parser = FalseyValueParser::new(), conflicts_with = "ignore_missing")]
    must_exist: bool,

    /// Answer yes to every question
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    conditions: SelectorArgs,

    /// Only principals that awsauth unused lists as unused
    #[arg(long, help_heading = SELECT)]
    unused: bool,
    #[command(flatten)]
    period: PeriodArgs,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Remove the mapping of an IAM role
    #[command(after_help = "\
Examples:
  # Show what would change, then write
  awsauth unmap role arn:aws:iam::111122223333:role/dev --dry-run
  awsauth unmap role arn:aws:iam::111122223333:role/dev --reason 'team was dissolved'

  # Only one of two entries for the role
  awsauth unmap role arn:aws:iam::111122223333:role/dev --only 9")]
    Role(Identity),
    /// Remove the mapping of an IAM user
    #[command(after_help = "\
Examples:
  awsauth unmap user arn:aws:iam::111122223333:user/ann")]
    #[command(mut_arg("principal", |arn| arn.help("The user's ARN, such as arn:aws:iam::111122223333:user/NAME")))]
    User(Identity),
    /// Remove the mapping of an AWS account
    #[command(after_help = "\
Examples:
  awsauth unmap account 111122223333")]
    Account(Account),
}

#[derive(Debug, clap::Args)]
struct Identity {
    /// The role's ARN, such as arn:aws:iam::111122223333:role/NAME
    #[arg(value_name = "ARN")]
    principal: String,
}

#[derive(Debug, clap::Args)]
struct Account {
    /// The account's ID, as written in mapAccounts
    #[arg(value_name = "ID")]
    id: String,
}

/// Removes the mappings.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    unmap(args, backend, out)?;
    Ok(Exit::Done)
}

/// Removes the mappings, and returns the plan that was carried out.
pub(super) fn unmap(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Plan, Failure> {
    let principal = match (&args.what, args.selector(backend, out)?) {
        (Some(What::Role(args)), None) => Principal::Role(args.principal.clone()),
        (Some(What::User(args)), None) => Principal::User(args.principal.clone()),
        (Some(What::Account(args)), None) => Principal::Account(args.id.clone()),
        (None, Some(selector)) => return args.remove_selected(selector, backend, out),
        (Some(_), Some(_)) => {
            return Err(Failure::usage("cannot use conditions together with a principal")
                .hint("to check the entry before it is removed: --expect-username USER --expect-group GROUP"));
        }
        (None, None) => {
            return Err(Failure::usage(
                "there is nothing to remove: neither a principal nor a condition",
            )
            .hint("name a principal: awsauth unmap role ARN")
            .hint("or select entries with --username, --group, --account, --arn or --unused"));
        }
    };
    let plan = args.remove(&principal, backend, out)?;
    if let Some(mapped) = still_mapped(&principal, &plan) {
        out.note(&mapped);
    }
    if is_absent(&plan) {
        args.check_absent(&principal, &plan, out)?;
    }
    Ok(plan)
}

impl Args {
    /// Whether nothing is written.
    pub(super) fn is_dry_run(&self) -> bool {
        self.write.dry_run != DryRun::None
    }

    /// Asks once before it removes the entries that match conditions from several clusters.
    pub(super) fn confirm_for(&self, clusters: usize, out: &mut Out) -> Result<(), Failure> {
        let is_skipped = self.yes || self.is_dry_run() || self.what.is_some() || !out.can_ask();
        let question = format!("Remove the selected entries of {clusters} clusters?");
        if is_skipped || ask(&question, out)? {
            return Ok(());
        }
        Err(not_confirmed())
    }

    /// Refuses `--log` if several clusters are selected, because a log belongs to one cluster.
    pub(super) fn refuse_log(&self) -> Result<(), Failure> {
        match self.log.log.as_slice() {
            [] => Ok(()),
            _ => Err(
                Failure::usage("--log is the log of one cluster, but several are selected")
                    .hint("leave it out to read the log of each cluster"),
            ),
        }
    }

    /// Returns the conditions; `None` if there is none.
    fn selector(&self, backend: &mut Backend, out: &mut Out) -> Result<Option<Selector>, Failure> {
        let selector = self.conditions.selector();
        if !self.unused || self.what.is_some() {
            return Ok(selector.or_else(|| self.unused.then(Selector::default)));
        }
        let list = unused::list(&self.period, &self.log, true, backend, out)?;
        out.note(&list.summary());
        if list.is_unknown() {
            return Err(Failure::new(
                Kind::Unreachable,
                "it is not known whether any of the principals has signed in",
            )
            .hint("see why: awsauth unused"));
        }
        for (name, why) in list.unused() {
            out.note(&format!("{name} is unused: {why}"));
        }
        let unused = Principals::named(list.unused().map(|(name, _)| name));
        Ok(Some(Selector {
            unused: Some(unused),
            ..selector.unwrap_or_default()
        }))
    }

    /// The output format.
    pub(crate) fn output(&self) -> PlanFormat {
        self.write.answer.output
    }

    /// Removes the entries of one principal.
    fn remove(
        &self,
        principal: &Principal,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<Plan, Failure> {
        let edit = Edit::Unmap {
            principal: principal.clone(),
            only_line: self.only,
        };
        let choice = match (self.store.choice(&self.write.overrides), self.only) {
            // Line numbers exist only in aws-auth.
            (StoreChoice::Auto, Some(_)) => StoreChoice::Only(Store::AwsAuth),
            (StoreChoice::Only(Store::AccessEntries), Some(_)) => {
                return Err(Failure::usage("--only names a line of aws-auth")
                    .hint("leave out --only or --backend access-entries"));
            }
            (choice, _) => choice,
        };
        let read = read_stores(&[(edit.clone(), choice)], &[], false, None, backend, out)?;
        let (mut edits, mut requests) = (Vec::new(), Vec::new());
        if read.as_ref().is_some_and(|read| read.is_for_entries(0)) {
            check_arn(principal)?;
            requests.push(EntryRequest {
                edit,
                options: NamedOptions::default(),
                place: None,
                is_permission_set: false,
            });
        } else {
            edits.push(edit);
        }
        let entries = read.map(|read| read.plan(&requests, backend, out));
        let entries = entries.transpose()?;
        let request = Request {
            edits,
            expected: self.expected_user(),
            ..Request::default()
        };
        let checked_request = |snapshot: &Snapshot| {
            if !request.edits.is_empty() {
                must_be_arn_or_mapped(principal, snapshot)?;
            }
            Ok(request.clone())
        };
        Transaction {
            edits: &request.edits,
            request: &checked_request,
            create: false,
            entries,
            verify: None,
            options: &self.write.options(backend),
        }
        .run(backend, out)
    }

    /// Removes the entries that match conditions.
    fn remove_selected(
        &self,
        selector: Selector,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<Plan, Failure> {
        if self.only.is_some() {
            return Err(Failure::usage("--only needs a principal")
                .hint("name it: awsauth unmap role ARN --only LINE"));
        }
        if selector.has_blank() {
            return Err(Failure::usage(
                "a condition is empty: is the shell variable in its value set?",
            ));
        }
        SelectedEdits {
            selection: &Selection::Remove(selector),
            choice: self.store.choice(&self.write.overrides),
            expected: self.expected_user(),
            ignores_missing: self.ignore_missing,
            asks: !self.yes && !self.is_dry_run(),
            check: &|| Ok(()),
            options: &self.write.options(backend),
        }
        .run(backend, out)
    }

    fn expected_user(&self) -> Option<ExpectedUser> {
        let expected = ExpectedUser {
            username: self.expect_username.clone(),
            groups: self.expect_groups.clone(),
        };
        (expected != ExpectedUser::default()).then_some(expected)
    }

    /// Fails for a principal without an entry if `--must-exist` is set or if the user probably meant another principal.
    fn check_absent(
        &self,
        principal: &Principal,
        plan: &Plan,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let (document, entries) = match plan.entry_changes.as_slice() {
            [] => (Some(plan.before()), None),
            _ => (None, plan.entries_before()),
        };
        let near = near_principal(principal, document, entries.map(Arc::as_ref));
        if self.ignore_missing {
            return Ok(());
        }
        if near.is_none() && !self.must_exist {
            out.note(&format!(
                "warning: {} has no entry, so nothing was removed",
                one_line(principal.text())
            ));
            out.note("hint: see what is mapped: awsauth get; to fail in this case, add --must-exist, to hide this warning, add --ignore-missing");
            return Ok(());
        }
        let failure = Failure::new(Kind::No, format!("{} has no entry", principal.text()));
        let failure = match near {
            Some(Principal::User(arn)) => failure.hint(format!(
                "did you mean this one? awsauth unmap user {}",
                quoted(&arn)
            )),
            Some(near) => failure.hint(format!(
                "did you mean this one? awsauth unmap role {}",
                quoted(near.text())
            )),
            None => failure.hint("see what is mapped: awsauth get"),
        };
        Err(failure.hint("if it may be missing, add --ignore-missing"))
    }
}

/// Returns whether there was no entry to remove.
fn is_absent(plan: &Plan) -> bool {
    let mut outcomes = plan.outcomes.iter();
    let mut entries = plan.entry_changes.iter();
    outcomes.all(|(_, outcome)| *outcome == Outcome::Absent)
        && entries.all(|change| change.before.is_none())
}

/// Refuses an argument that is not an ARN.
fn check_arn(principal: &Principal) -> Result<(), Failure> {
    match principal {
        Principal::Role(arn) => must_be_arn("role", arn),
        Principal::User(arn) => must_be_arn("user", arn),
        Principal::Account(_) | Principal::Sso(_) => Ok(()),
    }
}

/// Refuses an argument that is not an ARN, unless an entry has exactly this value.
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
    if is_mapped {
        return Ok(());
    }
    let command = match principal_named(principal.text(), &document) {
        Some(Principal::Role(arn)) => format!("unmap role {}", quoted(&arn)),
        Some(Principal::User(arn)) => format!("unmap user {}", quoted(&arn)),
        _ => return Err(failure),
    };
    Err(failure.hint(format!("if you mean this one: awsauth {command}")))
}

/// Returns a note if the principal still has access in another way.
fn still_mapped(principal: &Principal, plan: &Plan) -> Option<String> {
    let (Principal::Role(arn) | Principal::User(arn)) = principal else {
        return None;
    };
    let question = Question {
        arn,
        access_entries: plan.access_entries().map(Arc::as_ref),
        ..Question::default()
    };
    let explanation = explain(plan.after(), &question).ok()?;
    if let Some(mapped) = &explanation.access_entry {
        let becomes = mapped.user().map(user_text);
        let becomes = becomes.map_or_else(String::new, |user| format!(", as {user}"));
        return Some(format!(
            "{} still has access through the access entry of {}{becomes}.",
            explanation.canonical_arn, mapped.entry.principal_arn
        ));
    }
    let answer = explanation.answers.first()?;
    let place = format!("{} line {}", answer.place.section.key(), answer.place.line);
    Some(format!(
        "{} still has access through {place}.",
        explanation.canonical_arn
    ))
}
