//! Incidents that users report, each twice on a real API server with the real authenticator.
//!
//! With `kubectl replace`, the change locks users out. With awsauth, the same change is refused, fixed, or undone by
//! one command. A fresh token shows who can sign in.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::eks_cluster::harness::ExclusiveCluster;
use crate::eks_cluster::token_review::Who;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::simulated_aws::REGION;

/// An aws-auth that eksctl created and users edited.
const BEFORE: &str = "\
# The nodes of ng-1
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::111122223333:role/workers
  username: system:node:{{EC2PrivateDNSName}}
# The platform team
- rolearn: arn:aws:iam::111122223333:role/ops
  username: ops
  groups: [system:masters]
- rolearn: arn:aws:iam::111122223333:role/dev
  username: dev
  groups: [developers]
";

const OPS: &str = "arn:aws:iam::111122223333:role/ops";
const INSTANCE: &str = "i-0123456789abcdef0";
const DNS_NAME: &str = "ip-10-0-0-1.ec2.internal";

/// The identities that can sign in before the incident.
#[derive(Clone, Copy)]
enum Caller {
    Node,
    Ops,
    Dev,
}

impl Caller {
    fn session(self) -> String {
        let (role, name) = match self {
            Self::Node => ("workers", INSTANCE),
            Self::Ops => ("ops", "ann"),
            Self::Dev => ("dev", "bob"),
        };
        format!("arn:aws:sts::111122223333:assumed-role/{role}/{name}")
    }

    fn before(self) -> Who {
        match self {
            Self::Node => Who::user(
                &format!("system:node:{DNS_NAME}"),
                &["system:bootstrappers", "system:nodes"],
            ),
            Self::Ops => Who::user("ops", &["system:masters"]),
            Self::Dev => Who::user("dev", &["developers"]),
        }
    }
}

/// How the same change is made with awsauth.
enum AwsauthAttempt<'a> {
    /// The user runs the sed script in `awsauth edit`.
    Edit,
    /// The user restores the manifest with `awsauth restore`.
    Restore,
    /// The user runs this command.
    Run(&'a [&'a str]),
}

/// A mistake by the platform team's administrator.
struct Incident<'a> {
    /// A sed script that turns the correct text into the wrong one.
    sed_script: &'a str,
    /// The key of `data` that gets the text.
    key: &'a str,
    /// The identity that is affected, and its user afterwards.
    affected: Caller,
    result: Who,
    attempt: AwsauthAttempt<'a>,
    /// Parts of the refusal.
    refusal: &'a [&'a str],
}

impl Default for Incident<'_> {
    fn default() -> Self {
        Self {
            sed_script: "",
            key: "mapRoles",
            affected: Caller::Ops,
            result: Who::Unauthorized,
            attempt: AwsauthAttempt::Edit,
            refusal: &[],
        }
    }
}

/// A cluster with the aws-auth and the identities from before the incident.
struct Scene {
    session: ExclusiveCluster,
    environment: Environment,
}

impl Scene {
    fn start() -> Self {
        let session = ExclusiveCluster::start();
        let aws = session.aws();
        aws.instance(&json!({"id": INSTANCE, "privateDnsName": DNS_NAME}));
        let ops = aws.sessions(&[&Caller::Ops.session()]).remove(0);
        let kubeconfig = session.cluster.folder().join("ops.kubeconfig");
        fs::write(&kubeconfig, kubeconfig_of_ops(&session).to_string()).unwrap();
        let home = session.cluster.folder().join("ops-home");
        fs::create_dir_all(&home).unwrap();
        let environment = aws.environment().with_credentials(&ops);
        let environment = environment
            .with("KUBECONFIG", &kubeconfig.display().to_string())
            .with("HOME", &home.display().to_string())
            .with("TMPDIR", &home.display().to_string());
        let scene = Self {
            session,
            environment,
        };
        scene.reset();
        scene
    }

    /// Restores aws-auth and waits until every identity can sign in.
    fn reset(&self) {
        self.session
            .put(&json!({"mapRoles": BEFORE, "mapUsers": "[]\n"}));
        for caller in [Caller::Node, Caller::Ops, Caller::Dev] {
            self.assert_unchanged(caller);
        }
    }

