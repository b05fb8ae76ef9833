//! The CustomResourceDefinition of AwsAuthMapping: validation and printer columns.

use std::process::Command;

use serde_json::{Value, json};

use crate::controller::harness::{Harness, awsauth, developer, mapping, role};
use crate::support::cluster::Cluster;
use crate::support::completed_run::Run;

#[test]
fn api_server_accepts_valid_specs_and_rejects_others() {
    let harness = Harness::new(Cluster::start());
    let user = |name: &str| format!("arn:aws:iam::111122223333:user/{name}");
    let long = |count: usize| vec!["g".repeat(253); count];
    for (index, spec) in [
        json!({"role": role("dev"), "username": "dev", "groups": ["developers"]}),
        json!({"role": role("team/a/dev"), "username": "{{SessionName}}"}),
        json!({"role": "arn:aws-us-gov:iam::111122223333:role/dev", "username": "dev", "groups": []}),
        json!({"user": user("people/ann"), "username": "ann", "groups": long(64)}),
        json!({"account": "111122223333", "deletionPolicy": "Retain", "driftPolicy": "Report"}),
        json!({"account": "111122223333", "expiresAt": "2027-01-31T18:00:00+01:00"}),
        json!({"account": "111122223333", "expiresAt": "2027-01-31t18:00:00.123456789z"}),
    ]
    .into_iter()
    .enumerate()
    {
        harness.apply(&mapping(&format!("good-{index}"), spec));
    }
    for (spec, why) in [
        (json!({}), "name exactly one of role, user, account and sso"),
        (json!({"username": "dev"}), "name exactly one of"),
        (
            json!({"role": role("dev"), "user": user("ann"), "username": "dev"}),
            "name exactly one of",
        ),
        (
            json!({"account": "111122223333", "username": "dev"}),
            "an account has neither username, groups nor policies",
        ),
        (
            json!({"account": "111122223333", "groups": ["developers"]}),
            "an account has neither username, groups nor policies",
        ),
        (json!({"account": "1111"}), "spec.account"),
        (json!({"account": 111122223333_u64}), "spec.account"),
        (json!({"role": role("dev")}), "username is missing"),
        (
            json!({"role": role("dev"), "username": ""}),
            "spec.username",
        ),
        (
            json!({"role": user("ann"), "username": "ann"}),
            "role is the ARN of an IAM role",
        ),
        (
            json!({"role": "arn:aws:sts::111122223333:assumed-role/dev/session", "username": "dev"}),
            "of assumed-role/NAME/SESSION, it is role/NAME",
        ),
        (
            json!({"user": role("dev"), "username": "dev"}),
            "user is the ARN of an IAM user",
        ),
        (
            json!({"role": role("dev"), "username": "dev", "groups": [""]}),
            "spec.groups[0]",
        ),
        (
            json!({"role": role("dev"), "username": "dev", "groups": long(65)}),
            "spec.groups",
        ),
        (
            json!({"role": role("dev"), "username": "dev", "deletionPolicy": "Orphan"}),
            "spec.deletionPolicy",
        ),
        (
            json!({"account": "111122223333", "expiresAt": "2027-01-31"}),
            "spec.expiresAt",
        ),
        (
            json!({"account": "111122223333", "expiresAt": "2027-01-31T18:00:00.1234567891Z"}),
            "spec.expiresAt",
        ),
        (
            json!({"account": "111122223333", "expiresAt": "2027-01-31T18:00:00ZtX"}),
            "spec.expiresAt",
        ),
        (
            json!({"account": "111122223333", "expiresAt": "2027-01-31T18:00:00+24:00"}),
            "spec.expiresAt",
        ),
        (
            json!({"account": "111122223333", "expiresAt": "2027-01-31T18:00:00Z", "deletionPolicy": "Retain"}),
            "expiresAt requires deletionPolicy Delete",
        ),
        (
            json!({"role": role("dev"), "username": "dev", "group": ["developers"]}),
            "unknown field \"spec.group\"",
        ),
    ] {
        let object = mapping("bad", spec.clone()).to_string();
        let mut command = harness.cluster.kubectl_command();
        let file = harness.cluster.folder().join("bad.json");
        std::fs::write(&file, object).unwrap();
        let run = Run::of(command.args(["create", "-f"]).arg(file));
        assert!(
            run.status != 0 && run.stderr.contains(why),
            "{spec}: {run:?}"
        );
    }
    users_cannot_set_the_status(&harness);
    printer_columns_show_objects(&harness);
    upgrade_keeps_stored_objects(&harness);
    let json = Run::of(
        Command::new(awsauth())
            .args(["crd", "-o", "json"])
            .env_clear(),
    )
    .json();
    let yaml = Run::of(Command::new(awsauth()).args(["crd"]).env_clear()).stdout;
    harness
        .cluster
        .kubectl_fed(&["apply", "--server-side", "-f", "-"], &yaml);
    assert_eq!(json["metadata"]["name"], "awsauthmappings.awsauth.dev");
    // JSON and YAML are the same object.
    let unchanged = harness
        .cluster
        .kubectl_fed(&["apply", "--server-side", "-f", "-"], &json.to_string());
    assert!(unchanged.contains("serverside-applied"), "{unchanged}");
}

