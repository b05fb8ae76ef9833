//! The nodes of a cluster, and the IAM principals of its account.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Backend;
use crate::terminal::Out;
use awsauth_aws::ActionError;
use awsauth_aws::eks::EksCluster;
use awsauth_aws::eks::Unavailable;
use awsauth_aws::iam::Iam;
use awsauth_core::arn::Parts;
use awsauth_core::authenticator::{AccessEntries, Store};
use awsauth_core::document::{Document, Principal};
use awsauth_core::facts::iam_inventory::Principals;
use awsauth_core::facts::node_inventory::NodeInventory;
use awsauth_kube::node_classes::KARPENTER;

/// The delay before the spinner appears.
const SPINNER_DELAY: Duration = Duration::from_millis(300);

/// The nodes of a cluster and the principals of its account.
#[derive(Debug)]
pub(crate) struct Inventory {
    pub(crate) node_inventory: NodeInventory,
    /// `None` if IAM returned nothing.
    pub(crate) principals: Option<Principals>,
    /// Why IAM did not return everything; empty if it did.
    pub(crate) unavailable: Vec<String>,
}

/// The names to read one by one if the caller may not list all.
#[derive(Default)]
struct Names {
    roles: BTreeSet<String>,
    users: BTreeSet<String>,
    profiles: BTreeSet<String>,
}

impl Backend {
    /// Reads the cluster's nodes, and the principals that the document names; `None` for manifests and for clusters of
    /// a kubeconfig. Prints a warning for what cannot be read.
    pub(crate) fn inventory(&self, document: &Document, out: &mut Out) -> Option<Inventory> {
        let eks = self.eks()?;
        let mut node_inventory = self.node_inventory(out)?;
        let names = Names::of(document, &node_inventory, eks.facts.account());
        let (principals, unavailable) = self.read_principals(eks, &names, out);
        node_inventory.add_roles(&principals.instance_profiles);
        Some(Inventory {
            node_inventory,
            principals: (!principals.is_unread()).then_some(principals),
            unavailable,
        })
    }

    /// Asks IAM for the principals of the access entries; `None` if it returns nothing. Prints a warning for what it does not return.
    pub(crate) fn principals_of(
        &self,
        entries: &AccessEntries,
        out: &mut Out,
    ) -> Option<Principals> {
        let eks = self.eks()?;
        let mut names = Names::default();
        let all = entries.all().unwrap_or_default().iter();
        names.add(
            all.map(|entry| entry.principal_arn.as_str()),
            eks.facts.account(),
        );
        let (read, _) = self.read_principals(eks, &names, out);
        (!read.is_unread()).then_some(read)
    }

    /// Returns the principals, and why some are missing.
    fn read_principals(
        &self,
        eks: &EksCluster,
        names: &Names,
        out: &mut Out,
    ) -> (Principals, Vec<String>) {
        let spinner = out.spinner("Asking IAM", SPINNER_DELAY);
        let read = eks.iam().map(|mut iam| principals(&mut iam, names));
        drop(spinner);
        let (mut principals, unavailable) = match read {
            Ok(read) => read,
            Err(error) => (Principals::default(), vec![error]),
        };
        eks.facts.account().clone_into(&mut principals.account);
        for error in &unavailable {
            let account = &principals.account;
            out.note(&format!(
                "warning: IAM did not return everything about account {account}: {error}"
            ));
        }
        if let Some(error) = unavailable.first() {
            out.note(&format!("hint: {}", error.hint()));
        }
        let unavailable = unavailable.iter().map(ToString::to_string);
        (principals, unavailable.collect())
    }

    /// Reads node groups, Fargate profiles and node classes.
    fn node_inventory(&self, out: &mut Out) -> Option<NodeInventory> {
        let Self::Cluster(cluster) = self else {
            return None;
        };
        let eks = cluster.eks()?;
        let name = &eks.facts.name;
        let spinner = out.spinner("Asking EKS for nodes", SPINNER_DELAY);
        let (classes, nodes) = cluster.node_classes(|| eks.with_client(|eks| eks.nodes(name)));
        drop(spinner);
        let classes = match classes {
            Ok(classes) => Some(classes),
            Err(fault) => {
                out.note(&format!(
                    "warning: {self} does not list Karpenter's node classes: {fault}"
                ));
                out.note(&format!(
                    "hint: ask an administrator to allow this: {}",
                    KARPENTER.permission
                ));
                None
            }
        };
        let classes = classes.map(|classes| {
            let known = classes.into_iter();
            known.map(|class| class.at(&eks.facts.arn)).collect()
        });
        Some(NodeInventory {
            groups: or_warn(nodes.groups, eks, out),
            profiles: or_warn(nodes.profiles, eks, out),
            classes,
            ..NodeInventory::default()
        })
    }
}

fn or_warn<T>(answer: Result<T, Unavailable>, eks: &EksCluster, out: &mut Out) -> Option<T> {
    match answer {
        Ok(value) => Some(value),
        Err(unavailable) => {
            let name = &eks.facts.name;
            out.note(&format!("warning: {}", unavailable.message(name)));
            out.note(&format!("hint: {}", unavailable.hint()));
            None
        }
    }
}

impl Names {
    fn of(document: &Document, node_inventory: &NodeInventory, account: &str) -> Self {
        let mut names = Self::default();
        let uses = node_inventory.uses();
        let roles = uses.map(|one| one.role.to_owned());
        let store = Store::new(document);
        let written = store
            .slots()
            .iter()
            .filter_map(|slot| match &slot.mapping.principal {
                Principal::Role(arn) | Principal::User(arn) => Some(arn.clone()),
                _ => None,
            });
        let arns: Vec<String> = roles.chain(written).collect();
        names.add(arns.iter().map(String::as_str), account);
        names.profiles.extend(node_inventory.instance_profiles());
        names
    }

    /// Adds the names in these ARNs, if they are of the account.
    fn add<'a>(&mut self, arns: impl Iterator<Item = &'a str>, account: &str) {
        for arn in arns {
            let Some(parts) = Parts::of(arn).filter(|parts| parts.account == account) else {
                continue;
            };
            let name = parts.name.to_owned();
            match parts.kind.to_ascii_lowercase().as_str() {
                _ if !parts.has_valid_name() => continue,
                "role" => self.roles.insert(name),
                "user" => self.users.insert(name),
                "instance-profile" => self.profiles.insert(name),
                _ => continue,
            };
        }
    }
}

/// Reads principals from IAM; returns the errors as well.
fn principals(iam: &mut Iam, names: &Names) -> (Principals, Vec<ActionError>) {
    let mut all = Principals::default();
    let mut unavailable = Vec::new();
    match iam.roles(&names.roles) {
        Ok(roles) => all.roles = roles,
        // If IAM cannot be reached, further requests would only time out.
        Err(error) if !error.is_denial() => return (all, vec![error]),
        Err(error) => unavailable.push(error),
    }
    if !names.users.is_empty() {
        match iam.users(&names.users) {
            Ok(users) => all.users = users,
            Err(error) => unavailable.push(error),
        }
    }
    if !names.profiles.is_empty() {
        match iam.instance_profiles(&names.profiles) {
            Ok(profiles) => all.instance_profiles = profiles,
            Err(error) => unavailable.push(error),
        }
    }
    (all, unavailable)
}
