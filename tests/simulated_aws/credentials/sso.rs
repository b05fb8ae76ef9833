//! IAM Identity Center, for users who signed in with the AWS CLI.

use std::fs;

use awsauth_aws::credentials::{CredentialOptions, Source};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::credentials::harness::{Harness, arn, error_text, fails, get};
use crate::support::environment::Environment;
use crate::support::simulated_aws::{ACCOUNT, trusts_service};

const START_URL: &str = "https://d-1234567890.awsapps.com/start";

const CONFIG: &str = "
[profile dev]
sso_session = company
sso_account_id = 111122223333
sso_role_name = Admin

[sso-session company]
sso_start_url = https://d-1234567890.awsapps.com/start
sso_region = us-east-1

[profile old]
sso_start_url = https://d-1234567890.awsapps.com/start
sso_region = us-east-1
sso_account_id = 111122223333
sso_role_name = Admin
";

/// Signs a user in, with an access token of this lifetime.
fn signed_in(harness: &Harness, seconds: i64) -> Environment {
    let role = arn("role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef");
    harness
        .aws
        .role(&role, &[trusts_service("sso.amazonaws.com")]);
    harness.aws.declare(&json!({"sso": [{
        "accessToken": "access-1", "refreshToken": "refresh-1", "clientId": "client", "clientSecret": "hidden",
        "user": "ann@example.com", "seconds": seconds,
        "roles": [{"account": ACCOUNT, "name": "Admin", "role": role}]
    }]}));
    let config = harness.file("config", CONFIG);
    harness.here().with("AWS_CONFIG_FILE", &config)
}

fn token_path(name: &str) -> String {
    let digest: String = Sha1::digest(name)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(".aws/sso/cache/{digest}.json")
}

/// Writes the token file of `aws sso login`.
fn leave_token(harness: &Harness, name: &str, seconds: i64, more: &Value) {
    let ends = Timestamp::now() + SignedDuration::from_secs(seconds);
    let mut token = json!({
        "startUrl": START_URL, "region": "us-east-1", "accessToken": "access-1",
        "expiresAt": ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    let fields = token.as_object_mut().expect("an object");
    fields.extend(more.as_object().cloned().unwrap_or_default());
    harness.file(&token_path(name), &token.to_string());
}

fn registration() -> Value {
    json!({
        "refreshToken": "refresh-1", "clientId": "client", "clientSecret": "hidden",
        "registrationExpiresAt": "2099-01-01T00:00:00Z"
    })
}

fn profile(name: &str) -> CredentialOptions {
    CredentialOptions {
        profile: Some(name.into()),
        ..CredentialOptions::default()
    }
}

#[test]
fn signed_in_user_gets_the_permission_set() {
    let harness = Harness::new();
    let here = signed_in(&harness, 28800);
    leave_token(&harness, "company", 28800, &json!({}));
    leave_token(&harness, START_URL, 28800, &json!({}));
    for name in ["dev", "old"] {
        let credential_options = profile(name);
        let resolved = get(&here, &credential_options)
            .unwrap_or_else(|error| panic!("{}", error_text(&error)));
        assert_eq!(resolved.source, Source::Sso);
        assert_eq!(resolved.credentials.account_id.as_deref(), Some(ACCOUNT));
        assert!(resolved.credentials.expiration.is_some());
    }
    // Both profiles use the same permission set of the same user.
    let asked = harness.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].host, "portal.sso.us-east-1.amazonaws.com");
    assert!(get(&here, &profile("dev")).unwrap().kept);
    // Another user signs in.
    leave_token(
        &harness,
        "company",
        28800,
        &json!({"accessToken": "of-somebody-else"}),
    );
    assert!(get(&here, &profile("dev")).is_err());
}

