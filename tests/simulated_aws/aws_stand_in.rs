//! The AWS stand-in is as strict as AWS: it accepts only signed, permitted and current requests, and returns the errors
//! of AWS.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use crate::support::simulated_aws::{
    ACCOUNT, Aws, Credentials, trusts, trusts_service, trusts_web_identity,
};
use aws_credential_types::Credentials as Keys;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use serde_json::{Value, json};

mod trust;

const MYTESTROLE: &str = "arn:aws:iam::111122223333:role/mytestrole";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/mytestrole/i-0123456789abcdef0";

struct Stage {
    aws: Aws,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let aws = Aws::start(&folder.path().join("aws")).unwrap();
        aws.role(MYTESTROLE, &[trusts_service("ec2.amazonaws.com")]);
        Self {
            aws,
            _folder: folder,
        }
    }

    fn host(&self) -> String {
        self.aws
            .plain_endpoint()
            .trim_start_matches("http://")
            .to_owned()
    }

    /// Sends a request unchanged. Returns the status and the body.
    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> (u16, String) {
        let mut connection = TcpStream::connect(self.host()).unwrap();
        let mut head = format!(
            "{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        write!(connection, "{head}\r\n{body}").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    /// Calls an STS action, signed in the headers.
    fn call(&self, as_: &Credentials, parameters: &str) -> (u16, String) {
        let body = format!("Version=2011-06-15&{parameters}");
        let signed = Signed::post(&self.host(), as_, &body);
        self.send("POST", "/", &signed.headers, &body)
    }

    fn assume(&self, as_: &Credentials, role: &str, more: &str) -> (u16, String) {
        let parameters = format!(
            "Action=AssumeRole&RoleArn={}&RoleSessionName=test{more}",
            role.replace(':', "%3A").replace('/', "%2F")
        );
        self.call(as_, &parameters)
    }
}

/// A request signed by the AWS SDK.
struct Signed {
    headers: Vec<(String, String)>,
    /// Path and query.
    path: String,
}

struct How<'a> {
    method: &'a str,
    body: &'a str,
    location: SignatureLocation,
    region: &'a str,
    service: &'a str,
    time: SystemTime,
}

impl Signed {
    fn post(host: &str, as_: &Credentials, body: &str) -> Self {
        Self::new(
            host,
            as_,
            &How {
                method: "POST",
                body,
                location: SignatureLocation::Headers,
                region: "us-east-1",
                service: "sts",
                time: SystemTime::now(),
            },
        )
    }

