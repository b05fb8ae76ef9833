//! Resolves which object owns which ARN.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::super::config::OnWithdrawal;
use super::super::decision::Input;
use super::super::expired_objects;
use super::super::mapping_object::{DeletionPolicy, EntryRecord, Object, ObjectKind, Reason, Spec};
use super::access_entry_plan::AccessEntryOutcomes;
use super::current_entries::{CurrentEntries, Entries, Records};
use super::desired_entry::{self, Key};
use super::edit_batch::RefusalReason;
use super::listed_access_entries::why_not_used;
use crate::document::{Document, Principal, SectionName};

/// The indexed input of a decision, and what guards have refused so far.
pub(super) struct Resolver<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) current: CurrentEntries<'a>,
    pub(super) records: Records<'a>,
    /// The indexes of the objects, oldest first.
    pub(super) order: Vec<usize>,
    /// The requested entry of each object, or why the object may not have it.
    pub(super) desired: Vec<Result<EntryRecord, String>>,
    /// What happens to the requested entry of each object when it is no longer granted.
    pub(super) on_withdrawal: Vec<OnWithdrawal>,
    /// The owner of each ARN or account.
    owners: HashMap<String, usize>,
    /// The objects whose edits were refused.
    pub(super) refused: HashMap<usize, RefusalReason>,
    /// Those of them whose edits that remove withdrawn entries were refused, too.
    pub(super) refused_again: HashSet<usize>,
    /// The entries that no object owns any more and that must be removed, with the reason.
    pub(super) withdrawn: BTreeMap<Key, (EntryRecord, Why)>,
    /// Whether each object has expired.
    expired: Vec<bool>,
    /// The objects whose mapping is an access entry.
    pub(super) access_entries: AccessEntryOutcomes,
    /// Whether to plan changes before they are recorded, so that guards can check them.
    pub(super) includes_unrecorded: bool,
}

/// Why an entry is removed.
#[derive(Clone, Debug)]
pub(super) enum Why {
    /// No grant covers it any more, for this reason.
    NotGranted(String),
    /// Its object was deleted, without its finalizer.
    ObjectDeleted,
}

impl<'a> Resolver<'a> {
    pub(super) fn of(input: &'a Input<'a>, document: &'a Document) -> Self {
        let objects = input.objects;
        let mut order: Vec<usize> = (0..objects.len()).collect();
        order.sort_by_cached_key(|&at| {
            let Object {
                created,
                name,
                uid,
                kind,
                ..
            } = &objects[at];
            (*created, name.clone(), uid.clone(), *kind)
        });
        let requested = objects.iter().map(|object| desired_entry(input, object));
        let (desired, on_withdrawal) = requested
            .map(|requested| match requested {
                Ok((entry, on_withdrawal)) => (Ok(entry), on_withdrawal),
                Err(why) => (Err(why), OnWithdrawal::default()),
            })
            .unzip();
        let mut resolver = Self {
            input,
            current: CurrentEntries::of(document),
            records: Records::of(input),
            order,
            desired,
            on_withdrawal,
            owners: HashMap::new(),
            refused: HashMap::new(),
            refused_again: HashSet::new(),
            withdrawn: BTreeMap::new(),
            expired: expired_objects::find(input),
            access_entries: AccessEntryOutcomes::default(),
            includes_unrecorded: true,
        };
        resolver.access_entries = AccessEntryOutcomes::of(&resolver);
        resolver.refuse_policies_in_aws_auth();
        resolver.assign_owners(&HashSet::new());
        for at in 0..objects.len() {
            if let Some(requested) = resolver.requested_by_leaving(at).cloned() {
                resolver.records.add_pending(at, requested);
            }
        }
        resolver.withdrawn = resolver.find_withdrawn();
        resolver
    }

    /// Assigns each ARN to the oldest object that requests it and may have it.
    fn assign_owners(&mut self, without: &HashSet<usize>) {
        self.owners.clear();
        for &at in &self.order {
            let is_claimant = self.is_for_aws_auth(at) && !without.contains(&at);
            if let (true, Ok(desired)) = (is_claimant, &self.desired[at]) {
                self.owners.entry(desired.folded_key()).or_insert(at);
            }
        }
    }

