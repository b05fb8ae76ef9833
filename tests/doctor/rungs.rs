//! Rungs that need more than one person's machine, and how a diagnosis is told.

use std::os::unix::fs::PermissionsExt;

use awsauth::aws::{Machine, Surroundings};
use serde_json::json;

use crate::faults::instance;
use crate::patient::{CLUSTER, Patient, admin, put, sound};
use crate::reviewer::Who;
use crate::session::{MYTESTROLE, Session};
use crate::support::aws::trusts_service;
use crate::support::eks_service::EksService;

#[test]
fn whoever_is_well_is_told_so() {
    let session = Session::start();
    put(&session, &sound(), &admin());
    let patient = Patient::new(session.cluster);
    let run = patient.says(&["--can", "* * -A"]);
    assert_eq!(run.status, 0, "{run:?}");
    let end = format!(
        "\nSigned in: you are user admin in groups system:masters, system:authenticated to this cluster\n  the cluster compares: {MYTESTROLE}\n"
    );
    assert!(run.stdout.ends_with(&end), "{}", run.stdout);
    assert_eq!(run.stderr, "");
}

/// A sandbox or a proxy answers so, too: nothing says that this is an instance, unless the firmware does.
#[test]
fn a_403_of_metadata_makes_no_instance_of_a_machine() {
    let session = Session::start();
    let mut patient = Patient::new(session.cluster);
    instance(
        session.cluster,
        &mut patient,
        &json!({"metadata": "disabled"}),
    );
    let diagnosis = patient.examined(&[]);
    assert_eq!(diagnosis.headline(), "C5", "{}", diagnosis.json);
    let (cause, next) = (diagnosis.text("C5", "cause"), diagnosis.text("C5", "next"));
    assert!(cause.contains("it answers 403"), "{cause}");
    let is_instance = Machine::of(&Surroundings::default()).is_ec2();
    let says = (
        cause.contains("this instance"),
        next.contains("modify-instance-metadata-options"),
    );
    assert_eq!(says, (is_instance, is_instance), "{cause}: {next}");
}

