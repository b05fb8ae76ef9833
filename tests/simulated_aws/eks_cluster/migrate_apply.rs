//! The steps of `migrate`, and `undo`, on a cluster in which principals sign in through their access entries.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{eks, holding, kill_after, on, on_terminal};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION, PATIENCE};
use crate::eks_cluster::token_review::Who;
use crate::support::completed_run::Run;
use crate::support::eks::{self, CREATOR};
use crate::support::environment::Environment;
use crate::support::moto::Moto;
use crate::support::simulated_aws::{Credentials, trusts_service};
use crate::support::simulated_eks_api::EksService;

pub(crate) const DEV: &str = "arn:aws:iam::111122223333:role/team/dev";
const DEV_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/dev/ann@example.com";
/// A role that is not in aws-auth.
const DEPLOY: &str = "arn:aws:iam::111122223333:role/deploy";
pub(crate) const NODE: &str = "arn:aws:iam::111122223333:role/nodes";
const ADMIN: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
pub(crate) const ADMINS: &str = "awsauth:cluster-admins";

/// A cluster in CONFIG_MAP mode, with an administrator who runs awsauth, and developers, in aws-auth.
pub(crate) struct Migration {
    pub(crate) session: ExclusiveCluster,
    pub(crate) service: &'static EksService,
    pub(crate) caller: Environment,
    pub(crate) caller_session: Credentials,
    pub(crate) dev: Credentials,
    _iam: Moto,
}

impl Migration {
    pub(crate) fn start() -> Self {
        let session = ExclusiveCluster::with_access_entries();
        session
            .cluster
            .kubectl(&["delete", "clusterrolebinding", ADMINS, "--ignore-not-found"]);
        let mut sessions = session.aws().sessions(&[DEV_SESSION, MYTESTROLE_SESSION]);
        let (caller_session, dev) = (sessions.remove(1), sessions.remove(0));
        let id = |credentials: &Credentials| {
            let (id, _) = credentials.user_id.split_once(':').unwrap();
            json!({ "id": id })
        };
        let entry = |arn: &str, kind: &str, username: &str, policies: &Value| {
            json!({
                "principalArn": arn, "type": kind, "username": username, "policies": policies,
                "kubernetesGroups": if kind == "STANDARD" { json!([]) } else { json!(["system:nodes"]) },
            })
        };
        let admin =
            json!([{"policyArn": ADMIN, "accessScope": {"type": "cluster", "namespaces": []}}]);
        let world = json!({
            "clusters": {eks::NAME: {"accessConfig": {"authenticationMode": "CONFIG_MAP"}}},
            "principals": {MYTESTROLE: id(&caller_session), DEV: id(&dev), NODE: {"id": "AROANODE"}, DEPLOY: {"id": "AROADEPLOY"}},
            "update": {"polls": 1, "settles": 1},
            "made_by_update": {eks::NAME: [
                entry(CREATOR, "STANDARD", "kubernetes-admin", &admin),
                entry(NODE, "EC2_LINUX", "system:node:{{EC2PrivateDNSName}}", &json!([])),
            ]},
        });
        let service = eks(&session, &world);
        let roles: BTreeMap<_, _> = ["mytestrole", "team/dev", "nodes", "deploy", "others", "ci"]
            .map(|role| (role, trusts_service("ec2.amazonaws.com")))
            .into();
        let objects = json!({"account": "111122223333", "roles": roles, "users": ["people/ann"]});
        let iam = Moto::start(&[&objects.to_string()]);
        let roles = format!(
            "- rolearn: {MYTESTROLE}\n  username: admin\n  groups: [system:masters]\n\
             - rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev:{{{{SessionName}}}}\n  groups: [devs]\n\
             - rolearn: {NODE}\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups: [system:bootstrappers, system:nodes]\n"
        );
        session.put(&json!({"mapRoles": roles}));
        session.becomes(&caller_session, &Who::user("admin", &["system:masters"]));
        let environment = holding(&session, service, MYTESTROLE_SESSION);
        let caller = ["IAM", "EC2", "AUTO_SCALING"].into_iter().fold(
            environment.with_credentials(&caller_session),
            |caller, name| caller.with(&format!("AWS_ENDPOINT_URL_{name}"), iam.url()),
        );
        Self {
            session,
            service,
            caller,
            caller_session,
            dev,
            _iam: iam,
        }
    }

    fn run(&self, args: &[&str]) -> Run {
        on(&self.session, &self.caller, &[&["migrate"], args].concat())
    }

    /// Changes the state of EKS.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut state = self.service.state();
        change(&mut state);
        self.service.set(&state);
    }

    /// Returns the principals with access entries, in order.
    fn entries(&self) -> Vec<String> {
        let state = self.service.state();
        let entries = state["entries"][eks::NAME].as_array().into_iter().flatten();
        entries
            .map(|entry| entry["principalArn"].as_str().unwrap().to_owned())
            .collect()
    }

    fn mode(&self) -> Value {
        let mut state = self.service.state();
        state["clusters"][eks::NAME]["accessConfig"]["authenticationMode"].take()
    }

    /// Returns the data and the resourceVersion of aws-auth: equal if nothing was written.
    fn aws_auth(&self) -> String {
        self.session.cluster.kubectl(&[
            "get",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "-o",
            "jsonpath={.data}{.metadata.resourceVersion}",
        ])
    }

    pub(crate) fn becomes(&self, credentials: &Credentials, name: &str, groups: &[&str]) {
        self.session.becomes(credentials, &Who::user(name, groups));
    }
}

