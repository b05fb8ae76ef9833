use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use super::cluster::{Cluster, Nodes};
use crate::effect::AccessEntries;
use crate::facts::keepers::Keeper;
use crate::manifest::Amiss;
use crate::rbac::Policy;

/// What rules have to know besides the document. What is not known is `None`.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The account that the cluster is in.
    pub account: Option<String>,
    /// Every binding of a user or a group, every ClusterRole, and the Roles of kube-system.
    pub rbac: Option<Policy>,
    /// Who answers for the cluster, and its access entries.
    pub access_entries: Option<Arc<AccessEntries>>,
    /// What stands beside `data` in the ConfigMap.
    pub object: Option<Object>,
    /// What AWS says of the cluster and its nodes.
    pub cluster: Option<Cluster>,
    /// Whether there is no aws-auth at all.
    pub is_absent: bool,
    /// What is amiss with the file around the document.
    pub amiss: Amiss,
}

/// Who keeps the ConfigMap.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// Whoever marks it as theirs.
    pub keeper: Option<Keeper>,
    /// Whoever is on record as having written it.
    pub writers: Option<Writers>,
}

/// Whoever is on record as having written the ConfigMap.
#[derive(Clone, Debug)]
pub struct Writers {
    /// Each field manager.
    pub each: Vec<Writer>,
    /// When this was read.
    pub read_at: Timestamp,
}

/// A field manager of the ConfigMap.
#[derive(Clone, Debug)]
pub struct Writer {
    /// Its name.
    pub name: String,
    /// The keys of `data` that are its own.
    pub keys: Vec<String>,
    /// When it last wrote.
    pub at: Option<Timestamp>,
}

/// What a rule has to know besides the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// The file around the document, or the plan; what there is without one has nothing of it.
    File,
    /// [`Facts::account`].
    Account,
    /// The bindings of [`Facts::rbac`].
    Bindings,
    /// All of [`Facts::rbac`].
    Rights,
    /// The mode of [`Facts::access_entries`].
    Mode,
    /// Whose [`Facts::access_entries`] there are.
    AccessEntries,
    /// All of [`Facts::rbac`], and what all access entries say.
    Everybody,
    /// [`Object::keeper`].
    Keeper,
    /// [`Object::writers`].
    Writers,
    /// Where there is no aws-auth: [`Needs::Nodes`], all of them.
    Absence,
    /// These of the cluster's nodes, and who of them has an access entry.
    Nodes(Nodes),
    /// [`Cluster::principals`].
    Principals,
}

const BINDINGS: [&str; 2] = ["clusterrolebindings", "rolebindings"];
const ROLES: [&str; 2] = ["clusterroles", "roles"];

const LIVE: &str = "a live cluster";
const EKS: &str = "what EKS says of it (--cluster-name)";

impl Needs {
    /// What of it is not known, and how it could be; `None` when all is.
    pub fn lacks(self, facts: &Facts) -> Option<Cow<'static, str>> {
        let unless = |known: bool, what: &'static str| (!known).then_some(Cow::Borrowed(what));
        let object = facts.object.as_ref();
        match self {
            Self::Nothing | Self::File => None,
            Self::Account => unless(
                facts.account.is_some(),
                "the cluster's account (--cluster-account)",
            ),
            Self::Bindings => facts.lack(&BINDINGS),
            Self::Rights => facts.lack(&BINDINGS).or_else(|| facts.lack(&ROLES)),
            Self::Mode => unless(facts.access_entries.is_some(), EKS),
            Self::AccessEntries => Self::Mode.lacks(facts).or_else(|| {
                let entries = facts.access_entries.as_ref();
                let are_told = entries.is_some_and(|entries| entries.all().is_some());
                unless(are_told, "the access entries, which EKS does not tell")
            }),
            Self::Everybody => Self::AccessEntries
                .lacks(facts)
                .or_else(|| Self::Rights.lacks(facts))
                .or_else(|| {
                    let entries = facts.access_entries.as_ref();
                    let entries = entries.and_then(|entries| entries.all());
                    let mut terms = entries.into_iter().flatten().map(|entry| &entry.terms);
                    let are_told = terms
                        .all(|terms| terms.as_ref().is_some_and(|terms| terms.policies.is_some()));
                    unless(
                        are_told,
                        "what is in the access entries, which EKS does not tell",
                    )
                }),
            Self::Keeper => unless(object.is_some(), LIVE),
            Self::Writers => unless(object.is_some_and(|object| object.writers.is_some()), LIVE),
            Self::Absence if facts.cluster.is_some() && !facts.is_absent => None,
            Self::Absence => Self::Nodes(Nodes::All).lacks(facts),
            Self::Nodes(which) => {
                Self::AccessEntries
                    .lacks(facts)
                    .or_else(|| match &facts.cluster {
                        None => Some(EKS.into()),
                        Some(cluster) => which.lacks(cluster),
                    })
            }
            Self::Principals => match &facts.cluster {
                None => Some(EKS.into()),
                Some(cluster) => {
                    unless(cluster.principals.is_some(), "permission to iam:ListRoles")
                }
            },
        }
    }
}

impl Needs {
    /// Whether it is [`Facts::cluster`] that has to be known.
    pub fn is_of_aws(self) -> bool {
        matches!(self, Self::Absence | Self::Nodes(_) | Self::Principals)
    }
}

impl Facts {
    /// What of these resources of RBAC is not known.
    fn lack(&self, resources: &[&str]) -> Option<Cow<'static, str>> {
        let Some(policy) = &self.rbac else {
            return Some(LIVE.into());
        };
        let unread = policy.lacks(resources)?;
        Some(Cow::Owned(match &unread.permission {
            Some(permission) => format!("permission to {permission}"),
            None => format!("{}, which can't be read: {}", unread.resource, unread.why),
        }))
    }
}
