//! Users of a grant who try to keep their access after it was withdrawn or has expired.

use std::sync::Arc;

use awsauth_core::authenticator::AccessEntries;
use awsauth_core::document::Principal;
use awsauth_core::facts::access_entries::{AccessPolicy, AccessScope};
use awsauth_core::facts::authentication_mode::AuthenticationMode::{Api, ApiAndConfigMap};
use awsauth_core::reconcile::{
    ConditionKind, Config, DeletionPolicy, DriftPolicy, Memory, OWNER_TAG, ObjectKind,
    OwnershipRecord, Reason, Spec, Status,
};
use jiff::SignedDuration;

use super::access_entries::{VIEW, cluster, config, entry_of, policy, set_entry, terms_of};
use super::simulation::{CONFIG, Crash, Simulation, entry, role, spec};

/// Two grants. The first one is withdrawn.
const TWO_GRANTS: &str = r#"
grants:
- {accounts: ["111122223333"], arns: ["*:*:*:*:*:role/a"], groups: [dev], usernames: ["*"], onWithdrawal: Revoke}
- {accounts: ["111122223333"], arns: ["*:*:*:*:*:role/b"], groups: [dev], usernames: ["*"]}
"#;

fn withdraw_first_grant(simulation: &mut Simulation) {
    simulation.config.grants.remove(0);
}

/// The user makes the object request another ARN, which it cannot get, so that its previous entry stays.
fn request_of_another_principal(mut simulation: Simulation) -> Simulation {
    simulation.create("b", spec("b", "b", &["dev"]));
    simulation.create("a", spec("a", "a", &["dev"]));
    simulation.settle();
    simulation.change("a", |spec| spec.principal = Principal::Role(role("b")));
    simulation.settle();
    assert_eq!(simulation.reason("a"), Reason::Conflict);
    withdraw_first_grant(&mut simulation);
    let events = simulation.settle();
    assert!(
        events.iter().any(|event| event.starts_with("Revoked a: ")),
        "{events:?}"
    );
    assert_eq!(simulation.reason("a"), Reason::Conflict);
    simulation
}

#[test]
fn withdrawn_entry_is_removed_although_its_object_requests_another_one() {
    let simulation = request_of_another_principal(Simulation::new(TWO_GRANTS, ""));
    assert_eq!(
        simulation.effective().into_keys().collect::<Vec<_>>(),
        [role("b")]
    );
}

#[test]
fn withdrawn_entry_is_removed_although_a_guard_refuses_what_its_object_requests() {
    let mut simulation = Simulation::new(TWO_GRANTS, "").with("a", spec("a", "a", &["dev"]));
    simulation.settle();
    // Lint refuses unknown templates.
    simulation.change("a", |new| *new = spec("b", "{{Foo}}", &["dev"]));
    simulation.settle();
    assert_eq!(simulation.reason("a"), Reason::Refused);
    assert!(simulation.effective().contains_key(&role("a")));
    withdraw_first_grant(&mut simulation);
    simulation.settle();
    let (reason, message) = simulation.ready("a");
    assert!(
        reason == Reason::Refused && message.contains("unknown-template"),
        "{message}"
    );
    assert!(simulation.effective().is_empty());
}

#[test]
fn withdrawn_access_entry_is_deleted_although_its_object_requests_another_one() {
    let simulation = request_of_another_principal(cluster(TWO_GRANTS, Api, ""));
    assert_eq!(entry_of(&simulation, "a"), None);
    assert!(entry_of(&simulation, "b").is_some());
}

#[test]
fn drift_policy_does_not_keep_an_access_entry_of_the_controller() {
    // A change that EKS carried out in part is not in the status.
    let revoking = config("").replace("  groups:", "  onWithdrawal: Revoke\n  groups:");
    for expires in [false, true] {
        let mut simulation = cluster(&revoking, Api, "").with("a", spec("a", "a", &["dev"]));
        simulation.settle();
        let expires_at = simulation.now.checked_add(SignedDuration::from_hours(1));
        simulation.change("a", |spec| {
            spec.drift = DriftPolicy::Report;
            spec.policies = vec![policy("view"), policy("edit:shop-a")];
            spec.expires_at = Some(expires_at.unwrap()).filter(|_| expires);
        });
        let mut in_part = terms_of(&simulation, "a").clone();
        in_part.policies = Some(vec![AccessPolicy {
            arn: VIEW.to_owned(),
            scope: AccessScope::Cluster,
        }]);
        set_entry(&mut simulation, &role("a"), Some(in_part));
        match expires {
            true => simulation.wait(3601),
            false => simulation.config = Config::parse(&revoking.replace("[dev,", "[x,")).unwrap(),
        }
        simulation.settle();
        assert_eq!(entry_of(&simulation, "a"), None, "expires: {expires}");
    }
}

