//! Config and credentials files are read as botocore reads them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use awsauth_aws::AwsEnvironment;
use awsauth_aws::config_file::{ConfigError, ConfigFiles, Section, Value};
use serde_json::{Value as Json, json};

use crate::support::program_output;
use crate::support::python::Packages;
use crate::support::secrets::Prints;

/// Parts of files, each in correct and incorrect places.
const LINES: [&str; 41] = [
    "[default]",
    "[profile a]",
    "[profile \"b c\"]",
    "[ profile a ]",
    "[profile a] # said",
    "[profile default]",
    "[profile a b]",
    "[profile 'a]",
    "[profiles a]",
    "[a]",
    "[DEFAULT]",
    "[sso-session s]",
    "[services t]",
    "[preview]",
    "[]",
    "[]]",
    "  [profile indented]",
    "aws_access_key_id = AKID",
    "aws_access_key_id=AKID2 # not a comment",
    "AWS_Secret_Access_Key : se=cr:et",
    "region = eu-west-1",
    " region = us-west-2",
    "  role_arn = arn:aws:iam::111122223333:role/x",
    "sso_session = s",
    "services = t",
    "s3 =",
    "sts =",
    "  endpoint_url = http://127.0.0.1:1",
    "    deeper = 1",
    "\tsignature_version = s3v4",
    "  no value here",
    "credential_process = \"/a b/c\" --d",
    "empty =",
    "= nameless",
    "nothing",
    "# comment",
    "  ; comment",
    "",
    "   ",
    "key = \u{a0}ünïcode\u{2003}",
    "x: y\r",
];

fn text(random: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    // Most files start correctly. Otherwise every file would fail at its first line.
    if random.u8(..10) > 0 {
        text.push_str("[default]\n");
    }
    for _ in 0..random.usize(..9) {
        text.push_str(LINES[random.usize(..LINES.len())]);
        text.push('\n');
    }
    text
}

fn read(folder: &Path) -> Result<ConfigFiles, ConfigError> {
    let path = |name: &str| folder.join(name).to_str().expect("a path").to_owned();
    ConfigFiles::read(
        &AwsEnvironment::default()
            .with("AWS_CONFIG_FILE", &path("config"))
            .with("AWS_SHARED_CREDENTIALS_FILE", &path("credentials")),
    )
}

fn in_json<'a>(sections: impl Iterator<Item = (&'a str, &'a Section)>) -> Json {
    let option = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Text(text) => json!(text.as_str()),
            Value::Nested(options) => options
                .iter()
                .map(|(name, value)| (name.clone(), json!(value.as_str())))
                .collect(),
        };
        (name.clone(), value)
    };
    sections
        .map(|(name, section)| {
            let options: BTreeMap<_, _> = section.options().iter().map(option).collect();
            (name.to_owned(), json!(options))
        })
        .collect()
}

#[test]
fn config_files_are_read_as_botocore_reads_them() {
    let scratch = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(4);
    let folders: Vec<_> = (0..600)
        .map(|number| {
            let folder = scratch.path().join(number.to_string());
            fs::create_dir(&folder).unwrap();
            for name in ["config", "credentials"] {
                if random.u8(..10) > 0 {
                    fs::write(folder.join(name), text(&mut random)).unwrap();
                }
            }
            folder
        })
        .collect();
    let mut python = Packages::Botocore.python();
    python
        .arg("-X")
        .arg("utf8")
        .arg("tests/python/botocore_config_files.py")
        .args(&folders)
        .env("HOME", scratch.path());
    let answered = program_output::output_of(&mut python, Prints::Credentials);
    assert!(answered.status.success(), "{answered:?}");
    let answers = String::from_utf8(answered.stdout).unwrap();
    let mut read_at_all = 0;
    let mut compared = 0;
    for (folder, answer) in folders.iter().zip(answers.lines()) {
        let expected: Json = serde_json::from_str(answer).unwrap();
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let context = || format!("{}\n--\n{}", text("config"), text("credentials"));
        compared += 1;
        let Ok(files) = read(folder) else {
            assert_eq!(expected, Json::Null, "{}", context());
            continue;
        };
        read_at_all += 1;
        let names: Vec<_> = files.profile_names().collect();
        let profiles = names
            .iter()
            .map(|name| (*name, files.profile(name).unwrap()));
        let found = json!({
            "profiles": in_json(profiles),
            "sso_sessions": in_json(files.sso_session("s").map(|section| ("s", section)).into_iter()),
            "services": in_json(files.services("t").map(|section| ("t", section)).into_iter()),
        });
        assert_eq!(found, expected, "{}", context());
    }
    assert_eq!(compared, folders.len());
    assert!(
        read_at_all > folders.len() / 5,
        "only {read_at_all} could be read"
    );
}

#[test]
fn invalid_line_is_reported_without_its_value() {
    let folder = tempfile::tempdir().unwrap();
    for (text, expected) in [
        (
            "aws_secret_access_key = wJalr\n",
            "line 1 is before the first [section]",
        ),
        (
            "[default]\nwJalr\n",
            "line 2 is neither a [section] nor an option = value",
        ),
        (
            "[default]\n\n[a]\n[default]\n",
            "line 4 repeats the section [default] of line 1",
        ),
        (
            "[a]\nregion = x\nREGION = y\n",
            "line 3 repeats the option region of line 2",
        ),
        (
            "[a]\naws_secret_access_key =\n  wJalr\n",
            "line 2 begins aws_secret_access_key on the next line, and one of the lines is not option = value",
        ),
    ] {
        let path = folder.path().join("credentials");
        fs::write(&path, text).unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert_eq!(error, format!("{}: {expected}", path.display()));
    }
}

#[test]
fn binary_config_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, b"[default]\nregion = \xff\n").unwrap();
    let error = read(folder.path()).unwrap_err().to_string();
    assert_eq!(error, format!("{} is not UTF-8", path.display()));
}

#[test]
fn paths_expand_home_and_variables() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    fs::write(home.path().join(".aws/config"), "[default]\nregion = x\n").unwrap();
    fs::write(home.path().join("here"), "\u{feff}[p]\nregion = y\n").unwrap();
    let base = AwsEnvironment::default().at_home(home.path());
    for named in [
        "~/here",
        "$PLACE/here",
        "${PLACE}/here",
        &format!("{}/here", home.path().display()),
    ] {
        let aws_environment = base
            .clone()
            .with("PLACE", home.path().to_str().unwrap())
            .with("AWS_SHARED_CREDENTIALS_FILE", named);
        let files = ConfigFiles::read(&aws_environment).unwrap();
        assert_eq!(files.profile_names().collect::<Vec<_>>(), ["default", "p"]);
    }
    let none = ConfigFiles::read(&AwsEnvironment::default()).unwrap();
    assert_eq!(
        none.config.missing.as_deref(),
        Some("there is no home folder")
    );
    let elsewhere = base.with("AWS_CONFIG_FILE", "$NOWHERE/config");
    let files = ConfigFiles::read(&elsewhere).unwrap();
    assert_eq!(
        files.config.path.as_deref(),
        Some(Path::new("$NOWHERE/config"))
    );
    assert_eq!(files.config.missing.as_deref(), Some("it is not there"));
}
