//! Objects whose mapping is an access entry: which store has it, what is refused, and what the controller never changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use awsauth_core::access_entries::EntryChange;
use awsauth_core::access_entries::changed;
use awsauth_core::admission::Deadline;
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::document::{Principal, SsoRole};
use awsauth_core::facts::access_entries::{AccessEntry, AccessPolicy, AccessScope, AccessTerms};
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::iam_inventory::{self, Listed};
use awsauth_core::facts::node_inventory::NodeGroup;
use awsauth_core::plan::Known;
use awsauth_core::reconcile::{
    ConditionKind, Config, DeletionPolicy, DriftPolicy, OWNER_TAG, Reason, Spec, Stage,
    UnlistedAccessEntries, check_requester,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::protection::node_inventory;
use super::simulation::{ACCOUNT, CONFIG, Crash, Simulation, entry, node_entry, role, spec};

use AuthenticationMode::{Api, ApiAndConfigMap, ConfigMap};

pub(super) const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";

pub(super) fn config(lines: &str) -> String {
    format!("{CONFIG}  policies: [view, \"edit:shop-*\"]\n{lines}")
}

fn terms(username: &str, groups: &[&str]) -> AccessTerms {
    AccessTerms {
        username: Some(username.to_owned()),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        policies: Some(Vec::new()),
        ..AccessTerms::default()
    }
}

fn access_entry(principal_arn: String, terms: AccessTerms) -> AccessEntry {
    AccessEntry {
        principal_arn,
        terms: Some(terms),
    }
}

/// Returns a cluster with this mode and an entry of an administrator, which is not the controller's.
pub(super) fn cluster(config: &str, mode: AuthenticationMode, roles: &str) -> Simulation {
    let mut simulation = Simulation::new(config, roles);
    let mut admin = terms("admin", &[]);
    admin.policies = Some(vec![AccessPolicy {
        arn: VIEW.replace("View", "ClusterAdmin"),
        scope: AccessScope::Cluster,
    }]);
    let entries = vec![access_entry(role("creator"), admin)];
    simulation.entries = Some(Arc::new(AccessEntries::new(mode, Some(entries))));
    simulation.facts.mode = Some(mode);
    simulation.aws.cluster_arn = Some(format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/prod"));
    simulation
}

/// Changes the access entry of a principal as another client.
pub(super) fn set_entry(
    simulation: &mut Simulation,
    principal_arn: &str,
    after: Option<AccessTerms>,
) {
    let entries = simulation.entries.take().expect("access entries");
    let change = EntryChange {
        principal_arn: principal_arn.to_owned(),
        before: None,
        after,
    };
    simulation.entries = Some(Arc::new(changed(&entries, &[change])));
}

pub(super) fn entry_of<'a>(simulation: &'a Simulation, name: &str) -> Option<&'a AccessEntry> {
    simulation.entries.as_ref()?.of(&role(name))
}

pub(super) fn terms_of<'a>(simulation: &'a Simulation, name: &str) -> &'a AccessTerms {
    let entry = entry_of(simulation, name).unwrap_or_else(|| panic!("{name} has no entry"));
    entry.terms.as_ref().expect("its contents")
}

pub(super) fn policy(text: &str) -> awsauth_core::access_entries::NamedPolicy {
    text.parse().expect("a policy")
}

#[test]
fn mapping_is_kept_in_the_store_that_the_cluster_reads() {
    for (mode, backend, roles, expected) in [
        (ConfigMap, "auto", "", "aws-auth"),
        (ConfigMap, "access-entries", "", "aws-auth"),
        (Api, "auto", "", "entry"),
        (Api, "aws-auth", "", "entry"),
        (ApiAndConfigMap, "auto", "", "aws-auth"),
        (ApiAndConfigMap, "aws-auth", "", "aws-auth"),
        (ApiAndConfigMap, "access-entries", "", "entry"),
    ] {
        let config = config(&format!("backend: {backend}\n"));
        let mut simulation = cluster(&config, mode, roles).with("a", spec("a", "a", &["dev"]));
        simulation.settle();
        let has = (
            simulation.text("mapRoles").contains(&role("a")),
            entry_of(&simulation, "a").is_some(),
        );
        assert_eq!(
            has,
            (expected == "aws-auth", expected == "entry"),
            "{mode:?} {backend}"
        );
        assert_eq!(simulation.reason("a"), Reason::Applied);
        simulation.delete("a");
        simulation.settle();
        assert!(simulation.objects.is_empty());
        assert!(!simulation.text("mapRoles").contains(&role("a")));
        assert_eq!(entry_of(&simulation, "a"), None);
        // Without what EKS reports, everything is as before.
        let mut unknown = Simulation::new(&config, "").with("a", spec("a", "a", &["dev"]));
        unknown.settle();
        assert!(unknown.text("mapRoles").contains(&role("a")));
    }
}

#[test]
fn new_entry_names_its_object_and_has_its_iam_path() {
    let mut simulation =
        cluster(&config(""), Api, "").with("a", spec("a", "x:{{SessionName}}", &["dev"]));
    let known = iam_inventory::Principal {
        arn: format!("arn:aws:iam::{ACCOUNT}:role/team/a"),
        name: "a".to_owned(),
        ..Default::default()
    };
    let asked = simulation.decide(Stage::Preparing).aws_query;
    assert_eq!(asked.roles, ["a".to_owned()].into());
    simulation.aws.roles = Listed::some(vec![known.clone()], []);
    simulation.change("a", |spec| {
        spec.policies = vec![policy("view"), policy("edit:shop-a")]
    });
    simulation.settle();
    let entry = entry_of(&simulation, "a").expect("an entry");
    assert_eq!(entry.principal_arn, known.arn);
    let terms = terms_of(&simulation, "a");
    assert_eq!(terms.tags[OWNER_TAG], simulation.object("a").uid);
    assert_eq!(terms.tags["awsauth.dev/object"], "a");
    assert_eq!(terms.policies().len(), 2);
    let record = simulation
        .object("a")
        .status
        .access_entry
        .clone()
        .expect("a record");
    assert_eq!(
        (record.principal_arn, record.policies),
        (known.arn, terms.policies().to_vec())
    );
    // A role that does not exist.
    simulation.create("b", spec("b", "b", &["dev"]));
    simulation.aws.roles = Listed::some(Vec::new(), ["b".to_owned()]);
    simulation.settle();
    let (reason, message) = simulation.ready("b");
    assert!(
        reason == Reason::Refused && message.contains("does not exist"),
        "{message}"
    );
}