#[test]
fn removals_do_not_wait_for_changes_that_fail() {
    let mut simulation = cluster(&config(""), Api, "");
    for at in 0..50 {
        simulation.create(
            &format!("junk-{at}"),
            spec(&format!("j{at}"), "j", &["dev"]),
        );
    }
    simulation.create("a", spec("a", "a", &["dev"]));
    let expires_at = simulation.now.checked_add(SignedDuration::from_hours(1));
    simulation.change("a", |spec| spec.expires_at = Some(expires_at.unwrap()));
    simulation.settle();
    simulation.wait(3601);
    // All of them must be created again, and fail whenever they are due.
    for at in 0..50 {
        set_entry(&mut simulation, &role(&format!("j{at}")), None);
        let now = simulation.now;
        simulation.fail_entry_change(&format!("junk-{at}"), "cannot create it", false, 3, now);
    }
    simulation.create("new", spec("new", "new", &["dev"]));
    simulation.reconcile_until(None);
    assert_eq!(entry_of(&simulation, "a"), None);
    assert!(entry_of(&simulation, "new").is_some());
}

#[test]
fn removals_of_access_entries_do_not_wait_for_aws_auth() {
    let lines = config("backend: auto\n");
    let mut simulation = cluster(&lines, ApiAndConfigMap, "");
    simulation.create("busy", spec("busy", "busy", &["dev"]));
    simulation.create("a", spec("a", "a", &["dev"]));
    let expires_at = simulation.now.checked_add(SignedDuration::from_hours(1));
    simulation.change("a", |spec| {
        spec.policies = vec![policy("view")];
        spec.expires_at = Some(expires_at.unwrap());
    });
    simulation.settle();
    assert!(entry_of(&simulation, "a").is_some());
    simulation.wait(3601);
    // A user changes an object before each reconciliation.
    for at in 0..2 {
        let name = format!("busy-{at}");
        simulation.change("busy", |spec| spec.username = Some(name));
        simulation.reconcile_until(None);
    }
    assert_eq!(entry_of(&simulation, "a"), None);
}

#[test]
fn last_administrator_is_not_removed_from_both_stores_at_once() {
    let all = config("")
        .replace("[dev,", "[dev, \"system:masters\",")
        .replace("[view,", "[cluster-admin, view,");
    let mut simulation = cluster(&all, ApiAndConfigMap, "");
    simulation.create("first", spec("first", "first", &["system:masters"]));
    simulation.create("second", spec("second", "second", &[]));
    simulation.change("second", |spec| {
        spec.policies = vec![policy("cluster-admin")]
    });
    simulation.settle();
    set_entry(&mut simulation, &role("creator"), None);
    simulation.delete("first");
    simulation.delete("second");
    simulation.settle();
    let is_left = [
        simulation.effective().contains_key(&role("first")),
        entry_of(&simulation, "second").is_some(),
    ];
    assert_eq!(is_left.iter().filter(|is_left| **is_left).count(), 1);
}

#[test]
fn expired_object_reports_an_access_entry_that_lost_its_tag() {
    let mut simulation = cluster(&config(""), Api, "").with("a", spec("a", "a", &["dev"]));
    let expires_at = simulation.now.checked_add(SignedDuration::from_hours(1));
    simulation.change("a", |spec| spec.expires_at = Some(expires_at.unwrap()));
    simulation.settle();
    let mut untagged = terms_of(&simulation, "a").clone();
    untagged.tags.remove(OWNER_TAG);
    set_entry(&mut simulation, &role("a"), Some(untagged));
    simulation.settle();
    simulation.wait(3601);
    let events = simulation.settle();
    let (reason, message) = simulation.ready("a");
    assert_eq!(reason, Reason::Expired);
    assert!(message.contains("does not name this object"), "{message}");
    let status = &simulation.object("a").status;
    let stalled = status.condition(ConditionKind::Stalled);
    assert!(stalled.is_some_and(|stalled| stalled.is_true));
    let left = events
        .iter()
        .filter(|event| event.starts_with("EntryLeft a: "));
    assert_eq!(left.count(), 1, "{events:?}");
    // With its tag, it is deleted.
    let mut tagged = terms_of(&simulation, "a").clone();
    let uid = simulation.object("a").uid.clone();
    tagged.tags.insert(OWNER_TAG.to_owned(), uid);
    set_entry(&mut simulation, &role("a"), Some(tagged));
    simulation.settle();
    assert_eq!(entry_of(&simulation, "a"), None);
    assert_eq!(simulation.object("a").status.conditions.len(), 1);
}

