//! `map` and `unmap` change access entries, `history` shows the changes, and `undo` undoes them.

use std::fs;

use awsauth_core::access_entries::EntryChange;
use awsauth_core::facts::access_entries::{
    AccessPolicy, AccessScope, AccessTerms, CLUSTER_ADMIN, STANDARD,
};
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::history::{Addition, Contents, EntryWrite, Revision, Who as Author};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{eks, holding, on, on_terminal};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION};
use crate::eks_cluster::token_review::Who;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::moto::Moto;
use crate::support::simulated_aws::{Credentials, trusts_service};
use crate::support::simulated_eks_api::EksService;

const DEV: &str = "arn:aws:iam::111122223333:role/team/dev";
/// The same role as STS and users name it.
const DEV_WITHOUT_PATH: &str = "arn:aws:iam::111122223333:role/dev";
const DEV_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/dev/ann@example.com";
const NODE: &str = "arn:aws:iam::111122223333:role/nodes";
const ADMIN: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
const READS: [&str; 5] = [
    "DescribeCluster",
    "ListAccessEntries",
    "DescribeAccessEntry",
    "ListAssociatedAccessPolicies",
    "ListAccessPolicies",
];

/// A cluster whose caller is an administrator.
struct TwoStores {
    session: ExclusiveCluster,
    service: &'static EksService,
    caller: Environment,
    caller_session: Credentials,
    dev: Credentials,
    _iam: Moto,
}

fn standard(arn: &str, username: &str, groups: &[&str], policies: &[&str]) -> Value {
    let policies = policies.iter().map(
        |policy| json!({"policyArn": policy, "accessScope": {"type": "cluster", "namespaces": []}}),
    );
    json!({
        "principalArn": arn, "type": "STANDARD", "username": username, "kubernetesGroups": groups,
        "policies": policies.collect::<Vec<_>>(),
    })
}

impl TwoStores {
    /// Starts in mode API, with the caller and a node role in access entries.
    fn in_mode_api() -> Self {
        let entries = [
            standard(MYTESTROLE, "admin", &[], &[ADMIN]),
            json!({
                "principalArn": NODE, "type": "EC2_LINUX", "kubernetesGroups": ["system:nodes"],
                "username": "system:node:{{EC2PrivateDNSName}}",
            }),
        ];
        Self::start("API", &entries, "[]")
    }

    /// Starts with the caller and a node role in aws-auth.
    fn in_both_modes(entries: &[Value]) -> Self {
        Self::with_aws_auth("API_AND_CONFIG_MAP", entries)
    }

    /// Like the function above, in another mode that reads aws-auth.
    fn with_aws_auth(mode: &str, entries: &[Value]) -> Self {
        let roles = format!(
            "- rolearn: {MYTESTROLE}\n  username: admin\n  groups: [system:masters]\n\
             - rolearn: {NODE}\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups: [system:bootstrappers, system:nodes]\n"
        );
        Self::start(mode, entries, &roles)
    }

    fn start(mode: &str, entries: &[Value], roles: &str) -> Self {
        let session = ExclusiveCluster::with_access_entries();
        let mut sessions = session.aws().sessions(&[DEV_SESSION, MYTESTROLE_SESSION]);
        let (caller_session, dev) = (sessions.remove(1), sessions.remove(0));
        let id = |credentials: &Credentials| {
            let (id, _) = credentials.user_id.split_once(':').unwrap();
            json!({ "id": id })
        };
        let world = json!({
            "clusters": {eks::NAME: {"accessConfig": {"authenticationMode": mode}}},
            "principals": {MYTESTROLE: id(&caller_session), DEV: id(&dev), NODE: {"id": "AROANODE"}},
            "entries": {eks::NAME: entries},
        });
        let service = eks(&session, &world);
        let iam_roles = ["mytestrole", "team/dev", "nodes"]
            .map(|role| (role.to_owned(), trusts_service("ec2.amazonaws.com")));
        let iam_roles: serde_json::Map<_, _> = iam_roles.into_iter().collect();
        let objects = json!({"account": "111122223333", "roles": iam_roles});
        let iam = Moto::start(&[&objects.to_string()]);
        session.put(&json!({"mapRoles": roles}));
        let caller = holding(&session, service, MYTESTROLE_SESSION)
            .with_credentials(&caller_session)
            .with("AWS_ENDPOINT_URL_IAM", iam.url());
        let stores = Self {
            session,
            service,
            caller,
            caller_session,
            dev,
            _iam: iam,
        };
        let groups: &[&str] = if mode == "API" {
            &[]
        } else {
            &["system:masters"]
        };
        stores.becomes(&stores.caller_session, "admin", groups);
        stores
    }

    fn run(&self, args: &[&str]) -> Run {
        on(&self.session, &self.caller, args)
    }

    /// Runs awsauth, and returns its EKS calls that change something.
    fn changes_by(&self, args: &[&str]) -> (Run, Vec<String>) {
        let before = self.service.asked().len();
        let run = self.run(args);
        let calls = self.service.asked().split_off(before);
        let changes = calls.into_iter();
        let changes = changes.filter(|call| !READS.contains(&call.as_str()));
        (run, changes.collect())
    }

    /// Changes the state of EKS.
    fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut state = self.service.state();
        change(&mut state);
        self.service.set(&state);
    }

    /// Returns the access entry of a principal.
    fn entry(&self, arn: &str) -> Option<Value> {
        let mut state = self.service.state();
        let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
        let at = entries
            .iter()
            .position(|entry| entry["principalArn"] == arn)?;
        Some(entries.remove(at))
    }

    fn aws_auth(&self) -> String {
        let data = "jsonpath={.data.mapRoles}";
        let get = [
            "get",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "-o",
            data,
        ];
        self.session.cluster.kubectl(&get)
    }

    fn becomes(&self, credentials: &Credentials, name: &str, groups: &[&str]) {
        self.session.becomes(credentials, &Who::user(name, groups));
    }

    /// Returns the number of the newest revision.
    fn newest_revision(&self) -> String {
        let json = self.run(&["history", "-o", "json"]).json();
        let revisions = json["revisions"].as_array().unwrap();
        revisions.last().unwrap()["revision"].to_string()
    }
}

/// Maps the developers' role.
fn map_dev<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let map = ["map", "role", DEV_WITHOUT_PATH];
    map.into_iter().chain(more.iter().copied()).collect()
}

