//! `map sso`: finds the role of a permission set in IAM, which moto simulates, and replaces the entry of a deleted one.

use std::fs;

use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{CREATOR_SESSION, eks, holding, on};
use crate::eks_cluster::harness::ExclusiveCluster;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::moto::Moto;
use crate::support::simulated_aws::trusts_service;

const A: &str = "arn:aws:iam::111122223333:role";
const PATH: &str = "aws-reserved/sso.amazonaws.com/eu-west-1";

fn iam(names: &[&str], denied: &[&str]) -> Moto {
    let roles = names.iter().map(|name| {
        let trust = trusts_service("sso.amazonaws.com");
        (format!("{PATH}/AWSReservedSSO_{name}"), trust)
    });
    let roles: serde_json::Map<String, Value> = roles.collect();
    let world = json!({"account": "111122223333", "roles": roles, "denied": denied});
    Moto::start(&[&world.to_string()])
}

const SETS: [&str; 4] = [
    "Dev_fedcba9876543210",
    "Dev_ReadOnly_fedcba9876543210",
    "Twice_0123456789abcdef",
    "Twice_fedcba9876543210",
];

#[test]
fn role_of_a_permission_set_replaces_the_deleted_one() {
    let session = ExclusiveCluster::start();
    let service = eks(&session, &json!({}));
    let moto = iam(&SETS, &[]);
    let caller =
        holding(&session, service, CREATOR_SESSION).with("AWS_ENDPOINT_URL_IAM", moto.url());
    let old = format!(
        "# users\n- rolearn: {A}/AWSReservedSSO_Dev_0123456789abcdef\n  username: dev:{{{{SessionName}}}}\n  groups: [devs]\n\
         - rolearn: {A}/AWSReservedSSO_Dev_ReadOnly_0123456789abcdef\n  username: ro\n"
    );
    session.put(&json!({"mapRoles": old}));
    let run = on(&session, &caller, &["map", "sso", "Dev"]);
    run.says(
        0,
        &[&format!(
            "The role of Dev is {A}/{PATH}/AWSReservedSSO_Dev_fedcba9876543210.\n"
        )],
    );
    let stored = session.cluster.kubectl(&[
        "get",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "-o",
        "jsonpath={.data.mapRoles}",
    ]);
    assert!(
        !stored.contains("AWSReservedSSO_Dev_0123456789abcdef"),
        "{stored}"
    );
    let entries = on(&session, &caller, &["get", "roles", "-o", "json"]).json();
    let entry = &entries["roles"][1];
    assert_eq!(
        (&entry["arn"], &entry["username"], &entry["groups"]),
        (
            &json!(format!("{A}/AWSReservedSSO_Dev_fedcba9876543210")),
            &json!("dev:{{SessionName}}"),
            &json!(["devs"]),
        )
    );
    on(&session, &caller, &["map", "sso", "Dev"]).says(0, &[]);
    session.done(&["undo"]);
    let restored = session.cluster.kubectl(&[
        "get",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "-o",
        "jsonpath={.data.mapRoles}",
    ]);
    assert!(
        restored.contains("AWSReservedSSO_Dev_0123456789abcdef"),
        "{restored}"
    );

    for (args, message, hint) in [
        (
            &["Twice"][..],
            "the permission set Twice has several roles: ",
            "map the intended role by its ARN",
        ),
        (
            &["dev"],
            "no role of the permission set dev exists in account 111122223333",
            "did you mean Dev?",
        ),
        (
            &["Dev", "--account", "444455556666"],
            "the AWS credentials are of account 111122223333, not of 444455556666",
            "--profile NAME",
        ),
        (
            &["Dev", "--account", "1"],
            "an AWS account id has twelve digits",
            "",
        ),
        (&["Dev", "--group", ""], "--group is empty", ""),
    ] {
        on(&session, &caller, &[&["map", "sso"], args].concat()).says(2, &[message, hint]);
    }
    // The options change what the new entry takes over, as for a role.
    let adjust = [
        "map",
        "sso",
        "Dev",
        "--add-group",
        "ops",
        "--remove-group",
        "devs",
    ];
    on(&session, &caller, &adjust).says(0, &[]);
    let entries = on(&session, &caller, &["get", "roles", "-o", "json"]).json();
    assert_eq!(entries["roles"][1]["username"], "dev:{{SessionName}}");
    assert_eq!(entries["roles"][1]["groups"], json!(["ops"]));
    on(
        &session,
        &caller,
        &["map", "sso", "Dev", "--policy", "view"],
    )
    .says(2, &["only access entries have access policies"]);
    // A new mapping needs a username.
    on(
        &session,
        &caller,
        &["map", "sso", "Dev_ReadOnly", "--account", "111122223333"],
    )
    .says(0, &[]);

    let refusing = iam(&SETS, &["list_roles"]);
    let denied = caller.clone().with("AWS_ENDPOINT_URL_IAM", refusing.url());
    on(&session, &denied, &["map", "sso", "Dev"]).says(
        3,
        &[
            "cannot find the role of the permission set Dev: iam:ListRoles: AccessDenied",
            "\"Action\":\"iam:ListRoles\"",
            "or map the role by its ARN",
        ],
    );
}