/// A grant of more permissions, which is withdrawn, and one of fewer permissions for all roles.
const MORE_AND_FEWER: &str = r#"
grants:
- {accounts: ["111122223333"], arns: ["*:*:*:*:*:role/a"], groups: [admins], usernames: ["*"], onWithdrawal: Revoke}
- {accounts: ["111122223333"], groups: [dev], policies: [view], usernames: ["*"]}
"#;

/// Reconciles a few times, without an end.
fn reconcile_unsettled(simulation: &mut Simulation) {
    for _ in 0..4 {
        simulation.reconcile_until(None);
    }
}

fn groups_of(simulation: &Simulation, name: &str) -> Vec<String> {
    let mut effective = simulation.effective();
    let users = effective.remove(&role(name)).into_iter().flatten();
    users.flat_map(|user| user.groups).collect()
}

#[test]
fn leaving_entry_is_removed_although_its_next_owner_cannot_be_recorded() {
    for expires in [false, true] {
        let mut simulation =
            Simulation::new(MORE_AND_FEWER, "").with("a", spec("a", "a", &["admins"]));
        let expires_at = simulation.now.checked_add(SignedDuration::from_hours(1));
        simulation.change("a", |spec| {
            spec.expires_at = Some(expires_at.unwrap()).filter(|_| expires)
        });
        simulation.settle();
        // Its owner has added so many finalizers that the controller cannot add its own.
        simulation.create("b", spec("a", "b", &["dev"]));
        simulation.unrecordable = Some("b");
        match expires {
            true => simulation.wait(3601),
            false => simulation.delete("a"),
        }
        reconcile_unsettled(&mut simulation);
        assert_eq!(groups_of(&simulation, "a"), [""; 0], "expires: {expires}");
        let is_left = simulation.objects.iter().any(|object| object.name == "a");
        assert_eq!(is_left, expires);
        simulation.unrecordable = None;
        simulation.settle();
        assert_eq!(groups_of(&simulation, "a"), ["dev"]);
    }
}

#[test]
fn withdrawn_entry_is_removed_although_no_request_can_be_recorded() {
    let settled = Simulation::new(MORE_AND_FEWER, "").with("a", spec("a", "a", &["admins"]));
    // The object requests another ARN, or fewer permissions for the same one.
    let mut other_arn = settled.clone();
    other_arn.settle();
    let mut fewer_rights = other_arn.clone();
    other_arn.change("a", |new| *new = spec("c", "a", &["dev"]));
    fewer_rights.change("a", |new| *new = spec("a", "a", &["dev"]));
    for simulation in [&mut other_arn, &mut fewer_rights] {
        simulation.objects[0].has_finalizer = false;
        simulation.unrecordable = Some("a");
    }
    // The object is deleted without its entry, and another one requests the ARN.
    let mut vanished = settled;
    vanished.change("a", |spec| spec.deletion = DeletionPolicy::Retain);
    vanished.settle();
    vanished.delete("a");
    vanished.settle();
    vanished.create("b", spec("a", "a", &["dev"]));
    vanished.unrecordable = Some("b");
    for mut simulation in [other_arn, fewer_rights, vanished] {
        reconcile_unsettled(&mut simulation);
        assert_eq!(groups_of(&simulation, "a"), ["admins"]);
        withdraw_first_grant(&mut simulation);
        reconcile_unsettled(&mut simulation);
        assert!(simulation.effective().is_empty(), "{simulation:#?}");
        simulation.unrecordable = None;
        simulation.settle();
        assert!(simulation.effective().len() == 1);
    }
}

