//! The RBAC permissions of mapped identities.

use serde_json::{Value, json};

use crate::commands::harness::{
    ExclusiveCluster, MYTESTROLE, NODES, READER, Run, STRANGER, awsauth, eventually,
};
use crate::commands::permissions::READ_ONLY;

/// RBAC objects in their own namespace, deleted at the end of the test.
pub(crate) struct Objects<'a>(&'a ExclusiveCluster, String);

impl<'a> Objects<'a> {
    pub(crate) fn create(session: &'a ExclusiveCluster, yaml: &str) -> Self {
        let yaml = format!("{NAMESPACES}{yaml}");
        session.cluster.kubectl_fed(&["apply", "-f", "-"], &yaml);
        Self(session, yaml)
    }
}

impl Drop for Objects<'_> {
    fn drop(&mut self) {
        // Namespaces are kept, because no controller finalizes them here.
        let (_, objects) = self.1.split_at(NAMESPACES.len());
        if !objects.is_empty() {
            self.0.cluster.kubectl_fed(&["delete", "-f", "-"], objects);
        }
    }
}

const NAMESPACES: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: team-a}
---
apiVersion: v1
kind: Namespace
metadata: {name: team-b}
---
";

/// aws-auth that lets `mytestrole` in as this user with these groups.
pub(crate) fn mapped(username: &str, groups: &[&str]) -> Value {
    let roles = json!([{"rolearn": MYTESTROLE, "username": username, "groups": groups}]);
    crate::support::aws_auth_client::configmap(&format!(
        "{NODES}{}",
        serde_yaml::to_string(&roles).unwrap()
    ))
}

/// The output after the heading.
fn allowed(run: &Run) -> Vec<&str> {
    run.says(0, &[]);
    let lines = run.stdout.lines();
    let from_heading = lines.skip_while(|line| *line != "What it can do:");
    from_heading.skip(1).collect()
}

const EVERYBODY: &str = "  as every authenticated user: ClusterRoles system:basic-user, system:discovery, system:public-info-viewer";

#[test]
fn system_masters_need_no_binding() {
    let session = ExclusiveCluster::without_aws_auth();
    session.put(&mapped("admin", &["system:masters"]));
    let run = session.run(&["explain", MYTESTROLE]);
    assert_eq!(
        allowed(&run),
        [
            "  everything: group system:masters needs no binding",
            "  in the whole cluster: ClusterRole cluster-admin, by ClusterRoleBinding cluster-admin of group system:masters",
            "    every verb: every resource, every URL",
            EVERYBODY,
        ]
    );
    assert_eq!(run.stderr, "");
    let rbac = session.done(&["explain", MYTESTROLE, "-o", "json"]).json()["rbac"].take();
    assert_eq!(rbac["everything"], true);
    assert_eq!(rbac["kubelet"], false);
    assert_eq!(rbac["unread"], Value::Null);
    let names = rbac["bindings"].as_array().unwrap().iter();
    let names: Vec<_> = names
        .map(|binding| binding["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "cluster-admin",
            "system:basic-user",
            "system:discovery",
            "system:public-info-viewer"
        ]
    );
    assert_eq!(
        rbac["bindings"][0],
        json!({
            "kind": "ClusterRoleBinding",
            "name": "cluster-admin",
            "role": {"kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "Group", "name": "system:masters"}],
            "rules": [
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
                {"verbs": ["*"], "nonResourceURLs": ["*"]},
            ],
        })
    );
}

const DEVS: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: devs-look}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: look}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: devs}, {apiGroup: rbac.authorization.k8s.io, kind: User, name: stranger}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: look}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {look: "true"}}]}
rules:
- {apiGroups: ["", apps], resources: [pods, pods/log, configmaps, services, deployments], verbs: [watch, list, get]}
- {apiGroups: [metrics.k8s.io], resources: ["*"], verbs: [get]}
- {nonResourceURLs: [/healthz, /metrics], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: dev, namespace: team-a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: dev}, {apiGroup: rbac.authorization.k8s.io, kind: Group, name: devs}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer, namespace: team-a}
rules:
- {apiGroups: [apps], resources: [deployments, deployments/scale], verbs: ["*"]}
- {apiGroups: [""], resources: [configmaps], resourceNames: [a, b], verbs: [get, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: look-too, namespace: team-a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:public-info-viewer"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: devs}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: look-too, namespace: team-b}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:public-info-viewer"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: devs}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gone, namespace: team-b}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: devs}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: others, namespace: team-b}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: dev}, {apiGroup: rbac.authorization.k8s.io, kind: User, name: devs}]
"#;

