//! The policy awsauth-grants: users can grant only what they may impersonate.

use serde_json::{Value, json};

use crate::manifests::cluster_with_manifests::{Harness, eventually};
use crate::manifests::same_rendering::{kustomized, objects};
use crate::support::completed_run::Run;

/// RBAC for a user who can create mappings and impersonate user `developer` and these groups.
const RBAC: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: team}
---
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
metadata: {name: impersonates-any-user}
rules:
- {apiGroups: [""], resources: [users], verbs: [impersonate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: impersonates-any-user}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: impersonates-any-user}
subjects: [{kind: User, name: any-user}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: impersonates, namespace: team}
rules:
- {apiGroups: [""], resources: [serviceaccounts], resourceNames: [deployer], verbs: [impersonate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: impersonates, namespace: team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: impersonates}
subjects: [{kind: User, name: mapper}]
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
subjects: [{kind: User, name: mapper}, {kind: User, name: stranger}, {kind: User, name: any-group}, {kind: User, name: any-user}]
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
DEFAULT_ROLES"#;

/// Users, and the default roles bound to them in namespace `team` or cluster-wide. Without a controller, `admin` and
/// `edit` are not aggregated, so their parts are bound one by one.
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

/// Starts a harness with these roles and without AwsAuthMapping objects.
fn start() -> Harness {
    let harness = Harness::start();
    let rbac = RBAC
        .replace("GROUPS", &json!(groups(30)).to_string())
        .replace("DEFAULT_ROLES", &default_roles());
    harness.cluster.kubectl_fed(&["apply", "-f", "-"], &rbac);
    // A failed test may have left an object with a finalizer.
    let let_go = r#"{"metadata": {"finalizers": null}}"#;
    let patch = [
        "patch",
        "awsauthmapping",
        "mapping",
        "--type=merge",
        "-p",
        let_go,
    ];
    harness.kubectl(&[], &patch, None);
    harness
        .cluster
        .kubectl(&["delete", "awsauthmappings", "--all", "--wait=false"]);
    // RBAC and policies take effect after a delay.
    eventually(|| {
        let right = create(&harness, "mapper", &mapping("developer", &groups(1)), true);
        let wrong = create(
            &harness,
            "stranger",
            &mapping("developer", &groups(1)),
            true,
        );
        right.status == 0 && wrong.status == 1
    });
    harness
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

fn create(harness: &Harness, user: &str, object: &Value, dry: bool) -> Run {
    let user = format!("--as={user}");
    let dry = if dry {
        "--dry-run=server"
    } else {
        "--dry-run=none"
    };
    harness.kubectl(&[&user], &["create", dry, "-f", "-"], Some(object))
}

#[track_caller]
fn denied(run: &Run, why: &str) {
    run.says(1, &["ValidatingAdmissionPolicy 'awsauth-grants'", why]);
}

#[test]
fn mapping_without_impersonation_rights_is_denied() {
    let harness = start();
    let would = |user: &str, username: &str, groups: &[String]| {
        create(&harness, user, &mapping(username, groups), true)
    };
    would("mapper", "developer", &groups(3)).says(0, &[]);
    would("mapper", "{{SessionName}}", &[]).says(0, &[]);
    denied(
        &would("stranger", "developer", &[]),
        "stranger may not map an identity to user developer, because it may not impersonate that user",
    );
    denied(&would("mapper", "admin", &[]), "user admin");
    denied(
        &would("mapper", "developer", &["system:masters".to_owned()]),
        "mapper may not map an identity to group system:masters, because it may not impersonate that group",
    );
    // The position of the group in the list does not matter.
    for place in 0..24 {
        let mut all = groups(24);
        all[place] = "system:masters".to_owned();
        denied(&would("mapper", "developer", &all), "group system:masters");
    }
}

/// RBAC does not know access policies.
#[test]
fn access_policies_require_the_right_to_any_group() {
    let harness = start();
    let mut object = mapping("developer", &groups(1));
    object["spec"]["policies"] = json!([{"name": "view", "namespaces": ["shop"]}]);
    let would = |user: &str| create(&harness, user, &object, true);
    denied(&would("mapper"), "with access policies");
    would("any-group").says(0, &[]);
}

/// The API server limits the cost of a policy.
#[test]
fn more_than_24_groups_require_the_right_to_any_group() {
    let harness = start();
    let would =
        |user: &str, count| create(&harness, user, &mapping("developer", &groups(count)), true);
    would("mapper", 24).says(0, &[]);
    denied(&would("mapper", 25), "more than 24 groups");
    would("any-group", 64).says(0, &[]);
}

/// The right to impersonate users does not include service accounts.
#[test]
fn service_account_requires_the_right_to_impersonate_it() {
    let harness = start();
    let would = |user: &str, username: &str| create(&harness, user, &mapping(username, &[]), true);
    let deployer = "system:serviceaccount:team:deployer";
    eventually(|| would("mapper", deployer).status == 0);
    would("any-user", "anyone").says(0, &[]);
    for (user, username) in [
        ("any-user", deployer),
        ("any-user", "{{SessionName}}:serviceaccount:team:deployer"),
        ("any-user", "system:{{SessionName}}:team:deployer"),
        ("mapper", "system:serviceaccount:team:other"),
        ("mapper", "system:serviceaccount:other:deployer"),
        ("mapper", "system:serviceaccount:team:{{SessionName}}"),
    ] {
        denied(
            &would(user, username),
            &format!(
                "{user} may not map an identity to user {username}, because it may not impersonate that service account"
            ),
        );
    }
    // The session name decides whether it is the service account, so both permissions are required.
    denied(
        &would("mapper", "{{SessionName}}:{{SessionName}}:team:deployer"),
        "may not impersonate that user",
    );
    // Not the name of a service account.
    would("any-user", "system:serviceaccount:team").says(0, &[]);
}

#[test]
fn whole_account_requires_the_right_to_any_user() {
    let harness = start();
    let mut object = mapping("", &[]);
    object["spec"] = json!({"account": "111122223333"});
    denied(
        &create(&harness, "mapper", &object, true),
        "may not impersonate every user",
    );
    harness
        .kubectl(
            &[],
            &["create", "--dry-run=server", "-f", "-"],
            Some(&object),
        )
        .says(0, &[]);
}

/// Only the change and its author matter, not the previous content of the object.
#[test]
fn only_spec_changes_are_authorized() {
    let harness = start();
    let object = mapping("developer", &groups(2));
    create(&harness, "mapper", &object, false).says(0, &[]);
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
        harness.kubectl(&[&user], &[&args[..], more].concat(), None)
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

    // Finalizers grant nothing, so a user who may impersonate no other user can change them.
    let finalizer = r#"{"metadata": {"finalizers": ["awsauth.dev/entry"]}}"#;
    patch("stranger", finalizer, &[]).says(0, &[]);
    patch("stranger", r#"{"metadata": {"finalizers": null}}"#, &[]).says(0, &[]);
    let status = r#"{"status": {"observedGeneration": 1}}"#;
    patch("stranger", status, &["--subresource=status"]).says(
        1,
        &[
            "awsauth-status",
            "only the controller (system:serviceaccount:kube-system:awsauth-controller)",
        ],
    );
    harness
        .cluster
        .kubectl(&["delete", "awsauthmapping", "mapping"]);
}

/// The kind is not aggregated into any default role.
#[test]
fn namespace_admin_cannot_escalate() {
    let harness = start();
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
    // The new permissions are in effect.
    eventually(|| {
        let args = ["auth", "can-i", "create", "roles", "-n", "team"];
        harness
            .kubectl(&["--as=namespace-admin"], &args, None)
            .stdout
            == "yes\n"
    });
    let object = mapping("developer", &groups(1));
    for (user, _) in DEFAULT_ROLES {
        let run = create(&harness, user, &object, true);
        let why = format!("User \"{user}\" cannot create resource \"awsauthmappings\"");
        run.says(1, &[&why]);
        for resource in ["awsauthmappings", "awsauthmappings/status"] {
            for verb in ["get", "update", "patch", "delete"] {
                let as_user = format!("--as={user}");
                let run = harness.kubectl(&[&as_user], &["auth", "can-i", verb, resource], None);
                assert_eq!(run.stdout, "no\n", "{user} {verb} {resource}");
            }
        }
    }
    // The admin may create roles in the namespace, but the kind is cluster-scoped.
    let made = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "maps", "namespace": "team"},
        "rules": [{"apiGroups": ["awsauth.dev"], "resources": ["awsauthmappings"], "verbs": ["create"]}],
    });
    let as_admin = ["--as=namespace-admin"];
    let run = harness.kubectl(&as_admin, &["create", "-f", "-"], Some(&made));
    run.says(
        1,
        &["attempting to grant RBAC permissions not currently held"],
    );
}

/// The authenticator's own kind, which the controller also reads if configured.
#[test]
fn iam_identity_mappings_are_authorized_alike() {
    let harness = start();
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
    harness
        .kubectl(&[], &["apply", "-f", "-"], Some(&definition))
        .says(0, &[]);
    let rules = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "maps"},
        "rules": [{"apiGroups": ["awsauth.dev", "iamauthenticator.k8s.aws"], "resources": ["*"], "verbs": ["*"]}],
    });
    harness
        .kubectl(&[], &["apply", "-f", "-"], Some(&rules))
        .says(0, &[]);
    let object = |group: &str| {
        json!({
            "apiVersion": "iamauthenticator.k8s.aws/v1alpha1",
            "kind": "IAMIdentityMapping",
            "metadata": {"name": "mapping"},
            "spec": {"arn": "arn:aws:iam::111122223333:role/mytestrole", "username": "developer", "groups": [group]},
        })
    };
    eventually(|| create(&harness, "mapper", &object("group-1"), true).status == 0);
    denied(
        &create(&harness, "mapper", &object("system:masters"), true),
        "group system:masters",
    );
    denied(
        &create(&harness, "stranger", &object("group-1"), true),
        "user developer",
    );
}