#[test]
fn expiring_sso_token_is_renewed_for_the_aws_cli_too() {
    let harness = Harness::new();
    let here = signed_in(&harness, -60);
    leave_token(&harness, "company", -60, &registration());
    let resolved =
        get(&here, &profile("dev")).unwrap_or_else(|error| panic!("{}", error_text(&error)));
    assert_eq!(resolved.source, Source::Sso);
    let text = fs::read_to_string(harness.home().join(token_path("company"))).unwrap();
    let left: Value = serde_json::from_str(&text).unwrap();
    assert_ne!(left["accessToken"], "access-1");
    let ends: Timestamp = left["expiresAt"].as_str().unwrap().parse().unwrap();
    assert!(ends > Timestamp::now() + SignedDuration::from_mins(50));
    for (field, value) in registration().as_object().unwrap() {
        assert_eq!(&left[field], value, "{field}");
    }
    assert_eq!(
        (&left["startUrl"], &left["region"]),
        (&json!(START_URL), &json!("us-east-1"))
    );
    let hosts: Vec<_> = harness
        .asked()
        .into_iter()
        .map(|asked| asked.host)
        .collect();
    assert_eq!(
        hosts,
        [
            "oidc.us-east-1.amazonaws.com",
            "portal.sso.us-east-1.amazonaws.com"
        ]
    );
}

#[test]
fn missing_sso_sign_in_is_reported_with_the_command() {
    let harness = Harness::new();
    let here = signed_in(&harness, 28800);
    let login = "hint: aws sso login --profile dev";
    let path = harness.home().join(token_path("company"));
    assert_eq!(
        fails(&here, &profile("dev")),
        format!(
            "IAM Identity Center: no user has signed in for profile dev: {} is not there\n{login}",
            path.display()
        )
    );
    harness.file(&token_path("company"), "{}");
    assert_eq!(
        fails(&here, &profile("dev")),
        format!(
            "IAM Identity Center: no user has signed in for profile dev: {} holds no token\n{login}",
            path.display()
        )
    );
    // The token has expired and cannot be renewed: no registration, an expired one, or an unknown one.
    for more in [
        json!({}),
        json!({
            "refreshToken": "refresh-1", "clientId": "client", "clientSecret": "hidden",
            "registrationExpiresAt": "2020-01-01T00:00:00Z"
        }),
        json!({
            "refreshToken": "another", "clientId": "client", "clientSecret": "hidden",
            "registrationExpiresAt": "2099-01-01T00:00:00Z"
        }),
    ] {
        leave_token(&harness, "company", -60, &more);
        let message = fails(&here, &profile("dev"));
        assert!(
            message.starts_with("IAM Identity Center: the sign-in for profile dev expired at "),
            "{message}"
        );
        assert!(message.ends_with(login), "{message}");
    }
    leave_token(
        &harness,
        "company",
        28800,
        &json!({"accessToken": "revoked"}),
    );
    assert_eq!(
        fails(&here, &profile("dev")),
        format!(
            "IAM Identity Center: IAM Identity Center issued no credentials for Admin in account 111122223333: \
             UnauthorizedException: Session token not found or invalid\n{login}"
        )
    );
}

#[test]
fn unassigned_permission_set_is_reported() {
    let harness = Harness::new();
    let here = signed_in(&harness, 28800);
    leave_token(&harness, "company", 28800, &json!({}));
    let config = harness.file("config", &CONFIG.replace("= Admin", "= Billing"));
    let here = here.with("AWS_CONFIG_FILE", &config);
    assert_eq!(
        fails(&here, &profile("dev")),
        "IAM Identity Center: IAM Identity Center issued no credentials for Billing in account 111122223333: ForbiddenException: No access\n\
         hint: ask for the assignment of Billing in account 111122223333 in IAM Identity Center, or correct sso_role_name and sso_account_id \
         of profile dev"
    );
}

#[test]
fn incomplete_sso_profile_is_reported() {
    let harness = Harness::new();
    for (from, to, expected) in [
        (
            "sso_account_id = 111122223333\n",
            "",
            "profile dev is for IAM Identity Center, but has no sso_account_id\nhint: add sso_account_id to the profile",
        ),
        (
            "sso_session = company",
            "sso_session = other",
            "profile dev names the sso-session other, which the config file does not have\nhint: add the section [sso-session other]",
        ),
        (
            "sso_session = company",
            "sso_session = company\nsso_region = eu-west-1",
            "profile dev and its sso-session have different values for sso_region\nhint: remove sso_region from the profile",
        ),
    ] {
        let config = harness.file("config", &CONFIG.replacen(from, to, 1));
        let here = harness.here().with("AWS_CONFIG_FILE", &config);
        let message = fails(&here, &profile("dev"));
        assert!(message.contains(expected), "{message}");
    }
}
