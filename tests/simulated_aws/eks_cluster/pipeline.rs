//! The pipeline steps after cluster creation, on a real API server: the scripts of `action.yml` and of the step
//! template for Octopus Deploy.
//!
//! The GitHub runner and Octopus itself are missing; the tests set the variables that they set.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{CREATOR_SESSION, eks, holding};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE};
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::github_action::Action;
use crate::support::simulated_aws::REGION;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const WANTED: &str = "- rolearn: arn:aws:iam::111122223333:role/mytestrole\n  username: admin\n  groups: [system:masters]\n";
/// Entries that no run changes unless it names them.
const NODES: &str = "- rolearn: arn:aws:iam::111122223333:role/nodes\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]\n";

/// The folder of a job: awsauth on PATH, and files.
struct Job {
    folder: tempfile::TempDir,
    environment: Environment,
}

impl Job {
    fn of(environment: Environment) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let programs = folder.path().join("bin");
        fs::create_dir(&programs).unwrap();
        let link =
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_awsauth"), programs.join("awsauth"));
        link.unwrap();
        let path = format!("{}:/usr/bin:/bin", programs.display());
        Self {
            environment: environment.with("PATH", &path).with("CI", "true"),
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn bash(&self, environment: &Environment, flags: &[&str], script: &str) -> Run {
        self.put("script.sh", script);
        let mut bash = environment.command(Path::new("/bin/bash"));
        bash.args(flags).arg(self.path("script.sh"));
        Run::of(bash.current_dir(self.folder.path()))
    }

    /// Runs the steps of the action like the runner. Returns the last run, the outputs and the summary.
    fn action(&self, inputs: &[(&str, &str)]) -> (Run, String, String) {
        for file in ["output", "summary", "path"] {
            self.put(file, "");
        }
        let file = |name: &str| self.path(name).display().to_string();
        let runner = self
            .environment
            .clone()
            .with("GITHUB_ACTIONS", "true")
            .with("GITHUB_ACTION_PATH", ROOT)
            .with("GITHUB_OUTPUT", &file("output"))
            .with("GITHUB_PATH", &file("path"))
            .with("GITHUB_STEP_SUMMARY", &file("summary"))
            .with("RUNNER_TEMP", &file("temp"));
        let inputs = [&[("version", "path")], inputs].concat();
        let mut last = None;
        for step in Action::read().steps(&inputs) {
            let variables = step.variables.iter();
            let environment =
                variables.fold(runner.clone(), |all, (name, value)| all.with(name, value));
            // https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
            let flags = ["--noprofile", "--norc", "-e", "-o", "pipefail"];
            let run = self.bash(&environment, &flags, &step.run);
            let failed = run.status != 0;
            last = Some(run);
            if failed {
                break;
            }
        }
        let read = |name: &str| fs::read_to_string(self.path(name)).unwrap();
        (last.unwrap(), read("output"), read("summary"))
    }

    /// Runs the script of the step template like Octopus, which puts variables in front of it.
    fn octopus(&self, values: &[(&str, &str)]) -> Run {
        let template = template();
        let script = template["Properties"]["Octopus.Action.Script.ScriptBody"].as_str();
        let mut cases = String::new();
        let parameters = template["Parameters"].as_array().unwrap();
        for parameter in parameters {
            let name = parameter["Name"].as_str().unwrap();
            let given = values.iter().find(|(given, _)| *given == name);
            let value = given.map_or(parameter["DefaultValue"].as_str().unwrap(), |(_, v)| v);
            cases += &format!("{name}) printf '%s' '{value}' ;;\n");
        }
        cases +=
            "Octopus.Project.Name) echo shop ;;\nOctopus.Release.Number) echo 1.2.3 ;;\n*) ;;\n";
        // https://octopus.com/docs/deployments/custom-scripts/using-variables-in-scripts
        let script = format!(
            "get_octopusvariable() {{\ncase $1 in\n{cases}esac\n}}\n{}",
            script.unwrap()
        );
        self.bash(&self.environment, &[], &script)
    }
}

fn template() -> Value {
    let text = fs::read_to_string(Path::new(ROOT).join("pipeline/octopus.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn roles(session: &ExclusiveCluster) -> String {
    let object = session.api.object();
    object["data"]["mapRoles"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn action_applies_the_desired_state_and_is_idempotent() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    let job = Job::of(holding(&session, eks, CREATOR_SESSION));
    job.put("access.yaml", WANTED);
    let apply = [
        ("files", "access.yaml\n"),
        ("cluster-name", eks::NAME),
        ("wait", "10m"),
        ("verify", "true"),
    ];

    let (run, outputs, summary) = job.action(&[&apply[..], &[("command", "diff")]].concat());
    run.says(0, &[]);
    assert_eq!(outputs, "changed=true\n");
    assert!(summary.contains("This would change"), "{summary}");
    assert!(session.api.get().is_err(), "nothing was written");
    let strict = [
        &apply[..],
        &[("command", "diff"), ("fail-on-change", "true")],
    ]
    .concat();
    job.action(&strict).0.says(1, &[]);

    let (run, outputs, summary) = job.action(&[&apply[..], &[("dry-run", "true")]].concat());
    run.says(0, &["Nothing was written."]);
    assert_eq!(outputs, "changed=true\n");
    assert!(session.api.get().is_err(), "nothing was written: {summary}");

    let (run, outputs, summary) = job.action(&apply);
    run.says(0, &["Created aws-auth on EKS cluster my-cluster"]);
    assert_eq!(outputs, "changed=true\n");
    let row = "| gains | arn:aws:iam::111122223333:role/mytestrole |  | user admin in group system:masters |\n";
    for part in [
        "### aws-auth of EKS cluster my-cluster (",
        "\nCreated.\n",
        row,
        "```diff\n",
        "Signed in with a fresh token, as user kubernetes-admin",
    ] {
        assert!(summary.contains(part), "no {part:?} in {summary}");
    }
    let written = session.api.object();

    let (run, outputs, summary) = job.action(&apply);
    run.says(0, &[]);
    assert_eq!(outputs, "changed=false\n");
    assert!(summary.contains("No change was needed."), "{summary}");
    assert_eq!(
        session.api.object(),
        written,
        "not even its resourceVersion"
    );
}

#[test]
fn action_prunes_entries_its_owner_no_longer_requests() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    let job = Job::of(holding(&session, eks, CREATOR_SESSION));
    fs::create_dir(job.path("more access")).unwrap();
    job.put("access.yaml", WANTED);
    job.put(
        "more access/dev.yaml",
        &WANTED
            .replace("mytestrole", "dev")
            .replace("system:masters", "devs"),
    );
    let both = [
        ("files", "access.yaml\nmore access"),
        ("cluster-name", eks::NAME),
        ("owner", "shop"),
        ("prune", "true"),
    ];
    job.action(&both).0.says(0, &["Created aws-auth"]);
    assert!(roles(&session).contains("role/dev"));
    let one = [&both[1..], &[("files", "access.yaml")]].concat();
    let (run, _, summary) = job.action(&one);
    run.says(0, &["Wrote aws-auth"]);
    assert!(
        summary.contains(
            "| **loses** | arn:aws:iam::111122223333:role/dev | user admin in group devs |  |"
        ),
        "{summary}"
    );
    assert!(!roles(&session).contains("role/dev"));
}

#[test]
fn refusal_fails_the_action_and_is_in_its_summary() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    session.put(&json!({"mapRoles": NODES}));
    let job = Job::of(holding(&session, eks, CREATOR_SESSION));
    job.put("access.yaml", &WANTED.replace("mytestrole", "nodes"));
    let (run, outputs, summary) =
        job.action(&[("files", "access.yaml"), ("cluster-name", eks::NAME)]);
    run.says(4, &["refused (node-guard)"]);
    assert_eq!(run.stdout.matches("::error ").count(), 1, "{run:?}");
    let allow = "%0Ahint: if this is intended, add --allow-node-entry arn:aws:iam::111122223333:role/nodes\n";
    assert!(run.stdout.contains(allow), "{run:?}");
    assert_eq!(outputs, "");
    assert!(
        summary.contains("### awsauth failed") && summary.contains("node-guard"),
        "{summary}"
    );
    assert_eq!(roles(&session), NODES);

    job.put("access.yaml", "- rolearn: [\n");
    let (run, _, summary) = job.action(&[("files", "access.yaml"), ("cluster-name", eks::NAME)]);
    run.says(2, &["cannot read the desired state"]);
    assert!(summary.contains("### awsauth failed"), "{summary}");
    job.action(&[("files", "access.yaml"), ("command", "destroy")])
        .0
        .says(2, &["there is no command destroy"]);
    let nobody = [("files", "access.yaml"), ("cluster-name", "my-clutser")];
    job.put("access.yaml", WANTED);
    job.action(&nobody)
        .0
        .says(3, &["there is no cluster \"my-clutser\""]);
}

#[test]
fn failed_verification_is_rolled_back_and_fails_the_action() {
    let session = ExclusiveCluster::start();
    session.put(&json!({"mapRoles": NODES}));
    // The kubeconfig's identity writes. The AWS credentials belong to an unmapped identity.
    let other = "arn:aws:sts::111122223333:assumed-role/other/s";
    // EKS confirms that the kubeconfig's server is the cluster's endpoint.
    let environment = holding(&session, eks(&session, &json!({})), other);
    let job = Job::of(environment.with("AWSAUTH_TIMEOUT", "3s"));
    // A context name like that of the AWS CLI, which contains the cluster of the token.
    let arn = format!("arn:aws:eks:{REGION}:111122223333:cluster/{}", eks::NAME);
    let kubeconfig = fs::read_to_string(session.cluster.kubeconfig()).unwrap();
    let mut kubeconfig: Value = serde_yaml::from_str(&kubeconfig).unwrap();
    kubeconfig["contexts"][0]["name"] = json!(arn);
    kubeconfig["current-context"] = json!(arn);
    job.put("kubeconfig", &kubeconfig.to_string());
    let path = job.path("kubeconfig").display().to_string();
    let job = Job {
        environment: job.environment.with("KUBECONFIG", &path),
        ..job
    };
    job.put("access.yaml", WANTED);
    let inputs = [("files", "access.yaml"), ("verify", "true")];
    let (run, outputs, summary) = job.action(&inputs);
    run.says(6, &["aws-auth was written but could not be verified"]);
    assert_eq!(outputs, "changed=false\n");
    assert!(summary.contains("and was rolled back."), "{summary}");
    assert!(summary.contains("### awsauth failed"), "{summary}");
    assert_eq!(roles(&session), NODES);
}

#[test]
fn action_lints_a_checkout() {
    let session = ExclusiveCluster::start();
    let job = Job::of(Environment::new(session.cluster.folder()));
    let manifest = |roles: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: |\n    {roles}\n"
        )
    };
    job.put("aws-auth.yaml", &manifest("- rolearn: arn:aws:iam::111122223333:role/team/dev\n      username: dev\n      groups: [devs]"));
    let (run, outputs, summary) = job.action(&[("command", "lint"), ("files", "aws-auth.yaml")]);
    run.says(1, &[]);
    assert!(
        run.stdout.contains("::error file=aws-auth.yaml,line=8,"),
        "{run:?}"
    );
    assert_eq!(outputs, "findings=1\nerrors=1\n");
    assert!(summary.contains("R03 role-path"), "{summary}");
    let files = ("files", "aws-auth.yaml");
    let never = [("command", "lint"), files, ("fail-on", "never")];
    job.action(&never).0.says(0, &[]);
}

