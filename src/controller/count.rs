//! What is counted of a look.

use std::collections::BTreeMap;

use super::metrics::{GuardLabel, Metrics, RuleLabel, StateLabel};
use super::told::Told;
use crate::document::Document;
use crate::lint::{Facts, Selection, lint};
use crate::reconcile::{Decision, Memory, Reason};
use crate::snapshot::Snapshot;

/// What was counted last.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// Of which the findings were counted.
    linted: Option<Snapshot>,
}

impl Counted {
    /// Counts what came of a look, before which this was remembered.
    pub(crate) fn count(
        &mut self,
        metrics: &Metrics,
        stored: &Snapshot,
        decision: &Decision,
        before: &Memory,
        told: &Told,
    ) {
        let mut states: BTreeMap<Reason, i64> = Reason::ALL.map(|reason| (reason, 0)).into();
        for reason in decision
            .states
            .iter()
            .filter_map(|state| state.status.reason())
        {
            *states.entry(reason).or_default() += 1;
        }
        metrics.contested.set(states[&Reason::Contested]);
        for (reason, count) in states {
            let state = reason.name();
            metrics
                .mappings
                .get_or_create(&StateLabel { state })
                .set(count);
        }
        for guard in &decision.refused {
            let guard = guard.id();
            metrics.refusals.get_or_create(&GuardLabel { guard }).inc();
        }
        let repairs = decision.memory.repairs.iter().flat_map(|(key, repairs)| {
            let known = before.repairs.get(key).map_or(&[][..], Vec::as_slice);
            repairs.iter().filter(move |repair| !known.contains(repair))
        });
        metrics.drift_repairs.inc_by(repairs.count() as u64);
        self.lint(metrics, stored, told);
    }

    /// Counts what lint finds, when there is another text.
    fn lint(&mut self, metrics: &Metrics, stored: &Snapshot, told: &Told) {
        if self
            .linted
            .as_ref()
            .is_some_and(|linted| linted.data == stored.data)
        {
            return;
        }
        let facts = Facts {
            account: told.eks.account.clone(),
            is_absent: stored.uid.is_none(),
            ..Facts::default()
        };
        let document = Document::read(&stored.data);
        let report = lint(&stored.data, &document, &facts, &Selection::default());
        let mut counts: BTreeMap<(&'static str, &'static str), i64> = BTreeMap::new();
        for finding in &report.findings {
            let severity = finding.rule.severity.name();
            *counts.entry((finding.rule.id, severity)).or_default() += 1;
        }
        metrics.lint_findings.clear();
        for ((rule, severity), count) in counts {
            let label = RuleLabel { rule, severity };
            metrics.lint_findings.get_or_create(&label).set(count);
        }
        self.linted = Some(stored.clone());
    }
}
