//! Checks that need more than one machine, and the output of `doctor`.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::doctor::harness::{CLUSTER, Harness, admin, put, valid_aws_auth};
use crate::doctor::injected_faults::instance;
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, sign_at};
use crate::eks_cluster::token_review::Who;
use crate::support::eks;
use crate::support::program_output;
use crate::support::simulated_aws::{REGION, trusts_service};
use crate::support::simulated_eks_api::EksService;

#[test]
fn healthy_identity_is_reported_as_healthy() {
    let session = ExclusiveCluster::start();
    put(&session, &valid_aws_auth(), &admin());
    let harness = Harness::new(session.cluster);
    let run = harness.doctor(&["--can", "* * -A"]);
    assert_eq!(run.status, 0, "{run:?}");
    let end = format!(
        "\nSigned in: you are user admin in groups system:masters, system:authenticated to this cluster\n  ARN that the cluster compares: {MYTESTROLE}\n"
    );
    assert!(run.stdout.ends_with(&end), "{}", run.stdout);
    assert_eq!(run.stderr, "");
}

/// A sandbox or a proxy can respond with 403, too, but not as the server EC2ws.
#[test]
fn metadata_403_of_ec2_means_that_it_is_switched_off() {
    let session = ExclusiveCluster::start();
    let mut harness = Harness::new(session.cluster);
    instance(
        session.cluster,
        &mut harness,
        &json!({"metadata": "disabled"}),
    );
    let diagnosis = harness.diagnose(&[]);
    assert_eq!(diagnosis.headline(), "C5", "{}", diagnosis.json);
    let (cause, next) = (diagnosis.text("C5", "cause"), diagnosis.text("C5", "next"));
    assert!(cause.contains("is disabled for this instance"), "{cause}");
    assert!(next.contains("--http-endpoint enabled"), "{next}");
}

