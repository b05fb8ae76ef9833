//! `unused` and `unmap --unused`: the log of the real authenticator, served by moto's CloudWatch Logs, with moto's IAM.

use std::fs;

use awsauth_core::arn::Parts;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{CREATOR_SESSION, eks, holding, on};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION};
use crate::eks_cluster::token_review::Who;
use crate::support::completed_run::Run;
use crate::support::eks as test_eks;
use crate::support::environment::Environment;
use crate::support::moto::Moto;
use crate::support::simulated_aws::{REGION, trusts_service};

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

    /// Runs `unused` as in [`Self::run`].
    fn unused(&self, args: &[&str], world: &Value, silent: &[i64]) -> Run {
        self.run(&[&["unused"], args].concat(), world, silent)
    }

    /// Runs a command with a log that has the authenticator's line on each of the last `days` days but those in `silent`.
    fn run(&self, args: &[&str], world: &Value, silent: &[i64]) -> Run {
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
        match args[0] {
            _ if args.contains(&"--kubeconfig") => self.session.awsauth(&environment, args),
            "fleet" => self.session.awsauth(&environment, args),
            _ => on(&self.session, &environment, args),
        }
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

    // The size of the log is reported before the query, which fails here.
    let refused = json!({
        "logs": {GROUP: {"stored": 5 << 20, "streams": {"authenticator-1": []}}},
        "refused": ["FilterLogEvents"],
    });
    let run = site.unused(&[], &refused, &[]);
    assert_eq!(run.status, 1, "{run:?}");
    let at = |text| run.stderr.find(text);
    let size = at("The log group of my-cluster stores 5 MiB.");
    let failure = at("error: cannot read the log of my-cluster");
    assert!(size.is_some() && size < failure, "{run:?}");
    assert!(
        run.stderr.contains(r#""Action":"logs:FilterLogEvents""#),
        "{run:?}"
    );
}

/// Returns the names of the mapped roles.
fn mapped(site: &Site) -> Vec<String> {
    let environment = &site.environment;
    let run = on(&site.session, environment, &["get", "-o", "name"]);
    let names = run.stdout.lines();
    names
        .map(|arn| Parts::of(arn).unwrap().name.to_owned())
        .collect()
}

#[test]
fn new_access_is_unknown_and_iam_answers_without_the_log() {
    let site = Site::start();
    let fresh = format!("{A}:role/fresh");
    site.session
        .done(&["map", "role", &fresh, "--username", "fresh"]);
    let trust = trusts_service("ec2.amazonaws.com");
    let mut world = json!({"roles": {"idle": trust, "fresh": trust}});
    let args = ["--since", "7d", "-o", "json"];
    let run = site.unused(&args, &world, &[]);
    let expected = [
        "idle: unused",
        "gone: unused",
        "partner: unused",
        "fresh: unknown",
        "mytestrole: used",
    ];
    assert_eq!(usages(&run), expected, "{run:?}");
    let reason = run.json()["principals"][3]["reason"].to_string();
    assert!(
        reason.contains("it has had access only since 20"),
        "{reason}"
    );

    // The context names the cluster.
    let kubeconfig = fs::read_to_string(site.session.cluster.kubeconfig()).unwrap();
    let mut config: serde_yaml::Value = serde_yaml::from_str(&kubeconfig).unwrap();
    let name = format!(
        "arn:aws:eks:us-east-1:111122223333:cluster/{}",
        test_eks::NAME
    );
    config["clusters"][0]["name"] = name.clone().into();
    config["contexts"][0]["context"]["cluster"] = name.into();
    let path = site.session.cluster.folder().join("named.kubeconfig");
    fs::write(&path, serde_yaml::to_string(&config).unwrap()).unwrap();
    let path = path.display().to_string();
    let named = site.unused(&[&args[..], &["--kubeconfig", &path]].concat(), &world, &[]);
    assert_eq!(usages(&named), expected, "{named:?}");

    world["refused"] = json!(["FilterLogEvents"]);
    let run = site.unused(&args, &world, &[]);
    run.says(
        1,
        &[
            "error: cannot read the log of my-cluster",
            "hint: or read the log from a file: --log FILE\n",
            // IAM has no role mytestrole here.
            ": 0 used, 3 unused, 2 unknown.",
        ],
    );
    // What cannot be read does not lead to a removal.
    let unmap = site.run(&["unmap", "--unused", "--since=7d"], &world, &[]);
    unmap.says(3, &["error: cannot read the log of my-cluster"]);
}

#[test]
fn entries_of_unused_principals_are_removed() {
    let site = Site::start();
    let unmap = ["unmap", "--unused", "--since=7d", "--allow-removals=2"];
    let all = ["mytestrole", "idle", "gone", "partner"];

    // Without the log, IAM decides about the cluster's account; without IAM, nothing is removed.
    let nothing = json!({"logs": {}, "denied": ["list_roles", "get_role"]});
    let run = site.run(&unmap, &nothing, &[]);
    run.says(
        3,
        &[
            "error: it is not known whether any of the principals has signed in",
            "hint: see why: awsauth --cluster-name my-cluster unused",
        ],
    );
    assert_eq!(mapped(&site), all);

    // The log has a gap, so partner, of another account, is unknown.
    let run = site.run(&[&unmap[..], &["--dry-run"]].concat(), &json!({}), &[3]);
    run.says(
        0,
        &[
            ": 1 used, 2 unused, 1 unknown.",
            "role/idle is unused: IAM never saw the role used in 400 days",
            "role/gone is unused: the role does not exist",
        ],
    );
    assert!(!run.stderr.contains("role/partner"), "{run:?}");
    assert_eq!(mapped(&site), all);
    site.run(&unmap, &json!({}), &[3]).says(0, &[]);
    assert_eq!(mapped(&site), ["mytestrole", "partner"]);

    // Nothing would be left: the guard refuses.
    let never = json!({"roles": {"mytestrole": trusts_service("ec2.amazonaws.com")}});
    let run = site.run(&unmap[..3], &never, &[]);
    run.says(
        4,
        &["refused (mass-removal): 2 of 2 mappings would be removed"],
    );
    assert_eq!(mapped(&site), ["mytestrole", "partner"]);
    let run = site.run(&unmap, &json!({}), &[]);
    run.says(0, &[]);
    assert_eq!(mapped(&site), ["mytestrole"]);
    let run = site.run(&unmap, &json!({}), &[]);
    run.says(1, &["error: no entry of ", " matches --unused"]);
    let run = site.run(
        &[&unmap[..], &["--ignore-missing"]].concat(),
        &json!({}),
        &[],
    );
    run.says(0, &["No entry matches --unused."]);
}

#[test]
fn unused_principals_of_a_fleet_are_listed_and_removed() {
    let site = Site::start();
    let list = site.session.cluster.folder().join("clusters.yaml");
    let clusters = format!(
        "- {{name: prod, clusterName: {}, region: {REGION}}}\n- {{name: none, clusterName: none, region: {REGION}}}\n",
        test_eks::NAME
    );
    fs::write(&list, clusters).unwrap();
    let clusters = ["--clusters", list.to_str().unwrap()];
    let fleet = |args: &[&str]| {
        let args = [&["fleet"], args, &clusters].concat();
        site.run(&args, &json!({}), &[])
    };
    let run = fleet(&["unused", "--since", "7d"]);
    run.says(3, &["prod: Since ", ": 1 used, 3 unused, 0 unknown."]);
    let rows: Vec<Vec<&str>> = run
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0][..4],
        ["CLUSTER", "KIND", "IDENTITY", "USAGE"],
        "{run:?}"
    );
    assert_eq!(rows[1][0], "prod");
    assert_eq!(rows[1][3], "unused");
    assert_eq!(rows[5][..4], ["none", "-", "-", "-"]);
    assert!(run.stdout.contains("not read: "), "{run:?}");

    let json = fleet(&["unused", "--since", "7d", "-o", "json"]).json();
    let [prod, none] = json["clusters"].as_array().unwrap().as_slice() else {
        panic!("{json}")
    };
    assert_eq!(prod["exitCode"], 1);
    assert_eq!(prod["result"]["principals"][3]["usage"], "used");
    assert_eq!(
        (&none["exitCode"], &none["result"]),
        (&json!(3), &Value::Null)
    );
    let names = fleet(&["unused", "--since", "7d", "-o", "name"]).stdout;
    assert!(
        names.starts_with(&format!("prod {A}:role/idle\n")),
        "{names}"
    );
    let sorted = fleet(&[
        "unused",
        "--since=7d",
        "--sort-by=.usage",
        "-o=custom-columns=C:.cluster,U:.usage",
    ]);
    let usages: Vec<&str> = sorted
        .stdout
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(_, usage)| usage.trim())
        .collect();
    assert_eq!(
        usages,
        ["U", "not read", "unused", "unused", "unused", "used"],
        "{sorted:?}"
    );

    let unmap = ["unmap", "--unused", "--since", "7d"];
    let run = fleet(&[&unmap[..], &["--log", "x"]].concat());
    run.says(2, &["--log is the log of one cluster"]);
    assert_eq!(mapped(&site).len(), 4);
    let run = fleet(&[&unmap[..], &["--allow-removals", "3"]].concat());
    run.says(
        3,
        &["prod: arn:aws:iam::111122223333:role/idle is unused: "],
    );
    assert_eq!(mapped(&site), ["mytestrole"]);
}

