//! The defects of `eksctl utils migrate-to-access-entry`, each with a test that it does not exist here.
//!
//! Source: <https://github.com/eksctl-io/eksctl/blob/99984adb/pkg/actions/accessentry/migrator.go>, and the issues below.

use std::collections::BTreeMap;

use awsauth_core::access_entries::Operation;
use awsauth_core::access_entries::migrate::{
    Choices, ClusterFacts, Item, Masters, MigrationInput, MigrationPlan, Reason, Verdict, plan,
};
use awsauth_core::document::Document;
use awsauth_core::facts::access_entries::{AccessPolicy, AccessScope, AccessTerms};
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::iam_inventory::{Listed, Principal, Principals};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster_state::{ClusterState, node_terms};

const A: &str = "arn:aws:iam::111122223333";
const CLUSTER: ClusterFacts<'_> = ClusterFacts {
    arn: "arn:aws:eks:eu-west-1:111122223333:cluster/prod",
    version: Some("1.36"),
    platform_version: Some("eks.7"),
};

/// A document, a cluster and choices to plan with.
struct Setup {
    document: Document,
    state: ClusterState,
    cluster: ClusterFacts<'static>,
    principals: Option<Principals>,
    caller: Option<String>,
    choices: Choices,
}

impl Setup {
    fn new(roles: &Value) -> Self {
        Self::of_text(roles.to_string())
    }

    fn of_text(roles: String) -> Self {
        Self {
            document: Document::read(&BTreeMap::from([("mapRoles".to_owned(), roles)])),
            state: ClusterState::new(AuthenticationMode::ApiAndConfigMap),
            cluster: CLUSTER,
            principals: None,
            caller: None,
            choices: Choices::default(),
        }
    }

    fn plan(&self) -> MigrationPlan<'_> {
        let entries = self.state.access_entries();
        plan(&MigrationInput {
            document: &self.document,
            access_entries: Some(&entries),
            cluster: Some(self.cluster),
            node_inventory: None,
            principals: self.principals.as_ref(),
            caller: self.caller.as_deref(),
            choices: &self.choices,
        })
        .expect("possible choices")
    }
}

fn role(arn: &str, username: &str, groups: &[&str]) -> Value {
    json!({ "rolearn": arn, "username": username, "groups": groups })
}

fn created<'p>(plan: &'p MigrationPlan<'_>) -> Vec<&'p str> {
    let created = plan
        .operations
        .iter()
        .filter(|operation| matches!(operation, Operation::CreateEntry { .. }));
    created.filter_map(Operation::principal_arn).collect()
}

fn terms<'p>(item: &'p Item<'_>) -> &'p AccessTerms {
    item.entry
        .as_ref()
        .and_then(|entry| entry.terms.as_ref())
        .expect("an access entry")
}

/// Returns the reason and the remedy.
fn cannot<'p>(item: &'p Item<'_>) -> (&'p str, &'p str) {
    match &item.verdict {
        Verdict::Cannot { reason, remedy, .. } => (reason, remedy),
        verdict => panic!("{verdict:?}"),
    }
}

/// Defect 1: It looks up the name in the caller's account.
#[test]
fn entry_of_another_account_keeps_its_account() {
    let other = "arn:aws:iam::444455556666:role/Dev";
    let mut setup = Setup::new(&json!([role(other, "dev", &["devs"])]));
    let own = Principal {
        arn: format!("{A}:role/team/Dev"),
        name: "Dev".to_owned(),
        ..Principal::default()
    };
    setup.principals = Some(Principals {
        account: "111122223333".to_owned(),
        roles: Listed::all(vec![own]),
        ..Principals::default()
    });
    let plan = setup.plan();
    assert_eq!(created(&plan), [other]);
    assert!(
        plan.items[0].unchecked[0]
            .to_string()
            .contains("--principal arn:aws:iam::444455556666:role/PATH/Dev")
    );

    setup.choices.principals = vec!["arn:aws:iam::444455556666:role/team/Dev".to_owned()];
    let plan = setup.plan();
    assert_eq!(created(&plan), ["arn:aws:iam::444455556666:role/team/Dev"]);
    assert!(plan.items[0].unchecked.is_empty());
}

