//! Decides which store each edit changes, and plans the changes to access entries.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::relevant_access_entries::access_entries_for;
use crate::backend::{Backend, FirstRead};
use crate::output::short_name;
use crate::terminal::{Failure, Kind, Out, Refusal};
use awsauth_aws::eks::EksCluster;
use awsauth_core::access_entries::{
    EntryChange, EntryEditError, EntryOptions, NamedPolicy, PolicyError, Store, StoreChoice,
    entry_change, replacing, store_for,
};
use awsauth_core::arn::{Parts, comparable};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::document::edit::{Edit, Outcome};
use awsauth_core::document::{Document, Principal};
use awsauth_core::expiry::Expiry;
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::iam_inventory;
use awsauth_core::owners_annotation::Owner;
use awsauth_core::permission_set::deleted_entries;
use awsauth_core::plan::Plan;
use awsauth_core::shell_quote::quoted;

/// The delay before the spinner appears.
const SPINNER_DELAY: Duration = Duration::from_millis(300);

/// Both stores as they were read, and the store of each edit.
pub(crate) struct ReadStores {
    first: FirstRead,
    /// The access entries, as far as EKS returned them.
    known: Option<Arc<AccessEntries>>,
    /// The store that each edit changes.
    stores: Vec<Store>,
}

/// The changes to access entries that a transaction makes, and the state from which they were planned.
pub(crate) struct PlannedEntries {
    first: FirstRead,
    known: Option<Arc<AccessEntries>>,
    pub(crate) changes: Vec<EntryChange>,
    /// Whether the transaction also changes aws-auth.
    pub(crate) edits_aws_auth: bool,
}

/// An edit of an access entry.
pub(crate) struct EntryRequest {
    pub(crate) edit: Edit,
    pub(crate) options: NamedOptions,
    /// The file and line that request it; `None` if a command line does.
    pub(crate) place: Option<String>,
    /// Whether it maps the role of a permission set, in place of deleted roles of the set.
    pub(crate) is_permission_set: bool,
}

/// What an edit requests for an access entry besides username and groups.
#[derive(Clone, Debug, Default)]
pub(crate) struct NamedOptions {
    /// The type; `None` for the type that fits the username and groups.
    pub(crate) kind: Option<String>,
    /// The complete list of policies; `None` to keep the current ones.
    pub(crate) policies: Option<Vec<NamedPolicy>>,
    /// The policies to remove.
    pub(crate) remove: Vec<NamedPolicy>,
    /// The tags of a new entry.
    pub(crate) tags: BTreeMap<String, String>,
    /// The owner that applies the entry.
    pub(crate) owner: Option<Owner>,
    /// When the access ends; `None` to keep the current time.
    pub(crate) expiry: Option<Expiry>,
}

impl NamedOptions {
    /// Refuses policies for a mapping in aws-auth.
    pub(crate) fn refuse_in_aws_auth(&self) -> Result<(), Failure> {
        if self.policies.is_none() && self.remove.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(
            "only access entries have access policies, and this mapping is in aws-auth",
        )
        .hint("to use an access entry: --backend access-entries --cluster-name NAME"))
    }
}

/// Returns the failure if access entries are needed, and EKS cannot be asked.
pub(crate) fn eks_not_named() -> Failure {
    Failure::usage("access entries can be read only from EKS, and no cluster is named")
        .hint("name the cluster: --cluster-name NAME")
}