#[test]
fn bindings_of_user_and_groups_are_shown_with_their_rules() {
    let session = ExclusiveCluster::without_aws_auth();
    session.put(&mapped("dev", &["devs"]));
    let _objects = Objects::create(&session, DEVS);
    let run = session.run(&["explain", MYTESTROLE]);
    assert_eq!(
        allowed(&run),
        [
            "  in the whole cluster: ClusterRole look, by ClusterRoleBinding devs-look of group devs",
            "    get, list, watch: configmaps, deployments, pods, pods/log, services, configmaps.apps, deployments.apps, pods.apps and 2 more",
            "    get: every resource of metrics.k8s.io, /healthz, /metrics",
            "  in namespace team-a: Role deployer, by RoleBinding dev of user dev, group devs",
            "    every verb: deployments.apps, deployments.apps/scale",
            "    get, update: configmaps (only a, b)",
            "  in namespaces team-a, team-b: ClusterRole system:public-info-viewer, by RoleBinding look-too of group devs",
            "    nothing: its rules apply only in the whole cluster",
            "  in namespace team-b: Role deployer, by RoleBinding gone of group devs",
            "    nothing: there is no Role deployer",
            EVERYBODY,
            "  shortened; -o json has all of it",
        ]
    );
    assert_eq!(run.stderr, "");

    let json = session.done(&["explain", MYTESTROLE, "-o", "json"]).json();
    let bindings = json["rbac"]["bindings"].as_array().unwrap();
    let named = |name: &str| {
        bindings
            .iter()
            .find(|binding| binding["name"] == name)
            .unwrap()
    };
    assert_eq!(
        named("dev"),
        &json!({
            "kind": "RoleBinding",
            "name": "dev",
            "namespace": "team-a",
            "role": {"kind": "Role", "name": "deployer"},
            "subjects": [{"kind": "User", "name": "dev"}, {"kind": "Group", "name": "devs"}],
            "rules": [
                {"verbs": ["*"], "apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"]},
                {"verbs": ["get", "update"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a", "b"]},
            ],
        })
    );
    assert_eq!(named("gone")["rules"], Value::Null);
    assert_eq!(named("gone")["reason"], "there is no such role");
    assert_eq!(bindings.len(), 8);
    // A manifest contains no RBAC.
    let manifest = session.file(
        "rbac.yaml",
        &session
            .cluster
            .kubectl(&["get", "cm", "aws-auth", "-n", "kube-system", "-o", "yaml"]),
    );
    let of_file = [
        "explain",
        MYTESTROLE,
        "-o",
        "json",
        "--file",
        manifest.to_str().unwrap(),
    ];
    let of_file = session.done(&of_file).json();
    assert_eq!(of_file["username"], "dev");
    assert_eq!(of_file["rbac"], Value::Null);
    // The API server gives the same answer.
    for (verb, what, namespace, expected) in [
        ("list", "pods", "default", "yes"),
        ("get", "/metrics", "default", "yes"),
        ("patch", "deployments.apps/web", "team-a", "yes"),
        ("update", "configmaps/a", "team-a", "yes"),
        ("update", "configmaps/c", "team-a", "no"),
        ("patch", "deployments.apps/web", "team-b", "no"),
    ] {
        let mut kubectl = session.cluster.kubectl_command();
        let asked = kubectl.args([
            "auth",
            "can-i",
            verb,
            what,
            "-n",
            namespace,
            "--as=dev",
            "--as-group=devs",
        ]);
        let message = Run::of(asked).stdout;
        assert_eq!(
            message.split_whitespace().next(),
            Some(expected),
            "{verb} {what}"
        );
    }
}

#[test]
fn user_without_rights_gets_a_hint_how_to_grant_them() {
    let session = ExclusiveCluster::without_aws_auth();
    session.put(&mapped("dev", &["it's mine", "system:none"]));
    let run = session.run(&["explain", MYTESTROLE]);
    assert_eq!(
        allowed(&run),
        [
            "  nothing beyond what every authenticated user can do",
            EVERYBODY
        ]
    );
    assert_eq!(
        run.stderr,
        "hint: to grant it read access to one namespace: kubectl --context admin create rolebinding 'it'\\''s mine-view' --clusterrole=view '--group=it'\\''s mine' -n NAMESPACE\n\
         hint: to grant it write access to one namespace: kubectl --context admin create rolebinding 'it'\\''s mine-edit' --clusterrole=edit '--group=it'\\''s mine' -n NAMESPACE\n"
    );
    // The commands from the hint work.
    for hint in run.stderr.lines() {
        let (_, command) = hint.split_once("kubectl ").unwrap();
        let script = format!("\"$KUBECTL\" {command} --dry-run=server -o name")
            .replace("NAMESPACE", "default");
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", &script])
            .env("KUBECTL", session.cluster.kubectl_path());
        let done = Run::of(shell.env("KUBECONFIG", session.cluster.kubeconfig()));
        assert!(done.stdout.contains("it's mine-"), "{done:?}");
    }
    // An identity of a mapped account has its ARN as username, and no groups.
    session.put(&json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapAccounts": "- \"111122223333\"\n"},
    }));
    let arn = "arn:aws:iam::111122223333:user/team/jo";
    session.run(&["explain", arn]).says(0, &[&format!(
        "create rolebinding arn:aws:iam::111122223333:user-team-jo-view --clusterrole=view --user={arn} -n NAMESPACE\n"
    )]);
    let unmapped = session.done(&["explain", "arn:aws:iam::999999999999:role/x", "-o", "json"]);
    assert_eq!(unmapped.json()["rbac"], Value::Null);
    assert_eq!(unmapped.stderr, "");
}

