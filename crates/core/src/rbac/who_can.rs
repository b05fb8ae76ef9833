//! Which of the principals that can sign in are allowed an action, and what allows it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use super::{
    Action, Binding, Policy, Role, RoleRef, Rule, Rules, Scope, Subject, UserInfo, has_default_role,
};
use crate::arn::Parts;
use crate::authenticator::{MappedBy, MappedPrincipal, MappedPrincipals};
use crate::facts::access_entries::{AccessPolicy, AccessScope, AccessTerms, CLUSTER_ADMIN};
use crate::facts::groups::{AUTHENTICATED, MASTERS};
use crate::wildcard_pattern::Pattern;

/// The ClusterRole with the rules that the Node authorizer enforces:
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#core-component-roles>
const NODE_ROLE: &str = "system:node";

/// How many bindings of one subject in one namespace are returned, and how many of the subjects that one principal may become there.
/// Otherwise, a user who can create RoleBindings in a namespace could make the answer arbitrarily long.
const MAX_BINDINGS: usize = 20;

/// What principals are listed for.
#[derive(Clone, Copy, Debug)]
pub enum Query<'a> {
    /// An action that they are allowed.
    Action(&'a Action),
    /// Any access to objects in this scope, except what every authenticated user has by default.
    Access(&'a Scope),
}

impl<'a> Query<'a> {
    /// Returns the scope of the query.
    pub fn scope(self) -> &'a Scope {
        match self {
            Self::Action(action) => action.scope(),
            Self::Access(scope) => scope,
        }
    }

    fn is_allowed_by(self, rule: &Rule) -> bool {
        match self {
            Self::Action(action) => rule.allows(action),
            Self::Access(_) => !rule.resources.is_empty() && !rule.verbs.is_empty(),
        }
    }

    fn counts(self, binding: &Binding) -> bool {
        match self {
            Self::Action(_) => true,
            Self::Access(_) => !has_default_role(binding),
        }
    }
}

impl<'a> From<&'a Action> for Query<'a> {
    fn from(action: &'a Action) -> Self {
        Self::Action(action)
    }
}

/// The principals that are allowed an action.
#[derive(Debug)]
pub struct WhoCan<'a> {
    /// Each once for everything that allows it, in the order of the principals.
    pub allowed: Vec<Allowed<'a>>,
    /// How many bindings are left out because others allow the same subject the same.
    pub hidden_bindings: usize,
    /// How many usernames and groups are left out because the same principal may become others that are allowed the same.
    pub hidden_names: usize,
}

/// A principal that is allowed an action.
#[derive(Debug)]
pub struct Allowed<'a> {
    pub principal: &'a MappedPrincipal<'a>,
    pub by: AllowedBy<'a>,
    /// The only namespace in which it is allowed, or a pattern of namespaces; `None` if it is allowed wherever the action is.
    pub namespace: Option<&'a str>,
    /// What must also be the case; empty if the principal is allowed in every session.
    pub conditions: Vec<Condition<'a>>,
}

/// What allows an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedBy<'a> {
    /// Group system:masters, whose members the API server does not check.
    Masters,
    Binding {
        binding: &'a Binding,
        /// The subject that is the user or one of its groups.
        subject: &'a Subject,
    },
    /// An access policy of EKS.
    AccessPolicy(&'a AccessPolicy),
    /// The Node authorizer, for the user of a kubelet.
    NodeAuthorizer,
    /// An access entry, or its policies, that EKS did not return.
    UnreadAccessEntry,
}

/// What must be the case for a principal to be allowed an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// The session completes the username to this one.
    UsernameIs(Cow<'a, str>),
    /// The session completes the name of a group to this one.
    GroupIs(&'a str),
    /// Of the principals of an account, only this one.
    PrincipalIs(&'a str),
    /// The authenticator uses this entry of several for the principal.
    EntryIsUsed,
    /// The objects concern the kubelet's own node and its pods.
    OwnNode,
    /// The role allows the action; it could not be read.
    RoleAllows,
    /// The access policy allows the action; awsauth does not know its rules.
    PolicyAllows,
    /// The access entry allows the action; EKS did not return it.
    EntryAllows,
}

impl Condition<'_> {
    /// Returns whether the condition is a fact that could not be determined, not one that differs between sessions or objects.
    pub fn is_unknown(&self) -> bool {
        matches!(
            self,
            Self::RoleAllows | Self::PolicyAllows | Self::EntryAllows
        )
    }
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UsernameIs(name) => write!(f, "if the username becomes {name}"),
            Self::GroupIs(name) => write!(f, "if a group becomes {name}"),
            Self::PrincipalIs(arn) => write!(f, "only {arn}"),
            Self::EntryIsUsed => f.write_str("if the authenticator uses this entry"),
            Self::OwnNode => f.write_str("for its own node and pods"),
            Self::RoleAllows => f.write_str("not known: the role cannot be read"),
            Self::PolicyAllows => f.write_str("not known: depends on the rules of the policy"),
            Self::EntryAllows => f.write_str("not known: EKS did not return the access entry"),
        }
    }
}

