//! `get` and `map` on the local API server, compared with kubectl and other tools that are installed.

use crate::aws_auth::{self, KUBECTL_GET, MAP_NEW, MAP_NO_OP, patch_back};
use crate::other_tools;
use crate::program::{Awsauth, timed_run};
use crate::support::cluster::Cluster;
use crate::timing::{heading, interleaved, row, row_at_most};

pub(crate) const ROUNDS: usize = 40;

pub(crate) fn run(awsauth: &Awsauth) {
    let cluster = Cluster::shared();
    aws_auth::create(cluster);
    let awsauth = |arguments: &[&str]| timed_run(&mut awsauth.on(&cluster.kubeconfig(), arguments));

    let [kubectl_get, get, no_op, changing, patch] = interleaved(
        ROUNDS,
        [
            &mut || timed_run(cluster.kubectl_command().args(KUBECTL_GET)),
            &mut || awsauth(&["get"]),
            &mut || awsauth(&MAP_NO_OP),
            // These two alternate: one adds the mapping, the other removes it.
            &mut || awsauth(&MAP_NEW),
            &mut || timed_run(&mut patch_back(cluster)),
        ],
    );

    heading("On the local API server");
    row("kubectl get configmap aws-auth -o yaml", &kubectl_get);
    row_at_most("awsauth get", &get, &kubectl_get, Some(0.3));
    row("kubectl patch, changing mapRoles", &patch);
    row_at_most("awsauth map, nothing to change", &no_op, &patch, None);
    row_at_most(
        "awsauth map, changing mapRoles",
        &changing,
        &patch,
        Some(0.5),
    );
    other_tools::run(cluster, &kubectl_get, &patch);
}
