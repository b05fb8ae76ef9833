//! The reader against answers recorded from the authenticator's own `ParseMap`.

use std::collections::BTreeMap;

use awsauth::document::{Document, Principal, SectionName, Status};
use serde_json::Value;

/// Messages whose end is Go's own rendering of a value; what stands before it is compared.
const OPEN_ENDED: [&str; 2] = ["yaml: invalid map key: ", "unsupported map key of type: "];

#[test]
fn reads_what_the_authenticator_reads() {
    let vectors =
        std::fs::read_to_string("tests/vectors/parse.jsonl").expect("tests/vectors/parse.jsonl");
    let mut wrong = Vec::new();
    for line in vectors.lines() {
        let vector: Value = serde_json::from_str(line).expect("a JSON object per line");
        let Some(data) = vector.get("data") else {
            continue;
        };
        let data: BTreeMap<String, String> = serde_json::from_value(data.clone()).expect("data");
        let found = answer(&Document::read(&data));
        for field in ["roles", "users", "accounts"] {
            if found[field] != without_key(&vector[field]) {
                wrong.push(format!(
                    "{}: {field}\n  want {}\n  have {}",
                    vector["name"], vector[field], found[field]
                ));
            }
        }
        let wanted: Vec<_> = vector["errors"]
            .as_array()
            .expect("errors")
            .iter()
            .map(|e| stable(e.as_str().expect("text")))
            .collect();
        let have: Vec<_> = found["errors"]
            .as_array()
            .expect("errors")
            .iter()
            .map(|e| stable(e.as_str().expect("text")))
            .collect();
        if wanted != have {
            wrong.push(format!(
                "{}: errors\n  want {wanted:?}\n  have {have:?}",
                vector["name"]
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} disagree:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The part of a message that go-yaml keeps stable: its line numbers can be off by one or missing.
fn stable(message: &str) -> String {
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

fn without_key(list: &Value) -> Value {
    let mut list = list.clone();
    for entry in list.as_array_mut().into_iter().flatten() {
        if let Some(entry) = entry.as_object_mut() {
            entry.remove("key");
            // Stored by the authenticator, never consulted.
            entry.remove("userid");
        }
    }
    list
}

fn answer(document: &Document) -> Value {
    let section = |name| {
        let entries = document.section(name).entries().iter();
        entries.filter_map(|entry| match &entry.status {
            Status::Kept(mapping) => Some(mapping),
            Status::Dropped { .. } => None,
        })
    };
    let entry = |key: &str, arn: &str, mapping: &awsauth::document::Mapping| serde_json::json!({ key: arn, "username": mapping.username, "groups": mapping.groups });
    let roles: Vec<_> = section(SectionName::Roles)
        .map(|mapping| match &mapping.principal {
            Principal::Role(arn) => entry("rolearn", arn, mapping),
            Principal::Sso(sso) => {
                let sso = serde_json::json!({
                    "permissionSetName": sso.permission_set_name,
                    "accountID": sso.account_id,
                    "partition": sso.partition,
                });
                serde_json::json!({ "sso": sso, "username": mapping.username, "groups": mapping.groups })
            }
            other => panic!("{other:?} in mapRoles"),
        })
        .collect();
    let users: Vec<_> = section(SectionName::Users)
        .map(|mapping| match &mapping.principal {
            Principal::User(arn) => entry("userarn", arn, mapping),
            other => panic!("{other:?} in mapUsers"),
        })
        .collect();
    let accounts: Vec<_> = section(SectionName::Accounts)
        .map(|mapping| match &mapping.principal {
            Principal::Account(id) => id.clone(),
            other => panic!("{other:?} in mapAccounts"),
        })
        .collect();
    let errors: Vec<_> = [
        SectionName::Users,
        SectionName::Roles,
        SectionName::Accounts,
    ]
    .into_iter()
    .flat_map(|name| document.section(name).problems())
    .map(|problem| problem.message.clone())
    .collect();
    serde_json::json!({ "roles": roles, "users": users, "accounts": accounts, "errors": errors })
}
