//! Reviews of edits by every kind of client.

use serde_json::json;

use crate::webhook::harness::{
    ADMIN, ADMITTED, DENIED, DEV, Harness, NODE, NODE_ROLE, WITH_PATH, configmap,
};

const AWS_AUTH: [&str; 4] = ["configmap", "aws-auth", "-n", "kube-system"];

/// Returns kubectl's arguments for aws-auth.
fn of<'a>(verb: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[verb][..], &AWS_AUTH, more].concat()
}

#[test]
fn edits_of_every_client_are_reviewed() {
    let harness = Harness::start();
    let all = [NODE, ADMIN, DEV].concat();
    let without_nodes = configmap(&[ADMIN, DEV].concat(), &json!({}));
    let loses_nodes = [
        DENIED,
        "refused (node-guard): nodes sign in with",
        "hint: if this is intended: kubectl awsauth edit --allow-node-entry",
    ];

    // An edit that removes a guarded entry is refused, whichever verb it uses.
    harness.replace(&[ADMIN, DEV], None).says(1, &loses_nodes);
    harness
        .kubectl_with_input(&["apply", "-f", "-"], &without_nodes)
        .says(1, &loses_nodes);
    harness
        .kubectl_with_input(
            &["apply", "-f", "-", "--server-side", "--force-conflicts"],
            &without_nodes,
        )
        .says(1, &loses_nodes);
    let broken = json!({"data": {"mapRoles": "- rolearn: ["}}).to_string();
    harness
        .kubectl(&of("patch", &["--type=merge", "-p", &broken]))
        .says(1, &[DENIED, "S04 yaml-syntax-error"]);
    let emptied = json!({"data": {"mapRoles": null}}).to_string();
    harness
        .kubectl(&of("patch", &["--type=merge", "-p", &emptied]))
        .says(1, &[DENIED, "node-guard", "Warning: mass-removal: 3 of 3"]);
    harness
        .kubectl(&of("delete", &[]))
        .says(1, &[DENIED, "node-guard", "kubectl awsauth unmap role ARN"]);
    harness
        .replace(&[NODE, ADMIN, DEV, WITH_PATH], None)
        .says(1, &[DENIED, "R03 role-path", "remove the path"]);
    let editor = "sed -i s/system:bootstrappers/nobody/";
    let mut command = harness.cluster.kubectl_command();
    command
        .args(of("edit", &[]))
        .env("KUBE_EDITOR", editor)
        .env("PATH", "/usr/bin:/bin");
    crate::support::completed_run::Run::of(&mut command)
        .says(1, &[DENIED, "with another username or fewer groups"]);
    assert_eq!(harness.roles(), all);

    // Dry runs get the same response and change nothing.
    harness
        .kubectl(&of("delete", &["--dry-run=server"]))
        .says(1, &[DENIED]);
    harness
        .kubectl_with_input(&["apply", "-f", "-", "--dry-run=server"], &without_nodes)
        .says(1, &loses_nodes);
    harness.replace(&[NODE, ADMIN], None).says(0, &[]);
    assert!(harness.controller.reviews("denied") >= 10.0);

    // Edits that are allowed but risky cause a warning.
    let other = ADMIN.replace("/admin", "/other");
    harness.replace(&[NODE, ADMIN, &other], None).says(
        0,
        &["Warning: arn:aws:iam::111122223333:role/other becomes cluster admin by group system:masters"],
    );

    // A service account with all permissions does not count as an administrator; the cluster's creator does.
    harness.put(&[NODE, ADMIN]);
    let robot = "system:serviceaccount:ci:robot";
    harness
        .kubectl(&[
            "create",
            "rolebinding",
            "robot",
            "-n",
            "kube-system",
            "--role=editors",
            "--serviceaccount=ci:robot",
        ])
        .says(0, &[]);
    harness.replace(&[NODE], Some(robot)).says(
        1,
        &[
            DENIED,
            "refused (last-admin)",
            "map another administrator first",
        ],
    );
    harness.replace(&[NODE], None).says(0, &[]);
}

