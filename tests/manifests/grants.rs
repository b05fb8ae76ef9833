//! The policy awsauth-grants: nobody grants what he may not impersonate.

use serde_json::{Value, json};

use crate::rendered::{kustomized, objects};
use crate::site::{Site, eventually};
use crate::support::run::Run;

/// Who may make mappings, and impersonate user `developer` and the groups named here.
const RBAC: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: maps}
rules:
- {apiGroups: [awsauth.dev], resources: [awsauthmappings, awsauthmappings/status], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: impersonates}
rules:
- {apiGroups: [""], resources: [users], resourceNames: [developer, "{{SessionName}}"], verbs: [impersonate]}
- {apiGroups: [""], resources: [groups], resourceNames: GROUPS, verbs: [impersonate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: impersonates-any-group}
rules:
- {apiGroups: [""], resources: [groups], verbs: [impersonate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: maps}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: maps}
subjects: [{kind: User, name: mapper}, {kind: User, name: stranger}, {kind: User, name: any-group}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: impersonates}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: impersonates}
subjects: [{kind: User, name: mapper}, {kind: User, name: any-group}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: impersonates-any-group}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: impersonates-any-group}
subjects: [{kind: User, name: any-group}]
---
apiVersion: v1
kind: Namespace
metadata: {name: team}
DEFAULT_ROLES"#;

/// Whom the default roles for people are bound to, in namespace `team` and everywhere. Here no controller makes `admin` and `edit` of
/// the parts that are aggregated into them, so they are bound part by part.
const DEFAULT_ROLES: [(&str, &[&str]); 3] = [
    ("namespace-admin", &["admin", "edit", "view"]),
    ("editor", &["edit", "view"]),
    ("administrator", &["admin", "edit", "view"]),
];

