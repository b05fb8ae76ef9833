//! `who-can` on a cluster.

use serde_json::{Value, json};

use crate::commands::harness::{
    ExclusiveCluster, NODES, READER, Run, STRANGER, awsauth, eventually,
};
use crate::commands::permissions::READ_ONLY;
use crate::commands::rbac::Objects;
use crate::support::aws_auth_client::configmap;

const RBAC: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: pod-keeper}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get, delete]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ops}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pod-keeper}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: ops}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: devs, namespace: team-a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pod-keeper}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: "dev:alice"}]
"#;

const ROLES: &str = "\
- rolearn: arn:aws:iam::111122223333:role/admin
  username: admin
  groups: [system:masters]
- rolearn: arn:aws:iam::111122223333:role/ops
  username: ops
  groups: [ops]
- rolearn: arn:aws:iam::111122223333:role/dev
  username: dev:{{SessionName}}
- rolearn: arn:aws:iam::111122223333:role/guest
  username: guest
";

fn session() -> ExclusiveCluster {
    let session = ExclusiveCluster::without_aws_auth();
    session.put(&configmap(&format!("{NODES}{ROLES}")));
    session
}

#[test]
fn principals_are_listed_with_what_allows_them() {
    let session = session();
    let _objects = Objects::create(&session, RBAC);
    let run = session.done(&["who-can", "delete", "po", "-n", "team-a"]);
    assert_eq!(
        run.stdout,
        "\
KIND   IDENTITY                                                                                          AS                     ALLOWED BY               ROLE                     CONDITION
role   arn:aws:iam::111122223333:role/eksctl-k8s-cluster-nodegroup-ng-1-NodeInstanceRole-1FI6JXPS9MDWK   <none>                 NodeAuthorizer           <none>                   for its own node and pods
role   arn:aws:iam::111122223333:role/admin                                                              group system:masters   Group/system:masters     <none>                   <none>
role   arn:aws:iam::111122223333:role/ops                                                                group ops              ClusterRoleBinding/ops   ClusterRole/pod-keeper   <none>
role   arn:aws:iam::111122223333:role/dev                                                                user dev:alice         RoleBinding/devs         ClusterRole/pod-keeper   if the username becomes dev:alice
"
    );
    run.says(
        0,
        &["2 mapped principals can delete pods in namespace team-a; 2 more can conditionally."],
    );

    let access = session.done(&["who-can", "-n", "team-a", "-o", "csv", "--no-headers"]);
    let rows: Vec<&str> = access.stdout.lines().collect();
    assert_eq!(
        rows[rows.len() - 3..],
        [
            "role,arn:aws:iam::111122223333:role/admin,admin,system:masters,aws-auth,admin,group system:masters,Group/system:masters,,*,",
            "role,arn:aws:iam::111122223333:role/ops,ops,ops,aws-auth,write,group ops,ClusterRoleBinding/ops,ClusterRole/pod-keeper,*,",
            "role,arn:aws:iam::111122223333:role/dev,dev:{{SessionName}},,aws-auth,write,user dev:alice,RoleBinding/devs,ClusterRole/pod-keeper,team-a,if the username becomes dev:alice",
        ]
    );
    access.says(
        0,
        &["2 mapped principals have access to namespace team-a; 2 more conditionally."],
    );

    // In another namespace, the RoleBinding does not count. With -A, it counts for its own namespace only.
    let names = |args: &[&str]| {
        let run = session.done(&[&["who-can", "delete", "pods", "-o", "name"][..], args].concat());
        let names = run.stdout.lines();
        let names = names.map(|name| name.rsplit('/').next().unwrap().to_owned());
        names
            .filter(|name| !name.starts_with("eksctl"))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&["-n", "team-b"]), ["admin", "ops"]);
    assert_eq!(names(&[]), ["admin", "ops"]);
    assert_eq!(names(&["-A"]), ["admin", "ops", "dev"]);
    let all = session
        .done(&["who-can", "delete", "pods", "-A", "-o", "json"])
        .json();
    let rows = all["allowed"].as_array().unwrap();
    assert_eq!(
        *rows.last().unwrap(),
        json!({
            "kind": "role", "arn": "arn:aws:iam::111122223333:role/dev", "account": "111122223333",
            "source": "aws-auth", "section": "mapRoles", "line": 12,
            "username": "dev:{{SessionName}}", "groups": [],
            "answer": "conditional",
            "by": {"kind": "RoleBinding", "name": "devs", "namespace": "team-a"},
            "role": {"kind": "ClusterRole", "name": "pod-keeper"},
            "subject": {"kind": "User", "name": "dev:alice"},
            "onlyInNamespace": "team-a",
            "conditions": ["if the username becomes dev:alice"],
        })
    );
    assert_eq!(
        all["action"],
        json!({"verb": "delete", "group": "", "resource": "pods", "allNamespaces": true})
    );
    assert_eq!(all["unread"], Value::Null);

    // Every authenticated user can read the discovery paths; only administrators may escalate.
    let everyone = session.done(&[
        "who-can",
        "get",
        "--non-resource",
        "/api",
        "-o",
        "csv",
        "--no-headers",
    ]);
    let guest = everyone
        .stdout
        .lines()
        .find(|line| line.contains("role/guest"));
    assert_eq!(
        guest.unwrap(),
        "role,arn:aws:iam::111122223333:role/guest,guest,,aws-auth,group system:authenticated,ClusterRoleBinding/system:discovery,ClusterRole/system:discovery,,"
    );
    let nothing = session.done(&["who-can", "escalate", "clusterroles/x", "-o", "name"]);
    assert!(nothing.stdout.ends_with(":role/admin\n"), "{nothing:?}");
}

