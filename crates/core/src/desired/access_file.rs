//! Reads `kind: Access`: access that does not depend on the store.

use std::collections::BTreeMap;

use super::access_entry_formats::{default_username, given as find, list_of, refuse_unknown, text};
use super::error::{Fault, Reason};
use super::mapping_formats::{by_kind, expiry};
use super::validate::check_principal;
use super::yaml_value::{Field, Value};
use super::{DesiredEntry, DesiredMapping, Mappings};
use crate::access_entries::{NamedPolicy, Store};
use crate::arn::Parts;
use crate::document::{Principal, SsoRole};
use crate::facts::access_entries::{AUTO_NODE, AccessScope, STANDARD};
use crate::facts::accounts::is_account_id;
use crate::facts::groups::MASTERS;
use crate::facts::node_kinds::NodeKind;

/// The name of a grant in messages.
const GRANT: &str = "an item of grants";

/// The fields for the principal, of which exactly one is given.
const PRINCIPALS: [&str; 4] = ["role", "user", "arn", "sso"];

const FIELDS: [&str; 13] = [
    "role",
    "user",
    "arn",
    "sso",
    "account",
    "nodes",
    "username",
    "groups",
    "policies",
    "withoutPolicies",
    "admin",
    "until",
    "reason",
];

/// The access policy that is the same as the group `system:masters`, by its short name.
const ADMIN_POLICY: &str = "cluster-admin";

/// Access that a file requests in any store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DesiredAccess {
    pub policies: Vec<NamedPolicy>,
    /// The groups that aws-auth gives instead of the policies.
    pub groups_without_policies: Option<Vec<String>>,
    /// Whether it may do everything.
    pub is_admin: bool,
    /// The kind of nodes that sign in with it.
    pub nodes: Option<NodeKind>,
}

/// Returns the name of a kind of nodes in an `Access`.
pub fn node_kind_name(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::AutoMode => "auto",
        kind => kind.name(),
    }
}

impl DesiredMapping {
    /// Returns whether only an access entry can give this access.
    pub fn needs_access_entry(&self) -> bool {
        let nodes = self.access.as_ref().and_then(|access| access.nodes);
        self.entry.is_some() || nodes == Some(NodeKind::AutoMode)
    }

    /// Returns the permission set of an `Access`. Its role must be found in IAM, and set [`with_role`](Self::with_role).
    pub fn permission_set(&self) -> Option<&SsoRole> {
        match &self.principal {
            Principal::Sso(sso) if self.access.is_some() => Some(sso),
            _ => None,
        }
    }

    /// Returns the mapping of the role of its permission set.
    #[must_use]
    pub fn with_role(self, arn: String) -> Self {
        let principal = Principal::Role(arn);
        let username = self.username;
        Self {
            username: username.or_else(|| Some(default_username(&principal))),
            principal,
            ..self
        }
    }

    /// Returns the mapping as this store holds it.
    ///
    /// # Errors
    /// If aws-auth cannot express it.
    pub fn in_store(mut self, store: Store) -> Result<Self, super::DesiredError> {
        let Some(access) = self.access.take() else {
            return Ok(self);
        };
        match store {
            Store::AwsAuth => {
                if access.nodes == Some(NodeKind::AutoMode) {
                    let who = self.who();
                    let reason = Reason::AutoModeInAwsAuth { who };
                    return Err(Fault::new(self.line, reason).of(&self.source));
                }
                let groups = self.groups.get_or_insert_default();
                match access.groups_without_policies {
                    Some(others) => groups.extend(others),
                    None if access.policies.is_empty() => {}
                    None => {
                        let who = self.who();
                        return Err(Fault::new(self.line, Reason::PoliciesInAwsAuth { who })
                            .of(&self.source));
                    }
                }
                if access.is_admin {
                    groups.push(MASTERS.to_owned());
                }
            }
            Store::AccessEntries => {
                let mut policies = access.policies;
                if access.is_admin {
                    policies.push(NamedPolicy::in_cluster(ADMIN_POLICY));
                }
                let kind = access.nodes.map_or(STANDARD, NodeKind::access_entry_type);
                if access.nodes.is_some() {
                    (self.username, self.groups) = (None, None);
                }
                self.entry = Some(DesiredEntry {
                    kind: kind.to_owned(),
                    policies: Some(policies),
                    tags: BTreeMap::new(),
                });
            }
        }
        Ok(self)
    }
}

