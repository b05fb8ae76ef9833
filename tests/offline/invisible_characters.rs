//! Every output format escapes characters that a reader cannot see, and keeps the values.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use awsauth_core::escape::is_invisible;
use awsauth_core::history::{Contents, Revision, Who};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::completed_run::Run;
use crate::support::fake_api::{FakeApi, Scenario};

/// Strings that control a terminal, hide something, change the order of characters, or look like another line.
const HOSTILE: [&str; 10] = [
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}[8m",
    "a\0b\u{8}\u{7f}",
    "\u{9b}31m\u{85}",
    "\u{202e}nimda\u{202c}",
    "\u{61c}\u{2066}a\u{2069}",
    "\u{200b}\u{feff}\u{2060}\u{ad}",
    "\u{e0041}\u{e007f}\u{e0100}",
    "\u{2028}\u{2029}",
    "a\r\nhint: run this\n::error::forged\n##[error]forged",
    "\u{3164}\u{fe0f}<script>|`*\"'&\u{ffff}",
];

/// Returns a hostile string as a quoted YAML scalar.
fn quoted(text: &str) -> String {
    awsauth_core::escape::json_for_yaml(&json!(text).to_string()).into_owned()
}

fn config_map(map_roles: &str, more: &[(String, String)]) -> Value {
    let mut data = json!({"mapRoles": map_roles});
    for (key, text) in more {
        data[key] = text.as_str().into();
    }
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": data})
}

fn username(number: usize) -> String {
    format!("u{number}{}", HOSTILE[number])
}

/// Returns an aws-auth with every hostile string as a key, name, username and group.
fn aws_auth(prefix: &str) -> Value {
    let keys = HOSTILE.map(|hostile| (format!("key{hostile}"), "x".to_owned()));
    config_map(&entries(prefix), &keys)
}

/// Returns the entries with the hostile strings.
fn entries(prefix: &str) -> String {
    let entry = |(number, hostile): (usize, &&str)| {
        format!(
            "- rolearn: {}\n  username: {}\n  groups: [{}]\n",
            quoted(&format!(
                "arn:aws:iam::111122223333:role/r{number}{hostile}"
            )),
            quoted(&format!("{prefix}{}", username(number))),
            quoted(&format!("g{hostile}")),
        )
    };
    HOSTILE.iter().enumerate().map(entry).collect()
}

/// Returns a folder with aws-auth, a desired state, and a file to lint for each hostile string, with that string as its name.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &[u8], object: &Value| {
        let path = folder.path().join(OsStr::from_bytes(name));
        fs::write(path, object.to_string()).expect("a file");
    };
    let plain = |name: &str| {
        let name = quoted(name);
        format!(
            "- rolearn: arn:aws:iam::111122223333:role/plain\n  username: {name}\n  groups: [g]\n"
        )
    };
    let mut object = aws_auth("");
    let roles = object["data"]["mapRoles"].as_str().unwrap_or_default();
    object["data"]["mapRoles"] = (roles.to_owned() + &plain(HOSTILE[3])).into();
    write(b"aws-auth.json", &object);
    // Desired names with invisible characters are refused.
    write(b"desired.json", &config_map(&plain("plain"), &[]));
    fs::create_dir(folder.path().join("files")).expect("a folder");
    for hostile in HOSTILE {
        let raw = format!(
            "# {hostile}\n- rolearn: arn:aws:iam::111122223333:role/p/{hostile}\n  {hostile}: a\n  groups: [{hostile}]\n"
        );
        let name = hostile.replace(['\0', '/'], "");
        write(
            format!("files/{name}.json").as_bytes(),
            &config_map(&raw, &[]),
        );
        write(format!("files/{name}2.json").as_bytes(), &aws_auth(hostile));
    }
    write(b"files/\xff\xfe.json", &json!({}));
    folder
}

#[track_caller]
fn assert_visible(text: &str) {
    let bad = |c: &char| *c != '\n' && is_invisible(*c);
    if let Some(c) = text.chars().find(bad) {
        panic!("{c:?} in {text:?}");
    }
    for line in text.lines() {
        assert!(!line.trim_start().starts_with("hint: run this"), "{text}");
        assert!(!line.trim_start().starts_with("::error::forged"), "{text}");
        assert!(!line.trim_start().starts_with("##[error]"), "{text}");
    }
}

