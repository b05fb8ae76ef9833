//! Restores protected entries that another client removed.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::super::config::Protect;
use super::super::decision::{Event, EventKind, Input, Memory, Protected, Regarding, Repair};
use super::super::mapping_object::EntryRecord;
use super::conflict_backoff;
use super::desired_entry::{Key, describe};
use super::edit_batch::RefusalReason;
use super::edit_set::EditSet;
use super::entry_writers;
use super::node_need::{self, NodeNeed, signs_in_with};
use crate::arn::fold;
use crate::authenticator::{NodeRoles, Store, is_node, node_entries};
use crate::aws_auth_snapshot::Snapshot;
use crate::document::{Document, Mapping, SectionName};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::facts::node_inventory::NodeSource;
use crate::plan::Plan;

/// The interval between decisions while a node group is being deleted.
const DELETING_INTERVAL: SignedDuration = SignedDuration::from_secs(60);

/// How many removed entries that no known node needs are remembered. A user who can write aws-auth could make it any number.
const MAX_UNNEEDED: usize = 1000;

/// The protected entries, and which of them to restore.
pub(super) struct Protection<'a> {
    input: &'a Input<'a>,
    memory: BTreeMap<String, Protected>,
    /// The folded ARNs of the protected entries in aws-auth.
    present: HashSet<String>,
    /// The missing entries of ARNs that the configuration lists.
    missing_named: BTreeSet<String>,
    /// Those of them that were never seen.
    never_seen: BTreeSet<String>,
    /// The entries to restore, and why.
    restored: Vec<(EntryRecord, String)>,
    events: Vec<Event>,
    pub(super) retry_at: Option<Timestamp>,
    /// Whether the decision about a missing entry depends on facts about nodes, which must then be current.
    pub(super) needs_fresh_inventory: bool,
}

impl<'a> Protection<'a> {
    /// Finds missing entries. `is_objects` returns whether an object owns or requests an entry: then the object restores it.
    pub(super) fn of(
        input: &'a Input<'a>,
        document: &Document,
        roles: &NodeRoles<'_>,
        is_objects: impl Fn(&Key) -> bool,
    ) -> Self {
        let present = present(&input.config.protect, document);
        let mut protection = Self {
            input,
            memory: BTreeMap::new(),
            present: present.keys().cloned().collect(),
            missing_named: BTreeSet::new(),
            never_seen: BTreeSet::new(),
            restored: Vec::new(),
            events: Vec::new(),
            retry_at: None,
            needs_fresh_inventory: false,
        };
        for (key, protected) in &input.memory.protected {
            // No object can own the entry of an ARN that the configuration lists.
            let is_named = input.config.protect.includes(&protected.entry.key);
            let is_missing = !present.contains_key(key)
                && (is_named || !is_objects(&protected.entry.key()))
                && protection.is_protected(&protected.entry);
            if is_missing {
                protection.missing(key, protected, roles, document);
            }
        }
        protection.restore_node_entries(&present, roles, document, is_objects);
        protection.report_never_seen(&present, document);
        for (key, entry) in present {
            let is_reported = false;
            protection
                .memory
                .insert(key, Protected { entry, is_reported });
        }
        protection
    }

    fn is_protected(&self, entry: &EntryRecord) -> bool {
        let protect = &self.input.config.protect;
        protect.includes(&entry.key) || (protect.node_entries && is_node(&entry.mapping()))
    }

