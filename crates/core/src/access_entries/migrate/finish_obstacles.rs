//! What a principal would lose in mode `API`, which ignores aws-auth.

use std::fmt;

use super::input::MigrationInput;
use super::planner::{MAP_EACH, is_chosen};
use super::verdict::{Item, MigrationPlan, Unchecked, Verdict};
use crate::authenticator::AccessEntries;
use crate::document::Principal;
use crate::facts::authentication_mode::AuthenticationMode;
use crate::facts::groups::MASTERS;
use crate::facts::node_inventory::profile_name;
use crate::node_report::{NodeReportInput, State, report};
use crate::plan::Admins;
use crate::shell_quote::quoted;
use crate::unused_access::AccountUse;

/// How many principals a message names.
const SHOWN: usize = 10;

/// Why the cluster must not ignore aws-auth yet. Displayed as a sentence fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinishObstacle {
    /// An entry of aws-auth in effect has no equal access entry.
    OnlyInAwsAuth {
        name: String,
        /// The word that `unmap` needs before the name; `None` if `unmap` cannot remove the entry.
        kind: Option<&'static str>,
        /// What to do instead of creating an access entry.
        instead: Option<String>,
    },
    /// These principals signed in during the period, and only their account in aws-auth maps them.
    UsedAccount {
        name: String,
        principals: Vec<String>,
    },
    /// It is unknown whether principals signed in that only their account in aws-auth maps.
    UnknownAccount { name: String, why: String },
    /// An administrator of aws-auth is not one through its access entry.
    NotAdmin { name: String },
    /// It is unknown whether an administrator of aws-auth is one through its access entry.
    UnknownAdmin { name: String },
    /// It is unknown whether the access entry is older than its principal, so that EKS does not let the principal in.
    UnknownAge { name: String },
    /// Nodes use this role, and it has no access entry.
    NodeRole {
        role: String,
        /// Such as `the role of node group ng-1`.
        what: String,
    },
    /// Nodes use this role, and could not join through its access entry.
    NodeEntry {
        role: String,
        what: String,
        /// Why they could not join, or why that is unknown.
        why: String,
        /// How to let them join.
        fix: Option<String>,
    },
    /// Nodes or their roles could not be read.
    UnknownNodes,
}

/// Returns why the cluster must not ignore aws-auth yet; none if every principal keeps its access. `admins` are the subjects of
/// the bindings to `cluster-admin`; `None` if they are unknown. `nodes` are the nodes of the same cluster, in its current mode.
pub fn finish_obstacles(
    plan: &MigrationPlan<'_>,
    input: &MigrationInput<'_, '_>,
    admins: Option<&Admins>,
    nodes: &NodeReportInput<'_>,
    accounts: Option<&[AccountUse]>,
) -> Vec<FinishObstacle> {
    let of_items = plan.items.iter().filter_map(|item| {
        let name = item.name().to_owned();
        if let Some(used) = account_use(item, accounts) {
            return used_account(used);
        }
        match &item.verdict {
            Verdict::NotMigrated { .. } => None,
            Verdict::AlreadyThere { .. } => match admins {
                Some(admins) if lacks_admin_rights(item, admins) => {
                    Some(FinishObstacle::NotAdmin { name })
                }
                None if needs_binding(item) => Some(FinishObstacle::UnknownAdmin { name }),
                _ if item.unchecked.contains(&Unchecked::Age) && !is_accepted(item, input) => {
                    Some(FinishObstacle::UnknownAge { name })
                }
                _ => None,
            },
            verdict => Some(FinishObstacle::OnlyInAwsAuth {
                kind: kind(&item.mapping.principal),
                instead: instead_of_creating(verdict, &item.mapping.principal),
                name,
            }),
        }
    });
    let mut obstacles: Vec<FinishObstacle> = of_items.collect();
    obstacles.extend(node_obstacles(nodes));
    obstacles
}

/// Returns the use of an account that aws-auth maps, if it is known.
fn account_use<'a>(item: &Item<'_>, accounts: Option<&'a [AccountUse]>) -> Option<&'a AccountUse> {
    match (&item.verdict, &item.mapping.principal) {
        (Verdict::Cannot { .. }, Principal::Account(id)) => {
            accounts?.iter().find(|used| used.account == *id)
        }
        _ => None,
    }
}

/// Returns whether it is proven that no one uses an account that aws-auth maps.
pub fn is_unused_account(item: &Item<'_>, accounts: Option<&[AccountUse]>) -> bool {
    account_use(item, accounts)
        .is_some_and(|used| used.principals.is_empty() && used.doubt.is_none())
}

