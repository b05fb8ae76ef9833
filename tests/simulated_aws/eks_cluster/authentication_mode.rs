//! Writes depend on the authentication mode that EKS reports.

use std::fs;

use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{CREATOR_SESSION, eks, holding, on, with_cluster};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, map_args};

/// The state of an EKS API with a cluster in mode API.
fn api_mode() -> Value {
    with_cluster(&json!({"accessConfig": {"authenticationMode": "API"}}))
}

#[test]
fn cluster_that_ignores_aws_auth_is_not_written() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &api_mode());
    let ci = holding(&session, eks, CREATOR_SESSION);
    let on = |args: &[&str]| on(&session, &ci, args);
    let in_aws_auth = ["--backend", "aws-auth"];
    on(&[&map_args(MYTESTROLE)[..], &in_aws_auth].concat()).says(
        4,
        &[
            "refused (mode-ignores-aws-auth): the authentication mode of this cluster is API: it uses access entries only and ignores aws-auth\n",
            "hint: to change access entries instead, use map, unmap or apply without --backend aws-auth\n",
            "hint: to write it anyway, add --allow-ignored\n",
        ],
    );
    let wanted = session.cluster.folder().join("mode.yaml");
    let roles = "
- {rolearn: arn:aws:iam::111122223333:role/dev, username: 'dev:{{SessionName}}', groups: [devs, ops, 'system:masters']}
- {rolearn: arn:aws:iam::111122223333:role/ops, username: '{{SessionName}}', groups: [ops]}
- {rolearn: arn:aws:iam::111122223333:role/nodes, username: 'system:node:{{EC2PrivateDNSName}}', groups: ['system:nodes', 'system:bootstrappers']}
- {account: '444455556666'}
";
    fs::write(&wanted, roles).unwrap();
    let wanted = wanted.to_str().unwrap();
    let apply = |more: &[&'static str]| on(&[&["apply", "-f", wanted], more].concat());
    apply(&[]).says(
        4,
        &[
            "mode.yaml:2: an access entry of arn:aws:iam::111122223333:role/dev is not possible: EKS refuses groups that start with system:",
            "--policy cluster-admin",
        ],
    );
    apply(&in_aws_auth).says(4, &["mode-ignores-aws-auth"]);
    apply(&[in_aws_auth[0], in_aws_auth[1], "--dry-run"]).says(4, &["mode-ignores-aws-auth"]);
    on(&[&["diff", "-f", wanted][..], &in_aws_auth].concat()).says(
        1,
        &["Applying this would be refused:\n", "mode-ignores-aws-auth"],
    );
    on(&[&["unmap", "role", MYTESTROLE][..], &in_aws_auth].concat())
        .says(4, &["mode-ignores-aws-auth"]);
    let json = on(&[&map_args(MYTESTROLE)[..], &in_aws_auth, &["-o", "json"]].concat());
    json.says(4, &[]);
    let refusal = &json.json()["refusals"][0];
    assert_eq!(refusal["reason"], "mode-ignores-aws-auth");
    assert_eq!(refusal["override"], "--allow-ignored");
    assert!(session.api.get().is_err(), "nothing was written");

    on(&["get"]).says(
        0,
        &[
            "EKS cluster my-cluster (",
            ") does not read aws-auth: only access entries grant access (authentication mode API).\n",
        ],
    );
    on(&["explain", MYTESTROLE]).says(
        0,
        &["does not read aws-auth: only access entries grant access"],
    );
    on(&[&map_args(MYTESTROLE)[..], &["--allow-ignored"]].concat())
        .says(0, &["Created aws-auth on"]);
    assert!(session.api.get().is_ok());
}

/// With a kubeconfig, awsauth sends no request to EKS, so the mode is unknown.
#[test]
fn cluster_of_a_kubeconfig_is_written() {
    let session = ExclusiveCluster::start();
    eks(&session, &api_mode());
    session.done(&map_args(MYTESTROLE));
}
