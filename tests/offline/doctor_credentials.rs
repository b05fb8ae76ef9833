//! What `doctor` finds wrong with the AWS files and variables of a machine without credentials.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::completed_run::Run;
use crate::support::environment::Environment;

const PROGRAM: &str = env!("CARGO_BIN_EXE_awsauth");
const KEYS: &str = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n";

/// Runs doctor on a machine with these files in the home folder `here`, and returns the headline with `HOME` for the folder of
/// all home folders.
fn headline(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Value {
    let homes = tempfile::tempdir().unwrap();
    let shown = homes.path().display().to_string();
    let write = |path: &str, text: &str| {
        let path = homes.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": PROGRAM,
        "args": ["token", "--cluster-name", "prod"],
    });
    let kubeconfig = json!({
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"exec": exec}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    });
    write("there/.kube/config", &kubeconfig.to_string());
    write("here/empty", "");
    for (path, text) in files {
        write(path, text);
    }
    let environment = Environment::new(&homes.path().join("here"))
        .with("KUBECONFIG", &format!("{shown}/there/.kube/config"))
        .with("AWS_REGION", "eu-west-1")
        .with("AWS_EC2_METADATA_DISABLED", "true");
    let environment = variables
        .iter()
        .fold(environment, |all, (name, value)| all.with(name, value));
    let run = Run::of(
        environment
            .command(Path::new(PROGRAM))
            .args(["doctor", "-o", "json"]),
    );
    assert_eq!(run.status, 1, "{run:?}");
    let headline = run.json()["headline"].to_string();
    serde_json::from_str(&headline.replace(&shown, "HOME")).unwrap()
}

#[test]
fn mistake_in_the_aws_files_is_the_cause() {
    let dev: &[(&str, &str)] = &[("AWS_PROFILE", "dev")];
    let secret = "aws_secret_access_key = s\n";
    for (file, text, variables, check, cause, next) in [
        (
            "here/.aws/config",
            "[dev]\nrole_arn = x\n",
            dev,
            "C2",
            "the section in line 1 of HOME/here/.aws/config is [dev], which is not read as profile dev",
            "write [profile dev] instead of [dev]",
        ),
        (
            "here/.aws/credentials",
            "[profile dev]\n",
            dev,
            "C2",
            "the section in line 1 of HOME/here/.aws/credentials is [profile dev], which is not read as profile dev",
            "write [dev] instead of [profile dev]",
        ),
        (
            "here/.aws/credentials",
            &format!("[default]\naws_acess_key_id = A\n{secret}"),
            &[],
            "C1",
            "the section in line 1 of HOME/here/.aws/credentials has the option aws_acess_key_id, which has no effect",
            "write aws_access_key_id instead of aws_acess_key_id",
        ),
        (
            "here/.aws/credentials",
            &format!("[default]\n{KEYS}  {secret}"),
            &[],
            "C2",
            "the section in line 1 of HOME/here/.aws/credentials has an indented line that begins with aws_secret_access_key, which is read as a part of aws_access_key_id",
            "begin that line without spaces",
        ),
        (
            "here/.aws/credentials",
            &format!("[default]\n{KEYS}aws_secret_access_key s\n"),
            &[],
            "C2",
            "HOME/here/.aws/credentials: line 3 is neither a [section] nor an option = value",
            "correct that line",
        ),
        (
            "here/.aws/config",
            "[profile dev]\ncredential_process = /nowhere/aws-okta\n",
            dev,
            "C2",
            "credential_process /nowhere/aws-okta cannot be run: No such file or directory (os error 2)",
            "install /nowhere/aws-okta, or correct credential_process of the profile",
        ),
    ] {
        let found = headline(&[(file, text)], variables);
        let expected = json!([check, cause, next]);
        let found = json!([found["rung"], found["cause"], found["next"]]);
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn empty_or_encoded_kubeconfig_is_the_cause() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    for (text, cause) in [
        ("", "is empty"),
        ("YXBpVmVyc2lvbjogdjEKY2x1c3RlcnM6IFtdCg==\n", "is base64"),
    ] {
        fs::write(&path, text).unwrap();
        let run = Run::of(
            Environment::new(home.path())
                .with("AWS_EC2_METADATA_DISABLED", "true")
                .command(Path::new(PROGRAM))
                .args(["doctor", "-o", "json", "--kubeconfig"])
                .arg(&path),
        );
        let headline = &run.json()["headline"];
        assert_eq!(headline["rung"], "K1", "{run:?}");
        let found = headline["cause"].as_str().unwrap();
        assert!(found.contains(cause), "{found}");
    }
}

#[test]
fn other_home_folder_and_disabled_metadata_are_the_cause() {
    let there = [(
        "there/.aws/credentials",
        "[default]\naws_access_key_id = A\n",
    )];
    let found = headline(&there, &[]);
    assert_eq!(
        found["cause"],
        "the home folder is HOME/here, which has no AWS files; those in HOME/there/.aws are not read"
    );
    let next = found["next"].as_str().unwrap();
    assert!(next.ends_with("or with HOME=HOME/there"), "{next}");
    let found = headline(&[("here/.aws/config", "[profile dev]\n")], &[]);
    let (cause, next) = (found["cause"].as_str().unwrap(), found["next"].as_str());
    assert!(
        cause.contains("AWS_EC2_METADATA_DISABLED=true turns off"),
        "{cause}"
    );
    assert!(
        next.unwrap().contains("unset AWS_EC2_METADATA_DISABLED"),
        "{next:?}"
    );
}
