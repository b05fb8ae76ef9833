//! The permissions of the controller's service account.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::manifests::cluster_with_manifests::{Harness, NODE, aws_auth, run_with_input};
use crate::manifests::same_rendering::{charted, key, kustomized, objects};
use crate::support::completed_run::Run;

/// A client with the token of the service account, like a pod.
struct Controller<'a> {
    harness: &'a Harness,
    token: String,
}

impl<'a> Controller<'a> {
    fn of(harness: &'a Harness) -> Self {
        let args = ["create", "token", "awsauth-controller", "-n", "kube-system"];
        let token = harness.cluster.kubectl(&args).trim().to_owned();
        Self { harness, token }
    }

    fn kubectl(&self, args: &[&str], input: Option<&Value>) -> Run {
        let cluster = self.harness.cluster;
        let mut command = Command::new(cluster.kubectl_path());
        command
            .env_clear()
            .env("HOME", "/nonexistent")
            .stdin(Stdio::null())
            .args(["--server", &cluster.server_url(), "--token", &self.token])
            .arg("--certificate-authority")
            .arg(cluster.ca())
            .args(args);
        run_with_input(command, input.map(ToString::to_string).as_deref())
    }

    /// Returns the answer to each question.
    fn may(&self, questions: &[Question]) -> Vec<bool> {
        let reviews: Vec<Value> = questions.iter().map(Question::review).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": reviews});
        let run = self.kubectl(&["create", "-o", "json", "-f", "-"], Some(&list));
        run.says(0, &[]);
        let answers: Vec<Value> = serde_json::Deserializer::from_str(&run.stdout)
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let answers = match &answers[..] {
            [list] if list["kind"] == "List" => list["items"].as_array().unwrap().clone(),
            _ => answers,
        };
        assert_eq!(answers.len(), questions.len());
        let allowed = answers
            .iter()
            .map(|answer| answer["status"]["allowed"] == true);
        allowed.collect()
    }
}

/// `VERB NAMESPACE RESOURCE[/SUBRESOURCE] [NAME]`, with `-` for no namespace.
struct Question(&'static str);

impl Question {
    fn review(&self) -> Value {
        let words: Vec<&str> = self.0.split(' ').collect();
        let (resource, subresource) = words[2].split_once('/').unwrap_or((words[2], ""));
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": words[0],
                "namespace": words[1].trim_start_matches('-'),
                "resource": resource,
                "subresource": subresource,
                "group": group,
                "name": words.get(3).copied().unwrap_or_default(),
            }},
        })
    }
}

const ALLOWED: &[&str] = &[
    "get kube-system configmaps aws-auth",
    "list kube-system configmaps aws-auth",
    "watch kube-system configmaps aws-auth",
    "update kube-system configmaps aws-auth",
    "patch kube-system configmaps aws-auth",
    "create kube-system configmaps aws-auth",
    "get kube-system configmaps awsauth-history",
    "patch kube-system configmaps awsauth-history",
    "create kube-system configmaps awsauth-history",
    "get kube-system configmaps awsauth-controller-ownership",
    "patch kube-system configmaps awsauth-controller-ownership",
    "create kube-system configmaps awsauth-controller-ownership",
    "list - awsauthmappings.awsauth.dev",
    "watch - awsauthmappings.awsauth.dev",
    "patch - awsauthmappings.awsauth.dev developer",
    "patch - awsauthmappings.awsauth.dev/status developer",
    "get kube-system leases.coordination.k8s.io awsauth-controller",
    "patch kube-system leases.coordination.k8s.io awsauth-controller",
    "create kube-system leases.coordination.k8s.io awsauth-controller",
    "create kube-system events.events.k8s.io",
    "patch kube-system events.events.k8s.io",
    "create default events.events.k8s.io",
    "list kube-system secrets awsauth-controller-webhook-tls",
    "create kube-system secrets awsauth-controller-webhook-tls",
    "patch kube-system secrets awsauth-controller-webhook-tls",
    "update kube-system secrets awsauth-controller-webhook-tls",
    "watch kube-system secrets awsauth-controller-webhook-tls",
    "list - validatingwebhookconfigurations.admissionregistration.k8s.io awsauth-controller",
    "watch - validatingwebhookconfigurations.admissionregistration.k8s.io awsauth-controller",
    "patch - validatingwebhookconfigurations.admissionregistration.k8s.io awsauth-controller",
    "list - clusterrolebindings.rbac.authorization.k8s.io",
];

