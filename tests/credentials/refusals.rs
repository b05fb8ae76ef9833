//! What is said when AWS gives nothing: which of the things that go wrong it was, and what to do.

use std::fs;
use std::path::Path;

use awsauth::aws::credentials::Wish;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::place::{ISSUER, Place, arn, fails, get, roles, surroundings, trusting};
use crate::support::environment::Environment;
use crate::support::run::Run;
use crate::support::secrets;

/// The failure has these causes and this hint.
fn check(said: &str, cause: &str, hint: &str) {
    let (causes, hints) = said.split_once("\nhint: ").expect("a hint");
    assert!(causes.ends_with(cause), "{said}");
    assert!(hints.starts_with(hint), "{said}");
}

#[test]
fn a_role_that_may_not_be_assumed_names_both_halves() {
    let place = Place::new();
    let here = place.user_with_role("ours");
    place
        .aws
        .role(&arn("role/theirs"), &[trusting(&arn("role/ours"))]);
    check(
        &fails(&here, &roles(&["theirs"])),
        "environment variables: cannot assume arn:aws:iam::111122223333:role/theirs: AccessDenied: User: \
         arn:aws:iam::111122223333:user/alice is not authorized to perform: sts:AssumeRole on resource: \
         arn:aws:iam::111122223333:role/theirs",
        "look at whom the role trusts: aws iam get-role --role-name theirs --query Role.AssumeRolePolicyDocument",
    );
    let error = get(&here, &roles(&["theirs"])).unwrap_err();
    let advice = error.advice().unwrap().to_string();
    for part in [
        "Two halves decide whether the user alice may assume the role theirs:",
        "\"Resource\": \"arn:aws:iam::111122223333:role/theirs\"",
        "\"AWS\": \"arn:aws:iam::111122223333:user/alice\"",
    ] {
        assert!(advice.contains(part), "{advice}");
    }
}

#[test]
fn what_sts_refuses_is_told_apart() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    for (code, message, hint) in [
        (
            "ExpiredToken",
            "The security token included in the request is expired",
            "get new credentials from wherever these came",
        ),
        (
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            "the access key was deleted or deactivated",
        ),
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
            "the secret access key is not the one of this access key id",
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
            "ask for a shorter --duration, or raise the role's maximum",
        ),
        (
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            "a session that a session assumed lives at most an hour",
        ),
        (
            "ValidationError",
            "1 validation error detected: Value 'x' at 'roleArn' failed to satisfy constraint",
            "correct what it names",
        ),
        ("Throttling", "Rate exceeded", "try again in a minute"),
        (
            "SomethingNew",
            "what it says",
            "look the code up in the service's API reference; AWS support finds the request by its id ",
        ),
    ] {
        place.aws.fault(&json!({
            "service": "sts", "action": "AssumeRole", "status": 400, "code": code, "message": message
        }));
        let cause = format!("cannot assume {}: {code}: {message}", arn("role/deploy"));
        check(&fails(&here, &roles(&["deploy"])), &cause, hint);
        place.aws.no_faults();
    }
}

#[test]
fn what_was_signed_is_never_shown() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    place.aws.fault(&json!({
        "service": "sts", "status": 403, "code": "SignatureDoesNotMatch",
        "message": "The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n\
                    'POST\n/\n\nx-amz-security-token:IQoJb3JpZ2lu'"
    }));
    let said = fails(&here, &roles(&["deploy"]));
    check(
        &said,
        "SignatureDoesNotMatch: The request signature we calculated does not match.",
        "the secret access key",
    );
    assert!(!said.contains("IQoJ"), "{said}");
}

#[test]
fn a_clock_that_is_off_is_said() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    for (minutes, way) in [(20, "behind"), (-20, "ahead of")] {
        let there = Timestamp::now() + SignedDuration::from_mins(minutes);
        let date = there.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        place.aws.fault(&json!({
            "service": "sts", "status": 403, "code": "SignatureDoesNotMatch",
            "message": "Signature not yet current", "headers": {"Date": date}
        }));
        let said = fails(&here, &roles(&["deploy"]));
        check(
            &said,
            "Signature not yet current",
            "set this machine's clock, which is ",
        );
        assert!(said.contains(&format!(" minutes {way} AWS's")), "{said}");
        place.aws.no_faults();
    }
}