#[test]
fn withdrawn_entry_is_removed_although_the_requested_one_drifted() {
    let mut simulation = Simulation::new(MORE_AND_FEWER, "").with("a", spec("c", "a", &["dev"]));
    simulation.settle();
    simulation.change("a", |new| *new = spec("a", "a", &["admins"]));
    simulation.reconcile_until(Some(Crash::Written));
    simulation.change("a", |new| {
        *new = spec("c", "a", &["dev"]);
        new.drift = DriftPolicy::Report;
    });
    simulation.settle();
    assert_eq!(simulation.reason("a"), Reason::Drifted);
    assert_eq!(groups_of(&simulation, "a"), ["admins"]);
    withdraw_first_grant(&mut simulation);
    simulation.settle();
    assert_eq!(simulation.reason("a"), Reason::Drifted);
    assert!(simulation.effective().is_empty());
}

#[test]
fn pending_record_does_not_hide_the_written_entry() {
    let mut simulation = Simulation::new(MORE_AND_FEWER, "").with("a", spec("a", "a", &["dev"]));
    simulation.change("a", |spec| spec.drift = DriftPolicy::Report);
    simulation.settle();
    simulation.change("a", |spec| spec.username = Some("b".to_owned()));
    simulation.reconcile_until(Some(Crash::Prepared));
    simulation.delete("a");
    simulation.settle();
    assert!(simulation.effective().is_empty());
}

#[test]
fn withdrawn_access_entry_is_deleted_whatever_its_object_requests() {
    let mut settled = cluster(MORE_AND_FEWER, Api, "").with("a", spec("a", "a", &["admins"]));
    settled.settle();
    // EKS accepts no such username.
    let mut unsupported = settled.clone();
    unsupported.change("a", |new| *new = spec("a", "x-{{SessionName}}", &["dev"]));
    unsupported.settle();
    assert_eq!(unsupported.reason("a"), Reason::Unsupported);
    // The finalizer that the next entry needs cannot be added.
    let mut unrecordable = settled.clone();
    unrecordable.change("a", |new| *new = spec("c", "a", &["dev"]));
    unrecordable.objects[0].has_finalizer = false;
    unrecordable.unrecordable = Some("a");
    // EKS refuses the change.
    let mut refused = settled;
    refused.change("a", |new| *new = spec("a", "b", &["dev"]));
    let retry_at = refused.now.checked_add(SignedDuration::from_mins(9));
    refused.fail_entry_change("a", "cannot change it", false, 3, retry_at.unwrap());
    // The mapping moves to aws-auth, where another entry exists.
    let roles = entry("c", "theirs", &["dev"]);
    let mut moved =
        cluster(MORE_AND_FEWER, ApiAndConfigMap, &roles).with("a", spec("a", "a", &["admins"]));
    moved.config = Config::parse(&format!("{MORE_AND_FEWER}backend: access-entries\n")).unwrap();
    moved.settle();
    moved.config = Config::parse(MORE_AND_FEWER).unwrap();
    moved.change("a", |new| *new = spec("c", "a", &["dev"]));
    moved.settle();
    assert_eq!(moved.reason("a"), Reason::Conflict);
    for mut simulation in [unsupported, unrecordable, refused, moved] {
        reconcile_unsettled(&mut simulation);
        assert_eq!(terms_of(&simulation, "a").groups, ["admins"]);
        withdraw_first_grant(&mut simulation);
        reconcile_unsettled(&mut simulation);
        let terms = entry_of(&simulation, "a").and_then(|entry| entry.terms.as_ref());
        let has_access = terms.is_some_and(|terms| terms.groups.contains(&"admins".to_owned()));
        assert!(!has_access, "{simulation:#?}");
        simulation.unrecordable = None;
        simulation.settle();
    }
}

#[test]
fn withdrawn_entry_is_removed_although_its_mapping_moves_to_an_access_entry() {
    let mut simulation =
        cluster(MORE_AND_FEWER, ApiAndConfigMap, "").with("a", spec("a", "a", &["admins"]));
    simulation.settle();
    simulation.change("a", |new| {
        *new = spec("a", "x-{{SessionName}}", &["dev"]);
        new.policies = vec![policy("view")];
    });
    simulation.settle();
    assert_eq!(simulation.reason("a"), Reason::Unsupported);
    assert_eq!(groups_of(&simulation, "a"), ["admins"]);
    withdraw_first_grant(&mut simulation);
    let events = simulation.settle();
    assert!(
        events.iter().any(|event| event.starts_with("Revoked a: ")),
        "{events:?}"
    );
    assert!(simulation.effective().is_empty());
    assert_eq!(simulation.object("a").status.entry, None);
}

