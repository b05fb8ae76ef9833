//! Plans a migration.

use std::collections::HashMap;

use thiserror::Error;

use super::comparison::compare;
use super::input::{Choices, Masters, MigrationInput};
use super::node_target;
use super::standard_target::{self, Target};
use super::unfinished::{AWS_AUTH, finished, is_migrated};
use super::verdict::{Item, MigrationPlan, Obstacle, Reason, Unchecked, Verdict};
use crate::access_entries::rules::{
    MAX_ENTRIES, Violation, supports_access_entries, validate, validate_group,
};
use crate::access_entries::{Operation, tags};
use crate::arn::{Parts, can_match, comparable, fold, is_same_principal};
use crate::authenticator::{EntryState, NodeRoles, Slot, Store, can_become, is_node};
use crate::document::{Mapping, Principal};
use crate::facts::access_entries::{AccessEntry, AccessTerms, STANDARD};
use crate::facts::accounts::is_account_id;
use crate::facts::authentication_mode::AuthenticationMode;
use crate::facts::groups::MASTERS;
use crate::facts::iam_inventory::Existence;

/// What to do about an account, for which there is no access entry.
pub(super) const MAP_EACH: &str =
    "map each role and user that signs in by its own ARN, then unmap the account";

/// Why a choice of the user is not possible.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChoiceError {
    /// aws-auth has no entry for it.
    #[error("aws-auth has no entry for {arn}")]
    UnknownPrincipal { arn: String },
    #[error("the group {group} cannot replace system:masters: {violation}")]
    MastersGroup { group: String, violation: Violation },
}

/// Plans the access entries that replace aws-auth. The plan depends on its input alone.
///
/// # Errors
/// If a choice names a principal that aws-auth does not have, or a group that EKS refuses.
pub fn plan<'d>(input: &MigrationInput<'d, '_>) -> Result<MigrationPlan<'d>, ChoiceError> {
    check_choices(input)?;
    let store = Store::new(input.document);
    let planner = Planner::new(input, &store);
    let items: Vec<Item<'d>> = store
        .slots()
        .iter()
        .map(|slot| planner.item(slot))
        .collect();
    let obstacles = planner.obstacles(&items);
    let operations = match obstacles.is_empty() {
        true => planner.operations(&items),
        false => Vec::new(),
    };
    Ok(MigrationPlan {
        notes: planner.notes(&operations),
        unchecked: planner.unchecked(&items),
        items,
        operations,
        obstacles,
    })
}

fn check_choices(input: &MigrationInput<'_, '_>) -> Result<(), ChoiceError> {
    let Choices {
        masters,
        accepted,
        skipped,
        principals,
        run: _,
    } = input.choices;
    if let Masters::Group(group) = masters {
        validate_group(group).map_err(|violation| ChoiceError::MastersGroup {
            group: group.clone(),
            violation,
        })?;
    }
    let mappings = input
        .document
        .sections()
        .flat_map(|section| section.entries());
    let written: Vec<&Mapping> = mappings.map(|entry| entry.written_mapping()).collect();
    let is_known = |arn: &str| {
        let mut written = written.iter();
        written.any(|mapping| is_chosen(&mapping.principal, arn))
    };
    let mut chosen = accepted.iter().chain(skipped).chain(principals);
    match chosen.find(|arn| !is_known(arn)) {
        Some(arn) => Err(ChoiceError::UnknownPrincipal { arn: arn.clone() }),
        None => Ok(()),
    }
}

/// Returns whether the user's ARN or account names this principal.
pub(super) fn is_chosen(principal: &Principal, chosen: &str) -> bool {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => is_same_principal(arn, chosen),
        Principal::Account(id) => id == chosen,
        Principal::Sso(_) => principal.text() == chosen,
    }
}

struct Planner<'a> {
    input: &'a MigrationInput<'a, 'a>,
    nodes: NodeRoles<'a>,
    /// How many entries in force share a folded ARN.
    in_force: HashMap<String, usize>,
}

/// The ARN of a principal with its IAM path.
struct RealArn {
    arn: String,
    /// Why it is not certain.
    unchecked: Option<Unchecked>,
}

impl<'a> Planner<'a> {
    fn new(input: &'a MigrationInput<'a, 'a>, store: &Store<'_>) -> Self {
        let mut in_force = HashMap::new();
        for (arn, _) in store.in_force() {
            *in_force.entry(fold(arn).into_owned()).or_insert(0) += 1;
        }
        Self {
            input,
            nodes: input.node_inventory.map(NodeRoles::of).unwrap_or_default(),
            in_force,
        }
    }