#[test]
fn unmapped_identity_is_shown_with_the_entry_that_would_match() {
    let session = ExclusiveCluster::start();
    let arn = "arn:aws:iam::111122223333:role/team/mytestrole";
    let near =
        json!({"mapRoles": format!("- rolearn: {arn}\n  username: dev\n  groups: [devs, ops]\n")});
    put(&session, &near, &Who::Unauthorized);
    let harness = Harness::new(session.cluster);
    let run = harness.doctor(&[]);
    assert_eq!(run.status, 1, "{run:?}");
    let (_, headline) = run.stdout.rsplit_once("\n\n").unwrap();
    assert_eq!(
        headline,
        format!(
            "Unauthorized (401): you are unknown to this cluster\n\
         M6 a similar entry does not match {MYTESTROLE}: STS reports a role without its IAM path\n\
         \x20 ARN that the cluster compares: {MYTESTROLE}\n\
         \x20 other problems: M5, M2\n\
         next: awsauth lint --select R03 --fix --context admin\n"
        )
    );
    // The printed step fixes it.
    session.done(&["lint", "--select", "R03", "--fix"]);
    session.becomes(&harness.credentials, &Who::user("dev", &["devs", "ops"]));
    let diagnosis = harness.diagnose(&["--can", "delete nodes"]);
    assert_eq!(diagnosis.json["headline"]["standing"], "forbidden");

    // If aws-auth cannot be read, doctor still shows the identity and who can help.
    put(&session, &near, &Who::Unauthorized);
    let mut alone = Harness::new(session.cluster);
    alone.args.clear();
    let diagnosis = alone.diagnose(&[]);
    assert_eq!(diagnosis.headline(), "M2");
    assert_eq!(diagnosis.status("M4"), "skipped");
    let next = diagnosis.text("M2", "next");
    let expected = format!(
        "AWS_ACCESS_KEY_ID in the environment comes before profiles and roles: if you expect another identity than {MYTESTROLE}, unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN; otherwise ask a user who may read aws-auth to run: awsauth doctor --for {MYTESTROLE}; if no administrator can sign in, and you have IAM permissions: awsauth rescue --cluster-name my-cluster"
    );
    assert!(next.starts_with(&expected), "{next}");
    // Another user has the permission.
    let run = harness.doctor(&["--for", MYTESTROLE]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(
        run.stdout.contains(&format!(
            "\nUnauthorized (401): {MYTESTROLE} is unknown to this cluster\nM6 "
        )),
        "{}",
        run.stdout
    );
}

#[test]
fn aws_auth_in_another_namespace_is_found() {
    let session = ExclusiveCluster::start();
    put(&session, &valid_aws_auth(), &admin());
    let harness = Harness::new(session.cluster);
    session.api.delete();
    let elsewhere = ["-n", "default"];
    let create = [
        "create",
        "configmap",
        "aws-auth",
        "--from-literal=mapRoles=[]",
    ];
    session.cluster.kubectl(&[&create[..], &elsewhere].concat());
    session.becomes(&harness.credentials, &Who::Unauthorized);
    let diagnosis = harness.diagnose(&[]);
    session
        .cluster
        .kubectl(&[&["delete", "configmap", "aws-auth"][..], &elsewhere].concat());
    assert_eq!(diagnosis.headline(), "M4", "{}", diagnosis.json);
    let cause = diagnosis.text("M4", "cause");
    assert!(
        cause.contains("ConfigMap aws-auth in namespace default"),
        "{cause}"
    );
}

/// The flags of the command select what doctor checks.
#[test]
fn context_and_user_of_the_command_are_diagnosed() {
    let session = ExclusiveCluster::start();
    put(&session, &valid_aws_auth(), &admin());
    let mut harness = Harness::new(session.cluster);
    harness.kubeconfig["users"].as_array_mut().unwrap().push(
        json!({"name": "old", "user": {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1alpha1", "command": "aws",
        }}}),
    );
    harness.kubeconfig["contexts"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "old", "context": {"cluster": CLUSTER, "user": "old"}}));
    let kubectl = session.cluster.kubectl_path().display().to_string();
    let diagnosis = harness.diagnose(&["--", &kubectl, "get", "pods", "--context", "old"]);
    assert_eq!(diagnosis.headline(), "K2", "{}", diagnosis.json);
}

#[test]
fn missing_rights_are_distinguished_from_missing_mapping() {
    let session = ExclusiveCluster::start();
    let entry = format!("- rolearn: {MYTESTROLE}\n  username: dev\n  groups: [devs]\n");
    let dev = Who::user("dev", &["devs"]);
    put(&session, &json!({"mapRoles": entry}), &dev);
    let harness = Harness::new(session.cluster);
    let kubectl = session.cluster.kubectl_path().display().to_string();
    let failing = ["--", &kubectl, "get", "pods", "-n", "web"];
    let run = harness.doctor(&failing);
    assert_eq!(run.status, 1, "{run:?}");
    let text = &run.stdout;
    assert!(text.contains("\nForbidden (403): you are user dev in groups devs, system:authenticated to this cluster, but lack a permission\nB2 no RBAC binding has user dev or group devs as subject\n"), "{text}");
    assert!(text.contains("which points to B1\n"), "{text}");
    assert!(text.contains("next: kubectl --context admin create role devs-list-pods -n web --verb=list --resource=pods && kubectl --context admin create rolebinding devs-list-pods -n web --role=devs-list-pods --group=devs\n"), "{text}");
    let diagnosis = harness.diagnose(&failing);
    assert!(
        diagnosis
            .text("B1", "saw")
            .starts_with("list pods -n web: no")
    );
    assert_eq!(diagnosis.json["command"]["startAt"], "B1");

    // A user who cannot read RBAC learns whom to ask for what.
    let mut alone = Harness::new(session.cluster);
    alone.args.clear();
    let diagnosis = alone.diagnose(&failing);
    assert_eq!(diagnosis.headline(), "B1", "{}", diagnosis.json);
    assert_eq!(
        diagnosis.text("B1", "next"),
        format!(
            "ask an administrator of this cluster to find the cause: awsauth doctor --for {MYTESTROLE} --can 'list pods -n web'; or to allow only this request: kubectl create role devs-list-pods -n web --verb=list --resource=pods && kubectl create rolebinding devs-list-pods -n web --role=devs-list-pods --group=devs"
        )
    );

    // A binding of a missing role.
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
    let gone = harness.diagnose(&["--can", "list pods"]);
    unbind();
    assert_eq!(
        gone.text("B2", "cause"),
        "ClusterRoleBinding doctor refers to ClusterRole viewer, which does not exist"
    );
    // No controller aggregates the ClusterRole view here.
    session.cluster.kubectl(&[
        "create",
        "clusterrole",
        "doctor",
        "--verb=list",
        "--resource=pods",
    ]);
    bind("doctor");
    let bound = harness.diagnose(&["--can", "list pods -n web"]);
    let other = harness.diagnose(&["--for", MYTESTROLE, "--can", "delete nodes"]);
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

    // Groups that are not a list are ignored without an error.
    let lost = entry.replace("[devs]", "devs");
    put(&session, &json!({"mapRoles": lost}), &Who::user("dev", &[]));
    let diagnosis = harness.diagnose(&[]);
    assert_eq!(diagnosis.headline(), "M7", "{}", diagnosis.json);
}