/// EKS does not list the access entries, or not the contents of this one.
fn hide(simulation: &mut Simulation, name: Option<&str>) {
    let entries = simulation.entries.take().expect("access entries");
    let all = name.map(|name| {
        let mut all = entries.all().expect("a complete list").to_vec();
        let mut of_role = all.iter_mut();
        let hidden = of_role.find(|entry| entry.principal_arn == role(name));
        hidden.expect("an entry").terms = None;
        all
    });
    simulation.entries = Some(Arc::new(AccessEntries::new(entries.mode(), all)));
}

#[test]
fn access_entry_that_eks_does_not_return_is_deleted_later() {
    for hidden in [None, Some("a")] {
        for lost_status in [false, true] {
            let mut simulation =
                cluster(MORE_AND_FEWER, Api, "").with("a", spec("a", "a", &["admins"]));
            simulation.settle();
            let entries = simulation.entries.clone();
            // The controller was stopped between the creation and the status.
            if lost_status {
                simulation.objects[0].status.access_entry = None;
            }
            let (mut deleted, mut withdrawn, mut expired) =
                (simulation.clone(), simulation.clone(), simulation);
            deleted.delete("a");
            withdraw_first_grant(&mut withdrawn);
            let expires_at = expired.now;
            expired.change("a", |spec| spec.expires_at = Some(expires_at));
            for simulation in [&mut deleted, &mut withdrawn, &mut expired] {
                hide(simulation, hidden);
                let events = simulation.settle();
                assert!(
                    !events.iter().any(|event| event.starts_with("EntryLeft")),
                    "{events:?}"
                );
                assert_eq!(simulation.objects.len(), 1, "{hidden:?} {lost_status}");
                simulation.entries.clone_from(&entries);
                simulation.settle();
                assert_eq!(entry_of(simulation, "a"), None, "{hidden:?} {lost_status}");
            }
            assert_eq!(expired.reason("a"), Reason::Expired);
            assert!(deleted.objects.is_empty());
            assert_eq!(deleted.record.to_text(), "");
        }
    }
}

#[test]
fn failed_removal_does_not_wait_for_a_time_before_the_clock_was_corrected() {
    let mut simulation = cluster(&config(""), Api, "").with("a", spec("a", "a", &["dev"]));
    simulation.settle();
    simulation.delete("a");
    let tomorrow = simulation.now.checked_add(SignedDuration::from_hours(24));
    simulation.fail_entry_change("a", "cannot delete it", true, 1, tomorrow.unwrap());
    simulation.settle();
    assert!(simulation.objects.is_empty());
}

#[test]
fn access_entry_of_a_vanished_object_is_deleted_once_its_grant_is_withdrawn() {
    for has_finalizer in [true, false] {
        let mut simulation =
            cluster(MORE_AND_FEWER, Api, "").with("a", spec("a", "a", &["admins"]));
        simulation.change("a", |spec| spec.deletion = DeletionPolicy::Retain);
        simulation.settle();
        simulation.objects[0].has_finalizer = has_finalizer;
        simulation.delete("a");
        simulation.settle();
        assert!(simulation.objects.is_empty());
        assert!(entry_of(&simulation, "a").is_some());
        // EKS does not list the entries for a while.
        let entries = simulation.entries.clone();
        hide(&mut simulation, None);
        simulation.settle();
        simulation.entries = entries;
        simulation.settle();
        withdraw_first_grant(&mut simulation);
        let events = simulation.settle();
        assert_eq!(entry_of(&simulation, "a"), None);
        assert!(
            events.len() == 1 && events[0].starts_with("Revoked aws-auth: the access entry of "),
            "{events:?}"
        );
        assert_eq!(simulation.record.to_text(), "");
    }
}