    fn mode(&self) -> Option<AuthenticationMode> {
        Some(self.input.access_entries?.mode())
    }

    fn cluster_arn(&self) -> Option<&'a str> {
        Some(self.input.cluster?.arn)
    }

    fn item<'d>(&self, slot: &Slot<'d>) -> Item<'d> {
        let mut item = Item {
            place: slot.place,
            mapping: slot.mapping,
            entry: None,
            verdict: Verdict::Skipped,
            unchecked: Vec::new(),
        };
        item.verdict = self.verdict(slot, &mut item);
        item
    }

    /// Decides about an entry of aws-auth. Adds the access entry and what is unchecked to the item.
    fn verdict<'d>(&self, slot: &Slot<'d>, item: &mut Item<'d>) -> Verdict<'d> {
        let not_migrated = |reason| Verdict::NotMigrated { reason };
        match slot.state {
            EntryState::Ignored { reason } => return not_migrated(Reason::Ignored(reason)),
            EntryState::Shadowed { by } => return not_migrated(Reason::ReplacedBy(by)),
            EntryState::Effective if self.mode() == Some(AuthenticationMode::Api) => {
                item.entry = self.existing_of(&slot.mapping.principal).cloned();
                return not_migrated(Reason::Mode);
            }
            EntryState::Effective => {}
        }
        let principal = &slot.mapping.principal;
        let mut skipped = self.input.choices.skipped.iter();
        let is_skipped = skipped.any(|arn| is_chosen(principal, arn));
        let arn = match principal {
            Principal::Account(id) if !is_account_id(id) => {
                return not_migrated(Reason::NeverMatches);
            }
            Principal::Role(arn) | Principal::User(arn) if !can_match(arn) => {
                return not_migrated(Reason::NeverMatches);
            }
            _ if is_skipped => return Verdict::Skipped,
            Principal::Account(id) => return account(id),
            Principal::Sso(_) => return sso(principal.text()),
            Principal::Role(arn) | Principal::User(arn) => arn,
        };
        if self
            .in_force
            .get(&*fold(arn))
            .is_some_and(|&count| count > 1)
        {
            return Verdict::Cannot {
                reason: "several entries differ only in the letter case of the ARN, and the authenticator may use any of them".to_owned(),
                loses: loses(slot.mapping),
                remedy: "remove all but one from aws-auth".to_owned(),
            };
        }
        if let Some(existing) = self.existing_of(principal) {
            item.entry = Some(existing.clone());
            return self.existing_entry(existing, item);
        }
        match self.real_arn(arn) {
            None => not_migrated(Reason::NoSuchPrincipal),
            Some(real) => self.new_entry(slot.mapping, real, item),
        }
    }

    /// Returns the access entry of a role or user.
    fn existing_of(&self, principal: &Principal) -> Option<&'a AccessEntry> {
        match principal {
            Principal::Role(arn) | Principal::User(arn) => self.input.access_entries?.of(arn),
            Principal::Account(_) | Principal::Sso(_) => None,
        }
    }

    /// Decides about a principal that has an access entry.
    fn existing_entry<'d>(&self, existing: &AccessEntry, item: &mut Item<'d>) -> Verdict<'d> {
        let principal = match self.existence(&existing.principal_arn) {
            Existence::Absent => {
                let reason = Reason::NoSuchPrincipal;
                return Verdict::NotMigrated { reason };
            }
            Existence::Exists(principal) => Some(principal),
            Existence::Unknown => None,
        };
        match principal {
            Some(principal) if existing.is_older_than(principal) => return Verdict::DeadEntry,
            Some(_) => {}
            None => item.unchecked.push(Unchecked::Age),
        }
        let is_admin = item.mapping.groups().iter().any(|group| group == MASTERS);
        if let Some(finished) = finished(existing).filter(|_| is_admin) {
            let compared = compare(item.mapping, &finished, &Masters::Policy);
            item.entry = Some(finished);
            // The user accepted the changes of the earlier run.
            let differences = [compared.other_way, compared.changes].concat();
            return Verdict::Unfinished { differences };
        }
        let compared = compare(item.mapping, existing, &self.input.choices.masters);
        match compared.changes.is_empty() {
            true => Verdict::AlreadyThere {
                differences: compared.other_way,
            },
            false => Verdict::Conflict {
                differences: compared.changes,
            },
        }
    }

    /// Looks up a role or user in IAM.
    fn existence(&self, arn: &str) -> Existence<'_> {
        let Some(parts) = Parts::of(arn) else {
            return Existence::Unknown;
        };
        let principals = self.input.principals;
        match principals.filter(|principals| principals.account == parts.account) {
            None => Existence::Unknown,
            Some(principals) if parts.kind == "role" => principals.roles.named(parts.name),
            Some(principals) => principals.users.named(parts.name),
        }
    }

    /// Decides about the access entry to create.
    fn new_entry<'d>(&self, mapping: &Mapping, real: RealArn, item: &mut Item<'d>) -> Verdict<'d> {
        let cluster_arn = self.cluster_arn();
        let cannot = |(reason, remedy)| Verdict::Cannot {
            reason,
            loses: loses(mapping),
            remedy,
        };
        let principal_only = AccessEntry {
            principal_arn: real.arn,
            terms: None,
        };
        if let Some(violation) = validate(&principal_only, cluster_arn).into_iter().next() {
            return cannot((violation.to_string(), violation.remedy()));
        }
        let arn = &principal_only.principal_arn;
        let target = match is_node(mapping) {
            true => {
                node_target::target(mapping, arn, self.nodes.get(&comparable(arn)), cluster_arn)
                    .map_err(|problem| problem.words(mapping))
            }
            false => {
                standard_target::target(mapping, arn, &self.input.choices.masters, cluster_arn)
                    .map_err(|violation| (violation.to_string(), violation.remedy()))
            }
        };
        let Target {
            mut entry,
            other_way,
            changes,
            unchecked,
        } = match target {
            Ok(target) => target,
            Err(words) => return cannot(words),
        };
        if let Some(terms) = &mut entry.terms {
            terms
                .tags
                .insert(tags::FROM.to_owned(), AWS_AUTH.to_owned());
        }
        item.entry = Some(entry);
        item.unchecked.extend(real.unchecked);
        item.unchecked.extend(unchecked);
        if !changes.is_empty() {
            let mut accepted = self.input.choices.accepted.iter();
            return Verdict::Changed {
                differences: changes,
                is_accepted: accepted.any(|arn| is_chosen(&mapping.principal, arn)),
            };
        }
        match other_way.is_empty() {
            true => Verdict::Same,
            false => Verdict::SameRightsOtherWay {
                differences: other_way,
            },
        }
    }

    /// Returns the ARN with which IAM knows a principal of aws-auth; `None` if it does not exist.
    fn real_arn(&self, arn: &str) -> Option<RealArn> {
        let certain = |arn: &str| {
            Some(RealArn {
                arn: arn.to_owned(),
                unchecked: None,
            })
        };
        let mut chosen = self.input.choices.principals.iter();
        if let Some(chosen) = chosen.find(|chosen| is_same_principal(arn, chosen)) {
            return certain(chosen);
        }
        if let Some(node) = self.nodes.get(arn) {
            return certain(node.arn);
        }
        let written = as_iam_writes(arn);
        let parts = Parts::of(&written)?;
        if parts.kind != "role" && parts.kind != "user" {
            return certain(&written);
        }
        match self.existence(&written) {
            // STS reports the paths of users, so a user with another path does not use this entry.
            Existence::Exists(one) if is_same_principal(&one.arn, arn) => certain(&one.arn),
            Existence::Exists(_) | Existence::Absent => None,
            Existence::Unknown => Some(RealArn {
                unchecked: Some(match parts.kind {
                    "role" => Unchecked::Role {
                        partition: parts.partition.to_owned(),
                        account: parts.account.to_owned(),
                        name: parts.name.to_owned(),
                    },
                    _ => Unchecked::User,
                }),
                arn: written.clone(),
            }),
        }
    }

    fn obstacles(&self, items: &[Item<'_>]) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        let new = items.iter().filter(|item| item.verdict.creates()).count();
        let existing = self.input.access_entries.and_then(|entries| entries.all());
        let existing = existing.map_or(0, <[_]>::len);
        if new > 0 && existing + new > MAX_ENTRIES {
            obstacles.push(Obstacle::TooManyEntries { existing, new });
        }
        if let Some(cluster) = self.input.cluster
            && let (Some(version), Some(platform)) = (cluster.version, cluster.platform_version)
            && self.mode() == Some(AuthenticationMode::ConfigMap)
            && supports_access_entries(version, platform) == Some(false)
        {
            obstacles.push(Obstacle::PlatformVersion {
                version: version.to_owned(),
                platform: platform.to_owned(),
            });
        }
        obstacles.extend(self.admin_group_in_use(items));
        obstacles
    }

    /// Returns a conflict if the group of administrators already has members who are not administrators.
    fn admin_group_in_use(&self, items: &[Item<'_>]) -> Option<Obstacle> {
        let Masters::Group(group) = &self.input.choices.masters else {
            return None;
        };
        let is_bound = |item: &Item<'_>| {
            let terms = item.entry.as_ref().and_then(|entry| entry.terms.as_ref());
            item.verdict.creates() && terms.is_some_and(|terms| terms.groups.contains(group))
        };
        if !items.iter().any(is_bound) {
            return None;
        }
        let is_admin = |mapping: &Mapping| mapping.groups().iter().any(|group| group == MASTERS);
        let may_have = |mapping: &Mapping| {
            let parts = Parts::of(mapping.principal.text());
            let account = parts.map_or("", |parts| parts.account);
            let mut groups = mapping.groups().iter();
            groups.any(|own| can_become(own, group, account))
        };
        // A role that does not exist may be created later.
        let is_in_force = |item: &Item<'_>| match &item.verdict {
            Verdict::NotMigrated { reason } => *reason == Reason::NoSuchPrincipal,
            _ => true,
        };
        let in_aws_auth = items
            .iter()
            .filter(|item| is_in_force(item) && may_have(item.mapping) && !is_admin(item.mapping))
            .map(|item| item.name());
        let entries = self.input.access_entries.and_then(|entries| entries.all());
        let in_entries = entries.unwrap_or_default().iter().filter(|entry| {
            let terms = entry.terms.as_ref();
            let has =
                terms.is_some_and(|terms| terms.groups.contains(group) && !is_migrated(terms));
            let mut items = items.iter();
            let of_admin =
                |item: &Item<'_>| item.entry.as_ref() == Some(*entry) && is_admin(item.mapping);
            has && !items.any(of_admin)
        });
        let mut members = in_aws_auth.chain(in_entries.map(|entry| entry.principal_arn.as_str()));
        Some(Obstacle::AdminGroupInUse {
            by: members.next()?.to_owned(),
            group: group.clone(),
        })
    }

    /// Returns the operations: the binding of administrators, the mode, the access entries in document order, and the
    /// caller's own entry last.
    fn operations(&self, items: &[Item<'_>]) -> Vec<Operation> {
        let mut entries: Vec<(&AccessEntry, &AccessTerms)> = items
            .iter()
            .filter(|item| item.verdict.creates())
            .filter_map(|item| item.entry.as_ref())
            .filter_map(|entry| Some((entry, entry.terms.as_ref()?)))
            .collect();
        let is_callers = |entry: &AccessEntry| {
            let caller = self.input.caller;
            caller.is_some_and(|caller| is_same_principal(&entry.principal_arn, caller))
        };
        entries.sort_by_key(|(entry, _)| is_callers(entry));
        let mut operations = Vec::new();
        if let Masters::Group(group) = &self.input.choices.masters
            && entries
                .iter()
                .any(|(_, terms)| terms.groups.contains(group))
        {
            operations.push(Operation::BindClusterAdmin {
                group: group.clone(),
            });
        }
        if !entries.is_empty() && self.mode() == Some(AuthenticationMode::ConfigMap) {
            operations.push(Operation::UpdateAuthenticationMode {
                from: AuthenticationMode::ConfigMap,
                to: AuthenticationMode::ApiAndConfigMap,
            });
        }
        for (entry, terms) in entries {
            operations.extend(self.creation(entry, terms));
        }
        operations
    }

    /// Returns the operations that create an access entry. Its groups are in the first one, so that it never exists without
    /// them.
    fn creation(&self, entry: &AccessEntry, terms: &AccessTerms) -> Vec<Operation> {
        let principal_arn = &entry.principal_arn;
        let associations = terms
            .policies()
            .iter()
            .map(|policy| Operation::AssociatePolicy {
                principal_arn: principal_arn.clone(),
                policy_arn: policy.arn.clone(),
                scope: policy.scope.clone(),
            });
        let mut tags = terms.tags.clone();
        if let (Some(run), Some(digest)) = (&self.input.choices.run, tags::digest(entry)) {
            tags.insert(tags::RUN.to_owned(), run.clone());
            tags.insert(tags::DIGEST.to_owned(), digest);
        }
        let is_standard = terms.kind == STANDARD;
        let create = Operation::CreateEntry {
            principal_arn: principal_arn.clone(),
            kind: terms.kind.clone(),
            username: terms.username.clone().filter(|_| is_standard),
            groups: terms.groups.clone(),
            tags,
        };
        std::iter::once(create).chain(associations).collect()
    }

    fn notes(&self, operations: &[Operation]) -> Vec<String> {
        let mut notes = Vec::new();
        if self.mode() == Some(AuthenticationMode::Api) {
            notes.push(
                "The authentication mode is API: the cluster ignores aws-auth, so there is nothing to migrate."
                    .to_owned(),
            );
        }
        let changes_mode =
            |operation: &Operation| matches!(operation, Operation::UpdateAuthenticationMode { .. });
        if operations.iter().any(changes_mode) {
            notes.push(
                "When the mode changes, EKS itself creates an access entry for the principal that created the cluster, and may create some for managed node groups and Fargate profiles. Plan again after that change."
                    .to_owned(),
            );
        }
        for operation in operations {
            if let Operation::AssociatePolicy { principal_arn, .. } = operation {
                notes.push(format!(
                    "{principal_arn} has lost the permissions of system:masters from create-access-entry until associate-access-policy. --masters group=NAME has no such gap."
                ));
            }
        }
        notes
    }

    /// Returns what is unknown about the cluster.
    fn unchecked(&self, items: &[Item<'_>]) -> Vec<String> {
        let mut unchecked = Vec::new();
        match self.input.access_entries {
            None => unchecked.push(
                "The authentication mode and the existing access entries: a principal may have one, and CONFIG_MAP must become API_AND_CONFIG_MAP first."
                    .to_owned(),
            ),
            Some(entries) if entries.all().is_none() => unchecked.push(
                "The existing access entries: a principal may have one.".to_owned(),
            ),
            Some(_) => {}
        }
        if self.input.node_inventory.is_none() && items.iter().any(|item| is_node(item.mapping)) {
            unchecked.push(
                "The kinds of nodes, which are those of their usernames and groups.".to_owned(),
            );
        }
        let creates = items.iter().any(|item| item.verdict.creates());
        if self.input.caller.is_none() && creates {
            unchecked.push("Which principal is yours: migrate it last.".to_owned());
        }
        unchecked
    }
}

fn account<'d>(id: &str) -> Verdict<'d> {
    Verdict::Cannot {
        reason: "an access entry is for one role or user, not for an account".to_owned(),
        loses: format!(
            "every role and user of account {id} without an entry of its own, which signs in with its ARN as username and no groups"
        ),
        remedy: MAP_EACH.to_owned(),
    }
}

fn sso<'d>(permission_set: &str) -> Verdict<'d> {
    Verdict::Cannot {
        reason: "an access entry has no patterns, and a cluster of EKS ignores sso".to_owned(),
        loses: format!(
            "the role of the permission set {permission_set}, if the cluster honors sso"
        ),
        remedy: "map the role AWSReservedSSO_… by its ARN".to_owned(),
    }
}

/// Describes the access through a mapping.
fn loses(mapping: &Mapping) -> String {
    let username = match mapping.username.as_str() {
        "" => "an empty username",
        username => username,
    };
    match mapping.groups() {
        [] => format!("{}: {username}, no groups", mapping.principal.text()),
        groups => format!(
            "{}: {username} in {}",
            mapping.principal.text(),
            groups.join(", ")
        ),
    }
}

/// Writes an ARN as IAM does: the authenticator ignores letter case, but only names keep theirs in IAM.
fn as_iam_writes(arn: &str) -> String {
    // A name with letters such as the Kelvin sign equals a name of ASCII letters to the authenticator.
    let arn = match arn.is_ascii() {
        true => arn.to_owned(),
        false => fold(arn).into_owned(),
    };
    let mut sections: Vec<String> = arn.splitn(6, ':').map(str::to_owned).collect();
    for section in sections.iter_mut().take(5) {
        section.make_ascii_lowercase();
    }
    if let Some(resource) = sections.get_mut(5) {
        let kind = resource.find('/').unwrap_or(resource.len());
        resource[..kind].make_ascii_lowercase();
    }
    sections.join(":")
}