#[test]
fn access_file_maps_the_role_of_a_permission_set() {
    let session = ExclusiveCluster::start();
    let service = eks(&session, &json!({}));
    let moto = iam(&SETS, &[]);
    let caller =
        holding(&session, service, CREATOR_SESSION).with("AWS_ENDPOINT_URL_IAM", moto.url());
    let old = format!(
        "- rolearn: {A}/AWSReservedSSO_Dev_0123456789abcdef\n  username: old\n  groups: [devs]\n\
         - rolearn: {A}/AWSReservedSSO_Dev_ReadOnly_0123456789abcdef\n  username: ro\n"
    );
    session.put(&json!({"mapRoles": old}));
    let file = session.cluster.folder().join("access.yaml");
    let path = file.to_str().unwrap();
    let write = |grant: &str| {
        let text = format!("apiVersion: awsauth.dev/v1beta1\nkind: Access\ngrants:\n{grant}\n");
        fs::write(&file, text).unwrap();
    };
    write("- {sso: Dev, username: 'dev:{{SessionName}}', groups: [ops]}");
    let diff = on(&session, &caller, &["diff", path]);
    diff.says(1, &[]);
    for line in [
        "-- rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef\n",
        "+- rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_fedcba9876543210\n",
    ] {
        assert!(diff.stdout.contains(line), "{line}{diff:?}");
    }
    let apply = ["apply", "-f", path, "--owner", "team-a", "--prune"];
    on(&session, &caller, &apply).says(
        0,
        &[&format!(
            "The role of Dev is {A}/{PATH}/AWSReservedSSO_Dev_fedcba9876543210.\n"
        )],
    );
    let entries = on(&session, &caller, &["get", "roles", "-o", "json"]).json();
    let entries = entries["roles"].as_array().unwrap();
    let found = entries.iter().map(|entry| &entry["arn"]);
    let name = |name: &str| json!(format!("{A}/AWSReservedSSO_{name}"));
    assert_eq!(
        found.collect::<Vec<_>>(),
        [
            &name("Dev_ReadOnly_0123456789abcdef"),
            &name("Dev_fedcba9876543210")
        ]
    );
    assert_eq!(entries[1]["username"], "dev:{{SessionName}}");
    assert_eq!(entries[1]["groups"], json!(["ops"]));
    let again = on(&session, &caller, &apply);
    again.says(0, &[]);
    assert!(again.stdout.contains("unchanged"), "{again:?}");

    for (grant, message) in [
        (
            "- {sso: Twice}",
            "access.yaml:4: the permission set Twice has several roles: ",
        ),
        (
            "- {sso: Dev, account: '444455556666'}",
            "access.yaml:4: the AWS credentials are of account 111122223333, not of 444455556666",
        ),
    ] {
        write(grant);
        on(&session, &caller, &["apply", "-f", path]).says(2, &[message]);
    }
}