#[test]
fn migrated_principals_keep_their_access_and_revert_restores_aws_auth() {
    let migration = Migration::start();
    let aws_auth = migration.aws_auth();
    migration.becomes(&migration.dev, "dev:ann-example.com", &["devs"]);
    let check = migration.run(&["--check"]);
    check.says(
        1,
        &["3 of 3 mappings in effect have no access entry with the same access."],
    );
    // The check is about what is there, not about the plan.
    let missing = check.stdout.matches("no access entry\n").count();
    assert_eq!(missing, 3, "{check:?}");
    assert!(!check.stdout.contains("same"), "{check:?}");

    // EKS cannot reverse the new mode, so a run without a terminal must state that it is intended.
    migration.run(&["--apply"]).says(
        4,
        &[
            "the cluster would read access entries from now on, which EKS cannot reverse\n",
            "add --yes",
        ],
    );
    assert_eq!(migration.mode(), "CONFIG_MAP");

    let run = migration.run(&["--apply", "--yes"]);
    run.says(
        0,
        &["You signed in through your access entry, with the same username and permissions.\n"],
    );
    assert_eq!(migration.mode(), "API_AND_CONFIG_MAP");
    // The caller's entry is the last one. EKS made those of the creator and of the nodes.
    assert_eq!(migration.entries(), [CREATOR, NODE, DEV, MYTESTROLE]);
    assert_eq!(migration.aws_auth(), aws_auth);
    migration.becomes(&migration.caller_session, "admin", &[ADMINS]);
    migration.becomes(&migration.dev, "dev:ann-example.com", &["devs"]);

    let check = migration.run(&["--check", "-o", "json"]);
    check.says(
        0,
        &["All 3 mappings in effect have an access entry with the same access.\n"],
    );
    assert_eq!(check.json()["summary"]["conflicts"], 0);
    migration.run(&["--apply", "--yes"]).says(
        0,
        &["Nothing to do: every access entry that can replace a mapping exists.\n"],
    );

    // Without the binding, the caller would not be an administrator.
    let binding =
        migration
            .session
            .cluster
            .kubectl(&["get", "clusterrolebinding", ADMINS, "-o", "json"]);
    migration
        .session
        .cluster
        .kubectl(&["delete", "clusterrolebinding", ADMINS]);
    let as_creator = holding(
        &migration.session,
        migration.service,
        "arn:aws:sts::111122223333:assumed-role/cluster-creator/ci",
    );
    on(&migration.session, &as_creator, &["migrate", "--check"]).says(
        1,
        &[&format!("{MYTESTROLE} is not an administrator through its access entry: no ClusterRoleBinding binds its groups to cluster-admin.\n")],
    );
    migration
        .session
        .cluster
        .kubectl_fed(&["create", "-f", "-"], &binding);

    // The API server needs a moment for the binding.
    let deadline = Instant::now() + PATIENCE;
    while migration.run(&["--check"]).status != 0 {
        assert!(Instant::now() < deadline);
    }

    let run = migration.run(&["--revert", "--yes"]);
    run.says(
        0,
        &["You signed in through aws-auth, with the same username and permissions.\n"],
    );
    assert_eq!(migration.entries(), [CREATOR, NODE]);
    assert_eq!(migration.aws_auth(), aws_auth);
    migration.becomes(&migration.caller_session, "admin", &["system:masters"]);
    let bindings = migration.session.cluster.kubectl(&[
        "get",
        "clusterrolebinding",
        ADMINS,
        "--ignore-not-found",
        "-o",
        "name",
    ]);
    assert_eq!(bindings, "");
    migration.run(&["--revert", "--yes"]).says(
        0,
        &["Nothing to do: no unchanged access entry that was created from aws-auth is left.\n"],
    );
}

#[test]
fn entry_that_does_not_admit_the_caller_is_deleted_again() {
    let migration = Migration::start();
    migration.change(|state| {
        // EKS binds the entry to a principal other than the one that signs in.
        state["principals"][MYTESTROLE]["id"] = json!("AROAOTHER");
    });
    let run = migration.run(&["--apply", "--yes", "--timeout", "4s"]);
    run.says(
        6,
        &[
            "you do not get the same access through your access entry",
            "your access entry was deleted: aws-auth decides for you again\n",
        ],
    );
    assert_eq!(migration.entries(), [CREATOR, NODE, DEV]);
    migration.becomes(&migration.caller_session, "admin", &["system:masters"]);
}

#[test]
fn interrupted_migration_continues() {
    let migration = Migration::start();
    let message = "User: x is not authorized to perform: eks:CreateAccessEntry on resource: y";
    migration.change(|state| state["denied"] = json!({"CreateAccessEntry": message}));
    migration.run(&["--apply", "--yes"]).says(
        3,
        &[
            &format!("cannot create the access entry of {DEV}: AccessDeniedException: {message}\n"),
            "completed steps are kept; run the same command again to continue\n",
            "ask an administrator to add this to a policy of your identity: ",
        ],
    );
    // The cluster reads access entries now, and every principal has its access.
    assert_eq!(migration.mode(), "API_AND_CONFIG_MAP");
    migration.becomes(&migration.dev, "dev:ann-example.com", &["devs"]);
    migration.becomes(&migration.caller_session, "admin", &["system:masters"]);
    migration.change(|state| state["denied"] = json!({}));
    migration
        .run(&["--apply", "--yes", "--masters", "policy"])
        .says(0, &[]);
    assert_eq!(migration.entries(), [CREATOR, NODE, DEV, MYTESTROLE]);
    migration.becomes(&migration.caller_session, "admin", &[]);
    migration
        .run(&["--check", "--masters", "policy"])
        .says(0, &[]);

    // What another client changed stays.
    migration.change(|state| {
        state["entries"][eks::NAME][2]["kubernetesGroups"] = json!(["devs", "more"]);
    });
    migration
        .run(&["--check", "--masters", "policy"])
        .says(1, &[]);
    migration
        .run(&["--revert", "--yes", "--masters", "policy"])
        .says(
            0,
            &[&format!(
                "Kept: the access entry of {DEV}, because another client changed it.\n"
            )],
        );
    assert_eq!(migration.entries(), [CREATOR, NODE, DEV]);
    // Without aws-auth, no principal could sign in.
    migration.change(|state| {
        state["clusters"][eks::NAME]["accessConfig"]["authenticationMode"] = json!("API");
    });
    let creator = holding(
        &migration.session,
        migration.service,
        "arn:aws:sts::111122223333:assumed-role/cluster-creator/ci",
    );
    on(
        &migration.session,
        &creator,
        &["migrate", "--revert", "--yes"],
    )
    .says(4, &["ignores aws-auth"]);
}

