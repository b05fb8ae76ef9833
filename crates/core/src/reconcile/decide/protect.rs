//! Entries that are put back when somebody removes them.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::super::object::Recorded;
use super::super::types::{About, Event, EventKind, Memory, Protected, Repair, View};
use super::batch::{Refused, Unit};
use super::conflict_backoff;
use super::desired::{Key, said};
use super::need::{self, Need, signs_in_with};
use crate::arn::fold;
use crate::authenticator::{NodeRoles, Store, is_node, node_entries};
use crate::document::{Document, Mapping, SectionName};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::facts::node_inventory::NodeSource;
use crate::plan::{Known, Plan};

/// While a node group is being deleted, it is looked at again so soon.
const WHILE_DELETING: SignedDuration = SignedDuration::from_secs(60);

/// What is to be done for protected entries.
pub(super) struct Protecting<'a> {
    view: &'a View<'a>,
    memory: BTreeMap<String, Protected>,
    /// The folded ARNs of those that are there.
    present: HashSet<String>,
    /// What is put back, by the folded ARN, and why.
    back: Vec<(Recorded, String)>,
    events: Vec<Event>,
    pub(super) again: Option<Timestamp>,
    /// Whether facts about nodes decide what is said of some that are gone, and so must be of now.
    pub(super) asks_fleet: bool,
}

impl<'a> Protecting<'a> {
    /// `is_objects` tells of which entries objects speak: those are theirs to put back.
    pub(super) fn of(
        view: &'a View<'a>,
        document: &Document,
        is_objects: impl Fn(&Key) -> bool,
    ) -> Self {
        let present = present(view, document);
        let mut protecting = Self {
            view,
            memory: BTreeMap::new(),
            present: present.keys().cloned().collect(),
            back: Vec::new(),
            events: Vec::new(),
            again: None,
            asks_fleet: false,
        };
        let roles = match view.node_inventory {
            Known::Is(node_inventory) => NodeRoles::of(node_inventory),
            Known::NotRequested | Known::Unknown { .. } => NodeRoles::default(),
        };
        for (key, protected) in &view.memory.protected {
            let is_theirs = is_objects(&protected.entry.key());
            let is_protected =
                present.contains_key(key) || is_theirs || !protecting.wants(&protected.entry);
            if !is_protected {
                protecting.gone(key, protected, &roles, document);
            }
        }
        protecting.never_seen(&present, &roles, document, is_objects);
        for (key, entry) in present {
            let is_reported = false;
            protecting
                .memory
                .insert(key, Protected { entry, is_reported });
        }
        protecting
    }

    fn wants(&self, entry: &Recorded) -> bool {
        let protect = &self.view.config.protect;
        protect.names(&entry.key) || (protect.node_entries && is_node(&entry.mapping()))
    }

    /// One that was seen, and is gone or something else.
    fn gone(
        &mut self,
        key: &str,
        protected: &Protected,
        roles: &NodeRoles<'_>,
        document: &Document,
    ) {
        let entry = &protected.entry;
        let arn = &entry.key;
        let by = by(self.view);
        let mut keep = protected.clone();
        let is_readable = !document.section(entry.section).is_unreadable();
        let is_named = self.view.config.protect.names(arn);
        let need = match is_named {
            true => Need::Needed("the controller's configuration protects it".to_owned()),
            false => need::need(self.view, roles, arn),
        };
        let is_settled =
            protected.is_reported && matches!(need, Need::NotNeeded | Need::Unknown(_));
        self.asks_fleet |= !is_named && !is_settled;
        let told = match need {
            // Nobody knows what stands there.
            _ if !is_readable => None,
            Need::Needed(whose) => {
                let contest =
                    conflict_backoff::of(self.view.memory, &entry.key(), None, self.view.now);
                if let Some(contest) = contest {
                    self.look_again(contest.until);
                    Some((
                        EventKind::Warning,
                        "ProtectedEntryContested",
                        format!(
                            "the entry of {arn} is removed again and again by {by}, and is left alone for an hour; {whose}"
                        ),
                    ))
                } else {
                    self.back.push((entry.clone(), whose));
                    None
                }
            }
            Need::Deleting => {
                self.look_again(
                    self.view
                        .now
                        .checked_add(WHILE_DELETING)
                        .unwrap_or(Timestamp::MAX),
                );
                None
            }
            // It is remembered all the same: no object gets it meanwhile, and another group may need it.
            Need::NotNeeded => Some((
                EventKind::Normal,
                "NodeEntryGone",
                format!(
                    "the entry of {arn} was removed by {by}; no node group, Fargate profile or Karpenter node class is known that needs it"
                ),
            )),
            Need::Unknown(needs) => Some((
                EventKind::Warning,
                "NodeEntryGone",
                format!(
                    "the entry of {arn} ({}) was removed by {by}; whether nodes need it can't be known without {needs}. If they do: awsauth map role {} --username {}{}",
                    said(&entry.username, &entry.groups),
                    crate::command_line::quoted(arn),
                    crate::command_line::quoted(&entry.username),
                    entry
                        .groups
                        .iter()
                        .map(|group| format!(" --group {}", crate::command_line::quoted(group)))
                        .collect::<String>()
                ),
            )),
        };
        if let Some((kind, reason, message)) = told.filter(|_| !keep.is_reported) {
            self.events.push(event(kind, reason, message));
            keep.is_reported = true;
        }
        self.memory.insert(key.to_owned(), keep);
    }

