//! Everybody's edits, however they come.

use serde_json::json;

use crate::guarded::{ADMIN, DENIED, DEV, Guarded, NODE, NODE_ROLE, THROUGH, WITH_PATH, configmap};

const AWS_AUTH: [&str; 4] = ["configmap", "aws-auth", "-n", "kube-system"];

/// kubectl's arguments about aws-auth.
fn of<'a>(verb: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[verb][..], &AWS_AUTH, more].concat()
}

#[test]
fn edits_are_judged_whoever_makes_them_and_however() {
    let guarded = Guarded::start();
    let all = [NODE, ADMIN, DEV].concat();
    let without_nodes = configmap(&[ADMIN, DEV].concat(), &json!({}));
    let loses_nodes = [
        DENIED,
        "refused (node-guard): nodes sign in with",
        "hint: if that is meant: kubectl awsauth edit --allow-node-entry",
    ];

    // What loses something is refused, by every verb.
    guarded.replace(&[ADMIN, DEV], None).says(1, &loses_nodes);
    guarded
        .fed(&["apply", "-f", "-"], &without_nodes)
        .says(1, &loses_nodes);
    guarded
        .fed(
            &["apply", "-f", "-", "--server-side", "--force-conflicts"],
            &without_nodes,
        )
        .says(1, &loses_nodes);
    let broken = json!({"data": {"mapRoles": "- rolearn: ["}}).to_string();
    guarded
        .kubectl(&of("patch", &["--type=merge", "-p", &broken]))
        .says(1, &[DENIED, "S04 yaml-syntax-error"]);
    let emptied = json!({"data": {"mapRoles": null}}).to_string();
    guarded
        .kubectl(&of("patch", &["--type=merge", "-p", &emptied]))
        .says(1, &[DENIED, "node-guard", "Warning: mass-removal: 3 of 3"]);
    guarded
        .kubectl(&of("delete", &[]))
        .says(1, &[DENIED, "node-guard", "kubectl awsauth unmap role ARN"]);
    guarded
        .replace(&[NODE, ADMIN, DEV, WITH_PATH], None)
        .says(1, &[DENIED, "R03 role-path", "leave the path out"]);
    let editor = "sed -i s/system:bootstrappers/nobody/";
    let mut command = guarded.cluster.kubectl_command();
    command
        .args(of("edit", &[]))
        .env("KUBE_EDITOR", editor)
        .env("PATH", "/usr/bin:/bin");
    crate::support::run::Run::of(&mut command)
        .says(1, &[DENIED, "with another username or fewer groups"]);
    assert_eq!(guarded.roles(), all);

    // Dry runs are told the same, and lose nothing.
    guarded
        .kubectl(&of("delete", &["--dry-run=server"]))
        .says(1, &[DENIED]);
    guarded
        .fed(&["apply", "-f", "-", "--dry-run=server"], &without_nodes)
        .says(1, &loses_nodes);
    guarded.replace(&[NODE, ADMIN], None).says(0, &[]);
    assert!(guarded.guard.reviews("denied") >= 10.0);

    // What is worth knowing is a warning.
    let other = ADMIN.replace("/admin", "/other");
    guarded.replace(&[NODE, ADMIN, &other], None).says(
        0,
        &["Warning: arn:aws:iam::111122223333:role/other becomes cluster admin by group system:masters"],
    );

    // A service account that may do everything is nobody who could sign in; the cluster's creator is.
    guarded.put(&[NODE, ADMIN]);
    let robot = "system:serviceaccount:ci:robot";
    guarded
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
    guarded.replace(&[NODE], Some(robot)).says(
        1,
        &[
            DENIED,
            "refused (last-admin)",
            "map another administrator first",
        ],
    );
    guarded.replace(&[NODE], None).says(0, &[]);
}