#[test]
fn action_inputs_are_never_evaluated_as_shell() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    let job = Job::of(holding(&session, eks, CREATOR_SESSION));
    let evil = "$(touch evil)`touch evil`; touch evil";
    for input in ["files", "cluster-name", "wait", "owner", "command"] {
        let run = job.action(&[("files", "a"), (input, evil)]).0;
        assert_ne!(run.status, 0, "{input}: {run:?}");
    }
    assert!(!job.path("evil").exists());
}

#[test]
fn octopus_step_applies_the_desired_state_and_is_idempotent() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    let job = Job::of(holding(&session, eks, CREATOR_SESSION));
    // The worker's awsauth is not on PATH.
    let job = Job {
        environment: job.environment.with("PATH", "/usr/bin:/bin"),
        ..job
    };
    let cluster = ("Awsauth.ClusterName", eks::NAME);
    let missing = job.octopus(&[cluster]);
    missing.says(1, &["awsauth is not installed on this worker"]);
    let program = ("Awsauth.Program", env!("CARGO_BIN_EXE_awsauth"));

    let dry = job.octopus(&[cluster, program, ("Awsauth.DryRun", "True")]);
    assert_eq!((dry.status, dry.stderr.as_str()), (0, ""), "{dry:?}");
    assert!(session.api.get().is_err(), "nothing was written");

    let run = job.octopus(&[cluster, program]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    for part in [
        "Created aws-auth on EKS cluster my-cluster",
        "mapping role/mytestrole created",
        "cluster-creator becomes user kubernetes-admin",
    ] {
        assert!(run.stdout.contains(part), "no {part:?} in {run:?}");
    }
    assert!(roles(&session).contains(MYTESTROLE));
    let written = session.api.object();
    let again = job.octopus(&[cluster, program]);
    assert_eq!(again.status, 0, "{again:?}");
    assert!(again.stdout.contains("unchanged"), "{again:?}");
    assert_eq!(session.api.object(), written);
}

