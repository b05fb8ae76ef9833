//! `rescue` on a cluster in which principals sign in through their access entries.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{
    CREATOR_SESSION, eks, holding, kill_after, on, on_terminal,
};
use crate::eks_cluster::harness::ExclusiveCluster;
use crate::eks_cluster::token_review::Who;
use crate::support::child_process::send_signal;
use crate::support::completed_run::Run;
use crate::support::default_signal_actions;
use crate::support::eks::{self, CREATOR};
use crate::support::environment::Environment;
use crate::support::moto::Moto;
use crate::support::simulated_aws::{Credentials, trusts};
use crate::support::simulated_eks_api::EksService;

const OPS: &str = "arn:aws:iam::111122223333:role/team/ops";
const OPS_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ops/ann";
const NODE: &str = "arn:aws:iam::111122223333:role/nodes";
const ADMIN: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
const DEFAULT_USERNAME: &str = "arn:aws:sts::111122223333:assumed-role/ops/ann";

/// What aws-auth maps before the lock-out.
const MAP_ROLES: &str = "\
- rolearn: arn:aws:iam::111122223333:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]
# The platform team
- rolearn: arn:aws:iam::111122223333:role/ops
  username: ops
  groups: [system:masters]
";

/// A cluster whose aws-auth was emptied, and the caller who wants to get in again.
pub(crate) struct Lockout {
    pub(crate) session: ExclusiveCluster,
    service: &'static EksService,
    pub(crate) caller: Environment,
    pub(crate) credentials: Credentials,
    iam: Moto,
}

impl Lockout {
    pub(crate) fn start(mode: &str) -> Self {
        let session = ExclusiveCluster::with_access_entries();
        session
            .cluster
            .kubectl(&["delete", "nodes", "--all", "--wait=false"]);
        let credentials = session.aws().sessions(&[OPS_SESSION]).remove(0);
        let (id, _) = credentials.user_id.split_once(':').unwrap();
        let admin =
            json!([{"policyArn": ADMIN, "accessScope": {"type": "cluster", "namespaces": []}}]);
        let creator = json!({
            "principalArn": CREATOR, "type": "STANDARD", "username": "kubernetes-admin",
            "kubernetesGroups": [], "policies": admin,
        });
        let has_entries = mode != "CONFIG_MAP";
        let world = json!({
            "clusters": {eks::NAME: {
                "accessConfig": {"authenticationMode": mode},
                "version": "1.33",
                "platformVersion": "eks.7",
            }},
            "principals": {OPS: {"id": id}, NODE: {"id": "AROANODE"}},
            "update": {"polls": 1, "settles": 1},
            "entries": {eks::NAME: if has_entries { json!([creator]) } else { json!([]) }},
            "made_by_update": {eks::NAME: [creator]},
            "nodegroups": {eks::NAME: [{
                "nodegroupName": "ng-1", "nodeRole": NODE, "amiType": "AL2023_x86_64_STANDARD", "status": "ACTIVE",
            }]},
        });
        let service = eks(&session, &world);
        let iam = iam(&[]);
        let environment = service.under(session.aws().environment());
        let caller = environment
            .with_credentials(&credentials)
            .with("KUBECONFIG", "/nonexistent/kubeconfig")
            .with("AWS_ENDPOINT_URL_IAM", iam.url())
            .with("AWS_ENDPOINT_URL_EC2", iam.url())
            .with("AWS_ENDPOINT_URL_AUTO_SCALING", iam.url());
        let lockout = Self {
            session,
            service,
            caller,
            credentials,
            iam,
        };
        // The history has the text that awsauth writes.
        lockout.session.put(&json!({"mapRoles": "[]"}));
        let backup = lockout.backup();
        let restored = on(
            &lockout.session,
            &lockout.creator(),
            &["restore", &backup.display().to_string(), "--allow-ignored"],
        );
        restored.says(0, &[]);
        lockout
    }

