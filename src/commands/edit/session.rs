use super::judge::judge;
use super::words;
use crate::commands::planning::QUESTIONS;
use crate::commands::refusals::{edit_failure, no_permission};
use crate::commands::write::{DryRun, WriteArgs};
use crate::commands::{PlanFormat, access_entries};
use crate::edge::{Failure, Kind, Out};
use crate::editable::{Keys, MARK, Remark, is_same, page, read, torn_page, with_remarks};
use crate::history::Contents;
use crate::plan::{Facts, Plan, Request};
use crate::render::{remarks, report_json, report_text};
use crate::world::{Edited, Editor, Gathered, Reading, World, keep_aside};

/// A text that goes between the editor and the checks until it passes or is given up.
pub(super) struct Session {
    /// aws-auth as the text was made of it.
    base: Contents,
    /// Whether it was stored on a cluster.
    is_stored: bool,
    keys: Keys,
    /// What is known and allowed, for the plan.
    request: Request,
    is_for_scripts: bool,
    /// The plan that is the reason why it went back.
    refused: Option<Plan>,
    /// The page as the editor was shown it last.
    shown: String,
    /// What it is the page of.
    title: Vec<String>,
    /// What the user has saved last; `None` while that is nothing of theirs.
    typed: Option<String>,
    /// Why it went back to the editor.
    why: Option<Failure>,
    /// What the question is about.
    report: String,
}

/// What came of a round.
pub(super) enum Round {
    /// There is nothing to write.
    Cancelled,
    /// It goes back to the editor.
    Wrong,
    /// It may be written.
    Saved(Contents),
}

impl Session {
    /// Reads aws-auth, and what guards have to know.
    ///
    /// # Errors
    /// When it can't be read, and when it is known beforehand that it can't be written.
    pub(super) fn open(
        write: &WriteArgs,
        world: &mut World,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let (reading, facts) = match world.gather(true, true, out)? {
            Some(gathered) => {
                if gathered.exists
                    && gathered.may_update == Some(false)
                    && write.dry_run != DryRun::Client
                {
                    return Err(no_permission(world, &gathered.facts));
                }
                let Gathered {
                    snapshot, exists, ..
                } = gathered;
                (Reading { snapshot, exists }, gathered.facts)
            }
            None => (world.read(out)?, Facts::default()),
        };
        let title = words::title(world, world.who_else_decides(&reading));
        let snapshot = reading.snapshot;
        let base = Contents::of(&snapshot).existing();
        // A file's other keys are edited in the file.
        let keys = Keys::of(&base, world.has_server());
        Ok(Self {
            is_stored: snapshot.resource_version.is_some(),
            shown: page(&base, &keys, &words::header(&title, &base, &keys)),
            base,
            keys,
            title,
            request: Request {
                allow: write.overrides.allowed(),
                access_entries: access_entries::of_edits([], None, Some(&snapshot), world, out),
                facts,
                ..Request::default()
            },
            is_for_scripts: write.answer.output == PlanFormat::Json,
            refused: None,
            typed: None,
            why: None,
            report: String::new(),
        })
    }

    /// aws-auth as the text was made of it.
    pub(super) fn base(&self) -> &Contents {
        &self.base
    }

    /// Whether there was an aws-auth on the cluster.
    pub(super) fn is_stored(&self) -> bool {
        self.is_stored
    }

    /// Has the user edit the page, and checks what was saved.
    ///
    /// # Errors
    /// When it is given up: what was typed is kept then.
    pub(super) fn round(
        &mut self,
        editor: &Editor,
        world: &World,
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
                let failure = Failure::usage("cannot read the text; nothing was written");
                let failure = remarks.iter().map(place).fold(failure, Failure::note);
                self.reopen(&text, &remarks, failure);
                return Ok(Round::Wrong);
            }
        };
        let contents = parts.contents(&self.base, &self.keys);
        if contents == self.base {
            return Ok(Round::Cancelled);
        }
        let plan = match self.plan(&contents, world, out) {
            Ok(plan) => plan,
            Err(failure) => return Err(self.not_written(failure)),
        };
        let judged = judge(&self.base, &contents, &parts, &plan);
        if let Some(failure) = judged.failure {
            self.reopen(&text, &judged.remarks, failure);
            self.refused = Some(plan);
            return Ok(Round::Wrong);
        }
        let remarks = remarks(&plan).into_iter().map(|line| line + "\n");
        self.report = report_text(&plan) + &remarks.collect::<String>();
        Ok(Round::Saved(contents))
    }

    /// What would come of it. What guards find that they have to know is asked.
    fn plan(&mut self, ours: &Contents, world: &World, out: &mut Out) -> Result<Plan, Failure> {
        self.request.kept = Some(ours.clone());
        let make = |request: &Request| {
            Plan::new(&self.base.snapshot(), request).map_err(|error| edit_failure(&error, world))
        };
        // One answer may make another question matter.
        for _ in 0..QUESTIONS {
            let plan = make(&self.request)?;
            if plan.open.is_empty() {
                return Ok(plan);
            }
            world.learn(&plan.open, &mut self.request.facts, out)?;
        }
        make(&self.request)
    }

    /// Shows what would be written.
    pub(super) fn show(&self, out: &mut Out) {
        out.lay_out(&self.report);
    }

    /// Goes back to the editor with what refused it.
    pub(super) fn refuse(&mut self, failure: Failure, out: &Out) {
        let remark = Remark::new(None, failure.render(out.program()).trim_end());
        let text = self.typed.clone().unwrap_or_default();
        self.reopen(&text, &[remark], failure);
    }

    /// Goes back to the editor with what others have written meanwhile.
    pub(super) fn tear(
        &mut self,
        ours: &Contents,
        theirs: &Contents,
        failure: Failure,
        world: &World,
    ) {
        if world.has_server() {
            self.keys.add(theirs);
        }
        let header = words::torn(&self.title, &failure);
        let there = if world.has_server() {
            "on the cluster now"
        } else {
            "in the file now"
        };
        self.shown = torn_page([&self.base, ours, theirs], &self.keys, &header, there);
        self.base = theirs.clone();
        self.why = Some(failure);
        self.refused = None;
    }

    fn reopen(&mut self, text: &str, remarks: &[Remark], failure: Failure) {
        let header = words::reopened(&self.title);
        self.shown = with_remarks(text, &self.keys, &header, remarks);
        self.why = Some(failure);
        self.refused = None;
    }

    /// Ends it for the reason for which it went back to the editor.
    pub(super) fn give_up(&mut self, out: &mut Out) -> Failure {
        let why = self.why.take();
        let failure = why.unwrap_or_else(|| Failure::new(Kind::Bug, "given up without a reason"));
        if let Some(plan) = self.refused.take()
            && self.is_for_scripts
            && failure.refusal().is_none()
        {
            let report = report_json(&plan, false, None).unwrap_or_default();
            if let Err(error) = out.data(report.as_bytes()) {
                out.failure(&Failure::from(error).render(out.program()));
            }
        }
        self.not_written(failure)
    }

    /// Ends it, and keeps what was typed.
    pub(super) fn not_written(&self, failure: Failure) -> Failure {
        let Some(typed) = &self.typed else {
            return failure;
        };
        match keep_aside("awsauth-edit-", ".yaml", typed.as_bytes()) {
            Ok(path) => failure.hint(format!("what you typed is kept in {}", path.display())),
            Err(error) => failure.note(format!("What you typed could not be kept: {error}")),
        }
    }
}