#[test]
fn principal_is_mapped_and_unmapped_in_mode_api() {
    let stores = TwoStores::in_mode_api();
    let username = "dev:{{SessionName}}";
    let map = map_dev(&[
        "--username",
        username,
        "--group",
        "devs",
        "--policy",
        "view:shop-*",
    ]);
    let dry = stores.changes_by(&[&map[..], &["--dry-run"]].concat());
    dry.0.says(
        0,
        &[
            &format!("In IAM, the ARN of {DEV_WITHOUT_PATH} is {DEV}.\n"),
            "Nothing was written.\n",
        ],
    );
    let view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
    for part in [
        format!(
            "+ {DEV} gains user {username} in group devs, with AmazonEKSViewPolicy in namespace shop-*\n"
        ),
        format!(
            "  1. aws eks create-access-entry --cluster-name my-cluster --principal-arn {DEV} '--username={username}' --kubernetes-groups devs\n     needs eks:CreateAccessEntry\n"
        ),
        format!(
            "  2. aws eks associate-access-policy --cluster-name my-cluster --principal-arn {DEV} --policy-arn {view} "
        ),
        "access entry role/team/dev created (dry run)\n".replace("(dry", "(server dry"),
    ] {
        assert!(dry.0.stdout.contains(&part), "{part}\n{:?}", dry.0);
    }
    assert!(dry.1.is_empty() && stores.entry(DEV).is_none());

    let (run, calls) =
        stores.changes_by(&[&map[..], &["-o", "json", "--reason", "TICKET-1"]].concat());
    run.says(0, &["Stored the previous access entries as revision "]);
    assert_eq!(calls, ["CreateAccessEntry", "AssociateAccessPolicy"]);
    let json = run.json();
    assert_eq!(json["changed"], true);
    assert_eq!(
        json["access"][0]["after"]["policies"],
        json!([{"policyArn": view, "namespaces": ["shop-*"]}])
    );
    assert_eq!(
        json["operations"][0]["permissions"],
        json!(["eks:CreateAccessEntry"])
    );
    let entry = stores.entry(DEV).unwrap();
    assert_eq!(entry["kubernetesGroups"], json!(["devs"]));
    stores.becomes(&stores.dev, "dev:ann-example.com", &["devs"]);

    // The same again is no call but reads, also without what stays.
    for same in [&map[..], &map_dev(&[])] {
        let (run, calls) = stores.changes_by(same);
        run.says(0, &[]);
        assert_eq!(run.stdout, "access entry role/team/dev unchanged\n");
        assert!(calls.is_empty(), "{calls:?}");
    }

    let (run, calls) =
        stores.changes_by(&map_dev(&["--add-group", "ops", "--remove-policy", "view"]));
    run.says(0, &[]);
    assert_eq!(
        run.stdout,
        format!(
            "Access:\n~ {DEV} changes\n    loses AmazonEKSViewPolicy in namespace shop-*\n    gains group ops\naccess entry role/team/dev configured\n"
        )
    );
    assert_eq!(calls, ["UpdateAccessEntry", "DisassociateAccessPolicy"]);
    stores.becomes(&stores.dev, "dev:ann-example.com", &["devs", "ops"]);

    let (run, calls) = stores.changes_by(&["unmap", "role", DEV_WITHOUT_PATH]);
    run.says(0, &[]);
    assert_eq!(
        run.stdout,
        format!(
            "Access:\n- {DEV} loses user {username} in groups devs, ops\naccess entry role/team/dev deleted\n"
        )
    );
    assert_eq!(calls, ["DeleteAccessEntry"]);
    let run = stores.run(&["unmap", "role", DEV]);
    run.says(0, &[]);
    assert_eq!(
        run.stdout,
        "access entry role/team/dev unchanged: there is no such entry\n"
    );

    let run = stores.run(&["history"]);
    run.says(0, &[]);
    let rows: Vec<&str> = run.stdout.lines().skip(1).collect();
    assert_eq!(rows.len(), 3, "{run:?}");
    for (row, access) in rows
        .iter()
        .zip(["+role/team/dev", "~role/team/dev", "-role/team/dev"])
    {
        assert!(row.contains(access), "{run:?}");
    }
    assert!(rows[0].contains("TICKET-1"), "{run:?}");
    assert_eq!(stores.aws_auth(), "[]");
}

#[test]
fn undo_restores_access_entries_unless_another_client_changed_them() {
    let stores = TwoStores::in_mode_api();
    stores
        .run(&map_dev(&["--group", "devs", "--policy", "view"]))
        .says(0, &[]);
    let created = stores.newest_revision();
    let before = stores.entry(DEV).unwrap();
    // A reason does not make it the access of a rescue, which an undo leaves.
    let reason = ["--reason", "awsauth rescue: INC-1"];
    let unmap = [&["unmap", "role", DEV][..], &reason].concat();
    stores.run(&unmap).says(0, &[]);
    let deleted = stores.newest_revision();

    let show = stores.run(&["history", "show", &deleted]);
    show.says(0, &[]);
    for part in [
        format!(
            "- {DEV} loses user arn:aws:sts::111122223333:assumed-role/dev/{{{{SessionName}}}} in group devs, with AmazonEKSViewPolicy in the whole cluster\n"
        ),
        format!("1. aws eks delete-access-entry --cluster-name my-cluster --principal-arn {DEV}\n"),
    ] {
        assert!(show.stdout.contains(&part), "{part}\n{show:?}");
    }

    stores.run(&["restore", &deleted]).says(
        2,
        &[
            "changed access entries, and restore is about aws-auth\n",
            "awsauth undo",
        ],
    );

    // Without EKS, the entries are unknown.
    let kubeconfig = stores.session.cluster.kubeconfig().display().to_string();
    let admin = stores.caller.clone().with("KUBECONFIG", &kubeconfig);
    let undo = stores.session.awsauth(&admin, &["undo"]);
    undo.says(
        2,
        &[
            &format!("revision {deleted} changed access entries"),
            "--cluster-name NAME",
        ],
    );

    let (dry, calls) = stores.changes_by(&["undo", "--dry-run"]);
    dry.says(
        0,
        &[
            &format!("Undoing revision {deleted}: awsauth "),
            &format!("unmap role {DEV} --reason 'awsauth rescue: INC-1'"),
        ],
    );
    assert!(calls.is_empty());
    // The history decides what an undo gives, so the user must confirm it.
    let (run, calls) = stores.changes_by(&["undo"]);
    run.says(
        4,
        &[
            &format!("The undo would run: aws eks create-access-entry --cluster-name my-cluster --principal-arn {DEV} "),
            &format!("The undo would run: aws eks associate-access-policy --cluster-name my-cluster --principal-arn {DEV} "),
            "refused (untrusted-history): the undo gives access",
            "if this is intended, add --yes\n",
        ],
    );
    assert!(calls.is_empty());
    let (run, calls) = stores.changes_by(&["undo", "--yes"]);
    run.says(0, &[]);
    assert!(
        run.stdout.starts_with(&format!("Access:\n+ {DEV} ")),
        "{run:?}"
    );
    assert!(
        run.stdout
            .ends_with("\naccess entry role/team/dev created\n"),
        "{run:?}"
    );
    assert_eq!(calls, ["CreateAccessEntry", "AssociateAccessPolicy"]);
    let restored = stores.entry(DEV).unwrap();
    for key in ["username", "kubernetesGroups", "type"] {
        assert_eq!(restored[key], before[key], "{key}");
    }
    // An undo is a write, too.
    stores.run(&["undo"]).says(0, &[]);
    assert_eq!(stores.entry(DEV), None);
    stores.run(&["undo", "--yes"]).says(0, &[]);

    stores.change(|state| {
        let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
        entries.last_mut().unwrap()["kubernetesGroups"] = json!(["devs", "more"]);
    });
    let (run, calls) = stores.changes_by(&["undo", &created]);
    run.says(
        4,
        &[
            &format!("refused (rollback-race): the access entry of {DEV} has been changed since revision {created}: it has the groups devs, more, not the group devs\n"),
            &format!("awsauth --cluster-name my-cluster undo {created} --whole\n"),
        ],
    );
    assert!(calls.is_empty());
    stores.run(&["undo", &created, "--whole"]).says(0, &[]);
    assert_eq!(stores.entry(DEV), None);
    let (run, calls) = stores.changes_by(&["undo", &created]);
    run.says(0, &[]);
    assert_eq!(
        run.stdout,
        "access entry role/team/dev unchanged: there is no such entry\n"
    );
    assert!(calls.is_empty());
}

#[test]
fn undo_that_gives_access_asks_on_a_terminal() {
    let stores = TwoStores::in_mode_api();
    stores.run(&map_dev(&["--group", "devs"])).says(0, &[]);
    stores.run(&["unmap", "role", DEV]).says(0, &[]);
    let undo = |keys: &str| {
        let mut terminal = on_terminal(&stores.caller, &["undo"]);
        terminal.shows(&format!("Give access to {DEV} on EKS cluster my-cluster ("));
        terminal.shows(")? [y/N] ");
        assert_eq!(stores.entry(DEV), None);
        terminal.type_in(keys);
        terminal.end()
    };
    let (status, screen) = undo("\n");
    assert_eq!(status, 4, "{screen}");
    for part in [
        "The undo would run: aws eks create-access-entry ",
        "the answer was no; nothing was changed\nhint: to skip the question, add --yes\n",
    ] {
        assert!(screen.contains(part), "no {part:?} in:\n{screen}");
    }
    assert_eq!(stores.entry(DEV), None);
    let (status, screen) = undo("y\n");
    assert_eq!(status, 0, "{screen}");
    assert_eq!(
        stores.entry(DEV).unwrap()["kubernetesGroups"],
        json!(["devs"])
    );
    // An undo that takes access does not ask.
    let (status, screen) = on_terminal(&stores.caller, &["undo"]).end();
    assert_eq!((status, stores.entry(DEV)), (0, None), "{screen}");
}