    /// Writes a backup of aws-auth to a file.
    fn backup(&self) -> PathBuf {
        let manifest = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "aws-auth", "namespace": "kube-system"},
            "data": {"mapRoles": MAP_ROLES},
        });
        let path = self.session.cluster.folder().join("aws-auth-backup.json");
        fs::write(&path, manifest.to_string()).unwrap();
        path
    }

    /// The cluster's creator, who can sign in regardless of aws-auth.
    pub(crate) fn creator(&self) -> Environment {
        holding(&self.session, self.service, CREATOR_SESSION)
    }

    /// Another client empties aws-auth.
    pub(crate) fn empty(&self) {
        let patch = r#"{"data":{"mapRoles":""}}"#;
        let args = [
            "patch",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "-p",
            patch,
        ];
        self.session.cluster.kubectl(&args);
        self.session.becomes(&self.credentials, &Who::Unauthorized);
    }

    fn run(&self, args: &[&str]) -> Run {
        on(&self.session, &self.caller, args)
    }

    /// Starts awsauth as the caller.
    fn spawn(&self, args: &[&str]) -> Child {
        default_signal_actions::reset_for_children();
        let mut command = self
            .caller
            .command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
        command.args(args).args(["--cluster-name", eks::NAME]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::piped()).spawn().unwrap()
    }

    fn rescue(&self, args: &[&str]) -> Run {
        self.run(&[&["rescue"], args].concat())
    }

    /// Returns what `get` prints about aws-auth, as the creator.
    pub(crate) fn get(&self) -> String {
        self.session.done(&["get"]).stdout
    }

    fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut state = self.service.state();
        change(&mut state);
        self.service.set(&state);
    }

    fn mode(&self) -> Value {
        let mut state = self.service.state();
        state["clusters"][eks::NAME]["accessConfig"]["authenticationMode"].take()
    }

    /// Returns each principal with an access entry and the names of its policies.
    pub(crate) fn entries(&self) -> BTreeMap<String, Vec<String>> {
        let state = self.service.state();
        let entries = state["entries"][eks::NAME].as_array().into_iter().flatten();
        let policies = |entry: &Value| {
            let policies = entry["policies"].as_array().into_iter().flatten();
            let names = policies.map(|policy| policy["policyArn"].as_str().unwrap());
            names
                .map(|arn| arn.rsplit('/').next().unwrap().to_owned())
                .collect()
        };
        entries
            .map(|entry| {
                let arn = entry["principalArn"].as_str().unwrap().to_owned();
                (arn, policies(entry))
            })
            .collect()
    }

    /// Adds an access entry of the caller that differs from an ordinary one in this.
    fn add_entry(&self, more: &Value) {
        let mut entry = json!({
            "principalArn": OPS, "type": "STANDARD", "username": DEFAULT_USERNAME, "kubernetesGroups": [],
            "policies": [], "createdAt": now(), "modifiedAt": now(),
        });
        for (key, value) in more.as_object().unwrap() {
            entry[key] = value.clone();
        }
        self.change(|state| {
            state["entries"][eks::NAME]
                .as_array_mut()
                .unwrap()
                .push(entry)
        });
    }

    fn deny(&self, operation: &str, message: &str) {
        self.change(|state| state["denied"] = json!({operation: message}));
    }

    /// Returns the operations since `before` that change something.
    fn writes_since(&self, before: usize) -> Vec<String> {
        let asked = self.service.asked().split_off(before);
        let reads = ["Describe", "List"];
        let is_read = |asked: &String| reads.iter().any(|read| asked.starts_with(read));
        asked.into_iter().filter(|asked| !is_read(asked)).collect()
    }
}

/// Starts an IAM with the caller's role, which denies these actions.
fn iam(denied: &[&str]) -> Moto {
    let trust = trusts("arn:aws:iam::111122223333:root");
    let roles = json!({"team/ops": trust, "nodes": trust});
    let objects = json!({"account": "111122223333", "roles": roles, "denied": denied});
    Moto::start(&[&objects.to_string()])
}

fn now() -> f64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}

#[test]
fn caller_of_an_emptied_aws_auth_gets_in_and_restores_it_without_trace() {
    let lockout = Lockout::start("CONFIG_MAP");
    let before = lockout.get();
    lockout.empty();
    lockout.run(&["get"]).says(3, &[]);

    let requests = lockout.service.asked().len();
    let dry = lockout.rescue(&["--dry-run", "--from", "history", "--leave-no-trace"]);
    dry.says(0, &["Dry run: nothing was changed.\n"]);
    for part in [
        "1. Find out who you are\n  call:              aws sts get-caller-identity\n  permission:        none\n  changes:           nothing\n  if it stops here:  Everything is as before.\n  result:            arn:aws:sts::111122223333:assumed-role/ops/ann\n",
        "  result:            The authentication mode is CONFIG_MAP. The API server does not accept your token.\n",
        "  result:            arn:aws:iam::111122223333:role/team/ops, without an access entry.\n",
        "4. Let the cluster read access entries\n  call:              aws eks update-cluster-config --name my-cluster --access-config authenticationMode=API_AND_CONFIG_MAP\n",
        "  permission:        eks:UpdateClusterConfig, eks:DescribeUpdate\n",
        "  if it stops here:  aws-auth still decides for every principal without an access entry. EKS cannot return to CONFIG_MAP.\n",
        "  permission:        eks:CreateAccessEntry\n",
        "  permission:        eks:AssociateAccessPolicy\n",
        "7. Sign in with a fresh token\n",
        "8. Repair aws-auth\n",
        "9. Wait until the nodes are ready\n",
        "10. Remove your access entry\n  call:              aws eks delete-access-entry",
    ] {
        assert!(dry.stdout.contains(part), "no {part:?} in:\n{}", dry.stdout);
    }
    assert_eq!(lockout.writes_since(requests), [""; 0]);

    // EKS cannot reverse the new mode, so a run without a terminal must state that it is intended.
    lockout.rescue(&["--from", "history"]).says(
        4,
        &[
            "the cluster would read access entries from now on, which EKS cannot reverse\n",
            "add --yes",
        ],
    );
    assert_eq!(lockout.writes_since(requests), [""; 0]);

    let run = lockout.rescue(&["--yes", "--from", "history", "--leave-no-trace"]);
    run.says(0, &["Restoring what was there after revision"]);
    for part in [
        "  result:            You sign in as arn:aws:sts::111122223333:assumed-role/ops/ann, and can do everything.\n",
        "  result:            0 of 0 nodes are ready.\n",
        "  result:            Another way into the cluster is proven.\n",
    ] {
        assert!(run.stdout.contains(part), "no {part:?} in:\n{}", run.stdout);
    }
    assert_eq!(lockout.get(), before);
    assert_eq!(lockout.mode(), "API_AND_CONFIG_MAP");
    assert_eq!(lockout.entries().into_keys().collect::<Vec<_>>(), [CREATOR]);
    let ops = Who::user("ops", &["system:masters"]);
    lockout.session.becomes(&lockout.credentials, &ops);

    // The caller is an administrator again, so another run changes nothing.
    let requests = lockout.service.asked().len();
    let again = lockout.rescue(&["--from", "history", "--leave-no-trace"]);
    again.says(0, &[]);
    assert!(
        again
            .stdout
            .contains("  skipped:           you are an administrator\n")
    );
    assert!(
        again
            .stdout
            .contains("  skipped:           you have no access entry\n")
    );
    assert_eq!(lockout.writes_since(requests), [""; 0]);
    assert_eq!(lockout.get(), before);
}

