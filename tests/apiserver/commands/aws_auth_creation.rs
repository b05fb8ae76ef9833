//! Creating aws-auth, also concurrently.

use std::thread;

use crate::commands::harness::{ExclusiveCluster, MYTESTROLE, NODES, Run, awsauth, map_args};
use crate::support::aws_auth_client::Api;

#[test]
fn concurrent_creates_are_merged() {
    const CREATORS: usize = 16;
    for _ in 0..3 {
        let session = ExclusiveCluster::without_aws_auth();
        let cluster = session.cluster;
        let role = |creator| format!("arn:aws:iam::111122223333:role/creator-{creator}");
        let runs: Vec<Run> = thread::scope(|scope| {
            let ours: Vec<_> = (0..CREATORS)
                .map(|creator| {
                    scope.spawn(move || {
                        let mut command = awsauth(cluster, &cluster.kubeconfig());
                        Run::of(command.args(map_args(&role(creator))))
                    })
                })
                .collect();
            // As EKS does for the first managed node group.
            let eks = Api::of(cluster, "vpcLambda");
            eks.change_roles(|roles| (!roles.contains(NODES)).then(|| format!("{roles}{NODES}")));
            ours.into_iter().map(|ours| ours.join().unwrap()).collect()
        });
        let roles = session.text("mapRoles");
        assert_eq!(roles.matches(NODES).count(), 1, "{roles}");
        for (creator, run) in runs.iter().enumerate() {
            assert_eq!(run.status, 0, "{run:?}");
            assert_eq!(
                roles.matches(&format!("{}\n", role(creator))).count(),
                1,
                "{roles}"
            );
        }
        let created = runs.iter().filter(|run| run.stderr.contains("Created"));
        assert!(created.count() <= 1, "one at most was the first");
    }
}

#[test]
fn missing_configmap_reads_as_empty_and_is_created_on_write() {
    let session = ExclusiveCluster::without_aws_auth();
    let get = session.run(&["get", "-o", "json"]);
    get.says(0, &["There is no aws-auth", "context admin"]);
    assert_eq!(get.json()["roles"], serde_json::json!([]));
    session.run(&["get", "--must-exist"]).says(1, &[]);

    session.map(&["--no-create"]).says(
        4,
        &[
            "refused (object-state): ",
            "does not exist",
            "--no-create",
            "--wait-for-configmap",
        ],
    );
    assert!(session.api.get().is_err());
    session
        .map(&["--dry-run=server"])
        .says(0, &["Nothing was written."]);
    assert!(session.api.get().is_err());
    let unmap = session.run(&["unmap", "role", MYTESTROLE]);
    unmap.says(0, &[]);
    assert!(session.api.get().is_err(), "there was nothing to do");

    session.map(&[]).says(
        0,
        &[
            "Created aws-auth",
            "terraform import ADDRESS kube-system/aws-auth",
        ],
    );
    let object = session.api.object();
    assert_eq!(
        object["data"]["mapRoles"].as_str().unwrap(),
        format!("- rolearn: {MYTESTROLE}\n  username: admin\n  groups:\n    - system:masters\n")
    );
}

#[test]
fn configmap_without_data_is_filled() {
    let session = ExclusiveCluster::without_aws_auth();
    for data in [serde_json::Value::Null, serde_json::json!({})] {
        let mut object = crate::support::aws_auth_client::configmap("");
        object["data"] = data;
        session.put(&object);
        session.done(&["get"]);
        session.map(&[]).says(0, &["Wrote aws-auth"]);
        assert!(session.text("mapRoles").contains(MYTESTROLE));
        session.done(&["unmap", "role", MYTESTROLE]);
        assert_eq!(session.text("mapRoles"), "[]\n");
    }
}
