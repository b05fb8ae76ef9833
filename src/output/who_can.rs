//! The principals that are allowed an action, or that have access to a namespace.

use std::collections::{HashMap, HashSet};

use anstyle::Style;
use serde::Serialize;
use serde_json::Value;

use super::list::{List, permute};
use super::principal_cell::{identity_cell, kind, source, source_cell};
use super::rbac::{RoleData, SubjectData, UnreadData};
use super::style::NOTICE;
use super::table::{Cell, Table};
use awsauth_core::access_report::{Level, RoleLevels};
use awsauth_core::authenticator::{MappedBy, MappedPrincipal};
use awsauth_core::facts::access_entries::AccessScope;
use awsauth_core::rbac::{Action, Allowed, AllowedBy, Policy, Query, Scope, Subject};

/// The principals that a query lists, a row for everything that allows it.
#[derive(Debug)]
pub(crate) struct WhoCanList<'a> {
    query: Query<'a>,
    rows: Vec<Allowed<'a>>,
    policy: &'a Policy,
    /// The levels of roles, if the query is for any access.
    role_levels: Option<RoleLevels<'a>>,
}

/// The list as the JSON that docs/json.md documents.
#[derive(Serialize)]
struct Data<'a> {
    action: ActionData<'a>,
    allowed: Vec<RowData<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unread: Vec<UnreadData<'a>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ActionData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    verb: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subresource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    all_namespaces: bool,
}

#[derive(Serialize)]
struct RowData<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<&'a str>,
    account: &'a str,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    username: Option<&'a str>,
    groups: &'a [String],
    answer: Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    by: ByData<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<SubjectData<'a>>,
    #[serde(rename = "onlyInNamespace", skip_serializing_if = "Option::is_none")]
    only_in_namespace: Option<&'a str>,
    conditions: Vec<String>,
}

#[derive(Serialize)]
struct ByData<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

/// Whether a principal is allowed the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Unknown,
    Conditional,
    Yes,
}

impl<'a> WhoCanList<'a> {
    pub(crate) fn new(query: Query<'a>, rows: Vec<Allowed<'a>>, policy: &'a Policy) -> Self {
        Self {
            query,
            rows,
            policy,
            role_levels: matches!(query, Query::Access(_)).then(|| RoleLevels::of(policy)),
        }
    }

    /// Returns the principals, each once.
    pub(crate) fn principals(&self) -> impl Iterator<Item = &'a MappedPrincipal<'a>> {
        let mut seen: HashSet<*const MappedPrincipal<'_>> = HashSet::new();
        let all = self.rows.iter().map(|row| row.principal);
        all.filter(move |principal| seen.insert(std::ptr::from_ref(*principal)))
    }

    /// Returns how many principals there are, as a sentence.
    pub(crate) fn summary(&self) -> String {
        let mut answers: HashMap<*const MappedPrincipal<'_>, Answer> = HashMap::new();
        for row in &self.rows {
            let answer = answers.entry(row.principal).or_insert(Answer::Unknown);
            *answer = (*answer).max(answer_of(row));
        }
        let count = |of| answers.values().filter(|answer| **answer == of).count();
        let (one, several, others) = match self.query {
            Query::Action(action) => {
                let can = format!("can {}", describe(action));
                (can.clone(), can, ["can conditionally", "may be able to"])
            }
            Query::Access(scope) => {
                let access = match scope {
                    Scope::Namespace(name) => format!("access to namespace {name}"),
                    Scope::Cluster | Scope::AllNamespaces => "access to any namespace".to_owned(),
                };
                let others = ["conditionally", "perhaps"];
                (format!("has {access}"), format!("have {access}"), others)
            }
        };
        if answers.is_empty() {
            return format!("No mapped principal {one}.");
        }
        let (mut parts, more) = match count(Answer::Yes) {
            0 => (vec![format!("No mapped principal certainly {one}")], ""),
            1 => (vec![format!("1 mapped principal {one}")], " more"),
            certain => (
                vec![format!("{certain} mapped principals {several}")],
                " more",
            ),
        };
        for (answer, words) in [Answer::Conditional, Answer::Unknown]
            .into_iter()
            .zip(others)
        {
            if count(answer) > 0 {
                parts.push(format!("{}{more} {words}", count(answer)));
            }
        }
        format!("{}.", parts.join("; "))
    }