#[test]
fn who_may_is_let_through_and_that_is_on_record() {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "admission:\n  breakGlass: {groups: [oncall]}\nprotect:\n  arns: [\"arn:aws:iam::111122223333:role/dev\"]\n").unwrap();
    let guarded = Guarded::start_with(&[
        "--config",
        config.path().to_str().unwrap(),
        "--log-format",
        "json",
    ]);

    // EKS takes out the entry of a node group that it deletes.
    guarded
        .replace(&[ADMIN, DEV], Some("somebody"))
        .says(1, &[DENIED]);
    guarded
        .replace(&[ADMIN, DEV], Some("eks:node-manager"))
        .says(0, &[THROUGH]);
    assert_eq!(guarded.roles(), [ADMIN, DEV].concat());
    guarded.put(&[NODE, ADMIN, DEV]);

    // A group.
    let oncall = ["replace", "-f", "-", "--as", "somebody", "--as-group"];
    let without_nodes = configmap(&[ADMIN, DEV].concat(), &json!({}));
    guarded
        .fed(&[&oncall[..], &["devs"]].concat(), &without_nodes)
        .says(1, &[DENIED]);
    guarded
        .fed(&[&oncall[..], &["oncall"]].concat(), &without_nodes)
        .says(0, &[THROUGH]);
    guarded.put(&[NODE, ADMIN, DEV]);

    // The annotation: set before, or by the edit itself; it is warned of as long as it stands.
    guarded
        .kubectl(&of(
            "annotate",
            &["awsauth.dev/break-glass=the house is on fire"],
        ))
        .says(0, &["Warning: aws-auth is not guarded"]);
    let people = [ADMIN, DEV].concat();
    let patch = json!({"data": {"mapRoles": people}}).to_string();
    guarded
        .kubectl(&of("patch", &["--type=merge", "-p", &patch]))
        .says(0, &[THROUGH, "Warning: aws-auth is not guarded"]);
    guarded.kubectl(&of("delete", &[])).says(
        0,
        &["Warning: let through by awsauth (protected): the configuration"],
    );
    guarded
        .fed(
            &["create", "-f", "-"],
            &configmap(WITH_PATH, &json!({"awsauth.dev/break-glass": ""})),
        )
        .says(1, &[DENIED]);
    guarded.put(&[NODE, ADMIN, DEV]);

    // awsauth's own commands are asked once: by themselves.
    let unmap = ["unmap", "role", NODE_ROLE];
    guarded.awsauth(&unmap).says(4, &["refused (node-guard)"]);
    guarded
        .awsauth(&[&unmap[..], &["--allow-node-entry", NODE_ROLE]].concat())
        .says(0, &[]);
    assert_eq!(guarded.roles(), [ADMIN, DEV].concat());
    // But of what the configuration protects they know nothing.
    let dev = "arn:aws:iam::111122223333:role/dev";
    guarded.awsauth(&["unmap", "role", dev]).says(
        4,
        &[
            "refused (protected): the configuration of awsauth-controller protects the entry of",
            "awsauth.dev/break-glass=REASON",
        ],
    );
    guarded
        .awsauth(&["map", "role", dev, "--add-group", "more"])
        .says(0, &[]);

    let log = guarded.guard.log();
    for said in [
        r#""verdict":"warn-only","user":"eks:node-manager""#,
        r#""why":"oncall""#,
        r#""why":"the house is on fire""#,
        r#""verdict":"command","user":"admin","by":"awsauth""#,
        r#""verdict":"denied","user":"somebody""#,
    ] {
        assert!(log.contains(said), "{said} in {log}");
    }
    for verdict in ["warn-only", "break-glass", "command", "denied", "probe"] {
        assert!(guarded.guard.reviews(verdict) >= 1.0, "{verdict}");
    }
}

#[test]
fn other_objects_are_left_alone_and_a_collection_stops_at_aws_auth() {
    let guarded = Guarded::start();
    let before = guarded.guard.reviews("other");
    let others = [
        "create",
        "configmap",
        "--from-literal=mapRoles=- rolearn: [",
    ];
    let made = |name: &str, namespace: &str| {
        guarded
            .kubectl(&[&others[..], &[name, "-n", namespace]].concat())
            .says(0, &[]);
    };
    made("aws-auth", "default");
    made("another", "kube-system");
    made("zebra", "kube-system");
    guarded
        .kubectl(&["delete", "configmap", "aws-auth", "-n", "default"])
        .says(0, &[]);

    // A collection is deleted object by object, in the order of names: what comes before aws-auth is gone, the rest stays.
    let collection = "/api/v1/namespaces/kube-system/configmaps";
    let dry = format!("{collection}?dryRun=All");
    guarded
        .kubectl(&["delete", "--raw", &dry])
        .says(1, &[DENIED]);
    guarded
        .kubectl(&["delete", "--raw", collection])
        .says(1, &[DENIED]);
    let left = guarded
        .kubectl(&["get", "configmaps", "-n", "kube-system", "-o", "name"])
        .stdout;
    assert!(left.contains("configmap/aws-auth\n"), "{left}");
    assert!(left.contains("configmap/zebra\n"), "{left}");
    assert!(!left.contains("configmap/another\n"), "{left}");
    // Without aws-auth among them, they go.
    let selected = format!("{collection}?fieldSelector=metadata.name%3Dzebra");
    guarded
        .kubectl(&["delete", "--raw", &selected])
        .says(0, &[]);
    // kubectl goes through them by itself, and leaves what it is refused.
    made("yak", "kube-system");
    guarded
        .kubectl(&["delete", "configmap", "--all", "-n", "kube-system"])
        .says(1, &[DENIED]);
    guarded
        .kubectl(&["get", "configmap", "yak", "-n", "kube-system"])
        .says(1, &["not found"]);
    guarded.kubectl(&of("get", &[])).says(0, &[]);
    // All of them, with the annotation.
    guarded
        .kubectl(&of("annotate", &["awsauth.dev/break-glass=moving house"]))
        .says(0, &[]);
    guarded
        .kubectl(&["delete", "--raw", collection])
        .says(0, &[]);
    assert_eq!(
        guarded.guard.reviews("other"),
        before,
        "the API server asks about nothing else"
    );
}
