//! Incidents that users report, each twice on a real API server with the real authenticator.
//!
//! With `kubectl replace`, the change locks users out. With awsauth, the same change is refused, fixed, or undone by
//! one command. A fresh token shows who is admitted.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::sign_in::session::Session;
use crate::sign_in::token_review::Who;
use crate::support::aws::REGION;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::run::Run;

/// As eksctl and people leave it.
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

/// The identities that are admitted before the incident.
#[derive(Clone, Copy)]
enum Somebody {
    Node,
    Ops,
    Dev,
}

impl Somebody {
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

/// How the same is tried through us.
enum Through<'a> {
    /// The text is edited so in `awsauth edit`.
    Edit,
    /// The manifest is put back with `awsauth restore`.
    Restore,
    /// This command does it.
    Run(&'a [&'a str]),
}

/// A mistake by the platform team's administrator.
struct Accident<'a> {
    /// What becomes of the text: a script of sed.
    slip: &'a str,
    /// Under which key it is written.
    key: &'a str,
    /// Who notices, and what has become of him.
    victim: Somebody,
    left: Who,
    through: Through<'a>,
    /// What the refusal says.
    refusal: &'a [&'a str],
}

impl Default for Accident<'_> {
    fn default() -> Self {
        Self {
            slip: "",
            key: "mapRoles",
            victim: Somebody::Ops,
            left: Who::Unauthorized,
            through: Through::Edit,
            refusal: &[],
        }
    }
}

/// A cluster as it is before an accident, with its people.
struct Stage {
    session: Session,
    environment: Environment,
}

impl Stage {
    fn set() -> Self {
        let session = Session::start();
        let aws = session.aws();
        aws.instance(&json!({"id": INSTANCE, "privateDnsName": DNS_NAME}));
        let ops = aws.sessions(&[&Somebody::Ops.session()]).remove(0);
        let kubeconfig = session.cluster.folder().join("ops.kubeconfig");
        fs::write(&kubeconfig, kubeconfig_of_ops(&session).to_string()).unwrap();
        let home = session.cluster.folder().join("ops-home");
        fs::create_dir_all(&home).unwrap();
        let environment = aws.environment().with_credentials(&ops);
        let environment = environment
            .with("KUBECONFIG", &kubeconfig.display().to_string())
            .with("HOME", &home.display().to_string())
            .with("TMPDIR", &home.display().to_string());
        let stage = Self {
            session,
            environment,
        };
        stage.restore_the_calm();
        stage
    }

    /// Everything is as before, and everybody in.
    fn restore_the_calm(&self) {
        self.session
            .put(&json!({"mapRoles": BEFORE, "mapUsers": "[]\n"}));
        for somebody in [Somebody::Node, Somebody::Ops, Somebody::Dev] {
            self.is_in(somebody);
        }
    }

    /// A fresh token of theirs says that nothing has changed for them.
    #[track_caller]
    fn is_in(&self, somebody: Somebody) {
        self.becomes(somebody, &somebody.before());
    }

    #[track_caller]
    fn becomes(&self, somebody: Somebody, who: &Who) {
        let credentials = self
            .session
            .aws()
            .sessions(&[&somebody.session()])
            .remove(0);
        self.session.becomes(&credentials, who);
    }

    /// Our program, run by the platform team's administrator with a token from us.
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

    /// Tells it both ways.
    #[track_caller]
    fn tell(&self, accident: &Accident<'_>) {
        let damaged = sed(accident.slip, BEFORE);
        assert!(
            damaged != BEFORE || accident.key != "mapRoles",
            "nothing has slipped"
        );
        let manifest = self.file("damaged.json", &manifest(accident.key, &damaged));
        let manifest = manifest.to_str().unwrap();

        let replaced = self.kubectl(&["replace", "-f", manifest]);
        assert_eq!(replaced.status, 0, "{replaced:?}");
        self.becomes(accident.victim, &accident.left);

        self.restore_the_calm();
        let tried = match accident.through {
            Through::Run(args) => self.awsauth(args),
            Through::Restore => self.awsauth(&["restore", manifest]),
            Through::Edit => {
                let editor = format!("sed -i -e '{}'", accident.slip);
                let environment = self.environment.clone().with("EDITOR", &editor);
                self.session.awsauth(&environment, &["edit", "--yes"])
            }
        };
        tried.says(4, accident.refusal);
        assert_eq!(self.roles(), BEFORE);
        self.is_in(accident.victim);
    }
}

