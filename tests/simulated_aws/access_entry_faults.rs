//! Changes to access entries and of the authentication mode, with a fault at every call.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use awsauth_aws::credentials::{CredentialOptions, resolve};
use awsauth_aws::eks::{Eks, OperationError, OperationProgress, Outcome, StopCause, Stopped};
use awsauth_core::access_entries::Operation;
use awsauth_core::facts::access_entries::AccessScope;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::simulated_eks_api::EksService;

const DEV: &str = "arn:aws:iam::111122223333:role/team/dev";
const OPS: &str = "arn:aws:iam::111122223333:role/ops";
const NODE: &str = "arn:aws:iam::111122223333:role/node";
const QA: &str = "arn:aws:iam::111122223333:role/qa";
const OLD: &str = "arn:aws:iam::111122223333:user/old";
const ADMIN: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";

/// A time limit that no fault of these tests needs.
const PATIENCE: Duration = Duration::from_secs(90);

/// A time limit for faults that do not pass.
const IMPATIENCE: Duration = Duration::from_millis(400);

fn create(principal: &str, groups: &[&str]) -> Operation {
    Operation::CreateEntry {
        principal_arn: principal.to_owned(),
        kind: "STANDARD".to_owned(),
        username: None,
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        tags: BTreeMap::from([("awsauth.dev/from".to_owned(), "aws-auth".to_owned())]),
    }
}

fn create_node(principal: &str) -> Operation {
    Operation::CreateEntry {
        principal_arn: principal.to_owned(),
        kind: "EC2_LINUX".to_owned(),
        username: None,
        groups: Vec::new(),
        tags: BTreeMap::new(),
    }
}

fn update(principal: &str, username: &str, groups: &[&str]) -> Operation {
    Operation::UpdateEntry {
        principal_arn: principal.to_owned(),
        username: username.to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
    }
}

fn associate(principal: &str, policy: &str, scope: AccessScope) -> Operation {
    Operation::AssociatePolicy {
        principal_arn: principal.to_owned(),
        policy_arn: policy.to_owned(),
        scope,
    }
}

fn delete(principal: &str) -> Operation {
    Operation::DeleteEntry {
        principal_arn: principal.to_owned(),
    }
}

fn update_mode(to: AuthenticationMode) -> Operation {
    Operation::UpdateAuthenticationMode {
        from: AuthenticationMode::ConfigMap,
        to,
    }
}

/// A call of each kind. The principals QA and OLD have entries before.
fn operations() -> Vec<Operation> {
    vec![
        update_mode(AuthenticationMode::ApiAndConfigMap),
        create(DEV, &["devs"]),
        create(OPS, &[]),
        associate(OPS, ADMIN, AccessScope::Cluster),
        create_node(NODE),
        update(QA, "qa", &["testers"]),
        Operation::DisassociatePolicy {
            principal_arn: QA.to_owned(),
            policy_arn: VIEW.to_owned(),
        },
        delete(OLD),
    ]
}

/// The state of EKS before.
fn before() -> Value {
    let view =
        json!([{"policyArn": VIEW, "accessScope": {"type": "namespace", "namespaces": ["qa"]}}]);
    let entry = |arn: &str, policies: &Value| {
        json!({
            "principalArn": arn, "type": "STANDARD", "username": "qa-team", "kubernetesGroups": ["qa"],
            "policies": policies,
        })
    };
    let principals = [DEV, OPS, NODE, QA, OLD]
        .map(|arn| (arn.to_owned(), json!({"id": format!("ID{}", arn.len())})));
    json!({
        "clusters": {"prod": {
            "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/prod",
            "status": "ACTIVE",
            "accessConfig": {"authenticationMode": "CONFIG_MAP"},
        }},
        "principals": principals.into_iter().collect::<serde_json::Map<_, _>>(),
        // EKS lists none of them while the mode is CONFIG_MAP.
        "entries": {"prod": [entry(QA, &view), entry(OLD, &json!([]))]},
    })
}

fn with_mode(mode: &str) -> Value {
    let mut state = before();
    state["clusters"]["prod"]["accessConfig"]["authenticationMode"] = json!(mode);
    state
}

/// What decides for a principal: its entry, or aws-auth.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Access {
    AwsAuth,
    Entry {
        kind: String,
        username: String,
        groups: Vec<String>,
        policies: Vec<String>,
    },
}