#[test]
fn writes_to_both_stores_are_undone_newest_first() {
    let stores = TwoStores::in_both_modes(&[]);
    let aws_auth = stores.aws_auth();
    let entry = map_dev(&["--group", "devs", "--backend", "access-entries"]);
    stores.run(&entry).says(0, &[]);
    let other = "arn:aws:iam::111122223333:role/other";
    let map = [
        "map",
        "role",
        other,
        "--username",
        "other",
        "--group",
        "devs",
    ];
    stores.run(&map).says(
        0,
        &["role/other is new, so it is mapped in aws-auth. For an access entry instead: --backend access-entries\n"],
    );
    // The principal has an access entry, so that one changes.
    stores.run(&map_dev(&["--add-group", "ops"])).says(0, &[]);
    assert_eq!(
        stores.entry(DEV).unwrap()["kubernetesGroups"],
        json!(["devs", "ops"])
    );
    assert!(!stores.aws_auth().contains("role/dev"));

    stores.run(&["undo"]).says(0, &[]);
    assert_eq!(
        stores.entry(DEV).unwrap()["kubernetesGroups"],
        json!(["devs"])
    );
    let json = stores.run(&["history", "-o", "json"]).json();
    let revisions = json["revisions"].as_array().unwrap();
    let number = |at: usize| revisions[at]["revision"].to_string();
    assert_eq!(revisions[0]["accessEntries"], json!([DEV]));
    assert_eq!(revisions[1].get("accessEntries"), None);
    stores.run(&["undo", &number(1)]).says(0, &[]);
    assert_eq!(stores.aws_auth(), aws_auth);
    stores.run(&["undo", &number(0), "--whole"]).says(0, &[]);
    assert_eq!(stores.entry(DEV), None);
}

#[test]
fn guards_count_the_access_by_both_stores() {
    let stores = TwoStores::in_mode_api();
    // The caller is the last administrator.
    let unmap = ["unmap", "role", MYTESTROLE];
    let (run, calls) = stores.changes_by(&unmap);
    run.says(
        4,
        &[
            "refused (self-lockout): you are arn:aws:sts::111122223333:assumed-role/mytestrole/i-0123456789abcdef0, and would lose access",
            &format!("refused (last-admin): {MYTESTROLE} is the last known administrator of this cluster"),
            "--allow-no-admin --allow-self-lockout",
        ],
    );
    assert!(calls.is_empty());
    let policy = ["map", "role", MYTESTROLE, "--policy", "view"];
    stores
        .run(&policy)
        .says(4, &["refused (self-lockout)", "refused (last-admin)"]);
    // A second administrator makes the first one dispensable.
    stores.run(&map_dev(&["--policy", "cluster-admin"])).says(
        0,
        &[&format!(
            "{DEV} becomes cluster admin by access policy AmazonEKSClusterAdminPolicy.\n"
        )],
    );
    let run = stores.run(&[&unmap[..], &["--dry-run"]].concat());
    run.says(4, &["self-lockout"]);
    assert!(!run.stderr.contains("last-admin"), "{run:?}");

    let unmap = ["unmap", "role", NODE];
    let (run, calls) = stores.changes_by(&unmap);
    run.says(
        4,
        &[&format!("refused (node-guard): nodes sign in with {NODE}")],
    );
    assert!(calls.is_empty());
    let (run, calls) = stores.changes_by(&["map", "role", NODE, "--group", "devs"]);
    run.says(
        4,
        &[&format!("refused (node-guard): nodes sign in with {NODE}")],
    );
    assert!(calls.is_empty());
    let windows = ["map", "node-role", NODE, "--kind", "windows"];
    let (run, calls) = stores.changes_by(&windows);
    run.says(
        4,
        &[&format!(
            "refused (node-guard): while the access entry is deleted and created again with another type: nodes sign in with {NODE}"
        )],
    );
    assert!(calls.is_empty());
    let allowed = ["--allow-node-entry", NODE];
    stores.run(&[&unmap[..], &allowed].concat()).says(0, &[]);
    stores
        .run(&["map", "node-role", NODE, "--kind", "linux"])
        .says(0, &[]);
    assert_eq!(stores.entry(NODE).unwrap()["type"], "EC2_LINUX");
}

#[test]
fn node_role_in_aws_auth_is_not_hidden_by_an_entry_of_a_user() {
    let stores = TwoStores::in_both_modes(&[]);
    let backend = ["--backend", "access-entries"];
    let map = ["map", "role", NODE, "--group", "devs"];
    stores.run(&[&map[..], &backend].concat()).says(
        4,
        &[&format!(
            "refused (node-guard): nodes sign in with {NODE}; without an entry for nodes"
        )],
    );
    let map = ["map", "node-role", NODE, "--kind", "linux"];
    stores.run(&[&map[..], &backend].concat()).says(0, &[]);
    // Its mapping in aws-auth has no effect any more, and can be removed.
    let run = stores.run(&["unmap", "role", NODE]);
    run.says(
        0,
        &[&format!(
            "{NODE} still has access through the access entry of {NODE}"
        )],
    );
    assert_eq!(stores.entry(NODE).unwrap()["type"], "EC2_LINUX");
}

#[test]
fn caller_who_moves_to_an_access_entry_signs_in_again() {
    let stores = TwoStores::in_both_modes(&[]);
    let map = [
        "map",
        "role",
        MYTESTROLE,
        "--username",
        "admin",
        "--backend",
        "access-entries",
    ];
    let with_policy = [&map[..], &["--policy", "cluster-admin"]].concat();
    // EKS binds the entry to another principal than the one that signs in.
    let id = stores.service.state()["principals"][MYTESTROLE]["id"].clone();
    stores.change(|state| state["principals"][MYTESTROLE]["id"] = json!("AROAOTHER"));
    stores
        .run(&[&with_policy[..], &["--timeout", "4s"]].concat())
        .says(
            6,
            &[
                "access entries were written but could not be verified",
                "the previous access entries were restored\n",
            ],
        );
    assert_eq!(stores.entry(MYTESTROLE), None);
    stores.becomes(&stores.caller_session, "admin", &["system:masters"]);
    stores.change(|state| state["principals"][MYTESTROLE]["id"] = id);

    let run = stores.run(&with_policy);
    run.says(0, &[]);
    assert!(run.stdout.contains("by the access entry of"), "{run:?}");
    stores.becomes(&stores.caller_session, "admin", &[]);
    assert!(stores.aws_auth().contains(MYTESTROLE));
}

#[test]
fn what_an_entry_cannot_express_is_refused() {
    let stores = TwoStores::in_mode_api();
    let refused = |args: &[&str], status: i32, parts: &[&str]| {
        let (run, calls) = stores.changes_by(args);
        run.says(status, parts);
        assert!(calls.is_empty(), "{calls:?}");
    };
    refused(
        &map_dev(&["--group", "system:masters"]),
        4,
        &[
            &format!(
                "refused (access-entry): an access entry of {DEV} is not possible: EKS refuses groups that start with system:, such as system:masters\n"
            ),
            "hint: give the same permissions through an access policy, --policy cluster-admin, or through a group that is bound to cluster-admin, --group NAME\n",
        ],
    );
    refused(
        &map_dev(&["--username", "{{SessionName}}"]),
        4,
        &["a colon must precede {{SessionName}} in the username\n"],
    );
    refused(
        &["map", "account", "444455556666"],
        4,
        &["an access entry is for one principal, so there is none for account 444455556666\n"],
    );
    refused(
        &map_dev(&["--policy", "cluster-admn"]),
        2,
        &[
            "EKS has no access policy AmazonEKSClusterAdmnPolicy\n",
            "AmazonEKSClusterAdminPolicy",
        ],
    );
    refused(
        &[
            "map",
            "role",
            "arn:aws:iam::111122223333:role/missing",
            "--group",
            "devs",
        ],
        2,
        &["account 111122223333 has no role missing"],
    );
    refused(
        &["map", "role", DEV_SESSION, "--group", "devs"],
        4,
        &["is one session of a role"],
    );
    let json = stores.run(&map_dev(&["--group", "system:masters", "-o", "json"]));
    assert_eq!(json.json()["refusals"][0]["reason"], "access-entry");

    let backend = ["--backend", "aws-auth", "--username", "dev"];
    refused(&map_dev(&backend), 4, &["mode-ignores-aws-auth"]);
    stores
        .run(&map_dev(&["--username", "dev", "--allow-ignored"]))
        .says(0, &["Wrote aws-auth"]);
    stores.change(|state| {
        state["clusters"][eks::NAME]["accessConfig"]["authenticationMode"] = json!("CONFIG_MAP");
    });
    stores.session.put(&json!({"mapRoles": format!("- {{rolearn: {MYTESTROLE}, username: admin, groups: [system:masters]}}\n")}));
    stores.becomes(&stores.caller_session, "admin", &["system:masters"]);
    let backend = ["--backend", "access-entries"];
    refused(
        &map_dev(&backend),
        4,
        &[
            "refused (mode-ignores-access-entries): the authentication mode of this cluster is CONFIG_MAP: it ignores access entries\n",
            "awsauth migrate",
        ],
    );
    refused(
        &map_dev(&["--username", "dev", "--policy", "view"]),
        2,
        &["only access entries have access policies, and this mapping is in aws-auth\n"],
    );
    let kubeconfig = stores.session.cluster.kubeconfig().display().to_string();
    let admin = stores.caller.clone().with("KUBECONFIG", &kubeconfig);
    let run = stores.session.awsauth(&admin, &map_dev(&backend));
    run.says(
        2,
        &[
            "access entries can be read only from EKS, and no cluster is named\n",
            "--cluster-name NAME",
        ],
    );
}

