//! The first replica creates the certificate, and rotation loses no review.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::json;

use crate::commands::harness::plain_cluster;
use crate::support::cluster::Cluster;
use crate::support::webhook_secret::{SECRET, WebhookCertificate, make, secret};
use crate::webhook::harness::{
    ADMIN, Controller, DENIED, DEV, Harness, NODE, configmap, configure, eventually, prepare,
};

/// Returns a decoded value of the Secret.
fn secret_value(cluster: &Cluster, key: &str) -> String {
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

fn ca_bundle(cluster: &Cluster) -> String {
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
    let cluster = plain_cluster();
    prepare(&cluster);
    let controllers: Vec<Controller> = (0..4).map(|_| Controller::start(&cluster, &[])).collect();
    for controller in &controllers {
        eventually("it is ready", || {
            controller.ready().contains("webhook: ready")
        });
    }
    let ends = |controller: &Controller| {
        controller
            .metric("awsauth_certificate_expiry_timestamp_seconds")
            .unwrap()
    };
    let days = (ends(&controllers[0])
        - SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64())
        / 86_400.0;
    assert!((89.9..90.1).contains(&days), "{days}");
    let made: usize = controllers
        .iter()
        .map(|controller| controller.log().matches("stored a certificate").count())
        .sum();
    assert_eq!(made, 1, "one of them makes it");
    assert!(!secret_value(&cluster, "tls.key").is_empty());
    // The API server trusts the certificate of each replica.
    for controller in &controllers {
        configure(&cluster, controller.webhook);
        eventually("it is trusted", || {
            ca_bundle(&cluster) == secret_value(&cluster, "ca.crt")
        });
        controller.wait_until_enforced();
    }
    // A user deletes the Secret. A new certificate replaces it; until then, the trusted one is served.
    let was = secret_value(&cluster, "tls.crt");
    cluster.kubectl(&["delete", "secret", SECRET, "-n", "kube-system"]);
    eventually("it is kept again", || {
        secret_value(&cluster, "tls.crt") == was
    });
    assert!(!secret_value(&cluster, "next.crt").is_empty());
    eventually("both are trusted", || {
        ca_bundle(&cluster) == secret_value(&cluster, "ca.crt")
    });
    assert!(controllers[3].is_enforced());
    // The same happens if a user makes the Secret invalid.
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
    eventually("its key is back", || {
        secret_value(&cluster, "tls.key") != "none"
    });
    assert_eq!(secret_value(&cluster, "tls.crt"), was);
    eventually("whom it is trusted by", || {
        ca_bundle(&cluster) == secret_value(&cluster, "ca.crt")
    });
    assert!(controllers[3].is_enforced());
    // The same happens if no replica has the old certificate.
    drop(controllers);
    cluster.kubectl(&secret);
    let controller = Controller::start(&cluster, &[]);
    configure(&cluster, controller.webhook);
    controller.wait_until_enforced();
    assert_ne!(secret_value(&cluster, "tls.crt"), was);
    let message = controller.log();
    assert!(message.contains("is invalid; replacing it"), "{message}");
}

#[test]
fn certificate_rotation_loses_no_review() {
    let cluster = plain_cluster();
    prepare(&cluster);
    // Two thirds of its validity are over, and it expires in 30 s.
    let old = make(90, 30);
    cluster.kubectl_fed(&["create", "-f", "-"], &secret(&old).to_string());
    let controller = Controller::start(&cluster, &[]);
    let harness = Harness {
        controller,
        cluster,
    };
    harness.configure(harness.controller.webhook);
    eventually("it is trusted", || {
        let trusted = ca_bundle(&harness.cluster);
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
                        let answer = harness.kubectl_with_input(
                            &["replace", "--dry-run=server", "-f", "-"],
                            &forbidden,
                        );
                        answer.says(1, &[DENIED]);
                        asked += 1;
                        std::thread::sleep(Duration::from_millis(200));
                    }
                    asked
                })
            })
            .collect();
        eventually("the next one is served", || {
            asking.iter().any(|asking| asking.is_finished()) || {
                let current = secret_value(&harness.cluster, "tls.crt");
                current != old.certificate
            }
        });
        // The old certificate has expired.
        std::thread::sleep(Duration::from_secs(20));
        over.store(true, Ordering::Relaxed);
        let asked: Vec<i32> = asking
            .into_iter()
            .map(|asking| asking.join().unwrap())
            .collect();
        println!("{asked:?} reviews meanwhile");
        assert!(asked.iter().all(|&asked| asked > 20), "{asked:?}");
    });
    // The old CA is still included, after the new one. Keys that other clients added to the Secret are kept.
    let authorities = secret_value(&harness.cluster, "ca.crt");
    assert!(authorities.ends_with(&old.authority) && authorities != old.authority);
    assert_eq!(ca_bundle(&harness.cluster), authorities);
    assert!(secret_value(&harness.cluster, "next.crt").is_empty());
    let label = "jsonpath={.metadata.labels.mine}";
    let label =
        harness
            .cluster
            .kubectl(&["get", "secret", SECRET, "-n", "kube-system", "-o", label]);
    assert_eq!(label, "kept");
    harness.controller.wait_until_enforced();
}

#[test]
fn provided_certificate_is_served_and_reloaded() {
    let cluster = plain_cluster();
    prepare(&cluster);
    let folder = cluster.folder().join("webhook-certificate");
    std::fs::create_dir(&folder).unwrap();
    let write = |made: &WebhookCertificate| {
        std::fs::write(folder.join("tls.crt"), &made.certificate).unwrap();
        std::fs::write(folder.join("tls.key"), &made.key).unwrap();
    };
    let controller = Controller::start(&cluster, &["--webhook-cert-dir", folder.to_str().unwrap()]);
    eventually("it says what is missing", || {
        controller
            .log()
            .contains("cannot use the webhook's certificate")
    });
    assert!(
        controller
            .ready()
            .contains("[-] webhook: there is no certificate yet"),
        "{}",
        controller.ready()
    );
    let trust = |made: &WebhookCertificate| {
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
    configure(&cluster, controller.webhook);
    for life in [1000, 2000] {
        let made = make(10, life);
        write(&made);
        trust(&made);
        eventually("it is served", || {
            let ends = controller
                .metric("awsauth_certificate_expiry_timestamp_seconds")
                .unwrap();
            let left = ends
                - SystemTime::now()
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap()
                    .as_secs_f64();
            (left - life as f64).abs() < 200.0
        });
        controller.wait_until_enforced();
        assert_eq!(
            ca_bundle(&cluster),
            made.authority,
            "nothing is put in place of it"
        );
    }
    // A certificate and key that do not match are not served. The old ones are.
    std::fs::write(folder.join("tls.key"), make(10, 1000).key).unwrap();
    eventually("the problem is reported", || {
        controller
            .log()
            .matches("cannot use the webhook's certificate")
            .count()
            > 1
    });
    assert!(controller.ready().contains("webhook: ready"));
    assert!(
        secret_value(&cluster, "tls.crt").is_empty(),
        "no Secret is made"
    );
}
