//! The access entries that `migrate --print` prints, as the parsers of other tools read them: HCL, YAML 1.1 and 1.2, a shell, the
//! AWS CLI, and cfn-lint.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use awsauth_core::escape::is_invisible;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::cfn_lint::cfn_lint;
use crate::support::completed_run::Run;
use crate::support::python::Packages;

const A: &str = "arn:aws:iam::111122223333";

/// Strings that a language could read as something else.
const TEXTS: [&str; 28] = [
    "plain",
    "it's",
    "say \"hi\"",
    "${var.x}",
    "%{ if true }",
    "$${x}$",
    "back\\slash\\n",
    "two\nlines",
    "tab\there",
    "yes",
    "0x1F",
    "~",
    "# no comment",
    "a: b",
    "- item",
    "[list]",
    "{\"a\": 1}",
    "-option",
    "file://etc/passwd",
    "http://127.0.0.1:9/",
    "$HOME `id` $(id)",
    "é😀\u{85}\u{7f}\u{feff}",
    "1_000",
    "\u{1b}[2J\u{1b}]0;title\u{7}%s",
    "\u{202e}nimda\u{202c}\u{e0041}",
    "a\0b\u{8}",
    "a\r\n::error::forged ##[error]x\n",
    "-\u{ffff}'\u{2028}",
];

/// A principal's ARN, its username and its groups.
type Entry = (String, String, Vec<String>);

/// Writes a manifest whose usernames and groups are these strings.
fn manifest(folder: &TempDir) -> Vec<Entry> {
    let entries: Vec<Entry> = TEXTS
        .iter()
        .enumerate()
        .map(|(number, text)| {
            let arn = format!("{A}:role/r-{number}");
            // The AWS CLI reads URLs only in lists with one element.
            let groups = match text.contains("://") {
                true => vec![(*text).to_owned()],
                false => vec![(*text).to_owned(), "devs".to_owned()],
            };
            (arn, (*text).to_owned(), groups)
        })
        .collect();
    let roles: Vec<Value> = entries
        .iter()
        .map(|(arn, username, groups)| json!({"rolearn": arn, "username": username, "groups": groups}))
        .collect();
    let manifest = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapRoles": ascii(&json!(roles).to_string())},
    });
    fs::write(folder.path().join("aws-auth.json"), manifest.to_string()).expect("a manifest");
    entries
}

/// Writes JSON as YAML of ASCII characters, because YAML has no raw control characters.
fn ascii(json: &str) -> String {
    let escaped = json.chars().map(|c| match c {
        ' '..='~' => c.to_string(),
        c => format!("\\U{:08x}", u32::from(c)),
    });
    escaped.collect()
}

fn printed(folder: &TempDir, form: &str) -> String {
    printed_of(&folder.path().join("aws-auth.json"), &["--print", form], 0)
}

/// Runs `migrate` on a manifest.
fn printed_of(manifest: &Path, args: &[&str], status: i32) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_awsauth"));
    program
        .env_clear()
        .args(["migrate", "--file"])
        .arg(manifest);
    let run = Run::of(program.args(args));
    assert_eq!((run.status, run.stderr.as_str()), (status, ""), "{run:?}");
    let is_hidden = |c: char| c != '\n' && is_invisible(c);
    assert!(!run.stdout.contains(is_hidden), "{run:?}");
    let has_log_command = awsauth_core::escape::has_log_command(&run.stdout);
    assert!(!has_log_command, "{run:?}");
    run.stdout
}

/// Runs a Python program with `input` as its standard input, and reads the JSON that it prints.
fn python(packages: Packages, arguments: &[&str], input: &str) -> Value {
    let mut python = packages.python();
    python.args(arguments).env("PYTHONIOENCODING", "utf-8");
    python
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = python.spawn().expect("Python");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("Python reads");
    drop(stdin);
    let run = Run::ended(child);
    assert_eq!(run.status, 0, "{}\n{input}", run.stderr);
    run.json()
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|text| text.as_str().expect("a text").to_owned())
        .collect()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

