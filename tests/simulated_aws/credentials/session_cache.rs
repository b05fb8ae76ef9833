//! Sessions are cached only for callers that may use them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use awsauth_aws::credentials::{CredentialOptions, ResolvedCredentials};
use awsauth_core::token::Authenticator;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::credentials::harness::{Harness, ISSUER, arn, error_text, get, get_at, roles, trusting};
use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::secrets::Prints;
use crate::support::simulated_aws::{REGION, trusts_service, trusts_web_identity};

fn key(resolved: &ResolvedCredentials) -> &str {
    &resolved.credentials.access_key_id
}

fn resolved_credentials(
    here: &Environment,
    credential_options: &CredentialOptions,
) -> ResolvedCredentials {
    get(here, credential_options).unwrap_or_else(|error| panic!("{}", error_text(&error)))
}

/// The files of the cached sessions.
fn cached_files(harness: &Harness) -> Vec<PathBuf> {
    let entries = fs::read_dir(harness.sessions()).map(Iterator::collect::<Vec<_>>);
    let paths = entries.unwrap_or_default().into_iter();
    let paths = paths.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect()
}

#[test]
fn session_is_requested_once_and_cached_privately() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    let first = resolved_credentials(&here, &roles(&["deploy"]));
    let second = resolved_credentials(&here, &roles(&["deploy"]));
    assert!(!first.kept && second.kept);
    assert_eq!(key(&first), key(&second));
    assert_eq!(first.credentials.expiration, second.credentials.expiration);
    assert_eq!(first.credentials.account_id, second.credentials.account_id);
    assert_eq!(harness.actions(), ["AssumeRole"]);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(harness.sessions()), 0o700);
    for entry in fs::read_dir(harness.sessions()).unwrap() {
        assert_eq!(mode(entry.expect("an entry").path()), 0o600);
    }
    // Only the session of the last role is cached: the user's own keys are never written to disk.
    assert_eq!(cached_files(&harness).len(), 1);
    let text = fs::read_to_string(&cached_files(&harness)[0]).unwrap();
    assert!(text.contains(key(&first)) && !text.contains("AKIA"));
}

#[test]
fn nothing_but_sessions_is_cached() {
    let harness = Harness::new();
    let node = arn("role/node");
    harness
        .aws
        .role(&node, &[trusts_service("ec2.amazonaws.com")]);
    let metadata = harness.aws.instance(&json!({
        "id": "i-0123456789abcdef0", "metadata": "v2", "profile": "node", "role": node
    }));
    let process = harness.file(
        "config",
        "[default]\ncredential_process = /bin/echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s\"}'\n",
    );
    for here in [
        harness
            .here()
            .with_credentials(&harness.aws.user(&arn("user/alice"))),
        harness.here().on_instance(&metadata),
        harness.here().with("AWS_CONFIG_FILE", &process),
    ] {
        resolved_credentials(&here, &CredentialOptions::default());
    }
    assert!(!harness.sessions().exists());
    let here = harness.user_with_role("deploy");
    let uncached = CredentialOptions {
        no_cache: true,
        ..roles(&["deploy"])
    };
    resolved_credentials(&here, &uncached);
    resolved_credentials(&here.clone().with("CI", "true"), &roles(&["deploy"]));
    assert!(!harness.sessions().exists());
    // A cached session is not used either.
    let kept = resolved_credentials(&here, &roles(&["deploy"]));
    assert_ne!(key(&resolved_credentials(&here, &uncached)), key(&kept));
    assert_ne!(
        key(&resolved_credentials(
            &here.with("CI", "1"),
            &roles(&["deploy"])
        )),
        key(&kept)
    );
}

#[test]
fn cache_key_covers_every_input_of_a_session() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    harness
        .aws
        .role(&arn("role/other"), &[trusting(&arn("user/alice"))]);
    let credential_options = roles(&["deploy"]);
    let first = resolved_credentials(&here, &credential_options);
    let duration = Some(Duration::from_secs(900));
    for credential_options in [
        roles(&["other"]),
        CredentialOptions {
            session_name: Some("else".into()),
            ..credential_options.clone()
        },
        CredentialOptions {
            external_id: Some("else".into()),
            ..credential_options.clone()
        },
        CredentialOptions {
            duration,
            ..credential_options.clone()
        },
        CredentialOptions {
            region: Some("eu-west-1".into()),
            ..credential_options.clone()
        },
    ] {
        let other = resolved_credentials(&here, &credential_options);
        assert!(!other.kept, "{credential_options:?}");
        assert_ne!(key(&other), key(&first), "{credential_options:?}");
    }
    let plain = here
        .clone()
        .with("AWS_ENDPOINT_URL_STS", harness.aws.plain_endpoint());
    assert!(!resolved_credentials(&plain, &credential_options).kept);
    // Knowing the access key ID is not enough.
    let guessed = here.clone().with("AWS_SECRET_ACCESS_KEY", "guessed");
    assert!(get(&guessed, &credential_options).is_err());
    assert!(resolved_credentials(&here, &credential_options).kept);
}