/// A user with permissions in one namespace only, who names no request.
#[test]
fn denied_example_is_no_problem_and_a_command_that_works_decides() {
    let session = ExclusiveCluster::start();
    let entry = format!("- rolearn: {MYTESTROLE}\n  username: dev\n  groups: [devs]\n");
    let dev = Who::user("dev", &["devs"]);
    put(&session, &json!({"mapRoles": entry}), &dev);
    let kubectl = |args: &[&str]| session.cluster.kubectl(args);
    let allow = ["--verb=list", "--resource=configmaps", "-n", "default"];
    kubectl(&[&["create", "role", "doctor"][..], &allow].concat());
    let bind = ["--role=doctor", "--group=devs", "-n", "default"];
    kubectl(&[&["create", "rolebinding", "doctor"][..], &bind].concat());
    let mut harness = Harness::new(session.cluster);
    let program = session.cluster.kubectl_path().display().to_string();
    let bare = harness.doctor(&[]);
    let working = ["--", &program, "get", "configmaps", "-n", "default"];
    let working = harness.doctor(&working);
    harness.exec()["apiVersion"] = json!("client.authentication.k8s.io/v1alpha1");
    let failing = ["--", &program, "get", "configmaps", "-n", "default"];
    let failing = harness.diagnose(&failing);
    kubectl(&["delete", "rolebinding", "doctor", "-n", "default"]);
    kubectl(&["delete", "role", "doctor", "-n", "default"]);

    let signed_in =
        "\nSigned in: you are user dev in groups devs, system:authenticated to this cluster\n";
    assert_eq!(bare.status, 0, "{bare:?}");
    assert!(bare.stdout.contains(signed_in), "{}", bare.stdout);
    assert!(
        bare.stdout.ends_with(
            "\n  list pods was asked as an example, and is not allowed; to check the request that you need: awsauth doctor -- kubectl …, or --can \"VERB RESOURCE -n NAMESPACE\"\n"
        ),
        "{}",
        bare.stdout
    );
    assert_eq!(working.status, 0, "{working:?}");
    assert!(working.stdout.contains(signed_in), "{}", working.stdout);
    assert!(!working.stdout.contains("example"), "{}", working.stdout);
    assert_eq!(failing.headline(), "K2", "{}", failing.json);
    assert_eq!(failing.json["headline"]["others"], json!([]));
    assert_eq!(
        failing.text("K2", "next"),
        "kubectl --context mine config set-credentials me --exec-api-version=client.authentication.k8s.io/v1beta1"
    );
    assert_eq!(
        failing.text("B1", "saw"),
        "list configmaps -n default: yes (RBAC: allowed by RoleBinding \"doctor/default\" of Role \"doctor\" to Group \"devs\")"
    );
}