    /// Asserts with a fresh token that nothing has changed for this identity.
    #[track_caller]
    fn assert_unchanged(&self, caller: Caller) {
        self.becomes(caller, &caller.before());
    }

    #[track_caller]
    fn becomes(&self, caller: Caller, who: &Who) {
        let credentials = self.session.aws().sessions(&[&caller.session()]).remove(0);
        self.session.becomes(&credentials, who);
    }

    /// Runs awsauth as the administrator, with awsauth as the exec plugin.
    fn awsauth(&self, args: &[&str]) -> Run {
        self.session.awsauth(&self.environment, args)
    }

    fn kubectl(&self, args: &[&str]) -> Run {
        let mut command = self
            .environment
            .command(self.session.cluster.kubectl_path());
        Run::of(command.args(args))
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.session.cluster.folder().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn roles(&self) -> Value {
        self.session.api.object()["data"]["mapRoles"].clone()
    }

    /// Makes the change with kubectl, and then with awsauth.
    #[track_caller]
    fn check(&self, incident: &Incident<'_>) {
        let damaged = sed(incident.sed_script, BEFORE);
        assert!(
            damaged != BEFORE || incident.key != "mapRoles",
            "nothing has slipped"
        );
        let manifest = self.file("damaged.json", &manifest(incident.key, &damaged));
        let manifest = manifest.to_str().unwrap();

        let replaced = self.kubectl(&["replace", "-f", manifest]);
        assert_eq!(replaced.status, 0, "{replaced:?}");
        self.becomes(incident.affected, &incident.result);

        self.reset();
        let tried = match incident.attempt {
            AwsauthAttempt::Run(args) => self.awsauth(args),
            AwsauthAttempt::Restore => self.awsauth(&["restore", manifest]),
            AwsauthAttempt::Edit => {
                let editor = format!("sed -i -e '{}'", incident.sed_script);
                let environment = self.environment.clone().with("EDITOR", &editor);
                self.session.awsauth(&environment, &["edit", "--yes"])
            }
        };
        tried.says(4, incident.refusal);
        assert_eq!(self.roles(), BEFORE);
        self.assert_unchanged(incident.affected);
    }
}

fn kubeconfig_of_ops(session: &ExclusiveCluster) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": eks::NAME, "cluster": {"server": session.cluster.server_url(), "certificate-authority": session.cluster.ca()}}],
        "users": [{"name": "ops", "user": {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": env!("CARGO_BIN_EXE_awsauth"),
            "args": ["token", "--cluster-name", eks::NAME, "--region", REGION],
            "interactiveMode": "Never",
        }}}],
        "contexts": [{"name": eks::NAME, "context": {"cluster": eks::NAME, "user": "ops"}}],
        "current-context": eks::NAME,
    })
}

fn manifest(key: &str, text: &str) -> String {
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {key: text, "mapUsers": "[]\n"},
    });
    object.to_string()
}

/// Returns the output of a sed script.
fn sed(script: &str, text: &str) -> String {
    let mut sed = Command::new("sed");
    let sed = sed.args(["-e", script]).stdin(Stdio::piped());
    let mut child = sed
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let run = Run::ended(child);
    assert_eq!(run.status, 0, "{run:?}");
    run.stdout
}

/// Terraform, or a user with an old manifest, replaces the whole map.
#[test]
fn overwritten_map_without_nodes_is_diagnosed_and_restored() {
    Scene::start().check(&Incident {
        sed_script: "1,6d",
        affected: Caller::Node,
        attempt: AwsauthAttempt::Restore,
        refusal: &["node-guard", "role/workers", "--allow-node-entry"],
        ..Incident::default()
    });
}

/// <https://github.com/kubernetes-sigs/aws-iam-authenticator/issues/454>
#[test]
fn unquoted_template_is_diagnosed_and_fixed() {
    Scene::start().check(&Incident {
        sed_script: "s/username: dev/username: {{SessionName}}/",
        refusal: &["lossy-edit", "mapRoles line 12"],
        ..Incident::default()
    });
}

