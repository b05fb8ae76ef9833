//! Access entries in MiniStack, which was written by others than this repository. It has EKS's calls and messages, but not its rules,
//! no second page of a list, no ListAccessPolicies and no UpdateClusterConfig.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::{CredentialOptions, resolve};
use awsauth_aws::eks::{Eks, OperationProgress, Outcome, StopCause};
use awsauth_core::access_entries::Operation;
use awsauth_core::facts::access_entries::{AccessPolicy, AccessScope, AccessTerms};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{CREATOR_SESSION, described, on};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE};
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::python::Packages;
use crate::support::python_server::PythonServer;
use crate::support::simulated_aws::{ACCOUNT, REGION};

const DEV: &str = "arn:aws:iam::111122223333:role/team/dev";
const DEV_WITHOUT_PATH: &str = "arn:aws:iam::111122223333:role/dev";
const NODE: &str = "arn:aws:iam::111122223333:role/nodes";
const ADMINS: &str = "awsauth:cluster-admins";
const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
const EDIT: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy";

/// Starts MiniStack with this cluster, and the roles of the tests.
fn start(cluster: &Value) -> PythonServer {
    let state = json!({
        "account": ACCOUNT, "region": REGION, "roles": ["mytestrole", "team/dev", "nodes"], "cluster": cluster,
    });
    PythonServer::start(
        Packages::MiniStack,
        "ministack_server.py",
        &[&state.to_string()],
    )
}

/// A cluster that signs in by aws-auth, and that MiniStack describes.
struct Site {
    session: ExclusiveCluster,
    caller: Environment,
    _server: PythonServer,
}