/// A file of eksctl for the cluster with these access entries.
fn eksctl_file(stores: &TwoStores, cluster: &str, entries: &str) -> String {
    let path = stores.session.cluster.folder().join("access.yaml");
    let text = format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {cluster}, region: us-east-1}}\naccessConfig:\n  accessEntries: {entries}\n"
    );
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn files_with_access_entries_are_applied_and_pruned() {
    let stores = TwoStores::in_mode_api();
    let policy = format!("[{{policyARN: '{ADMIN}', accessScope: {{type: cluster}}}}]");
    let entries =
        format!("[{{principalARN: '{DEV}', kubernetesGroups: [devs], accessPolicies: {policy}}}]");
    let file = eksctl_file(&stores, eks::NAME, &entries);
    let apply = |file: &str, more: &[&str]| {
        let apply = ["apply", "-f", file, "--owner", "team-a"];
        stores.changes_by(&[&apply[..], more].concat())
    };
    let (dry, calls) = apply(&file, &["--dry-run"]);
    dry.says(
        0,
        &[&format!("{DEV} becomes cluster admin by access policy")],
    );
    assert!(calls.is_empty() && stores.entry(DEV).is_none());
    let diff = stores.run(&["diff", "-f", &file]);
    diff.says(1, &[]);
    assert!(
        diff.stdout.contains("1. aws eks create-access-entry"),
        "{diff:?}"
    );

    let (run, calls) = apply(&file, &[]);
    run.says(0, &[]);
    assert!(
        run.stdout.starts_with(&format!("Access:\n+ {DEV} ")),
        "{run:?}"
    );
    assert!(
        run.stdout
            .ends_with("\naccess entry role/team/dev created\n"),
        "{run:?}"
    );
    assert_eq!(calls, ["CreateAccessEntry", "AssociateAccessPolicy"]);
    let created = stores.entry(DEV).unwrap()["tags"].clone();
    assert_eq!(created["awsauth.dev/owner"], "team-a");
    let (run, calls) = apply(&file, &[]);
    run.says(0, &[]);
    assert!(calls.is_empty(), "{calls:?}");
    stores.run(&["diff", "-f", &file]).says(0, &[]);

    // Each kind of drift is found and corrected.
    for (key, drifted, call) in [
        (
            "kubernetesGroups",
            json!(["devs", "more"]),
            "UpdateAccessEntry",
        ),
        ("username", json!("other"), "UpdateAccessEntry"),
        ("policies", json!([]), "AssociateAccessPolicy"),
    ] {
        let before = stores.entry(DEV).unwrap()[key].clone();
        stores.change(|state| {
            let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
            entries.last_mut().unwrap()[key] = drifted;
        });
        stores.run(&["diff", "-f", &file]).says(1, &[]);
        let (run, calls) = apply(&file, &[]);
        run.says(0, &[]);
        assert_eq!(calls, [call], "{key}");
        if key != "policies" {
            assert_eq!(stores.entry(DEV).unwrap()[key], before);
        }
    }

    // A list of mappings can be in either store.
    let list = stores.session.cluster.folder().join("list.yaml");
    let mapping =
        format!("- {{rolearn: '{DEV}', username: 'dev:{{{{SessionName}}}}', groups: [ops]}}\n");
    fs::write(&list, &mapping).unwrap();
    let (run, calls) = apply(list.to_str().unwrap(), &[]);
    run.says(0, &[]);
    assert_eq!(calls, ["UpdateAccessEntry", "TagResource"]);
    let tags = stores.entry(DEV).unwrap()["tags"].clone();
    assert_ne!(tags, created);
    assert_eq!(
        stores.entry(DEV).unwrap()["kubernetesGroups"],
        json!(["ops"])
    );

    let other = eksctl_file(&stores, "other", &entries);
    let (run, calls) = apply(&other, &[]);
    run.says(
        4,
        &[
            "refused (wrong-cluster): ",
            "access.yaml:5: the file is for cluster other, but this is my-cluster\n",
        ],
    );
    assert!(calls.is_empty());
    let file = eksctl_file(&stores, eks::NAME, &entries);
    apply(&file, &["--backend", "aws-auth"]).0.says(
        2,
        &["access.yaml:5: this is an access entry, which aws-auth cannot store\n"],
    );
    let mixed = format!("[{{principalARN: '{NODE}', kubernetesGroups: [devs]}}]");
    let mixed = eksctl_file(&stores, eks::NAME, &mixed);
    apply(&mixed, &[]).0.says(
        4,
        &[&format!("refused (node-guard): nodes sign in with {NODE}")],
    );

    // Only what this owner created is pruned.
    let none = eksctl_file(&stores, eks::NAME, "[]");
    let others = [
        "apply", "-f", &none, "--owner", "team-b", "--prune", "--yes",
    ];
    let (run, calls) = stores.changes_by(&others);
    run.says(0, &[]);
    assert!(calls.is_empty(), "{calls:?}");
    // An entry that another client changed since is kept.
    let group = |group: &str| {
        stores.change(|state| {
            let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
            entries.last_mut().unwrap()["kubernetesGroups"] = json!([group]);
        });
    };
    group("other");
    let kept = format!(
        "The access entry of {DEV} is no longer requested but stays: it was changed after it was applied.\n"
    );
    let (run, calls) = apply(&none, &["--prune", "--yes"]);
    run.says(0, &[&kept]);
    assert!(calls.is_empty(), "{calls:?}");
    stores
        .run(&["diff", "-f", &none, "--owner", "team-a", "--prune"])
        .says(0, &[&kept]);
    group("ops");
    let (run, calls) = apply(&none, &["--prune", "--yes"]);
    run.says(0, &[]);
    assert!(
        run.stdout.starts_with(&format!("Access:\n- {DEV} ")),
        "{run:?}"
    );
    assert!(
        run.stdout
            .ends_with("\naccess entry role/team/dev deleted\n"),
        "{run:?}"
    );
    assert_eq!(calls, ["DeleteAccessEntry"]);
    assert!(stores.entry(NODE).is_some() && stores.entry(MYTESTROLE).is_some());
    stores.run(&["undo", "--yes"]).says(0, &[]);
    assert_eq!(stores.entry(DEV).unwrap()["tags"], tags);
}

