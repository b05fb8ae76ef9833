//! The report on a plan.

use std::collections::HashMap;

use serde::Serialize;

use super::access_changes::{self, AccessData};
use super::access_check::{Verification, VerificationData};
use super::lint::FindingData;
use super::operations::{OperationData, numbered_in_plan};
use super::style::{HEADING, paint};
use super::text_diff;
use awsauth_core::access_entries::EntryChange;
use awsauth_core::document::Principal;
use awsauth_core::document::edit::{Edit, Outcome};
use awsauth_core::escape::one_line;
use awsauth_core::lint::{Finding, Severity, Site};
use awsauth_core::owners_annotation::{ANNOTATION, Conflict, EntryRef, Kept, KeptReason};
use awsauth_core::plan::{Guard, Notice, Plan};

/// The lint rules whose findings a notice already reports with the identity.
const REPORTED_AS_GRANT: [&str; 4] = ["A03", "G05", "G09", "U04"];

#[derive(Serialize)]
struct ReportData<'a> {
    changed: bool,
    text: String,
    access: Vec<AccessData<'a>>,
    /// The calls that change access entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    operations: Option<Vec<OperationData<'a>>>,
    findings: Vec<FindingData<'a>>,
    refusals: Vec<RefusalData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<VerificationData<'a>>,
}

#[derive(Serialize)]
struct RefusalData<'a> {
    guard: &'a str,
    reason: &'a str,
    message: &'a str,
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    allow: Option<&'a str>,
}

/// Pretty-printed JSON in the format of docs/json.md. `changed` is whether the change of the plan was made, or would be. `cluster` is the
/// name of the cluster in commands.
pub(crate) fn report_json(
    plan: &Plan,
    changed: bool,
    cluster: Option<&str>,
    verification: Option<&Verification<'_>>,
) -> Result<String, serde_json::Error> {
    let access = plan.access();
    let operations = plan.operations().concat();
    let data = operations.iter();
    let data = data.map(|operation| OperationData::of(operation, cluster));
    let refusals = plan.refusals.iter().map(|refusal| RefusalData {
        guard: refusal.guard.id(),
        reason: refusal.guard.reason(),
        message: &refusal.message,
        allow: refusal.allow.as_deref(),
    });
    pretty(&ReportData {
        changed,
        text: plan.text(),
        access: access_changes::data(access),
        operations: (!plan.entry_changes.is_empty()).then(|| data.collect()),
        findings: plan.findings.iter().map(FindingData::of).collect(),
        refusals: refusals.collect(),
        verification: verification.map(VerificationData::of),
    })
}

/// The same JSON for a refusal before there was a plan.
pub(crate) fn refusal_json(
    guard: &str,
    reason: &str,
    message: &str,
    allow: Option<&str>,
) -> Result<String, serde_json::Error> {
    pretty(&ReportData {
        changed: false,
        text: String::new(),
        access: Vec::new(),
        operations: None,
        findings: Vec::new(),
        refusals: vec![RefusalData {
            guard,
            reason,
            message,
            allow,
        }],
        verification: None,
    })
}

fn pretty(data: &ReportData<'_>) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(data).map(|text| text + "\n")
}

/// The access diff under its heading, styled; empty when nothing changes.
pub(crate) fn access_text(plan: &Plan) -> String {
    let access = plan.access();
    match access.is_empty() {
        true => String::new(),
        false => format!(
            "{}\n{}",
            paint(HEADING, "Access:"),
            access_changes::text(access)
        ),
    }
}

/// The text diff, the access diff and the calls that change access entries, styled; empty when nothing changes.
pub(crate) fn report_text(plan: &Plan, cluster: Option<&str>) -> String {
    report_with(access_text(plan), plan, cluster)
}

/// The same without the access diff.
pub(crate) fn change_text(plan: &Plan, cluster: Option<&str>) -> String {
    report_with(String::new(), plan, cluster)
}

fn report_with(access: String, plan: &Plan, cluster: Option<&str>) -> String {
    let mut parts = vec![text_diff::text(&plan.text()), access];
    let operations = plan.operations();
    if plan.changes_entries() {
        let heading = paint(HEADING, "Calls, in this order:");
        let calls = numbered_in_plan(&operations, plan.changes_aws_auth(), cluster);
        parts.push(format!("{heading}\n{calls}"));
    }
    if !plan.change.binary_data.is_empty() {
        let keys: Vec<_> = plan
            .change
            .binary_data
            .keys()
            .map(|key| one_line(key))
            .collect();
        parts.push(format!("binaryData changes: {}\n", keys.join(", ")));
    }
    if plan.change.owners_annotation.is_some() {
        parts.push(format!(
            "The annotation {ANNOTATION} changes: it records the owners of entries, and when they expire.\n"
        ));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// A line with the outcome of each edit, in kubectl's words. `creates` is whether the write creates aws-auth.
pub(crate) fn outcomes(plan: &Plan, creates: bool) -> Vec<String> {
    if plan.replaces_all {
        let became = match plan.is_change() {
            true if creates => "created",
            true => "configured",
            false => "unchanged",
        };
        return vec![format!("configmap/aws-auth {became}")];
    }
    let mut times = HashMap::new();
    for (edit, _) in &plan.outcomes {
        *times.entry(short_name(edit.principal())).or_insert(0) += 1;
    }
    let line = |(edit, outcome): &(Edit, Outcome)| {
        let short = short_name(edit.principal());
        // The same name in two accounts needs the full ARN.
        let name = if times[&short] > 1 {
            long_name(edit.principal())
        } else {
            short
        };
        let became = match outcome {
            Outcome::Added => "created",
            Outcome::Changed { .. } => "configured",
            Outcome::Unchanged => "unchanged",
            Outcome::Removed { .. } => "deleted",
            Outcome::Absent => "unchanged: there is no such entry",
        };
        format!("mapping {} {became}", one_line(&name))
    };
    let mappings = plan.outcomes.iter().map(line);
    mappings
        .chain(plan.entry_changes.iter().map(entry_outcome))
        .collect()
}

/// A line with the outcome for an access entry.
fn entry_outcome(change: &EntryChange) -> String {
    let became = match (&change.before, &change.after) {
        (None, None) => "unchanged: there is no such entry",
        _ if change.operations().is_empty() => "unchanged",
        (None, Some(_)) => "created",
        (Some(_), None) => "deleted",
        (Some(_), Some(_)) => "configured",
    };
    let arn = &change.principal_arn;
    let name = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    format!("access entry {} {became}", one_line(name))
}

/// Such as `role/ci`.
pub(crate) fn short_name(principal: &Principal) -> String {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => match arn.splitn(6, ':').nth(5) {
            Some(resource) if !resource.is_empty() => resource.to_owned(),
            _ => arn.clone(),
        },
        other => long_name(other),
    }
}

fn long_name(principal: &Principal) -> String {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => arn.clone(),
        Principal::Account(id) => format!("account/{id}"),
        Principal::Sso(sso) => format!("sso/{}@{}", sso.permission_set_name, sso.account_id),
    }
}

