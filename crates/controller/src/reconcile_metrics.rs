//! Updates the metrics after a reconciliation.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::eks_state::EksState;
use super::metrics::{GuardLabel, Metrics, RuleLabel, StateLabel};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::Document;
use awsauth_core::lint::{Cluster, Facts, Selection, lint};
use awsauth_core::reconcile::{Decision, Memory, Reason};

/// The state between updates.
#[derive(Debug, Default)]
pub(crate) struct ReconcileMetrics {
    /// The input of the last lint run: aws-auth, and the time of EKS's response.
    linted: Option<(Snapshot, Option<Instant>)>,
}

impl ReconcileMetrics {
    /// Updates the metrics. `before` is the memory from before the decision.
    pub(crate) fn update(
        &mut self,
        metrics: &Metrics,
        stored: &Snapshot,
        decision: &Decision,
        before: &Memory,
        eks: &EksState,
    ) {
        let mut states: BTreeMap<Reason, i64> = Reason::ALL.map(|reason| (reason, 0)).into();
        for reason in decision
            .reports
            .iter()
            .filter_map(|report| report.status.reason())
        {
            *states.entry(reason).or_default() += 1;
        }
        metrics.contested.set(states[&Reason::Contested]);
        let missing = i64::try_from(decision.missing_protected).unwrap_or(i64::MAX);
        metrics.protected_missing.set(missing);
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
        self.lint(metrics, stored, eks);
    }

    /// Counts lint's findings, if aws-auth changed or EKS responded again.
    fn lint(&mut self, metrics: &Metrics, stored: &Snapshot, eks: &EksState) {
        let is_current = self
            .linted
            .as_ref()
            .is_some_and(|(linted, at)| linted.data == stored.data && *at == eks.responded_at);
        if is_current {
            return;
        }
        // The cluster's name would only appear in hints, which are not used here.
        let cluster = eks.responded_at.map(|_| Cluster {
            node_inventory: eks.snapshot.node_inventory.clone(),
            ..Cluster::default()
        });
        let entries = eks.snapshot.access_entries.clone();
        // The mode alone decides which sources the authenticator uses.
        let none = || Some(Arc::new(AccessEntries::new(eks.snapshot.mode?, None)));
        let facts = Facts {
            account: eks.snapshot.account.clone(),
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
        self.linted = Some((stored.clone(), eks.responded_at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use awsauth_aws::eks::EksSnapshot;
    use awsauth_core::facts::authentication_mode::AuthenticationMode;
    use awsauth_core::facts::node_inventory::{NodeGroup, NodeInventory};
    use awsauth_core::reconcile::AwsQuery;

    #[test]
    fn unmapped_node_roles_are_counted_once_eks_reports_them() {
        let (metrics, mut updater) = (Metrics::new(false), ReconcileMetrics::default());
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
        let eks = EksState::of(
            EksSnapshot {
                mode: Some(AuthenticationMode::ConfigMap),
                node_inventory: NodeInventory {
                    groups: Some(vec![group]),
                    profiles: Some(Vec::new()),
                    ..NodeInventory::default()
                },
                ..EksSnapshot::default()
            },
            AwsQuery::default(),
            tokio::time::Instant::now(),
        );
        let mut findings = |eks: &EksState| {
            updater.lint(&metrics, &stored, eks);
            let (rule, severity) = ("N02", "error");
            let label = RuleLabel { rule, severity };
            metrics.lint_findings.get_or_create(&label).get()
        };
        assert_eq!(findings(&EksState::default()), 0);
        assert_eq!(findings(&eks), 1);
    }
}
