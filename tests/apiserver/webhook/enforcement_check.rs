//! The webhook reports if the API server does not call it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::commands::harness::plain_cluster;
use crate::support::ports;
use crate::webhook::harness::{
    ADMIN, Controller, DENIED, DEV, Harness, NODE, configure, eventually, prepare,
};

#[test]
fn webhook_reports_when_the_api_server_stops_and_resumes_calling_it() {
    let harness = Harness::start();
    let controller = &harness.controller;
    assert!(
        controller.ready().contains("admission: enforced"),
        "{}",
        controller.ready()
    );
    assert!(
        controller.ready().contains("webhook: ready"),
        "{}",
        controller.ready()
    );

    // No server listens at the webhook's address. The edit is admitted, and the webhook reports it.
    let [closed] = ports::free();
    harness.configure(closed);
    eventually("not enforced, the port is closed", || {
        !controller.is_enforced()
    });
    harness.replace(&[ADMIN], None).says(0, &[]);
    assert_eq!(harness.roles(), ADMIN);
    assert!(
        controller.ready().contains("security group"),
        "{}",
        controller.ready()
    );
    harness.configure(controller.webhook);
    controller.wait_until_enforced();
    harness.put(&[NODE, ADMIN, DEV]);

    // A user removes the CA bundle. The webhook restores it.
    let patch = json!([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]).to_string();
    let wipe = [
        "patch",
        "validatingwebhookconfiguration",
        "awsauth-controller",
        "--type=json",
        "-p",
        &patch,
    ];
    let wiped = Instant::now();
    harness.cluster.kubectl(&wipe);
    let bundle = || {
        let path = "jsonpath={.webhooks[0].clientConfig.caBundle}";
        harness.cluster.kubectl(&[
            "get",
            "validatingwebhookconfiguration",
            "awsauth-controller",
            "-o",
            path,
        ])
    };
    eventually("the bundle is back", || !bundle().is_empty());
    println!("caBundle put back after {:?}", wiped.elapsed());
    eventually("edits are refused again", || {
        harness.replace(&[ADMIN], None).status == 1 || {
            harness.put(&[NODE, ADMIN, DEV]);
            false
        }
    });
    assert!(controller.is_enforced());

    // Without the permission to restore it, the webhook reports it.
    let rights =
        json!([{"op": "replace", "path": "/rules/0/verbs", "value": ["get", "list", "watch"]}])
            .to_string();
    let role = [
        "patch",
        "clusterrole",
        "awsauth-controller",
        "--type=json",
        "-p",
    ];
    harness.cluster.kubectl(&[&role[..], &[&rights]].concat());
    harness.cluster.kubectl(&wipe);
    eventually("not enforced, no CA is trusted", || {
        !controller.is_enforced()
    });
    harness.replace(&[ADMIN], None).says(0, &[]);
    assert!(
        controller.ready().contains("the webhook has no caBundle"),
        "{}",
        controller.ready()
    );
    assert!(
        controller
            .log()
            .contains("cannot update the CA bundle in the ValidatingWebhookConfiguration")
    );
    let rights = rights.replace("\"watch\"", "\"watch\",\"patch\"");
    harness.cluster.kubectl(&[&role[..], &[&rights]].concat());
    controller.wait_until_enforced();

    // There is no ValidatingWebhookConfiguration.
    harness.cluster.kubectl(&[
        "delete",
        "validatingwebhookconfiguration",
        "awsauth-controller",
    ]);
    eventually("not enforced, there is no configuration", || {
        !controller.is_enforced()
    });
    assert!(
        controller
            .ready()
            .contains("the ValidatingWebhookConfiguration awsauth-controller does not exist"),
        "{}",
        controller.ready()
    );
    harness.configure(controller.webhook);
    controller.wait_until_enforced();
    harness.put(&[NODE, ADMIN, DEV]);
    harness.replace(&[ADMIN], None).says(1, &[DENIED]);

    let events = harness.cluster.kubectl(&[
        "get",
        "events",
        "-n",
        "kube-system",
        "--field-selector=involvedObject.name=aws-auth",
    ]);
    assert!(events.contains("AdmissionNotEnforced"), "{events}");
    assert!(events.contains("AdmissionEnforced"), "{events}");
    // No test edit was ever stored.
    let stored = harness.cluster.kubectl(&[
        "get",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "-o",
        "yaml",
    ]);
    assert!(!stored.contains("mAPaCCOUNTS"), "{stored}");
}

