//! Plans all edits together, and finds out which of them guards refuse.

use std::collections::{HashMap, HashSet};

use super::super::decision::Input;
use super::edit_set::EditSet;
use super::size_budget::{self, Excess};
use crate::arn::fold;
use crate::document::edit::EditError;
use crate::lint::{Finding, Severity};
use crate::plan::{Allowed, Facts, Guard, Known, Plan, Refusal, Request, has_admin};

/// Why edits are omitted from the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RefusalReason {
    /// A guard refuses them. Contains a sentence fragment.
    ByGuard(Guard, String),
    /// They are invalid. Contains a sentence fragment.
    Unwritable(String),
    /// Their section cannot be edited. Contains a sentence fragment.
    Unreadable(String),
    /// They add more than fits into aws-auth, or than their grant allows.
    Full(Excess),
}

/// A plan for several sets of edits.
pub(super) struct Batch {
    /// The plan of all edits that are not refused; `None` if it changes nothing.
    pub(super) plan: Option<Plan>,
    /// The refused sets, by index.
    pub(super) refused: HashMap<usize, RefusalReason>,
}

/// Returns the facts for guards, with whether an access entry makes its principal an administrator.
pub(super) fn controller_facts(input: &Input<'_>) -> Facts {
    let mut facts = input.facts.clone();
    if let (Known::NotRequested, Some(entries)) =
        (&facts.access_entry_of_admin, input.access_entries)
    {
        facts.access_entry_of_admin = match has_admin(entries, &facts.admins) {
            Some(has) => Known::Is(has),
            None => Known::Unknown {
                needs: "permission to read all access entries and their policies".to_owned(),
            },
        };
    }
    facts
}

struct Batcher<'a> {
    input: &'a Input<'a>,
    edit_sets: &'a [EditSet],
    /// The number of sets of objects, which come first and must fit into aws-auth.
    of_objects: usize,
    facts: Facts,
    refused: HashMap<usize, RefusalReason>,
}

/// Which sets cause a plan to be refused.
enum Blame {
    EditSets(Vec<(usize, RefusalReason)>),
    /// One of the sets, or a combination of them.
    Unknown(RefusalReason),
}

/// Plans all sets together; the first `of_objects` are those of objects. Finds refused ones by the principals in the refusals, or else
/// by bisection.
pub(super) fn plan(input: &Input<'_>, edit_sets: &[EditSet], of_objects: usize) -> Batch {
    let facts = controller_facts(input);
    let mut batcher = Batcher {
        input,
        edit_sets,
        of_objects,
        facts,
        refused: HashMap::new(),
    };
    let all: Vec<usize> = (0..edit_sets.len()).collect();
    let plan = batcher.accept(Vec::new(), all).1;
    Batch {
        plan: plan.filter(Plan::is_change),
        refused: batcher.refused,
    }
}