/// Returns the principals that are allowed an action, or that have any access.
///
/// With [`Scope::AllNamespaces`], also those that are allowed it in some namespaces only.
pub fn who_can<'a, 'q>(
    policy: &'a Policy,
    principals: &'a MappedPrincipals<'a>,
    query: impl Into<Query<'q>>,
) -> WhoCan<'a> {
    let query = query.into();
    let grants = Grants::of(policy, query);
    let nodes = policy.roles.get(&Role {
        namespace: None,
        name: NODE_ROLE.to_owned(),
    });
    let may_node = match nodes {
        Some(Rules::Known(rules)) => rules.iter().any(|rule| query.is_allowed_by(rule)),
        _ => !matches!(query, Query::Action(Action::Path { .. })),
    };
    let mut allowed = Vec::new();
    let mut hidden_names = 0;
    for principal in principals.all() {
        let first = allowed.len();
        hidden_names += grants.add(principal, principals, &mut allowed);
        if let MappedBy::AccessEntry(entry) = principal.by {
            let terms = entry.terms.as_ref();
            match terms.and_then(|terms| terms.policies.as_deref()) {
                Some(policies) => add_policies(policies, query, principal, &mut allowed),
                None => allowed.push(Allowed {
                    conditions: vec![Condition::EntryAllows],
                    ..Allowed::by(AllowedBy::UnreadAccessEntry, principal)
                }),
            }
        }
        let is_certain =
            |allowed: &Allowed<'_>| allowed.conditions.is_empty() && allowed.namespace.is_none();
        if may_node && is_node(principal) && !allowed[first..].iter().any(is_certain) {
            allowed.push(Allowed {
                conditions: vec![Condition::OwnNode],
                ..Allowed::by(AllowedBy::NodeAuthorizer, principal)
            });
        }
        if principal.has_alternative {
            for allowed in &mut allowed[first..] {
                allowed.conditions.push(Condition::EntryIsUsed);
            }
        }
    }
    WhoCan {
        allowed,
        hidden_bindings: grants.hidden,
        hidden_names,
    }
}

impl<'a> Allowed<'a> {
    fn by(by: AllowedBy<'a>, principal: &'a MappedPrincipal<'a>) -> Self {
        Self {
            principal,
            by,
            namespace: None,
            conditions: Vec::new(),
        }
    }
}

/// The subjects of bindings that allow an action.
struct Grants<'a> {
    by_subject: HashMap<&'a Subject, Vec<Grant<'a>>>,
    /// How many bindings are left out.
    hidden: usize,
}

#[derive(Clone, Copy)]
struct Grant<'a> {
    binding: &'a Binding,
    subject: &'a Subject,
    namespace: Option<&'a str>,
    is_role_read: bool,
}

impl<'a> Grant<'a> {
    /// Returns what orders grants and identifies them. The other subjects of the binding are no part of it: comparing thousands of them
    /// for each pair of grants would take minutes.
    fn identity(&self) -> (Option<&'a str>, &'a str, &'a RoleRef, &'a Subject) {
        let binding = self.binding;
        let namespace = binding.namespace.as_deref();
        (namespace, &binding.name, &binding.role, self.subject)
    }
}