#[test]
fn webhook_is_not_ready_while_the_api_server_does_not_call_it() {
    let cluster = plain_cluster();
    prepare(&cluster);
    let started = Instant::now();
    let controller = Controller::start(&cluster, &[]);
    let not_ready = |why: &str| {
        eventually(why, || {
            controller.readiness().0 == 503 && controller.ready().contains(why)
        });
    };
    not_ready(
        "[-] webhook configuration: the ValidatingWebhookConfiguration awsauth-controller does not exist",
    );
    // The first check needs no waiting time.
    eventually("the first check has run", || {
        controller.ready().contains("admission: not enforced: the ValidatingWebhookConfiguration awsauth-controller does not exist")
    });
    let took = started.elapsed();
    eprintln!("the first check reported after {took:.2?}");
    assert!(took < Duration::from_secs(8), "{took:?}");

    configure(&cluster, controller.webhook);
    controller.wait_until_enforced();
    let ready = "[+] webhook configuration: ready";
    assert!(controller.ready().contains(ready), "{}", controller.ready());

    // The API server calls a wrong path.
    let patch = |path: &str, value: &str| {
        let patch = json!([{"op": "replace", "path": path, "value": value}]).to_string();
        let args = [
            "patch",
            "validatingwebhookconfiguration",
            "awsauth-controller",
            "--type=json",
            "-p",
            &patch,
        ];
        cluster.kubectl(&args);
    };
    let url = |path: &str| format!("https://127.0.0.1:{}{path}", controller.webhook);
    patch("/webhooks/0/clientConfig/url", &url("/admit"));
    not_ready(
        "[-] webhook configuration: the webhook guard.awsauth.dev calls the path /admit instead of /admit/aws-auth",
    );
    eventually("not enforced", || !controller.is_enforced());
    patch("/webhooks/0/clientConfig/url", &url("/admit/aws-auth"));
    controller.wait_until_enforced();
    patch("/webhooks/0/name", "other.awsauth.dev");
    not_ready("has no webhook guard.awsauth.dev");
    patch("/webhooks/0/name", "guard.awsauth.dev");
    eventually(ready, || controller.ready().contains(ready));
}

#[test]
fn webhook_reports_that_it_is_bypassed_and_that_aws_auth_is_missing() {
    let mut harness = Harness::start();
    harness.cluster.kubectl(&[
        "annotate",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "awsauth.dev/break-glass=fire",
    ]);
    harness.controller.kill();
    let port = harness.controller.webhook;
    let [metrics, health] = ports::free();
    harness.controller = crate::webhook::harness::Controller::start_at(
        &harness.cluster,
        [port, metrics, health],
        &[],
    );
    eventually("it is seen", || {
        harness.controller.ready().contains("every edit is allowed")
    });
    assert!(!harness.controller.is_enforced());

    // Without aws-auth, the test edit would create one.
    harness
        .cluster
        .kubectl(&["delete", "configmap", "aws-auth", "-n", "kube-system"]);
    harness.controller.kill();
    let [metrics, health] = ports::free();
    harness.controller = crate::webhook::harness::Controller::start_at(
        &harness.cluster,
        [port, metrics, health],
        &[],
    );
    let started = Instant::now();
    harness.controller.wait_until_enforced();
    assert!(started.elapsed() < Duration::from_secs(60));
    let missing = harness.kubectl(&["get", "configmap", "aws-auth", "-n", "kube-system"]);
    missing.says(1, &["not found"]);
}

#[test]
fn missing_permissions_are_reported_and_used_when_granted() {
    let cluster = plain_cluster();
    prepare(&cluster);
    let revoke = [
        "delete",
        "rolebinding,clusterrolebinding",
        "awsauth-controller",
        "-n",
        "kube-system",
    ];
    cluster.kubectl(&revoke);
    let controller = Controller::start(&cluster, &[]);
    configure(&cluster, controller.webhook);
    for message in [
        "cannot watch the Secret awsauth-controller-webhook-tls",
        "cannot watch the ValidatingWebhookConfiguration awsauth-controller",
        "cannot verify: another webhook, a policy or RBAC rejected the probe first",
        "cannot emit an event",
    ] {
        controller.wait_for_log(message);
    }
    assert!(
        controller
            .ready()
            .contains("[-] webhook: there is no certificate yet"),
        "{}",
        controller.ready()
    );
    assert!(!controller.is_enforced());
    // The watch permission alone is not enough to renew the certificate. The watch is retried after some seconds.
    let verbs =
        r#"[{"op": "replace", "path": "/rules/1/verbs", "value": ["get", "list", "watch"]}]"#;
    let role = [
        "patch",
        "role",
        "awsauth-controller",
        "-n",
        "kube-system",
        "--type=json",
        "-p",
        verbs,
    ];
    cluster.kubectl(&role);
    let account = "--serviceaccount=kube-system:awsauth-controller";
    let role = [
        "create",
        "rolebinding",
        "awsauth-controller",
        "-n",
        "kube-system",
        "--role=awsauth-controller",
        account,
    ];
    cluster.kubectl(&role);
    let role = [
        "create",
        "clusterrolebinding",
        "awsauth-controller",
        "--clusterrole=awsauth-controller",
        account,
    ];
    cluster.kubectl(&role);
    let message = "cannot write the Secret awsauth-controller-webhook-tls";
    controller.wait_for_log(message);
    prepare(&cluster);
    controller.wait_until_enforced();
}
