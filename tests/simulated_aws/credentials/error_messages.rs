//! Messages and hints for errors of AWS.

use std::fs;
use std::path::Path;

use awsauth_aws::credentials::CredentialOptions;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::credentials::harness::{
    Harness, ISSUER, arn, aws_environment, fails, get, roles, trusting,
};
use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::secrets;

/// Asserts the causes and the hint of an error.
fn check(text: &str, cause: &str, hint: &str) {
    let (causes, hints) = text.split_once("\nhint: ").expect("a hint");
    assert!(causes.ends_with(cause), "{text}");
    assert!(hints.starts_with(hint), "{text}");
}

#[test]
fn denied_role_assumption_names_both_policies() {
    let harness = Harness::new();
    let here = harness.user_with_role("ours");
    harness
        .aws
        .role(&arn("role/theirs"), &[trusting(&arn("role/ours"))]);
    check(
        &fails(&here, &roles(&["theirs"])),
        "environment variables: cannot assume arn:aws:iam::111122223333:role/theirs: AccessDenied: User: \
         arn:aws:iam::111122223333:user/alice is not authorized to perform: sts:AssumeRole on resource: \
         arn:aws:iam::111122223333:role/theirs",
        "check which principals the role trusts: aws iam get-role --role-name theirs --query Role.AssumeRolePolicyDocument",
    );
    let error = get(&here, &roles(&["theirs"])).unwrap_err();
    let advice = error.advice().unwrap().to_string();
    for part in [
        "Two policies decide whether the user alice may assume the role theirs:",
        "\"Resource\": \"arn:aws:iam::111122223333:role/theirs\"",
        "\"AWS\": \"arn:aws:iam::111122223333:user/alice\"",
    ] {
        assert!(advice.contains(part), "{advice}");
    }
}

#[test]
fn sts_errors_are_distinguished() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    for (code, message, hint) in [
        (
            "ExpiredToken",
            "The security token included in the request is expired",
            "get new credentials from the same source",
        ),
        (
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            "the access key was deleted or deactivated",
        ),
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
            "the secret access key does not match the access key id",
        ),
        (
            "RegionDisabledException",
            "STS is not activated in this region for account:111122223333.",
            "activate STS in that region",
        ),
        (
            "PackedPolicyTooLarge",
            "Packed policy consumes 103% of allotted space, please use smaller policy.",
            "pass fewer or shorter session tags",
        ),
        (
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            "request a shorter --duration, or raise the role's maximum",
        ),
        (
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            "role chaining limits sessions to one hour",
        ),
        (
            "ValidationError",
            "1 validation error detected: Value 'x' at 'roleArn' failed to satisfy constraint",
            "correct the named parameter",
        ),
        ("Throttling", "Rate exceeded", "try again in a minute"),
        (
            "SomethingNew",
            "what it says",
            "look up the code in the service's API reference; AWS support finds the request by its id ",
        ),
    ] {
        harness.aws.fault(&json!({
            "service": "sts", "action": "AssumeRole", "status": 400, "code": code, "message": message
        }));
        let cause = format!("cannot assume {}: {code}: {message}", arn("role/deploy"));
        check(&fails(&here, &roles(&["deploy"])), &cause, hint);
        harness.aws.no_faults();
    }
}

#[test]
fn signed_request_is_never_shown() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    harness.aws.fault(&json!({
        "service": "sts", "status": 403, "code": "SignatureDoesNotMatch",
        "message": "The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n\
                    'POST\n/\n\nx-amz-security-token:IQoJb3JpZ2lu'"
    }));
    let text = fails(&here, &roles(&["deploy"]));
    check(
        &text,
        "SignatureDoesNotMatch: The request signature we calculated does not match.",
        "the secret access key",
    );
    assert!(!text.contains("IQoJ"), "{text}");
}

#[test]
fn clock_skew_is_reported() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    for (minutes, way) in [(20, "behind"), (-20, "ahead of")] {
        let server_time = Timestamp::now() + SignedDuration::from_mins(minutes);
        let date = server_time
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string();
        harness.aws.fault(&json!({
            "service": "sts", "status": 403, "code": "SignatureDoesNotMatch",
            "message": "Signature not yet current", "headers": {"Date": date}
        }));
        let text = fails(&here, &roles(&["deploy"]));
        check(
            &text,
            "Signature not yet current",
            "set this machine's clock, which is ",
        );
        assert!(text.contains(&format!(" minutes {way} AWS's")), "{text}");
        harness.aws.no_faults();
    }
}

