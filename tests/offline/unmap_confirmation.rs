//! The question of `unmap` before it removes the entries that meet conditions.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::editor_session::Terminal;

const MANIFEST: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: aws-auth
  namespace: kube-system
data:
  mapRoles: |
    - rolearn: arn:aws:iam::111122223333:role/dev
      username: dev
      groups: [contractors]
    - rolearn: arn:aws:iam::111122223333:role/ops
      username: ops
      groups: [system:masters]
";

fn unmap(folder: &Path, args: &[&str]) -> Command {
    fs::write(folder.join("aws-auth.yaml"), MANIFEST).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
    command
        .args(["unmap", "--file", "aws-auth.yaml"])
        .args(args);
    command.current_dir(folder);
    command
}

fn manifest(folder: &Path) -> String {
    fs::read_to_string(folder.join("aws-auth.yaml")).unwrap()
}

#[test]
fn selected_entries_are_removed_after_confirmation() {
    const QUESTION: &str = "Remove role/dev from aws-auth of aws-auth.yaml? [y/N] ";
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let selected = ["--group", "contractors"];
    let answer = |keys: &str| {
        let mut terminal = Terminal::of(&unmap(folder, &selected));
        terminal.shows(QUESTION);
        assert_eq!(manifest(folder), MANIFEST);
        terminal.type_in(keys);
        terminal.end()
    };
    let (status, screen) = answer("\n");
    assert_eq!(
        (status, manifest(folder).as_str()),
        (4, MANIFEST),
        "{screen}"
    );
    assert!(
        screen.contains("the answer was no; nothing was written"),
        "{screen}"
    );
    let (status, screen) = answer("y\n");
    assert_eq!(status, 0, "{screen}");
    assert!(
        screen
            .contains("- arn:aws:iam::111122223333:role/dev loses user dev in group contractors\n"),
        "{screen}"
    );
    assert!(!manifest(folder).contains("role/dev"));
}

#[test]
fn question_is_skipped_if_nothing_is_removed_or_the_user_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (args, status, removes) in [
        (&["--group", "contractors", "--yes"][..], 0, true),
        (&["role", "arn:aws:iam::111122223333:role/dev"], 0, true),
        (&["--group", "contractors", "--dry-run"], 0, false),
        (&["--group", "contractor"], 1, false),
        (&["--group", "none", "--ignore-missing"], 0, false),
    ] {
        let (code, screen) = Terminal::of(&unmap(folder, args)).end();
        assert_eq!(code, status, "{args:?}: {screen}");
        assert!(!screen.contains("[y/N]"), "{screen}");
        assert_eq!(manifest(folder) != MANIFEST, removes, "{args:?}");
    }
}
