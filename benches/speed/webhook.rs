//! Reviews by the webhook: how long they take, alone and during an attack, and the controller's memory.

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rcgen::generate_simple_self_signed;
use serde_json::json;

use crate::measure::release_binary::Awsauth;
use crate::measure::timing::{Samples, milliseconds};
use crate::support::child_process::Supervised;
use crate::support::cluster::Cluster;
use crate::support::ports;
use crate::support::webhook_client::{Attack, MAX_BODY, WebhookClient, memory_limit, peak_memory};

const NODE: &str = "- rolearn: arn:aws:iam::111122223333:role/node\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n  - system:bootstrappers\n  - system:nodes\n";
/// How long the attack lasts before reviews are measured.
const WARM_UP: Duration = Duration::from_secs(5);

pub(crate) fn run(awsauth: &Awsauth) {
    let controller = Controller::start(awsauth);
    println!(
        "\nReviews by the webhook\n{:<58}{:>12}{:>12}{:>12}  goal",
        "", "median", "p99", "max"
    );
    let idle = controller.peak_memory();
    for (label, rounds, limit, before, after) in [
        ("3 entries", 200, 50, entries(3), entries(4)),
        ("2,000 entries", 100, 50, entries(2000), entries(2001)),
        (
            "7,600 entries, 1 MiB",
            20,
            150,
            of_one_mebibyte(entries(7600)),
            of_one_mebibyte(entries(7601)),
        ),
        ("50,000 groups", 20, 300, groups(50_000), groups(50_001)),
    ] {
        let review = review(&before, &after);
        let samples = controller.measure(rounds, &review, Duration::ZERO);
        row(label, &samples, limit);
    }
    println!(
        "peak memory: {} at the start, {} after these reviews",
        mebibytes(idle),
        mebibytes(controller.peak_memory())
    );

    let small = review(&entries(3), &entries(4));
    // A Pod has another address than the API server.
    let attacker = controller.client.with_source(Ipv4Addr::new(127, 0, 0, 2));
    let mut attack = Attack::new();
    attack.flood(&attacker, 240, &review(&entries(350), &entries(351)).into());
    sleep(WARM_UP);
    let samples = controller.measure(200, &small, Duration::from_millis(50));
    row("3 entries, during 240 of 100 KB", &samples, 500);
    drop(attack);
    let mut attack = Attack::new();
    attack.hold(&attacker, 1000, 1000);
    attack.flood(&attacker, 64, &largest());
    let random = std::iter::repeat_with(|| fastrand::u8(..));
    let random: Vec<u8> = random.take(MAX_BODY).collect();
    attack.flood(&attacker, 64, &random.into());
    sleep(WARM_UP);
    let samples = controller.measure(200, &small, Duration::from_millis(50));
    row(
        "3 entries, during 1,000 slow, 1,000 idle, 128 of 3 MiB",
        &samples,
        500,
    );
    println!("connections of the attack: {}", attack.connects());
    drop(attack);
    let (peak, limit) = (controller.peak_memory(), memory_limit());
    let missed = if peak > limit { "  MISSED" } else { "" };
    println!(
        "peak memory: {}, limit in the manifests: {}{missed}",
        mebibytes(peak),
        mebibytes(limit)
    );
}

struct Controller {
    server: Supervised,
    client: WebhookClient,
}