#[test]
fn what_an_access_entry_cannot_express_is_reported_with_the_remedy() {
    let all = r#"
grants:
- accounts: ["111122223333"]
  groups: ["system:masters", "system:nodes", "dev-{{SessionName}}"]
  usernames: ["*", "system:x", "{{SessionName}}"]
  wholeAccounts: true
"#;
    let mut specs = vec![
        (
            spec("a", "a", &["system:masters"]),
            "AmazonEKSClusterAdminPolicy",
        ),
        (spec("a", "a", &["system:nodes"]), "bind another group"),
        (spec("a", "{{SessionName}}", &[]), "a colon must precede"),
        (spec("a", "x:{{AccessKeyID}}", &[]), "use {{SessionName}}"),
        (spec("a", "system:x", &[]), "choose another username"),
        (
            spec("a", "a", &["dev-{{SessionName}}"]),
            "give a fixed group",
        ),
    ];
    let mut account = spec("a", "", &[]);
    account.principal = Principal::Account(ACCOUNT.to_owned());
    account.username = None;
    specs.push((account, "create an object for each principal"));
    for (spec, remedy) in specs {
        let mut simulation = cluster(all, Api, "").with("a", spec);
        let events = simulation.settle();
        let (reason, message) = simulation.ready("a");
        assert_eq!(reason, Reason::Unsupported, "{message}");
        assert!(message.contains(remedy), "{message}");
        assert!(events[0].starts_with("Unsupported a: "), "{events:?}");
        assert_eq!(
            (simulation.calls, simulation.record.to_text().as_str()),
            (0, "")
        );
    }
}

#[test]
fn policies_are_granted_by_name_and_need_an_access_entry() {
    let ready = |policies: &[&str], mode, lines: &str| {
        let mut simulation = cluster(&config(lines), mode, "");
        simulation.aws.policies = Some(
            ["View", "Edit", "ClusterAdmin"]
                .map(|name| VIEW.replace("View", name))
                .into(),
        );
        let mut spec = spec("a", "a", &["dev"]);
        spec.policies = policies.iter().map(|text| policy(text)).collect();
        simulation.create("a", spec);
        simulation.settle();
        let (reason, message) = simulation.ready("a");
        (reason, message.to_owned())
    };
    assert_eq!(ready(&["view"], Api, "").0, Reason::Applied);
    assert_eq!(
        ready(&[VIEW, "edit:shop-a,shop-*"], Api, "").0,
        Reason::Applied
    );
    // Only access entries can have policies, so they are the place of a new principal.
    assert_eq!(ready(&["view"], ApiAndConfigMap, "").0, Reason::Applied);
    for (policies, mode, lines, expected) in [
        (
            &["edit"][..],
            Api,
            "",
            "allows the access policy edit; ask an administrator to add it to the policies of a grant",
        ),
        (&["edit:web"], Api, "", "allows the access policy edit:web"),
        (
            &["cluster-admin"],
            Api,
            "",
            "allows the access policy cluster-admin",
        ),
        (
            &["view", "view:x"],
            Api,
            "",
            "spec.policies has AmazonEKSViewPolicy twice",
        ),
        (
            &["view"],
            ConfigMap,
            "",
            "only an access entry can have access policies, and the authentication mode of this cluster is CONFIG_MAP",
        ),
        (
            &["view"],
            ApiAndConfigMap,
            "backend: aws-auth\n",
            "backend: aws-auth; set it to auto",
        ),
    ] {
        let (reason, message) = ready(policies, mode, lines);
        assert!(
            reason == Reason::Refused && message.contains(expected),
            "{message}"
        );
    }
    let unknown = Config::parse(&CONFIG.replace("groups:", "policies: [\"*\"]\n  groups:"));
    let message = unknown.unwrap_err().message;
    assert!(
        message.contains("list the policies one by one"),
        "{message}"
    );
}

#[test]
fn entry_that_the_object_does_not_own_is_never_changed() {
    for tag in [None, Some("uid-1")] {
        let mut simulation = cluster(&config(""), Api, "");
        let mut theirs = terms("theirs", &["dev"]);
        // A tag alone proves nothing: everyone who may tag can write it.
        theirs
            .tags
            .extend(tag.map(|uid| (OWNER_TAG.to_owned(), uid.to_owned())));
        set_entry(&mut simulation, &role("a"), Some(theirs.clone()));
        simulation.create("a", spec("a", "a", &["dev"]));
        simulation.settle();
        let (reason, message) = simulation.ready("a");
        assert!(
            reason == Reason::ShadowedBy && message.contains("does not own it"),
            "{message}"
        );
        simulation.change("a", |spec| spec.username = Some("theirs".to_owned()));
        simulation.settle();
        let (reason, message) = simulation.ready("a");
        assert!(
            reason == Reason::Applied && message.contains("does not own it"),
            "{message}"
        );
        assert_eq!(simulation.object("a").status.access_entry, None);
        simulation.delete("a");
        simulation.settle();
        assert!(simulation.objects.is_empty());
        assert_eq!((terms_of(&simulation, "a"), simulation.calls), (&theirs, 0));
    }
    // An entry for nodes, and a status that a user wrote.
    let mut simulation = cluster(&config(""), Api, "").with("a", spec("a", "a", &["dev"]));
    simulation.settle();
    let forged = simulation.object("a").status.clone();
    simulation.create("b", spec("b", "b", &["dev"]));
    simulation.objects[1].status = forged;
    simulation.objects[1].has_finalizer = true;
    let before = terms_of(&simulation, "a").clone();
    simulation.delete("b");
    simulation.settle();
    assert_eq!(terms_of(&simulation, "a"), &before);
}

