//! `awsauth apply`.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::path::PathBuf;

use jiff::Timestamp;

use super::confirmation::confirm_removals;
use super::map::Creating;
use super::permission_set_role::{self, PermissionSetRoles};
use super::principal_validation::{CheckedPrincipal, check_principal};
use super::store_args::StoreArgs;
use super::unbound_groups;
use super::write_args::{DryRun, VerifyArgs, WriteArgs};
use crate::backend::input_files::{self, Input, desired_failure, is_stdin};
use crate::backend::{Backend, Target};
use crate::output::{PlanFormat, short_name};
use crate::terminal::{Exit, Failure, Out, Refusal};
use crate::write::{
    EntryRequest, NamedOptions, PlannedEntries, ReadStores, Transaction, note_new_mappings,
    read_stores, refuse_unrecorded_expiry,
};
use awsauth_core::access_entries::{self, EntryChange, Store, StoreChoice, is_changed};
use awsauth_core::arn::principal_key;
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::desired::{self, DesiredCluster, DesiredMapping};
use awsauth_core::document::Principal;
use awsauth_core::document::edit::{Edit, Groups};
use awsauth_core::expiry::Expiry;
use awsauth_core::owners_annotation::Owner;
use awsauth_core::plan::{Ownership, Plan, Request};
use awsauth_core::shell_quote::quoted;

/// Merge many mappings in one write
///
/// Reads YAML or JSON in any of these forms: an aws-auth ConfigMap; mapRoles, mapUsers and mapAccounts lists; a bare list of
/// mappings; the iamIdentityMappings and accessEntries of an eksctl ClusterConfig; IAMIdentityMapping, AwsAuthMapping or Access objects; or
/// access entries of ACK, CloudFormation or aws eks describe-access-entry. With --owner, it records the owner of the mappings, so
/// that --prune can remove what the same owner no longer requests.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Show what would change, then write
  awsauth diff -f access.yaml
  awsauth apply -f access.yaml

  # Also remove what this team applied before and no longer requests
  awsauth apply -f access/ --owner team-a --prune

  # Copy the mappings of one cluster to another
  awsauth get -o yaml --context staging | awsauth apply -f - --context prod")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) desired: DesiredArgs,
    #[command(flatten)]
    creating: Creating,

    /// Answer yes to every question
    #[arg(short, long)]
    pub(super) yes: bool,

    #[command(flatten)]
    pub(super) write: WriteArgs,
    #[command(flatten)]
    verify: VerifyArgs,
}

/// The desired state and its owner.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DesiredArgs {
    /// The desired state: a file, a folder with *.yaml, *.yml and *.json, or - for stdin; may be repeated
    #[arg(
        short,
        long = "filename",
        env = "AWSAUTH_FILENAME",
        value_name = "PATH",
        required = true
    )]
    pub(crate) filenames: Vec<PathBuf>,

    /// Record the mappings under this owner name
    #[arg(long, env = "AWSAUTH_OWNER", value_name = "NAME")]
    pub(crate) owner: Option<String>,

    /// Remove what this owner applied before and no longer requests
    #[arg(long, requires = "owner")]
    pub(crate) prune: bool,

    /// Take mappings over from other owners
    #[arg(long, requires = "owner")]
    pub(crate) take_over: bool,

    /// Write ARNs as given, even if they can never match
    #[arg(long)]
    pub(crate) as_written: bool,

    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// The desired state, as read from the inputs.
pub(crate) struct Desired<'a> {
    args: &'a DesiredArgs,
    mappings: Vec<RequestedMapping>,
    owner: Option<Owner>,
    /// The files that name a cluster that may not be this one, each with that cluster's name.
    unconfirmed: BTreeSet<(String, String)>,
}

/// A desired mapping.
struct RequestedMapping {
    /// Whether the file names the permission set of the role.
    is_permission_set: bool,
    desired: DesiredMapping,
    /// The principal as aws-auth can match it, and the correction.
    in_aws_auth: CheckedPrincipal,
}

/// The request for aws-auth, and the changes to access entries.
pub(crate) struct Prepared {
    pub(crate) request: Request,
    /// The roles whose mappings replace those of deleted roles of the same permission sets.
    pub(crate) permission_set_roles: Vec<Principal>,
    pub(crate) entries: Option<PlannedEntries>,
}

