//! Which principals match a caller.

use super::*;

#[test]
fn role_that_assumes_itself_must_trust_itself() {
    let itself = "arn:aws:sts::111122223333:assumed-role/ExampleAssumedRole/ci";
    let trust = trusting("Allow", r#"{"Service":"ec2.amazonaws.com"}"#, "{}");
    let facts = Facts {
        own_policies: Decision::Allowed,
        ..facts(itself, ROLE, &trust)
    };
    let advice = check(
        &facts,
        State::Allows,
        State::Lacks,
        &[Obstacle::NotTrustedByItself],
    );
    assert!(advice.trust.statement.unwrap().contains(ROLE));
    let trust = trusts(&format!("\"{ROLE}\""));
    check(
        &Facts {
            trust_policy: Some(&trust),
            ..facts
        },
        State::NotNeeded,
        State::Allows,
        &[],
    );
    // Trusting its account has the same effect.
    let trust = names_account();
    check(
        &Facts {
            trust_policy: Some(&trust),
            ..facts
        },
        State::Allows,
        State::Allows,
        &[],
    );
}

#[test]
fn unique_id_in_trust_is_a_deleted_principal() {
    let trust = trusts(r#"["AROAEXAMPLEEXAMPLE000"]"#);
    let obstacle = Obstacle::DeletedPrincipal {
        id: "AROAEXAMPLEEXAMPLE000".into(),
    };
    let advice = check(
        &facts(SESSION, ROLE, &trust),
        State::NotNeeded,
        State::Lacks,
        &[obstacle],
    );
    assert!(advice.trust.statement.is_some());
}

#[test]
fn session_arn_in_trust_is_reported_as_fragile() {
    let trust = trusts(&format!("\"{SESSION}\""));
    let advice = check(
        &facts(SESSION, ROLE, &trust),
        State::NotNeeded,
        State::Allows,
        &[],
    );
    assert!(
        advice
            .to_string()
            .contains("another session name is refused"),
        "{advice}"
    );
    let another = SESSION.replace("i-0123456789abcdef0", "i-0fedcba9876543210");
    let obstacle = Obstacle::OtherSession {
        arn: SESSION.into(),
    };
    check(
        &facts(&another, ROLE, &trust),
        State::NotNeeded,
        State::Lacks,
        &[obstacle],
    );
}

#[test]
fn trust_must_name_the_role_with_its_path() {
    let trust = trusts(r#""arn:aws:iam::111122223333:role/team/ExampleRole""#);
    check(
        &facts(SESSION, ROLE, &trust),
        State::NotNeeded,
        State::Allows,
        &[],
    );
    let trust = trusts(&format!("\"{TWO}\""));
    let advice = check(
        &facts(SESSION, ROLE, &trust),
        State::NotNeeded,
        State::Lacks,
        &[Obstacle::NotTrusted],
    );
    assert!(
        advice
            .to_string()
            .contains("aws iam get-role --role-name ExampleRole"),
        "{advice}"
    );
}

#[test]
fn trust_must_name_the_user_by_full_arn() {
    let trust = trusts(&format!("\"{USER}\""));
    check(
        &facts(USER, ROLE, &trust),
        State::NotNeeded,
        State::Allows,
        &[],
    );
    let trust = trusts(r#""arn:aws:iam::111122223333:user/bob""#);
    check(
        &facts(USER, ROLE, &trust),
        State::NotNeeded,
        State::Lacks,
        &[Obstacle::NotTrusted],
    );
}

#[test]
fn identity_center_session_is_trusted_by_pattern() {
    let sso = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/bob";
    let trust = trusts(&format!("\"{TWO}\""));
    let advice = check(
        &facts(sso, ROLE, &trust),
        State::Unknown,
        State::Lacks,
        &[Obstacle::NotTrusted],
    );
    // The printed statement allows it.
    let statement = advice.trust.statement.unwrap();
    let trust = format!(r#"{{"Statement":{statement}}}"#);
    let advice = explain(&facts(sso, ROLE, &trust));
    assert_eq!(advice.obstacles, []);
    assert!(
        statement
            .contains("role/aws-reserved/sso.amazonaws.com*/AWSReservedSSO_Admin_0123456789abcdef")
    );
}

#[test]
fn ec2_must_be_trusted_as_a_service() {
    let trust = names_role();
    let advice = check(
        &facts(EC2, ROLE, &trust),
        State::NotNeeded,
        State::Lacks,
        &[Obstacle::NotTrusted],
    );
    assert_eq!(advice.trust.statement.unwrap(), statement_for_service(EC2));
    for service in ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"] {
        let trust = trusting(
            "Allow",
            &format!(r#"{{"Service":["eks.amazonaws.com","{service}"]}}"#),
            "{}",
        );
        check(
            &facts(EC2, ROLE, &trust),
            State::NotNeeded,
            State::Allows,
            &[],
        );
    }
}

#[test]
fn callers_that_cannot_assume_roles_are_reported() {
    let other = "arn:aws-cn:sts::111122223333:assumed-role/ExampleRole/s";
    let partitions = Obstacle::OtherPartition {
        caller: "aws-cn".into(),
        role: "aws".into(),
    };
    for (caller, message, obstacle) in [
        ("arn:aws:iam::111122223333:root", None, Obstacle::RootUser),
        (
            USER,
            Some("Roles may not be assumed by root accounts."),
            Obstacle::RootUser,
        ),
        (
            "arn:aws:sts::111122223333:federated-user/bob",
            None,
            Obstacle::FederatedUser,
        ),
        (other, None, partitions),
    ] {
        let facts = Facts {
            message,
            ..facts(caller, ROLE, "")
        };
        let advice = check(&facts, State::Unknown, State::Unknown, &[obstacle]);
        assert!(!advice.to_string().contains("trust policy of"), "{advice}");
    }
}

/// All principals of a trust policy, independent of its conditions.
#[test]
fn principals_of_a_trust_policy_are_listed() {
    let named = |policy: &str| awsauth_core::assume_role_advice::named_in(policy).unwrap();
    let statements = |list: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{list}]}}"#);
    let policy = statements(
        r#"{"Effect":"Allow","Action":"sts:*","Principal":{"Service":"ec2.amazonaws.com","AWS":["111122223333","*"]}},
           {"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity"],"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/x"}},
           {"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*","Condition":{"StringEquals":{"sts:ExternalId":"x"}}},
           {"Effect":"Allow","Action":"sts:TagSession","Principal":{"AWS":"arn:aws:iam::111122223333:role/tags"}},
           {"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111122223333:role/never"}}"#,
    );
    assert_eq!(
        named(&policy),
        [
            "111122223333",
            "*",
            "ec2.amazonaws.com",
            "arn:aws:iam::111122223333:oidc-provider/x"
        ]
    );
    let encoded = policy.replace('{', "%7B").replace('"', "%22");
    assert_eq!(named(&encoded), named(&policy));
    assert!(awsauth_core::assume_role_advice::named_in("{}").is_err());
}