#[test]
fn each_change_is_confirmed_on_a_terminal() {
    const NAME: &str = "Type the cluster's name to continue:";
    let admin = format!("Make {OPS} an administrator of EKS cluster my-cluster (");
    const DELETE: &str = "Delete your access entry? [y/N] ";
    let lockout = Lockout::start("CONFIG_MAP");
    let before = lockout.get();
    lockout.empty();
    let rescue = |answers: &[(&str, &str)]| {
        let mut terminal = on_terminal(&lockout.caller, &["rescue", "--from", "history"]);
        for (question, keys) in answers {
            terminal.shows(question);
            terminal.type_in(keys);
        }
        let (status, screen) = terminal.end();
        let entries: Vec<String> = lockout.entries().into_keys().collect();
        (status, entries, screen)
    };

    let (status, entries, screen) = rescue(&[(NAME, "other-cluster\n")]);
    assert!(
        screen.contains("the name does not match; nothing was changed\n"),
        "{screen}"
    );
    assert_eq!((status, entries), (4, Vec::new()), "{screen}");
    assert_eq!(lockout.mode(), "CONFIG_MAP");

    let (status, entries, screen) = rescue(&[(NAME, "my-cluster\n"), (&admin, "n\n")]);
    assert_eq!((status, entries), (4, vec![CREATOR.to_owned()]), "{screen}");
    assert_eq!(lockout.mode(), "API_AND_CONFIG_MAP");

    let (status, entries, screen) = rescue(&[(&admin, "y\n"), (DELETE, "\n")]);
    assert!(
        screen.contains("  result:            It stays.\n"),
        "{screen}"
    );
    assert_eq!(
        (status, entries),
        (0, vec![CREATOR.to_owned(), OPS.to_owned()]),
        "{screen}"
    );
    assert_eq!(lockout.get(), before);

    let (status, entries, screen) = rescue(&[(DELETE, "y\n")]);
    assert_eq!((status, entries), (0, vec![CREATOR.to_owned()]), "{screen}");
    let ops = Who::user("ops", &["system:masters"]);
    lockout.session.becomes(&lockout.credentials, &ops);
}

#[test]
fn own_access_entry_is_replaced_only_if_it_is_dead() {
    let lockout = Lockout::start("API_AND_CONFIG_MAP");
    lockout.empty();
    // The role was deleted and created again after its access entry.
    lockout.add_entry(&json!({
        "principalId": "AROAOLD", "createdAt": 1_600_000_000, "kubernetesGroups": ["viewers"], "username": "old",
    }));
    let run = lockout.rescue(&["--yes"]);
    run.says(0, &[]);
    assert!(run.stdout.contains(
        "the existing access entry is older than your principal, and gives access to no principal"
    ));
    assert!(
        run.stdout
            .contains("--username=old --kubernetes-groups viewers"),
        "{}",
        run.stdout
    );
    let admin = ["AmazonEKSClusterAdminPolicy".to_owned()];
    assert_eq!(lockout.entries()[OPS], admin);
    lockout
        .session
        .becomes(&lockout.credentials, &Who::user(DEFAULT_USERNAME, &[]));
    // Nothing in aws-auth maps the caller, so the access entry stays.
    let run = lockout.rescue(&["--yes", "--leave-no-trace"]);
    run.says(4, &["step 10 of 10: your access entry stays, because no other way into the cluster is proven: aws-auth does not map you\n"]);
    assert_eq!(lockout.entries()[OPS], admin);

    drop(lockout);

    let lockout = Lockout::start("API");
    // EKS accepts no policy for an access entry of nodes.
    lockout.add_entry(&json!({"type": "EC2_LINUX", "kubernetesGroups": ["system:nodes"]}));
    let requests = lockout.service.asked().len();
    lockout.rescue(&["--yes"]).says(
        4,
        &[
            &format!("nothing was changed: {OPS} has an access entry of type EC2_LINUX, for nodes"),
            "run as another IAM role or user",
        ],
    );
    assert_eq!(lockout.writes_since(requests), [""; 0]);
    lockout.change(|state| {
        state["entries"][eks::NAME].as_array_mut().unwrap().pop();
    });

    // A live access entry keeps its username and groups, and gets the policy.
    lockout.add_entry(&json!({"username": "ops", "kubernetesGroups": ["viewers"]}));
    let requests = lockout.service.asked().len();
    lockout.rescue(&["--yes", "--from", "history"]).says(0, &[]);
    assert_eq!(lockout.writes_since(requests), ["AssociateAccessPolicy"]);
    lockout
        .session
        .becomes(&lockout.credentials, &Who::user("ops", &["viewers"]));
    let run = lockout.rescue(&["--yes", "--leave-no-trace"]);
    run.says(0, &[]);
    assert!(
        run.stdout
            .contains("  skipped:           your access entry was not created by a rescue\n")
    );
    assert_eq!(lockout.entries()[OPS], admin);
}