impl<'a> Grants<'a> {
    fn of(policy: &'a Policy, query: Query<'_>) -> Self {
        let mut by_subject: HashMap<_, Vec<Grant<'a>>> = HashMap::new();
        let mut counts: HashMap<_, usize> = HashMap::new();
        let mut hidden = 0;
        for binding in policy.bindings.iter().filter(|it| query.counts(it)) {
            let namespace = match (&binding.namespace, query.scope()) {
                (None, _) => None,
                (Some(_), Scope::Cluster) => continue,
                (Some(of), Scope::Namespace(asked)) if of == asked => None,
                (Some(_), Scope::Namespace(_)) => continue,
                (Some(of), Scope::AllNamespaces) => Some(of.as_str()),
            };
            let is_role_read = match rules(policy, binding) {
                Rules::Known(rules) if rules.iter().any(|rule| query.is_allowed_by(rule)) => true,
                Rules::Known(_) | Rules::NoSuchRole => continue,
                Rules::Unread => false,
            };
            for subject in &binding.subjects {
                let count = counts
                    .entry((subject, namespace, is_role_read))
                    .or_default();
                *count += 1;
                if *count > MAX_BINDINGS {
                    hidden += 1;
                    continue;
                }
                by_subject.entry(subject).or_default().push(Grant {
                    binding,
                    subject,
                    namespace,
                    is_role_read,
                });
            }
        }
        Self { by_subject, hidden }
    }

    /// Adds what allows the action to a principal, in the order of the bindings. Returns how many of the names are left out that it may
    /// become.
    fn add(
        &self,
        principal: &'a MappedPrincipal<'a>,
        principals: &MappedPrincipals<'_>,
        allowed: &mut Vec<Allowed<'a>>,
    ) -> usize {
        let mut found: Vec<(Grant<'a>, Option<Condition<'a>>)> = Vec::new();
        if let Some(account) = principal.whole_account() {
            let all = Subject::Group(AUTHENTICATED.to_owned());
            found.extend(self.always(&all));
            found.extend(self.matching(|subject| {
                let Subject::User(name) = subject else {
                    return None;
                };
                let is_of_account = Parts::of(name).is_some_and(|parts| parts.account == account);
                (is_of_account && principals.depends_on_account(name))
                    .then_some(Condition::PrincipalIs(name))
            }));
        } else if let Some(user) = &principal.user {
            let user = UserInfo::new(user, &principal.missing);
            if user.may_do_everything() {
                allowed.push(Allowed::by(AllowedBy::Masters, principal));
                return 0;
            }
            for subject in user.subjects() {
                found.extend(self.always(&subject));
            }
            if !user.open().is_empty() {
                let account = principal.account();
                if user.may_become(&Subject::Group(MASTERS.to_owned()), account) {
                    allowed.push(Allowed {
                        conditions: vec![Condition::GroupIs(MASTERS)],
                        ..Allowed::by(AllowedBy::Masters, principal)
                    });
                }
                found.extend(self.matching(|subject| {
                    let may_be = user.may_become(subject, account);
                    may_be.then(|| match subject {
                        Subject::Group(name) => Condition::GroupIs(name),
                        Subject::User(_) | Subject::ServiceAccount { .. } => {
                            Condition::UsernameIs(subject.username())
                        }
                    })
                }));
            }
        }
        // A binding may list a subject twice.
        found.sort_by_key(|(grant, _)| grant.identity());
        found.dedup_by_key(|(grant, _)| grant.identity());
        let all = found.len();
        let mut counts: HashMap<_, usize> = HashMap::new();
        found.retain(|(grant, condition)| match condition {
            Some(Condition::UsernameIs(_) | Condition::GroupIs(_)) => {
                let count = counts
                    .entry((grant.namespace, grant.is_role_read))
                    .or_default();
                *count += 1;
                *count <= MAX_BINDINGS
            }
            _ => true,
        });
        let hidden = all - found.len();
        allowed.extend(found.into_iter().map(|(grant, condition)| {
            let unread = (!grant.is_role_read).then_some(Condition::RoleAllows);
            let by = AllowedBy::Binding {
                binding: grant.binding,
                subject: grant.subject,
            };
            Allowed {
                namespace: grant.namespace,
                conditions: condition.into_iter().chain(unread).collect(),
                ..Allowed::by(by, principal)
            }
        }));
        hidden
    }

