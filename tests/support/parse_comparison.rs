//! The results of our reader and of the authenticator in one form, for comparison.

use std::collections::BTreeMap;

use awsauth_core::document::{Document, Entry, Mapping, Principal, Section, SectionName, Span};

use super::authenticator_oracle::{Parsed, Role, Sso, User};

/// Messages that end with Go's rendering of a value. Only the part before it is compared.
const OPEN_ENDED: [&str; 2] = ["yaml: invalid map key: ", "unsupported map key of type: "];

/// Reads `data` with our reader.
///
/// # Panics
/// If a reported position is not in the text.
pub(crate) fn read(data: &BTreeMap<String, String>) -> Parsed {
    let document = Document::read(data);
    for section in document.sections() {
        assert_places(section);
    }
    let errors = [
        SectionName::Users,
        SectionName::Roles,
        SectionName::Accounts,
    ]
    .into_iter()
    .flat_map(|name| document.section(name).problems())
    .map(|problem| problem.message.clone());
    Parsed {
        roles: mappings(&document, SectionName::Roles).map(role).collect(),
        users: mappings(&document, SectionName::Users).map(user).collect(),
        accounts: mappings(&document, SectionName::Accounts)
            .map(account)
            .collect(),
        errors: errors.collect(),
    }
}

/// Removes what is not compared: store keys, `userid` (stored but never used), line numbers, the variable ends of
/// messages, and the order of elements of a broken mapAccounts.
pub(crate) fn comparable(mut parsed: Parsed) -> Parsed {
    for role in &mut parsed.roles {
        role.key.clear();
        role.userid.clear();
    }
    for user in &mut parsed.users {
        user.key.clear();
        user.userid.clear();
    }
    for error in &mut parsed.errors {
        *error = stable(error);
    }
    if !parsed.errors.is_empty() {
        parsed.accounts.sort();
    }
    parsed
}

/// The stable part of a go-yaml message. Its line numbers can be off by one or missing.
pub(crate) fn stable(message: &str) -> String {
    if let Some(start) = OPEN_ENDED.iter().find(|start| message.starts_with(**start)) {
        return (*start).to_owned();
    }
    match message
        .strip_prefix("yaml: line ")
        .and_then(|rest| rest.split_once(": "))
    {
        Some((_, rest)) => format!("yaml: {rest}"),
        None => message.to_owned(),
    }
}

fn assert_places(section: &Section) {
    let text = section.text().unwrap_or_default();
    let assert_within = |span: Span| {
        assert!(
            text.get(span.range()).is_some(),
            "{span:?} is not a part of {text:?}"
        );
    };
    let lines = text.lines().count()
        + text
            .matches(['\r', '\u{85}', '\u{2028}', '\u{2029}'])
            .count()
        + 1;
    for Entry {
        span,
        dash,
        line,
        fields,
        ..
    } in section.entries()
    {
        assert_within(*span);
        assert!(
            dash.is_none_or(|dash| text[dash..].starts_with('-')),
            "no dash at {dash:?} in {text:?}"
        );
        assert!((1..=lines).contains(line), "no line {line} in {text:?}");
        for field in [fields.principal, fields.sso, fields.username, fields.groups]
            .into_iter()
            .flatten()
        {
            assert_within(field.key);
            assert_within(field.value);
        }
        for item in &fields.group_items {
            assert_within(item.span);
            assert!(
                item.dash.is_none_or(|dash| text[dash..].starts_with('-')),
                "no dash at {item:?} in {text:?}"
            );
        }
    }
    for problem in section.problems() {
        assert!(
            (1..=lines).contains(&problem.line),
            "no line {} in {text:?}",
            problem.line
        );
    }
    if let Err(reason) = section.editable() {
        assert_within(reason.span);
    }
}

fn mappings(document: &Document, name: SectionName) -> impl Iterator<Item = Mapping> {
    document
        .section(name)
        .entries()
        .iter()
        .filter_map(Entry::mapping)
        .cloned()
}

fn role(mapping: Mapping) -> Role {
    let (rolearn, sso) = match mapping.principal {
        Principal::Role(arn) => (arn, None),
        Principal::Sso(sso) => (
            String::new(),
            Some(Sso {
                permission_set_name: sso.permission_set_name,
                account_id: sso.account_id,
                partition: sso.partition,
            }),
        ),
        other => panic!("{other:?} in mapRoles"),
    };
    Role {
        rolearn,
        sso,
        username: mapping.username,
        groups: mapping.groups,
        userid: String::new(),
        key: String::new(),
    }
}

fn user(mapping: Mapping) -> User {
    let Principal::User(userarn) = mapping.principal else {
        panic!("{:?} in mapUsers", mapping.principal);
    };
    User {
        userarn,
        username: mapping.username,
        groups: mapping.groups,
        userid: String::new(),
        key: String::new(),
    }
}

fn account(mapping: Mapping) -> String {
    match mapping.principal {
        Principal::Account(id) => id,
        other => panic!("{other:?} in mapAccounts"),
    }
}