#[test]
fn concurrent_jobs_in_one_home_do_not_share_sessions() {
    let harness = Harness::new();
    let issuer = format!("https://{ISSUER}");
    let first = harness.web_identity("ci", "repo:octo/app:environment:prod");
    let second = harness.here().with_web_identity(
        &arn("role/ci"),
        &harness.home().join("token-of-the-other-job"),
    );
    let subject = "repo:octo/fork:environment:prod";
    harness.file(
        "token-of-the-other-job",
        &harness.aws.web_identity(&issuer, subject),
    );
    let credential_options = CredentialOptions::default();
    let session = resolved_credentials(&first, &credential_options);
    // The role does not trust the other job, and the first job's cache does not help it.
    assert!(get(&second, &credential_options).is_err());
    harness.aws.role(
        &arn("role/ci"),
        &[
            trusts_web_identity(ISSUER, "repo:octo/app:environment:prod"),
            trusts_web_identity(ISSUER, subject),
        ],
    );
    let other = resolved_credentials(&second, &credential_options);
    assert_ne!(key(&other), key(&session));
    assert_eq!(
        key(&resolved_credentials(&first, &credential_options)),
        key(&session)
    );
    assert_eq!(
        key(&resolved_credentials(&second, &credential_options)),
        key(&other)
    );
    // Another token for the same subject in the same file: the same job.
    let renewed = harness.aws.web_identity_with(&json!({
        "issuer": issuer, "subject": "repo:octo/app:environment:prod", "seconds": 7200
    }));
    harness.file("token", &renewed);
    assert_eq!(
        key(&resolved_credentials(&first, &credential_options)),
        key(&session)
    );
    // Another subject in the same file: another job.
    harness.file("token", &harness.aws.web_identity(&issuer, subject));
    assert_eq!(
        key(&resolved_credentials(&first, &credential_options)),
        key(&other)
    );
}

#[test]
fn changed_instance_role_invalidates_the_cached_session() {
    let harness = Harness::new();
    for role in ["before", "after"] {
        harness.aws.role(
            &arn(&format!("role/{role}")),
            &[trusts_service("ec2.amazonaws.com")],
        );
    }
    harness.aws.role(
        &arn("role/deploy"),
        &[trusting(&arn("role/before")), trusting(&arn("role/after"))],
    );
    let instance = |role: &str| {
        harness.aws.instance(&json!({
            "id": "i-0123456789abcdef0", "metadata": "v2", "profile": "node", "role": arn(&format!("role/{role}"))
        }))
    };
    let here = harness.here().on_instance(&instance("before"));
    let before = resolved_credentials(&here, &roles(&["deploy"]));
    assert!(resolved_credentials(&here, &roles(&["deploy"])).kept);
    instance("after");
    let after = resolved_credentials(&here, &roles(&["deploy"]));
    assert!(!after.kept);
    assert_ne!(key(&after), key(&before));
}

#[test]
fn corrupted_cache_file_is_ignored_and_replaced() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    let credential_options = roles(&["deploy"]);
    let session = resolved_credentials(&here, &credential_options);
    let path = cached_files(&harness).remove(0);
    let sound = fs::read_to_string(&path).unwrap();
    for text in [
        "",
        "\0\0\0\0",
        "{",
        "[]",
        &sound[..sound.len() / 2],
        &sound.replace("\"Version\":1", "\"Version\":2"),
        &sound.replace("SecretAccessKey", "Secret"),
        &sound.replace("Expiration", "Expires"),
        &sound.replace("\"Issued\":\"", "\"Issued\":\"x"),
    ] {
        fs::write(&path, text).unwrap();
        assert!(
            !resolved_credentials(&here, &credential_options).kept,
            "{text}"
        );
        assert!(
            resolved_credentials(&here, &credential_options).kept,
            "{text}"
        );
    }
    // A file that other users can write to is ignored, too.
    fs::write(&path, &sound).unwrap();
    assert_eq!(
        key(&resolved_credentials(&here, &credential_options)),
        key(&session)
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(!resolved_credentials(&here, &credential_options).kept);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(!resolved_credentials(&here, &credential_options).kept);
}

