//! Guards that know the caller: self-lockout and last administrator.

use std::fs;

use serde_json::json;

use crate::eks_cluster::cluster_name::{CREATOR_SESSION, eks, holding, on, with_cluster};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE};
use crate::support::completed_run::Run;
use crate::support::eks::{self, CREATOR};
use crate::support::environment::Environment;

const OPS: &str = "arn:aws:iam::111122223333:role/ops";
const OPS_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ops/s";

/// Lets the group `writers` update aws-auth, and nothing else.
const WRITERS: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: aws-auth-writer, namespace: kube-system}
rules:
- {apiGroups: [""], resources: [configmaps], resourceNames: [aws-auth, awsauth-history], verbs: [get, update]}
- {apiGroups: [""], resources: [configmaps], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: aws-auth-writer, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: aws-auth-writer}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: writers}]
"#;

/// Maps these roles, and signs `session` in as one of them.
fn mapped(
    session: &ExclusiveCluster,
    roles: &[(&str, &str, &str)],
    as_session: &str,
) -> Environment {
    session.cluster.kubectl_fed(&["apply", "-f", "-"], WRITERS);
    let entry = |(arn, username, group): &(&str, &str, &str)| {
        format!("- rolearn: {arn}\n  username: {username}\n  groups: [{group}]\n")
    };
    let roles: String = roles.iter().map(entry).collect();
    session.put(&json!({"mapRoles": roles}));
    let holder = holding(session, eks(session, &json!({})), as_session);
    let username = as_session.split('/').nth(1).unwrap();
    if as_session != CREATOR_SESSION {
        on(session, &holder, &["verify", "--expect-username", username]).says(0, &[]);
    }
    holder
}

fn map<'a>(arn: &'a str, username: &'a str, group: &'a str) -> [&'a str; 7] {
    ["map", "role", arn, "--username", username, "--group", group]
}

fn roles(session: &ExclusiveCluster) -> String {
    let object = session.api.object();
    let roles = object["data"]["mapRoles"].as_str();
    roles.unwrap_or_default().to_owned()
}

#[test]
fn self_lockout_is_refused() {
    let session = ExclusiveCluster::start();
    let admins = [
        (OPS, "ops", "system:masters"),
        (MYTESTROLE, "admin", "system:masters"),
    ];
    let ops = mapped(&session, &admins, OPS_SESSION);
    let ops = |args: &[&str]| on(&session, &ops, args);
    let before = roles(&session);
    let gone = format!(
        "refused (self-lockout): you are {OPS_SESSION}, and would lose access, so you could not undo this\n"
    );
    let hint = "hint: if this is intended, add --allow-self-lockout\n";
    for more in [&[][..], &["--dry-run"], &["--dry-run=client"]] {
        ops(&[&["unmap", "role", OPS], more].concat()).says(4, &[&gone, hint]);
    }
    // A caller who would keep access but lose write access must confirm.
    ops(&map(OPS, "ops", "devs")).says(
        4,
        &[
            "refused (self-lockout): you are ",
            "and would become user ops in devs, who may not update aws-auth, so you could not undo this\n",
            hint,
        ],
    );
    assert_eq!(roles(&session), before);
    // Entries of other users are not checked.
    ops(&["unmap", "role", MYTESTROLE, "--dry-run"]).says(0, &[]);

    // A caller that can still write afterwards may change its own entry, and signs in again to check that.
    let run = ops(&map(OPS, "ops", "writers"));
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stdout
            .contains("role/ops becomes user ops in groups writers, system:authenticated\n"),
        "{run:?}"
    );
    // Such a writer cannot read the permissions of others or the bindings, which is reported.
    let run = ops(&map(OPS, "ops", "devs"));
    run.says(0, &[
        "Not checked: whether you could still undo this, which needs permission to create subjectaccessreviews.\n",
        "Not checked: whether group devs is bound to cluster-admin, which needs permission to list clusterrolebindings.\n",
    ]);

    session.put(&json!({"mapRoles": before}));
    // Another client, because the API server has cached the tokens of these seconds.
    let anew = holding(&session, eks(&session, &json!({})), OPS_SESSION);
    let verify = ["verify", "--expect-group", "system:masters"];
    on(&session, &anew, &verify).says(0, &[]);
    let unmap = ["unmap", "role", OPS, "--allow-self-lockout"];
    on(&session, &anew, &unmap).says(0, &["Wrote aws-auth"]);
    assert!(!roles(&session).contains(OPS));
}