#[test]
fn somebody_unmapped_is_told_who_they_are_and_what_would_match() {
    let session = Session::start();
    let arn = "arn:aws:iam::111122223333:role/team/mytestrole";
    let near =
        json!({"mapRoles": format!("- rolearn: {arn}\n  username: dev\n  groups: [devs, ops]\n")});
    put(&session, &near, &Who::Unauthorized);
    let patient = Patient::new(session.cluster);
    let run = patient.says(&[]);
    assert_eq!(run.status, 1, "{run:?}");
    let (_, headline) = run.stdout.rsplit_once("\n\n").unwrap();
    assert_eq!(
        headline,
        format!(
            "Unauthorized (401): you are nobody to this cluster\n\
         M6 the entry nearly is for {MYTESTROLE}, and is not: STS reports a role without its IAM path\n\
         \x20 the cluster compares: {MYTESTROLE}\n\
         \x20 also a problem: M5, M2\n\
         next: awsauth map role {MYTESTROLE} --username dev --group devs --group ops --context mine\n"
        )
    );
    // The step mends it.
    session.done(&[
        "map",
        "role",
        MYTESTROLE,
        "--username",
        "dev",
        "--group",
        "devs",
    ]);
    session.becomes(&patient.credentials, &Who::user("dev", &["devs"]));
    let diagnosis = patient.examined(&[]);
    assert_eq!(diagnosis.json["headline"]["standing"], "forbidden");

    // Without anybody who may read aws-auth it is still told who it is, and whom to ask.
    put(&session, &near, &Who::Unauthorized);
    let mut alone = Patient::new(session.cluster);
    alone.args.clear();
    let diagnosis = alone.examined(&[]);
    assert_eq!(diagnosis.headline(), "M2");
    assert_eq!(diagnosis.status("M4"), "skipped");
    assert_eq!(
        diagnosis.text("M2", "next"),
        format!("have somebody who may read aws-auth run: awsauth doctor --for {MYTESTROLE}")
    );
    // Which somebody may do.
    let run = patient.says(&["--for", MYTESTROLE]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(
        run.stdout.contains(&format!(
            "\nUnauthorized (401): {MYTESTROLE} is nobody to this cluster\nM6 "
        )),
        "{}",
        run.stdout
    );
}

#[test]
fn somebody_without_rights_is_told_apart_from_nobody() {
    let session = Session::start();
    let entry = format!("- rolearn: {MYTESTROLE}\n  username: dev\n  groups: [devs]\n");
    let dev = Who::user("dev", &["devs"]);
    put(&session, &json!({"mapRoles": entry}), &dev);
    let patient = Patient::new(session.cluster);
    let kubectl = session.cluster.kubectl_path().display().to_string();
    let failing = ["--", &kubectl, "get", "pods", "-n", "web"];
    let run = patient.says(&failing);
    assert_eq!(run.status, 1, "{run:?}");
    let text = &run.stdout;
    assert!(text.contains("\nForbidden (403): you are user dev in groups devs, system:authenticated to this cluster, and lack a right\nB2 no RBAC binding names user dev or group devs\n"), "{text}");
    assert!(text.contains("which starts at B1\n"), "{text}");
    assert!(text.contains("next: kubectl --context mine create clusterrolebinding devs-view --clusterrole=view --group=devs\n"), "{text}");
    let diagnosis = patient.examined(&failing);
    assert!(
        diagnosis
            .text("B1", "saw")
            .starts_with("list pods -n web: no")
    );
    assert_eq!(diagnosis.json["command"]["startAt"], "B1");

    // A binding of a role that nobody made.
    let bind = |role: &str| {
        let role = format!("--clusterrole={role}");
        session.cluster.kubectl(&[
            "create",
            "clusterrolebinding",
            "doctor",
            &role,
            "--group=devs",
        ]);
    };
    let unbind = || {
        session
            .cluster
            .kubectl(&["delete", "clusterrolebinding", "doctor"])
    };
    bind("viewer");
    let gone = patient.examined(&[]);
    unbind();
    assert_eq!(
        gone.text("B2", "cause"),
        "the binding doctor gives the ClusterRole viewer, which does not exist"
    );
    // Nobody aggregates the ClusterRole view here.
    session.cluster.kubectl(&[
        "create",
        "clusterrole",
        "doctor",
        "--verb=list",
        "--resource=pods",
    ]);
    bind("doctor");
    let bound = patient.examined(&["--can", "list pods -n web"]);
    let other = patient.examined(&["--for", MYTESTROLE, "--can", "delete nodes"]);
    unbind();
    session
        .cluster
        .kubectl(&["delete", "clusterrole", "doctor"]);
    assert_eq!(
        (bound.headline(), bound.status("B1"), bound.status("B2")),
        ("", "ok", "ok")
    );
    assert_eq!(
        (
            other.headline(),
            other.json["headline"]["standing"].as_str()
        ),
        ("B2", Some("forbidden"))
    );

    // Groups that are no list are lost without a word.
    let lost = entry.replace("[devs]", "devs");
    put(&session, &json!({"mapRoles": lost}), &Who::user("dev", &[]));
    let diagnosis = patient.examined(&[]);
    assert_eq!(diagnosis.headline(), "M7", "{}", diagnosis.json);
}

#[test]
fn a_failing_command_s_words_lead_to_a_rung() {
    let session = Session::start();
    put(&session, &json!({}), &Who::Unauthorized);
    let mut patient = Patient::new(session.cluster);
    let kubectl = session.cluster.kubectl_path().display().to_string();
    let failing = ["--", &kubectl, "get", "pods"];
    let unauthorized = patient.examined(&failing);
    assert_eq!(
        unauthorized.json["command"]["startAt"], "M2",
        "{}",
        unauthorized.json
    );
    patient.exec()["command"] = json!("no-such-plugin");
    let missing = patient.examined(&failing);
    assert_eq!(
        (
            missing.headline(),
            missing.json["command"]["startAt"].as_str()
        ),
        ("K3", Some("K3"))
    );
    patient.kubeconfig = json!({});
    let none = patient.examined(&failing);
    assert_eq!(
        (none.headline(), none.json["command"]["startAt"].as_str()),
        ("K1", Some("K1")),
        "{}",
        none.json
    );
    let fine = patient.says(&["--", "true"]);
    assert!(fine.stdout.contains("\n  true works\n"), "{}", fine.stdout);
}

#[test]
fn eks_knows_whether_the_entry_is_current_and_who_is_asked() {
    let session = Session::start();
    put(&session, &json!({}), &Who::Unauthorized);
    let patient = Patient::new(session.cluster);
    let keys = &patient.credentials;
    let keys = json!({&keys.access_key_id: {"secret": keys.secret_access_key, "token": keys.session_token}});
    let ca = std::fs::read(session.cluster.ca()).unwrap();
    let ca = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, ca);
    let world = |endpoint: &str, ca: &str, mode: &str| {
        json!({"keys": keys, "clusters": {"my-cluster": {
            "name": "my-cluster", "arn": CLUSTER, "status": "ACTIVE", "endpoint": endpoint,
            "certificateAuthority": {"data": ca}, "accessConfig": {"authenticationMode": mode},
            "version": "1.36", "platformVersion": "eks.7",
        }}})
    };
    let url = session.cluster.server_url();
    let service = EksService::start(&world(&url, &ca, "CONFIG_MAP"));
    let mut patient = patient;
    patient.environment = service.under(patient.environment.clone());
    let headline = |world: &serde_json::Value| {
        service.set(world);
        let diagnosis = patient.examined(&[]);
        (diagnosis.headline().to_owned(), diagnosis)
    };
    let (id, current) = headline(&world(&url, &ca, "CONFIG_MAP"));
    assert_eq!(
        (id.as_str(), current.status("K7"), current.status("M1")),
        ("M5", "ok", "ok")
    );
    let (id, api) = headline(&world(&url, &ca, "API"));
    assert_eq!(id, "M1");
    assert_eq!(
        api.text("M1", "next"),
        format!(
            "aws eks create-access-entry --cluster-name my-cluster --principal-arn {MYTESTROLE}"
        )
    );
    let with_entry = |mode: &str| {
        let mut world = world(&url, &ca, mode);
        world["entries"]["my-cluster"] = json!([{
            "principalArn": MYTESTROLE, "type": "STANDARD", "kubernetesGroups": [], "username": "me",
        }]);
        world
    };
    let (id, made_anew) = headline(&with_entry("API"));
    assert_eq!((id.as_str(), made_anew.status("M1")), ("M3", "ok"));
    assert!(
        made_anew
            .text("M3", "cause")
            .contains("bound to the old one")
    );
    let (id, anew) = headline(&world(
        "https://anew.gr7.us-east-1.eks.amazonaws.com",
        &ca,
        "API",
    ));
    assert_eq!(
        (id.as_str(), anew.text("K7", "next")),
        (
            "K7",
            "awsauth kubeconfig --cluster-name my-cluster --region us-east-1"
        )
    );
    let other = std::fs::read(session.aws().ca()).unwrap();
    let other = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, other);
    assert_eq!(headline(&world(&url, &other, "API")).0, "K7");
    let (id, gone) = headline(&json!({"keys": keys, "clusters": {}}));
    assert_eq!((id.as_str(), gone.status("M1")), ("K7", "skipped"));
    let (id, denied) = headline(
        &json!({"keys": keys, "denied": {"DescribeCluster": "User: x is not authorized to perform: eks:DescribeCluster"}}),
    );
    assert_eq!(
        (id.as_str(), denied.status("K7"), denied.status("M1")),
        ("M5", "skipped", "skipped")
    );
    // Who is let in by an access entry that says nothing may do nothing.
    let entry = format!("- rolearn: {MYTESTROLE}\n  username: dev\n");
    put(
        &session,
        &json!({"mapRoles": entry}),
        &Who::user("dev", &[]),
    );
    let (id, empty) = headline(&with_entry("API_AND_CONFIG_MAP"));
    assert_eq!(id, "M3", "{}", empty.json);
    assert!(empty.text("M3", "next").contains("AmazonEKSViewPolicy"));
}

