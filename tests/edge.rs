//! How the program behaves towards its surroundings: pipes, files, shells.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

fn awsauth(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null());
    command
}

/// A folder with an aws-auth of so many roles.
fn folder(roles: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let entries: String = (0..roles)
        .map(|n| {
            format!("    - rolearn: arn:aws:iam::111122223333:role/r{n}\n      username: u{n}\n")
        })
        .collect();
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: |\n";
    fs::write(
        folder.path().join("aws-auth.yaml"),
        head.to_owned() + &entries,
    )
    .expect("a manifest");
    folder
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for output in ["table", "json", "yaml", "name"] {
        let folder = folder(5000);
        let mut child = awsauth(
            folder.path(),
            &["get", "--file", "aws-auth.yaml", "-o", output],
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
        let mut first = [0; 16];
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_exact(&mut first).expect("the beginning");
        drop(stdout);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn runs_at_the_same_time_lose_nothing_of_each_other() {
    const RUNS: usize = 30;
    let folder = folder(0);
    let runs: Vec<_> = (0..RUNS)
        .map(|n| {
            let arn = format!("arn:aws:iam::111122223333:role/r{n}");
            let arguments = ["map", "role", &arn, "--username", "u", "--file"];
            awsauth(folder.path(), &arguments)
                .arg("aws-auth.yaml")
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("it starts")
        })
        .collect();
    for run in runs {
        let output = run.wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
    }
    let text = fs::read_to_string(folder.path().join("aws-auth.yaml")).expect("the manifest");
    for n in 0..RUNS {
        assert!(text.contains(&format!(":role/r{n}\n")), "r{n} in\n{text}");
    }
    let left = fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(left, 1, "nothing but the manifest is left");
}

#[test]
#[cfg(unix)]
fn a_folder_that_stays_locked_is_a_conflict() {
    let folder = folder(1);
    let lock = fs::File::open(folder.path()).expect("the folder");
    lock.lock().expect("the lock");
    let role = "arn:aws:iam::111122223333:role/r0";
    let unmap = ["unmap", "role", role, "--file", "aws-auth.yaml"];
    let mut command = awsauth(folder.path(), &unmap);
    let output = command.args(["--timeout", "0s"]).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{stderr}");
    assert!(stderr.contains("hint: nothing was written; "), "{stderr}");
    lock.unlock().expect("the lock");
    let output = awsauth(folder.path(), &unmap).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn completions_are_scripts_that_their_shells_accept() {
    let folder = folder(0);
    for (shell, check) in [
        ("bash", "-n"),
        ("zsh", "-n"),
        ("fish", "--no-execute"),
        ("powershell", ""),
    ] {
        let output = awsauth(folder.path(), &["completion", shell])
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = folder.path().join(shell);
        fs::write(&script, &output.stdout).expect("the script");
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("must-exist"),
            "{shell} completes options"
        );
        // Shells that are not installed here can't be asked.
        if let Ok(checked) = Command::new(shell).arg(check).arg(&script).output() {
            assert!(
                checked.status.success(),
                "{shell}: {}",
                String::from_utf8_lossy(&checked.stderr)
            );
        }
    }
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let folder = folder(0);
    let one = awsauth(folder.path(), &["man"]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&one.stdout).contains(".TH awsauth 1"));
    let all = awsauth(folder.path(), &["man", "--dir", "man1"])
        .output()
        .expect("it runs");
    assert_eq!(all.status.code(), Some(0));
    for page in [
        "awsauth.1",
        "awsauth-get.1",
        "awsauth-map-role.1",
        "awsauth-apply.1",
    ] {
        assert!(folder.path().join("man1").join(page).exists(), "{page}");
    }
}

#[test]
#[cfg(unix)]
fn the_page_on_completion_has_a_script_that_works_for_kubectl() {
    let page = include_str!("../docs/completion.md");
    let script = page
        .split("```sh\n")
        .find(|block| block.starts_with("#!/bin/sh"))
        .expect("a script");
    let script = script.split("```").next().expect("its end");
    let program = Path::new(env!("CARGO_BIN_EXE_awsauth"))
        .parent()
        .expect("a folder");
    let path = format!(
        "{}:{}",
        program.display(),
        std::env::var("PATH").expect("a PATH")
    );
    for (words, expected) in [
        (vec![""], vec!["get", "map", "completion"]),
        (vec!["map", ""], vec!["role", "node-role"]),
        (
            vec!["map", "role", "arn:aws:iam::111122223333:role/x", "--us"],
            vec!["--username", "--group", "--dry-run"],
        ),
    ] {
        let output = Command::new("sh")
            .args(["-c", script, "kubectl_complete-awsauth"])
            .args(&words)
            .env_clear()
            .env("PATH", &path)
            .output();
        let output = output.expect("a shell");
        let text = String::from_utf8_lossy(&output.stdout);
        let candidates: Vec<&str> = text.lines().collect();
        for word in expected {
            assert!(
                candidates.contains(&word),
                "{words:?} offers {candidates:?}"
            );
        }
    }
}
