use std::collections::BTreeSet;
use std::time::Duration;

use super::World;
use super::eks::EksCluster;
use crate::arn::Parts;
use crate::aws::eks::Untold;
use crate::aws::iam::{Iam, IamError};
use crate::cluster::karpenter::PERMISSION;
use crate::document::{Document, Principal};
use crate::edge::Out;
use crate::effect::Store;
use crate::facts::fleet::Fleet;
use crate::facts::principals::Principals;

/// How long AWS may take before a spinner shows that we wait.
const PATIENCE: Duration = Duration::from_millis(300);

/// What AWS and the cluster tell of who signs in to it.
#[derive(Debug)]
pub(crate) struct Survey {
    /// Its nodes.
    pub(crate) fleet: Fleet,
    /// What IAM says of its account; `None` when it says nothing.
    pub(crate) principals: Option<Principals>,
}

/// The names of IAM that are asked about where not all are told.
#[derive(Default)]
struct Names {
    roles: BTreeSet<String>,
    users: BTreeSet<String>,
    profiles: BTreeSet<String>,
}

impl World {
    /// What AWS and the cluster tell of its nodes, and of those whom the document names; `None` of a manifest and of a kubeconfig's
    /// cluster. What they do not tell is said.
    pub(crate) fn survey(&self, document: &Document, out: &mut Out) -> Option<Survey> {
        let eks = self.eks()?;
        let mut fleet = self.fleet(out)?;
        let names = Names::of(document, &fleet, eks.facts.account());
        let spinner = out.spinner("Asking IAM", PATIENCE);
        let told = eks.iam().map(|mut iam| principals(&mut iam, &names));
        drop(spinner);
        let (mut principals, untold) = match told {
            Ok(told) => told,
            Err(error) => (Principals::default(), vec![error]),
        };
        eks.facts.account().clone_into(&mut principals.account);
        for error in &untold {
            let account = &principals.account;
            out.note(&format!(
                "warning: IAM does not tell all of account {account}: {error}"
            ));
        }
        if let Some(error) = untold.first() {
            out.note(&format!("hint: {}", error.hint()));
        }
        for class in fleet.classes.iter_mut().flatten() {
            let profile = class.instance_profile.as_ref();
            let role = profile.and_then(|name| principals.instance_profiles.get(name)?.clone());
            class.role = class.role.take().or(role);
        }
        Some(Survey {
            fleet,
            principals: (!principals.is_unread()).then_some(principals),
        })
    }

    /// What the cluster's nodes sign in with.
    fn fleet(&self, out: &mut Out) -> Option<Fleet> {
        let Self::Cluster(cluster) = self else {
            return None;
        };
        let eks = cluster.eks()?;
        let name = &eks.facts.name;
        let spinner = out.spinner("Asking EKS for nodes", PATIENCE);
        let (classes, nodes) = cluster.node_classes(|| eks.ask(|eks| eks.nodes(name)));
        drop(spinner);
        let classes = match classes {
            Ok(classes) => Some(classes),
            Err(fault) => {
                out.note(&format!(
                    "warning: {self} does not tell Karpenter's node classes: {fault}"
                ));
                out.note(&format!("hint: let somebody allow this: {PERMISSION}"));
                None
            }
        };
        let classes = classes.map(|classes| {
            let known = classes.into_iter();
            known.map(|class| class.at(&eks.facts.arn)).collect()
        });
        Some(Fleet {
            groups: told(nodes.groups, eks, out),
            profiles: told(nodes.profiles, eks, out),
            classes,
        })
    }
}

fn told<T>(told: Result<T, Untold>, eks: &EksCluster, out: &mut Out) -> Option<T> {
    match told {
        Ok(told) => Some(told),
        Err(untold) => {
            let name = &eks.facts.name;
            out.note(&format!(
                "warning: {}",
                super::access_entries::not_told(&untold, name)
            ));
            out.note(&format!("hint: {}", untold.hint()));
            None
        }
    }
}

impl Names {
    fn of(document: &Document, fleet: &Fleet, account: &str) -> Self {
        let mut names = Self::default();
        let uses = fleet.uses();
        let roles = uses.map(|one| one.role.to_owned());
        let store = Store::new(document);
        let written = store
            .slots()
            .iter()
            .filter_map(|slot| match &slot.mapping.principal {
                Principal::Role(arn) | Principal::User(arn) => Some(arn.clone()),
                _ => None,
            });
        for arn in roles.chain(written) {
            let Some(parts) = Parts::of(&arn).filter(|parts| parts.account == account) else {
                continue;
            };
            let name = parts.name.to_owned();
            match parts.kind.to_ascii_lowercase().as_str() {
                _ if !parts.has_valid_name() => continue,
                "role" => names.roles.insert(name),
                "user" => names.users.insert(name),
                "instance-profile" => names.profiles.insert(name),
                _ => continue,
            };
        }
        let classes = fleet.classes.iter().flatten();
        let profiles = classes.filter_map(|class| class.instance_profile.clone());
        names.profiles.extend(profiles);
        names
    }
}

/// What IAM tells, and what it does not.
fn principals(iam: &mut Iam, names: &Names) -> (Principals, Vec<IamError>) {
    let mut all = Principals::default();
    let mut untold = Vec::new();
    match iam.roles(&names.roles) {
        Ok(roles) => all.roles = roles,
        // Who is not there for one question is not for the next.
        Err(error) if !error.is_denial() => return (all, vec![error]),
        Err(error) => untold.push(error),
    }
    if !names.users.is_empty() {
        match iam.users(&names.users) {
            Ok(users) => all.users = users,
            Err(error) => untold.push(error),
        }
    }
    if !names.profiles.is_empty() {
        match iam.instance_profiles(&names.profiles) {
            Ok(profiles) => all.instance_profiles = profiles,
            Err(error) => untold.push(error),
        }
    }
    (all, untold)
}