/// One entry is indented with a tab.
#[test]
fn invalid_yaml_is_diagnosed_and_fixed() {
    Scene::start().check(&Incident {
        sed_script: "s/^  username: dev/\tusername: dev/",
        refusal: &["lossy-edit", "mapRoles line 12"],
        ..Incident::default()
    });
}

/// There is no error: the authenticator reads only the first document.
#[test]
fn second_yaml_document_is_diagnosed_and_fixed() {
    Scene::start().check(&Incident {
        sed_script: "s/^# The platform team/---/",
        attempt: AwsauthAttempt::Restore,
        refusal: &["self-lockout", OPS],
        ..Incident::default()
    });
}

/// The entry survives, but its permissions are lost.
#[test]
fn groups_that_are_not_a_list_are_diagnosed_and_fixed() {
    Scene::start().check(&Incident {
        sed_script: "s/groups: .system:masters./groups: system:masters/",
        result: Who::user("ops", &[]),
        refusal: &["S10"],
        ..Incident::default()
    });
}

/// A later entry of the same role replaces the earlier one.
#[test]
fn duplicate_entry_is_diagnosed_and_fixed() {
    Scene::start().check(&Incident {
        sed_script: "$a- {rolearn: arn:aws:iam::111122223333:role/ops, username: ops, groups: [viewers]}",
        result: Who::user("ops", &["viewers"]),
        attempt: AwsauthAttempt::Restore,
        refusal: &["D02", "self-lockout"],
        ..Incident::default()
    });
}

#[test]
fn removed_administrator_is_restored() {
    Scene::start().check(&Incident {
        sed_script: "7,10d",
        attempt: AwsauthAttempt::Run(&["unmap", "role", OPS]),
        refusal: &["self-lockout", "last-admin", "--allow-self-lockout"],
        ..Incident::default()
    });
}

#[test]
fn section_in_another_case_is_diagnosed_and_fixed() {
    Scene::start().check(&Incident {
        key: "maproles",
        attempt: AwsauthAttempt::Restore,
        refusal: &["node-guard", "self-lockout"],
        ..Incident::default()
    });
}

/// The upgrade of a Terraform module deletes or empties the ConfigMap. A remaining administrator restores it with one command.
#[test]
fn deleted_or_emptied_aws_auth_is_restored() {
    let scene = Scene::start();
    let emptied = scene.file("emptied.json", &manifest("mapRoles", "[]\n"));
    let ways: [&[&str]; 2] = [
        &["-n", "kube-system", "delete", "configmap", "aws-auth"],
        &["replace", "-f", emptied.to_str().unwrap()],
    ];
    for way in ways {
        scene.reset();
        // A write by awsauth keeps the other entries.
        let ci = ["--username", "ci", "--group", "deployers"];
        let ci = [
            &["map", "role", "arn:aws:iam::111122223333:role/ci"],
            &ci[..],
        ]
        .concat();
        assert_eq!(scene.awsauth(&ci).status, 0);
        let kept = scene.roles();
        let done = scene.kubectl(way);
        assert_eq!(done.status, 0, "{done:?}");
        scene.becomes(Caller::Ops, &Who::Unauthorized);
        scene.becomes(Caller::Node, &Who::Unauthorized);
        // EKS itself lets the cluster's creator sign in.
        scene.session.done(&["restore"]);
        assert_eq!(scene.roles(), kept);
        scene.assert_unchanged(Caller::Node);
        scene.assert_unchanged(Caller::Ops);
    }
}