/// Another client, such as Terraform, manages the entry: it keeps its access when an object that requests the same goes.
#[test]
fn object_reports_the_access_that_an_entry_of_another_client_keeps() {
    for (mode, lines) in [
        (Api, ""),
        (ApiAndConfigMap, ""),
        (ApiAndConfigMap, "backend: access-entries\n"),
    ] {
        let mut simulation = cluster(&config(lines), mode, "");
        let theirs = terms("a", &["dev"]);
        set_entry(&mut simulation, &role("a"), Some(theirs.clone()));
        simulation.create("a", spec("a", "a", &["dev"]));
        let expires_at = simulation.now + jiff::SignedDuration::from_hours(1);
        simulation.change("a", |spec| spec.expires_at = Some(expires_at));
        simulation.settle();
        let (reason, message) = simulation.ready("a");
        assert!(
            reason == Reason::Applied && message.ends_with("neither changes nor deletes it"),
            "{message}"
        );
        simulation.wait(3601);
        let events = simulation.settle();
        let kept = format!(
            "the access entry of {} is kept: no object owns it",
            role("a")
        );
        let (reason, message) = simulation.ready("a");
        assert!(
            reason == Reason::Expired && message.contains(&kept),
            "{mode:?} {message}"
        );
        let stalled = simulation
            .object("a")
            .status
            .condition(ConditionKind::Stalled);
        assert_eq!(stalled.map(|stalled| stalled.reason), Some(Reason::Refused));
        assert!(
            events
                .iter()
                .any(|event| event.starts_with("EntryLeft a: ")),
            "{events:?}"
        );
        assert_eq!((terms_of(&simulation, "a"), simulation.calls), (&theirs, 0));
        // The client that manages the entry deletes it.
        set_entry(&mut simulation, &role("a"), None);
        simulation.settle();
        assert_eq!(
            simulation
                .object("a")
                .status
                .condition(ConditionKind::Stalled),
            None
        );
    }
    // An entry that another object owns is not reported: it has its own time.
    let mut simulation = cluster(&config(""), Api, "").with("older", spec("a", "a", &["dev"]));
    simulation.settle();
    simulation.create("a", spec("a", "a", &["dev"]));
    let now = simulation.now;
    simulation.change("a", |spec| spec.expires_at = Some(now));
    simulation.settle();
    let status = &simulation.object("a").status;
    assert_eq!(status.reason(), Some(Reason::Expired));
    assert_eq!(status.condition(ConditionKind::Stalled), None);
}

#[test]
fn entry_of_another_client_that_gives_no_access_is_not_applied() {
    let mut simulation = cluster(&config(""), Api, "");
    let mut dead = terms("a", &["dev"]);
    dead.created_at = Some("2026-01-01T00:00:00Z".parse().unwrap());
    set_entry(&mut simulation, &role("a"), Some(dead.clone()));
    simulation.aws.roles = Listed::some(
        vec![iam_inventory::Principal {
            arn: role("a"),
            name: "a".to_owned(),
            created_at: Some("2026-02-01T00:00:00Z".parse().unwrap()),
            ..Default::default()
        }],
        [],
    );
    simulation.create("a", spec("a", "a", &["dev"]));
    simulation.settle();
    let remedy = format!(
        "remove it: awsauth unmap role {} --backend access-entries",
        role("a")
    );
    let (reason, message) = simulation.ready("a");
    assert!(
        reason == Reason::ShadowedBy
            && message.contains("is older than its role")
            && message.ends_with(&remedy),
        "{message}"
    );
    assert_eq!((terms_of(&simulation, "a"), simulation.calls), (&dead, 0));
    set_entry(&mut simulation, &role("a"), None);
    simulation.settle();
    assert_eq!(simulation.reason("a"), Reason::Applied);

    // Nodes need their entry.
    let mut nodes = terms("system:node:{{EC2PrivateDNSName}}", &[]);
    nodes.kind = "EC2_LINUX".to_owned();
    set_entry(&mut simulation, &role("n"), Some(nodes));
    simulation.create("n", spec("n", "n", &["dev"]));
    simulation.settle();
    let (reason, message) = simulation.ready("n");
    assert!(
        reason == Reason::ShadowedBy && message.ends_with("so delete this object"),
        "{message}"
    );
}

#[test]
fn drift_is_repaired_or_reported() {
    for drift in [DriftPolicy::Repair, DriftPolicy::Report] {
        let mut simulation = cluster(&config(""), Api, "").with("a", spec("a", "a", &["dev"]));
        simulation.change("a", |spec| spec.drift = drift);
        simulation.settle();
        let own = terms_of(&simulation, "a").clone();
        let mut more = own.clone();
        more.groups.push("admins".to_owned());
        let mut scoped = own.clone();
        scoped.policies = Some(vec![AccessPolicy {
            arn: VIEW.to_owned(),
            scope: AccessScope::Cluster,
        }]);
        for (drifted, expected) in [
            (
                Some(more),
                "it has the groups admins, dev, not the group dev",
            ),
            (Some(scoped), "it has the access policy AmazonEKSViewPolicy"),
            (None, "was deleted by another client"),
        ] {
            set_entry(&mut simulation, &role("a"), drifted.clone());
            let events = simulation.settle();
            let is_repair = drift == DriftPolicy::Repair;
            let (event, reason) = match is_repair {
                true => ("DriftRepaired a: ", Reason::Applied),
                false => ("Drifted a: ", Reason::Drifted),
            };
            assert!(
                events[0].starts_with(event) && events[0].contains(expected),
                "{events:?}"
            );
            assert_eq!(simulation.reason("a"), reason);
            let now = entry_of(&simulation, "a").and_then(|entry| entry.terms.clone());
            assert_eq!(
                now,
                if is_repair {
                    Some(own.clone())
                } else {
                    drifted
                }
            );
            set_entry(&mut simulation, &role("a"), Some(own.clone()));
            simulation.settle();
        }
    }
}

