//! Collects the facts that rules need besides the document.

use jiff::Timestamp;

use crate::backend::{Backend, Reading};
use crate::terminal::{Failure, Out};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::Document;
use awsauth_core::facts::management_markers::managing_tool;
use awsauth_core::lint::{Cluster, Facts, FieldManager, FieldManagers, Object};
use awsauth_core::manifest::Manifest;
use awsauth_core::owners_annotation::Owners;
use awsauth_kube::Live;
use awsauth_kube::rbac::RoleScope;

/// The facts to collect besides those from the cluster.
pub(crate) struct Requested<'a> {
    /// The account in `--cluster-account`.
    pub(crate) account: Option<&'a str>,
    /// Whether to ask EKS for the nodes and IAM for the principals, if the cluster's name is known.
    pub(crate) needs_aws: bool,
    /// Which Roles to read, besides all bindings and ClusterRoles.
    pub(crate) roles: RoleScope,
}

/// Reads a cluster's aws-auth, with facts from the cluster and from EKS. Prints a note if the cluster does not read aws-auth.
pub(crate) fn of_cluster(
    backend: &mut Backend,
    requested: &Requested<'_>,
    out: &mut Out,
) -> Result<(Snapshot, Facts), Failure> {
    let (reading, facts) = read(backend, requested, out)?;
    if let Some(note) = backend.access_note(&reading) {
        out.note(&note);
    }
    Ok((reading.snapshot, facts))
}

/// Reads aws-auth and the facts.
pub(super) fn read(
    backend: &mut Backend,
    requested: &Requested<'_>,
    out: &mut Out,
) -> Result<(Reading, Facts), Failure> {
    let eks_account = || backend.eks().map(|eks| eks.facts.account().to_owned());
    let mut facts = Facts {
        account: requested.account.map(str::to_owned).or_else(eks_account),
        kubectl: Some(backend.kubectl()),
        ..Facts::default()
    };
    let Some((live, policy)) = backend.read_with_rbac(requested.roles, out)? else {
        let reading = backend.read(out)?;
        record_times(&mut facts, reading.snapshot.owners_annotation.as_deref());
        return Ok((reading, facts));
    };
    facts.rbac = Some(policy);
    facts.access_entries = backend.access_configuration(out);
    facts.object = live.exists().then(|| object(&live));
    facts.is_absent = !live.exists();
    let reading = Reading::of(&live);
    record_times(&mut facts, reading.snapshot.owners_annotation.as_deref());
    if requested.needs_aws {
        facts.cluster = cluster(backend, &Document::read(&reading.snapshot.data), out);
    }
    Ok((reading, facts))
}

/// Returns the facts about a file.
pub(super) fn of_file(manifest: Option<&Manifest>, account: Option<&str>) -> Facts {
    let mut facts = Facts {
        account: account.map(str::to_owned),
        object: manifest.and_then(object_in_manifest),
        ..Facts::default()
    };
    record_times(&mut facts, manifest.and_then(Manifest::owners_annotation));
    facts
}

/// Adds when entries expire, and the current time.
fn record_times(facts: &mut Facts, annotation: Option<&str>) {
    facts.owners = Owners::read(annotation);
    facts.read_at = Some(Timestamp::now());
}

/// Asks EKS and IAM about the cluster and its nodes.
fn cluster(backend: &Backend, document: &Document, out: &mut Out) -> Option<Cluster> {
    let eks = backend.eks()?;
    let inventory = backend.inventory(document, out)?;
    Some(Cluster {
        name: eks.facts.name.clone(),
        region: eks.facts.region().to_owned(),
        node_inventory: inventory.node_inventory,
        principals: inventory.principals,
        unavailable_principals: inventory.unavailable,
    })
}

fn object(live: &Live) -> Object {
    let managers = live.managers().into_iter();
    let managers = managers.map(|manager| FieldManager {
        name: manager.name,
        keys: manager.keys,
        updated_at: manager.time.and_then(|time| time.parse().ok()),
    });
    Object {
        managing_tool: managing_tool(&live.labels(), &live.annotations()),
        field_managers: Some(FieldManagers {
            all: managers.collect(),
            read_at: Timestamp::now(),
        }),
    }
}

/// Returns the tool that manages aws-auth, according to the manifest's labels and annotations. `None` does not prove that no tool
/// manages it: a tool may add its labels only when it applies the manifest.
fn object_in_manifest(manifest: &Manifest) -> Option<Object> {
    let managing_tool = managing_tool(&manifest.labels(), &manifest.annotations())?;
    Some(Object {
        managing_tool: Some(managing_tool),
        field_managers: None,
    })
}