/// Defect 2: Of duplicates it takes the first, the authenticator the last.
#[test]
fn last_of_duplicates_is_migrated() {
    let arn = format!("{A}:role/Dev");
    let upper = arn.replace("Dev", "DEV");
    let plan = Setup::new(&json!([
        role(&upper, "old", &["admins"]),
        role(&arn, "new", &["devs"])
    ]));
    let plan = plan.plan();
    assert_eq!(created(&plan), [arn]);
    assert_eq!(terms(&plan.items[1]).username.as_deref(), Some("new"));
    let Verdict::NotMigrated {
        reason: Reason::ReplacedBy(by),
    } = plan.items[0].verdict
    else {
        panic!("{:?}", plan.items[0].verdict)
    };
    assert_eq!(by, plan.items[1].place);
}

/// Defect 3: With system:masters it drops all other groups.
#[test]
fn groups_beside_system_masters_are_kept() {
    let entry = role(
        &format!("{A}:role/Ops"),
        "ops",
        &["audit", "system:masters", "ops"],
    );
    let mut setup = Setup::new(&json!([entry]));
    for (masters, groups) in [
        (
            Masters::default(),
            ["audit", "ops", "awsauth:cluster-admins"].as_slice(),
        ),
        (Masters::Policy, ["audit", "ops"].as_slice()),
    ] {
        setup.choices.masters = masters;
        assert_eq!(terms(&setup.plan().items[0]).groups, groups);
    }
}

/// Defect 4: It skips a principal that has an access entry, and never compares the two.
#[test]
fn existing_entry_is_compared() {
    let entries = json!([
        role(&format!("{A}:role/Same"), "same", &["devs"]),
        role(&format!("{A}:role/Other"), "dev", &["devs", "ops"]),
        role(&format!("{A}:role/Admin"), "admin", &["system:masters"]),
        role(&format!("{A}:role/NoAdmin"), "admin", &["system:masters"]),
    ]);
    let mut setup = Setup::new(&entries);
    let policy = |name: &str, scope| AccessPolicy {
        arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
        scope,
    };
    let one_namespace = AccessScope::Namespaces(vec!["a".to_owned()]);
    for (name, username, groups, policies) in [
        ("team/Same", "same", ["devs"].as_slice(), vec![]),
        (
            "Other",
            "dev",
            &["devs"],
            vec![policy("AmazonEKSViewPolicy", one_namespace.clone())],
        ),
        (
            "Admin",
            "admin",
            &[],
            vec![policy("AmazonEKSClusterAdminPolicy", AccessScope::Cluster)],
        ),
        (
            "NoAdmin",
            "admin",
            &[],
            vec![policy("AmazonEKSClusterAdminPolicy", one_namespace)],
        ),
    ] {
        let terms = AccessTerms {
            username: Some(username.to_owned()),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            policies: Some(policies),
            ..AccessTerms::default()
        };
        setup
            .state
            .entries
            .insert(format!("{A}:role/{name}"), terms);
    }
    let plan = setup.plan();
    assert!(plan.operations.is_empty(), "{:?}", plan.operations);
    let [same, other, admin, no_admin] = plan.items.as_slice() else {
        panic!("four items")
    };
    assert_eq!(
        same.verdict,
        Verdict::AlreadyThere {
            differences: Vec::new()
        }
    );
    let Verdict::Conflict { differences } = &other.verdict else {
        panic!("{other:?}")
    };
    assert_eq!(
        differences,
        &[
            "only aws-auth gives the groups ops",
            "the access entry has the access policy AmazonEKSViewPolicy in namespace a",
        ]
    );
    assert!(
        matches!(&admin.verdict, Verdict::AlreadyThere { differences } if differences.len() == 3)
    );
    let Verdict::Conflict { differences } = &no_admin.verdict else {
        panic!("{no_admin:?}")
    };
    assert_eq!(
        differences[0],
        "the access entry does not give the permissions of system:masters"
    );
}