fn users_cannot_set_the_status(harness: &Harness) {
    let mut object = developer("claims");
    object["status"] = json!({"entry": {"section": "mapRoles", "key": role("admin"), "username": "a", "groups": []}});
    harness.apply(&object);
    assert_eq!(harness.object("claims")["status"], Value::Null);
    let object = harness.object("claims");
    assert_eq!(object["spec"]["deletionPolicy"], "Delete");
    assert_eq!(object["spec"]["driftPolicy"], "Repair");
}

fn printer_columns_show_objects(harness: &Harness) {
    let shown = harness.cluster.kubectl(&["get", "aam", "-o", "wide"]);
    let mut lines = shown.lines();
    let head: Vec<_> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(
        head,
        [
            "NAME",
            "READY",
            "PRINCIPAL",
            "USERNAME",
            "GROUPS",
            "EXPIRES",
            "REASON",
            "AGE"
        ]
    );
    for (name, parts) in [
        (
            "claims",
            vec![role("claims"), "[\"developers\"]".to_owned()],
        ),
        ("good-4", vec!["111122223333".to_owned()]),
    ] {
        let line = shown.lines().find(|line| line.starts_with(name)).unwrap();
        for part in parts {
            assert!(line.contains(&part), "{shown}");
        }
    }
    let all = harness.cluster.kubectl(&["get", "awsauth", "-o", "name"]);
    assert!(all.contains("awsauthmapping.awsauth.dev/claims"), "{all}");
}

/// Replaces an older CustomResourceDefinition, without the newest fields and rules.
fn upgrade_keeps_stored_objects(harness: &Harness) {
    let crd = || {
        Run::of(
            Command::new(awsauth())
                .args(["crd", "-o", "json"])
                .env_clear(),
        )
        .json()
    };
    let mut older = crd();
    let schema = &mut older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
    schema["spec"]["properties"]
        .as_object_mut()
        .unwrap()
        .remove("driftPolicy");
    schema["spec"]
        .as_object_mut()
        .unwrap()
        .remove("x-kubernetes-validations");
    let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    harness.cluster.kubectl_fed(&apply, &older.to_string());
    // The older definition accepts this object.
    crate::controller::harness::eventually("the older definition is effective", || {
        let odd = mapping("odd", json!({"role": role("odd")})).to_string();
        let file = harness.cluster.folder().join("odd.json");
        std::fs::write(&file, odd).unwrap();
        let mut command = harness.cluster.kubectl_command();
        let run = Run::of(command.args(["apply", "-f"]).arg(file));
        (run.status == 0).then_some(())
    });
    harness.cluster.kubectl_fed(&apply, &crd().to_string());
    crate::controller::harness::eventually("the newer definition is effective", || {
        (harness.object("good-0")["spec"]["driftPolicy"] == "Repair").then_some(())
    });
    assert_eq!(harness.object("odd")["spec"]["role"], role("odd"));
    assert_eq!(
        harness.object("good-0")["spec"]["groups"],
        json!(["developers"])
    );
    harness.cluster.kubectl(&["delete", "aam", "--all"]);
}