#[test]
fn what_answers_in_the_place_of_aws_is_told_apart() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    for (fault, cause, hint) in [
        (
            json!({"drop": true}),
            "AWS can't be reached: connection closed before message completed",
            "see whether this network leads to AWS",
        ),
        (
            json!({"status": 502, "body": "<html>Bad Gateway</html>"}),
            "what answered is not AWS: it answered 502 and no error of AWS",
            "see whether AWS_ENDPOINT_URL or a proxy sends it elsewhere",
        ),
        (
            json!({"status": 200, "body": "<html>Welcome to the hotel's network</html>"}),
            "what answered is not AWS: it answered 200 and no error of AWS",
            "see whether AWS_ENDPOINT_URL or a proxy sends it elsewhere",
        ),
        (
            json!({"status": 200, "body": "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"}),
            "the answer holds no credentials",
            "try again",
        ),
    ] {
        place.aws.fault(&fault);
        check(&fails(&here, &roles(&["deploy"])), cause, hint);
        place.aws.no_faults();
    }
}

#[test]
fn a_network_that_leads_nowhere_is_said() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    let certificate = rcgen::generate_simple_self_signed(vec!["x".to_owned()]).unwrap();
    let stranger = place.file("stranger.crt", &certificate.cert.pem());
    let config = place.file("services", "[default]\nservices = none\n");
    let empty = place.file("empty.crt", "");
    for (variables, cause, hint) in [
        (
            &[("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")][..],
            "AWS can't be reached: tcp connect error: Connection refused (os error 111)",
            "see whether this network leads to AWS",
        ),
        (
            &[("HTTPS_PROXY", "http://me:hidden@127.0.0.1:1")],
            "AWS can't be reached: tunnel error: failed to create underlying connection: tcp connect error: Connection refused (os error 111)",
            "see whether HTTPS_PROXY names the right proxy",
        ),
        (
            &[("AWS_ENDPOINT_URL_STS", "https://other.test")],
            "AWS can't be reached: tunnel error: unsuccessful",
            "see whether HTTPS_PROXY names the right proxy, and whether it lets the service's host through",
        ),
        (
            &[("HTTPS_PROXY", "socks5://me:hidden@127.0.0.1:1")],
            "the proxy \"127.0.0.1:1\" of HTTPS_PROXY is not an http or https URL",
            "set HTTPS_PROXY to a URL such as http://HOST:PORT",
        ),
        (
            &[("AWS_ENDPOINT_URL_STS", "sts.test")],
            "\"sts.test\", which is AWS_ENDPOINT_URL_STS, is not an http or https URL",
            "correct AWS_ENDPOINT_URL_STS, or unset it",
        ),
        (
            &[("AWS_CA_BUNDLE", "/nowhere/ca.crt")],
            "AWS_CA_BUNDLE can't be used: can't read /nowhere/ca.crt: No such file or directory (os error 2)",
            "let AWS_CA_BUNDLE name a file of PEM certificates",
        ),
        (
            &[("AWS_CA_BUNDLE", "~/empty.crt")],
            &format!("AWS_CA_BUNDLE can't be used: {empty} holds no certificate that can be used"),
            "let AWS_CA_BUNDLE name a file of PEM certificates",
        ),
        (
            &[("AWS_CA_BUNDLE", &stranger)],
            "AWS can't be reached: TLS handshake failed: invalid peer certificate: UnknownIssuer",
            "if a proxy opens TLS here, let AWS_CA_BUNDLE name a file",
        ),
        (
            &[("AWS_CONFIG_FILE", &config)],
            "the profile's services are [services none], which the config file does not have",
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
fn a_web_identity_that_is_refused_says_what_the_token_claims() {
    let place = Place::new();
    let subject = "repo:octo/app:ref:refs/heads/main";
    let here = place.web_identity("ci", subject);
    let wish = Wish::default();
    let issuer = format!("https://{ISSUER}");
    let token =
        |fields: serde_json::Value| place.file("token", &place.aws.web_identity_with(&fields));
    let role = arn("role/ci");
    let path = place.home().join("token");
    let cannot = format!(
        "web identity: cannot assume {role} with the web identity token {}",
        path.display()
    );
    token(json!({"issuer": issuer, "subject": "repo:octo/other:ref:refs/heads/main"}));
    check(
        &fails(&here, &wish),
        &format!("{cannot}: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        "the role's trust policy must allow sts:AssumeRoleWithWebIdentity to the provider \
         https://token.actions.githubusercontent.com, on conditions that sub \
         repo:octo/other:ref:refs/heads/main and aud sts.amazonaws.com meet: aws iam get-role --role-name ci",
    );
    token(json!({"issuer": issuer, "subject": subject, "audience": "https://github.com/octo"}));
    check(
        &fails(&here, &wish),
        &format!("{cannot}: InvalidIdentityToken: Incorrect token audience"),
        "account 111122223333 must have an OIDC provider for https://token.actions.githubusercontent.com with the \
         audience https://github.com/octo: aws iam list-open-id-connect-providers",
    );
    token(json!({"issuer": issuer, "subject": subject, "seconds": -60}));
    check(
        &fails(&here, &wish),
        "",
        "get a new token into the file; in a pod, see whether kubelet renews it",
    );
    place.aws.declare(
        &json!({"issuers": [{"issuer": "https://unknown.test", "account": "444455556666"}]}),
    );
    token(json!({"issuer": "https://unknown.test", "subject": subject}));
    check(
        &fails(&here, &wish),
        "InvalidIdentityToken: No OpenIDConnect provider found in your account for https://unknown.test",
        "account 111122223333 must have an OIDC provider for https://unknown.test",
    );
    for (code, hint) in [
        (
            "IDPRejectedClaim",
            "the provider no longer stands by the token",
        ),
        (
            "IDPCommunicationError",
            "see whether AWS can read https://token.actions.githubusercontent.com/.well-known/openid-configuration",
        ),
    ] {
        token(json!({"issuer": issuer, "subject": subject}));
        place
            .aws
            .fault(&json!({"service": "sts", "status": 400, "code": code, "message": "no"}));
        check(&fails(&here, &wish), &format!("{cannot}: {code}: no"), hint);
        place.aws.no_faults();
    }
    place.file("token", "an opaque token");
    check(
        &fails(&here, &wish),
        "is not a valid JWT. (You may see this error if you sent an Access Token)",
        "let AWS_WEB_IDENTITY_TOKEN_FILE name a file with nothing in it but an ID token",
    );
    fs::remove_file(&path).unwrap();
    check(
        &fails(&here, &wish),
        &format!(
            "web identity: can't read the web identity token {}: No such file or directory (os error 2)",
            path.display()
        ),
        "in a pod: annotate its service account with eks.amazonaws.com/role-arn",
    );
    check(
        &fails(&here.without("AWS_ROLE_ARN"), &wish),
        "web identity: there is a web identity token, but no role to assume with it",
        "name the role: AWS_ROLE_ARN",
    );
}

/// What the program itself says, with nothing else in its environment.
fn program(here: &Environment, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = here.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
    let run = Run::of(command.args(arguments));
    (Some(run.status), run.stderr)
}

#[test]
fn the_program_says_what_to_add_to_which_policy() {
    let place = Place::new();
    let here = place.user_with_role("ours");
    let theirs = arn("role/theirs");
    let (status, said) = program(&here, &["credentials", "--role-arn", &theirs]);
    assert_eq!(status, Some(3), "{said}");
    let lines: Vec<_> = said.lines().collect();
    assert!(
        lines[0].starts_with("error: cannot get AWS credentials: environment variables: cannot assume arn:aws:iam::111122223333:role/theirs: AccessDenied: User: "),
        "{said}"
    );
    assert_eq!(
        lines[1],
        "  Two halves decide whether the user alice may assume the role theirs:"
    );
    assert!(
        said.contains("\n    \"Resource\": \"arn:aws:iam::111122223333:role/theirs\"\n"),
        "{said}"
    );
    assert!(
        lines
            .last()
            .unwrap()
            .starts_with("hint: look at whom the role trusts: "),
        "{said}"
    );
}

#[test]
fn the_program_says_why_no_source_has_any() {
    let place = Place::new();
    let (status, said) = program(&place.here(), &["credentials"]);
    assert_eq!(status, Some(3), "{said}");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "error: cannot get AWS credentials: no AWS credentials were found",
            "  environment variables: AWS_ACCESS_KEY_ID is not set",
        ]
    );
    assert_eq!(lines.len(), 12, "{said}");
    assert_eq!(
        lines[11],
        "hint: say which credentials to use: --profile NAME, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
    );
}

#[test]
fn a_system_that_trusts_nobody_is_said() {
    let place = Place::new();
    let here = place
        .user_with_role("deploy")
        .without("AWS_CA_BUNDLE")
        .with("SSL_CERT_FILE", "/dev/null")
        .with("SSL_CERT_DIR", "/nonexistent");
    let (status, said) = program(&here, &["credentials", "--role-arn", &arn("role/deploy")]);
    assert_eq!(status, Some(2), "{said}");
    assert_eq!(
        said,
        "error: cannot get AWS credentials: nobody can be trusted: this system has no root certificates\n\
         hint: install the package ca-certificates, or let AWS_CA_BUNDLE name a file of PEM certificates\n"
    );
}

#[test]
fn no_text_of_ours_holds_a_secret() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    let web = place.web_identity("ci", "repo:octo/app:environment:prod");
    let mut texts = String::new();
    for (here, wish) in [
        (&here, roles(&["deploy"])),
        (&here, roles(&["deploy", "none"])),
        (&web, Wish::default()),
        (&web, roles(&["none"])),
    ] {
        match get(here, &wish) {
            Ok(resolved) => texts += &format!("{resolved:?}"),
            Err(error) => texts += &format!("{error:?} {error} {:?}", error.advice()),
        }
        texts += &format!("{:?}", surroundings(here));
    }
    secrets::assert_none_in(&texts);
}