    fn row(&self, row: &'a Allowed<'a>) -> RowData<'a> {
        let principal = row.principal;
        let place = match principal.by {
            MappedBy::AwsAuth(slot) => Some(slot.place),
            MappedBy::AccessEntry(_) => None,
        };
        let (role, subject) = match row.by {
            AllowedBy::Binding { binding, subject } => (
                Some(RoleData::of(&binding.role)),
                Some(SubjectData::of(subject)),
            ),
            _ => (None, None),
        };
        let is_account = principal.whole_account().is_some();
        RowData {
            kind: kind_of(principal),
            arn: (!is_account).then(|| principal.name()),
            account: principal.account(),
            source: source(principal.by),
            section: place.map(|place| place.section.key()),
            line: place.map(|place| place.line),
            username: principal.user.as_ref().map(|user| user.username.as_str()),
            groups: principal.user.as_ref().map_or(&[], |user| &user.groups),
            answer: answer_of(row),
            level: self.level(row),
            by: by(row.by),
            role,
            subject,
            only_in_namespace: row.namespace,
            conditions: row.conditions.iter().map(ToString::to_string).collect(),
        }
    }

    /// Returns how much access a row gives, if the query is for any access.
    fn level(&self, row: &Allowed<'_>) -> Option<Level> {
        Some(self.role_levels.as_ref()?.level_of(row.by))
    }

    /// Returns the namespace in which a row applies, or `*` for all.
    fn namespace(&self, row: &'a Allowed<'a>) -> &'a str {
        let applies_everywhere = match row.by {
            AllowedBy::Binding { binding, .. } => binding.namespace.is_none(),
            AllowedBy::AccessPolicy(policy) => policy.scope == AccessScope::Cluster,
            AllowedBy::Masters | AllowedBy::NodeAuthorizer | AllowedBy::UnreadAccessEntry => true,
        };
        match (self.query.scope(), self.query) {
            (Scope::Namespace(_), Query::Access(_)) if applies_everywhere => "*",
            (Scope::Namespace(name), _) => name,
            (Scope::AllNamespaces, _) => row.namespace.unwrap_or("*"),
            (Scope::Cluster, _) => "",
        }
    }
}

impl List for WhoCanList<'_> {
    fn table(&self, wide: bool) -> Table {
        let is_access = matches!(self.query, Query::Access(_));
        let in_all = *self.query.scope() == Scope::AllNamespaces;
        let has_namespaces = wide || is_access || in_all;
        let has_conditions = wide || self.rows.iter().any(|row| !row.conditions.is_empty());
        let mut headings = vec!["KIND", "IDENTITY"];
        headings.extend(
            wide.then_some(["USERNAME", "GROUPS", "SOURCE"])
                .into_iter()
                .flatten(),
        );
        headings.extend(is_access.then_some("LEVEL"));
        headings.extend(["AS", "ALLOWED BY", "ROLE"]);
        headings.extend(has_namespaces.then_some("NAMESPACE"));
        headings.extend(has_conditions.then_some("CONDITION"));
        let mut table = Table::new(headings, 1);
        for row in &self.rows {
            let data = self.row(row);
            let mut cells = vec![
                Cell::new(data.kind),
                identity_cell(row.principal.name(), Style::new()),
            ];
            if wide {
                cells.push(Cell::new(data.username.unwrap_or("not known")));
                cells.push(Cell::new(&data.groups.join(",")));
                cells.push(source_cell(row.principal.by));
            }
            let (subject, role) = match row.by {
                AllowedBy::Binding { binding, subject } => {
                    let role = format!("{}/{}", binding.role.kind.name(), binding.role.name);
                    (shown_subject(subject), role)
                }
                AllowedBy::Masters => ("group system:masters".to_owned(), String::new()),
                _ => (String::new(), String::new()),
            };
            if let Some(level) = data.level {
                cells.push(Cell::styled(level.name(), level_style(level)));
            }
            cells.push(Cell::new(&subject));
            cells.push(Cell::new(&shown_by(&data.by)));
            cells.push(Cell::new(&role));
            if has_namespaces {
                cells.push(Cell::new(self.namespace(row)));
            }
            if has_conditions {
                cells.push(Cell::styled(&data.conditions.join("; "), NOTICE));
            }
            table.row(cells);
        }
        table
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for row in &self.rows {
            let name = row.principal.name();
            if names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    fn data(&self) -> impl Serialize {
        let namespace = |scope: &'_ Scope| match scope {
            Scope::Namespace(name) => Some(name.clone()),
            Scope::Cluster | Scope::AllNamespaces => None,
        };
        let action = match self.query {
            Query::Access(scope) => ActionData {
                namespace: namespace(scope),
                all_namespaces: *scope == Scope::AllNamespaces,
                ..ActionData::default()
            },
            Query::Action(Action::Path { verb, path }) => ActionData {
                verb: Some(verb),
                path: Some(path),
                ..ActionData::default()
            },
            Query::Action(Action::Resource {
                verb,
                group,
                resource,
                subresource,
                name,
                scope,
            }) => ActionData {
                verb: Some(verb),
                path: None,
                group: Some(group),
                resource: Some(resource),
                subresource: Some(subresource.as_str()).filter(|text| !text.is_empty()),
                name: Some(name.as_str()).filter(|text| !text.is_empty()),
                namespace: namespace(scope),
                all_namespaces: *scope == Scope::AllNamespaces,
            },
        };
        Data {
            action,
            allowed: self.rows.iter().map(|row| self.row(row)).collect(),
            unread: self.policy.unread.iter().map(UnreadData::of).collect(),
        }
    }

    fn fields(&self) -> Result<Vec<Value>, serde_json::Error> {
        let rows = self.rows.iter();
        rows.map(|row| serde_json::to_value(self.row(row)))
            .collect()
    }

    fn reorder(&mut self, order: &[usize]) {
        permute(&mut self.rows, order);
    }
}