/// STS never reports a path, so such an entry never matches.
#[test]
fn role_with_path_is_diagnosed_and_fixed() {
    let scene = Scene::start();
    for (written, session) in [
        (
            "arn:aws:iam::111122223333:role/team/ci",
            "arn:aws:sts::111122223333:assumed-role/ci/build-7",
        ),
        (
            "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef",
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ann@example.com",
        ),
    ] {
        let credentials = scene.session.aws().sessions(&[session]).remove(0);
        let entry =
            format!("{BEFORE}- {{rolearn: {written}, username: ci, groups: [deployers]}}\n");
        let manifest = scene.file("with-path.json", &manifest("mapRoles", &entry));
        let replaced = scene.kubectl(&["replace", "-f", manifest.to_str().unwrap()]);
        assert_eq!(replaced.status, 0, "{replaced:?}");
        scene.becomes(Caller::Ops, &Caller::Ops.before());
        scene.session.becomes(&credentials, &Who::Unauthorized);

        scene.reset();
        let mapped = scene.awsauth(&[
            "map",
            "role",
            written,
            "--username",
            "ci",
            "--group",
            "deployers",
        ]);
        mapped.says(0, &["path"]);
        scene
            .session
            .becomes(&credentials, &Who::user("ci", &["deployers"]));
    }
}

/// A mapping is removed by mistake and restored by the same user.
#[test]
fn removed_user_is_restored() {
    let scene = Scene::start();
    let removed = scene.awsauth(&["unmap", "role", "arn:aws:iam::111122223333:role/dev"]);
    assert_eq!(removed.status, 0, "{removed:?}");
    scene.becomes(Caller::Dev, &Who::Unauthorized);
    let undone = scene.awsauth(&["undo"]);
    undone.says(0, &[]);
    assert!(undone.stdout.contains("role/dev"), "{undone:?}");
    assert_eq!(scene.roles(), BEFORE);
    scene.assert_unchanged(Caller::Dev);
}

/// The change removes everything except node entries, without naming it.
#[test]
fn mass_prune_is_refused() {
    let scene = Scene::start();
    let all = scene.file(
        "all.yaml",
        "- {rolearn: arn:aws:iam::111122223333:role/a, username: a}\n- {rolearn: arn:aws:iam::111122223333:role/b, username: b}\n- {rolearn: arn:aws:iam::111122223333:role/c, username: c}\n- {rolearn: arn:aws:iam::111122223333:role/d, username: d}\n",
    );
    let apply = |file: &Path| {
        scene.awsauth(&[
            "apply",
            "-f",
            file.to_str().unwrap(),
            "--owner",
            "ci",
            "--prune",
        ])
    };
    assert_eq!(apply(&all).status, 0);
    let a = scene
        .session
        .aws()
        .sessions(&["arn:aws:sts::111122223333:assumed-role/a/x"])
        .remove(0);
    scene.session.becomes(&a, &Who::user("a", &[]));
    let mapped = scene.roles();
    let few = scene.file(
        "few.yaml",
        "- {rolearn: arn:aws:iam::111122223333:role/d, username: d}\n",
    );
    apply(&few).says(4, &["mass-removal", "--allow-removals 3"]);
    assert_eq!(scene.roles(), mapped);
    scene.session.becomes(&a, &Who::user("a", &[]));
}

/// Two clients read, change and write aws-auth concurrently.
#[test]
fn concurrent_writes_are_both_kept() {
    let scene = Scene::start();
    let grant = |name: &str| {
        format!("{BEFORE}- {{rolearn: arn:aws:iam::111122223333:role/{name}, username: {name}}}\n")
    };
    for name in ["first", "second"] {
        let manifest = scene.file("mine.json", &manifest("mapRoles", &grant(name)));
        assert_eq!(
            scene
                .kubectl(&["replace", "-f", manifest.to_str().unwrap()])
                .status,
            0
        );
    }
    let roles = scene.roles();
    assert!(!roles.as_str().unwrap().contains("role/first"), "{roles}");

    scene.reset();
    let program = Path::new(env!("CARGO_BIN_EXE_awsauth"));
    let writers = ["first", "second"].map(|name| {
        let arn = format!("arn:aws:iam::111122223333:role/{name}");
        let mut command = scene.environment.command(program);
        command.args(["map", "role", &arn, "--username", name]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    for writer in writers {
        assert_eq!(Run::ended(writer).status, 0);
    }
    let roles = scene.roles();
    for name in ["role/first", "role/second"] {
        assert!(roles.as_str().unwrap().contains(name), "{roles}");
    }
}
