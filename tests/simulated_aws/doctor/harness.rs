//! A machine with a kubeconfig and credentials that cannot use the cluster.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sign_in::session::{MYTESTROLE, MYTESTROLE_SESSION, Session};
use crate::sign_in::token_review::Who;
use crate::support::aws::Credentials;
use crate::support::cluster::Cluster;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::run::Run;

const PROGRAM: &str = env!("CARGO_BIN_EXE_awsauth");

/// The ARN of the cluster, by which `aws eks update-kubeconfig` calls its entries.
pub(crate) const CLUSTER: &str = "arn:aws:eks:us-east-1:111122223333:cluster/my-cluster";

/// What is to be diagnosed. Healthy, until a fault befalls it.
pub(crate) struct Harness {
    pub(crate) kubeconfig: Value,
    pub(crate) environment: Environment,
    pub(crate) args: Vec<String>,
    pub(crate) credentials: Credentials,
    folder: TempDir,
}

/// A diagnosis.
pub(crate) struct Diagnosis {
    pub(crate) run: Run,
    pub(crate) json: Value,
}

impl Harness {
    /// A session of [`MYTESTROLE`], whose kubeconfig has awsauth as its plugin, on a machine where an administrator works too.
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
            args: ["--as-context", "admin"].map(str::to_owned).into(),
            credentials,
            folder,
        }
    }

    /// Where to put files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The user's exec plugin.
    pub(crate) fn exec(&mut self) -> &mut Value {
        &mut self.kubeconfig["users"][0]["user"]["exec"]
    }

    /// A plugin that is this line of shell.
    pub(crate) fn plugin(&mut self, line: &str) {
        self.exec()["command"] = json!("sh");
        self.exec()["args"] = json!(["-c", line, "plugin", "--cluster-name", eks::NAME]);
    }

    /// A plugin that prints this token.
    pub(crate) fn plugin_prints(&mut self, token: &str) {
        let credential = json!({
            "apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential",
            "status": {"token": token, "expirationTimestamp": "2099-01-01T00:00:00Z"},
        });
        let path = self.file("credential.json", &credential.to_string());
        self.plugin(&format!("cat {}", path.display()));
    }

    /// Without the credentials of the environment.
    pub(crate) fn penniless(&mut self) {
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ] {
            self.environment = self.environment.clone().without(name);
        }
    }

    /// With one more variable.
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

    /// Runs `awsauth doctor` for people.
    pub(crate) fn says(&self, more: &[&str]) -> Run {
        let path = self.file("config", &self.kubeconfig.to_string());
        let environment = self
            .environment
            .clone()
            .with("KUBECONFIG", &path.display().to_string());
        let args = self.args.iter().map(String::as_str);
        let args: Vec<&str> = ["doctor"]
            .into_iter()
            .chain(args)
            .chain(more.iter().copied())
            .collect();
        let program = Path::new(PROGRAM);
        Run::of(environment.command(program).args(args))
    }

    /// The same for scripts.
    pub(crate) fn examined(&self, more: &[&str]) -> Diagnosis {
        let run = self.says(&[&["-o", "json"], more].concat());
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
pub(crate) fn sound() -> Value {
    json!({"mapRoles": format!("- rolearn: {MYTESTROLE}\n  username: admin\n  groups: [system:masters]\n")})
}

/// Puts an aws-auth there, without any record of when, and waits until it is in force for the harness's role.
pub(crate) fn put(session: &Session, data: &Value, expected: &Who) {
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

/// Who the harness is with [`sound`].
pub(crate) fn admin() -> Who {
    Who::user("admin", &["system:masters"])
}
