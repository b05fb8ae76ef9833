//! Callers in the role's account or in another one, and the principals that the role trusts.

use super::*;

#[test]
fn same_account_role_in_trust_is_allowed() {
    let trust = names_role();
    for own_policies in [Decision::Unknown, Decision::Allowed, Decision::ImplicitDeny] {
        let facts = Facts {
            own_policies,
            ..facts(SESSION, ROLE, &trust)
        };
        check(&facts, State::NotNeeded, State::Allows, &[]);
    }
}

#[test]
fn same_account_root_in_trust_requires_a_permission() {
    let trust = names_account();
    let with = |own_policies| Facts {
        own_policies,
        ..facts(SESSION, ROLE, &trust)
    };
    check(&with(Decision::Allowed), State::Allows, State::Allows, &[]);
    check(&with(Decision::Unknown), State::Unknown, State::Allows, &[]);
    let advice = check(
        &with(Decision::ImplicitDeny),
        State::Lacks,
        State::Allows,
        &[Obstacle::OwnPolicies],
    );
    assert_eq!(
        advice.own.statement.unwrap(),
        "{\n  \"Effect\": \"Allow\",\n  \"Action\": \"sts:AssumeRole\",\n  \"Resource\": \"arn:aws:iam::111122223333:role/ExampleAssumedRole\"\n}"
    );
    // A bare account ID has the same meaning.
    let bare = trusts(&format!("\"{ONE}\""));
    check(
        &facts(SESSION, ROLE, &bare),
        State::Unknown,
        State::Allows,
        &[],
    );
}

#[test]
fn same_account_without_trust_is_denied() {
    let trust = trusts(&format!("\"{TWO}\""));
    let advice = check(
        &facts(SESSION, ROLE, &trust),
        State::NotNeeded,
        State::Lacks,
        &[Obstacle::NotTrusted],
    );
    assert_eq!(
        advice.trust.statement.unwrap(),
        "{\n  \"Effect\": \"Allow\",\n  \"Principal\": {\n    \"AWS\": \"arn:aws:iam::111122223333:role/ExampleRole\"\n  },\n  \"Action\": \"sts:AssumeRole\"\n}"
    );
    // Full permissions of the caller do not replace the trust policy.
    let facts = Facts {
        own_policies: Decision::Allowed,
        ..facts(SESSION, ROLE, &trust)
    };
    check(&facts, State::Allows, State::Lacks, &[Obstacle::NotTrusted]);
}

#[test]
fn other_account_role_in_trust_requires_a_permission() {
    let trust = names_role();
    let with = |own_policies| Facts {
        own_policies,
        ..facts(SESSION, THERE, &trust)
    };
    check(&with(Decision::Allowed), State::Allows, State::Allows, &[]);
    check(&with(Decision::Unknown), State::Unknown, State::Allows, &[]);
    check(
        &with(Decision::ImplicitDeny),
        State::Lacks,
        State::Allows,
        &[Obstacle::OwnPolicies],
    );
}

#[test]
fn other_account_root_in_trust_requires_a_permission() {
    let trust = names_account();
    let with = |own_policies| Facts {
        own_policies,
        ..facts(SESSION, THERE, &trust)
    };
    check(&with(Decision::Allowed), State::Allows, State::Allows, &[]);
    check(
        &with(Decision::ImplicitDeny),
        State::Lacks,
        State::Allows,
        &[Obstacle::OwnPolicies],
    );
}

#[test]
fn other_account_without_trust_and_permission_reports_both() {
    let trust = trusts(&format!("\"{TWO}\""));
    let facts = Facts {
        own_policies: Decision::ImplicitDeny,
        ..facts(SESSION, THERE, &trust)
    };
    let advice = check(
        &facts,
        State::Lacks,
        State::Lacks,
        &[Obstacle::NotTrusted, Obstacle::OwnPolicies],
    );
    assert!(advice.own.statement.is_some() && advice.trust.statement.is_some());
}

#[test]
fn wildcard_principal_in_trust_is_handled() {
    for principal in [r#""*""#, r#"{"AWS":"*"}"#] {
        let trust = trusting("Allow", principal, "{}");
        check(
            &facts(SESSION, ROLE, &trust),
            State::NotNeeded,
            State::Allows,
            &[],
        );
        check(
            &facts(SESSION, THERE, &trust),
            State::Unknown,
            State::Allows,
            &[],
        );
    }
    // The IAM guide suggests this for roles that are recreated: all principals, with a condition on the ARN.
    let condition =
        r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/ExampleRole"}}"#;
    let trust = trusting("Allow", r#""*""#, condition);
    check(
        &facts(SESSION, ROLE, &trust),
        State::NotNeeded,
        State::Allows,
        &[],
    );
}

#[test]
fn printed_statements_fix_the_denial() {
    for caller in [SESSION, USER] {
        let advice = explain(&facts(caller, ROLE, r#"{"Statement":[]}"#));
        let trust = format!(r#"{{"Statement":[{}]}}"#, advice.trust.statement.unwrap());
        check(
            &facts(caller, ROLE, &trust),
            State::NotNeeded,
            State::Allows,
            &[],
        );
    }
    let advice = explain(&facts(EC2, ROLE, r#"{"Statement":[]}"#));
    let trust = format!(r#"{{"Statement":[{}]}}"#, advice.trust.statement.unwrap());
    check(
        &facts(EC2, ROLE, &trust),
        State::NotNeeded,
        State::Allows,
        &[],
    );
}

#[test]
fn url_encoded_policy_is_decoded() {
    let encoded = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22111122223333%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%7D";
    let facts = Facts {
        own_policies: Decision::Allowed,
        ..facts(SESSION, ROLE, encoded)
    };
    check(&facts, State::Allows, State::Allows, &[]);
    let advice = check(
        &Facts {
            trust_policy: Some("{]"),
            ..facts
        },
        State::Allows,
        State::Unknown,
        &[],
    );
    assert!(
        advice.trust.because.contains("cannot be read as a policy"),
        "{advice}"
    );
}
