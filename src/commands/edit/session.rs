//! An editing session of `awsauth edit`.

use std::sync::Arc;

use super::check::check;
use super::page_header;
use crate::backend::{Backend, Edited, Editor, FirstRead, Reading, write_temporary};
use crate::output::{PlanFormat, remarks, report_json, report_text};
use crate::terminal::{Failure, Kind, Out};
use crate::write::{Mode, Options, PlanBuilder, access_entries_for, edit_failure, no_permission};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::edit_buffer::{
    Keys, MARK, Remark, conflict_page, is_same, page, read, with_remarks,
};
use awsauth_core::history::Contents;
use awsauth_core::plan::{Allowed, Facts, Plan, Request};

/// An editing session: aws-auth is edited and checked until it can be written or the user gives up.
pub(super) struct Session {
    /// The aws-auth that the text is based on.
    base: Contents,
    /// Whether aws-auth is stored in a cluster.
    is_stored: bool,
    keys: Keys,
    allow: Allowed,
    access_entries: Option<Arc<AccessEntries>>,
    facts: Facts,
    is_for_scripts: bool,
    /// The plan whose refusal reopened the editor.
    refused: Option<Plan>,
    /// The page that the editor opened last.
    shown: String,
    /// The title lines of the page.
    title: Vec<String>,
    /// The text that the user saved last; `None` if they changed nothing.
    typed: Option<String>,
    /// Why the editor was opened again.
    why: Option<Failure>,
    /// The change to confirm.
    report: String,
}

/// The result of one round of editing.
pub(super) enum Round {
    /// There is nothing to write.
    Cancelled,
    /// The editor must be opened again.
    Wrong,
    /// The edited aws-auth can be written.
    Saved(Contents),
}

impl Session {
    /// Reads aws-auth and the facts that guards need.
    ///
    /// # Errors
    /// If aws-auth cannot be read, or the user has no permission to write it.
    pub(super) fn open(
        options: &Options,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let (reading, facts) = match backend.read_for_plan(true, true, out)? {
            Some(first) => {
                if first.exists
                    && first.may_update == Some(false)
                    && options.mode != Mode::ClientDryRun
                {
                    return Err(no_permission(backend, &first.facts));
                }
                let FirstRead {
                    snapshot, exists, ..
                } = first;
                (
                    Reading {
                        snapshot,
                        exists,
                        managers: Vec::new(),
                    },
                    first.facts,
                )
            }
            None => (backend.read(out)?, Facts::default()),
        };
        let title = page_header::title(backend, backend.access_note(&reading));
        let snapshot = reading.snapshot;
        let base = Contents::of(&snapshot).existing();
        // The other keys of a manifest are edited in the file itself.
        let keys = Keys::of(&base, backend.has_server());
        Ok(Self {
            is_stored: snapshot.resource_version.is_some(),
            shown: page(&base, &keys, &page_header::header(&title, &base, &keys)),
            base,
            keys,
            title,
            allow: options.allow.clone(),
            access_entries: access_entries_for(&[], &[], None, Some(&snapshot), backend, out),
            facts,
            is_for_scripts: options.format == PlanFormat::Json,
            refused: None,
            typed: None,
            why: None,
            report: String::new(),
        })
    }

    /// The aws-auth that the text is based on.
    pub(super) fn base(&self) -> &Contents {
        &self.base
    }

    /// Whether aws-auth is stored in a cluster.
    pub(super) fn is_stored(&self) -> bool {
        self.is_stored
    }

