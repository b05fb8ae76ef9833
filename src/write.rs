//! The write transaction that every writing command runs: plan, guards, dry run, backup, write, verification, rollback.

mod deleted_aws_auth;
mod entry_transaction;
mod ignored_mappings;
mod plan_builder;
mod plan_failures;
mod relevant_access_entries;
mod remaining_admin;
mod report;
mod store_choice;
mod unrecordable_expiry;
mod verify_or_roll_back;

use crate::backend::{Backend, FirstRead, HistoryOptions, Planner, WriteOutcome};
use crate::output::{PlanFormat, report_json};
use crate::terminal::{Failure, Kind, Out};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::edit::Edit;
use awsauth_core::plan::{Allowed, Plan, Request, Stages};
use awsauth_kube::history::random_id;
use deleted_aws_auth::warn_of_last_text;
use plan_builder::ROUNDS_OF_QUESTIONS;
use verify_or_roll_back::PostWriteCheck;

pub(crate) use ignored_mappings::{is_ignored, refuse_if_ignored, with_other_store};
pub(crate) use plan_builder::{PlanBuilder, wants_admins};
pub(crate) use plan_failures::{edit_failure, no_permission, refusal_line, refused};
pub(crate) use relevant_access_entries::access_entries_for;
pub(crate) use report::report_dry_run_step;
pub(crate) use store_choice::{
    EntryRequest, NamedOptions, PlannedEntries, ReadStores, eks_not_named, note_new_mappings,
    read_both, read_stores,
};
pub(crate) use unrecordable_expiry::refuse_unrecorded_expiry;

/// Builds the request for what is stored. Called again if another client writes in between.
pub(crate) type RequestBuilder<'a> = dyn Fn(&Snapshot) -> Result<Request, Failure> + 'a;

/// Whether the transaction writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write.
    Write,
    /// Have the API server check the write and store nothing.
    ServerDryRun,
    /// Plan only.
    ClientDryRun,
}

impl Mode {
    /// Whether nothing is written.
    pub(crate) fn is_dry_run(self) -> bool {
        self != Self::Write
    }
}

/// How to run a transaction.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) mode: Mode,
    pub(crate) format: PlanFormat,
    /// The user's reason, for the history.
    pub(crate) reason: Option<String>,
    /// The number of the revision that the write undoes, for the history.
    pub(crate) undoes: Option<u64>,
    /// The guards that the user overrides.
    pub(crate) allow: Allowed,
    /// Write even if no backup can be stored.
    pub(crate) no_backup: bool,
    /// Skip the check that the caller still has access, which is made if the write changes the caller's own mapping.
    pub(crate) no_verify: bool,
    /// Keep what was written if it cannot be verified.
    pub(crate) no_rollback: bool,
    /// Whether the command has already shown the change to the user, who confirmed it.
    pub(crate) is_confirmed: bool,
    /// Whether the command itself prints the findings, and JSON.
    pub(crate) prints_own_report: bool,
}

impl Options {
    /// Writes with every guard, and with this reason in the history.
    pub(crate) fn guarded(reason: &str) -> Self {
        Self {
            mode: Mode::Write,
            format: PlanFormat::default(),
            reason: Some(reason.to_owned()),
            undoes: None,
            allow: Allowed::default(),
            no_backup: false,
            no_verify: false,
            no_rollback: false,
            is_confirmed: false,
            prints_own_report: false,
        }
    }
}

/// The identity that signs in after the write.
#[derive(Clone, Debug, Default)]
pub(crate) struct VerifyAs {
    /// The ARN of a role to assume; `None` for the user's own AWS credentials.
    pub(crate) role: Option<String>,
}

/// One write, or its dry run.
pub(crate) struct Transaction<'a> {
    /// The edits, if they do not depend on what is stored; otherwise empty.
    pub(crate) edits: &'a [Edit],
    pub(crate) request: &'a RequestBuilder<'a>,
    /// Whether to create an aws-auth that does not exist.
    pub(crate) create: bool,
    /// The changes to access entries; `None` for a transaction that changes only aws-auth.
    pub(crate) entries: Option<PlannedEntries>,
    /// Whether and how to verify the write by signing in.
    pub(crate) verify: Option<VerifyAs>,
    pub(crate) options: &'a Options,
}