/// Reads both stores and decides which one each edit changes. Sends no request and returns `None` if aws-auth is the only
/// possible store.
///
/// The edits name principals with their IAM paths if the user specified them. `permission_set_roles` are those of them that replace
/// deleted roles of their permission sets. `describes_all` is whether to read the contents of all access entries.
///
/// # Errors
/// If an edit must change access entries and the cluster does not read them, or they cannot be read.
pub(crate) fn read_stores(
    edits: &[(Edit, StoreChoice)],
    permission_set_roles: &[Principal],
    describes_all: bool,
    verify_as: Option<&str>,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Option<ReadStores>, Failure> {
    let choices: Vec<StoreChoice> = edits.iter().map(|(_, choice)| *choice).collect();
    let wanted = Wanted {
        edits,
        permission_set_roles,
        describes_all,
        verify_as,
    };
    read(&wanted, &choices, backend, out)
}

/// Reads both stores completely, for edits that depend on what is stored. Sends no request and returns `None` if aws-auth is
/// the only possible store.
///
/// # Errors
/// If the user chose access entries and the cluster does not read them, or they cannot be read.
pub(crate) fn read_both(
    choice: StoreChoice,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Option<ReadStores>, Failure> {
    let wanted = Wanted {
        edits: &[],
        permission_set_roles: &[],
        describes_all: choice.includes_entries(),
        verify_as: None,
    };
    read(&wanted, &[choice], backend, out)
}

/// What both stores are read for.
struct Wanted<'a> {
    edits: &'a [(Edit, StoreChoice)],
    permission_set_roles: &'a [Principal],
    describes_all: bool,
    verify_as: Option<&'a str>,
}

fn read(
    wanted: &Wanted<'_>,
    choices: &[StoreChoice],
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Option<ReadStores>, Failure> {
    let Wanted {
        edits,
        permission_set_roles,
        describes_all,
        verify_as,
    } = *wanted;
    let is_chosen = |store| move |choice: &StoreChoice| *choice == StoreChoice::Only(store);
    let mut choices = choices.iter();
    let needs_entries = choices.clone().any(is_chosen(Store::AccessEntries));
    let Some(cluster) = backend.eks() else {
        return match needs_entries {
            true => Err(eks_not_named()),
            false => Ok(None),
        };
    };
    let mode = cluster.facts.authentication_mode;
    let mode = mode.unwrap_or(AuthenticationMode::ConfigMap);
    match (mode, needs_entries) {
        (AuthenticationMode::ConfigMap, true) => return Err(not_read(cluster)),
        (AuthenticationMode::ConfigMap, false) => return Ok(None),
        _ if choices.all(is_chosen(Store::AwsAuth)) && !describes_all => return Ok(None),
        _ => {}
    }
    let only_edits: Vec<Edit> = edits.iter().map(|(edit, _)| edit.clone()).collect();
    let first = backend.read_for_plan(true, true, out)?;
    let first = first.ok_or_else(|| Failure::usage("there is no cluster"))?;
    let known = match describes_all {
        true => backend.access_entries(&|_| true, out),
        false => {
            let snapshot = Some(&first.snapshot);
            access_entries_for(
                &only_edits,
                permission_set_roles,
                verify_as,
                snapshot,
                backend,
                out,
            )
        }
    };
    let listed = known.as_deref().filter(|known| known.all().is_some());
    if listed.is_none() && (needs_entries || mode == AuthenticationMode::Api) {
        return Err(not_listed());
    }
    let document = Document::read(&first.snapshot.data);
    let store = |(edit, choice): &(Edit, StoreChoice)| match (choice, listed) {
        (StoreChoice::Only(store), _) => *store,
        (StoreChoice::Auto, Some(entries)) => {
            let is_permission_set = permission_set_roles.contains(edit.principal());
            store_for(edit, &document, entries, is_permission_set)
        }
        (StoreChoice::Auto, None) => Store::AwsAuth,
    };
    let stores = edits.iter().map(store).collect();
    Ok(Some(ReadStores {
        first,
        known,
        stores,
    }))
}

impl ReadStores {
    /// Returns whether an edit changes an access entry.
    pub(crate) fn is_for_entries(&self, edit: usize) -> bool {
        self.stores[edit] == Store::AccessEntries
    }

    /// Returns the access entries, if EKS lists them.
    pub(crate) fn entries(&self) -> Option<&AccessEntries> {
        let known = self.known.as_deref();
        known.filter(|known| known.all().is_some())
    }

    /// Plans edits that change or delete existing access entries.
    ///
    /// # Errors
    /// If an access entry cannot express an edit, or the contents of an entry are unknown.
    pub(crate) fn plan_existing(
        self,
        edits: &[Edit],
        choice: StoreChoice,
        backend: &Backend,
    ) -> Result<PlannedEntries, Failure> {
        let cluster_arn = backend.eks().map(|eks| eks.facts.arn.as_str());
        let options = EntryOptions::default();
        let change = |edit: &Edit| {
            let arn = edit.principal().text();
            let existing = self.entries().and_then(|known| known.of(&comparable(arn)));
            entry_change(edit, &options, arn, existing, cluster_arn)
                .map_err(|error| impossible(&error))
        };
        let changes = edits.iter().map(change).collect::<Result<_, _>>()?;
        Ok(PlannedEntries {
            edits_aws_auth: choice.includes_aws_auth(self.known.as_deref()),
            first: self.first,
            known: self.known,
            changes,
        })
    }

    /// Plans the edits of access entries.
    ///
    /// # Errors
    /// If an access entry cannot express an edit, or the contents of an entry are unknown.
    pub(crate) fn plan(
        self,
        requests: &[EntryRequest],
        backend: &Backend,
        out: &mut Out,
    ) -> Result<PlannedEntries, Failure> {
        let mut changes = Vec::new();
        if !requests.is_empty() {
            let (Some(cluster), Some(known)) = (backend.eks(), self.entries()) else {
                return Err(not_listed());
            };
            let policies = policies_of_eks(requests, cluster, out);
            for request in requests {
                let at_place = |failure: Failure| match &request.place {
                    Some(place) => failure.at(place),
                    None => failure,
                };
                let own = changes_of(request, cluster, known, policies.as_deref(), out);
                for change in own.map_err(at_place)? {
                    changes.push(refuse_second(change, &changes).map_err(at_place)?);
                }
            }
        }
        Ok(PlannedEntries {
            edits_aws_auth: self.stores.contains(&Store::AwsAuth),
            first: self.first,
            known: self.known,
            changes,
        })
    }
}

impl PlannedEntries {
    /// Plans changes that need no further facts.
    pub(crate) fn new(
        first: FirstRead,
        known: Arc<AccessEntries>,
        changes: Vec<EntryChange>,
    ) -> Self {
        Self {
            first,
            known: Some(known),
            changes,
            edits_aws_auth: false,
        }
    }

    /// Returns what was read, and the changes.
    pub(crate) fn into_parts(self) -> (FirstRead, Option<Arc<AccessEntries>>, Vec<EntryChange>) {
        (self.first, self.known, self.changes)
    }
}

/// Refuses a second change of one access entry.
fn refuse_second(change: EntryChange, others: &[EntryChange]) -> Result<EntryChange, Failure> {
    let arn = &change.principal_arn;
    match others.iter().any(|other| other.principal_arn == *arn) {
        true => {
            Err(Failure::usage(format!("{arn} is requested twice")).hint("keep one of the two"))
        }
        false => Ok(change),
    }
}

/// Notes which new principals are mapped in aws-auth although the cluster reads access entries, too.
pub(crate) fn note_new_mappings(choice: StoreChoice, plan: &Plan, out: &mut Out) {
    let entries = plan.access_entries();
    let reads_both = entries.is_some_and(|entries| {
        entries.all().is_some() && entries.mode() == AuthenticationMode::ApiAndConfigMap
    });
    if choice != StoreChoice::Auto || !reads_both {
        return;
    }
    let added = plan.outcomes.iter();
    let added = added.filter(|(_, outcome)| *outcome == Outcome::Added);
    let names: Vec<String> = added
        .map(|(edit, _)| short_name(edit.principal()))
        .collect();
    let what = match names.as_slice() {
        [] => return,
        [name] => format!("{name} is new, so it is mapped in aws-auth."),
        names => format!(
            "{} are new, so they are mapped in aws-auth.",
            names.join(", ")
        ),
    };
    out.note(&format!(
        "{what} For an access entry instead: --backend access-entries"
    ));
}

/// Plans the change of one access entry, and the deletion of those that it replaces. `policies` are the ARNs of all policies, if EKS
/// listed them.
fn changes_of(
    request: &EntryRequest,
    cluster: &EksCluster,
    known: &AccessEntries,
    policies: Option<&[String]>,
    out: &mut Out,
) -> Result<Vec<EntryChange>, Failure> {
    let arn = request.edit.principal().text();
    let deleted = match request.is_permission_set {
        true => deleted_entries(arn, known),
        false => Vec::new(),
    };
    let existing = known.of(&comparable(arn));
    let in_iam = principal_in_iam(arn, existing.is_some(), cluster, out)?;
    if let (Some(entry), Some(principal)) = (existing, &in_iam) {
        warn_if_dead(entry, principal, out);
    }
    let arn = match &in_iam {
        Some(principal) if existing.is_none() && principal.arn != arn => {
            out.note(&format!("In IAM, the ARN of {arn} is {}.", principal.arn));
            principal.arn.as_str()
        }
        _ => arn,
    };
    let NamedOptions {
        kind,
        policies: named,
        remove,
        tags,
        owner,
        expiry,
    } = request.options.clone();
    let partition = Parts::of(&cluster.facts.arn).map_or("aws", |parts| parts.partition);
    let resolved = named.map(|named| {
        let resolved = named
            .iter()
            .map(|policy| policy.resolve(partition, policies));
        resolved.collect::<Result<Vec<_>, PolicyError>>()
    });
    let options = EntryOptions {
        kind,
        policies: resolved
            .transpose()
            .map_err(|error| Failure::usage(&error).hint(error.remedy()))?,
        remove,
        tags,
        owner,
        expiry,
    };
    let edit = request.edit.clone();
    let (edit, options) = match deleted.last() {
        // An entry of a file, which has a type, is complete.
        Some(deleted) if existing.is_none() && options.kind.is_none() => {
            replacing(edit, options, deleted)
        }
        _ => (edit, options),
    };
    let cluster_arn = Some(cluster.facts.arn.as_str());
    let change = entry_change(&edit, &options, arn, existing, cluster_arn);
    let deletions = deleted.into_iter().map(|entry| {
        let arn = &entry.principal_arn;
        let edit = Edit::Unmap {
            principal: Principal::Role(arn.clone()),
            only_line: None,
        };
        entry_change(
            &edit,
            &EntryOptions::default(),
            arn,
            Some(entry),
            cluster_arn,
        )
    });
    let changes = std::iter::once(change).chain(deletions);
    let changes: Result<Vec<_>, _> = changes.collect();
    changes.map_err(|error| impossible(&error))
}

/// Returns the ARNs of all policies, if a request names one and EKS lists them.
fn policies_of_eks(
    requests: &[EntryRequest],
    cluster: &EksCluster,
    out: &mut Out,
) -> Option<Vec<String>> {
    let mut named = requests
        .iter()
        .flat_map(|request| &request.options.policies);
    if named.all(Vec::is_empty) {
        return None;
    }
    let spinner = out.spinner("Asking EKS for access policies", SPINNER_DELAY);
    let listed = cluster.with_client(|eks| eks.access_policies());
    drop(spinner);
    match listed {
        Ok(known) => Some(known),
        Err(unavailable) => {
            out.note(&format!(
                "Not checked: whether EKS has the access policies, which needs eks:ListAccessPolicies: {}",
                unavailable.why
            ));
            None
        }
    }
}

/// Requests a role from IAM, because its ARN there contains its path. Returns `None` for a user, for a role of another account,
/// if the request fails, and for a deleted role that still has an access entry, which the edit may remove.
///
/// # Errors
/// If neither the role nor an access entry of it exists.
fn principal_in_iam(
    arn: &str,
    has_entry: bool,
    cluster: &EksCluster,
    out: &mut Out,
) -> Result<Option<iam_inventory::Principal>, Failure> {
    let parts = Parts::of(arn);
    let account = cluster.facts.account();
    let Some(parts) = parts.filter(|parts| parts.is("iam", "role") && parts.account == account)
    else {
        return Ok(None);
    };
    let spinner = out.spinner("Asking IAM", SPINNER_DELAY);
    let found = cluster.iam().and_then(|mut iam| iam.role(parts.name));
    drop(spinner);
    match found {
        Ok(role) if role.is_some() || has_entry => Ok(role),
        Ok(_) => Err(Failure::usage(format!(
            "account {account} has no role {}, and an access entry needs an existing role",
            parts.name
        ))
        .hint("list the roles: aws iam list-roles --query 'Roles[].Arn'")),
        Err(error) => {
            out.detail(|| format!("IAM did not return the role {}: {error}", parts.name));
            Ok(None)
        }
    }
}

/// Warns if an access entry is older than its principal, because EKS then rejects the principal.
fn warn_if_dead(entry: &AccessEntry, principal: &iam_inventory::Principal, out: &mut Out) {
    if entry.is_older_than(principal) {
        let arn = &entry.principal_arn;
        out.note(&format!(
            "warning: the access entry of {arn} is older than its principal, which was deleted and created again: EKS rejects its sign-in"
        ));
        out.note(&format!(
            "hint: delete the entry and create it again: awsauth unmap role {} --backend access-entries",
            quoted(arn)
        ));
    }
}

fn not_read(cluster: &EksCluster) -> Failure {
    let mode = AuthenticationMode::ConfigMap.name();
    Failure::refused(
        Refusal {
            guard: "EKS",
            reason: "mode-ignores-access-entries",
        },
        format!("the authentication mode of this cluster is {mode}: it ignores access entries"),
    )
    .hint(format!(
        "to move to access entries: awsauth migrate --cluster-name {}",
        cluster.facts.name
    ))
}

fn not_listed() -> Failure {
    Failure::new(
        Kind::Unreachable,
        "cannot change access entries that cannot be listed",
    )
    .hint(
        "allow eks:ListAccessEntries, eks:DescribeAccessEntry and eks:ListAssociatedAccessPolicies",
    )
}

fn impossible(error: &EntryEditError) -> Failure {
    let failure = match error {
        EntryEditError::Unknown { .. } => Failure::new(Kind::Unreachable, error),
        _ => Failure::refused(
            Refusal {
                guard: "EKS",
                reason: "access-entry",
            },
            error,
        ),
    };
    failure.hint(error.remedy())
}