#[test]
fn access_entry_is_not_deleted_before_aws_auth_has_its_mapping() {
    let with = |backend: &str| Config::parse(&config(&format!("backend: {backend}\n"))).unwrap();
    let mut simulation = cluster(&config(""), ApiAndConfigMap, "");
    simulation.config = with("access-entries");
    simulation.create("a", spec("a", "a", &["dev"]));
    simulation.settle();
    assert!(entry_of(&simulation, "a").is_some());
    // For example because aws-auth is immutable.
    simulation.refuses_writes = true;
    simulation.config = with("aws-auth");
    reconcile_unsettled(&mut simulation);
    assert!(simulation.effective().is_empty());
    assert!(entry_of(&simulation, "a").is_some());
    simulation.refuses_writes = false;
    simulation.settle();
    assert_eq!(groups_of(&simulation, "a"), ["dev"]);
    assert_eq!(entry_of(&simulation, "a"), None);
}

#[test]
fn access_entry_of_a_vanished_object_is_deleted_although_eks_did_not_return_its_policies() {
    let lines = r#"
grants:
- {accounts: ["111122223333"], groups: [dev], policies: [cluster-admin], usernames: ["*"], onWithdrawal: Revoke}
- {accounts: ["111122223333"], groups: [dev], policies: [view], usernames: ["*"]}
"#;
    let mut simulation = cluster(lines, Api, "").with("a", spec("a", "a", &["dev"]));
    simulation.change("a", |spec| {
        spec.policies = vec![policy("cluster-admin")];
        spec.deletion = DeletionPolicy::Retain;
    });
    simulation.settle();
    simulation.delete("a");
    simulation.settle();
    let entries = simulation.entries.clone();
    // The grant is withdrawn while EKS throttles.
    let mut without_policies = terms_of(&simulation, "a").clone();
    without_policies.policies = None;
    set_entry(&mut simulation, &role("a"), Some(without_policies));
    withdraw_first_grant(&mut simulation);
    reconcile_unsettled(&mut simulation);
    assert!(entry_of(&simulation, "a").is_some());
    simulation.entries = entries;
    simulation.settle();
    assert_eq!(entry_of(&simulation, "a"), None);
}

#[test]
fn deleted_object_with_an_invalid_spec_keeps_its_entry_only_with_retain() {
    for (policy, is_kept) in [
        (DeletionPolicy::Delete, false),
        (DeletionPolicy::Retain, true),
    ] {
        let mut simulation = Simulation::new(TWO_GRANTS, "").with("b", spec("b", "b", &["dev"]));
        simulation.settle();
        simulation.invalidate("b", policy, None);
        simulation.delete("b");
        simulation.settle();
        assert_eq!(simulation.effective().contains_key(&role("b")), is_kept);
        assert!(simulation.objects.is_empty());

        let mut simulation = cluster(TWO_GRANTS, Api, "").with("b", spec("b", "b", &["dev"]));
        simulation.settle();
        assert!(entry_of(&simulation, "b").is_some());
        simulation.invalidate("b", policy, None);
        simulation.delete("b");
        simulation.settle();
        assert_eq!(entry_of(&simulation, "b").is_some(), is_kept);
        assert!(simulation.objects.is_empty());
    }
}

/// Returns a cluster that maps role a for object a in aws-auth, and one that does so in access entries. `change` applies to the spec.
fn in_each_store(change: impl Fn(&mut Spec)) -> [Simulation; 2] {
    let stores = [
        Simulation::new(&config(""), ""),
        cluster(&config(""), Api, ""),
    ];
    stores.map(|mut simulation| {
        simulation.create("a", spec("a", "a", &["dev"]));
        simulation.change("a", &change);
        simulation.settle();
        assert!(has_access(&simulation));
        simulation
    })
}

fn has_access(simulation: &Simulation) -> bool {
    simulation.effective().contains_key(&role("a")) || entry_of(simulation, "a").is_some()
}

/// Requests a role that no grant covers, so that the object is refused and keeps its entry.
fn request_ungranted(simulation: &mut Simulation) {
    let ungranted = "arn:aws:iam::999999999999:role/none".to_owned();
    simulation.change("a", |spec| spec.principal = Principal::Role(ungranted));
}

