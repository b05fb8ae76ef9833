//! Every format of `report` has the same content: when access expires, what was not read, what changed, and where to write a
//! decision.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::support::completed_run::Run;

const A: &str = "arn:aws:iam::111122223333";
const EXPIRES: &str = "2999-01-01T00:00:00Z";
const EXPIRED: &str = "2020-01-01T00:00:00Z";

/// A folder with an aws-auth.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        let roles =
            format!("- rolearn: {A}:role/ops\n  username: ops\n  groups: [system:masters]\n");
        let lines = roles.lines().map(|line| format!("    {line}\n"));
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: |\n{}",
            lines.collect::<String>()
        );
        folder.write("aws-auth.yaml", &text);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).expect("a file");
    }

    fn run(&self, args: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
        command.args(args).current_dir(self.0.path()).env_clear();
        Run::of(&mut command)
    }

    fn map(&self, name: &str, expires: &[&str]) {
        let arn = format!("{A}:role/{name}");
        let map = [
            "map",
            "role",
            &arn,
            "--username",
            name,
            "--group",
            "devs",
            "--file",
            "aws-auth.yaml",
        ];
        let run = self.run(&[&map[..], expires].concat());
        assert_eq!(run.status, 0, "{run:?}");
    }

    fn report(&self, format: &str, more: &[&str]) -> String {
        let report = ["report", "--file", "aws-auth.yaml", "-o", format];
        let run = self.run(&[&report[..], more].concat());
        assert_eq!(run.status, 0, "{run:?}");
        run.stdout
    }
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part} in {text}");
    }
}

#[test]
fn every_format_shows_when_access_expires() {
    let folder = Folder::new();
    folder.map("oncall", &["--expires", EXPIRES]);
    folder.map("late", &["--expires", "2998-01-01T00:00:00Z"]);
    // Time passes.
    let path = folder.0.path().join("aws-auth.yaml");
    let text = fs::read_to_string(path).expect("the file");
    folder.write(
        "aws-auth.yaml",
        &text.replace("2998-01-01T00:00:00Z", EXPIRED),
    );

    let csv = folder.report("csv", &[]);
    let row = |name: &str| {
        let principal = format!("{A}:role/{name},");
        let mut rows = csv.lines().filter(|line| line.starts_with(&principal));
        rows.next().unwrap_or_else(|| panic!("{csv}"))
    };
    has(row("oncall"), &[&format!(",{EXPIRES},,,,,")]);
    has(row("late"), &[&format!(",{EXPIRED},,,yes,,")]);
    has(row("ops"), &["whole cluster,,,,,,,,"]);
    has(
        &folder.report("markdown", &[]),
        &[
            &format!("role/oncall (expires {EXPIRES})"),
            &format!("role/late (expired {EXPIRED}, still gives access)"),
        ],
    );
    has(
        &folder.report("html", &[]),
        &[
            &format!("<small>expires {EXPIRES}</small>"),
            &format!("expired {EXPIRED}, still gives access"),
        ],
    );
    has(
        &folder.report("json", &[]),
        &[
            &format!("\"expires\": \"{EXPIRES}\""),
            &format!("\"expires\": \"{EXPIRED}\",\n      \"isExpired\": true"),
        ],
    );
}

#[test]
fn every_format_lists_what_was_not_read() {
    let folder = Folder::new();
    let gap = "RBAC: what users and groups may do is unknown";
    for format in ["csv", "markdown", "html", "json"] {
        has(&folder.report(format, &[]), &[gap]);
    }
    let csv = folder.report("csv", &[]);
    let heads: Vec<_> = csv.lines().next().unwrap_or_default().split(',').collect();
    assert!(
        heads.ends_with(&["not read", "expired", "change", "decision"]),
        "{csv}"
    );
    has(&csv, &[&format!("\n,,,,,,,,,,,,,,,,,{gap},,,\n")]);
    let markdown = folder.report("markdown", &[]);
    has(
        &markdown,
        &[
            &format!("**Not read:** {gap}"),
            "| rights | decision |\n",
            "without RBAC: whole cluster, by group system:masters | |\n",
            "Numbers: administrators: 1, other roles: 1.",
        ],
    );
}

#[test]
fn every_format_shows_the_changes_since_a_report() {
    let folder = Folder::new();
    folder.map("old", &[]);
    folder.write("old.json", &folder.report("json", &[]));
    let unmap = [
        "unmap",
        "role",
        &format!("{A}:role/old"),
        "--file",
        "aws-auth.yaml",
    ];
    assert_eq!(folder.run(&unmap).status, 0);
    folder.map("new", &[]);
    let since = ["--previous", "old.json"];

    let csv = folder.report("csv", &since);
    let change = |name: &str| {
        let mut rows = csv.lines().filter(|line| line.contains(name));
        let row = rows.next().unwrap_or_else(|| panic!("{csv}"));
        row.split(',').rev().nth(1).unwrap_or_default()
    };
    assert_eq!(
        ["role/new,", "role/old,", "role/ops,"].map(change),
        ["added", "removed", ""]
    );
    has(&csv, &["devs,none,,,,,,,,,,,,removed,\n"]);
    has(
        &folder.report("markdown", &since),
        &[
            "## Changes since old.json",
            "- + arn:aws:iam::111122223333:role/new",
            "- - arn:",
        ],
    );
    has(&folder.report("html", &since), &["Changes since old.json"]);
    let json = folder.report("json", &since);
    has(&json, &["\"change\": \"added\"", "\"change\": \"removed\""]);
    // A report with changes is a report.
    folder.write("new.json", &json);
    let diff = folder.run(&["report", "diff", "old.json", "new.json"]);
    assert_eq!(
        (diff.status, diff.stdout.lines().count()),
        (1, 2),
        "{diff:?}"
    );
}
