//! Mappings as JSON and YAML.

use serde::Serialize;

use super::{Listing, NEVER_MATCHES, Problem, Row};
use crate::output::access_entry::AccessEntryData;
use awsauth_core::authenticator::EntryState;
use awsauth_core::document::{Principal, SectionName};

/// A listing as the JSON that docs/json.md documents.
#[derive(Serialize)]
pub(super) struct ListingData<'a> {
    roles: Vec<RowData<'a>>,
    users: Vec<RowData<'a>>,
    accounts: Vec<&'a str>,
    /// Null if they cannot be read, absent if the cluster has none.
    #[serde(rename = "accessEntries", skip_serializing_if = "Option::is_none")]
    access_entries: Option<Option<Vec<AccessEntryData<'a>>>>,
    problems: &'a [Problem<'a>],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sso: Option<SsoData<'a>>,
    username: &'a str,
    groups: &'a [String],
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_line: Option<usize>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct SsoData<'a> {
    #[serde(rename = "permissionSetName")]
    permission_set_name: &'a str,
    #[serde(rename = "accountID")]
    account_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    partition: &'a str,
}

impl Listing<'_> {
    /// Returns the data of the JSON and YAML output.
    pub(super) fn data(&self) -> ListingData<'_> {
        let of = |section| {
            self.rows
                .iter()
                .filter(move |row| row.place.section == section)
        };
        ListingData {
            roles: of(SectionName::Roles).map(Row::data).collect(),
            users: of(SectionName::Users).map(Row::data).collect(),
            accounts: of(SectionName::Accounts).filter_map(Row::account).collect(),
            access_entries: self.access.as_ref().map(|access| {
                let shown = access.shown.as_ref()?.iter();
                Some(shown.map(|entry| AccessEntryData::of(entry)).collect())
            }),
            problems: &self.problems,
        }
    }
}

impl Row<'_> {
    fn account(&self) -> Option<&str> {
        match (&self.mapping.principal, self.state) {
            (_, EntryState::Ignored { .. }) => None,
            (Principal::Account(id), _) => Some(id),
            _ => None,
        }
    }

    fn data(&self) -> RowData<'_> {
        let (arn, sso) = match &self.mapping.principal {
            Principal::Role(text) | Principal::User(text) | Principal::Account(text) => {
                (Some(text.as_str()), None)
            }
            Principal::Sso(sso) => {
                let (permission_set_name, account_id) = (&sso.permission_set_name, &sso.account_id);
                (
                    None,
                    Some(SsoData {
                        permission_set_name,
                        account_id,
                        partition: &sso.partition,
                    }),
                )
            }
        };
        let (status, reason) = match (self.state, self.hidden) {
            (EntryState::Effective, Some(hidden)) => ("shadowed", Some(hidden.to_string())),
            (EntryState::Effective, None) => {
                let reason = (!self.can_match()).then(|| NEVER_MATCHES.to_owned());
                ("effective", reason)
            }
            (EntryState::Shadowed { by }, _) => {
                ("shadowed", Some(format!("{} applies", self.other(by))))
            }
            (EntryState::Ignored { reason }, _) => ("ignored", Some(reason.to_owned())),
        };
        RowData {
            arn,
            sso,
            username: &self.mapping.username,
            groups: self.mapping.groups(),
            line: self.place.line,
            file_line: self.file_line,
            status,
            reason,
        }
    }
}