#[test]
fn migrated_cluster_is_cleaned_and_ignores_aws_auth_afterwards() {
    let migration = Migration::start();
    migration.run(&["--finish", "--yes"]).says(
        4,
        &[
            "the cluster reads no access entries yet\n",
            "awsauth migrate --cluster-name my-cluster --apply\n",
        ],
    );
    migration.run(&["--apply", "--yes"]).says(0, &[]);
    let tags = migration.service.state()["entries"][eks::NAME][2]["tags"].take();
    assert_eq!(tags["awsauth.dev/from"], "aws-auth");
    assert_eq!(tags["awsauth.dev/digest"].as_str().unwrap().len(), 64);
    assert!(tags["awsauth.dev/run"].as_str().unwrap().ends_with('Z'));

    // An account has no access entry, and EKS knows a node group whose role has none.
    let session = &migration.session;
    let patch = |accounts: &str| {
        let patch = json!({"data": {"mapAccounts": accounts}}).to_string();
        let args = [
            "patch",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "-p",
            &patch,
        ];
        session.cluster.kubectl(&args);
    };
    patch("- \"444455556666\"\n");
    migration.change(|state| {
        state["nodegroups"] = json!({eks::NAME: [{
            "nodegroupName": "ng-2", "nodeRole": "arn:aws:iam::111122223333:role/others", "status": "ACTIVE",
            "amiType": "AL2023_x86_64_STANDARD",
        }]});
        state["entries"][eks::NAME][2]["kubernetesGroups"] = json!(["devs", "more"]);
    });
    migration.run(&["--finish", "--yes"]).says(
        4,
        &[
            "nothing was changed: in authentication mode API, some principals would lose access\n",
            "  arn:aws:iam::111122223333:role/dev has no access entry with the same access\n",
            "hint: give its access entry the same access; or, if it is no longer needed, remove it: awsauth unmap role arn:aws:iam::111122223333:role/dev --cluster-name my-cluster\n",
            "  444455556666 has no access entry with the same access\n",
            "; or, if it is no longer needed, remove it: awsauth unmap account 444455556666 --cluster-name my-cluster\n",
            "  arn:aws:iam::111122223333:role/others, the role of node group ng-2, has no access entry for nodes\n",
        ],
    );
    assert_eq!(migration.mode(), "API_AND_CONFIG_MAP");

    // Only what access entries replace is removed, and undo restores it.
    let before = migration.aws_auth();
    migration.run(&["--clean", "--yes"]).says(
        0,
        &[
            "Kept: arn:aws:iam::111122223333:role/dev, because it has no access entry with the same access.\n",
            "Kept: 444455556666, because",
        ],
    );
    let listed = on(session, &migration.caller, &["history"]).stdout;
    assert!(
        listed.contains(" in aws-auth, kept through access entries"),
        "{listed}"
    );
    let cleaned = migration.aws_auth();
    assert!(
        cleaned.contains("role/dev") && cleaned.contains("444455556666"),
        "{cleaned}"
    );
    assert!(
        !cleaned.contains("mytestrole") && !cleaned.contains("role/nodes"),
        "{cleaned}"
    );
    migration.becomes(&migration.caller_session, "admin", &[ADMINS]);
    on(session, &migration.caller, &["undo"])
        .says(0, &["The mapping of role/mytestrole has no effect: "]);
    let data = |text: &str| text.rsplit_once('}').unwrap().0.to_owned();
    assert_eq!(data(&migration.aws_auth()), data(&before));

    patch("");
    migration.change(|state| {
        state["nodegroups"] = json!({});
        state["entries"][eks::NAME][2]["kubernetesGroups"] = json!(["devs"]);
    });
    migration.run(&["--clean", "--yes"]).says(0, &[]);
    migration.run(&["--clean", "--yes"]).says(
        0,
        &["Nothing to do: aws-auth maps no principal that has an access entry with the same access.\n"],
    );
    migration.run(&["--finish"]).says(
        4,
        &[
            "the cluster would ignore aws-auth from now on, which EKS cannot reverse\n",
            "add --yes",
        ],
    );
    migration.run(&["--finish", "--yes"]).says(
        0,
        &["You signed in with the same username and permissions. aws-auth is kept, and has no effect.\n"],
    );
    assert_eq!(migration.mode(), "API");
    migration.becomes(&migration.caller_session, "admin", &[ADMINS]);
    migration.becomes(&migration.dev, "dev:ann-example.com", &["devs"]);
    migration.run(&["--finish", "--yes"]).says(
        0,
        &["Nothing to do: the authentication mode is API, and aws-auth has no effect.\n"],
    );
    // Every step reports it, whether or not aws-auth still has mappings.
    let roles = format!("- rolearn: {MYTESTROLE}\n  username: admin\n  groups: [system:masters]\n");
    session.put(&json!({"mapRoles": roles}));
    for step in ["--clean", "--apply", "--check"] {
        let run = migration.run(&[step, "--yes"]);
        run.says(
            0,
            &[
                "Nothing to do: the authentication mode is API, and aws-auth has no effect.\n",
                "hint: to delete aws-auth: ",
                " delete configmap aws-auth -n kube-system\n",
            ],
        );
        assert!(!run.stderr.contains("--revert"), "{step}: {run:?}");
    }
    let plan = migration.run(&[]);
    plan.says(0, &[]);
    let note = "The authentication mode is API: the cluster ignores aws-auth, so there is nothing to migrate.\n";
    assert!(plan.stdout.contains(note), "{plan:?}");
    // The principal's access entry is shown.
    assert!(
        plan.stdout.contains(&format!("admin [{ADMINS}]")),
        "{plan:?}"
    );
}

