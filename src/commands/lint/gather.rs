//! What is known besides an aws-auth.

use jiff::Timestamp;

use crate::cluster::Live;
use crate::document::Document;
use crate::edge::{Failure, Out};
use crate::facts::keepers::keeper;
use crate::lint::{Cluster, Facts, Object, Writer, Writers};
use crate::manifest::Manifest;
use crate::snapshot::Snapshot;
use crate::world::{Reading, World};

/// What is asked for besides what the cluster itself tells.
pub(super) struct Asking<'a> {
    /// The account that the user names.
    pub(super) account: Option<&'a str>,
    /// Whether EKS is to tell of its nodes, and IAM of its account, where the cluster is named.
    pub(super) aws: bool,
}

/// Reads a cluster's aws-auth with all that the cluster and EKS tell.
pub(super) fn of_cluster(
    world: &mut World,
    asking: &Asking<'_>,
    out: &mut Out,
) -> Result<(Snapshot, Facts), Failure> {
    let told = || world.eks().map(|eks| eks.facts.account().to_owned());
    let mut facts = Facts {
        account: asking.account.map(str::to_owned).or_else(told),
        ..Facts::default()
    };
    let Some((live, policy)) = world.read_with_rbac(out)? else {
        return Ok((world.read(out)?.snapshot, facts));
    };
    facts.rbac = Some(policy);
    facts.access_entries = world.who_answers(out);
    facts.object = live.exists().then(|| object(&live));
    facts.is_absent = !live.exists();
    let reading = Reading {
        snapshot: live.snapshot(),
        exists: live.exists(),
    };
    if let Some(note) = world.who_else_decides(&reading) {
        out.note(&note);
    }
    if asking.aws {
        facts.cluster = cluster(world, &Document::read(&reading.snapshot.data), out);
    }
    Ok((reading.snapshot, facts))
}

/// What is known of a file.
pub(super) fn of_file(manifest: Option<&Manifest>, account: Option<&str>) -> Facts {
    Facts {
        account: account.map(str::to_owned),
        object: manifest.and_then(marked),
        ..Facts::default()
    }
}

/// What EKS and IAM tell of the cluster and its nodes.
fn cluster(world: &World, document: &Document, out: &mut Out) -> Option<Cluster> {
    let eks = world.eks()?;
    let survey = world.survey(document, out)?;
    Some(Cluster {
        name: eks.facts.name.clone(),
        region: eks.facts.region().to_owned(),
        fleet: survey.fleet,
        principals: survey.principals,
    })
}

fn object(live: &Live) -> Object {
    let managers = live.managers().into_iter();
    let writers = managers.map(|manager| Writer {
        name: manager.name,
        keys: manager.keys,
        at: manager.time.and_then(|time| time.parse().ok()),
    });
    Object {
        keeper: keeper(&live.labels(), &live.annotations()),
        writers: Some(Writers {
            each: writers.collect(),
            read_at: Timestamp::now(),
        }),
    }
}

/// What a file tells of the object that it becomes: where somebody's mark is missing, they may set it on the way to the cluster.
fn marked(manifest: &Manifest) -> Option<Object> {
    let keeper = keeper(&manifest.labels(), &manifest.annotations())?;
    Some(Object {
        keeper: Some(keeper),
        writers: None,
    })
}