impl Controller {
    fn start(awsauth: &Awsauth) -> Self {
        let cluster = Cluster::shared();
        let names = ["awsauth-controller.kube-system.svc".to_owned()];
        let certificate = generate_simple_self_signed(names).expect("a certificate");
        let folder = cluster.folder().join("webhook-certificate");
        fs::create_dir_all(&folder).expect("a folder");
        let pem = certificate.cert.pem();
        fs::write(folder.join("tls.crt"), &pem).expect("a certificate");
        let key = certificate.signing_key.serialize_pem();
        fs::write(folder.join("tls.key"), key).expect("a key");
        let [webhook, metrics, health] = ports::free();
        let mut args = vec!["controller".to_owned(), "--webhook".to_owned()];
        for (flag, port) in [
            ("--webhook-listen", webhook),
            ("--metrics-listen", metrics),
            ("--health-listen", health),
        ] {
            args.extend([flag.to_owned(), format!("127.0.0.1:{port}")]);
        }
        args.extend([
            "--webhook-cert-dir".to_owned(),
            folder.display().to_string(),
        ]);
        let kubeconfig = cluster.kubeconfig().display().to_string();
        let server = Supervised::start(
            awsauth.path(),
            &args,
            &[("KUBECONFIG".to_owned(), kubeconfig)],
            cluster.folder(),
            cluster.folder().join("controller.log"),
        );
        let controller = Self {
            server: server.expect("a controller"),
            client: WebhookClient::new(webhook, pem.as_bytes()),
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while controller.client.connect().is_err() {
            assert!(
                Instant::now() < deadline,
                "{}",
                controller.server.log_tail()
            );
            sleep(Duration::from_millis(50));
        }
        controller
    }

    /// Sends a review `count` times, and a few more that are not counted.
    fn measure(&self, count: usize, review: &[u8], pause: Duration) -> Samples {
        let mut connection = None;
        let mut times = Vec::new();
        for number in 0..count + 3 {
            sleep(pause);
            let start = Instant::now();
            let response = self.client.review(&mut connection, review);
            let time = start.elapsed();
            let response = response.unwrap_or_else(|error| panic!("no response: {error}"));
            assert_eq!(response.status, 200, "{}", response.body);
            if number >= 3 {
                times.push(time);
            }
        }
        Samples::new(times)
    }

    fn peak_memory(&self) -> u64 {
        peak_memory(self.server.pid()).expect("a running controller")
    }
}

/// Returns mapRoles with this number of entries.
fn entries(count: usize) -> String {
    let entry = |at| {
        format!(
            "- rolearn: arn:aws:iam::111122223333:role/team-{at:05}\n  username: team-{at:05}\n  groups:\n  - team-{at:05}-developers\n"
        )
    };
    NODE.to_owned() + &(1..count).map(entry).collect::<String>()
}

/// Adds a comment, so that mapRoles has the maximum size of a ConfigMap.
fn of_one_mebibyte(roles: String) -> String {
    let comment = "#".repeat((1 << 20) - roles.len());
    roles + &comment
}

/// Returns mapRoles with an entry in this number of groups.
fn groups(count: usize) -> String {
    let groups: String = (0..count)
        .map(|at| format!("  - group-{at:05}\n"))
        .collect();
    format!("{NODE}{groups}")
}

fn review(before: &str, after: &str) -> Vec<u8> {
    let object = |roles: &str| {
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "aws-auth", "namespace": "kube-system"},
            "data": {"mapRoles": roles},
        })
    };
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
            "operation": "UPDATE",
            "userInfo": {"username": "dev", "groups": ["system:authenticated"]},
            "object": object(after),
            "oldObject": object(before),
            "dryRun": false,
            "options": {"fieldManager": "kubectl-edit"},
        },
    });
    review.to_string().into_bytes()
}

/// Returns a review of the largest size, with as many entries as are reviewed. Each has findings.
fn largest() -> Arc<[u8]> {
    let [before, after] =
        ["- rolearn: a\n", "- rolearn: b\n"].map(|line| of_one_mebibyte(line.repeat(12_000)));
    let mut review = review(&before, &after);
    review.resize(MAX_BODY, b' ');
    review.into()
}

fn row(label: &str, samples: &Samples, limit: u64) {
    let (p99, limit) = (samples.percentile(99), Duration::from_millis(limit));
    let missed = if p99 > limit { "  MISSED" } else { "" };
    println!(
        "{label:<58}{:>12}{:>12}{:>12}  p99 ≤ {}{missed}",
        milliseconds(samples.median()),
        milliseconds(p99),
        milliseconds(samples.percentile(100)),
        milliseconds(limit)
    );
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