    /// Returns the grants to a subject.
    fn always<'s>(
        &'s self,
        subject: &Subject,
    ) -> impl Iterator<Item = (Grant<'a>, Option<Condition<'a>>)> + use<'a, 's> {
        let grants = self.by_subject.get(subject).into_iter().flatten();
        grants.map(|&grant| (grant, None))
    }

    /// Returns the grants to each subject that has a condition.
    fn matching(
        &self,
        condition: impl Fn(&'a Subject) -> Option<Condition<'a>>,
    ) -> impl Iterator<Item = (Grant<'a>, Option<Condition<'a>>)> {
        let matching = self
            .by_subject
            .iter()
            .filter_map(move |(&subject, grants)| {
                let condition = condition(subject)?;
                Some(
                    grants
                        .iter()
                        .map(move |&grant| (grant, Some(condition.clone()))),
                )
            });
        matching.flatten()
    }
}

/// Returns the rules of a binding's role.
fn rules<'a>(policy: &'a Policy, binding: &Binding) -> &'a Rules {
    let role = binding.role();
    let resource = match role.namespace {
        None => "clusterroles",
        Some(_) => "roles",
    };
    let known = policy.roles.get(&role);
    known.unwrap_or(match policy.lacks(&[resource]) {
        Some(_) => &Rules::Unread,
        None => &Rules::NoSuchRole,
    })
}

/// Adds the access policies that allow, or may allow, an action.
fn add_policies<'a>(
    policies: &'a [AccessPolicy],
    query: Query<'_>,
    principal: &'a MappedPrincipal<'a>,
    allowed: &mut Vec<Allowed<'a>>,
) {
    for policy in policies {
        let namespaces = match (&policy.scope, query.scope()) {
            (AccessScope::Cluster, _) => vec![None],
            (AccessScope::Namespaces(_), Scope::Cluster) => continue,
            (AccessScope::Namespaces(patterns), Scope::Namespace(asked)) => {
                let mut patterns = patterns.iter();
                match patterns.any(|pattern| Pattern::new(pattern).matches(asked)) {
                    true => vec![None],
                    false => continue,
                }
            }
            (AccessScope::Namespaces(patterns), Scope::AllNamespaces) => patterns
                .iter()
                .map(|pattern| Some(pattern.as_str()))
                .collect(),
        };
        let is_known = policy.name() == CLUSTER_ADMIN || matches!(query, Query::Access(_));
        allowed.extend(namespaces.into_iter().map(|namespace| {
            Allowed {
                namespace,
                conditions: (!is_known)
                    .then_some(Condition::PolicyAllows)
                    .into_iter()
                    .collect(),
                ..Allowed::by(AllowedBy::AccessPolicy(policy), principal)
            }
        }));
    }
}