/// The entry of the caller exists without its policy.
fn prints_the_unfinished_entry_as_existing(migration: &Migration) {
    let service = migration.service;
    let creator = "arn:aws:sts::111122223333:assumed-role/cluster-creator/ci";
    let creator = holding(&migration.session, service, creator);
    let print = |form: &str| {
        let args = ["migrate", "--masters", "policy", "--print", form];
        on(&migration.session, &creator, &args).stdout
    };
    const MISSING: &str =
        "# The access entry exists without this policy: terraform apply associates it.\n";
    let text = print("terraform");
    let import = format!("  id = \"{}:{MYTESTROLE}\"\n", eks::NAME);
    assert!(text.contains(&import) && text.contains(MISSING), "{text}");
    assert!(
        !text.contains(&format!("{}#{MYTESTROLE}#", eks::NAME)),
        "{text}"
    );
    let text = print("terraform-module");
    assert!(text.contains(&import) && text.contains(MISSING), "{text}");
    assert!(
        !text.contains(&format!("{}#{MYTESTROLE}#", eks::NAME)),
        "{text}"
    );
    let associate = format!(
        "aws eks associate-access-policy --cluster-name {} --principal-arn {MYTESTROLE} ",
        eks::NAME
    );
    for form in ["cloudformation", "eksctl"] {
        let text = print(form);
        assert!(
            text.contains(&format!("# Needed first: {associate}")),
            "{text}"
        );
        assert!(text.contains("# It exists"), "{text}");
    }
    let text = print("aws-cli");
    assert!(text.contains(&format!("\n{associate}")), "{text}");
    assert!(
        !text.contains(&format!("--principal-arn {MYTESTROLE} --username")),
        "{text}"
    );
}

#[test]
fn killed_migration_to_the_policy_continues_or_is_reverted() {
    for (call, step) in [
        (("CreateAccessEntry", 1), "--apply"),
        (("CreateAccessEntry", 1), "--revert"),
        (("AssociateAccessPolicy", 0), "--apply"),
    ] {
        let migration = Migration::start();
        let aws_auth = migration.aws_auth();
        let args = ["migrate", "--apply", "--yes", "--masters", "policy"];
        kill_after(migration.service, call, &migration.caller, &args);
        assert_eq!(migration.entries(), [CREATOR, NODE, DEV, MYTESTROLE]);
        migration.becomes(&migration.caller_session, "admin", &[]);
        if call.0 == "CreateAccessEntry" {
            prints_the_unfinished_entry_as_existing(&migration);
            // The caller is not allowed to read aws-auth.
            for args in [&[][..], &["--check"]] {
                let run = migration.run(args);
                run.says(
                    3,
                    &[
                        &format!("your access entry {MYTESTROLE} is unfinished: "),
                        "hint: finish it: awsauth migrate --cluster-name my-cluster --apply\n",
                        "hint: or delete it: awsauth migrate --cluster-name my-cluster --revert\n",
                    ],
                );
                assert!(!run.stderr.contains("ask an administrator"), "{run:?}");
            }
        }
        // The next run finishes what the first one began, whatever the option is now.
        migration.run(&[step, "--yes"]).says(0, &[]);
        assert_eq!(migration.aws_auth(), aws_auth);
        if step == "--apply" {
            migration.run(&["--check"]).says(0, &[]);
            let policies = migration.service.state()["entries"][eks::NAME][3]["policies"].take();
            assert_eq!(policies[0]["policyArn"], ADMIN, "{call:?}");
            migration.run(&["--revert", "--yes"]).says(0, &[]);
        }
        assert_eq!(migration.entries(), [CREATOR, NODE], "{call:?} {step}");
        migration.becomes(&migration.caller_session, "admin", &["system:masters"]);
    }
}

#[test]
fn plan_that_changes_during_the_mode_update_is_refused() {
    let migration = Migration::start();
    migration.change(|state| {
        state["faults"] = json!([{"operation": "DescribeUpdate", "fault": "delay", "seconds": 5}]);
    });
    let cluster = migration.session.cluster;
    let marker = cluster.eks_state().join("delayed");
    let _ = fs::remove_file(&marker);
    let object = migration.session.api.object();
    let roles = object["data"]["mapRoles"].as_str().unwrap();
    let roles = format!("{roles}- rolearn: {DEPLOY}\n  username: deploy\n  groups: [devs]\n");
    let patch = json!({"data": {"mapRoles": roles}}).to_string();
    let during_update = thread::spawn(move || {
        let deadline = Instant::now() + PATIENCE;
        while !marker.exists() {
            assert!(Instant::now() < deadline, "EKS was not asked");
            thread::sleep(Duration::from_millis(50));
        }
        let args = [
            "patch",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "-p",
            &patch,
        ];
        cluster.kubectl(&args);
    });
    let run = migration.run(&["--apply", "--yes"]);
    during_update.join().unwrap();
    run.says(
        5,
        &[
            "the plan has changed: ",
            DEPLOY,
            "hint: check the new plan and continue: awsauth migrate --cluster-name my-cluster --apply\n",
        ],
    );
    assert!(!run.stdout.contains(DEPLOY), "{run:?}");
    assert_eq!(migration.entries(), [CREATOR, NODE]);
}