/// The notices of a plan and the findings that it introduces, a line each.
pub(crate) fn remarks(plan: &Plan) -> Vec<String> {
    // The errors that refuse the plan are in the refusal.
    let mut refusals = plan.refusals.iter();
    let most = match refusals.any(|refusal| refusal.guard == Guard::LintRegression) {
        true => Severity::Warning,
        false => Severity::Error,
    };
    let is_shown = |finding: &&Finding| {
        (Severity::Warning..=most).contains(&finding.severity)
            && !REPORTED_AS_GRANT.contains(&finding.rule.id)
    };
    let findings = plan.findings.iter().filter(is_shown).map(|finding| {
        let Finding { rule, severity, .. } = finding;
        let place = match &finding.site {
            Site::Text(text) => format!("{} line {}", text.section.key(), text.start.line),
            Site::Key(key) => format!("key {}", one_line(key)),
            Site::File(_) | Site::ConfigMap => "aws-auth".to_owned(),
        };
        let (id, name, severity) = (rule.id, rule.name, severity.name());
        format!(
            "{severity}[{id} {name}]: {place}: {}",
            one_line(&finding.message)
        )
    });
    notices(plan).into_iter().chain(findings).collect()
}

/// The notices of a plan, a line each.
pub(crate) fn notices(plan: &Plan) -> Vec<String> {
    plan.notices.iter().map(notice).collect()
}

/// What the guards could not check, a line each. These lines are also among the [`remarks`].
pub(crate) fn unchecked(plan: &Plan) -> Vec<String> {
    let notices = plan.notices.iter();
    let unchecked = notices.filter(|notice| matches!(notice, Notice::NotChecked { .. }));
    unchecked.map(notice).collect()
}

/// A notice as a sentence.
fn notice(notice: &Notice) -> String {
    match notice {
        Notice::OwnersUnreadable { reason } => {
            format!(
                "The annotation {ANNOTATION} cannot be read ({reason}): no entry has an owner, and nothing is claimed or pruned."
            )
        }
        Notice::NothingToPrune { owner } => {
            format!("There is no record of entries that {owner} applied before: nothing is pruned.")
        }
        Notice::NotPruned(Kept {
            entry,
            reason: KeptReason::Changed,
        }) => {
            format!(
                "{} is no longer requested but stays: it was changed after it was applied.",
                place(entry)
            )
        }
        Notice::NotPruned(Kept {
            entry,
            reason: KeptReason::AlsoOf(other),
        }) => {
            format!(
                "{} is no longer requested but stays: {other} requests it, too.",
                place(entry)
            )
        }
        Notice::EntryNotPruned { principal_arn } => {
            format!(
                "The access entry of {} is no longer requested but stays: it was changed after it was applied.",
                one_line(principal_arn)
            )
        }
        Notice::TypeChange {
            principal_arn,
            from,
            to,
        } => {
            format!(
                "EKS cannot change the type of the access entry of {} from {} to {}, so it is deleted and created again. In between, the principal has only the access that aws-auth gives it.",
                one_line(principal_arn),
                one_line(from),
                one_line(to)
            )
        }
        Notice::NoEffect { principal, why } => {
            format!(
                "The mapping of {} has no effect: {}.",
                one_line(&short_name(principal)),
                one_line(why)
            )
        }
        Notice::Granted { arn, what } => format!("{} {}.", one_line(arn), one_line(what)),
        Notice::NotChecked { what, needs } => {
            format!(
                "Not checked: {}, which needs {}.",
                one_line(what),
                one_line(needs)
            )
        }
        Notice::Expires { principal, at } => {
            format!(
                "{} expires at {at}. Nothing ends it unless this runs after that time, so schedule it, for example in cron: awsauth expire",
                one_line(&short_name(principal))
            )
        }
        Notice::Owned(Conflict { entry, holder, .. }) => {
            format!(
                "{} was applied by {holder}, whose next apply will restore it.",
                place(entry)
            )
        }
    }
}

fn place(entry: &EntryRef) -> String {
    let name = short_name(&entry.principal);
    format!(
        "{} at {} line {}",
        one_line(&name),
        entry.section.key(),
        entry.line
    )
}