impl Access {
    fn of(state: &Value, principal: &str) -> Self {
        let mode = &state["clusters"]["prod"]["accessConfig"]["authenticationMode"];
        let entries = state["entries"]["prod"].as_array().expect("a list");
        let entry = entries
            .iter()
            .find(|entry| entry["principalArn"] == principal);
        let Some(entry) = entry.filter(|_| mode != "CONFIG_MAP") else {
            return Self::AwsAuth;
        };
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let texts = |value: &Value| value.as_array().expect("a list").iter().map(text).collect();
        let policies = entry["policies"].as_array().expect("a list").iter();
        Self::Entry {
            kind: text(&entry["type"]),
            username: text(&entry["username"]),
            groups: texts(&entry["kubernetesGroups"]),
            policies: policies.map(|policy| text(&policy["policyArn"])).collect(),
        }
    }

    fn all(state: &Value) -> BTreeMap<&'static str, Self> {
        let of = |arn| (arn, Self::of(state, arn));
        [DEV, OPS, NODE, QA, OLD].map(of).into()
    }

    fn has_rights(&self) -> bool {
        match self {
            Self::AwsAuth => true,
            Self::Entry {
                groups, policies, ..
            } => !groups.is_empty() || !policies.is_empty(),
        }
    }
}

/// Records the operations.
#[derive(Default)]
pub(crate) struct Recorder {
    stops_after: Option<usize>,
    outcomes: Vec<Outcome>,
}

impl OperationProgress for Recorder {
    type Guard = ();
    type Error = Infallible;

    fn starting(&mut self, _: &Operation) {}

    fn finished(&mut self, _: &Operation, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    fn call_kubernetes(&mut self, _: &Operation) -> Result<Outcome, Infallible> {
        Ok(Outcome::Changed)
    }

    fn should_stop(&mut self) -> bool {
        self.stops_after
            .is_some_and(|limit| self.outcomes.len() >= limit)
    }
}

/// Stops at the fifth question, and counts them.
struct StopsLater(usize);

impl OperationProgress for StopsLater {
    type Guard = ();
    type Error = Infallible;

    fn starting(&mut self, _: &Operation) {}

    fn finished(&mut self, _: &Operation, _: Outcome) {}

    fn call_kubernetes(&mut self, _: &Operation) -> Result<Outcome, Infallible> {
        Ok(Outcome::Changed)
    }

    fn should_stop(&mut self) -> bool {
        self.0 += 1;
        self.0 >= 5
    }
}

fn client(service: &EksService) -> Eks {
    let environment = service.aws_environment().with("AWS_REGION", "eu-west-1");
    let resolved = resolve(
        &CredentialOptions::default(),
        &environment,
        Timestamp::now(),
    );
    Eks::new(&resolved.expect("keys"), None, &environment).expect("a client")
}

/// Runs operations, and returns the outcomes or why the run stopped.
fn run(
    service: &EksService,
    operations: &[Operation],
    limit: Duration,
) -> Result<Vec<Outcome>, Stopped<Infallible>> {
    let mut recorder = Recorder::default();
    let deadline = Instant::now() + limit;
    client(service).execute("prod", operations, deadline, &mut recorder)?;
    Ok(recorder.outcomes)
}

/// Runs one operation that EKS refuses.
fn refused(service: &EksService, operation: Operation, limit: Duration) -> OperationError {
    let stopped = run(service, &[operation], limit).expect_err("a refusal");
    match stopped.cause {
        StopCause::Eks(error) => *error,
        cause => panic!("{cause:?}"),
    }
}

/// Returns what the operations lead to without a fault.
fn expected(service: &EksService) -> BTreeMap<&'static str, Access> {
    service.set(&before());
    let outcomes = run(service, &operations(), PATIENCE).expect("no fault");
    assert_eq!(outcomes, vec![Outcome::Changed; operations().len()]);
    let after = Access::all(&service.state());
    assert_ne!(after, Access::all(&before()));
    after
}