#[test]
fn revert_keeps_a_binding_that_aws_auth_uses() {
    let migration = Migration::start();
    migration.run(&["--apply", "--yes"]).says(0, &[]);
    // aws-auth now makes the caller an administrator by the group that replaced system:masters.
    let map = ["map", "role", MYTESTROLE, "--group", ADMINS];
    let aws_auth = ["--backend", "aws-auth", "--allow-ignored"];
    on(
        &migration.session,
        &migration.caller,
        &[&map[..], &aws_auth].concat(),
    )
    .says(0, &[]);
    let kept = format!(
        "Kept: the ClusterRoleBinding {ADMINS}, because aws-auth or an access entry uses its group, or could not be read.\n"
    );
    migration
        .run(&["--revert", "--yes"])
        .says(0, &[kept.as_str()]);
    // The next run does not ask about it either.
    let (status, screen) = on_terminal(&migration.caller, &["migrate", "--revert"]).end();
    assert_eq!(status, 0, "{screen}");
    assert!(
        screen.contains(&kept) && !screen.contains("[y/N]"),
        "{screen}"
    );
    assert_eq!(migration.entries(), [CREATOR, NODE]);
    migration.becomes(&migration.caller_session, "admin", &[ADMINS]);
    on(&migration.session, &migration.caller, &["get"]).says(0, &[]);
}

#[test]
fn revert_deletes_nothing_if_aws_auth_changes_after_the_plan() {
    let migration = Migration::start();
    migration.run(&["--apply", "--yes"]).says(0, &[]);
    migration.change(|state| {
        state["faults"] = json!([{"operation": "ListNodegroups", "fault": "delay", "seconds": 5}]);
    });
    let cluster = migration.session.cluster;
    let marker = cluster.eks_state().join("delayed");
    let _ = fs::remove_file(&marker);
    let during_plan = thread::spawn(move || {
        let deadline = Instant::now() + PATIENCE;
        while !marker.exists() {
            assert!(Instant::now() < deadline, "EKS was not asked");
            thread::sleep(Duration::from_millis(50));
        }
        let patch = json!({"data": {"mapRoles": "[]"}}).to_string();
        let patched = ["patch", "configmap", "aws-auth", "-n", "kube-system", "-p"];
        cluster.kubectl(&[&patched[..], &[&patch]].concat());
    });
    let run = migration.run(&["--revert", "--yes"]);
    during_plan.join().unwrap();
    run.says(
        5,
        &[
            "aws-auth or the access entries changed after the plan was made; nothing was changed\n",
            "run the same command again",
        ],
    );
    assert_eq!(migration.entries(), [CREATOR, NODE, DEV, MYTESTROLE]);
}

#[test]
fn clean_removes_nothing_if_an_access_entry_is_deleted_after_the_plan() {
    let migration = Migration::start();
    migration.run(&["--apply", "--yes"]).says(0, &[]);
    let before = migration.aws_auth();
    let delete = json!(["DeleteAccessEntry", {"clusterName": eks::NAME, "principalArn": DEV}]);
    migration.change(|state| {
        state["faults"] =
            json!([{"operation": "ListNodegroups", "fault": "first", "calls": [delete]}]);
    });
    migration.run(&["--clean", "--yes"]).says(
        5,
        &["aws-auth or the access entries changed after the plan was made; nothing was changed\n"],
    );
    assert_eq!(migration.aws_auth(), before);
}

#[test]
fn apply_creates_nothing_if_aws_auth_changes_after_the_plan() {
    let migration = Migration::start();
    migration.run(&["--apply", "--yes"]).says(0, &[]);
    migration.run(&["--revert", "--yes"]).says(0, &[]);
    let create = json!(["CreateAccessEntry", {"clusterName": eks::NAME, "principalArn": DEV}]);
    migration.change(|state| {
        state["faults"] =
            json!([{"operation": "ListNodegroups", "fault": "first", "calls": [create]}]);
    });
    migration.run(&["--apply", "--yes"]).says(
        5,
        &["aws-auth or the access entries changed after the plan was made; nothing was changed\n"],
    );
    assert_eq!(migration.entries(), [CREATOR, NODE, DEV]);
}

/// Returns the revisions of the history, from the oldest to the newest.
fn revisions(migration: &Migration) -> Vec<Value> {
    let run = on(
        &migration.session,
        &migration.caller,
        &["history", "-o", "json"],
    );
    run.json()["revisions"].as_array().unwrap().clone()
}

