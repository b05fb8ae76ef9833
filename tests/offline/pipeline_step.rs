//! `pipeline/step.sh`: its switches, and which cluster or file it writes.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::completed_run::Run;

const MANIFEST: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\ndata:\n  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/a\n      username: a\n";
const WANTED: &str = "- rolearn: arn:aws:iam::111122223333:role/b\n  username: b\n";

/// Runs the step on a manifest. Returns the run, and whether the manifest changed.
fn step(command: &str, variables: &[(&str, &str)]) -> (Run, bool) {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_awsauth"), bin.join("awsauth")).unwrap();
    fs::write(folder.path().join("aws-auth.yaml"), MANIFEST).unwrap();
    fs::write(folder.path().join("wanted.yaml"), WANTED).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipeline/step.sh");
    let mut step = Command::new("sh");
    step.arg(script)
        .args([command, "wanted.yaml"])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("HOME", folder.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWSAUTH_FILE", "aws-auth.yaml")
        .envs(variables.iter().copied());
    let run = Run::of(&mut step);
    let after = fs::read_to_string(folder.path().join("aws-auth.yaml")).unwrap();
    (run, after != MANIFEST)
}

#[test]
fn every_spelling_of_true_is_a_dry_run() {
    for value in ["true", "True", "TRUE", "1", "yes", "on"] {
        let (run, changed) = step("apply", &[("STEP_DRY_RUN", value)]);
        assert_eq!((run.status, changed), (0, false), "{value}: {run:?}");
        let (run, _) = step("diff", &[("STEP_FAIL_ON_CHANGE", value)]);
        assert_eq!(run.status, 1, "{value}: {run:?}");
    }
    for value in ["false", "False", "0", "no", ""] {
        let (run, changed) = step("apply", &[("STEP_DRY_RUN", value)]);
        assert_eq!((run.status, changed), (0, true), "{value}: {run:?}");
        let (run, _) = step("diff", &[("STEP_FAIL_ON_CHANGE", value)]);
        assert_eq!(run.status, 0, "{value}: {run:?}");
    }
}

#[test]
fn other_values_of_a_switch_are_errors() {
    for name in ["STEP_DRY_RUN", "STEP_PRUNE", "STEP_FAIL_ON_CHANGE"] {
        for value in ["true ", "y", "::error::x", "-"] {
            let (run, changed) = step("apply", &[(name, value)]);
            assert_eq!((run.status, changed), (2, false), "{name}={value}: {run:?}");
            assert!(run.stderr.contains("is neither true nor false"), "{run:?}");
        }
    }
}

/// A variable of the job must not redirect a step that names a cluster.
#[test]
fn cluster_of_the_step_wins_over_a_file_of_the_job() {
    for name in ["AWSAUTH_CLUSTER_NAME", "AWSAUTH_EXPECT_CLUSTER"] {
        let (run, changed) = step("apply", &[(name, "prod"), ("AWSAUTH_REGION", "eu-west-1")]);
        assert!(run.status != 0 && !changed, "{name}: {run:?}");
    }
}
