//! Mappings as `kind: Access`.

use std::fmt::Write;

use super::{EntryRow, Listed, Listing, MappingRow, Row, identity};
use crate::output::access_file::{Grant, access_file};
use awsauth_core::access_entries::rules::is_service_linked;
use awsauth_core::arn::Parts;
use awsauth_core::document::Principal;
use awsauth_core::escape::{one_line, without_log_commands};
use awsauth_core::facts::access_entries::STANDARD;
use awsauth_core::facts::node_kinds::NodeKind;

impl<'a> Listing<'a> {
    /// Returns an `Access` with the rows that are in effect. Comments name those that it cannot express.
    pub(super) fn granted(&self) -> String {
        let mut comments = String::new();
        let mut comment = |line: &str| {
            let line = without_log_commands(line);
            let _ = writeln!(comments, "# {}", one_line(&line));
        };
        if self.access_entries == Listed::Unread {
            comment("Left out: the access entries, which could not be read");
        }
        let mut grants = Vec::new();
        for row in &self.rows {
            let granted = match row {
                Row::Mapping(row) if !row.is_in_force() => continue,
                Row::Mapping(row) => row.grant(),
                Row::AccessEntry(row) => row.grant(),
            };
            match granted {
                Ok(grant) => grants.push(grant),
                Err(reason) => comment(&format!("Left out: {}: {reason}", row.identity())),
            }
        }
        comments + &access_file(&grants)
    }
}

impl Row<'_> {
    /// Returns the ARN, account or permission set.
    fn identity(&self) -> String {
        match self {
            Row::Mapping(row) => identity(&row.mapping.principal),
            Row::AccessEntry(row) => row.entry.principal_arn.clone(),
        }
    }
}

impl<'a> MappingRow<'a> {
    /// Returns the grant, or why an `Access` cannot have it.
    fn grant(&self) -> Result<Grant<'a>, &'static str> {
        let (arn, kind) = match &self.mapping.principal {
            Principal::Role(arn) => (arn, "role"),
            Principal::User(arn) => (arn, "user"),
            Principal::Account(_) => return Err("kind: Access cannot map a whole account"),
            Principal::Sso(_) => return Err("kind: Access cannot express an sso block"),
        };
        if !Parts::of(arn).is_some_and(|parts| parts.is("iam", kind)) {
            return Err("a user's ARN is in mapRoles, or a role's in mapUsers");
        }
        if self.mapping.username.is_empty() {
            return Err("it has no username");
        }
        let until = self.expiry.filter(|expiry| !expiry.is_changed);
        let until = until.map(|expiry| expiry.at);
        Ok(Grant::of_mapping(arn, self.mapping, until))
    }
}

impl<'a> EntryRow<'a> {
    /// Returns the grant, or why an `Access` cannot have it.
    fn grant(&self) -> Result<Grant<'a>, &'static str> {
        if let ("dead" | "orphaned", Some(reason)) = self.status() {
            return Err(reason);
        }
        let role = Parts::of(&self.entry.principal_arn);
        if role.is_some_and(|role| is_service_linked(&role)) {
            return Err("EKS manages it");
        }
        let terms = self.entry.terms.as_ref();
        let terms = terms.filter(|terms| terms.policies.is_some());
        let terms = terms.ok_or("its contents are unknown")?;
        if terms.kind != STANDARD && NodeKind::of_access_entry(&terms.kind).is_none() {
            return Err("kind: Access does not support its entry type");
        }
        Ok(Grant::of_entry(self.entry, terms))
    }
}
