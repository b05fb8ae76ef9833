//! Whether a role can be assumed: our decision table and the stand-in, which implements the IAM documentation, agree on
//! generated policies and callers.

use std::collections::BTreeMap;

use awsauth_core::assume_role_advice::{Advice, Decision, Facts, State, explain};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::aws_stand_in::{ACCOUNT, Stage};
use crate::support::simulated_aws::Credentials;

const OTHER: &str = "444455556666";
const CALLER: &str = "arn:aws:iam::111122223333:role/Caller";
const CALLER_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Caller/i-0123456789abcdef0";
const USER: &str = "arn:aws:iam::111122223333:user/team/bob";
const MFA: (&str, &str) = ("arn:aws:iam::111122223333:mfa/bob", "123456");

/// The identity that calls AssumeRole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Role,
    User,
    UserWithMfa,
    /// A session of the role to assume.
    Itself,
}

/// Returns the caller's own policy and the result of `iam:SimulatePrincipalPolicy` for it.
fn own(rng: &mut Rng, target: &str) -> (Value, Decision) {
    let statement = |effect: &str, action: &str, resource: &str| json!({"Effect": effect, "Action": action, "Resource": resource});
    let elsewhere = "arn:aws:iam::111122223333:role/Elsewhere";
    let (statements, decision) = match rng.u8(..8) {
        0 | 1 => (vec![], Decision::ImplicitDeny),
        2 => (
            vec![
                statement("Allow", "sts:AssumeRole", elsewhere),
                statement("Allow", "sts:GetCallerIdentity", "*"),
            ],
            Decision::ImplicitDeny,
        ),
        3 | 4 => (
            vec![statement("Allow", "sts:AssumeRole", target)],
            Decision::Allowed,
        ),
        5 => (
            vec![
                statement("Allow", "sts:*", "*"),
                statement("Deny", "sts:AssumeRole", elsewhere),
            ],
            Decision::Allowed,
        ),
        6 => (
            vec![
                statement("Allow", "*", "*"),
                statement("Deny", "sts:Assume*", target),
            ],
            Decision::ExplicitDeny,
        ),
        _ => (vec![statement("Deny", "*", "*")], Decision::ExplicitDeny),
    };
    (json!(statements), decision)
}

/// Returns a principal for a statement: the caller in one of its spellings, or another one.
fn principal(rng: &mut Rng, caller: Caller, target: &str) -> Value {
    let aws = |name: &str| json!({"AWS": name});
    let of_caller = match caller {
        Caller::Role => CALLER.to_owned(),
        Caller::User | Caller::UserWithMfa => USER.to_owned(),
        Caller::Itself => target.to_owned(),
    };
    match rng.u8(..13) {
        0..=2 => aws(&of_caller),
        3 if caller == Caller::Role => aws(CALLER_SESSION),
        3 | 4 => aws(&CALLER_SESSION.replace("i-0123456789abcdef0", "another")),
        5 => aws(&format!("arn:aws:iam::{ACCOUNT}:root")),
        6 => aws(ACCOUNT),
        7 => aws(&format!("arn:aws:iam::{OTHER}:root")),
        8 => json!({"AWS": ["arn:aws:iam::111122223333:role/Elsewhere", of_caller]}),
        9 => aws("AROAEXAMPLEEXAMPLE00"),
        10 => json!("*"),
        11 => aws("*"),
        _ => json!({"Service": "ec2.amazonaws.com"}),
    }
}

fn condition(rng: &mut Rng) -> Value {
    let conditions = [
        json!({"StringEquals": {"sts:ExternalId": "x"}}),
        json!({"StringEquals": {"sts:ExternalId": ["x", "y"]}}),
        json!({"StringNotEquals": {"sts:ExternalId": "x"}}),
        json!({"StringLike": {"sts:RoleSessionName": "te*"}}),
        json!({"StringEquals": {"sts:RoleSessionName": "another"}}),
        json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}),
        json!({"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
        json!({"Null": {"sts:ExternalId": "true"}}),
        json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:*"}}),
        json!({"StringEquals": {"aws:PrincipalAccount": ACCOUNT, "sts:ExternalId": "y"}}),
        json!({"StringEquals": {"aws:PrincipalAccount": OTHER}}),
    ];
    if rng.u8(..3) > 0 {
        return json!({});
    }
    rng.choice(conditions).expect("a condition")
}

fn trust(rng: &mut Rng, caller: Caller, target: &str) -> Vec<Value> {
    (0..rng.usize(1..4))
        .map(|_| {
            json!({
                "Effect": if rng.u8(..6) == 0 { "Deny" } else { "Allow" },
                "Principal": principal(rng, caller, target),
                "Action": rng.choice(["sts:AssumeRole", "sts:AssumeRole", "sts:*", "STS:assumerole", "sts:TagSession"]),
                "Condition": condition(rng),
            })
        })
        .collect()
}