fn awsauth(folder: &Path, arguments: &[&str]) -> Run {
    let run = styled(folder, arguments);
    assert_visible(&run.stdout);
    assert_visible(&run.stderr);
    run
}

fn styled(folder: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"));
    Run::of(&mut command)
}

/// Returns every string in a JSON value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => {
            let each = fields.iter();
            each.flat_map(|(key, value)| [vec![key.as_str()], texts(value)].concat())
                .collect()
        }
        _ => Vec::new(),
    }
}

#[track_caller]
fn assert_has_usernames(value: &Value) {
    let texts = texts(value);
    for number in 0..HOSTILE.len() {
        let name = username(number);
        assert!(texts.iter().any(|text| text.contains(&name)), "{name:?}");
    }
}

#[test]
fn listing_is_escaped_in_every_format() {
    let folder = folder();
    let get = |output| {
        awsauth(
            folder.path(),
            &["get", "--file", "aws-auth.json", "-o", output],
        )
    };
    for output in ["table", "wide", "name"] {
        assert!(get(output).stdout.contains("\\u{202e}nimda"));
    }
    assert_has_usernames(&get("json").json());
    let yaml: Value = serde_yaml::from_str(&get("yaml").stdout).expect("YAML");
    assert_eq!(yaml, get("json").json());
}

/// Writes an aws-auth with valid ARNs, and with every hostile string as a username and group.
fn write_roles(folder: &Path) {
    let roles = (0..HOSTILE.len()).map(|number| {
        let (username, group) = (quoted(&username(number)), quoted(HOSTILE[number]));
        format!("- rolearn: arn:aws:iam::111122223333:role/r{number}\n  username: {username}\n  groups: [{group}]\n")
    });
    let object = config_map(&roles.collect::<String>(), &[]);
    fs::write(folder.join("aws-auth.json"), object.to_string()).expect("a file");
}

#[test]
fn lists_are_escaped_in_every_format() {
    let folder = folder();
    let get = |output: &str| {
        let run = awsauth(
            folder.path(),
            &["get", "--file", "aws-auth.json", "-o", output],
        );
        assert_eq!(run.status, 0, "{run:?}");
        run.stdout
    };
    for output in [
        "csv",
        "markdown",
        "access",
        "jsonpath={.roles[*].username}",
        "jsonpath={.roles}",
        "custom-columns=ARN:.arn,NAME:.username,GROUPS:.groups",
    ] {
        let text = get(output);
        assert!(text.contains("202e"), "{output}: {text}");
    }
    write_roles(folder.path());
    let access: Value = serde_yaml::from_str(&get("access")).expect("YAML");
    assert_has_usernames(&access);
    let roles: Value = serde_json::from_str(&get("jsonpath={.roles}")).expect("JSON");
    assert_has_usernames(&roles);
    let log = folder.path().join("sign-ins.log");
    let lines = HOSTILE.map(|hostile| {
        let line = format!(
            "time=\"2026-01-01T00:00:00Z\" msg=\"access granted\" arn=\"arn:aws:iam::111122223333:role/{hostile}\" uid=\"a:1:{hostile}\"\n"
        );
        line.replace(['\0', '\n'], "") + "\n"
    });
    fs::write(log, lines.concat()).expect("a log");
    for output in ["table", "json", "csv", "markdown"] {
        let arguments = [
            "--file",
            "aws-auth.json",
            "--log",
            "sign-ins.log",
            "-o",
            output,
        ];
        let run = awsauth(folder.path(), &[&["unused"][..], &arguments].concat());
        assert!(run.stdout.contains("role/r3"), "{run:?}");
    }
}

