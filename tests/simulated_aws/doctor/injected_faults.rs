//! Single faults, each with the check that diagnoses it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::doctor::harness::{CLUSTER, Harness};
use crate::eks_cluster::harness::{MYTESTROLE, sign_at};
use crate::support::cluster::Cluster;
use crate::support::eks;
use crate::support::simulated_aws::{REGION, trusts_service};

/// A fault that is injected into a harness.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// The check of the headline.
    pub(crate) rung: &'static str,
    /// The affected part. Two faults of the same part exclude each other or cannot be distinguished.
    pub(crate) part: Part,
    pub(crate) inject: fn(&'static Cluster, &mut Harness),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Kubeconfig,
    Plugin,
    Credentials,
    Endpoint,
    /// For credentials from elsewhere: the machine's own ones do not matter.
    Token,
}

/// Faults of the machine that runs `doctor`.
pub(crate) const OF_THE_MACHINE: &[Fault] = &[
    Fault {
        name: "a context that is not there",
        rung: "K1",
        part: Part::Kubeconfig,
        inject: |_, harness| harness.kubeconfig["current-context"] = json!("gone"),
    },
    Fault {
        name: "a user of an earlier kubeconfig with the same name",
        rung: "K8",
        part: Part::Kubeconfig,
        inject: |_, harness| {
            let mut exec = harness.exec().clone();
            exec["args"] = json!(["token", "--cluster-name", "other"]);
            harness.earlier_kubeconfig = Some(json!({
                "apiVersion": "v1",
                "kind": "Config",
                "users": [{"name": "me", "user": {"exec": exec}}],
            }));
        },
    },
    Fault {
        name: "v1alpha1",
        rung: "K2",
        part: Part::Kubeconfig,
        inject: |_, harness| {
            harness.exec()["apiVersion"] = json!("client.authentication.k8s.io/v1alpha1");
        },
    },
    Fault {
        name: "v1 without interactiveMode",
        rung: "K2",
        part: Part::Kubeconfig,
        inject: |_, harness| {
            harness.exec()["apiVersion"] = json!("client.authentication.k8s.io/v1");
        },
    },
    Fault {
        name: "a plugin that is not installed",
        rung: "K3",
        part: Part::Plugin,
        inject: |_, harness| harness.exec()["command"] = json!("no-such-plugin"),
    },
    Fault {
        name: "the name before 2018",
        rung: "K3",
        part: Part::Plugin,
        inject: |_, harness| harness.exec()["command"] = json!("heptio-authenticator-aws"),
    },
    Fault {
        name: "a plugin that may not be run",
        rung: "K3",
        part: Part::Plugin,
        inject: |_, harness| {
            let path = harness.file("plugin", "#!/bin/sh\n");
            harness.exec()["command"] = json!(path);
        },
    },
    Fault {
        name: "a plugin that fails",
        rung: "K4",
        part: Part::Plugin,
        inject: |_, harness| harness.plugin("echo out of order >&2; exit 3"),
    },
    Fault {
        name: "a plugin that prints something else",
        rung: "K4",
        part: Part::Plugin,
        inject: |_, harness| harness.plugin("echo hello"),
    },
    Fault {
        name: "a plugin that answers in another version",
        rung: "K4",
        part: Part::Plugin,
        inject: |_, harness| {
            harness.plugin(r#"echo '{"apiVersion":"client.authentication.k8s.io/v1alpha1","status":{"token":"x"}}'"#);
        },
    },
    Fault {
        name: "the name of another cluster in the arguments",
        rung: "K5",
        part: Part::Plugin,
        inject: |_, harness| harness.exec()["args"] = json!(["token", "-i", "other"]),
    },
    Fault {
        name: "a misspelt variable",
        rung: "K5",
        part: Part::Plugin,
        inject: |_, harness| {
            harness.exec()["env"] = json!([{"name": "AW_PROFILE", "value": "x"}]);
        },
    },
    Fault {
        name: "a pasted token",
        rung: "K6",
        part: Part::Token,
        inject: |_, harness| {
            let old = Timestamp::now() - SignedDuration::from_mins(20);
            let token = sign_at(&harness.credentials, REGION, eks::NAME, old);
            harness.kubeconfig["users"][0]["user"]["token"] = json!(token);
        },
    },
    Fault {
        name: "no credentials",
        rung: "C1",
        part: Part::Credentials,
        inject: |_, harness| harness.remove_credentials(),
    },
    Fault {
        name: "a key without its secret",
        rung: "C1",
        part: Part::Credentials,
        inject: |_, harness| {
            harness.environment = harness.environment.clone().without("AWS_SECRET_ACCESS_KEY");
        },
    },
    Fault {
        name: "a profile that is not there",
        rung: "C2",
        part: Part::Credentials,
        inject: |_, harness| {
            harness.remove_credentials();
            harness.set("AWS_PROFILE", "gone");
        },
    },
    Fault {
        name: "a credential_process that fails",
        rung: "C2",
        part: Part::Credentials,
        inject: |_, harness| {
            harness.remove_credentials();
            let path = harness.file("aws-config", "[default]\ncredential_process = false\n");
            harness.set("AWS_CONFIG_FILE", &path.display().to_string());
        },
    },
    Fault {
        name: "a web identity token that is not there",
        rung: "C3",
        part: Part::Credentials,
        inject: |_, harness| {
            harness.remove_credentials();
            let path = harness.folder().join("no-token");
            harness.environment = harness
                .environment
                .clone()
                .with_web_identity(MYTESTROLE, &path);
        },
    },
    Fault {
        name: "a pod without an association",
        rung: "C4",
        part: Part::Credentials,
        inject: |cluster, harness| {
            harness.remove_credentials();
            let url = cluster.aws().container(
                &json!({"id": unique("pod-"), "kind": "pod-identity", "authorizationToken": "aut40rized"}),
            );
            harness.environment = harness.environment.clone().in_container(&url, "aut40rized");
        },
    },
    Fault {
        name: "instance metadata that is switched off",
        rung: "C5",
        part: Part::Credentials,
        inject: |cluster, harness| instance(cluster, harness, &json!({"metadata": "disabled"})),
    },
    Fault {
        name: "a hop limit of 1",
        rung: "C6",
        part: Part::Credentials,
        inject: |cluster, harness| instance(cluster, harness, &json!({"metadata": "hop-limit"})),
    },
    Fault {
        name: "no instance profile",
        rung: "C7",
        part: Part::Credentials,
        inject: |cluster, harness| instance(cluster, harness, &json!({"profile": "", "role": ""})),
    },
    Fault {
        name: "an instance profile without a role",
        rung: "C8",
        part: Part::Credentials,
        inject: |cluster, harness| instance(cluster, harness, &json!({"role": ""})),
    },
    Fault {
        name: "a role that does not trust EC2",
        rung: "C8",
        part: Part::Credentials,
        inject: |cluster, harness| {
            let role = "arn:aws:iam::111122223333:role/suspicious";
            cluster
                .aws()
                .role(role, &[trusts_service("lambda.amazonaws.com")]);
            instance(cluster, harness, &json!({"role": role}));
        },
    },
    Fault {
        name: "credentials that are over",
        rung: "C9",
        part: Part::Credentials,
        inject: |_, harness| harness.set("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z"),
    },
    Fault {
        name: "a session that AWS has ended",
        rung: "C10",
        part: Part::Credentials,
        inject: |cluster, harness| cluster.aws().expire(&harness.credentials.access_key_id),
    },
    Fault {
        name: "a key that AWS does not know",
        rung: "C10",
        part: Part::Credentials,
        inject: |_, harness| harness.set("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7UNKNOWN"),
    },
    Fault {
        name: "a temporary key without its session token",
        rung: "C10",
        part: Part::Credentials,
        inject: |_, harness| {
            harness.environment = harness.environment.clone().without("AWS_SESSION_TOKEN");
        },
    },
    Fault {
        name: "another secret than the key's",
        rung: "C10",
        part: Part::Credentials,
        inject: |_, harness| harness.set("AWS_SECRET_ACCESS_KEY", "nobody's"),
    },
    Fault {
        name: "another identity than is meant",
        rung: "C12",
        part: Part::Credentials,
        inject: |_, harness| harness.arg(&["--expect-role", "deployer"]),
    },
    Fault {
        name: "a role that may not be assumed",
        rung: "C14",
        part: Part::Credentials,
        inject: |cluster, harness| {
            let role = "arn:aws:iam::111122223333:role/locked";
            cluster
                .aws()
                .role(role, &[trusts_service("lambda.amazonaws.com")]);
            harness.arg(&["--role-arn", role]);
        },
    },
    Fault {
        name: "a text that is not a token",
        rung: "T1",
        part: Part::Token,
        inject: |_, harness| harness.plugin_prints("k8s-aws-v2.aHR0cHM6Ly9leGFtcGxlLmNvbQ"),
    },
    Fault {
        name: "a token for another cluster",
        rung: "T2",
        part: Part::Token,
        inject: |_, harness| {
            let token = sign_at(&harness.credentials, REGION, "other", Timestamp::now());
            harness.plugin_prints(&token);
        },
    },
    Fault {
        name: "a session token that is too long",
        rung: "T3",
        part: Part::Credentials,
        inject: |cluster, harness| {
            let fields = json!({"arn": "arn:aws:sts::111122223333:assumed-role/mytestrole/long", "sessionTokenBytes": 3900});
            let long = cluster.aws().sessions_with(&[fields]).remove(0);
            harness.environment = harness.environment.clone().with_credentials(&long);
        },
    },
    Fault {
        name: "a client that keeps tokens",
        rung: "T4",
        part: Part::Token,
        inject: |_, harness| {
            let old = Timestamp::now() - SignedDuration::from_mins(16);
            let token = sign_at(&harness.credentials, REGION, eks::NAME, old);
            harness.plugin_prints(&token);
        },
    },
    Fault {
        name: "a host without an address",
        rung: "E1",
        part: Part::Endpoint,
        inject: |_, harness| {
            server(harness, "server", json!("https://no-such-host.invalid"));
            harness.set("NO_PROXY", "no-such-host.invalid");
        },
    },
    Fault {
        name: "a port without a listener",
        rung: "E2",
        part: Part::Endpoint,
        inject: |_, harness| server(harness, "server", json!("https://127.0.0.1:1")),
    },
    Fault {
        name: "another authority's certificate",
        rung: "E3",
        part: Part::Endpoint,
        inject: |cluster, harness| {
            server(harness, "certificate-authority", json!(cluster.aws().ca()));
        },
    },
];

/// Removes all credentials except those of an instance.
pub(crate) fn instance(cluster: &'static Cluster, harness: &mut Harness, fields: &Value) {
    harness.remove_credentials();
    let role = "arn:aws:iam::111122223333:role/mytestrole";
    cluster
        .aws()
        .role(role, &[trusts_service("ec2.amazonaws.com")]);
    let mut instance =
        json!({"id": unique("i-0"), "profile": "workers", "role": role, "metadata": "v2"});
    let all = instance.as_object_mut().unwrap();
    all.extend(fields.as_object().unwrap().clone());
    let url = cluster.aws().instance(&instance);
    harness.environment = harness.environment.clone().on_instance(&url);
    // So that a missing response is attributed to the hop limit.
    harness.set("KUBERNETES_SERVICE_HOST", "127.0.0.1");
}

/// Returns a unique name, because several runs are concurrent.
fn unique(prefix: &str) -> String {
    format!("{prefix}{:016x}", fastrand::u64(..))
}

fn server(harness: &mut Harness, field: &str, value: Value) {
    assert_eq!(harness.kubeconfig["clusters"][0]["name"], CLUSTER);
    harness.kubeconfig["clusters"][0]["cluster"][field] = value;
}

/// Faults of aws-auth: its data, and the check.
pub(crate) fn of_aws_auth() -> Vec<(&'static str, &'static str, Value)> {
    let roles = |text: &str| json!({"mapRoles": text});
    let entry =
        |arn: &str, rest: &str| roles(&format!("- rolearn: {arn}\n  username: admin\n{rest}"));
    let groups = "  groups: [system:masters]\n";
    let a = "arn:aws:iam::111122223333";
    vec![
        ("an empty one", "M5", json!({})),
        (
            "a section that cannot be read",
            "M4",
            roles(&format!("- rolearn: {MYTESTROLE}\n   username: admin\n")),
        ),
        (
            "an unquoted template",
            "M4",
            roles(&format!(
                "- rolearn: {MYTESTROLE}\n  username: {{{{SessionName}}}}\n"
            )),
        ),
        (
            "an IAM path",
            "M6",
            entry(&format!("{a}:role/team/mytestrole"), groups),
        ),
        (
            "the ARN of a session",
            "M6",
            entry(
                "arn:aws:sts::111122223333:assumed-role/mytestrole/i-0123456789abcdef0",
                groups,
            ),
        ),
        (
            "another account",
            "M6",
            entry("arn:aws:iam::444455556666:role/mytestrole", groups),
        ),
        (
            "an instance profile",
            "M6",
            entry(&format!("{a}:instance-profile/mytestrole"), groups),
        ),
        (
            "a typo",
            "M6",
            entry(&format!("{a}:role/mytestrol"), groups),
        ),
        (
            "a quote too many",
            "M6",
            entry(&format!("\"'{MYTESTROLE}'\""), groups),
        ),
        (
            "a wildcard",
            "M6",
            entry(&format!("{a}:role/mytest*"), groups),
        ),
        (
            "a user of that name",
            "M6",
            json!({"mapUsers": format!("- userarn: {a}:user/mytestrole\n  username: admin\n")}),
        ),
        (
            "only another role",
            "M5",
            entry(&format!("{a}:role/somebody-else-entirely"), groups),
        ),
        (
            "a role among the users",
            "M7",
            json!({"mapUsers": format!("- rolearn: {MYTESTROLE}\n  username: admin\n")}),
        ),
        (
            "a second YAML document",
            "M7",
            roles(&format!(
                "- rolearn: {a}:role/other\n  username: o\n---\n- rolearn: {MYTESTROLE}\n  username: admin\n"
            )),
        ),
    ]
}
