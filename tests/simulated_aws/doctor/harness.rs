//! A machine with a kubeconfig and credentials, into which tests inject faults.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::eks_cluster::harness::{ALLOWED, ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION};
use crate::eks_cluster::token_review::Who;
use crate::support::cluster::Cluster;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::simulated_aws::Credentials;

const PROGRAM: &str = env!("CARGO_BIN_EXE_awsauth");

/// The cluster's ARN, which `aws eks update-kubeconfig` uses as the name of its entries.
pub(crate) const CLUSTER: &str = "arn:aws:eks:us-east-1:111122223333:cluster/my-cluster";

/// A machine on which `doctor` runs. It has no fault until a test injects one.
pub(crate) struct Harness {
    pub(crate) kubeconfig: Value,
    pub(crate) environment: Environment,
    pub(crate) args: Vec<String>,
    pub(crate) credentials: Credentials,
    /// A kubeconfig that `KUBECONFIG` lists before the machine's.
    pub(crate) earlier_kubeconfig: Option<Value>,
    folder: TempDir,
}

/// A diagnosis.
pub(crate) struct Diagnosis {
    pub(crate) run: Run,
    pub(crate) json: Value,
}

impl Harness {
    /// A machine with a session of [`MYTESTROLE`] and awsauth as the exec plugin. The kubeconfig also has an
    /// administrator's context.
    pub(crate) fn new(cluster: &'static Cluster) -> Self {
        let credentials = cluster.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
        let exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": PROGRAM,
            "args": ["token", "--cluster-name", eks::NAME],
        });
        let server = json!({"server": cluster.server_url(), "certificate-authority": cluster.ca()});
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": CLUSTER, "cluster": server}, {"name": "sound", "cluster": server}],
            "users": [
                {"name": "me", "user": {"exec": exec}},
                {"name": "admin", "user": {"token": cluster.admin_token()}},
            ],
            "contexts": [
                {"name": "mine", "context": {"cluster": CLUSTER, "user": "me"}},
                {"name": "admin", "context": {"cluster": "sound", "user": "admin"}},
            ],
            "current-context": "mine",
        });
        let folder = tempfile::tempdir().unwrap();
        let environment = cluster.aws().environment().with_credentials(&credentials);
        Self {
            kubeconfig,
            environment: environment
                .with("HOME", &folder.path().display().to_string())
                .with("PATH", "/usr/bin:/bin"),
            args: [["--as-context", "admin"], ALLOWED]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            credentials,
            earlier_kubeconfig: None,
            folder,
        }
    }

    /// The folder for the files of the machine.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The exec plugin of the kubeconfig.
    pub(crate) fn exec(&mut self) -> &mut Value {
        &mut self.kubeconfig["users"][0]["user"]["exec"]
    }

    /// Sets the plugin to this shell command.
    pub(crate) fn plugin(&mut self, line: &str) {
        self.exec()["command"] = json!("sh");
        self.exec()["args"] = json!(["-c", line, "plugin", "--cluster-name", eks::NAME]);
    }

    /// Sets the plugin to one that prints this token.
    pub(crate) fn plugin_prints(&mut self, token: &str) {
        let credential = json!({
            "apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential",
            "status": {"token": token, "expirationTimestamp": "2099-01-01T00:00:00Z"},
        });
        let path = self.file("credential.json", &credential.to_string());
        self.plugin(&format!("cat {}", path.display()));
    }

    /// Removes the credentials from the environment.
    pub(crate) fn remove_credentials(&mut self) {
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ] {
            self.environment = self.environment.clone().without(name);
        }
    }

    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment = self.environment.clone().with(name, value);
    }

    pub(crate) fn arg(&mut self, args: &[&str]) {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs `awsauth doctor` with text output.
    pub(crate) fn doctor(&self, more: &[&str]) -> Run {
        let path = self.file("config", &self.kubeconfig.to_string());
        let mut paths = path.display().to_string();
        if let Some(earlier) = &self.earlier_kubeconfig {
            let earlier = self.file("earlier", &earlier.to_string());
            paths = format!("{}:{paths}", earlier.display());
        }
        self.doctor_on(&paths, more)
    }

    /// Runs `awsauth doctor` with these kubeconfig files.
    pub(crate) fn doctor_on(&self, kubeconfigs: &str, more: &[&str]) -> Run {
        let environment = self.environment.clone().with("KUBECONFIG", kubeconfigs);
        let args = self.args.iter().map(String::as_str);
        let args: Vec<&str> = ["doctor"]
            .into_iter()
            .chain(args)
            .chain(more.iter().copied())
            .collect();
        let program = Path::new(PROGRAM);
        Run::of(environment.command(program).args(args))
    }

    /// Runs `awsauth doctor -o json`.
    pub(crate) fn diagnose(&self, more: &[&str]) -> Diagnosis {
        let run = self.doctor(&[&["-o", "json"], more].concat());
        Diagnosis {
            json: run.json(),
            run,
        }
    }
}

impl Diagnosis {
    /// The check of the headline. Empty if nothing is wrong.
    pub(crate) fn headline(&self) -> &str {
        self.json["headline"]["rung"].as_str().unwrap_or_default()
    }

    pub(crate) fn rung(&self, id: &str) -> &Value {
        let rungs = self.json["rungs"].as_array().unwrap();
        rungs.iter().find(|rung| rung["id"] == id).unwrap()
    }

    pub(crate) fn status(&self, id: &str) -> &str {
        self.rung(id)["status"].as_str().unwrap()
    }

    pub(crate) fn text(&self, id: &str, field: &str) -> &str {
        self.rung(id)[field].as_str().unwrap_or_default()
    }
}

/// An aws-auth that makes [`MYTESTROLE`] an administrator.
pub(crate) fn valid_aws_auth() -> Value {
    json!({"mapRoles": format!("- rolearn: {MYTESTROLE}\n  username: admin\n  groups: [system:masters]\n")})
}

/// Replaces aws-auth without a record of when it changed, and waits until it is in effect for the machine's role.
pub(crate) fn put(session: &ExclusiveCluster, data: &Value, expected: &Who) {
    session.api.delete();
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": data,
    });
    session.api.create(&object).unwrap();
    session.cluster.kubectl(&[
        "patch",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "--type=json",
        r#"-p=[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]"#,
    ]);
    let fresh = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
    session.becomes(&fresh, expected);
}

/// The user of the machine's role with [`sound`].
pub(crate) fn admin() -> Who {
    Who::user("admin", &["system:masters"])
}
