//! Mappings as JSON and YAML.

use serde::Serialize;
use serde_json::Value;

use super::{
    EXPIRED, EntryRow, Listed, Listing, MappingRow, NEVER_MATCHES, Problem, Row, has_expired,
    identity,
};
use crate::output::access_entry::{self, AccessEntryData};
use crate::output::principal_cell::kind;
use awsauth_core::arn::Parts;
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
    access_entries: Option<Option<Vec<EntryData<'a>>>>,
    problems: &'a [Problem<'a>],
}

#[derive(Serialize)]
struct EntryData<'a> {
    #[serde(flatten)]
    entry: AccessEntryData<'a>,
    /// Absent if IAM was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
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
    /// When it expires, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// Present if it does not expire, because it was changed after its time was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_since: Option<bool>,
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

/// The fields of a row, the same for mappings and access entries.
#[derive(Serialize)]
struct FieldsData<'a> {
    kind: &'static str,
    /// The ARN or account.
    identity: String,
    account: &'a str,
    source: &'static str,
    #[serde(flatten)]
    row: RowOrEntry<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RowOrEntry<'a> {
    Row(RowData<'a>),
    Entry {
        arn: &'a str,
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
        #[serde(flatten)]
        entry: AccessEntryData<'a>,
    },
}

impl Listing<'_> {
    /// Returns the data of the JSON and YAML output.
    pub(super) fn listing_data(&self) -> ListingData<'_> {
        let of = |section| {
            self.mappings()
                .filter(move |row| row.place.section == section)
        };
        let entries = || self.entries().map(EntryData::of).collect();
        ListingData {
            roles: of(SectionName::Roles).map(MappingRow::data).collect(),
            users: of(SectionName::Users).map(MappingRow::data).collect(),
            accounts: of(SectionName::Accounts)
                .filter_map(MappingRow::account)
                .collect(),
            access_entries: match self.access_entries {
                Listed::No => None,
                Listed::Unread => Some(None),
                Listed::Yes => Some(Some(entries())),
            },
            problems: &self.problems,
        }
    }
}

impl<'a> EntryData<'a> {
    fn of(row: EntryRow<'a>) -> Self {
        let (status, reason) = row.status();
        Self {
            entry: AccessEntryData::of(row.entry),
            status: row.liveness.map(|_| status),
            reason,
        }
    }
}

impl Row<'_> {
    /// Returns the fields for custom columns and sorting.
    pub(super) fn fields(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(match self {
            Row::Mapping(row) => {
                let principal = &row.mapping.principal;
                FieldsData {
                    kind: kind(principal),
                    identity: identity(principal),
                    account: account_of(principal),
                    source: "aws-auth",
                    row: RowOrEntry::Row(row.data()),
                }
            }
            Row::AccessEntry(row) => {
                let (status, reason) = row.status();
                let arn = &row.entry.principal_arn;
                FieldsData {
                    kind: access_entry::kind(row.entry),
                    identity: arn.clone(),
                    account: Parts::of(arn).map_or("", |parts| parts.account),
                    source: "accessEntry",
                    row: RowOrEntry::Entry {
                        arn,
                        status,
                        reason,
                        entry: AccessEntryData::of(row.entry),
                    },
                }
            }
        })
    }
}

fn account_of(principal: &Principal) -> &str {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => {
            Parts::of(arn).map_or("", |parts| parts.account)
        }
        Principal::Sso(sso) => &sso.account_id,
        Principal::Account(account) => account,
    }
}

impl MappingRow<'_> {
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
            (EntryState::Effective, None) if self.can_match() && has_expired(self.expiry) => {
                ("effective", Some(EXPIRED.to_owned()))
            }
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
            expires: self.expiry.map(|expiry| expiry.at.to_string()),
            changed_since: self
                .expiry
                .and_then(|expiry| expiry.is_changed.then_some(true)),
            line: self.place.line,
            file_line: self.file_line,
            status,
            reason,
        }
    }
}