/// Defect 5: It skips the nodes of Fargate and hybrid nodes, and reads the existing entries before the mode changes.
#[test]
fn fargate_and_hybrid_nodes_are_migrated() {
    let session = "system:node:{{SessionName}}";
    let nodes = ["system:bootstrappers", "system:nodes"];
    let fargate = [
        "system:bootstrappers",
        "system:nodes",
        "system:node-proxier",
    ];
    let mut setup = Setup::new(&json!([
        role(&format!("{A}:role/Fargate"), session, &fargate),
        role(&format!("{A}:role/Hybrid"), session, &nodes),
        role(
            &format!("{A}:role/Linux"),
            "system:node:{{EC2PrivateDNSName}}",
            &nodes
        ),
    ]));
    setup.state.mode = AuthenticationMode::ConfigMap;
    let plan = setup.plan();
    let types: Vec<_> = plan
        .items
        .iter()
        .map(|item| terms(item).kind.as_str())
        .collect();
    assert_eq!(types, ["FARGATE_LINUX", "HYBRID_LINUX", "EC2_LINUX"]);
    assert!(matches!(
        plan.items[0].verdict,
        Verdict::SameRightsOtherWay { .. }
    ));
    // EC2 instances may have the same entry, so the user decides.
    assert!(matches!(
        plan.items[1].verdict,
        Verdict::Changed {
            is_accepted: false,
            ..
        }
    ));
    assert!(
        plan.notes[0].contains("Plan again after that change"),
        "{:?}",
        plan.notes
    );

    // The entry that EKS creates when the mode changes.
    setup.state.mode = AuthenticationMode::ApiAndConfigMap;
    setup.state.entries.insert(
        format!("{A}:role/path/Fargate"),
        node_terms("FARGATE_LINUX"),
    );
    let plan = setup.plan();
    assert!(
        matches!(plan.items[0].verdict, Verdict::AlreadyThere { .. }),
        "{:?}",
        plan.items[0].verdict
    );
    assert_eq!(created(&plan), [format!("{A}:role/Linux")]);
}

/// Defect 6: One role that does not exist stops it.
#[test]
fn missing_role_does_not_stop_the_others() {
    let entries = json!([
        role(&format!("{A}:role/Gone"), "gone", &["devs"]),
        role(&format!("{A}:role/Dev"), "dev", &["devs"]),
    ]);
    let mut setup = Setup::new(&entries);
    let dev = Principal {
        arn: format!("{A}:role/team/Dev"),
        name: "Dev".to_owned(),
        ..Principal::default()
    };
    setup.principals = Some(Principals {
        account: "111122223333".to_owned(),
        roles: Listed::all(vec![dev]),
        ..Principals::default()
    });
    let plan = setup.plan();
    assert_eq!(
        plan.items[0].verdict,
        Verdict::NotMigrated {
            reason: Reason::NoSuchPrincipal
        }
    );
    assert_eq!(created(&plan), [format!("{A}:role/team/Dev")]);
}

/// Defect 7: It knows the partition aws only.
#[test]
fn policy_is_that_of_the_partition() {
    for (partition, region) in [("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")] {
        let arn = format!("arn:{partition}:iam::111122223333:role/Ops");
        let mut setup = Setup::new(&json!([role(&arn, "ops", &["system:masters"])]));
        let cluster = format!("arn:{partition}:eks:{region}:111122223333:cluster/prod");
        setup.cluster.arn = cluster.leak();
        setup.choices.masters = Masters::Policy;
        let plan = setup.plan();
        let Some(Operation::AssociatePolicy { policy_arn, .. }) = plan.operations.last() else {
            panic!("{:?}", plan.operations)
        };
        assert_eq!(
            policy_arn,
            &format!("arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy")
        );
    }
}

/// Defect 8: A malformed ARN panics: <https://github.com/eksctl-io/eksctl/issues/7972>
#[test]
fn malformed_arns_are_reported() {
    for arn in [
        "arn:aws:iam::111122223333:role/",
        "arn:aws:iam",
        "",
        ":",
        "arn:aws:iam::1:role/a*",
        "Dev",
    ] {
        let entries = json!([
            role(arn, "dev", &["devs"]),
            role(&format!("{A}:role/Dev"), "dev", &[])
        ]);
        let setup = Setup::new(&entries);
        let plan = setup.plan();
        assert!(
            matches!(plan.items[0].verdict, Verdict::NotMigrated { .. }),
            "{arn}: {:?}",
            plan.items[0].verdict
        );
        assert_eq!(created(&plan).len(), 1, "{arn}");
    }
}

