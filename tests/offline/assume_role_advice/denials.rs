//! Explicit denies, limits, and AWS error messages.

use super::*;

#[test]
fn explicit_deny_in_the_trust_policy_is_reported() {
    let trust = r#"{"Statement":[
        {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:*"},
        {"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111122223333:role/ExampleRole"},"Action":"*"}]}"#;
    check(
        &facts(SESSION, ROLE, trust),
        State::Unknown,
        State::Denies,
        &denied(PolicyKind::Trust),
    );
    check(
        &facts(USER, ROLE, trust),
        State::Unknown,
        State::Allows,
        &[],
    );
    // For a deny with an unknown condition, only the deny is reported.
    let trust = r#"{"Statement":[
        {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"},
        {"Effect":"Deny","NotPrincipal":{"AWS":"444455556666"},"Action":"sts:AssumeRole","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}"#;
    let advice = check(
        &facts(SESSION, ROLE, trust),
        State::Unknown,
        State::Allows,
        &[],
    );
    assert!(
        advice.to_string().contains("depending on aws:SourceIp"),
        "{advice}"
    );
}

#[test]
fn explicit_deny_of_the_caller_is_reported() {
    let trust = names_role();
    let with = |own_policies, boundary| Facts {
        own_policies,
        boundary,
        ..facts(SESSION, ROLE, &trust)
    };
    let own = with(Decision::ExplicitDeny, Decision::Unknown);
    check(&own, State::Denies, State::Allows, &denied(PolicyKind::Own));
    let boundary = with(Decision::Allowed, Decision::ExplicitDeny);
    check(
        &boundary,
        State::NotNeeded,
        State::Allows,
        &denied(PolicyKind::Boundary),
    );
}

#[test]
fn permissions_boundary_limits_roles_and_other_accounts_but_not_sessions() {
    let limit = limited(PolicyKind::Boundary);
    let named = "arn:aws:iam::111122223333:role/ExampleRole";
    for (caller, role, principal, message, obstacles) in [
        (SESSION, ROLE, named, None, &limit[..]),
        (SESSION, THERE, SESSION, None, &limit),
        (SESSION, ROLE, SESSION, None, &[]),
        // The IAM documentation contradicts itself for users; AWS decides.
        (USER, ROLE, USER, None, &[]),
        (USER, ROLE, USER, Some(REFUSED), &limit),
    ] {
        let trust = trusts(&format!("\"{principal}\""));
        let facts = Facts {
            boundary: Decision::ImplicitDeny,
            own_policies: Decision::Allowed,
            message,
            ..facts(caller, role, &trust)
        };
        let own = if role == ROLE {
            State::NotNeeded
        } else {
            State::Allows
        };
        check(&facts, own, State::Allows, obstacles);
    }
}

#[test]
fn both_policies_are_shown_if_only_the_error_is_known() {
    for role in [ROLE, THERE] {
        let facts = Facts {
            message: Some(REFUSED),
            ..facts(SESSION, role, "")
        };
        let advice = check(&facts, State::Unknown, State::Unknown, &[]);
        let text = advice.to_string();
        assert!(
            text.contains(&format!("\"Resource\": \"{role}\"")),
            "{text}"
        );
        assert!(
            text.contains("\"AWS\": \"arn:aws:iam::111122223333:role/ExampleRole\""),
            "{text}"
        );
    }
}

#[test]
fn error_message_identifies_the_denying_policy() {
    let refusal =
        |rest: &str| format!("{REFUSED} because no {rest} allows the sts:AssumeRole action");
    for (message, own, trust, obstacles) in [
        (
            refusal("identity-based policy"),
            State::Lacks,
            State::Unknown,
            &[Obstacle::OwnPolicies][..],
        ),
        (
            refusal("role trust policy"),
            State::Unknown,
            State::Lacks,
            &[Obstacle::NotTrusted],
        ),
        (
            refusal("resource-based policy"),
            State::Unknown,
            State::Lacks,
            &[Obstacle::NotTrusted],
        ),
        (
            refusal("permissions boundary"),
            State::Unknown,
            State::Unknown,
            &limited(PolicyKind::Boundary),
        ),
        (
            refusal("session policy"),
            State::Unknown,
            State::Unknown,
            &limited(PolicyKind::Session),
        ),
        (
            refusal("service control policy"),
            State::Unknown,
            State::Unknown,
            &limited(PolicyKind::ServiceControl),
        ),
        (
            refusal("resource control policy"),
            State::Unknown,
            State::Unknown,
            &limited(PolicyKind::ResourceControl),
        ),
        (
            refusal("VPC endpoint policy"),
            State::Unknown,
            State::Unknown,
            &limited(PolicyKind::Endpoint),
        ),
        (
            format!("{REFUSED} with an explicit deny in an identity-based policy"),
            State::Denies,
            State::Unknown,
            &denied(PolicyKind::Own),
        ),
        (
            format!("{REFUSED} with an explicit deny in the role trust policy"),
            State::Unknown,
            State::Denies,
            &denied(PolicyKind::Trust),
        ),
        (
            format!("{REFUSED} with an explicit deny in a service control policy"),
            State::Unknown,
            State::Unknown,
            &denied(PolicyKind::ServiceControl),
        ),
    ] {
        let facts = Facts {
            message: Some(&message),
            ..facts(SESSION, THERE, "")
        };
        check(&facts, own, trust, obstacles);
    }
}

#[test]
fn unexplained_denial_lists_the_unknown_policies() {
    let trust = names_role();
    let facts = Facts {
        message: Some(REFUSED),
        ..facts(SESSION, ROLE, &trust)
    };
    let advice = check(&facts, State::NotNeeded, State::Allows, &[]);
    assert!(
        advice
            .to_string()
            .contains("service and resource control policies"),
        "{advice}"
    );
    let message =
        format!("{REFUSED} because no role trust policy allows the sts:AssumeRole action");
    let facts = Facts {
        message: Some(&message),
        ..facts
    };
    let advice = check(&facts, State::NotNeeded, State::Unknown, &[]);
    assert!(
        advice
            .to_string()
            .contains("it may have changed in the meantime"),
        "{advice}"
    );
}

#[test]
fn session_tags_require_sts_tag_session() {
    let message = REFUSED.replace("AssumeRole", "TagSession");
    let trust = names_role();
    let facts = Facts {
        message: Some(&message),
        ..facts(SESSION, ROLE, &trust)
    };
    let advice = check(
        &facts,
        State::NotNeeded,
        State::Lacks,
        &[Obstacle::NotTrusted],
    );
    let statement: serde_json::Value =
        serde_json::from_str(&advice.trust.statement.unwrap()).unwrap();
    assert_eq!(
        statement["Action"],
        serde_json::json!(["sts:AssumeRole", "sts:TagSession"])
    );
}