/// Checks that each principal has its access before or after, and that a run without faults finishes. The entry of
/// `reported` may lack permissions, because the run reported it.
fn check_and_finish(
    service: &EksService,
    after: &BTreeMap<&str, Access>,
    reported: Option<&str>,
    case: &str,
) {
    let mut state = service.state();
    let started = Access::all(&with_mode("API_AND_CONFIG_MAP"));
    for (arn, access) in Access::all(&state) {
        let known = [&started[arn], &Access::AwsAuth, &after[arn]];
        // Two calls change QA's entry, which keeps permissions in between.
        let is_known = known.contains(&&access) || arn == QA;
        let has_rights = is_known && access.has_rights();
        assert!(
            has_rights || reported == Some(arn),
            "{case}: {arn} has {access:?}"
        );
    }
    state["faults"] = json!([]);
    service.set(&state);
    run(service, &operations(), PATIENCE).unwrap_or_else(|error| panic!("{case}: {error:?}"));
    assert_eq!(&Access::all(&service.state()), after, "{case}");
}

/// Returns the principal whose entry may lack permissions, because EKS cannot be reached or denies its deletion, too.
fn reported(stopped: &Stopped<Infallible>) -> Option<&str> {
    let entry = stopped.without_rights.as_ref()?;
    let error = entry.kept_because.as_ref()?;
    let message = error.to_string();
    let cause = message
        .strip_prefix(&format!(
            "cannot delete the access entry of {}: ",
            entry.principal_arn
        ))
        .expect(&message);
    let hint = match cause.starts_with("AWS cannot be reached: ") {
        true => "EKS may have carried out the call; run the command again",
        false => "ask an administrator to add this to a policy",
    };
    assert!(error.hint().starts_with(hint), "{}", error.hint());
    Some(&entry.principal_arn)
}

/// The faults of one call, and whether they pass while the client waits.
fn faults() -> Vec<(&'static str, Value, bool)> {
    let dead = json!([{"operation": "all", "fault": "drop", "times": 1000}]);
    let denied = json!({
        "fault": "refuse", "code": "AccessDeniedException", "status": 403, "times": 1000,
        "message": "User: arn:aws:sts::111122223333:assumed-role/x/y is not authorized to perform: it",
    });
    let error = json!({"fault": "refuse", "code": "ServerException", "message": "Internal", "status": 500, "times": 5});
    vec![
        ("lost before", json!({"fault": "drop"}), true),
        ("answer lost", json!({"fault": "lose"}), true),
        // More often than the SDK repeats a call.
        (
            "five answers lost",
            json!({"fault": "lose", "times": 5}),
            true,
        ),
        ("throttled", json!({"fault": "throttle", "times": 6}), true),
        ("internal errors", error, true),
        ("denied", denied, false),
        (
            "unreachable from here on",
            json!({"fault": "drop", "then": dead}),
            false,
        ),
    ]
}

/// Runs the operations with one fault at each call that writes.
fn with_fault(name: &str) {
    let service = EksService::start(&before());
    let after = expected(&service);
    let faults = faults();
    let (_, fault, passes) = faults
        .iter()
        .find(|(known, ..)| *known == name)
        .expect("a fault of this name");
    for skipped in 0..operations().len() {
        let case = format!("{name} at call {skipped}");
        let mut state = before();
        state["faults"] = json!([fault]);
        state["faults"][0]["operation"] = json!("*");
        state["faults"][0]["skip"] = json!(skipped);
        service.set(&state);
        let limit = if *passes { PATIENCE } else { IMPATIENCE };
        let done = run(&service, &operations(), limit);
        assert_eq!(done.is_ok(), *passes, "{case}: {done:?}");
        let stopped = done.err();
        assert!(
            stopped
                .as_ref()
                .is_none_or(|stopped| stopped.finished == skipped),
            "{case}"
        );
        let reported = stopped.as_ref().and_then(reported);
        // The calls that create OPS's entry and associate its policy.
        assert!(reported.is_none_or(|arn| arn == OPS && [2, 3].contains(&skipped)));
        check_and_finish(&service, &after, reported, &case);
    }
}

#[test]
fn call_that_does_not_arrive_is_repeated() {
    with_fault("lost before");
}

#[test]
fn call_whose_answer_is_lost_is_done_once() {
    with_fault("answer lost");
}

#[test]
fn call_whose_answers_are_lost_is_done_once() {
    with_fault("five answers lost");
}

#[test]
fn throttled_call_is_repeated() {
    with_fault("throttled");
}