#[test]
fn object_with_an_entry_gets_its_finalizer_back_whatever_its_outcome() {
    type Evasion = fn(&mut Simulation);
    let evasions: [(&str, Evasion); 6] = [
        ("the policy was Retain", |simulation| {
            simulation.change("a", |spec| spec.deletion = DeletionPolicy::Retain);
            simulation.settle();
            assert!(!simulation.object("a").has_finalizer);
            simulation.change("a", |spec| spec.deletion = DeletionPolicy::Delete);
        }),
        ("stripped", |simulation| {
            simulation.objects[0].has_finalizer = false;
        }),
        ("stripped, and refused", |simulation| {
            simulation.objects[0].has_finalizer = false;
            request_ungranted(simulation);
        }),
        ("refused, then stripped", |simulation| {
            request_ungranted(simulation);
            simulation.settle();
            simulation.objects[0].has_finalizer = false;
        }),
        ("refused with Retain", |simulation| {
            simulation.change("a", |spec| spec.deletion = DeletionPolicy::Retain);
            request_ungranted(simulation);
            simulation.settle();
            simulation.change("a", |spec| spec.deletion = DeletionPolicy::Delete);
        }),
        ("stripped, and invalid", |simulation| {
            simulation.objects[0].has_finalizer = false;
            simulation.invalidate("a", DeletionPolicy::Delete, None);
        }),
    ];
    for (evasion, evade) in evasions {
        for mut simulation in in_each_store(|_| {}) {
            evade(&mut simulation);
            simulation.settle();
            assert!(has_access(&simulation), "{evasion}");
            assert!(simulation.object("a").has_finalizer, "{evasion}");
            simulation.delete("a");
            simulation.settle();
            assert!(!has_access(&simulation), "{evasion}");
            assert!(simulation.objects.is_empty());
            assert_eq!(simulation.record.to_text(), "");
        }
    }
}

/// Lets an object vanish before the controller acts: a user removed its finalizer.
fn vanish(simulation: &mut Simulation) {
    simulation.objects.retain(|object| object.name != "a");
}

#[test]
fn entry_of_an_object_that_vanished_is_removed() {
    for expires in [false, true] {
        for is_refused in [false, true] {
            let stores = in_each_store(|spec| {
                let expires_at = super::simulation::after_start(3600);
                spec.expires_at = Some(expires_at).filter(|_| expires);
            });
            for mut simulation in stores {
                if is_refused {
                    request_ungranted(&mut simulation);
                    simulation.settle();
                }
                vanish(&mut simulation);
                let events = simulation.settle();
                assert!(!has_access(&simulation), "{expires} {is_refused}");
                assert!(
                    events.len() == 1
                        && events[0].starts_with("Removed aws-auth: ")
                        && events[0].contains("finalizer"),
                    "{events:?}"
                );
                assert_eq!(simulation.record.to_text(), "");
            }
        }
    }
}

#[test]
fn entry_of_an_object_that_vanished_is_removed_once_it_can_be_read() {
    let [mut in_aws_auth, mut in_access_entries] = in_each_store(|_| {});
    let text = in_aws_auth.text("mapRoles").to_owned();
    in_aws_auth.set("mapRoles", &format!("{text}- [\n"));
    vanish(&mut in_aws_auth);
    in_aws_auth.settle();
    in_aws_auth.set("mapRoles", &text);
    in_aws_auth.settle();
    assert!(!has_access(&in_aws_auth));

    for hidden in [None, Some("a")] {
        let mut simulation = in_access_entries.clone();
        let entries = simulation.entries.clone();
        hide(&mut simulation, hidden);
        vanish(&mut simulation);
        simulation.settle();
        simulation.entries = entries;
        simulation.settle();
        assert!(!has_access(&simulation), "{hidden:?}");
    }
    // The entry is created, but not in the status.
    vanish(&mut in_access_entries);
    in_access_entries.create("a", spec("a", "a", &["dev"]));
    in_access_entries.settle();
    assert!(has_access(&in_access_entries));
    assert_eq!(in_access_entries.reason("a"), Reason::Applied);
}