/// kubectl waits for a plugin without a limit.
#[test]
fn slow_plugin_runs_once_and_unread_evidence_is_no_success() {
    let session = ExclusiveCluster::start();
    put(&session, &valid_aws_auth(), &admin());
    let mut harness = Harness::new(session.cluster);
    let runs = harness.file("runs", "");
    let program = harness.exec()["command"].as_str().unwrap().to_owned();
    let line = |seconds| {
        format!(
            "echo run >> {}; sleep {seconds}; exec {program} token --cluster-name {}",
            runs.display(),
            eks::NAME
        )
    };
    harness.args.clear();
    harness.plugin(&line(6));
    let stranger = ["--for", "arn:aws:iam::111122223333:role/stranger"];
    let slow = harness.diagnose(&stranger);
    assert_eq!(slow.headline(), "M5", "{}", slow.json);
    assert_eq!(slow.status("K4"), "ok", "{}", slow.json);
    let count = std::fs::read_to_string(&runs).unwrap().lines().count();
    assert_eq!(count, 1, "the plugin runs once");

    let hurried = harness.doctor(&[&stranger[..], &["--timeout", "6s"]].concat());
    assert_eq!((hurried.status, &*hurried.stderr), (1, ""), "{hurried:?}");
    let end = "\nK4 it is unknown whether the exec plugin prints a token";
    assert!(hurried.stdout.contains(end), "{}", hurried.stdout);
    let of_context = ["--context", "admin", "--as-context", "mine"];
    let hurried = [&of_context, &stranger[..], &["--timeout", "6s"]].concat();
    let hurried = harness.doctor(&hurried);
    assert_eq!((hurried.status, &*hurried.stderr), (3, ""), "{hurried:?}");
    let end = "\nUnknown: doctor could not find out whether arn:aws:iam::111122223333:role/stranger can sign in to this cluster\nM4 aws-auth needs more time: the exec plugin of context mine did not end within 3 s; to wait longer: --timeout DURATION\n";
    assert!(hurried.stdout.contains(end), "{}", hurried.stdout);

    // The plugin of --as-context runs once, too.
    harness.plugin(&line(0));
    harness.file("runs", "");
    let other = harness.diagnose(&["--as-context", "mine"]);
    assert_eq!(other.status("M4"), "ok", "{}", other.json);
    assert_eq!(other.headline(), "", "{}", other.json);
    let count = std::fs::read_to_string(&runs).unwrap().lines().count();
    assert_eq!(count, 2, "for the token, and for the context");
    harness.plugin("echo no session >&2; exit 3");
    let failing = harness.diagnose(&stranger);
    assert_eq!(failing.status("M4"), "skipped", "{}", failing.json);
    assert_eq!(failing.headline(), "K4", "{}", failing.json);
}

/// Injects a fault into a user of a kubeconfig, which may be this old token.
type Inject = fn(&mut serde_json::Value, &str);

