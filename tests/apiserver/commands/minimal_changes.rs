//! Mapping a role adds its lines and changes nothing else.

use serde_json::{Value, json};

use crate::commands::harness::{ExclusiveCluster, MYTESTROLE, NODES, eksctl_made};

const ADDED: &str = "\
- groups:
  - system:masters
  rolearn: arn:aws:iam::111122223333:role/mytestrole
  username: admin
";

#[test]
fn mapped_role_adds_its_lines_and_nothing_else() {
    let session = ExclusiveCluster::without_aws_auth();
    let mut object = eksctl_made();
    object["metadata"]["labels"] = json!({"team": "platform"});
    object["metadata"]["annotations"] = json!({"note": "kept\nas it is"});
    object["binaryData"] = json!({"blob": "AAEC/w=="});
    object["data"]["unknown"] = "  of no\tinterest \n".into();
    object["data"]["mapAccounts"] = "- \"444455556666\" # ours\n".into();
    session.put(&object);
    session.cluster.kubectl_fed(
        &["apply", "--server-side", "--field-manager=labels", "-f", "-"],
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"aws-auth","namespace":"kube-system","labels":{"applied":"yes"}}}"#,
    );
    let before = session.api.object();

    let run = session.map(&[]);
    run.says(0, &["context admin", &session.cluster.server_url()]);
    assert_eq!(
        run.stdout,
        "Access:\n+ arn:aws:iam::111122223333:role/mytestrole gains user admin in group system:masters\nmapping role/mytestrole created\n"
    );

    let after = session.api.object();
    let mut expected = before.clone();
    expected["data"]["mapRoles"] = format!("{NODES}{ADDED}").into();
    for kept_by_the_server in ["resourceVersion", "managedFields"] {
        expected["metadata"][kept_by_the_server] = after["metadata"][kept_by_the_server].clone();
    }
    assert_eq!(after, expected);
    assert_eq!(manager(&after, "labels"), manager(&before, "labels"));
    // Only this field changes its manager.
    let mut eksctl = manager(&before, "eksctl");
    eksctl["fieldsV1"]["f:data"]
        .as_object_mut()
        .unwrap()
        .remove("f:mapRoles");
    assert_eq!(manager(&after, "eksctl"), eksctl);
    assert_eq!(
        manager(&after, "awsauth")["fieldsV1"],
        json!({"f:data": {"f:mapRoles": {}}})
    );

    let listed = session.done(&["get", MYTESTROLE, "-o", "json", "--must-exist"]);
    assert_eq!(listed.json()["roles"][0]["line"], 6);
    assert_eq!(listed.json()["roles"][0].get("fileLine"), None);

    let again = session.map(&[]);
    again.says(0, &[]);
    assert_eq!(again.stdout, "mapping role/mytestrole unchanged\n");
    assert_eq!(session.api.object(), after);

    session.done(&["unmap", "role", MYTESTROLE]);
    assert_eq!(session.api.object()["data"], before["data"]);
}

#[test]
fn every_spelling_of_a_node_entry_is_kept() {
    let session = ExclusiveCluster::without_aws_auth();
    for roles in [
        "# nodes\n-   rolearn: \"arn:aws:iam::111122223333:role/nodes\"   # do not touch\n    username: 'system:node:{{EC2PrivateDNSName}}'\n    groups: [ system:bootstrappers, system:nodes ]",
        "[{\"rolearn\":\"arn:aws:iam::111122223333:role/nodes\",\"username\":\"system:node:{{EC2PrivateDNSName}}\",\"groups\":[\"system:nodes\",\"system:bootstrappers\"]}]",
        "- rolearn: arn:aws:iam::111122223333:role/nodes\r\n  username: system:node:{{EC2PrivateDNSName}}\r\n  groups:\r\n    - system:bootstrappers\r\n    - system:nodes\r\n",
    ] {
        let mut object = eksctl_made();
        object["data"]["mapRoles"] = roles.into();
        session.put(&object);
        session.map(&[]).says(0, &[]);
        let merged = session.text("mapRoles");
        let kept = roles.trim_end().trim_end_matches(']');
        assert!(merged.starts_with(kept), "{merged}");
        assert!(merged.contains(MYTESTROLE), "{merged}");
        session.done(&["unmap", "role", MYTESTROLE]);
        assert_eq!(session.text("mapRoles"), roles);
    }
}

#[test]
fn node_entry_is_not_removed_unless_named() {
    let session = ExclusiveCluster::start();
    let nodes = "arn:aws:iam::111122223333:role/eksctl-k8s-cluster-nodegroup-ng-1-NodeInstanceRole-1FI6JXPS9MDWK";
    let version = session.resource_version();
    let run = session.run(&["unmap", "role", nodes]);
    run.says(4, &["node", "--allow-node-entry"]);
    assert_eq!(session.resource_version(), version);
    session.done(&["unmap", "role", nodes, "--allow-node-entry", nodes]);
    assert_eq!(session.text("mapRoles"), "[]\n");
}

fn manager(object: &Value, name: &str) -> Value {
    let managers = object["metadata"]["managedFields"].as_array().unwrap();
    let mut named = managers.iter().filter(|entry| entry["manager"] == name);
    let manager = named.next().unwrap_or_else(|| panic!("no {name}")).clone();
    assert!(named.next().is_none(), "{name} manages once");
    manager
}
