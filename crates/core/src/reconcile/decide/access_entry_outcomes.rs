//! Decides about objects whose mapping is an access entry: which entries they own, and which changes to make.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::super::aws_facts::AwsQuery;
use super::super::config::OnWithdrawal;
use super::super::decision::{Event, EventKind, Input, Regarding};
use super::super::mapping_object::{
    AccessEntryRecord, DeletionPolicy, DriftPolicy, EntryRecord, Object, Reason, Spec,
};
use super::outcome::{Outcome, owned_by_no_object};
use super::owner_resolver::{Resolver, requested_principal};
use crate::access_entries::rules::validate;
use crate::access_entries::{
    EntryChange, EntryEditError, NamedPolicy, Store, StoreChoice, changed, difference_between,
    store_for,
};
use crate::arn::{comparable, principal_key};
use crate::authenticator::AccessEntries;
use crate::document::{Principal, SectionName};
use crate::facts::access_entries::{AccessEntry, AccessPolicy, AccessTerms, STANDARD, policy_name};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::facts::iam_principals::Existence;

/// The tag of an access entry that an object owns: the object's UID.
pub const OWNER_TAG: &str = "awsauth.dev/object-uid";
/// The tag with the object's name, for users.
const NAME_TAG: &str = "awsauth.dev/object";

/// The objects whose mapping is or was an access entry.
#[derive(Debug, Default)]
pub(super) struct AccessEntryOutcomes {
    pub(super) objects: BTreeMap<usize, ObjectEntries>,
    pub(super) query: AwsQuery,
}

/// What to do about the access entries of an object.
#[derive(Debug)]
pub(super) struct ObjectEntries {
    /// Whether the mapping is kept in access entries. Otherwise, the object only has entries that must be deleted.
    pub(super) is_place: bool,
    pub(super) outcome: EntryOutcome,
    /// The changes, in order, each with the event to emit after it.
    pub(super) changes: Vec<(EntryChange, Option<Event>)>,
    /// The principals of the entries that the object owns.
    pub(super) owned: Vec<String>,
    /// The principals of entries that the object owns and no longer requests, and why they are kept.
    pub(super) kept: Vec<(String, String)>,
}

/// The outcome for an object.
#[derive(Debug)]
pub(super) enum EntryOutcome {
    /// The access entry is as requested.
    Applied {
        record: AccessEntryRecord,
        /// Whether the object owns it. Otherwise, no object does.
        is_owned: bool,
    },
    /// There is nothing to report before the changes are made.
    Pending,
    /// The object has expired.
    Expired(String),
    /// Another client changed the entry, which is only reported.
    Drifted(String),
    Stalled(Reason, String),
}

/// Returns the access entries, if all are listed.
pub(super) fn listed<'a>(input: &Input<'a>) -> Option<&'a AccessEntries> {
    let entries = input.access_entries?;
    entries.all().is_some().then_some(&**entries)
}

/// Returns whether the cluster also reads aws-auth, or may do so.
pub(super) fn reads_aws_auth(input: &Input<'_>) -> bool {
    listed(input).is_none_or(AccessEntries::uses_aws_auth)
}