#[test]
fn printed_access_entries_are_escaped_and_keep_their_values() {
    let folder = folder();
    write_roles(folder.path());
    let print = |form: &str| {
        let arguments = ["migrate", "--file", "aws-auth.json", "--print", form];
        awsauth(folder.path(), &arguments).stdout
    };
    for form in ["terraform-module", "terraform"] {
        assert!(print(form).contains("\"u3\\u202enimda\\u202c\""));
    }
    for form in ["cloudformation", "eksctl", "access"] {
        let yaml: Value = serde_yaml::from_str(&print(form)).expect("YAML");
        assert_has_usernames(&yaml);
    }
    for form in [&["migrate"][..], &["migrate", "-o", "json"]] {
        awsauth(
            folder.path(),
            &[form, &["--file", "aws-auth.json"]].concat(),
        );
    }
    let script = folder.path().join("migrate.sh");
    fs::write(&script, print("aws-cli")).expect("a script");
    let aws = folder.path().join("aws");
    fs::write(
        &aws,
        "#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done\n",
    )
    .expect("a program");
    fs::set_permissions(&aws, fs::Permissions::from_mode(0o755)).expect("a program");
    for shell in ["sh", "bash"] {
        let mut command = Command::new(shell);
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let run = Run::of(command.arg(&script).env("PATH", path));
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
        let words: Vec<&str> = run.stdout.split('\0').collect();
        let value = |option: &str, number: usize| {
            let call = words
                .split(|word| *word == "create-access-entry")
                .nth(number + 1);
            let call = call.expect("a call");
            let at = call.iter().position(|word| word.starts_with(option));
            let at = at.unwrap_or_else(|| panic!("{option} in {call:?}"));
            match call[at].split_once('=') {
                Some((_, value)) => value.to_owned(),
                None => call[at + 1].to_owned(),
            }
        };
        for (number, hostile) in HOSTILE.iter().enumerate() {
            // A shell cannot pass a null character, but JSON can.
            let (name, group) = match hostile.contains('\0') {
                true => {
                    let json = |option| -> Value {
                        serde_json::from_str(&value(option, number)).expect("JSON")
                    };
                    let text = |value: &Value| value.as_str().expect("a text").to_owned();
                    (
                        text(&json("--cli-input-json")["username"]),
                        text(&json("--kubernetes-groups")[0]),
                    )
                }
                false => (
                    value("--username", number),
                    value("--kubernetes-groups", number),
                ),
            };
            assert_eq!(name, username(number));
            assert_eq!(group, *hostile);
        }
    }
}

#[test]
fn access_reports_are_escaped_in_every_format() {
    let folder = folder();
    // A report has only principals that can sign in.
    write_roles(folder.path());
    let report = |output| {
        awsauth(
            folder.path(),
            &["report", "--file", "aws-auth.json", "-o", output],
        )
    };
    for output in ["markdown", "html", "csv"] {
        let text = report(output).stdout;
        assert!(text.contains("u{202e}nimda"), "{output}");
        assert!(output == "csv" || !text.contains("<script>|"), "{output}");
    }
    assert_has_usernames(&report("json").json());
    fs::write(folder.path().join("old.json"), report("json").stdout).expect("a file");
    let mut changed = report("json").json();
    for principal in changed["principals"].as_array_mut().expect("principals") {
        principal["username"] = username(3).into();
    }
    fs::write(folder.path().join("new.json"), changed.to_string()).expect("a file");
    for output in ["human", "json"] {
        let arguments = ["report", "diff", "old.json", "new.json", "-o", output];
        assert!(!awsauth(folder.path(), &arguments).stdout.is_empty());
    }
}

