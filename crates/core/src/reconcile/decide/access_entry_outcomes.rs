//! Decides about objects whose mapping is an access entry: which entries they own, and which changes to make.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::config::{Config, OnWithdrawal};
use super::super::decision::{Event, EventKind, Input, Regarding};
use super::super::mapping_object::{
    AccessEntryRecord, DeletionPolicy, DriftPolicy, EntryRecord, Object, Reason, Spec,
};
use super::super::principal_facts::AwsQuery;
use super::access_entry_plan::{
    AbandonedEntry, AccessEntryOutcomes, EntryOutcome, ObjectEntries, PlannedChange,
};
use super::current_entries::Entries;
use super::listed_access_entries::{listed, reads_aws_auth};
use super::outcome::{Outcome, owned_by_no_object, unmap};
use super::owner_resolver::{Resolver, requested_principal};
use crate::access_entries::rules::validate;
use crate::access_entries::{
    EntryChange, EntryEditError, NamedPolicy, Store, StoreChoice, changed, difference_between,
    store_for,
};
use crate::arn::{comparable, principal_key};
use crate::authenticator::{AccessEntries, NodeRoles, is_node};
use crate::document::{Principal, SectionName};
use crate::facts::access_entries::{AccessEntry, AccessPolicy, AccessTerms, STANDARD, policy_name};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::facts::iam_inventory::Existence;
use crate::facts::node_inventory::NodeSource;
use crate::plan::Known;

/// The tag of an access entry that an object owns: the object's UID.
pub const OWNER_TAG: &str = "awsauth.dev/object-uid";
/// The tag with the object's name, for users.
const NAME_TAG: &str = "awsauth.dev/object";

/// Why the principal of an entry cannot sign in.
const DEAD: &str =
    "it is older than its role, which was deleted and created again, so EKS rejects its sign-in";

/// After how many failures in a row an object loses an entry that is no longer granted, instead of getting the one that it requests.
const MAX_FAILURES: u32 = 3;

impl AccessEntryOutcomes {
    pub(super) fn of(resolver: &Resolver<'_>) -> Self {
        let input = resolver.input;
        let mut outcomes = Self::default();
        let mut owned: HashMap<&str, Vec<&AccessEntry>> = HashMap::new();
        let all = listed(input).and_then(AccessEntries::all);
        for entry in all.into_iter().flatten() {
            if let Some(uid) = tagged_owner(entry) {
                owned.entry(uid).or_default().push(entry);
            }
        }
        let mut claimants: HashMap<String, usize> = HashMap::new();
        for &at in &resolver.order {
            if let (Ok(desired), false) = (&resolver.desired[at], resolver.is_leaving(at)) {
                claimants.entry(desired.folded_key()).or_insert(at);
            }
        }
        for &at in &resolver.order {
            let object = resolver.object(at);
            let mut own = owned.remove(object.uid.as_str()).unwrap_or_default();
            let record = input.record;
            own.retain(|entry| record.proves_access_entry(&object.uid, &entry.principal_arn));
            let case = Case {
                resolver,
                at,
                object,
                own,
                claimants: &claimants,
            };
            case.add_to(&mut outcomes.query);
            outcomes
                .objects
                .extend(case.decide().map(|entries| (at, entries)));
        }
        let mut abandoned: Vec<_> = owned.into_iter().collect();
        abandoned.sort_unstable_by_key(|(uid, _)| *uid);
        outcomes.abandoned = abandoned
            .into_iter()
            .flat_map(|(uid, entries)| entries.into_iter().map(move |entry| (uid, entry)))
            .filter_map(|(uid, entry)| AbandonedEntry::of(input, uid, entry))
            .collect();
        outcomes
    }

    /// Returns whether the object's mapping is kept in access entries.
    pub(super) fn includes(&self, at: usize) -> bool {
        self.objects.get(&at).is_some_and(|object| object.is_place)
    }

    /// Returns whether the object owns this access entry.
    pub(super) fn owns(&self, at: usize, principal_arn: &str) -> bool {
        let owned = self.objects.get(&at).map(|object| &object.owned);
        owned.is_some_and(|owned| owned.iter().any(|arn| arn == principal_arn))
    }

