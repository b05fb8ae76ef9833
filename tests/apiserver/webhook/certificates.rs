//! The first replica creates the certificate, and rotation loses no review.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::json;

use crate::support::cluster::Cluster;
use crate::support::webhook_secret::{Made, SECRET, make, secret};
use crate::webhook::harness::{
    ADMIN, DENIED, DEV, Guard, Harness, NODE, configmap, configure, eventually, prepare,
};

/// A text of the Secret.
fn kept(cluster: &Cluster, key: &str) -> String {
    let path = format!("go-template={{{{with .data}}}}{{{{index . {key:?}}}}}{{{{end}}}}");
    let shown = cluster.kubectl(&[
        "get",
        "secret",
        SECRET,
        "-n",
        "kube-system",
        "--ignore-not-found",
        "-o",
        &path,
    ]);
    String::from_utf8(
        BASE64_STANDARD
            .decode(shown.replace("<no value>", ""))
            .unwrap(),
    )
    .unwrap()
}

fn trusted(cluster: &Cluster) -> String {
    let path = "jsonpath={.webhooks[0].clientConfig.caBundle}";
    let shown = cluster.kubectl(&[
        "get",
        "validatingwebhookconfiguration",
        "awsauth-controller",
        "-o",
        path,
    ]);
    String::from_utf8(BASE64_STANDARD.decode(shown).unwrap()).unwrap()
}

#[test]
fn concurrently_started_replicas_serve_the_same_certificate() {
    let cluster = Cluster::start();
    prepare(&cluster);
    let guards: Vec<Guard> = (0..4).map(|_| Guard::start(&cluster, &[])).collect();
    for guard in &guards {
        eventually("it is ready", || guard.ready().contains("webhook: ready"));
    }
    let ends = |guard: &Guard| {
        guard
            .metric("awsauth_certificate_expiry_timestamp_seconds")
            .unwrap()
    };
    let days = (ends(&guards[0])
        - SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64())
        / 86_400.0;
    assert!((89.9..90.1).contains(&days), "{days}");
    let made: usize = guards
        .iter()
        .map(|guard| guard.log().matches("a certificate is kept").count())
        .sum();
    assert_eq!(made, 1, "one of them makes it");
    assert!(!kept(&cluster, "tls.key").is_empty());
    // Whichever is asked, the API server trusts it.
    for guard in &guards {
        configure(&cluster, guard.webhook);
        eventually("it is trusted", || {
            trusted(&cluster) == kept(&cluster, "ca.crt")
        });
        guard.until_enforced();
    }
    // A user deletes the Secret. A new certificate replaces it; until then, the trusted one is served.
    let was = kept(&cluster, "tls.crt");
    cluster.kubectl(&["delete", "secret", SECRET, "-n", "kube-system"]);
    eventually("it is kept again", || kept(&cluster, "tls.crt") == was);
    assert!(!kept(&cluster, "next.crt").is_empty());
    eventually("both are trusted", || {
        trusted(&cluster) == kept(&cluster, "ca.crt")
    });
    assert!(guards[3].is_enforced());
    // The same if a user makes the Secret invalid.
    let none = BASE64_STANDARD.encode("none");
    let patch = json!([{"op": "replace", "path": "/data/tls.key", "value": none}]).to_string();
    let secret = [
        "patch",
        "secret",
        SECRET,
        "-n",
        "kube-system",
        "--type=json",
        "-p",
        &patch,
    ];
    cluster.kubectl(&secret);
    eventually("its key is back", || kept(&cluster, "tls.key") != "none");
    assert_eq!(kept(&cluster, "tls.crt"), was);
    eventually("whom it is trusted by", || {
        trusted(&cluster) == kept(&cluster, "ca.crt")
    });
    assert!(guards[3].is_enforced());
    // The same if no replica has the old certificate.
    drop(guards);
    cluster.kubectl(&secret);
    let guard = Guard::start(&cluster, &[]);
    configure(&cluster, guard.webhook);
    guard.until_enforced();
    assert_ne!(kept(&cluster, "tls.crt"), was);
    let said = guard.log();
    assert!(
        said.contains("can't be used, and is written anew"),
        "{said}"
    );
}