    /// Roles of node groups and Fargate profiles that nothing lets in, though nothing that was seen is gone: it went while nobody
    /// looked. Node classes are objects of the cluster, and whoever may write one names any role.
    fn never_seen(
        &mut self,
        present: &BTreeMap<String, Recorded>,
        roles: &NodeRoles<'_>,
        document: &Document,
        is_objects: impl Fn(&Key) -> bool,
    ) {
        if !self.view.config.protect.node_entries || roles.all().is_empty() {
            return;
        }
        let store = Store::new(document);
        let in_force: HashSet<String> = store
            .in_force()
            .map(|(arn, _)| fold(arn).into_owned())
            .collect();
        for role in roles.all() {
            let arn = signs_in_with(role.arn);
            let key = fold(&arn).into_owned();
            let by_eks = |starter: NodeSource<'_>| !matches!(starter, NodeSource::Class(_));
            let is_known = present.contains_key(&key)
                || self.view.memory.protected.contains_key(&key)
                || in_force.contains(&key)
                || is_objects(&(SectionName::Roles, key));
            let needs_entry =
                role.uses.iter().any(|one| by_eks(one.by)) && self.aws_auth_answers(&arn);
            if is_known || !needs_entry || need::need(self.view, roles, &arn) == Need::Deleting {
                continue;
            }
            self.asks_fleet = true;
            let kind = role.kind();
            let entry = Recorded {
                section: SectionName::Roles,
                key: arn,
                username: kind.username().to_owned(),
                groups: kind
                    .groups()
                    .iter()
                    .map(|&group| group.to_owned())
                    .collect(),
            };
            match conflict_backoff::of(self.view.memory, &entry.key(), None, self.view.now) {
                Some(contest) => self.look_again(contest.until),
                None if document.section(SectionName::Roles).is_unreadable() => {}
                None => self.back.push((entry, format!("it is {role}"))),
            }
        }
    }

    /// Whether aws-auth, and nothing else, is known to answer for this ARN.
    fn aws_auth_answers(&self, arn: &str) -> bool {
        match (self.view.facts.mode, self.view.access_entries) {
            (Some(AuthenticationMode::ConfigMap), _) => true,
            (_, Some(entries)) => entries.all().is_some() && entries.override_for(arn).is_none(),
            (_, None) => false,
        }
    }

    fn look_again(&mut self, at: Timestamp) {
        self.again = Some(self.again.map_or(at, |again| again.min(at)));
    }

    /// What puts entries back.
    pub(super) fn units(&self) -> impl Iterator<Item = Unit> {
        self.back.iter().map(|(entry, _)| Unit {
            edits: vec![entry.map()],
            allowed_nodes: Vec::new(),
        })
    }

    /// What is told and remembered once the plan is carried out, without which these units are. Gives the repairs.
    pub(super) fn carried_out(
        mut self,
        plan: Option<&Plan>,
        refused: impl Fn(usize) -> Option<Refused>,
        events: &mut Vec<Event>,
        memory: &mut Memory,
    ) -> Vec<(Key, Repair)> {
        let mut repairs = Vec::new();
        let by = by(self.view);
        for (unit, (entry, why)) in self.back.iter().enumerate() {
            let (key, arn) = (entry.key(), &entry.key);
            let known = self.memory.get(&key.1);
            match refused(unit) {
                Some(reason) => {
                    let is_reported = known.is_some_and(|known| known.is_reported);
                    if !is_reported {
                        let reason = reason.message();
                        self.events.push(event(
                            EventKind::Warning,
                            "ProtectedEntryRefused",
                            format!(
                                "the entry of {arn} is gone and can't be put back: {reason}; {why}"
                            ),
                        ));
                    }
                    let entry = entry.clone();
                    let is_reported = true;
                    self.memory.insert(key.1, Protected { entry, is_reported });
                }
                None => {
                    let said = said(&entry.username, &entry.groups);
                    let message = format!(
                        "the entry of {arn} was removed by {by}, and is put back as {said}: {why}"
                    );
                    self.events
                        .push(event(EventKind::Warning, "ProtectedEntryRestored", message));
                    repairs.push((
                        key,
                        Repair {
                            at: self.view.now,
                            manager: self.view.last_manager.map(str::to_owned),
                            object: None,
                        },
                    ));
                }
            }
        }
        // What the plan itself takes away is not missed.
        if let Some(plan) = plan {
            let after = present(self.view, plan.after());
            let before = &self.present;
            self.memory
                .retain(|key, _| !before.contains(key) || after.contains_key(key));
            for (key, entry) in after {
                let is_reported = false;
                self.memory.insert(key, Protected { entry, is_reported });
            }
        }
        events.append(&mut self.events);
        memory.protected = self.memory;
        repairs
    }
}

/// The protected entries of a document, by their folded ARN.
fn present(view: &View<'_>, document: &Document) -> BTreeMap<String, Recorded> {
    let protect = &view.config.protect;
    let store = Store::new(document);
    let mut present = BTreeMap::new();
    let mut add = |arn: &str, section, mapping: &Mapping| {
        let entry = Recorded {
            section,
            key: arn.to_owned(),
            username: mapping.username.clone(),
            groups: mapping.groups().to_vec(),
        };
        present.insert(fold(arn).into_owned(), entry);
    };
    if protect.node_entries {
        for (arn, slot) in node_entries(&store) {
            add(arn, slot.place.section, slot.mapping);
        }
    }
    if !protect.arns.is_empty() {
        let named = store.in_force().filter(|(arn, _)| protect.names(arn));
        for (arn, slot) in named {
            add(arn, slot.place.section, slot.mapping);
        }
    }
    present
}

/// Who wrote aws-auth last, in words.
pub(super) fn by(view: &View<'_>) -> String {
    match view.last_manager {
        Some(manager) => format!("field manager {manager}"),
        None => "somebody".to_owned(),
    }
}

fn event(kind: EventKind, reason: &'static str, message: String) -> Event {
    Event {
        about: About::AwsAuth,
        kind,
        reason,
        message,
    }
}