#[test]
fn cluster_reference_of_ack_is_applied_with_a_warning() {
    let stores = TwoStores::in_mode_api();
    let path = stores.session.cluster.folder().join("ack.yaml");
    let path = path.to_str().unwrap();
    let apply = |cluster: &str| {
        let text = format!(
            "apiVersion: eks.services.k8s.aws/v1alpha1\nkind: AccessEntry\nmetadata: {{name: dev}}\nspec:\n  principalARN: {DEV}\n{cluster}"
        );
        fs::write(path, text).unwrap();
        stores.changes_by(&["apply", "-f", path])
    };
    let reference = "  clusterRef: {from: {name: main}}\n";
    let (run, calls) = apply(&format!("{reference}  clusterName: my-cluster\n"));
    run.says(
        2,
        &["ack.yaml:6: both `clusterName` and `clusterRef`, but an access entry has only one cluster\n"],
    );
    assert!(calls.is_empty(), "{calls:?}");
    let (run, calls) = apply(reference);
    run.says(
        0,
        &[
            "ack.yaml is for the cluster of ACK's object main (`clusterRef`), and only ACK knows whether EKS cluster my-cluster",
            "hint: to be sure, replace `clusterRef` by `clusterName`\n",
        ],
    );
    assert_eq!(calls, ["CreateAccessEntry"]);
    let (run, _) = apply("  clusterName: my-cluster\n");
    run.says(0, &[]);
    assert_eq!(run.stderr, "");
}

#[test]
fn access_file_gives_the_same_user_in_every_mode() {
    let grants = "- role: team/dev\n  username: dev:{{SessionName}}\n  groups: [devs]\n  policies: [view]\n  withoutPolicies: {groups: [viewers]}\n";
    let text = format!("apiVersion: awsauth.dev/v1beta1\nkind: Access\ngrants:\n{grants}");
    let apply = |stores: &TwoStores, more: &[&str]| {
        let file = stores.session.cluster.folder().join("grants.yaml");
        fs::write(&file, &text).unwrap();
        let apply = ["apply", "-f", file.to_str().unwrap()];
        stores.changes_by(&[&apply[..], more].concat())
    };
    let stores = TwoStores::in_mode_api();
    apply(&stores, &[]).0.says(0, &[]);
    let view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
    assert_eq!(stores.entry(DEV).unwrap()["policies"][0]["policyArn"], view);
    stores.becomes(&stores.dev, "dev:ann-example.com", &["devs"]);
    assert!(apply(&stores, &[]).1.is_empty());
    drop(stores);

    let in_aws_auth = |stores: &TwoStores| {
        apply(stores, &[]).0.says(0, &["Dropped the path /team/"]);
        assert_eq!(stores.entry(DEV), None);
        stores.becomes(&stores.dev, "dev:ann-example.com", &["devs", "viewers"]);
        let before = stores.aws_auth();
        assert!(apply(stores, &[]).1.is_empty());
        assert_eq!(stores.aws_auth(), before);
    };
    let stores = TwoStores::with_aws_auth("CONFIG_MAP", &[]);
    in_aws_auth(&stores);
    drop(stores);

    let stores = TwoStores::in_both_modes(&[]);
    in_aws_auth(&stores);
    let entries = ["--backend", "access-entries"];
    apply(&stores, &entries).0.says(0, &[]);
    stores.becomes(&stores.dev, "dev:ann-example.com", &["devs"]);
    assert!(apply(&stores, &[]).1.is_empty());
}

#[test]
fn entry_of_another_type_is_deleted_and_created_again() {
    let username = "dev:{{SessionName}}";
    let dev = standard(DEV, username, &["devs"], &[]);
    let stores = TwoStores::in_both_modes(&[dev]);
    let map = [
        "map",
        "node-role",
        DEV_WITHOUT_PATH,
        "--kind",
        "linux",
        "--backend",
        "access-entries",
    ];
    let note = format!(
        "EKS cannot change the type of the access entry of {DEV} from STANDARD to EC2_LINUX, so it is deleted and created again. In between, the principal has only the access that aws-auth gives it.\n"
    );
    let (dry, calls) = stores.changes_by(&[&map[..], &["--dry-run"]].concat());
    dry.says(0, &[&note]);
    assert!(calls.is_empty());
    for part in [
        "1. aws eks delete-access-entry ",
        "needs eks:DeleteAccessEntry\n",
        "has no access entry: aws-auth decides for it, if the cluster reads aws-auth.\n",
        "2. aws eks create-access-entry ",
        "needs eks:CreateAccessEntry, iam:PassRole\n",
    ] {
        assert!(dry.stdout.contains(part), "{part}{dry:?}");
    }

    // A run that stops in between is continued by the next one.
    let message = "User: x is not authorized to perform: eks:CreateAccessEntry on resource: y";
    stores.change(|state| state["denied"] = json!({"CreateAccessEntry": message}));
    stores.run(&map).says(
        3,
        &[
            &format!("cannot create the access entry of {DEV}: AccessDeniedException"),
            "run the same command again to continue",
        ],
    );
    assert_eq!(stores.entry(DEV), None);
    stores.change(|state| state["denied"] = json!({}));
    let (run, calls) = stores.changes_by(&map);
    run.says(0, &[]);
    assert_eq!(calls, ["CreateAccessEntry"]);
    assert_eq!(stores.entry(DEV).unwrap()["type"], "EC2_LINUX");

    // EKS may still show the deleted entry for some seconds.
    let old = json!({
        "clusterName": eks::NAME, "principalArn": DEV, "type": "EC2_LINUX",
    });
    let gone = json!({"clusterName": eks::NAME, "principalArn": DEV});
    let fault = |call: &str, given: &Value, then: &Value| json!({"operation": "CreateAccessEntry", "fault": "first", "calls": [[call, given]], "then": then});
    let hidden = fault("DeleteAccessEntry", &gone, &json!([]));
    stores.change(|state| {
        state["faults"] = json!([fault("CreateAccessEntry", &old, &json!([hidden]))]);
    });
    let back = map_dev(&[
        "--username",
        username,
        "--group",
        "devs",
        "--allow-node-entry",
        DEV,
    ]);
    let (run, calls) = stores.changes_by(&back);
    run.says(0, &[]);
    assert_eq!(
        calls,
        [
            "DeleteAccessEntry",
            "CreateAccessEntry ResourceInUseException",
            "CreateAccessEntry"
        ]
    );
    let entry = stores.entry(DEV).unwrap();
    assert_eq!(entry["type"], "STANDARD");
    assert_eq!(entry["kubernetesGroups"], json!(["devs"]));
    stores.becomes(&stores.dev, "dev:ann-example.com", &["devs"]);

    // The inverse is a change of the type, too.
    let undo = ["undo", "--yes", "--allow-node-entry", DEV];
    stores.run(&undo).says(0, &[]);
    assert_eq!(stores.entry(DEV).unwrap()["type"], "EC2_LINUX");
}

#[test]
fn listed_access_can_be_applied_again() {
    let stores = TwoStores::in_mode_api();
    let file = stores.session.cluster.folder().join("access.yaml");
    let path = file.to_str().unwrap();
    fs::write(
        &file,
        "apiVersion: awsauth.dev/v1beta1\nkind: Access\ngrants:\n- {role: dev, nodes: auto}\n",
    )
    .unwrap();
    let (run, calls) = stores.changes_by(&["apply", "-f", path]);
    run.says(0, &[]);
    assert_eq!(calls, ["CreateAccessEntry", "AssociateAccessPolicy"]);
    assert_eq!(stores.entry(DEV).unwrap()["type"], "EC2");
    stores
        .run(&["apply", "-f", path, "--backend", "aws-auth"])
        .says(
            2,
            &["access.yaml:4: this is an access entry, which aws-auth cannot store\n"],
        );
    let listed = stores.run(&["get", "-o", "access"]);
    listed.says(0, &[]);
    for grant in [
        format!("- arn: \"{MYTESTROLE}\"\n  username: \"admin\"\n  admin: true\n"),
        format!("- arn: \"{NODE}\"\n  nodes: \"linux\"\n"),
        format!(
            "- arn: \"{DEV}\"\n  nodes: \"auto\"\n  policies:\n  - \"arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy\"\n"
        ),
    ] {
        assert!(listed.stdout.contains(&grant), "{grant}{listed:?}");
    }
    fs::write(&file, &listed.stdout).unwrap();
    let (run, calls) = stores.changes_by(&["apply", "-f", path]);
    run.says(0, &[]);
    assert!(calls.is_empty(), "{run:?}");
    assert_eq!(run.stdout.matches("unchanged").count(), 3, "{run:?}");
}

