//! One test's time with a cluster of EKS: there is only one aws-auth in it.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::aws::{Aws, Credentials};
use crate::support::cluster::Cluster;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::run::Run;
use crate::support::toolchain::Binary;

pub(crate) const MYTESTROLE: &str = "arn:aws:iam::111122223333:role/mytestrole";

/// How long a change of aws-auth may take until the authenticator has it, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster for one test at a time.
pub(crate) struct Session {
    pub(crate) cluster: &'static Cluster,
    _turn: MutexGuard<'static, ()>,
}

/// Who the API server takes somebody for.
#[derive(Debug, PartialEq)]
pub(crate) enum Who {
    Unauthorized,
    User {
        name: String,
        /// Without `system:authenticated`.
        groups: Vec<String>,
    },
}

impl Who {
    pub(crate) fn user(name: &str, groups: &[&str]) -> Self {
        Self::User {
            name: name.to_owned(),
            groups: groups.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Session {
    /// Waits for its turn. aws-auth lets nobody in.
    pub(crate) fn start() -> Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        static TURN: Mutex<()> = Mutex::new(());
        // A test that failed in its turn leaves nothing that the next does not clear away.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = CLUSTER.get_or_init(|| Cluster::start_eks(&[]));
        let session = Self {
            cluster,
            _turn: turn,
        };
        session.aws().no_faults();
        session.put("{}");
        session
    }

    pub(crate) fn aws(&self) -> &'static Aws {
        self.cluster.aws()
    }

    /// Makes this the `data` of aws-auth, in JSON.
    pub(crate) fn put(&self, data: &str) {
        let object = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"aws-auth","namespace":"kube-system"}},"data":{data}}}"#
        );
        self.cluster.kubectl(&[
            "delete",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "--ignore-not-found",
        ]);
        self.cluster.kubectl_fed(&["create", "-f", "-"], &object);
    }

    /// Runs our program as the cluster's creator; it must end well.
    pub(crate) fn done(&self, args: &[&str]) -> Run {
        let kubeconfig = self.cluster.kubeconfig();
        let environment = Environment::new(self.cluster.folder())
            .with("KUBECONFIG", &kubeconfig.display().to_string());
        let run = self.awsauth(&environment, args);
        assert_eq!(run.status, 0, "awsauth {args:?}: {run:?}");
        run
    }

    /// Runs our program.
    pub(crate) fn awsauth(&self, environment: &Environment, args: &[&str]) -> Run {
        let program = Path::new(env!("CARGO_BIN_EXE_awsauth"));
        self.aws().run(environment.command(program).args(args))
    }

    /// A token from the authenticator's own client.
    pub(crate) fn token(&self, credentials: &Credentials) -> String {
        let environment = self.aws().environment().with_credentials(credentials);
        self.token_in(&environment, eks::NAME)
    }

    /// A token for a cluster of that name from the authenticator's own client.
    pub(crate) fn token_in(&self, environment: &Environment, cluster: &str) -> String {
        let mut command = environment.command(&Binary::Authenticator.path());
        let run = self
            .aws()
            .run_for_token(command.args(["token", "-i", cluster]));
        assert_eq!(run.status, 0, "{run:?}");
        run.json()["status"]["token"].as_str().unwrap().to_owned()
    }

    /// Asks the API server, with kubectl, whose token this is.
    pub(crate) fn who(&self, token: &str) -> Who {
        let mut command = self.cluster.kubectl_command();
        let server = self.cluster.server_url();
        command
            .env_remove("KUBECONFIG")
            .args(["auth", "whoami", "-o", "json", "--server", &server])
            .arg("--certificate-authority")
            .arg(self.cluster.ca())
            .args(["--token", token]);
        let run = self.aws().run(&mut command);
        if run.status != 0 {
            run.says(1, &["Unauthorized"]);
            return Who::Unauthorized;
        }
        let user = &run.json()["status"]["userInfo"];
        let groups = user["groups"].as_array().unwrap().iter();
        Who::User {
            name: user["username"].as_str().unwrap_or_default().to_owned(),
            groups: groups
                .map(|group| group.as_str().unwrap().to_owned())
                .filter(|group| group != "system:authenticated")
                .collect(),
        }
    }

    /// Waits until the API server takes the holder of the credentials for `expected`. What it let in stays in its memory
    /// for 10 s, so each try takes a token of its own; tokens differ from second to second.
    #[track_caller]
    pub(crate) fn becomes(&self, credentials: &Credentials, expected: &Who) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let who = self.who(&self.token(credentials));
            if who == *expected {
                return;
            }
            assert!(Instant::now() < deadline, "it is still {who:?}");
            sleep(Duration::from_millis(100));
        }
    }
}

/// What lets `arn` in as an administrator.
pub(crate) fn map_args(arn: &str) -> [&str; 7] {
    [
        "map",
        "role",
        arn,
        "--username",
        "admin",
        "--group",
        "system:masters",
    ]
}