    fn new(host: &str, as_: &Credentials, how: &How<'_>) -> Self {
        let keys = Keys::from_keys(
            &as_.access_key_id,
            &as_.secret_access_key,
            as_.session_token.clone(),
        )
        .into();
        let mut settings = SigningSettings::default();
        settings.signature_location = how.location;
        if how.location == SignatureLocation::QueryParams {
            settings.expires_in = Some(Duration::from_secs(60));
        }
        let params = SigningParams::builder()
            .identity(&keys)
            .region(how.region)
            .name(how.service)
            .time(how.time)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let query = if how.location == SignatureLocation::QueryParams {
            "?Action=GetCallerIdentity&Version=2011-06-15"
        } else {
            ""
        };
        let mut request = http::Request::builder()
            .method(how.method)
            .uri(format!("http://{host}/{query}"));
        if how.method == "POST" {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let mut request = request
            .header("x-k8s-aws-id", "my-cluster")
            .body(())
            .unwrap();
        let headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        let uri = request.uri().to_string();
        let signable = SignableRequest::new(
            how.method,
            &uri,
            headers.into_iter(),
            SignableBody::Bytes(how.body.as_bytes()),
        )
        .unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        let mut headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        headers.push(("host".to_owned(), host.to_owned()));
        let path = request.uri().path_and_query().unwrap().to_string();
        Self { headers, path }
    }
}

const IDENTITY: &str = "Action=GetCallerIdentity";

#[test]
fn signed_request_returns_the_caller() {
    let stage = Stage::new();
    let user = stage.aws.user("arn:aws:iam::111122223333:user/team/ann");
    let (status, body) = stage.call(&user, IDENTITY);
    assert_eq!(status, 200, "{body}");
    assert!(
        body.contains("<Arn>arn:aws:iam::111122223333:user/team/ann</Arn>"),
        "{body}"
    );
    assert!(body.contains("<Account>111122223333</Account>"), "{body}");

    let session = stage.aws.sessions(&[SESSION]).remove(0);
    for (accept, expected) in [
        (
            "application/json",
            r#""Arn":"arn:aws:sts::111122223333:assumed-role/mytestrole/i-0123456789abcdef0""#,
        ),
        (
            "*/*",
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">",
        ),
    ] {
        let how = How {
            method: "GET",
            body: "",
            location: SignatureLocation::QueryParams,
            region: "us-east-1",
            service: "sts",
            time: SystemTime::now(),
        };
        let mut signed = Signed::new(&stage.host(), &session, &how);
        signed
            .headers
            .push(("accept".to_owned(), accept.to_owned()));
        let (status, body) = stage.send("GET", &signed.path, &signed.headers, "");
        assert_eq!(status, 200, "{body}");
        assert!(body.contains(expected), "{body}");
    }
}

#[test]
fn altered_requests_are_rejected_as_by_aws() {
    let stage = Stage::new();
    let session = stage.aws.sessions(&[SESSION]).remove(0);
    let host = stage.host();
    let body = format!("Version=2011-06-15&{IDENTITY}");
    let good = || Signed::post(&host, &session, &body);
    let signed = |change: &dyn Fn(&mut How<'_>)| {
        let mut how = How {
            method: "POST",
            body: &body,
            location: SignatureLocation::Headers,
            region: "us-east-1",
            service: "sts",
            time: SystemTime::now(),
        };
        change(&mut how);
        Signed::new(&host, &session, &how)
    };
    let header = |name: &str, from: &str, to: &str| {
        let mut signed = good();
        for (_, value) in signed.headers.iter_mut().filter(|(have, _)| have == name) {
            assert!(value.contains(from), "{value}");
            *value = value.replace(from, to);
        }
        signed
    };
    let without = |name: &str| {
        let mut signed = good();
        signed.headers.retain(|(have, _)| have != name);
        signed
    };
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    for (what, signed, status, code, message) in [
        (
            "no signature",
            without("authorization"),
            403,
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        ),
        (
            "half a signature",
            header("authorization", "Signature=", "Signatur="),
            400,
            "IncompleteSignature",
            "Authorization header requires 'Signature' parameter.",
        ),
        (
            "another algorithm",
            header("authorization", "HMAC-SHA256", "HMAC-SHA1"),
            400,
            "IncompleteSignature",
            "Unsupported AWS 'algorithm'",
        ),
        (
            "another cluster",
            header("x-k8s-aws-id", "my-cluster", "my-clusters"),
            403,
            "SignatureDoesNotMatch",
            "does not match the signature you provided",
        ),
        (
            "a header that is gone",
            without("x-k8s-aws-id"),
            403,
            "SignatureDoesNotMatch",
            "does not match",
        ),
        (
            "an unknown key",
            header("authorization", "ASIA", "ASIB"),
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ),
        (
            "no session token",
            without("x-amz-security-token"),
            403,
            "InvalidClientTokenId",
            "is invalid.",
        ),
        (
            "another session token",
            header("x-amz-security-token", "IQoJ", "IQoK"),
            403,
            "InvalidClientTokenId",
            "is invalid.",
        ),
        (
            "another service",
            signed(&|how| how.service = "iam"),
            400,
            "InvalidAction",
            "GetCallerIdentity",
        ),
        (
            "an old signature",
            signed(&|how| how.time -= hours(1)),
            403,
            "SignatureDoesNotMatch",
            "Signature expired: ",
        ),
        (
            "a signature to come",
            signed(&|how| how.time += hours(1)),
            403,
            "SignatureDoesNotMatch",
            "Signature not yet current: ",
        ),
        (
            "another body",
            signed(&|how| how.body = "Action=AssumeRole"),
            403,
            "SignatureDoesNotMatch",
            "does not match",
        ),
        (
            "another method",
            signed(&|how| how.method = "PUT"),
            403,
            "SignatureDoesNotMatch",
            "does not match",
        ),
    ] {
        let (have, answer) = stage.send("POST", "/", &signed.headers, &body);
        assert_eq!(have, status, "{what}: {answer}");
        assert!(
            answer.contains(&format!("<Code>{code}</Code>")),
            "{what}: {answer}"
        );
        assert!(
            answer.replace("&#39;", "'").contains(message),
            "{what}: {answer}"
        );
    }
    stage.aws.expire(&session.access_key_id);
    let (status, answer) = stage.call(&session, IDENTITY);
    assert_eq!(status, 403);
    assert!(answer.contains("<Code>ExpiredToken</Code>"), "{answer}");
}

/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#[test]
fn role_assumption_requires_trust_and_permission() {
    let stage = Stage::new();
    let target = "arn:aws:iam::111122223333:role/target";
    let elsewhere = "arn:aws:iam::444455556666:role/target";
    let policy = |effect: &str| json!([{"Effect": effect, "Action": "sts:*", "Resource": "*"}]);
    let (none, allow, deny) = (Value::Null, policy("Allow"), policy("Deny"));
    let account = format!("arn:aws:iam::{ACCOUNT}:root");
    let mut with_id = trusts(MYTESTROLE);
    with_id["Condition"] = json!({"StringEquals": {"sts:ExternalId": "sesame"}});
    let mut with_mfa = trusts(MYTESTROLE);
    with_mfa["Condition"] = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    let mut forbids = trusts(MYTESTROLE);
    forbids["Effect"] = "Deny".into();
    let by_name = vec![trusts(MYTESTROLE)];
    let by_account = vec![trusts(&account)];
    let forbidden = vec![trusts(MYTESTROLE), forbids];

    let ok = "<AssumeRoleResult>";
    let plain = "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::";
    for (what, role, trust, own, boundary, more, expected) in [
        (
            "named, same account",
            target,
            by_name.clone(),
            &none,
            &none,
            "",
            ok,
        ),
        (
            "named by its session",
            target,
            vec![trusts(SESSION)],
            &none,
            &none,
            "",
            ok,
        ),
        (
            "no principal is named",
            target,
            vec![],
            &allow,
            &none,
            "",
            plain,
        ),
        (
            "another is named",
            target,
            vec![trusts("arn:aws:iam::111122223333:role/other")],
            &allow,
            &none,
            "",
            plain,
        ),
        (
            "account, no policy",
            target,
            by_account.clone(),
            &none,
            &none,
            "",
            plain,
        ),
        (
            "account by number, policy",
            target,
            vec![trusts(ACCOUNT)],
            &allow,
            &none,
            "",
            ok,
        ),
        (
            "account, policy",
            target,
            by_account.clone(),
            &allow,
            &none,
            "",
            ok,
        ),
        (
            "account, policy, boundary silent",
            target,
            by_account,
            &allow,
            &json!([]),
            "",
            "because no permissions boundary allows the sts:AssumeRole action",
        ),
        (
            "own deny",
            target,
            by_name.clone(),
            &deny,
            &none,
            "",
            "with an explicit deny in an identity-based policy",
        ),
        (
            "trust's deny",
            target,
            forbidden,
            &allow,
            &none,
            "",
            "with an explicit deny in a resource-based policy",
        ),
        (
            "boundary's deny",
            target,
            by_name.clone(),
            &allow,
            &deny,
            "",
            "with an explicit deny in a permissions boundary",
        ),
        (
            "named elsewhere, no policy",
            elsewhere,
            by_name.clone(),
            &none,
            &none,
            "",
            plain,
        ),
        (
            "named elsewhere, policy",
            elsewhere,
            by_name.clone(),
            &allow,
            &none,
            "",
            ok,
        ),
        (
            "no external id",
            target,
            vec![with_id.clone()],
            &none,
            &none,
            "",
            plain,
        ),
        (
            "wrong external id",
            target,
            vec![with_id.clone()],
            &none,
            &none,
            "&ExternalId=simsim",
            plain,
        ),
        (
            "external id",
            target,
            vec![with_id],
            &none,
            &none,
            "&ExternalId=sesame",
            ok,
        ),
        ("no MFA", target, vec![with_mfa], &none, &none, "", plain),
        (
            "itself, not named",
            MYTESTROLE,
            vec![trusts_service("ec2.amazonaws.com")],
            &allow,
            &none,
            "",
            plain,
        ),
        (
            "itself, named",
            MYTESTROLE,
            by_name.clone(),
            &none,
            &none,
            "",
            ok,
        ),
        (
            "too long a chain",
            target,
            by_name.clone(),
            &none,
            &none,
            "&DurationSeconds=7200",
            "exceeds the 1 hour session limit for roles assumed by role chaining",
        ),
        (
            "too short",
            target,
            by_name,
            &none,
            &none,
            "&DurationSeconds=60",
            "Member must have value greater than or equal to 900",
        ),
    ] {
        let mut caller = json!({"arn": MYTESTROLE, "trust": [trusts_service("ec2.amazonaws.com")]});
        for (name, policy) in [("policy", own), ("boundary", boundary)] {
            if !policy.is_null() {
                caller[name] = policy.clone();
            }
        }
        if role == MYTESTROLE {
            caller["trust"] = trust.into();
            stage.aws.declare(&json!({"roles": [caller]}));
        } else {
            stage
                .aws
                .declare(&json!({"roles": [caller, {"arn": role, "trust": trust}]}));
        }
        let session = stage.aws.sessions(&[SESSION]).remove(0);
        let (_, answer) = stage.assume(&session, role, more);
        assert!(answer.contains(expected), "{what}: {answer}");
    }
    // The response for a missing role is the same as for a denied one.
    let session = stage.aws.sessions(&[SESSION]).remove(0);
    let (status, answer) = stage.assume(&session, "arn:aws:iam::111122223333:role/nobody", "");
    assert_eq!(status, 403);
    assert!(answer.contains(plain), "{answer}");
}

#[test]
fn web_identities_are_verified() {
    const ISSUER: &str = "token.actions.githubusercontent.com";
    let stage = Stage::new();
    let url = format!("https://{ISSUER}");
    let role = "arn:aws:iam::111122223333:role/ci";
    stage
        .aws
        .role(role, &[trusts_web_identity(ISSUER, "repo:one")]);
    let answer_to = |token: &str| {
        let body = format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={role}&RoleSessionName=job&WebIdentityToken={token}"
        );
        let headers = [
            (
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            ),
            ("host".to_owned(), stage.host()),
        ];
        stage.send("POST", "/", &headers, &body).1
    };
    let issuer = |account: &str| json!({"issuers": [{"issuer": url, "account": account}]});
    let token = |fields: Value| {
        let mut fields = fields;
        fields["issuer"] = url.clone().into();
        stage.aws.web_identity_with(&fields)
    };
    stage.aws.declare(&issuer("444455556666"));
    assert!(
        answer_to(&token(json!({"subject": "repo:one"})))
            .contains("No OpenIDConnect provider found in your account for https://token.actions")
    );
    stage.aws.declare(&issuer(ACCOUNT));
    let ours = |mut fields: Value| {
        fields["account"] = ACCOUNT.into();
        token(fields)
    };
    let good = ours(json!({"subject": "repo:one"}));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let other = ours(json!({"subject": "repo:two"}));
    for (what, token, expected) in [
        (
            "all is well",
            good.clone(),
            "<SubjectFromWebIdentityToken>repo:one<",
        ),
        (
            "another subject",
            other.clone(),
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ),
        (
            "another audience",
            ours(json!({"subject": "repo:one", "audience": "sts.amazon.com"})),
            "Incorrect token audience",
        ),
        (
            "over",
            ours(json!({"subject": "repo:one", "seconds": -60})),
            "ExpiredTokenException",
        ),
        (
            "another's claims",
            format!("{}.{signature}", other.rsplit_once('.').unwrap().0),
            "InvalidIdentityToken",
        ),
        ("no signature", format!("{head}."), "InvalidIdentityToken"),
        ("no token", "no-token".to_owned(), "not a valid JWT"),
    ] {
        let answer = answer_to(&token);
        assert!(answer.contains(expected), "{what}: {answer}");
    }
}