/// The printed steps keep the profile of the kubeconfig's user.
#[test]
fn printed_steps_fix_the_plugin_and_keep_its_profile() {
    let session = ExclusiveCluster::start();
    put(&session, &valid_aws_auth(), &admin());
    let mut harness = Harness::new(session.cluster);
    harness.exec()["env"] = json!([{"name": "AWS_PROFILE", "value": "dev"}]);
    let config = harness.file("aws-config", "[profile dev]\nregion = us-east-1\n");
    harness.set("AWS_CONFIG_FILE", &config.display().to_string());
    let kubectl = session.cluster.kubectl_path().display().to_string();
    let sound = harness.kubeconfig.clone();
    let signed = Timestamp::now() - SignedDuration::from_mins(20);
    let old = sign_at(&harness.credentials, REGION, eks::NAME, signed);
    let faults: [(&str, Inject); 3] = [
        ("K2", |user, _| {
            user["exec"]["apiVersion"] = json!("client.authentication.k8s.io/v1alpha1");
        }),
        ("K5", |user, _| {
            user["exec"]["args"] = json!(["token", "--cluster-name=mycluster"]);
        }),
        ("K6", |user, token| user["token"] = json!(token)),
    ];
    for (check, inject) in faults {
        harness.kubeconfig = sound.clone();
        inject(&mut harness.kubeconfig["users"][0]["user"], &old);
        let diagnosis = harness.diagnose(&[]);
        assert_eq!(diagnosis.headline(), check, "{}", diagnosis.json);
        let next = diagnosis.text(check, "next");
        let step = &next[next.find("kubectl --context mine config").unwrap()..];
        let step = step.replacen("kubectl", &kubectl, 1);
        let path = harness.folder().join("config").display().to_string();
        let mut shell = Command::new("sh");
        shell.args(["-c", &step]).env("KUBECONFIG", &path);
        let shell = program_output::output(&mut shell);
        assert!(shell.status.success(), "{step}: {shell:?}");
        let fixed = std::fs::read_to_string(&path).unwrap();
        assert!(fixed.contains("AWS_PROFILE"), "{fixed}");
        let run = harness.doctor_on(&path, &[]);
        assert_eq!(run.status, 0, "{step}: {run:?}");
    }
}

#[test]
fn output_of_a_failed_command_selects_a_check() {
    let session = ExclusiveCluster::start();
    put(&session, &json!({}), &Who::Unauthorized);
    let mut harness = Harness::new(session.cluster);
    let kubectl = session.cluster.kubectl_path().display().to_string();
    let failing = ["--", &kubectl, "get", "pods"];
    let unauthorized = harness.diagnose(&failing);
    assert_eq!(
        unauthorized.json["command"]["startAt"], "M2",
        "{}",
        unauthorized.json
    );
    harness.exec()["command"] = json!("no-such-plugin");
    let missing = harness.diagnose(&failing);
    assert_eq!(
        (
            missing.headline(),
            missing.json["command"]["startAt"].as_str()
        ),
        ("K3", Some("K3"))
    );
    harness.kubeconfig = json!({});
    let none = harness.diagnose(&failing);
    assert_eq!(
        (none.headline(), none.json["command"]["startAt"].as_str()),
        ("K1", Some("K1")),
        "{}",
        none.json
    );
    let fine = harness.doctor(&["--", "true"]);
    assert!(fine.stdout.contains("\n  true works\n"), "{}", fine.stdout);
}

