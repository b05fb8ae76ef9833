//! Every write is recorded in the history and can be undone.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread::{scope, sleep};
use std::time::Duration;

use serde_json::{Value, json};

use crate::commands::harness::{
    ExclusiveCluster, MYTESTROLE, NODES, READER, Run, Running, awsauth, eksctl_made, eventually,
    map_args,
};
use crate::commands::slow_proxy::SlowProxy;
use crate::support::program_output;

/// Lets [`READER`] write aws-auth, but not its history.
pub(crate) const WRITER_WITHOUT_HISTORY: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: aws-auth-writer, namespace: kube-system}
rules:
- {apiGroups: [""], resources: [configmaps], resourceNames: [aws-auth], verbs: [get, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: aws-auth-writer, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: aws-auth-writer}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: readers}]
"#;

/// The permissions of docs/history.md.
const WRITER: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: aws-auth-writer, namespace: kube-system}
rules:
- {apiGroups: [""], resources: [configmaps], resourceNames: [aws-auth], verbs: [get, update]}
- {apiGroups: [""], resources: [configmaps], resourceNames: [awsauth-history], verbs: [get, patch]}
"#;

const OTHER: &str = "arn:aws:iam::111122223333:role/other";

fn history(session: &ExclusiveCluster) -> Vec<Value> {
    let list = session.done(&["history", "-o", "json"]).json();
    list["revisions"].as_array().unwrap().clone()
}

fn entry(role: &str) -> String {
    format!("- rolearn: {role}\n  username: theirs\n")
}

/// The parts that a restore writes back: no metadata except awsauth's annotation.
fn contents(session: &ExclusiveCluster) -> Value {
    let object = session.api.object();
    let owners = &object["metadata"]["annotations"]["awsauth.dev/owners"];
    json!([object["data"], object["binaryData"], owners])
}

#[test]
fn every_write_is_recorded_and_can_be_undone() {
    let session = ExclusiveCluster::start();
    let file = session.file("desired.yaml", &entry(OTHER));
    let file = file.to_str().unwrap();
    let mut states = vec![contents(&session)];
    for args in [
        &[&map_args(MYTESTROLE)[..], &["--reason", "on call"]].concat()[..],
        &["apply", "-f", file, "--owner", "ci"],
        &["unmap", "role", MYTESTROLE],
    ] {
        session.done(args).says(
            0,
            &["Stored the previous aws-auth as revision", "awsauth undo"],
        );
        states.push(contents(&session));
    }
    // A write that changes nothing records nothing.
    session.done(&["unmap", "role", MYTESTROLE]);
    session.map(&["--dry-run"]).says(0, &[]);
    let revisions = history(&session);
    assert_eq!(revisions.len(), 3, "{revisions:?}");
    for (revision, next) in revisions.iter().zip(revisions.iter().skip(1)) {
        assert_eq!(revision["after"], next["before"]);
    }
    for revision in &revisions {
        assert_eq!(revision["then"], "kept");
        assert_eq!(revision["username"], "admin");
    }
    assert_eq!(revisions[0]["reason"], "on call");
    assert_eq!(
        revisions[2]["command"],
        json!(["awsauth", "unmap", "role", MYTESTROLE])
    );
    let number = |nth: usize| revisions[nth]["revision"].to_string();

    let table = session.done(&["history"]).stdout;
    for part in [
        "REVISION",
        "+role/mytestrole",
        "-role/mytestrole",
        "on call",
    ] {
        assert!(table.contains(part), "no {part} in\n{table}");
    }
    let show = session.done(&["history", "show", &number(2)]).stdout;
    assert!(
        show.contains(&format!("-  rolearn: {MYTESTROLE}")),
        "{show}"
    );
    assert!(
        show.contains("loses user admin in group system:masters"),
        "{show}"
    );
    let diff = session
        .done(&["history", "diff", &number(0), "-o", "json"])
        .json();
    assert_eq!(diff["access"].as_array().unwrap().len(), 1, "{diff}");
    session
        .run(&["history", "show", "1"])
        .says(1, &["there is no revision 1", "awsauth history"]);

    // An undo, the undo of the undo, and an undo of an earlier revision.
    let undo = session.run(&["undo", "--reason", "too early"]);
    undo.says(0, &["Undoing revision", "awsauth unmap role"]);
    assert!(
        undo.stdout
            .contains("mytestrole gains user admin in group system:masters"),
        "{undo:?}"
    );
    assert_eq!(contents(&session), states[2]);
    let table = session.done(&["history"]).stdout;
    let undone = format!("({}: awsauth unmap role {MYTESTROLE})", number(2));
    assert!(table.contains(&undone), "no {undone} in\n{table}");
    assert_eq!(history(&session)[3]["undoes"].to_string(), number(2));
    session.done(&["undo", "--whole"]);
    assert_eq!(contents(&session), states[3]);
    let before = session.resource_version();
    let dry = session
        .done(&["undo", &number(1), "--dry-run", "-o", "json"])
        .json();
    assert_eq!(dry["access"][0]["arn"], OTHER);
    assert_eq!(session.resource_version(), before);
    session.done(&["restore", &number(0)]);
    assert_eq!(contents(&session), states[0]);
    assert_eq!(history(&session).len(), 6);
}

