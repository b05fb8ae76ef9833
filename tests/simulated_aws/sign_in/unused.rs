//! `unused`: the log of the real authenticator, served by moto's CloudWatch Logs, with moto's IAM.

use std::fs;

use awsauth_core::arn::Parts;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::sign_in::cluster_name::{CREATOR_SESSION, eks, holding, on};
use crate::sign_in::exclusive_cluster::{ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION};
use crate::sign_in::token_review::Who;
use crate::support::completed_run::Run;
use crate::support::eks as test_eks;
use crate::support::environment::Environment;
use crate::support::moto::Moto;
use crate::support::simulated_aws::trusts_service;

const A: &str = "arn:aws:iam::111122223333";
const GROUP: &str = "/aws/eks/my-cluster/cluster";

/// A cluster with mapped roles, of which mytestrole has signed in, and the line that the authenticator logged.
struct Site {
    session: ExclusiveCluster,
    environment: Environment,
    line: String,
}

impl Site {
    fn start() -> Self {
        let session = ExclusiveCluster::start();
        let role = |arn: &str, name: &str| format!("- {{rolearn: '{arn}', username: {name}}}\n");
        let roles = [
            role(MYTESTROLE, "admin"),
            role(&format!("{A}:role/idle"), "idle"),
            role(&format!("{A}:role/gone"), "gone"),
            role("arn:aws:iam::444455556666:role/partner", "partner"),
        ];
        session.put(&json!({"mapRoles": roles.concat()}));
        let credentials = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
        session.becomes(&credentials, &Who::user("admin", &[]));
        let log = session.cluster.folder().join("aws-iam-authenticator.log");
        let log = fs::read_to_string(log).unwrap();
        let mut lines = log.lines().rev();
        let is_sign_in = |line: &&str| line.contains("access granted") && line.contains(MYTESTROLE);
        let line = lines.find(is_sign_in).unwrap().to_owned();
        let logging = json!([{"types": ["authenticator"], "enabled": true}]);
        let world = json!({"clusters": {test_eks::NAME: {
            "accessConfig": {"authenticationMode": "CONFIG_MAP"},
            "logging": {"clusterLogging": logging},
        }}});
        let service = eks(&session, &world);
        let environment = holding(&session, service, CREATOR_SESSION);
        Self {
            session,
            environment,
            line,
        }
    }

    /// Runs `unused` with a log that has the authenticator's line on each of the last `days` days but those in `silent`.
    fn unused(&self, args: &[&str], world: &Value, silent: &[i64]) -> Run {
        let now = Timestamp::now();
        let (_, rest) = self.line.split_once(' ').unwrap();
        assert!(self.line.starts_with("time="), "{}", self.line);
        let days = (0..10).filter(|day| !silent.contains(day)).map(|day| {
            let time = now - SignedDuration::from_hours(24 * day + 1);
            let line = format!("time=\"{}\" {rest}", time.strftime("%Y-%m-%dT%H:%M:%SZ"));
            json!([time.as_millisecond(), line])
        });
        let lines: Vec<Value> = days.collect();
        let trust = trusts_service("ec2.amazonaws.com");
        let mut all = json!({
            "account": "111122223333",
            "roles": {"idle": trust},
            "logs": {GROUP: {"streams": {"authenticator-1": lines}}},
            "page": 3,
        });
        for (key, value) in world.as_object().unwrap() {
            all[key] = value.clone();
        }
        let moto = Moto::start(&[&all.to_string()]);
        let environment = ["IAM", "CLOUDWATCH_LOGS"]
            .into_iter()
            .fold(self.environment.clone(), |environment, name| {
                environment.with(&format!("AWS_ENDPOINT_URL_{name}"), moto.url())
            });
        on(&self.session, &environment, &[&["unused"], args].concat())
    }
}

/// Returns `NAME: USAGE` of each row.
fn usages(run: &Run) -> Vec<String> {
    let json = run.json();
    let rows = json["principals"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.map(|row| {
        let arn = text(&row["arn"]);
        format!("{}: {}", Parts::of(&arn).unwrap().name, text(&row["usage"]))
    })
    .collect()
}

#[test]
fn unused_principals_are_found_in_the_log_of_the_authenticator() {
    let site = Site::start();
    let no_doubt = json!({});
    let run = site.unused(&["--since", "7d", "-o", "json"], &no_doubt, &[]);
    assert_eq!(run.status, 1, "{run:?}");
    assert_eq!(
        usages(&run),
        [
            "idle: unused",
            "gone: unused",
            "partner: unused",
            "mytestrole: used"
        ]
    );
    let json = run.json();
    let rows = &json["principals"];
    assert_eq!(rows[3]["signIns"], 7, "{json:#}");
    assert_eq!(rows[0]["reason"], "IAM never saw the role used in 400 days");
    assert_eq!(rows[1]["reason"], "the role does not exist");
    assert_eq!(rows[2]["reason"], "no sign-in in the log");
    assert!(
        run.stderr
            .contains("Reading the authenticator's log since ")
            && run.stderr.contains(": 1 used, 3 unused, 0 unknown."),
        "{run:?}"
    );

    // IAM has a role of this name with another unique ID: the one that signed in was deleted.
    let trust = trusts_service("ec2.amazonaws.com");
    let again = json!({"roles": {"mytestrole": trust}});
    let run = site.unused(&["--since", "7d", "-o", "json"], &again, &[]);
    let json = run.json();
    let row = &json["principals"][0];
    assert_eq!(
        (&row["arn"], &row["usage"]),
        (&json!(MYTESTROLE), &json!("unused"))
    );
    assert!(row["earlierRoleLastSignIn"].is_string(), "{json:#}");

    // A day without any sign-in: the log may be incomplete, but IAM still proves what it does.
    let run = site.unused(&["--since", "7d", "-o", "json"], &no_doubt, &[3]);
    assert_eq!(
        usages(&run),
        [
            "idle: unused",
            "gone: unused",
            "partner: unknown",
            "mytestrole: used"
        ]
    );

    // Kept for less than the period.
    let short = json!({"logs": {GROUP: {"retention": 3, "streams": {"authenticator-1": []}}}});
    let run = site.unused(&["--since", "7d", "-o", "json"], &short, &[]);
    assert_eq!(run.status, 1, "{run:?}");
    assert_eq!(
        run.json()["principals"][3]["reason"],
        "the log is kept for 3 days only"
    );

    // Without IAM and without the log, nothing is known.
    let nothing = json!({"logs": {}, "denied": ["list_roles", "get_role"]});
    let run = site.unused(&["--since", "7d"], &nothing, &[]);
    assert_eq!(run.status, 3, "{run:?}");
    for part in [
        "warning: CloudWatch Logs has no log of this cluster.",
        "hint: enable it: aws eks update-cluster-config --name my-cluster",
        "warning: IAM did not return when roles were last used: iam:GetRole: ",
        ": 0 used, 0 unused, 4 unknown.",
    ] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }

    let refused = json!({"refused": ["FilterLogEvents"]});
    let run = site.unused(&[], &refused, &[]);
    assert_eq!(run.status, 3, "{run:?}");
    assert!(
        run.stderr.contains(r#""Action":"logs:FilterLogEvents""#),
        "{run:?}"
    );
}