#[test]
fn a_clock_that_is_off_and_a_name_that_is_another() {
    let session = Session::start();
    put(&session, &sound(), &admin());
    let patient = Patient::new(session.cluster);
    session.aws().fault(&json!({
        "service": "sts", "status": 403, "code": "SignatureDoesNotMatch",
        "message": "Signature expired: 20200101T000000Z is now earlier than 20200101T001500Z",
        "headers": {"Date": "Wed, 01 Jan 2020 00:00:00 GMT"},
    }));
    let clock = patient.examined(&[]);
    session.aws().no_faults();
    assert_eq!(clock.headline(), "C11", "{}", clock.json);
    assert_eq!(clock.text("C11", "next"), "sudo chronyc makestep");

    // No entry tells the cluster's name, and the one that is given is another's.
    let mut patient = Patient::new(session.cluster);
    patient.kubeconfig["clusters"][0]["name"] = json!("plain");
    patient.kubeconfig["contexts"][0]["context"]["cluster"] = json!("plain");
    patient.exec()["args"] = json!(["token", "-i", "other"]);
    let other = patient.examined(&[]);
    assert_eq!(other.headline(), "T2", "{}", other.json);
    assert!(
        other
            .text("T2", "next")
            .contains("aws eks describe-cluster --name other")
    );
}