#[test]
fn writer_is_recorded_although_the_api_server_pauses() {
    let session = ExclusiveCluster::start();
    let suspended = session.cluster.suspend_apiserver();
    scope(|scope| {
        let write = scope.spawn(|| session.map(&[]));
        // Longer than a command waits for the answer who its user is.
        sleep(Duration::from_secs(4));
        drop(suspended);
        write.join().unwrap().says(0, &[]);
    });
    assert_eq!(history(&session)[0]["username"], "admin");
}

#[test]
fn undo_keeps_later_changes_of_other_clients() {
    let session = ExclusiveCluster::start();
    session.map(&[]).says(0, &[]);
    let theirs = entry(OTHER);
    session
        .api
        .change_roles(|roles| Some(format!("{roles}{theirs}")));
    let list = session.done(&["history"]);
    assert!(list.stdout.contains("foreign change"), "{list:?}");
    assert!(list.stdout.contains("eksctl"), "{list:?}");
    // The newest write is of another client, so undo does not choose one.
    let number = newest_revision(&session);
    let before = contents(&session);
    for args in [&["undo"][..], &["undo", "--dry-run"], &["undo", "--whole"]] {
        let refused = session.run(args);
        let by_name = format!("awsauth undo {number}\n");
        refused.says(
            4,
            &[
                "refused (rollback-race): other clients have changed aws-auth since the newest recorded write",
                "eksctl",
                "awsauth restore. It changes access: -role/other\n",
                &by_name,
            ],
        );
    }
    assert_eq!(contents(&session), before);
    session.run(&["undo", &number]).says(
        0,
        &[
            "aws-auth has been changed since",
            "eksctl",
            "only what it changed is undone",
        ],
    );
    assert_eq!(session.text("mapRoles"), format!("{NODES}{theirs}"));

    // Both changed the same entry, so it cannot be undone automatically.
    session.map(&[]).says(0, &[]);
    session
        .api
        .change_roles(|roles| Some(roles.replace("username: admin", "username: boss")));
    let before = contents(&session);
    let number = newest_revision(&session);
    let refused = session.run(&["undo", &number, "-o", "json"]);
    refused.says(
        4,
        &[
            "refused (rollback-race): ",
            "line 8 of mapRoles: other clients have changed the entry of",
            "--whole",
        ],
    );
    assert_eq!(refused.json()["refusals"][0]["guard"], "WG19");
    assert_eq!(contents(&session), before);
    session
        .run(&["undo", &number, "--whole"])
        .says(0, &["that is undone, too"]);
    assert_eq!(session.text("mapRoles"), format!("{NODES}{theirs}"));
    // Node entries are guarded here, too.
    session.done(&["unmap", "role", OTHER]);
    let number = history(&session)[0]["revision"].to_string();
    session
        .api
        .change_roles(|roles| Some(roles.replace("NodeInstanceRole", "Other")));
    session
        .run(&["restore", &number])
        .says(4, &["--allow-node-entry"]);
}