/// Evaluates a quoted HCL string without templates.
fn hcl_text(quoted: &Value) -> String {
    let quoted = text(quoted);
    let inner = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .expect("quotes");
    let mut value = String::new();
    let mut rest = inner.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek().copied()) {
            ('$' | '%', Some('{')) => panic!("a template in {inner}"),
            ('$' | '%', Some(next)) if next == c && rest.clone().nth(1) == Some('{') => {
                value.extend([c, '{']);
                rest.nth(1);
            }
            ('\\', Some(escape)) => {
                rest.next();
                let digits = match escape {
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                value.push(match escape {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '"' | '\\' => escape,
                    'u' | 'U' => {
                        let code: String = rest.by_ref().take(digits).collect();
                        let code = u32::from_str_radix(&code, 16).expect("hexadecimal digits");
                        char::from_u32(code).expect("a character")
                    }
                    other => panic!("\\{other} in {inner}"),
                });
            }
            (c, _) => value.push(c),
        }
    }
    value
}

fn hcl_entry(attributes: &Value) -> Entry {
    let groups = attributes["kubernetes_groups"].as_array().expect("groups");
    (
        hcl_text(&attributes["principal_arn"]),
        hcl_text(&attributes["user_name"]),
        groups.iter().map(hcl_text).collect(),
    )
}

#[test]
fn terraform_forms_are_hcl_with_the_same_texts() {
    let folder = tempfile::tempdir().expect("a folder");
    let entries = manifest(&folder);
    let parser = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/parse_hcl.py");
    let parse = |form| python(Packages::Hcl, &[parser], &printed(&folder, form));
    let module = parse("terraform-module");
    let of_module = module["access_entries"].as_object().expect("a map");
    assert_eq!(
        of_module.values().map(hcl_entry).collect::<Vec<_>>(),
        sorted_by_key(&entries)
    );
    let resources = parse("terraform");
    let resources = resources["resource"].as_array().expect("resources").iter();
    let resources = resources.map(|block| {
        let of_kind = block["\"aws_eks_access_entry\""]
            .as_object()
            .expect("a resource");
        hcl_entry(of_kind.values().next().expect("its attributes"))
    });
    assert_eq!(resources.collect::<Vec<_>>(), entries);
}

/// The keys of the map are in the order of serde_json, by text.
fn sorted_by_key(entries: &[Entry]) -> Vec<Entry> {
    let by_key: std::collections::BTreeMap<_, _> = entries
        .iter()
        .map(|entry| (entry.0.clone(), entry.clone()))
        .collect();
    by_key.into_values().collect()
}

#[test]
fn yaml_forms_have_the_same_texts_in_yaml_1_1_and_1_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let entries = manifest(&folder);
    let program = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin.buffer)))";
    for form in ["cloudformation", "eksctl", "access"] {
        let printed = printed(&folder, form);
        let by_python = python(Packages::Awscli, &["-c", program], &printed);
        let by_rust: Value = serde_yaml::from_str(&printed).expect("YAML 1.2");
        assert_eq!(by_python, by_rust, "{form}");
        let found: Vec<Entry> = match form {
            "cloudformation" => {
                let resources: &Map<String, Value> =
                    by_python["Resources"].as_object().expect("resources");
                let of = |resource: &Value| {
                    let properties = &resource["Properties"];
                    assert_eq!(properties["ClusterName"], json!({"Ref": "ClusterName"}));
                    (
                        text(&properties["PrincipalArn"]),
                        text(&properties["Username"]),
                        texts(&properties["KubernetesGroups"]),
                    )
                };
                resources.values().map(of).collect()
            }
            "access" => {
                let of = |grant: &Value| {
                    (
                        text(&grant["arn"]),
                        text(&grant["username"]),
                        texts(&grant["groups"]),
                    )
                };
                let grants = by_python["grants"].as_array().expect("grants");
                grants.iter().map(of).collect()
            }
            _ => {
                let list = by_python["accessConfig"]["accessEntries"]
                    .as_array()
                    .expect("entries");
                let of = |entry: &Value| {
                    (
                        text(&entry["principalARN"]),
                        text(&entry["kubernetesUsername"]),
                        texts(&entry["kubernetesGroups"]),
                    )
                };
                list.iter().map(of).collect()
            }
        };
        assert_eq!(sorted_by_key(&found), sorted_by_key(&entries), "{form}");
    }
}