#[test]
fn migration_is_recorded_and_can_be_undone() {
    let migration = Migration::start();
    let aws_auth = migration.aws_auth();
    let undo = |args: &[&str]| {
        on(
            &migration.session,
            &migration.caller,
            &[&["undo"], args].concat(),
        )
    };
    migration.run(&["--apply", "--yes"]).says(0, &[]);
    let recorded = revisions(&migration);
    let [.., mode, entries] = recorded.as_slice() else {
        panic!("{recorded:?}");
    };
    assert_eq!(
        mode["authenticationMode"],
        json!({"from": "CONFIG_MAP", "to": "API_AND_CONFIG_MAP"})
    );
    assert_eq!(entries["accessEntries"], json!([DEV, MYTESTROLE]));
    let listed = on(&migration.session, &migration.caller, &["history"]).stdout;
    assert!(
        listed.contains("authentication mode CONFIG_MAP → API_AND_CONFIG_MAP"),
        "{listed}"
    );
    let mode = mode["revision"].to_string();
    undo(&[&mode]).says(
        4,
        &[&format!(
            "revision {mode} changed the authentication mode from CONFIG_MAP to API_AND_CONFIG_MAP, which EKS cannot reverse\n"
        )],
    );

    undo(&["--yes"]).says(0, &[]);
    assert_eq!(migration.entries(), [CREATOR, NODE]);
    assert_eq!(migration.aws_auth(), aws_auth);
    migration.becomes(&migration.caller_session, "admin", &["system:masters"]);
    migration.becomes(&migration.dev, "dev:ann-example.com", &["devs"]);

    // Another client has changed an entry, so undo refuses: it undoes a write as a whole or not at all.
    migration.run(&["--apply", "--yes"]).says(0, &[]);
    let recorded = revisions(&migration);
    let entries = recorded.last().unwrap()["revision"].to_string();
    migration.change(|state| {
        state["entries"][eks::NAME][2]["kubernetesGroups"] = json!(["devs", "more"]);
    });
    undo(&[&entries, "--yes"]).says(4, &["has been changed since revision"]);
    migration.change(|state| {
        state["entries"][eks::NAME][2]["kubernetesGroups"] = json!(["devs"]);
    });

    migration.run(&["--finish", "--yes"]).says(0, &[]);
    undo(&[]).says(
        4,
        &["from API_AND_CONFIG_MAP to API, which EKS cannot reverse\n"],
    );
    undo(&[&entries, "--yes"]).says(
        4,
        &[
            "the cluster ignores aws-auth now: without its access entry, it could not sign in",
            "hint: to take access away, unmap each principal: awsauth --cluster-name my-cluster unmap role ",
        ],
    );
    assert_eq!(migration.entries(), [CREATOR, NODE, DEV, MYTESTROLE]);
}

#[test]
fn removals_are_listed_before_the_question() {
    let migration = Migration::start();
    migration.run(&["--apply", "--yes"]).says(0, &[]);
    let aws_auth = migration.aws_auth();
    let binding = format!("  the ClusterRoleBinding {ADMINS}\n");
    for (step, question, listed) in [
        ("--clean", "[y/N]", ["  role/mytestrole\n", "  role/dev\n"]),
        (
            "--finish",
            "Type the cluster's name to continue:",
            ["role/mytestrole\n", "role/dev\n"],
        ),
        ("--revert", "[y/N]", ["role/team/dev\n", &binding]),
    ] {
        let mut terminal = on_terminal(&migration.caller, &["migrate", step]);
        terminal.shows(question);
        terminal.type_in("n\n");
        let (status, screen) = terminal.end();
        assert_eq!(status, 4, "{step}: {screen}");
        let (before, _) = screen.split_once(question).unwrap();
        for listed in listed {
            assert!(before.contains(listed), "{step}: {screen}");
        }
    }
    assert_eq!(migration.aws_auth(), aws_auth);
    assert_eq!(migration.entries(), [CREATOR, NODE, DEV, MYTESTROLE]);
}

#[test]
fn undo_of_a_reverted_migration_needs_the_binding() {
    let migration = Migration::start();
    migration.run(&["--apply", "--yes"]).says(0, &[]);
    migration.run(&["--revert", "--yes"]).says(0, &[]);
    let terminal = on_terminal(&migration.caller, &["undo"]);
    let (status, screen) = terminal.end();
    assert_eq!(status, 4, "{screen}");
    assert!(
        !screen.contains("[y/N]") && !screen.contains("--allow-self-lockout"),
        "{screen}"
    );
    assert!(
        screen.contains(&format!("{MYTESTROLE} would not be an administrator")),
        "{screen}"
    );
    let hint = "awsauth migrate --cluster-name my-cluster --apply";
    assert!(screen.contains(hint), "{screen}");
    assert_eq!(migration.entries(), [CREATOR, NODE]);
    migration.becomes(&migration.caller_session, "admin", &["system:masters"]);
}

#[test]
fn reverted_migration_is_recorded() {
    let migration = Migration::start();
    migration.run(&["--apply", "--yes"]).says(0, &[]);
    migration.run(&["--revert", "--yes"]).says(0, &[]);
    let recorded = revisions(&migration);
    let reverted = recorded.last().unwrap();
    assert_eq!(reverted["accessEntries"], json!([DEV, MYTESTROLE]));
    assert_eq!(reverted["then"], "kept");
}

#[test]
fn change_of_the_mode_needs_the_name_of_the_cluster_on_a_terminal() {
    const NAME: &str = "which EKS cannot reverse. Type the cluster's name to continue:";
    let migration = Migration::start();
    let run = |step: &str, answer: &str| {
        let mut terminal = on_terminal(&migration.caller, &["migrate", step]);
        terminal.shows(NAME);
        terminal.type_in(answer);
        terminal.end()
    };
    for (step, before, after) in [
        ("--apply", "CONFIG_MAP", "API_AND_CONFIG_MAP"),
        ("--finish", "API_AND_CONFIG_MAP", "API"),
    ] {
        for answer in ["other-cluster\n", "y\n", "\n"] {
            let (status, screen) = run(step, answer);
            assert_eq!(status, 4, "{step} {answer}: {screen}");
            let refusal = "the name does not match; nothing was changed\n";
            assert!(screen.contains(refusal), "{step} {answer}: {screen}");
            assert_eq!(migration.mode(), before);
        }
        let (status, screen) = run(step, "my-cluster\n");
        assert_eq!(status, 0, "{step}: {screen}");
        assert_eq!(migration.mode(), after);
    }
}

