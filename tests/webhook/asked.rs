//! A guard that is not asked says so.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::guarded::{ADMIN, DENIED, DEV, Guard, Guarded, NODE, configure, eventually, prepare};
use crate::support::cluster::Cluster;
use crate::support::ports;

#[test]
fn a_guard_that_is_not_asked_says_so_and_says_when_it_is_again() {
    let guarded = Guarded::start();
    let guard = &guarded.guard;
    assert!(
        guard.ready().contains("admission: enforced"),
        "{}",
        guard.ready()
    );
    assert!(
        guard.ready().contains("webhook: ready"),
        "{}",
        guard.ready()
    );

    // Nobody listens where the API server asks: the edit goes through, and that is seen.
    let [closed] = ports::free();
    guarded.configure(closed);
    eventually("not enforced, the port is closed", || !guard.is_enforced());
    guarded.replace(&[ADMIN], None).says(0, &[]);
    assert_eq!(guarded.roles(), ADMIN);
    assert!(
        guard.ready().contains("security group"),
        "{}",
        guard.ready()
    );
    guarded.configure(guard.webhook);
    guard.until_enforced();
    guarded.put(&[NODE, ADMIN, DEV]);

    // Somebody wipes whom the API server trusts: it is put back.
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
    guarded.cluster.kubectl(&wipe);
    let bundle = || {
        let path = "jsonpath={.webhooks[0].clientConfig.caBundle}";
        guarded.cluster.kubectl(&[
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
        guarded.replace(&[ADMIN], None).status == 1 || {
            guarded.put(&[NODE, ADMIN, DEV]);
            false
        }
    });
    assert!(guard.is_enforced());

    // Nobody may put it back: it is seen.
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
    guarded.cluster.kubectl(&[&role[..], &[&rights]].concat());
    guarded.cluster.kubectl(&wipe);
    eventually("not enforced, nobody is trusted", || !guard.is_enforced());
    guarded.replace(&[ADMIN], None).says(0, &[]);
    assert!(
        guard.ready().contains("the webhook has no caBundle"),
        "{}",
        guard.ready()
    );
    assert!(
        guard
            .log()
            .contains("cannot tell the API server whom to trust")
    );
    let rights = rights.replace("\"watch\"", "\"watch\",\"patch\"");
    guarded.cluster.kubectl(&[&role[..], &[&rights]].concat());
    guard.until_enforced();

    // There is no configuration at all.
    guarded.cluster.kubectl(&[
        "delete",
        "validatingwebhookconfiguration",
        "awsauth-controller",
    ]);
    eventually("not enforced, there is no configuration", || {
        !guard.is_enforced()
    });
    assert!(
        guard
            .ready()
            .contains("there is no ValidatingWebhookConfiguration"),
        "{}",
        guard.ready()
    );
    guarded.configure(guard.webhook);
    guard.until_enforced();
    guarded.put(&[NODE, ADMIN, DEV]);
    guarded.replace(&[ADMIN], None).says(1, &[DENIED]);

    let events = guarded.cluster.kubectl(&[
        "get",
        "events",
        "-n",
        "kube-system",
        "--field-selector=involvedObject.name=aws-auth",
    ]);
    assert!(events.contains("AdmissionNotEnforced"), "{events}");
    assert!(events.contains("AdmissionEnforced"), "{events}");
    // Nothing was ever stored of what was probed.
    let stored = guarded.cluster.kubectl(&[
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
fn it_is_seen_that_everything_is_let_through_and_where_there_is_no_aws_auth() {
    let mut guarded = Guarded::start();
    guarded.cluster.kubectl(&[
        "annotate",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "awsauth.dev/break-glass=fire",
    ]);
    guarded.guard.kill();
    let port = guarded.guard.webhook;
    let [metrics, health] = ports::free();
    guarded.guard = crate::guarded::Guard::start_at(&guarded.cluster, [port, metrics, health], &[]);
    eventually("it is seen", || {
        guarded.guard.ready().contains("every edit is let through")
    });
    assert!(!guarded.guard.is_enforced());

    // Without aws-auth, the probe would create one.
    guarded
        .cluster
        .kubectl(&["delete", "configmap", "aws-auth", "-n", "kube-system"]);
    guarded.guard.kill();
    let [metrics, health] = ports::free();
    guarded.guard = crate::guarded::Guard::start_at(&guarded.cluster, [port, metrics, health], &[]);
    let started = Instant::now();
    guarded.guard.until_enforced();
    assert!(started.elapsed() < Duration::from_secs(60));
    let missing = guarded.kubectl(&["get", "configmap", "aws-auth", "-n", "kube-system"]);
    missing.says(1, &["not found"]);
}

#[test]
fn what_it_may_not_do_is_said_and_done_once_it_may() {
    let cluster = Cluster::start();
    prepare(&cluster);
    let revoke = [
        "delete",
        "rolebinding,clusterrolebinding",
        "awsauth-controller",
        "-n",
        "kube-system",
    ];
    cluster.kubectl(&revoke);
    let guard = Guard::start(&cluster, &[]);
    configure(&cluster, guard.webhook);
    for said in [
        "cannot watch the Secret awsauth-controller-webhook-tls",
        "cannot watch the ValidatingWebhookConfiguration awsauth-controller",
        "that can't be seen, as somebody else has refused the probe before we were asked",
        "cannot tell it as an event",
    ] {
        guard.until_it_says(said);
    }
    assert!(
        guard
            .ready()
            .contains("[-] webhook: there is no certificate yet"),
        "{}",
        guard.ready()
    );
    assert!(!guard.is_enforced());
    // Watching alone is not enough to keep a certificate. The watch is tried again after some seconds.
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
    let said = "cannot write the Secret awsauth-controller-webhook-tls";
    guard.until_it_says(said);
    prepare(&cluster);
    guard.until_enforced();
}