/// Defect 9: It finds refused usernames only when EKS refuses them, it creates administrators before they have permissions, and
/// it does not know which entry is the caller's own.
#[test]
fn refused_usernames_are_found_before_any_operation() {
    let entries = json!([
        role(&format!("{A}:role/Me"), "me", &["system:masters"]),
        role(&format!("{A}:role/A"), "system:x", &[]),
        role(&format!("{A}:role/B"), "ci-{{SessionName}}", &["ci"]),
        role(&format!("{A}:role/C"), "c:{{AccessKeyID}}", &[]),
        role(&format!("{A}:role/D"), "d", &[]),
    ]);
    let mut setup = Setup::new(&entries);
    setup.caller = Some("arn:aws:sts::111122223333:assumed-role/Me/ann".to_owned());
    let plan = setup.plan();
    assert!(cannot(&plan.items[1]).0.contains("start with system:"));
    let (reason, remedy) = cannot(&plan.items[2]);
    assert_eq!(
        reason,
        "a colon must precede {{SessionName}} in the username"
    );
    assert!(remedy.contains("role:{{SessionName}}"), "{remedy}");
    assert!(cannot(&plan.items[3]).0.contains("{{AccessKeyID}}"));
    assert_eq!(
        created(&plan),
        [format!("{A}:role/D"), format!("{A}:role/Me")]
    );
    let group = "awsauth:cluster-admins".to_owned();
    assert_eq!(plan.operations[0], Operation::BindClusterAdmin { group });

    setup.choices.masters = Masters::Policy;
    let notes = setup.plan().notes;
    assert!(
        notes[0].starts_with(&format!(
            "{A}:role/Me has lost the permissions of system:masters from create"
        )),
        "{notes:?}"
    );
}

/// Defect 10: It deletes aws-auth without a copy.
#[test]
fn plan_leaves_aws_auth_unchanged() {
    let entries = json!([role(&format!("{A}:role/Dev"), "dev", &["devs"])]);
    let mut setup = Setup::new(&entries);
    setup.state.mode = AuthenticationMode::ConfigMap;
    let plan = setup.plan();
    assert_eq!(
        plan.operations[0],
        Operation::UpdateAuthenticationMode {
            from: AuthenticationMode::ConfigMap,
            to: AuthenticationMode::ApiAndConfigMap,
        },
        "the cluster keeps reading aws-auth"
    );
    // Every other operation creates something, so aws-auth has the same entries for all that have none.
    assert!(
        matches!(plan.operations[1..], [Operation::CreateEntry { .. }]),
        "{:?}",
        plan.operations
    );
}

/// Defect 11: Each access entry is a CloudFormation stack, which hides what later changes in EKS:
/// <https://github.com/eksctl-io/eksctl/issues/7907>
#[test]
fn second_plan_reads_what_eks_has() {
    let entries = json!([
        role(&format!("{A}:role/Dev"), "dev", &["devs"]),
        role(&format!("{A}:role/Ops"), "ops", &["ops"])
    ]);
    let mut setup = Setup::new(&entries);
    let first = setup.plan().operations;
    assert_eq!(first.len(), 2, "one call for each entry");
    setup.state = setup.state.after(&first);
    assert!(setup.plan().operations.is_empty(), "all are there");
    setup.state.entries.remove(&format!("{A}:role/Dev"));
    assert_eq!(
        setup.plan().operations,
        first[..1],
        "another client deleted it"
    );
}

/// An access entry belongs to the exact role that it was created for.
#[test]
fn access_entry_older_than_its_role_is_dead() {
    let arn = format!("{A}:role/team/Dev");
    let mut setup = Setup::new(&json!([role(&format!("{A}:role/Dev"), "dev", &["devs"])]));
    let time = |text: &str| Some(text.parse::<Timestamp>().expect("a time"));
    for (entry_created, role_created, verdict) in [
        (
            time("2026-05-02T10:00:00.5Z"),
            time("2026-05-02T10:00:00Z"),
            "AlreadyThere",
        ),
        (
            time("2026-05-02T10:00:00Z"),
            time("2026-05-02T10:00:01Z"),
            "DeadEntry",
        ),
        (None, time("2026-05-02T10:00:01Z"), "AlreadyThere"),
        (time("2026-05-02T10:00:00Z"), None, "AlreadyThere"),
    ] {
        let terms = AccessTerms {
            username: Some("dev".to_owned()),
            groups: vec!["devs".to_owned()],
            policies: Some(Vec::new()),
            created_at: entry_created,
            ..AccessTerms::default()
        };
        setup.state.entries.insert(arn.clone(), terms);
        let dev = Principal {
            arn: arn.clone(),
            name: "Dev".to_owned(),
            trust: None,
            created_at: role_created,
        };
        setup.principals = Some(Principals {
            account: "111122223333".to_owned(),
            roles: Listed::all(vec![dev]),
            ..Principals::default()
        });
        let plan = setup.plan();
        assert!(
            format!("{:?}", plan.items[0].verdict).starts_with(verdict),
            "{:?}",
            plan.items[0]
        );
        assert!(plan.operations.is_empty(), "{:?}", plan.operations);
        assert_eq!(
            plan.summary().only_in_aws_auth(),
            usize::from(verdict == "DeadEntry")
        );
    }
}