/// A `kubectl replace` with an old file after an unmap.
#[test]
fn access_that_was_revoked_stays_revoked_after_a_foreign_replace() {
    let session = ExclusiveCluster::start();
    let old = session.text("mapRoles");
    let theirs = entry(OTHER);
    session.map(&[]).says(0, &[]);
    session.done(&["unmap", "role", MYTESTROLE]);
    let revoked = session.text("mapRoles");
    let unmap = newest_revision(&session);
    session.api.change_roles(|_| Some(format!("{old}{theirs}")));
    session.run(&["undo"]).says(4, &["awsauth restore"]);
    session.done(&["restore"]);
    assert_eq!(session.text("mapRoles"), revoked);
    session.done(&["undo", "--whole"]);
    assert_eq!(session.text("mapRoles"), format!("{old}{theirs}"));

    // The other client restored exactly what was there before the unmap.
    session.done(&["restore", &unmap]);
    let mapped = session.text("mapRoles");
    assert!(mapped.contains(MYTESTROLE));
    session.done(&["unmap", "role", MYTESTROLE]);
    session.api.change_roles(|_| Some(mapped.clone()));
    let again = format!("hint: make that change again: awsauth unmap role {MYTESTROLE}\n");
    session
        .run(&["undo"])
        .says(4, &["another client has undone", &again]);
    assert_eq!(session.text("mapRoles"), mapped);
}

fn newest_revision(session: &ExclusiveCluster) -> String {
    history(session).last().unwrap()["revision"].to_string()
}

#[test]
fn aws_auth_is_restored_from_a_revision_and_from_a_file() {
    let session = ExclusiveCluster::without_aws_auth();
    let mut object = eksctl_made();
    object["data"]["other"] = "x: |\n  y \n".into();
    object["binaryData"] = json!({"blob": "AAEC"});
    object["metadata"]["annotations"] = json!({"awsauth.dev/owners": "{}", "note": "keep"});
    session.put(&object);
    let before = contents(&session);
    let folder = session.cluster.folder();
    let file = folder.join("backup.yaml");
    let file = file.to_str().unwrap();
    session.done(&["backup", "--to", file]);
    let mode = std::fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let piped = session.done(&["backup", "--to", "-"]).stdout;
    assert_eq!(piped, std::fs::read_to_string(file).unwrap());
    let server = session.cluster.server_url();
    assert!(
        piped.contains(&format!("    awsauth.dev/cluster: '{server}'\n")),
        "{piped}"
    );
    let elsewhere = session.file("elsewhere.yaml", &piped.replace(&server, "https://other"));
    session.run(&["restore", elsewhere.to_str().unwrap()]).says(
        0,
        &["is a backup of https://other; it is restored to context"],
    );
    let here = session.done(&["restore", file]);
    assert!(!here.stderr.contains("is a backup of"), "{here:?}");
    // A file without ownership information leaves the recorded owners unchanged.
    let silent = piped.replace("    awsauth.dev/owners: '{}'\n", "");
    assert_ne!(silent, piped);
    let silent = session.file("silent.yaml", &silent);
    session.done(&["restore", silent.to_str().unwrap()]);
    assert_eq!(contents(&session), before);
    session.map(&[]).says(0, &[]);
    let number = history(&session)[0]["revision"].to_string();

    for from in [&number, file] {
        session.put(&object);
        let mut spoilt = session.api.object();
        spoilt["data"] = json!({"mapRoles": "- [", "more": "x"});
        spoilt["binaryData"] = json!({"blob": "AAAA", "extra": "AAEC"});
        session.api.replace(&spoilt).unwrap();
        session.done(&["restore", from]);
        assert_eq!(contents(&session), before, "{from}");
        assert_eq!(
            session.api.object()["metadata"]["annotations"]["note"],
            "keep"
        );
        // A second restore changes nothing.
        session.run(&["restore", from]).says(0, &[]);
        session.api.delete();
        session
            .run(&["undo"])
            .says(4, &["aws-auth was deleted", "awsauth restore"]);
        let created = session.run(&["restore", from]);
        created.says(0, &["Created aws-auth"]);
        assert!(
            created.stdout.contains("configmap/aws-auth created"),
            "{created:?}"
        );
        assert_eq!(contents(&session), before, "{from}");
        // The deletion is a change by another client; the restore is an ordinary write.
        session
            .run(&["undo"])
            .says(4, &["would remove every entry", "awsauth restore"]);
        session
            .run(&["undo", "--whole"])
            .says(4, &["--allow-node-entry"]);
        let node = "arn:aws:iam::111122223333:role/eksctl-k8s-cluster-nodegroup-ng-1-NodeInstanceRole-1FI6JXPS9MDWK";
        session.done(&["undo", "--whole", "--allow-node-entry", node]);
        assert!(session.api.object()["data"]["mapRoles"].is_null());
        session.done(&["undo", "--whole"]);
        assert_eq!(contents(&session), before, "{from}");
    }
    session
        .run(&["restore", "nowhere.yaml"])
        .says(2, &["cannot read aws-auth from nowhere.yaml"]);
    session
        .run(&["restore", file, "--file", file])
        .says(2, &["cannot do this for a file", "git log"]);
    session.api.delete();
    session
        .run(&["backup", "--to", file])
        .says(1, &["has no aws-auth to save"]);
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        piped,
        "the old one stays"
    );
}

