//! Waits for EKS to create aws-auth when it adds managed node groups.

use super::cluster::Cluster;
use crate::terminal::{Failure, Out, Refusal};
use awsauth_aws::eks::EksCluster;
use awsauth_core::authenticator::has_node_entry;
use awsauth_core::aws_auth_snapshot::{Change, Snapshot};
use awsauth_core::document::Document;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_kube::Live;

impl Cluster {
    /// Returns the current aws-auth before a write that may create it; `first` if it has been read. In clusters without
    /// access entries, EKS writes the nodes' entry when it creates a managed node group. This waits for EKS, unless the
    /// planned document has an entry for nodes. Returns `None` if the write must read aws-auth again.
    /// <https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html>
    pub(super) fn read_before_creation(
        &self,
        first: Option<Live>,
        plan: &mut impl FnMut(&Snapshot) -> Result<Option<Change>, Failure>,
        out: &mut Out,
    ) -> Result<Option<Live>, Failure> {
        let mode = Some(AuthenticationMode::ConfigMap);
        let eks = self.eks();
        let Some(eks) = eks.filter(|eks| eks.facts.authentication_mode == mode) else {
            return Ok(first);
        };
        let live = match first {
            Some(live) => live,
            None => self.read(out)?,
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
        let groups = match eks.with_client(|eks| eks.node_groups(name)) {
            Ok(groups) => groups,
            Err(error) => {
                out.note(&format!(
                    "warning: cannot find out whether EKS is about to write aws-auth for managed node groups: {error}"
                ));
                out.note(&format!("hint: {}", error.hint()));
                Vec::new()
            }
        };
        let Some(groups) = in_words(&groups) else {
            return Ok(Some(live));
        };
        wait(self, eks, &groups, out)?;
        Ok(None)
    }
}

fn wait(cluster: &Cluster, eks: &EksCluster, groups: &str, out: &mut Out) -> Result<(), Failure> {
    let asked = cluster.options();
    let time_limit = asked.timeout().max(asked.wait.unwrap_or_default());
    let seconds = time_limit.as_secs();
    out.note(&format!(
        "There is no aws-auth yet. EKS writes it for {groups}; waiting up to {seconds} s for that."
    ));
    if cluster.await_aws_auth(time_limit, out)? {
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
            "if aws-auth was deleted, start with the entry of the nodes: awsauth map node-role ROLE-ARN --kind linux --cluster-name {name}"
        ))
        .hint(format!(
            "check the state of the node groups and their role: aws eks list-nodegroups --cluster-name {name}; aws eks describe-nodegroup --cluster-name {name} --nodegroup-name NAME"
        )))
}

/// Describes the node groups for messages; `None` if there are none.
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