#[test]
fn access_entry_that_existed_before_gets_its_policies_back() {
    let policy = |name: &str, namespaces: &[&str]| {
        let scope = match namespaces {
            [] => json!({"type": "cluster", "namespaces": []}),
            names => json!({"type": "namespace", "namespaces": names}),
        };
        let arn = format!("arn:aws:eks::aws:cluster-access-policy/{name}");
        json!({"policyArn": arn, "accessScope": scope})
    };
    let lockout = Lockout::start("API_AND_CONFIG_MAP");
    let ours = trusts("arn:aws:iam::111122223333:role/ops");
    let other = "arn:aws:iam::111122223333:role/other";
    for role in [CREATOR, other] {
        lockout
            .session
            .aws()
            .role(role, std::slice::from_ref(&ours));
    }
    lockout.add_entry(&json!({}));
    let without_trace = ["--yes", "--leave-no-trace", "--verify-as", CREATOR];
    for policies in [
        json!([policy("AmazonEKSViewPolicy", &["a"])]),
        json!([policy("AmazonEKSClusterAdminPolicy", &["a"])]),
    ] {
        let own = |state: &Value| state["entries"][eks::NAME][1]["policies"].clone();
        lockout.change(|state| state["entries"][eks::NAME][1]["policies"] = policies.clone());
        // aws-auth does not decide for a principal with an access entry.
        let before = lockout.service.asked().len();
        lockout.rescue(&["--yes", "--leave-no-trace"]).says(
            4,
            &[
                "--leave-no-trace could not remove AmazonEKSClusterAdminPolicy from it\n",
                "--verify-as ARN; or keep the policy: --keep-entry\n",
            ],
        );
        assert_eq!(lockout.writes_since(before), [""; 0]);
        let run = lockout.rescue(&["--yes", "--leave-no-trace", "--verify-as", other]);
        run.says(
            4,
            &["your access entry keeps AmazonEKSClusterAdminPolicy, because no other way into the cluster is proven: "],
        );
        assert!(
            run.stdout
                .contains("To restore your access entry as it is now: aws eks "),
            "{}",
            run.stdout
        );
        lockout.change(|state| state["entries"][eks::NAME][1]["policies"] = policies.clone());
        let run = lockout.rescue(&without_trace);
        run.says(0, &[]);
        assert!(
            run.stdout
                .contains("  result:            Another way into the cluster is proven.\n"),
            "{}",
            run.stdout
        );
        let found = own(&lockout.service.state());
        let text = |all: &Value| {
            let policy = &all[0];
            let scope = &policy["accessScope"];
            format!(
                "{} {} {}",
                policy["policyArn"], scope["type"], scope["namespaces"]
            )
        };
        assert_eq!(text(&found), text(&policies));
        assert_eq!(found.as_array().map(Vec::len), Some(1));
    }
    // A later run does not know what an earlier one added.
    lockout.rescue(&["--yes"]).says(0, &[]);
    let run = lockout.rescue(&without_trace);
    run.says(
        0,
        &[&format!(
            "warning: your access entry existed before this rescue and has AmazonEKSClusterAdminPolicy. If an earlier rescue added the policy, remove it: aws eks disassociate-access-policy --cluster-name my-cluster --principal-arn {OPS}"
        )],
    );
}