#[test]
fn dead_entry_is_created_again() {
    let mut simulation = cluster(&config(""), Api, "").with("a", spec("a", "a", &["dev"]));
    simulation.settle();
    let mut old = terms_of(&simulation, "a").clone();
    old.created_at = Some("2026-01-01T00:00:00Z".parse().unwrap());
    set_entry(&mut simulation, &role("a"), Some(old));
    let recreated = iam_inventory::Principal {
        arn: role("a"),
        name: "a".to_owned(),
        created_at: Some("2026-02-01T00:00:00Z".parse().unwrap()),
        ..Default::default()
    };
    simulation.aws.roles = Listed::some(vec![recreated], []);
    let events = simulation.settle();
    assert!(events[0].contains("is older than its role"), "{events:?}");
    assert_eq!(
        (
            terms_of(&simulation, "a").created_at,
            simulation.reason("a")
        ),
        (None, Reason::Applied)
    );
}

#[test]
fn object_that_changes_its_principal_gets_the_new_entry_first() {
    let mut simulation = cluster(&config(""), Api, "").with("a", spec("a", "a", &["dev"]));
    simulation.settle();
    simulation.change("a", |spec| spec.principal = Principal::Role(role("b")));
    simulation.reconcile_until(Some(Crash::Prepared));
    let decision = simulation.decide(Stage::Writing);
    let changes: Vec<_> = decision
        .entry_changes
        .iter()
        .map(|change| {
            (
                change.change.principal_arn.clone(),
                change.change.after.is_some(),
            )
        })
        .collect();
    assert_eq!(changes, [(role("b"), true), (role("a"), false)]);
    simulation.settle();
    assert_eq!(entry_of(&simulation, "a"), None);
    assert!(entry_of(&simulation, "b").is_some());
    // A lost status is no reason to keep it: the tag and the record name the object.
    simulation.change("a", |spec| spec.principal = Principal::Role(role("c")));
    simulation.objects[0].status.access_entry = None;
    simulation.settle();
    assert_eq!(entry_of(&simulation, "b"), None);
}

#[test]
fn older_object_and_entries_of_aws_auth_come_first() {
    let config = config("backend: access-entries\n");
    let roles = entry("a", "theirs", &["dev"]) + &node_entry("nodes");
    let mut simulation = cluster(&config, ApiAndConfigMap, &roles)
        .with("a", spec("a", "a", &["dev"]))
        .with("nodes", spec("nodes", "n", &["dev"]))
        .with("old", spec("b", "b", &["dev"]))
        .with("young", spec("B", "c", &["dev"]));
    simulation.settle();
    for (name, expected) in [
        ("a", "awsauth unmap role"),
        ("nodes", "nodes sign in with"),
        ("young", "the older AwsAuthMapping old requests"),
    ] {
        let (reason, message) = simulation.ready(name);
        assert!(
            reason == Reason::Conflict && message.contains(expected),
            "{message}"
        );
    }
    assert_eq!(simulation.text("mapRoles"), roles);
    assert_eq!(terms_of(&simulation, "b").username.as_deref(), Some("b"));
}

#[test]
fn mapping_moves_between_the_stores_without_a_gap() {
    let mut simulation =
        cluster(&config(""), ApiAndConfigMap, "").with("a", spec("a", "a", &["dev"]));
    simulation.settle();
    assert!(simulation.text("mapRoles").contains(&role("a")));
    let has_access = |simulation: &Simulation| {
        entry_of(simulation, "a").is_some() || simulation.text("mapRoles").contains(&role("a"))
    };
    for (backend, in_entries) in [("access-entries", true), ("aws-auth", false)] {
        simulation.config = Config::parse(&config(&format!("backend: {backend}\n"))).unwrap();
        for _ in 0..4 {
            simulation.reconcile_until(None);
            assert!(has_access(&simulation));
        }
        simulation.assert_settled();
        assert_eq!(entry_of(&simulation, "a").is_some(), in_entries);
        assert_eq!(
            simulation.text("mapRoles").contains(&role("a")),
            !in_entries
        );
        let status = &simulation.object("a").status;
        assert_eq!(
            (status.entry.is_some(), status.access_entry.is_some()),
            (!in_entries, in_entries)
        );
    }
    // With backend auto, an entry stays where it is.
    simulation.config = Config::parse(&config("")).unwrap();
    simulation.settle();
    assert_eq!(simulation.reason("a"), Reason::Applied);
}

#[test]
fn deletion_retains_or_deletes_and_waits_for_eks() {
    for deletion in [DeletionPolicy::Delete, DeletionPolicy::Retain] {
        let mut simulation = cluster(&config(""), Api, "").with("a", spec("a", "a", &["dev"]));
        simulation.change("a", |spec| spec.deletion = deletion);
        simulation.settle();
        assert_eq!(
            simulation.object("a").has_finalizer,
            deletion == DeletionPolicy::Delete
        );
        simulation.objects[0].has_finalizer = true;
        let entries = simulation.entries.take();
        simulation.delete("a");
        simulation.settle();
        if deletion == DeletionPolicy::Delete {
            let (reason, message) = simulation.ready("a");
            assert!(
                reason == Reason::AwsError && message.contains("deletionPolicy: Retain"),
                "{message}"
            );
        } else {
            assert!(simulation.objects.is_empty());
        }
        simulation.entries = entries;
        simulation.settle();
        assert!(simulation.objects.is_empty());
        assert_eq!(
            entry_of(&simulation, "a").is_some(),
            deletion == DeletionPolicy::Retain
        );
        assert_eq!(simulation.record.to_text(), "");
    }
}