#[test]
fn account_that_is_used_prevents_the_mode_api() {
    let migration = Migration::start();
    let requests = migration.service.asked().len();
    migration.run(&["--apply", "--yes"]).says(0, &[]);
    let each =
        "hint: map each role and user that signs in by its own ARN, then unmap the account; or, ";
    let patch = json!({"data": {"mapAccounts": "- \"444455556666\"\n"}}).to_string();
    let patched = ["patch", "configmap", "aws-auth", "-n", "kube-system", "-p"];
    let session = &migration.session;
    session.cluster.kubectl(&[&patched[..], &[&patch]].concat());
    let log = session.cluster.folder().join("sign-ins.log");
    let path = log.display().to_string();
    let write = |days: &[i64], others: &[&str]| {
        let line = |day: i64, arn: &str| {
            let time = Timestamp::now() - SignedDuration::from_hours(24 * day + 1);
            let time = time.strftime("%Y-%m-%dT%H:%M:%SZ");
            format!(
                "time=\"{time}\" level=info msg=\"access granted\" arn=\"{arn}\" uid=\"a:1:AIDA\"\n"
            )
        };
        let nodes = days.iter().map(|&day| line(day, NODE));
        let lines = nodes.chain(others.iter().map(|arn| line(1, arn)));
        fs::write(&log, lines.collect::<String>()).unwrap();
    };
    let ann = "arn:aws:iam::444455556666:user/ann";
    let period = ["--since", "3d", "--log", &path];
    let check = |more: &[&str]| migration.run(&[&["--check"], &period[..], more].concat());
    let finish = || migration.run(&[&["--finish", "--yes"], &period[..]].concat());

    write(&[0, 1, 2], &[ann]);
    check(&[]).says(
        1,
        &[
            &format!("{ann} has no access entry: it signed in through the account 444455556666 in mapAccounts, last on "),
            "1 of 4 mappings in effect have no access entry with the same access.\n",
        ],
    );
    let accounts = check(&["-o", "json"]).json()["accounts"].take();
    assert_eq!(accounts[0]["account"], "444455556666");
    assert_eq!(accounts[0]["principals"][0]["arn"], ann);
    assert_eq!(accounts[0]["unknown"], Value::Null);
    finish().says(
        4,
        &[
            &format!("the account 444455556666 is in use, and these have no access entry: {ann}\n"),
            "awsauth unmap account 444455556666",
        ],
    );

    // A day without a sign-in is a gap in the log.
    write(&[0, 2], &[]);
    check(&[]).says(
        1,
        &["Not checked: whether others signed in through the account 444455556666: the log has no sign-in in the 24 hours after "],
    );
    finish().says(
        4,
        &["it is unknown whether the account 444455556666 is in use: the log has no sign-in"],
    );

    // Without a period, each account must be unmapped.
    write(&[0, 1, 2], &[]);
    migration.run(&["--finish", "--yes"]).says(
        4,
        &["444455556666 has no access entry with the same access\n"],
    );
    migration
        .run(&["--finish", "--yes", "--skip", "444455556666"])
        .says(4, &[each]);
    let unused = check(&[]);
    unused.says(
        0,
        &[
            "No one signed in through the account 444455556666 in mapAccounts.\n",
            "All 3 mappings in effect have an access entry with the same access.\n",
        ],
    );
    assert!(unused.stdout.contains("no one uses it\n"), "{unused:?}");
    assert!(!unused.stdout.contains("lock out"), "{unused:?}");

    // A principal with an access entry does not need the account.
    write(&[0, 1, 2], &[ann]);
    migration.change(|state| {
        let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
        entries.push(json!({"principalArn": ann, "type": "STANDARD", "username": ann, "kubernetesGroups": [], "policies": []}));
    });
    check(&[]).says(0, &[]);
    finish().says(0, &[]);
    assert_eq!(migration.mode(), "API");

    let docs = include_str!("../../../docs/migrate.md");
    let (_, permissions) = docs.split_once("### Permissions").unwrap();
    for asked in migration.service.asked().split_off(requests) {
        let (operation, _) = asked.split_once(' ').unwrap_or((&asked, ""));
        assert!(
            permissions.contains(&format!("`eks:{operation}`")),
            "{asked}"
        );
    }
}

#[test]
fn template_with_a_parameter_as_cluster_needs_its_name() {
    let migration = Migration::start();
    migration.change(|state| {
        let mode = json!("API_AND_CONFIG_MAP");
        state["clusters"][eks::NAME]["accessConfig"]["authenticationMode"] = mode;
    });
    let file = migration.session.cluster.folder().join("template.yaml");
    let path = file.to_str().unwrap();
    let write = |default: &str| {
        let text = format!(
            "Parameters:\n  ClusterName:\n    Type: String\n{default}Resources:\n  Deploy:\n    Type: AWS::EKS::AccessEntry\n    \
             Properties:\n      ClusterName: {{Ref: ClusterName}}\n      PrincipalArn: {DEPLOY}\n      KubernetesGroups: [devs]\n"
        );
        fs::write(&file, text).unwrap();
    };
    write("");
    let named = |args: &[&str]| on(&migration.session, &migration.caller, args);
    let diff = named(&["diff", path]);
    diff.says(1, &[]);
    assert!(diff.stdout.contains(DEPLOY), "{diff:?}");
    let kubeconfig = migration.session.cluster.kubeconfig();
    let caller = migration.caller.clone();
    let caller = caller.with("KUBECONFIG", &kubeconfig.display().to_string());
    migration
        .session
        .awsauth(&caller, &["diff", path])
        .says(
            2,
            &[
                "template.yaml:8: the cluster is the value of ClusterName, which the template does not state\n",
                "hint: name the cluster: --cluster-name NAME; or give the parameter ClusterName a `Default`\n",
            ],
        );
    write("    Default: other\n");
    named(&["apply", "-f", path]).says(
        4,
        &["the file is for cluster other, but this is my-cluster"],
    );
    write("    Default: my-cluster\n");
    named(&["apply", "-f", path]).says(0, &[]);
    assert_eq!(migration.entries(), [DEPLOY]);
}

