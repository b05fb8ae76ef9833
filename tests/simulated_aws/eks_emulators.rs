//! Access entries in simulations of EKS that were written by others than this repository.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod fakecloud;
mod ministack;

use std::convert::Infallible;
use std::time::{Duration, Instant};

use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::{CredentialOptions, resolve};
use awsauth_aws::eks::{Eks, OperationProgress, Outcome, StopCause};
use awsauth_core::access_entries::Operation;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::eks_cluster::cluster_name::{CREATOR_SESSION, described, on};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE};
use crate::support::child_process::Supervised;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::python_server::PythonServer;
use crate::support::simulated_aws::{ACCOUNT, REGION};

const DEV: &str = "arn:aws:iam::111122223333:role/team/dev";
const DEV_WITHOUT_PATH: &str = "arn:aws:iam::111122223333:role/dev";
const NODE: &str = "arn:aws:iam::111122223333:role/nodes";
const ADMINS: &str = "awsauth:cluster-admins";
const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
const EDIT: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy";

/// A running simulation of EKS and IAM.
struct Emulator {
    server: PythonServer,
    /// What the server forwards requests to, and its folder.
    _backend: Option<(Supervised, TempDir)>,
}

impl Emulator {
    fn url(&self) -> &str {
        self.server.url()
    }

    /// Returns a client of its EKS.
    fn client(&self) -> Eks {
        let environment = AwsEnvironment::default()
            .with("AWS_ENDPOINT_URL_EKS", self.url())
            .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .with("AWS_SECRET_ACCESS_KEY", "example")
            .with("AWS_REGION", REGION);
        let keys = resolve(
            &CredentialOptions::default(),
            &environment,
            Timestamp::now(),
        );
        Eks::new(&keys.unwrap(), None, &environment).unwrap()
    }
}

/// Returns the state of an emulator with this cluster, and the roles of the tests.
fn state(cluster: &Value) -> String {
    let state = json!({
        "account": ACCOUNT, "region": REGION, "roles": ["mytestrole", "team/dev", "nodes"], "cluster": cluster,
    });
    state.to_string()
}

/// The cluster of tests that do not sign in.
fn cluster_in_mode_api() -> Value {
    json!({"name": "prod", "accessConfig": {"authenticationMode": "API"}})
}

/// A cluster in which principals sign in through aws-auth, and that an emulator describes.
struct Site {
    session: ExclusiveCluster,
    caller: Environment,
    _emulator: Emulator,
}

impl Site {
    fn start(mode: &str, start: fn(&Value) -> Emulator) -> Self {
        let session = ExclusiveCluster::start();
        session
            .cluster
            .kubectl(&["delete", "clusterrolebinding", ADMINS, "--ignore-not-found"]);
        let mut cluster = described(&session);
        cluster["name"] = json!(eks::NAME);
        cluster["accessConfig"] = json!({ "authenticationMode": mode });
        let emulator = start(&cluster);
        let roles = format!(
            "- rolearn: {MYTESTROLE}\n  username: admin\n  groups: [system:masters]\n\
             - rolearn: {DEV_WITHOUT_PATH}\n  username: dev:{{{{SessionName}}}}\n  groups: [devs]\n\
             - rolearn: {NODE}\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups: [system:bootstrappers, system:nodes]\n"
        );
        session.put(&json!({"mapRoles": roles}));
        // The creator of the cluster signs in without an access entry, which it would not read from the emulator.
        let credentials = session.aws().sessions(&[CREATOR_SESSION]).remove(0);
        let caller = session.aws().environment();
        let caller = caller
            .with_credentials(&credentials)
            .with("AWS_ENDPOINT_URL_EKS", emulator.url())
            .with("AWS_ENDPOINT_URL_IAM", emulator.url())
            .with("AWS_ENDPOINT_URL_EC2", emulator.url())
            .with("AWS_ENDPOINT_URL_AUTO_SCALING", emulator.url())
            .with("KUBECONFIG", "/nonexistent/kubeconfig");
        Self {
            session,
            caller,
            _emulator: emulator,
        }
    }

    fn run(&self, args: &[&str]) -> Run {
        on(&self.session, &self.caller, args)
    }

    /// Returns the access entries.
    fn entries(&self) -> Vec<Value> {
        let run = self.run(&["get", "-o", "json"]);
        run.says(0, &[]);
        run.json()["accessEntries"].as_array().unwrap().clone()
    }

    /// Returns the access entry of the developers.
    fn dev(&self) -> Option<Value> {
        let mut entries = self.entries().into_iter();
        entries.find(|entry| entry["principalArn"] == DEV)
    }
}

/// Creates, changes and deletes an access entry, and undoes the last step. The first command also reports `note`.
fn create_change_delete_and_undo(site: &Site, note: &[&str]) {
    let map = |more: &[&str]| {
        let map = [
            "map",
            "role",
            DEV_WITHOUT_PATH,
            "--backend",
            "access-entries",
        ];
        site.run(&[&map[..], more].concat())
    };
    let username = "dev:{{SessionName}}";
    let view = format!("{VIEW}:shop-*,web");
    let created = ["--username", username, "--group", "devs", "--policy", &view];
    map(&created).says(0, note);
    let entry = site.dev().unwrap();
    for (field, value) in [
        ("type", json!("STANDARD")),
        ("username", json!(username)),
        ("groups", json!(["devs"])),
        (
            "policies",
            json!([{"policyArn": VIEW, "namespaces": ["shop-*", "web"]}]),
        ),
    ] {
        assert_eq!(entry[field], value, "{entry}");
    }
    let run = map(&created);
    run.says(0, &[]);
    assert_eq!(run.stdout, "access entry role/team/dev unchanged\n");

    let run = map(&[
        "--add-group",
        "ops",
        "--remove-policy",
        VIEW,
        "--policy",
        EDIT,
    ]);
    run.says(0, &[]);
    let entry = site.dev().unwrap();
    assert_eq!(entry["groups"], json!(["devs", "ops"]));
    assert_eq!(entry["policies"], json!([{"policyArn": EDIT}]));

    let unmap = [
        "unmap",
        "role",
        DEV_WITHOUT_PATH,
        "--backend",
        "access-entries",
    ];
    site.run(&unmap).says(0, &[]);
    assert_eq!(site.dev(), None);
    site.run(&["undo", "--yes"]).says(0, &[]);
    assert_eq!(site.dev().unwrap()["groups"], json!(["devs", "ops"]));
}

/// Records the outcomes.
#[derive(Default)]
struct Outcomes(Vec<Outcome>);

impl OperationProgress for Outcomes {
    type Guard = ();
    type Error = Infallible;

    fn starting(&mut self, _: &Operation) {}

    fn finished(&mut self, _: &Operation, outcome: Outcome) {
        self.0.push(outcome);
    }

    fn call_kubernetes(&mut self, _: &Operation) -> Result<Outcome, Infallible> {
        unreachable!("no operation here is one of Kubernetes")
    }
}

/// Carries operations out. Returns the outcomes, and why the run stopped.
fn execute(
    client: &mut Eks,
    operations: &[Operation],
) -> (Vec<Outcome>, Option<StopCause<Infallible>>) {
    let mut outcomes = Outcomes::default();
    let deadline = Instant::now() + Duration::from_secs(90);
    let done = client.execute("prod", operations, deadline, &mut outcomes);
    (outcomes.0, done.err().map(|stopped| stopped.cause))
}
