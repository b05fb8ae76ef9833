//! The static binary for Linux.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

/// The released binary, brought up to date as `cargo static` does. From nothing that takes minutes.
///
/// # Panics
/// With what cargo said when it can't be built.
pub(crate) fn released() -> PathBuf {
    let mut cargo = cargo();
    // These would take the place of the flags that make it static.
    cargo
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.args(["static", "--bin", "awsauth"]);
    built(cargo.args(REPORTING))
}

/// The same program with the same link flags, made in seconds of what the tests have compiled already.
///
/// # Panics
/// With what cargo said when it can't be built.
pub(crate) fn linked_alike() -> PathBuf {
    let mut cargo = cargo();
    cargo.args(["rustc", "--example", "static_binary"]);
    built(cargo.args(REPORTING).arg("--").args(flags()))
}

const REPORTING: [&str; 3] = ["--locked", "--message-format", "json"];
const FLAGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.cargo/static.toml");

/// What makes a binary static; cargo itself would compile every crate anew with them.
fn flags() -> Vec<String> {
    let content = fs::read_to_string(FLAGS).unwrap_or_else(|error| panic!("{FLAGS}: {error}"));
    let flags = content
        .lines()
        .find_map(|line| line.strip_prefix("rustflags = "))
        .expect("one line of flags");
    // A TOML list on one line is one in JSON.
    serde_json::from_str(flags).unwrap_or_else(|error| panic!("{FLAGS}: {error}"))
}

fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit());
    // What the outer cargo says of us would make build scripts of others run again.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&*name);
        }
    }
    cargo
}

fn built(cargo: &mut Command) -> PathBuf {
    let done = cargo.output().expect("cargo can be run");
    assert!(done.status.success(), "{cargo:?}: {}", done.status);
    String::from_utf8_lossy(&done.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .find_map(|message| message.executable)
        .expect("cargo names the binary that it built")
}

/// What matters of one of cargo's messages.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}