#[test]
fn rights_of_all_authenticated_users_are_shown() {
    let session = ExclusiveCluster::without_aws_auth();
    session.put(&mapped("dev", &[]));
    let _objects = Objects::create(
        &session,
        "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: all-look}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: no-such}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:authenticated'}]
",
    );
    let run = session.run(&["explain", MYTESTROLE]);
    assert_eq!(
        allowed(&run),
        [
            "  in the whole cluster: ClusterRole no-such, by ClusterRoleBinding all-look of group system:authenticated",
            "    nothing: there is no ClusterRole no-such",
            "  nothing beyond what every authenticated user can do",
            EVERYBODY,
        ]
    );
}

#[test]
fn nodes_templates_and_service_accounts_are_explained() {
    let session = ExclusiveCluster::without_aws_auth();
    let node = NODES
        .lines()
        .find_map(|line| line.trim().strip_prefix("rolearn: "))
        .unwrap();
    session.put(&mapped(
        "system:serviceaccount:team-a:{{SessionName}}",
        &["{{AccountID}}-devs"],
    ));
    let run = session.run(&["explain", node]);
    assert_eq!(
        allowed(&run),
        [
            "  what a kubelet needs: the Node authorizer allows it without a binding",
            EVERYBODY,
            "  bindings that name system:node:{{EC2PrivateDNSName}} were not searched",
        ]
    );
    assert_eq!(run.stderr, "");
    assert_eq!(
        session.done(&["explain", node, "-o", "json"]).json()["rbac"]["kubelet"],
        true
    );

    let _objects = Objects::create(
        &session,
        "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runner, namespace: team-a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'system:aggregate-to-view'}
subjects: [{kind: ServiceAccount, name: runner}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: account, namespace: team-a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: none}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 111122223333-devs}]
",
    );
    let open = session.run(&["explain", MYTESTROLE]);
    assert!(
        allowed(&open).contains(
            &"  in namespace team-a: Role none, by RoleBinding account of group 111122223333-devs"
        ),
        "{open:?}"
    );
    assert!(!open.stdout.contains("runner"), "{open:?}");
    let known = session.run(&["explain", MYTESTROLE, "--session-name", "runner"]);
    let line = "  in namespace team-a: ClusterRole system:aggregate-to-view, by RoleBinding runner of service account team-a/runner";
    assert!(allowed(&known).contains(&line), "{known:?}");
}

