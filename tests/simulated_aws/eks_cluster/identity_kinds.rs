//! For every kind of identity: Unauthorized, mapped, full access, unmapped, Unauthorized.
//!
//! The tests use kubectl, which gets its tokens from a credential plugin.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::eks_cluster::harness::{ALLOWED, ExclusiveCluster, PATIENCE};
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::go_programs::Binary;
use crate::support::simulated_aws::{ACCOUNT, trusts, trusts_service, trusts_web_identity};

/// An identity, and its environment.
struct Caller {
    /// The mapped principal.
    principal: String,
    environment: Environment,
    /// The role that the plugin assumes first.
    assumes: Option<String>,
}

fn role(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

/// Creates an instance with this role, and returns its environment.
fn on_instance(session: &ExclusiveCluster, name: &str) -> Environment {
    let aws = session.aws();
    aws.role(&role(name), &[trusts_service("ec2.amazonaws.com")]);
    let url = aws.instance(&json!({
        "id": "i-0123456789abcdef0",
        "privateDnsName": "ip-10-0-0-1.ec2.internal",
        "metadata": "v2",
        "profile": name,
        "role": role(name),
    }));
    aws.environment().on_instance(&url)
}

#[test]
fn instance_role_is_mapped_verified_and_unmapped() {
    let session = ExclusiveCluster::start();
    let environment = on_instance(&session, "mytestrole");
    session.check(&Caller {
        principal: role("mytestrole"),
        environment,
        assumes: None,
    });
}

#[test]
fn role_assumed_from_an_instance_is_mapped_verified_and_unmapped() {
    let session = ExclusiveCluster::start();
    let environment = on_instance(&session, "mytestrole");
    let second = role("second");
    session.aws().role(&second, &[trusts(&role("mytestrole"))]);
    session.check(&Caller {
        principal: second.clone(),
        environment,
        assumes: Some(second),
    });
}

#[test]
fn iam_user_is_mapped_verified_and_unmapped() {
    let session = ExclusiveCluster::start();
    let principal = format!("arn:aws:iam::{ACCOUNT}:user/people/ann");
    let credentials = session.aws().user(&principal);
    session.check(&Caller {
        principal,
        environment: session.aws().environment().with_credentials(&credentials),
        assumes: None,
    });
}

#[test]
fn web_identity_is_mapped_verified_and_unmapped() {
    const ISSUER: &str = "token.actions.githubusercontent.com";
    const SUBJECT: &str = "repo:example/infrastructure:ref:refs/heads/main";
    let session = ExclusiveCluster::start();
    let aws = session.aws();
    let url = format!("https://{ISSUER}");
    aws.declare(&json!({"issuers": [{"issuer": url, "account": ACCOUNT}]}));
    let principal = role("ci");
    aws.role(&principal, &[trusts_web_identity(ISSUER, SUBJECT)]);
    let file = session.cluster.folder().join("web-identity-token");
    fs::write(&file, aws.web_identity(&url, SUBJECT)).unwrap();
    session.check(&Caller {
        environment: aws.environment().with_web_identity(&principal, &file),
        principal,
        assumes: None,
    });
}

#[test]
fn pod_identity_is_mapped_verified_and_unmapped() {
    let session = ExclusiveCluster::start();
    let aws = session.aws();
    let principal = role("pod");
    aws.role(&principal, &[trusts_service("pods.eks.amazonaws.com")]);
    let url = aws.container(&json!({
        "id": "pod",
        "kind": "pod-identity",
        "role": principal,
        "authorizationToken": "a-pods-own-token",
    }));
    session.check(&Caller {
        principal,
        environment: aws.environment().in_container(&url, "a-pods-own-token"),
        assumes: None,
    });
}

impl ExclusiveCluster {
    /// Runs the sequence with each plugin. With the authenticator's own client, it tests the mapping; with awsauth,
    /// also the token.
    fn check(&self, caller: &Caller) {
        self.check_with(Plugin::AwsIamAuthenticator, caller);
        self.check_with(Plugin::Awsauth, caller);
    }

    fn check_with(&self, plugin: Plugin, caller: &Caller) {
        let kubeconfig = plugin.kubeconfig(self, caller);
        let kubectl = |args: &[&str]| self.kubectl(caller, &kubeconfig, args);
        kubectl(&["get", "namespaces"]).says(1, &["You must be logged in to the server"]);
        if plugin == Plugin::Awsauth {
            let stranger = self.verify(caller, &kubeconfig, &["--timeout", "1s"]);
            stranger.says(1, &["does not accept the token"]);
        }

        let kind = if caller.principal.contains(":user/") {
            "user"
        } else {
            "role"
        };
        let grant = ["--username", "admin", "--group", "system:masters"];
        self.done(&[&["map", kind, &caller.principal], &grant[..]].concat());
        if plugin == Plugin::Awsauth {
            // It waits until the authenticator has seen the change.
            let expected = [
                "--expect-username",
                "admin",
                "--expect-group",
                "system:masters",
                "--can",
                "* * -A",
            ];
            self.verify(caller, &kubeconfig, &expected).says(0, &[]);
        }
        let listed = eventually(|| kubectl(&["get", "namespaces", "-o", "name"]), 0);
        assert!(
            listed.stdout.contains("namespace/kube-system"),
            "{listed:?}"
        );
        let known = kubectl(&["auth", "whoami", "-o", "json"]).json();
        let user = &known["status"]["userInfo"];
        assert_eq!(user["username"], "admin");
        assert_eq!(
            user["groups"],
            json!(["system:masters", "system:authenticated"])
        );
        assert_eq!(user["extra"]["canonicalArn"], json!([caller.principal]));
        assert_eq!(kubectl(&["auth", "can-i", "*", "*"]).stdout, "yes\n");

        self.done(&["unmap", kind, &caller.principal]);
        let stranger = eventually(|| kubectl(&["get", "namespaces"]), 1);
        stranger.says(1, &["You must be logged in to the server"]);
    }

    fn verify(&self, caller: &Caller, kubeconfig: &Path, args: &[&str]) -> Run {
        let environment = &caller.environment;
        let environment = environment
            .clone()
            .with("KUBECONFIG", &kubeconfig.display().to_string());
        let mut args = [&["verify"], &ALLOWED[..], args].concat();
        if let Some(role) = &caller.assumes {
            args.extend(["--role-arn", role]);
        }
        self.awsauth(&environment, &args)
    }

    fn kubectl(&self, caller: &Caller, kubeconfig: &Path, args: &[&str]) -> Run {
        let mut command = caller.environment.command(self.cluster.kubectl_path());
        Run::of(command.env("KUBECONFIG", kubeconfig).args(args))
    }
}

/// Repeats a run until it ends with this status.
#[track_caller]
fn eventually(run: impl Fn() -> Run, status: i32) -> Run {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let done = run();
        if done.status == status {
            return done;
        }
        assert!(Instant::now() < deadline, "{done:?}");
        sleep(Duration::from_millis(100));
    }
}