#[test]
fn access_entry_is_removed_only_if_another_way_in_is_proven() {
    let lockout = Lockout::start("API_AND_CONFIG_MAP");
    lockout.empty();
    lockout.rescue(&["--yes"]).says(0, &[]);
    let admin = ["AmazonEKSClusterAdminPolicy".to_owned()];
    assert_eq!(lockout.entries()[OPS], admin);

    // aws-auth maps the caller, but not as an administrator.
    let role = "arn:aws:iam::111122223333:role/ops";
    let map = [
        "map",
        "role",
        role,
        "--username",
        "ops",
        "--group",
        "devs",
        "--allow-ignored",
    ];
    lockout.run(&map).says(0, &[]);
    lockout
        .rescue(&["--yes", "--leave-no-trace"])
        .says(4, &["aws-auth does not map you to an administrator\n"]);
    assert_eq!(lockout.entries()[OPS], admin);

    // aws-auth makes the caller an administrator, but the authenticator does not see it: the access entry is created again.
    let with_admin = [
        "map",
        "role",
        role,
        "--group",
        "system:masters",
        "--allow-ignored",
    ];
    lockout.run(&with_admin).says(0, &[]);
    lockout
        .session
        .becomes(&lockout.credentials, &Who::user(DEFAULT_USERNAME, &[]));
    {
        let _suspended = lockout.session.cluster.suspend_authenticator();
        let run = lockout.rescue(&["--yes", "--leave-no-trace", "--timeout", "4s"]);
        run.says(
            6,
            &[
                "you do not get the expected access through aws-auth",
                "your access entry was created again\n",
            ],
        );
        // An interrupt after the deletion does not keep awsauth from creating it again.
        let args = ["rescue", "--yes", "--leave-no-trace", "--timeout", "60s"];
        let run = lockout.spawn(&args);
        let deadline = Instant::now() + Duration::from_secs(60);
        while lockout.entries().contains_key(OPS) {
            assert!(
                Instant::now() < deadline,
                "the access entry was not deleted"
            );
            sleep(Duration::from_millis(50));
        }
        send_signal("-INT", run.id());
        Run::ended(run).says(6, &["your access entry was created again\n"]);
    }
    assert_eq!(lockout.entries()[OPS], admin);

    // In mode API, only a role with an access entry of its own is another way.
    lockout.change(|state| {
        state["clusters"][eks::NAME]["accessConfig"]["authenticationMode"] = json!("API");
    });
    lockout.rescue(&["--yes", "--leave-no-trace"]).says(
        4,
        &["in authentication mode API, the cluster ignores aws-auth\n"],
    );
    lockout
        .rescue(&["--yes", "--leave-no-trace", "--verify-as", role])
        .says(4, &["--verify-as names your own role"]);
    let ours = trusts("arn:aws:iam::111122223333:role/ops");
    let other = "arn:aws:iam::111122223333:role/other";
    lockout
        .session
        .aws()
        .role(other, std::slice::from_ref(&ours));
    lockout
        .rescue(&["--yes", "--leave-no-trace", "--verify-as", other])
        .says(
            4,
            &[&format!(
                "{other} signed in. The API server does not accept your token.\n"
            )],
        );
    assert_eq!(lockout.entries()[OPS], admin);
    lockout.session.aws().role(CREATOR, &[ours]);
    let run = lockout.rescue(&["--yes", "--leave-no-trace", "--verify-as", CREATOR]);
    run.says(0, &[]);
    assert_eq!(lockout.entries().into_keys().collect::<Vec<_>>(), [CREATOR]);
}

#[test]
fn refusals_of_eks_leave_the_state_and_name_the_next_step() {
    let lockout = Lockout::start("CONFIG_MAP");
    lockout.empty();
    let fresh = lockout.service.state();
    let explicit = "User: x is not authorized to perform: eks:Y with an explicit deny in a service control policy";
    let missing = "User: x is not authorized to perform: eks:Y on resource: z because no identity-based policy allows the eks:Y action";
    for (operation, message, kept_mode, parts) in [
        (
            "UpdateClusterConfig",
            explicit,
            "CONFIG_MAP",
            &[
                "step 4 of 10: cannot change the authentication mode",
                "Its condition may use eks:authenticationMode\n",
            ][..],
        ),
        (
            "CreateAccessEntry",
            explicit,
            "API_AND_CONFIG_MAP",
            &[
                "cannot create the access entry of",
                "the explicit deny in a service control policy overrides every allow",
                "eks:principalArn, eks:accessEntryType",
            ],
        ),
        (
            "AssociateAccessPolicy",
            explicit,
            "API_AND_CONFIG_MAP",
            &[
                "Its condition may use eks:policyArn, eks:accessScope or eks:namespaces\n",
                "which had no permissions yet, was deleted: aws-auth decides for it",
            ],
        ),
        (
            "CreateAccessEntry",
            missing,
            "API_AND_CONFIG_MAP",
            &[
                "ask an administrator to add this to a policy of your identity: ",
                "\"eks:CreateAccessEntry\"",
            ],
        ),
    ] {
        lockout.service.set(&fresh);
        lockout.deny(operation, message);
        lockout.rescue(&["--yes"]).says(3, parts);
        assert_eq!(lockout.mode(), kept_mode);
        assert!(!lockout.entries().contains_key(OPS));
    }

    // EKS gives no reason why an update failed.
    lockout.service.set(&fresh);
    lockout.change(|state| state["update"] = json!({"polls": 1, "settles": 0, "result": "Failed"}));
    lockout.rescue(&["--yes"]).says(
        3,
        &[
            "is Failed, and EKS gives no reason\n",
            "the cluster still has its previous authentication mode; run the command again",
        ],
    );
    assert_eq!(lockout.mode(), "CONFIG_MAP");

    // Another update is in progress: the rescue waits for it.
    lockout.service.set(&fresh);
    lockout.change(|state| {
        let message = "Cannot AccessConfigUpdate because cluster my-cluster currently has update 7 in progress";
        state["faults"] = json!([{
            "operation": "UpdateClusterConfig", "fault": "refuse", "code": "ResourceInUseException", "status": 409, "message": message,
        }]);
    });
    lockout.rescue(&["--yes"]).says(0, &[]);
    assert_eq!(lockout.mode(), "API_AND_CONFIG_MAP");

    // The platform version has no access entries.
    lockout.service.set(&fresh);
    lockout.change(|state| {
        state["clusters"][eks::NAME]["version"] = json!("1.27");
        state["clusters"][eks::NAME]["platformVersion"] = json!("eks.9");
    });
    lockout.rescue(&["--yes"]).says(
        4,
        &[
            "Kubernetes 1.27 with the platform version eks.9 has no access entries\n",
            "aws eks update-cluster-version --name my-cluster",
        ],
    );
    assert_eq!(lockout.mode(), "CONFIG_MAP");
}