#[test]
fn findings_are_escaped_in_every_format() {
    let folder = folder();
    let lint = |output| awsauth(folder.path(), &["lint", "files", "-o", output]);
    assert!(lint("human").stdout.contains("\\u{202e}nimda"));
    let colored = styled(folder.path(), &["lint", "files", "--color", "always"]).stdout;
    let mut uncolored = colored.split("\u{1b}[").map(|part| {
        let (style, rest) = part.split_once('m').unwrap_or(("", part));
        assert!(
            style.chars().all(|c| c.is_ascii_digit() || c == ';') && style != "8",
            "{part:?}"
        );
        rest
    });
    assert_visible(&colored[..colored.find('\u{1b}').expect("a style")]);
    uncolored.by_ref().skip(1).for_each(assert_visible);

    let json = lint("json").json();
    assert!(
        texts(&json)
            .iter()
            .any(|text| text.contains("\u{202e}nimda"))
    );
    let sarif = lint("sarif").json();
    assert_eq!(sarif["version"], "2.1.0");
    let junit = lint("junit").stdout;
    assert!(!junit.contains("##[error]"), "{junit}");
    let mut reader = quick_xml::Reader::from_str(&junit);
    loop {
        match reader.read_event().expect("XML") {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(element) | quick_xml::events::Event::Empty(element) => {
                assert!(
                    element
                        .attributes()
                        .all(|attribute| attribute.expect("an attribute").value.is_ascii())
                );
            }
            _ => {}
        }
    }
    let commands = lint("github").stdout;
    let is_command = |line: &str| {
        let kinds = ["::error ", "::warning ", "::notice "];
        kinds.iter().any(|kind| line.starts_with(kind)) || line.contains(" more ")
    };
    assert!(commands.lines().all(is_command), "{commands}");
    let summary = fs::read_to_string(folder.path().join("summary.md")).expect("a summary");
    assert_visible(&summary);
    assert!(!summary.contains("<script>"), "{summary}");
}

#[test]
fn plans_are_escaped_in_every_format() {
    let folder = folder();
    let plan = |command: &str, output| {
        let arguments = [
            command,
            "--file",
            "aws-auth.json",
            "-f",
            "desired.json",
            "--as-written",
            "-o",
            output,
        ];
        match command {
            "apply" => awsauth(folder.path(), &[&arguments[..], &["--dry-run"]].concat()),
            _ => awsauth(folder.path(), &arguments),
        }
    };
    for command in ["diff", "apply"] {
        for output in ["human", "github"] {
            let run = plan(command, output);
            assert!(
                (run.stdout.clone() + &run.stderr).contains("u{202e}"),
                "{run:?}"
            );
        }
        let run = plan(command, "json");
        assert!(run.stdout.is_empty() || run.json().is_object());
    }
    assert_visible(&fs::read_to_string(folder.path().join("summary.md")).expect("a summary"));
    let names: Vec<String> = (0..HOSTILE.len()).map(username).collect();
    for name in &names {
        let name = name.replace('\0', "");
        let file = ["--file", "aws-auth.json"];
        for arguments in [
            vec![
                "map",
                "role",
                "arn:aws:iam::111122223333:role/new",
                "--username",
                &name,
                "--dry-run",
            ],
            vec!["unmap", "role", &name],
            vec!["map", "role", &name, "--username", "a"],
            vec!["get", "-o", &name],
            vec![&name],
        ] {
            awsauth(folder.path(), &[&arguments[..], &file].concat());
        }
        awsauth(folder.path(), &["get", "--file", &name]);
        awsauth(
            folder.path(),
            &["explain", &name, "--file", "aws-auth.json"],
        );
    }
    let arn = format!("arn:aws:iam::111122223333:role/r3{}", HOSTILE[3]);
    let explain = |output| {
        awsauth(
            folder.path(),
            &["explain", &arn, "--file", "aws-auth.json", "-o", output],
        )
    };
    assert!(explain("human").stdout.contains("\\u{202e}nimda"));
    assert!(texts(&explain("json").json()).contains(&username(3).as_str()));
}

