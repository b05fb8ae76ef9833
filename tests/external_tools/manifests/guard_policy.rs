//! The policy awsauth-guard: which changes to aws-auth it denies.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::manifests::cluster_with_manifests::{DEVELOPER, Harness, NODE, aws_auth};
use crate::support::completed_run::Run;

const DELETED: &str = "without aws-auth, only the creator of the cluster can sign in";
const EMPTIED: &str = "mapRoles of aws-auth would have no entry left";
const NODE_LOST: &str = "aws-auth would lose a node entry";
const EKS: &[&str] = &["--as=eks:node-manager", "--as-group=system:masters"];
const BREAK_GLASS: &[&str] = &[
    "--as=oncall",
    "--as-group=system:masters",
    "--as-group=awsauth:break-glass",
];

#[track_caller]
fn denied(run: &Run, why: &str) {
    run.says(1, &["ValidatingAdmissionPolicy 'awsauth-guard'", why]);
}

/// Returns an aws-auth with the break-glass annotation.
fn with_break_glass(map_roles: &str, reason: &str) -> Value {
    let mut object = aws_auth(map_roles);
    object["metadata"]["annotations"]["awsauth.dev/break-glass"] = reason.into();
    object
}

#[test]
fn policy_denies_deletion() {
    let harness = Harness::start();
    harness.put(&format!("{NODE}{DEVELOPER}"));
    denied(&harness.delete(&[]), DELETED);
    denied(
        &harness.delete(&["--as=tool", "--as-group=system:masters"]),
        DELETED,
    );
    // A replacement that deletes first is denied, too.
    let forced = harness.kubectl(
        &[],
        &["replace", "--force", "-f", "-"],
        Some(&aws_auth(NODE)),
    );
    denied(&forced, DELETED);
}

/// A deletecollection request has no name.
#[test]
fn policy_denies_collection_deletion() {
    let harness = Harness::start();
    harness.put(NODE);
    let configmaps = "/api/v1/namespaces/kube-system/configmaps";
    for path in [
        format!("{configmaps}?fieldSelector=metadata.name%3Daws-auth"),
        format!("{configmaps}?dryRun=All"),
    ] {
        denied(
            &harness.kubectl(&[], &["delete", "--raw", &path], None),
            DELETED,
        );
    }
    harness
        .cluster
        .kubectl(&["get", "configmap", "aws-auth", "-n", "kube-system"]);
}

