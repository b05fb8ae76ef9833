//! `examples/real-cluster/record`, with the AWS CLI and a simulated EKS API.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::completed_run::Run;
use crate::support::default_signal_actions;
use crate::support::environment::Environment;
use crate::support::python::Packages;
use crate::support::simulated_eks_api::EksService;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/real-cluster/record");
const ROLE: &str = "arn:aws:iam::444455556666:role/team/awsauth-record";
const ROOT: &str = "arn:aws:iam::444455556666:root";
const OTHER: &str = "arn:aws:iam::444455556666:role/other";

/// EKS with a cluster, and the programs that the script runs.
struct Site {
    service: EksService,
    folder: TempDir,
}

impl Site {
    fn start() -> Self {
        let world = json!({
            "clusters": {"prod": {
                "arn": "arn:aws:eks:eu-west-1:444455556666:cluster/prod",
                "status": "ACTIVE",
                "accessConfig": {"authenticationMode": "API"},
            }},
            "principals": {ROLE: {"id": "AROARECORD"}, OTHER: {"id": "AROAOTHER"}},
            "entries": {"prod": [{"principalArn": OTHER, "type": "STANDARD", "username": "other", "kubernetesGroups": ["a"]}]},
        });
        let folder = tempfile::tempdir().expect("a folder");
        let python = Packages::Awscli.python().get_program().to_owned();
        let python = Path::new(&python).display();
        let aws = format!("#!/bin/sh\nexec '{python}' -m awscli \"$@\"\n");
        for (name, text) in [("aws", aws.as_str()), ("kubectl", "#!/bin/sh\nexit 1\n")] {
            let program = folder.path().join(name);
            fs::write(&program, text).expect("a program");
            let executable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(&program, executable).expect("a program");
        }
        Self {
            service: EksService::start(&world),
            folder,
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let path = format!("{}:/usr/bin:/bin", self.folder.path().display());
        let environment = self.service.with_keys(Environment::new(self.folder.path()));
        let environment = environment
            .with("PATH", &path)
            .with("AWS_REGION", "eu-west-1")
            .with("AWS_DEFAULT_REGION", "eu-west-1");
        let mut command = environment.command(Path::new(SCRIPT));
        command.args(["--cluster-name", "prod"]).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        Run::of(&mut self.command(args))
    }

    fn entries(&self) -> Value {
        self.service.state()["entries"]["prod"].take()
    }
}

#[test]
fn record_runs_nothing_without_yes() {
    let site = Site::start();
    let run = site.run(&["--principal", ROLE, "--assume"]);
    run.says(0, &[]);
    assert!(run.stdout.starts_with("Add --yes to run these commands.\n"));
    assert!(run.stdout.contains("$ aws eks create-access-entry "));
    assert_eq!(site.service.asked(), [""; 0]);
}

#[test]
fn record_deletes_what_it_creates() {
    let site = Site::start();
    let before = site.entries();
    let run = site.run(&["--principal", ROLE, "--principal", ROOT, "--yes"]);
    run.says(0, &[]);
    assert_eq!(site.entries(), before);
    for part in [
        "\n## May a group begin with aws:?\n\n$ aws eks create-access-entry --cluster-name prod --tags awsauth.dev/record=",
        "An error occurred (InvalidParameterException) when calling the CreateAccessEntry operation: The username must have a colon before {{SessionName}}\n",
        "\n## How many policies may an access entry have?\n",
        "\n## Does EKS accept this principal?\n",
        "(InvalidParameterException) when calling the CreateAccessEntry operation: The principalArn parameter format is not valid\n",
    ] {
        assert!(run.stdout.contains(part), "{part}\n{}", run.stdout);
    }
    assert!(!run.stdout.contains("444455556666"), "{}", run.stdout);
    let asked = site.service.asked();
    let count = |call: &str| asked.iter().filter(|asked| *asked == call).count();
    assert!(count("CreateAccessEntry") > 5, "{asked:?}");
    // A repeated clientRequestToken creates nothing.
    assert_eq!(count("CreateAccessEntry"), count("DeleteAccessEntry") + 1);
    assert_eq!(count("AssociateAccessPolicy"), 7, "{asked:?}");
}

#[test]
fn record_keeps_an_existing_access_entry() {
    let site = Site::start();
    let before = site.entries();
    let run = site.run(&["--principal", ROLE, "--principal", OTHER, "--yes"]);
    run.says(1, &[&format!("error: {OTHER} has an access entry: ")]);
    assert_eq!(site.service.asked().len(), 2, "two reads");
    assert_eq!(site.entries(), before);
}

#[test]
fn record_changes_nothing_if_it_cannot_read() {
    let site = Site::start();
    let mut state = site.service.state();
    state["denied"] = json!({"DescribeAccessEntry": "User: x is not authorized to perform: eks:DescribeAccessEntry"});
    site.service.set(&state);
    let run = site.run(&["--principal", ROLE, "--yes"]);
    run.says(
        1,
        &[&format!("error: cannot read the access entry of {ROLE}: ")],
    );
    assert!(!run.stderr.contains("has an access entry"), "{run:?}");
    assert_eq!(site.service.asked().len(), 1);
}

#[test]
fn interrupted_record_deletes_its_access_entry() {
    let site = Site::start();
    let before = site.entries();
    let mut state = site.service.state();
    state["faults"] =
        json!([{"operation": "UpdateAccessEntry", "fault": "hold", "seconds": 120, "times": 1}]);
    site.service.set(&state);
    let mut command = site.command(&["--principal", ROLE, "--yes"]);
    command.process_group(0).stdout(Stdio::null());
    default_signal_actions::reset_for_children();
    let script = command.stderr(Stdio::piped()).spawn().expect("a shell");
    let deadline = Instant::now() + Duration::from_secs(180);
    while !site
        .service
        .asked()
        .contains(&"UpdateAccessEntry".to_owned())
    {
        assert!(Instant::now() < deadline, "{:?}", site.service.asked());
        sleep(Duration::from_millis(50));
    }
    assert_ne!(site.entries(), before);
    // As a terminal does.
    let group = format!("-{}", script.id());
    let mut kill = Command::new("kill");
    Run::of(kill.args(["-INT", "--", &group])).says(0, &[]);
    Run::ended(script).says(130, &[]);
    assert_eq!(site.entries(), before);
}