/// Returns why a new mapping is not an access entry, as a clause.
pub(super) fn why_not_used(input: &Input<'_>) -> &'static str {
    let mode = listed(input).map(AccessEntries::mode);
    match mode.or(input
        .facts
        .mode
        .filter(|mode| *mode == AuthenticationMode::ConfigMap))
    {
        None => {
            "the controller does not know the access entries: it needs --cluster-name, and AWS credentials that may eks:ListAccessEntries"
        }
        Some(AuthenticationMode::ConfigMap) => {
            "the authentication mode of this cluster is CONFIG_MAP: it ignores access entries"
        }
        Some(AuthenticationMode::ApiAndConfigMap | AuthenticationMode::Api) => {
            "the controller's configuration has backend: aws-auth; set it to auto or access-entries"
        }
    }
}

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
        let changes = moved.flat_map(|(_, object)| &object.changes);
        let changes: Vec<EntryChange> = changes.map(|(change, _)| change.clone()).collect();
        Some(match changes.as_slice() {
            [] => Arc::clone(entries),
            changes => Arc::new(changed(entries, changes)),
        })
    }

    /// Returns whether the object's access entry replaces what the object has in aws-auth.
    pub(super) fn replaces_aws_auth(&self, at: usize) -> bool {
        let outcome = self.objects.get(&at).map(|object| &object.outcome);
        matches!(outcome, Some(EntryOutcome::Applied { is_owned: true, .. }))
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
                    let store = store_for(&desired.map(), document, entries);
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
            changes: Vec::new(),
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
                    match &self.object.spec {
                        Ok(_) => "deletionPolicy is Retain".to_owned(),
                        Err(why) => format!("the spec is invalid: {why}"),
                    },
                )),
                false => self.delete(entry, &mut entries),
            }
        }
        if let Some(arn) = self
            .untagged()
            .filter(|_| self.resolver.is_leaving(self.at))
        {
            let why = format!("its tag {OWNER_TAG} does not name this object");
            entries.kept.push((arn.to_owned(), why));
        }
        let is_reported_here = is_expired && !reads_aws_auth(self.input());
        let has_entries = !self.own.is_empty() || !entries.kept.is_empty();
        (is_reported_here || has_entries).then_some(entries)
    }

    /// Returns the principal of the requested entry if the ownership record names the object and the entry's tag does not: a user of AWS may
    /// have removed the tag.
    fn untagged(&self) -> Option<&'a str> {
        let desired = self.resolver.desired[self.at].as_ref().ok()?;
        let arn = &listed(self.input())?.of(&desired.key)?.principal_arn;
        let is_own = self.own.iter().any(|own| own.principal_arn == *arn);
        let record = self.input().record;
        let is_proven = record.proves_access_entry(&self.object.uid, arn);
        (is_proven && !is_own).then_some(arn)
    }

    /// Returns the outcome of an object that has expired.
    fn expired(&self) -> Option<EntryOutcome> {
        let expires_at = self.spec()?.expires_at?;
        let is_expired = self.resolver.is_expired(self.at) && !self.object.is_deleting;
        is_expired.then(|| EntryOutcome::Expired(format!("expiresAt {expires_at} has passed")))
    }

    /// Returns the outcome of an object whose mapping is an access entry, if the access entries are unknown.
    fn unlisted_entry(&self) -> Option<EntryOutcome> {
        let object = self.object;
        let arn = &object.status.access_entry.as_ref()?.principal_arn;
        let record = self.input().record;
        let is_held = listed(self.input()).is_none()
            && record.proves_access_entry(&object.uid, arn)
            && !(object.is_deleting && self.retains());
        let hint = match object.is_deleting {
            true => "; to delete only this object, set deletionPolicy: Retain",
            false => "",
        };
        is_held.then(|| {
            EntryOutcome::Stalled(
                Reason::AwsError,
                format!(
                    "the access entry of {arn} is unknown, because the controller cannot list the access entries: it needs --cluster-name, and AWS credentials that may eks:ListAccessEntries{hint}"
                ),
            )
        })
    }

    /// Returns whether the entries of the object stay when it is deleted.
    fn retains(&self) -> bool {
        !matches!(self.spec(), Some(spec) if spec.deletion == DeletionPolicy::Delete)
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
    }

    /// Returns the message of an object whose request is not approved.
    fn unapproved(&self, why: &str, entries: &ObjectEntries) -> String {
        let is_deleted = |entry: &AccessEntry| {
            let mut changes = entries.changes.iter();
            changes.any(|(change, _)| change.principal_arn == entry.principal_arn)
        };
        let kept = self.own.iter().find(|entry| !is_deleted(entry));
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
        let difference = difference_between(arn, Some(existing), Some(terms));
        let record = record_of(requested);
        match difference {
            None if !is_own => EntryOutcome::Applied {
                record,
                is_owned: false,
            },
            Some(difference) if !is_own => {
                let message = format!(
                    "the access entry of {arn} takes precedence, and this object does not own it: {difference}; to let the object create it, delete it"
                );
                EntryOutcome::Stalled(Reason::ShadowedBy, message)
            }
            None => {
                if let Existence::Exists(role) = self.input().aws.role(arn)
                    && found.is_older_than(role)
                {
                    let message = format!(
                        "the access entry of {arn} is older than its role, which was deleted and created again, so EKS rejects its sign-in; the controller creates the entry again"
                    );
                    self.change(
                        found.clone(),
                        None,
                        entries,
                        Some(("DriftRepaired", message)),
                    );
                    return EntryOutcome::Pending;
                }
                EntryOutcome::Applied {
                    record,
                    is_owned: true,
                }
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
        let key = desired.key();
        let in_aws_auth = self.resolver.current.get(&key);
        if let Some(mapped) = in_aws_auth.filter(|_| reads_aws_auth(self.input())) {
            let has_writer = self.resolver.records.has_writer(&key, &mapped);
            if !has_writer
                && !mapped.all_match(desired)
                && let Outcome::Stalled(reason, message) =
                    owned_by_no_object(desired, mapped.first())
            {
                return EntryOutcome::Stalled(reason, message);
            }
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
        let Some(terms) = &entry.terms else {
            return false;
        };
        let sign_in = comparable(arn);
        let principal = match sign_in.contains(":role/") {
            true => Principal::Role(sign_in),
            false => Principal::User(sign_in),
        };
        let policies: Vec<NamedPolicy> = terms.policies().iter().cloned().map(Into::into).collect();
        let username = terms.username.as_deref();
        let approved = input
            .config
            .approve(&principal, username, &terms.groups, &policies);
        on_withdrawal == Some(OnWithdrawal::Revoke) && approved.is_err()
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
        let event = match self.is_withdrawn(entry) {
            true => (
                "Revoked",
                format!("the access entry of {arn} was deleted: its grant was withdrawn"),
            ),
            false => ("Removed", format!("the access entry of {arn} was deleted")),
        };
        self.change(entry.clone(), None, entries, Some(event));
    }

    fn change(
        &self,
        before: AccessEntry,
        after: Option<AccessTerms>,
        entries: &mut ObjectEntries,
        event: Option<(&'static str, String)>,
    ) {
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
        entries.changes.push((change, event));
    }
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
