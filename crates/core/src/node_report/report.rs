//! The report, role by role.

use std::collections::{HashMap, HashSet};

use super::fix::fix;
use super::judge::judge;
use super::role_report::{NodeReportInput, RoleReport};
use super::state::{RequiredIn, State};
use super::unknown_roles::{UnknownRole, unknown_roles};
use super::unused_entries::{UnusedEntry, unused_entries};
use crate::arn::{Parts, comparable, fold};
use crate::authenticator::{AccessEntries, NodeRole, NodeRoles, Place, Store};
use crate::document::{Mapping, Principal};
use crate::facts::iam_inventory::{Existence, Principals};
use crate::facts::node_inventory::NodeSource;

/// The roles of a cluster's nodes.
#[derive(Clone, Debug)]
pub struct NodeReport<'a> {
    pub roles: Vec<RoleReport<'a>>,
    /// The nodes whose role is unknown.
    pub unknown: Vec<UnknownRole>,
    /// The entries for nodes of roles that no known node uses.
    pub unused: Vec<UnusedEntry<'a>>,
}

impl NodeReport<'_> {
    /// Returns whether the nodes of every known role can join.
    pub fn is_good(&self) -> bool {
        self.roles.iter().all(|role| !role.state.is_problem())
    }
}

/// Compares the roles of nodes with the entries that map them.
pub fn report<'a>(input: &NodeReportInput<'a>) -> NodeReport<'a> {
    let store = Store::new(input.document);
    let roles = NodeRoles::of(input.node_inventory);
    let entries = EntriesInForce::of(&store);
    NodeReport {
        roles: roles
            .all()
            .iter()
            .map(|role| role_report(role, &entries, &store, input))
            .collect(),
        unknown: unknown_roles(input),
        unused: unused_entries(&roles, &store, input),
    }
}

fn role_report<'a>(
    role: &NodeRole<'a>,
    entries: &EntriesInForce<'a>,
    store: &Store<'a>,
    input: &NodeReportInput<'a>,
) -> RoleReport<'a> {
    let sign_in_arn = comparable(role.arn);
    let iam = existence(role.arn, input.principals);
    let instances = role.uses.iter().filter_map(|one| match one.by {
        NodeSource::Instance(id) => Some(id),
        _ => None,
    });
    let instances: HashSet<&str> = instances.collect();
    let known = input.node_inventory.instances.iter().flatten();
    let joined: Vec<&str> = known
        .filter(|instance| instances.contains(instance.id.as_str()))
        .filter_map(|instance| instance.node.as_deref())
        .collect();
    let mut report = RoleReport {
        arn: match iam {
            Existence::Exists(principal) => principal.arn.clone(),
            Existence::Absent | Existence::Unknown => role.arn.to_owned(),
        },
        instances: instances.len(),
        joined: joined.len(),
        aws_auth: entries.of_arn(&sign_in_arn),
        access_entry: input
            .access_entries
            .and_then(|entries| entries.of(&sign_in_arn)),
        required_in: RequiredIn::of(role, input.access_entries.map(AccessEntries::mode)),
        state: State::Mapped,
        is_age_unknown: iam == Existence::Unknown,
        fix: None,
        role: role.clone(),
    };
    report.state = judge(&report, iam, &joined, store, input.access_entries);
    report.fix = fix(&report, input);
    report
}

/// Looks up a role of the cluster's account in IAM.
fn existence<'a>(arn: &str, principals: Option<&'a Principals>) -> Existence<'a> {
    let known = principals.and_then(|principals| {
        let parts = Parts::of(arn).filter(|parts| parts.account == principals.account)?;
        Some(principals.roles.named(parts.name))
    });
    known.unwrap_or(Existence::Unknown)
}

/// The entries of aws-auth in force by folded ARN.
struct EntriesInForce<'a>(HashMap<String, (Place, &'a Mapping)>);

impl<'a> EntriesInForce<'a> {
    fn of(store: &Store<'a>) -> Self {
        let mut by_arn = HashMap::new();
        for (arn, slot) in store.in_force() {
            let is_role = matches!(slot.mapping.principal, Principal::Role(_));
            let key = fold(arn).into_owned();
            // The authenticator searches roles before users.
            if is_role || !by_arn.contains_key(&key) {
                by_arn.insert(key, (slot.place, slot.mapping));
            }
        }
        Self(by_arn)
    }

