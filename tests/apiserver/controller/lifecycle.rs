//! The lifecycle of an object. The authenticator maps exactly the identities in objects.

use std::time::{Duration, Instant};

use http::Request;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::controller::harness::{
    CONFIG, CONTROLLER, Controller, Harness, NODE_ENTRY, developer, eventually, mapping, role,
};
use crate::support::cluster::Cluster;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::simulated_aws::Credentials;

/// The time limit for reverting a foreign change.
const REPAIR: Duration = Duration::from_secs(30);

#[test]
fn objects_determine_who_is_admitted() {
    let harness = Harness::new(Cluster::start_eks(&[CONTROLLER]));
    harness.create(NODE_ENTRY, "eks");
    let controller = harness.controller(CONFIG).wait_for_lease();
    objects_are_added_next_to_node_entries(&harness);
    authenticator_admits_the_mapped_identities(&harness);
    ungranted_request_is_refused(&harness);
    older_object_wins(&harness);
    changed_spec_changes_the_entry(&harness);
    drift_is_repaired_or_reported(&harness, &controller);
    entry_is_removed_with_its_object_unless_retained(&harness);
    foreign_changes_of_aws_auth_are_handled(&harness);
    metrics_are_counted(&controller);
    let log = controller.terminate();
    assert!(!log.contains("panicked"), "{log}");
}

fn objects_are_added_next_to_node_entries(harness: &Harness) {
    harness.apply(&developer("ann"));
    harness.apply(&mapping(
        "bob",
        json!({"user": "arn:aws:iam::111122223333:user/people/bob", "username": "bob", "groups": ["view-all"]}),
    ));
    harness.cluster.kubectl(&[
        "wait",
        "--for=condition=Ready",
        "aam/ann",
        "aam/bob",
        "--timeout=60s",
    ]);
    let roles = harness.roles();
    assert!(roles.starts_with(NODE_ENTRY), "{roles}");
    assert!(roles.contains(&role("ann")), "{roles}");
    assert!(harness.section("mapUsers").contains("user/people/bob"));
    let ann = harness.object("ann");
    assert_eq!(ann["status"]["canonicalArn"], role("ann"));
    assert_eq!(
        ann["status"]["entry"],
        json!({"section": "mapRoles", "key": role("ann"), "username": "ann", "groups": ["developers"]})
    );
    assert_eq!(ann["status"]["pending"], Value::Null);
    assert_eq!(ann["metadata"]["finalizers"], json!(["awsauth.dev/entry"]));
    let managers = harness.aws_auth()["metadata"]["managedFields"].to_string();
    assert!(managers.contains("awsauth-controller"), "{managers}");
    let history = harness.cluster.kubectl(&[
        "get",
        "configmap",
        "awsauth-history",
        "-n",
        "kube-system",
        "-o",
        "name",
    ]);
    assert!(history.contains("awsauth-history"), "{history}");
}

impl Harness {
    fn credentials(&self, name: &str) -> Credentials {
        let session = format!("arn:aws:sts::111122223333:assumed-role/{name}/session");
        self.cluster.aws().sessions(&[&session]).remove(0)
    }