#[test]
fn claim_is_kept_while_eks_may_not_list_the_entry_yet() {
    let entries_only = config("backend: access-entries\n");
    let may_include = |name: Option<&str>| UnlistedAccessEntries {
        any: name.is_none(),
        principals: name.map(role).into_iter().collect(),
    };
    for (mode, is_known) in [(Api, true), (ApiAndConfigMap, false)] {
        let unlisted = |name| may_include(Some(name).filter(|_| is_known));
        let mut simulation = cluster(&entries_only, mode, "").with("a", spec("a", "a", &["dev"]));
        let before = simulation.entries.clone();
        simulation.settle();
        let after = simulation.entries.clone();

        simulation.entries = before.clone();
        simulation.unlisted_entries = unlisted("a");
        simulation.delete("a");
        simulation.settle();
        assert_eq!(simulation.reason("a"), Reason::AwsError);
        simulation.entries = after;
        simulation.unlisted_entries = UnlistedAccessEntries::default();
        simulation.settle();
        assert!(simulation.objects.is_empty());
        assert_eq!(entry_of(&simulation, "a"), None);
        assert_eq!(simulation.record.to_text(), "");

        // The object requests another role, so its status no longer names the first one.
        simulation.create("b", spec("b", "b", &["dev"]));
        simulation.settle();
        let left = terms_of(&simulation, "b").clone();
        simulation.entries = before;
        simulation.unlisted_entries = unlisted("b");
        simulation.change("b", |spec| spec.principal = Principal::Role(role("c")));
        simulation.settle();
        set_entry(&mut simulation, &role("b"), Some(left));
        simulation.unlisted_entries = UnlistedAccessEntries::default();
        simulation.settle();
        assert_eq!(entry_of(&simulation, "b"), None);
        assert!(entry_of(&simulation, "c").is_some());

        // An entry that was never created delays nothing for longer.
        simulation.entries = Some(Arc::new(AccessEntries::new(mode, Some(Vec::new()))));
        simulation.unlisted_entries = unlisted("c");
        simulation.delete("b");
        simulation.reconcile();
        assert_eq!(simulation.objects.len(), 1);
        simulation.unlisted_entries = UnlistedAccessEntries::default();
        simulation.settle();
        assert!(simulation.objects.is_empty());
        assert_eq!(simulation.record.to_text(), "");
    }
}

#[test]
fn expired_object_loses_its_entry_and_stays() {
    for (mode, lines) in [(Api, ""), (ApiAndConfigMap, "backend: access-entries\n")] {
        let mut simulation = cluster(&config(lines), mode, "").with("a", spec("a", "a", &["dev"]));
        let expires_at = simulation
            .now
            .checked_add(jiff::SignedDuration::from_hours(1))
            .unwrap();
        simulation.change("a", |spec| spec.expires_at = Some(expires_at));
        simulation.settle();
        assert!(entry_of(&simulation, "a").is_some());
        let decision = simulation.decide(Stage::Preparing);
        assert_eq!(decision.retry_at, Some(expires_at));
        simulation.wait(3601);
        let events = simulation.settle();
        assert_eq!(entry_of(&simulation, "a"), None);
        let status = &simulation.object("a").status;
        assert_eq!(
            (simulation.reason("a"), &status.access_entry),
            (Reason::Expired, &None)
        );
        let expired = events
            .iter()
            .filter(|event| event.starts_with("Expired a: "));
        assert_eq!(expired.count(), 1, "{events:?}");
        // It is valid again.
        simulation.change("a", |spec| spec.expires_at = None);
        simulation.settle();
        assert_eq!(simulation.reason("a"), Reason::Applied);
        assert!(entry_of(&simulation, "a").is_some());
    }
}

#[test]
fn withdrawn_grant_keeps_or_revokes_the_entry() {
    for revokes in [false, true] {
        let text = match revokes {
            true => config("").replace("  groups:", "  onWithdrawal: Revoke\n  groups:"),
            false => config(""),
        };
        let mut simulation = cluster(&text, Api, "").with("a", spec("a", "a", &["dev"]));
        simulation.change("a", |spec| spec.policies = vec![policy("view")]);
        simulation.settle();
        simulation.config = Config::parse(&text.replace("[view, ", "[")).unwrap();
        let events = simulation.settle();
        let (reason, message) = simulation.ready("a");
        assert_eq!(reason, Reason::Refused);
        assert_eq!(
            message.contains("is kept until the object is deleted"),
            !revokes,
            "{message}"
        );
        assert_eq!(entry_of(&simulation, "a").is_none(), revokes);
        assert_eq!(
            events.iter().any(|event| event.starts_with("Revoked")),
            revokes
        );
    }
}

#[test]
fn protected_principal_and_the_last_administrator_are_kept() {
    let mut simulation = cluster(&config(""), Api, "").with("a", spec("a", "a", &["dev"]));
    simulation.settle();
    simulation.config = Config::parse(&config(&format!(
        "protect: {{arns: [\"{}\"]}}\n",
        role("a")
    )))
    .unwrap();
    simulation.settle();
    assert_eq!(simulation.reason("a"), Reason::Refused);
    simulation.delete("a");
    let events = simulation.settle();
    assert!(
        events.iter().any(|event| event.contains("protect.arns")),
        "{events:?}"
    );
    assert!(entry_of(&simulation, "a").is_some());

    let all = config("").replace("[view,", "[cluster-admin, view,");
    let mut simulation = cluster(&all, Api, "").with("a", spec("a", "a", &[]));
    simulation.change("a", |spec| spec.policies = vec![policy("cluster-admin")]);
    simulation.settle();
    set_entry(&mut simulation, &role("creator"), None);
    simulation.create("b", spec("b", "b", &["dev"]));
    simulation.delete("a");
    simulation.settle();
    let (reason, message) = simulation.ready("a");
    assert!(
        reason == Reason::Refused && message.contains("last known administrator"),
        "{message}"
    );
    // The refusal stops nothing else.
    assert_eq!(simulation.reason("b"), Reason::Applied);
}

