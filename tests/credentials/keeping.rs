//! Sessions are kept for whoever may have them, and for nobody else.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use awsauth::aws::credentials::{Resolved, Wish};
use awsauth::token::Authenticator;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::place::{ISSUER, Place, arn, get, get_at, roles, said, trusting};
use crate::support::aws::{REGION, trusts_service, trusts_web_identity};
use crate::support::environment::Environment;
use crate::support::run::Run;
use crate::support::secrets::Prints;

fn key(resolved: &Resolved) -> &str {
    &resolved.credentials.access_key_id
}

fn had(here: &Environment, wish: &Wish) -> Resolved {
    get(here, wish).unwrap_or_else(|error| panic!("{}", said(&error)))
}

/// The kept sessions' files.
fn kept(place: &Place) -> Vec<PathBuf> {
    let entries = fs::read_dir(place.sessions()).map(Iterator::collect::<Vec<_>>);
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
fn a_session_is_asked_for_once_and_kept_private() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    let first = had(&here, &roles(&["deploy"]));
    let second = had(&here, &roles(&["deploy"]));
    assert!(!first.kept && second.kept);
    assert_eq!(key(&first), key(&second));
    assert_eq!(first.credentials.expiration, second.credentials.expiration);
    assert_eq!(first.credentials.account_id, second.credentials.account_id);
    assert_eq!(place.actions(), ["AssumeRole"]);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.sessions()), 0o700);
    for entry in fs::read_dir(place.sessions()).unwrap() {
        assert_eq!(mode(entry.expect("an entry").path()), 0o600);
    }
    // Only what the last role gave: the user's own keys never touch the disk.
    assert_eq!(kept(&place).len(), 1);
    let text = fs::read_to_string(&kept(&place)[0]).unwrap();
    assert!(text.contains(key(&first)) && !text.contains("AKIA"));
}

#[test]
fn nothing_else_is_kept() {
    let place = Place::new();
    let node = arn("role/node");
    place
        .aws
        .role(&node, &[trusts_service("ec2.amazonaws.com")]);
    let metadata = place.aws.instance(&json!({
        "id": "i-0123456789abcdef0", "metadata": "v2", "profile": "node", "role": node
    }));
    let process = place.file(
        "config",
        "[default]\ncredential_process = /bin/echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s\"}'\n",
    );
    for here in [
        place
            .here()
            .with_credentials(&place.aws.user(&arn("user/alice"))),
        place.here().on_instance(&metadata),
        place.here().with("AWS_CONFIG_FILE", &process),
    ] {
        had(&here, &Wish::default());
    }
    assert!(!place.sessions().exists());
    let here = place.user_with_role("deploy");
    let uncached = Wish {
        no_cache: true,
        ..roles(&["deploy"])
    };
    had(&here, &uncached);
    had(&here.clone().with("CI", "true"), &roles(&["deploy"]));
    assert!(!place.sessions().exists());
    // What is kept is not used either.
    let kept = had(&here, &roles(&["deploy"]));
    assert_ne!(key(&had(&here, &uncached)), key(&kept));
    assert_ne!(
        key(&had(&here.with("CI", "1"), &roles(&["deploy"]))),
        key(&kept)
    );
}

#[test]
fn whatever_a_session_depends_on_gives_another() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    place
        .aws
        .role(&arn("role/other"), &[trusting(&arn("user/alice"))]);
    let wish = roles(&["deploy"]);
    let first = had(&here, &wish);
    let duration = Some(Duration::from_secs(900));
    for wish in [
        roles(&["other"]),
        Wish {
            session_name: Some("else".into()),
            ..wish.clone()
        },
        Wish {
            external_id: Some("else".into()),
            ..wish.clone()
        },
        Wish {
            duration,
            ..wish.clone()
        },
        Wish {
            region: Some("eu-west-1".into()),
            ..wish.clone()
        },
    ] {
        let other = had(&here, &wish);
        assert!(!other.kept, "{wish:?}");
        assert_ne!(key(&other), key(&first), "{wish:?}");
    }
    let plain = here
        .clone()
        .with("AWS_ENDPOINT_URL_STS", place.aws.plain_endpoint());
    assert!(!had(&plain, &wish).kept);
    // Knowing the access key id is not enough.
    let guessed = here.clone().with("AWS_SECRET_ACCESS_KEY", "guessed");
    assert!(get(&guessed, &wish).is_err());
    assert!(had(&here, &wish).kept);
}

#[test]
fn two_jobs_in_one_home_never_have_each_others_session() {
    let place = Place::new();
    let issuer = format!("https://{ISSUER}");
    let first = place.web_identity("ci", "repo:octo/app:environment:prod");
    let second = place.here().with_web_identity(
        &arn("role/ci"),
        &place.home().join("token-of-the-other-job"),
    );
    let subject = "repo:octo/fork:environment:prod";
    place.file(
        "token-of-the-other-job",
        &place.aws.web_identity(&issuer, subject),
    );
    let wish = Wish::default();
    let session = had(&first, &wish);
    // The role does not trust the other job, and what the first one left in the home helps it nothing.
    assert!(get(&second, &wish).is_err());
    place.aws.role(
        &arn("role/ci"),
        &[
            trusts_web_identity(ISSUER, "repo:octo/app:environment:prod"),
            trusts_web_identity(ISSUER, subject),
        ],
    );
    let other = had(&second, &wish);
    assert_ne!(key(&other), key(&session));
    assert_eq!(key(&had(&first, &wish)), key(&session));
    assert_eq!(key(&had(&second, &wish)), key(&other));
    // Another token in the same file, for the same subject: the same job.
    let renewed = place.aws.web_identity_with(&json!({
        "issuer": issuer, "subject": "repo:octo/app:environment:prod", "seconds": 7200
    }));
    place.file("token", &renewed);
    assert_eq!(key(&had(&first, &wish)), key(&session));
    // Another subject in the same file: another job.
    place.file("token", &place.aws.web_identity(&issuer, subject));
    assert_eq!(key(&had(&first, &wish)), key(&other));
}

