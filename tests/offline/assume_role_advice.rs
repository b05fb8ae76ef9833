//! The decision table for assuming a role. Each row is a case.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod accounts;
mod conditions;
mod denials;
mod principals;

use awsauth_core::assume_role_advice::{
    Advice, Decision, EC2, Facts, Obstacle, PolicyKind, State, explain, statement_for_service,
};

pub(crate) const ONE: &str = "111122223333";
pub(crate) const TWO: &str = "444455556666";
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/ExampleAssumedRole";
pub(crate) const THERE: &str = "arn:aws:iam::444455556666:role/ExampleAssumedRole";
pub(crate) const SESSION: &str =
    "arn:aws:sts::111122223333:assumed-role/ExampleRole/i-0123456789abcdef0";
pub(crate) const USER: &str = "arn:aws:iam::111122223333:user/team/bob";
pub(crate) const REFUSED: &str =
    "User: X is not authorized to perform: sts:AssumeRole on resource: Y";

/// Returns a trust policy with one statement.
pub(crate) fn trusting(effect: &str, principal: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":{principal},"Action":"sts:AssumeRole","Condition":{condition}}}]}}"#
    )
}

pub(crate) fn trusts(principal: &str) -> String {
    trusting("Allow", &format!(r#"{{"AWS":{principal}}}"#), "{}")
}

pub(crate) fn names_role() -> String {
    trusts(r#""arn:aws:iam::111122223333:role/ExampleRole""#)
}

pub(crate) fn names_account() -> String {
    trusts(r#"["arn:aws:iam::111122223333:root"]"#)
}

pub(crate) fn facts<'a>(caller: &'a str, role: &'a str, trust: &'a str) -> Facts<'a> {
    Facts {
        trust_policy: (!trust.is_empty()).then_some(trust),
        ..Facts::new(caller, role)
    }
}

/// Asserts the verdicts on the two policies, and the obstacles.
pub(crate) fn check(facts: &Facts<'_>, own: State, trust: State, obstacles: &[Obstacle]) -> Advice {
    let advice = explain(facts);
    assert_eq!(advice.obstacles, obstacles, "{advice}");
    assert_eq!(
        (advice.own.state, advice.trust.state),
        (own, trust),
        "{advice}"
    );
    for statement in [&advice.own.statement, &advice.trust.statement]
        .into_iter()
        .flatten()
    {
        let json: serde_json::Value = serde_json::from_str(statement).unwrap();
        assert_eq!(json["Effect"], "Allow");
    }
    let text = advice.to_string();
    assert!(text.contains("https://"), "{text}");
    for obstacle in obstacles {
        assert!(text.contains(&obstacle.to_string()), "{text}");
    }
    advice
}

pub(crate) fn denied(kind: PolicyKind) -> [Obstacle; 1] {
    [Obstacle::Denied { kind, policy: None }]
}

pub(crate) fn limited(kind: PolicyKind) -> [Obstacle; 1] {
    [Obstacle::Limited { kind, policy: None }]
}