    /// Returns whether the object's mapping is kept in aws-auth.
    fn is_for_aws_auth(&self, at: usize) -> bool {
        !self.is_leaving(at) && !self.access_entries.includes(at)
    }

    fn refuse_policies_in_aws_auth(&mut self) {
        for at in 0..self.desired.len() {
            let object = self.object(at);
            let has_policies = object
                .spec
                .as_ref()
                .is_ok_and(|spec| !spec.policies.is_empty());
            if has_policies && self.is_for_aws_auth(at) && self.desired[at].is_ok() {
                let why = why_not_used(self.input);
                self.desired[at] = Err(format!(
                    "only an access entry can have access policies, and {why}"
                ));
            }
        }
    }

    /// Excludes these objects from the plan; with `pass_on`, assigns their ARNs to younger objects.
    pub(super) fn refuse(&mut self, refused: &HashMap<usize, RefusalReason>, pass_on: bool) {
        self.refused.clone_from(refused);
        if pass_on {
            self.assign_owners(&refused.keys().copied().collect());
        }
    }

    /// Returns the owner of an ARN or account.
    pub(super) fn owner(&self, folded_key: &str) -> Option<usize> {
        self.owners.get(folded_key).copied()
    }

    /// Returns whether the ARN's owner may replace the current entry: only if an object wrote it or its grant was withdrawn.
    pub(super) fn may_be_replaced(&self, key: &Key, entries: &Entries<'_, '_>) -> bool {
        self.records.has_writer(key, entries) || self.withdrawn.contains_key(key)
    }

    /// Returns whether an entry of an object must be removed even if no other object can take it over: a user could create one whose
    /// request can never be recorded.
    pub(super) fn must_lose(&self, at: usize, old: &EntryRecord) -> bool {
        self.is_leaving(at) || self.is_withdrawn(at, old)
    }

    /// Returns whether an entry of an object was granted with `onWithdrawal: Revoke` and is no longer granted.
    pub(super) fn is_withdrawn(&self, at: usize, old: &EntryRecord) -> bool {
        let content = self.current.get(&old.key());
        let content = content.and_then(|found| found.content());
        self.input.record.get(&self.object(at).uid, old) == Some(OnWithdrawal::Revoke)
            && content
                .as_ref()
                .unwrap_or(old)
                .approved_by(self.input.config)
                .is_err()
    }

    /// Returns whether an object wrote this entry or requests it.
    pub(super) fn claims(&self, key: &Key) -> bool {
        self.records.contains(key)
            || (self.owners.contains_key(&key.1) && self.protected_from(key).is_none())
    }