#[test]
fn policy_denies_emptying_map_roles() {
    let harness = Harness::start();
    harness.put(DEVELOPER);
    for emptied in [
        "",
        "[]\n",
        "# nobody\n",
        "# - rolearn: arn:aws:iam::111122223333:role/developer\n",
    ] {
        denied(&harness.replace(&[], &aws_auth(emptied)), EMPTIED);
    }
    let patch = |patch| {
        let args = [
            "patch",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "--dry-run=server",
        ];
        harness.kubectl(
            &[],
            &[&args[..], &["--type=merge", "-p", patch]].concat(),
            None,
        )
    };
    denied(&patch(r#"{"data": {"mapRoles": null}}"#), EMPTIED);
    denied(&patch(r#"{"data": null}"#), EMPTIED);
    patch(r#"{"data": {"mapUsers": "[]"}}"#).says(0, &[]);
}

#[test]
fn policy_denies_removing_a_node_entry() {
    let harness = Harness::start();
    let other = NODE.replace("role/node", "role/other-node");
    harness.put(&format!("{NODE}{DEVELOPER}{other}"));
    let both = |nodes: &str| format!("{nodes}{DEVELOPER}{other}");
    let cases = [
        DEVELOPER.to_owned(),
        // One of two node entries is removed.
        format!("{DEVELOPER}{NODE}"),
        both(&NODE.replace("- role", "#- role").replace("  ", "#  ")),
        both(&NODE.replace("system:bootstrappers, ", "")),
        both(&NODE.replace("[system:b", "[] # [system:b")),
        both(&NODE.replace("system:node:{{EC2PrivateDNSName}}", "node")),
    ];
    for case in cases {
        denied(&harness.replace(&[], &aws_auth(&case)), NODE_LOST);
    }
}

#[test]
fn policy_admits_other_changes() {
    let harness = Harness::start();
    harness.put(&format!("{NODE}{DEVELOPER}"));
    let third = DEVELOPER.replace("developer", "tester");
    for allowed in [
        NODE.to_owned(),
        format!("{NODE}{DEVELOPER}{third}"),
        format!("# ours\n{DEVELOPER}{NODE}"),
        NODE.replace("system:nodes", "system:nodes, eks:kube-proxy-windows"),
        format!(
            "{NODE}{DEVELOPER}{}",
            NODE.replace("role/node", "role/new-node")
        ),
    ] {
        harness.replace(&[], &aws_auth(&allowed)).says(0, &[]);
    }
    // ConfigMaps other than aws-auth are not guarded.
    let mut other = aws_auth("[]");
    other["metadata"]["name"] = "another".into();
    harness
        .kubectl(&[], &["apply", "-f", "-"], Some(&other))
        .says(0, &[]);
    harness
        .cluster
        .kubectl(&["delete", "configmap", "another", "-n", "kube-system"]);
}

/// The controller's forbidden test edit, which shows whether its webhook is called. If the policy denied it, the
/// controller could not detect whether its webhook is called.
#[test]
fn policy_admits_the_enforcement_check_of_the_webhook() {
    let harness = Harness::start();
    harness.put(&format!("{NODE}{DEVELOPER}"));
    let probe = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mAPaCCOUNTS": "[]\n"},
    });
    let args = [
        "apply",
        "--server-side",
        "--dry-run=server",
        "--field-manager=awsauth-admission-probe",
        "-f",
        "-",
    ];
    harness.kubectl(&[], &args, Some(&probe)).says(0, &[]);
}

#[test]
fn policy_admits_changes_of_an_empty_aws_auth() {
    let harness = Harness::start();
    harness.put("[]\n");
    harness.replace(&[], &aws_auth("")).says(0, &[]);
    harness.replace(&[], &aws_auth(DEVELOPER)).says(0, &[]);
}

#[test]
fn policy_admits_eks() {
    let harness = Harness::start();
    harness.put(&format!("{NODE}{DEVELOPER}"));
    harness.replace(EKS, &aws_auth(DEVELOPER)).says(0, &[]);
    harness.delete(EKS).says(0, &[]);
}

/// awsauth's own guards have already checked its writes. awsauth never deletes aws-auth.
#[test]
fn policy_admits_awsauth() {
    let harness = Harness::start();
    harness.put(&format!("{NODE}{DEVELOPER}"));
    for manager in ["awsauth", "awsauth-controller"] {
        let args = [
            "replace",
            "--dry-run=server",
            "-f",
            "-",
            "--field-manager",
            manager,
        ];
        harness
            .kubectl(&[], &args, Some(&aws_auth(DEVELOPER)))
            .says(0, &[]);
    }
    let args = [
        "replace",
        "--dry-run=server",
        "-f",
        "-",
        "--field-manager=awsauthor",
    ];
    denied(
        &harness.kubectl(&[], &args, Some(&aws_auth(DEVELOPER))),
        NODE_LOST,
    );
}

#[test]
fn policy_admits_the_break_glass_annotation() {
    let harness = Harness::start();
    harness.put(&format!("{NODE}{DEVELOPER}"));
    harness.replace(BREAK_GLASS, &aws_auth("[]")).says(0, &[]);
    harness.delete(BREAK_GLASS).says(0, &[]);
    harness
        .replace(&[], &with_break_glass("[]", "moved to access entries"))
        .says(0, &[]);
    denied(&harness.replace(&[], &with_break_glass("[]", "")), EMPTIED);

    // A deletion has no new object. The stored one has the annotation, as the message states.
    let reported = harness.delete(&[]).stderr;
    let hint = reported.split("kubectl annotate ").nth(1).unwrap().trim();
    let hint = hint.replace("REASON", "moved");
    let mut args = vec!["annotate"];
    args.extend(hint.split(' '));
    harness.kubectl(&[], &args, None).says(0, &[]);
    harness.delete(&[]).says(0, &[]);
}

/// The API server limits the cost of a policy, and denies requests that exceed it.
#[test]
fn policy_cost_allows_the_largest_aws_auth() {
    let harness = Harness::start();
    let filled = |of: &dyn Fn(usize) -> String| {
        let mut text = NODE.to_owned();
        for number in 0.. {
            let entry = of(number);
            if text.len() + entry.len() > 1_048_000 {
                break;
            }
            text.push_str(&entry);
        }
        text
    };
    let texts = [
        filled(&|number| DEVELOPER.replace("developer", &format!("d{number}"))),
        filled(&|number| NODE.replace("role/node", &format!("role/node{number}"))),
        filled(&|number| format!("# - rolearn: arn:aws:iam::111122223333:role/r{number}\n")),
        filled(&|_| "\n".to_owned()),
        filled(&|_| "#".to_owned()),
    ];
    for text in texts {
        harness.put(&text);
        let mut changed = text.clone();
        changed.truncate(text.len() - 100);
        write!(changed, "\n{DEVELOPER}").unwrap();
        if !text.ends_with("nodes]\n") {
            harness.replace(&[], &aws_auth(&changed)).says(0, &[]);
        }
        denied(&harness.replace(&[], &aws_auth(&text[NODE.len()..])), "");
        denied(&harness.replace(&[], &aws_auth("")), EMPTIED);
    }
}