#[test]
fn the_worker_of_the_story_is_one_command() {
    let session = Session::start();
    put(&session, &sound(), &admin());
    let mut patient = Patient::new(session.cluster);
    patient.penniless();
    session
        .aws()
        .role(MYTESTROLE, &[trusts_service("ec2.amazonaws.com")]);
    let url = session.aws().instance(&json!({"id": "i-0123456789abcdef0", "profile": "workers", "role": MYTESTROLE, "metadata": "v2"}));
    patient.environment = patient.environment.clone().on_instance(&url);
    let args = [
        "--source",
        "instance",
        "--expect-role",
        "mytestrole",
        "--cluster-name",
        "my-cluster",
    ];
    let well = patient.examined(&args);
    assert_eq!(
        (
            well.run.status,
            well.status("C8"),
            well.status("C12"),
            well.status("M2")
        ),
        (0, "ok", "ok", "ok"),
        "{}",
        well.json
    );
}

#[test]
fn a_bundle_is_for_a_ticket() {
    let session = Session::start();
    put(&session, &json!({}), &Who::Unauthorized);
    let patient = Patient::new(session.cluster);
    let path = patient.folder().join("bundle.json");
    let name = path.display().to_string();
    let run = patient.says(&["--bundle", &name]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stderr.contains("look through it first"), "{run:?}");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    crate::support::secrets::assert_none_in(&text);
    assert!(!text.contains(&patient.credentials.access_key_id));
    assert!(text.contains(MYTESTROLE));
    patient.says(&["--bundle", &name, "--redact-accounts"]);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        !text.contains("111122223333") && text.contains("arn:aws:iam::ACCOUNT-1:role/mytestrole"),
        "{text}"
    );
}

#[test]
fn who_can_t_be_diagnosed_is_a_usage_error() {
    let session = Session::start();
    let patient = Patient::new(session.cluster);
    patient
        .says(&["--for", "mytestrole"])
        .says(2, &["cannot diagnose mytestrole"]);
}
