//! Objects whose mapping is an access entry: faults of EKS, changes by other clients, and permission sets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::controller::harness::{
    CONFIG, Controller, Harness, NODE_ENTRY, developer, eventually, mapping, role,
};
use crate::support::eks::NAME;
use crate::support::environment::Environment;
use crate::support::moto::Moto;
use crate::support::simulated_aws::{REGION, trusts_service};
use crate::support::simulated_eks_api::EksService;

const SSO_PATH: &str = "aws-reserved/sso.amazonaws.com/eu-west-1";
const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";

fn world(mode: &str) -> Value {
    json!({
        "clusters": {NAME: {
            "arn": format!("arn:aws:eks:{REGION}:111122223333:cluster/{NAME}"),
            "status": "ACTIVE",
            "endpoint": "https://127.0.0.1:1",
            "certificateAuthority": {"data": ""},
            "accessConfig": {"authenticationMode": mode},
        }},
        "entries": {NAME: [{
            "principalArn": role("creator"), "type": "STANDARD", "username": "creator", "kubernetesGroups": [],
            "policies": [{"policyArn": VIEW.replace("View", "ClusterAdmin"), "accessScope": {"type": "cluster"}}],
        }]},
        "nodegroups": {NAME: []},
        "profiles": {NAME: []},
    })
}

fn iam() -> Moto {
    let trust = trusts_service("sso.amazonaws.com");
    let names = ["team/ann", "bob", "carl", "dora", "eve", "fay", "gus"];
    let names = names.map(str::to_owned).into_iter();
    let first = format!("{SSO_PATH}/AWSReservedSSO_Dev_0123456789abcdef");
    let roles: serde_json::Map<String, Value> = names
        .chain([first])
        .map(|name| (name, trust.clone()))
        .collect();
    Moto::start(&[&json!({"account": "111122223333", "roles": roles}).to_string()])
}