#[test]
fn internal_error_is_repeated() {
    with_fault("internal errors");
}

#[test]
fn denied_call_leaves_the_former_or_the_new_access() {
    with_fault("denied");
}

#[test]
fn lost_network_leaves_the_former_or_the_new_access() {
    with_fault("unreachable from here on");
}

#[test]
fn answer_lost_with_the_network_is_found_by_the_next_run() {
    let service = EksService::start(&before());
    let after = expected(&service);
    for skipped in 0..operations().len() {
        let mut state = before();
        let dead = json!([{"operation": "all", "fault": "drop", "times": 1000}]);
        state["faults"] =
            json!([{"operation": "*", "fault": "lose", "skip": skipped, "then": dead}]);
        service.set(&state);
        let stopped = run(&service, &operations(), IMPATIENCE).expect_err("no network");
        assert_eq!(stopped.finished, skipped);
        let reported = reported(&stopped);
        assert_eq!(reported.is_some(), [2, 3].contains(&skipped));
        check_and_finish(&service, &after, reported, &format!("call {skipped}"));
    }
}

#[test]
fn run_that_is_stopped_continues() {
    let service = EksService::start(&before());
    let after = expected(&service);
    for stops_after in 0..operations().len() {
        service.set(&before());
        let mut recorder = Recorder {
            stops_after: Some(stops_after),
            ..Recorder::default()
        };
        let deadline = Instant::now() + PATIENCE;
        let stopped = client(&service)
            .execute("prod", &operations(), deadline, &mut recorder)
            .expect_err("a stop");
        assert!(matches!(stopped.cause, StopCause::Requested));
        // It does not stop between an entry and its policy.
        let finished = if stops_after == 3 { 4 } else { stops_after };
        assert_eq!(
            (stopped.finished, recorder.outcomes.len()),
            (finished, finished)
        );
        assert!(stopped.without_rights.is_none());
        check_and_finish(&service, &after, None, &format!("stop after {stops_after}"));
    }
}

#[test]
fn new_entry_is_used_before_other_calls_find_it() {
    let mut state = before();
    state["visible_after"] = json!(0.8);
    state["idempotent"] = json!(false);
    // The repetition by the SDK meets the entry that it created.
    state["faults"] = json!([{"operation": "CreateAccessEntry", "fault": "lose", "times": 2}]);
    let service = EksService::start(&state);
    let outcomes = run(&service, &operations(), PATIENCE).expect("it becomes visible");
    assert_eq!(outcomes[1], Outcome::Unchanged);
    assert!(Access::of(&service.state(), OPS).has_rights());
}

#[test]
fn refused_policy_deletes_only_the_new_entry_without_rights() {
    let service = EksService::start(&with_mode("API"));
    let unknown = |principal| {
        associate(
            principal,
            &VIEW.replace("View", "Nonsense"),
            AccessScope::Cluster,
        )
    };
    for (operations, deleted) in [
        (vec![create(OPS, &[]), unknown(OPS)], true),
        (vec![create(OPS, &["ops"]), unknown(OPS)], false),
        (
            vec![
                create(OPS, &[]),
                associate(OPS, VIEW, AccessScope::Cluster),
                unknown(OPS),
            ],
            false,
        ),
        (vec![unknown(QA)], false),
    ] {
        service.set(&with_mode("API"));
        let stopped = run(&service, &operations, PATIENCE).expect_err("an unknown policy");
        assert_eq!(stopped.finished, operations.len() - 1);
        let principals = stopped.without_rights.iter();
        let principals: Vec<_> = principals
            .map(|entry| (entry.principal_arn.as_str(), entry.kept_because.is_none()))
            .collect();
        assert_eq!(principals, if deleted { vec![(OPS, true)] } else { vec![] });
        let has_entry = Access::of(&service.state(), OPS) != Access::AwsAuth;
        assert_eq!(has_entry, !deleted && operations.len() > 1);
        assert!(Access::of(&service.state(), QA).has_rights());
    }
}

