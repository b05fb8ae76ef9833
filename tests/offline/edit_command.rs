//! `awsauth edit` on a manifest, with a scripted editor.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::process::{Command, Stdio};

use crate::support::completed_run::Run;
use crate::support::editor_session::{EditorSession, Terminal};

const MANIFEST: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: aws-auth
  namespace: kube-system
data:
  mapRoles: |
    # the nodes
    - rolearn: arn:aws:iam::111122223333:role/nodes
      username: system:node:{{EC2PrivateDNSName}}
      groups:
      - system:bootstrappers
      - system:nodes
    - rolearn: arn:aws:iam::111122223333:role/ops   # on call
      username: ops
      groups: [ops]
  mapUsers: '[]'
";

/// The start of a shell command that edits the page.
const SED: &str = "sed -i -e";

fn editor() -> EditorSession {
    let editor = EditorSession::new();
    fs::write(editor.file("aws-auth.yaml"), MANIFEST).unwrap();
    editor
}

fn awsauth(editor: &EditorSession, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
    command
        .env_clear()
        .args(["edit", "--file", "aws-auth.yaml"])
        .args(more);
    command.stdin(Stdio::null());
    editor.configure(&mut command);
    command
}

fn edit(editor: &EditorSession, more: &[&str]) -> Run {
    Run::of(&mut awsauth(editor, more))
}

fn manifest(editor: &EditorSession) -> String {
    fs::read_to_string(editor.file("aws-auth.yaml")).unwrap()
}

/// Asserts that nothing was written. Returns the kept text.
#[track_caller]
fn assert_not_written(editor: &EditorSession, run: &Run, status: i32, parts: &[&str]) -> String {
    run.says(status, parts);
    assert_eq!(manifest(editor), MANIFEST);
    editor.kept_and_named(&run.stderr)
}

#[test]
fn valid_edit_is_shown_and_written_after_confirmation() {
    let editor = editor();
    editor.time(
        1,
        &format!("{SED} 's/username: ops/username: on-call/' \"$1\""),
    );
    let mut terminal = Terminal::of(&awsauth(&editor, &[]));
    terminal.shows("Write this to aws-auth.yaml? [y/N] ");
    assert_eq!(manifest(&editor), MANIFEST);
    terminal.type_in("y\n");
    let (status, screen) = terminal.end();
    assert_eq!(status, 0, "{screen}");
    for part in [
        "+  username: on-call",
        "gains user on-call in group ops",
        "Wrote aws-auth to aws-auth.yaml.",
    ] {
        assert_eq!(screen.matches(part).count(), 1, "{part}: {screen}");
    }
    assert_eq!(
        manifest(&editor),
        MANIFEST.replace("username: ops", "username: on-call")
    );
    editor.was_private();
    assert_eq!(editor.kept(), []);
    let page = editor.page(1);
    assert!(page.starts_with("#! aws-auth of aws-auth.yaml\n"), "{page}");
    assert!(
        page.contains("#!\nmapRoles:\n# the nodes\n- rolearn: "),
        "{page}"
    );
    assert!(
        page.ends_with("#!\nmapUsers:\n[]\n#! no line break at the end\n"),
        "{page}"
    );
}

#[test]
fn declined_edit_is_kept_in_a_file() {
    let editor = editor();
    editor.time(
        1,
        &format!("{SED} 's/username: ops/username: on-call/' \"$1\""),
    );
    let mut terminal = Terminal::of(&awsauth(&editor, &[]));
    terminal.shows("[y/N] ");
    terminal.type_in("n\n");
    let (status, screen) = terminal.end();
    assert_eq!(
        (status, manifest(&editor).as_str()),
        (4, MANIFEST),
        "{screen}"
    );
    assert!(
        screen.contains("the answer was no; nothing was written"),
        "{screen}"
    );
    assert!(editor.kept_and_named(&screen).contains("username: on-call"));
}

