//! The authenticator's own `add` command compared with awsauth, for docs/comparison.md.

use serde_json::{Value, json};

use crate::eks_cluster::harness::ExclusiveCluster;
use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::go_programs::Binary;

const ROLES: &str = "\
# The nodes of ng-1
- rolearn: arn:aws:iam::111122223333:role/workers
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]
- rolearn: 'arn:aws:iam::111122223333:role/ops'   # ask Ann
  username: ops
";

const NEW: &str = "arn:aws:iam::111122223333:role/team/ci";

const MAP: [&str; 7] = [
    "map",
    "role",
    NEW,
    "--username",
    "ci",
    "--group",
    "deployers",
];

fn put(session: &ExclusiveCluster) {
    session.put(&json!({"mapRoles": ROLES, "mapUsers": "[]\n", "notes": "ours"}));
}

fn add(session: &ExclusiveCluster, role: &str) -> Run {
    let environment = Environment::new(session.cluster.folder());
    let kubeconfig = session.cluster.kubeconfig();
    let mut command = environment.command(&Binary::Authenticator.path());
    command.args(["add", "role", "--prompt=false", "--rolearn", role]);
    command.args(["--username", "ci", "--groups", "deployers"]);
    Run::of(command.arg("--kubeconfig").arg(kubeconfig))
}

fn data(session: &ExclusiveCluster) -> Value {
    session.api.object()["data"].clone()
}

#[test]
fn role_is_added_with_both_tools() {
    let session = ExclusiveCluster::start();
    put(&session);
    assert_eq!(add(&session, NEW).status, 0);
    let theirs = data(&session);
    let roles = theirs["mapRoles"].as_str().unwrap();
    assert!(!roles.contains('#') && !roles.contains('\''), "{roles}");
    assert!(roles.contains("role/team/ci"), "{roles}");
    assert_eq!(theirs["mapUsers"], Value::Null);
    assert_eq!(theirs["notes"], Value::Null);
    // `add` cannot change an existing mapping.
    assert_eq!(add(&session, NEW).status, 1);

    put(&session);
    session.done(&MAP);
    let ours = data(&session);
    let roles = ours["mapRoles"].as_str().unwrap();
    assert!(roles.starts_with(ROLES), "{roles}");
    assert!(
        roles.contains("role/ci") && !roles.contains("role/team"),
        "{roles}"
    );
    assert_eq!(ours["mapUsers"], "[]\n");
    assert_eq!(ours["notes"], "ours");
}

#[test]
fn invalid_yaml_is_refused_by_both_tools() {
    let session = ExclusiveCluster::start();
    let broken = "- rolearn: arn:aws:iam::111122223333:role/x\n\tusername: x\n";
    session.put(&json!({"mapRoles": broken}));
    assert_eq!(add(&session, NEW).status, 1);
    assert_eq!(data(&session)["mapRoles"], broken);

    let kubeconfig = session.cluster.kubeconfig();
    let environment = Environment::new(session.cluster.folder())
        .with("KUBECONFIG", &kubeconfig.display().to_string());
    session
        .awsauth(&environment, &MAP)
        .says(4, &["refused (lossy-edit)", "mapRoles line 2"]);
    assert_eq!(data(&session)["mapRoles"], broken);
}