    /// Opens the editor, and checks what was saved.
    ///
    /// # Errors
    /// If the user gives up. The typed text is then saved to a file.
    pub(super) fn round(
        &mut self,
        editor: &Editor,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<Round, Failure> {
        let Edited { text, failure } = match editor.edit(&self.shown) {
            Ok(edited) => edited,
            Err(failure) => return Err(self.not_written(failure)),
        };
        let is_same = is_same(&text, &self.shown, &self.keys);
        let is_empty = text
            .lines()
            .all(|line| line.trim().is_empty() || line.starts_with(MARK));
        if !is_same && !is_empty {
            self.typed = Some(text.clone());
        }
        if let Some(failure) = failure {
            return Err(self.not_written(failure));
        }
        if self.why.is_some() && (is_same || is_empty) {
            return Err(self.give_up(out));
        }
        if is_empty {
            return Ok(Round::Cancelled);
        }
        let parts = match read(&text, &self.keys) {
            Ok(parts) => parts,
            Err(remarks) => {
                let place = |remark: &Remark| match remark.line {
                    Some(line) => format!("line {line}: {}", remark.text),
                    None => remark.text.clone(),
                };
                let failure = Failure::usage("cannot read the saved file; nothing was written");
                let failure = remarks.iter().map(place).fold(failure, Failure::note);
                self.reopen(&text, &remarks, failure);
                return Ok(Round::Wrong);
            }
        };
        let contents = parts.contents(&self.base, &self.keys);
        if contents == self.base {
            return Ok(Round::Cancelled);
        }
        let plan = match self.plan(&contents, backend, out) {
            Ok(plan) => plan,
            Err(failure) => return Err(self.not_written(failure)),
        };
        let checked = check(&self.base, &contents, &parts, &plan);
        if let Some(failure) = checked.failure {
            self.reopen(&text, &checked.remarks, failure);
            self.refused = Some(plan);
            return Ok(Round::Wrong);
        }
        let remarks = remarks(&plan).into_iter().map(|line| line + "\n");
        self.report = report_text(&plan, backend.eks_name()) + &remarks.collect::<String>();
        Ok(Round::Saved(contents))
    }

    /// Plans the edited contents, and looks up the facts that the guards need.
    fn plan(&mut self, ours: &Contents, backend: &Backend, out: &mut Out) -> Result<Plan, Failure> {
        let request = |_: &Snapshot| {
            Ok(Request {
                contents: Some(ours.clone()),
                ..Request::default()
            })
        };
        let mut planner = PlanBuilder::new(
            &request,
            self.allow.clone(),
            self.access_entries.clone(),
            Vec::new(),
        );
        planner.begin(&self.base.snapshot(), &self.facts, backend, out)?;
        self.facts = planner.facts().clone();
        match planner.into_plan() {
            Some(plan) => plan.map_err(|error| edit_failure(&error, backend)),
            None => Err(Failure::new(Kind::Bug, "nothing was planned")),
        }
    }

    /// Shows the change.
    pub(super) fn show(&self, out: &mut Out) {
        out.lay_out(&self.report);
    }

    /// Prepares to open the editor again with the refusal.
    pub(super) fn refuse(&mut self, failure: Failure, out: &Out) {
        let remark = Remark::new(None, failure.render(out.program()).trim_end());
        let text = self.typed.clone().unwrap_or_default();
        self.reopen(&text, &[remark], failure);
    }

    /// Prepares to open the editor again with the conflicting changes by other clients.
    pub(super) fn show_conflicts(
        &mut self,
        ours: &Contents,
        theirs: &Contents,
        failure: Failure,
        backend: &Backend,
    ) {
        if backend.has_server() {
            self.keys.add(theirs);
        }
        let header = page_header::with_conflicts(&self.title, &failure);
        let their_location = if backend.has_server() {
            "on the cluster now"
        } else {
            "in the file now"
        };
        self.shown = conflict_page(
            [&self.base, ours, theirs],
            &self.keys,
            &header,
            their_location,
        );
        self.base = theirs.clone();
        self.why = Some(failure);
        self.refused = None;
    }

    fn reopen(&mut self, text: &str, remarks: &[Remark], failure: Failure) {
        let header = page_header::reopened(&self.title);
        self.shown = with_remarks(text, &self.keys, &header, remarks);
        self.why = Some(failure);
        self.refused = None;
    }

    /// Ends the session with the reason why the editor was opened again.
    pub(super) fn give_up(&mut self, out: &mut Out) -> Failure {
        let why = self.why.take();
        let failure = why.unwrap_or_else(|| Failure::new(Kind::Bug, "given up without a reason"));
        if let Some(plan) = self.refused.take()
            && self.is_for_scripts
            && failure.refusal().is_none()
        {
            let report = report_json(&plan, false, None, None).unwrap_or_default();
            if let Err(error) = out.json(&report) {
                out.failure(&Failure::from(error).render(out.program()));
            }
        }
        self.not_written(failure)
    }

    /// Ends the session, and saves what was typed to a file.
    pub(super) fn not_written(&self, failure: Failure) -> Failure {
        let Some(typed) = &self.typed else {
            return failure;
        };
        match write_temporary("awsauth-edit-", ".yaml", typed.as_bytes()) {
            Ok(path) => failure.hint(format!("your edits are saved in {}", path.display())),
            Err(error) => failure.note(format!("Your text could not be saved: {error}")),
        }
    }
}