#[test]
fn unreadable_rbac_is_named_and_the_rest_is_shown() {
    let session = ExclusiveCluster::without_aws_auth();
    session.put(&mapped("dev", &["devs"]));
    session
        .cluster
        .kubectl_fed(&["apply", "-f", "-"], READ_ONLY);
    let _objects = Objects::create(&session, DEVS);
    let as_reader = |args: &[&str]| {
        let mut command = awsauth(
            session.cluster,
            &session.cluster.kubeconfig_for(READER.name),
        );
        Run::of(command.args(args))
    };
    eventually(|| as_reader(&["get"]).status == 0);
    let run = as_reader(&["explain", MYTESTROLE]);
    assert_eq!(
        allowed(&run),
        ["  not known in full: clusterrolebindings and rolebindings cannot be read"]
    );
    run.says(0, &[
        &format!("warning: cannot read clusterrolebindings of context reader ({}): clusterrolebindings.rbac.authorization.k8s.io is forbidden: User \"reader\" cannot list", session.cluster.server_url()),
        "warning: cannot read rolebindings of",
        "hint: check whether you have the permission: kubectl --context reader auth can-i list clusterrolebindings; if not, ask an administrator for it\n",
    ]);
    let json = as_reader(&["explain", MYTESTROLE, "-o", "json"]).json();
    assert_eq!(json["allowed"], true);
    assert_eq!(json["rbac"]["unread"][1]["resource"], "rolebindings");
    assert_eq!(json["rbac"]["bindings"], json!([]));

    // The user can list bindings, but not roles.
    let _more = Objects::create(
        &session,
        "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: binding-lister}
rules: [{apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings, clusterrolebindings], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: binding-lister}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: binding-lister}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: readers}]
",
    );
    eventually(|| {
        !as_reader(&["explain", MYTESTROLE])
            .stderr
            .contains("rolebindings")
    });
    let run = as_reader(&["explain", MYTESTROLE]);
    let lines = allowed(&run);
    assert_eq!(lines[1], "    not known: ClusterRole look cannot be read");
    assert!(lines.contains(&EVERYBODY));
    run.says(
        0,
        &[
            "warning: cannot read clusterroles/look of",
            "more cannot be read",
            "auth can-i get clusterroles/look; if not, ask an administrator for it\n",
        ],
    );
    let json = as_reader(&["explain", MYTESTROLE, "-o", "json"]).json();
    assert_eq!(
        json["rbac"]["bindings"][0]["reason"],
        "the role cannot be read"
    );
}

#[test]
fn bindings_on_later_pages_are_found() {
    let session = ExclusiveCluster::without_aws_auth();
    session.put(&mapped(STRANGER.name, &["last"]));
    let binding = |at: usize, group: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": format!("page-{at:04}"), "labels": {"page": "yes"}},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "no-such"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
        })
    };
    let crowd = (0..500).map(|at| binding(at, "crowd"));
    let items: Vec<_> = crowd.chain([binding(9_999, "last")]).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    session
        .cluster
        .kubectl_fed(&["create", "-f", "-"], &list.to_string());
    let json = session.done(&["explain", MYTESTROLE, "-o", "json"]).json();
    let all = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?labelSelector=page%3Dyes";
    session.cluster.kubectl(&["delete", "--raw", all]);
    let names = json["rbac"]["bindings"].as_array().unwrap().iter();
    let paged: Vec<_> = names
        .map(|binding| binding["name"].as_str().unwrap())
        .filter(|name| name.starts_with("page-"))
        .collect();
    assert_eq!(paged, ["page-9999"]);
}

#[test]
fn rights_are_attributed_to_the_right_user() {
    let session = ExclusiveCluster::without_aws_auth();
    let arn = "arn:aws:iam::111122223333:user/jo";
    let users = format!(
        "[{{userarn: {arn}, username: one}}, {{userarn: {}, username: two}}]",
        arn.replace("jo", "JO")
    );
    session.put(&json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapUsers": users},
    }));
    let _objects = Objects::create(
        &session,
        "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: 'odd näme? #1&x=y', namespace: team-a}
rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: one, namespace: team-a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: 'odd näme? #1&x=y'}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: one}]
",
    );
    let run = session.done(&["explain", arn]);
    let (_, reported) = run
        .stdout
        .split_once("What it can do as user one without groups:\n")
        .unwrap();
    assert_eq!(
        reported,
        format!(
            "  in namespace team-a: Role odd näme? #1&x=y, by RoleBinding one of user one\n    get: pods\n{EVERYBODY}\n\
             What it can do as user two without groups:\n  nothing beyond what every authenticated user can do\n{EVERYBODY}\n"
        )
    );
    let json = session.done(&["explain", arn, "-o", "json"]).json();
    assert_eq!(json["rbac"], Value::Null);
    let bindings = |at: usize| {
        json["anyOf"][at]["rbac"]["bindings"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((bindings(0), bindings(1)), (4, 3));
}
