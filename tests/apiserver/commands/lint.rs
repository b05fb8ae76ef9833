//! Lint with facts of a cluster.

use serde_json::{Value, json};

use crate::commands::harness::{ExclusiveCluster, NODES, READER, Run, awsauth, eventually};
use crate::commands::permissions::READ_ONLY;
use crate::commands::rbac::{Objects, mapped};

const OF_EKS: &str = "20 need information from EKS (--cluster-name)";

/// The IDs of the findings.
fn ids(run: &Run) -> Vec<String> {
    let found = run.json()["findings"].take();
    let id = |finding: &Value| finding["id"].as_str().unwrap().to_owned();
    found.as_array().unwrap().iter().map(id).collect()
}

#[test]
fn lint_checks_bindings_and_roles() {
    let session = ExclusiveCluster::without_aws_auth();
    session.put(&mapped(
        "dev:{{SessionName}}",
        &["devs", "admin", "lookers"],
    ));
    let before = ids(&session.done(&["lint", "-o", "json"]));
    assert_eq!(before, ["G02", "G03", "G02"]);
    let help = "kubectl --context admin create rolebinding devs-view ";
    let run = session.done(&["lint"]);
    assert!(run.stdout.contains(help), "{run:?}");
    let _objects = Objects::create(
        &session,
        r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: devs, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: config}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: devs}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: config, namespace: kube-system}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: lookers, namespace: team-a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: lookers}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ann}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: "dev:{{SessionName}}"}]
"#,
    );
    let run = session.done(&["lint"]);
    assert!(run.stdout.contains("group devs can change aws-auth (RoleBinding devs in namespace kube-system grants it Role config)"), "{run:?}");
    assert!(
        run.stdout
            .contains("ClusterRoleBinding ann names user dev:{{SessionName}}"),
        "{run:?}"
    );
    assert_eq!(
        ids(&session.done(&["lint", "-o", "json"])),
        ["G10", "G03", "U08"]
    );
    assert_eq!(
        run.stderr,
        format!(
            "Not checked: 22 rules (-v names them): 2 need the cluster's account (--cluster-account); {OF_EKS}.\nFound 3 warnings.\n"
        )
    );
}

#[test]
fn mapped_account_gets_the_rights_of_all_authenticated_users() {
    let session = ExclusiveCluster::without_aws_auth();
    let accounts = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapAccounts": "- \"444455556666\"\n"},
    });
    session.put(&accounts);
    assert_eq!(ids(&session.done(&["lint", "-o", "json"])), ["A03"]);
    let _objects = Objects::create(
        &session,
        "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: all-look}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:authenticated'}]
",
    );
    let run = session.run(&["lint", "-o", "json"]);
    assert_eq!((run.status, ids(&run)), (1, vec!["A05".to_owned()]));
}

#[test]
fn unreadable_facts_are_skipped_and_named() {
    let session = ExclusiveCluster::start();
    session
        .cluster
        .kubectl_fed(&["apply", "-f", "-"], READ_ONLY);
    let kubeconfig = session.cluster.kubeconfig_for(READER.name);
    let lint = || Run::of(awsauth(session.cluster, &kubeconfig).arg("lint"));
    eventually(|| lint().status == 0);
    let run = lint();
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str()),
        (
            "",
            &*format!(
                "Not checked: 26 rules (-v names them): 2 need the cluster's account (--cluster-account); \
                 4 need permission to list clusterrolebindings; {OF_EKS}.\nNothing found.\n"
            )
        )
    );
}

#[test]
fn writers_and_owners_come_from_managed_fields() {
    let session = ExclusiveCluster::start();
    assert_eq!(
        ids(&session.done(&["lint", "-o", "json"])),
        Vec::<String>::new()
    );
    let mut object = crate::support::aws_auth_client::configmap(NODES);
    object["metadata"]["annotations"] = json!({
        "meta.helm.sh/release-name": "base", "meta.helm.sh/release-namespace": "infra",
    });
    session.put(&object);
    let run = session.done(&["lint"]);
    for message in [
        "aws-auth: warning[N17 deletable-by-its-owner]: Helm (release infra/base) owns aws-auth",
        "mapRoles: warning[N16 several-writers]: Helm (release infra/base) and eksctl write mapRoles",
    ] {
        assert!(run.stdout.contains(message), "{run:?}");
    }
    let annotate = [
        "annotate",
        "configmap/aws-auth",
        "-n",
        "kube-system",
        "helm.sh/resource-policy=keep",
    ];
    session.cluster.kubectl(&annotate);
    assert_eq!(ids(&session.done(&["lint", "-o", "json"])), ["N16"]);
}
