//! `awsauth edit` with concurrent writes by other clients.

use std::process::Command;

use crate::commands::harness::{
    ExclusiveCluster, NODES, READER, Run, Running, awsauth, eventually,
};
use crate::commands::permissions::READ_ONLY;
use crate::support::editor_session::{EditorSession, Terminal};

const OPS: &str = "\
- rolearn: arn:aws:iam::111122223333:role/ops   # on call
  username: ops
  groups: [ops]
";

/// Maps the nodes, and then the role ops.
fn start() -> ExclusiveCluster {
    let session = ExclusiveCluster::start();
    session
        .api
        .change_roles(|roles| Some(format!("{roles}{OPS}")));
    session
}

fn edit(session: &ExclusiveCluster, editor: &EditorSession, more: &[&str]) -> Command {
    let mut command = session.command();
    command.arg("edit").args(more);
    editor.configure(&mut command);
    command
}

fn roles(ops: &str) -> String {
    format!("{NODES}{}", OPS.replace("username: ops", ops))
}

const TO_ON_CALL: &str = "sed -i 's/username: ops/username: on-call/' \"$1\"";

/// Runs an edit during which another client writes.
fn meanwhile(session: &ExclusiveCluster, editor: &EditorSession, theirs: impl FnOnce()) -> Run {
    editor.time(
        1,
        &format!("{TO_ON_CALL}; until [ -e go ]; do sleep 0.1; done"),
    );
    let run = Running::start(edit(session, editor, &["--yes"]), &[""; 0]);
    eventually(|| editor.file("page.1").exists());
    theirs();
    std::fs::write(editor.file("go"), "").unwrap();
    run.end()
}

#[test]
fn saved_edit_is_shown_written_and_can_be_undone() {
    let session = start();
    let editor = EditorSession::new();
    editor.time(1, TO_ON_CALL);
    let mut terminal = Terminal::of(&edit(&session, &editor, &["--reason", "rota"]));
    terminal.shows("[y/N] ");
    assert_eq!(session.text("mapRoles"), roles("username: ops"));
    terminal.type_in("yes\n");
    let (status, screen) = terminal.end();
    assert_eq!(status, 0, "{screen}");
    for part in [
        "+  username: on-call",
        "loses user ops in group ops",
        "Stored the previous aws-auth as revision",
    ] {
        assert_eq!(screen.matches(part).count(), 1, "{part}: {screen}");
    }
    assert_eq!(session.text("mapRoles"), roles("username: on-call"));
    assert_eq!(session.text("mapUsers"), "[]\n");
    editor.was_private();
    assert_eq!(editor.kept(), []);
    let server = session.cluster.server_url();
    let title = editor.page(1).lines().next().unwrap().to_owned();
    assert!(
        title.starts_with("#! aws-auth of context ") && title.contains(&server),
        "{title}"
    );

    let history = session.done(&["history"]).stdout;
    assert!(
        history.contains("awsauth edit") && history.contains("rota"),
        "{history}"
    );
    session.done(&["undo"]);
    assert_eq!(session.text("mapRoles"), roles("username: ops"));
}

#[test]
fn invalid_edit_reopens_and_abandoned_edit_is_kept() {
    let session = start();
    let before = session.resource_version();
    let editor = EditorSession::new();
    editor.time(1, "sed -i 's/role.ops/role\\/team\\/ops/' \"$1\"");
    let run = Run::of(&mut edit(&session, &editor, &["--yes", "-o", "json"]));
    run.says(4, &["refused (lint-regression)", "R03 role-path"]);
    assert_eq!(run.json()["refusals"][0]["guard"], "WG07");
    let page = editor.page(2);
    assert!(page.contains("#! error[R03 role-path]: "), "{page}");
    assert!(editor.kept_and_named(&run.stderr).contains("role/team/ops"));

    let editor = EditorSession::new();
    editor.time(
        1,
        &format!("sed -i '/Nodes*Instance/,/username/d' \"$1\"; {TO_ON_CALL}"),
    );
    let run = Run::of(&mut edit(&session, &editor, &["--yes"]));
    run.says(4, &["refused"]);
    assert_eq!(editor.times(), 2);
    editor.kept_and_named(&run.stderr);

    // Missing write permission is reported before the editor starts.
    session
        .cluster
        .kubectl_fed(&["apply", "-f", "-"], READ_ONLY);
    let editor = EditorSession::new();
    let mut command = awsauth(
        session.cluster,
        &session.cluster.kubeconfig_for(READER.name),
    );
    let run = Run::of(editor.configure(command.args(["edit", "--yes"])));
    run.says(3, &["cannot write aws-auth"]);
    assert_eq!((editor.times(), editor.kept()), (0, vec![]));
    assert_eq!(session.resource_version(), before);
}