/// The contents of an access entry.
fn entry(arn: &str, groups: &[&str], policies: &[&str]) -> Value {
    let policies = policies.iter().map(|name| {
        let arn = format!("arn:aws:eks::aws:cluster-access-policy/{name}");
        json!({"policyArn": arn, "accessScope": {"type": "namespace", "namespaces": ["shop"]}})
    });
    json!({
        "principalArn": arn, "type": "STANDARD", "username": "dev:{{SessionName}}", "kubernetesGroups": groups,
        "policies": policies.collect::<Vec<_>>(), "createdAt": 1_600_000_000,
    })
}

#[test]
fn access_entry_of_a_deleted_role_is_replaced() {
    const VIEW: &str = "AmazonEKSViewPolicy";
    let role = |name: &str| format!("{A}/{PATH}/AWSReservedSSO_{name}");
    let (old, new) = (role("Dev_0123456789abcdef"), role("Dev_fedcba9876543210"));
    let other = role("Dev_ReadOnly_0123456789abcdef");
    for mode in ["API", "API_AND_CONFIG_MAP"] {
        let session = ExclusiveCluster::with_access_entries();
        let sso = [
            entry(&other, &[], &[]),
            entry(&old, &["devs", "ops"], &[VIEW]),
        ];
        let creator = json!({
            "principalArn": eks::CREATOR, "type": "STANDARD", "username": "kubernetes-admin",
            "kubernetesGroups": ["system:masters"],
        });
        let world = json!({
            "clusters": {eks::NAME: {"accessConfig": {"authenticationMode": mode}}},
            "entries": {eks::NAME: [creator, sso[0], sso[1]]},
        });
        let service = eks(&session, &world);
        let moto = iam(&SETS, &[]);
        let caller =
            holding(&session, service, CREATOR_SESSION).with("AWS_ENDPOINT_URL_IAM", moto.url());
        session.put(&json!({"mapRoles": "[]"}));
        let found = || -> Vec<Value> {
            let mut state = service.state();
            let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
            let ours = entries.drain(..).skip(1);
            ours.filter(|entry| entry["principalArn"] != other)
                .collect()
        };
        let restore = || {
            let mut state = service.state();
            let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
            entries.retain(|entry| entry["principalArn"] != new);
            entries.push(sso[1].clone());
            service.set(&state);
        };
        let map = |args: &[&str]| on(&session, &caller, &[&["map", "sso", "Dev"], args].concat());

        // An undo restores the entry of a deleted role only if the role exists again.
        let undo = |iam: &Moto| {
            let caller = caller.clone().with("AWS_ENDPOINT_URL_IAM", iam.url());
            on(&session, &caller, &["undo", "--yes"])
        };
        map(&[]).says(0, &[]);
        let change = |groups: Value| {
            let mut state = service.state();
            let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
            let mut all = entries.iter_mut();
            all.find(|entry| entry["principalArn"] == new).unwrap()["kubernetesGroups"] = groups;
            service.set(&state);
        };
        let recreated = iam(&["Dev_0123456789abcdef"], &[]);
        change(json!(["devs", "ops", "more"]));
        undo(&recreated).says(4, &["has been changed since revision", "--whole"]);
        change(json!(["devs", "ops"]));
        undo(&recreated).says(0, &[]);
        let [entry] = found().try_into().unwrap();
        assert_eq!(entry["principalArn"], old, "{mode}");
        map(&[]).says(0, &[]);
        undo(&moto).says(
            0,
            &[&format!(
                "Not restored: the access entry of {old}, which does not exist in IAM"
            )],
        );
        assert_eq!(found(), [Value::Null; 0], "{mode}");
        restore();

        // Nothing but the role changes.
        map(&[]).says(0, &[]);
        let [entry] = found().try_into().unwrap();
        assert_eq!(entry["principalArn"], new, "{mode}");
        assert_eq!(entry["username"], "dev:{{SessionName}}");
        assert_eq!(entry["kubernetesGroups"], json!(["devs", "ops"]));
        assert_eq!(
            entry["policies"][0]["accessScope"]["namespaces"],
            json!(["shop"])
        );
        assert!(
            entry["policies"][0]["policyArn"]
                .as_str()
                .unwrap()
                .ends_with(VIEW)
        );
        let before = service.asked().len();
        map(&[]).says(0, &[]);
        let calls = service.asked().split_off(before);
        assert!(
            !calls
                .iter()
                .any(|call| call.contains("Create") || call.contains("Delete")),
            "{calls:?}"
        );
        restore();

        // The options change what the new entry takes over.
        map(&[
            "--add-group",
            "more",
            "--remove-group",
            "ops",
            "--remove-policy",
            "view",
            "--username",
            "d:{{SessionName}}",
        ])
        .says(0, &[]);
        let [entry] = found().try_into().unwrap();
        assert_eq!(entry["principalArn"], new);
        assert_eq!(entry["username"], "d:{{SessionName}}");
        assert_eq!(entry["kubernetesGroups"], json!(["devs", "more"]));
        assert_eq!(entry["policies"], json!([]));
        map(&["--policy", "edit"]).says(0, &[]);
        let [entry] = found().try_into().unwrap();
        assert!(
            entry["policies"][0]["policyArn"]
                .as_str()
                .unwrap()
                .ends_with("AmazonEKSEditPolicy")
        );

        // A file states everything, so nothing is taken over. The owner's old entry is replaced once, not pruned, too.
        restore();
        let file = session.cluster.folder().join("access.yaml");
        fs::write(&file, "apiVersion: awsauth.dev/v1beta1\nkind: Access\ngrants:\n- {sso: Dev, groups: [ops], policies: [view]}\n").unwrap();
        let apply = [
            "apply",
            "-f",
            file.to_str().unwrap(),
            "--owner",
            "team-a",
            "--prune",
        ];
        on(&session, &caller, &apply).says(0, &[]);
        let [entry] = found().try_into().unwrap();
        assert_eq!(entry["principalArn"], new, "{mode}");
        assert_eq!(
            entry["username"],
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_fedcba9876543210/{{SessionName}}"
        );
        assert_eq!(entry["kubernetesGroups"], json!(["ops"]));
        assert_eq!(entry["policies"][0]["accessScope"]["type"], "cluster");
        let aws_auth = session.api.object();
        assert_eq!(aws_auth["data"]["mapRoles"], "[]", "{mode}");
    }
}

#[test]
fn manifest_gets_the_role_that_the_aws_credentials_see() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("aws-auth.yaml");
    fs::write(&file, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: |\n    []\n").unwrap();
    let session = ExclusiveCluster::start();
    let moto = iam(&SETS, &[]);
    let environment = Environment::new(folder.path())
        .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "x")
        .with("AWS_ENDPOINT_URL_IAM", moto.url());
    let path = file.display().to_string();
    let run = session.awsauth(
        &environment,
        &[
            "map",
            "sso",
            "Dev_ReadOnly",
            "--username",
            "ro",
            "--file",
            &path,
        ],
    );
    run.says(0, &[]);
    let written = fs::read_to_string(&file).unwrap();
    assert!(
        written.contains(&format!(
            "rolearn: {A}/AWSReservedSSO_Dev_ReadOnly_fedcba9876543210\n"
        )),
        "{written}"
    );
    let run = session.awsauth(&environment, &["map", "sso", "Dev", "--file", &path]);
    run.says(2, &["username"]);
}