#[test]
fn creating_aws_auth_again_says_that_the_history_has_its_text() {
    const WARNING: &str =
        "warning: aws-auth was deleted. Its last text, with 2 mappings, is in the history";
    let session = ExclusiveCluster::start();
    session.map(&[]).says(0, &[]);
    session.api.delete();
    let other = map_args(OTHER);
    let dry_run = session.run(&[&other[..], &["--dry-run=server"]].concat());
    dry_run.says(0, &[WARNING, "first run awsauth restore"]);
    // The restoration itself does not warn, and neither does a change to what it restored.
    for args in [&["restore"][..], &other] {
        let run = session.done(args);
        assert!(!run.stderr.contains("was deleted"), "{run:?}");
    }
    session.api.delete();
    session.done(&other).says(0, &["with 3 mappings"]);
}

#[test]
fn backup_of_all_contexts_writes_one_file_each() {
    let session = ExclusiveCluster::start();
    let kubeconfig = std::fs::read_to_string(session.cluster.kubeconfig()).unwrap();
    let mut config: serde_yaml::Value = serde_yaml::from_str(&kubeconfig).unwrap();
    let contexts = config["contexts"].as_sequence_mut().unwrap();
    let mut other = contexts[0].clone();
    other["name"] = "arn:aws/other".into();
    let mut broken = contexts[0].clone();
    broken["name"] = "broken".into();
    broken["context"]["user"] = "nobody".into();
    contexts.extend([broken, other]);
    let path = session.file(
        "contexts.kubeconfig",
        &serde_yaml::to_string(&config).unwrap(),
    );
    let folder = session.cluster.folder().join("backups");
    let run = Run::of(
        awsauth(session.cluster, &path)
            // A backup of one cluster must not be saved under the names of all clusters.
            .env("AWSAUTH_CLUSTER", "nowhere")
            .env("AWSAUTH_FILE", "nowhere.yaml")
            .env("AWSAUTH_CLUSTER_NAME", "nowhere")
            .args(["backup", "--all-contexts", "--to"])
            .arg(&folder),
    );
    run.says(2, &["nobody", "Saved aws-auth of context admin"]);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    files.sort();
    assert_eq!(files, ["admin.yaml", "arn%3Aaws%2Fother.yaml"]);
}

