//! `get`, `explain` and `map` on the local API server, compared with kubectl and other tools that are installed.

use std::thread;
use std::time::Duration;

use crate::aws_auth_fixture::{self, patch_back};
use crate::measure::background_work;
use crate::measure::child_process::timed_run;
use crate::measure::release_binary::Awsauth;
use crate::measure::timing::{heading, interleaved, row, row_at_most};
use crate::measured_commands::{KUBECTL_GET, MAP_NEW, MAP_NO_OP};
use crate::other_writers;
use crate::support::aws_auth_client::Api;
use crate::support::cluster::Cluster;

pub(crate) const ROUNDS: usize = 40;

/// How often the other client of a busy cluster writes.
const WRITE_INTERVAL: Duration = Duration::from_millis(50);

const EXPLAIN: [&str; 2] = ["explain", "arn:aws:iam::111122223333:role/admins"];

pub(crate) fn run(awsauth: &Awsauth) {
    let cluster = Cluster::shared();
    aws_auth_fixture::create(cluster);
    heading("On an idle API server");
    measure(awsauth, cluster);
    heading("On an API server that another client writes to 20 times a second");
    // A consistent list of objects that rarely change waits for the API server's watch cache only if something else is written
    // meanwhile.
    let api = Api::of(cluster, "bench");
    background_work::beside(
        1,
        |_, round| {
            api.touch_other(round);
            thread::sleep(WRITE_INTERVAL);
        },
        || measure(awsauth, cluster),
    );
}

fn measure(awsauth: &Awsauth, cluster: &Cluster) {
    let awsauth = |arguments: &[&str]| timed_run(&mut awsauth.on(&cluster.kubeconfig(), arguments));
    let [kubectl_get, get, explain, no_op, changing, patch] = interleaved(
        ROUNDS,
        [
            &mut || timed_run(cluster.kubectl_command().args(KUBECTL_GET)),
            &mut || awsauth(&["get"]),
            &mut || awsauth(&EXPLAIN),
            &mut || awsauth(&MAP_NO_OP),
            // These two alternate: one adds the mapping, the other removes it.
            &mut || awsauth(&MAP_NEW),
            &mut || timed_run(&mut patch_back(cluster)),
        ],
    );

    row("kubectl get configmap aws-auth -o yaml", &kubectl_get);
    row_at_most("awsauth get", &get, &kubectl_get, Some(0.2));
    row_at_most("awsauth explain", &explain, &kubectl_get, Some(0.2));
    row("kubectl patch, changing mapRoles", &patch);
    row_at_most("awsauth map, nothing to change", &no_op, &patch, None);
    row_at_most(
        "awsauth map, changing mapRoles",
        &changing,
        &patch,
        Some(0.4),
    );
    other_writers::run(cluster, &kubectl_get, &patch, &changing);
}
