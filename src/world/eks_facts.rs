use std::sync::Arc;

use super::access_entries::not_told;
use super::eks::{self, Asks};
use crate::aws::Surroundings;
use crate::aws::credentials::Wish;
use crate::edge::{Failure, Out};
use crate::effect::AccessEntries;
use crate::facts::auth_mode::AuthenticationMode;
use crate::facts::fleet::Fleet;

/// What EKS tells of a cluster that is connected to by other means.
#[derive(Clone, Debug, Default)]
pub(crate) struct EksFacts {
    /// Who answers for it.
    pub(crate) mode: Option<AuthenticationMode>,
    /// The account that it is in.
    pub(crate) account: Option<String>,
    /// Its access entries, where it has some and they are told.
    pub(crate) access_entries: Option<Arc<AccessEntries>>,
    /// Its node groups and Fargate profiles, where they are told.
    pub(crate) fleet: Fleet,
    /// What is not told, and what would allow it: sentences.
    pub(crate) untold: Vec<String>,
}

/// Asks EKS about the cluster of this name. Blocks.
///
/// # Errors
/// When there are no credentials, or EKS does not know the cluster or does not answer.
pub(crate) fn eks_facts(name: &str, wish: &Wish, out: &mut Out) -> Result<EksFacts, Failure> {
    let surroundings = Surroundings::of_process();
    let cluster = eks::ask(name, Asks::OwnFirst, wish, &surroundings, None, out)?;
    let mut untold = Vec::new();
    let entries = cluster.access_entries(&|_| true, out);
    let access_entries = entries.map(|(entries, missing)| {
        untold.extend(missing);
        Arc::new(entries)
    });
    let nodes = cluster.ask(|eks| eks.nodes(name));
    let groups = nodes.groups.map_err(|missing| untold.push(missing)).ok();
    let profiles = nodes.profiles.map_err(|missing| untold.push(missing)).ok();
    let untold = untold.iter();
    Ok(EksFacts {
        mode: cluster.facts.authentication_mode,
        account: Some(cluster.facts.account().to_owned()),
        access_entries,
        fleet: Fleet {
            groups,
            profiles,
            classes: None,
        },
        untold: untold
            .map(|missing| format!("{}; {}", not_told(missing, name), missing.hint()))
            .collect(),
    })
}