#[test]
fn aws_cli_sends_the_same_texts() {
    let folder = tempfile::tempdir().expect("a folder");
    let entries = manifest(&folder);
    let script = folder.path().join("migrate.sh");
    fs::write(&script, printed(&folder, "aws-cli")).expect("a script");
    let programs = tempfile::tempdir().expect("a folder");
    let runner = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/aws_cli_calls.py");
    let (script, programs) = (
        script.display().to_string(),
        programs.path().display().to_string(),
    );
    let calls = python(Packages::Awscli, &[runner, &script, &programs], "");
    let found: Vec<Entry> = calls
        .as_array()
        .expect("calls")
        .iter()
        .map(|call| {
            assert_eq!(
                (&call[0], &call[1]),
                (&json!("POST"), &json!("/clusters/CLUSTER/access-entries"))
            );
            let body = &call[2];
            assert_eq!(body["tags"], json!({"awsauth.dev/from": "aws-auth"}));
            (
                text(&body["principalArn"]),
                text(&body["username"]),
                texts(&body["kubernetesGroups"]),
            )
        })
        .collect();
    assert_eq!(found, entries);
}

#[test]
fn cfn_lint_accepts_cloudformation() {
    let folder = tempfile::tempdir().expect("a folder");
    manifest(&folder);
    let case = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/cases/migrate/print-cloudformation/in.yaml"
    );
    let unnamed = "arn:aws-cn:iam::111122223333:role/unnamed";
    let policies = [
        "--print",
        "cloudformation",
        "--masters",
        "policy",
        "--accept",
        unnamed,
    ];
    let of_case = printed_of(Path::new(case), &policies, 1);
    for template in [printed(&folder, "cloudformation"), of_case.clone()] {
        assert_eq!(cfn_lint(&template), "", "{template}");
    }
    for (key, misspelled) in [
        ("AWS::EKS::AccessEntry", "AWS::EKS::AccesEntry"),
        ("KubernetesGroups:", "KubernetesGroup:"),
        ("PolicyArn:", "PolicyARN:"),
        ("Type: cluster", "Type: Cluster"),
        ("PrincipalArn:", "Principal:"),
    ] {
        let template = of_case.replacen(key, misspelled, 1);
        assert_ne!(cfn_lint(&template), "", "{template}");
    }
}

#[test]
fn cloudformation_template_above_the_limit_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let print = |count: usize| {
        let entry = |number| {
            format!("    - {{rolearn: '{A}:role/r-{number}', username: a, groups: [b]}}\n")
        };
        let roles: String = (0..count).map(entry).collect();
        let path = folder.path().join("aws-auth.yaml");
        let head = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: aws-auth, namespace: kube-system}\ndata:\n  mapRoles: |\n";
        fs::write(&path, head.to_owned() + &roles).expect("a manifest");
        printed_of(&path, &["--print", "cloudformation"], 0)
    };
    let (most, more) = (print(500), print(501));
    assert_eq!(cfn_lint(&most), "");
    assert!(!most.contains('#'), "{}", &most[..100]);
    assert!(cfn_lint(&more).contains(":E3010:"));
    assert!(
        more.starts_with("# A template may have 500 resources, and this one has 501: split it.\n"),
        "{}",
        &more[..100]
    );
}