    /// Signs in with these credentials, and returns the user and the groups, such as `ann developers`; empty if the API server rejects
    /// them.
    fn user_of(&self, of: &Credentials) -> String {
        use awsauth_core::token::{Endpoint, StsHost, Token};
        use secrecy::ExposeSecret;
        let credentials = awsauth_core::token::Credentials {
            access_key_id: of.access_key_id.clone(),
            secret_access_key: of.secret_access_key.clone().into(),
            session_token: of.session_token.clone().map(Into::into),
            expiration: None,
            account_id: None,
        };
        let host = StsHost::of(crate::support::simulated_aws::REGION, Endpoint::default()).unwrap();
        // The API server caches accepted tokens.
        let signed =
            jiff::Timestamp::now() - jiff::SignedDuration::from_secs(fastrand::i64(0..600));
        let token = Token::sign(&credentials, &host, eks::NAME, signed);
        let kubeconfig = json!({
            "clusters": [{"name": "test", "cluster": {"server": self.cluster.server_url(), "certificate-authority": self.cluster.ca()}}],
            "users": [{"name": "user", "user": {"token": token.text.expose_secret()}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
            "current-context": "test",
        });
        let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig).unwrap();
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let request = Request::post("/apis/authentication.k8s.io/v1/selfsubjectreviews")
            .header("content-type", "application/json")
            .body(review.to_string().into_bytes())
            .unwrap();
        let response = self.runtime.block_on(async {
            let options = KubeConfigOptions::default();
            let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options);
            let client = kube::Client::try_from(config.await.unwrap()).unwrap();
            client.request::<Value>(request).await
        });
        match response {
            Ok(response) => {
                let user = &response["status"]["userInfo"];
                let groups = user["groups"].as_array().into_iter().flatten();
                let groups = groups.filter_map(Value::as_str);
                let groups = groups.filter(|group| *group != "system:authenticated");
                let name = user["username"].as_str().unwrap();
                std::iter::once(name)
                    .chain(groups)
                    .collect::<Vec<_>>()
                    .join(" ")
            }
            Err(kube::Error::Api(status)) if status.code == 401 => String::new(),
            Err(error) => panic!("{error}"),
        }
    }

    #[track_caller]
    fn wait_for_user(&self, of: &Credentials, expected: &str) {
        eventually(expected, || (self.user_of(of) == expected).then_some(()));
    }
}

fn authenticator_admits_the_mapped_identities(harness: &Harness) {
    let [ann, eve] = ["ann", "eve"].map(|name| harness.credentials(name));
    harness.wait_for_user(&ann, "ann developers");
    assert_eq!(harness.user_of(&eve), "");
    harness.apply(&developer("eve"));
    harness.wait_for_user(&eve, "eve developers");
    harness.delete("eve");
    harness.wait_for_user(&eve, "");
    assert_eq!(harness.user_of(&ann), "ann developers");
    eventually("eve is deleted", || {
        harness.object("eve").is_null().then_some(())
    });
}

fn ungranted_request_is_refused(harness: &Harness) {
    let before = harness.aws_auth()["data"].clone();
    harness.apply(&mapping(
        "mallory",
        json!({"role": role("mallory"), "username": "mallory", "groups": ["system:masters"]}),
    ));
    harness.apply(&mapping(
        "stranger",
        json!({"role": "arn:aws:iam::444455556666:role/x", "username": "x", "groups": ["developers"]}),
    ));
    harness.apply(&mapping("all", json!({"account": "111122223333"})));
    for name in ["mallory", "stranger", "all"] {
        harness.wait_for_ready(name, "False Refused");
        assert_eq!(harness.condition(name, "Stalled"), "True Refused");
    }
    assert_eq!(harness.aws_auth()["data"], before);
    assert_eq!(harness.user_of(&harness.credentials("mallory")), "");
    let events = eventually("an event reports the refusal", || {
        Some(harness.events()).filter(|events| events.contains(" mallory: "))
    });
    assert!(events.contains("system:masters"), "{events}");
    for name in ["mallory", "stranger", "all"] {
        harness.delete(name);
        eventually(name, || harness.object(name).is_null().then_some(()));
    }
}

fn older_object_wins(harness: &Harness) {
    let twin = json!({"role": role("team/ann"), "username": "other"});
    harness.apply(&mapping("younger", twin));
    harness.wait_for_ready("younger", "False Conflict");
    let message = harness.object("younger")["status"]["conditions"].to_string();
    assert!(message.contains("ann"), "{message}");
    harness.wait_for_ready("ann", "True Applied");
    harness.delete("ann");
    harness.wait_for_ready("younger", "True Applied");
    let roles = harness.roles();
    assert_eq!(roles.matches(&role("ann")).count(), 1, "{roles}");
    assert!(roles.contains("username: other"), "{roles}");
    harness.delete("younger");
    eventually("the object is deleted", || {
        harness.object("younger").is_null().then_some(())
    });
    harness.apply(&developer("ann"));
    harness.wait_for_ready("ann", "True Applied");
}

