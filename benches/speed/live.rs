//! `get` and `map` on the local API server, beside kubectl and whoever else is here.

use crate::aws_auth::{self, KUBECTL_GET, MAP_NEW, MAP_NO_OP, patch_back};
use crate::measure::{heading, in_turns, row, row_over};
use crate::peers;
use crate::program::{Awsauth, timed_run};
use crate::support::cluster::Cluster;

pub(crate) const ROUNDS: usize = 40;

pub(crate) fn run(awsauth: &Awsauth) {
    let cluster = Cluster::shared();
    aws_auth::create(cluster);
    let awsauth = |arguments: &[&str]| timed_run(&mut awsauth.on(&cluster.kubeconfig(), arguments));

    let [kubectl_get, get, no_op, changing, patch] = in_turns(
        ROUNDS,
        [
            &mut || timed_run(cluster.kubectl_command().args(KUBECTL_GET)),
            &mut || awsauth(&["get"]),
            &mut || awsauth(&MAP_NO_OP),
            // These two take turns in changing mapRoles.
            &mut || awsauth(&MAP_NEW),
            &mut || timed_run(&mut patch_back(cluster)),
        ],
    );

    heading("On the local API server");
    row("kubectl get configmap aws-auth -o yaml", &kubectl_get);
    row_over("awsauth get", &get, &kubectl_get, Some(0.3));
    row("kubectl patch, changing mapRoles", &patch);
    row_over("awsauth map, nothing to change", &no_op, &patch, None);
    row_over(
        "awsauth map, changing mapRoles",
        &changing,
        &patch,
        Some(0.5),
    );
    peers::run(cluster, &kubectl_get, &patch);
}