#[test]
fn aws_auth_of_a_file_is_checked_against_the_cluster() {
    let session = session();
    let _objects = Objects::create(&session, RBAC);
    let object = configmap(
        "- rolearn: arn:aws:iam::111122223333:role/new\n  username: new\n  groups: [ops]\n",
    );
    let file = session.file("aws-auth.json", &object.to_string());
    let run = session.done(&[
        "who-can",
        "delete",
        "pods",
        "-n",
        "team-b",
        "--file",
        file.to_str().unwrap(),
        "-o",
        "jsonpath={range .allowed[*]}{.arn} {.by.name}{\"\\n\"}{end}",
    ]);
    assert_eq!(run.stdout, "arn:aws:iam::111122223333:role/new ops\n");
}

#[test]
fn mistaken_question_has_a_remedy() {
    let session = session();
    for (args, status, part) in [
        (&["get", "podz"][..], 2, "hint: did you mean pods?"),
        (&["get", "gadgets"], 2, "add its API group: gadgets.GROUP"),
        (
            &["get", "gadgets.example.com"],
            0,
            "has no resource gadgets.example.com",
        ),
        (
            &["deleet", "pods"],
            0,
            "warning: resource pods does not support the verb deleet: did you mean delete?",
        ),
        (
            &["get", "pods/log"],
            0,
            "for the subresource: pods --subresource log",
        ),
        (&["get", "/metrics", "-A"], 2, "cannot be used with a path"),
        (
            &["get", "--non-resource", "metrics"],
            2,
            "begins with a slash",
        ),
        (&["get"], 2, "the verb get needs a resource"),
    ] {
        let run = session.run(&[&["who-can"][..], args].concat());
        run.says(status, &[part]);
    }
}

#[test]
fn unreadable_rbac_makes_the_list_incomplete() {
    let session = session();
    let _objects = Objects::create(&session, RBAC);
    session
        .cluster
        .kubectl_fed(&["apply", "-f", "-"], READ_ONLY);
    let as_user = |name: &str| {
        let kubeconfig = session.cluster.kubeconfig_for(name);
        let mut command = awsauth(session.cluster, &kubeconfig);
        Run::of(command.args(["who-can", "get", "pods", "-o", "json"]))
    };
    eventually(|| as_user(READER.name).stdout.contains("allowed"));
    let run = as_user(READER.name);
    run.says(
        3,
        &[
            "warning: cannot read clusterrolebindings of",
            "hint: check whether you have the permission: ",
            "auth can-i list clusterrolebindings",
            "error: the list may be incomplete, because not everything could be read",
        ],
    );
    // Group system:masters needs no binding.
    let answer = run.json();
    let rows = answer["allowed"].as_array().unwrap().iter();
    let certain: Vec<_> = rows.filter(|row| row["answer"] == "yes").collect();
    assert_eq!(certain.len(), 1, "{answer}");
    assert_eq!(certain[0]["by"]["name"], "system:masters");
    assert_eq!(answer["unread"].as_array().unwrap().len(), 4);
    as_user(STRANGER.name).says(3, &["error: cannot read aws-auth"]);
}