#[test]
fn callers_without_a_possible_access_entry_are_told_what_to_use() {
    let lockout = Lockout::start("CONFIG_MAP");
    lockout.empty();
    let rescue = |environment: &Environment, args: &[&str]| {
        on(
            &lockout.session,
            environment,
            &[&["rescue", "--yes"], args].concat(),
        )
    };
    let session = |arn: &str| {
        holding(&lockout.session, lockout.service, arn)
            .with("AWS_ENDPOINT_URL_IAM", lockout.iam.url())
    };
    let requests = lockout.service.asked().len();
    let root = lockout.session.aws().user("arn:aws:iam::111122223333:root");
    let as_root = lockout.service.under(lockout.session.aws().environment());
    rescue(&as_root.with_credentials(&root), &[]).says(
        4,
        &[
            "EKS documents no access entries for a root user\n",
            "run as another IAM role or user",
        ],
    );
    rescue(
        &session("arn:aws:sts::111122223333:federated-user/ann"),
        &[],
    )
    .says(
        4,
        &["EKS documents no access entries for a federated user\n"],
    );
    rescue(
        &session("arn:aws:sts::111122223333:assumed-role/deleted/ann"),
        &[],
    )
    .says(
        4,
        &["the role arn:aws:iam::111122223333:role/deleted does not exist in IAM\n"],
    );

    // IAM does not show the path.
    let denying = iam(&["get_role", "list_roles"]);
    let blind = lockout
        .caller
        .clone()
        .with("AWS_ENDPOINT_URL_IAM", denying.url());
    rescue(&blind, &[]).says(
        3,
        &[
            "step 3 of 10: cannot find out the IAM path of arn:aws:iam::111122223333:role/ops: ",
            "--principal arn:aws:iam::111122223333:role/PATH/ops",
        ],
    );
    let sso = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ann";
    let sso = session(sso).with("AWS_ENDPOINT_URL_IAM", denying.url());
    rescue(&sso, &[]).says(
        3,
        &["--principal arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/REGION/AWSReservedSSO_Admin_0123456789abcdef; without REGION/ if it is us-east-1"],
    );
    rescue(
        &blind,
        &["--principal", "arn:aws:iam::111122223333:role/other"],
    )
    .says(
        2,
        &["is not the caller, arn:aws:iam::111122223333:role/ops\n"],
    );
    assert_eq!(lockout.writes_since(requests), [""; 0]);
    // EKS refuses a path that is wrong, and nothing changes for the caller.
    rescue(
        &blind,
        &["--principal", "arn:aws:iam::111122223333:role/ops"],
    )
    .says(
        3,
        &["The specified principalArn is invalid: invalid principal."],
    );
    assert!(!lockout.entries().contains_key(OPS));
    rescue(&blind, &["--principal", OPS]).says(0, &[]);
    assert!(lockout.entries().contains_key(OPS));
}

#[test]
fn access_entry_is_made_even_if_the_endpoint_cannot_be_reached() {
    let lockout = Lockout::start("API_AND_CONFIG_MAP");
    lockout.empty();
    let network = json!({"endpointPublicAccess": false, "endpointPrivateAccess": true, "publicAccessCidrs": []});
    let endpoint = lockout.session.cluster.server_url();
    lockout.change(|state| {
        let cluster = &mut state["clusters"][eks::NAME];
        cluster["endpoint"] = json!("https://127.0.0.1:1");
        cluster["resourcesVpcConfig"] = network;
    });
    let run = lockout.rescue(&["--yes", "--timeout", "2s"]);
    run.says(
        3,
        &[
            "step 7 of 10: ",
            "your access entry stays; run the same command again to continue\n",
            "the endpoint of the cluster is private: only its VPC and networks connected to it reach it\n",
            "aws ssm start-session",
            "awsauth never opens an endpoint",
        ],
    );
    assert!(run.stdout.contains("Whether you can sign in is unknown: "));
    assert_eq!(lockout.entries()[OPS], ["AmazonEKSClusterAdminPolicy"]);
    lockout.change(|state| {
        let cluster = &mut state["clusters"][eks::NAME];
        let network =
            json!({"endpointPublicAccess": true, "publicAccessCidrs": ["203.0.113.0/24"]});
        cluster["resourcesVpcConfig"] = network;
    });
    lockout.rescue(&["--yes", "--timeout", "2s"]).says(
        3,
        &["only these networks outside the VPC reach the endpoint: 203.0.113.0/24\n"],
    );
    // In the right network, the same command finishes.
    lockout.change(|state| state["clusters"][eks::NAME]["endpoint"] = json!(endpoint));
    lockout.rescue(&["--yes", "--timeout", "20s"]).says(0, &[]);
}