#[test]
fn eks_facts_show_the_authentication_mode_and_access_entry() {
    let session = ExclusiveCluster::start();
    put(&session, &json!({}), &Who::Unauthorized);
    let harness = Harness::new(session.cluster);
    let keys = &harness.credentials;
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
    let mut harness = harness;
    harness.environment = service.under(harness.environment.clone());
    let headline = |world: &serde_json::Value| {
        service.set(world);
        let diagnosis = harness.diagnose(&[]);
        (diagnosis.headline().to_owned(), diagnosis)
    };
    let (id, current) = headline(&world(&url, &ca, "CONFIG_MAP"));
    assert_eq!(
        (id.as_str(), current.status("K7"), current.status("M1")),
        ("M4", "ok", "ok")
    );
    let (id, api) = headline(&world(&url, &ca, "API"));
    assert_eq!(id, "M1");
    assert_eq!(
        api.text("M1", "next"),
        format!(
            "ask an administrator with eks:CreateAccessEntry to run: awsauth map role {MYTESTROLE} --cluster-name my-cluster --group GROUP; if no administrator can sign in, and you have IAM permissions: awsauth rescue --cluster-name my-cluster --dry-run"
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
            .contains("belongs to the old one")
    );
    // A server on this machine may be a tunnel to the endpoint, but not with another certificate authority.
    let anew = "https://anew.gr7.us-east-1.eks.amazonaws.com";
    let (id, tunnel) = headline(&world(anew, &ca, "API"));
    assert_eq!((id.as_str(), tunnel.status("K7")), ("M1", "skipped"));
    let other = std::fs::read(session.aws().ca()).unwrap();
    let other = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, other);
    let (id, created_again) = headline(&world(anew, &other, "API"));
    assert_eq!(
        (id.as_str(), created_again.text("K7", "next")),
        (
            "K7",
            "awsauth kubeconfig --cluster-name my-cluster --region us-east-1 --alias mine"
        )
    );
    assert_eq!(headline(&world(&url, &other, "API")).0, "K7");
    let (id, gone) = headline(&json!({"keys": keys, "clusters": {}}));
    assert_eq!((id.as_str(), gone.status("M1")), ("K7", "skipped"));
    let (id, denied) = headline(
        &json!({"keys": keys, "denied": {"DescribeCluster": "User: x is not authorized to perform: eks:DescribeCluster"}}),
    );
    assert_eq!(
        (id.as_str(), denied.status("K7"), denied.status("M1")),
        ("M4", "skipped", "skipped")
    );
    // An access entry without groups and policies grants no permissions.
    let entry = format!("- rolearn: {MYTESTROLE}\n  username: dev\n");
    put(
        &session,
        &json!({"mapRoles": entry}),
        &Who::user("dev", &[]),
    );
    service.set(&with_entry("API_AND_CONFIG_MAP"));
    let can = ["--can", "list pods"];
    let empty = harness.diagnose(&can);
    assert_eq!(empty.headline(), "M3", "{}", empty.json);
    assert!(empty.text("M3", "next").contains("AmazonEKSViewPolicy"));
    // An administrator sees it, too.
    let for_other = harness.diagnose(&[&["--for", MYTESTROLE][..], &can].concat());
    assert_eq!(for_other.headline(), "M3", "{}", for_other.json);
    assert_eq!(for_other.json["headline"]["standing"], "forbidden");
}

