//! The static binary for Linux.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

/// Builds the release binary with `cargo static`. The first build takes minutes.
///
/// # Panics
/// If the build fails.
pub(crate) fn released() -> PathBuf {
    let mut cargo = cargo();
    // These would replace the flags for a static binary.
    cargo
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.args(["static", "--bin", "awsauth"]);
    built(cargo.args(REPORTING))
}

/// Builds the same program with the same link flags in seconds, from crates that the tests have already compiled.
/// || The feature and the target folder keep it apart from the program under test.
///
/// # Panics
/// With the output of cargo if the build fails.
pub(crate) fn linked_alike() -> PathBuf {
    let program = std::env::current_exe().expect("the path of this program");
    // target/debug/deps/PROGRAM
    let target = program.ancestors().nth(3).expect("the target folder");
    let mut cargo = cargo();
    cargo
        .env("CARGO_BUILD_BUILD_DIR", target)
        .env("CARGO_TARGET_DIR", target.join("static"))
        .args(["rustc", "--bin", "awsauth", "--features", "static-link"]);
    built(cargo.args(REPORTING).arg("--").args(flags()))
}

const REPORTING: [&str; 3] = ["--locked", "--message-format", "json"];
const FLAGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.cargo/static.toml");

/// The flags for a static binary. As cargo configuration, they would recompile every crate.
fn flags() -> Vec<String> {
    let content = fs::read_to_string(FLAGS).unwrap_or_else(|error| panic!("{FLAGS}: {error}"));
    let flags = content
        .lines()
        .find_map(|line| line.strip_prefix("rustflags = "))
        .expect("one line of flags");
    // A one-line TOML list is valid JSON.
    serde_json::from_str(flags).unwrap_or_else(|error| panic!("{FLAGS}: {error}"))
}

fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit());
    // Variables of the outer cargo would make build scripts run again.
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

/// The used part of a cargo message.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}
