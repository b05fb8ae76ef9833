//! What holds whatever objects come and go, and whatever others do to aws-auth meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use awsauth::arn::{Identity, fold};
use awsauth::document::{Document, Principal, SectionName};
use awsauth::effect::{Options, Store, User, is_node};
use awsauth::facts::fleet::{Fleet, NodeGroup};
use awsauth::plan::Known;
use awsauth::reconcile::{DeletionPolicy, DriftPolicy, Reason, Recorded, Spec, Stage};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::world::{ACCOUNT, CONFIG, Crash, World, entry, node_entry, role};

/// What somebody does.
#[derive(Clone, Debug)]
enum Step {
    Create(Spec),
    Change(usize, Spec),
    Delete(usize),
    /// Somebody else writes aws-auth.
    Foreign(Foreign),
    Grants(bool),
    Fleet(u8),
    Pass(i64),
    Crash(Crash),
    Look,
}

#[derive(Clone, Debug)]
enum Foreign {
    /// Of the entries of mapRoles, those that are left.
    Drop(u64),
    /// Another username for one of them.
    Rename(usize, &'static str),
    /// One entry more.
    Add(String),
    Empty,
    Break,
    Mend,
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
            deletion,
            drift,
        },
    )
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
        Just(Foreign::Mend),
    ];
    let step = prop_oneof![
        4 => specs().prop_map(Step::Create),
        2 => (0usize..6, specs()).prop_map(|(at, spec)| Step::Change(at, spec)),
        2 => (0usize..6).prop_map(Step::Delete),
        4 => foreign.prop_map(Step::Foreign),
        1 => any::<bool>().prop_map(Step::Grants),
        1 => (0u8..4).prop_map(Step::Fleet),
        1 => select(vec![30i64, 700, 4000]).prop_map(Step::Pass),
        1 => select(vec![Crash::Prepared, Crash::Written]).prop_map(Step::Crash),
        5 => Just(Step::Look),
    ];
    vec(step, 1..25)
}

/// What stands in aws-auth before any object: with a style of its own.
fn theirs() -> String {
    format!(
        "# ours\n{}  # two\n{}",
        entry("ops", "ops", &["system:masters"]),
        node_entry("nodes")
    )
}

