//! Complete runs of the program on files. Each folder `tests/cases/COMMAND/CASE` is a case.
//!
//! | file | content |
//! |---|---|
//! | `cmd` | one line: `awsauth` or `kubectl-awsauth`, then arguments; `'…'` quotes spaces |
//! | `in.yaml` | the manifest, which the command finds as `aws-auth.yaml` |
//! | `desired…`, `input…`, `bad.yaml`, `good.yaml` | files or a folder that the command reads |
//! | `editor` | the script that is the editor |
//! | `stdin`, `env` | the standard input; variables as `NAME=value` lines |
//! | `out.yaml` | the expected manifest; without this file it must be unchanged |
//! | `stdout`, `stderr`, `status` | the expected output and exit status; by default nothing and 0 |
//!
//! `UPDATE_CASES=1 cargo test --test offline cases` rewrites the files in the last two rows. Read the diff before you commit it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::program_output;
use crate::support::secrets::{self, Prints};

const COMMANDS: [&str; 25] = [
    "apply",
    "backup",
    "cli",
    "completion",
    "diff",
    "doctor",
    "edit",
    "eks",
    "expire",
    "explain",
    "get",
    "history",
    "kubeconfig",
    "lint",
    "man",
    "map",
    "migrate",
    "replace-group",
    "report",
    "rescue",
    "restore",
    "token",
    "undo",
    "unmap",
    "version",
];
const MANIFEST: &str = "aws-auth.yaml";

#[test]
fn every_case_runs_as_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut wrong = Vec::new();
    let mut commands = BTreeSet::new();
    for command in folders(&root) {
        for case in folders(&command) {
            let name = case
                .strip_prefix(&root)
                .expect("below the root")
                .display()
                .to_string();
            for complaint in check(&case, update) {
                wrong.push(format!("{name}: {complaint}"));
            }
        }
        commands.insert(
            command
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned(),
        );
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
    assert_eq!(
        commands,
        COMMANDS.map(str::to_owned).into(),
        "each command has cases, and each folder is a command's"
    );
}

/// Runs one case and returns how the result differs from the expected files.
fn check(case: &Path, update: bool) -> Vec<String> {
    let mut wrong: Vec<String> = forgotten(case)
        .map(|file| format!("no runner reads the file {file}"))
        .collect();
    let Ok(line) = fs::read_to_string(case.join("cmd")) else {
        return vec!["there is no file cmd".to_owned()];
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let before = fs::read(case.join("in.yaml")).ok();
    if let Some(before) = &before {
        fs::write(folder.path().join(MANIFEST), before).expect("the manifest");
    }
    for input in entries(case).filter(|path| is_input(path)) {
        copy(
            &input,
            &folder.path().join(input.file_name().expect("a name")),
        );
    }
    let words = words(&line);
    let [program, arguments @ ..] = words.as_slice() else {
        return vec!["cmd is empty".to_owned()];
    };
    let output = run(program, arguments, folder.path(), case);

    let after = fs::read(folder.path().join(MANIFEST)).ok();
    let status = match output.status.code() {
        Some(0) => String::new(),
        code => format!(
            "{}\n",
            code.map_or("killed".to_owned(), |code| code.to_string())
        ),
    };
    let got = [
        ("stdout", output.stdout),
        ("stderr", output.stderr),
        ("status", status.into_bytes()),
        (
            "out.yaml",
            if after == before {
                Vec::new()
            } else {
                after.unwrap_or_default()
            },
        ),
    ];
    for (file, got) in got {
        let path = case.join(file);
        if update {
            match got.is_empty() {
                true => drop(fs::remove_file(&path)),
                false => fs::write(&path, &got).expect("an expectation"),
            }
        } else {
            let expected = fs::read(&path).unwrap_or_default();
            if expected != got {
                let (expected, got) = (
                    String::from_utf8_lossy(&expected),
                    String::from_utf8_lossy(&got),
                );
                wrong.push(format!(
                    "{file} differs (- expected, + got)\n{}",
                    similar::TextDiff::from_lines(&expected, &got).unified_diff()
                ));
            }
        }
    }
    wrong
}

fn run(program: &str, arguments: &[String], folder: &Path, case: &Path) -> std::process::Output {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_awsauth"));
    // Links the program under another name, outside the folder that the case sees.
    let names = tempfile::tempdir().expect("a temporary folder");
    let called = match program {
        "awsauth" => binary,
        "kubectl-awsauth" => {
            let link = names.path().join(program);
            fs::hard_link(&binary, &link)
                .or_else(|_| fs::copy(&binary, &link).map(drop))
                .expect("another name");
            link
        }
        other => panic!(
            "{}: cmd must begin with awsauth or kubectl-awsauth, not {other}",
            case.display()
        ),
    };
    let mut command = Command::new(called);
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("LC_ALL", "C")
        .env("TZ", "UTC");
    if let Ok(variables) = fs::read_to_string(case.join("env")) {
        command.envs(variables.lines().filter_map(|line| line.split_once('=')));
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    secrets::know_environment(&command);
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that does not read its stdin closes it, which is not a failure of the case.
    let _ = stdin.write_all(&fs::read(case.join("stdin")).unwrap_or_default());
    drop(stdin);
    let prints = match case.parent().and_then(Path::file_name) {
        Some(name) if name == "token" || name == "eks" => Prints::Token,
        _ => Prints::Nothing,
    };
    program_output::ended_of(child, prints)
}

/// Splits a line at spaces. Single quotes keep a word together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quoted, mut begun) = (false, false);
    for c in line.trim_end().chars() {
        match c {
            '\'' => (quoted, begun) = (!quoted, true),
            ' ' if !quoted => {
                words.push(String::new());
                begun = false;
            }
            c => {
                words.last_mut().expect("never empty").push(c);
                begun = true;
            }
        }
    }
    assert!(!quoted, "an open quote in {line}");
    if !begun {
        words.pop();
    }
    words
}

fn is_input(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| {
        name.starts_with("desired")
            || name.starts_with("input")
            || ["bad.yaml", "good.yaml", "editor"].contains(&name.as_ref())
    })
}

fn forgotten(case: &Path) -> impl Iterator<Item = String> {
    const KNOWN: [&str; 8] = [
        "cmd", "in.yaml", "stdin", "env", "out.yaml", "stdout", "stderr", "status",
    ];
    entries(case)
        .filter(|path| !is_input(path))
        .map(|path| {
            path.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| !KNOWN.contains(&name.as_str()))
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir(to).expect("a folder");
        for path in entries(from) {
            copy(&path, &to.join(path.file_name().expect("a name")));
        }
    } else {
        fs::copy(from, to).expect("a copy");
    }
}

fn folders(path: &Path) -> impl Iterator<Item = PathBuf> {
    entries(path).filter(|path| path.is_dir())
}

fn entries(path: &Path) -> impl Iterator<Item = PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(path)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths.into_iter()
}
