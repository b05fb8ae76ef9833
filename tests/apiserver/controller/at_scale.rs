//! Many objects: 1,000, or the number in `AWSAUTH_OBJECTS`.

use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use kube::api::PostParams;

use crate::controller::harness::{
    CONFIG, CONTROLLER, Controller, Harness, NODE_ENTRY, developer, eventually, role,
};

/// The memory limit of the leader in MiB.
const MEMORY: u64 = 60;

/// How long requests are counted while nothing changes.
const QUIET: Duration = Duration::from_secs(10);

impl Controller {
    /// Returns the resident memory in MiB: the total, and the anonymous part.
    fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            kib / 1024
        };
        (of("VmRSS:"), of("RssAnon:"))
    }
}

#[test]
fn many_objects_take_few_writes_and_little_memory() {
    let many = std::env::var("AWSAUTH_OBJECTS").map_or(1000, |number| {
        number.parse().expect("AWSAUTH_OBJECTS is a number")
    });
    let harness = Harness::shared();
    harness.create(NODE_ENTRY, "eks");
    let controller = harness.controller(CONFIG).wait_for_lease();
    let begun = Instant::now();
    let objects = harness.objects();
    let parameters = PostParams::default();
    harness.runtime.block_on(
        stream::iter(0..many)
            .map(|number| serde_json::from_value(developer(&format!("dev-{number}"))).unwrap())
            .for_each_concurrent(16, |object| {
                let (objects, parameters) = (objects.clone(), parameters.clone());
                async move {
                    objects.create(&parameters, &object).await.unwrap();
                }
            }),
    );
    let created = begun.elapsed();
    let deadline = Instant::now() + Duration::from_secs(300);
    let applied = || {
        controller
            .metric("awsauth_mappings{state=\"Applied\"}")
            .unwrap_or(0.0) as usize
    };
    while applied() < many {
        assert!(Instant::now() < deadline, "{} are ready", applied());
        std::thread::sleep(Duration::from_millis(50));
    }
    repairs_drift(&harness, many, "while statuses are written");
    eventually("all statuses are written", || {
        let ready = harness.cluster.kubectl(&[
            "get",
            "aam",
            "-o",
            "jsonpath={range .items[*]}{.status.conditions[?(@.type==\"Ready\")].reason}{\"\\n\"}{end}",
        ]);
        (ready.lines().filter(|line| *line == "Applied").count() == many).then_some(())
    });
    let took = begun.elapsed();
    let writes = harness.writes();
    let (total, anonymous) = controller.memory();
    eprintln!(
        "{many} objects: created within {created:.1?}, all ready after {took:.1?}, {writes} writes of aws-auth, \
         {total} MiB resident, {anonymous} MiB anonymous"
    );
    assert!(writes <= 20, "{writes}");
    assert!(anonymous < MEMORY, "{anonymous} MiB");
    let roles = harness.roles();
    assert!(roles.starts_with(NODE_ENTRY));
    for number in [0, 1, many / 2, many - 1] {
        assert!(roles.contains(&format!("{}\n", role(&format!("dev-{number}")))));
    }
    idle_controller_sends_only_watches_and_lease_requests(&harness);
    repairs_drift(&harness, many, "after all statuses are written");
    let (total, anonymous) = controller.memory();
    assert!(anonymous < MEMORY, "{anonymous} of {total} MiB");
    controller.terminate();
}

/// Changes one entry, which the controller reverts.
fn repairs_drift(harness: &Harness, many: usize, when: &str) {
    let roles = harness.roles();
    let begun = Instant::now();
    harness.write(
        "mapRoles",
        &roles.replace("username: dev-77\n", "username: else\n"),
        "kubectl-edit",
    );
    eventually("the drift is repaired", || {
        (harness.roles() == roles).then_some(())
    });
    eprintln!(
        "a drift among {many} entries, {when}, was repaired after {:.2?}",
        begun.elapsed()
    );
}

/// Without changes, the controller only watches and renews the lease.
fn idle_controller_sends_only_watches_and_lease_requests(harness: &Harness) {
    std::thread::sleep(Duration::from_secs(3));
    let before = harness.cluster.asked().len();
    std::thread::sleep(QUIET);
    let asked = harness.cluster.asked();
    let besides: Vec<_> = asked[before..]
        .iter()
        .filter(|asked| asked.user == CONTROLLER.name)
        .filter(|asked| asked.verb != "watch" && asked.resource != "leases")
        .collect();
    assert_eq!(besides, Vec::<&crate::support::audit_log::Request>::new());
    let leases = asked[before..]
        .iter()
        .filter(|asked| asked.resource == "leases");
    eprintln!(
        "in {QUIET:?} without changes: {} requests about the lease, no other",
        leases.count()
    );
}
