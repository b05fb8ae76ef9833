//! Edits to sections of aws-auth: text in, text out.

use std::collections::BTreeMap;

use awsauth_core::document::edit::{Edit, EditError, Edited, Groups, apply};
use awsauth_core::document::{Document, Principal, SectionName, SsoRole};

mod changed_entries;
mod errors;
mod linear_time;
mod new_entry_style;
mod removed_entries;

const NODE: &str = "\
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::111122223333:role/node
  username: system:node:{{EC2PrivateDNSName}}
";

/// Applies edits, one per line, to the text of a section.
///
/// `map role NAME USER GROUP…` (USER `-` keeps the username), `add role NAME GROUP…`, `drop role NAME GROUP…`,
/// `unmap role NAME`, `map account ID`.
fn edited(section: SectionName, text: Option<&str>, edits: &str) -> Result<Edited, EditError> {
    let data: BTreeMap<_, _> = text
        .map(|text| (section.key().to_owned(), text.to_owned()))
        .into_iter()
        .collect();
    let edits: Vec<_> = edits.lines().map(parse).collect();
    apply(&Document::read(&data), &edits)
}

fn parse(line: &str) -> Edit {
    let mut words = line.split_whitespace();
    let mut next = || words.next().expect("a word");
    let (verb, kind, name) = (next(), next(), next());
    let mut rest: Vec<String> = words.map(str::to_owned).collect();
    let principal = match kind {
        "sso" => Principal::Sso(Box::new(SsoRole {
            permission_set_name: name.to_owned(),
            account_id: rest.remove(0),
            partition: String::new(),
        })),
        "role" => Principal::Role(format!("arn:aws:iam::111122223333:role/{name}")),
        "user" => Principal::User(format!("arn:aws:iam::111122223333:user/{name}")),
        _ => Principal::Account(name.to_owned()),
    };
    match verb {
        "unmap" => Edit::Unmap {
            principal,
            only_line: rest.first().map(|line| line.parse().expect("a line")),
        },
        "rename" => Edit::RenameGroup {
            principal,
            to: rest.remove(1),
            from: rest.remove(0),
        },
        "map" => Edit::Map {
            principal,
            username: rest.first().filter(|name| *name != "-").cloned(),
            groups: Groups::Set(rest.iter().skip(1).cloned().collect()),
        },
        "add" => Edit::Map {
            principal,
            username: None,
            groups: Groups::Adjust {
                add: rest,
                remove: vec![],
            },
        },
        _ => Edit::Map {
            principal,
            username: None,
            groups: Groups::Adjust {
                add: vec![],
                remove: rest,
            },
        },
    }
}

#[track_caller]
fn check(edits: &str, before: &str, after: &str) {
    let section = if edits.contains(" account ") {
        SectionName::Accounts
    } else if edits.contains(" user ") {
        SectionName::Users
    } else {
        SectionName::Roles
    };
    let done = edited(section, Some(before), edits).unwrap_or_else(|error| panic!("{error}"));
    let text = done.document.section(section).text().unwrap_or_default();
    assert_eq!(text, after, "\n--- have\n{text}\n--- want\n{after}");
    let again = edited(section, Some(text), edits).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        again.document.section(section).text(),
        Some(after),
        "applying it twice changes nothing more"
    );
}

#[track_caller]
fn check_back(name: &str, before: &str) {
    let map = format!("map role {name} someone one two");
    let found =
        edited(SectionName::Roles, Some(before), &map).unwrap_or_else(|error| panic!("{error}"));
    let text = found
        .document
        .section(SectionName::Roles)
        .text()
        .unwrap_or_default();
    assert_ne!(text, before);
    let back = edited(
        SectionName::Roles,
        Some(text),
        &format!("unmap role {name}"),
    )
    .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        back.document.section(SectionName::Roles).text(),
        Some(before),
        "there:\n{text}"
    );
}