#[test]
fn owner_of_a_key_with_the_session_token_of_other_keys_is_named() {
    let session = ExclusiveCluster::start();
    put(&session, &json!({}), &Who::Unauthorized);
    let mut harness = Harness::new(session.cluster);
    let bob = "arn:aws:iam::111122223333:user/bob";
    let keys = session.aws().user(bob);
    harness.set("AWS_ACCESS_KEY_ID", &keys.access_key_id);
    harness.set("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key);
    let diagnosis = harness.diagnose(&[]);
    assert_eq!(diagnosis.headline(), "C10", "{}", diagnosis.json);
    let cause = diagnosis.text("C10", "cause");
    assert!(
        cause.ends_with(&format!("; without it, you are {bob}")),
        "{cause}"
    );
}

#[test]
fn clock_skew_and_wrong_cluster_name_are_diagnosed() {
    let session = ExclusiveCluster::start();
    put(&session, &valid_aws_auth(), &admin());
    let harness = Harness::new(session.cluster);
    session.aws().fault(&json!({
        "service": "sts", "status": 403, "code": "SignatureDoesNotMatch",
        "message": "Signature expired: 20200101T000000Z is now earlier than 20200101T001500Z",
        "headers": {"Date": "Wed, 01 Jan 2020 00:00:00 GMT"},
    }));
    let clock = harness.diagnose(&[]);
    session.aws().no_faults();
    assert_eq!(clock.headline(), "C11", "{}", clock.json);
    assert_eq!(clock.text("C11", "next"), "sudo chronyc makestep");

    // No entry names the cluster, and the given name is another cluster's.
    let mut harness = Harness::new(session.cluster);
    harness.kubeconfig["clusters"][0]["name"] = json!("plain");
    harness.kubeconfig["contexts"][0]["context"]["cluster"] = json!("plain");
    harness.exec()["args"] = json!(["token", "-i", "other"]);
    let other = harness.diagnose(&[]);
    assert_eq!(other.headline(), "T2", "{}", other.json);
    assert!(
        other
            .text("T2", "next")
            .contains("aws eks describe-cluster --name other")
    );
    // The same content, written just now.
    session.put(&valid_aws_auth());
    session.becomes(&harness.credentials, &admin());
    let touched = harness.diagnose(&[]);
    assert_eq!(touched.headline(), "M8", "{}", touched.json);
    let cause = touched.text("M8", "cause");
    assert!(
        cause.starts_with("either the cluster's name is not \"other\""),
        "{cause}"
    );
}

#[test]
fn context_with_the_user_of_another_cluster_gets_its_own_user() {
    let session = ExclusiveCluster::start();
    put(&session, &valid_aws_auth(), &admin());
    let mut harness = Harness::new(session.cluster);
    let mut staging = harness.exec().clone();
    staging["args"] = json!(["token", "--cluster-name", "staging"]);
    let staging = json!({"name": "staging", "user": {"exec": staging}});
    let users = harness.kubeconfig["users"].as_array_mut().unwrap();
    users.push(staging.clone());
    let contexts = harness.kubeconfig["contexts"].as_array_mut().unwrap();
    contexts[0]["context"]["user"] = json!("staging");
    contexts.push(json!({"name": "staging", "context": {"cluster": "staging", "user": "staging"}}));
    let diagnosis = harness.diagnose(&[]);
    assert_eq!(diagnosis.headline(), "K5", "{}", diagnosis.json);
    let next = diagnosis.text("K5", "next");
    let step = &next[next.find("kubectl").unwrap()..];
    let kubectl = session.cluster.kubectl_path().display().to_string();
    let path = harness.folder().join("config").display().to_string();
    let mut shell = Command::new("sh");
    shell.args(["-c", &step.replacen("kubectl", &kubectl, 1)]);
    let shell = program_output::output(shell.env("KUBECONFIG", &path));
    assert!(shell.status.success(), "{step}: {shell:?}");
    let run = harness.doctor_on(&path, &[]);
    assert_eq!(run.status, 0, "{step}: {run:?}");
    let fixed = std::fs::read_to_string(&path).unwrap();
    assert!(fixed.contains("- staging\n"), "{fixed}");
}

#[test]
fn ci_worker_is_diagnosed_by_one_command() {
    let session = ExclusiveCluster::start();
    put(&session, &valid_aws_auth(), &admin());
    let mut harness = Harness::new(session.cluster);
    harness.remove_credentials();
    session
        .aws()
        .role(MYTESTROLE, &[trusts_service("ec2.amazonaws.com")]);
    let url = session.aws().instance(&json!({"id": "i-0123456789abcdef0", "profile": "workers", "role": MYTESTROLE, "metadata": "v2"}));
    harness.environment = harness.environment.clone().on_instance(&url);
    let args = [
        "--source",
        "instance",
        "--expect-role",
        "mytestrole",
        "--cluster-name",
        "my-cluster",
    ];
    let well = harness.diagnose(&args);
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
fn bundle_is_redacted_for_sharing() {
    let session = ExclusiveCluster::start();
    put(&session, &json!({}), &Who::Unauthorized);
    let harness = Harness::new(session.cluster);
    let path = harness.folder().join("bundle.json");
    let name = path.display().to_string();
    let run = harness.doctor(&["--bundle", &name]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stderr.contains("Review it before"), "{run:?}");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    crate::support::secrets::assert_none_in(&text);
    assert!(!text.contains(&harness.credentials.access_key_id));
    assert!(text.contains(MYTESTROLE));
    harness.doctor(&["--bundle", &name, "--redact-accounts"]);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        !text.contains("111122223333") && text.contains("arn:aws:iam::ACCOUNT-1:role/mytestrole"),
        "{text}"
    );
}

#[test]
fn identity_that_cannot_be_diagnosed_is_a_usage_error() {
    let session = ExclusiveCluster::start();
    let harness = Harness::new(session.cluster);
    harness
        .doctor(&["--for", "mytestrole"])
        .says(2, &["cannot diagnose mytestrole"]);
}