fn kubeconfig_of_ops(session: &Session) -> Value {
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

/// What sed makes of a text.
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
    Stage::set().tell(&Accident {
        slip: "1,6d",
        victim: Somebody::Node,
        through: Through::Restore,
        refusal: &["node-guard", "role/workers", "--allow-node-entry"],
        ..Accident::default()
    });
}

/// <https://github.com/kubernetes-sigs/aws-iam-authenticator/issues/454>
#[test]
fn unquoted_template_is_diagnosed_and_fixed() {
    Stage::set().tell(&Accident {
        slip: "s/username: dev/username: {{SessionName}}/",
        refusal: &["lossy-edit", "mapRoles line 12"],
        ..Accident::default()
    });
}

/// One entry is indented with a tab.
#[test]
fn invalid_yaml_is_diagnosed_and_fixed() {
    Stage::set().tell(&Accident {
        slip: "s/^  username: dev/\tusername: dev/",
        refusal: &["lossy-edit", "mapRoles line 12"],
        ..Accident::default()
    });
}

/// There is no error: the authenticator reads only the first document.
#[test]
fn second_yaml_document_is_diagnosed_and_fixed() {
    Stage::set().tell(&Accident {
        slip: "s/^# The platform team/---/",
        through: Through::Restore,
        refusal: &["self-lockout", OPS],
        ..Accident::default()
    });
}

/// The entry survives, but its rights are lost.
#[test]
fn groups_that_are_not_a_list_are_diagnosed_and_fixed() {
    Stage::set().tell(&Accident {
        slip: "s/groups: .system:masters./groups: system:masters/",
        left: Who::user("ops", &[]),
        refusal: &["S10"],
        ..Accident::default()
    });
}

/// A later entry of the same role takes the place of the one before.
#[test]
fn duplicate_entry_is_diagnosed_and_fixed() {
    Stage::set().tell(&Accident {
        slip: "$a- {rolearn: arn:aws:iam::111122223333:role/ops, username: ops, groups: [viewers]}",
        left: Who::user("ops", &["viewers"]),
        through: Through::Restore,
        refusal: &["D02", "self-lockout"],
        ..Accident::default()
    });
}

#[test]
fn removed_administrator_is_restored() {
    Stage::set().tell(&Accident {
        slip: "7,10d",
        through: Through::Run(&["unmap", "role", OPS]),
        refusal: &["self-lockout", "last-admin", "--allow-self-lockout"],
        ..Accident::default()
    });
}

#[test]
fn section_in_another_case_is_diagnosed_and_fixed() {
    Stage::set().tell(&Accident {
        key: "maproles",
        through: Through::Restore,
        refusal: &["node-guard", "self-lockout"],
        ..Accident::default()
    });
}

/// The upgrade of a Terraform module deletes or empties the ConfigMap. A remaining administrator restores it with one command.
#[test]
fn deleted_or_emptied_aws_auth_is_restored() {
    let stage = Stage::set();
    let emptied = stage.file("emptied.json", &manifest("mapRoles", "[]\n"));
    let ways: [&[&str]; 2] = [
        &["-n", "kube-system", "delete", "configmap", "aws-auth"],
        &["replace", "-f", emptied.to_str().unwrap()],
    ];
    for way in ways {
        stage.restore_the_calm();
        // A write of ours keeps what is there.
        let ci = ["--username", "ci", "--group", "deployers"];
        let ci = [
            &["map", "role", "arn:aws:iam::111122223333:role/ci"],
            &ci[..],
        ]
        .concat();
        assert_eq!(stage.awsauth(&ci).status, 0);
        let kept = stage.roles();
        let done = stage.kubectl(way);
        assert_eq!(done.status, 0, "{done:?}");
        stage.becomes(Somebody::Ops, &Who::Unauthorized);
        stage.becomes(Somebody::Node, &Who::Unauthorized);
        // The cluster's creator is in by EKS itself.
        stage.session.done(&["restore"]);
        assert_eq!(stage.roles(), kept);
        stage.is_in(Somebody::Node);
        stage.is_in(Somebody::Ops);
    }
}

