//! Other programs that write aws-auth, if they are installed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::aws_auth::{NEW_ROLE, patch_back};
use crate::live::ROUNDS;
use crate::program::timed_run;
use crate::support::cluster::Cluster;
use crate::support::go_programs::Binary;
use crate::timing::{Samples, interleaved, row_at_most};

/// Adds their rows to the table, or prints which one is not installed.
pub(crate) fn run(cluster: &Cluster, kubectl_get: &Samples, patch: &Samples) {
    let authenticator = Binary::Authenticator.path();
    let added = interleaved(
        ROUNDS,
        [&mut || timed_write(cluster, &authenticator, &["add", "role", "--prompt=false"])],
    );
    row_at_most("aws-iam-authenticator add role", &added[0], patch, None);

    // https://github.com/keikoproj/aws-auth
    let Some(keikoproj) = in_path("aws-auth") else {
        println!("keikoproj aws-auth is not measured: there is no aws-auth on the PATH");
        return;
    };
    let [got, upserted] = interleaved(
        ROUNDS,
        [
            &mut || timed_run(on(cluster, &keikoproj).arg("get")),
            &mut || timed_write(cluster, &keikoproj, &["upsert", "--maproles"]),
        ],
    );
    row_at_most("keikoproj aws-auth get", &got, kubectl_get, None);
    row_at_most("keikoproj aws-auth upsert", &upserted, patch, None);
}

/// Measures one write, and then reverts it for the next run.
fn timed_write(cluster: &Cluster, program: &Path, command: &[&str]) -> Duration {
    let mut program = on(cluster, program);
    program.args(command);
    // aws-iam-authenticator ignores KUBECONFIG.
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