#[test]
fn one_file_changes_both_stores() {
    let stores = TwoStores::in_both_modes(&[standard(DEV, "dev:{{SessionName}}", &["devs"], &[])]);
    let list = stores.session.cluster.folder().join("both.yaml");
    let text = format!(
        "- {{rolearn: '{DEV_WITHOUT_PATH}', username: 'dev:{{{{SessionName}}}}', groups: [ops]}}\n- {{rolearn: 'arn:aws:iam::111122223333:role/new', username: new, groups: [devs]}}\n"
    );
    fs::write(&list, text).unwrap();
    let apply = ["apply", "-f", list.to_str().unwrap()];
    let (run, calls) = stores.changes_by(&apply);
    run.says(
        0,
        &[
            "role/new is new, so it is mapped in aws-auth.",
            "Wrote aws-auth",
        ],
    );
    assert_eq!(
        run.stdout,
        format!(
            "Access:\n+ arn:aws:iam::111122223333:role/new gains user new in group devs\n~ {DEV} changes\n    loses group devs\n    gains group ops\nmapping role/new created\naccess entry role/team/dev configured\n"
        )
    );
    assert_eq!(calls, ["UpdateAccessEntry"]);
    assert_eq!(
        stores.entry(DEV).unwrap()["kubernetesGroups"],
        json!(["ops"])
    );
    assert!(stores.aws_auth().contains("role/new"));
    let (run, calls) = stores.changes_by(&apply);
    run.says(0, &[]);
    assert_eq!(
        run.stdout,
        "mapping role/new unchanged\naccess entry role/team/dev unchanged\n"
    );
    assert!(calls.is_empty());
    // Each store has its own revision, and one undo takes both back.
    let revisions = stores.run(&["history", "-o", "json"]).json();
    let revisions = revisions["revisions"].as_array().unwrap();
    assert_eq!(revisions.len(), 2);
    let undone = stores.run(&["undo", "--yes", "--dry-run"]);
    undone.says(0, &[]);
    assert!(
        undone.stdout.contains("aws eks update-access-entry")
            && undone.stdout.contains("write aws-auth"),
        "{undone:?}"
    );
    stores.run(&["undo", "--yes"]).says(0, &["Wrote aws-auth"]);
    assert_eq!(
        stores.entry(DEV).unwrap()["kubernetesGroups"],
        json!(["devs"])
    );
    assert!(!stores.aws_auth().contains("role/new"));
    // So is the undo itself, and either revision names the write.
    stores.run(&["undo", "--yes"]).says(0, &[]);
    assert!(stores.aws_auth().contains("role/new"));
    let number = revisions[0]["revision"].to_string();
    stores.run(&["undo", &number, "--yes"]).says(0, &[]);
    assert!(!stores.aws_auth().contains("role/new"));
    assert_eq!(
        stores.entry(DEV).unwrap()["kubernetesGroups"],
        json!(["devs"])
    );
}

#[test]
fn denied_calls_and_slow_answers_are_survived() {
    let stores = TwoStores::in_mode_api();
    stores.change(|state| state["visible_after"] = json!(1.5));
    let map = map_dev(&["--policy", "view"]);
    stores.run(&map).says(0, &[]);
    let message = "User: x is not authorized to perform: eks:UpdateAccessEntry on resource: y";
    stores.change(|state| state["denied"] = json!({"UpdateAccessEntry": message}));
    let add = map_dev(&["--add-group", "devs", "--policy", "edit"]);
    stores.run(&add).says(
        3,
        &[
            &format!("cannot update the access entry of {DEV}: AccessDeniedException: {message}\n"),
            "run the same command again to continue\n",
        ],
    );
    // The first call was made, and the second run makes the others.
    stores.change(|state| state["denied"] = json!({}));
    let (run, calls) = stores.changes_by(&add);
    run.says(0, &[]);
    assert_eq!(calls, ["UpdateAccessEntry", "DisassociateAccessPolicy"]);

    let message = "User: x is not authorized to perform: eks:ListAccessEntries on resource: y";
    stores.change(|state| state["denied"] = json!({"ListAccessEntries": message}));
    stores.run(&map).says(
        3,
        &[
            "cannot change access entries that cannot be listed\n",
            "eks:ListAccessEntries",
        ],
    );
}

#[test]
fn conditions_select_entries_of_both_stores() {
    let username = "dev:{{SessionName}}";
    let stores = TwoStores::in_both_modes(&[
        standard(DEV, username, &["devs", "contractors"], &[]),
        standard(
            "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS",
            "eks",
            &["eks"],
            &[],
        ),
    ]);
    let new = "arn:aws:iam::111122223333:role/new";
    let map = [
        "map",
        "role",
        new,
        "--username",
        "new",
        "--group",
        "contractors",
    ];
    stores.run(&map).says(0, &[]);
    let expected = |groups: &[&str]| {
        assert_eq!(
            stores.entry(DEV).unwrap()["kubernetesGroups"],
            json!(groups)
        )
    };

    // A group is replaced in both, or in the chosen store.
    let (run, calls) = stores.changes_by(&["replace-group", "contractors", "externals"]);
    run.says(
        0,
        &["warning: no RoleBinding or ClusterRoleBinding names group externals"],
    );
    assert_eq!(calls, ["UpdateAccessEntry"]);
    expected(&["devs", "externals"]);
    assert!(
        stores.aws_auth().contains("externals"),
        "{}",
        stores.aws_auth()
    );
    assert_eq!(
        run.stdout,
        format!(
            "Access:\n~ {new} changes\n    loses group contractors\n    gains group externals\n~ {DEV} changes\n    loses group contractors\n    gains group externals\nmapping role/new configured\naccess entry role/team/dev configured\n"
        )
    );
    let back = [
        "replace-group",
        "externals",
        "contractors",
        "--backend",
        "access-entries",
    ];
    let (run, calls) = stores.changes_by(&back);
    run.says(0, &[]);
    assert_eq!(calls, ["UpdateAccessEntry"]);
    expected(&["devs", "contractors"]);
    stores.run(&back).says(1, &["has group externals"]);
    let other = ["replace-group", "devs", "x", "--backend", "aws-auth"];
    stores.run(&other).says(1, &["has group devs"]);
    stores
        .run(&["replace-group", "contractors", "system:x", "--dry-run"])
        .says(
            4,
            &["EKS refuses groups that start with system:, such as system:x"],
        );
    stores
        .run(&["replace-group", "externals", "contractors"])
        .says(0, &[]);

    // An existing entry may only be created.
    let otherwise = map_dev(&["--group", "ops", "--create-only"]);
    let (run, calls) = stores.changes_by(&otherwise);
    run.says(
        4,
        &[&format!("refused (already-mapped): {DEV} is already mapped otherwise, to user {username} in devs, contractors (access entry)")],
    );
    assert!(calls.is_empty());
    stores
        .run(&map_dev(&[
            "--group",
            "devs",
            "--group",
            "contractors",
            "--create-only",
        ]))
        .says(0, &[]);

    // Comparisons include both stores, and leave out entries of EKS.
    let list = stores.session.cluster.folder().join("exact.yaml");
    fs::write(
        &list,
        format!("- {{rolearn: '{new}', username: new, groups: [contractors]}}\n"),
    )
    .unwrap();
    let diff = ["diff", list.to_str().unwrap()];
    stores.run(&diff).says(
        0,
        &[
            "3 mappings of EKS cluster my-cluster",
            "are not mentioned, and stay.",
        ],
    );
    let exact = stores.run(&[&diff[..], &["--exact"]].concat());
    exact.says(1, &[]);
    for arn in [DEV, MYTESTROLE, NODE] {
        assert!(
            exact.stdout.contains(&format!("- {arn} loses ")),
            "{arn}: {exact:?}"
        );
    }
    assert!(!exact.stdout.contains("AWSServiceRole"), "{exact:?}");

    let unmap = ["unmap", "--group", "contractors"];
    let unexpected = [
        &unmap[..],
        &["--expect-username", "new", "--allow-removals", "2"],
    ]
    .concat();
    let (run, calls) = stores.changes_by(&unexpected);
    run.says(4, &[&format!("refused (unexpected-entry): {DEV} is not as expected: it is user {username} in devs, contractors (access entry)")]);
    assert!(calls.is_empty() && stores.aws_auth().contains("role/new"));
    let (run, calls) = stores.changes_by(&unmap);
    run.says(
        4,
        &[
            "refused (mass-removal): 2 of 5 mappings would be removed",
            "--allow-removals 2",
        ],
    );
    assert!(calls.is_empty());
    let (run, calls) = stores.changes_by(&[&unmap[..], &["--allow-removals", "2"]].concat());
    run.says(0, &[]);
    assert_eq!(calls, ["DeleteAccessEntry"]);
    assert!(stores.entry(DEV).is_none() && !stores.aws_auth().contains("role/new"));
    let misspelled = ["unmap", "role", "arn:aws:iam::111122223333:role/mytestrol"];
    let (run, _) = stores.changes_by(&misspelled);
    run.says(
        1,
        &[&format!(
            "hint: did you mean this one? awsauth --cluster-name my-cluster unmap role {MYTESTROLE}\n"
        )],
    );
    stores
        .run(&[&misspelled[..], &["--ignore-missing"]].concat())
        .says(0, &[]);
}

