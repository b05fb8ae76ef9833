//! Laws that hold for any sequence of changes by objects and other clients.

use std::collections::{BTreeMap, BTreeSet};

use awsauth_core::arn::{Identity, fold};
use awsauth_core::authenticator::{Options, Store, User, is_node};
use awsauth_core::document::{Document, Principal, SectionName};
use awsauth_core::facts::node_inventory::{NodeGroup, NodeInventory};
use awsauth_core::plan::Known;
use awsauth_core::reconcile::{
    ConditionKind, DeletionPolicy, DriftPolicy, EntryRecord, Object, Reason, Spec, Stage,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::simulation::{ACCOUNT, CONFIG, Crash, Simulation, after_start, entry, node_entry, role};

/// A step of the simulation.
#[derive(Clone, Debug)]
enum Step {
    Create(Spec),
    Change(usize, Spec),
    Delete(usize),
    /// Another client writes aws-auth.
    Foreign(Foreign),
    /// A user writes the status of an object: it claims this entry.
    Forge(usize, EntryRecord),
    Grants(u8),
    NodeInventory(u8),
    /// The local clock moves, or jumps back.
    Wait(i64),
    /// How far the API server's clock is ahead from now on.
    ServerClock(Option<i64>),
    Crash(Crash),
    Reconcile,
}

#[derive(Clone, Debug)]
enum Foreign {
    /// Removes entries of mapRoles. The bits select those to keep.
    Drop(u64),
    /// Changes the username of an entry.
    Rename(usize, &'static str),
    /// Adds an entry.
    Add(String),
    Empty,
    Break,
    Fix,
}

fn specs() -> impl Strategy<Value = Spec> {
    let name = select(vec!["a", "b", "c", "D", "d", "nodes", "ops"]);
    let principal = (name, 0..10).prop_map(|(name, kind)| match kind {
        0 => Principal::User(format!("arn:aws:iam::{ACCOUNT}:user/{name}")),
        1 => Principal::Role(format!("arn:aws:iam::{ACCOUNT}:role/team/{name}")),
        2 => Principal::Role(format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/s")),
        3 => Principal::Role(format!("arn:aws:iam::999999999999:role/{name}")),
        4 => Principal::Account(ACCOUNT.to_owned()),
        5 => Principal::User(role(name)),
        _ => Principal::Role(role(name)),
    });
    let username = select(vec![
        "u",
        "v",
        "system:admin",
        "{{SessionName}}",
        "",
        "system:node:{{EC2PrivateDNSName}}",
    ]);
    let group = select(vec![
        "dev",
        "view-x",
        "dev",
        "system:masters",
        "{{SessionName}}:masters",
        "admins",
        "system:nodes",
    ]);
    let policies = (
        select(vec![DeletionPolicy::Delete, DeletionPolicy::Retain]),
        select(vec![DriftPolicy::Repair, DriftPolicy::Report]),
    );
    (principal, username, vec(group, 0..3), policies).prop_map(
        |(principal, username, groups, (deletion, drift))| Spec {
            username: (!matches!(principal, Principal::Account(_))).then(|| username.to_owned()),
            principal,
            groups: groups.into_iter().map(str::to_owned).collect(),
            policies: Vec::new(),
            deletion,
            drift,
            expires_at: None,
        },
    )
}

/// Returns a spec that may expire while the steps run.
fn expiring() -> impl Strategy<Value = Spec> {
    let expires_at = prop::option::of(select(vec![-900i64, 60, 600, 3000]));
    (specs(), expires_at).prop_map(|(spec, seconds)| Spec {
        expires_at: seconds.map(after_start),
        ..spec
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let added = (
        select(vec!["a", "b", "d", "x"]),
        select(vec!["u", "theirs"]),
        select(vec!["dev", "admins"]),
    );
    let foreign = prop_oneof![
        any::<u64>().prop_map(Foreign::Drop),
        (0usize..8, select(vec!["mallory", "u"])).prop_map(|(at, name)| Foreign::Rename(at, name)),
        added.prop_map(|(name, user, group)| Foreign::Add(entry(name, user, &[group]))),
        Just(Foreign::Empty),
        Just(Foreign::Break),
        Just(Foreign::Fix),
    ];
    let forged = (
        select(vec!["a", "b", "ops", "nodes", "x"]),
        select(vec!["u", "ops", "theirs"]),
        select(vec!["dev", "system:masters"]),
    )
        .prop_map(|(name, user, group)| EntryRecord {
            section: SectionName::Roles,
            key: role(name),
            username: user.to_owned(),
            groups: vec![group.to_owned()],
        });
    let step = prop_oneof![
        4 => expiring().prop_map(Step::Create),
        2 => (0usize..6, expiring()).prop_map(|(at, spec)| Step::Change(at, spec)),
        2 => (0usize..6).prop_map(Step::Delete),
        4 => foreign.prop_map(Step::Foreign),
        2 => (0usize..6, forged).prop_map(|(at, entry)| Step::Forge(at, entry)),
        1 => (0u8..3).prop_map(Step::Grants),
        1 => (0u8..4).prop_map(Step::NodeInventory),
        1 => select(vec![30i64, 700, 4000, -700]).prop_map(Step::Wait),
        1 => select(vec![Some(0i64), Some(0), Some(-650), Some(4000), None]).prop_map(Step::ServerClock),
        1 => select(vec![Crash::Prepared, Crash::Written]).prop_map(Step::Crash),
        5 => Just(Step::Reconcile),
    ];
    vec(step, 1..25)
}

/// Returns the mapRoles before any object exists.
fn theirs() -> String {
    format!(
        "# ours\n{}  # two\n{}",
        entry("ops", "ops", &["system:masters"]),
        node_entry("nodes")
    )
}

/// Returns the text of each entry of mapRoles and mapUsers, by section and folded ARN.
fn texts(simulation: &Simulation) -> BTreeMap<(SectionName, String), Vec<String>> {
    let mut texts: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for section in Document::read(&simulation.stored.data).sections() {
        for entry in section.entries() {
            let Some(mapping) = entry.mapping() else {
                continue;
            };
            let text = &section.text().unwrap_or_default()[entry.span.range()];
            let key = (section.name(), fold(mapping.principal.text()).into_owned());
            texts.entry(key).or_default().push(text.to_owned());
        }
    }
    texts
}

/// Returns the entries that objects own according to the ownership record: those in their status, those that match a pending
/// one, those of deleted objects and of objects whose status a user has overwritten, and the revocable ones of vanished objects.
fn owned(simulation: &Simulation) -> BTreeSet<(SectionName, String)> {
    let effective = simulation.effective();
    let is_written = |recorded: &&EntryRecord| {
        let users = effective.get(&recorded.key.to_lowercase());
        users.is_some_and(|users| users.iter().all(|user| user.username == recorded.username))
    };
    let all = simulation.objects.iter().flat_map(|object| {
        let status = &object.status;
        let pending = status.pending.iter().filter(is_written);
        let recorded = status.entry.iter().chain(pending);
        recorded.filter(|recorded| simulation.record.proves(&object.uid, recorded))
    });
    let mut owned: BTreeSet<_> = all
        .map(|recorded| (recorded.section, fold(&recorded.key).into_owned()))
        .collect();
    let keys: Vec<_> = texts(simulation).into_keys().collect();
    let is_forged = |object: &Object| {
        let recorded = object.status.entry.as_ref();
        recorded.is_some_and(|recorded| !simulation.record.proves(&object.uid, recorded))
    };
    let objects = simulation.objects.iter();
    for object in objects.filter(|object| object.is_deleting || is_forged(object)) {
        let keys = keys.iter().cloned();
        owned.extend(keys.filter(|(section, arn)| {
            let entry = EntryRecord {
                section: *section,
                key: arn.clone(),
                username: String::new(),
                groups: Vec::new(),
            };
            simulation.record.proves(&object.uid, &entry)
        }));
    }
    for section in Document::read(&simulation.stored.data).sections() {
        let mappings = section.entries().iter().filter_map(|entry| entry.mapping());
        let records = mappings.map(|mapping| EntryRecord {
            section: section.name(),
            key: mapping.principal.text().to_owned(),
            username: mapping.username.clone(),
            groups: mapping.groups().to_vec(),
        });
        let revocable = records.filter(|entry| simulation.record.is_revocable(entry));
        owned.extend(revocable.map(|entry| (entry.section, fold(&entry.key).into_owned())));
    }
    owned
}

/// Returns the resulting Kubernetes user of each role and user.
fn signed_in(simulation: &Simulation) -> BTreeMap<String, Vec<User>> {
    let document = Document::read(&simulation.stored.data);
    let store = Store::new(&document);
    let arns: BTreeSet<&str> = store.in_force().map(|(arn, _)| arn).collect();
    let users = arns.into_iter().map(|arn| {
        let identity = Identity {
            canonical_arn: arn.to_owned(),
            account: ACCOUNT.to_owned(),
            user_id: String::new(),
            session_name: "system".to_owned(),
            access_key_id: "AKIA".to_owned(),
        };
        let verdict = store.lookup(&identity, &Options::default());
        let users = verdict
            .candidates
            .into_iter()
            .filter_map(|found| found.user.ok());
        (fold(arn).into_owned(), users.collect())
    });
    users.collect()
}

/// Reconciles, and asserts that only allowed changes were made.
fn reconcile_checked(
    simulation: &mut Simulation,
    crash: Option<Crash>,
) -> Result<(), TestCaseError> {
    let (before, before_texts, before_users) =
        (simulation.clone(), texts(simulation), signed_in(simulation));
    let mut owned = owned(simulation);
    simulation.reconcile_until(crash);
    if crash.is_none() {
        simulation.assert_settled();
    }
    if crash.is_none() {
        expired_by_both_clocks(&before, simulation)?;
    }
    // Entries of other clients and node entries keep every byte.
    let after_texts = texts(simulation);
    let document = Document::read(&before.stored.data);
    let nodes: BTreeSet<String> = Store::new(&document)
        .in_force()
        .filter(|(_, slot)| is_node(slot.mapping))
        .map(|(arn, _)| fold(arn).into_owned())
        .collect();
    let restored: BTreeSet<_> = before
        .memory
        .protected
        .values()
        .map(|protected| {
            (
                protected.entry.section,
                fold(&protected.entry.key).into_owned(),
            )
        })
        .collect();
    owned.extend(restored);
    for (key, text) in &before_texts {
        if !owned.contains(key) || nodes.contains(&key.1) {
            prop_assert_eq!(
                after_texts.get(key),
                Some(text),
                "{:?} of\n{:#?}",
                key,
                before
            );
        }
    }
    // Every changed mapping is granted, or is a node entry.
    for (arn, users) in signed_in(simulation) {
        if before_users.get(&arn) == Some(&users) || arn.ends_with(":role/nodes") {
            continue;
        }
        for user in users {
            let is_granted = |group: &String| group == "dev" || group.starts_with("view-");
            prop_assert!(
                user.groups.iter().all(is_granted),
                "{arn} {user:?}\n{before:#?}"
            );
            prop_assert!(!user.username.starts_with("system:"), "{arn} {user:?}");
            let wants = |object: &&awsauth_core::reconcile::Object| {
                object
                    .status
                    .entry
                    .iter()
                    .chain(&object.status.pending)
                    .any(|entry| fold(&entry.key) == arn)
            };
            prop_assert!(
                simulation.objects.iter().find(wants).is_some(),
                "{arn} {user:?}"
            );
            prop_assert!(!simulation.config.grants.is_empty());
        }
    }
    let document = Document::read(&simulation.stored.data);
    let accounts = |simulation: &Simulation| {
        Document::read(&simulation.stored.data)
            .section(SectionName::Accounts)
            .entries()
            .len()
    };
    prop_assert_eq!(accounts(simulation), accounts(&before));
    prop_assert!(
        !document.section(SectionName::Roles).is_unreadable()
            || before.text("mapRoles") == simulation.text("mapRoles")
    );
    Ok(())
}

/// Asserts that objects expire, and are valid again, only when both clocks agree.
fn expired_by_both_clocks(
    before: &Simulation,
    simulation: &Simulation,
) -> Result<(), TestCaseError> {
    for object in &simulation.objects {
        let expires_at = object.spec.as_ref().ok().and_then(|spec| spec.expires_at);
        let reports = |object: &Object| object.status.reason() == Some(Reason::Expired);
        let mut earlier = before.objects.iter();
        let was_reported = earlier.any(|was| was.uid == object.uid && reports(was));
        let clocks = [Some(simulation.now), simulation.server_time()];
        let has_expired = match (expires_at, clocks) {
            _ if object.is_deleting => continue,
            (None, _) => false,
            (Some(at), [Some(local), Some(server)]) if local >= at && server >= at => true,
            (Some(at), [Some(local), Some(server)]) if local < at && server < at => false,
            (Some(_), _) => was_reported,
        };
        prop_assert_eq!(reports(object), has_expired, "{:#?}", before);
        let is_stalled = object.status.condition(ConditionKind::Stalled).is_some();
        prop_assert!(!has_expired || is_stalled || object.status.entry.is_none());
    }
    Ok(())
}

fn apply(simulation: &mut Simulation, step: &Step) -> Result<(), TestCaseError> {
    let named = |simulation: &Simulation, at: usize| {
        let living: Vec<_> = simulation
            .objects
            .iter()
            .filter(|object| !object.is_deleting)
            .collect();
        (!living.is_empty()).then(|| living[at % living.len()].name.clone())
    };
    match step {
        Step::Create(spec) => {
            let name = format!("o{}", simulation.objects.len() + simulation.writes * 100);
            simulation.create(&name, spec.clone());
        }
        Step::Change(at, spec) => {
            if let Some(name) = named(simulation, *at) {
                simulation.change(&name, |old| *old = spec.clone());
            }
        }
        Step::Delete(at) => {
            if let Some(name) = named(simulation, *at) {
                simulation.delete(&name);
            }
        }
        Step::Foreign(foreign) => foreign_write(simulation, foreign),
        Step::Forge(at, entry) => {
            if let Some(name) = named(simulation, *at) {
                simulation.forge_entry(&name, entry.clone());
            }
        }
        Step::Grants(kind) => {
            let text = match kind {
                0 => String::new(),
                1 => CONFIG.to_owned(),
                _ => CONFIG.replace("groups:", "onWithdrawal: Revoke\n  groups:"),
            };
            simulation.config =
                awsauth_core::reconcile::Config::parse(&text).expect("there is one");
        }
        Step::NodeInventory(kind) => simulation.node_inventory = node_inventory(*kind),
        Step::Wait(seconds) => simulation.wait(*seconds),
        Step::ServerClock(ahead) => simulation.server_ahead = *ahead,
        Step::Crash(crash) => reconcile_checked(simulation, Some(*crash))?,
        Step::Reconcile => reconcile_checked(simulation, None)?,
    }
    Ok(())
}

fn node_inventory(kind: u8) -> Known<NodeInventory> {
    let group = |status: &str| NodeGroup {
        name: "ng".to_owned(),
        role: Some(role("nodes")),
        status: status.to_owned(),
        ..NodeGroup::default()
    };
    let groups = match kind {
        0 => return Known::NotRequested,
        1 => Vec::new(),
        2 => vec![group("DELETING")],
        _ => vec![group("ACTIVE")],
    };
    Known::Is(NodeInventory {
        groups: Some(groups),
        profiles: Some(Vec::new()),
        classes: Some(Vec::new()),
        ..NodeInventory::default()
    })
}

const BROKEN: &str = "- rolearn: {{\n";

fn foreign_write(simulation: &mut Simulation, foreign: &Foreign) {
    let text = simulation.text("mapRoles").to_owned();
    let document = Document::read(&simulation.stored.data);
    let entries = document.section(SectionName::Roles).entries();
    let lines: BTreeSet<usize> = entries.iter().map(|entry| entry.line).collect();
    // Splits the text into entries, at their first lines.
    let mut pieces: Vec<String> = vec![String::new()];
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        if lines.contains(&number) {
            pieces.push(String::new());
        }
        pieces.last_mut().expect("there is one").push_str(line);
    }
    let next = match foreign {
        Foreign::Drop(mask) => {
            let left = pieces
                .iter()
                .enumerate()
                .filter(|(at, _)| *at == 0 || mask >> (at % 64) & 1 == 1);
            left.map(|(_, piece)| piece.as_str()).collect()
        }
        Foreign::Rename(at, name) => {
            let at = 1 + at % pieces.len().max(2);
            if let Some(piece) = pieces
                .get_mut(at)
                .filter(|piece| !piece.contains("system:"))
            {
                let lines =
                    piece
                        .lines()
                        .map(|line| match line.trim_start().starts_with("username:") {
                            true => format!("  username: {name}\n"),
                            false => format!("{line}\n"),
                        });
                *piece = lines.collect();
            }
            pieces.concat()
        }
        Foreign::Add(entry) => format!("{text}{entry}"),
        Foreign::Empty => String::new(),
        Foreign::Break => BROKEN.to_owned(),
        Foreign::Fix if text == BROKEN => theirs(),
        Foreign::Fix => text,
    };
    simulation.set("mapRoles", &next);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    /// Never changes entries of other clients and node entries, writes only what is granted, and changes nothing when repeated.
    #[test]
    fn reconcile_writes_only_what_is_requested_and_granted(steps in steps()) {
        let mut simulation = Simulation::new(CONFIG, &theirs());
        for step in &steps {
            apply(&mut simulation, step)?;
        }
        reconcile_checked(&mut simulation, None)?;
    }

    #[test]
    fn order_of_objects_does_not_matter(specs in vec(specs(), 0..8), steps in steps(), seed in any::<u64>()) {
        let mut simulation = Simulation::new(CONFIG, &theirs());
        for step in steps.iter().filter(|step| !matches!(step, Step::Crash(_))) {
            apply(&mut simulation, step)?;
        }
        for (at, spec) in specs.into_iter().enumerate() {
            simulation.create(&format!("new{at}"), spec);
        }
        let mut shuffled = simulation.objects.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        for stage in [Stage::Preparing, Stage::Writing] {
            let (one, other) = (simulation.decide(stage), simulation.decide_about(&shuffled, stage));
            let texts = |plan: Option<awsauth_core::plan::Plan>| plan.map(|plan| plan.change);
            prop_assert_eq!(texts(one.plan), texts(other.plan));
            prop_assert_eq!(one.memory, other.memory);
            let by_uid = |objects: &[awsauth_core::reconcile::Object], reports: Vec<awsauth_core::reconcile::ObjectReport>| -> BTreeMap<String, _> {
                objects.iter().map(|object| object.uid.clone()).zip(reports).collect()
            };
            prop_assert_eq!(by_uid(&simulation.objects, one.reports), by_uid(&shuffled, other.reports));
        }
    }

    /// Without other writes, aws-auth has its original mappings after all objects are deleted.
    #[test]
    fn deleted_objects_leave_no_entries(specs in vec(specs(), 0..12), changed in vec((0usize..12, specs()), 0..6)) {
        let mut simulation = Simulation::new(CONFIG, &theirs());
        let before = (simulation.effective(), simulation.text("mapRoles").to_owned());
        for (at, spec) in specs.into_iter().enumerate() {
            simulation.create(&format!("o{at}"), Spec { deletion: DeletionPolicy::Delete, ..spec });
        }
        reconcile_checked(&mut simulation, None)?;
        for (at, spec) in changed {
            let name = format!("o{at}");
            if simulation.objects.iter().any(|object| object.name == name) {
                simulation.change(&name, |old| *old = Spec { deletion: DeletionPolicy::Delete, ..spec });
            }
            reconcile_checked(&mut simulation, None)?;
        }
        for name in simulation.objects.iter().map(|object| object.name.clone()).collect::<Vec<_>>() {
            simulation.delete(&name);
        }
        reconcile_checked(&mut simulation, None)?;
        prop_assert!(simulation.objects.is_empty());
        prop_assert_eq!((simulation.effective(), simulation.text("mapRoles").to_owned()), before);
    }

    /// Granted objects are applied even if others are refused.
    #[test]
    fn refused_objects_never_block_others(specs in vec(specs(), 0..12)) {
        let mut simulation = Simulation::new(CONFIG, &theirs());
        let free = format!("arn:aws:iam::{ACCOUNT}:role/free");
        for (at, spec) in specs.into_iter().enumerate() {
            simulation.create(&format!("o{at}"), spec);
        }
        let spec = super::simulation::spec("free", "u", &["dev"]);
        simulation.create("free", spec);
        reconcile_checked(&mut simulation, None)?;
        prop_assert_eq!(simulation.reason("free"), Reason::Applied);
        prop_assert!(simulation.effective()[&free][0].username == "u");
        // Every ready object has the entry that it requests.
        let effective = simulation.effective();
        for object in simulation.objects.iter().filter(|object| object.status.reason() == Some(Reason::Applied)) {
            let entry = object.status.entry.as_ref().expect("there is one");
            let users = &effective[&entry.key.to_lowercase()];
            prop_assert!(users.iter().all(|user| user.username == entry.username));
        }
    }

    /// Repairs, reports or ignores a foreign edit of an object's entry, and the object's status shows which.
    #[test]
    fn foreign_edits_are_always_noticed(specs in vec(specs(), 1..8), edits in vec(any::<u64>(), 1..8)) {
        let mut simulation = Simulation::new(CONFIG, &theirs());
        for (at, spec) in specs.into_iter().enumerate() {
            simulation.create(&format!("o{at}"), spec);
        }
        reconcile_checked(&mut simulation, None)?;
        for mask in edits {
            foreign_write(&mut simulation, &Foreign::Drop(mask));
            reconcile_checked(&mut simulation, None)?;
            let effective = simulation.effective();
            for object in &simulation.objects {
                let reason = object.status.reason().expect("there is one");
                let Some(entry) = &object.status.entry else {
                    prop_assert_ne!(reason, Reason::Applied);
                    continue;
                };
                let users = effective.get(&entry.key.to_lowercase());
                let is_current = users.is_some_and(|users| users.iter().all(|user| user.username == entry.username));
                prop_assert_eq!(is_current, reason == Reason::Applied, "{:?}", object);
                prop_assert!(is_current || matches!(reason, Reason::Drifted | Reason::Contested), "{:?}", object);
            }
        }
    }
}