fn used_account(used: &AccountUse) -> Option<FinishObstacle> {
    let name = used.account.clone();
    match (used.principals.as_slice(), &used.doubt) {
        ([], None) => None,
        ([], Some(why)) => Some(FinishObstacle::UnknownAccount {
            name,
            why: why.clone(),
        }),
        (principals, _) => Some(FinishObstacle::UsedAccount {
            name,
            principals: principals.iter().map(|(arn, _)| arn.clone()).collect(),
        }),
    }
}

/// Returns which nodes could not join in mode `API`.
fn node_obstacles(nodes: &NodeReportInput<'_>) -> Vec<FinishObstacle> {
    let mut obstacles = Vec::new();
    if !are_all_read(nodes) {
        obstacles.push(FinishObstacle::UnknownNodes);
    }
    let entries = nodes.access_entries.and_then(AccessEntries::all);
    let entries = AccessEntries::new(AuthenticationMode::Api, entries.map(<[_]>::to_vec));
    let in_mode_api = NodeReportInput {
        access_entries: Some(&entries),
        ..*nodes
    };
    let (now, later) = (report(nodes).roles, report(&in_mode_api).roles);
    obstacles.extend(now.iter().zip(&later).filter_map(|(now, later)| {
        // Anyone who can set a tag could otherwise prevent the change.
        if now.is_known_by_tags_only() && now.state.is_problem() {
            return None;
        }
        let (role, what) = (later.arn.clone(), later.role.to_string());
        let why = match &later.state {
            State::Missing { .. } => return Some(FinishObstacle::NodeRole { role, what }),
            State::Mapped if later.is_age_unknown => {
                "it is unknown whether its access entry is older than the role, which EKS would not let in"
                    .to_owned()
            }
            State::Mapped => return None,
            state => state.to_string(),
        };
        let fix = later.fix.as_ref();
        Some(FinishObstacle::NodeEntry {
            role,
            what,
            why,
            fix: fix.map(|fix| fix.text(later, nodes.cluster)),
        })
    }));
    obstacles
}

/// Returns whether everything is known that names the role of a node. An Auto Scaling group without instances has no nodes.
fn are_all_read(nodes: &NodeReportInput<'_>) -> bool {
    let inventory = nodes.node_inventory;
    let profiles = nodes.principals.map(|all| &all.instance_profiles);
    let is_profile_read =
        |profile: &String| profiles.is_some_and(|read| read.contains_key(profile_name(profile)));
    let mut instances = inventory.instances.iter().flatten();
    nodes.nodes.is_some()
        && inventory.groups.is_some()
        && inventory.profiles.is_some()
        && inventory.classes.is_some()
        && inventory.auto_classes.is_some()
        && inventory.instances.is_some()
        && instances.all(|instance| {
            instance.role.is_some() || instance.instance_profile.iter().all(is_profile_read)
        })
}

/// Returns the word of `unmap` for a principal.
fn kind(principal: &Principal) -> Option<&'static str> {
    match principal {
        Principal::Role(_) => Some("role"),
        Principal::User(_) => Some("user"),
        Principal::Account(_) => Some("account"),
        Principal::Sso(_) => None,
    }
}

/// Returns what makes an equal access entry possible, if `--apply` alone does not create it.
fn instead_of_creating(verdict: &Verdict<'_>, principal: &Principal) -> Option<String> {
    let name = principal.text();
    match (verdict, principal) {
        (Verdict::Skipped, Principal::Account(_)) => Some(MAP_EACH.to_owned()),
        _ => instead_of(verdict, name),
    }
}

fn instead_of(verdict: &Verdict<'_>, name: &str) -> Option<String> {
    match verdict {
        Verdict::Skipped => Some(format!(
            "create its access entry: --apply without --skip {}",
            quoted(name)
        )),
        Verdict::Cannot { remedy, .. } => Some(remedy.clone()),
        Verdict::Conflict { .. } => Some("give its access entry the same access".to_owned()),
        Verdict::DeadEntry => Some("delete its dead access entry, and plan again".to_owned()),
        Verdict::Changed {
            is_accepted: false, ..
        } => Some(format!(
            "create its access entry, which changes its access: --apply --accept {}",
            quoted(name)
        )),
        _ => None,
    }
}

fn is_accepted(item: &Item<'_>, input: &MigrationInput<'_, '_>) -> bool {
    let mut accepted = input.choices.accepted.iter();
    accepted.any(|arn| is_chosen(&item.mapping.principal, arn))
}

