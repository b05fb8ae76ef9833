//! A cluster reads the same as its exported manifest, and a file is applied only to the cluster that it names.

use serde_json::Value;

use crate::commands::harness::{ExclusiveCluster, MYTESTROLE, eksctl_made};

#[test]
fn cluster_and_exported_manifest_read_alike() {
    let session = ExclusiveCluster::without_aws_auth();
    let mut object = eksctl_made();
    // Shadowed, ignored, unusual and unreadable entries.
    let roles = object["data"]["mapRoles"].as_str().unwrap().to_owned();
    object["data"]["mapRoles"] = format!("{roles}# twice\n- rolearn: {MYTESTROLE}\n  username: a\n- rolearn: {MYTESTROLE}\n  username: b\n  groups: [\"x\"]\n- username: nobody\n").into();
    object["data"]["mapUsers"] =
        "- userarn: \"arn:aws:iam::111122223333:user/\u{e9}\u{1f600}\"\n  username: u\n".into();
    object["data"]["mapAccounts"] = "- \"444455556666\"\n- 12\n".into();
    session.put(&object);
    let manifest = session.cluster.kubectl(&[
        "get",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "-o",
        "yaml",
    ]);
    let manifest = session.file("read.yaml", &manifest);
    let manifest = manifest.to_str().unwrap();
    let desired = session.file("diff.yaml", &format!("- rolearn: {MYTESTROLE}\n  username: c\n- rolearn: arn:aws:iam::111122223333:role/new\n  username: new\n"));
    let desired = desired.to_str().unwrap();
    for args in [
        &["get", "-o", "json"][..],
        &["get", "roles", "-o", "json"],
        &["get", MYTESTROLE, "-o", "json"],
        &["get", "-o", "yaml"],
        &["get", "-o", "name"],
        &["get", "accounts", "-o", "wide"],
        &["explain", MYTESTROLE],
        &["explain", MYTESTROLE, "-o", "json"],
        &[
            "explain",
            "arn:aws:sts::444455556666:assumed-role/any/s",
            "-o",
            "json",
        ],
        &["explain", "arn:aws:iam::999999999999:role/mytestrol"],
        &["diff", "-f", desired],
        &["diff", "-f", desired, "-o", "json"],
    ] {
        let live = session.run(args);
        let file = session.run(&[args, &["--file", manifest]].concat());
        assert_eq!(live.status, file.status, "{args:?}: {live:?} {file:?}");
        assert_eq!(live.status, i32::from(args[0] == "diff"), "{live:?}");
        assert!(!live.stdout.is_empty(), "{args:?}");
        if args.contains(&"json") {
            let without_rbac = |mut answer: Value| {
                if let Some(rbac) = answer.get_mut("rbac") {
                    *rbac = Value::Null;
                }
                answer
            };
            assert_eq!(
                without_rbac(live.json()),
                without_file_lines(file.json()),
                "{args:?}"
            );
        } else if args.contains(&"yaml") {
            let read = |text: &str| serde_yaml::from_str::<Value>(text).unwrap();
            assert_eq!(read(&live.stdout), without_file_lines(read(&file.stdout)));
        } else {
            // Only a cluster has RBAC.
            let (of_aws_auth, _) = live
                .stdout
                .split_once("What it can do:\n")
                .unwrap_or((&live.stdout, ""));
            assert_eq!(of_aws_auth, without_notes(&file.stdout), "{args:?}");
        }
    }
}

#[test]
fn verbose_output_names_the_cluster() {
    let session = ExclusiveCluster::start();
    let reported = format!(
        "Reading aws-auth of context admin ({})\n",
        session.cluster.server_url()
    );
    let run = session.done(&["get", "-v"]);
    assert_eq!(run.stderr, reported);
    assert_eq!(run.stdout, session.done(&["get"]).stdout);
    assert_eq!(session.done(&["get"]).stderr, "");
}

/// Removes the notes about lines of the file, which a cluster does not have.
fn without_notes(text: &str) -> String {
    let mut parts = text.split(" (line ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (_, rest) = part.split_once(" of the file)").unwrap();
        text + rest
    })
}

fn without_file_lines(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            map.remove("fileLine");
            map.values_mut()
                .for_each(|value| *value = without_file_lines(value.take()));
        }
        Value::Array(list) => list
            .iter_mut()
            .for_each(|value| *value = without_file_lines(value.take())),
        _ => {}
    }
    value
}

#[test]
fn file_for_a_named_cluster_is_not_written_to_an_unknown_one() {
    let session = ExclusiveCluster::start();
    let text = format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: prod, region: us-east-1}}\n\
         iamIdentityMappings:\n  - arn: {MYTESTROLE}\n    username: dev\n    groups: [view]\n"
    );
    let file = session.file("cluster.yaml", &text);
    let apply =
        |more: &[&str]| session.run(&[&["apply", "-f", file.to_str().unwrap()], more].concat());
    let unknown = "cluster.yaml is for cluster prod, and the kubeconfig does not show whether context admin (";
    let before = session.text("mapRoles");
    apply(&[]).says(
        4,
        &[
            "refused (wrong-cluster): ",
            unknown,
            "hint: if it is, state that: --expect-cluster admin\n",
            "hint: to connect to the cluster through EKS: --cluster-name prod\n",
        ],
    );
    apply(&["--dry-run"]).says(0, &[unknown]);
    session
        .run(&["diff", "-f", file.to_str().unwrap()])
        .says(1, &[unknown]);
    assert_eq!(session.text("mapRoles"), before);
    apply(&["--expect-cluster", "admin"]).says(0, &[unknown]);
    assert!(session.text("mapRoles").contains(MYTESTROLE));

    // The exec plugin of the kubeconfig names another cluster, or this one.
    let with_plugin = |cluster: &str| {
        let token = session.cluster.admin_token();
        let credential = format!(
            "{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"{token}\"}}}}"
        );
        let credential = session.file("credential.json", &credential);
        let exec = serde_json::json!({
            "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "interactiveMode": "Never",
            "args": ["-c", format!("cat {}", credential.display()), "plugin", "--cluster-name", cluster],
        });
        let server = serde_json::json!({"server": session.cluster.server_url(), "certificate-authority": session.cluster.ca()});
        let kubeconfig = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": server}],
            "users": [{"name": "u", "user": {"exec": exec}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        });
        let path = session.file("with-plugin", &kubeconfig.to_string());
        apply(&["--kubeconfig", path.to_str().unwrap()])
    };
    with_plugin("staging").says(4, &["the file is for cluster prod, but this is staging\n"]);
    let known = with_plugin("prod");
    known.says(0, &[]);
    assert!(!known.stderr.contains("does not show"), "{known:?}");
}