#[test]
fn responses_of_other_servers_are_distinguished() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    for (fault, cause, hint) in [
        (
            json!({"drop": true}),
            "AWS cannot be reached: connection closed before message completed",
            "check that this network reaches AWS",
        ),
        (
            json!({"status": 502, "body": "<html>Bad Gateway</html>"}),
            "the response is not from AWS: HTTP status 502 without an AWS error",
            "check whether AWS_ENDPOINT_URL or a proxy redirects the request",
        ),
        (
            json!({"status": 200, "body": "<html>Welcome to the hotel's network</html>"}),
            "the response is not from AWS: HTTP status 200 without an AWS error",
            "check whether AWS_ENDPOINT_URL or a proxy redirects the request",
        ),
        (
            json!({"status": 200, "body": "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"}),
            "the response has no credentials",
            "try again",
        ),
    ] {
        harness.aws.fault(&fault);
        check(&fails(&here, &roles(&["deploy"])), cause, hint);
        harness.aws.no_faults();
    }
}

#[test]
fn unreachable_network_is_reported() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    let certificate = rcgen::generate_simple_self_signed(vec!["x".to_owned()]).unwrap();
    let stranger = harness.file("stranger.crt", &certificate.cert.pem());
    let config = harness.file("services", "[default]\nservices = none\n");
    let empty = harness.file("empty.crt", "");
    for (variables, cause, hint) in [
        (
            &[("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")][..],
            "AWS cannot be reached: tcp connect error: Connection refused (os error 111)",
            "check that this network reaches AWS",
        ),
        (
            &[("HTTPS_PROXY", "http://me:hidden@127.0.0.1:1")],
            "AWS cannot be reached: tunnel error: failed to create underlying connection: tcp connect error: Connection refused (os error 111)",
            "check that HTTPS_PROXY names the right proxy",
        ),
        (
            &[("AWS_ENDPOINT_URL_STS", "https://other.test")],
            "AWS cannot be reached: tunnel error: unsuccessful",
            "check that HTTPS_PROXY names the right proxy and that it allows the service's host",
        ),
        (
            &[("HTTPS_PROXY", "socks5://me:hidden@127.0.0.1:1")],
            "HTTPS_PROXY is \"127.0.0.1:1\", which is not an http or https URL",
            "set HTTPS_PROXY to a URL such as http://HOST:PORT",
        ),
        (
            &[("AWS_ENDPOINT_URL_STS", "sts.test")],
            "AWS_ENDPOINT_URL_STS is \"sts.test\", which is not an http or https URL",
            "correct AWS_ENDPOINT_URL_STS, or unset it",
        ),
        (
            &[("AWS_CA_BUNDLE", "/nowhere/ca.crt")],
            "cannot use the CA bundle set by AWS_CA_BUNDLE: cannot read /nowhere/ca.crt: No such file or directory (os error 2)",
            "set AWS_CA_BUNDLE to a file of PEM certificates",
        ),
        (
            &[("AWS_CA_BUNDLE", "~/empty.crt")],
            &format!(
                "cannot use the CA bundle set by AWS_CA_BUNDLE: {empty} contains no usable certificate"
            ),
            "set AWS_CA_BUNDLE to a file of PEM certificates",
        ),
        (
            &[("AWS_CA_BUNDLE", &stranger)],
            "AWS cannot be reached: TLS handshake failed: invalid peer certificate: UnknownIssuer",
            "if a proxy inspects TLS here, set AWS_CA_BUNDLE to a file",
        ),
        (
            &[("AWS_CONFIG_FILE", &config)],
            "the profile refers to [services none], which is not in the config file",
            "add the section [services none]",
        ),
    ] {
        let here = variables
            .iter()
            .fold(here.clone(), |all, (name, value)| all.with(name, value));
        check(&fails(&here, &roles(&["deploy"])), cause, hint);
    }
}

