//! Writes that the ConfigMap does not allow.

use crate::commands::harness::{ExclusiveCluster, MYTESTROLE, eksctl_made};

#[test]
fn immutable_configmap_is_refused_with_a_hint() {
    let session = ExclusiveCluster::without_aws_auth();
    let mut object = eksctl_made();
    object["immutable"] = true.into();
    session.put(&object);
    let version = session.resource_version();
    for more in [&[][..], &["--dry-run=server"]] {
        session.map(more).says(
            4,
            &[
                "is marked immutable",
                "hint: replace the object: kubectl --context admin get",
            ],
        );
    }
    assert_eq!(session.resource_version(), version);
    // A mapping that already exists requires no write.
    session.done(&["unmap", "role", MYTESTROLE]);

    // The command from the hint makes the write possible.
    let file = session.file(
        "immutable.yaml",
        &session.cluster.kubectl(&[
            "get",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "-o",
            "yaml",
        ]),
    );
    let path = file.to_str().unwrap();
    session.map(&["--file", path]).says(0, &[]);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("immutable: true\n", "")).unwrap();
    session.cluster.kubectl(&["replace", "--force", "-f", path]);
    assert!(session.text("mapRoles").contains(MYTESTROLE));
}

#[test]
fn oversized_configmap_is_refused_before_the_request() {
    let session = ExclusiveCluster::without_aws_auth();
    let mut object = eksctl_made();
    let held: usize = ["mapRoles", "mapUsers"]
        .iter()
        .map(|key| object["data"][key].as_str().unwrap().len())
        .sum();
    object["data"]["filler"] = "x".repeat((1 << 20) - held).into();
    session.put(&object);
    let version = session.resource_version();
    for more in [&[][..], &["--dry-run=server"]] {
        session.map(more).says(
            4,
            &[
                "the limit of a ConfigMap is 1048576",
                "awsauth unmap role ARN",
            ],
        );
    }
    assert_eq!(session.resource_version(), version);
    // If the filler is shorter by the length of the entry, the API server accepts the object.
    let room =
        "- groups:\n  - system:masters\n  rolearn: \n  username: admin\n".len() + MYTESTROLE.len();
    object["data"]["filler"] = "x".repeat((1 << 20) - held - room).into();
    session.put(&object);
    session.map(&[]).says(0, &[]);
}

#[test]
fn configmap_under_deletion_is_refused() {
    let session = ExclusiveCluster::without_aws_auth();
    let mut object = eksctl_made();
    object["metadata"]["finalizers"] = serde_json::json!(["example.com/held"]);
    session.put(&object);
    session.api.delete();
    let run = session.map(&[]);
    session.cluster.kubectl(&[
        "patch",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
    run.says(4, &["is being deleted", "metadata.finalizers"]);
}