#[test]
fn aws_auth_is_repaired_from_a_file_or_from_the_nodes() {
    let lockout = Lockout::start("API_AND_CONFIG_MAP");
    let before = lockout.get();
    lockout.session.api.delete();
    lockout
        .session
        .becomes(&lockout.credentials, &Who::Unauthorized);
    let backup = lockout.backup().display().to_string();
    lockout.rescue(&["--yes", "--from", "/nonexistent"]).says(
        2,
        &[
            "step 8 of 10: cannot read aws-auth from /nonexistent",
            "you are an administrator: other commands work",
        ],
    );
    let run = lockout.rescue(&["--yes", "--from", &backup]);
    run.says(0, &[]);
    assert_eq!(lockout.get(), before);

    // The printed command undoes it, although aws-auth was deleted before.
    let undo = "to undo this change: awsauth --cluster-name my-cluster ";
    let (_, undo) = run.stderr.rsplit_once(undo).unwrap();
    let undo: Vec<&str> = undo.lines().next().unwrap().split(' ').collect();
    let removals = ["--allow-node-entry", NODE];
    lockout.run(&[&undo[..], &removals].concat()).says(0, &[]);
    assert!(!lockout.get().contains("rolearn"), "{}", lockout.get());

    lockout.session.api.delete();
    let node = |name: &str, ready: &str| {
        let conditions = json!([{"type": "Ready", "status": ready}]);
        let node = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"conditions": conditions},
        });
        let text = node.to_string();
        lockout
            .session
            .cluster
            .kubectl_fed(&["create", "-f", "-"], &text);
    };
    node("ip-10-0-0-1", "True");
    node("ip-10-0-0-2", "Unknown");
    let run = lockout.rescue(&["--yes", "--from", "nodes", "--timeout", "3s"]);
    run.says(
        1,
        &[
            "aws-auth maps the nodes, and no administrator yet.\n",
            "hint: map each other administrator: awsauth --cluster-name my-cluster map role ARN ",
            "awsauth nodes --cluster-name my-cluster\n",
        ],
    );
    assert!(
        run.stdout
            .contains("  result:            1 of 2 nodes are ready. Not ready: ip-10-0-0-2.\n"),
        "{}",
        run.stdout
    );
    let listed = lockout.run(&["get", "-o", "json"]).json();
    assert_eq!(
        listed["roles"][0]["arn"],
        "arn:aws:iam::111122223333:role/nodes"
    );
    let groups = json!(["system:bootstrappers", "system:nodes"]);
    assert_eq!(listed["roles"][0]["groups"], groups);
    lockout.rescue(&["--from", "nodes", "--dry-run"]).says(
        0,
        &["aws-auth maps every role that is known to be of the cluster's nodes.\n"],
    );

    // The printed command is enough to do without the access entry, and so is the one of the refusal.
    let refused = lockout.rescue(&["--yes", "--leave-no-trace"]);
    refused.says(4, &["aws-auth does not map you\n"]);
    let command = |text: &str, hint: &str| {
        let (_, rest) = text.split_once(hint).unwrap_or_else(|| panic!("{text}"));
        let line = rest.lines().next().unwrap();
        let words = line.strip_prefix("awsauth --cluster-name my-cluster ");
        words.unwrap_or_else(|| panic!("{line}")).to_owned()
    };
    let own = command(&run.stderr, "hint: map yourself: ");
    let hint = "hint: or map yourself in aws-auth, then run again: ";
    assert_eq!(command(&refused.stderr, hint), own);
    lockout
        .run(&own.split(' ').collect::<Vec<_>>())
        .says(0, &[]);
    let nodes_not_ready = 1;
    lockout
        .rescue(&["--yes", "--leave-no-trace", "--timeout", "3s"])
        .says(nodes_not_ready, &[]);
    assert_eq!(lockout.entries().into_keys().collect::<Vec<_>>(), [CREATOR]);
    let admin = Who::user("admin", &["system:masters"]);
    lockout.session.becomes(&lockout.credentials, &admin);
}