    /// Handles an entry that was seen earlier, and is missing or not a node entry any more.
    fn missing(
        &mut self,
        key: &str,
        protected: &Protected,
        roles: &NodeRoles<'_>,
        document: &Document,
    ) {
        let entry = &protected.entry;
        let arn = &entry.key;
        let by = entry_writers::of(self.input, &entry.key());
        let mut keep = protected.clone();
        let is_readable = !document.section(entry.section).is_unreadable();
        let is_named = self.input.config.protect.includes(arn);
        if is_named {
            self.missing_named.insert(key.to_owned());
        }
        let need = match is_named {
            true => NodeNeed::Needed("the controller's configuration protects it".to_owned()),
            false => node_need::of(self.input, roles, arn),
        };
        let is_unneeded = matches!(need, NodeNeed::NotNeeded | NodeNeed::Unknown(_));
        let backoff = conflict_backoff::of(self.input.memory, &entry.key(), None, self.input.now);
        let is_settled = protected.is_reported && (is_unneeded || backoff.is_some());
        self.needs_fresh_inventory |= !is_named && !is_settled;
        let event_parts = match need {
            // The entry may still be in the unreadable section.
            _ if !is_readable => None,
            NodeNeed::Needed(whose) => {
                if let Some(backoff) = backoff {
                    self.decide_again(backoff.until);
                    Some((
                        EventKind::Warning,
                        "ProtectedEntryContested",
                        format!(
                            "{by} keeps removing the entry of {arn}; repairs are suspended for an hour; {whose}"
                        ),
                    ))
                } else {
                    self.restored.push((entry.clone(), whose));
                    None
                }
            }
            NodeNeed::Deleting => {
                self.decide_again(
                    self.input
                        .now
                        .checked_add(DELETING_INTERVAL)
                        .unwrap_or(Timestamp::MAX),
                );
                None
            }
            // Still remembers the entry: no object can claim it, and another node group may need it later.
            NodeNeed::NotNeeded => Some((
                EventKind::Normal,
                "NodeEntryGone",
                format!(
                    "the entry of {arn} was removed by {by}; no known node group, Fargate profile or Karpenter node class needs it"
                ),
            )),
            NodeNeed::Unknown(needs) => Some((
                EventKind::Warning,
                "NodeEntryGone",
                format!(
                    "the entry of {arn} ({}) was removed by {by}. To find out whether nodes need it, the controller needs {needs}. If they do, restore it: awsauth map role {} --username {}{}",
                    describe(&entry.username, &entry.groups),
                    crate::shell_quote::quoted(arn),
                    crate::shell_quote::quoted(&entry.username),
                    entry
                        .groups
                        .iter()
                        .map(|group| format!(" --group {}", crate::shell_quote::quoted(group)))
                        .collect::<String>()
                ),
            )),
        };
        if let Some((kind, reason, message)) = event_parts.filter(|_| !keep.is_reported) {
            self.events.push(event(kind, reason, message));
            keep.is_reported = true;
        }
        if !is_unneeded || self.memory.len() < MAX_UNNEEDED {
            self.memory.insert(key.to_owned(), keep);
        }
    }

    /// Restores the entries of node groups and Fargate profiles that were removed while the controller did not run. Ignores Karpenter's
    /// node classes, because users who can write them could request an entry for any role.
    fn restore_node_entries(
        &mut self,
        present: &BTreeMap<String, EntryRecord>,
        roles: &NodeRoles<'_>,
        document: &Document,
        is_objects: impl Fn(&Key) -> bool,
    ) {
        if !self.input.config.protect.node_entries || roles.all().is_empty() {
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
                || self.input.memory.protected.contains_key(&key)
                || in_force.contains(&key)
                || is_objects(&(SectionName::Roles, key));
            let needs_entry = role.uses.iter().any(|one| by_eks(one.by))
                && self.only_aws_auth_authenticates(&arn);
            if is_known
                || !needs_entry
                || node_need::of(self.input, roles, &arn) == NodeNeed::Deleting
            {
                continue;
            }
            self.needs_fresh_inventory = true;
            let kind = role.kind();
            let entry = EntryRecord {
                section: SectionName::Roles,
                key: arn,
                username: kind.username().to_owned(),
                groups: kind
                    .groups()
                    .iter()
                    .map(|&group| group.to_owned())
                    .collect(),
            };
            match conflict_backoff::of(self.input.memory, &entry.key(), None, self.input.now) {
                Some(backoff) => self.decide_again(backoff.until),
                None if document.section(SectionName::Roles).is_unreadable() => {}
                None => self.restored.push((entry, format!("it is {role}"))),
            }
        }
    }

    /// Reports the listed ARNs that have no entry and had none since the controller started, so that nothing can be restored.
    fn report_never_seen(&mut self, present: &BTreeMap<String, EntryRecord>, document: &Document) {
        let sections = [SectionName::Roles, SectionName::Users];
        let is_readable = sections
            .into_iter()
            .all(|section| !document.section(section).is_unreadable());
        for arn in self.input.config.protect.literal_arns() {
            if present.contains_key(arn) {
                continue;
            }
            self.missing_named.insert(arn.to_owned());
            if self.input.memory.protected.contains_key(arn) {
                continue;
            }
            let is_reported = self.input.memory.never_seen.contains(arn);
            if !is_reported && is_readable {
                let message = format!(
                    "protect.arns in the controller's configuration lists {arn}, but aws-auth has no entry for it, and the controller has seen none since it started. Find the entry with awsauth history and restore it, or remove the ARN from protect.arns"
                );
                self.events
                    .push(event(EventKind::Warning, "ProtectedEntryMissing", message));
            }
            if is_reported || is_readable {
                self.never_seen.insert(arn.to_owned());
            }
        }
    }

    /// Returns the number of listed ARNs that have no entry once the plan is carried out.
    pub(super) fn missing_protected(&self, plan: Option<&Plan>) -> usize {
        let after = plan.map(|plan| present(&self.input.config.protect, plan.after()));
        let is_missing = |arn: &&String| {
            let is_restored = after.as_ref().is_some_and(|after| after.contains_key(*arn));
            !is_restored
        };
        self.missing_named.iter().filter(is_missing).count()
    }