#[test]
fn write_of_another_client_in_between_is_kept_or_reported() {
    let service = EksService::start(&before());
    let after = expected(&service);
    let other = |operation: &str, call: &str, input: Value| {
        let mut state = before();
        let input = [json!({"clusterName": "prod"}), input]
            .iter()
            .flat_map(|value| value.as_object().unwrap().clone())
            .collect::<serde_json::Map<_, _>>();
        state["faults"] =
            json!([{"operation": operation, "fault": "first", "calls": [[call, input]]}]);
        service.set(&state);
        run(&service, &operations(), Duration::from_secs(8))
    };
    let of = |arn: &str, groups: &[&str]| json!({"principalArn": arn, "kubernetesGroups": groups});

    // The same entry.
    let outcomes = other("CreateAccessEntry", "CreateAccessEntry", of(DEV, &["devs"]));
    assert_eq!(outcomes.expect("the same")[1], Outcome::Unchanged);
    assert_eq!(Access::all(&service.state()), after);

    // Another entry of the same principal, which stays.
    let stopped = other(
        "CreateAccessEntry",
        "CreateAccessEntry",
        of(DEV, &["admins"]),
    );
    let stopped = stopped.expect_err("another entry");
    let StopCause::Eks(error) = stopped.cause else {
        panic!("{stopped:?}");
    };
    assert_eq!(
        error.to_string(),
        format!(
            "cannot create the access entry of {DEV}: it already exists and is different: it has the group admins, not the group devs"
        )
    );
    assert_eq!(
        error.hint(),
        format!(
            "keep the existing entry and leave this principal out, or delete the entry and run again: aws eks delete-access-entry --region eu-west-1 --cluster-name prod --principal-arn {DEV}"
        )
    );

    // Entries that are deleted before they are changed.
    let deleted = other(
        "AssociateAccessPolicy",
        "DeleteAccessEntry",
        json!({"principalArn": OPS}),
    );
    let stopped = deleted.map(drop).expect_err("the entry was deleted");
    assert_eq!(
        (stopped.finished, stopped.without_rights.is_none()),
        (3, true)
    );
    check_and_finish(&service, &after, None, "deleted before its policy");
    let deleted = other(
        "UpdateAccessEntry",
        "DeleteAccessEntry",
        json!({"principalArn": QA}),
    );
    let StopCause::Eks(error) = deleted.expect_err("the entry was deleted").cause else {
        panic!("not EKS");
    };
    assert_eq!(
        error.hint(),
        "another client deleted the access entry, or the cluster; run again"
    );
    let deleted = other(
        "DeleteAccessEntry",
        "DeleteAccessEntry",
        json!({"principalArn": OLD}),
    );
    assert_eq!(
        deleted.expect("as requested").last(),
        Some(&Outcome::Unchanged)
    );

    // An entry that another client completes while its policy is refused stays.
    let mut state = with_mode("API");
    let input = json!({
        "clusterName": "prod", "principalArn": OPS, "policyArn": VIEW, "accessScope": {"type": "cluster"},
    });
    state["faults"] = json!([
        {"operation": "AssociateAccessPolicy", "fault": "first", "calls": [["AssociateAccessPolicy", input]]},
    ]);
    service.set(&state);
    let nonsense = associate(
        OPS,
        "arn:aws:eks::aws:cluster-access-policy/Nonsense",
        AccessScope::Cluster,
    );
    let stopped =
        run(&service, &[create(OPS, &[]), nonsense], PATIENCE).expect_err("no such policy");
    assert!(stopped.without_rights.is_none());
    assert!(Access::of(&service.state(), OPS).has_rights());
}