const DENIED: &[&str] = &[
    "delete kube-system configmaps aws-auth",
    "delete kube-system configmaps awsauth-history",
    "list kube-system configmaps awsauth-history",
    "watch kube-system configmaps awsauth-history",
    "update kube-system configmaps awsauth-history",
    "get - awsauthmappings.awsauth.dev developer",
    "patch default events.events.k8s.io",
    "list kube-system events.events.k8s.io",
    "delete kube-system events.events.k8s.io",
    "get kube-system secrets awsauth-controller-webhook-tls",
    "get - validatingwebhookconfigurations.admissionregistration.k8s.io awsauth-controller",
    "deletecollection kube-system configmaps",
    "get kube-system configmaps coredns",
    "list kube-system configmaps",
    "watch kube-system configmaps",
    "create kube-system configmaps",
    "update kube-system configmaps coredns",
    "get default configmaps aws-auth",
    "update default configmaps aws-auth",
    "create - awsauthmappings.awsauth.dev",
    "update - awsauthmappings.awsauth.dev developer",
    "update - awsauthmappings.awsauth.dev/status developer",
    "update kube-system leases.coordination.k8s.io awsauth-controller",
    "delete - awsauthmappings.awsauth.dev developer",
    "deletecollection - awsauthmappings.awsauth.dev",
    "get kube-system secrets other",
    "list kube-system secrets",
    "list - secrets",
    "delete kube-system secrets awsauth-controller-webhook-tls",
    "get default secrets awsauth-controller-webhook-tls",
    "list - validatingwebhookconfigurations.admissionregistration.k8s.io",
    "update - validatingwebhookconfigurations.admissionregistration.k8s.io awsauth-controller",
    "delete - validatingwebhookconfigurations.admissionregistration.k8s.io awsauth-controller",
    "patch - validatingwebhookconfigurations.admissionregistration.k8s.io other",
    "patch - mutatingwebhookconfigurations.admissionregistration.k8s.io awsauth-controller",
    "patch - validatingadmissionpolicies.admissionregistration.k8s.io awsauth-guard",
    "delete - validatingadmissionpolicybindings.admissionregistration.k8s.io awsauth-guard",
    "patch - customresourcedefinitions.apiextensions.k8s.io awsauthmappings.awsauth.dev",
    "create kube-system leases.coordination.k8s.io",
    "update kube-system leases.coordination.k8s.io kube-scheduler",
    "delete kube-system leases.coordination.k8s.io awsauth-controller",
    "create - clusterrolebindings.rbac.authorization.k8s.io",
    "bind - clusterroles.rbac.authorization.k8s.io cluster-admin",
    "escalate - clusterroles.rbac.authorization.k8s.io awsauth-controller",
    "impersonate - users admin",
    "impersonate - groups system:masters",
    "create kube-system pods",
    "create kube-system pods/exec",
    "list - pods",
    "list - nodes",
    "create kube-system serviceaccounts/token awsauth-controller",
    "create other events.events.k8s.io",
    "list - namespaces",
    "* - *",
];

#[test]
fn service_account_has_only_the_permissions_it_needs() {
    let harness = Harness::start();
    let controller = Controller::of(&harness);
    for (questions, expected) in [(ALLOWED, true), (DENIED, false)] {
        let asked: Vec<Question> = questions.iter().map(|text| Question(text)).collect();
        for (question, answer) in questions.iter().zip(controller.may(&asked)) {
            assert_eq!(answer, expected, "{question}");
        }
    }
}

/// A POST request that creates an object has no name that RBAC could compare.
#[test]
fn service_account_creates_only_by_server_side_apply() {
    let harness = Harness::start();
    let controller = Controller::of(&harness);
    let aws_auth = aws_auth(NODE);
    controller
        .kubectl(&["create", "-f", "-"], Some(&aws_auth))
        .says(1, &["cannot create resource \"configmaps\""]);
    let apply = [
        "apply",
        "--server-side",
        "--field-manager=awsauth-controller",
        "-f",
        "-",
    ];
    controller.kubectl(&apply, Some(&aws_auth)).says(0, &[]);
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "awsauth-controller", "namespace": "kube-system"},
    });
    controller.kubectl(&apply, Some(&lease)).says(0, &[]);
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "awsauth-controller-webhook-tls", "namespace": "kube-system"},
        "stringData": {"tls.crt": "none"},
    });
    controller.kubectl(&apply, Some(&secret)).says(0, &[]);
    for other in ["aws-auth-copy", "kube-proxy"] {
        let mut other_map = aws_auth.clone();
        other_map["metadata"]["name"] = other.into();
        controller
            .kubectl(&apply, Some(&other_map))
            .says(1, &["cannot patch"]);
    }

    let namespace = ["-n", "kube-system"];
    let get = |what: &[&str]| controller.kubectl(&[&["get"], what, &namespace[..]].concat(), None);
    get(&["configmaps", "--field-selector=metadata.name=aws-auth"]).says(0, &[]);
    get(&["configmaps"]).says(1, &["cannot list"]);
    let delete = ["delete", "configmap", "aws-auth"];
    controller
        .kubectl(&[&delete[..], &namespace[..]].concat(), None)
        .says(1, &["cannot delete"]);
    harness
        .cluster
        .kubectl(&["delete", "lease", "awsauth-controller", "-n", "kube-system"]);
    harness.cluster.kubectl(&[
        "delete",
        "secret",
        "awsauth-controller-webhook-tls",
        "-n",
        "kube-system",
    ]);
}

#[test]
fn without_the_webhook_events_are_only_created() {
    for text in [kustomized("controller"), charted(&[])] {
        for (namespace, name) in [
            ("kube-system", "awsauth-controller"),
            ("default", "awsauth-controller-events"),
        ] {
            let role = objects(&text)
                .into_iter()
                .find(|object| key(object) == format!("Role {namespace} {name}"));
            let rules = role.unwrap()["rules"].take();
            let rules = rules.as_array().unwrap().iter();
            let events = rules.filter(|rule| rule["resources"][0] == "events");
            let verbs: Vec<&Value> = events.map(|rule| &rule["verbs"]).collect();
            assert_eq!(verbs, [&json!(["create"])], "{namespace}");
        }
    }
}