#[test]
fn unchanged_or_empty_page_writes_nothing() {
    for script in [
        "true",
        ": > \"$1\"",
        &format!("{SED} '/^#!/!d' \"$1\""),
        &format!("{SED} 's/^#!.*Save.*$/#! so/' \"$1\""),
    ] {
        let editor = editor();
        editor.time(1, script);
        let run = edit(&editor, &["--yes"]);
        run.says(0, &["Edit cancelled, no changes made."]);
        assert_eq!(
            (editor.times(), manifest(&editor).as_str(), editor.kept()),
            (1, MANIFEST, vec![])
        );
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn invalid_edit_reopens_with_the_reasons_at_their_lines() {
    let editor = editor();
    editor.time(1, &format!("{SED} 's/groups: .ops./groups: [ops/' \"$1\""));
    editor.time(
        2,
        &format!("{SED} 's/groups: .ops/groups: [ops]/; s/role.ops/role\\/team\\/ops/' \"$1\""),
    );
    editor.time(3, &format!("{SED} 's/role.team.ops/role\\/oncall/' \"$1\""));
    let run = edit(&editor, &["--yes"]);
    run.says(0, &["Wrote aws-auth"]);
    let (second, third) = (editor.page(2), editor.page(3));
    assert!(
        second.contains("#! error[S04 yaml-syntax-error]: "),
        "{second}"
    );
    let path = "#! error[R03 role-path]: ";
    let at = third.find(path).unwrap_or_else(|| panic!("{third}"));
    let below: Vec<&str> = third[at..].lines().collect();
    assert!(below[1].starts_with("#! help: "), "{third}");
    assert!(
        below[2].starts_with("- rolearn: arn:aws:iam::111122223333:role/team/ops"),
        "{third}"
    );
    assert!(!third.contains("S04"), "{third}");
    assert_eq!(
        manifest(&editor),
        MANIFEST.replace("role/ops", "role/oncall")
    );
    assert_eq!(editor.kept(), []);
}

#[test]
fn invalid_edit_saved_unchanged_ends_and_is_kept() {
    let editor = editor();
    editor.time(1, &format!("{SED} 's/role.ops/role\\/team\\/ops/' \"$1\""));
    let run = edit(&editor, &["--yes"]);
    let kept = assert_not_written(
        &editor,
        &run,
        4,
        &["refused (lint-regression): ", "R03 role-path"],
    );
    assert!(kept.contains("role/team/ops"), "{kept}");
    assert_eq!(editor.times(), 2);

    let editor = self::editor();
    editor.time(1, "echo 'x' > \"$1\"");
    let run = edit(&editor, &["--yes", "-o", "json"]);
    assert_not_written(
        &editor,
        &run,
        2,
        &[
            "cannot read the saved file",
            "line 1: this line is above all keys",
        ],
    );
}

#[test]
fn repeated_invalid_edits_end_the_session() {
    let editor = editor();
    for n in 1..30 {
        editor.time(n, "echo '- rolearn: [' >> \"$1\"");
    }
    let run = edit(&editor, &["--yes"]);
    assert_not_written(&editor, &run, 4, &["refused"]);
    assert_eq!(editor.times(), 10);
}

#[test]
fn failing_editor_writes_nothing() {
    let editor = editor();
    editor.time(1, &format!("{SED} s/ops/on-call/ \"$1\"; exit 3"));
    let run = edit(&editor, &["--yes"]);
    let kept = assert_not_written(
        &editor,
        &run,
        1,
        &["ended with exit status: 3; nothing was written"],
    );
    assert!(kept.contains("on-call"));

    let editor = self::editor();
    let run = Run::of(awsauth(&editor, &["--yes"]).env("KUBE_EDITOR", "no-such-editor --wait"));
    run.says(
        1,
        &["no-such-editor", "hint: name another, such as EDITOR=vi"],
    );
    assert_eq!(editor.kept(), []);
    let run = Run::of(
        awsauth(&editor, &["--yes"])
            .env_remove("VISUAL")
            .env_remove("EDITOR"),
    );
    run.says(2, &["no editor is named", "hint: "]);
}

#[test]
fn edit_without_a_terminal_requires_yes_or_dry_run() {
    let editor = editor();
    edit(&editor, &[]).says(2, &["there is no terminal", "--yes", "--dry-run"]);
    assert_eq!(editor.times(), 0);
    editor.time(
        1,
        &format!("{SED} 's/username: ops/username: on-call/' \"$1\""),
    );
    let run = edit(&editor, &["--dry-run"]);
    run.says(0, &["Nothing was written."]);
    assert!(
        run.stdout.contains("gains user on-call in group ops"),
        "{run:?}"
    );
    assert_eq!(
        (manifest(&editor).as_str(), editor.kept()),
        (MANIFEST, vec![])
    );
}

#[test]
fn guard_refusal_is_shown_in_the_editor() {
    let editor = editor();
    editor.time(1, &format!("{SED} '/role.nodes/,/system:nodes/d' \"$1\""));
    let run = edit(&editor, &["--yes"]);
    assert_not_written(
        &editor,
        &run,
        4,
        &[
            "refused (node-guard)",
            "--allow-node-entry arn:aws:iam::111122223333:role/nodes",
        ],
    );
    let page = editor.page(2);
    assert!(
        page.contains("#! refused (node-guard): nodes sign in with"),
        "{page}"
    );
    fs::remove_file(editor.file("times")).unwrap();
    let allow = [
        "--yes",
        "--allow-node-entry",
        "arn:aws:iam::111122223333:role/nodes",
    ];
    edit(&editor, &allow).says(0, &["Wrote aws-auth"]);
}

#[test]
fn ctrl_c_reaches_the_editor_first_and_then_awsauth() {
    let editor = editor();
    let script = format!(
        "trap 'echo interrupted > told' INT; echo ready; until [ -e told ]; do sleep 0.1; done; {SED} 's/username: ops/username: on-call/' \"$1\""
    );
    editor.time(1, &script);
    let mut terminal = Terminal::of(&awsauth(&editor, &[]));
    terminal.shows("ready");
    terminal.type_in("\u{3}");
    terminal.shows("[y/N] ");
    terminal.type_in("\u{3}");
    let (status, screen) = terminal.end();
    assert_eq!(
        (status, manifest(&editor).as_str()),
        (130, MANIFEST),
        "{screen}"
    );
    assert!(editor.kept_and_named(&screen).contains("on-call"));
}

#[test]
fn concurrent_changes_are_merged_or_shown() {
    let editor = editor();
    // While the editor is open, another user adds a comment to the node entry.
    let theirs = "sed -i 's/# the nodes/# our nodes/' aws-auth.yaml";
    editor.time(
        1,
        &format!("{theirs}; {SED} 's/username: ops/username: on-call/' \"$1\""),
    );
    edit(&editor, &["--yes"]).says(0, &["Other clients have changed aws-auth in the meantime"]);
    let merged = MANIFEST.replace("# the nodes", "# our nodes");
    assert_eq!(
        manifest(&editor),
        merged.replace("username: ops", "username: on-call")
    );

    let editor = self::editor();
    let theirs = "sed -i 's/username: ops/username: theirs/' aws-auth.yaml";
    editor.time(
        1,
        &format!("{theirs}; {SED} 's/username: ops/username: ours/' \"$1\""),
    );
    editor.time(2, "true");
    let run = edit(&editor, &["--yes"]);
    run.says(
        5,
        &["other clients have changed the same lines in the meantime"],
    );
    let conflict =
        "<<<<<<< yours\n  username: ours\n=======\n  username: theirs\n>>>>>>> in the file now\n";
    let page = editor.page(2);
    assert!(page.contains(conflict), "{page}");
    assert!(
        editor
            .kept_and_named(&run.stderr)
            .contains("username: ours")
    );
    // With conflict markers left in, the page is rejected; with the conflict resolved, it is written.
    let editor = self::editor();
    editor.time(
        1,
        &format!("{theirs}; {SED} 's/username: ops/username: ours/' \"$1\""),
    );
    editor.time(2, &format!("{SED} '/^<<<<<<</d' \"$1\""));
    editor.time(
        3,
        &format!(
            "{SED} '/^===/d; /^>>>/d; s/username: ours/username: both/; /username: theirs/d' \"$1\""
        ),
    );
    edit(&editor, &["--yes"]).says(0, &["Wrote"]);
    let page = editor.page(3);
    assert!(page.contains("#! this conflict is not resolved"), "{page}");
    assert_eq!(
        manifest(&editor),
        MANIFEST.replace("username: ops", "username: both")
    );
}

#[test]
fn concurrent_change_of_a_commented_line_is_shown() {
    for more in ["", "; s/username: ops/username: on-call/"] {
        let editor = editor();
        let theirs = "sed -i 's/# on call/# theirs/' aws-auth.yaml";
        editor.time(
            1,
            &format!("{theirs}; {SED} 's/# on call/# ours/{more}' \"$1\""),
        );
        editor.time(2, "true");
        let run = edit(&editor, &["--yes"]);
        run.says(
            5,
            &["other clients have changed the same lines of mapRoles"],
        );
        let page = editor.page(2);
        assert!(
            page.contains("# ours\n") && page.contains("# theirs\n"),
            "{page}"
        );
        assert!(editor.kept_and_named(&run.stderr).contains("# ours"));
        assert_eq!(manifest(&editor), MANIFEST.replace("# on call", "# theirs"));
    }
}

#[test]
fn missing_file_is_reported_before_the_editor_starts() {
    let editor = editor();
    fs::remove_file(editor.file("aws-auth.yaml")).unwrap();
    edit(&editor, &[]).says(2, &["aws-auth.yaml"]);
    assert_eq!(editor.times(), 0);
}

#[test]
fn unreadable_section_can_be_fixed_in_the_editor() {
    let editor = editor();
    let broken = MANIFEST.replace("groups: [ops]", "groups: [ops");
    fs::write(editor.file("aws-auth.yaml"), &broken).unwrap();
    editor.time(1, &format!("{SED} 's/username: ops/username: o/' \"$1\""));
    editor.time(
        2,
        &format!("{SED} 's/username: o$/username: ops/; s/groups: .ops/groups: [ops]/' \"$1\""),
    );
    edit(&editor, &["--yes"]).says(0, &["Wrote aws-auth"]);
    assert!(editor.page(2).contains("#! error: "), "{}", editor.page(2));
    assert_eq!(manifest(&editor), MANIFEST);
}

#[test]
fn waiver_does_not_admit_an_unreadable_section() {
    let editor = editor();
    let waiver = "# awsauth: ignore[S04] it has to be";
    editor.time(
        1,
        &format!("{SED} 's/groups: .ops./groups: [ops  {waiver}/' \"$1\""),
    );
    let run = edit(&editor, &["--yes"]);
    assert_not_written(&editor, &run, 4, &["cannot read what you saved"]);
    // Only one line is named, without the line number of the YAML library.
    assert!(!run.stderr.contains("yaml: line"), "{run:?}");
    assert!(
        !editor.page(2).contains("#! error: yaml"),
        "{}",
        editor.page(2)
    );
}