/// The program that creates the tokens.
#[derive(Clone, Copy, PartialEq)]
enum Plugin {
    /// aws-iam-authenticator's own client.
    AwsIamAuthenticator,
    Awsauth,
}

impl Plugin {
    fn kubeconfig(self, session: &ExclusiveCluster, caller: &Caller) -> PathBuf {
        let command = match self {
            Self::AwsIamAuthenticator => Binary::Authenticator.path(),
            Self::Awsauth => PathBuf::from(env!("CARGO_BIN_EXE_awsauth")),
        };
        let mut args = vec!["token", "-i", eks::NAME];
        if let Some(role) = &caller.assumes {
            args.extend(["-r", role]);
        }
        let content = kubeconfig(session, &command, &args);
        let path = session.cluster.folder().join("story.kubeconfig");
        fs::write(&path, content.to_string()).unwrap();
        path
    }
}

fn kubeconfig(session: &ExclusiveCluster, command: &Path, args: &[&str]) -> Value {
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": command,
        "args": args,
        "interactiveMode": "Never",
    });
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": eks::NAME, "cluster": {"server": session.cluster.server_url(), "certificate-authority": session.cluster.ca()}}],
        "users": [{"name": "caller", "user": {"exec": exec}}],
        "contexts": [{"name": eks::NAME, "context": {"cluster": eks::NAME, "user": "caller"}}],
        "current-context": eks::NAME,
    })
}