/// Returns whether the Node authorizer may treat the principal as a kubelet.
fn is_node(principal: &MappedPrincipal<'_>) -> bool {
    let user = principal.user.as_ref();
    let is_kubelet = user.is_some_and(|user| UserInfo::new(user, &principal.missing).is_kubelet());
    let is_node_entry = match principal.by {
        MappedBy::AccessEntry(entry) => {
            let terms = entry.terms.as_ref();
            terms.is_some_and(AccessTerms::is_for_nodes)
        }
        MappedBy::AwsAuth(_) => false,
    };
    is_kubelet || is_node_entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticator::{AccessEntries, Store};
    use crate::document::Document;
    use crate::facts::access_entries::{AccessEntry, AccessTerms};
    use crate::facts::authentication_mode::AuthenticationMode;
    use crate::rbac::{RoleKind, RoleRef, Rule, Unread};

    const A: &str = "arn:aws:iam::111122223333";

    fn document(roles: &str, accounts: &str) -> Document {
        let sections = [("mapRoles", roles), ("mapAccounts", accounts)];
        let sections = sections.map(|(key, text)| (key.to_owned(), text.to_owned()));
        Document::read(&sections.into_iter().collect())
    }

    fn binding(namespace: Option<&str>, name: &str, role: &str, subject: Subject) -> Binding {
        Binding {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            role: RoleRef {
                kind: RoleKind::ClusterRole,
                name: role.to_owned(),
            },
            subjects: vec![subject],
        }
    }

    /// A policy whose ClusterRole `pods` allows to get pods, with these bindings.
    fn policy(bindings: Vec<Binding>) -> Policy {
        let rule = Rule {
            verbs: vec!["get".into()],
            api_groups: vec![String::new()],
            resources: vec!["pods".into()],
            ..Rule::default()
        };
        let role = |name: &str| Role {
            namespace: None,
            name: name.to_owned(),
        };
        let roles = [
            (role("pods"), Rules::Known(vec![rule.clone()])),
            (role(NODE_ROLE), Rules::Known(vec![rule])),
        ];
        Policy {
            bindings,
            roles: roles.into(),
            unread: Vec::new(),
        }
    }

    fn get(resource: &str, scope: Scope) -> Action {
        Action::Resource {
            verb: "get".to_owned(),
            group: String::new(),
            resource: resource.to_owned(),
            subresource: String::new(),
            name: String::new(),
            scope,
        }
    }

    fn in_a() -> Scope {
        Scope::Namespace("a".to_owned())
    }

    fn user(name: &str) -> Subject {
        Subject::User(name.to_owned())
    }

    fn group(name: &str) -> Subject {
        Subject::Group(name.to_owned())
    }

    /// Returns `NAME by BY in NAMESPACE: CONDITIONS` for each row.
    fn shown<'q>(
        policy: &Policy,
        document: &Document,
        entries: Option<&AccessEntries>,
        query: impl Into<Query<'q>>,
    ) -> Vec<String> {
        let store = Store::new(document);
        let principals = MappedPrincipals::of(&store, entries);
        let rows = who_can(policy, &principals, query).allowed;
        let row = |row: &Allowed<'_>| {
            let by = match row.by {
                AllowedBy::Masters => "masters",
                AllowedBy::Binding { binding, .. } => &binding.name,
                AllowedBy::AccessPolicy(policy) => policy.name(),
                AllowedBy::NodeAuthorizer => "node",
                AllowedBy::UnreadAccessEntry => "?",
            };
            let conditions = row.conditions.iter().map(ToString::to_string);
            format!(
                "{} by {by} in {}: {}",
                row.principal.name().trim_start_matches(A),
                row.namespace.unwrap_or("*"),
                conditions.collect::<Vec<_>>().join("; ")
            )
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn session_decides_what_a_template_becomes() {
        let document = document(
            &format!(
                "- {{rolearn: '{A}:role/dev', username: 'dev:{{{{SessionName}}}}', groups: ['system:{{{{SessionName}}}}']}}\n\
                 - {{rolearn: '{A}:role/host', username: 'system:node:{{{{EC2PrivateDNSName}}}}', groups: ['system:nodes']}}\n"
            ),
            "",
        );
        let policy = policy(vec![
            binding(None, "one", "pods", user("dev:alice")),
            binding(None, "never", "pods", user("dev:a/b")),
            binding(Some("a"), "in-a", "pods", user("dev:bob")),
            binding(Some("b"), "in-b", "pods", user("dev:bob")),
        ]);
        assert_eq!(
            shown(&policy, &document, None, &get("pods", in_a())),
            [
                ":role/dev by masters in *: if a group becomes system:masters",
                ":role/dev by one in *: if the username becomes dev:alice",
                ":role/dev by in-a in *: if the username becomes dev:bob",
                ":role/host by node in *: for its own node and pods",
            ]
        );
        assert_eq!(
            shown(&policy, &document, None, &get("secrets", in_a())),
            [":role/dev by masters in *: if a group becomes system:masters"]
        );
    }

    #[test]
    fn names_that_a_template_may_become_are_limited_for_each_principal() {
        let document = document(
            &format!(
                "- {{rolearn: '{A}:role/dev', username: 'dev:{{{{SessionName}}}}'}}\n\
                 - {{rolearn: '{A}:role/host', username: 'system:node:{{{{EC2PrivateDNSName}}}}', groups: ['system:nodes']}}\n"
            ),
            "",
        );
        let names = |prefix: &str| -> Vec<Subject> {
            let names = (0..1000).map(|number| user(&format!("{prefix}{number}")));
            names.collect()
        };
        let flood = |name: &str, prefix: &str| Binding {
            subjects: names(prefix),
            ..binding(Some("a"), name, "pods", user(""))
        };
        let mut bindings = vec![flood("devs", "dev:x"), flood("hosts", "system:node:ip-")];
        bindings.push(binding(None, "all", "pods", user("dev:alice")));
        let policy = policy(bindings);
        let store = Store::new(&document);
        let principals = MappedPrincipals::of(&store, None);
        let found = who_can(&policy, &principals, &get("pods", Scope::AllNamespaces));
        let of_policy = found
            .allowed
            .iter()
            .filter(|one| !one.conditions.contains(&Condition::OwnNode));
        assert_eq!(of_policy.count(), 1 + 2 * MAX_BINDINGS);
        assert_eq!(found.hidden_names, 2 * (1000 - MAX_BINDINGS));
        assert_eq!(found.hidden_bindings, 0);
        let all = found.allowed.iter().find(|one| one.namespace.is_none());
        assert!(
            all.is_some(),
            "a flood in a namespace hides nothing outside of it"
        );
    }

    /// Without its fix, this takes minutes.
    #[test]
    fn bindings_with_many_subjects_are_compared_by_their_names() {
        let document = document(
            &format!("- {{rolearn: '{A}:role/dev', username: 'dev:{{{{SessionName}}}}'}}\n"),
            "",
        );
        let names = (0..20_000).map(|number| user(&format!("dev:x{number}")));
        let flood = Binding {
            subjects: names.collect(),
            ..binding(Some("a"), "devs", "pods", user(""))
        };
        let policy = policy(vec![flood]);
        let store = Store::new(&document);
        let principals = MappedPrincipals::of(&store, None);
        let found = who_can(&policy, &principals, &get("pods", Scope::AllNamespaces));
        assert_eq!(found.hidden_names, 20_000 - MAX_BINDINGS);
    }

    #[test]
    fn bindings_of_one_subject_are_limited_in_each_namespace() {
        let document = document(&format!("- {{rolearn: '{A}:role/dev', groups: [g]}}\n"), "");
        let flood =
            (0..100).map(|number| binding(Some("a"), &number.to_string(), "pods", group("g")));
        let policy = policy(
            flood
                .chain([binding(None, "all", "pods", group("g"))])
                .collect(),
        );
        let store = Store::new(&document);
        let principals = MappedPrincipals::of(&store, None);
        let found = who_can(&policy, &principals, &get("pods", Scope::AllNamespaces));
        assert_eq!(found.allowed.len(), 1 + MAX_BINDINGS);
        assert_eq!(found.hidden_bindings, 100 - MAX_BINDINGS);
    }

    #[test]
    fn namespaces_limit_what_a_binding_allows() {
        let document = document(&format!("- {{rolearn: '{A}:role/dev', groups: [g]}}\n"), "");
        let policy = policy(vec![
            binding(None, "all", "pods", group("g")),
            binding(Some("a"), "in-a", "pods", group("g")),
        ]);
        let rows = |scope| shown(&policy, &document, None, &get("pods", scope));
        let all = ":role/dev by all in *: ";
        assert_eq!(rows(in_a()), [all, ":role/dev by in-a in *: "]);
        assert_eq!(rows(Scope::Namespace("b".to_owned())), [all]);
        assert_eq!(
            rows(Scope::AllNamespaces),
            [all, ":role/dev by in-a in a: "]
        );
        assert_eq!(rows(Scope::Cluster), [all]);
    }

    #[test]
    fn access_to_a_namespace_is_by_any_binding_that_applies_there() {
        let document = document(
            &format!(
                "- {{rolearn: '{A}:role/dev', groups: [g]}}\n- {{rolearn: '{A}:role/guest', username: guest}}\n- {{rolearn: '{A}:role/admin', groups: ['system:masters']}}\n"
            ),
            "",
        );
        let mut policy = policy(vec![
            binding(None, "all", "pods", group("g")),
            binding(Some("a"), "in-a", "pods", group("g")),
            binding(Some("b"), "in-b", "pods", user("guest")),
            binding(None, "paths", "paths", user("guest")),
            binding(
                None,
                "basic",
                "system:basic-user",
                group("system:authenticated"),
            ),
        ]);
        let role = |name: &str| Role {
            namespace: None,
            name: name.to_owned(),
        };
        let pods = policy.roles[&role("pods")].clone();
        let paths = Rule {
            verbs: vec!["get".into()],
            non_resource_urls: vec!["/metrics".into()],
            ..Rule::default()
        };
        policy.roles.insert(role("system:basic-user"), pods);
        policy
            .roles
            .insert(role("paths"), Rules::Known(vec![paths]));
        let rows = |scope| shown(&policy, &document, None, Query::Access(&scope));
        let (everywhere, admin) = (":role/dev by all in *: ", ":role/admin by masters in *: ");
        assert_eq!(
            rows(in_a()),
            [everywhere, ":role/dev by in-a in *: ", admin]
        );
        assert_eq!(
            rows(Scope::AllNamespaces),
            [
                everywhere,
                ":role/dev by in-a in a: ",
                ":role/guest by in-b in b: ",
                admin
            ]
        );
    }

    #[test]
    fn account_stands_for_its_unmapped_principals() {
        let document = document(
            &format!("- {{rolearn: '{A}:role/dev', username: dev}}\n"),
            "- '111122223333'\n",
        );
        let arn = |resource: &str| user(&format!("{A}:{resource}"));
        let policy = policy(vec![
            binding(None, "unmapped", "pods", arn("user/bob")),
            binding(None, "mapped", "pods", arn("role/dev")),
            binding(None, "literal", "pods", user("<its own ARN>")),
            binding(Some("a"), "everyone", "pods", group("system:authenticated")),
        ]);
        assert_eq!(
            shown(&policy, &document, None, &get("pods", in_a())),
            [
                ":role/dev by everyone in *: ".to_owned(),
                format!("111122223333 by unmapped in *: only {A}:user/bob"),
                "111122223333 by everyone in *: ".to_owned(),
            ]
        );
    }

    #[test]
    fn access_policies_allow_in_their_scope() {
        let policy_of = |name: &str, scope| AccessPolicy {
            arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
            scope,
        };
        let namespaces = |names: &[&str]| {
            AccessScope::Namespaces(names.iter().map(|&name| name.to_owned()).collect())
        };
        let entry = |name: &str, policies: Option<Vec<AccessPolicy>>| AccessEntry {
            principal_arn: format!("{A}:role/{name}"),
            terms: Some(AccessTerms {
                policies,
                ..AccessTerms::default()
            }),
        };
        let entries = AccessEntries::new(
            AuthenticationMode::Api,
            Some(vec![
                entry(
                    "admin",
                    Some(vec![policy_of(CLUSTER_ADMIN, AccessScope::Cluster)]),
                ),
                entry(
                    "shop",
                    Some(vec![policy_of(CLUSTER_ADMIN, namespaces(&["shop-*", "a"]))]),
                ),
                entry(
                    "view",
                    Some(vec![policy_of("AmazonEKSViewPolicy", AccessScope::Cluster)]),
                ),
                entry("unread", None),
                entry("none", Some(Vec::new())),
            ]),
        );
        let document = document("", "");
        let rows = |scope| {
            shown(
                &policy(Vec::new()),
                &document,
                Some(&entries),
                &get("pods", scope),
            )
        };
        let admin = ":role/admin by AmazonEKSClusterAdminPolicy in *: ";
        let view =
            ":role/view by AmazonEKSViewPolicy in *: not known: depends on the rules of the policy";
        let unread = ":role/unread by ? in *: not known: EKS did not return the access entry";
        let shop =
            |namespace: &str| format!(":role/shop by AmazonEKSClusterAdminPolicy in {namespace}: ");
        assert_eq!(rows(in_a()), [admin, &shop("*"), view, unread]);
        assert_eq!(
            rows(Scope::Namespace("b".to_owned())),
            [admin, view, unread]
        );
        assert_eq!(rows(Scope::Cluster), [admin, view, unread]);
        assert_eq!(
            rows(Scope::AllNamespaces),
            [admin, &shop("shop-*"), &shop("a"), view, unread]
        );
    }

    #[test]
    fn unread_role_is_not_known_and_missing_role_allows_nothing() {
        let document = document(&format!("- {{rolearn: '{A}:role/dev', groups: [g]}}\n"), "");
        let mut policy = policy(vec![binding(None, "b", "other", group("g"))]);
        let rows = |policy: &Policy| shown(policy, &document, None, &get("pods", in_a()));
        assert!(rows(&policy).is_empty());
        policy.unread.push(Unread {
            resource: "clusterroles".to_owned(),
            is_one: false,
            permission: None,
            why: "forbidden".to_owned(),
        });
        assert_eq!(
            rows(&policy),
            [":role/dev by b in *: not known: the role cannot be read"]
        );
    }
}
