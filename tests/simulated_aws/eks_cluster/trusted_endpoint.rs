//! Tokens for a kubeconfig's server that EKS confirms or does not confirm.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{eks, holding, with_cluster};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION, map_args};
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;

/// Runs awsauth with the credentials of the mapped role and this kubeconfig.
fn on_kubeconfig(
    session: &ExclusiveCluster,
    environment: &Environment,
    kubeconfig: &str,
    args: &[&str],
) -> Run {
    let named = ["--kubeconfig", kubeconfig, "--cluster-name", eks::NAME];
    session.awsauth(environment, &[args, &named].concat())
}

fn as_admin() -> [&'static str; 5] {
    ["verify", "--expect-username", "admin", "--timeout", "5s"]
}

/// The kubeconfig of the session's cluster with these fields in its cluster entry.
fn kubeconfig_with(session: &ExclusiveCluster, fields: &[(&str, &str)]) -> PathBuf {
    let kubeconfig = fs::read_to_string(session.cluster.kubeconfig()).unwrap();
    let mut kubeconfig: Value = serde_json::from_str(&kubeconfig).unwrap();
    for (field, value) in fields {
        kubeconfig["clusters"][0]["cluster"][*field] = json!(value);
    }
    let path = session.cluster.folder().join("tunnel.kubeconfig");
    fs::write(&path, kubeconfig.to_string()).unwrap();
    path
}

#[test]
fn described_endpoint_with_its_certificate_authority_gets_the_token() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let service = eks(&session, &json!({}));
    let environment = holding(&session, service, MYTESTROLE_SESSION);
    let kubeconfig = session.cluster.kubeconfig().display().to_string();
    let on = |args: &[&str]| on_kubeconfig(&session, &environment, &kubeconfig, args);

    let before = service.asked().len();
    on(&as_admin()).says(0, &[]);
    assert_eq!(service.asked().split_off(before), ["DescribeCluster"]);
    let who = on(&["whoami", "-o", "json"]).json();
    assert_eq!(who["cluster"]["username"], "admin");
    let doctor = on(&["doctor", "--source", "env", "-o", "json"]).json();
    assert_eq!(sign_in_status(&doctor), "ok", "{doctor}");

    // The user allows it, so EKS is not asked.
    let before = service.asked().len();
    on(&[&as_admin()[..], &["--allow-endpoint", "127.0.0.1"]].concat()).says(0, &[]);
    assert!(service.asked().split_off(before).is_empty());
}

#[test]
fn tunnel_gets_the_token_if_its_certificate_is_for_the_eks_name() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let endpoint = session
        .cluster
        .server_url()
        .replace("127.0.0.1", "localhost");
    let service = eks(&session, &with_cluster(&json!({"endpoint": endpoint})));
    let environment = holding(&session, service, MYTESTROLE_SESSION);
    let on = |fields: &[(&str, &str)], args: &[&str]| {
        let kubeconfig = kubeconfig_with(&session, fields).display().to_string();
        on_kubeconfig(&session, &environment, &kubeconfig, args)
    };

    let other_name = "EKS reports the endpoint localhost for this cluster";
    on(&[], &as_admin()).says(
        4,
        &[
            "refused (untrusted-endpoint): cannot sign in to context admin (",
            other_name,
            "hint: for a tunnel to the cluster, set tls-server-name of the kubeconfig's cluster to localhost; if another server may get your token, add --allow-endpoint 127.0.0.1:",
        ],
    );
    let who = on(&[], &["whoami", "-o", "json"]);
    who.says(0, &["refused (untrusted-endpoint)", other_name]);
    assert_eq!(who.json()["cluster"], Value::Null);
    let doctor = on(&[], &["doctor", "--source", "env", "-o", "json"]).json();
    assert_eq!(sign_in_status(&doctor), "skipped", "{doctor}");

    on(&[("tls-server-name", "localhost")], &as_admin()).says(0, &[]);
}

#[test]
fn other_certificate_authority_does_not_get_the_token() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let other = fs::read(session.aws().ca()).unwrap();
    let other = json!({"certificateAuthority": {"data": BASE64_STANDARD.encode(other)}});
    let service = eks(&session, &with_cluster(&other));
    let environment = holding(&session, service, MYTESTROLE_SESSION);
    let kubeconfig = session.cluster.kubeconfig().display().to_string();
    on_kubeconfig(&session, &environment, &kubeconfig, &as_admin()).says(
        4,
        &["the kubeconfig trusts a certificate authority that is not the cluster's"],
    );
}

#[test]
fn denied_description_does_not_get_the_token() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let denied =
        format!("User: {MYTESTROLE_SESSION} is not authorized to perform: eks:DescribeCluster");
    let service = eks(&session, &json!({"denied": {"DescribeCluster": denied}}));
    let environment = holding(&session, service, MYTESTROLE_SESSION);
    let kubeconfig = session.cluster.kubeconfig().display().to_string();
    let on = |args: &[&str]| on_kubeconfig(&session, &environment, &kubeconfig, args);
    on(&as_admin()).says(
        4,
        &[
            "127.0.0.1 is not the name of an EKS endpoint\n",
            "EKS could not be asked for the cluster's endpoint: AccessDeniedException",
            "\"Action\":\"eks:DescribeCluster\"",
        ],
    );
}

fn sign_in_status(doctor: &Value) -> &str {
    let checks = doctor["rungs"].as_array().unwrap();
    let sign_in = checks.iter().find(|check| check["id"] == "M2").unwrap();
    sign_in["status"].as_str().unwrap()
}