#[test]
fn rejected_web_identity_shows_the_token_claims() {
    let harness = Harness::new();
    let subject = "repo:octo/app:ref:refs/heads/main";
    let here = harness.web_identity("ci", subject);
    let credential_options = CredentialOptions::default();
    let issuer = format!("https://{ISSUER}");
    let token =
        |fields: serde_json::Value| harness.file("token", &harness.aws.web_identity_with(&fields));
    let role = arn("role/ci");
    let path = harness.home().join("token");
    let cannot = format!(
        "web identity: cannot assume {role} with the web identity token {}",
        path.display()
    );
    token(json!({"issuer": issuer, "subject": "repo:octo/other:ref:refs/heads/main"}));
    check(
        &fails(&here, &credential_options),
        &format!("{cannot}: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        "the role's trust policy must allow sts:AssumeRoleWithWebIdentity for the provider \
         https://token.actions.githubusercontent.com, with conditions that match sub \
         repo:octo/other:ref:refs/heads/main and aud sts.amazonaws.com: aws iam get-role --role-name ci",
    );
    token(json!({"issuer": issuer, "subject": subject, "audience": "https://github.com/octo"}));
    check(
        &fails(&here, &credential_options),
        &format!("{cannot}: InvalidIdentityToken: Incorrect token audience"),
        "the token is for the audience https://github.com/octo, and STS usually accepts sts.amazonaws.com: give the \
         program a token for that audience",
    );
    token(json!({"issuer": issuer, "subject": subject, "seconds": -60}));
    check(
        &fails(&here, &credential_options),
        "",
        "write a new token to the file; in a pod, check whether kubelet renews it",
    );
    harness.aws.declare(
        &json!({"issuers": [{"issuer": "https://unknown.test", "account": "444455556666"}]}),
    );
    token(json!({"issuer": "https://unknown.test", "subject": subject}));
    check(
        &fails(&here, &credential_options),
        "InvalidIdentityToken: No OpenIDConnect provider found in your account for https://unknown.test",
        "account 111122223333 must have an OIDC provider for https://unknown.test",
    );
    for (code, hint) in [
        ("IDPRejectedClaim", "the provider rejects the token"),
        (
            "IDPCommunicationError",
            "check that AWS can read https://token.actions.githubusercontent.com/.well-known/openid-configuration",
        ),
    ] {
        token(json!({"issuer": issuer, "subject": subject}));
        harness
            .aws
            .fault(&json!({"service": "sts", "status": 400, "code": code, "message": "no"}));
        check(
            &fails(&here, &credential_options),
            &format!("{cannot}: {code}: no"),
            hint,
        );
        harness.aws.no_faults();
    }
    harness.file("token", "an opaque token");
    check(
        &fails(&here, &credential_options),
        "is not a valid JWT. (You may see this error if you sent an Access Token)",
        "set AWS_WEB_IDENTITY_TOKEN_FILE to a file that contains only an ID token",
    );
    fs::remove_file(&path).unwrap();
    check(
        &fails(&here, &credential_options),
        &format!(
            "web identity: cannot read the web identity token {}: No such file or directory (os error 2)",
            path.display()
        ),
        "in a pod: annotate its service account with eks.amazonaws.com/role-arn",
    );
    check(
        &fails(&here.without("AWS_ROLE_ARN"), &credential_options),
        "web identity: there is a web identity token, but no role to assume with it",
        "name the role: AWS_ROLE_ARN",
    );
}

/// Runs the program in an environment without other variables. Returns its exit code and stderr.
fn program(here: &Environment, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = here.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
    let run = Run::of(command.args(arguments));
    (Some(run.status), run.stderr)
}

#[test]
fn denied_role_assumption_prints_the_missing_statement() {
    let harness = Harness::new();
    let here = harness.user_with_role("ours");
    let theirs = arn("role/theirs");
    let (status, text) = program(&here, &["credentials", "--role-arn", &theirs]);
    assert_eq!(status, Some(3), "{text}");
    let lines: Vec<_> = text.lines().collect();
    assert!(
        lines[0].starts_with("error: cannot get AWS credentials: environment variables: cannot assume arn:aws:iam::111122223333:role/theirs: AccessDenied: User: "),
        "{text}"
    );
    assert_eq!(
        lines[1],
        "  Two policies decide whether the user alice may assume the role theirs:"
    );
    assert!(
        text.contains("\n    \"Resource\": \"arn:aws:iam::111122223333:role/theirs\"\n"),
        "{text}"
    );
    assert!(
        lines
            .last()
            .unwrap()
            .starts_with("hint: check which principals the role trusts: "),
        "{text}"
    );
}

#[test]
fn missing_credentials_are_explained_by_the_program() {
    let harness = Harness::new();
    let (status, text) = program(&harness.here(), &["credentials"]);
    assert_eq!(status, Some(3), "{text}");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "error: cannot get AWS credentials: no AWS credentials were found",
            "  environment variables: AWS_ACCESS_KEY_ID is not set",
        ]
    );
    assert_eq!(lines.len(), 12, "{text}");
    assert_eq!(
        lines[11],
        "hint: choose credentials: --profile NAME, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
    );
}

#[test]
fn empty_trust_store_is_reported() {
    let harness = Harness::new();
    let here = harness
        .user_with_role("deploy")
        .without("AWS_CA_BUNDLE")
        .with("SSL_CERT_FILE", "/dev/null")
        .with("SSL_CERT_DIR", "/nonexistent");
    let (status, text) = program(&here, &["credentials", "--role-arn", &arn("role/deploy")]);
    assert_eq!(status, Some(2), "{text}");
    assert_eq!(
        text,
        "error: cannot get AWS credentials: there are no trusted certificates: this system has no root certificates\n\
         hint: install the package ca-certificates, or set AWS_CA_BUNDLE to a file of PEM certificates\n"
    );
}

#[test]
fn error_messages_contain_no_secret() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    let web = harness.web_identity("ci", "repo:octo/app:environment:prod");
    let mut texts = String::new();
    for (here, credential_options) in [
        (&here, roles(&["deploy"])),
        (&here, roles(&["deploy", "none"])),
        (&web, CredentialOptions::default()),
        (&web, roles(&["none"])),
    ] {
        match get(here, &credential_options) {
            Ok(resolved) => texts += &format!("{resolved:?}"),
            Err(error) => texts += &format!("{error:?} {error} {:?}", error.advice()),
        }
        texts += &format!("{:?}", aws_environment(here));
    }
    secrets::assert_none_in(&texts);
}