/// Returns the verdict of the decision table: allowed, denied, or unknown.
fn ours(advice: &Advice) -> Option<bool> {
    let halves = [advice.own.state, advice.trust.state];
    let good = |state: &State| matches!(state, State::Allows | State::NotNeeded);
    if !advice.obstacles.is_empty() || halves.contains(&State::Denies) {
        return Some(false);
    }
    let is_open = halves.contains(&State::Unknown)
        || advice
            .notes
            .iter()
            .any(|note| note.contains("depending on"));
    (!is_open).then(|| halves.iter().all(good))
}

#[test]
fn decision_table_matches_the_stand_in() {
    let cases = std::env::var("AWSAUTH_TRUST_CASES").ok();
    let cases: u64 = cases.and_then(|cases| cases.parse().ok()).unwrap_or(3000);
    let stage = Stage::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..cases {
        let rng = &mut Rng::with_seed(seed);
        let caller = rng.choice([
            Caller::Role,
            Caller::Role,
            Caller::User,
            Caller::UserWithMfa,
            Caller::Itself,
        ]);
        let caller = caller.expect("a caller");
        let account = if caller == Caller::Itself || rng.bool() {
            ACCOUNT
        } else {
            OTHER
        };
        let target = format!("arn:aws:iam::{account}:role/Target");
        let trust = trust(rng, caller, &target);
        let (policy, own_policies) = own(rng, &target);
        let (boundary, limit) = match rng.u8(..3) {
            0 | 1 => (Value::Null, Decision::Allowed),
            _ => own(rng, &target),
        };
        let external_id = rng
            .choice([None, Some("x"), Some("y"), Some("z")])
            .expect("one");

        let (as_, arn) = declared(
            &stage,
            caller,
            &target,
            &json!({
                "trust": trust, "policy": policy, "boundary": boundary,
            }),
        );
        let mut more = external_id.map_or_else(String::new, |id| format!("&ExternalId={id}"));
        if caller == Caller::UserWithMfa {
            let serial = MFA.0.replace(':', "%3A").replace('/', "%2F");
            more += &format!("&SerialNumber={serial}&TokenCode={}", MFA.1);
        }
        let (status, body) = stage.assume(&as_, &target, &more);
        assert!(status == 200 || body.contains("AccessDenied"), "{body}");

        let text = json!({"Version": "2012-10-17", "Statement": trust}).to_string();
        let advice = explain(&Facts {
            trust_policy: Some(&text),
            own_policies,
            boundary: limit,
            external_id,
            session_name: Some("test"),
            mfa: caller == Caller::UserWithMfa,
            ..Facts::new(&arn, &target)
        });
        let ours = ours(&advice);
        assert!(
            ours.is_none_or(|ours| ours == (status == 200)),
            "{seed}: {caller:?} of {ACCOUNT}, role of {account}, own {own_policies:?}, boundary {limit:?}, external id {external_id:?}, \
             trust {text}\nAWS: {status} {body}\nours: {advice}"
        );
        *seen.entry(format!("{ours:?}")).or_default() += 1;
    }
    // Allowed and denied are both frequent, and unknown is rare.
    assert!(seen["Some(true)"] * 8 > cases as usize, "{seen:?}");
    assert!(seen["Some(false)"] * 8 > cases as usize, "{seen:?}");
    assert!(
        seen.get("None")
            .is_none_or(|open| open * 8 < cases as usize),
        "{seen:?}"
    );
}

/// Creates the caller and the target. Returns the caller's credentials and ARN.
fn declared(stage: &Stage, caller: Caller, target: &str, of: &Value) -> (Credentials, String) {
    let with = |mut one: Value| {
        for name in ["policy", "boundary"] {
            if !of[name].is_null() {
                one[name] = of[name].clone();
            }
        }
        one
    };
    let plain = json!({"arn": target, "trust": of["trust"]});
    let session = |arn: &str| {
        let session = stage.aws.sessions(&[arn]).remove(0);
        (session, arn.to_owned())
    };
    match caller {
        Caller::Role => {
            let role = with(json!({"arn": CALLER, "trust": []}));
            stage.aws.declare(&json!({"roles": [plain, role]}));
            session(CALLER_SESSION)
        }
        Caller::Itself => {
            stage.aws.declare(&json!({"roles": [with(plain)]}));
            session("arn:aws:sts::111122223333:assumed-role/Target/before")
        }
        Caller::User | Caller::UserWithMfa => {
            let user = with(json!({"arn": USER, "mfaSerial": MFA.0, "mfaCode": MFA.1}));
            let response = stage
                .aws
                .declare(&json!({"roles": [plain], "users": [user]}));
            let user: Credentials = serde_json::from_value(response["users"][0].clone()).unwrap();
            (user, USER.to_owned())
        }
    }
}