#[test]
fn kept_backups_are_new_versions_and_the_oldest_are_removed() {
    let session = ExclusiveCluster::start();
    let folder = session.cluster.folder().join("kept");
    let to = folder.to_str().unwrap();
    let files = || {
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        files
    };
    let backup = || session.run(&["backup", "--to", to, "--keep", "2"]);
    backup().says(0, &["Saved aws-auth of context admin"]);
    let first = files();
    assert_eq!(first.len(), 1);
    let mode = std::fs::metadata(&first[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Nothing has changed.
    backup().says(0, &["is as in "]);
    assert_eq!(files(), first);

    // Two older ones, and files of other programs.
    for name in ["20200101T000000Z", "20200102T000000Z"] {
        std::fs::write(folder.join(format!("aws-auth-{name}.yaml")), "old").unwrap();
    }
    let note = folder.join("aws-auth-notes.yaml");
    std::fs::write(&note, "mine").unwrap();
    backup().says(0, &["is as in "]);
    let second = folder.join("aws-auth-20200102T000000Z.yaml");
    assert_eq!(files(), [second, first[0].clone(), note.clone()]);

    // The newest one is restored like any other backup.
    let before = contents(&session);
    session.api.delete();
    session
        .run(&["backup", "--to", to, "--keep", "2"])
        .says(1, &["has no aws-auth to save"]);
    session.done(&["restore", first[0].to_str().unwrap()]);
    assert_eq!(contents(&session), before);

    // What another user could leave in a shared folder: newer files, and a pipe without a writer.
    for name in ["99990101T000000Z", "99990102T000000Z"] {
        std::fs::write(folder.join(format!("aws-auth-{name}.yaml")), "theirs").unwrap();
    }
    let pipe = folder.join("aws-auth-99991231T235959Z.yaml");
    let made = program_output::output(Command::new("mkfifo").arg(&pipe));
    assert!(made.status.success());
    let run = backup();
    run.says(0, &["Saved aws-auth of context admin"]);
    let (_, file) = run
        .stderr
        .trim_end_matches(".\n")
        .rsplit_once(" to ")
        .unwrap();
    assert!(Path::new(file).exists(), "{run:?}");
    session
        .run(&["backup", "--to", "-", "--keep", "2"])
        .says(2, &["cannot write several backups to stdout"]);
    session
        .run(&["backup", "--to", to, "--keep", "0"])
        .says(2, &["--keep"]);
}

#[test]
fn history_falls_back_to_a_local_file() {
    let session = ExclusiveCluster::start();
    session
        .cluster
        .kubectl_fed(&["apply", "-f", "-"], WRITER_WITHOUT_HISTORY);
    let state = session.cluster.folder().join("state");
    let as_writer = |state: &Path, args: &[&str]| {
        let mut command = awsauth(
            session.cluster,
            &session.cluster.kubeconfig_for(READER.name),
        );
        Run::of(command.env("XDG_STATE_HOME", state).args(args))
    };
    eventually(|| {
        as_writer(
            &state,
            &[&map_args(MYTESTROLE)[..], &["--dry-run"]].concat(),
        )
        .status
            == 0
    });
    let before = contents(&session);
    let message = [
        "warning: cannot store the previous aws-auth in the cluster: ",
        // To read it first, or only to add to it shortly after another write.
        r#"User "reader" cannot "#,
        r#" resource "configmaps""#,
        "Stored the previous aws-auth in ",
    ];
    as_writer(&state, &map_args(MYTESTROLE)).says(0, &message);
    let folder = std::fs::read_dir(state.join("awsauth"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(
        std::fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let list = as_writer(&state, &["history", "-o", "json"]);
    list.says(0, &["warning: cannot read the cluster's history"]);
    assert_eq!(
        list.json()["revisions"][0]["path"],
        files[0].to_str().unwrap()
    );
    as_writer(&state, &["undo", "--allow-no-admin"]).says(0, &message);
    assert_eq!(contents(&session), before);
    session.done(&["restore", files[0].to_str().unwrap()]);

    // The revision can be stored neither in the cluster nor in a local file.
    let nowhere = Path::new("/dev/null/x");
    let version = session.resource_version();
    as_writer(nowhere, &map_args(MYTESTROLE)).says(
        4,
        &[
            "refused (backup-failed): ",
            "no copy of it can be stored",
            "--no-backup",
        ],
    );
    assert_eq!(session.resource_version(), version);
    as_writer(
        nowhere,
        &[&map_args(MYTESTROLE)[..], &["--no-backup"]].concat(),
    )
    .says(
        0,
        &[
            "warning: the previous aws-auth is not stored anywhere",
            "Wrote aws-auth",
        ],
    );

    // With the permissions of docs/history.md and an existing history.
    session.done(&["unmap", "role", MYTESTROLE]);
    session.cluster.kubectl_fed(&["apply", "-f", "-"], WRITER);
    eventually(|| as_writer(nowhere, &["history"]).stderr.is_empty());
    as_writer(nowhere, &map_args(MYTESTROLE))
        .says(0, &["Stored the previous aws-auth as revision"]);
    assert_eq!(
        as_writer(nowhere, &["history", "-o", "json"]).json()["revisions"][1]["username"],
        "reader"
    );
    session.cluster.kubectl(&[
        "delete",
        "role,rolebinding",
        "-n",
        "kube-system",
        "aws-auth-writer",
    ]);
}

#[test]
fn oldest_revisions_are_removed_if_the_history_is_full() {
    let session = ExclusiveCluster::start();
    for _ in 0..16 {
        session.map(&[]).says(0, &[]);
        session.done(&["unmap", "role", MYTESTROLE]);
    }
    let revisions = history(&session);
    assert!(
        (20..30).contains(&revisions.len()),
        "32 were written: {}",
        revisions.len()
    );
    let last = &revisions.last().unwrap()["command"];
    assert_eq!(last[1], "unmap");
    // A write that is not one of many removes all that are too many.
    sleep(Duration::from_secs(3));
    session.map(&[]).says(0, &[]);
    assert_eq!(history(&session).len(), 20);
    session.done(&["unmap", "role", MYTESTROLE]);

    // Four of these revisions fit into 900 KiB.
    let mut object = session.api.object();
    let noise = (0..300_000).map(|_| fastrand::alphanumeric());
    object["data"]["filler"] = noise.collect::<String>().into();
    session.api.replace(&object).unwrap();
    for _ in 0..3 {
        session
            .map(&[])
            .says(0, &["Stored the previous aws-auth as revision"]);
        session.done(&["unmap", "role", MYTESTROLE]);
    }
    let revisions = history(&session);
    assert!((2..20).contains(&revisions.len()), "{}", revisions.len());
    assert!(
        revisions.iter().all(|revision| revision["then"] == "kept"),
        "{revisions:?}"
    );

    // Other clients may add keys to the ConfigMap.
    session.patch_history(&json!({"data": {"note": "x"}, "binaryData": {"theirs": "aGVsbG8="}}));
    let table = session.done(&["history"]).stdout;
    assert!(
        table.contains("unreadable: it is not a key of awsauth"),
        "{table}"
    );
    session
        .map(&[])
        .says(0, &["Stored the previous aws-auth as revision"]);
    session.done(&["undo", "--whole"]);
    // Other clients may remove keys from the ConfigMap.
    session.api.delete_history();
    session
        .run(&["undo"])
        .says(1, &["the history has no write", "awsauth restore FILE"]);
    session
        .map(&[])
        .says(0, &["Stored the previous aws-auth as revision"]);
    assert_eq!(history(&session).len(), 1);
    let object: Value = serde_json::from_str(&session.cluster.kubectl(&[
        "get",
        "configmap",
        "awsauth-history",
        "-n",
        "kube-system",
        "-o",
        "json",
    ]))
    .unwrap();
    assert_eq!(
        object["metadata"]["labels"],
        json!({"app.kubernetes.io/managed-by": "awsauth"})
    );
}

#[test]
fn killed_run_leaves_the_old_or_the_new_state() {
    let session = ExclusiveCluster::start();
    let cluster = session.cluster;
    let server = cluster.server_url();
    let slow = SlowProxy::start(&server, Duration::from_millis(40));
    let kubeconfig = session.kubeconfig_with("killed.kubeconfig", &server, &slow.url);
    let role = |moment: u32| format!("arn:aws:iam::111122223333:role/killed-{moment}");
    let mut written = 0;
    // Delays from before the first byte to after the last one.
    for moment in 0..18 {
        let before = session.text("mapRoles");
        let run = Running::start(awsauth(cluster, &kubeconfig), &map_args(&role(moment)));
        sleep(Duration::from_millis(40) * moment);
        // Dropping kills it.
        drop(run);
        // Requests that were sent before the kill still arrive.
        sleep(Duration::from_millis(150));
        let after = session.text("mapRoles");
        let list = session.done(&["history", "-o", "json"]).json();
        let revisions = list["revisions"].as_array().unwrap();
        if after == before {
            assert!(
                revisions
                    .iter()
                    .all(|revision| revision["then"] != "foreign"),
                "{list}"
            );
            continue;
        }
        written += 1;
        assert!(
            after.starts_with(&before) && after.contains(&role(moment)),
            "{after}"
        );
        // Runs that were killed earlier recorded the same aws-auth.
        let mut newest_first = revisions.iter().rev();
        let wrote = newest_first.find(|revision| revision["then"] == "kept");
        assert_eq!(wrote.unwrap()["after"], list["live"], "{list}");
        session.done(&["undo", "--whole"]);
        assert_eq!(session.text("mapRoles"), before);
    }
    assert!(written < 18, "none was killed in time");
}

#[test]
fn concurrent_writers_leave_a_linear_history() {
    const WRITERS: usize = 6;
    let session = ExclusiveCluster::start();
    let cluster = session.cluster;
    let role = |writer: usize| format!("arn:aws:iam::111122223333:role/chain-{writer}");
    scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                let mut command = awsauth(cluster, &cluster.kubeconfig());
                Run::of(command.args(map_args(&role(writer)))).says(0, &[]);
            });
        }
    });
    let revisions = history(&session);
    assert_eq!(revisions.len(), WRITERS, "each run has one: {revisions:?}");
    for (revision, next) in revisions.iter().zip(&revisions[1..]) {
        assert_eq!(
            (&revision["then"], &revision["after"]),
            (&json!("kept"), &next["before"])
        );
    }
    let first = revisions[0]["revision"].to_string();
    let all = WRITERS.to_string();
    session.done(&["restore", &first, "--allow-removals", &all]);
    assert_eq!(session.text("mapRoles"), NODES);
}

