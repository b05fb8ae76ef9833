//! Tells the story of an instance role and a cluster, on real parts. Run it with `./demo`.
//!
//! Two processes: one holds the cluster for as long as it runs, the other tells the story on it. So the cluster can
//! outlive the story.

#![cfg(unix)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it tells a story"
)]

mod holder;
mod stage;
mod story;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use stage::Stage;

const USAGE: &str = "usage: ./demo [--keep]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let told = match arguments[..] {
        [] => tell(false),
        ["--keep"] => tell(true),
        [holder::HOLD] => holder::hold(false),
        [holder::HOLD_ON] => holder::hold(true),
        ["--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.to_owned()),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn tell(keep: bool) -> Result<(), String> {
    println!(
        "Starting kube-apiserver, etcd, aws-iam-authenticator and a stand-in for AWS on this machine."
    );
    println!("(The first time builds them, which takes some minutes.)");
    let stage = Stage::set(keep)?;
    story::tell(&stage)?;
    if keep {
        stage.leave();
    }
    Ok(())
}
