//! External IDs, MFA and other conditions.

use super::*;

#[test]
fn missing_or_wrong_external_id_is_reported() {
    let condition = r#"{"StringEquals":{"sts:ExternalId":"deploy-prod"}}"#;
    let trust = trusting("Allow", r#"{"AWS":"111122223333"}"#, condition);
    let obstacle = |given: Option<&str>| Obstacle::ExternalId {
        required: vec!["deploy-prod".into()],
        given: given.map(str::to_owned),
    };
    let with = |external_id| Facts {
        external_id,
        own_policies: Decision::Allowed,
        ..facts(SESSION, THERE, &trust)
    };
    let advice = check(&with(None), State::Allows, State::Lacks, &[obstacle(None)]);
    assert!(
        advice.to_string().contains("--external-id deploy-prod"),
        "{advice}"
    );
    check(
        &with(Some("x")),
        State::Allows,
        State::Lacks,
        &[obstacle(Some("x"))],
    );
    check(
        &with(Some("deploy-prod")),
        State::Allows,
        State::Allows,
        &[],
    );
}

#[test]
fn missing_mfa_is_reported() {
    let condition = r#"{"Bool":{"aws:MultiFactorAuthPresent":true}}"#;
    let trust = trusting(
        "Allow",
        r#"{"AWS":"arn:aws:iam::111122223333:root"}"#,
        condition,
    );
    let user = Facts {
        own_policies: Decision::Allowed,
        ..facts(USER, ROLE, &trust)
    };
    check(
        &user,
        State::Allows,
        State::Lacks,
        &[Obstacle::Mfa { role: false }],
    );
    check(
        &Facts { mfa: true, ..user },
        State::Allows,
        State::Allows,
        &[],
    );
    // The role of an instance can never meet the condition, so it needs its own statement.
    let role = Facts {
        own_policies: Decision::Allowed,
        ..facts(SESSION, ROLE, &trust)
    };
    let advice = check(
        &role,
        State::Allows,
        State::Lacks,
        &[Obstacle::Mfa { role: true }],
    );
    assert!(advice.trust.statement.is_some());
    // Requests with a user's access keys lack the key; IfExists allows that.
    let lax = trust.replace("\"Bool\"", "\"BoolIfExists\"");
    let user = Facts {
        trust_policy: Some(&lax),
        ..user
    };
    check(&user, State::Allows, State::Allows, &[]);
}

#[test]
fn failed_or_unknown_condition_is_reported() {
    let named = r#"{"AWS":"arn:aws:iam::111122223333:role/ExampleRole"}"#;
    let trust = trusting(
        "Allow",
        named,
        r#"{"StringLike":{"sts:RoleSessionName":["ci-*","cd-*"]}}"#,
    );
    let with = |session_name| Facts {
        session_name,
        ..facts(SESSION, ROLE, &trust)
    };
    let obstacle = Obstacle::Condition {
        operator: "StringLike".into(),
        key: "sts:RoleSessionName".into(),
        required: vec!["ci-*".into(), "cd-*".into()],
    };
    check(&with(Some("cd-7")), State::NotNeeded, State::Allows, &[]);
    check(
        &with(Some("x")),
        State::NotNeeded,
        State::Lacks,
        &[obstacle],
    );
    check(&with(None), State::NotNeeded, State::Unknown, &[]);
    // Whether the condition holds is unknown here; AWS decides.
    let trust = trusting(
        "Allow",
        named,
        r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
    );
    let message =
        format!("{REFUSED} because no role trust policy allows the sts:AssumeRole action");
    let facts = Facts {
        message: Some(&message),
        ..facts(SESSION, ROLE, &trust)
    };
    let obstacle = Obstacle::UnknownCondition {
        keys: vec!["aws:SourceIp (IpAddress 10.0.0.0/8)".into()],
        is_certain: true,
    };
    check(
        &facts,
        State::NotNeeded,
        State::Lacks,
        std::slice::from_ref(&obstacle),
    );
    // AWS does not always report which policy denies the call.
    let facts = Facts {
        message: Some(REFUSED),
        ..facts
    };
    check(&facts, State::NotNeeded, State::Lacks, &[obstacle]);
    let trust = trusting(
        "Allow",
        r#"{"AWS":"arn:aws:iam::111122223333:root"}"#,
        r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
    );
    let facts = Facts {
        trust_policy: Some(&trust),
        ..facts
    };
    let obstacle = Obstacle::UnknownCondition {
        keys: vec!["aws:SourceIp (IpAddress 10.0.0.0/8)".into()],
        is_certain: false,
    };
    let step = obstacle.step().unwrap();
    assert!(step.starts_with("connect from a network"), "{step}");
    check(&facts, State::Unknown, State::Unknown, &[obstacle]);
}