#[test]
fn a_swapped_instance_role_never_has_the_session_of_the_one_before() {
    let place = Place::new();
    for role in ["before", "after"] {
        place.aws.role(
            &arn(&format!("role/{role}")),
            &[trusts_service("ec2.amazonaws.com")],
        );
    }
    place.aws.role(
        &arn("role/deploy"),
        &[trusting(&arn("role/before")), trusting(&arn("role/after"))],
    );
    let instance = |role: &str| {
        place.aws.instance(&json!({
            "id": "i-0123456789abcdef0", "metadata": "v2", "profile": "node", "role": arn(&format!("role/{role}"))
        }))
    };
    let here = place.here().on_instance(&instance("before"));
    let before = had(&here, &roles(&["deploy"]));
    assert!(had(&here, &roles(&["deploy"])).kept);
    instance("after");
    let after = had(&here, &roles(&["deploy"]));
    assert!(!after.kept);
    assert_ne!(key(&after), key(&before));
}

#[test]
fn a_corrupted_file_is_ignored_and_replaced() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    let wish = roles(&["deploy"]);
    let session = had(&here, &wish);
    let path = kept(&place).remove(0);
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
        assert!(!had(&here, &wish).kept, "{text}");
        assert!(had(&here, &wish).kept, "{text}");
    }
    // Neither is one that others could have written.
    fs::write(&path, &sound).unwrap();
    assert_eq!(key(&had(&here, &wish)), key(&session));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(!had(&here, &wish).kept);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(!had(&here, &wish).kept);
}

#[test]
fn a_home_that_cannot_be_written_only_keeps_nothing() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    let file = place.file("file", "");
    let here = here.with("XDG_CACHE_HOME", &file);
    for _ in 0..2 {
        assert!(!had(&here, &roles(&["deploy"])).kept);
    }
    let relative = here.with("XDG_CACHE_HOME", "relative");
    had(&relative, &roles(&["deploy"]));
    assert!(place.home().join(".cache/awsauth/sessions").is_dir());
}

#[test]
fn a_session_is_renewed_before_it_ends_and_serves_while_it_lasts() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    let wish = roles(&["deploy"]);
    let first = had(&here, &wish);
    let end = first.credentials.expiration.unwrap();
    let before_end = |minutes| end - SignedDuration::from_mins(minutes);
    let at = |now: Timestamp| get_at(&here, &wish, now).unwrap();
    assert_eq!(key(&at(before_end(16))), key(&first));
    // AWS has none now, so the old one serves on, but not to its last minute.
    place
        .aws
        .fault(&json!({"service": "sts", "status": 403, "code": "AccessDenied", "message": "no"}));
    assert_eq!(key(&at(before_end(14))), key(&first));
    assert!(get_at(&here, &wish, before_end(1)).is_err());
    place.aws.no_faults();
    let renewed = at(before_end(14));
    assert!(!renewed.kept);
    assert_ne!(key(&renewed), key(&first));
    // One that lives for 15 minutes is not renewed each time.
    let short = Wish {
        duration: Some(Duration::from_secs(900)),
        ..wish
    };
    assert!(!had(&here, &short).kept);
    assert!(had(&here, &short).kept);
}

#[test]
fn of_a_hundred_that_need_a_session_at_once_one_asks() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    let wish = roles(&["deploy"]);
    place
        .aws
        .fault(&json!({"service": "sts", "delayMillis": 300}));
    let all = Barrier::new(100);
    let keys: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    all.wait();
                    key(&had(&here, &wish)).to_owned()
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
    assert_eq!(place.actions(), ["AssumeRole"]);
    // And near the end one renews while the others go on with what they have.
    let now = Timestamp::now() + SignedDuration::from_mins(50);
    let before = keys[0].clone();
    let all = Barrier::new(100);
    let keys: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    all.wait();
                    key(&get_at(&here, &wish, now).unwrap()).to_owned()
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(keys.iter().filter(|key| **key != before).count() >= 1);
    assert!(place.actions().len() <= 2);
}

/// As kubectl runs them, in a hundred terminals at once.
#[test]
fn of_a_hundred_programs_that_need_a_session_at_once_one_asks() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    place
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
    assert_eq!(place.actions(), ["AssumeRole"]);
    assert_eq!(kept(&place).len(), 1);
}

#[test]
fn of_a_hundred_that_get_none_nobody_waits_for_the_others() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    let refusal = json!({
        "service": "sts", "delayMillis": 200, "status": 403, "code": "AccessDenied", "message": "no"
    });
    place.aws.fault(&refusal);
    let began = std::time::Instant::now();
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| get(&here, &roles(&["deploy"])).unwrap_err());
        }
    });
    // One after the other it would be 20 s.
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

/// A runtime can't be started within another one, so this would panic.
#[tokio::test]
async fn what_is_at_hand_starts_no_runtime() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    let wish = roles(&["deploy"]);
    let web = place.web_identity("ci", "repo:octo/app:environment:prod");
    thread::scope(|scope| {
        scope.spawn(|| had(&here, &wish));
        scope.spawn(|| had(&web, &Wish::default()));
    });
    place.asked();
    had(&here, &Wish::default());
    assert!(had(&here, &wish).kept);
    assert!(had(&web, &Wish::default()).kept);
    assert_eq!(place.actions(), Vec::<String>::new());
}
