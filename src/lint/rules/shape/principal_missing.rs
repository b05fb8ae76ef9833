//! An entry that says nobody, or says it twice.

use super::principal_under_wrong_key::under_wrong_key;
use crate::document::{Field, Oddity, Principal, SectionName, Status};
use crate::lint::context::{Context, Written};
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};
use strsim::levenshtein;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S08",
    name: "principal-missing",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.entries() {
        let oddities = &written.entry.oddities;
        let is_mapping = !oddities
            .iter()
            .any(|oddity| matches!(oddity, Oddity::NotAMapping(_)));
        let is_dropped = matches!(written.entry.status, Status::Dropped { .. });
        if !is_dropped || !is_mapping || under_wrong_key(written).is_some() {
            continue;
        }
        match (&written.mapping.principal, field(written)) {
            // What is wrong with it is R15's.
            (Principal::Sso(_), _) | (_, None) => {}
            (Principal::Role(arn), _) if !arn.is_empty() => {
                let message = "an entry has rolearn or sso, and this one has both: the authenticator drops it";
                let help = "leave out sso, which counts only behind the feature gate SSORoleMatch";
                found.entry(written, written.entry.span, message, help);
            }
            (_, Some(field)) => missing(written, field, found),
        }
    }
}

/// The field that says for whom an entry is.
fn field(written: &Written<'_>) -> Option<&'static str> {
    match written.section {
        SectionName::Roles => Some("rolearn"),
        SectionName::Users => Some("userarn"),
        SectionName::Accounts => None,
    }
}

fn missing(written: &Written<'_>, field: &'static str, found: &mut Found) {
    if written.entry.fields.principal.is_some() {
        let mistyped = written
            .entry
            .oddities
            .iter()
            .find_map(|oddity| match oddity {
                Oddity::Mistyped {
                    field: of, found, ..
                } if *of == field => Some(found.name()),
                _ => None,
            });
        let what = mistyped.unwrap_or("empty");
        let message = format!("{field} is {what}: the authenticator drops the entry");
        let help = format!("write the ARN as text, as in {field}: {}", example(written));
        found.entry(written, written.principal_span(), message, help);
        return;
    }
    let near: Vec<Field> = written
        .entry
        .oddities
        .iter()
        .filter_map(|oddity| match oddity {
            Oddity::UnknownField(other) => Some(*other),
            _ => None,
        })
        .filter(|other| is_near(written.raw(other.key), field))
        .collect();
    let [near] = near.as_slice() else {
        let message = format!("there is no {field}: the authenticator drops the entry");
        let help = format!("say whom it is for, as in {field}: {}", example(written));
        found.entry(written, written.entry.span, message, help);
        return;
    };
    let name = written.raw(near.key);
    let message = format!("{name} is not {field}: the authenticator drops the entry");
    let finding = found.entry(written, near.key, message, format!("write {field}"));
    let is_arn = written
        .raw(near.value)
        .trim_start_matches(['"', '\''])
        .starts_with("arn:");
    if let Some(finding) = finding {
        let renamed = name.replacen(written.field_name(*near), field, 1);
        let change = is_arn.then_some((near.key, renamed));
        finding.fix(format!("write {field}"), change);
    }
}

fn example(written: &Written<'_>) -> &'static str {
    if written.section == SectionName::Users {
        "arn:aws:iam::111122223333:user/NAME"
    } else {
        "arn:aws:iam::111122223333:role/NAME"
    }
}

/// Whether somebody who writes this means the field, such as `role_arn` or `arn`.
fn is_near(name: &str, field: &str) -> bool {
    let bare: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    bare == "arn" || (levenshtein(&bare, field) <= 2 && bare.ends_with(['n', 's']))
}