/// Reads the grants of a file.
pub(super) fn read(
    line: usize,
    fields: &[Field<'_>],
    mappings: &mut Mappings<'_>,
) -> Result<(), Fault> {
    const KNOWN: [&str; 4] = ["apiVersion", "kind", "metadata", "grants"];
    refuse_unknown(fields, "the Access", &KNOWN)?;
    let grants = fields.iter().find(|field| field.name == "grants");
    let grants = grants.ok_or_else(|| {
        let reason = Reason::MissingField {
            what: "the Access".to_owned(),
            field: "grants".to_owned(),
        };
        Fault::new(line, reason)
    })?;
    let items = grants.value.items("`grants`")?;
    mappings.found_list = true;
    for item in items {
        let grant = grant(item, mappings)?;
        mappings.list.push(grant);
    }
    Ok(())
}

fn grant(value: Value<'_>, mappings: &Mappings<'_>) -> Result<DesiredMapping, Fault> {
    let fields = value.fields(GRANT)?;
    refuse_unknown(&fields, GRANT, &FIELDS)?;
    let given = |name: &str| find(&fields, name);
    let principal = principal(value, &fields, mappings.cluster_arn)?;
    let username = given("username").map(|field| text(field, "username"));
    let username = username.transpose()?.map(str::to_owned);
    let groups = given("groups").map(|field| list_of(field, "groups"));
    let nodes = given("nodes").map(nodes).transpose()?;
    if let Some(kind) = nodes {
        let others = ["username", "groups", "policies", "withoutPolicies", "admin"];
        let mut others = others.into_iter().filter_map(given);
        // Of the entries of nodes, only those of Auto Mode have access policies.
        let is_refused = |field: &Field<'_>| kind != NodeKind::AutoMode || field.name != "policies";
        if let Some(field) = others.find(is_refused) {
            let field = field.name.to_owned();
            return Err(Fault::new(value.line(), Reason::WithNodes { field }));
        }
    }
    let policies = given("policies").map(policies).transpose()?;
    let policies = policies.or_else(|| {
        let is_auto = nodes == Some(NodeKind::AutoMode);
        is_auto.then(|| vec![NamedPolicy::in_cluster(AUTO_NODE)])
    });
    let without = given("withoutPolicies").map(|field| {
        let fields = field.value.fields("`withoutPolicies`")?;
        refuse_unknown(&fields, "`withoutPolicies`", &["groups"])?;
        let groups = find(&fields, "groups");
        groups.map_or(Ok(Vec::new()), |groups| list_of(groups, "groups"))
    });
    // For the readers of the file.
    let reason = given("reason").map(|field| text(field, "reason"));
    reason.transpose()?;
    let is_admin = given("admin").map(|field| field.value.flag("`admin`"));
    let (username, groups) = match nodes {
        Some(kind) => {
            let groups = kind.groups().iter().map(|&group| group.to_owned());
            (Some(kind.username().to_owned()), groups.collect())
        }
        None => (username, groups.transpose()?.unwrap_or_default()),
    };
    let username = match &principal {
        Principal::Sso(_) => username,
        principal => username.or_else(|| Some(default_username(principal))),
    };
    Ok(DesiredMapping {
        principal,
        username,
        groups: Some(groups),
        entry: None,
        access: Some(DesiredAccess {
            policies: policies.unwrap_or_default(),
            groups_without_policies: without.transpose()?,
            is_admin: is_admin.transpose()?.unwrap_or_default(),
            nodes,
        }),
        create_only: false,
        expires: given("until").map(expiry).transpose()?,
        cluster: None,
        source: mappings.source.to_owned(),
        line: value.line(),
    })
}

/// Reads the principal. A role or user without an ARN is in `account`, or else in the account of the cluster.
fn principal(
    value: Value<'_>,
    fields: &[Field<'_>],
    cluster_arn: Option<&str>,
) -> Result<Principal, Fault> {
    let mut principals = PRINCIPALS.iter().filter_map(|name| find(fields, name));
    let Some(first) = principals.next() else {
        let choices = PRINCIPALS.map(|name| format!("`{name}`"));
        let reason = Reason::NoPrincipal {
            what: GRANT.to_owned(),
            choices: choices.join(", "),
        };
        return Err(Fault::new(value.line(), reason));
    };
    if let Some(second) = principals.next() {
        let reason = Reason::TwoPrincipals {
            first: first.name.to_owned(),
            second: second.name.to_owned(),
        };
        return Err(Fault::new(second.line, reason));
    }
    let name = text(first, first.name)?;
    let account = find(fields, "account");
    let written = account
        .map(|field| field.value.source("`account`"))
        .transpose()?;
    if first.name == "arn" || (first.name != "sso" && name.starts_with("arn:")) {
        return by_kind(name).map_err(|reason| Fault::new(first.line, reason));
    }
    let cluster = cluster_arn.and_then(Parts::of);
    let account = written.or(cluster.as_ref().map(|cluster| cluster.account));
    let Some(account) = account else {
        let name = name.to_owned();
        return Err(Fault::new(first.line, Reason::NoAccount { name }));
    };
    if !is_account_id(account) {
        let account = account.to_owned();
        return Err(Fault::new(first.line, Reason::AccountId { account }));
    }
    let partition = cluster.map_or("aws", |cluster| cluster.partition);
    let arn = |kind: &str| format!("arn:{partition}:iam::{account}:{kind}/{name}");
    let principal = match first.name {
        "role" => Principal::Role(arn("role")),
        "user" => Principal::User(arn("user")),
        _ => Principal::Sso(Box::new(SsoRole {
            permission_set_name: name.to_owned(),
            account_id: account.to_owned(),
            partition: partition.to_owned(),
        })),
    };
    check_principal(&principal).map_err(|reason| Fault::new(first.line, reason))?;
    Ok(principal)
}

fn nodes(field: Field<'_>) -> Result<NodeKind, Fault> {
    let name = text(field, "nodes")?;
    let mut kinds = NodeKind::ALL.into_iter().chain([NodeKind::AutoMode]);
    let kind = kinds.find(|kind| node_kind_name(*kind) == name);
    kind.ok_or_else(|| {
        let name = name.to_owned();
        Fault::new(field.line, Reason::NodeKind { name })
    })
}

/// Reads policies: a name, or a name with namespaces.
fn policies(field: Field<'_>) -> Result<Vec<NamedPolicy>, Fault> {
    const WHAT: &str = "an item of `policies`";
    let read = |item: Value<'_>| {
        if !item.is_map() {
            return item.text(WHAT).map(NamedPolicy::in_cluster);
        }
        let fields = item.fields(WHAT)?;
        refuse_unknown(&fields, WHAT, &["name", "namespaces"])?;
        let missing = || {
            let reason = Reason::MissingField {
                what: WHAT.to_owned(),
                field: "name".to_owned(),
            };
            Fault::new(item.line(), reason)
        };
        let name = find(&fields, "name").ok_or_else(missing)?;
        let namespaces = find(&fields, "namespaces");
        let namespaces = namespaces.map(|field| list_of(field, "namespaces"));
        Ok(NamedPolicy {
            name: text(name, "name")?.to_owned(),
            scope: match namespaces.transpose()? {
                None => AccessScope::Cluster,
                Some(names) => AccessScope::Namespaces(names),
            },
        })
    };
    field.value.items("`policies`")?.map(read).collect()
}
