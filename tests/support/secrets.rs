//! Secrets that the tests know, and the one place where programs' output is taken and searched for them.
//!
//! Needs nothing else of `support`, so that a test may take it alone.

use std::collections::BTreeSet;
use std::process::{Child, Command, Output};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::sleep;
use std::time::Duration;

/// How an EKS token begins.
const TOKEN: &str = "k8s-aws-v1.";

/// The variables and the options of files that hold secrets.
const NAMES: [&str; 4] = [
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "aws_container_authorization_token",
];

/// Shorter ones are words of their own, which somebody may well say.
const SHORTEST: usize = 8;

static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static STANDINS: Mutex<Vec<Weak<Told>>> = Mutex::new(Vec::new());

/// Answers with all secrets that a stand-in ever handed out, or not at all where it is gone.
pub(crate) type Told = dyn Fn() -> Option<Vec<String>> + Send + Sync;

/// What a program is there to print on its standard output. On the other it prints nothing secret, ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prints {
    /// Nothing secret.
    Nothing,
    /// An EKS token, and nothing else that is secret.
    Token,
    /// Credentials.
    Credentials,
}

/// From now on nobody may say this.
pub(crate) fn know(secret: &str) {
    if secret.len() >= SHORTEST {
        lock(&KNOWN).insert(secret.to_owned());
    }
}

/// The same of a variable's value, or an option's, if its name says that it is a secret.
pub(crate) fn know_value(name: &str, value: &str) {
    if NAMES.contains(&name.trim().to_ascii_lowercase().as_str()) {
        know(value.trim());
    }
}

/// The same of all lines `name = value` in a file.
pub(crate) fn know_lines(text: &str) {
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        know_value(name, value);
    }
}

/// The same of the variables that a command is given.
pub(crate) fn know_environment(command: &Command) {
    for (name, value) in command.get_envs() {
        if let (Some(name), Some(value)) = (name.to_str(), value.and_then(|v| v.to_str())) {
            know_value(name, value);
        }
    }
}

/// The same of what a stand-in hands out, for as long as its owner holds this.
pub(crate) fn know_standin(told: &Arc<Told>) {
    lock(&STANDINS).push(Arc::downgrade(told));
}

/// Runs a command that prints nothing secret to its end.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> Output {
    output_of(command, Prints::Nothing)
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn output_of(command: &mut Command, prints: Prints) -> Output {
    know_environment(command);
    let output = command.output();
    searched(
        output.unwrap_or_else(|e| panic!("{command:?}: {e}")),
        prints,
    )
}

/// The end of a run that prints nothing secret.
#[track_caller]
pub(crate) fn ended(child: Child) -> Output {
    ended_of(child, Prints::Nothing)
}

#[track_caller]
pub(crate) fn ended_of(child: Child, prints: Prints) -> Output {
    searched(child.wait_with_output().expect("it ends"), prints)
}

#[track_caller]
fn searched(output: Output, prints: Prints) -> Output {
    let all = all();
    for (stream, said, prints) in [
        ("stderr", &output.stderr, Prints::Nothing),
        ("stdout", &output.stdout, prints),
    ] {
        search(stream, &String::from_utf8_lossy(said), prints, &all);
    }
    output
}

/// Looks for what may not be in a text that our code made without a program of its own.
#[track_caller]
pub(crate) fn assert_none_in(said: &str) {
    search("a message", said, Prints::Nothing, &all());
}

#[track_caller]
fn search(stream: &str, said: &str, prints: Prints, all: &BTreeSet<String>) {
    if prints != Prints::Credentials {
        for secret in all {
            // As a part of a URL, too.
            let in_url = percent_encoded(secret);
            assert!(
                !said.contains(secret.as_str()) && !said.contains(&in_url),
                "a secret on {stream}: {said}"
            );
        }
    }
    if prints == Prints::Nothing {
        assert!(!has_token(said), "an EKS token on {stream}: {said}");
    }
}

fn has_token(said: &str) -> bool {
    said.split(TOKEN).skip(1).any(|token| {
        let length = token
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || b"-_".contains(b))
            .count();
        // A mere mention of the prefix is none.
        length >= 16
    })
}

fn all() -> BTreeSet<String> {
    let mut all = lock(&KNOWN).clone();
    let standins: Vec<_> = {
        let mut standins = lock(&STANDINS);
        standins.retain(|told| told.strong_count() > 0);
        standins.clone()
    };
    for told in standins {
        let secrets = handed_out(&told);
        all.extend(secrets.into_iter().filter(|s| s.len() >= SHORTEST));
    }
    all
}

/// What a stand-in handed out; nothing once its owner is gone, which it is a moment after the stand-in itself.
fn handed_out(told: &Weak<Told>) -> Vec<String> {
    for _ in 0..500 {
        // Held no longer than this: other threads ask, too.
        let Some(told) = told.upgrade() else {
            return Vec::new();
        };
        if let Some(secrets) = told() {
            return secrets;
        }
        drop(told);
        sleep(Duration::from_millis(10));
    }
    panic!("a stand-in does not tell what it handed out");
}

/// A test that failed while it held the lock left all as it was.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