impl Site {
    fn start() -> Self {
        let session = ExclusiveCluster::start();
        session
            .cluster
            .kubectl(&["delete", "clusterrolebinding", ADMINS, "--ignore-not-found"]);
        let mut cluster = described(&session);
        cluster["name"] = json!(eks::NAME);
        let server = start(&cluster);
        let roles = format!(
            "- rolearn: {MYTESTROLE}\n  username: admin\n  groups: [system:masters]\n\
             - rolearn: {DEV_WITHOUT_PATH}\n  username: dev:{{{{SessionName}}}}\n  groups: [devs]\n\
             - rolearn: {NODE}\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups: [system:bootstrappers, system:nodes]\n"
        );
        session.put(&json!({"mapRoles": roles}));
        // The cluster admits its creator without an access entry, which it would not read from MiniStack.
        let credentials = session.aws().sessions(&[CREATOR_SESSION]).remove(0);
        let caller = session.aws().environment();
        let caller = caller
            .with_credentials(&credentials)
            .with("AWS_ENDPOINT_URL_EKS", server.url())
            .with("AWS_ENDPOINT_URL_IAM", server.url())
            .with("KUBECONFIG", "/nonexistent/kubeconfig");
        Self {
            session,
            caller,
            _server: server,
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

#[test]
fn access_entry_is_created_changed_and_deleted() {
    let site = Site::start();
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
    map(&created).says(
        0,
        &["Not checked: whether EKS has the access policies, which needs eks:ListAccessPolicies: "],
    );
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

#[test]
fn aws_auth_is_migrated_checked_and_reverted() {
    let site = Site::start();
    let migrate = |args: &[&str]| site.run(&[&["migrate"], args].concat());
    migrate(&["--check"]).says(1, &["3 of 3 mappings in effect have no access entry"]);
    migrate(&["--apply", "--yes"]).says(0, &[]);
    let types: BTreeMap<_, _> = site
        .entries()
        .into_iter()
        .map(|entry| {
            (
                entry["principalArn"].as_str().unwrap().to_owned(),
                entry["type"].clone(),
            )
        })
        .collect();
    let expected = [
        (MYTESTROLE, "STANDARD"),
        (NODE, "EC2_LINUX"),
        (DEV, "STANDARD"),
    ];
    let expected = expected.map(|(arn, kind)| (arn.to_owned(), json!(kind)));
    assert_eq!(types, expected.into());
    migrate(&["--check"]).says(
        0,
        &["All 3 mappings in effect have an access entry with the same access.\n"],
    );
    migrate(&["--apply", "--yes"]).says(0, &["Nothing to do: "]);
    migrate(&["--revert", "--yes"]).says(0, &[]);
    assert!(site.entries().is_empty());
    // MiniStack does not know how to change the mode.
    let run = migrate(&["--finish", "--yes"]);
    assert_ne!(run.status, 0);
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

/// Returns a client of the server's EKS.
fn client(server: &PythonServer) -> Eks {
    let environment = AwsEnvironment::default()
        .with("AWS_ENDPOINT_URL_EKS", server.url())
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

#[test]
fn executor_accepts_what_is_already_done() {
    let server = start(&json!({
        "name": "prod", "accessConfig": {"authenticationMode": "API"},
    }));
    let mut client = client(&server);
    let create = |groups: &[&str]| Operation::CreateEntry {
        principal_arn: DEV.to_owned(),
        kind: "STANDARD".to_owned(),
        username: Some("dev".to_owned()),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        tags: BTreeMap::from([("awsauth.dev/from".to_owned(), "aws-auth".to_owned())]),
    };
    let associate = Operation::AssociatePolicy {
        principal_arn: DEV.to_owned(),
        policy_arn: VIEW.to_owned(),
        scope: AccessScope::Namespaces(vec!["shop-*".to_owned()]),
    };
    let give = [create(&["devs"]), associate];
    let (outcomes, stopped) = execute(&mut client, &give);
    assert!(stopped.is_none(), "{stopped:?}");
    assert_eq!(outcomes, [Outcome::Changed; 2]);
    // MiniStack answers ResourceInUseException.
    let (outcomes, stopped) = execute(&mut client, &give);
    assert!(stopped.is_none(), "{stopped:?}");
    assert_eq!(outcomes, [Outcome::Unchanged, Outcome::Changed]);
    match execute(&mut client, &[create(&["ops"])]) {
        (_, Some(StopCause::Eks(error))) => assert!(error.to_string().contains("devs"), "{error}"),
        other => panic!("{other:?}"),
    }

    let list = client.access_entries("prod", &|_| true).unwrap();
    assert!(list.unavailable.is_empty(), "{list:?}");
    let entry = client.access_entry("prod", DEV).unwrap().unwrap();
    assert_eq!(list.entries, std::slice::from_ref(&entry));
    let terms = entry.terms.unwrap();
    let expected = AccessTerms {
        username: Some("dev".to_owned()),
        groups: vec!["devs".to_owned()],
        policies: Some(vec![AccessPolicy {
            arn: VIEW.to_owned(),
            scope: AccessScope::Namespaces(vec!["shop-*".to_owned()]),
        }]),
        tags: BTreeMap::from([("awsauth.dev/from".to_owned(), "aws-auth".to_owned())]),
        created_at: terms.created_at,
        arn: terms.arn.clone(),
        ..AccessTerms::default()
    };
    assert!(terms.created_at.is_some() && terms.arn.is_some());
    assert_eq!(terms, expected);

    let disassociate = Operation::DisassociatePolicy {
        principal_arn: DEV.to_owned(),
        policy_arn: VIEW.to_owned(),
    };
    let delete = Operation::DeleteEntry {
        principal_arn: DEV.to_owned(),
    };
    let take = [disassociate, delete];
    let (outcomes, stopped) = execute(&mut client, &take);
    assert!(stopped.is_none(), "{stopped:?}");
    assert_eq!(outcomes, [Outcome::Changed; 2]);
    // MiniStack answers ResourceNotFoundException.
    let (outcomes, stopped) = execute(&mut client, &take);
    assert!(stopped.is_none(), "{stopped:?}");
    assert_eq!(outcomes, [Outcome::Unchanged; 2]);
    assert_eq!(client.access_entry("prod", DEV).unwrap(), None);
}

/// A page of EKS has at most 100 access entries:
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_ListAccessEntries.html>
#[test]
fn list_has_no_second_page() {
    let server = start(&json!({
        "name": "prod", "accessConfig": {"authenticationMode": "API"},
    }));
    let mut client = client(&server);
    let create = |number| Operation::CreateEntry {
        principal_arn: format!("arn:aws:iam::111122223333:role/r{number}"),
        kind: "STANDARD".to_owned(),
        username: None,
        groups: vec!["devs".to_owned()],
        tags: BTreeMap::new(),
    };
    let all: Vec<_> = (0..101).map(create).collect();
    let (_, stopped) = execute(&mut client, &all);
    assert!(stopped.is_none(), "{stopped:?}");
    let list = client.access_entries("prod", &|_| false).unwrap();
    assert_eq!(list.entries.len(), 100);
}