#[test]
fn certificate_rotation_loses_no_review() {
    let cluster = Cluster::start();
    prepare(&cluster);
    // Two thirds of its life are over, and it has 30 s left.
    let old = make(90, 30);
    cluster.kubectl_fed(&["create", "-f", "-"], &secret(&old).to_string());
    let guard = Guard::start(&cluster, &[]);
    let harness = Harness { guard, cluster };
    harness.configure(harness.guard.webhook);
    eventually("it is trusted", || {
        let trusted = trusted(&harness.cluster);
        trusted.contains(&old.authority)
    });
    harness.put(&[NODE, ADMIN, DEV]);
    let over = AtomicBool::new(false);
    let forbidden = configmap(ADMIN, &json!({}));
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut asked = 0;
                    while !over.load(Ordering::Relaxed) {
                        let answer =
                            harness.fed(&["replace", "--dry-run=server", "-f", "-"], &forbidden);
                        answer.says(1, &[DENIED]);
                        asked += 1;
                    }
                    asked
                })
            })
            .collect();
        eventually("the next one is served", || {
            asking.iter().any(|asking| asking.is_finished()) || {
                let current = kept(&harness.cluster, "tls.crt");
                current != old.certificate
            }
        });
        // And it is past the end of the old one.
        std::thread::sleep(Duration::from_secs(20));
        over.store(true, Ordering::Relaxed);
        let asked: Vec<i32> = asking
            .into_iter()
            .map(|asking| asking.join().unwrap())
            .collect();
        println!("{asked:?} reviews meanwhile");
        assert!(asked.iter().all(|&asked| asked > 20), "{asked:?}");
    });
    // The old authority is still there, behind the new one; what others have put into the Secret stays.
    let authorities = kept(&harness.cluster, "ca.crt");
    assert!(authorities.ends_with(&old.authority) && authorities != old.authority);
    assert_eq!(trusted(&harness.cluster), authorities);
    assert!(kept(&harness.cluster, "next.crt").is_empty());
    let label = "jsonpath={.metadata.labels.mine}";
    let label =
        harness
            .cluster
            .kubectl(&["get", "secret", SECRET, "-n", "kube-system", "-o", label]);
    assert_eq!(label, "kept");
    harness.guard.until_enforced();
}

#[test]
fn provided_certificate_is_served_and_reloaded() {
    let cluster = Cluster::start();
    prepare(&cluster);
    let folder = cluster.folder().join("webhook-certificate");
    std::fs::create_dir(&folder).unwrap();
    let write = |made: &Made| {
        std::fs::write(folder.join("tls.crt"), &made.certificate).unwrap();
        std::fs::write(folder.join("tls.key"), &made.key).unwrap();
    };
    let guard = Guard::start(&cluster, &["--webhook-cert-dir", folder.to_str().unwrap()]);
    eventually("it says what is missing", || {
        guard.log().contains("cannot use the webhook's certificate")
    });
    assert!(
        guard
            .ready()
            .contains("[-] webhook: there is no certificate yet"),
        "{}",
        guard.ready()
    );
    let trust = |made: &Made| {
        let bundle = BASE64_STANDARD.encode(&made.authority);
        let patch =
            json!([{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}])
                .to_string();
        cluster.kubectl(&[
            "patch",
            "validatingwebhookconfiguration",
            "awsauth-controller",
            "--type=json",
            "-p",
            &patch,
        ]);
    };
    configure(&cluster, guard.webhook);
    for life in [1000, 2000] {
        let made = make(10, life);
        write(&made);
        trust(&made);
        eventually("it is served", || {
            let ends = guard
                .metric("awsauth_certificate_expiry_timestamp_seconds")
                .unwrap();
            let left = ends
                - SystemTime::now()
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap()
                    .as_secs_f64();
            (left - life as f64).abs() < 200.0
        });
        guard.until_enforced();
        assert_eq!(
            trusted(&cluster),
            made.authority,
            "nothing is put in place of it"
        );
    }
    // What does not belong together is not served, and what was is.
    std::fs::write(folder.join("tls.key"), make(10, 1000).key).unwrap();
    eventually("it is told", || {
        guard
            .log()
            .matches("cannot use the webhook's certificate")
            .count()
            > 1
    });
    assert!(guard.ready().contains("webhook: ready"));
    assert!(kept(&cluster, "tls.crt").is_empty(), "no Secret is made");
}