    /// Returns whether only aws-auth can authenticate this ARN, as far as is known.
    fn only_aws_auth_authenticates(&self, arn: &str) -> bool {
        match (self.input.facts.mode, self.input.access_entries) {
            (Some(AuthenticationMode::ConfigMap), _) => true,
            (_, Some(entries)) => entries.all().is_some() && entries.override_for(arn).is_none(),
            (_, None) => false,
        }
    }

    fn decide_again(&mut self, at: Timestamp) {
        self.retry_at = Some(self.retry_at.map_or(at, |again| again.min(at)));
    }

    /// Returns the edits that restore entries.
    pub(super) fn edit_sets(&self) -> impl Iterator<Item = EditSet> {
        self.restored.iter().map(|(entry, _)| EditSet {
            edits: vec![entry.map()],
            allowed_nodes: Vec::new(),
        })
    }

    /// Adds the events and the memory for the plan. `refused` returns why an entry cannot be restored. Returns the repairs.
    pub(super) fn apply(
        mut self,
        plan: Option<&Plan>,
        refused: impl Fn(usize) -> Option<RefusalReason>,
        events: &mut Vec<Event>,
        memory: &mut Memory,
    ) -> Vec<(Key, Repair)> {
        let mut repairs = Vec::new();
        for (edit_set, (entry, why)) in self.restored.iter().enumerate() {
            let (key, arn) = (entry.key(), &entry.key);
            let by = entry_writers::of(self.input, &key);
            let known = self.memory.get(&key.1);
            match refused(edit_set) {
                Some(reason) => {
                    let is_reported = known.is_some_and(|known| known.is_reported);
                    if !is_reported {
                        let reason = reason.message();
                        self.events.push(event(
                            EventKind::Warning,
                            "ProtectedEntryRefused",
                            format!(
                                "the entry of {arn} was removed and cannot be restored: {reason}; {why}"
                            ),
                        ));
                    }
                    let entry = entry.clone();
                    let is_reported = true;
                    self.memory.insert(key.1, Protected { entry, is_reported });
                }
                None => {
                    let user = describe(&entry.username, &entry.groups);
                    let message = format!(
                        "the entry of {arn} was removed by {by}, and was restored to {user}: {why}"
                    );
                    self.events
                        .push(event(EventKind::Warning, "ProtectedEntryRestored", message));
                    repairs.push((
                        key,
                        Repair {
                            at: self.input.now,
                            manager: by.manager.clone(),
                            object: None,
                        },
                    ));
                }
            }
        }
        // Entries that the plan itself removes are not missing.
        if let Some(plan) = plan {
            let after = present(&self.input.config.protect, plan.after());
            let before = &self.present;
            let protect = &self.input.config.protect;
            self.memory.retain(|key, protected| {
                let is_removed = before.contains(key) && !after.contains_key(key);
                !is_removed || protect.includes(&protected.entry.key)
            });
            for (key, entry) in after {
                let is_reported = false;
                self.memory.insert(key, Protected { entry, is_reported });
            }
        }
        events.append(&mut self.events);
        memory.protected = self.memory;
        memory.never_seen = self.never_seen;
        repairs
    }
}

impl Memory {
    /// Remembers the entries that [`Protect::arns`] lists, without a decision, so that a replica on standby can restore those that are
    /// removed before it leads. No object owns them, so only other clients remove them.
    pub fn remember_protected(&mut self, protect: &Protect, stored: &Snapshot) {
        self.protected
            .retain(|_, protected| protect.includes(&protected.entry.key));
        if protect.arns.is_empty() {
            return;
        }
        let listed = Protect {
            node_entries: false,
            ..protect.clone()
        };
        for (key, entry) in present(&listed, &Document::read(&stored.data)) {
            let is_reported = false;
            self.protected.insert(key, Protected { entry, is_reported });
        }
    }
}

/// Returns the protected entries of a document, by folded ARN.
fn present(protect: &Protect, document: &Document) -> BTreeMap<String, EntryRecord> {
    let store = Store::new(document);
    let mut present = BTreeMap::new();
    let mut add = |arn: &str, section, mapping: &Mapping| {
        let entry = EntryRecord {
            key: arn.to_owned(),
            ..EntryRecord::of(section, mapping)
        };
        present.insert(fold(arn).into_owned(), entry);
    };
    if protect.node_entries {
        for (arn, slot) in node_entries(&store) {
            add(arn, slot.place.section, slot.mapping);
        }
    }
    if !protect.arns.is_empty() {
        let named = store.in_force().filter(|(arn, _)| protect.includes(arn));
        for (arn, slot) in named {
            add(arn, slot.place.section, slot.mapping);
        }
    }
    present
}

fn event(kind: EventKind, reason: &'static str, message: String) -> Event {
    Event {
        regarding: Regarding::AwsAuth,
        kind,
        reason,
        message,
    }
}