#[test]
fn aws_auth_is_repaired_from_the_nodes_that_nodes_shows() {
    let mut lockout = Lockout::start("API_AND_CONFIG_MAP");
    let tags = json!({format!("kubernetes.io/cluster/{}", eks::NAME): "owned"});
    let trust = trusts("arn:aws:iam::111122223333:root");
    let world = json!({
        "account": "111122223333",
        "roles": {"team/ops": trust, "nodes": trust, "self": trust, "tagged": trust},
        "profiles": {"self": "self", "tagged": "tagged"},
        "instances": {
            "joined": {"profile": "self", "tags": tags},
            "other": {"profile": "tagged", "tags": tags},
        },
    });
    let moto = Moto::start(&[&world.to_string()]);
    for name in ["IAM", "EC2", "AUTO_SCALING"] {
        let name = format!("AWS_ENDPOINT_URL_{name}");
        lockout.caller = lockout.caller.clone().with(&name, moto.url());
    }
    let id = format!("aws:///us-east-1a/{}", moto.instance("joined"));
    let node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "ip-10-0-0-1"}, "spec": {"providerID": id},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    });
    let kubectl = &lockout.session.cluster;
    kubectl.kubectl_fed(&["create", "-f", "-"], &node.to_string());
    lockout.session.api.delete();
    lockout
        .session
        .becomes(&lockout.credentials, &Who::Unauthorized);
    lockout
        .rescue(&["--yes", "--from", "nodes", "--timeout", "3s"])
        .says(
            0,
            &[
                "Not mapped: arn:aws:iam::111122223333:role/tagged, used by ",
                "hint: if these are nodes of the cluster: awsauth --cluster-name my-cluster map node-role arn:aws:iam::111122223333:role/tagged --kind linux\n",
            ],
        );
    let listed = lockout.run(&["get", "-o", "json"]).json();
    let roles = listed["roles"].as_array().unwrap().iter();
    let roles: Vec<&str> = roles.map(|role| role["arn"].as_str().unwrap()).collect();
    assert_eq!(
        roles,
        [
            "arn:aws:iam::111122223333:role/nodes",
            "arn:aws:iam::111122223333:role/self"
        ]
    );
    // The history has the access entry of the rescue, so that undo can delete it.
    let history = lockout.run(&["history", "-o", "json"]).json();
    let mut revisions = history["revisions"].as_array().unwrap().iter();
    let rescue = revisions.find(|one| one["accessEntries"] == json!([OPS]));
    let rescue = rescue.unwrap_or_else(|| panic!("{history:#}"));
    let revision = rescue["revision"].to_string();
    let undone = on(
        &lockout.session,
        &lockout.creator(),
        &["undo", &revision, "--yes"],
    );
    undone.says(0, &[]);
    assert_eq!(lockout.entries().into_keys().collect::<Vec<_>>(), [CREATOR]);
}

#[test]
fn changes_of_a_killed_rescue_are_in_the_history() {
    for call in [
        "UpdateClusterConfig",
        "CreateAccessEntry",
        "AssociateAccessPolicy",
    ] {
        let lockout = Lockout::start("CONFIG_MAP");
        lockout.empty();
        let args = ["rescue", "--yes", "--reason", "INC-1", "--from", "history"];
        kill_after(lockout.service, (call, 0), &lockout.caller, &args);
        let revisions = |environment: &Environment| {
            let history = on(&lockout.session, environment, &["history", "-o", "json"]).json();
            let revisions = history["revisions"].as_array().unwrap().clone();
            let by_rescue = revisions.into_iter().filter(|one| {
                let reason = one["reason"].as_str();
                reason.is_some_and(|reason| reason == "awsauth rescue: INC-1")
                    && !one["accessEntries"].is_null()
            });
            by_rescue
                .map(|one| (one["path"].is_string(), one))
                .collect::<Vec<_>>()
        };
        let mode = json!({"from": "CONFIG_MAP", "to": "API_AND_CONFIG_MAP"});
        // Until a rescue signs in, only this machine knows the changes.
        let killed = revisions(&lockout.creator());
        assert!(killed.iter().all(|(is_file, _)| *is_file), "{killed:#?}");
        assert_eq!(killed[0].1["authenticationMode"], mode, "{killed:#?}");
        assert_eq!(killed[0].1["arn"], OPS_SESSION, "{killed:#?}");
        assert_eq!(
            killed.len(),
            if call == "UpdateClusterConfig" { 1 } else { 2 }
        );

        lockout.rescue(&args[1..]).says(0, &[]);
        let found = revisions(&lockout.caller);
        assert!(found.iter().all(|(is_file, _)| !is_file), "{found:#?}");
        let [(_, first), (_, second)] = found.as_slice() else {
            panic!("{call}: {found:#?}");
        };
        assert_eq!(first["authenticationMode"], mode);
        assert_eq!(first["when"], killed[0].1["when"]);
        assert_eq!(second["accessEntries"], json!([OPS]));
        assert_eq!([&first["then"], &second["then"]], ["kept", "kept"]);

        // The history shows the way back: none for the mode, and the deletion of the access entry.
        let undo = |revision: &Value| {
            let revision = revision["revision"].to_string();
            let args = ["undo", &revision, "--yes"];
            on(&lockout.session, &lockout.creator(), &args)
        };
        undo(first).says(4, &["EKS cannot"]);
        undo(second).says(0, &[]);
        assert_eq!(lockout.entries().into_keys().collect::<Vec<_>>(), [CREATOR]);
    }
}

#[test]
fn change_that_a_killed_rescue_did_not_make_is_not_in_the_history() {
    let lockout = Lockout::start("CONFIG_MAP");
    lockout.empty();
    let explicit = "User: x is not authorized to perform: eks:Y with an explicit deny in a service control policy";
    for (operation, kept) in [("UpdateClusterConfig", 0), ("CreateAccessEntry", 1)] {
        lockout.deny(operation, explicit);
        lockout.rescue(&["--yes"]).says(3, &[]);
        let history = on(
            &lockout.session,
            &lockout.creator(),
            &["history", "-o", "json"],
        );
        let history = history.json();
        let revisions = history["revisions"].as_array().unwrap().iter();
        let files = revisions.filter(|one| one["path"].is_string());
        assert_eq!(files.count(), kept, "{operation}: {history:#}");
    }
}