#[test]
fn mode_update_waits_until_the_cluster_is_active() {
    let mode = [update_mode(AuthenticationMode::ApiAndConfigMap)];
    let mut state = before();
    state["update"] = json!({"polls": 3, "settles": 2});
    let service = EksService::start(&state);
    assert_eq!(run(&service, &mode, PATIENCE).unwrap(), [Outcome::Changed]);
    let requests = service.asked();
    assert_eq!(
        requests
            .iter()
            .filter(|name| *name == "UpdateClusterConfig")
            .count(),
        1
    );
    assert!(requests.contains(&"DescribeUpdate".to_owned()));
    // A second run finds the mode.
    assert_eq!(
        run(&service, &mode, PATIENCE).unwrap(),
        [Outcome::Unchanged]
    );
    // The caller may stop while EKS updates the cluster.
    let mut state = before();
    state["update"] = json!({"polls": 1000});
    service.set(&state);
    let mut recorder = StopsLater(0);
    let stopped = client(&service)
        .execute("prod", &mode, Instant::now() + PATIENCE, &mut recorder)
        .expect_err("a stop");
    assert!(matches!(stopped.cause, StopCause::Requested));
    // A mode before the current one needs no update.
    service.set(&with_mode("API"));
    assert_eq!(
        run(&service, &mode, PATIENCE).unwrap(),
        [Outcome::Unchanged]
    );

    // Another client's update is waited for.
    let mut state = before();
    state["update"] = json!({"polls": 3});
    let input =
        json!({"name": "prod", "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}});
    state["faults"] = json!([
        {"operation": "UpdateClusterConfig", "fault": "first", "calls": [["UpdateClusterConfig", input]]},
    ]);
    service.set(&state);
    assert_eq!(
        run(&service, &mode, PATIENCE).unwrap(),
        [Outcome::Unchanged]
    );
    let operation = || update_mode(AuthenticationMode::ApiAndConfigMap);
    let mut state = before();
    state["clusters"]["prod"]["status"] = json!("UPDATING");
    service.set(&state);
    let error = refused(&service, operation(), IMPATIENCE);
    assert_eq!(
        error.to_string(),
        "cannot change the authentication mode of cluster prod to API_AND_CONFIG_MAP: the cluster is still being updated"
    );
    assert!(
        error
            .hint()
            .ends_with("aws eks describe-cluster --region eu-west-1 --name prod")
    );

    // An update that ends without a reason, and one that takes too long.
    let mut state = before();
    state["update"] = json!({"polls": 1, "result": "Failed"});
    service.set(&state);
    let error = refused(&service, operation(), PATIENCE);
    assert!(
        error
            .to_string()
            .ends_with(" is Failed, and EKS gives no reason"),
        "{error}"
    );
    assert!(
        error
            .hint()
            .contains("aws eks describe-update --region eu-west-1 --name prod --update-id ")
    );
    state["update"] = json!({"polls": 1000});
    service.set(&state);
    let error = refused(&service, operation(), IMPATIENCE);
    assert!(
        error.hint().contains("run again: aws eks describe-update"),
        "{}",
        error.hint()
    );
    state["clusters"]["prod"]["status"] = json!("DELETING");
    service.set(&state);
    let error = refused(&service, operation(), PATIENCE);
    assert!(
        error.to_string().ends_with("the cluster is DELETING"),
        "{error}"
    );
}

#[test]
fn each_refusal_of_eks_has_a_hint() {
    let service = EksService::start(&before());
    let linked =
        "arn:aws:iam::111122223333:role/aws-service-role/emr.amazonaws.com/AWSServiceRoleForEMR";
    let session = "arn:aws:sts::111122223333:assumed-role/dev/ann";
    let named = |username: &str| match create(DEV, &[]) {
        Operation::CreateEntry {
            principal_arn,
            kind,
            groups,
            tags,
            ..
        } => Operation::CreateEntry {
            principal_arn,
            kind,
            username: Some(username.to_owned()),
            groups,
            tags,
        },
        _ => unreachable!(),
    };
    let mut full = with_mode("API");
    full["quota"] = json!(2);
    let mut with_node = with_mode("API");
    with_node["entries"]["prod"].as_array_mut().unwrap().push(json!({
        "principalArn": NODE, "type": "EC2_LINUX", "username": "system:node:{{EC2PrivateDNSName}}",
        "kubernetesGroups": ["system:nodes"],
    }));
    let api = || with_mode("API");
    for (state, operation, message, hint) in [
        (
            before(),
            create(DEV, &["devs"]),
            "InvalidRequestException: The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
            "aws eks update-cluster-config --region eu-west-1 --name prod --access-config authenticationMode=API_AND_CONFIG_MAP",
        ),
        (
            api(),
            create(DEV, &["system:masters"]),
            "InvalidParameterException: The kubernetes group name system:masters is invalid, it cannot start with system:",
            "bind another group to the same roles",
        ),
        (
            api(),
            named("system:node:x"),
            "InvalidParameterException: The username must not begin with system:",
            "use a username without a reserved prefix",
        ),
        (
            api(),
            create("arn:aws:iam::111122223333:role/dev", &["devs"]),
            "InvalidParameterException: The specified principalArn is invalid: invalid principal.",
            "aws iam get-role --role-name dev",
        ),
        (
            api(),
            create(session, &["devs"]),
            "InvalidParameterException: The principalArn parameter format is not valid",
            "name the user or the role, not a session",
        ),
        (
            api(),
            create(linked, &["devs"]),
            "InvalidParameterException: The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role",
            "leave this principal out",
        ),
        (
            with_node,
            associate(NODE, VIEW, AccessScope::Cluster),
            "InvalidRequestException: This operation can only be performed on Access Entries with a type of \"STANDARD\".",
            "entries for nodes have fixed permissions",
        ),
        (
            before(),
            update_mode(AuthenticationMode::Api),
            "InvalidParameterException: Unsupported authentication mode update from CONFIG_MAP to API",
            "one step at a time and never back",
        ),
        (
            full,
            create(DEV, &["devs"]),
            "ResourceLimitExceededException: ",
            "aws eks list-access-entries --region eu-west-1 --cluster-name prod",
        ),
        (
            api(),
            associate(DEV, VIEW, AccessScope::Cluster),
            "ResourceNotFoundException: The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.",
            "another client deleted the access entry",
        ),
    ] {
        service.set(&state);
        let error = refused(&service, operation, IMPATIENCE);
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.hint().contains(hint), "{}", error.hint());
        assert_eq!(service.state()["entries"], state["entries"]);
    }

    // An update that another client keeps in progress. https://github.com/aws/aws-cdk/issues/33452
    let mut state = before();
    state["faults"] = json!([{
        "operation": "UpdateClusterConfig", "fault": "refuse", "code": "ResourceInUseException", "status": 409,
        "message": "Cannot AccessConfigUpdate because cluster prod currently has update 0585fedb in progress", "times": 1000,
    }]);
    service.set(&state);
    let error = refused(
        &service,
        update_mode(AuthenticationMode::ApiAndConfigMap),
        IMPATIENCE,
    );
    assert!(
        error
            .hint()
            .ends_with("aws eks list-updates --region eu-west-1 --name prod"),
        "{}",
        error.hint()
    );
}

#[test]
fn denial_names_the_missing_statement() {
    let service = EksService::start(&before());
    let caller = "arn:aws:sts::111122223333:assumed-role/ci/run";
    let denied = |operation: Operation, name: &str, message: String| {
        let mut state = with_mode("API_AND_CONFIG_MAP");
        state["denied"] = json!({name: message});
        service.set(&state);
        refused(&service, operation, IMPATIENCE).hint()
    };
    let not_authorized = |action: &str| {
        format!(
            "User: {caller} is not authorized to perform: {action} on resource: arn:aws:eks:eu-west-1:111122223333:cluster/prod"
        )
    };
    let hint = denied(
        create(DEV, &["devs"]),
        "CreateAccessEntry",
        not_authorized("eks:CreateAccessEntry"),
    );
    let start = format!("ask an administrator to add this to a policy of {caller}: ");
    let statement: Value = serde_json::from_str(hint.strip_prefix(&start).expect(&hint)).unwrap();
    assert_eq!(statement["Action"][0], "eks:CreateAccessEntry");
    assert_eq!(
        statement["Resource"][1],
        "arn:aws:eks:eu-west-1:*:access-entry/prod/*"
    );

    let message = format!(
        "User: {caller} is not authorized to perform: iam:PassRole on resource: {NODE} because no identity-based policy allows the iam:PassRole action"
    );
    let hint = denied(create_node(NODE), "CreateAccessEntry", message);
    let statement: Value = serde_json::from_str(hint.strip_prefix(&start).expect(&hint)).unwrap();
    assert_eq!(
        statement,
        json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": NODE})
    );

    let message = format!(
        "{} with an explicit deny in a service control policy",
        not_authorized("eks:UpdateClusterConfig")
    );
    let mut state = before();
    state["denied"] = json!({"UpdateClusterConfig": message});
    service.set(&state);
    let hint = refused(
        &service,
        update_mode(AuthenticationMode::ApiAndConfigMap),
        IMPATIENCE,
    )
    .hint();
    assert_eq!(
        hint,
        "the explicit deny in a service control policy overrides every allow: ask its owner for an exception. Its condition may use eks:authenticationMode"
    );
}
