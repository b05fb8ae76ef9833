//! The text format of a document and a batch of edits.
//!
//! ```text
//! # what was wrong
//! mapRoles
//! | - rolearn: arn:aws:iam::111122223333:role/a\r
//! | # no line break behind this \
//! {"map": {"role": "arn:…"}, "username": "u", "groups": ["g"]}
//! {"map": {"sso": ["Admin", "111122223333", ""]}, "add": ["g"], "remove": []}
//! {"unmap": {"account": "111122223333"}, "line": 3}
//! ```
//!
//! Each line of a section starts with a bar. Invisible characters are escaped; `\` at the end removes the line break.

use awsauth_core::document::SectionName;
use awsauth_core::document::edit::{Edit, Groups};
use awsauth_core::document::{Principal, SsoRole};
use serde_json::{Value, json};

use super::edit_properties::Data;

/// A document and a batch of edits.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) data: Data,
    pub(crate) edits: Vec<Edit>,
}

impl Case {
    /// Returns the text form, with the fault as a comment at the top.
    pub(crate) fn write(&self, fault: &str) -> String {
        let mut text: String = fault.lines().map(|line| format!("# {line}\n")).collect();
        for (key, section) in &self.data {
            text += &format!("{key}\n");
            for line in section.split_inclusive('\n') {
                text += &format!("| {}\n", escaped(line));
            }
        }
        for edit in &self.edits {
            text += &format!("{}\n", written(edit));
        }
        text
    }

    /// Reads the text form.
    ///
    /// # Panics
    /// If the text is not in this form.
    pub(crate) fn read(text: &str) -> Self {
        let mut case = Self {
            data: Data::new(),
            edits: Vec::new(),
        };
        let mut key = "";
        for line in text.lines() {
            if let Some(line) = line.strip_prefix("| ").or((line == "|").then_some("")) {
                let section = case.data.get_mut(key).expect("the name of a section above");
                section.push_str(&unescaped(line));
            } else if line.starts_with('{') {
                let value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
                case.edits.push(edit(&value));
            } else if let Some(name) = SectionName::ALL.iter().find(|name| name.key() == line) {
                key = name.key();
                case.data.insert(key.to_owned(), String::new());
            } else {
                assert!(
                    line.is_empty() || line.starts_with('#'),
                    "what is {line:?}?"
                );
            }
        }
        case
    }
}

fn escaped(line: &str) -> String {
    let (content, end) = match line.strip_suffix('\n') {
        Some(content) => (content, ""),
        None => (line, "\\"),
    };
    let mut out = String::new();
    for (at, char) in content.char_indices() {
        let is_last = at + char.len_utf8() == content.len();
        match char {
            '\\' => out.push_str("\\\\"),
            ' ' if is_last && end.is_empty() => out.push_str("\\u{20}"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '!'..='~' | ' ' => out.push(char),
            char if char.is_alphanumeric() => out.push(char),
            char => out.extend(char.escape_unicode()),
        }
    }
    out + end
}

fn unescaped(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line.chars();
    while let Some(char) = rest.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        match rest.next() {
            None => return out,
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let digits: String = rest
                    .by_ref()
                    .take_while(|char| *char != '}')
                    .skip(1)
                    .collect();
                let code = u32::from_str_radix(&digits, 16)
                    .ok()
                    .and_then(char::from_u32);
                out.push(code.unwrap_or_else(|| panic!("{digits} is not a character")));
            }
            Some(char) => out.push(char),
        }
    }
    out.push('\n');
    out
}

fn written(edit: &Edit) -> Value {
    let who = |principal: &Principal| match principal {
        Principal::Role(arn) => json!({ "role": arn }),
        Principal::User(arn) => json!({ "user": arn }),
        Principal::Account(id) => json!({ "account": id }),
        Principal::Sso(sso) => {
            json!({ "sso": [sso.permission_set_name, sso.account_id, sso.partition] })
        }
    };
    match edit {
        Edit::Unmap {
            principal,
            only_line: None,
        } => json!({ "unmap": who(principal) }),
        Edit::Unmap {
            principal,
            only_line,
        } => json!({ "unmap": who(principal), "line": only_line }),
        Edit::RenameGroup {
            principal,
            from,
            to,
        } => json!({ "rename": who(principal), "from": from, "to": to }),
        Edit::Map {
            principal,
            username,
            groups,
        } => {
            let mut value = json!({ "map": who(principal) });
            if let Some(username) = username {
                value["username"] = json!(username);
            }
            match groups {
                Groups::Keep => {}
                Groups::Set(groups) => value["groups"] = json!(groups),
                Groups::Adjust { add, remove } => {
                    value["add"] = json!(add);
                    value["remove"] = json!(remove);
                }
            }
            value
        }
    }
}

fn edit(value: &Value) -> Edit {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let texts = |value: &Value| value.as_array().map(|list| list.iter().map(text).collect());
    let mut verbs = ["map", "unmap", "rename"].into_iter();
    let verb = verbs.find(|verb| !value[verb].is_null()).expect("a verb");
    let who = value[verb].as_object().and_then(|who| who.iter().next());
    let principal = match who.map(|(kind, who)| (kind.as_str(), who)) {
        Some(("role", arn)) => Principal::Role(text(arn)),
        Some(("user", arn)) => Principal::User(text(arn)),
        Some(("account", id)) => Principal::Account(text(id)),
        Some(("sso", sso)) => Principal::Sso(Box::new(SsoRole {
            permission_set_name: text(&sso[0]),
            account_id: text(&sso[1]),
            partition: text(&sso[2]),
        })),
        _ => panic!("unknown principal: {value}"),
    };
    if verb == "unmap" {
        let only_line = value["line"]
            .as_u64()
            .map(|line| usize::try_from(line).expect("a line fits"));
        return Edit::Unmap {
            principal,
            only_line,
        };
    }
    if verb == "rename" {
        return Edit::RenameGroup {
            principal,
            from: text(&value["from"]),
            to: text(&value["to"]),
        };
    }
    let groups = match (
        texts(&value["groups"]),
        texts(&value["add"]),
        texts(&value["remove"]),
    ) {
        (Some(groups), ..) => Groups::Set(groups),
        (None, None, None) => Groups::Keep,
        (None, add, remove) => Groups::Adjust {
            add: add.unwrap_or_default(),
            remove: remove.unwrap_or_default(),
        },
    };
    Edit::Map {
        principal,
        username: value["username"].as_str().map(str::to_owned),
        groups,
    }
}
