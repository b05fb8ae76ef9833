use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::token::Tried;
use super::{Asked, Keyring, Searched};
use crate::aws::credentials::Resolved;
use crate::cluster::choice::Choice;
use crate::doctor::evidence::{
    Caller, Described, Evidence, NodesAtEks, NotDescribed, Played, Probed, StsTrouble,
};
use crate::facts::auth_mode::AuthenticationMode;
use crate::probe::{LIMIT, Sent, Way, kubeconfig, nodes, send, sts};

type CallerSeen = Result<Caller, StsTrouble>;
type DescribedSeen = Result<Described, NotDescribed>;
type PlayedSeen = Result<Played, StsTrouble>;

impl Asked {
    /// Asks STS whose the credentials are, and EKS about the cluster.
    pub(super) fn ask_aws(
        &self,
        ring: &Keyring,
        choice: Option<&Arc<Choice>>,
        now: Timestamp,
        end: Instant,
    ) -> Option<(Sent<CallerSeen>, Option<Sent<DescribedSeen>>)> {
        let resolved = ring.resolved.clone()?;
        let (with, asker) = (resolved.clone(), ring.clone());
        let calling = send(LIMIT, end, move || {
            sts::caller(&with, &asker.wish, &asker.surroundings, now)
        });
        let name = self.cluster_name(choice.map(Arc::as_ref));
        let describing = name.zip(choice.cloned()).map(|(name, choice)| {
            let ring = ring.clone();
            send(LIMIT, end, move || {
                let profile = ring.wish.profile.as_deref();
                sts::describe(&resolved, profile, &ring.surroundings, &name, &choice)
            })
        });
        Some((calling, describing))
    }

    /// Has EKS say where the cluster is, where there is no kubeconfig.
    pub(super) fn through_eks(
        &self,
        evidence: &mut Evidence,
        ring: &Keyring,
        way: &mut Way,
    ) -> Option<Choice> {
        let name = self.cluster.clone()?;
        let Some(resolved) = ring.resolved.clone() else {
            let needs = "credentials (C1): there is no kubeconfig, and EKS is to say which cluster";
            evidence.kubeconfig = Probed::NotAsked(needs.to_owned());
            return None;
        };
        let ring = ring.clone();
        let asked = send(LIMIT, way.end, move || {
            let profile = ring.wish.profile.as_deref();
            sts::place(&resolved, profile, &ring.surroundings, &name)
        });
        let place = match asked.wait() {
            Probed::Seen(Ok(place)) => place,
            Probed::Seen(Err(trouble)) => {
                evidence.kubeconfig = Probed::Seen(Err(trouble));
                return None;
            }
            Probed::TooLate(limit) => {
                evidence.kubeconfig = Probed::TooLate(limit);
                return None;
            }
            Probed::NotAsked(needs) => {
                evidence.kubeconfig = Probed::NotAsked(needs);
                return None;
            }
        };
        let choice = Choice::at(&place, &way.flags).ok()?;
        evidence.kubeconfig = Probed::Seen(Ok(kubeconfig::at_eks(&choice)));
        way.place = Some(place);
        Some(choice)
    }

    /// Asks EKS about the access entry, where access entries are asked.
    pub(super) fn ask_entries(&self, evidence: &mut Evidence, ring: &Keyring, end: Instant) {
        let needs = "eks:DescribeCluster (M1)";
        evidence.access_entries = Probed::NotAsked(needs.to_owned());
        let Some(Ok(described)) = evidence.described.known() else {
            return;
        };
        let mode = described.mode.unwrap_or(AuthenticationMode::ConfigMap);
        let (Some(resolved), Some(subject)) = (ring.resolved.clone(), evidence.subject()) else {
            return;
        };
        if mode == AuthenticationMode::ConfigMap {
            return;
        }
        let (name, arn) = (described.name.clone(), subject.canonical.arn);
        let ring = ring.clone();
        let asked = send(LIMIT, end, move || {
            let profile = ring.wish.profile.as_deref();
            sts::access_entries(&resolved, profile, &ring.surroundings, &name, mode, &arn)
        });
        evidence.access_entries = asked.wait();
    }
}

/// Asks EKS about the nodes, where it tells of the cluster.
pub(super) fn ask_nodes(
    evidence: &mut Evidence,
    ring: &Keyring,
    end: Instant,
) -> Option<Sent<NodesAtEks>> {
    let described = match &evidence.described {
        Probed::Seen(Ok(described)) => described,
        Probed::NotAsked(needs) => {
            evidence.nodes_at_eks = Probed::NotAsked(needs.clone());
            return None;
        }
        _ => {
            evidence.nodes_at_eks = Probed::NotAsked("eks:DescribeCluster (M1)".to_owned());
            return None;
        }
    };
    let (resolved, name, ring) = (ring.resolved.clone()?, described.name.clone(), ring.clone());
    Some(send(LIMIT, end, move || {
        let profile = ring.wish.profile.as_deref();
        nodes::at_eks(&resolved, profile, &ring.surroundings, &name)
    }))
}

pub(super) fn searched(
    evidence: &mut Evidence,
    searching: Option<Sent<Searched>>,
) -> Option<Resolved> {
    let for_other = || "to be the one who is diagnosed (without --for)".to_owned();
    let without = || "credentials (C1)".to_owned();
    let Some(searching) = searching else {
        evidence.keys = Probed::NotAsked(for_other());
        evidence.caller = Probed::NotAsked(for_other());
        evidence.described = Probed::NotAsked(for_other());
        return None;
    };
    evidence.caller = Probed::NotAsked(without());
    evidence.described = Probed::NotAsked(without());
    let (keys, resolved) = match searching.wait() {
        Probed::Seen(Ok((keys, resolved))) => (Probed::Seen(Ok(keys)), Some(resolved)),
        Probed::Seen(Err(none)) => (Probed::Seen(Err(*none)), None),
        Probed::NotAsked(needs) => (Probed::NotAsked(needs), None),
        Probed::TooLate(limit) => (Probed::TooLate(limit), None),
    };
    evidence.keys = keys;
    resolved
}

pub(super) fn play(tried: &Tried, ring: &Keyring, end: Instant) -> Option<Sent<PlayedSeen>> {
    let (replay, cluster, ring) = (tried.replay.clone()?, tried.cluster.clone(), ring.clone());
    Some(send(LIMIT, end, move || {
        let profile = ring.wish.profile.as_deref();
        sts::play(&replay, &cluster, profile, &ring.surroundings)
    }))
}