#[test]
fn dry_run_of_each_step_lists_its_calls_and_makes_none() {
    let migration = Migration::start();
    let state = || {
        let args = ["get", "configmaps,clusterrolebindings", "-A", "-o", "name"];
        let objects = migration.session.cluster.kubectl(&args);
        (
            migration.aws_auth(),
            migration.entries(),
            migration.mode(),
            objects,
        )
    };
    let dry = |args: &[&str]| {
        let (before, asked) = (state(), migration.service.asked().len());
        let run = migration.run(&[args, &["--dry-run"]].concat());
        assert_eq!(state(), before, "{run:?}");
        let asked = migration.service.asked().split_off(asked);
        let is_read = |one: &String| one.starts_with("Describe") || one.starts_with("List");
        assert!(asked.iter().all(is_read), "{asked:?}");
        run
    };
    let lists = |run: &Run, parts: &[&str]| {
        let mut rest = run.stdout.as_str();
        for part in parts {
            let (_, after) = rest
                .split_once(part)
                .unwrap_or_else(|| panic!("no {part}: {run:?}"));
            rest = after;
        }
    };
    // The first requests to EC2 and Auto Scaling load their code, which takes long on a busy machine.
    on(&migration.session, &migration.caller, &["nodes"]);
    const NOTHING: &str = "Dry run: nothing was changed.\n";

    let run = dry(&["--apply"]);
    run.says(0, &[NOTHING]);
    let mine =
        format!("create-access-entry --cluster-name my-cluster --principal-arn {MYTESTROLE} ");
    lists(
        &run,
        &[
            "create clusterrolebinding",
            "update-cluster-config --name my-cluster --access-config authenticationMode=API_AND_CONFIG_MAP",
            "needs eks:UpdateClusterConfig\n",
            "EKS cannot return to CONFIG_MAP.\n",
            &format!("create-access-entry --cluster-name my-cluster --principal-arn {DEV} "),
            "needs eks:CreateAccessEntry\n",
            &mine,
        ],
    );
    let json = dry(&["--apply", "-o", "json"]).json();
    assert_eq!(json["operations"].as_array().unwrap().len(), 5, "{json:#}");
    dry(&["--finish"]).says(4, &["the cluster reads no access entries yet\n"]);

    let apply = ["--apply", "--yes", "--reason", "MOVE-1"];
    migration.run(&apply).says(0, &[]);
    dry(&["--apply"]).says(0, &["Nothing to do: "]);
    let run = dry(&["--revert"]);
    run.says(0, &[NOTHING]);
    let delete = |arn: &str| {
        format!("delete-access-entry --cluster-name my-cluster --principal-arn {arn}\n")
    };
    lists(
        &run,
        &[
            &delete(DEV),
            "aws-auth decides for it",
            &delete(MYTESTROLE),
            "needs eks:DeleteAccessEntry\n",
            &format!("delete clusterrolebinding {ADMINS}"),
        ],
    );
    let run = dry(&["--clean"]);
    run.says(0, &[]);
    lists(&run, &[" (server dry run)\n"]);
    let run = dry(&["--finish"]);
    run.says(
        0,
        &[
            "These mappings in aws-auth would have no effect; access entries give the same access:\n",
            NOTHING,
        ],
    );
    lists(
        &run,
        &[
            "update-cluster-config --name my-cluster --access-config authenticationMode=API\n",
            "needs eks:UpdateClusterConfig\n",
            "EKS cannot return to API_AND_CONFIG_MAP.\n",
        ],
    );
    let json = dry(&["--finish", "-o", "json"]).json();
    let permissions = &json["operations"][0]["permissions"];
    assert_eq!(permissions, &json!(["eks:UpdateClusterConfig"]));

    for (step, reason) in [("--clean", "MOVE-2"), ("--finish", "MOVE-3")] {
        migration
            .run(&[step, "--yes", "--reason", reason])
            .says(0, &[]);
    }
    let reasons: Vec<Value> = revisions(&migration)
        .into_iter()
        .map(|mut one| one["reason"].take())
        .collect();
    assert_eq!(reasons, ["MOVE-1", "MOVE-1", "MOVE-2", "MOVE-3"]);
}

#[test]
fn change_of_the_mode_is_recorded_before_it_is_made() {
    let migration = Migration::start();
    let message = "User: x is not authorized to perform: eks:UpdateClusterConfig on resource: y";
    migration.change(|state| state["denied"] = json!({"UpdateClusterConfig": message}));
    migration.run(&["--apply", "--yes"]).says(3, &[]);
    migration.change(|state| state["denied"] = json!({}));
    let args = ["migrate", "--apply", "--yes"];
    kill_after(
        migration.service,
        ("UpdateClusterConfig", 0),
        &migration.caller,
        &args,
    );
    let found = revisions(&migration);
    let mode = json!({"from": "CONFIG_MAP", "to": "API_AND_CONFIG_MAP"});
    assert_eq!(
        found.last().unwrap()["authenticationMode"],
        mode,
        "{found:#?}"
    );
    // Once the update has finished, the change is in effect.
    migration.run(&["--apply", "--yes"]).says(0, &[]);
    let found = revisions(&migration);
    assert!(
        found
            .iter()
            .any(|one| one["authenticationMode"] == mode && one["then"] == "kept")
    );
}
