//! All edits in one plan, but for those that guards refuse.

use std::collections::{HashMap, HashSet};

use super::super::types::View;
use crate::arn::fold;
use crate::document::edit::{Edit, EditError};
use crate::lint::{Finding, Severity};
use crate::plan::{Allowed, Facts, Guard, Known, Plan, Refusal, Request, has_admin};

/// Edits that are made together or not at all.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) edits: Vec<Edit>,
    /// The ARNs of node entries that may say less or go.
    pub(super) allowed_nodes: Vec<String>,
}

/// Why a unit is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// A guard refuses it; a fragment.
    ByGuard(Guard, String),
    /// It can't be written; a fragment.
    Unwritable(String),
    /// The text that it is about can't be edited; a fragment.
    Unreadable(String),
}

/// What comes of all units.
pub(super) struct Batch {
    /// The plan of all that are not refused; `None` when nothing is to be written.
    pub(super) plan: Option<Plan>,
    /// Those that are, by their numbers.
    pub(super) refused: HashMap<usize, Refused>,
}

struct Batching<'a> {
    view: &'a View<'a>,
    units: &'a [Unit],
    facts: Facts,
    refused: HashMap<usize, Refused>,
}

/// Why a plan is not to be carried out.
enum Fault {
    /// These units are at fault.
    Of(Vec<(usize, Refused)>),
    /// One of them is, or several together.
    Somewhere(Refused),
}

/// Plans all units together. What is at fault is told by whom it is about, else found by halving.
pub(super) fn plan(view: &View<'_>, units: &[Unit]) -> Batch {
    let mut facts = view.facts.clone();
    if let (Known::NotRequested, Some(entries)) =
        (&facts.access_entry_of_admin, view.access_entries)
    {
        facts.access_entry_of_admin = match has_admin(entries, &facts.admins) {
            Some(has) => Known::Is(has),
            None => Known::Unknown {
                needs: "permission to read all access entries and their policies".to_owned(),
            },
        };
    }
    let mut batching = Batching {
        view,
        units,
        facts,
        refused: HashMap::new(),
    };
    let all: Vec<usize> = (0..units.len()).collect();
    let plan = batching.accept(Vec::new(), all).1;
    Batch {
        plan: plan.filter(Plan::is_change),
        refused: batching.refused,
    }
}

