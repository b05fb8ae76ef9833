//! An entry of the document, with its state in the authenticator.

use std::sync::Arc;

use crate::arn::Parts;
use crate::authenticator::{EntryState, Placeholder};
use crate::document::{Entry, Field, Mapping, Principal, SectionName, Span};
use crate::facts::groups::OF_NODES;

/// The templates that become the session name, which the caller who assumes the role chooses.
pub(super) const SESSION_TEMPLATES: [Placeholder; 2] =
    [Placeholder::SessionName, Placeholder::SessionNameRaw];

/// How the usernames of nodes begin.
pub(super) const NODE_PREFIX: &str = "system:node:";

/// Parts of the names that tools and users give to the roles of nodes.
const NODE_WORDS: [&str; 6] = [
    "node",
    "worker",
    "karpenter",
    "fargate",
    "instance",
    "ec2private",
];

/// An entry as written, and as the authenticator resolves it.
pub(super) struct ResolvedEntry<'a> {
    pub(super) section: SectionName,
    /// Its index among the entries of the section.
    pub(super) index: usize,
    /// The entry in the document.
    pub(super) source: &'a Entry,
    /// Its principal, username and groups. If the authenticator drops the entry: what could be read of it.
    pub(super) mapping: &'a Mapping,
    /// The principal for findings.
    pub(super) shared_principal: Arc<str>,
    pub(super) state: EntryState<'a>,
    /// The text of the section.
    pub(super) text: &'a str,
}

/// A part of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// All of it.
    Entry,
    /// The ARN, the account or the `sso` block.
    Principal,
    Username,
    /// All groups, or the lack of groups.
    Groups,
    /// The group with this index.
    Group(usize),
    /// The account in the ARN.
    Account,
    /// A field that the authenticator does not know.
    UnknownField,
}

impl Part {
    /// Returns the part that contains this one.
    pub(super) fn parent(self) -> Option<Self> {
        match self {
            Self::Entry => None,
            Self::Principal
            | Self::Username
            | Self::Groups
            | Self::Account
            | Self::UnknownField => Some(Self::Entry),
            Self::Group(_) => Some(Self::Groups),
        }
    }
}

impl<'a> ResolvedEntry<'a> {
    /// Returns whether the authenticator keeps the entry.
    pub(super) fn is_kept(&self) -> bool {
        !matches!(self.state, EntryState::Ignored { .. })
    }

    /// Returns whether the authenticator keeps the entry in mapRoles or mapUsers.
    pub(super) fn is_mapped(&self) -> bool {
        self.is_kept() && self.section != SectionName::Accounts
    }

    /// Returns the ARN, account or permission set, as written.
    pub(super) fn principal(&self) -> &'a str {
        self.mapping.principal.text()
    }

    /// Returns the parts of the ARN, if the principal is one.
    pub(super) fn arn(&self) -> Option<Parts<'a>> {
        Parts::of(self.principal())
    }

    /// Returns the account of the ARN; empty if there is none.
    pub(super) fn account(&self) -> &'a str {
        self.arn().map_or("", |arn| arn.account)
    }

    pub(super) fn username(&self) -> &'a str {
        &self.mapping.username
    }

    pub(super) fn has_group(&self, name: &str) -> bool {
        self.mapping.groups().iter().any(|group| group == name)
    }

    pub(super) fn has_node_group(&self) -> bool {
        OF_NODES.into_iter().any(|group| self.has_group(group))
    }

    /// Returns whether its callers become nodes, by their username or their groups.
    pub(super) fn is_of_nodes(&self) -> bool {
        self.username().starts_with(NODE_PREFIX) || self.has_node_group()
    }

    /// Returns whether the username or the name in the ARN suggests that nodes use the role.
    pub(super) fn is_named_like_nodes(&self) -> bool {
        let name = self.arn().map_or("", |arn| arn.name);
        [name, self.username()].into_iter().any(|name| {
            let name = name.to_ascii_lowercase();
            NODE_WORDS.into_iter().any(|word| name.contains(word))
        })
    }

    /// Returns whether its callers have no session: users, root users and federated users.
    pub(super) fn is_sessionless(&self) -> bool {
        self.arn().is_some_and(|arn| {
            arn.is("iam", "user") || arn.is("iam", "root") || arn.is("sts", "federated-user")
        })
    }

    /// Returns the text of the section in this span.
    pub(super) fn raw(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Returns a field's name without quotes.
    pub(super) fn field_name(&self, field: Field) -> &'a str {
        self.raw(field.key).trim_matches(['"', '\''])
    }

    /// Returns where a part is. If its value is elsewhere, such as behind an alias, this is the whole entry.
    pub(super) fn span(&self, part: Part) -> Span {
        let fields = &self.source.fields;
        let value = |field: Option<Field>| field.map(|field| field.value);
        let span = match part {
            Part::Entry | Part::UnknownField => None,
            Part::Principal | Part::Account => value(fields.principal.or(fields.sso)),
            Part::Username => value(fields.username),
            Part::Groups => value(fields.groups),
            Part::Group(index) => {
                // If the numbers differ, the groups are written elsewhere, such as behind an alias.
                let are_here = fields.group_items.len() == self.mapping.groups().len();
                let item = fields.group_items.get(index).filter(|_| are_here);
                match item {
                    Some(item) => return item.span,
                    None => value(fields.groups),
                }
            }
        };
        span.filter(|span| !span.is_empty())
            .unwrap_or(self.source.span)
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = (Part, &'a str)> + use<'a> {
        let groups = self.mapping.groups().iter().enumerate();
        groups.map(|(index, group)| (Part::Group(index), group.as_str()))
    }

    /// Returns the ARN or account, the username and the groups. A permission set is not included.
    pub(super) fn values(&self) -> impl Iterator<Item = (Part, &'a str)> + use<'a> {
        let is_sso = matches!(self.mapping.principal, Principal::Sso(_));
        let principal = (!is_sso).then(|| (Part::Principal, self.principal()));
        let username = Some((Part::Username, self.username()));
        let username = username.filter(|(_, username)| !username.is_empty());
        principal.into_iter().chain(username).chain(self.groups())
    }

    /// Returns the username and the groups, in which the authenticator replaces templates.
    pub(super) fn templated_values(&self) -> impl Iterator<Item = (Part, &'a str)> + use<'a> {
        std::iter::once((Part::Username, self.username())).chain(self.groups())
    }

    /// Returns the change that replaces a plain or quoted scalar with `new` in quotes, or `None` if the value is anything else.
    pub(super) fn requote(&self, value: Span, new: &str) -> Option<(Span, String)> {
        let raw = self.raw(value);
        let is_scalar = !raw.is_empty()
            && !raw.starts_with(['&', '*', '!', '|', '>', '[', '{'])
            && !raw.contains(['\n', '\r'])
            && self.source.span.range().contains(&value.start());
        let needs_no_escape = !new.contains(|c: char| c.is_control() || matches!(c, '"' | '\\'));
        (is_scalar && needs_no_escape).then(|| (value, format!("\"{new}\"")))
    }

    /// Returns the change that replaces `old` with `new` inside a value, or `None` unless `old` occurs exactly once.
    pub(super) fn replace(&self, value: Span, old: &str, new: &str) -> Option<(Span, String)> {
        let mut matches = self.raw(value).match_indices(old);
        let (at, _) = matches.next()?;
        let start = value.start() + at;
        (matches.next().is_none() && self.source.span.range().contains(&start))
            .then(|| (Span::new(start, start + old.len()), new.to_owned()))
    }
}