#[test]
fn object_gets_no_access_entry_of_a_role_that_nodes_sign_in_with() {
    let group = NodeGroup {
        name: "ng".to_owned(),
        role: Some(role("n")),
        ami_type: "AL2023_x86_64_STANDARD".to_owned(),
        status: "ACTIVE".to_owned(),
        issues: Vec::new(),
    };
    let inventory = node_inventory(vec![group]);
    let entries_only = config("backend: access-entries\n");
    let refuses = |simulation: &Simulation| {
        let (reason, message) = simulation.ready("thief");
        assert!(
            reason == Reason::Conflict
                && message.contains("nodes sign in with")
                && message.ends_with("so delete this object"),
            "{message}"
        );
        assert_eq!(entry_of(simulation, "n"), None);
    };

    // Another client removes an entry that the controller remembers, and no known node group needs.
    let mut simulation = cluster(&entries_only, ApiAndConfigMap, &node_entry("n"))
        .with("thief", spec("n", "mine", &["dev"]));
    simulation.settle();
    simulation.set("mapRoles", "");
    simulation.settle();
    refuses(&simulation);

    // A node group needs the entry of its role, which was never there.
    for mode in [ApiAndConfigMap, Api] {
        let mut simulation =
            cluster(&entries_only, mode, "").with("thief", spec("n", "mine", &["dev"]));
        simulation.node_inventory = inventory.clone();
        simulation.settle();
        refuses(&simulation);
    }
}

#[test]
fn object_loses_its_access_entry_when_the_node_entry_of_its_role_is_back() {
    let mut simulation = cluster(&config("backend: access-entries\n"), ApiAndConfigMap, "")
        .with("thief", spec("n", "mine", &["dev"]));
    simulation.settle();
    assert!(entry_of(&simulation, "n").is_some());
    simulation.set("mapRoles", &node_entry("n"));
    simulation.settle();
    let (reason, message) = simulation.ready("thief");
    assert!(
        reason == Reason::Conflict && message.contains("nodes sign in with"),
        "{message}"
    );
    assert_eq!(entry_of(&simulation, "n"), None);
}

#[test]
fn failed_change_is_reported_and_not_repeated_before_its_time() {
    let mut simulation = cluster(&config(""), Api, "").with("a", spec("a", "a", &["dev"]));
    let retry_at = simulation
        .now
        .checked_add(jiff::SignedDuration::from_secs(60))
        .unwrap();
    let message = "cannot create it: AccessDenied; allow eks:CreateAccessEntry";
    simulation.fail_entry_change("a", message, false, 1, retry_at);
    simulation.settle();
    let (reason, message) = simulation.ready("a");
    assert!(
        reason == Reason::AwsError && message.contains("allow eks:CreateAccessEntry"),
        "{message}"
    );
    assert_eq!(simulation.decide(Stage::Preparing).retry_at, Some(retry_at));
    assert_eq!(simulation.calls, 0);
    simulation.wait(61);
    simulation.settle();
    assert_eq!(
        (simulation.reason("a"), simulation.calls),
        (Reason::Applied, 1)
    );
    assert!(simulation.memory.entry_failures.is_empty());
}

fn permission_set(suffix: &str) -> iam_inventory::Principal {
    let name = format!("AWSReservedSSO_Dev_{suffix}");
    iam_inventory::Principal {
        arn: format!("arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/eu-west-1/{name}"),
        name,
        ..Default::default()
    }
}

fn sso() -> Spec {
    Spec {
        principal: Principal::Sso(Box::new(SsoRole {
            permission_set_name: "Dev".to_owned(),
            account_id: ACCOUNT.to_owned(),
            partition: String::new(),
        })),
        ..spec("unused", "dev:{{SessionName}}", &["dev"])
    }
}

#[test]
fn permission_set_follows_its_role_in_both_stores() {
    for mode in [ConfigMap, Api] {
        let mut simulation = cluster(&config(""), mode, "").with("a", sso());
        simulation.settle();
        let (reason, message) = simulation.ready("a");
        assert!(
            reason == Reason::Refused && message.contains("iam:ListRoles"),
            "{message}"
        );
        assert!(
            simulation
                .decide(Stage::Preparing)
                .aws_query
                .permission_sets
        );

        let (old, new) = ("0123456789abcdef", "fedcba9876543210");
        let names = |simulation: &Simulation| -> Vec<String> {
            let in_aws_auth = simulation.effective().into_keys();
            let entries = simulation
                .entries
                .as_ref()
                .and_then(|entries| entries.all())
                .unwrap_or(&[]);
            let entries = entries
                .iter()
                .map(|entry| entry.principal_arn.to_lowercase());
            let all = in_aws_auth.chain(entries);
            let ours = all.filter(|arn| arn.contains("awsreservedsso"));
            ours.map(|arn| arn.rsplit('_').next().unwrap().to_owned())
                .collect()
        };
        for suffix in [old, new] {
            simulation.aws.permission_set_roles = Known::Is(vec![permission_set(suffix)]);
            let writes = simulation.writes;
            simulation.settle();
            assert_eq!(names(&simulation), [suffix]);
            assert_eq!(simulation.reason("a"), Reason::Applied);
            assert!(mode != ConfigMap || simulation.writes == writes + 1);
        }
        if let Some(entry) = simulation
            .entries
            .as_ref()
            .and_then(|all| all.all()?.last())
        {
            assert_eq!(mode == Api, entry.principal_arn.contains("/aws-reserved/"));
        }
        // Without an answer, or without an assignment, what was written stays.
        for (roles, expected) in [
            (
                Known::Unknown {
                    needs: "iam:ListRoles: AccessDenied".to_owned(),
                },
                "iam:ListRoles: AccessDenied",
            ),
            (
                Known::Is(Vec::new()),
                "no role of the permission set Dev exists",
            ),
            (
                Known::Is(vec![permission_set(old), permission_set(new)]),
                "several roles",
            ),
        ] {
            simulation.aws.permission_set_roles = roles;
            simulation.settle();
            let (reason, message) = simulation.ready("a");
            assert!(
                reason == Reason::Refused && message.contains(expected),
                "{message}"
            );
            assert_eq!(names(&simulation), [new]);
        }
        simulation.delete("a");
        simulation.settle();
        assert_eq!(names(&simulation), [""; 0]);
        assert!(simulation.objects.is_empty());
    }
}