#[test]
fn permitted_overrides_are_admitted_and_recorded() {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "admission:\n  breakGlass: {groups: [oncall]}\nprotect:\n  arns: [\"arn:aws:iam::111122223333:role/dev\"]\n").unwrap();
    let harness = Harness::start_with(&[
        "--config",
        config.path().to_str().unwrap(),
        "--log-format",
        "json",
    ]);

    // EKS removes the entry of a node group that it deletes.
    harness
        .replace(&[ADMIN, DEV], Some("somebody"))
        .says(1, &[DENIED]);
    harness
        .replace(&[ADMIN, DEV], Some("eks:node-manager"))
        .says(0, &[ADMITTED]);
    assert_eq!(harness.roles(), [ADMIN, DEV].concat());
    harness.put(&[NODE, ADMIN, DEV]);

    // Break-glass by group.
    let oncall = ["replace", "-f", "-", "--as", "somebody", "--as-group"];
    let without_nodes = configmap(&[ADMIN, DEV].concat(), &json!({}));
    harness
        .kubectl_with_input(&[&oncall[..], &["devs"]].concat(), &without_nodes)
        .says(1, &[DENIED]);
    harness
        .kubectl_with_input(&[&oncall[..], &["oncall"]].concat(), &without_nodes)
        .says(0, &[ADMITTED]);
    harness.put(&[NODE, ADMIN, DEV]);

    // The annotation, set before or by the edit itself. Every response warns about it.
    harness
        .kubectl(&of(
            "annotate",
            &["awsauth.dev/break-glass=the house is on fire"],
        ))
        .says(
            0,
            &["Warning: every edit is allowed while aws-auth has this annotation"],
        );
    let people = [ADMIN, DEV].concat();
    let patch = json!({"data": {"mapRoles": people}}).to_string();
    harness
        .kubectl(&of("patch", &["--type=merge", "-p", &patch]))
        .says(
            0,
            &[
                ADMITTED,
                "Warning: every edit is allowed while aws-auth has this annotation",
            ],
        );
    harness.kubectl(&of("delete", &[])).says(
        0,
        &["Warning: allowed by an awsauth exemption (protected): the configuration"],
    );
    harness
        .kubectl_with_input(
            &["create", "-f", "-"],
            &configmap(WITH_PATH, &json!({"awsauth.dev/break-glass": ""})),
        )
        .says(1, &[DENIED]);
    harness.put(&[NODE, ADMIN, DEV]);

    // awsauth's own commands are checked only by their own controllers.
    let unmap = ["unmap", "role", NODE_ROLE];
    harness.awsauth(&unmap).says(4, &["refused (node-guard)"]);
    harness
        .awsauth(&[&unmap[..], &["--allow-node-entry", NODE_ROLE]].concat())
        .says(0, &[]);
    assert_eq!(harness.roles(), [ADMIN, DEV].concat());
    // But commands do not know which entries the configuration protects.
    let dev = "arn:aws:iam::111122223333:role/dev";
    harness.awsauth(&["unmap", "role", dev]).says(
        4,
        &[
            "refused (protected): the configuration of awsauth-controller protects the entry of",
            "awsauth.dev/break-glass=REASON",
        ],
    );
    harness
        .awsauth(&["map", "role", dev, "--add-group", "more"])
        .says(0, &[]);

    let log = harness.controller.log();
    for message in [
        r#""verdict":"warn-only","user":"eks:node-manager""#,
        r#""why":"oncall""#,
        r#""why":"the house is on fire""#,
        r#""verdict":"command","user":"admin","field_manager":"awsauth""#,
        r#""verdict":"denied","user":"somebody""#,
    ] {
        assert!(log.contains(message), "{message} in {log}");
    }
    for verdict in ["warn-only", "break-glass", "command", "denied", "probe"] {
        assert!(harness.controller.reviews(verdict) >= 1.0, "{verdict}");
    }
}

#[test]
fn other_objects_are_admitted_and_collection_deletion_keeps_aws_auth() {
    let harness = Harness::start();
    let before = harness.controller.reviews("other");
    let others = [
        "create",
        "configmap",
        "--from-literal=mapRoles=- rolearn: [",
    ];
    let made = |name: &str, namespace: &str| {
        harness
            .kubectl(&[&others[..], &[name, "-n", namespace]].concat())
            .says(0, &[]);
    };
    made("aws-auth", "default");
    made("another", "kube-system");
    made("zebra", "kube-system");
    harness
        .kubectl(&["delete", "configmap", "aws-auth", "-n", "default"])
        .says(0, &[]);

    // The API server deletes a collection in the order of names: objects before aws-auth are deleted, the others stay.
    let collection = "/api/v1/namespaces/kube-system/configmaps";
    let dry = format!("{collection}?dryRun=All");
    harness
        .kubectl(&["delete", "--raw", &dry])
        .says(1, &[DENIED]);
    harness
        .kubectl(&["delete", "--raw", collection])
        .says(1, &[DENIED]);
    let left = harness
        .kubectl(&["get", "configmaps", "-n", "kube-system", "-o", "name"])
        .stdout;
    assert!(left.contains("configmap/aws-auth\n"), "{left}");
    assert!(left.contains("configmap/zebra\n"), "{left}");
    assert!(!left.contains("configmap/another\n"), "{left}");
    // A collection without aws-auth is deleted.
    let selected = format!("{collection}?fieldSelector=metadata.name%3Dzebra");
    harness
        .kubectl(&["delete", "--raw", &selected])
        .says(0, &[]);
    // kubectl deletes the objects one by one and skips rejected ones.
    made("yak", "kube-system");
    harness
        .kubectl(&["delete", "configmap", "--all", "-n", "kube-system"])
        .says(1, &[DENIED]);
    harness
        .kubectl(&["get", "configmap", "yak", "-n", "kube-system"])
        .says(1, &["not found"]);
    harness.kubectl(&of("get", &[])).says(0, &[]);
    // With the annotation, all objects are deleted.
    harness
        .kubectl(&of("annotate", &["awsauth.dev/break-glass=moving house"]))
        .says(0, &[]);
    harness
        .kubectl(&["delete", "--raw", collection])
        .says(0, &[]);
    assert_eq!(
        harness.controller.reviews("other"),
        before,
        "the API server calls the webhook for nothing else"
    );
}
