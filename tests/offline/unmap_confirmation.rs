//! The question of `unmap` before it removes the entries that match conditions.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::Path;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};

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
    const QUESTION: &str = "Remove role/dev from aws-auth in aws-auth.yaml? [y/N] ";
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

#[test]
fn entries_of_unused_principals_are_removed_after_confirmation() {
    // The entry that shadows the other is removed with it: otherwise the other would grant access.
    let shadowed = "    - {rolearn: 'arn:aws:iam::111122223333:role/dev', username: old, groups: [system:masters]}\n";
    let manifest = MANIFEST.replacen("  mapRoles: |\n", &format!("  mapRoles: |\n{shadowed}"), 1);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let days = (0..4).map(|day| {
        let time = Timestamp::now() - SignedDuration::from_hours(24 * day + 1);
        let time = time.strftime("%Y-%m-%dT%H:%M:%SZ");
        format!(
            "time=\"{time}\" msg=\"access granted\" arn=\"arn:aws:iam::111122223333:role/ops\"\n"
        )
    });
    fs::write(folder.join("log"), days.collect::<String>()).unwrap();
    let end = |since: &str, arn: &str, keys: &str| {
        let args = ["--unused", "--since", since, "--log", "log", "--arn", arn];
        let command = unmap(folder, &args);
        fs::write(folder.join("aws-auth.yaml"), &manifest).unwrap();
        let mut terminal = Terminal::of(&command);
        if !keys.is_empty() {
            terminal.shows("Remove role/dev, role/dev from aws-auth in aws-auth.yaml? [y/N] ");
            terminal.type_in(keys);
        }
        let (status, screen) = terminal.end();
        (status, screen, self::manifest(folder))
    };
    let (status, screen, after) = end("3d", "*", "n\n");
    assert_eq!((status, &after), (4, &manifest), "{screen}");
    let (status, screen, after) = end("3d", "*", "y\n");
    assert_eq!(status, 0, "{screen}");
    for part in [
        ": 1 used, 1 unused, 0 unknown.\n",
        "arn:aws:iam::111122223333:role/dev is unused: no sign-in in the log\n",
        "- arn:aws:iam::111122223333:role/dev loses user dev in group contractors\n",
    ] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    assert!(
        !after.contains("role/dev") && after.contains("role/ops"),
        "{after}"
    );

    // All conditions must be met.
    let (status, screen, after) = end("3d", "*:role/o*", "");
    assert_eq!((status, &after), (1, &manifest), "{screen}");
    assert!(
        screen.contains("no entry of aws-auth.yaml matches --unused and --arn *:role/o*\n"),
        "{screen}"
    );
    // The log has no sign-in before the last four days.
    let (status, screen, after) = end("9d", "*", "");
    assert_eq!((status, &after), (1, &manifest), "{screen}");
    assert!(
        screen.contains(": 1 used, 0 unused, 1 unknown.\n"),
        "{screen}"
    );
}
