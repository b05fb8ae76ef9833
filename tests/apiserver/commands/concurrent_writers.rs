//! Dozens of concurrent writers lose no change, not even one by another client.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::commands::harness::{ExclusiveCluster, NODES, Run, awsauth, eksctl_made, map_args};
use crate::support::aws_auth_client::Api;
use crate::support::cluster::Cluster;

pub(crate) const WRITERS: usize = 64;
/// Enough for every writer to lose races; `cargo bench -- writers` has more.
const ROUNDS: usize = 3;
/// Long enough that no writer times out on a slow machine.
const TIMEOUT: &str = "10m";

#[test]
fn concurrent_writers_and_other_clients_lose_nothing() {
    let session = ExclusiveCluster::alone();
    session.put(&eksctl_made());
    let before = session.updates();
    let result = run_writers(&session, || {});
    let after = session.updates();
    // The client that reads and replaces sends two requests for each write.
    let requests =
        (after.reads - before.reads) + (after.dry - before.dry) + (after.real - before.real)
            - 2 * result.read_modify_writes;
    let patches = after.patches - before.patches - result.patches;
    let runs = result.took.len() as f64;
    let of_each = |requests: u32| f64::from(requests) / runs;
    assert_eq!(result.kept_in_cluster, WRITERS * ROUNDS, "of all copies");
    report(
        "concurrent writers",
        result.took,
        &format!(
            "{:.1} requests per success and {:.1} to keep a copy",
            of_each(requests),
            of_each(patches)
        ),
    );
    // Failed writes left no revision.
    let list = session.done(&["history", "-o", "json"]).json();
    let revisions = list["revisions"].as_array().unwrap();
    assert!(revisions.len() >= 20, "{list}");
    for revision in revisions {
        assert_ne!(revision["then"], "void", "{list}");
    }
}

/// The result of [`run_writers`].
pub(crate) struct WriterResults {
    /// The duration of each run.
    pub(crate) took: Vec<Duration>,
    /// The number of runs that stored a revision in the cluster.
    pub(crate) kept_in_cluster: usize,
    /// The number of writes of the client that reads and replaces.
    pub(crate) read_modify_writes: u32,
    /// The number of patches of other clients, without failed ones.
    pub(crate) patches: u32,
}

/// Runs all writers concurrently, and `meanwhile` at the same time. Checks the result.
pub(crate) fn run_writers(session: &ExclusiveCluster, meanwhile: impl FnOnce()) -> WriterResults {
    let cluster = session.cluster;
    let over = AtomicBool::new(false);
    let over = &over;
    let together = &Barrier::new(WRITERS);
    let (runs, labels, users, nodes) = thread::scope(|scope| {
        let labels = scope.spawn(|| patch_labels(cluster, over));
        let users = scope.spawn(|| apply_users(cluster, over));
        let nodes = scope.spawn(|| change_node_entries(cluster, over));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || write_all_rounds(cluster, writer, together)))
            .collect();
        meanwhile();
        let runs: Vec<(Run, Duration)> = writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect();
        over.store(true, Ordering::Relaxed);
        (
            runs,
            labels.join().unwrap(),
            users.join().unwrap(),
            nodes.join().unwrap(),
        )
    });

    let failed: Vec<&Run> = runs
        .iter()
        .map(|(run, _)| run)
        .filter(|run| run.status != 0)
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} failed, the first: {:?}",
        failed.len(),
        runs.len(),
        failed[0]
    );
    let object = session.api.object();
    let roles = object["data"]["mapRoles"].as_str().unwrap();
    assert!(roles.starts_with(NODES), "{roles}");
    for role in (0..WRITERS).flat_map(|writer| (0..ROUNDS).map(move |round| role(writer, round))) {
        assert_eq!(roles.matches(&format!("{role}\n")).count(), 1, "{role}");
    }
    assert_eq!(
        roles.matches(":role/writer-").count(),
        WRITERS * ROUNDS,
        "no other"
    );
    assert!(labels > 0 && users > 0 && nodes.rounds > 0);
    for label in 0..labels {
        assert_eq!(
            object["metadata"]["labels"][format!("patch-{label}")],
            "kept"
        );
    }
    assert_eq!(object["data"]["mapUsers"], users_text(users - 1));
    assert_eq!(
        roles.matches("role/nodes-of-eks-").count(),
        nodes.rounds,
        "{roles}"
    );
    let in_cluster = |(run, _): &&(Run, Duration)| {
        run.stderr
            .contains("Stored the previous aws-auth as revision")
    };
    WriterResults {
        kept_in_cluster: runs.iter().filter(in_cluster).count(),
        took: runs.into_iter().map(|(_, took)| took).collect(),
        read_modify_writes: nodes.writes,
        patches: u32::try_from(labels + users).unwrap(),
    }
}

