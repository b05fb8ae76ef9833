//! The policy awsauth-guard: what it denies of aws-auth, and what it lets through.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::site::{DEVELOPER, NODE, Site, aws_auth};
use crate::support::run::Run;

const DELETED: &str = "without aws-auth nobody but the cluster's creator signs in";
const EMPTIED: &str = "mapRoles of aws-auth would hold no entry any more";
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

/// aws-auth with the annotation that lets through what is meant.
fn excused(map_roles: &str, reason: &str) -> Value {
    let mut object = aws_auth(map_roles);
    object["metadata"]["annotations"]["awsauth.dev/break-glass"] = reason.into();
    object
}

#[test]
fn a_deletion_is_denied() {
    let site = Site::start();
    site.put(&format!("{NODE}{DEVELOPER}"));
    denied(&site.delete(&[]), DELETED);
    denied(
        &site.delete(&["--as=tool", "--as-group=system:masters"]),
        DELETED,
    );
    // As a replacement that deletes first.
    let forced = site.attempt(
        &[],
        &["replace", "--force", "-f", "-"],
        Some(&aws_auth(NODE)),
    );
    denied(&forced, DELETED);
}

/// The request has no name.
#[test]
fn the_deletion_of_a_collection_is_denied() {
    let site = Site::start();
    site.put(NODE);
    let configmaps = "/api/v1/namespaces/kube-system/configmaps";
    for path in [
        format!("{configmaps}?fieldSelector=metadata.name%3Daws-auth"),
        format!("{configmaps}?dryRun=All"),
    ] {
        denied(
            &site.attempt(&[], &["delete", "--raw", &path], None),
            DELETED,
        );
    }
    site.cluster
        .kubectl(&["get", "configmap", "aws-auth", "-n", "kube-system"]);
}

#[test]
fn map_roles_can_not_be_emptied() {
    let site = Site::start();
    site.put(DEVELOPER);
    for emptied in [
        "",
        "[]\n",
        "# nobody\n",
        "# - rolearn: arn:aws:iam::111122223333:role/developer\n",
    ] {
        denied(&site.replace(&[], &aws_auth(emptied)), EMPTIED);
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
        site.attempt(
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
fn a_node_entry_can_not_be_lost() {
    let site = Site::start();
    let other = NODE.replace("role/node", "role/other-node");
    site.put(&format!("{NODE}{DEVELOPER}{other}"));
    let both = |nodes: &str| format!("{nodes}{DEVELOPER}{other}");
    let cases = [
        DEVELOPER.to_owned(),
        // One of two.
        format!("{DEVELOPER}{NODE}"),
        both(&NODE.replace("- role", "#- role").replace("  ", "#  ")),
        both(&NODE.replace("system:bootstrappers, ", "")),
        both(&NODE.replace("[system:b", "[] # [system:b")),
        both(&NODE.replace("system:node:{{EC2PrivateDNSName}}", "node")),
    ];
    for case in cases {
        denied(&site.replace(&[], &aws_auth(&case)), NODE_LOST);
    }
}

#[test]
fn everything_else_is_let_through() {
    let site = Site::start();
    site.put(&format!("{NODE}{DEVELOPER}"));
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
        site.replace(&[], &aws_auth(&allowed)).says(0, &[]);
    }
    // Not aws-auth.
    let mut other = aws_auth("[]");
    other["metadata"]["name"] = "another".into();
    site.attempt(&[], &["apply", "-f", "-"], Some(&other))
        .says(0, &[]);
    site.cluster
        .kubectl(&["delete", "configmap", "another", "-n", "kube-system"]);
}

/// The controller's forbidden edit, with which it sees whether its webhook is asked: were it denied here, it would never know.
#[test]
fn the_probe_of_the_webhook_is_none_of_its_business() {
    let site = Site::start();
    site.put(&format!("{NODE}{DEVELOPER}"));
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
    site.attempt(&[], &args, Some(&probe)).says(0, &[]);
}

#[test]
fn an_aws_auth_without_entries_can_be_written() {
    let site = Site::start();
    site.put("[]\n");
    site.replace(&[], &aws_auth("")).says(0, &[]);
    site.replace(&[], &aws_auth(DEVELOPER)).says(0, &[]);
}

#[test]
fn eks_does_what_it_has_to() {
    let site = Site::start();
    site.put(&format!("{NODE}{DEVELOPER}"));
    site.replace(EKS, &aws_auth(DEVELOPER)).says(0, &[]);
    site.delete(EKS).says(0, &[]);
}

/// Its own guards have judged what it writes; it never deletes.
#[test]
fn awsauth_has_its_own_guards() {
    let site = Site::start();
    site.put(&format!("{NODE}{DEVELOPER}"));
    for manager in ["awsauth", "awsauth-controller"] {
        let args = [
            "replace",
            "--dry-run=server",
            "-f",
            "-",
            "--field-manager",
            manager,
        ];
        site.attempt(&[], &args, Some(&aws_auth(DEVELOPER)))
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
        &site.attempt(&[], &args, Some(&aws_auth(DEVELOPER))),
        NODE_LOST,
    );
}

#[test]
fn whoever_breaks_the_glass_is_let_through() {
    let site = Site::start();
    site.put(&format!("{NODE}{DEVELOPER}"));
    site.replace(BREAK_GLASS, &aws_auth("[]")).says(0, &[]);
    site.delete(BREAK_GLASS).says(0, &[]);
    site.replace(&[], &excused("[]", "moved to access entries"))
        .says(0, &[]);
    denied(&site.replace(&[], &excused("[]", "")), EMPTIED);

    // A deletion has no object: the one that is there says it, as the message told.
    let told = site.delete(&[]).stderr;
    let hint = told.split("kubectl annotate ").nth(1).unwrap().trim();
    let hint = hint.replace("REASON", "moved");
    let mut args = vec!["annotate"];
    args.extend(hint.split(' '));
    site.attempt(&[], &args, None).says(0, &[]);
    site.delete(&[]).says(0, &[]);
}

/// The API server limits what a policy may cost, and denies what costs more.
#[test]
fn the_largest_aws_auth_is_not_too_dear() {
    let site = Site::start();
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
        site.put(&text);
        let mut changed = text.clone();
        changed.truncate(text.len() - 100);
        write!(changed, "\n{DEVELOPER}").unwrap();
        if !text.ends_with("nodes]\n") {
            site.replace(&[], &aws_auth(&changed)).says(0, &[]);
        }
        denied(&site.replace(&[], &aws_auth(&text[NODE.len()..])), "");
        denied(&site.replace(&[], &aws_auth("")), EMPTIED);
    }
}