fn changed_spec_changes_the_entry(harness: &Harness) {
    harness.apply(&mapping(
        "ann",
        json!({"role": role("ann-2"), "username": "ann", "groups": ["view-all"]}),
    ));
    harness.wait_for_ready("ann", "True Applied");
    let roles = harness.roles();
    assert!(
        !roles.contains("role/ann\n") && roles.contains(&role("ann-2")),
        "{roles}"
    );
    harness.apply(&developer("ann"));
    harness.wait_for_ready("ann", "True Applied");
}

fn drift_is_repaired_or_reported(harness: &Harness, controller: &Controller) {
    let good = harness.roles();
    let begun = Instant::now();
    harness.write(
        "mapRoles",
        &good.replace("developers", "view-other"),
        "kubectl-edit",
    );
    eventually("the drift is repaired", || {
        (harness.roles() == good).then_some(())
    });
    let took = begun.elapsed();
    eprintln!("a drift was repaired after {took:.2?}");
    assert!(took <= REPAIR, "{took:?}");
    assert_eq!(controller.metric("awsauth_drift_repairs_total"), Some(1.0));
    let events = eventually("an event reports the repair", || {
        Some(harness.events()).filter(|events| events.contains("DriftRepaired"))
    });
    assert!(events.contains("kubectl-edit"), "{events}");

    let mut report_only = developer("reported");
    report_only["spec"]["driftPolicy"] = json!("Report");
    harness.apply(&report_only);
    harness.wait_for_ready("reported", "True Applied");
    let changed = harness
        .roles()
        .replace("username: reported", "username: other");
    harness.write("mapRoles", &changed, "kubectl-edit");
    harness.wait_for_ready("reported", "False Drifted");
    assert_eq!(harness.roles(), changed);
    harness.write(
        "mapRoles",
        &changed.replace("username: other", "username: reported"),
        "kubectl-edit",
    );
    harness.wait_for_ready("reported", "True Applied");
    harness.delete("reported");
    eventually("the object is deleted", || {
        harness.object("reported").is_null().then_some(())
    });
}

fn entry_is_removed_with_its_object_unless_retained(harness: &Harness) {
    let mut kept = developer("kept");
    kept["spec"]["deletionPolicy"] = json!("Retain");
    harness.apply(&kept);
    harness.apply(&developer("removed"));
    harness.wait_for_ready("kept", "True Applied");
    harness.wait_for_ready("removed", "True Applied");
    assert_eq!(
        harness.object("kept")["metadata"]["finalizers"],
        Value::Null
    );
    harness
        .cluster
        .kubectl(&["delete", "aam", "kept", "removed", "--timeout=60s"]);
    let roles = eventually("the entry is removed", || {
        Some(harness.roles()).filter(|roles| !roles.contains(&role("removed")))
    });
    assert!(roles.contains(&role("kept")), "{roles}");
    // No object owns it now, so the controller does not change it.
    harness.apply(&mapping(
        "kept",
        json!({"role": role("kept"), "username": "else", "groups": ["developers"]}),
    ));
    harness.wait_for_ready("kept", "False Conflict");
    let message = harness.object("kept")["status"]["conditions"].to_string();
    assert!(message.contains("awsauth unmap role"), "{message}");
    // An identical entry is adopted.
    harness.apply(&developer("kept"));
    harness.wait_for_ready("kept", "True Applied");
    harness.delete("kept");
    eventually("the entry is removed", || {
        (!harness.roles().contains(&role("kept"))).then_some(())
    });
}