#[test]
fn concurrent_change_elsewhere_is_kept() {
    let session = start();
    let editor = EditorSession::new();
    let other = "- rolearn: arn:aws:iam::111122223333:role/other\n  username: other\n";
    let run = meanwhile(&session, &editor, || {
        session
            .api
            .change_roles(|roles| Some(format!("{other}{roles}")));
    });
    run.says(
        0,
        &["Other clients have changed aws-auth in the meantime: their changes stay."],
    );
    let merged = format!("{other}{}", roles("username: on-call"));
    assert_eq!(session.text("mapRoles"), merged);
    assert_eq!(editor.times(), 1);
}

#[test]
fn overlapping_concurrent_change_is_shown() {
    let session = start();
    let theirs = || {
        session
            .api
            .change_roles(|roles| Some(roles.replace("username: ops", "username: theirs")));
    };
    let conflict = "<<<<<<< yours\n  username: on-call\n=======\n  username: theirs\n>>>>>>> on the cluster now\n";
    let editor = EditorSession::new();
    let run = meanwhile(&session, &editor, theirs);
    run.says(
        5,
        &["other clients have changed the same lines in the meantime; nothing was written"],
    );
    assert!(editor.page(2).contains(conflict), "{}", editor.page(2));
    assert!(editor.kept_and_named(&run.stderr).contains("on-call"));
    assert_eq!(session.text("mapRoles"), roles("username: theirs"));

    session
        .api
        .change_roles(|roles| Some(roles.replace("username: theirs", "username: ops")));
    let editor = EditorSession::new();
    editor.time(2, "sed -i '/^<<</d; /^===/,/^>>>/d' \"$1\"");
    meanwhile(&session, &editor, theirs).says(0, &["Wrote aws-auth"]);
    assert_eq!(session.text("mapRoles"), roles("username: on-call"));

    // An entry that was removed meanwhile is not restored.
    let editor = EditorSession::new();
    session
        .api
        .change_roles(|roles| Some(roles.replace("username: on-call", "username: ops")));
    let run = meanwhile(&session, &editor, || session.api.delete());
    run.says(
        5,
        &["aws-auth was deleted in the meantime", "awsauth restore"],
    );
    editor.kept_and_named(&run.stderr);
    assert!(session.api.get().is_err());
}

#[test]
fn misspelled_section_can_be_renamed_in_the_editor() {
    let session = start();
    let mut object = session.api.object();
    object["data"]["mapUser"] =
        "- userarn: arn:aws:iam::111122223333:user/ada\n  username: ada\n".into();
    object["data"].as_object_mut().unwrap().remove("mapUsers");
    object["binaryData"]["logo"] = "AAEC".into();
    session.api.replace(&object).unwrap();
    let editor = EditorSession::new();
    editor.time(1, "sed -i 's/^mapUser:/mapUsers:/' \"$1\"");
    let run = Run::of(&mut edit(&session, &editor, &["--yes"]));
    run.says(0, &["Wrote aws-auth"]);
    assert!(run.stdout.contains("user/ada gains user ada"), "{run:?}");
    let page = editor.page(1);
    assert!(
        page.contains("There is no mapUsers and no mapAccounts: to add one"),
        "{page}"
    );
    assert!(page.contains("Not shown, and not changed: logo."), "{page}");
    let after = session.api.object();
    assert_eq!(after["data"]["mapUsers"], object["data"]["mapUser"]);
    assert_eq!(after["data"].get("mapUser"), None);
    assert_eq!(after["binaryData"], object["binaryData"]);
    session.done(&["undo", "--allow", "S02"]);
    assert_eq!(session.api.object()["data"], object["data"]);
}

#[test]
fn dry_run_and_unchanged_text_write_nothing() {
    let session = start();
    let before = (session.resource_version(), session.updates());
    let editor = EditorSession::new();
    let run = Run::of(&mut edit(&session, &editor, &["--yes", "-o", "json"]));
    run.says(0, &["Edit cancelled, no changes made."]);
    assert_eq!(run.json()["changed"], false);
    editor.time(2, TO_ON_CALL);
    let run = Run::of(&mut edit(&session, &editor, &["--dry-run"]));
    run.says(0, &["Nothing was written."]);
    assert!(run.stdout.contains("(server dry run)"), "{run:?}");
    let (version, updates) = before;
    assert_eq!(session.resource_version(), version);
    let after = session.updates();
    assert_eq!((after.real, after.dry), (updates.real, updates.dry + 1));

    // A cluster without aws-auth.
    let session = {
        drop(session);
        ExclusiveCluster::without_aws_auth()
    };
    let editor = EditorSession::new();
    editor.time(
        1,
        &format!("cat >> \"$1\" << 'END'\nmapRoles:\n{NODES}END\n"),
    );
    let run = Run::of(&mut edit(&session, &editor, &["--yes"]));
    run.says(0, &["Created aws-auth"]);
    assert_eq!(session.text("mapRoles"), NODES);
    assert!(
        editor.page(1).contains("#! There is no aws-auth in "),
        "{}",
        editor.page(1)
    );
}