#[test]
fn access_entry_expires_unless_it_was_changed() {
    let stores = TwoStores::in_mode_api();
    let map = |expires| {
        let args = ["--username", "dev", "--group", "devs", "--expires", expires];
        stores.changes_by(&map_dev(&args))
    };
    let (run, calls) = map("2099-01-31");
    run.says(0, &[]);
    assert_eq!(calls, ["CreateAccessEntry"]);
    let tags = stores.entry(DEV).unwrap()["tags"].clone();
    assert_eq!(tags["awsauth.dev/expires"], "2099-02-01T00:00:00Z");
    let get = stores.run(&["get", "-o", "json"]).json();
    let listed = get["accessEntries"].as_array().unwrap();
    let listed = listed.iter().find(|entry| entry["principalArn"] == DEV);
    assert_eq!(listed.unwrap()["expires"], "2099-02-01T00:00:00Z");
    let explain = stores.run(&["explain", DEV]);
    explain.says(0, &["This entry expires at 2099-02-01T00:00:00Z."]);
    let (run, calls) = stores.changes_by(&["expire"]);
    run.says(
        0,
        &["Nothing has expired. The next entry expires at 2099-02-01T00:00:00Z."],
    );
    assert!(calls.is_empty(), "{calls:?}");

    // EKS sets tags only on a new entry.
    let (run, calls) = map("2099-01-31");
    run.says(0, &[]);
    assert!(calls.is_empty(), "{calls:?}");
    let refused = "is recorded only when it is created";
    map("2098-01-31").0.says(
        4,
        &[refused, "awsauth --cluster-name my-cluster unmap role"],
    );
    let add = map_dev(&["--add-group", "ops"]);
    stores.run(&add).says(4, &[refused]);

    let has_passed = |entry: &mut Value| {
        entry["tags"]["awsauth.dev/expires"] = "2020-01-31T00:00:00Z".into();
    };
    let change_dev = |change: &dyn Fn(&mut Value)| {
        stores.change(|state| {
            let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
            let dev = entries
                .iter_mut()
                .find(|entry| entry["principalArn"] == DEV);
            change(dev.unwrap());
        });
    };
    let groups =
        |groups: Value| move |entry: &mut Value| entry["kubernetesGroups"] = groups.clone();
    change_dev(&has_passed);
    change_dev(&groups(json!(["devs", "ops"])));
    let (run, calls) = stores.changes_by(&["expire"]);
    run.says(
        0,
        &["was to expire at 2020-01-31T00:00:00Z, but has been changed in the meantime"],
    );
    assert!(calls.is_empty(), "{calls:?}");
    change_dev(&groups(json!(["devs"])));
    stores.changes_by(&["expire", "--dry-run"]).0.says(0, &[]);
    assert!(stores.entry(DEV).is_some());
    let (run, calls) = stores.changes_by(&["expire"]);
    run.says(0, &[]);
    assert!(
        run.stdout.contains("access entry role/team/dev deleted"),
        "{run:?}"
    );
    assert_eq!(calls, ["DeleteAccessEntry"]);
    assert!(stores.entry(DEV).is_none());
}

