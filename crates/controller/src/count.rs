//! What is counted of a look.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::eks_cache::EksState;
use super::metrics::{GuardLabel, Metrics, RuleLabel, StateLabel};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::document::Document;
use awsauth_core::lint::{Cluster, Facts, Selection, lint};
use awsauth_core::reconcile::{Decision, Memory, Reason};
use awsauth_core::snapshot::Snapshot;

/// What was counted last.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// Of which the findings were counted, and when EKS had been asked.
    linted: Option<(Snapshot, Option<Instant>)>,
}

impl Counted {
    /// Counts what came of a look, before which this was remembered.
    pub(crate) fn count(
        &mut self,
        metrics: &Metrics,
        stored: &Snapshot,
        decision: &Decision,
        before: &Memory,
        told: &EksState,
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

    /// Counts what lint finds, when there is another text or EKS has answered anew.
    fn lint(&mut self, metrics: &Metrics, stored: &Snapshot, told: &EksState) {
        let is_counted = self
            .linted
            .as_ref()
            .is_some_and(|(linted, asked)| linted.data == stored.data && *asked == told.asked);
        if is_counted {
            return;
        }
        // Its name is for commands in messages, which nobody reads here.
        let cluster = told.asked.map(|_| Cluster {
            node_inventory: told.eks.node_inventory.clone(),
            ..Cluster::default()
        });
        let entries = told.eks.access_entries.clone();
        // Where the mode alone says who is asked.
        let none = || Some(Arc::new(AccessEntries::new(told.eks.mode?, None)));
        let facts = Facts {
            account: told.eks.account.clone(),
            access_entries: entries.or_else(none),
            cluster,
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
        self.linted = Some((stored.clone(), told.asked));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use awsauth_aws::eks::EksSnapshot;
    use awsauth_core::facts::authentication_mode::AuthenticationMode;
    use awsauth_core::facts::node_inventory::{NodeGroup, NodeInventory};

    #[test]
    fn node_roles_that_are_not_mapped_are_counted_once_eks_tells_of_them() {
        let (metrics, mut counted) = (Metrics::new(false), Counted::default());
        let stored = Snapshot {
            uid: Some("uid".to_owned()),
            data: [("mapRoles".to_owned(), "[]".into())].into(),
            ..Snapshot::default()
        };
        let group = NodeGroup {
            name: "ng-1".to_owned(),
            role: Some("arn:aws:iam::111122223333:role/nodes".to_owned()),
            ami_type: "AL2023_x86_64_STANDARD".to_owned(),
            status: "ACTIVE".to_owned(),
            ..NodeGroup::default()
        };
        let told = EksState::of(EksSnapshot {
            mode: Some(AuthenticationMode::ConfigMap),
            node_inventory: NodeInventory {
                groups: Some(vec![group]),
                profiles: Some(Vec::new()),
                classes: None,
            },
            ..EksSnapshot::default()
        });
        let mut counted = |told: &EksState| {
            counted.lint(&metrics, &stored, told);
            let (rule, severity) = ("N02", "error");
            let label = RuleLabel { rule, severity };
            metrics.lint_findings.get_or_create(&label).get()
        };
        assert_eq!(counted(&EksState::default()), 0);
        assert_eq!(counted(&told), 1);
    }
}