/// Merges what the files request.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let inputs = args.desired.inputs(backend.is_pipe())?;
    apply(args, &inputs, target, backend, out)?;
    Ok(Exit::Done)
}

/// Merges what the inputs request, and returns the plan that was carried out.
pub(super) fn apply(
    args: &Args,
    inputs: &[Input],
    target: &Target,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Plan, Failure> {
    let mut desired = args.desired.read(inputs, target, backend, out)?;
    match args.write.dry_run {
        DryRun::None => desired.confirm_cluster(args.yes, target, backend, out)?,
        _ => desired.warn_of_unknown_cluster(backend, out),
    }
    if args.creating.create_only {
        desired.create_only();
    }
    let choice = args.desired.store.choice(&args.write.overrides);
    let verify = args.verify.verify_as();
    let verify_role = verify.as_ref().and_then(|verify| verify.role.as_deref());
    let Prepared {
        request,
        permission_set_roles,
        entries,
    } = desired.prepare(choice, false, verify_role, backend, out)?;
    let must_confirm = args.desired.prune && !args.yes && args.write.dry_run == DryRun::None;
    if must_confirm && !backend.is_pipe() && out.can_ask() {
        confirm_removals(&request, backend, out)?;
    }
    let plan = Transaction {
        edits: &request.edits,
        request: &|snapshot| {
            refuse_unrecorded_expiry(&request, snapshot)?;
            Ok(permission_set_role::replace_deleted(
                &request,
                &permission_set_roles,
                snapshot,
            ))
        },
        create: !args.creating.no_create,
        entries,
        verify,
        options: &args.write.options(backend),
    }
    .run(backend, out)?;
    note_new_mappings(choice, &plan, out);
    unbound_groups::warn(&plan, backend, out)?;
    Ok(plan)
}

impl Args {
    /// The output format.
    pub(crate) fn output(&self) -> PlanFormat {
        self.write.answer.output
    }

    /// Whether the command verifies the write by signing in.
    pub(crate) fn is_verified(&self) -> bool {
        self.verify.is_requested()
    }
}

impl DesiredArgs {
    /// Reads the files of the desired state. `is_pipe` is whether stdin is the manifest.
    pub(super) fn inputs(&self, is_pipe: bool) -> Result<Vec<Input>, Failure> {
        if is_pipe && self.filenames.iter().any(|path| is_stdin(path)) {
            return Err(Failure::usage(
                "cannot read both the manifest and the desired state from stdin",
            )
            .hint("put one of them in a file: --file - or --filename - may read stdin, not both"));
        }
        input_files::read(&self.filenames)
    }

    /// Checks the desired state for this cluster or file.
    ///
    /// # Errors
    /// The first entry that cannot be read, contradicts another one, can match no identity, or is for another cluster.
    pub(super) fn read(
        &self,
        inputs: &[Input],
        target: &Target,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<Desired<'_>, Failure> {
        let owner = self.owner.as_deref().map(Owner::new).transpose();
        let owner = owner.map_err(|error| Failure::usage("cannot use --owner").because(&error))?;
        let cluster_arn = backend.eks().map(|eks| eks.facts.arn.as_str());
        let mut mappings = Vec::new();
        for input in inputs {
            mappings.extend(
                desired::read(&input.text, &input.name, cluster_arn)
                    .map_err(|error| desired_failure(&error))?,
            );
        }
        let unconfirmed = check_cluster(&mappings, backend, out)?;
        let mut roles = None;
        let check = |mut desired: DesiredMapping| {
            let at = place(&desired);
            let is_permission_set = desired.permission_set().is_some();
            if let Some(set) = desired.permission_set() {
                let (name, account) = (&set.permission_set_name, Some(set.account_id.as_str()));
                let listed = match &mut roles {
                    Some(listed) => listed,
                    unread => unread.insert(
                        PermissionSetRoles::list(name, target, backend, out)
                            .map_err(|failure| failure.at(&at))?,
                    ),
                };
                let role = listed.role(name, account, out);
                desired = desired.with_role(role.map_err(|failure| failure.at(&at))?);
            }
            let checked = check_principal(desired.principal.clone(), self.as_written);
            Ok(RequestedMapping {
                is_permission_set,
                desired,
                in_aws_auth: checked.map_err(|failure| failure.at(&at))?,
            })
        };
        let mappings = mappings.into_iter().map(check);
        Ok(Desired {
            args: self,
            mappings: mappings.collect::<Result<_, Failure>>()?,
            owner,
            unconfirmed,
        })
    }
}

impl Desired<'_> {
    /// Prints a warning for each file that may be for another cluster.
    pub(super) fn warn_of_unknown_cluster(&self, backend: &Backend, out: &mut Out) {
        for (file, name) in &self.unconfirmed {
            out.note(&format!(
                "warning: {}",
                unknown_cluster(file, name, backend)
            ));
            let name = quoted(name);
            out.note(&format!("hint: to be sure, add --cluster-name {name}"));
        }
    }

    /// Asks the user whether this is the cluster that the files name, if that is unknown. `--yes`, or `--expect-cluster` with the
    /// name of this cluster, counts as yes.
    ///
    /// # Errors
    /// If the user answers no, or if there is neither such a flag nor a terminal.
    fn confirm_cluster(
        &self,
        yes: bool,
        target: &Target,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<(), Failure> {
        if yes || target.expect_cluster.is_some() {
            self.warn_of_unknown_cluster(backend, out);
            return Ok(());
        }
        for (file, name) in &self.unconfirmed {
            let what = unknown_cluster(file, name, backend);
            if out.can_ask() {
                if backend.ask(&format!("{what}. Write to it?"), out)? {
                    continue;
                }
                return Err(Failure::refused(
                    WRONG_CLUSTER,
                    "the answer was no; nothing was written",
                ));
            }
            let own = backend.target().map(|target| {
                let names = [&target.context, &target.cluster].into_iter().flatten();
                quoted(names.into_iter().next().unwrap_or(&target.server))
            });
            return Err(Failure::refused(WRONG_CLUSTER, what)
                .unless("--expect-cluster")
                .hint(format!(
                    "if it is, state that: --expect-cluster {}",
                    own.unwrap_or_default()
                ))
                .hint(format!(
                    "to connect to the cluster through EKS: --cluster-name {}",
                    quoted(name)
                )));
        }
        Ok(())
    }

    /// Forbids changes to existing mappings.
    fn create_only(&mut self) {
        for mapping in &mut self.mappings {
            mapping.desired.create_only = true;
        }
    }

    /// Returns the principals of the mappings.
    pub(crate) fn principals(&self) -> Vec<Principal> {
        let mappings = self.mappings.iter();
        mappings
            .map(|mapping| mapping.desired.principal.clone())
            .collect()
    }

    /// Splits the mappings by store, and plans the changes to access entries. In aws-auth, removes IAM paths from role ARNs, which
    /// cannot match with a path. `describes_all` is whether to read the contents of all access entries.
    ///
    /// # Errors
    /// If two mappings contradict each other, or one cannot be in its store.
    pub(crate) fn prepare(
        self,
        choice: StoreChoice,
        describes_all: bool,
        verify_as: Option<&str>,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<Prepared, Failure> {
        let prunes_entries = self.args.prune && choice != StoreChoice::Only(Store::AwsAuth);
        let requested = without_expired(self.mappings, out);
        let edits = requested.iter().map(|mapping| {
            let desired = &mapping.desired;
            Ok((edit(desired.clone()), store_choice(desired, choice)?))
        });
        let edits = edits.collect::<Result<Vec<_>, Failure>>()?;
        let of_sets = requested.iter().filter(|mapping| mapping.is_permission_set);
        let of_sets: Vec<Principal> = of_sets
            .map(|mapping| mapping.desired.principal.clone())
            .collect();
        let read = read_stores(
            &edits,
            &of_sets,
            prunes_entries || describes_all,
            verify_as,
            backend,
            out,
        )?;
        let mappings = requested.iter().map(|mapping| &mapping.desired);
        let create_only = mappings.filter(|desired| desired.create_only);
        let create_only = create_only
            .map(|desired| desired.principal.clone())
            .collect();
        let (mut in_aws_auth, mut for_entries) = (Vec::new(), Vec::new());
        let mut permission_set_roles = Vec::new();
        for (number, mapping) in requested.into_iter().enumerate() {
            let desired = mapping.desired;
            let is_for_entries = read
                .as_ref()
                .is_some_and(|read| read.is_for_entries(number));
            let store = match is_for_entries {
                true => Store::AccessEntries,
                false => Store::AwsAuth,
            };
            let desired = desired
                .in_store(store)
                .map_err(|error| desired_failure(&error))?;
            if is_for_entries {
                for_entries.push(desired);
                continue;
            }
            if let Some(correction) = mapping.in_aws_auth.correction {
                out.note(&format!("{}: {correction}", place(&desired)));
            }
            let principal = mapping.in_aws_auth.principal;
            permission_set_roles.extend(mapping.is_permission_set.then(|| principal.clone()));
            in_aws_auth.push(DesiredMapping {
                principal,
                ..desired
            });
        }
        let merge = |mappings| desired::merge(mappings).map_err(|error| desired_failure(&error));
        let merged = merge(in_aws_auth)?;
        let requests = merge(for_entries)?.into_iter().map(|desired| EntryRequest {
            is_permission_set: of_sets.contains(&desired.principal),
            edit: edit(desired.clone()),
            place: Some(place(&desired)),
            options: entry_options(desired, self.owner.as_ref()),
        });
        let requests: Vec<_> = requests.collect();
        let (mut pruned, kept_entries) = match (&read, &self.owner) {
            (Some(read), Some(owner)) if prunes_entries => {
                pruned_entries(read.entries(), owner, &edits)
            }
            _ => Default::default(),
        };
        let reads_aws_auth = read
            .as_ref()
            .and_then(ReadStores::entries)
            .is_none_or(AccessEntries::uses_aws_auth);
        let entries = read.map(|read| read.plan(&requests, backend, out));
        let mut entries = entries.transpose()?;
        if let Some(entries) = &entries {
            // That of a deleted role is replaced.
            pruned.retain(|pruned| {
                let mut changes = entries.changes.iter();
                changes.all(|change| change.principal_arn != pruned.principal_arn)
            });
        }
        let pruned_arns = pruned.iter().map(|change| change.principal_arn.clone());
        let expiries = merged.iter();
        let expiries = expiries.filter_map(|each| Some((each.principal.clone(), each.expires?)));
        let request = Request {
            create_only,
            expiries: expiries.collect(),
            pruned_entries: pruned_arns.collect(),
            kept_entries,
            owner: self
                .owner
                .filter(|_| reads_aws_auth)
                .map(|owner| Ownership {
                    owner,
                    requested: merged.iter().map(|each| each.principal.clone()).collect(),
                    prune: self.args.prune,
                    take_over: self.args.take_over,
                }),
            edits: merged.into_iter().map(edit).collect(),
            as_written: self.args.as_written,
            ..Request::default()
        };
        if let Some(entries) = &mut entries {
            entries.changes.extend(pruned);
            entries.edits_aws_auth |= request.owner.is_some();
        }
        Ok(Prepared {
            request,
            permission_set_roles,
            entries,
        })
    }
}

/// Returns the mappings that have not expired, and notes the others.
fn without_expired(mappings: Vec<RequestedMapping>, out: &mut Out) -> Vec<RequestedMapping> {
    let now = Timestamp::now();
    let mut is_current = |mapping: &RequestedMapping| match mapping.desired.expires {
        Some(Expiry::At(at)) if at <= now => {
            out.note(&format!(
                "{}: {} expired at {at}: it is not mapped.",
                place(&mapping.desired),
                short_name(&mapping.desired.principal)
            ));
            false
        }
        _ => true,
    };
    mappings
        .into_iter()
        .filter(|mapping| is_current(mapping))
        .collect()
}

/// Returns the removal of the access entries that this owner applied and no longer requests, and the principals of those that were
/// changed after the owner applied them. EKS's own entries have no owner.
fn pruned_entries(
    known: Option<&AccessEntries>,
    owner: &Owner,
    requested: &[(Edit, StoreChoice)],
) -> (Vec<EntryChange>, Vec<String>) {
    let requested = requested.iter();
    let requested: HashSet<String> = requested
        .map(|(edit, _)| principal_key(edit.principal().text()))
        .collect();
    let entries = known.and_then(AccessEntries::all).unwrap_or_default();
    let (mut removed, mut kept) = (Vec::new(), Vec::new());
    for entry in entries {
        let is_owned = access_entries::owner(entry) == Some(owner.as_str());
        if !is_owned || requested.contains(&principal_key(&entry.principal_arn)) {
            continue;
        }
        let principal_arn = entry.principal_arn.clone();
        match is_changed(entry) {
            Some(false) => removed.push(EntryChange {
                principal_arn,
                before: entry.terms.clone(),
                after: None,
            }),
            Some(true) | None => kept.push(principal_arn),
        }
    }
    (removed, kept)
}

/// Returns what an access entry needs besides username and groups.
fn entry_options(desired: DesiredMapping, owner: Option<&Owner>) -> NamedOptions {
    let (entry, expiry) = (desired.entry, desired.expires);
    let mut options = entry.map_or_else(NamedOptions::default, |entry| NamedOptions {
        kind: Some(entry.kind),
        policies: entry.policies,
        remove: Vec::new(),
        tags: entry.tags,
        ..NamedOptions::default()
    });
    options.expiry = expiry;
    options.owner = owner.cloned();
    options
}

/// Returns the store that the user chose for a mapping. Only an access entry can express some mappings.
fn store_choice(desired: &DesiredMapping, choice: StoreChoice) -> Result<StoreChoice, Failure> {
    match (desired.needs_access_entry(), choice) {
        (false, choice) => Ok(choice),
        (true, StoreChoice::Only(Store::AwsAuth)) => Err(Failure::usage(format!(
            "{}: this is an access entry, which aws-auth cannot store",
            place(desired)
        ))
        .hint("leave out --backend aws-auth")),
        (true, StoreChoice::Auto | StoreChoice::Only(Store::AccessEntries)) => {
            Ok(StoreChoice::Only(Store::AccessEntries))
        }
    }
}

/// Returns the refusal to apply a file to a cluster that it does not name.
const WRONG_CLUSTER: Refusal = Refusal {
    guard: "WG01",
    reason: "wrong-cluster",
};

/// States that the cluster is unknown.
fn unknown_cluster(file: &str, name: &str, backend: &Backend) -> String {
    format!(
        "{file} is for cluster {name}, and the kubeconfig does not show whether {backend} is that cluster"
    )
}

/// Refuses mappings whose file names another cluster. Returns each file and name if the name of this one is unknown.
fn check_cluster(
    mappings: &[DesiredMapping],
    backend: &Backend,
    out: &mut Out,
) -> Result<BTreeSet<(String, String)>, Failure> {
    let Some(target) = backend.target() else {
        return Ok(BTreeSet::new());
    };
    let mut unconfirmed = BTreeSet::new();
    let mut references = BTreeSet::new();
    for desired in mappings {
        let expected = match &desired.cluster {
            None => continue,
            Some(DesiredCluster::Name(name)) => name.as_str(),
            // The user names the cluster.
            Some(DesiredCluster::Reference(_)) if backend.eks().is_some() => continue,
            Some(DesiredCluster::Reference(name)) => {
                let place = place(desired);
                return Err(Failure::usage(format!(
                    "{place}: the cluster is the value of {name}, which the template does not state"
                ))
                .hint(format!(
                    "name the cluster: --cluster-name NAME; or give the parameter {name} a `Default`"
                )));
            }
            Some(DesiredCluster::AckObject(name)) => {
                references.insert((&desired.source, name));
                continue;
            }
        };
        match target.eks_name() {
            Some(name) if name == expected => {}
            Some(name) => {
                let place = place(desired);
                let what =
                    format!("{place}: the file is for cluster {expected}, but this is {name}");
                return Err(Failure::refused(WRONG_CLUSTER, what).hint(
                    "choose the other cluster with --cluster-name NAME, or correct the name in the file",
                ));
            }
            None if target.is(expected) => {}
            None => drop(unconfirmed.insert((desired.source.clone(), expected.to_owned()))),
        }
    }
    for (file, object) in references {
        out.note(&format!(
            "warning: {file} is for the cluster of ACK's object {object} (`clusterRef`), and only ACK knows whether {target} is that cluster"
        ));
        out.note("hint: to be sure, replace `clusterRef` by `clusterName`");
    }
    Ok(unconfirmed)
}

fn place(desired: &DesiredMapping) -> String {
    format!("{}:{}", desired.source, desired.line)
}

fn edit(mapping: DesiredMapping) -> Edit {
    Edit::Map {
        principal: mapping.principal,
        username: mapping.username,
        groups: mapping.groups.map_or(Groups::Keep, Groups::Set),
    }
}