/// Returns whether an administrator of aws-auth has an access entry whose groups and policies give no administrator permissions.
pub fn lacks_admin_rights(item: &Item<'_>, admins: &Admins) -> bool {
    let terms = item.entry.as_ref().and_then(|entry| entry.terms.as_ref());
    let mut groups = terms.into_iter().flat_map(|terms| &terms.groups);
    needs_binding(item) && !groups.any(|group| admins.groups.contains(group))
}

/// Returns whether the administrator's permissions of an entry of aws-auth depend on a ClusterRoleBinding.
pub fn needs_binding(item: &Item<'_>) -> bool {
    let mut groups = item.mapping.groups().iter();
    let is_admin = groups.any(|group| group == MASTERS);
    let terms = item.entry.as_ref().and_then(|entry| entry.terms.as_ref());
    let mut policies = terms.into_iter().flat_map(|terms| terms.policies());
    is_admin && terms.is_some() && !policies.any(|policy| policy.is_cluster_admin())
}

impl fmt::Display for FinishObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlyInAwsAuth { name, .. } => {
                write!(f, "{name} has no access entry with the same access")
            }
            Self::UsedAccount { name, principals } => {
                let shown: Vec<&str> = principals.iter().take(SHOWN).map(String::as_str).collect();
                write!(
                    f,
                    "the account {name} is in use, and these have no access entry: {}",
                    shown.join(", ")
                )?;
                match principals.len() - shown.len() {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
            Self::UnknownAccount { name, why } => write!(
                f,
                "it is unknown whether the account {name} is in use: {why}"
            ),
            Self::NotAdmin { name } => write!(
                f,
                "{name} is not an administrator through its access entry: no ClusterRoleBinding binds its groups to cluster-admin"
            ),
            Self::UnknownAdmin { name } => write!(
                f,
                "it is unknown whether the groups of {name} are bound to cluster-admin"
            ),
            Self::UnknownAge { name } => write!(
                f,
                "it is unknown whether the access entry of {name} is older than its principal, which EKS would not let in"
            ),
            Self::NodeRole { role, what } => {
                write!(f, "{role}, {what}, has no access entry for nodes")
            }
            Self::NodeEntry {
                role, what, why, ..
            } => write!(f, "{role}, {what}: {why}"),
            Self::UnknownNodes => f.write_str("the nodes and their roles could not all be read"),
        }
    }
}

impl FinishObstacle {
    /// Returns what to do on the EKS cluster of this name.
    pub fn remedy(&self, cluster: &str) -> String {
        let cluster = quoted(cluster);
        let apply = format!("awsauth migrate --cluster-name {cluster} --apply");
        match self {
            Self::OnlyInAwsAuth {
                name,
                kind,
                instead,
            } => {
                let create = || format!("create its access entry: {apply}");
                let first = instead.clone().unwrap_or_else(create);
                let remove = match kind {
                    Some(kind) => format!("unmap {kind} {}", quoted(name)),
                    None => "edit".to_owned(),
                };
                format!(
                    "{first}; or, if it is no longer needed, remove it: awsauth {remove} --cluster-name {cluster}"
                )
            }
            Self::UsedAccount { name, .. } => format!(
                "give each an access entry: awsauth map role ARN --backend access-entries --cluster-name {cluster}; or, if they no longer need access: awsauth unmap account {name} --cluster-name {cluster}"
            ),
            Self::UnknownAccount { name, .. } => format!(
                "choose a period that the log has: --since 30d; or, if the account is no longer needed: awsauth unmap account {name} --cluster-name {cluster}"
            ),
            Self::NotAdmin { .. } => format!("bind its groups to cluster-admin again: {apply}"),
            Self::UnknownAdmin { .. } => {
                "run as a user who may list clusterrolebindings".to_owned()
            }
            Self::UnknownAge { name } => format!(
                "run as an identity with iam:GetRole and iam:GetUser on it; or, if you know that it signs in: --accept {}",
                quoted(name)
            ),
            Self::NodeRole { .. } => format!(
                "create its access entry: {apply} if aws-auth maps the role, otherwise: awsauth nodes --cluster-name {cluster} --fix"
            ),
            Self::NodeEntry { fix: None, .. } => {
                "run as an identity with iam:GetRole, eks:DescribeAccessEntry and eks:ListAssociatedAccessPolicies".to_owned()
            }
            Self::NodeEntry { fix: Some(fix), .. } => fix.clone(),
            Self::UnknownNodes => {
                "see the warnings: grant what is denied; if a call timed out, run again".to_owned()
            }
        }
    }
}
