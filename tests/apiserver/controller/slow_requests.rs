//! Removals while requests about another object take long, such as about one of the largest size that etcd stores.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::time::timeout;

use crate::controller::harness::{
    CONFIG, Harness, NODE_ENTRY, developer, eventually, mapping, role,
};

/// How long after a deletion or `expiresAt` an entry may stay.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn removals_do_not_wait_for_slow_requests_about_another_object() {
    let harness = Harness::shared();
    harness.create(NODE_ENTRY, "eks");
    let controller = harness.controller(CONFIG).wait_for_lease();
    let expires_at = Timestamp::now() + SignedDuration::from_secs(60);
    let temporary = json!({"role": role("temp"), "username": "temp", "groups": ["developers"], "expiresAt": expires_at.to_string()});
    harness.apply(&mapping("temp", temporary));
    harness.apply(&developer("ann"));
    harness.wait_for_ready("temp", "True Applied");
    harness.wait_for_ready("ann", "True Applied");

    // It accepts connections and never responds, so that the API server waits for 30 s.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", silent.local_addr().unwrap());
    let rule = json!({"apiGroups": ["awsauth.dev"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["awsauthmappings", "awsauthmappings/status"], "scope": "*"});
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "slow"},
        "webhooks": [{
            "name": "slow.awsauth.dev", "clientConfig": {"url": url}, "rules": [rule], "failurePolicy": "Fail",
            "matchConditions": [{"name": "slow", "expression": "request.name.startsWith('slow')"}],
            "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 30,
        }],
    });
    harness
        .cluster
        .kubectl_fed(&["apply", "-f", "-"], &webhook.to_string());
    harness.apply(&mapping(
        "slow-probe",
        json!({"role": role("slow-probe"), "username": "slow", "groups": ["none"]}),
    ));
    eventually("requests are slow", || {
        let (objects, patch) = (
            harness.objects(),
            json!({"metadata": {"labels": {"a": "b"}}}),
        );
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(&patch));
        let patched = objects.patch("slow-probe", &parameters, &patch);
        let patched = harness
            .runtime
            .block_on(async { timeout(Duration::from_secs(2), patched).await });
        patched.is_err().then_some(())
    });

    harness.apply(&developer("slow-1"));
    std::thread::sleep(Duration::from_secs(1));
    harness.delete("ann");
    let deleted = Instant::now();
    eventually("the entry of the deleted object is removed", || {
        (!harness.roles().contains(&role("ann"))).then_some(())
    });
    assert!(deleted.elapsed() < LIMIT, "{:?}", deleted.elapsed());

    let before = expires_at - SignedDuration::from_secs(1);
    let left = Duration::try_from(before.duration_since(Timestamp::now()));
    std::thread::sleep(left.unwrap_or_default());
    harness.apply(&developer("slow-2"));
    eventually("the expired entry is removed", || {
        (!harness.roles().contains(&role("temp"))).then_some(())
    });
    let late = Timestamp::now().duration_since(expires_at);
    assert!(Duration::try_from(late).unwrap() < LIMIT, "{late}");

    // What was slow is carried out later.
    harness
        .cluster
        .kubectl(&["delete", "validatingwebhookconfiguration", "slow"]);
    harness.wait_for_ready("slow-1", "True Applied");
    harness.wait_for_ready("slow-2", "True Applied");
    controller.terminate();
}
