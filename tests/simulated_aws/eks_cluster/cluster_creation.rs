//! `--cluster-name` right after cluster creation.

use std::path::Path;
use std::thread::{self, sleep};
use std::time::Duration;

use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{self, CREATOR_SESSION, eks, holding, on, with_cluster};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, map_args};
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::simulated_eks_api::EksService;

/// A cluster in mode CONFIG_MAP with a managed node group.
fn with_node_group() -> Value {
    let mut world = with_cluster(&json!({"accessConfig": {"authenticationMode": "CONFIG_MAP"}}));
    world["nodegroups"] = json!({eks::NAME: ["workers"]});
    world
}

/// Runs awsauth and, concurrently, `meanwhile`.
fn run_while(environment: &Environment, args: &[&str], meanwhile: impl FnOnce()) -> Run {
    thread::scope(|scope| {
        let run = scope.spawn(move || {
            let mut command = environment.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
            Run::of(command.args(args).args(["--cluster-name", eks::NAME]))
        });
        meanwhile();
        run.join().unwrap()
    })
}

/// Waits until EKS received this many requests.
fn until_asked(eks: &EksService, times: usize) {
    while eks.asked().len() < times {
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn cluster_in_creation_is_waited_for() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &with_cluster(&json!({"status": "CREATING"})));
    let ci = holding(&session, eks, CREATOR_SESSION);
    on(&session, &ci, &["get"]).says(3, &["the cluster my-cluster is CREATING", "--wait 20m"]);
    let before = eks.asked().len();
    let args = [&map_args(MYTESTROLE)[..], &["--wait", "2m"]].concat();
    let run = run_while(&ci, &args, || {
        until_asked(eks, before + 1);
        cluster_name::eks(&session, &json!({}));
    });
    run.says(
        0,
        &[
            "Waiting for EKS: the cluster my-cluster is CREATING\n",
            "Created aws-auth on EKS cluster my-cluster",
        ],
    );
}

#[test]
fn expected_aws_auth_of_eks_is_waited_for() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &with_node_group());
    let ci = holding(&session, eks, CREATOR_SESSION);
    let map = map_args(MYTESTROLE);
    on(&session, &ci, &[&map[..], &["--timeout", "1s"]].concat()).says(
        4,
        &[
            "There is no aws-auth yet. EKS writes it for the managed node group workers; waiting up to 1 s for that.\n",
            "refused (object-state): there is no aws-auth in EKS cluster my-cluster (",
            "and EKS did not write it for the managed node group workers within 1 s\n",
            "hint: wait longer: --wait 10m\n",
            "awsauth map node-role ROLE-ARN --kind linux --cluster-name my-cluster\n",
        ],
    );
    assert!(session.api.get().is_err(), "nothing was written");
    let before = eks.asked().len();
    let nodes = "- rolearn: arn:aws:iam::111122223333:role/workers\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]\n";
    let run = run_while(&ci, &map, || {
        until_asked(eks, before + 2);
        session.put(&json!({"mapRoles": nodes}));
    });
    run.says(0, &["Wrote aws-auth to EKS cluster my-cluster"]);
    let object = session.api.object();
    let roles = object["data"]["mapRoles"].as_str().unwrap();
    assert!(
        roles.starts_with(nodes) && roles.contains(MYTESTROLE),
        "{roles}"
    );
}

#[test]
fn aws_auth_is_created_immediately_if_eks_does_not_write_it() {
    let session = ExclusiveCluster::start();
    let mut world = with_node_group();
    let ci = holding(&session, eks(&session, &world), CREATOR_SESSION);
    let map = map_args(MYTESTROLE);
    // The node entry may be written first, because another user may have deleted it.
    let nodes = [
        "map",
        "node-role",
        "arn:aws:iam::111122223333:role/workers",
        "--kind",
        "linux",
    ];
    on(&session, &ci, &nodes).says(0, &["Created aws-auth on"]);
    on(&session, &ci, &map).says(0, &["Wrote aws-auth to"]);

    session.api.delete();
    world["denied"] =
        json!({"ListNodegroups": "User: x is not authorized to perform: eks:ListNodegroups"});
    eks(&session, &world);
    on(&session, &ci, &map).says(0, &[
        "warning: cannot find out whether EKS is about to write aws-auth for managed node groups: AccessDeniedException: User: x is not",
        "Created aws-auth on",
    ]);

    session.api.delete();
    world["denied"] = json!({});
    world["nodegroups"] = json!({});
    eks(&session, &world);
    on(&session, &ci, &map).says(0, &["Created aws-auth on"]);
}
