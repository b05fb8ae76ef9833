//! Plans of `migrate` with the facts of EKS and IAM.

use std::process::Command;

use serde_json::{Value, json};

use crate::eks_cluster::access_entries::{put, world};
use crate::eks_cluster::cluster_name::{CREATOR_SESSION, eks, holding, on, with_cluster};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE_SESSION};
use crate::support::cfn_lint::cfn_lint;
use crate::support::completed_run::Run;
use crate::support::moto::Moto;

/// IAM with all roles that aws-auth names but `gone`.
fn iam() -> Moto {
    let statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}});
    let trust = json!({"Version": "2012-10-17", "Statement": [statement]});
    let roles = json!({"mytestrole": trust, "team/dev": trust, "nodes": trust});
    Moto::start(&[&json!({"account": "111122223333", "roles": roles}).to_string()])
}

/// Returns the name and the verdict of each entry, and each command without its first words.
fn found(run: &Run) -> (Vec<String>, Vec<String>) {
    let plan = run.json();
    let list = |key: &str| plan[key].as_array().expect("a list").clone();
    let name = |arn: &Value| {
        arn.as_str()
            .unwrap_or_default()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let verdicts = list("entries").into_iter().map(|entry| {
        let verdict = entry["verdict"].as_str().expect("a verdict").to_owned();
        format!("{} {verdict}", name(&entry["principal"]))
    });
    let operations = list("operations").into_iter().map(|operation| {
        let command = operation["command"].as_str().expect("a command");
        let words: Vec<&str> = command.split(' ').collect();
        match words[0] {
            "kubectl" => words[..4].join(" "),
            _ => format!(
                "{} {}",
                words[2],
                operation["principalArn"].as_str().unwrap_or_default()
            ),
        }
    });
    (verdicts.collect(), operations.collect())
}

#[test]
fn migrate_compares_existing_access_entries() {
    let session = ExclusiveCluster::start();
    let iam = iam();
    let service = eks(&session, &world("API_AND_CONFIG_MAP", &json!({})));
    let ci = holding(&session, service, CREATOR_SESSION).with("AWS_ENDPOINT_URL_IAM", iam.url());
    put(&session);
    let migrate = |args: &[&str]| on(&session, &ci, &[&["migrate"], args].concat());
    let run = migrate(&["-o", "json"]);
    assert_eq!((run.status, run.stderr.as_str()), (1, ""), "{run:?}");
    let verdicts = [
        "mytestrole sameRightsOtherWay",
        "dev conflict",
        "nodes alreadyThere",
    ];
    let operations = [
        "kubectl create clusterrolebinding awsauth:cluster-admins",
        "create-access-entry arn:aws:iam::111122223333:role/mytestrole",
    ];
    assert_eq!(
        found(&run),
        (
            verdicts.map(str::to_owned).to_vec(),
            operations.map(str::to_owned).to_vec()
        )
    );
    assert_eq!(run.json()["unchecked"], json!([]), "all is known");
    assert_eq!(
        run.json()["entries"][1]["differences"],
        json!([
            "the username is dev in aws-auth, and arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}} in the access entry",
            "only aws-auth gives the groups ops",
            "only the access entry gives the groups devs",
            "the access entry has the access policy AmazonEKSViewPolicy in namespaces dev-*, web",
        ])
    );

    // The access entry of nodes exists.
    let form = migrate(&["--print", "terraform"]).stdout;
    let import = format!(
        "import {{\n  to = aws_eks_access_entry.role_nodes\n  id = \"{}:arn:aws:iam::111122223333:role/nodes\"\n}}\n",
        crate::support::eks::NAME
    );
    assert!(form.contains(&import), "{form}");
    assert!(
        form.contains(
            "# Left out: arn:aws:iam::111122223333:role/dev: differs from the access entry\n"
        ),
        "{form}"
    );
    let template = migrate(&["--print", "cloudformation"]).stdout;
    assert!(
        template.contains("    DeletionPolicy: Retain\n"),
        "{template}"
    );
    assert_eq!(cfn_lint(&template), "", "{template}");
    let module = migrate(&["--print", "terraform-module"]).stdout;
    assert!(
        module.contains("to = module.eks.aws_eks_access_entry.this[\"role/nodes\"]"),
        "{module}"
    );
}

/// IAM's roles are of today.
#[test]
fn migrate_reports_access_entries_older_than_their_role() {
    let session = ExclusiveCluster::start();
    let iam = iam();
    let mut world = world("API_AND_CONFIG_MAP", &json!({}));
    for entry in world["entries"][crate::support::eks::NAME]
        .as_array_mut()
        .expect("entries")
    {
        entry["createdAt"] = json!(1_714_644_000);
    }
    let service = eks(&session, &world);
    let ci = holding(&session, service, CREATOR_SESSION).with("AWS_ENDPOINT_URL_IAM", iam.url());
    put(&session);
    let run = on(&session, &ci, &["migrate"]);
    assert_eq!((run.status, run.stderr.as_str()), (1, ""), "{run:?}");
    let details = "role/nodes: dead access entry\n  the access entry is older than its principal, which was deleted";
    assert!(run.stdout.contains(details), "{run:?}");
    let remedy = format!(
        "  to fix it: aws eks delete-access-entry --cluster-name {} --principal-arn arn:aws:iam::111122223333:role/nodes, then plan again\n",
        crate::support::eks::NAME
    );
    assert!(run.stdout.contains(&remedy), "{run:?}");
    let json = on(&session, &ci, &["migrate", "-o", "json"]).json();
    assert_eq!(json["entries"][2]["verdict"], "deadEntry");
    assert_eq!(json["summary"]["dead"], 2);
}

#[test]
fn migrate_changes_the_mode_first_and_the_caller_last() {
    let session = ExclusiveCluster::start();
    let iam = iam();
    let mode = json!({"accessConfig": {"authenticationMode": "CONFIG_MAP"}});
    let service = eks(&session, &with_cluster(&mode));
    let ci = holding(&session, service, MYTESTROLE_SESSION).with("AWS_ENDPOINT_URL_IAM", iam.url());
    let role = |name: &str, username: &str, groups: &[&str]| json!({"rolearn": format!("arn:aws:iam::111122223333:role/{name}"), "username": username, "groups": groups});
    let roles = json!([
        role("mytestrole", "admin", &["system:masters"]),
        role("dev", "dev", &["ops"]),
        role(
            "nodes",
            "system:node:{{EC2PrivateDNSName}}",
            &["system:bootstrappers", "system:nodes"]
        ),
        role("gone", "gone", &[]),
    ]);
    session.put(&json!({"mapRoles": roles.to_string()}));
    let run = on(&session, &ci, &["migrate", "-o", "json"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    let verdicts = [
        "mytestrole sameRightsOtherWay",
        "dev same",
        "nodes sameRightsOtherWay",
        "gone notMigrated",
    ];
    let operations = [
        "kubectl create clusterrolebinding awsauth:cluster-admins",
        "update-cluster-config ",
        "create-access-entry arn:aws:iam::111122223333:role/team/dev",
        "create-access-entry arn:aws:iam::111122223333:role/nodes",
        "create-access-entry arn:aws:iam::111122223333:role/mytestrole",
    ];
    assert_eq!(
        found(&run),
        (
            verdicts.map(str::to_owned).to_vec(),
            operations.map(str::to_owned).to_vec()
        )
    );

    let script = on(&session, &ci, &["migrate", "--print", "aws-cli"]).stdout;
    let name = crate::support::eks::NAME;
    let parts = [
        "export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\nkubectl create clusterrolebinding ".to_owned(),
        format!("aws eks update-cluster-config --name {name} --access-config authenticationMode=API_AND_CONFIG_MAP\ntries=0\n"),
        format!("done\naws eks wait cluster-active --name {name}\naws eks create-access-entry "),
    ];
    for part in parts {
        assert!(script.contains(&part), "no {part} in {script}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("migrate.sh");
    std::fs::write(&path, &script).expect("a script");
    let syntax = Run::of(Command::new("sh").arg("-n").arg(&path));
    assert_eq!((syntax.status, syntax.stderr.as_str()), (0, ""), "{script}");

    let old = json!({"accessConfig": {"authenticationMode": "CONFIG_MAP"}, "version": "1.29", "platformVersion": "eks.0"});
    eks(&session, &with_cluster(&old));
    let run = on(&session, &ci, &["migrate"]);
    run.says(
        4,
        &["Nothing can be migrated: Kubernetes 1.29 with the platform version eks.0 has no access entries.\nhint: upgrade the cluster\n"],
    );
    assert!(!run.stdout.contains("Operations"), "{run:?}");
}

#[test]
fn migrate_reports_what_eks_does_not_return() {
    let session = ExclusiveCluster::start();
    let why = "User: x is not authorized to perform: eks:ListAccessEntries";
    let denied = json!({"ListAccessEntries": why});
    let service = eks(&session, &world("API_AND_CONFIG_MAP", &denied));
    let ci = holding(&session, service, CREATOR_SESSION);
    put(&session);
    let run = on(&session, &ci, &["migrate"]);
    run.says(0, &["eks:ListAccessEntries"]);
    assert!(
        run.stdout
            .contains("  The existing access entries: a principal may have one.\n"),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("  The existence and the IAM path of "),
        "{run:?}"
    );
}