#[test]
fn last_administrator_is_kept_unless_another_is_known() {
    let session = ExclusiveCluster::start();
    let one = [
        (OPS, "ops", "writers"),
        (MYTESTROLE, "admin", "system:masters"),
    ];
    let ops = mapped(&session, &one, OPS_SESSION);
    let unmap = ["unmap", "role", MYTESTROLE, "--dry-run"];
    let known = with_cluster(&json!({}));
    let run = |holder: &Environment, more: &[&str]| -> Run {
        on(&session, holder, &[&unmap[..], more].concat())
    };
    run(&ops, &[]).says(4, &[
        &format!("refused (last-admin): {MYTESTROLE} is the last known administrator of this cluster, and none would be left; not checked: the bindings to cluster-admin, which needs permission to list clusterrolebindings\n"),
        "hint: if this is intended, add --allow-no-admin\n",
    ]);
    run(&ops, &["--allow-no-admin"]).says(0, &[]);
    // The cluster's creator is an administrator, but not through aws-auth.
    let creator = holding(&session, eks(&session, &known), CREATOR_SESSION);
    run(&creator, &[]).says(0, &[]);
    // An administrator through an access entry counts, too.
    let mut world = known;
    world["entries"] = json!({eks::NAME: [{
        "principalArn": CREATOR, "type": "STANDARD", "username": "kubernetes-admin", "kubernetesGroups": [],
        "policies": [{
            "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
            "accessScope": {"type": "cluster", "namespaces": []},
        }],
    }]});
    eks(&session, &world);
    run(&ops, &[]).says(0, &[]);
    // A group that is bound to cluster-admin is treated as system:masters.
    eks(&session, &with_cluster(&json!({})));
    session.cluster.kubectl(&[
        "create",
        "clusterrolebinding",
        "the-admins",
        "--clusterrole=cluster-admin",
        "--group=the-admins",
    ]);
    let bound = [
        (OPS, "ops", "the-admins"),
        (MYTESTROLE, "admin", "system:masters"),
    ];
    let ops = mapped(&session, &bound, OPS_SESSION);
    run(&ops, &[]).says(0, &[]);
    // Becoming an administrator is reported.
    let run = on(
        &session,
        &ops,
        &[&map(MYTESTROLE, "dev", "devs")[..], &["--dry-run"]].concat(),
    );
    assert!(!run.stderr.contains("Not checked"), "{run:?}");
    let third = "arn:aws:iam::111122223333:role/third";
    let run = on(&session, &ops, &map(third, "third", "the-admins"));
    run.says(
        0,
        &[&format!(
            "{third} becomes cluster admin by group the-admins, which is bound to cluster-admin.\n"
        )],
    );
    session
        .cluster
        .kubectl(&["delete", "clusterrolebinding", "the-admins"]);
}

/// The authenticator lets the creator sign in before it reads aws-auth, so an entry for the creator has no effect.
#[test]
fn unexpected_identity_after_a_write_is_rolled_back() {
    let session = ExclusiveCluster::start();
    let entries = [(CREATOR, "kubernetes-admin", "system:masters")];
    let creator = mapped(&session, &entries, CREATOR_SESSION);
    let before = roles(&session);
    let other = map(CREATOR, "other", "system:masters");
    let creator = |more: &[&str]| {
        on(
            &session,
            &creator,
            &[&other[..], &["--timeout", "3s"], more].concat(),
        )
    };
    creator(&[]).says(
        6,
        &[
            "Wrote aws-auth to",
            "error: aws-auth was written but could not be verified: signing in to EKS cluster my-cluster",
            "it is user kubernetes-admin in groups system:masters, system:authenticated, but aws-auth maps it to user other in group system:masters\n",
            "  the previous state was restored\n",
        ],
    );
    assert_eq!(roles(&session), before);
    creator(&["--no-verify"]).says(0, &[]);
    assert!(roles(&session).contains("other"));
    session.put(&json!({"mapRoles": before}));
    creator(&["--no-rollback"]).says(7, &["what was written stays, because of --no-rollback"]);
    assert!(roles(&session).contains("other"));
}

/// Without AWS credentials, the caller's access is not checked by signing in, which is reported.
#[test]
fn missing_fresh_sign_in_is_reported() {
    let session = ExclusiveCluster::start();
    let admins = [
        (OPS, "ops", "system:masters"),
        (MYTESTROLE, "admin", "system:masters"),
    ];
    mapped(&session, &admins, OPS_SESSION);
    let credentials = session.aws().sessions(&[OPS_SESSION]).remove(0);
    let kubeconfig = session.cluster.folder().join("ops-token.kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "ops",
        "clusters": [{"name": "c", "cluster": {
            "server": session.cluster.server_url(), "certificate-authority": session.cluster.ca(),
        }}],
        "users": [{"name": "ops", "user": {"token": session.token(&credentials)}}],
        "contexts": [{"name": "ops", "context": {"cluster": "c", "user": "ops"}}],
    });
    fs::write(&kubeconfig, config.to_string()).unwrap();
    let as_ops = |of: &str| {
        let credentials = session.aws().sessions(&[of]).remove(0);
        let environment = session.aws().environment().with_credentials(&credentials);
        let environment = environment
            .with("KUBECONFIG", &kubeconfig.display().to_string())
            .with("AWSAUTH_CLUSTER_NAME", eks::NAME);
        let args = map(OPS, "ops", "writers");
        let run = session.awsauth_on_kubeconfig(&environment, &args);
        session.put(&json!({"mapRoles": format!("- {{rolearn: {OPS}, username: ops, groups: ['system:masters']}}\n- {{rolearn: {MYTESTROLE}, username: admin, groups: ['system:masters']}}\n")}));
        run
    };
    as_ops(CREATOR_SESSION).says(0, &[&format!(
        "Not checked: whether you still have access after the write, which needs a fresh token of your own: these AWS credentials are those of {CREATOR_SESSION}\n"
    )]);
    // If the caller's role is known, even from another session, the guard can decide.
    let run = as_ops("arn:aws:sts::111122223333:assumed-role/ops/other");
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        !run.stderr
            .contains("Not checked: whether you still have access"),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("becomes user ops in groups writers"),
        "{run:?}"
    );
}