/// Sends a request to IAM.
fn call_iam(moto: &Moto, parameters: &str) {
    let address = moto
        .url()
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    let body = format!("{parameters}&Version=2010-05-08");
    let request = format!(
        "POST / HTTP/1.1\r\nHost: iam.amazonaws.com\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

fn start(harness: &Harness, eks: &EksService, moto: &Moto, config: &str) -> Controller {
    let environment = Environment::new(harness.cluster.folder())
        .with("AWS_REGION", REGION)
        .with("AWS_ENDPOINT_URL_IAM", moto.url());
    let environment = eks.with_keys(environment);
    let variables = environment.variables();
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables: Vec<_> = variables.collect();
    harness
        .controller_with(config, &["--cluster-name", NAME], &variables)
        .wait_for_lease()
}

fn entries(eks: &EksService) -> Vec<Value> {
    let state = eks.state();
    let entries = state["entries"][NAME].as_array().unwrap().iter();
    let exist = entries.filter(|entry| entry["gone"].is_null());
    exist.cloned().collect()
}

fn entry(eks: &EksService, arn: &str) -> Option<Value> {
    let mut of_arn = entries(eks)
        .into_iter()
        .filter(|entry| entry["principalArn"] == arn);
    let entry = of_arn.next();
    assert_eq!(of_arn.next(), None);
    entry
}

fn set_faults(eks: &EksService, faults: Value) {
    let mut world = eks.state();
    world["faults"] = faults;
    eks.set(&world);
}

#[test]
fn access_entries_follow_the_objects_through_faults() {
    let harness = Harness::shared();
    let (eks, moto) = (EksService::start(&world("API")), iam());
    let config = format!("{CONFIG}  policies: [view]\n");
    let controller = start(&harness, &eks, &moto, &config);

    // IAM knows the path of the role. EKS throttles.
    set_faults(
        &eks,
        json!([
            {"operation": "CreateAccessEntry", "fault": "throttle", "times": 2},
            {"operation": "AssociateAccessPolicy", "fault": "lose"},
        ]),
    );
    let spec = json!({"role": role("ann"), "username": "ann:{{SessionName}}", "groups": ["developers"], "policies": [{"name": "view", "namespaces": ["shop"]}]});
    harness.apply(&mapping("ann", spec.clone()));
    harness.wait_for_ready("ann", "True Applied");
    let ann = entry(&eks, &role("team/ann")).expect("an entry");
    assert_eq!(ann["username"], "ann:{{SessionName}}");
    assert_eq!(ann["kubernetesGroups"], json!(["developers"]));
    let policies = ann["policies"].as_array().unwrap();
    assert_eq!(
        (policies.len(), &policies[0]["policyArn"]),
        (1, &json!(VIEW))
    );
    let uid = harness.object("ann")["metadata"]["uid"].clone();
    assert_eq!(ann["tags"]["awsauth.dev/object-uid"], uid);
    assert_eq!(
        harness.object("ann")["status"]["accessEntry"]["principalArn"],
        role("team/ann")
    );
    assert!(harness.aws_auth().is_null());

    // The answer to the creation is lost.
    set_faults(
        &eks,
        json!([{"operation": "CreateAccessEntry", "fault": "lose"}]),
    );
    harness.apply(&developer("bob"));
    harness.wait_for_ready("bob", "True Applied");
    assert_eq!(entry(&eks, &role("bob")).unwrap()["username"], "bob");

    // Another client creates the entry in between.
    let theirs = json!({"clusterName": NAME, "principalArn": role("carl"), "username": "theirs"});
    set_faults(
        &eks,
        json!([{"operation": "CreateAccessEntry", "fault": "first", "calls": [["CreateAccessEntry", theirs]]}]),
    );
    harness.apply(&developer("carl"));
    harness.wait_for_ready("carl", "False ShadowedBy");
    assert_eq!(entry(&eks, &role("carl")).unwrap()["username"], "theirs");

    // A denied policy leaves no entry without permissions.
    let denied = "User: arn:aws:sts::111122223333:assumed-role/awsauth/x is not authorized to perform: eks:AssociateAccessPolicy on resource: x";
    set_faults(
        &eks,
        json!([{"operation": "AssociateAccessPolicy", "fault": "refuse", "times": 9, "code": "AccessDeniedException", "message": denied, "status": 403}]),
    );
    let mut dora = spec.clone();
    dora["role"] = json!(role("dora"));
    dora["groups"] = json!([]);
    harness.apply(&mapping("dora", dora.clone()));
    harness.wait_for_ready("dora", "False AwsError");
    let message = harness.object("dora")["status"]["conditions"][0]["message"].to_string();
    assert!(message.contains("eks:AssociateAccessPolicy"), "{message}");
    assert_eq!(entry(&eks, &role("dora")), None);
    assert_eq!(
        controller.metric("awsauth_access_entry_changes_total{result=\"failed\"}"),
        Some(1.0)
    );
    set_faults(&eks, json!([]));
    dora["username"] = json!("dora");
    harness.apply(&mapping("dora", dora));
    harness.wait_for_ready("dora", "True Applied");

    // EKS refuses what the rules here do not know.
    set_faults(
        &eks,
        json!([{"operation": "CreateAccessEntry", "fault": "refuse", "times": 9, "code": "InvalidParameterException", "message": "The specified principalArn is invalid: invalid principal."}]),
    );
    harness.apply(&developer("eve"));
    harness.wait_for_ready("eve", "False AwsError");
    set_faults(&eks, json!([]));
    harness.delete("eve");
    eventually("eve is deleted", || {
        harness.object("eve").is_null().then_some(())
    });

    // Another client changes one entry and deletes another. The next change of an object asks EKS again.
    std::thread::sleep(std::time::Duration::from_secs(6));
    let mut world = eks.state();
    for entry in world["entries"][NAME].as_array_mut().unwrap() {
        if entry["principalArn"] == role("team/ann") {
            entry["kubernetesGroups"] = json!(["developers", "admins"]);
        }
    }
    world["entries"][NAME]
        .as_array_mut()
        .unwrap()
        .retain(|entry| entry["principalArn"] != role("bob"));
    eks.set(&world);
    harness.apply(&developer("fay"));
    harness.wait_for_ready("fay", "True Applied");
    eventually("the entries are restored", || {
        let ann = entry(&eks, &role("team/ann"))?;
        let is_restored = ann["kubernetesGroups"] == json!(["developers"]);
        (is_restored && entry(&eks, &role("bob")).is_some()).then_some(())
    });
    let events = eventually("events report it", || {
        let events = harness.events();
        let is_reported = |name| events.contains(&format!("DriftRepaired {name}: "));
        (is_reported("ann") && is_reported("bob")).then_some(events)
    });
    assert!(
        events.contains("the groups admins, developers, not the group developers"),
        "{events}"
    );

    // The history has the changes.
    let revisions = harness.revisions();
    assert!(!revisions.is_empty());
    let carl = entry(&eks, &role("carl"));
    for name in ["ann", "bob", "carl", "dora", "fay"] {
        harness.delete(name);
        eventually("the object is deleted", || {
            harness.object(name).is_null().then_some(())
        });
    }
    let left: Vec<_> = entries(&eks)
        .iter()
        .map(|entry| entry["principalArn"].clone())
        .collect();
    assert_eq!(left, [role("creator"), role("carl")]);
    assert_eq!(entry(&eks, &role("carl")), carl);
    controller.terminate();
}

#[test]
fn access_entry_of_another_client_outlives_an_object_that_requests_the_same() {
    let harness = Harness::shared();
    let mut world = world("API");
    let theirs = json!({
        "principalArn": role("bob"), "type": "STANDARD", "username": "bob", "kubernetesGroups": ["developers"],
        "policies": [], "tags": {"ManagedBy": "terraform"},
    });
    let entries = world["entries"][NAME].as_array_mut().unwrap();
    entries.push(theirs);
    let (eks, moto) = (EksService::start(&world), iam());
    let before = entry(&eks, &role("bob"));
    let controller = start(&harness, &eks, &moto, CONFIG);
    let mut bob = developer("bob");
    let expires_at = Timestamp::now() + SignedDuration::from_secs(15);
    bob["spec"]["expiresAt"] = json!(expires_at.to_string());
    harness.apply(&bob);
    harness.wait_for_ready("bob", "True Applied");
    let message = harness.object("bob")["status"]["conditions"][0]["message"].clone();
    let message = message.as_str().unwrap();
    assert!(
        message.ends_with(
            "this object does not own it, so the controller neither changes nor deletes it"
        ),
        "{message}"
    );
    harness.wait_for_ready("bob", "False Expired");
    assert_eq!(harness.condition("bob", "Stalled"), "True Refused");
    let kept = format!(
        "EntryLeft bob: the access entry of {0} is kept: no object owns it; remove it: awsauth unmap role {0} --backend access-entries",
        role("bob")
    );
    eventually("an event reports it", || {
        harness.events().contains(&kept).then_some(())
    });
    harness.delete("bob");
    eventually("the object is deleted", || {
        harness.object("bob").is_null().then_some(())
    });
    controller.terminate();
    assert_eq!(entry(&eks, &role("bob")), before);
    let reads = ["Describe", "List"];
    let is_read = |call: &String| reads.iter().any(|verb| call.starts_with(verb));
    let asked = eks.asked();
    assert!(asked.iter().all(is_read), "{asked:?}");
}

#[test]
fn permission_set_gets_an_entry_for_its_current_role() {
    let harness = Harness::shared();
    let (eks, moto) = (EksService::start(&world("API")), iam());
    let controller = start(&harness, &eks, &moto, CONFIG);
    let sso = json!({"permissionSet": "Dev", "account": "111122223333"});
    let spec = json!({"sso": sso, "username": "dev:{{SessionName}}", "groups": ["developers"]});
    harness.apply(&mapping("dev", spec));
    harness.wait_for_ready("dev", "True Applied");
    let arn = |suffix| role(&format!("{SSO_PATH}/AWSReservedSSO_Dev_{suffix}"));
    let (old, new) = (arn("0123456789abcdef"), arn("fedcba9876543210"));
    assert!(entry(&eks, &old).is_some());

    // Identity Center deletes the role and creates another one.
    call_iam(
        &moto,
        "Action=DeleteRole&RoleName=AWSReservedSSO_Dev_0123456789abcdef",
    );
    let path = format!("/{SSO_PATH}/").replace('/', "%2F");
    call_iam(
        &moto,
        &format!(
            "Action=CreateRole&RoleName=AWSReservedSSO_Dev_fedcba9876543210&Path={path}&AssumeRolePolicyDocument=%7B%7D"
        ),
    );
    // Another object asks AWS earlier than after 10 minutes.
    harness.apply(&developer("gus"));
    harness.wait_for_ready("gus", "True Applied");
    eventually("the entry is replaced", || {
        (entry(&eks, &old).is_none() && entry(&eks, &new).is_some()).then_some(())
    });
    harness.wait_for_ready("dev", "True Applied");
    controller.terminate();
}

#[test]
fn backend_moves_a_mapping_between_the_stores() {
    let harness = Harness::shared();
    let (eks, moto) = (EksService::start(&world("API_AND_CONFIG_MAP")), iam());
    let place = |wanted: &str| {
        eventually(wanted, || {
            let in_aws_auth = harness.roles().contains(&role("gus"));
            let has_entry = entry(&eks, &role("gus")).is_some();
            let is_there = match wanted {
                "aws-auth" => in_aws_auth && !has_entry,
                _ => has_entry && !in_aws_auth,
            };
            is_there.then_some(())
        });
    };
    harness.apply(&developer("gus"));
    for backend in ["auto", "access-entries", "auto", "aws-auth"] {
        let controller = start(
            &harness,
            &eks,
            &moto,
            &format!("{CONFIG}backend: {backend}\n"),
        );
        place(match backend {
            // The entry stays where the previous configuration moved it.
            "auto" if entry(&eks, &role("gus")).is_none() => "aws-auth",
            "aws-auth" => "aws-auth",
            _ => "access-entries",
        });
        harness.wait_for_ready("gus", "True Applied");
        // A killed controller leaves nothing that the next one does not find.
        controller.kill();
    }
}

/// Starts a controller that has created the access entry of the object `fay`.
fn start_with_fay() -> (Harness, EksService, Moto, Controller) {
    let harness = Harness::shared();
    let (eks, moto) = (EksService::start(&world("API_AND_CONFIG_MAP")), iam());
    let config = format!("{CONFIG}  policies: [view]\n");
    let controller = start(&harness, &eks, &moto, &config);
    let mut fay = developer("fay");
    fay["spec"]["policies"] = json!([{"name": "view"}]);
    harness.apply(&fay);
    harness.wait_for_ready("fay", "True Applied");
    (harness, eks, moto, controller)
}

#[test]
fn access_entry_is_deleted_while_another_object_keeps_changing() {
    let (harness, eks, _moto, controller) = start_with_fay();
    assert!(entry(&eks, &role("fay")).is_some());
    let change = |count: usize| {
        let mut busy = developer("busy");
        busy["spec"]["username"] = json!(format!("busy-{count}"));
        harness.apply(&busy);
    };
    change(0);
    harness.wait_for_ready("busy", "True Applied");
    // The object changes after each write, so that each reconciliation has to write aws-auth, too.
    let mut count = 1;
    change(count);
    harness.delete("fay");
    eventually("the access entry is deleted", || {
        if harness.roles().contains(&format!("busy-{count}\n")) {
            count += 1;
            change(count);
        }
        entry(&eks, &role("fay")).is_none().then_some(())
    });
    controller.terminate();
}

#[test]
fn access_entry_is_deleted_while_aws_auth_cannot_be_written() {
    let (harness, eks, _moto, controller) = start_with_fay();
    harness.apply(&developer("gus"));
    harness.wait_for_ready("gus", "True Applied");
    harness.cluster.kubectl(&[
        "patch",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "--type=merge",
        "-p",
        r#"{"immutable": true}"#,
    ]);
    harness.delete("gus");
    harness.delete("fay");
    eventually("the access entry is deleted", || {
        entry(&eks, &role("fay")).is_none().then_some(())
    });
    assert!(harness.roles().contains(&role("gus")));
    controller.terminate();
}

/// Starts a controller that protects the entry of the role `ops`, and has created the access entry of `fay` and the mapping of `gus`.
fn start_with_ops() -> (Harness, EksService, Moto, Controller) {
    let harness = Harness::shared();
    let mut world = world("API_AND_CONFIG_MAP");
    world["nodegroups"][NAME] = json!([{
        "nodegroupName": "ng", "nodeRole": role("nodes"), "status": "ACTIVE",
        "amiType": "AL2023_x86_64_STANDARD", "health": {"issues": []},
    }]);
    let (eks, moto) = (EksService::start(&world), iam());
    let protect = format!("protect:\n  arns: [\"{}\"]\n", role("ops"));
    let config = format!("{CONFIG}  policies: [view]\n{protect}");
    let ops = format!(
        "- rolearn: {}\n  username: ops\n  groups: [ops]\n",
        role("ops")
    );
    harness.create(&format!("{NODE_ENTRY}{ops}"), "eks");
    let controller = start(&harness, &eks, &moto, &config);
    for name in ["fay", "gus"] {
        let mut object = developer(name);
        if name == "fay" {
            object["spec"]["policies"] = json!([{"name": "view"}]);
        }
        harness.apply(&object);
        harness.wait_for_ready(name, "True Applied");
    }
    (harness, eks, moto, controller)
}

/// Removes the entry of the role `ops`, which must be restored although EKS does not respond.
fn remove_ops(harness: &Harness, rest: &str) {
    let begun = Instant::now();
    harness.write("mapRoles", rest, "client");
    eventually("the protected entry is restored", || {
        harness.roles().contains(&role("ops")).then_some(())
    });
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn aws_auth_does_not_wait_for_eks_while_an_access_entry_is_pending() {
    let (harness, eks, _moto, controller) = start_with_ops();
    // Until EKS responds again, the deletion of an access entry is pending.
    std::thread::sleep(Duration::from_secs(6));
    set_faults(
        &eks,
        json!([{"operation": "ListAccessEntries", "fault": "delay", "seconds": 25}]),
    );
    harness.delete("fay");
    std::thread::sleep(Duration::from_secs(2));
    for _ in 0..2 {
        remove_ops(&harness, NODE_ENTRY);
    }
    assert!(entry(&eks, &role("fay")).is_some());
    set_faults(&eks, json!([]));
    eventually("the access entry is deleted", || {
        entry(&eks, &role("fay")).is_none().then_some(())
    });
    controller.terminate();
}

#[test]
fn aws_auth_does_not_wait_for_changes_that_eks_throttles() {
    let (harness, eks, _moto, controller) = start_with_ops();
    set_faults(
        &eks,
        json!([{"operation": "CreateAccessEntry", "fault": "throttle", "times": 1000}]),
    );
    let mut bob = developer("bob");
    bob["spec"]["policies"] = json!([{"name": "view"}]);
    harness.apply(&bob);
    eventually("a call is refused", || {
        let asked = eks.asked();
        let mut asked = asked.iter();
        asked
            .any(|call| call == "CreateAccessEntry ThrottlingException")
            .then_some(())
    });
    for _ in 0..2 {
        remove_ops(&harness, NODE_ENTRY);
    }
    let begun = Instant::now();
    harness.delete("fay");
    eventually("the access entry is deleted", || {
        entry(&eks, &role("fay")).is_none().then_some(())
    });
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
    // Its entry may exist by the time it is deleted: the last request may have succeeded.
    harness.delete("bob");
    harness.delete("gus");
    eventually("the mapping is removed", || {
        (!harness.roles().contains(&role("gus"))).then_some(())
    });
    assert!(!harness.object("bob").is_null(), "its change is under way");
    set_faults(&eks, json!([]));
    eventually("the object is deleted", || {
        harness.object("bob").is_null().then_some(())
    });
    assert_eq!(entry(&eks, &role("bob")), None);
    controller.terminate();
}

#[test]
fn protected_entry_is_restored_although_eks_does_not_report_the_nodes() {
    let (harness, eks, _moto, controller) = start_with_ops();
    // The last response is outdated.
    std::thread::sleep(Duration::from_secs(6));
    set_faults(
        &eks,
        json!([{"operation": "all", "fault": "drop", "times": 10000}]),
    );
    for _ in 0..2 {
        remove_ops(&harness, "");
        let has_nodes = harness.roles().contains(&role("nodes"));
        assert!(!has_nodes, "EKS may have deleted the node group");
    }
    set_faults(&eks, json!([]));
    eventually("the node entry is restored", || {
        harness.roles().contains(&role("nodes")).then_some(())
    });
    controller.terminate();
}

/// A response that EKS began before an access entry was created arrives after it. Its object must not be released without it.
#[test]
fn access_entry_that_a_late_response_lacks_is_deleted_with_its_object() {
    let (harness, eks, _moto, controller) = start_with_ops();
    let delay = |operation: &str, seconds: u32| json!({"operation": operation, "fault": "delay", "seconds": seconds});
    set_faults(&eks, json!([delay("CreateAccessEntry", 4)]));
    let apply = |name: &str| {
        let mut object = developer(name);
        object["spec"]["policies"] = json!([{"name": "view"}]);
        harness.apply(&object);
    };
    apply("bob");
    eventually("the access entry is being created", || {
        eks.has_delayed().then_some(())
    });
    // Access entries are listed first.
    set_faults(&eks, json!([delay("ListNodegroups", 15)]));
    apply("carl");
    harness.wait_for_ready("bob", "True Applied");
    std::thread::sleep(Duration::from_secs(6));
    harness.delete("bob");
    eventually("the object is deleted", || {
        harness.object("bob").is_null().then_some(())
    });
    assert_eq!(entry(&eks, &role("bob")), None);
    harness.wait_for_ready("carl", "True Applied");
    let events = harness.events();
    assert!(!events.contains("DriftRepaired"), "{events}");
    controller.terminate();
}

#[test]
fn entry_of_a_node_group_that_is_newer_than_the_last_response_is_restored() {
    let (harness, eks, _moto, controller) = start_with_ops();
    let mut world = eks.state();
    let mut group = world["nodegroups"][NAME][0].clone();
    group["nodegroupName"] = json!("new");
    group["nodeRole"] = json!(role("new"));
    let groups = world["nodegroups"][NAME].as_array_mut().unwrap();
    groups.push(group);
    eks.set(&world);
    let before = harness.roles();
    let new = NODE_ENTRY.replace(&role("nodes"), &role("new"));
    harness.write("mapRoles", &format!("{before}{new}"), "eks");
    std::thread::sleep(Duration::from_secs(6));
    harness.write("mapRoles", &before, "terraform");
    eventually("the node entry is restored", || {
        harness.roles().contains(&role("new")).then_some(())
    });
    let events = harness.events();
    assert!(!events.contains("NodeEntryGone"), "{events}");
    controller.terminate();
}

#[test]
fn aws_auth_does_not_wait_for_queries_about_new_objects() {
    let (harness, eks, _moto, controller) = start_with_ops();
    set_faults(
        &eks,
        json!([{"operation": "ListAccessEntries", "fault": "delay", "seconds": 25}]),
    );
    for name in ["bob", "carl", "dora"] {
        let mut object = developer("tenant");
        object["spec"]["role"] = json!(role(name));
        object["spec"]["policies"] = json!([{"name": "view"}]);
        harness.apply(&object);
        std::thread::sleep(Duration::from_secs(1));
        remove_ops(&harness, NODE_ENTRY);
    }
    set_faults(&eks, json!([]));
    harness.wait_for_ready("tenant", "True Applied");
    controller.terminate();
}

#[test]
fn grant_that_is_withdrawn_while_eks_responds_slowly_is_revoked() {
    let harness = Harness::shared();
    let (eks, moto) = (EksService::start(&world("API_AND_CONFIG_MAP")), iam());
    let grant = |groups: &str| {
        format!(
            "- {{accounts: [\"111122223333\"], groups: [{groups}], usernames: [\"*\"], policies: [view], onWithdrawal: Revoke}}\n"
        )
    };
    let config = format!("grants:\n{}{}", grant("developers"), grant("admins"));
    let controller = start(&harness, &eks, &moto, &config);
    let mut fay = developer("fay");
    fay["spec"]["policies"] = json!([{"name": "view"}]);
    let mut gus = developer("gus");
    gus["spec"]["groups"] = json!(["admins"]);
    for object in [&fay, &gus] {
        harness.apply(object);
    }
    harness.wait_for_ready("fay", "True Applied");
    harness.wait_for_ready("gus", "True Applied");

    // The next change to an access entry waits for EKS, and the configuration is reloaded meanwhile.
    std::thread::sleep(std::time::Duration::from_secs(6));
    set_faults(
        &eks,
        json!([{"operation": "ListAccessEntries", "fault": "delay", "seconds": 15}]),
    );
    fay["spec"]["username"] = json!("fay-2");
    harness.apply(&fay);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let folder = std::fs::read_dir(harness.cluster.folder()).unwrap();
    let mut files = folder.map(|file| file.unwrap().path());
    let file = files.find(|file| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.starts_with("config-") && name.ends_with(".yaml")
    });
    std::fs::write(file.unwrap(), format!("grants:\n{}", grant("developers"))).unwrap();
    eventually("the entry is removed", || {
        (!harness.roles().contains(&role("gus"))).then_some(())
    });
    harness.wait_for_ready("fay", "True Applied");
    controller.terminate();
}

#[test]
fn access_ends_although_a_user_removed_the_finalizer_or_eks_throttles() {
    let harness = Harness::shared();
    let (eks, moto) = (EksService::start(&world("API")), iam());
    let controller = start(&harness, &eks, &moto, CONFIG);
    let patch = |name: &str, patch: Value| {
        let patch = patch.to_string();
        let args = ["patch", "awsauthmapping", name, "--type=merge", "-p"];
        harness.cluster.kubectl(&[&args[..], &[&patch]].concat());
    };
    for name in ["ann", "bob", "carl", "dora"] {
        harness.apply(&developer(name));
        harness.wait_for_ready(name, "True Applied");
    }
    // The policy was Retain, and the finalizer of a refused object is removed.
    patch("ann", json!({"spec": {"deletionPolicy": "Retain"}}));
    let has_finalizer = |name: &str| !harness.object(name)["metadata"]["finalizers"].is_null();
    eventually("ann is released", || (!has_finalizer("ann")).then_some(()));
    patch("ann", json!({"spec": {"deletionPolicy": "Delete"}}));
    let ungranted = "arn:aws:iam::999999999999:role/none";
    patch(
        "bob",
        json!({"metadata": {"finalizers": null}, "spec": {"role": ungranted}}),
    );
    harness.wait_for_ready("bob", "False Refused");
    for name in ["ann", "bob"] {
        eventually("the finalizer is back", || {
            has_finalizer(name).then_some(())
        });
        harness.delete(name);
    }
    for name in ["ann", "bob"] {
        eventually("the object is deleted", || {
            harness.object(name).is_null().then_some(())
        });
    }
    // The object vanishes while no controller runs.
    controller.terminate();
    patch("carl", json!({"metadata": {"finalizers": null}}));
    harness.delete("carl");
    assert!(harness.object("carl").is_null());
    let controller = start(&harness, &eks, &moto, CONFIG);
    let ends = |name: &str, path: &str| {
        eventually(&format!("{name} is deleted"), || {
            let is_gone = entry(&eks, &role(path)).is_none() && harness.object(name).is_null();
            is_gone.then_some(())
        });
    };
    ends("ann", "team/ann");
    ends("bob", "bob");
    ends("carl", "carl");

    // EKS's last response is outdated, and EKS refuses all attempts of the next request.
    std::thread::sleep(std::time::Duration::from_secs(6));
    set_faults(
        &eks,
        json!([{"operation": "ListAccessEntries", "fault": "throttle", "times": 4}]),
    );
    harness.delete("dora");
    ends("dora", "dora");
    assert_eq!(entries(&eks).len(), 1);
    controller.terminate();
}
