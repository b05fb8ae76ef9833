//! A demo session on a real API server. First act: an instance role is denied, mapped, verified and unmapped. Second act:
//! an administrator is locked out, gets in again, and moves the cluster to access entries. Run it with `./demo`.
//!
//! There are two processes: one runs the cluster, the other runs the session. With `--keep`, the cluster outlives the first act,
//! and there is no second one.

#![cfg(unix)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it prints a session"
)]

mod cluster_process;
mod session;
mod steps;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use session::Session;

const USAGE: &str = "usage: ./demo [--keep]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        [] => demo(false),
        ["--keep"] => demo(true),
        [cluster_process::RUN] => cluster_process::run(false),
        [cluster_process::RUN_AND_KEEP] => cluster_process::run(true),
        ["--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn demo(keep: bool) -> Result<(), String> {
    println!("Starting kube-apiserver, etcd, aws-iam-authenticator and a local AWS stand-in.");
    println!("(The first run builds them, which takes some minutes.)");
    let session = Session::start(keep)?;
    steps::edit(&session)?;
    if keep {
        session.keep_cluster();
        return Ok(());
    }
    steps::rescue_and_migrate(&session)?;
    Ok(())
}