    fn of_arn(&self, arn: &str) -> Option<(Place, &'a Mapping)> {
        self.0.get(&*fold(arn)).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::role_report::Fix;
    use super::*;
    use crate::access_entries::Operation;
    use crate::document::Document;
    use crate::facts::access_entries::{AUTO_MODE, AccessEntry, AccessTerms};
    use crate::facts::authentication_mode::AuthenticationMode;
    use crate::facts::node_inventory::{
        Instance, NodeClass, NodeGroup, NodeInventory, ScalingGroup,
    };

    const A: &str = "arn:aws:iam::111122223333:role";
    const CLUSTER: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";

    fn instance(id: &str, role: &str, is_windows: bool, node: Option<&str>) -> Instance {
        Instance {
            id: id.to_owned(),
            is_windows,
            instance_profile: Some("p".to_owned()),
            role: Some(format!("{A}/{role}")),
            node: node.map(str::to_owned),
        }
    }

    fn entries(mode: AuthenticationMode, kinds: &[(&str, &str)]) -> AccessEntries {
        let entries = kinds.iter().map(|(role, kind)| AccessEntry {
            principal_arn: format!("{A}/{role}"),
            terms: Some(AccessTerms {
                kind: (*kind).to_owned(),
                policies: Some(Vec::new()),
                ..AccessTerms::default()
            }),
        });
        AccessEntries::new(mode, Some(entries.collect()))
    }

    /// Returns the state of the only role, and how to fix it.
    fn state(
        inventory: &NodeInventory,
        entries: Option<&AccessEntries>,
        map_roles: &str,
    ) -> (State, String) {
        let data = BTreeMap::from([("mapRoles".to_owned(), map_roles.to_owned())]);
        let document = Document::read(&data);
        let report = report(&NodeReportInput {
            document: &document,
            access_entries: entries,
            cluster: Some("prod"),
            cluster_arn: Some(CLUSTER),
            node_inventory: inventory,
            nodes: None,
            principals: None,
        });
        let [role] = report.roles.as_slice() else {
            panic!("{report:?}");
        };
        let fix = role.fix.as_ref().map(|fix| fix.text(role, Some("prod")));
        (role.state.clone(), fix.unwrap_or_default())
    }

    fn of_instances(instances: &[Instance]) -> NodeInventory {
        NodeInventory {
            instances: Some(instances.to_vec()),
            ..NodeInventory::default()
        }
    }

    #[test]
    fn role_of_linux_and_windows_nodes_fits_aws_auth_but_no_access_entry() {
        let both = of_instances(&[
            instance("i-1", "n", false, None),
            instance("i-2", "n", true, None),
        ]);
        let mode = AuthenticationMode::ApiAndConfigMap;
        let (found, fix) = state(&both, Some(&entries(mode, &[])), "[]");
        assert_eq!(found.word(), "missing");
        let map = format!("awsauth map node-role {A}/n --kind windows --cluster-name prod");
        assert_eq!(fix, map);
        let (found, _) = state(&both, Some(&entries(mode, &[("n", "EC2_LINUX")])), "[]");
        assert_eq!(
            found.to_string(),
            "its nodes need the types EC2_LINUX and EC2_WINDOWS, and an access entry has one"
        );
        let (_, fix) = state(&both, Some(&entries(AuthenticationMode::Api, &[])), "[]");
        assert_eq!(
            fix,
            "give each kind of nodes a role of its own in the cluster's account"
        );
    }

    #[test]
    fn unknown_operating_system_fits_either_type() {
        let inventory = NodeInventory {
            groups: Some(vec![NodeGroup {
                name: "custom".to_owned(),
                role: Some(format!("{A}/n")),
                ami_type: "CUSTOM".to_owned(),
                status: "ACTIVE".to_owned(),
                ..NodeGroup::default()
            }]),
            scaling_groups: Some(vec![ScalingGroup {
                roles: vec![format!("{A}/n")],
                ..ScalingGroup::default()
            }]),
            ..NodeInventory::default()
        };
        for (kind, word) in [
            ("EC2_LINUX", "mapped"),
            ("EC2_WINDOWS", "mapped"),
            ("FARGATE_LINUX", "wrong type"),
            ("STANDARD", "wrong type"),
        ] {
            let entries = entries(AuthenticationMode::Api, &[("n", kind)]);
            let (found, _) = state(&inventory, Some(&entries), "[]");
            assert_eq!(found.word(), word, "{kind}");
        }
        // An instance of the role shows that it runs Linux.
        let known = NodeInventory {
            instances: Some(vec![instance("i-1", "n", false, None)]),
            ..inventory
        };
        let entries = entries(AuthenticationMode::Api, &[("n", "EC2_WINDOWS")]);
        assert_eq!(state(&known, Some(&entries), "[]").0.word(), "wrong type");
    }

    #[test]
    fn session_name_fits_instances_that_are_named_after_their_id() {
        let by_session = format!(
            "- rolearn: {A}/n\n  username: system:node:{{{{SessionName}}}}\n  groups: [system:bootstrappers, system:nodes]\n"
        );
        let entries = entries(AuthenticationMode::ConfigMap, &[]);
        for (node, word) in [
            ("i-1", "mapped"),
            ("ip-10-0-0-1", "wrong username or groups"),
        ] {
            let inventory = of_instances(&[instance("i-1", "n", false, Some(node))]);
            let (found, _) = state(&inventory, Some(&entries), &by_session);
            assert_eq!(found.word(), word, "{node}");
        }
    }

    #[test]
    fn instance_of_auto_mode_needs_its_type_and_policy() {
        let inventory = NodeInventory {
            // A node class names the role without its path.
            auto_classes: Some(vec![NodeClass {
                role: Some(format!("{A}/n")),
                ..NodeClass::default()
            }]),
            instances: Some(vec![instance("i-1", "eks/n", false, None)]),
            ..NodeInventory::default()
        };
        let mode = AuthenticationMode::ApiAndConfigMap;
        let (found, _) = state(&inventory, Some(&entries(mode, &[("n", AUTO_MODE)])), "[]");
        assert_eq!(found, State::MissingPolicy);
        let mapped = format!(
            "- rolearn: {A}/n\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups: [system:bootstrappers, system:nodes]\n"
        );
        let (found, fix) = state(&inventory, Some(&entries(mode, &[])), &mapped);
        assert!(
            found
                .to_string()
                .ends_with("aws-auth cannot map the nodes of Auto Mode")
        );
        assert!(
            fix.contains("--type EC2 && aws eks associate-access-policy"),
            "{fix}"
        );
        let config_map = entries(AuthenticationMode::ConfigMap, &[]);
        let (_, fix) = state(&inventory, Some(&config_map), &mapped);
        assert_eq!(
            fix,
            "let the cluster read access entries: awsauth migrate --apply"
        );
    }

    #[test]
    fn role_of_another_account_is_mapped_in_aws_auth() {
        let mut other = instance("i-1", "n", false, None);
        other.role = Some("arn:aws:iam::444455556666:role/n".to_owned());
        let mode = AuthenticationMode::ApiAndConfigMap;
        let (_, fix) = state(&of_instances(&[other]), Some(&entries(mode, &[])), "[]");
        assert!(
            fix.starts_with("awsauth map node-role arn:aws:iam::444455556666:role/n"),
            "{fix}"
        );
    }

    #[test]
    fn state_is_unknown_while_access_entries_are() {
        let one = of_instances(&[instance("i-1", "n", false, None)]);
        let (found, fix) = state(&one, None, "[]");
        assert!(!found.is_problem() && fix.is_empty(), "{found}");
        let unread = AccessEntries::new(AuthenticationMode::Api, None);
        let (found, _) = state(&one, Some(&unread), "[]");
        assert_eq!(found.to_string(), "the access entries could not be read");
    }

    #[test]
    fn dead_entry_is_replaced() {
        let one = of_instances(&[instance("i-1", "n", false, None)]);
        let mut dead = entries(AuthenticationMode::Api, &[("n", "EC2_LINUX")])
            .all()
            .unwrap_or_default()
            .to_vec();
        for entry in &mut dead {
            if let Some(terms) = &mut entry.terms {
                terms.created_at = "2024-01-01T00:00:00Z".parse().ok();
            }
        }
        let dead = AccessEntries::new(AuthenticationMode::Api, Some(dead));
        let role = crate::facts::iam_inventory::Principal {
            arn: format!("{A}/eks/n"),
            name: "n".to_owned(),
            created_at: "2025-01-01T00:00:00Z".parse().ok(),
            ..Default::default()
        };
        let principals = Principals {
            account: "111122223333".to_owned(),
            roles: crate::facts::iam_inventory::Listed::all(vec![role]),
            ..Principals::default()
        };
        let document = Document::read(&BTreeMap::<String, String>::new());
        let report = report(&NodeReportInput {
            document: &document,
            access_entries: Some(&dead),
            cluster: Some("prod"),
            cluster_arn: Some(CLUSTER),
            node_inventory: &one,
            nodes: None,
            principals: Some(&principals),
        });
        assert_eq!(report.roles[0].state, State::DeadEntry);
        let Some(Fix::AccessEntry(operations)) = &report.roles[0].fix else {
            panic!("{report:?}");
        };
        let arns: Vec<_> = operations.iter().map(Operation::principal_arn).collect();
        // The new entry names the role with the path that IAM reports.
        let (old, new) = (format!("{A}/n"), format!("{A}/eks/n"));
        assert_eq!(arns, [Some(old.as_str()), Some(new.as_str())]);
    }
}