impl Batcher<'_> {
    /// Adds as many of the next sets to the accepted ones as possible. Returns the accepted sets and their plan.
    fn accept(&mut self, accepted: Vec<usize>, mut next: Vec<usize>) -> (Vec<usize>, Option<Plan>) {
        loop {
            let all: Vec<usize> = accepted.iter().chain(&next).copied().collect();
            if all.is_empty() {
                return (all, None);
            }
            match self.make(&all) {
                Ok(plan) => return (all, Some(plan)),
                Err(Blame::EditSets(blamed)) => {
                    let at_fault: HashSet<usize> =
                        blamed.iter().map(|(edit_set, _)| *edit_set).collect();
                    self.refused.extend(blamed);
                    next.retain(|edit_set| !at_fault.contains(edit_set));
                    // A set that was accepted earlier is refused only together with others.
                    if next.is_empty()
                        || accepted.iter().any(|edit_set| at_fault.contains(edit_set))
                    {
                        let accepted: Vec<usize> = accepted
                            .into_iter()
                            .filter(|edit_set| !at_fault.contains(edit_set))
                            .collect();
                        return self.accept(Vec::new(), [accepted, next].concat());
                    }
                }
                Err(Blame::Unknown(why)) => {
                    let Some(second) = (next.len() > 1).then(|| next.split_off(next.len() / 2))
                    else {
                        self.refused
                            .extend(next.first().map(|edit_set| (*edit_set, why)));
                        let plan = (!accepted.is_empty()).then(|| self.make(&accepted).ok());
                        return (accepted, plan.flatten());
                    };
                    let (accepted, _) = self.accept(accepted, next);
                    return self.accept(accepted, second);
                }
            }
        }
    }

    fn make(&self, edit_sets: &[usize]) -> Result<Plan, Blame> {
        let of = |edit_set: &usize| &self.edit_sets[*edit_set];
        let edits = edit_sets
            .iter()
            .flat_map(|edit_set| of(edit_set).edits.clone());
        let nodes = edit_sets
            .iter()
            .flat_map(|edit_set| of(edit_set).allowed_nodes.clone());
        let request = Request {
            edits: edits.collect(),
            allow: Allowed {
                node_entries: nodes.collect(),
                ..Allowed::default()
            },
            access_entries: self.input.access_entries.cloned(),
            facts: self.facts.clone(),
            ..Request::default()
        };
        let plan = Plan::new(self.input.stored, &request);
        let plan = plan.map_err(|error| self.blame_for_edit(&error, edit_sets))?;
        if let Some(first) = plan.refusals.first() {
            let whole = ByGuard(first.guard, first.message.clone());
            return Err(self.blame(edit_sets, &plan, whole));
        }
        // The guards need facts that the controller cannot collect.
        if !plan.open_questions.is_empty() {
            return Err(Blame::Unknown(ByGuard(
                Guard::SelfLockout,
                "cannot verify that an administrator would remain".to_owned(),
            )));
        }
        // Last, so that edits that guards refuse take no space.
        let excess = size_budget::excess(
            self.input,
            &plan,
            self.edit_sets,
            edit_sets,
            self.of_objects,
        );
        match excess.is_empty() {
            true => Ok(plan),
            false => Err(Blame::EditSets(
                excess
                    .into_iter()
                    .map(|(edit_set, why)| (edit_set, RefusalReason::Full(why)))
                    .collect(),
            )),
        }
    }

    /// Returns the sets with the principals of the refusals.
    fn blame(&self, edit_sets: &[usize], plan: &Plan, whole: RefusalReason) -> Blame {
        let mut about: HashMap<String, RefusalReason> = HashMap::new();
        for refusal in &plan.refusals {
            if let Some(arn) = &refusal.arn {
                let why = ByGuard(refusal.guard, message(refusal, arn, &plan.findings));
                about.entry(fold(arn).into_owned()).or_insert(why);
            }
        }
        self.blamed(edit_sets, |arn| about.get(arn).cloned())
            .unwrap_or(Blame::Unknown(whole))
    }

    fn blame_for_edit(&self, error: &EditError, edit_sets: &[usize]) -> Blame {
        let why = error.to_string();
        let arn = match error {
            EditError::NotEditable { section, .. } => {
                let of_section = |edit_set: &&usize| {
                    let mut edits = self.edit_sets[**edit_set].edits.iter();
                    edits.any(|edit| edit.principal().section() == *section)
                };
                let at_fault = edit_sets.iter().filter(of_section);
                let why = RefusalReason::Unreadable(why);
                let at_fault: Vec<_> = at_fault.map(|edit_set| (*edit_set, why.clone())).collect();
                return match at_fault.is_empty() {
                    true => Blame::Unknown(why),
                    false => Blame::EditSets(at_fault),
                };
            }
            EditError::OtherList { arn, .. } => arn,
            EditError::Invalid { principal, .. } | EditError::NeedsUsername { principal } => {
                principal.text()
            }
            EditError::UneditableEntry { .. }
            | EditError::NoSuchLine { .. }
            | EditError::Bug { .. } => {
                return Blame::Unknown(RefusalReason::Unwritable(why));
            }
        };
        let key = fold(arn);
        let why = RefusalReason::Unwritable(why);
        self.blamed(edit_sets, |arn| (arn == key).then(|| why.clone()))
            .unwrap_or(Blame::Unknown(why.clone()))
    }

    fn blamed(
        &self,
        edit_sets: &[usize],
        why: impl Fn(&str) -> Option<RefusalReason>,
    ) -> Option<Blame> {
        let of = |edit_set: &usize| {
            let mut edits = self.edit_sets[*edit_set].edits.iter();
            let why = edits.find_map(|edit| why(&fold(edit.principal().text())))?;
            Some((*edit_set, why))
        };
        let at_fault: Vec<_> = edit_sets.iter().filter_map(of).collect();
        (!at_fault.is_empty()).then_some(Blame::EditSets(at_fault))
    }
}

use RefusalReason::ByGuard;

/// Returns the message of a refusal, without lines, which depend on the other edits.
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