#[test]
fn refusal_fails_the_octopus_step() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    session.put(&json!({"mapRoles": NODES}));
    let job = Job::of(holding(&session, eks, CREATOR_SESSION));
    let wanted = WANTED.replace("mytestrole", "nodes");
    let cluster = ("Awsauth.ClusterName", eks::NAME);
    let run = job.octopus(&[cluster, ("Awsauth.Wanted", &wanted)]);
    assert_eq!(run.status, 4, "{run:?}");
    assert!(run.stdout.contains("refused (node-guard)"), "{run:?}");
    let run = job.octopus(&[cluster, ("Awsauth.Prune", "True")]);
    assert_eq!(run.status, 2, "{run:?}");
    assert_eq!(roles(&session), NODES);
}

/// The form of <https://github.com/OctopusDeploy/Library/tree/master/step-templates>.
#[test]
fn octopus_template_can_be_imported() {
    let template = template();
    assert_eq!(template["ActionType"], "Octopus.Script");
    assert_eq!(template["$Meta"]["Type"], "ActionTemplate");
    assert!(template["Version"].is_u64() && template["Packages"].is_array());
    let properties = &template["Properties"];
    assert_eq!(properties["Octopus.Action.Script.Syntax"], "Bash");
    assert_eq!(properties["Octopus.Action.Script.ScriptSource"], "Inline");
    let script = properties["Octopus.Action.Script.ScriptBody"]
        .as_str()
        .unwrap();
    // Octopus replaces these before Bash reads the script.
    assert!(!script.contains("#{"), "{script}");
    for parameter in template["Parameters"].as_array().unwrap() {
        let name = parameter["Name"].as_str().unwrap();
        let short = name.strip_prefix("Awsauth.").unwrap();
        assert!(
            script.contains(&format!("value {short}"))
                || script.contains(&format!("switch {short}")),
            "{name} is not read"
        );
        assert!(parameter["DefaultValue"].is_string(), "{name}");
        let control = parameter["DisplaySettings"]["Octopus.ControlType"]
            .as_str()
            .unwrap();
        assert!(["SingleLineText", "MultiLineText", "Checkbox"].contains(&control));
    }
}