/// The text of each entry of mapRoles and mapUsers, by section and folded ARN.
fn texts(world: &World) -> BTreeMap<(SectionName, String), Vec<String>> {
    let mut texts: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for section in Document::read(&world.stored.data).sections() {
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

/// The entries that are some object's: those that it wrote, and those that read as it was about to write them.
fn owned(world: &World) -> BTreeSet<(SectionName, String)> {
    let meaning = world.meaning();
    let is_said = |recorded: &&Recorded| {
        let users = meaning.get(&recorded.key.to_lowercase());
        users.is_some_and(|users| users.iter().all(|user| user.username == recorded.username))
    };
    let statuses = world.objects.iter().map(|object| &object.status);
    let all = statuses.flat_map(|status| {
        let pending = status.pending.iter().filter(is_said);
        status.entry.iter().chain(pending)
    });
    all.map(|recorded| (recorded.section, fold(&recorded.key).into_owned()))
        .collect()
}

/// What whoever signs in as `system` with one of the roles or users becomes.
fn signed_in(world: &World) -> BTreeMap<String, Vec<User>> {
    let document = Document::read(&world.stored.data);
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

/// A look, and what may come of it at most.
fn look(world: &mut World, crash: Option<Crash>) -> Result<(), TestCaseError> {
    let (before, before_texts, before_users) = (world.clone(), texts(world), signed_in(world));
    let mut owned = owned(world);
    world.look_until(crash);
    if crash.is_none() {
        world.is_settled();
    }
    // Others' entries keep every byte, and so do node entries; what a look is about to write is recorded, and was not there.
    let after_texts = texts(world);
    let document = Document::read(&before.stored.data);
    let nodes: BTreeSet<String> = Store::new(&document)
        .in_force()
        .filter(|(_, slot)| is_node(slot.mapping))
        .map(|(arn, _)| fold(arn).into_owned())
        .collect();
    let back: BTreeSet<_> = before
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
    owned.extend(back);
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
    // Whoever becomes somebody else is granted that, or nodes are.
    for (arn, users) in signed_in(world) {
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
            let wants = |object: &&awsauth::reconcile::Object| {
                object
                    .status
                    .entry
                    .iter()
                    .chain(&object.status.pending)
                    .any(|entry| fold(&entry.key) == arn)
            };
            prop_assert!(world.objects.iter().find(wants).is_some(), "{arn} {user:?}");
            prop_assert!(!world.config.grants.is_empty());
        }
    }
    let document = Document::read(&world.stored.data);
    let accounts = |world: &World| {
        Document::read(&world.stored.data)
            .section(SectionName::Accounts)
            .entries()
            .len()
    };
    prop_assert_eq!(accounts(world), accounts(&before));
    prop_assert!(
        !document.section(SectionName::Roles).is_unreadable()
            || before.text("mapRoles") == world.text("mapRoles")
    );
    Ok(())
}

fn take(world: &mut World, step: &Step) -> Result<(), TestCaseError> {
    let named = |world: &World, at: usize| {
        let living: Vec<_> = world
            .objects
            .iter()
            .filter(|object| !object.is_deleting)
            .collect();
        (!living.is_empty()).then(|| living[at % living.len()].name.clone())
    };
    match step {
        Step::Create(spec) => {
            let name = format!("o{}", world.objects.len() + world.writes * 100);
            world.create(&name, spec.clone());
        }
        Step::Change(at, spec) => {
            if let Some(name) = named(world, *at) {
                world.change(&name, |old| *old = spec.clone());
            }
        }
        Step::Delete(at) => {
            if let Some(name) = named(world, *at) {
                world.delete(&name);
            }
        }
        Step::Foreign(foreign) => disturb(world, foreign),
        Step::Grants(given) => {
            let text = if *given { CONFIG } else { "" };
            world.config = awsauth::reconcile::Config::parse(text).expect("there is one");
        }
        Step::Fleet(kind) => world.fleet = fleet(*kind),
        Step::Pass(seconds) => world.pass(*seconds),
        Step::Crash(crash) => look(world, Some(*crash))?,
        Step::Look => look(world, None)?,
    }
    Ok(())
}

fn fleet(kind: u8) -> Known<Fleet> {
    let group = |status: &str| NodeGroup {
        name: "ng".to_owned(),
        role: Some(role("nodes")),
        status: status.to_owned(),
        ..NodeGroup::default()
    };
    let groups = match kind {
        0 => return Known::NotAsked,
        1 => Vec::new(),
        2 => vec![group("DELETING")],
        _ => vec![group("ACTIVE")],
    };
    Known::Is(Fleet {
        groups: Some(groups),
        profiles: Some(Vec::new()),
        classes: Some(Vec::new()),
    })
}

const BROKEN: &str = "- rolearn: {{\n";

fn disturb(world: &mut World, foreign: &Foreign) {
    let text = world.text("mapRoles").to_owned();
    let document = Document::read(&world.stored.data);
    let entries = document.section(SectionName::Roles).entries();
    let lines: BTreeSet<usize> = entries.iter().map(|entry| entry.line).collect();
    // An entry as it stands, line by line.
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
        Foreign::Mend if text == BROKEN => theirs(),
        Foreign::Mend => text,
    };
    world.set("mapRoles", &next);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    /// Others' entries and node entries are never touched, nothing is written that is not granted, and a second look finds nothing to do.
    #[test]
    fn no_look_does_more_than_objects_ask_and_the_configuration_grants(steps in steps()) {
        let mut world = World::new(CONFIG, &theirs());
        for step in &steps {
            take(&mut world, step)?;
        }
        look(&mut world, None)?;
    }

    #[test]
    fn the_order_of_objects_is_nothing(specs in vec(specs(), 0..8), steps in steps(), seed in any::<u64>()) {
        let mut world = World::new(CONFIG, &theirs());
        for step in steps.iter().filter(|step| !matches!(step, Step::Crash(_))) {
            take(&mut world, step)?;
        }
        for (at, spec) in specs.into_iter().enumerate() {
            world.create(&format!("new{at}"), spec);
        }
        let mut shuffled = world.objects.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        for stage in [Stage::Preparing, Stage::Writing] {
            let (one, other) = (world.decide(stage), world.decide_about(&shuffled, stage));
            let texts = |plan: Option<awsauth::plan::Plan>| plan.map(|plan| plan.change);
            prop_assert_eq!(texts(one.plan), texts(other.plan));
            prop_assert_eq!(one.memory, other.memory);
            let by_uid = |objects: &[awsauth::reconcile::Object], states: Vec<awsauth::reconcile::State>| -> BTreeMap<String, _> {
                objects.iter().map(|object| object.uid.clone()).zip(states).collect()
            };
            prop_assert_eq!(by_uid(&world.objects, one.states), by_uid(&shuffled, other.states));
        }
    }

    /// Without disturbance, aws-auth means what it meant before once all objects are gone.
    #[test]
    fn objects_that_are_gone_leave_nothing(specs in vec(specs(), 0..12), changed in vec((0usize..12, specs()), 0..6)) {
        let mut world = World::new(CONFIG, &theirs());
        let before = (world.meaning(), world.text("mapRoles").to_owned());
        for (at, spec) in specs.into_iter().enumerate() {
            world.create(&format!("o{at}"), Spec { deletion: DeletionPolicy::Delete, ..spec });
        }
        look(&mut world, None)?;
        for (at, spec) in changed {
            let name = format!("o{at}");
            if world.objects.iter().any(|object| object.name == name) {
                world.change(&name, |old| *old = Spec { deletion: DeletionPolicy::Delete, ..spec });
            }
            look(&mut world, None)?;
        }
        for name in world.objects.iter().map(|object| object.name.clone()).collect::<Vec<_>>() {
            world.delete(&name);
        }
        look(&mut world, None)?;
        prop_assert!(world.objects.is_empty());
        prop_assert_eq!((world.meaning(), world.text("mapRoles").to_owned()), before);
    }

    /// Whatever else is asked for, and refused, what can be had is had.
    #[test]
    fn refusals_never_block_others(specs in vec(specs(), 0..12)) {
        let mut world = World::new(CONFIG, &theirs());
        let free = format!("arn:aws:iam::{ACCOUNT}:role/free");
        for (at, spec) in specs.into_iter().enumerate() {
            world.create(&format!("o{at}"), spec);
        }
        let spec = super::world::spec("free", "u", &["dev"]);
        world.create("free", spec);
        look(&mut world, None)?;
        prop_assert_eq!(world.reason("free"), Reason::Applied);
        prop_assert!(world.meaning()[&free][0].username == "u");
        // Of those that are well, each has what it asks for.
        let meaning = world.meaning();
        for object in world.objects.iter().filter(|object| object.status.reason() == Some(Reason::Applied)) {
            let entry = object.status.entry.as_ref().expect("there is one");
            let users = &meaning[&entry.key.to_lowercase()];
            prop_assert!(users.iter().all(|user| user.username == entry.username));
        }
    }

    /// A foreign edit of an object's entry is repaired, reported or left: the object's status says which.
    #[test]
    fn nothing_of_a_foreign_edit_is_passed_over(specs in vec(specs(), 1..8), edits in vec(any::<u64>(), 1..8)) {
        let mut world = World::new(CONFIG, &theirs());
        for (at, spec) in specs.into_iter().enumerate() {
            world.create(&format!("o{at}"), spec);
        }
        look(&mut world, None)?;
        for mask in edits {
            disturb(&mut world, &Foreign::Drop(mask));
            look(&mut world, None)?;
            let meaning = world.meaning();
            for object in &world.objects {
                let reason = object.status.reason().expect("there is one");
                let Some(entry) = &object.status.entry else {
                    prop_assert_ne!(reason, Reason::Applied);
                    continue;
                };
                let stands = meaning.get(&entry.key.to_lowercase());
                let is_so = stands.is_some_and(|users| users.iter().all(|user| user.username == entry.username));
                prop_assert_eq!(is_so, reason == Reason::Applied, "{:?}", object);
                prop_assert!(is_so || matches!(reason, Reason::Drifted | Reason::Contested), "{:?}", object);
            }
        }
    }
}
