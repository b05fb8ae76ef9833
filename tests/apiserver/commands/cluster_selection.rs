//! Selects the cluster, also with `--expect-cluster`.

use crate::commands::harness::{ExclusiveCluster, MYTESTROLE, Run, awsauth, map_args};

#[test]
fn expect_cluster_matches_context_cluster_or_server() {
    let session = ExclusiveCluster::start();
    let server = session.cluster.server_url();
    for expected in [
        "admin",
        "test",
        &server,
        &format!("{server}/"),
        &server.to_uppercase().replace("HTTPS", "https"),
    ] {
        session.done(&["get", "--expect-cluster", expected]);
    }
    let version = session.resource_version();
    for other in ["prod", "Admin", "127.0.0.1", "https://127.0.0.1:1"] {
        let run = session.map(&["--expect-cluster", other]);
        run.says(
            4,
            &[
                "refused (wrong-cluster)",
                &format!("not {other}"),
                "context admin",
                &server,
                "--context NAME",
            ],
        );
        session
            .run(&["get", "--expect-cluster", other])
            .says(4, &[]);
    }
    let mut by_environment = session.command();
    by_environment.env("AWSAUTH_EXPECT_CLUSTER", "prod");
    Run::of(by_environment.args(["get"])).says(4, &["not prod"]);
    let json = session
        .map(&["--expect-cluster", "prod", "-o", "json"])
        .json();
    assert_eq!(json["refusals"][0]["reason"], "wrong-cluster");
    assert_eq!(session.resource_version(), version);
}

#[test]
fn options_take_precedence_over_the_environment() {
    let session = ExclusiveCluster::start();
    let nowhere = session.kubeconfig_with(
        "nowhere.kubeconfig",
        &session.cluster.server_url(),
        "https://127.0.0.1:1",
    );
    let admin = session.cluster.kubeconfig();
    let admin = admin.to_str().unwrap();
    let get = |args: &[&str]| {
        Run::of(
            awsauth(session.cluster, &nowhere)
                .args(["get", "--timeout", "1s"])
                .args(args),
        )
    };
    get(&[]).says(
        3,
        &[
            "nothing answers at https://127.0.0.1:1",
            "kubectl --context admin get --raw /readyz",
        ],
    );
    get(&["--kubeconfig", admin]).says(0, &[]);
    let mut command = awsauth(session.cluster, &nowhere);
    command.args(map_args(MYTESTROLE));
    let map = Run::of(command.args(["--timeout", "1s", "-o", "json"]));
    map.says(3, &["context admin", "hint: "]);
    assert_eq!(map.stdout, "", "there is no plan to report");

    // A list of kubeconfigs, and contexts selected by name. A missing file is skipped.
    let stranger = session.cluster.kubeconfig_for("stranger");
    let list = format!("/nowhere/config:{}:{admin}", stranger.display());
    let listed = |args: &[&str]| {
        Run::of(
            awsauth(session.cluster, list.as_ref())
                .arg("get")
                .args(args),
        )
    };
    listed(&[]).says(3, &["context stranger"]);
    listed(&["--context", "admin"]).says(0, &[]);
    listed(&["--user", "admin"]).says(0, &[]);
    listed(&["--context", "other"]).says(2, &["other"]);
}

#[test]
fn unreachable_servers_are_distinguished() {
    let session = ExclusiveCluster::start();
    let unknown = session.kubeconfig_with(
        "unknown.kubeconfig",
        &session.cluster.server_url(),
        "https://no-such-host.invalid",
    );
    let run = Run::of(awsauth(session.cluster, &unknown).args(["get", "--timeout", "5s"]));
    run.says(
        3,
        &[
            "the host name of https://no-such-host.invalid does not resolve",
            "awsauth kubeconfig --cluster-name",
        ],
    );

    let ca = session.cluster.ca();
    let distrustful = session.kubeconfig_with(
        "distrustful.kubeconfig",
        ca.to_str().unwrap(),
        "other-ca.crt",
    );
    let other = rcgen::generate_simple_self_signed(vec!["other".to_owned()]).unwrap();
    session.file("other-ca.crt", &other.cert.pem());
    let run = Run::of(awsauth(session.cluster, &distrustful).args(["get"]));
    run.says(
        3,
        &[
            "is not signed by the cluster's certificate authority",
            "awsauth kubeconfig --cluster-name",
        ],
    );
}
