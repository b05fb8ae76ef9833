//! The JSON of `migrate`, as documented in docs/json.md.

use serde::Serialize;

use super::super::access_entry::AccessEntryData;
use super::super::mapping_list::FileLine;
use super::super::operations::OperationData;
use super::reason_text;
use awsauth_core::access_entries::migrate::{Item, MigrationPlan, Verdict};
use awsauth_core::document::Principal;
use awsauth_core::unused_access::AccountUse;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanData<'a> {
    entries: Vec<ItemData<'a>>,
    operations: Vec<OperationData<'a>>,
    obstacles: Vec<ObstacleData>,
    notes: &'a [String],
    unchecked: &'a [String],
    /// The principals that only an account in aws-auth maps; absent without `--since`.
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<AccountData<'a>>>,
    summary: SummaryData,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemData<'a> {
    section: &'static str,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_line: Option<usize>,
    principal: &'a str,
    /// Null for accounts.
    username: Option<&'a str>,
    groups: &'a [String],
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<bool>,
    differences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loses: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
    access_entry: Option<AccessEntryData<'a>>,
    unchecked: Vec<String>,
}

#[derive(Serialize)]
struct AccountData<'a> {
    account: &'a str,
    principals: Vec<AccountPrincipalData<'a>>,
    /// Why others may have signed in; null if it is proven that none did.
    unknown: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountPrincipalData<'a> {
    arn: &'a str,
    sign_ins: u64,
    last_sign_in: String,
}

#[derive(Serialize)]
struct ObstacleData {
    message: String,
    remedy: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryData {
    effective: usize,
    same: usize,
    same_rights_other_way: usize,
    accepted: usize,
    changed: usize,
    cannot: usize,
    conflicts: usize,
    dead: usize,
    skipped: usize,
    not_migrated: usize,
    only_in_aws_auth: usize,
}

/// Pretty-printed JSON.
pub(crate) fn migration_json(
    plan: &MigrationPlan<'_>,
    accounts: Option<&[AccountUse]>,
    cluster: Option<&str>,
    file_line: &FileLine<'_>,
) -> Result<String, serde_json::Error> {
    let operations = plan.operations.iter();
    let operations = operations.map(|operation| OperationData::of(operation, cluster));
    let obstacles = plan.obstacles.iter().map(|obstacle| ObstacleData {
        message: obstacle.to_string(),
        remedy: obstacle.remedy(),
    });
    let summary = plan.summary();
    let data = PlanData {
        entries: plan
            .items
            .iter()
            .map(|item| item_data(item, file_line))
            .collect(),
        operations: operations.collect(),
        obstacles: obstacles.collect(),
        notes: &plan.notes,
        unchecked: &plan.unchecked,
        accounts: accounts.map(|accounts| accounts.iter().map(account_data).collect()),
        summary: SummaryData {
            effective: summary.effective,
            same: summary.same,
            same_rights_other_way: summary.other_way,
            accepted: summary.accepted,
            changed: summary.changed,
            cannot: summary.cannot,
            conflicts: summary.conflicts,
            dead: summary.dead,
            skipped: summary.skipped,
            not_migrated: summary.not_migrated,
            only_in_aws_auth: summary.only_in_aws_auth(),
        },
    };
    serde_json::to_string_pretty(&data).map(|text| text + "\n")
}

fn account_data(used: &AccountUse) -> AccountData<'_> {
    let principals = used.principals.iter();
    AccountData {
        account: &used.account,
        principals: principals
            .map(|(arn, sign_ins)| AccountPrincipalData {
                arn,
                sign_ins: sign_ins.count,
                last_sign_in: sign_ins.last.to_string(),
            })
            .collect(),
        unknown: used.doubt.as_deref(),
    }
}

fn item_data<'a>(item: &'a Item<'_>, file_line: &FileLine<'_>) -> ItemData<'a> {
    let mut data = ItemData {
        section: item.place.section.key(),
        line: item.place.line,
        file_line: file_line(item.place.section, item.place.line),
        principal: item.name(),
        username: match &item.mapping.principal {
            Principal::Account(_) => None,
            _ => Some(&item.mapping.username),
        },
        groups: item.mapping.groups(),
        verdict: name(&item.verdict),
        accepted: None,
        differences: &[],
        reason: None,
        loses: None,
        remedy: None,
        access_entry: item.entry.as_ref().map(AccessEntryData::of),
        unchecked: item.unchecked.iter().map(ToString::to_string).collect(),
    };
    match &item.verdict {
        Verdict::Same | Verdict::DeadEntry | Verdict::Skipped => {}
        Verdict::SameRightsOtherWay { differences }
        | Verdict::AlreadyThere { differences }
        | Verdict::Unfinished { differences }
        | Verdict::Conflict { differences } => data.differences = differences,
        Verdict::Changed {
            differences,
            is_accepted,
        } => {
            data.differences = differences;
            data.accepted = Some(*is_accepted);
        }
        Verdict::Cannot {
            reason,
            loses,
            remedy,
        } => {
            data.reason = Some(reason.clone());
            data.loses = Some(loses);
            data.remedy = Some(remedy);
        }
        Verdict::NotMigrated { reason } => data.reason = Some(reason_text(reason, file_line)),
    }
    data
}

fn name(verdict: &Verdict<'_>) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::SameRightsOtherWay { .. } => "sameRightsOtherWay",
        Verdict::Changed { .. } => "changed",
        Verdict::Cannot { .. } => "cannot",
        Verdict::NotMigrated { .. } => "notMigrated",
        Verdict::AlreadyThere { .. } => "alreadyThere",
        Verdict::Unfinished { .. } => "unfinished",
        Verdict::Conflict { .. } => "conflict",
        Verdict::DeadEntry => "deadEntry",
        Verdict::Skipped => "skipped",
    }
}