fn foreign_changes_of_aws_auth_are_handled(harness: &Harness) {
    let good = harness.aws_auth()["data"].clone();
    let restored = |harness: &Harness| {
        let data = harness.aws_auth()["data"].clone();
        let roles = data["mapRoles"].as_str().unwrap_or_default();
        let is_restored = roles.contains(&role("ann")) && data["mapUsers"] == good["mapUsers"];
        is_restored.then(|| roles.to_owned())
    };
    let kubectl = |args: &[&str]| harness.cluster.kubectl(args);
    for (what, change) in [
        (
            "deleted",
            vec!["delete", "configmap", "aws-auth", "-n", "kube-system"],
        ),
        (
            "emptied",
            vec![
                "patch",
                "configmap",
                "aws-auth",
                "-n",
                "kube-system",
                "--type=merge",
                "-p",
                r#"{"data":null}"#,
            ],
        ),
    ] {
        let begun = Instant::now();
        kubectl(&change);
        let roles = eventually(what, || restored(harness));
        eprintln!(
            "aws-auth was {what}: entries restored after {:.2?}",
            begun.elapsed()
        );
        if what == "emptied" {
            // Without EKS facts the controller does not know the node roles, and reports that.
            assert!(!roles.contains("system:nodes"), "{roles}");
            harness.write("mapRoles", &format!("{NODE_ENTRY}{roles}"), "eks");
        } else {
            assert_eq!(harness.aws_auth()["data"], good);
        }
        eventually("nothing else changes", || restored(harness));
    }
    let replaced = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapRoles": format!("# a comment\n{NODE_ENTRY}"), "other": "kept"}});
    harness
        .cluster
        .kubectl_fed(&["replace", "-f", "-"], &replaced.to_string());
    let roles = eventually("replaced", || restored(harness));
    assert!(roles.starts_with("# a comment\n"), "{roles}");
    assert_eq!(harness.aws_auth()["data"]["other"], "kept");

    let broken = format!("{roles}- rolearn: [\n");
    harness.write("mapRoles", &broken, "kubectl-edit");
    harness.wait_for_ready("ann", "False Unreadable");
    // mapUsers is still readable and reconciled.
    harness.apply(&mapping(
        "carl",
        json!({"user": "arn:aws:iam::111122223333:user/carl", "username": "carl"}),
    ));
    harness.wait_for_ready("carl", "True Applied");
    assert_eq!(harness.roles(), broken);
    harness.write("mapRoles", &roles, "kubectl-edit");
    harness.wait_for_ready("ann", "True Applied");
    harness.wait_for_ready("bob", "True Applied");
}

fn metrics_are_counted(controller: &Controller) {
    let metrics = controller.metrics();
    for line in [
        "awsauth_leader 1\n",
        "awsauth_mappings{state=\"Applied\"} 3\n",
        "awsauth_reconcile_total{result=\"done\"} ",
        "awsauth_writes_total{result=\"updated\"} ",
        "awsauth_writes_total{result=\"created\"} 1\n",
        "awsauth_contested 0\n",
        "# EOF\n",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    let mut samples = metrics.lines().filter(|line| !line.starts_with('#'));
    assert!(
        !samples.any(|line| line.contains("arn:") || line.contains("ann")),
        "{metrics}"
    );
}

#[test]
fn invalid_configuration_is_reported_at_startup() {
    let cluster = Cluster::shared();
    let awsauth = |args: &[&str]| {
        let mut command = std::process::Command::new(crate::controller::harness::awsauth());
        command
            .env_clear()
            .env("HOME", cluster.folder())
            .env("KUBECONFIG", cluster.kubeconfig());
        Run::of(command.arg("controller").args(args))
    };
    let file = cluster.folder().join("odd.yaml");
    std::fs::write(&file, "grants: []\ngrant: []\n").unwrap();
    let file = file.display().to_string();
    awsauth(&["--config", &file]).says(
        2,
        &["error: cannot use the configuration", "grant", "hint: "],
    );
    let requesters = "grants: [{accounts: [\"111122223333\"], requesters: {users: [ann]}}]";
    std::fs::write(cluster.folder().join("requesters.yaml"), requesters).unwrap();
    let requesters = cluster.folder().join("requesters.yaml");
    awsauth(&["--config", &requesters.display().to_string()]).says(
        2,
        &["a grant names requesters, which only the webhook checks: start the controller with --webhook"],
    );
    awsauth(&["--config", "/nowhere.yaml"]).says(
        2,
        &[
            "cannot use the configuration /nowhere.yaml",
            "No such file",
            "hint: create it as described in docs/controller.md, or omit --config",
        ],
    );
    awsauth(&["--file", "aws-auth.yaml"]).says(2, &["cannot run a controller for a file"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    awsauth(&["--metrics-listen", &taken])
        .says(2, &["cannot listen on 127.0.0.1", "--metrics-listen"]);
}