#[test]
fn history_falls_back_to_the_home_folder() {
    let session = ExclusiveCluster::start();
    let home = session.cluster.folder().join(".local/state/awsauth");
    session.map(&[]).says(0, &[]);
    let folders = std::fs::read_dir(&home).into_iter().flatten().flatten();
    let files = folders.map(|folder| std::fs::read_dir(folder.path()).unwrap().count());
    assert_eq!(files.sum::<usize>(), 0, "the cluster keeps it");
    session.patch_history(&json!({"immutable": true}));
    session.done(&["unmap", "role", MYTESTROLE]).says(
        0,
        &[
            "cannot store the previous aws-auth in the cluster",
            "immutable",
            ".local/state/awsauth/cluster-",
        ],
    );
    session.done(&["undo", "--whole"]);
    assert!(session.text("mapRoles").contains(MYTESTROLE));
    std::fs::remove_dir_all(home).unwrap();
}

#[test]
fn local_copies_of_another_cluster_are_not_offered() {
    let session = ExclusiveCluster::start();
    let home = session.cluster.folder().join(".local/state/awsauth");
    session.map(&[]).says(0, &[]);
    session.patch_history(&json!({"immutable": true}));
    session.done(&["unmap", "role", MYTESTROLE]);
    let listed = || {
        let run = session.done(&["history", "-o", "json"]);
        let count = run.json()["revisions"].as_array().unwrap().len();
        (count, run.stderr)
    };
    assert_eq!(listed(), (2, String::new()));
    let folders: Vec<_> = std::fs::read_dir(&home).unwrap().flatten().collect();
    let [folder] = &folders[..] else {
        panic!("{folders:?}");
    };
    let uid = session.cluster.kubectl(&[
        "get",
        "namespace",
        "kube-system",
        "-o",
        "jsonpath={.metadata.uid}",
    ]);
    let name = folder.file_name().into_string().unwrap();
    let certificate = name.strip_suffix(&format!("-{uid}")).expect(&name);
    let digest = certificate.strip_prefix("cluster-certificate-");
    assert_eq!(digest.map(str::len), Some(64), "{name}");
    // The copies of a cluster that was reached at the same address before.
    let other = home.join(format!(
        "{certificate}-00000000-0000-0000-0000-000000000000"
    ));
    std::fs::rename(folder.path(), &other).unwrap();
    assert_eq!(listed(), (1, String::new()));
    // If the copies could be of another cluster, the user chooses.
    let url = session.cluster.server_url();
    let address = url.trim_start_matches("https://").replace(':', "_");
    let uncertain = home.join(format!("cluster-address-{address}"));
    std::fs::rename(other, &uncertain).unwrap();
    let (count, stderr) = listed();
    assert_eq!(count, 1);
    assert!(
        stderr.contains(
            "may be of another cluster\nhint: to restore one of them: awsauth restore FILE\n"
        ),
        "{stderr}"
    );
    // Without the permission to read the namespace, the certificate is enough.
    std::fs::rename(uncertain, home.join(certificate)).unwrap();
    assert_eq!(listed(), (2, String::new()));
    std::fs::remove_dir_all(home).unwrap();
}