impl Batching<'_> {
    /// Adds to what is accepted as much of the next as can be, and gives the plan of all that is.
    fn accept(&mut self, accepted: Vec<usize>, mut next: Vec<usize>) -> (Vec<usize>, Option<Plan>) {
        loop {
            let all: Vec<usize> = accepted.iter().chain(&next).copied().collect();
            if all.is_empty() {
                return (all, None);
            }
            match self.make(&all) {
                Ok(plan) => return (all, Some(plan)),
                Err(Fault::Of(faults)) => {
                    let at_fault: HashSet<usize> = faults.iter().map(|(unit, _)| *unit).collect();
                    self.refused.extend(faults);
                    next.retain(|unit| !at_fault.contains(unit));
                    // What was accepted before may not be at fault alone.
                    if next.is_empty() || accepted.iter().any(|unit| at_fault.contains(unit)) {
                        let accepted: Vec<usize> = accepted
                            .into_iter()
                            .filter(|unit| !at_fault.contains(unit))
                            .collect();
                        return self.accept(Vec::new(), [accepted, next].concat());
                    }
                }
                Err(Fault::Somewhere(why)) => {
                    let Some(second) = (next.len() > 1).then(|| next.split_off(next.len() / 2))
                    else {
                        self.refused.extend(next.first().map(|unit| (*unit, why)));
                        let plan = (!accepted.is_empty()).then(|| self.make(&accepted).ok());
                        return (accepted, plan.flatten());
                    };
                    let (accepted, _) = self.accept(accepted, next);
                    return self.accept(accepted, second);
                }
            }
        }
    }

    fn make(&self, units: &[usize]) -> Result<Plan, Fault> {
        let of = |unit: &usize| &self.units[*unit];
        let edits = units.iter().flat_map(|unit| of(unit).edits.clone());
        let nodes = units.iter().flat_map(|unit| of(unit).allowed_nodes.clone());
        let request = Request {
            edits: edits.collect(),
            allow: Allowed {
                node_entries: nodes.collect(),
                ..Allowed::default()
            },
            access_entries: self.view.access_entries.cloned(),
            facts: self.facts.clone(),
            ..Request::default()
        };
        let plan = Plan::new(self.view.stored, &request);
        let plan = plan.map_err(|error| self.blame_for_edit(&error, units))?;
        if let Some(first) = plan.refusals.first() {
            let whole = ByGuard(first.guard, first.message.clone());
            return Err(self.blame(units, &plan, whole));
        }
        match plan.open_questions.is_empty() {
            true => Ok(plan),
            // What is to be asked first can't be asked here.
            false => Err(Fault::Somewhere(ByGuard(
                Guard::SelfLockout,
                "it can't be known whether anybody could still administer the cluster".to_owned(),
            ))),
        }
    }

    /// The units that refusals are about.
    fn blame(&self, units: &[usize], plan: &Plan, whole: Refused) -> Fault {
        let mut about: HashMap<String, Refused> = HashMap::new();
        for refusal in &plan.refusals {
            if let Some(arn) = &refusal.arn {
                let why = ByGuard(refusal.guard, message(refusal, arn, &plan.findings));
                about.entry(fold(arn).into_owned()).or_insert(why);
            }
        }
        self.blamed(units, |arn| about.get(arn).cloned())
            .unwrap_or(Fault::Somewhere(whole))
    }

    fn blame_for_edit(&self, error: &EditError, units: &[usize]) -> Fault {
        let why = error.to_string();
        let arn = match error {
            EditError::NotEditable { section, .. } => {
                let of_section = |unit: &&usize| {
                    let mut edits = self.units[**unit].edits.iter();
                    edits.any(|edit| edit.principal().section() == *section)
                };
                let at_fault = units.iter().filter(of_section);
                let why = Refused::Unreadable(why);
                let at_fault: Vec<_> = at_fault.map(|unit| (*unit, why.clone())).collect();
                return match at_fault.is_empty() {
                    true => Fault::Somewhere(why),
                    false => Fault::Of(at_fault),
                };
            }
            EditError::OtherList { arn, .. } => arn,
            EditError::Invalid { principal, .. } | EditError::NeedsUsername { principal } => {
                principal.text()
            }
            EditError::UneditableEntry { .. }
            | EditError::NoSuchLine { .. }
            | EditError::Bug { .. } => {
                return Fault::Somewhere(Refused::Unwritable(why));
            }
        };
        let key = fold(arn);
        let why = Refused::Unwritable(why);
        self.blamed(units, |arn| (arn == key).then(|| why.clone()))
            .unwrap_or(Fault::Somewhere(why.clone()))
    }

    fn blamed(&self, units: &[usize], why: impl Fn(&str) -> Option<Refused>) -> Option<Fault> {
        let of = |unit: &usize| {
            let mut edits = self.units[*unit].edits.iter();
            let why = edits.find_map(|edit| why(&fold(edit.principal().text())))?;
            Some((*unit, why))
        };
        let at_fault: Vec<_> = units.iter().filter_map(of).collect();
        (!at_fault.is_empty()).then_some(Fault::Of(at_fault))
    }
}

use Refused::ByGuard;

/// What a refusal says. Lines are left out: they depend on what else is written.
fn message(refusal: &Refusal, arn: &str, findings: &[Finding]) -> String {
    if refusal.guard != Guard::LintRegression {
        return refusal.message.clone();
    }
    let key = fold(arn);
    let is_about = |finding: &&Finding| {
        let principal = finding.principal.as_ref();
        finding.severity >= Severity::Error && principal.is_some_and(|of| fold(of) == key)
    };
    match findings.iter().find(is_about) {
        Some(finding) => format!(
            "would introduce {} {}: {}",
            finding.rule.id, finding.rule.name, finding.message
        ),
        None => refusal.message.clone(),
    }
}
