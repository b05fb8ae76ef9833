//! Users who removed their own access, and how it is restored.

use std::sync::OnceLock;

use serde_json::json;

use crate::eks_cluster::cluster_name::{CREATOR_SESSION, eks, holding, on};
use crate::eks_cluster::harness::{
    ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION, Site, map_args,
};
use crate::eks_cluster::token_review::Who;
use crate::support::completed_run::Run;
use crate::support::simulated_aws::trusts;

const DEPLOY: &str = "arn:aws:iam::111122223333:role/deploy";

/// Applies a list that removes the caller's own access and has a typo in the role to verify. Verification is retried
/// for longer than the 10 s for which an API server caches tokens. Returns the run, and aws-auth before and after it.
fn locked_out(session: &ExclusiveCluster) -> (Run, String, String) {
    let eks = eks(session, &json!({}));
    let creator = holding(session, eks, CREATOR_SESSION);
    let operator = holding(session, eks, MYTESTROLE_SESSION);
    let folder = session.cluster.folder();
    let operator = operator.with("TMPDIR", &folder.display().to_string());
    let list = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let own = format!("{{rolearn: {MYTESTROLE}, username: admin, groups: [system:masters]}}");
    let other = "{rolearn: arn:aws:iam::111122223333:role/deploy-, username: deploy}";
    session.aws().role(DEPLOY, &[trusts(MYTESTROLE)]);
    let (with, without) = (
        list("with.yaml", &format!("[{own}, {other}]")),
        list("without.yaml", &format!("[{other}]")),
    );
    on(session, &creator, &["apply", "-f", &with, "--owner", "ci"]).says(0, &[]);
    let credentials = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
    while !matches!(
        session.who(&session.fresh_token(&credentials)),
        Who::User { .. }
    ) {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let roles = || {
        session.api.object()["data"]["mapRoles"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let before = roles();
    let args = [
        "apply",
        "-f",
        &without,
        "--owner",
        "ci",
        "--prune",
        "--allow-self-lockout",
        "--allow-no-admin",
        "--verify-as",
        DEPLOY,
        "--timeout",
        "14s",
    ];
    let run = on(session, &operator, &args);
    (run, before, roles())
}

#[test]
fn expired_token_cannot_roll_back() {
    static SITE: OnceLock<Site> = OnceLock::new();
    let session = ExclusiveCluster::that_caches(&SITE, "1s");
    let (run, before, after) = locked_out(&session);
    run.says(7, &[
        "aws-auth was written but could not be verified",
        "what was written stays, because it could not be rolled back: ",
        "hint: a user who can still write aws-auth restores it with: awsauth kubeconfig",
        "hint: the IAM identity that created the cluster has access regardless of aws-auth, unless that access was revoked; as that identity: awsauth undo --cluster-name my-cluster --region us-east-1\n",
        "hint: if no user has access, a user with IAM permissions gets in and undoes the write: awsauth rescue --cluster-name my-cluster --region us-east-1 && awsauth undo --cluster-name my-cluster --region us-east-1\n",
    ]);
    assert!(
        before.contains(MYTESTROLE) && !after.contains(MYTESTROLE),
        "{after}"
    );
    // The printed command works.
    let creator = holding(&session, eks(&session, &json!({})), CREATOR_SESSION);
    on(&session, &creator, &["undo", "--region", "us-east-1"]).says(0, &[]);
    let roles = session.api.object()["data"]["mapRoles"].clone();
    assert_eq!(roles, before);
}

#[test]
fn cached_token_rolls_back() {
    static SITE: OnceLock<Site> = OnceLock::new();
    let session = ExclusiveCluster::that_caches(&SITE, "2m");
    let (run, before, after) = locked_out(&session);
    run.says(
        6,
        &["could not be verified", "the previous state was restored"],
    );
    assert_eq!(after, before);
}

#[test]
fn undo_and_restore_admit_the_identity_again() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    let creator = holding(&session, eks, CREATOR_SESSION);
    let credentials = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
    let on = |args: &[&str]| on(&session, &creator, args);
    on(&map_args(MYTESTROLE)).says(0, &[]);
    let accepted = || {
        matches!(
            session.who(&session.fresh_token(&credentials)),
            Who::User { .. }
        )
    };
    let becomes = |is_in: bool| {
        let deadline = std::time::Instant::now() + crate::eks_cluster::harness::PATIENCE;
        while accepted() != is_in {
            assert!(std::time::Instant::now() < deadline, "timed out");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    becomes(true);
    on(&["unmap", "role", MYTESTROLE]).says(0, &[]);
    becomes(false);
    let undone = on(&["undo"]);
    undone.says(0, &["Undoing revision"]);
    assert!(
        undone.stdout.contains("mytestrole gains user admin"),
        "{undone:?}"
    );
    becomes(true);
    let list = on(&["history", "-o", "json"]).json();
    on(&["unmap", "role", MYTESTROLE]).says(0, &[]);
    becomes(false);
    // The state before the first removal.
    let number = list["revisions"][1]["revision"].to_string();
    on(&["restore", &number]).says(0, &["Restoring what was there before revision"]);
    becomes(true);
    session.api.delete();
    becomes(false);
    on(&["restore", &number]).says(0, &["Created aws-auth"]);
    becomes(true);
}
