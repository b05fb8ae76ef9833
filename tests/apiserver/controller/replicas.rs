//! Several replicas, and an API server outage.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::controller::harness::{
    CONFIG, CONTROLLER, Harness, NODE_ENTRY, developer, eventually, role,
};
use crate::support::cluster::Cluster;

/// The time limit for another replica to take over.
const TAKEOVER: Duration = Duration::from_secs(60);

impl Harness {
    fn lease(&self) -> Value {
        let lease = self.cluster.kubectl(&[
            "get",
            "lease",
            "awsauth-controller",
            "-n",
            "kube-system",
            "-o",
            "json",
        ]);
        serde_json::from_str(&lease).unwrap()
    }

    /// Returns the number of writes to aws-auth by controllers, without dry runs.
    pub(crate) fn writes(&self) -> usize {
        let asked = self.cluster.asked().into_iter();
        asked
            .filter(|asked| {
                asked.user == CONTROLLER.name
                    && asked.resource == "configmaps"
                    && asked.name == "aws-auth"
                    && ["update", "patch", "create"].contains(&asked.verb.as_str())
                    && !asked.dry_run
                    && asked.status < 300
            })
            .count()
    }
}

#[test]
fn replica_takes_over_without_losing_or_repeating_work() {
    let harness = Harness::new(Cluster::start_audited(&[CONTROLLER]));
    harness.create(NODE_ENTRY, "eks");
    let first = harness.controller(CONFIG).wait_for_lease();
    let second = harness.controller(CONFIG);
    harness.apply(&developer("one"));
    harness.wait_for_ready("one", "True Applied");
    assert_eq!(harness.writes(), 1);
    assert_eq!(second.metric("awsauth_leader"), Some(0.0));

    // Kills the leader while it works, at some point between recording and reporting.
    for number in 0..20 {
        harness.apply(&developer(&format!("more-{number}")));
    }
    let begun = Instant::now();
    first.kill();
    let second = second.wait_for_lease();
    let took = begun.elapsed();
    eprintln!("takeover after kill -9: {took:.1?}");
    assert!(took <= TAKEOVER, "{took:?}");
    for number in 0..20 {
        harness.wait_for_ready(&format!("more-{number}"), "True Applied");
    }
    let roles = harness.roles();
    for number in 0..20 {
        let line = format!("{}\n", role(&format!("more-{number}")));
        assert_eq!(roles.matches(&line).count(), 1, "{roles}");
    }
    assert!(roles.starts_with(NODE_ENTRY), "{roles}");
    let writes = harness.writes();
    assert!((2..=4).contains(&writes), "{writes}");

    // On SIGTERM it releases the lease, so that no replica waits for its expiry.
    let third = harness.controller(CONFIG);
    let begun = Instant::now();
    let log = second.terminate();
    assert!(log.contains("released the lease"), "{log}");
    let ended = begun.elapsed();
    let holder = harness.lease();
    eprintln!(
        "ended after SIGTERM: {ended:.1?}; the lease then: {}",
        holder["spec"]
    );
    let third = third.wait_for_lease();
    assert!(begun.elapsed() <= TAKEOVER, "{:?}", begun.elapsed());
    assert_eq!(harness.writes(), writes);

    api_server_outage_is_survived(&harness, third);
}

fn api_server_outage_is_survived(
    harness: &Harness,
    controller: crate::controller::harness::Controller,
) {
    let writes = harness.writes();
    harness.cluster.kill_apiserver();
    std::thread::sleep(Duration::from_secs(2));
    harness.cluster.start_apiserver();
    harness.delete("one");
    harness.apply(&developer("after"));
    harness.wait_for_ready("after", "True Applied");
    eventually("the entry is removed", || {
        (!harness.roles().contains(&role("one"))).then_some(())
    });
    eventually("the finalizer is removed", || {
        harness.object("one").is_null().then_some(())
    });
    let roles = harness.roles();
    assert_eq!(roles.matches(&role("after")).count(), 1, "{roles}");
    assert!((1..=2).contains(&(harness.writes() - writes)));
    let log = controller.terminate();
    assert!(!log.contains("panicked"), "{log}");
    let holder = &harness.lease()["spec"]["holderIdentity"];
    assert!(holder.is_null(), "{holder}");
}

#[test]
fn lease_counts_from_its_last_change_whatever_the_clocks_say() {
    let harness = Harness::shared();
    harness.create(NODE_ENTRY, "eks");
    let hold = |renewed_hours_from_now: i64| {
        let renewed = Timestamp::now() + SignedDuration::from_hours(renewed_hours_from_now);
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "awsauth-controller", "namespace": "kube-system"},
            "spec": {
                "holderIdentity": "another",
                "leaseDurationSeconds": 15,
                "renewTime": format!("{renewed:.6}"),
                // Each write changes the lease, as renewals do.
                "leaseTransitions": fastrand::u16(..),
            },
        });
        let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        harness.cluster.kubectl_fed(&apply, &lease.to_string());
    };
    // The clock of a live holder is behind: it keeps the lease as long as it renews it.
    hold(-1);
    let controller = harness.controller(CONFIG);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        hold(-1);
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(controller.metric("awsauth_leader"), Some(0.0));
    }
    // The clock of a dead holder was ahead: its lease does not last for an hour.
    hold(1);
    let begun = Instant::now();
    let _controller = controller.wait_for_lease();
    let took = begun.elapsed();
    eprintln!("takeover from a holder whose clock was ahead: {took:.1?}");
    assert!(took <= TAKEOVER, "{took:?}");
}

#[test]
fn protected_entry_that_disappears_while_no_replica_leads_is_restored() {
    const OPS: &str =
        "- rolearn: arn:aws:iam::111122223333:role/ops\n  username: ops\n  groups:\n  - ops\n";
    let harness = Harness::shared();
    harness.create(&[NODE_ENTRY, OPS].concat(), "eks");
    let config = format!("{CONFIG}protect:\n  arns: [\"{}\"]\n", role("ops"));
    let leader = harness.controller(&config).wait_for_lease();
    let standby = harness.controller(&config);
    eventually("the replica is on standby", || {
        let is_standby = standby.metric("awsauth_leader") == Some(0.0);
        (is_standby && !standby.readyz().is_empty()).then_some(())
    });
    // The leader and then the standby see a change of the entry.
    let changed = OPS.replace("  - ops", "  - ops\n  - more");
    harness.write("mapRoles", &[NODE_ENTRY, &changed].concat(), "kubectl-edit");
    std::thread::sleep(Duration::from_secs(2));
    leader.kill();
    harness.write("mapRoles", NODE_ENTRY, "kubectl-edit");
    assert!(!harness.roles().contains(&role("ops")));
    let _standby = standby.wait_for_lease();
    eventually("the entry is restored", || {
        let roles = harness.roles();
        (roles.contains(&role("ops")) && roles.contains("- more")).then_some(())
    });
}
