//! The secrets that tests use and test servers issue, and a search for them in a string.

use std::collections::BTreeSet;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::sleep;
use std::time::Duration;

/// The prefix of an EKS token.
const TOKEN: &str = "k8s-aws-v1.";

/// Variables and config file options whose values are secrets.
const NAMES: [&str; 4] = [
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "aws_container_authorization_token",
];

/// Shorter values are not searched for, because they may occur by chance.
const SHORTEST: usize = 8;

static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static STANDINS: Mutex<Vec<Weak<IssuedSecrets>>> = Mutex::new(Vec::new());

/// Returns all secrets that a stand-in issued, or `None` if it has ended.
pub(crate) type IssuedSecrets = dyn Fn() -> Option<Vec<String>> + Send + Sync;

/// The secrets that a program may print on stdout. On stderr it may never print any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prints {
    /// No secret.
    Nothing,
    /// An EKS token and no other secret.
    Token,
    /// Credentials.
    Credentials,
}

/// Adds a secret to search for.
pub(crate) fn know(secret: &str) {
    if secret.len() >= SHORTEST {
        lock(&KNOWN).insert(secret.to_owned());
    }
}

/// Adds the value of a variable or option if its name marks a secret.
pub(crate) fn know_value(name: &str, value: &str) {
    if NAMES.contains(&name.trim().to_ascii_lowercase().as_str()) {
        know(value.trim());
    }
}

/// Adds the secrets among the lines `name = value` of a file.
pub(crate) fn know_lines(text: &str) {
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        know_value(name, value);
    }
}

/// Adds the secrets among the variables of a command.
pub(crate) fn know_environment(command: &Command) {
    for (name, value) in command.get_envs() {
        if let (Some(name), Some(value)) = (name.to_str(), value.and_then(|v| v.to_str())) {
            know_value(name, value);
        }
    }
}

/// Adds the secrets that a stand-in issues, while the caller holds `standin`.
pub(crate) fn know_standin(standin: &Arc<IssuedSecrets>) {
    lock(&STANDINS).push(Arc::downgrade(standin));
}

/// Searches what a program printed. On stderr it may never print a secret.
#[track_caller]
pub(super) fn search_output(output: &Output, prints: Prints) {
    let all = all();
    for (stream, message, prints) in [
        ("stderr", &output.stderr, Prints::Nothing),
        ("stdout", &output.stdout, prints),
    ] {
        search(stream, &String::from_utf8_lossy(message), prints, &all);
    }
}

/// Searches a string that code in this process produced.
#[track_caller]
pub(crate) fn assert_none_in(message: &str) {
    search("a message", message, Prints::Nothing, &all());
}

#[track_caller]
fn search(stream: &str, message: &str, prints: Prints, all: &BTreeSet<String>) {
    if prints != Prints::Credentials && message.len() >= SHORTEST {
        for secret in all {
            let is_printed = message.contains(secret.as_str());
            assert!(!is_printed, "a secret on {stream}: {message}");
        }
        // Only a string with an escape can contain a secret that is percent-encoded, as in a URL.
        if message.contains('%') {
            for secret in all {
                let is_printed = message.contains(&percent_encoded(secret));
                assert!(!is_printed, "a secret on {stream}: {message}");
            }
        }
    }
    if prints == Prints::Nothing {
        assert!(!has_token(message), "an EKS token on {stream}: {message}");
    }
}

fn has_token(message: &str) -> bool {
    message.split(TOKEN).skip(1).any(|token| {
        let length = token
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || b"-_".contains(b))
            .count();
        // The prefix alone is not a token.
        length >= 16
    })
}

fn all() -> BTreeSet<String> {
    let mut all = lock(&KNOWN).clone();
    let standins: Vec<_> = {
        let mut standins = lock(&STANDINS);
        standins.retain(|standin| standin.strong_count() > 0);
        standins.clone()
    };
    for standin in standins {
        let secrets = issued_secrets(&standin);
        all.extend(secrets.into_iter().filter(|s| s.len() >= SHORTEST));
    }
    all
}

/// Returns the secrets of a stand-in. None after its owner is dropped, which happens shortly after the stand-in ends.
fn issued_secrets(standin: &Weak<IssuedSecrets>) -> Vec<String> {
    for _ in 0..500 {
        // Held briefly, because other threads search, too.
        let Some(standin) = standin.upgrade() else {
            return Vec::new();
        };
        if let Some(secrets) = standin() {
            return secrets;
        }
        drop(standin);
        sleep(Duration::from_millis(10));
    }
    panic!("a stand-in does not report its secrets");
}

/// Ignores lock poisoning: a failed test did not change the data.
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