/// STS never reports a path, so such an entry never matches.
#[test]
fn role_with_path_is_diagnosed_and_fixed() {
    let stage = Stage::set();
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
        let credentials = stage.session.aws().sessions(&[session]).remove(0);
        let entry =
            format!("{BEFORE}- {{rolearn: {written}, username: ci, groups: [deployers]}}\n");
        let manifest = stage.file("with-path.json", &manifest("mapRoles", &entry));
        let replaced = stage.kubectl(&["replace", "-f", manifest.to_str().unwrap()]);
        assert_eq!(replaced.status, 0, "{replaced:?}");
        stage.becomes(Somebody::Ops, &Somebody::Ops.before());
        stage.session.becomes(&credentials, &Who::Unauthorized);

        stage.restore_the_calm();
        let mapped = stage.awsauth(&[
            "map",
            "role",
            written,
            "--username",
            "ci",
            "--group",
            "deployers",
        ]);
        mapped.says(0, &["path"]);
        stage
            .session
            .becomes(&credentials, &Who::user("ci", &["deployers"]));
    }
}

/// A mapping is removed by mistake and restored by the same user.
#[test]
fn removed_user_is_restored() {
    let stage = Stage::set();
    let removed = stage.awsauth(&["unmap", "role", "arn:aws:iam::111122223333:role/dev"]);
    assert_eq!(removed.status, 0, "{removed:?}");
    stage.becomes(Somebody::Dev, &Who::Unauthorized);
    let undone = stage.awsauth(&["undo"]);
    undone.says(0, &[]);
    assert!(undone.stdout.contains("role/dev"), "{undone:?}");
    assert_eq!(stage.roles(), BEFORE);
    stage.is_in(Somebody::Dev);
}

/// Everything is removed but for what nodes need, and not by name.
#[test]
fn mass_prune_is_refused() {
    let stage = Stage::set();
    let all = stage.file(
        "all.yaml",
        "- {rolearn: arn:aws:iam::111122223333:role/a, username: a}\n- {rolearn: arn:aws:iam::111122223333:role/b, username: b}\n- {rolearn: arn:aws:iam::111122223333:role/c, username: c}\n- {rolearn: arn:aws:iam::111122223333:role/d, username: d}\n",
    );
    let apply = |file: &Path| {
        stage.awsauth(&[
            "apply",
            "-f",
            file.to_str().unwrap(),
            "--owner",
            "ci",
            "--prune",
        ])
    };
    assert_eq!(apply(&all).status, 0);
    let a = stage
        .session
        .aws()
        .sessions(&["arn:aws:sts::111122223333:assumed-role/a/x"])
        .remove(0);
    stage.session.becomes(&a, &Who::user("a", &[]));
    let mapped = stage.roles();
    let few = stage.file(
        "few.yaml",
        "- {rolearn: arn:aws:iam::111122223333:role/d, username: d}\n",
    );
    apply(&few).says(4, &["mass-removal", "--allow-removals 3"]);
    assert_eq!(stage.roles(), mapped);
    stage.session.becomes(&a, &Who::user("a", &[]));
}

/// Two read, both change what they read, both write.
#[test]
fn concurrent_writes_are_both_kept() {
    let stage = Stage::set();
    let grant = |name: &str| {
        format!("{BEFORE}- {{rolearn: arn:aws:iam::111122223333:role/{name}, username: {name}}}\n")
    };
    for name in ["first", "second"] {
        let manifest = stage.file("mine.json", &manifest("mapRoles", &grant(name)));
        assert_eq!(
            stage
                .kubectl(&["replace", "-f", manifest.to_str().unwrap()])
                .status,
            0
        );
    }
    let roles = stage.roles();
    assert!(!roles.as_str().unwrap().contains("role/first"), "{roles}");

    stage.restore_the_calm();
    let program = Path::new(env!("CARGO_BIN_EXE_awsauth"));
    let writers = ["first", "second"].map(|name| {
        let arn = format!("arn:aws:iam::111122223333:role/{name}");
        let mut command = stage.environment.command(program);
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
    let roles = stage.roles();
    for name in ["role/first", "role/second"] {
        assert!(roles.as_str().unwrap().contains(name), "{roles}");
    }
}
