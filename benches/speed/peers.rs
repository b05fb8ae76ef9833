//! Other programs that write aws-auth, where they are here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::aws_auth::{NEW_ROLE, patch_back};
use crate::live::ROUNDS;
use crate::measure::{Samples, in_turns, row_over};
use crate::program::timed_run;
use crate::support::cluster::Cluster;
use crate::support::toolchain::Binary;

/// Adds their rows to the table, or names who is missing.
pub(crate) fn run(cluster: &Cluster, kubectl_get: &Samples, patch: &Samples) {
    let authenticator = Binary::Authenticator.path();
    let added = in_turns(
        ROUNDS,
        [&mut || writing(cluster, &authenticator, &["add", "role", "--prompt=false"])],
    );
    row_over("aws-iam-authenticator add role", &added[0], patch, None);

    // https://github.com/keikoproj/aws-auth
    let Some(keikoproj) = in_path("aws-auth") else {
        println!("keikoproj aws-auth is missing: there is no aws-auth in PATH");
        return;
    };
    let [got, upserted] = in_turns(
        ROUNDS,
        [
            &mut || timed_run(on(cluster, &keikoproj).arg("get")),
            &mut || writing(cluster, &keikoproj, &["upsert", "--maproles"]),
        ],
    );
    row_over("keikoproj aws-auth get", &got, kubectl_get, None);
    row_over("keikoproj aws-auth upsert", &upserted, patch, None);
}

/// One writing run, undone afterwards so that the next has something to change again.
fn writing(cluster: &Cluster, program: &Path, command: &[&str]) -> Duration {
    let mut program = on(cluster, program);
    program.args(command);
    // aws-iam-authenticator does not look at KUBECONFIG.
    program.arg("--kubeconfig").arg(cluster.kubeconfig());
    let duration = timed_run(program.args([
        "--rolearn",
        NEW_ROLE,
        "--username",
        "admin",
        "--groups",
        "system:masters",
    ]));
    timed_run(&mut patch_back(cluster));
    duration
}

fn on(cluster: &Cluster, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HOME", cluster.folder())
        .env("KUBECONFIG", cluster.kubeconfig());
    command
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
