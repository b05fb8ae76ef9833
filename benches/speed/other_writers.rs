//! Other programs that write aws-auth, if they are installed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::aws_auth_fixture::patch_back;
use crate::live_cluster::ROUNDS;
use crate::measure::child_process::timed_run;
use crate::measure::timing::{Samples, interleaved, row_at_most};
use crate::measured_commands::NEW_ROLE;
use crate::support::cluster::Cluster;
use crate::support::go_programs::Binary;

/// Adds their rows to the table, or prints which one is not installed.
pub(crate) fn run(cluster: &Cluster, kubectl_get: &Samples, patch: &Samples, map: &Samples) {
    let authenticator = Binary::Authenticator.path();
    let added = interleaved(
        ROUNDS,
        [&mut || timed_write(cluster, &authenticator, &["add", "role", "--prompt=false"])],
    );
    row_at_most("aws-iam-authenticator add role", &added[0], patch, None);

    let Some(keiko) = keiko() else { return };
    let [got, upserted] = interleaved(
        ROUNDS,
        [
            &mut || timed_run(on(cluster, &keiko).arg("get")),
            &mut || timed_write(cluster, &keiko, &["upsert", "--maproles"]),
        ],
    );
    row_at_most("keikoproj aws-auth get", &got, kubectl_get, None);
    row_at_most("keikoproj aws-auth upsert", &upserted, patch, None);
    row_at_most(
        "awsauth map, relative to keikoproj upsert",
        map,
        &upserted,
        Some(1.5),
    );
}

/// Returns the program that `AWSAUTH_BENCH_KEIKO` names. It is built with `go build` in a checkout of
/// <https://github.com/keikoproj/aws-auth>.
pub(crate) fn keiko() -> Option<PathBuf> {
    let path = std::env::var_os("AWSAUTH_BENCH_KEIKO").map(PathBuf::from);
    if path.is_none() {
        println!("keikoproj aws-auth is not measured: AWSAUTH_BENCH_KEIKO does not name a program");
    }
    path
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

pub(crate) fn on(cluster: &Cluster, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HOME", cluster.folder())
        .env("KUBECONFIG", cluster.kubeconfig());
    command
}