fn level_style(level: Level) -> Style {
    match level {
        Level::Admin => NOTICE,
        _ => Style::new(),
    }
}

fn answer_of(row: &Allowed<'_>) -> Answer {
    let mut conditions = row.conditions.iter();
    if conditions.any(|condition| condition.is_unknown()) {
        Answer::Unknown
    } else if row.conditions.is_empty() && row.namespace.is_none() {
        Answer::Yes
    } else {
        Answer::Conditional
    }
}

fn by(by: AllowedBy<'_>) -> ByData<'_> {
    let of = |kind, name| ByData {
        kind,
        name,
        namespace: None,
    };
    match by {
        AllowedBy::Masters => of("Group", Some("system:masters")),
        AllowedBy::Binding { binding, .. } => ByData {
            kind: binding.kind(),
            name: Some(&binding.name),
            namespace: binding.namespace.as_deref(),
        },
        AllowedBy::AccessPolicy(policy) => of("AccessPolicy", Some(policy.name())),
        AllowedBy::NodeAuthorizer => of("NodeAuthorizer", None),
        AllowedBy::UnreadAccessEntry => of("AccessEntry", None),
    }
}

/// Such as `RoleBinding/deployers`.
fn shown_by(by: &ByData<'_>) -> String {
    match by.name {
        Some(name) => format!("{}/{name}", by.kind),
        None => by.kind.to_owned(),
    }
}

fn shown_subject(subject: &Subject) -> String {
    match subject {
        Subject::User(name) => format!("user {name}"),
        Subject::Group(name) => format!("group {name}"),
        Subject::ServiceAccount { namespace, name } => {
            format!("service account {namespace}/{name}")
        }
    }
}

pub(super) fn kind_of(principal: &MappedPrincipal<'_>) -> &'static str {
    match principal.by {
        MappedBy::AwsAuth(slot) => kind(&slot.mapping.principal),
        MappedBy::AccessEntry(entry) => super::access_entry::kind(entry),
    }
}

/// Describes an action, such as `delete pods in namespace default`.
fn describe(action: &Action) -> String {
    match action {
        Action::Path { verb, path } => format!("{verb} {path}"),
        Action::Resource {
            verb,
            group,
            resource,
            subresource,
            name,
            scope,
        } => {
            let group = match group.as_str() {
                "" | "*" => String::new(),
                group => format!(".{group}"),
            };
            let separated = |text: &str| match text {
                "" => String::new(),
                text => format!("/{text}"),
            };
            let scope = match scope {
                Scope::Cluster => String::new(),
                Scope::Namespace(name) => format!(" in namespace {name}"),
                Scope::AllNamespaces => " in all namespaces".to_owned(),
            };
            let (subresource, name) = (separated(subresource), separated(name));
            format!("{verb} {resource}{group}{subresource}{name}{scope}")
        }
    }
}