#[test]
fn entry_of_an_object_that_vanished_stays_without_proof_that_it_must_go() {
    type Change = fn(&mut Simulation);
    let changes: [(&str, Change); 6] = [
        ("an earlier version wrote the record", |simulation| {
            let text = simulation.record.to_text();
            let lines = text.lines();
            let old = lines.filter(|line| !line.contains("Delete") && !line.contains("Owner"));
            let old: Vec<&str> = old.collect();
            assert_eq!(old.len(), 1, "{text}");
            simulation.record = OwnershipRecord::parse(&old.join("\n"));
        }),
        ("the record is lost", |simulation| {
            simulation.record = OwnershipRecord::default();
        }),
        ("the policy is Retain", |simulation| {
            simulation.change("a", |spec| spec.deletion = DeletionPolicy::Retain);
            simulation.settle();
        }),
        ("the policy of an invalid spec is Retain", |simulation| {
            simulation.invalidate("a", DeletionPolicy::Retain, None);
            simulation.settle();
        }),
        ("it is protected", |simulation| {
            let lines = format!("protect:\n  arns: [\"{}\"]\n", role("a"));
            simulation.config = Config::parse(&config(&lines)).unwrap();
            simulation.settle();
        }),
        (
            "the kind may be one that the controller stops reading",
            |simulation| {
                simulation.objects[0].kind = ObjectKind::IamIdentityMapping;
                simulation.settle();
            },
        ),
    ];
    for (why, change) in changes {
        for mut simulation in in_each_store(|_| {}) {
            change(&mut simulation);
            vanish(&mut simulation);
            simulation.settle();
            assert!(has_access(&simulation), "{why}");
            assert_eq!(simulation.record.to_text(), "", "{why}");
            simulation.config = Config::parse(&config("")).unwrap();
            simulation.settle();
            assert!(has_access(&simulation), "{why}");
        }
    }
    // Another client has changed the entry since, or wrote it again.
    let [mut changed, _] = in_each_store(|_| {});
    let text = changed.text("mapRoles").replace("dev", "view-y");
    vanish(&mut changed);
    let mut written_again = changed.clone();
    changed.set("mapRoles", &text);
    changed.settle();
    assert_eq!(groups_of(&changed, "a"), ["view-y"]);
    let text = written_again.text("mapRoles").to_owned();
    written_again.settle();
    written_again.set("mapRoles", &text);
    written_again.settle();
    assert_eq!(groups_of(&written_again, "a"), ["dev"]);
}

#[test]
fn next_object_takes_over_the_entry_of_an_object_that_vanished() {
    for groups in [["dev"], ["view-x"]] {
        for mut simulation in in_each_store(|_| {}) {
            vanish(&mut simulation);
            simulation.create("b", spec("a", "a", &groups));
            simulation.settle();
            assert_eq!(simulation.reason("b"), Reason::Applied);
            assert!(has_access(&simulation));
            simulation.delete("b");
            simulation.settle();
            assert!(!has_access(&simulation));
        }
    }
}

#[test]
fn last_administrator_is_not_removed_because_its_object_vanished() {
    let all = config("").replace("[dev,", "[dev, \"system:masters\",");
    let mut simulation = Simulation::new(&all, "").with("a", spec("a", "a", &["system:masters"]));
    simulation.settle();
    vanish(&mut simulation);
    let events = simulation.settle();
    assert!(has_access(&simulation));
    assert!(
        events.len() == 1 && events[0].contains("cannot be removed: guard "),
        "{events:?}"
    );
    let roles = format!(
        "{}{}",
        simulation.text("mapRoles"),
        entry("admin", "admin", &["system:masters"])
    );
    simulation.set("mapRoles", &roles);
    simulation.settle();
    assert!(!has_access(&simulation));
}

/// The status of an IAMIdentityMapping is lost with the process. Users may be able to overwrite that of an AwsAuthMapping.
#[test]
fn entry_that_no_status_names_is_removed_with_its_object() {
    for kind in [ObjectKind::IamIdentityMapping, ObjectKind::AwsAuthMapping] {
        for is_invalid in [false, true] {
            let mut simulation = Simulation::new(CONFIG, "");
            simulation.create("a", spec("a", "a", &["dev"]));
            simulation.objects[0].kind = kind;
            simulation.settle();
            match is_invalid {
                true => simulation.invalidate("a", DeletionPolicy::Delete, None),
                false => request_ungranted(&mut simulation),
            }
            simulation.settle();
            for _ in 0..2 {
                simulation.objects[0].status = Status::default();
                simulation.memory = Memory::default();
                simulation.settle();
                let (reason, message) = simulation.ready("a");
                assert_eq!(reason, Reason::Refused);
                assert!(
                    message.contains("is kept until the object is deleted"),
                    "{message}"
                );
            }
            simulation.objects[0].is_deleting = true;
            simulation.settle();
            assert!(!has_access(&simulation), "{kind:?} {is_invalid}");
            assert!(simulation.objects.is_empty());
            assert_eq!(simulation.record.to_text(), "");
        }
    }
}