    /// Returns the access entries without those whose mapping moves to aws-auth, where it takes effect once the entry is deleted.
    pub(super) fn without_moved(&self, input: &Input<'_>) -> Option<Arc<AccessEntries>> {
        let entries = input.access_entries?;
        let objects = self.objects.iter();
        let moved = objects.filter(|(at, object)| {
            let is_expired = matches!(object.outcome, EntryOutcome::Expired(_));
            !object.is_place && !is_expired && !input.objects[**at].is_deleting
        });
        let changes = moved.flat_map(|(_, object)| object.all_changes());
        let changes: Vec<EntryChange> = changes.map(|(change, _)| change.clone()).collect();
        Some(match changes.as_slice() {
            [] => Arc::clone(entries),
            changes => Arc::new(changed(entries, changes)),
        })
    }

    /// Returns whether the object owns an access entry that is as requested.
    pub(super) fn has_requested(&self, at: usize) -> bool {
        let outcome = self.objects.get(&at).map(|object| &object.outcome);
        matches!(outcome, Some(EntryOutcome::Applied { is_owned: true, .. }))
    }
}

impl AbandonedEntry {
    /// Returns an entry if it must be deleted, or the configuration may have to revoke it.
    fn of(input: &Input<'_>, uid: &str, entry: &AccessEntry) -> Option<Self> {
        let arn = &entry.principal_arn;
        let is_protected = input.config.protect.includes(&comparable(arn));
        let is_revocable = input.record.get_access_entry(uid, arn) == Some(OnWithdrawal::Revoke);
        let is_deleted = input.record.proves_access_entry(uid, arn)
            && input.record.deletes_access_entry_with(uid, arn)
            && !is_protected;
        let why = match approval(input.config, entry).filter(|_| is_revocable) {
            Some(Err(why)) if !is_protected => Some(("Revoked", why)),
            _ if is_deleted => Some((
                "Removed",
                "EKS did not list it, or the object's finalizer awsauth.dev/entry was removed, and its deletionPolicy was Delete"
                    .to_owned(),
            )),
            Some(Ok(OnWithdrawal::Keep)) => return None,
            _ if !is_revocable => return None,
            _ => None,
        };
        let revocation = why.map(|(reason, why)| {
            let event = Event {
                regarding: Regarding::AwsAuth,
                kind: EventKind::Warning,
                reason,
                message: format!(
                    "the access entry of {arn}, whose object does not exist any more, was deleted: {why}"
                ),
            };
            let change = EntryChange {
                principal_arn: arn.clone(),
                before: entry.terms.clone(),
                after: None,
            };
            (change, Some(event))
        });
        Some(Self {
            uid: uid.to_owned(),
            principal_arn: arn.clone(),
            revocation,
        })
    }
}

impl ObjectEntries {
    /// Returns all changes, in order.
    pub(super) fn all_changes(&self) -> impl Iterator<Item = &PlannedChange> {
        self.revocations.iter().chain(&self.changes)
    }

    /// Returns the changes to make next. The others follow once no entry must be revoked any more.
    pub(super) fn next_changes(&self) -> &[PlannedChange] {
        match self.revocations.as_slice() {
            [] => &self.changes,
            revocations => revocations,
        }
    }

    /// Returns whether the object owns an entry that is not about to be deleted, or is about to get one.
    pub(super) fn keeps_entry(&self) -> bool {
        let mut changes = self.changes.iter();
        changes.any(|(change, _)| change.after.is_some())
            || self.owned.iter().any(|arn| !self.deletes(arn))
    }

    fn deletes(&self, principal_arn: &str) -> bool {
        let mut changes = self.all_changes();
        changes.any(|(change, _)| change.principal_arn == principal_arn && change.after.is_none())
    }
}

/// Returns the UID of the object that an entry names as its owner.
fn tagged_owner(entry: &AccessEntry) -> Option<&str> {
    let terms = entry.terms.as_ref()?;
    let is_standard = terms.kind == STANDARD;
    let uid = terms.tags.get(OWNER_TAG)?;
    is_standard.then_some(uid)
}