#[test]
fn report_shows_who_signed_in() {
    let site = Site::start();
    let report = |args: &[&str], world: &Value| {
        let run = site.run(&[&["report"], args].concat(), world, &[3]);
        assert_eq!(run.status, 0, "{run:?}");
        run
    };
    let since = ["--since", "7d"];
    let json = |world: &Value| report(&[&since[..], &["-o", "json"]].concat(), world).json();
    let read = json(&json!({}));
    let uses: Vec<(&str, String)> = read["principals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let name = one["principal"].as_str().unwrap().rsplit('/').next();
            let used = &one["lastUse"];
            let text = format!("{} {}", used["usage"], used["reason"]);
            (name.unwrap(), text.replace('"', ""))
        })
        .collect();
    assert!(read["head"]["signedInSince"].is_string(), "{read:#}");
    let expected = [
        ("gone", "unused the role does not exist"),
        ("idle", "unused IAM never saw the role used in 400 days"),
        ("mytestrole", "used null"),
        ("partner", "unknown the log has no sign-in "),
    ];
    assert_eq!(uses.len(), expected.len(), "{uses:?}");
    for (name, text) in expected {
        let (_, used) = uses.iter().find(|(one, _)| *one == name).unwrap();
        assert!(used.starts_with(text), "{uses:?}");
    }

    let today = Timestamp::now() - SignedDuration::from_hours(1);
    let today = today.strftime("%Y-%m-%d").to_string();
    for (format, row) in [
        ("csv", format!(",{today},,,,\n")),
        ("markdown", format!(" {today} | |\n")),
        ("markdown", " last used | decision |\n".to_owned()),
        ("html", format!("<td>{today}</td>")),
        ("html", ">Last used</button>".to_owned()),
    ] {
        let run = report(&[&since[..], &["-o", format]].concat(), &json!({}));
        assert!(run.stdout.contains(&row), "no {row:?} in:\n{}", run.stdout);
        let run = report(&["-o", format], &json!({}));
        assert!(!run.stdout.contains(&row), "{row:?} in:\n{}", run.stdout);
    }

    // A log that cannot be read is a gap of the report.
    let refused = json(&json!({"refused": ["FilterLogEvents"]}));
    assert_eq!(refused["principals"][0]["lastUse"], Value::Null);
    let gaps = refused["head"]["notRead"].to_string();
    assert!(
        gaps.contains("sign-ins (cannot read the log of my-cluster"),
        "{gaps}"
    );
}