/// A role's list of mappings, which `apply` can put into either store.
fn owned_file(stores: &TwoStores, text: &str) -> String {
    let path = stores.session.cluster.folder().join("owned.yaml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn nodes_that_move_to_an_access_entry_keep_their_access() {
    let stores = TwoStores::in_both_modes(&[]);
    let apply = |file: &str, more: &[&str]| {
        let apply = ["apply", "-f", file, "--owner", "team", "--prune", "--yes"];
        stores.changes_by(&[&apply[..], more].concat())
    };
    let mapping = format!(
        "- {{rolearn: '{NODE}', username: 'system:node:{{{{EC2PrivateDNSName}}}}', groups: ['system:bootstrappers', 'system:nodes']}}\n"
    );
    apply(&owned_file(&stores, &mapping), &[]).0.says(0, &[]);
    let before = stores.aws_auth();
    let entry = format!("[{{principalARN: '{NODE}', type: EC2_LINUX}}]");
    let file = eksctl_file(&stores, eks::NAME, &entry);

    let dry = apply(&file, &["--dry-run"]).0;
    dry.says(0, &[]);
    let calls = format!(
        "  1. aws eks create-access-entry --cluster-name my-cluster --principal-arn {NODE} --type EC2_LINUX "
    );
    for part in [
        &*calls,
        "  2. write aws-auth\n     needs update configmaps/aws-auth\n",
    ] {
        assert!(dry.stdout.contains(part), "{part}\n{dry:?}");
    }

    let message = "User: x is not authorized to perform: iam:PassRole on resource: y";
    stores.change(|state| state["denied"] = json!({"CreateAccessEntry": message}));
    apply(&file, &[])
        .0
        .says(3, &[message, "aws-auth was not changed\n"]);
    assert_eq!(
        (stores.aws_auth(), stores.entry(NODE)),
        (before.clone(), None)
    );

    stores.change(|state| state["denied"] = json!({}));
    let (run, calls) = apply(&file, &[]);
    run.says(0, &["Wrote aws-auth"]);
    assert_eq!(calls, ["CreateAccessEntry"]);
    assert!(!stores.aws_auth().contains(NODE));
    assert_eq!(stores.entry(NODE).unwrap()["type"], "EC2_LINUX");
    // The undo restores aws-auth before it deletes the entry, so that the nodes keep their access, too.
    let message = "User: x is not authorized to perform: eks:DeleteAccessEntry on resource: y";
    stores.change(|state| state["denied"] = json!({"DeleteAccessEntry": message}));
    let newest = stores.newest_revision();
    stores.run(&["undo"]).says(
        3,
        &[
            message,
            "aws-auth was written before\n",
            &format!("to continue: awsauth --cluster-name my-cluster undo {newest}, or go back: awsauth --cluster-name my-cluster undo\n"),
        ],
    );
    assert_eq!(stores.aws_auth(), before);
    assert!(stores.entry(NODE).is_some());
    stores.change(|state| state["denied"] = json!({}));
    // Without the entry, the nodes sign in through aws-auth.
    let again = ["undo", &newest];
    stores.run(&again).says(4, &["refused (untrusted-history)"]);
    let (run, calls) = stores.changes_by(&[&again[..], &["--yes"]].concat());
    run.says(0, &[]);
    assert_eq!(calls, ["DeleteAccessEntry"]);
    assert_eq!((stores.aws_auth(), stores.entry(NODE)), (before, None));
}

#[test]
fn principal_moves_to_aws_auth_before_its_entry_is_deleted() {
    let stores = TwoStores::in_both_modes(&[]);
    let apply = |file: &str, more: &[&str]| {
        let apply = ["apply", "-f", file, "--owner", "team", "--prune", "--yes"];
        stores.changes_by(&[&apply[..], more].concat())
    };
    let entry =
        format!("[{{principalARN: '{DEV}', kubernetesUsername: dev, kubernetesGroups: [devs]}}]");
    apply(&eksctl_file(&stores, eks::NAME, &entry), &[])
        .0
        .says(0, &[]);
    // The entry is no longer requested, and another role is mapped in aws-auth.
    let mapping = format!(
        "- {{rolearn: '{MYTESTROLE}', username: admin, groups: ['system:masters', devs]}}\n"
    );
    let file = owned_file(&stores, &mapping);
    let message = "User: x is not authorized to perform: eks:DeleteAccessEntry on resource: y";
    stores.change(|state| state["denied"] = json!({"DeleteAccessEntry": message}));
    apply(&file, &[]).0.says(
        3,
        &[
            message,
            "aws-auth was written before\n",
            "run the same command again to continue, or go back: awsauth --cluster-name my-cluster undo\n",
        ],
    );
    assert!(stores.aws_auth().contains("devs") && stores.entry(DEV).is_some());
    stores.change(|state| state["denied"] = json!({}));
    let (run, calls) = apply(&file, &[]);
    run.says(0, &[]);
    assert_eq!(calls, ["DeleteAccessEntry"]);
    assert_eq!(stores.entry(DEV), None);
}

/// Lets another client delete the caller's entry with the `skip + 1`th call of this operation.
fn delete_callers_entry_at(stores: &TwoStores, operation: &str, skip: u32) {
    let delete =
        json!(["DeleteAccessEntry", {"clusterName": eks::NAME, "principalArn": MYTESTROLE}]);
    let fault = json!({"operation": operation, "fault": "first", "skip": skip, "calls": [delete]});
    stores.change(|state| state["faults"] = json!([fault]));
}

#[test]
fn last_two_administrators_are_not_removed_concurrently() {
    let unmap = ["unmap", "role", DEV];
    let stores = TwoStores::in_mode_api();
    stores
        .run(&map_dev(&["--policy", "cluster-admin"]))
        .says(0, &[]);
    let admin = stores.entry(MYTESTROLE).unwrap();
    delete_callers_entry_at(&stores, "DeleteAccessEntry", 0);
    let (run, calls) = stores.changes_by(&unmap);
    run.says(
        6,
        &[
            "refused (last-admin): ",
            "another client removed administrators at the same time\n",
            "what this command had removed was restored\n",
        ],
    );
    assert_eq!(
        calls,
        [
            "DeleteAccessEntry",
            "CreateAccessEntry",
            "AssociateAccessPolicy"
        ]
    );
    assert_eq!(
        stores.entry(DEV).unwrap()["policies"][0]["policyArn"],
        ADMIN
    );
    assert_eq!(stores.entry(MYTESTROLE), None);

    // The other client is faster.
    let restore = |stores: &TwoStores| {
        stores.change(|state| {
            let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
            entries.push(admin.clone());
        });
    };
    restore(&stores);
    stores.becomes(&stores.caller_session, "admin", &[]);
    delete_callers_entry_at(&stores, "ListAccessEntries", 2);
    let (run, calls) = stores.changes_by(&unmap);
    run.says(
        4,
        &[
            "refused (last-admin): ",
            "another client has removed administrators in the meantime\n",
        ],
    );
    assert!(calls.is_empty(), "{calls:?}");
    // Without a race, the other administrator remains.
    restore(&stores);
    stores.becomes(&stores.caller_session, "admin", &[]);
    stores.run(&unmap).says(0, &[]);
}

#[test]
fn entry_of_a_principal_that_iam_does_not_have_is_no_administrator() {
    let stores = TwoStores::in_mode_api();
    stores
        .run(&map_dev(&["--policy", "cluster-admin"]))
        .says(0, &[]);
    let unmap = ["unmap", "role", MYTESTROLE, "--allow-self-lockout"];
    let dry = [&unmap[..], &["--dry-run"]].concat();
    stores.run(&dry).says(0, &[]);
    let created_at = |at: f64| {
        stores.change(|state| {
            let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
            entries.last_mut().unwrap()["createdAt"] = json!(at);
        });
    };
    created_at(1_500_000_000.0);
    let dead = format!(
        "refused (last-admin): {MYTESTROLE} is the last known administrator of this cluster, and none would be left; the access entry of {DEV} is older than its principal"
    );
    for args in [&dry[..], &unmap] {
        stores.run(args).says(4, &[&dead]);
    }
    let without_iam = stores
        .caller
        .clone()
        .with("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:9");
    on(&stores.session, &without_iam, &dry).says(
        0,
        &[&format!(
            "Not checked: whether IAM still has {DEV}, which is the last known administrator, which needs iam:GetRole.\n"
        )],
    );
}

/// Replaces the history by revisions of one write, each of which deleted the access entry of a principal or, with `after`, changed it.
fn forge(stores: &TwoStores, changes: &[(&str, AccessTerms, Option<AccessTerms>)]) {
    let revisions = changes.iter().zip(900..);
    let revisions = revisions.map(|((arn, before, after), sequence)| {
        let change = EntryChange {
            principal_arn: (*arn).to_owned(),
            before: Some(before.clone()),
            after: after.clone(),
        };
        let revision = Revision {
            number: 100,
            run: format!("{sequence:016x}"),
            before: Contents::default(),
            after: Contents::default(),
            who: Author::default(),
            when: Timestamp::UNIX_EPOCH,
            command: ["awsauth", "apply"].map(str::to_owned).to_vec(),
            version: "0.1.0".to_owned(),
            reason: None,
            undoes: None,
            transaction: Some("ab".repeat(8)),
            is_foreign: false,
            entries: Some(EntryWrite {
                sequence,
                ..EntryWrite::of_changes(AuthenticationMode::ApiAndConfigMap, vec![change])
            }),
        };
        let addition = Addition::to([], &revision, None).unwrap();
        (addition.key, Value::from(addition.value))
    });
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "awsauth-history", "namespace": "kube-system"},
        "binaryData": revisions.collect::<serde_json::Map<_, _>>(),
    });
    let cluster = stores.session.cluster;
    let name = ["configmap", "awsauth-history", "-n", "kube-system"];
    cluster.kubectl(&[&["delete", "--ignore-not-found"], &name[..]].concat());
    cluster.kubectl_fed(&["create", "-f", "-"], &object.to_string());
}

#[test]
fn forged_revisions_give_no_access_without_a_confirmation() {
    let view = || AccessTerms {
        username: Some("dev".to_owned()),
        groups: vec!["view".to_owned()],
        ..AccessTerms::default()
    };
    let live = standard(DEV, "dev", &["view"], &[]);
    let stores = TwoStores::in_both_modes(std::slice::from_ref(&live));
    let refused = |message: &str| {
        let (run, calls) = stores.changes_by(&["undo", "900"]);
        run.says(4, &["refused (untrusted-history)", message]);
        assert!(calls.is_empty(), "{calls:?}");
        assert_eq!(
            stores.entry(DEV).unwrap()["kubernetesGroups"],
            json!(["view"])
        );
    };
    // EKS sets the username and groups of nodes, not those of the revision.
    for kind in ["EC2_LINUX", "FARGATE_LINUX", "HYBRID_LINUX", "FUTURE_LINUX"] {
        let nodes = AccessTerms {
            kind: kind.to_owned(),
            groups: Vec::new(),
            ..view()
        };
        forge(&stores, &[(DEV, nodes, Some(view()))]);
        refused("the undo gives access to");
    }
    // Of two access entries of one principal, the second seems to give nothing, because aws-auth maps the principal already.
    let upper = MYTESTROLE.replace("mytestrole", "MYTESTROLE");
    let path = MYTESTROLE.replace("role/", "role/path/");
    for other in [&upper, &path] {
        let admin = AccessTerms {
            policies: Some(vec![AccessPolicy {
                arn: CLUSTER_ADMIN.to_owned(),
                scope: AccessScope::Cluster,
            }]),
            ..AccessTerms::default()
        };
        let same = AccessTerms {
            username: Some("admin".to_owned()),
            ..AccessTerms::default()
        };
        forge(&stores, &[(other, admin, None), (MYTESTROLE, same, None)]);
        refused("are one principal");
    }
    // An undo that only takes access away does not ask.
    let less = AccessTerms {
        groups: Vec::new(),
        ..view()
    };
    assert_eq!(less.kind, STANDARD);
    forge(&stores, &[(DEV, less, Some(view()))]);
    stores.run(&["undo", "900"]).says(0, &[]);
    assert_eq!(stores.entry(DEV).unwrap()["kubernetesGroups"], json!([]));
}