#[test]
fn read_only_home_only_disables_the_cache() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    let file = harness.file("file", "");
    let here = here.with("XDG_CACHE_HOME", &file);
    for _ in 0..2 {
        assert!(!resolved_credentials(&here, &roles(&["deploy"])).kept);
    }
    let relative = here.with("XDG_CACHE_HOME", "relative");
    resolved_credentials(&relative, &roles(&["deploy"]));
    assert!(harness.home().join(".cache/awsauth/sessions").is_dir());
}

#[test]
fn session_is_renewed_before_expiration_and_used_until_then() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    let credential_options = roles(&["deploy"]);
    let first = resolved_credentials(&here, &credential_options);
    let end = first.credentials.expiration.unwrap();
    let before_end = |minutes| end - SignedDuration::from_mins(minutes);
    let at = |now: Timestamp| get_at(&here, &credential_options, now).unwrap();
    assert_eq!(key(&at(before_end(16))), key(&first));
    // AWS fails now, so the old session is used, but not in its last minute.
    harness
        .aws
        .fault(&json!({"service": "sts", "status": 403, "code": "AccessDenied", "message": "no"}));
    assert_eq!(key(&at(before_end(14))), key(&first));
    assert!(get_at(&here, &credential_options, before_end(1)).is_err());
    harness.aws.no_faults();
    let renewed = at(before_end(14));
    assert!(!renewed.kept);
    assert_ne!(key(&renewed), key(&first));
    // A session with a duration of 15 minutes is not renewed each time.
    let short = CredentialOptions {
        duration: Some(Duration::from_secs(900)),
        ..credential_options
    };
    assert!(!resolved_credentials(&here, &short).kept);
    assert!(resolved_credentials(&here, &short).kept);
}

#[test]
fn hundred_concurrent_threads_request_one_session() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    let credential_options = roles(&["deploy"]);
    harness
        .aws
        .fault(&json!({"service": "sts", "delayMillis": 300}));
    let all = Barrier::new(100);
    let keys: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    all.wait();
                    key(&resolved_credentials(&here, &credential_options)).to_owned()
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
    assert_eq!(harness.actions(), ["AssumeRole"]);
    // Shortly before expiration, one thread renews the session while the others use the old one.
    let now = Timestamp::now() + SignedDuration::from_mins(50);
    let before = keys[0].clone();
    let all = Barrier::new(100);
    let keys: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    all.wait();
                    key(&get_at(&here, &credential_options, now).unwrap()).to_owned()
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(keys.iter().filter(|key| **key != before).count() >= 1);
    assert!(harness.actions().len() <= 2);
}

/// Like a hundred concurrent kubectl commands.
#[test]
fn hundred_concurrent_processes_request_one_session() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    harness
        .aws
        .fault(&json!({"service": "sts", "delayMillis": 300}));
    let role = arn("role/deploy");
    let start = || {
        let mut command = here.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
        command.args(["token", "-i", "my-cluster", "--role-arn", &role]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("it starts")
    };
    let runs: Vec<_> = (0..100).map(|_| start()).collect();
    let authenticator = Authenticator {
        partition: "aws",
        region: REGION,
    };
    let mut keys = BTreeSet::new();
    for run in runs {
        let run = Run::ended_of(run, Prints::Token);
        run.says(0, &[]);
        let credential = run.json();
        let token = credential["status"]["token"].as_str().expect("a token");
        let replay = authenticator.read(token, Timestamp::now()).unwrap();
        keys.insert(replay.access_key_id);
    }
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert_eq!(harness.actions(), ["AssumeRole"]);
    assert_eq!(cached_files(&harness).len(), 1);
}

#[test]
fn hundred_concurrent_failures_do_not_wait_for_each_other() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    let refusal = json!({
        "service": "sts", "delayMillis": 200, "status": 403, "code": "AccessDenied", "message": "no"
    });
    harness.aws.fault(&refusal);
    let began = std::time::Instant::now();
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| get(&here, &roles(&["deploy"])).unwrap_err());
        }
    });
    // One after the other, they would take 20 s.
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

/// A tokio runtime cannot be started within another one; that would panic.
#[tokio::test]
async fn cached_credentials_start_no_runtime() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    let credential_options = roles(&["deploy"]);
    let web = harness.web_identity("ci", "repo:octo/app:environment:prod");
    thread::scope(|scope| {
        scope.spawn(|| resolved_credentials(&here, &credential_options));
        scope.spawn(|| resolved_credentials(&web, &CredentialOptions::default()));
    });
    harness.asked();
    resolved_credentials(&here, &CredentialOptions::default());
    assert!(resolved_credentials(&here, &credential_options).kept);
    assert!(resolved_credentials(&web, &CredentialOptions::default()).kept);
    assert_eq!(harness.actions(), Vec::<String>::new());
}
