//! Pipes, full disks, concurrent runs, and completion in shells.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::program_output;

fn awsauth(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null());
    command
}

/// Creates a folder with an aws-auth of this many roles.
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
fn closed_pipe_is_not_an_error() {
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
        let output = program_output::ended(child);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

/// Runs the command with a stdout that is closed before the first write.
fn without_reader(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = awsauth(folder, arguments);
    let output = program_output::output(command.stdout(writer).stderr(Stdio::piped()));
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn exit_code_does_not_depend_on_the_reader() {
    let folder = folder(1);
    let desired: String = (0..5000)
        .map(|n| format!("- rolearn: arn:aws:iam::111122223333:role/w{n}\n  username: u\n"))
        .collect();
    fs::write(folder.path().join("desired.yaml"), desired).expect("the desired state");
    for output in ["human", "json"] {
        let arguments = [
            "diff",
            "--file",
            "aws-auth.yaml",
            "-f",
            "desired.yaml",
            "-o",
        ];
        let mut child = awsauth(folder.path(), &arguments)
            .arg(output)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut first = [0; 16];
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_exact(&mut first).expect("the beginning");
        drop(stdout);
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(1), "{output}");
    }

    let manifest = fs::read_to_string(folder.path().join("aws-auth.yaml")).expect("the manifest");
    let node = manifest + "      groups: [system:bootstrappers, system:nodes]\n";
    fs::write(folder.path().join("nodes.yaml"), node).expect("a manifest");
    let role = "arn:aws:iam::111122223333:role/r0";
    let arguments = ["unmap", "role", role, "--file", "nodes.yaml", "-o", "json"];
    let (code, stderr) = without_reader(folder.path(), &arguments);
    assert_eq!(code, Some(4), "{stderr}");
    assert!(stderr.contains("refused (node-guard)"), "{stderr}");
}

#[test]
fn write_is_reported_even_if_the_pipe_is_closed() {
    for output in ["human", "json"] {
        let folder = folder(1);
        let role = "arn:aws:iam::111122223333:role/r0";
        let arguments = [
            "unmap",
            "role",
            role,
            "--file",
            "aws-auth.yaml",
            "-o",
            output,
        ];
        let (code, stderr) = without_reader(folder.path(), &arguments);
        assert_eq!(
            (code, stderr.as_str()),
            (Some(0), "Wrote aws-auth to aws-auth.yaml.\n")
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn write_is_reported_even_if_stdout_is_full() {
    let role = "arn:aws:iam::111122223333:role/r0";
    let write = ["unmap", "role", role, "--file", "aws-auth.yaml"];
    for (more, reported) in [
        (
            vec![],
            "Wrote aws-auth to aws-auth.yaml.\nerror: aws-auth was written: cannot write the output: ",
        ),
        (
            vec!["-o", "json", "--quiet"],
            "error: aws-auth was written: cannot write the output: ",
        ),
        (
            vec!["--dry-run"],
            "Nothing was written.\nerror: cannot write the output: ",
        ),
    ] {
        let folder = folder(1);
        let full = fs::OpenOptions::new().write(true).open("/dev/full");
        let mut command = awsauth(folder.path(), &write);
        let output = program_output::output(command.args(more).stdout(full.expect("/dev/full")));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(74), "{stderr}");
        assert!(stderr.starts_with(reported), "{stderr}");
    }
}

#[test]
#[cfg(unix)]
fn manifest_is_read_from_a_pipe_but_never_written_to_one() {
    let folder = folder(1);
    let role = "arn:aws:iam::111122223333:role/r0";
    let run = |arguments: &[&str]| {
        let manifest = fs::File::open(folder.path().join("aws-auth.yaml")).expect("the manifest");
        let mut cat = Command::new("cat")
            .stdin(manifest)
            .stdout(Stdio::piped())
            .spawn()
            .expect("cat");
        let pipe = cat.stdout.take().expect("a pipe");
        let output = program_output::output(awsauth(folder.path(), arguments).stdin(pipe));
        cat.wait().expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (code, stdout, stderr) = run(&["get", "--file", "/dev/fd/0", "-o", "name"]);
    assert_eq!((code, stdout), (Some(0), format!("{role}\n")), "{stderr}");
    let (code, stdout, stderr) = run(&["explain", role, "--file", "/dev/fd/0"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("u0"), "{stdout}");
    let unmap = ["unmap", "role", role, "--file", "/dev/fd/0", "--dry-run"];
    let (code, stdout, stderr) = run(&unmap);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("deleted (dry run)"), "{stdout}");
    let refused =
        "error: cannot write /dev/fd/0: it is a pipe; use - to read stdin and write stdout\n";
    let (code, stdout, stderr) = run(&unmap[..5]);
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (Some(2), "", refused)
    );
}

#[test]
fn concurrent_runs_lose_no_change() {
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
        let output = program_output::ended(run);
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
fn locked_folder_is_a_conflict() {
    let folder = folder(1);
    let lock = fs::File::open(folder.path()).expect("the folder");
    lock.lock().expect("the lock");
    let role = "arn:aws:iam::111122223333:role/r0";
    let unmap = ["unmap", "role", role, "--file", "aws-auth.yaml"];
    let mut command = awsauth(folder.path(), &unmap);
    let output = program_output::output(command.args(["--timeout", "0s"]));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{stderr}");
    assert!(stderr.contains("hint: nothing was written; "), "{stderr}");
    lock.unlock().expect("the lock");
    let output = program_output::output(&mut awsauth(folder.path(), &unmap));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn shells_accept_their_completion_scripts() {
    let folder = folder(0);
    for (shell, check) in [
        ("bash", "-n"),
        ("zsh", "-n"),
        ("fish", "--no-execute"),
        ("powershell", ""),
    ] {
        let output = program_output::output(&mut awsauth(folder.path(), &["completion", shell]));
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = folder.path().join(shell);
        fs::write(&script, &output.stdout).expect("the script");
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("must-exist"),
            "{shell} completes options"
        );
        // Shells that are not installed are skipped.
        let mut command = Command::new(shell);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Ok(checked) = command.arg(check).arg(&script).spawn() {
            let checked = program_output::ended(checked);
            assert!(
                checked.status.success(),
                "{shell}: {}",
                String::from_utf8_lossy(&checked.stderr)
            );
        }
    }
}

#[test]
fn man_writes_a_page_for_every_command() {
    let folder = folder(0);
    let one = program_output::output(&mut awsauth(folder.path(), &["man"]));
    assert!(String::from_utf8_lossy(&one.stdout).contains(".TH awsauth 1"));
    let all = program_output::output(&mut awsauth(folder.path(), &["man", "--dir", "man1"]));
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
fn documented_kubectl_completion_script_works() {
    let page = include_str!("../../docs/completion.md");
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
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script, "kubectl_complete-awsauth"])
            .args(&words)
            .env_clear();
        let output = program_output::output(shell.env("PATH", &path));
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
