//! An aws-auth that EKS is about to write itself.

use super::eks::EksCluster;
use super::live::Cluster;
use crate::cluster::Live;
use crate::document::Document;
use crate::edge::{Failure, Out, Refusal};
use crate::effect::has_node_entry;
use crate::facts::auth_mode::AuthenticationMode;
use crate::snapshot::{Change, Snapshot};

/// What is there before a write that may create aws-auth, `first` where it was read already. Without access entries, EKS writes the nodes' entry when a managed node
/// group is made. That is waited for, unless what is to be written has an entry for nodes itself. `None` when the write
/// shall see for itself.
/// <https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html>
pub(super) fn read_first(
    cluster: &Cluster,
    first: Option<Live>,
    plan: &mut impl FnMut(&Snapshot) -> Result<Option<Change>, Failure>,
    out: &mut Out,
) -> Result<Option<Live>, Failure> {
    let mode = Some(AuthenticationMode::ConfigMap);
    let eks = cluster.eks();
    let Some(eks) = eks.filter(|eks| eks.facts.authentication_mode == mode) else {
        return Ok(first);
    };
    let live = match first {
        Some(live) => live,
        None => cluster.read(out)?,
    };
    if live.exists() {
        return Ok(Some(live));
    }
    let Some(change) = plan(&live.snapshot())? else {
        return Ok(Some(live));
    };
    if has_node_entry(&Document::read(&live.after(&change).data)) {
        return Ok(Some(live));
    }
    let name = &eks.facts.name;
    let groups = match eks.ask(|eks| eks.node_groups(name)) {
        Ok(groups) => groups,
        Err(error) => {
            out.note(&format!(
                "warning: nobody knows whether EKS is about to write aws-auth for managed node groups: {error}"
            ));
            out.note(&format!("hint: {}", error.hint()));
            Vec::new()
        }
    };
    let Some(groups) = in_words(&groups) else {
        return Ok(Some(live));
    };
    wait(cluster, eks, &groups, out)?;
    Ok(None)
}

fn wait(cluster: &Cluster, eks: &EksCluster, groups: &str, out: &mut Out) -> Result<(), Failure> {
    let asked = cluster.asked();
    let patience = asked.timeout.max(asked.wait.unwrap_or_default());
    let seconds = patience.as_secs();
    out.note(&format!(
        "There is no aws-auth yet. EKS writes it for {groups}; waiting up to {seconds} s for that."
    ));
    if cluster.await_aws_auth(patience, out)? {
        return Ok(());
    }
    let name = &eks.facts.name;
    let refusal = Refusal {
        guard: "WG02",
        reason: "object-state",
    };
    let what = format!(
        "there is no aws-auth in {}, and EKS did not write it for {groups} within {seconds} s",
        cluster.target()
    );
    Err(Failure::refused(refusal, what)
        .hint("wait longer: --wait 10m")
        .hint(format!(
            "if somebody deleted it, begin with the nodes' own entry: awsauth map node-role ROLE-ARN --kind linux --cluster-name {name}"
        ))
        .hint(format!(
            "see how far the nodes are, and their role: aws eks list-nodegroups --cluster-name {name}; aws eks describe-nodegroup --cluster-name {name} --nodegroup-name NAME"
        )))
}

/// The node groups as messages name them; `None` when there is none.
fn in_words(groups: &[String]) -> Option<String> {
    match groups {
        [] => None,
        [group] => Some(format!("the managed node group {group}")),
        [first, rest @ ..] => Some(format!(
            "the managed node groups {first} and {} more",
            rest.len()
        )),
    }
}