    /// Returns the remembered protected entry that the current owner's request conflicts with.
    pub(super) fn protected_from(&self, key: &Key) -> Option<&'a EntryRecord> {
        let protected = &self.input.memory.protected.get(&key.1)?.entry;
        let owner = *self.owners.get(&key.1)?;
        let is_same = |desired: &EntryRecord| desired.is_same(protected);
        let is_objects =
            self.records.contains(key) || self.desired[owner].as_ref().is_ok_and(is_same);
        (!is_objects).then_some(protected)
    }

    pub(super) fn object(&self, at: usize) -> &'a Object {
        &self.input.objects[at]
    }

    pub(super) fn is_expired(&self, at: usize) -> bool {
        self.expired[at]
    }

    /// Returns whether the entries of an object must be removed: it is being deleted or has expired.
    pub(super) fn is_leaving(&self, at: usize) -> bool {
        self.object(at).is_deleting || self.is_expired(at)
    }

    /// Returns the requested entry of an object that [is leaving](Self::is_leaving), if the ownership record proves it. So the entry
    /// is removed even if a user has overwritten the status.
    pub(super) fn requested_by_leaving(&self, at: usize) -> Option<&EntryRecord> {
        let requested = self.desired[at].as_ref().ok()?;
        (self.is_leaving(at) && self.is_proven(at, requested)).then_some(requested)
    }

    /// Returns the record of each entry of an object: the one that matches the current entry, or else the latest. A pending record may be
    /// of a write that was never made.
    pub(super) fn recorded(&self, at: usize) -> Vec<&EntryRecord> {
        let status = &self.object(at).status;
        let latest = status.pending.iter().rev().chain(&status.entry);
        let latest = latest.chain(self.requested_by_leaving(at));
        let (current, others): (Vec<_>, Vec<_>) = latest.partition(|recorded| {
            let found = self.current.get(&recorded.key());
            found.is_some_and(|found| found.all_match(recorded))
        });
        let mut seen = BTreeSet::new();
        let mut all = current;
        all.extend(others);
        all.retain(|recorded| seen.insert(recorded.key()));
        all
    }

    /// Returns whether the object needs a finalizer as long as it owns an entry, and lacks it.
    pub(super) fn lacks_finalizer(&self, at: usize) -> bool {
        let object = self.object(at);
        object.kind == ObjectKind::AwsAuthMapping
            && !object.has_finalizer
            && !object.is_deleting
            && object.deletion() == DeletionPolicy::Delete
    }

    /// Returns whether the requested entry is recorded in the object's status, as current or pending.
    pub(super) fn is_recorded(&self, at: usize, desired: &EntryRecord) -> bool {
        let status = &self.object(at).status;
        let mut recorded = status.entry.iter().chain(&status.pending);
        recorded.any(|recorded| recorded.is_same(desired))
    }

    /// Returns whether the ownership record contains the entry for this object.
    pub(super) fn is_proven(&self, at: usize, entry: &EntryRecord) -> bool {
        self.input.record.proves(&self.object(at).uid, entry)
    }
}

/// Returns the requested entry, if the object may have it, and what happens to it when it is no longer granted.
fn desired_entry(
    input: &Input<'_>,
    object: &Object,
) -> Result<(EntryRecord, OnWithdrawal), String> {
    let spec = object
        .spec
        .as_ref()
        .map_err(|invalid| format!("the spec is invalid: {}", invalid.why))?;
    let principal = requested_principal(input, spec)?;
    let desired = desired_entry::of(&principal, spec)?;
    if input.config.protect.includes(&desired.key) {
        return Err(format!(
            "protect.arns in the controller's configuration lists {}, so no object can own its entry; delete this object, or remove the ARN from protect.arns",
            desired.key
        ));
    }
    let is_account = desired.section == SectionName::Accounts;
    let username = (!is_account).then_some(desired.username.as_str());
    let config = input.config;
    let on_withdrawal = config.approve(
        &desired.principal(),
        username,
        &desired.groups,
        &spec.policies,
    )?;
    Ok((desired, on_withdrawal))
}

/// Returns the principal that a spec requests: of a permission set, its role.
///
/// # Errors
/// Why the role is unknown, and what to do; a sentence fragment.
pub(super) fn requested_principal<'a>(
    input: &Input<'_>,
    spec: &'a Spec,
) -> Result<Cow<'a, Principal>, String> {
    match &spec.principal {
        Principal::Sso(sso) => input.aws.permission_set_role(sso).map(Cow::Owned),
        principal => Ok(Cow::Borrowed(principal)),
    }
}

impl RefusalReason {
    /// Returns the reason in the Ready condition.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::ByGuard(..) | Self::Unwritable(_) | Self::Full(_) => Reason::Refused,
            Self::Unreadable(_) => Reason::Unreadable,
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::ByGuard(guard, message) => format!("guard {}: {message}", guard.reason()),
            Self::Unwritable(message) | Self::Unreadable(message) => message.clone(),
            Self::Full(excess) => excess.message(),
        }
    }

    pub(super) fn guard(&self) -> Option<crate::plan::Guard> {
        match self {
            Self::ByGuard(guard, _) => Some(*guard),
            Self::Unwritable(_) | Self::Unreadable(_) | Self::Full(_) => None,
        }
    }
}
