//! The sections of aws-auth that desired state would make.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::DesiredMapping;
use crate::document::{Principal, SectionName};

/// The sections that desired mappings would make, with one entry on each line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResultingSections {
    /// The contents of the sections, by their keys in `data`.
    pub data: BTreeMap<String, Arc<str>>,
    /// The line in the file of the entry on each line, by section.
    pub lines: [Vec<usize>; 3],
}

/// Returns the sections that these mappings would make.
pub fn resulting_sections(mappings: &[DesiredMapping]) -> ResultingSections {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut lines: [Vec<usize>; 3] = Default::default();
    // Access entries are not in aws-auth.
    for mapping in mappings.iter().filter(|mapping| mapping.entry.is_none()) {
        let section = mapping.principal.section();
        let mut entry = match &mapping.principal {
            Principal::Role(arn) => json!({ "rolearn": arn }),
            Principal::User(arn) => json!({ "userarn": arn }),
            Principal::Account(account) => json!(account),
            Principal::Sso(sso) => json!({ "sso": {
                "permissionSetName": sso.permission_set_name,
                "accountID": sso.account_id,
            }}),
        };
        if section != SectionName::Accounts {
            entry["username"] = json!(mapping.username);
            entry["groups"] = json!(mapping.groups);
        }
        *texts.entry(section.key().to_owned()).or_default() += &format!("- {entry}\n");
        lines[section as usize].push(mapping.line);
    }
    let data = texts.into_iter().map(|(key, text)| (key, text.into()));
    ResultingSections {
        data: data.collect(),
        lines,
    }
}