#[test]
fn requester_of_a_permission_set_needs_a_grant_for_all_its_roles() {
    let check = |arns: &str, user: &str| {
        let text = format!("{CONFIG}  arns: [\"{arns}\"]\n  requesters: {{users: [alice]}}\n");
        let config = Config::parse(&text).unwrap();
        check_requester(&config, &sso(), user, &[], &Deadline::default())
    };
    let of = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    for covering in ["AWSReservedSSO_Dev_*", "AWSReservedSSO_*", "*"] {
        assert_eq!(check(&of(covering), "alice"), Ok(()), "{covering}");
        let error = check(&of(covering), "mallory").unwrap_err();
        assert!(
            error.contains("mallory may not request a mapping of"),
            "{error}"
        );
    }
    for other in [
        "AWSReservedSSO_Ops_*",
        "AWSReservedSSO_Dev_0123456789abcdef",
        "AWSReservedSSO_Dev_0*",
    ] {
        let error = check(&of(other), "alice").unwrap_err();
        assert!(
            error.contains("no grant") && error.contains("AWSReservedSSO_Dev_*"),
            "{error}"
        );
    }
}

/// The partition of the cluster is unknown then, so a grant for another partition does not count.
#[test]
fn requester_of_a_permission_set_needs_a_grant_for_each_partition_with_one() {
    let grant = |partition: &str, user: &str| {
        format!(
            "- accounts: [\"{ACCOUNT}\"]\n  groups: [dev]\n  usernames: [\"*\"]\n  \
             arns: [\"arn:{partition}:iam::{ACCOUNT}:role/*\"]\n  requesters: {{users: [{user}]}}\n"
        )
    };
    let (here, china) = (grant("aws", "alice"), grant("aws-cn", "mallory"));
    let config = Config::parse(&format!("grants:\n{here}{china}")).unwrap();
    for user in ["alice", "mallory"] {
        let error = check_requester(&config, &sso(), user, &[], &Deadline::default()).unwrap_err();
        assert!(
            error.starts_with(&format!("{user} may not request")),
            "{error}"
        );
    }
    let both = grant("aws", "mallory");
    let config = Config::parse(&format!("grants:\n{here}{china}{both}")).unwrap();
    let checked = check_requester(&config, &sso(), "mallory", &[], &Deadline::default());
    assert_eq!(checked, Ok(()));
}