/// What a transaction may write, and how it is recorded.
struct Scope {
    edits_aws_auth: bool,
    backup: HistoryOptions,
}

/// The parts of a plan for both stores that were carried out before a failure.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    /// The access entries that give access.
    gives: bool,
    aws_auth: bool,
}

impl Done {
    /// Adds what was done, and the next step. `undoes` is the revision that the command undoes: without its number, the same command
    /// would undo what was done.
    fn explain(self, undoes: Option<u64>, failure: Failure) -> Failure {
        let what = match (self.gives, self.aws_auth) {
            (false, false) => return failure,
            (true, false) => "the access entries that give access were changed before",
            (false, true) => "aws-auth was written before",
            (true, true) => {
                "the access entries that give access, and aws-auth, were written before"
            }
        };
        let next = undoes.map_or_else(
            || "run the same command again to continue".to_owned(),
            |revision| format!("to continue: awsauth undo {revision}"),
        );
        failure
            .after_change()
            .note(what)
            .hint(format!("{next}, or go back: awsauth undo"))
    }
}

/// Writes edits of aws-auth that do not depend on what is stored.
///
/// # Errors
/// Those of [`Transaction::run`].
pub(crate) fn write_edits(
    edits: Vec<Edit>,
    create: bool,
    options: &Options,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Plan, Failure> {
    let request = Request {
        edits,
        ..Request::default()
    };
    Transaction {
        edits: &request.edits,
        request: &|_| Ok(request.clone()),
        create,
        entries: None,
        verify: None,
        options,
    }
    .run(backend, out)
}

/// Sends the change of the plan. If another client has written in the meantime, the guards may need more facts about the new plan:
/// looks them up, and sends it again.
///
/// # Errors
/// If the plan is refused, sending fails, or other clients keep writing what raises new questions.
fn until_judged<T>(
    planner: &mut PlanBuilder<'_>,
    backend: &mut Backend,
    out: &mut Out,
    mut send: impl FnMut(&mut Planner<'_>, &mut Backend, &mut Out) -> Result<T, Failure>,
) -> Result<T, Failure> {
    for _ in 0..ROUNDS_OF_QUESTIONS {
        let sent = send(&mut |snapshot| planner.change(snapshot), backend, out);
        if sent.is_ok() || !planner.answer_questions(backend, out)? {
            return sent;
        }
    }
    Err(Failure::new(
        Kind::Conflict,
        "other clients keep changing aws-auth, and the guards could not judge the write",
    )
    .hint("run the same command again"))
}

impl Transaction<'_> {
    /// Plans, checks and writes, or does the dry run, and reports the result.
    ///
    /// # Errors
    /// If the plan cannot be made or is refused, the write fails, or its verification fails.
    pub(crate) fn run(mut self, backend: &mut Backend, out: &mut Out) -> Result<Plan, Failure> {
        let options = self.options;
        let entries = self.entries.take();
        let edits_aws_auth = entries
            .as_ref()
            .is_none_or(|entries| entries.edits_aws_auth);
        let scope = Scope {
            edits_aws_auth,
            backup: self.backup(entries.is_some()),
        };
        if backend.is_pipe() && !options.mode.is_dry_run() && options.format == PlanFormat::Json {
            return Err(
                Failure::usage("cannot print JSON: stdout carries the manifest")
                    .hint("leave out -o json, or add --dry-run"),
            );
        }
        // Before anything is read, so that users without read permission see it, too.
        if edits_aws_auth && !options.allow.ignored {
            refuse_if_ignored(backend)?;
        }
        let mut check = match &self.verify {
            Some(verify) if options.mode == Mode::Write => Some(PostWriteCheck::prepare(
                verify,
                !options.no_rollback,
                backend,
                out,
            )?),
            _ => None,
        };
        let (first, access_entries, entry_changes) = match entries {
            Some(planned) => {
                let (first, known, changes) = planned.into_parts();
                (Some(first), known, changes)
            }
            None => {
                let first = backend.read_for_plan(true, wants_admins(self.edits), out)?;
                let role = self
                    .verify
                    .as_ref()
                    .and_then(|verify| verify.role.as_deref());
                let snapshot = first.as_ref().map(|first| &first.snapshot);
                let entries = access_entries_for(self.edits, &[], role, snapshot, backend, out);
                (first, entries, Vec::new())
            }
        };
        let mut planner = PlanBuilder::new(
            self.request,
            options.allow.clone(),
            access_entries,
            entry_changes,
        );
        if let Some(first) = &first {
            let own_check = self.prepare(first, check.is_none(), &mut planner, backend, out)?;
            check = check.or(own_check);
        }
        let mut done = Done::default();
        let written = self.carry_out(&mut done, &mut planner, first, &scope, backend, out);
        let (plan, outcome) = self
            .conclude(planner, written, backend, out)
            .map_err(|failure| done.explain(options.undoes, failure))?;
        self.report(&plan, outcome, check.as_ref(), backend, out)?;
        Ok(plan)
    }

    /// Makes the first plan, and checks before the write that the user has permission and confirms what needs it.
    ///
    /// Returns a check of the caller's own access if the plan changes it and `may_check`.
    fn prepare(
        &self,
        first: &FirstRead,
        may_check: bool,
        planner: &mut PlanBuilder<'_>,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<Option<PostWriteCheck>, Failure> {
        let options = self.options;
        let Some(plan) = planner.begin(&first.snapshot, &first.facts, backend, out)? else {
            return Ok(None);
        };
        if !plan.is_change() || !plan.refusals.is_empty() || options.mode == Mode::ClientDryRun {
            return Ok(None);
        }
        let creates = !first.exists && plan.changes_aws_auth();
        if creates && (self.request)(&first.snapshot)?.contents.is_none() {
            warn_of_last_text(backend, out)?;
        }
        if first.exists && first.may_update == Some(false) && plan.changes_aws_auth() {
            return Err(no_permission(backend, &first.facts));
        }
        if options.mode.is_dry_run() {
            return Ok(None);
        }
        if plan.leaves_no_admin && out.can_ask() {
            plan_failures::confirm_no_admin(backend, out)?;
        }
        let is_wanted = may_check && !options.no_verify && !options.allow.self_lockout;
        if !plan.changes_caller || !is_wanted {
            return Ok(None);
        }
        let Some(caller) = planner.caller() else {
            return Ok(None);
        };
        match PostWriteCheck::of_caller(caller, !options.no_rollback, backend, out) {
            Ok(check) => Ok(Some(check)),
            Err(why) => {
                out.unchecked(&format!(
                    "Not checked: whether you still have access after the write, which needs a fresh token of your own: {why}"
                ));
                Ok(None)
            }
        }
    }

    /// Makes the changes in the order of the plan's [`Stages`].
    fn carry_out(
        &self,
        done: &mut Done,
        planner: &mut PlanBuilder<'_>,
        first: Option<FirstRead>,
        scope: &Scope,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<WriteOutcome, Failure> {
        let Scope {
            edits_aws_auth,
            backup,
        } = scope;
        let stages = match self.options.mode {
            Mode::Write => planner.fix_stages(),
            Mode::ServerDryRun | Mode::ClientDryRun => Stages::default(),
        };
        if !stages.first.is_empty() && *edits_aws_auth {
            until_judged(planner, backend, out, |change, backend, out| {
                backend.check_on_server(change, self.create, out)
            })?;
        }
        entry_transaction::write_entries(&stages.first, backup, backend, out).map_err(
            |failure| match *edits_aws_auth {
                true => failure.note("aws-auth was not changed"),
                false => failure,
            },
        )?;
        done.gives = !stages.first.is_empty();
        let outcome = match *edits_aws_auth {
            true => self.write(planner, first, backup, backend, out),
            false => self.plan_only(planner, first),
        };
        let outcome = outcome.map_err(|failure| match stages.last.is_empty() {
            true => failure,
            false => failure.note("no access entry was reduced or deleted"),
        })?;
        if self.options.mode != Mode::Write {
            return Ok(outcome);
        }
        done.aws_auth = outcome != WriteOutcome::Unchanged;
        if !stages.last.is_empty() {
            remaining_admin::refuse_if_none(planner, &stages.last, backend, out)?;
            entry_transaction::write_entries(&stages.last, backup, backend, out)?;
        }
        *done = Done::default();
        remaining_admin::restore_if_none(planner, outcome, backend, out)?;
        Ok(outcome)
    }

    /// Writes aws-auth, or does the dry run.
    fn write(
        &self,
        planner: &mut PlanBuilder<'_>,
        first: Option<FirstRead>,
        backup: &HistoryOptions,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<WriteOutcome, Failure> {
        if self.options.mode == Mode::ClientDryRun {
            return Self::plan_offline(planner, first, backend, out);
        }
        until_judged(planner, backend, out, |change, backend, out| {
            match self.options.mode {
                Mode::Write => backend.write(change, self.create, backup, out),
                _ => backend.try_on_server(change, self.create, out),
            }
        })
    }

    /// Plans on what was read, and sends nothing.
    fn plan_offline(
        planner: &mut PlanBuilder<'_>,
        first: Option<FirstRead>,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<WriteOutcome, Failure> {
        let snapshot = match first {
            Some(first) => first.snapshot,
            None => backend.read(out)?.snapshot,
        };
        let exists = snapshot.resource_version.is_some() || !backend.has_server();
        let is_change = planner.change(&snapshot)?.is_some();
        Ok(match is_change || backend.has_new_literal_blocks() {
            true if exists => WriteOutcome::Changed,
            true => WriteOutcome::Created,
            false => WriteOutcome::Unchanged,
        })
    }

    /// Makes the plan of a transaction that does not change aws-auth.
    fn plan_only(
        &self,
        planner: &mut PlanBuilder<'_>,
        first: Option<FirstRead>,
    ) -> Result<WriteOutcome, Failure> {
        let snapshot = first.map(|first| first.snapshot).unwrap_or_default();
        planner.change(&snapshot)?;
        Ok(WriteOutcome::Unchanged)
    }

    /// Returns how to record the write. `has_entries` is whether it may change access entries, so that it may have several revisions.
    fn backup(&self, has_entries: bool) -> HistoryOptions {
        HistoryOptions {
            reason: self.options.reason.clone(),
            undoes: self.options.undoes,
            transaction: has_entries.then(random_id),
            optional: self.options.no_backup,
        }
    }

    /// The last plan and the outcome of the write, or why the write failed.
    fn conclude(
        &self,
        planner: PlanBuilder<'_>,
        written: Result<WriteOutcome, Failure>,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<(Plan, WriteOutcome), Failure> {
        match (planner.into_plan(), written) {
            (Some(Err(error)), _) => Err(edit_failure(&error, backend)),
            (Some(Ok(plan)), Err(_)) if !plan.refusals.is_empty() => {
                if self.options.format == PlanFormat::Json && !self.options.prints_own_report {
                    let report = report_json(&plan, false, backend.eks_name(), None)
                        .map_err(|error| Failure::bug(&error))?;
                    if let Err(error) = out.json(&report) {
                        out.failure(&Failure::from(error).render(out.program()));
                    }
                }
                Err(with_other_store(refused(&plan.refusals), &plan))
            }
            (_, Err(failure)) => Err(failure),
            (None, Ok(_)) => Err(Failure::new(Kind::Bug, "nothing was planned")),
            (Some(Ok(plan)), Ok(outcome)) => Ok((plan, outcome)),
        }
    }

    /// Reports the plan and the write, verifies the write, and reports the verification.
    fn report(
        &self,
        plan: &Plan,
        outcome: WriteOutcome,
        check: Option<&PostWriteCheck>,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let options = self.options;
        // A failure to print does not stop the verification of what was written.
        let printed = report::plan(plan, outcome, options, backend, out);
        report::destination(plan, outcome, options.mode, backend, out);
        let checked = check.map(|check| check.run(plan, outcome, backend, out));
        let answered =
            printed.and_then(|()| report::answer(plan, checked.as_ref(), options, backend, out));
        if options.format == PlanFormat::Github {
            report::step(plan, outcome, checked.as_ref(), options.mode, backend, out);
        }
        if let Some(failure) = checked.and_then(|checked| checked.failure) {
            if let Err(error) = answered {
                out.failure(&error.render(out.program()));
            }
            return Err(failure);
        }
        answered.map_err(|failure| match outcome {
            WriteOutcome::Created | WriteOutcome::Changed if options.mode == Mode::Write => {
                failure.at("aws-auth was written")
            }
            _ if plan.changes_entries() && options.mode == Mode::Write => {
                failure.at("the access entries were changed")
            }
            _ => failure,
        })
    }
}
