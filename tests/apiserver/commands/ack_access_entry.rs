//! The CRD of ACK's AccessEntry accepts the same fields as awsauth does.
//!
//! The normal run leaves this test out, because no package with the CRD is known that the tests could pin. The module of the
//! controller has it, `github.com/aws-controllers-k8s/eks-controller`, but the Go module proxy answers 403 for every version.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use awsauth_core::desired::read;
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::completed_run::Run;

/// The file `config/crd/bases/eks.services.k8s.aws_accessentries.yaml` of ACK's controller for EKS.
const CRD: &str = "AWSAUTH_ACK_CRD";

/// An AccessEntry with every field that awsauth reads.
fn access_entry() -> Value {
    json!({
        "apiVersion": "eks.services.k8s.aws/v1alpha1",
        "kind": "AccessEntry",
        "metadata": {"name": "dev", "namespace": "default"},
        "spec": {
            "clusterName": "prod",
            "principalARN": "arn:aws:iam::111122223333:role/team/dev",
            "type": "STANDARD",
            "username": "dev:{{SessionName}}",
            "kubernetesGroups": ["devs"],
            "accessPolicies": [{
                "policyARN": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
                "accessScope": {"type": "namespace", "namespaces": ["shop-*"]},
            }],
            "tags": {"team": "shop"},
        },
    })
}

/// Validates an object strictly.
fn kubectl_on(cluster: &Cluster, object: &str) -> Run {
    let file = cluster.folder().join("object.json");
    fs::write(&file, object).unwrap();
    let mut kubectl: Command = cluster.kubectl_command();
    kubectl.args(["create", "--dry-run=server", "--validate=strict", "-f"]);
    Run::of(kubectl.arg(file))
}

#[test]
#[ignore = "needs the CRD, which AWSAUTH_ACK_CRD names"]
fn ack_accepts_what_awsauth_reads() {
    let crd = std::env::var(CRD).expect(CRD);
    let cluster = Cluster::start();
    cluster.kubectl(&["apply", "-f", &crd]);
    let name = "crd/accessentries.eks.services.k8s.aws";
    cluster.kubectl(&["wait", "--for=condition=Established", name]);
    let crd: Value = serde_json::from_str(&cluster.kubectl(&["get", name, "-o", "json"])).unwrap();
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let keys = |object: &Value| -> BTreeSet<String> {
        object.as_object().unwrap().keys().cloned().collect()
    };
    let object = access_entry();
    // An object has one of the two.
    let mut reference = object.clone();
    let fields = reference["spec"].as_object_mut().unwrap();
    fields.remove("clusterName");
    let from = json!({"name": "main", "namespace": "infra"});
    fields.insert("clusterRef".to_owned(), json!({"from": from}));
    let known = &keys(&object["spec"]) | &keys(&reference["spec"]);
    assert_eq!(keys(&spec["properties"]), known);
    let properties = &spec["properties"]["clusterRef"]["properties"];
    let from = &properties["from"]["properties"];
    assert_eq!(keys(properties), BTreeSet::from(["from".to_owned()]));
    assert_eq!(keys(from), keys(&reference["spec"]["clusterRef"]["from"]));
    let reference = reference.to_string();
    kubectl_on(&cluster, &reference).says(0, &[]);
    assert_eq!(read(&reference, "f", None).unwrap().len(), 1);

    let object = object.to_string();
    kubectl_on(&cluster, &object).says(0, &[]);
    assert_eq!(read(&object, "f", None).unwrap().len(), 1);
    for key in [
        "principalARN",
        "kubernetesGroups",
        "policyARN",
        "accessScope",
        "namespaces",
        "clusterName",
    ] {
        let misspelled = object.replace(&format!("\"{key}\""), &format!("\"{key}x\""));
        kubectl_on(&cluster, &misspelled).says(1, &["unknown field", &format!("{key}x")]);
        let error = read(&misspelled, "f", None).unwrap_err().to_string();
        assert!(error.contains(&format!("{key}x")), "{error}");
    }
}