fn default_roles() -> String {
    let mut bindings = String::new();
    for (user, parts) in DEFAULT_ROLES {
        for part in parts {
            let (kind, namespace) = match user {
                "namespace-admin" => ("RoleBinding", ", namespace: team"),
                _ => ("ClusterRoleBinding", ""),
            };
            bindings += &format!(
                "---
apiVersion: rbac.authorization.k8s.io/v1
kind: {kind}
metadata: {{name: {user}-{part}{namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'system:aggregate-to-{part}'}}
subjects: [{{kind: User, name: {user}}}]
"
            );
        }
    }
    bindings
}

fn group(number: usize) -> String {
    format!("group-{number}")
}

fn groups(count: usize) -> Vec<String> {
    (0..count).map(group).collect()
}

/// Starts with these roles, and without objects.
fn start() -> Site {
    let site = Site::start();
    let rbac = RBAC
        .replace("GROUPS", &json!(groups(30)).to_string())
        .replace("DEFAULT_ROLES", &default_roles());
    site.cluster.kubectl_fed(&["apply", "-f", "-"], &rbac);
    // A test that failed may have left one that holds on.
    let let_go = r#"{"metadata": {"finalizers": null}}"#;
    let patch = [
        "patch",
        "awsauthmapping",
        "mapping",
        "--type=merge",
        "-p",
        let_go,
    ];
    site.attempt(&[], &patch, None);
    site.cluster
        .kubectl(&["delete", "awsauthmappings", "--all", "--wait=false"]);
    // RBAC and policies come into force a moment later.
    eventually(|| {
        let right = create(&site, "mapper", &mapping("developer", &groups(1)), true);
        let wrong = create(&site, "stranger", &mapping("developer", &groups(1)), true);
        right.status == 0 && wrong.status == 1
    });
    site
}

fn mapping(username: &str, groups: &[String]) -> Value {
    json!({
        "apiVersion": "awsauth.dev/v1alpha1",
        "kind": "AwsAuthMapping",
        "metadata": {"name": "mapping"},
        "spec": {
            "role": "arn:aws:iam::111122223333:role/mytestrole",
            "username": username,
            "groups": groups,
        },
    })
}

fn create(site: &Site, user: &str, object: &Value, dry: bool) -> Run {
    let user = format!("--as={user}");
    let dry = if dry {
        "--dry-run=server"
    } else {
        "--dry-run=none"
    };
    site.attempt(&[&user], &["create", dry, "-f", "-"], Some(object))
}

#[track_caller]
fn denied(run: &Run, why: &str) {
    run.says(1, &["ValidatingAdmissionPolicy 'awsauth-grants'", why]);
}

#[test]
fn who_may_map_but_not_impersonate_is_denied() {
    let site = start();
    let would = |user: &str, username: &str, groups: &[String]| {
        create(&site, user, &mapping(username, groups), true)
    };
    would("mapper", "developer", &groups(3)).says(0, &[]);
    would("mapper", "{{SessionName}}", &[]).says(0, &[]);
    denied(
        &would("stranger", "developer", &[]),
        "stranger may not impersonate user developer, and so may not map anybody to it",
    );
    denied(&would("mapper", "admin", &[]), "user admin");
    denied(
        &would("mapper", "developer", &["system:masters".to_owned()]),
        "mapper may not impersonate group system:masters, and so may not map anybody to it",
    );
    // Wherever in the list it stands.
    for place in 0..24 {
        let mut all = groups(24);
        all[place] = "system:masters".to_owned();
        denied(&would("mapper", "developer", &all), "group system:masters");
    }
}

/// The most that the API server lets a policy ask for.
#[test]
fn more_than_24_groups_need_leave_for_any() {
    let site = start();
    let would =
        |user: &str, count| create(&site, user, &mapping("developer", &groups(count)), true);
    would("mapper", 24).says(0, &[]);
    denied(&would("mapper", 25), "no more than 24 groups");
    would("any-group", 64).says(0, &[]);
}

#[test]
fn a_whole_account_needs_leave_for_any_user() {
    let site = start();
    let mut object = mapping("", &[]);
    object["spec"] = json!({"account": "111122223333"});
    denied(
        &create(&site, "mapper", &object, true),
        "may not impersonate every user",
    );
    site.attempt(
        &[],
        &["create", "--dry-run=server", "-f", "-"],
        Some(&object),
    )
    .says(0, &[]);
}

/// What counts is the change, and who makes it; not what an object held before.
#[test]
fn a_change_of_the_spec_is_asked_for_and_nothing_else() {
    let site = start();
    let object = mapping("developer", &groups(2));
    create(&site, "mapper", &object, false).says(0, &[]);
    let patch = |user: &str, patch: &str, more: &[&str]| {
        let user = format!("--as={user}");
        let args = [
            "patch",
            "awsauthmapping",
            "mapping",
            "--type=merge",
            "-p",
            patch,
        ];
        site.attempt(&[&user], &[&args[..], more].concat(), None)
    };
    denied(
        &patch("mapper", r#"{"spec": {"groups": ["system:masters"]}}"#, &[]),
        "group system:masters",
    );
    denied(
        &patch(
            "stranger",
            r#"{"spec": {"role": "arn:aws:iam::111122223333:role/mine"}}"#,
            &[],
        ),
        "user developer",
    );
    patch("mapper", r#"{"spec": {"groups": ["group-1"]}}"#, &[]).says(0, &[]);

    // What the controller does, which may impersonate nobody, as the stranger.
    let controller = "system:serviceaccount:kube-system:awsauth-controller";
    let finalizer = r#"{"metadata": {"finalizers": ["awsauth.dev/entry"]}}"#;
    patch(controller, finalizer, &[]).says(0, &[]);
    let status = r#"{"status": {"observedGeneration": 1}}"#;
    patch("stranger", status, &["--subresource=status"]).says(0, &[]);
    patch(controller, r#"{"metadata": {"finalizers": null}}"#, &[]).says(0, &[]);
    let stored = site
        .cluster
        .kubectl(&["get", "awsauthmapping", "mapping", "-o", "json"]);
    let stored: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(stored["status"]["observedGeneration"], 1);
    site.cluster
        .kubectl(&["delete", "awsauthmapping", "mapping"]);
}

/// The kind is aggregated into no default role.
#[test]
fn a_namespace_admin_can_not_escalate() {
    let site = start();
    let text = kustomized("controller-webhook");
    for role in objects(&text)
        .iter()
        .filter(|object| object["kind"] == "ClusterRole")
    {
        assert_eq!(role.get("aggregationRule"), None);
        let labels = role["metadata"]["labels"].as_object().unwrap();
        assert!(
            labels.keys().all(|label| !label.contains("aggregate-to")),
            "{labels:?}"
        );
    }
    // They are in force.
    eventually(|| {
        let args = ["auth", "can-i", "create", "roles", "-n", "team"];
        site.attempt(&["--as=namespace-admin"], &args, None).stdout == "yes\n"
    });
    let object = mapping("developer", &groups(1));
    for (user, _) in DEFAULT_ROLES {
        let run = create(&site, user, &object, true);
        let why = format!("User \"{user}\" cannot create resource \"awsauthmappings\"");
        run.says(1, &[&why]);
        for resource in ["awsauthmappings", "awsauthmappings/status"] {
            for verb in ["get", "update", "patch", "delete"] {
                let as_user = format!("--as={user}");
                let run = site.attempt(&[&as_user], &["auth", "can-i", verb, resource], None);
                assert_eq!(run.stdout, "no\n", "{user} {verb} {resource}");
            }
        }
    }
    // He may make roles in his namespace; the kind stands in none.
    let made = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "maps", "namespace": "team"},
        "rules": [{"apiGroups": ["awsauth.dev"], "resources": ["awsauthmappings"], "verbs": ["create"]}],
    });
    let as_admin = ["--as=namespace-admin"];
    let run = site.attempt(&as_admin, &["create", "-f", "-"], Some(&made));
    run.says(
        1,
        &["attempting to grant RBAC permissions not currently held"],
    );
}

/// The authenticator's own kind, which the controller honours when it is asked to.
#[test]
fn iam_identity_mappings_are_judged_alike() {
    let site = start();
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "iamidentitymappings.iamauthenticator.k8s.aws"},
        "spec": {
            "group": "iamauthenticator.k8s.aws",
            "scope": "Cluster",
            "names": {"plural": "iamidentitymappings", "singular": "iamidentitymapping", "kind": "IAMIdentityMapping"},
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                }},
            }],
        },
    });
    site.attempt(&[], &["apply", "-f", "-"], Some(&definition))
        .says(0, &[]);
    let rules = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "maps"},
        "rules": [{"apiGroups": ["awsauth.dev", "iamauthenticator.k8s.aws"], "resources": ["*"], "verbs": ["*"]}],
    });
    site.attempt(&[], &["apply", "-f", "-"], Some(&rules))
        .says(0, &[]);
    let object = |group: &str| {
        json!({
            "apiVersion": "iamauthenticator.k8s.aws/v1alpha1",
            "kind": "IAMIdentityMapping",
            "metadata": {"name": "mapping"},
            "spec": {"arn": "arn:aws:iam::111122223333:role/mytestrole", "username": "developer", "groups": [group]},
        })
    };
    eventually(|| create(&site, "mapper", &object("group-1"), true).status == 0);
    denied(
        &create(&site, "mapper", &object("system:masters"), true),
        "group system:masters",
    );
    denied(
        &create(&site, "stranger", &object("group-1"), true),
        "user developer",
    );
}