/// A kubeconfig with hostile names, on a server with hostile messages or a hostile history.
#[tokio::test(flavor = "multi_thread")]
async fn clusters_are_escaped_in_every_format() {
    let revision = |number: usize| Revision {
        number: number as u64,
        run: "0123456789abcdef".to_owned(),
        before: Contents {
            exists: true,
            ..Contents::default()
        },
        after: Contents {
            exists: true,
            data: [("mapRoles".to_owned(), username(number).into())].into(),
            ..Contents::default()
        },
        who: Who {
            username: Some(username(number)),
            arn: number.is_multiple_of(2).then(|| username(number)),
            manager: Some(username(number)),
        },
        when: "2026-01-01T00:00:00Z".parse().expect("a time"),
        command: vec!["map".to_owned(), username(number)],
        version: username(number),
        reason: Some(username(number)),
        undoes: None,
        is_foreign: false,
        transaction: None,
        entries: None,
    };
    let mut object = aws_auth("");
    for (number, hostile) in HOSTILE.iter().enumerate() {
        let value = BASE64_STANDARD.encode(revision(number).encode());
        object["binaryData"][format!("r{number:020}-0123456789abcdef-5")] = value.into();
        object["binaryData"][format!("key{hostile}")] = "AAEC".into();
    }
    object["metadata"]["managedFields"] = json!([{"manager": HOSTILE[0], "operation": "Update",
        "time": "2026-01-01T00:00:01Z", "fieldsV1": {"f:data": {"f:mapRoles": {}}}}]);
    let history = FakeApi::start(Scenario::Calm, Some(object)).await;
    let refusing = FakeApi::start(
        Scenario::Always {
            status: 403,
            body: REFUSAL,
        },
        None,
    )
    .await;
    let plain = FakeApi::start(
        Scenario::Always {
            status: 401,
            body: HOSTILE[8],
        },
        None,
    )
    .await;
    for api in [&history, &refusing, &plain] {
        let url = api.url.clone();
        tokio::task::spawn_blocking(move || on_cluster(&url))
            .await
            .expect("no panic");
    }
    let url = history.url.clone();
    tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().expect("a folder");
        write_kubeconfig(folder.path(), &url, "a");
        let run = awsauth(
            folder.path(),
            &["history", "--kubeconfig", "config", "-o", "json"],
        );
        assert_has_usernames(&run.json());
    })
    .await
    .expect("no panic");
}

const REFUSAL: &str = r#"{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403, "reason": "Forbidden",
    "message": "no \u001b[2J\u202e\u0000\u2066 \udb40\udc41\r\nhint: run this\n::error::forged"}"#;

fn write_kubeconfig(folder: &Path, url: &str, name: &str) {
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "users": [{"name": name, "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}]});
    fs::write(folder.join("config"), quoted_json(&config)).expect("a kubeconfig");
}

/// Returns JSON that is YAML.
fn quoted_json(value: &Value) -> String {
    awsauth_core::escape::json_for_yaml(&value.to_string()).into_owned()
}

fn on_cluster(url: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    for (number, name) in HOSTILE.iter().enumerate() {
        write_kubeconfig(folder.path(), url, name);
        let config = ["--kubeconfig", "config", "--timeout", "500ms"];
        let commands: &[&[&str]] = &[
            &["get"],
            &["history"],
            &["history", "show", "3"],
            &["doctor"],
            &["doctor", "-o", "json", "--bundle", "bundle.json"],
            &["whoami", "-o", "json"],
            &["nodes"],
            &["nodes", "-o", "json"],
            &["who-can", "get", "pods"],
            &["who-can", "get", "pods", "-o", "json"],
            &["unused", "--log", "/dev/null"],
            &["migrate"],
            &["fleet", "get", "--all-contexts"],
            &["fleet", "get", "--all-contexts", "-o", "csv"],
            &["fleet", "get", "--all-contexts", "-o", "json"],
            &["version", "-o", "json"],
            &["lint"],
        ];
        // The fifth name shows every command; the others, those that print the names most.
        let first = if number == 4 { 0 } else { commands.len() - 2 };
        for arguments in &commands[first..] {
            let run = awsauth(folder.path(), &[arguments, &config[..]].concat());
            if arguments.contains(&"json") && !run.stdout.is_empty() {
                run.json();
            }
        }
    }
    let bundle = fs::read_to_string(folder.path().join("bundle.json")).expect("a bundle");
    assert_visible(&bundle);
    serde_json::from_str::<Value>(&bundle).expect("JSON");
}

#[test]
fn accounts_are_escaped_in_attributes_of_a_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounts = format!("- {}\n", quoted("x\n::error::forged\u{1b}[2J"));
    let object = config_map("", &[("mapAccounts".to_owned(), accounts)]);
    fs::write(folder.path().join("aws-auth.json"), object.to_string()).expect("a file");
    let arguments = ["report", "--file", "aws-auth.json", "-o", "html"];
    let html = awsauth(folder.path(), &arguments).stdout;
    assert!(html.contains("x\\n::error::forged\\u{1b}[2J"), "{html}");
}
