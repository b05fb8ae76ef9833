//! Guards that know who writes: nobody locks themselves out, or the last administrator, without saying so.

use std::fs;

use serde_json::json;

use crate::by_name::{CREATOR_SESSION, eks, holding, on, with_cluster};
use crate::session::{MYTESTROLE, Session};
use crate::support::eks::{self, CREATOR};
use crate::support::environment::Environment;
use crate::support::run::Run;

const OPS: &str = "arn:aws:iam::111122223333:role/ops";
const OPS_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ops/s";

/// Lets the group `writers` write aws-auth, and do nothing else.
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

/// Has aws-auth map these roles, and whoever holds `session` signed in as one of them.
fn mapped(session: &Session, roles: &[(&str, &str, &str)], as_session: &str) -> Environment {
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

fn roles(session: &Session) -> String {
    let object = session.api.object();
    let roles = object["data"]["mapRoles"].as_str();
    roles.unwrap_or_default().to_owned()
}

#[test]
fn nobody_locks_themselves_out_unsaid() {
    let session = Session::start();
    let admins = [
        (OPS, "ops", "system:masters"),
        (MYTESTROLE, "admin", "system:masters"),
    ];
    let ops = mapped(&session, &admins, OPS_SESSION);
    let ops = |args: &[&str]| on(&session, &ops, args);
    let before = roles(&session);
    let gone = format!(
        "refused (self-lockout): you are {OPS_SESSION}, and would no longer be let in: you could not take this back\n"
    );
    let hint = "hint: if that is meant, add --allow-self-lockout\n";
    for more in [&[][..], &["--dry-run"], &["--dry-run=client"]] {
        ops(&[&["unmap", "role", OPS], more].concat()).says(4, &[&gone, hint]);
    }
    // Who would still be somebody, but none who may write, is asked about.
    ops(&map(OPS, "ops", "devs")).says(
        4,
        &[
            "refused (self-lockout): you are ",
            "and would become user ops in devs, who may not update aws-auth: you could not take this back\n",
            hint,
        ],
    );
    assert_eq!(roles(&session), before);
    // Other people's entries are other people's.
    ops(&["unmap", "role", MYTESTROLE, "--dry-run"]).says(0, &[]);

    // Who may still write afterwards may do it, and signs in anew to see.
    let run = ops(&map(OPS, "ops", "writers"));
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stdout
            .contains("role/ops becomes user ops in groups writers, system:authenticated\n"),
        "{run:?}"
    );
    // Such a writer may not ask what others may, nor what is bound to what; that is said.
    let run = ops(&map(OPS, "ops", "devs"));
    run.says(0, &[
        "Not checked: whether you could still take this back, which needs permission to create subjectaccessreviews.\n",
        "Not checked: whether group devs is bound to cluster-admin, which needs permission to list clusterrolebindings.\n",
    ]);

    session.put(&json!({"mapRoles": before}));
    // The API server remembers the tokens of these seconds.
    let anew = holding(&session, eks(&session, &json!({})), OPS_SESSION);
    let verify = ["verify", "--expect-group", "system:masters"];
    on(&session, &anew, &verify).says(0, &[]);
    let unmap = ["unmap", "role", OPS, "--allow-self-lockout"];
    on(&session, &anew, &unmap).says(0, &["Wrote aws-auth"]);
    assert!(!roles(&session).contains(OPS));
}

#[test]
fn the_last_administrator_stays_unless_another_is_known() {
    let session = Session::start();
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
        &format!("refused (last-admin): {MYTESTROLE} is the last who is known to administer this cluster, and nobody would be left; not checked: what is bound to cluster-admin, which needs permission to list clusterrolebindings\n"),
        "hint: if that is meant, add --allow-no-admin\n",
    ]);
    run(&ops, &["--allow-no-admin"]).says(0, &[]);
    // The cluster's creator is one, and no entry of aws-auth's.
    let creator = holding(&session, eks(&session, &known), CREATOR_SESSION);
    run(&creator, &[]).says(0, &[]);
    // So is whoever an access entry makes one.
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
    // A group that is bound to cluster-admin is as good as system:masters.
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
    // And to become one is said.
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

/// The authenticator lets the creator in before it looks at aws-auth, so that an entry for it does not become true.
#[test]
fn who_does_not_come_out_as_written_is_put_back() {
    let session = Session::start();
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
            "error: aws-auth was written, and could not be verified: signing in to EKS cluster my-cluster",
            "it is user kubernetes-admin in groups system:masters, system:authenticated, and aws-auth says user other in group system:masters\n",
            "  the previous text is back\n",
        ],
    );
    assert_eq!(roles(&session), before);
    creator(&["--no-verify"]).says(0, &[]);
    assert!(roles(&session).contains("other"));
    session.put(&json!({"mapRoles": before}));
    creator(&["--no-rollback"]).says(7, &["what was written stands, as --no-rollback asks"]);
    assert!(roles(&session).contains("other"));
}

/// Whose AWS credentials are not at hand is not signed in anew for, and is told so.
#[test]
fn who_cannot_be_signed_in_anew_is_told_so() {
    let session = Session::start();
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
        "Not checked: whether you still get in after the write, which needs a fresh token of yours: these AWS credentials are those of {CREATOR_SESSION}\n"
    )]);
    // With the same role's, even of another session, it is known how.
    let run = as_ops("arn:aws:sts::111122223333:assumed-role/ops/other");
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        !run.stderr.contains("Not checked: whether you still get in"),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("becomes user ops in groups writers"),
        "{run:?}"
    );
}