/// A change by an object, another client, AWS or the administrator.
#[derive(Clone, Debug)]
enum Step {
    Create(Spec),
    Change(usize, Spec),
    Delete(usize),
    /// Another client writes the access entry of a role, with the tag of an object or without.
    Entry(&'static str, Option<AccessTerms>, Option<usize>),
    Config(&'static str),
    Mode(AuthenticationMode),
    Forge(usize, usize),
    ForgetEks,
    Crash(Crash),
    Reconcile,
}

fn specs() -> impl Strategy<Value = Spec> {
    let name = select(vec!["a", "b", "team/a", "theirs", "creator", "nodes"]);
    let username = select(vec![
        "u",
        "v:{{SessionName}}",
        "system:x",
        "{{SessionName}}",
    ]);
    let groups = select(vec![
        &["dev"][..],
        &[],
        &["view-x", "dev"],
        &["system:masters"],
        &["admins"],
    ]);
    let policies = select(vec![
        &[][..],
        &["view"],
        &["edit:shop-a"],
        &["cluster-admin"],
    ]);
    let deletion = select(vec![
        DeletionPolicy::Delete,
        DeletionPolicy::Delete,
        DeletionPolicy::Retain,
    ]);
    let drift = select(vec![DriftPolicy::Repair, DriftPolicy::Report]);
    (name, username, groups, policies, deletion, drift).prop_map(
        |(name, username, groups, policies, deletion, drift)| Spec {
            policies: policies.iter().map(|text| policy(text)).collect(),
            deletion,
            drift,
            ..spec(name, username, groups)
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let theirs = (select(vec!["u", "theirs"]), select(vec!["dev", "admins"]))
        .prop_map(|(username, group)| terms(username, &[group]));
    let entry = (
        select(vec!["a", "b", "theirs"]),
        proptest::option::of(theirs),
        proptest::option::of(0usize..4),
    )
        .prop_map(|(name, terms, owner)| Step::Entry(name, terms, owner));
    let backends = vec![
        "backend: auto\n",
        "backend: aws-auth\n",
        "backend: access-entries\n",
    ];
    let step = prop_oneof![
        4 => specs().prop_map(Step::Create),
        2 => (0usize..6, specs()).prop_map(|(at, spec)| Step::Change(at, spec)),
        2 => (0usize..6).prop_map(Step::Delete),
        3 => entry,
        1 => select(backends).prop_map(Step::Config),
        1 => select(vec![Api, ApiAndConfigMap]).prop_map(Step::Mode),
        1 => (0usize..6, 0usize..6).prop_map(|(at, from)| Step::Forge(at, from)),
        1 => Just(Step::ForgetEks),
        1 => select(vec![Crash::Prepared, Crash::Written]).prop_map(Step::Crash),
        5 => Just(Step::Reconcile),
    ];
    proptest::collection::vec(step, 1..20)
}

/// Returns all access entries by principal.
fn all(simulation: &Simulation) -> BTreeMap<String, Option<AccessTerms>> {
    let entries = simulation
        .entries
        .as_ref()
        .and_then(|entries| entries.all());
    let entries = entries.unwrap_or(&[]).iter().cloned();
    entries
        .map(|entry| (entry.principal_arn, entry.terms))
        .collect()
}

fn check_changes(before: &Simulation, after: &Simulation) -> Result<(), TestCaseError> {
    let (old, new) = (all(before), all(after));
    for (arn, terms) in &old {
        let uid = terms.as_ref().and_then(|terms| terms.tags.get(OWNER_TAG));
        let is_owned = uid.is_some_and(|uid| before.record.proves_access_entry(uid, arn));
        if !is_owned {
            prop_assert_eq!(new.get(arn), Some(terms), "{} of {:#?}", arn, before);
        }
    }
    for (arn, terms) in &new {
        let Some(terms) = terms.as_ref().filter(|_| old.get(arn) != new.get(arn)) else {
            continue;
        };
        prop_assert!(terms.kind == "STANDARD" && terms.tags.contains_key(OWNER_TAG));
        prop_assert!(
            terms
                .groups
                .iter()
                .all(|group| group == "dev" || group == "view-x"),
            "{terms:?}"
        );
        let is_granted = |policy: &AccessPolicy| match policy.name() {
            "AmazonEKSViewPolicy" => true,
            name => name == "AmazonEKSEditPolicy" && policy.scope != AccessScope::Cluster,
        };
        prop_assert!(terms.policies().iter().all(is_granted), "{terms:?}");
        let reads_aws_auth = before.facts.mode == Some(ApiAndConfigMap);
        prop_assert!(!reads_aws_auth || !arn.ends_with(":role/nodes"));
    }
    prop_assert!(after.text("mapRoles").contains(&node_entry("nodes")));
    Ok(())
}

fn apply(simulation: &mut Simulation, step: &Step) -> Result<(), TestCaseError> {
    let name = |simulation: &Simulation, at: usize| {
        let living: Vec<_> = simulation
            .objects
            .iter()
            .filter(|object| !object.is_deleting)
            .collect();
        living
            .get(at % living.len().max(1))
            .map(|object| object.name.clone())
    };
    match step {
        Step::Create(spec) => {
            let name = format!("o{}-{}", simulation.objects.len(), simulation.calls);
            if simulation.objects.iter().all(|object| object.name != name) {
                simulation.create(&name, spec.clone());
            }
        }
        Step::Change(at, spec) => {
            if let Some(name) = name(simulation, *at) {
                simulation.change(&name, |old| *old = spec.clone());
            }
        }
        Step::Delete(at) => {
            if let Some(name) = name(simulation, *at) {
                simulation.delete(&name);
            }
        }
        Step::Entry(name, terms, owner) => {
            let mut terms = terms.clone();
            let owner = owner.and_then(|at| simulation.objects.get(at));
            let tag = owner.map(|object| (OWNER_TAG.to_owned(), object.uid.clone()));
            if let Some(terms) = &mut terms {
                terms.tags.extend(tag);
            }
            set_entry(simulation, &role(name), terms);
        }
        Step::Config(lines) => {
            simulation.config = Config::parse(&config(lines)).expect("a configuration")
        }
        Step::Mode(mode) => {
            let entries = simulation.entries.take().expect("access entries");
            let all = entries.all().map(<[_]>::to_vec);
            simulation.entries = Some(Arc::new(AccessEntries::new(*mode, all)));
            simulation.facts.mode = Some(*mode);
        }
        Step::Forge(at, from) => {
            let status = simulation
                .objects
                .get(*from)
                .map(|object| object.status.clone());
            if let (Some(status), Some(object)) = (status, simulation.objects.get_mut(*at)) {
                object.status = status;
            }
        }
        Step::ForgetEks => {
            let entries = simulation.entries.take().expect("access entries");
            simulation.entries = Some(Arc::new(AccessEntries::new(entries.mode(), None)));
            simulation.reconcile_until(None);
            simulation.entries = Some(entries);
        }
        Step::Crash(crash) => {
            let before = simulation.clone();
            simulation.reconcile_until(Some(*crash));
            check_changes(&before, simulation)?;
        }
        Step::Reconcile => {
            for _ in 0..6 {
                let before = simulation.clone();
                simulation.reconcile_until(None);
                check_changes(&before, simulation)?;
            }
            simulation.assert_settled();
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Only entries that the tag and the record prove to be an object's change; every change is granted, and all ends at rest.
    #[test]
    fn changes_are_owned_granted_and_end(steps in steps()) {
        let roles = node_entry("nodes") + &entry("ops", "ops", &["system:masters"]);
        let mut simulation = cluster(&config(""), ApiAndConfigMap, &roles);
        set_entry(&mut simulation, &role("theirs"), Some(terms("theirs", &["admins"])));
        for step in steps.iter().chain([&Step::Reconcile]) {
            apply(&mut simulation, step)?;
        }
        // Deleted objects do not stay.
        prop_assert!(simulation.objects.iter().all(|object| !object.is_deleting), "{:#?}", simulation.objects);
    }
}
