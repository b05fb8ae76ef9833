//! `awsauth edit` on a manifest, with an editor that does what the test says.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::process::{Command, Stdio};

use support::desk::{Desk, Terminal};
use support::run::Run;

mod support;

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

/// The start of a shell command that changes the page.
const SED: &str = "sed -i -e";

fn desk() -> Desk {
    let desk = Desk::new();
    fs::write(desk.file("aws-auth.yaml"), MANIFEST).unwrap();
    desk
}

fn awsauth(desk: &Desk, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
    command
        .env_clear()
        .args(["edit", "--file", "aws-auth.yaml"])
        .args(more);
    command.stdin(Stdio::null());
    desk.seat(&mut command);
    command
}

fn edit(desk: &Desk, more: &[&str]) -> Run {
    Run::of(&mut awsauth(desk, more))
}

fn manifest(desk: &Desk) -> String {
    fs::read_to_string(desk.file("aws-auth.yaml")).unwrap()
}

/// Asserts that nothing was written, and gives what was kept.
#[track_caller]
fn given_up(desk: &Desk, run: &Run, status: i32, parts: &[&str]) -> String {
    run.says(status, parts);
    assert_eq!(manifest(desk), MANIFEST);
    desk.kept_and_named(&run.stderr)
}

#[test]
fn a_good_edit_is_shown_and_written_when_the_answer_is_yes() {
    let desk = desk();
    desk.time(
        1,
        &format!("{SED} 's/username: ops/username: on-call/' \"$1\""),
    );
    let mut terminal = Terminal::of(&awsauth(&desk, &[]));
    terminal.shows("Write this to aws-auth.yaml? [y/N] ");
    assert_eq!(manifest(&desk), MANIFEST);
    terminal.type_in("y\n");
    let (status, screen) = terminal.end();
    assert_eq!(status, 0, "{screen}");
    for part in [
        "+  username: on-call",
        "to   user on-call in group ops",
        "Wrote aws-auth to aws-auth.yaml.",
    ] {
        assert_eq!(screen.matches(part).count(), 1, "{part}: {screen}");
    }
    assert_eq!(
        manifest(&desk),
        MANIFEST.replace("username: ops", "username: on-call")
    );
    desk.was_private();
    assert_eq!(desk.kept(), []);
    let page = desk.page(1);
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
fn a_no_keeps_what_was_typed() {
    let desk = desk();
    desk.time(
        1,
        &format!("{SED} 's/username: ops/username: on-call/' \"$1\""),
    );
    let mut terminal = Terminal::of(&awsauth(&desk, &[]));
    terminal.shows("[y/N] ");
    terminal.type_in("n\n");
    let (status, screen) = terminal.end();
    assert_eq!(
        (status, manifest(&desk).as_str()),
        (4, MANIFEST),
        "{screen}"
    );
    assert!(
        screen.contains("the answer was no; nothing was written"),
        "{screen}"
    );
    assert!(desk.kept_and_named(&screen).contains("username: on-call"));
}

#[test]
fn unchanged_or_emptied_nothing_is_written() {
    for script in [
        "true",
        ": > \"$1\"",
        &format!("{SED} '/^#!/!d' \"$1\""),
        &format!("{SED} 's/^#!.*Save.*$/#! so/' \"$1\""),
    ] {
        let desk = desk();
        desk.time(1, script);
        let run = edit(&desk, &["--yes"]);
        run.says(0, &["Edit cancelled, no changes made."]);
        assert_eq!(
            (desk.times(), manifest(&desk).as_str(), desk.kept()),
            (1, MANIFEST, vec![])
        );
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn what_is_wrong_comes_back_with_the_reasons_at_their_lines() {
    let desk = desk();
    desk.time(1, &format!("{SED} 's/groups: .ops./groups: [ops/' \"$1\""));
    desk.time(
        2,
        &format!("{SED} 's/groups: .ops/groups: [ops]/; s/role.ops/role\\/team\\/ops/' \"$1\""),
    );
    desk.time(3, &format!("{SED} 's/role.team.ops/role\\/oncall/' \"$1\""));
    let run = edit(&desk, &["--yes"]);
    run.says(0, &["Wrote aws-auth"]);
    let (second, third) = (desk.page(2), desk.page(3));
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
    assert_eq!(manifest(&desk), MANIFEST.replace("role/ops", "role/oncall"));
    assert_eq!(desk.kept(), []);
}

#[test]
fn what_is_wrong_and_saved_again_is_given_up_and_kept() {
    let desk = desk();
    desk.time(1, &format!("{SED} 's/role.ops/role\\/team\\/ops/' \"$1\""));
    let run = edit(&desk, &["--yes"]);
    let kept = given_up(
        &desk,
        &run,
        4,
        &["refused (lint-regression): ", "R03 role-path"],
    );
    assert!(kept.contains("role/team/ops"), "{kept}");
    assert_eq!(desk.times(), 2);

    let desk = self::desk();
    desk.time(1, "echo 'x' > \"$1\"");
    let run = edit(&desk, &["--yes", "-o", "json"]);
    given_up(
        &desk,
        &run,
        2,
        &["cannot read the text", "line 1: this stands above all keys"],
    );
}

#[test]
fn an_editor_that_never_learns_is_not_asked_for_ever() {
    let desk = desk();
    for n in 1..30 {
        desk.time(n, "echo '- rolearn: [' >> \"$1\"");
    }
    let run = edit(&desk, &["--yes"]);
    given_up(&desk, &run, 4, &["refused"]);
    assert_eq!(desk.times(), 10);
}

#[test]
fn an_editor_that_fails_writes_nothing() {
    let desk = desk();
    desk.time(1, &format!("{SED} s/ops/on-call/ \"$1\"; exit 3"));
    let run = edit(&desk, &["--yes"]);
    let kept = given_up(
        &desk,
        &run,
        1,
        &["ended with exit status: 3; nothing was written"],
    );
    assert!(kept.contains("on-call"));

    let desk = self::desk();
    let run = Run::of(awsauth(&desk, &["--yes"]).env("KUBE_EDITOR", "no-such-editor --wait"));
    run.says(
        1,
        &["no-such-editor", "hint: name another, such as EDITOR=vi"],
    );
    assert_eq!(desk.kept(), []);
    let run = Run::of(
        awsauth(&desk, &["--yes"])
            .env_remove("VISUAL")
            .env_remove("EDITOR"),
    );
    run.says(2, &["no editor is named", "hint: "]);
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let desk = desk();
    edit(&desk, &[]).says(2, &["there is no terminal", "--yes", "--dry-run"]);
    assert_eq!(desk.times(), 0);
    desk.time(
        1,
        &format!("{SED} 's/username: ops/username: on-call/' \"$1\""),
    );
    let run = edit(&desk, &["--dry-run"]);
    run.says(0, &["Nothing was written."]);
    assert!(
        run.stdout.contains("to   user on-call in group ops"),
        "{run:?}"
    );
    assert_eq!((manifest(&desk).as_str(), desk.kept()), (MANIFEST, vec![]));
}

#[test]
fn a_guard_speaks_in_the_editor() {
    let desk = desk();
    desk.time(1, &format!("{SED} '/role.nodes/,/system:nodes/d' \"$1\""));
    let run = edit(&desk, &["--yes"]);
    given_up(
        &desk,
        &run,
        4,
        &[
            "refused (node-guard)",
            "--allow-node-entry arn:aws:iam::111122223333:role/nodes",
        ],
    );
    let page = desk.page(2);
    assert!(
        page.contains("#! refused (node-guard): nodes sign in with"),
        "{page}"
    );
    fs::remove_file(desk.file("times")).unwrap();
    let allow = [
        "--yes",
        "--allow-node-entry",
        "arn:aws:iam::111122223333:role/nodes",
    ];
    edit(&desk, &allow).says(0, &["Wrote aws-auth"]);
}

#[test]
fn ctrl_c_is_for_the_editor_and_then_for_us() {
    let desk = desk();
    let script = format!(
        "trap 'echo interrupted > told' INT; echo ready; until [ -e told ]; do sleep 0.1; done; {SED} 's/username: ops/username: on-call/' \"$1\""
    );
    desk.time(1, &script);
    let mut terminal = Terminal::of(&awsauth(&desk, &[]));
    terminal.shows("ready");
    terminal.type_in("\u{3}");
    terminal.shows("[y/N] ");
    terminal.type_in("\u{3}");
    let (status, screen) = terminal.end();
    assert_eq!(
        (status, manifest(&desk).as_str()),
        (130, MANIFEST),
        "{screen}"
    );
    assert!(desk.kept_and_named(&screen).contains("on-call"));
}

#[test]
fn what_others_write_meanwhile_is_merged_or_shown() {
    let desk = desk();
    // While the editor is open, somebody gives the nodes a comment.
    let theirs = "sed -i 's/# the nodes/# our nodes/' aws-auth.yaml";
    desk.time(
        1,
        &format!("{theirs}; {SED} 's/username: ops/username: on-call/' \"$1\""),
    );
    edit(&desk, &["--yes"]).says(0, &["Others have changed aws-auth meanwhile"]);
    let merged = MANIFEST.replace("# the nodes", "# our nodes");
    assert_eq!(
        manifest(&desk),
        merged.replace("username: ops", "username: on-call")
    );

    let desk = self::desk();
    let theirs = "sed -i 's/username: ops/username: theirs/' aws-auth.yaml";
    desk.time(
        1,
        &format!("{theirs}; {SED} 's/username: ops/username: ours/' \"$1\""),
    );
    desk.time(2, "true");
    let run = edit(&desk, &["--yes"]);
    run.says(5, &["others have changed the same meanwhile"]);
    let conflict =
        "<<<<<<< yours\n  username: ours\n=======\n  username: theirs\n>>>>>>> in the file now\n";
    let page = desk.page(2);
    assert!(page.contains(conflict), "{page}");
    assert!(desk.kept_and_named(&run.stderr).contains("username: ours"));
    // Left in, it is no answer; solved, it is written.
    let desk = self::desk();
    desk.time(
        1,
        &format!("{theirs}; {SED} 's/username: ops/username: ours/' \"$1\""),
    );
    desk.time(2, &format!("{SED} '/^<<<<<<</d' \"$1\""));
    desk.time(
        3,
        &format!(
            "{SED} '/^===/d; /^>>>/d; s/username: ours/username: both/; /username: theirs/d' \"$1\""
        ),
    );
    edit(&desk, &["--yes"]).says(0, &["Wrote"]);
    let page = desk.page(3);
    assert!(page.contains("#! this conflict is still there"), "{page}");
    assert_eq!(
        manifest(&desk),
        MANIFEST.replace("username: ops", "username: both")
    );
}

#[test]
fn a_comment_in_a_line_that_others_changed_is_shown_too() {
    for more in ["", "; s/username: ops/username: on-call/"] {
        let desk = desk();
        let theirs = "sed -i 's/# on call/# theirs/' aws-auth.yaml";
        desk.time(
            1,
            &format!("{theirs}; {SED} 's/# on call/# ours/{more}' \"$1\""),
        );
        desk.time(2, "true");
        let run = edit(&desk, &["--yes"]);
        run.says(5, &["others have changed the same lines of mapRoles"]);
        let page = desk.page(2);
        assert!(
            page.contains("# ours\n") && page.contains("# theirs\n"),
            "{page}"
        );
        assert!(desk.kept_and_named(&run.stderr).contains("# ours"));
        assert_eq!(manifest(&desk), MANIFEST.replace("# on call", "# theirs"));
    }
}

#[test]
fn a_file_that_is_not_there_is_named_first() {
    let desk = desk();
    fs::remove_file(desk.file("aws-auth.yaml")).unwrap();
    edit(&desk, &[]).says(2, &["aws-auth.yaml"]);
    assert_eq!(desk.times(), 0);
}

#[test]
fn a_section_that_cannot_be_read_is_mended() {
    let desk = desk();
    let broken = MANIFEST.replace("groups: [ops]", "groups: [ops");
    fs::write(desk.file("aws-auth.yaml"), &broken).unwrap();
    desk.time(1, &format!("{SED} 's/username: ops/username: o/' \"$1\""));
    desk.time(
        2,
        &format!("{SED} 's/username: o$/username: ops/; s/groups: .ops/groups: [ops]/' \"$1\""),
    );
    edit(&desk, &["--yes"]).says(0, &["Wrote aws-auth"]);
    assert!(desk.page(2).contains("#! error: "), "{}", desk.page(2));
    assert_eq!(manifest(&desk), MANIFEST);
}

#[test]
fn no_waiver_lets_an_unreadable_section_pass() {
    let desk = desk();
    let waiver = "# awsauth: ignore[S04] it has to be";
    desk.time(
        1,
        &format!("{SED} 's/groups: .ops./groups: [ops  {waiver}/' \"$1\""),
    );
    let run = edit(&desk, &["--yes"]);
    given_up(&desk, &run, 4, &["can't be read"]);
    // One line is named, not also that of the library's own count.
    assert!(!run.stderr.contains("yaml: line"), "{run:?}");
    assert!(!desk.page(2).contains("#! error: yaml"), "{}", desk.page(2));
}