/// An object and the access entries that it owns: their tags and the ownership record name it.
struct Case<'a> {
    resolver: &'a Resolver<'a>,
    at: usize,
    object: &'a Object,
    own: Vec<&'a AccessEntry>,
    /// The oldest object that requests each principal.
    claimants: &'a HashMap<String, usize>,
}

impl<'a> Case<'a> {
    fn input(&self) -> &'a Input<'a> {
        self.resolver.input
    }

    fn spec(&self) -> Option<&'a Spec> {
        self.object.spec.as_ref().ok()
    }

    /// Adds what must be known from AWS to a query.
    fn add_to(&self, query: &mut AwsQuery) {
        let Some(spec) = self.spec().filter(|_| !self.resolver.is_leaving(self.at)) else {
            return;
        };
        query.permission_sets |= matches!(spec.principal, Principal::Sso(_));
        if let (Ok(desired), true) = (&self.resolver.desired[self.at], self.is_place()) {
            query.policies |= !spec.policies.is_empty();
            let name = self.input().aws.own_role_name(&desired.key);
            query.roles.extend(name.map(str::to_owned));
        }
    }

    /// Returns whether the mapping is kept in access entries.
    fn is_place(&self) -> bool {
        let input = self.input();
        let Some(entries) = listed(input) else {
            return false;
        };
        match (entries.mode(), &self.resolver.desired[self.at]) {
            (AuthenticationMode::ConfigMap, _) => false,
            (AuthenticationMode::Api, _) => true,
            (AuthenticationMode::ApiAndConfigMap, Err(_)) => !self.own.is_empty(),
            (AuthenticationMode::ApiAndConfigMap, Ok(desired)) => match input.config.backend {
                StoreChoice::Only(store) => store == Store::AccessEntries,
                StoreChoice::Auto => {
                    let document = self.resolver.current.document;
                    let store = store_for(&desired.map(), document, entries, false);
                    let has_policies = self.spec().is_some_and(|spec| !spec.policies.is_empty());
                    has_policies || store == Store::AccessEntries
                }
            },
        }
    }

    /// Returns what to do; `None` if the object has nothing to do with access entries.
    fn decide(&self) -> Option<ObjectEntries> {
        let mut entries = ObjectEntries {
            is_place: !self.resolver.is_leaving(self.at) && self.is_place(),
            outcome: self.expired().unwrap_or(EntryOutcome::Pending),
            revocations: Vec::new(),
            changes: Vec::new(),
            is_unread: false,
            owned: self
                .own
                .iter()
                .map(|entry| entry.principal_arn.clone())
                .collect(),
            kept: Vec::new(),
        };
        if let Some(stalled) = self.unlisted_entry() {
            entries.is_place = !self.resolver.is_leaving(self.at);
            entries.outcome = stalled;
            entries.is_unread = true;
            return Some(entries);
        }
        if entries.is_place {
            self.decide_existing(&mut entries);
            return Some(entries);
        }
        let is_expired = self.resolver.is_expired(self.at);
        let keeps = !is_expired && self.retains();
        for entry in &self.own {
            match keeps && self.object.is_deleting && !self.is_withdrawn(entry) {
                true => entries.kept.push((
                    entry.principal_arn.clone(),
                    "deletionPolicy is Retain".to_owned(),
                )),
                false => self.delete(entry, &mut entries),
            }
        }
        if self.resolver.is_leaving(self.at) {
            entries.kept.extend(self.entry_of_no_object());
        }
        let unread = self.unread_entry();
        let is_reported_here = is_expired && !reads_aws_auth(self.input());
        let has_entries = !self.own.is_empty() || !entries.kept.is_empty() || unread.is_some();
        if let Some(stalled) = unread {
            entries.outcome = stalled;
            entries.is_unread = true;
        }
        (is_reported_here || has_entries).then_some(entries)
    }

    /// Returns the principal of the requested entry and why it is kept, if no object owns it and either it is as requested, or the
    /// ownership record names the object and the entry's tag does not: an AWS user may have removed the tag.
    fn entry_of_no_object(&self) -> Option<(String, String)> {
        let desired = self.resolver.desired[self.at].as_ref().ok()?;
        let entry = listed(self.input())?.of(&desired.key)?;
        let (arn, record) = (&entry.principal_arn, self.input().record);
        let is_owned_by = |uid: &str| record.proves_access_entry(uid, arn);
        let terms = entry.terms.as_ref()?;
        if tagged_owner(entry).is_some_and(is_owned_by) {
            return None;
        }
        if is_owned_by(&self.object.uid) {
            let why = format!("its tag {OWNER_TAG} does not name this object");
            return Some((arn.clone(), why));
        }
        let requested = self.requested(desired).ok()?;
        let is_as_requested = terms.policies.is_some()
            && difference_between(arn, Some(terms), requested.terms.as_ref()).is_none();
        is_as_requested.then(|| {
            let why = format!("no object owns it; {}", removal(desired));
            (arn.clone(), why)
        })
    }

    /// Returns the outcome of an object that has expired.
    fn expired(&self) -> Option<EntryOutcome> {
        let is_expired = self.resolver.is_expired(self.at) && !self.object.is_deleting;
        let message = self.object.expiry_message().filter(|_| is_expired);
        message.map(EntryOutcome::Expired)
    }

    /// Returns the outcome of an object whose mapping is or may be an access entry, if the access entries are unknown.
    fn unlisted_entry(&self) -> Option<EntryOutcome> {
        let arn = self.claims().next()?;
        let is_held = listed(self.input()).is_none() && !self.is_released();
        let hint = self.hint_to_release();
        is_held.then(|| {
            EntryOutcome::Stalled(
                Reason::AwsError,
                format!(
                    "the access entry of {arn} is unknown, because EKS did not list the access entries, for example because it limits the rate of requests: /readyz of the controller says why. The controller needs --cluster-name, and AWS credentials that may eks:ListAccessEntries{hint}"
                ),
            )
        })
    }

    /// Returns the principals of the access entries that the object claims, as far as its status or its specification names them.
    fn claims(&self) -> impl Iterator<Item = &'a str> {
        let (object, record) = (self.object, self.input().record);
        let recorded = object.status.access_entry.as_ref();
        let recorded = recorded.map(|recorded| recorded.principal_arn.as_str());
        let requested = self.resolver.desired[self.at].as_ref().ok();
        let requested = requested.map(|requested| requested.key.as_str());
        let arns = recorded.into_iter().chain(requested);
        arns.filter(|arn| record.proves_access_entry(&object.uid, arn))
    }

    /// Returns the outcome of an object that must lose an access entry whose contents EKS did not return, or that EKS may not have listed
    /// because it is new. The contents name its owner, so without them it would stay.
    fn unread_entry(&self) -> Option<EntryOutcome> {
        if !self.resolver.is_leaving(self.at) || self.is_released() {
            return None;
        }
        let entries = listed(self.input())?;
        let all = entries.all()?;
        let unlisted = self.input().unlisted_access_entries;
        let may_exist =
            |arn: &&str| entries.of(&comparable(arn)).is_none() && unlisted.may_include(arn);
        if let Some(arn) = self.claims().find(may_exist) {
            return Some(EntryOutcome::Stalled(
                Reason::AwsError,
                format!(
                    "the access entry of {arn} may exist: EKS lists a new one after up to a minute, and the controller has tried to create it, or another replica may have"
                ),
            ));
        }
        let mut unread = all.iter().filter(|entry| entry.terms.is_none());
        let record = self.input().record;
        let entry = unread
            .find(|entry| record.proves_access_entry(&self.object.uid, &entry.principal_arn))?;
        let (arn, hint) = (&entry.principal_arn, self.hint_to_release());
        Some(EntryOutcome::Stalled(
            Reason::AwsError,
            format!(
                "the access entry of {arn} cannot be deleted yet, because EKS does not return its contents: the controller needs AWS credentials that may eks:DescribeAccessEntry{hint}"
            ),
        ))
    }

    /// Returns whether the object is being deleted and its entries stay.
    fn is_released(&self) -> bool {
        self.object.is_deleting && self.retains()
    }

    fn hint_to_release(&self) -> &'static str {
        match self.object.is_deleting {
            true => "; to delete only this object, set deletionPolicy: Retain",
            false => "",
        }
    }

    /// Returns whether the entries of the object stay when it is deleted.
    fn retains(&self) -> bool {
        self.object.deletion() == DeletionPolicy::Retain
    }

    fn decide_existing(&self, entries: &mut ObjectEntries) {
        let desired = match &self.resolver.desired[self.at] {
            Ok(desired) => desired,
            Err(why) => {
                for entry in self.own.iter().filter(|entry| self.is_withdrawn(entry)) {
                    self.delete(entry, entries);
                }
                entries.outcome =
                    EntryOutcome::Stalled(Reason::Refused, self.unapproved(why, entries));
                return;
            }
        };
        let key = desired.folded_key();
        let is_previous = |entry: &&&AccessEntry| principal_key(&entry.principal_arn) != key;
        let previous: Vec<&AccessEntry> = self.own.iter().filter(is_previous).copied().collect();
        // First, so that a request that fails keeps none of them.
        let (withdrawn, granted): (Vec<_>, Vec<_>) = previous
            .into_iter()
            .partition(|entry| self.is_withdrawn(entry));
        for entry in withdrawn {
            self.delete(entry, entries);
        }
        entries.outcome = match self.requested(desired) {
            Ok(requested) => self.decide_requested(desired, &requested, entries),
            Err(stalled) => stalled,
        };
        if let EntryOutcome::Applied { .. } | EntryOutcome::Pending = entries.outcome {
            for entry in granted {
                self.delete(entry, entries);
            }
        }
        let stays_as_it_is = match entries.outcome {
            EntryOutcome::Stalled(..) => true,
            EntryOutcome::Pending => self.keeps_failing(),
            _ => false,
        };
        if stays_as_it_is {
            let of_principal = self.own.iter().filter(|entry| !is_previous(entry));
            for entry in of_principal.filter(|entry| self.is_withdrawn(entry)) {
                self.delete(entry, entries);
            }
        }
    }

    /// Returns whether EKS keeps refusing what the object requests.
    fn keeps_failing(&self) -> bool {
        let failures = &self.input().memory.entry_failures;
        let failure = failures.get(&self.object.uid);
        failure.is_some_and(|failure| !failure.is_removal && failure.count >= MAX_FAILURES)
    }

    /// Returns the message of an object whose request is not approved.
    fn unapproved(&self, why: &str, entries: &ObjectEntries) -> String {
        let kept = self
            .own
            .iter()
            .find(|entry| !entries.deletes(&entry.principal_arn));
        kept.map_or_else(
            || why.to_owned(),
            |kept| {
                format!(
                    "{why}. The existing access entry of {} is kept until the object is deleted",
                    kept.principal_arn
                )
            },
        )
    }

    /// Returns the requested access entry with its tags.
    fn requested(&self, desired: &EntryRecord) -> Result<AccessEntry, EntryOutcome> {
        let refused = |why| EntryOutcome::Stalled(Reason::Refused, why);
        let unsupported = |why| EntryOutcome::Stalled(Reason::Unsupported, why);
        let (input, Some(spec)) = (self.input(), self.spec()) else {
            return Err(EntryOutcome::Pending);
        };
        if desired.section == SectionName::Accounts {
            let error = EntryEditError::Account(desired.key.clone());
            return Err(unsupported(format!(
                "{error}; create an object for each principal"
            )));
        }
        let principal = requested_principal(input, spec).map_err(refused)?;
        let entries = listed(input);
        let existing = entries.and_then(|entries| entries.of(&desired.key));
        let principal_arn = match (existing, input.aws.role(&desired.key)) {
            (Some(existing), _) => existing.principal_arn.clone(),
            (None, Existence::Exists(role)) => role.arn.clone(),
            (None, Existence::Absent) => {
                return Err(refused(format!(
                    "{} does not exist, and an access entry is bound to an existing role",
                    desired.key
                )));
            }
            (None, Existence::Unknown) => principal.text().to_owned(),
        };
        let policies = spec.policies.iter().map(|policy| {
            let known = input.aws.policies.as_deref();
            let resolved = policy.resolve(input.aws.partition(), known);
            resolved.map_err(|error| refused(format!("{error}; {}", error.remedy())))
        });
        let policies: Vec<AccessPolicy> = policies.collect::<Result<_, _>>()?;
        let mut rest = policies.as_slice();
        while let [policy, others @ ..] = rest {
            if others.iter().any(|other| other.arn == policy.arn) {
                let name = policy_name(&policy.arn);
                return Err(refused(format!(
                    "spec.policies has {name} twice: list all its namespaces in one item"
                )));
            }
            rest = others;
        }
        let tags = [
            (OWNER_TAG, self.object.uid.clone()),
            (NAME_TAG, self.object.name.clone()),
        ];
        let requested = AccessEntry {
            principal_arn,
            terms: Some(AccessTerms {
                username: Some(desired.username.clone()),
                groups: desired.groups.clone(),
                policies: Some(policies),
                tags: tags.map(|(key, value)| (key.to_owned(), value)).into(),
                ..AccessTerms::default()
            }),
        };
        match validate(&requested, input.aws.cluster_arn.as_deref()).first() {
            Some(violation) => Err(unsupported(format!(
                "an access entry of {} is not possible: {violation}; to fix it: {}",
                requested.principal_arn,
                violation.remedy()
            ))),
            None => Ok(requested),
        }
    }

    fn decide_requested(
        &self,
        desired: &EntryRecord,
        requested: &AccessEntry,
        entries: &mut ObjectEntries,
    ) -> EntryOutcome {
        let arn = &requested.principal_arn;
        let claimant = self.claimants.get(&desired.folded_key());
        if let Some(&other) = claimant.filter(|claimant| **claimant != self.at) {
            let other = self.resolver.object(other);
            let message = format!(
                "the older {} {} requests {}",
                other.kind.name(),
                other.name,
                desired.key
            );
            return EntryOutcome::Stalled(Reason::Conflict, message);
        }
        let Some(terms) = &requested.terms else {
            return EntryOutcome::Pending;
        };
        let found = listed(self.input()).and_then(|all| all.of(&desired.key));
        let Some(found) = found else {
            return self.create(desired, requested, entries);
        };
        let Some(existing) = found
            .terms
            .as_ref()
            .filter(|terms| terms.policies.is_some())
        else {
            let message = format!(
                "the access entry of {arn} takes precedence, and EKS does not return its contents; allow eks:DescribeAccessEntry and eks:ListAssociatedAccessPolicies"
            );
            return EntryOutcome::Stalled(Reason::ShadowedBy, message);
        };
        let is_own = self.own.iter().any(|own| own.principal_arn == *arn);
        let of_nodes = self.mapped_by_others(desired);
        let of_nodes = of_nodes.filter(|mapped| mapped.first().is_some_and(is_node));
        if let Some(mapped) = of_nodes.filter(|_| is_own)
            && let Outcome::Stalled(reason, message) = owned_by_no_object(desired, mapped.first())
        {
            // The entry in aws-auth was missing when this one was created.
            self.delete(found, entries);
            return EntryOutcome::Stalled(reason, message);
        }
        let difference = difference_between(arn, Some(existing), Some(terms));
        let is_dead = matches!(
            self.input().aws.role(arn),
            Existence::Exists(role) if found.is_older_than(role)
        );
        match difference {
            None if !is_dead => EntryOutcome::Applied {
                record: record_of(requested),
                is_owned: is_own,
            },
            difference if !is_own => {
                let why = difference.as_deref().unwrap_or(DEAD);
                let remedy = match existing.kind.as_str() {
                    STANDARD => format!("to let this object create it, {}", removal(desired)),
                    _ => "nodes sign in through it, so delete this object".to_owned(),
                };
                EntryOutcome::Stalled(
                    Reason::ShadowedBy,
                    format!(
                        "the access entry of {arn} takes precedence, and this object does not own it: {why}; {remedy}"
                    ),
                )
            }
            None => {
                let message =
                    format!("the controller creates the access entry of {arn} again: {DEAD}");
                self.change(
                    found.clone(),
                    None,
                    entries,
                    Some(("DriftRepaired", message)),
                );
                EntryOutcome::Pending
            }
            Some(difference) => {
                let is_drift = self.wrote(requested);
                if is_drift && self.reports_drift() {
                    return EntryOutcome::Drifted(format!(
                        "the access entry of {arn} was changed by another client, and driftPolicy is Report: {difference}"
                    ));
                }
                let message = format!(
                    "the access entry of {arn} was changed by another client, and was restored: {difference}"
                );
                let event = is_drift.then_some(("DriftRepaired", message));
                // EKS changes neither the tags nor the time.
                let after = AccessTerms {
                    tags: existing.tags.clone(),
                    created_at: existing.created_at,
                    ..terms.clone()
                };
                self.change(found.clone(), Some(after), entries, event);
                EntryOutcome::Pending
            }
        }
    }

    /// Creates the requested entry, unless aws-auth maps its principal to another user for no object.
    fn create(
        &self,
        desired: &EntryRecord,
        requested: &AccessEntry,
        entries: &mut ObjectEntries,
    ) -> EntryOutcome {
        let arn = &requested.principal_arn;
        if let Some(mapped) = self.mapped_by_others(desired)
            && let Outcome::Stalled(reason, message) = owned_by_no_object(desired, mapped.first())
        {
            return EntryOutcome::Stalled(reason, message);
        }
        if let Some(outcome) = self.needed_by_nodes(desired) {
            return outcome;
        }
        let is_drift = self.wrote(requested);
        if is_drift && self.reports_drift() {
            return EntryOutcome::Drifted(format!(
                "the access entry of {arn} was deleted by another client, and driftPolicy is Report"
            ));
        }
        let message = format!(
            "the access entry of {arn} was deleted by another client, and was created again"
        );
        let new = AccessEntry {
            principal_arn: arn.clone(),
            terms: None,
        };
        let event = is_drift.then_some(("DriftRepaired", message));
        self.change(new, requested.terms.clone(), entries, event);
        EntryOutcome::Pending
    }

    /// Returns the entries of aws-auth that map the principal to another user, and that no object wrote.
    fn mapped_by_others(&self, desired: &EntryRecord) -> Option<Entries<'_, 'a>> {
        let key = desired.key();
        let mapped = self.resolver.current.get(&key)?;
        let is_by_others = reads_aws_auth(self.input())
            && !self.resolver.records.has_writer(&key, &mapped)
            && !mapped.all_match(desired);
        is_by_others.then_some(mapped)
    }

    /// Returns the outcome if nodes sign in with the principal, or aws-auth lacks a protected entry for it. An access entry would take
    /// precedence over the entry that will be restored. Ignores Karpenter's node classes, because users can write them for any role.
    fn needed_by_nodes(&self, desired: &EntryRecord) -> Option<EntryOutcome> {
        let key = desired.key();
        let protected = self.input().memory.protected.get(&key.1);
        let is_own = self.resolver.records.contains(&key);
        let protected = protected.filter(|protected| !is_own && !desired.is_same(&protected.entry));
        if let Some(protected) = protected
            && let Outcome::Stalled(reason, message) =
                owned_by_no_object(desired, Some(&protected.entry.mapping()))
        {
            return Some(EntryOutcome::Stalled(reason, message));
        }
        let Known::Is(node_inventory) = self.input().node_inventory else {
            return None;
        };
        let roles = NodeRoles::of(node_inventory);
        let role = roles.get(&desired.key)?;
        let by_eks = |by: NodeSource<'_>| !matches!(by, NodeSource::Class(_));
        let message = format!(
            "nodes sign in with {}: it is {role}; with this access entry, they would become NotReady, so delete this object",
            desired.key
        );
        let is_needed = role.uses.iter().any(|one| by_eks(one.by));
        is_needed.then_some(EntryOutcome::Stalled(Reason::Conflict, message))
    }

    /// Returns whether the controller has written this entry with these contents for the object.
    fn wrote(&self, requested: &AccessEntry) -> bool {
        let object = self.object;
        let record = self.input().record;
        let recorded = object.status.access_entry.as_ref();
        recorded.is_some_and(|recorded| {
            let arn = &recorded.principal_arn;
            let terms = recorded.terms();
            *arn == requested.principal_arn
                && record.proves_access_entry(&object.uid, arn)
                && difference_between(arn, Some(&terms), requested.terms.as_ref()).is_none()
        })
    }

    fn reports_drift(&self) -> bool {
        self.spec()
            .is_some_and(|spec| spec.drift == DriftPolicy::Report)
    }

    /// Returns whether an entry was granted with `onWithdrawal: Revoke` and is no longer granted.
    fn is_withdrawn(&self, entry: &AccessEntry) -> bool {
        let input = self.input();
        let arn = &entry.principal_arn;
        let on_withdrawal = input.record.get_access_entry(&self.object.uid, arn);
        on_withdrawal == Some(OnWithdrawal::Revoke)
            && approval(input.config, entry).is_some_and(|approved| approved.is_err())
    }

    /// Returns whether the object must lose an entry that the controller created for it, no matter which client changed it since: the status
    /// does not contain a change that EKS carried out in part.
    fn must_lose(&self, entry: &AccessEntry) -> bool {
        self.resolver.is_expired(self.at) || self.is_withdrawn(entry)
    }

    /// Deletes an entry that the object owns, unless the configuration protects it or the object must not undo a change.
    fn delete(&self, entry: &AccessEntry, entries: &mut ObjectEntries) {
        let arn = &entry.principal_arn;
        let recorded = self.object.status.access_entry.as_ref();
        let is_changed = recorded.is_some_and(|recorded| {
            recorded.principal_arn == *arn
                && difference_between(arn, entry.terms.as_ref(), Some(&recorded.terms())).is_some()
        });
        let kept = if self.input().config.protect.includes(&comparable(arn)) {
            Some("protect.arns in the controller's configuration lists it")
        } else if is_changed && self.reports_drift() && !self.must_lose(entry) {
            Some("another client changed it, and driftPolicy is Report")
        } else {
            None
        };
        if let Some(why) = kept {
            entries.kept.push((arn.clone(), why.to_owned()));
            return;
        }
        let (changes, event) = match self.is_withdrawn(entry) {
            true => (
                &mut entries.revocations,
                (
                    "Revoked",
                    format!("the access entry of {arn} was deleted: its grant was withdrawn"),
                ),
            ),
            false => (
                &mut entries.changes,
                ("Removed", format!("the access entry of {arn} was deleted")),
            ),
        };
        changes.push(self.planned(entry.clone(), None, Some(event)));
    }

    fn change(
        &self,
        before: AccessEntry,
        after: Option<AccessTerms>,
        entries: &mut ObjectEntries,
        event: Option<(&'static str, String)>,
    ) {
        entries.changes.push(self.planned(before, after, event));
    }

    fn planned(
        &self,
        before: AccessEntry,
        after: Option<AccessTerms>,
        event: Option<(&'static str, String)>,
    ) -> PlannedChange {
        let change = EntryChange {
            principal_arn: before.principal_arn,
            before: before.terms,
            after,
        };
        let event = event.map(|(reason, message)| Event {
            regarding: Regarding::Object(self.at),
            kind: match reason {
                "Removed" => EventKind::Normal,
                _ => EventKind::Warning,
            },
            reason,
            message,
        });
        (change, event)
    }
}

/// Checks whether a grant covers an entry as it is; `None` if that depends on contents that EKS did not return.
fn approval(config: &Config, entry: &AccessEntry) -> Option<Result<OnWithdrawal, String>> {
    let terms = entry.terms.as_ref()?;
    let sign_in = comparable(&entry.principal_arn);
    let principal = match sign_in.contains(":role/") {
        true => Principal::Role(sign_in),
        false => Principal::User(sign_in),
    };
    let policies: Vec<NamedPolicy> = terms.policies().iter().cloned().map(Into::into).collect();
    let username = terms.username.as_deref();
    let approved = config.approve(&principal, username, &terms.groups, &policies);
    (terms.policies.is_some() || approved.is_err()).then_some(approved)
}

/// Returns the advice to remove the access entry of a principal.
fn removal(desired: &EntryRecord) -> String {
    format!("remove it: {} --backend access-entries", unmap(desired))
}

fn record_of(entry: &AccessEntry) -> AccessEntryRecord {
    let terms = entry.terms.clone().unwrap_or_default();
    AccessEntryRecord {
        principal_arn: entry.principal_arn.clone(),
        policies: terms.policies().to_vec(),
        username: terms.username.unwrap_or_default(),
        groups: terms.groups,
    }
}