/// Prints the median and the slowest runs.
#[allow(clippy::print_stderr, reason = "numbers to look at")]
pub(crate) fn report(name: &str, mut took: Vec<Duration>, more: &str) {
    took.sort();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    eprintln!(
        "{name}: {} runs, p50 {:.2?}, p99 {:.2?}, longest {:.2?}; {more}",
        took.len(),
        at(50),
        at(99),
        at(100)
    );
}

pub(crate) fn role(writer: usize, round: usize) -> String {
    format!("arn:aws:iam::111122223333:role/writer-{writer}-{round}")
}

fn write_all_rounds(cluster: &Cluster, writer: usize, together: &Barrier) -> Vec<(Run, Duration)> {
    let round = |round| {
        together.wait();
        let start = Instant::now();
        let mut command = awsauth(cluster, &cluster.kubeconfig());
        command.args(map_args(&role(writer, round)));
        let run = Run::of(command.args(["--timeout", TIMEOUT]));
        (run, start.elapsed())
    };
    (0..ROUNDS).map(round).collect()
}

/// Adds one label per round. Returns their number.
fn patch_labels(cluster: &Cluster, over: &AtomicBool) -> usize {
    rounds(over, |round| {
        let patch = format!(r#"{{"metadata":{{"labels":{{"patch-{round}":"kept"}}}}}}"#);
        let mut kubectl = cluster.kubectl_command();
        kubectl.args(["patch", "configmap", "aws-auth", "-n", "kube-system"]);
        Run::of(kubectl.args(["--type=merge", "-p", &patch])).status == 0
    })
}

/// Applies mapUsers of changing length. Returns the number of rounds.
fn apply_users(cluster: &Cluster, over: &AtomicBool) -> usize {
    let applied = cluster.folder().join("users.json");
    rounds(over, |round| {
        let mut object = crate::support::aws_auth_client::configmap("");
        object["data"] = serde_json::json!({"mapUsers": users_text(round)});
        std::fs::write(&applied, object.to_string()).unwrap();
        // The first apply takes the field over from eksctl.
        let mut kubectl = cluster.kubectl_command();
        kubectl
            .args(["apply", "--server-side", "--force-conflicts"])
            .args(["--field-manager=users", "-f"]);
        Run::of(kubectl.arg(&applied)).status == 0
    })
}

fn users_text(round: usize) -> String {
    (0..=round % 20)
        .map(|user| {
            format!(
                "- userarn: arn:aws:iam::111122223333:user/u{round}-{user}\n  username: u{user}\n"
            )
        })
        .collect()
}

/// Calls `once` until `over` is set, and retries failures. Returns the number of rounds.
fn rounds(over: &AtomicBool, mut once: impl FnMut(usize) -> bool) -> usize {
    let mut round = 0;
    while !over.load(Ordering::Relaxed) {
        eventually_done(|| once(round));
        round += 1;
        thread::sleep(Duration::from_millis(1500));
    }
    round
}

fn eventually_done(mut once: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(600);
    while !once() {
        assert!(Instant::now() < deadline, "another client never succeeds");
        thread::sleep(Duration::from_millis(200));
    }
}

struct NodeChanges {
    /// Entries that were added and not removed.
    rounds: usize,
    writes: u32,
}

/// Changes node entries as EKS does for managed node groups: adds two and removes the first one.
fn change_node_entries(cluster: &Cluster, over: &AtomicBool) -> NodeChanges {
    let eks = Api::of(cluster, "vpcLambda");
    let entry = |name: String| {
        format!(
            "- rolearn: arn:aws:iam::111122223333:role/{name}\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups:\n  - system:bootstrappers\n  - system:nodes\n"
        )
    };
    let mut writes = 0;
    let rounds = rounds(over, |round| {
        let (goes, stays) = (
            entry(format!("brief-{round}")),
            entry(format!("nodes-of-eks-{round}")),
        );
        for added in [&goes, &stays] {
            writes += eks
                .change_roles(|roles| (!roles.contains(added)).then(|| format!("{roles}{added}")));
        }
        let stored = eks.object();
        let roles = stored["data"]["mapRoles"].as_str().unwrap();
        assert!(roles.contains(&goes) && roles.contains(&stays), "{roles}");
        writes += eks.change_roles(|roles| roles.contains(&goes).then(|| roles.replace(&goes, "")));
        true
    });
    NodeChanges { rounds, writes }
}
