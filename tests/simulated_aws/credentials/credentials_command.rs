//! `awsauth credentials`: output for shells, files and commands.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::program_output;
use crate::support::secrets::Prints;

/// A shell must get every value unchanged.
const ODD: &str = "it's \"$HOME\" `id` \\ !x\t~ * & ; | < > # é";

const PAIR: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalr/XUtn+FEMI="),
];

/// Runs a shell script that may print credentials, with awsauth on `PATH` and these variables.
fn shell(program: &str, script: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program);
    let folder = Path::new(env!("CARGO_BIN_EXE_awsauth")).parent();
    let path = format!("{}:/usr/bin:/bin", folder.expect("its folder").display());
    command.args(["-c", script]).env_clear().env("PATH", path);
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    // A config file with another profile, and none of the user's files.
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/other-profile.ini");
    command.env("AWS_CONFIG_FILE", config);
    command.env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
    command.envs(variables.iter().copied());
    program_output::output_of(&mut command, Prints::Credentials)
}

fn error_text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn posix_shell_evaluates_the_output() {
    let show = r#"printf '%s|%s|%s|%s|%s|' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "${AWS_SESSION_TOKEN-unset}" "${AWS_SECURITY_TOKEN-unset}" "${AWS_CREDENTIAL_EXPIRATION-unset}""#;
    let script = format!(r#"eval "$(awsauth credentials)"; {show}"#);
    let session = [
        ("AWS_ACCESS_KEY_ID", "ASIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", ODD),
        ("AWS_SESSION_TOKEN", ODD),
        ("AWS_CREDENTIAL_EXPIRATION", "2999-11-20T12:00:00+01:00"),
    ];
    for program in ["sh", "bash"] {
        assert_eq!(
            error_text(&shell(program, &script, &session)),
            format!("ASIDEXAMPLE|{ODD}|{ODD}|unset|2999-11-20T11:00:00Z|")
        );
    }
    // A session token from before would make a key pair without one invalid.
    let stale = format!(
        "printed=\"$(awsauth credentials)\"; export AWS_SESSION_TOKEN=stale AWS_SECURITY_TOKEN=stale; eval \"$printed\"; {show}"
    );
    assert_eq!(
        error_text(&shell("sh", &stale, &PAIR)),
        "AKIDEXAMPLE|wJalr/XUtn+FEMI=|unset|unset|unset|"
    );
}

#[test]
fn every_output_format_is_accepted_by_its_reader() {
    let more = [
        &PAIR[..],
        &[
            ("AWS_SESSION_TOKEN", "tok/en=="),
            ("AWS_CREDENTIAL_EXPIRATION", "2999-11-20T12:00:00Z"),
            ("AWS_ACCOUNT_ID", "111122223333"),
        ],
    ]
    .concat();
    let text = |form: &str| {
        error_text(&shell(
            "sh",
            &format!("awsauth credentials -o {form}"),
            &more,
        ))
    };
    let json_of = |form: &str| serde_json::from_str::<Value>(&text(form)).expect("JSON");
    assert_eq!(
        text("env"),
        "export AWS_ACCESS_KEY_ID=AKIDEXAMPLE\nexport AWS_SECRET_ACCESS_KEY=wJalr/XUtn+FEMI=\nexport AWS_SESSION_TOKEN=tok/en==\n\
         unset AWS_SECURITY_TOKEN\nexport AWS_CREDENTIAL_EXPIRATION=2999-11-20T12:00:00Z\nexport AWS_ACCOUNT_ID=111122223333\n"
    );
    assert_eq!(
        text("dotenv"),
        "AWS_ACCESS_KEY_ID=AKIDEXAMPLE\nAWS_SECRET_ACCESS_KEY=wJalr/XUtn+FEMI=\nAWS_SESSION_TOKEN=tok/en==\n\
         AWS_CREDENTIAL_EXPIRATION=2999-11-20T12:00:00Z\nAWS_ACCOUNT_ID=111122223333\n"
    );
    assert!(text("powershell").starts_with("$Env:AWS_ACCESS_KEY_ID = 'AKIDEXAMPLE'\n"));
    assert_eq!(
        json_of("process"),
        json!({
            "Version": 1, "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "wJalr/XUtn+FEMI=", "SessionToken": "tok/en==",
            "Expiration": "2999-11-20T12:00:00Z", "AccountId": "111122223333",
        })
    );
    assert_eq!(
        json_of("json"),
        json!({
            "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "wJalr/XUtn+FEMI=", "sessionToken": "tok/en==",
            "expiration": "2999-11-20T12:00:00Z", "accountId": "111122223333", "source": "environment variables",
        })
    );
    let odd = [PAIR[0], ("AWS_SECRET_ACCESS_KEY", ODD)];
    let refused = shell("sh", "awsauth credentials -o dotenv", &odd);
    assert_eq!(refused.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(
        stderr.contains("hint: take them as JSON") && !stderr.contains("it's"),
        "{stderr}"
    );
}

#[test]
fn exec_sets_the_environment_and_returns_the_exit_status() {
    let script = |command: &str| {
        format!("AWS_PROFILE=other awsauth credentials exec --region eu-west-1 -- {command}")
    };
    let run = |command: &str| shell("sh", &script(command), &PAIR);
    let shown = error_text(&run("env"));
    for line in [
        "AWS_ACCESS_KEY_ID=AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY=wJalr/XUtn+FEMI=",
        "AWS_REGION=eu-west-1",
        "AWS_DEFAULT_REGION=eu-west-1",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{shown}");
    }
    assert!(!shown.contains("AWS_PROFILE"), "{shown}");
    // The profile's region is exported, too.
    let of_profile = error_text(&shell(
        "sh",
        "AWS_PROFILE=other awsauth credentials exec -- env",
        &PAIR,
    ));
    assert!(
        of_profile.contains("AWS_REGION=eu-north-1\n"),
        "{of_profile}"
    );
    assert_eq!(
        error_text(&run("printf '%s,' -o --reveal 'a b'")),
        "-o,--reveal,a b,"
    );
    assert_eq!(run("sh -c 'exit 42'").status.code(), Some(42));
    let killed = shell(
        "sh",
        &format!(
            "exec {}",
            script("sh -c 'kill -TERM $$'").replace("AWS_PROFILE=other ", "")
        ),
        &PAIR,
    );
    assert_eq!(killed.status.signal(), Some(15), "{killed:?}");
    let missing = run("no-such-command");
    assert_eq!(missing.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&missing.stderr);
    assert!(
        stderr.starts_with("error: cannot run no-such-command: No such file"),
        "{stderr}"
    );
    let none = shell("sh", "awsauth credentials exec -- env", &[]);
    assert_eq!(none.status.code(), Some(3), "{none:?}");
    assert!(none.stdout.is_empty());
}

#[test]
fn credentials_are_not_printed_to_a_terminal_without_reveal() {
    let on_terminal = |more: &[&str]| {
        let terminal = nix::pty::openpty(None, None).expect("a terminal");
        let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
        command.arg("credentials").args(more).env_clear().envs(PAIR);
        command
            .stdout(Stdio::from(terminal.slave))
            .stderr(Stdio::piped());
        let output = program_output::output(&mut command);
        // The slave must be closed in every process. Otherwise the master never reaches the end of the output.
        drop(command);
        let mut shown = Vec::new();
        // Reading past the end of a terminal is an error on Linux.
        let _ = File::from(terminal.master).read_to_end(&mut shown);
        (output, String::from_utf8_lossy(&shown).into_owned())
    };
    for form in ["env", "json", "process"] {
        let (output, shown) = on_terminal(&["-o", form]);
        assert_eq!((output.status.code(), shown.as_str()), (Some(4), ""));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stderr.contains("not printed to a terminal") && stderr.contains("--reveal"),
            "{stderr}"
        );
    }
    let (output, shown) = on_terminal(&["--reveal"]);
    assert!(output.status.success());
    assert!(shown.contains("wJalr/XUtn+FEMI="), "{shown}");
}
