//! kubectl and the API server reject a ConfigMap with invalid fields.

use crate::facts::limits::CONFIG_MAP_BYTES;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};
use crate::manifest::InvalidFieldProblem;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S20",
    name: "invalid-field",
    severity: Severity::Error,
    needs: Needs::File,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for field in &context.facts.manifest_faults.invalid_fields {
        let rejects = "the API server rejects the ConfigMap";
        let (message, help) = match &field.problem {
            InvalidFieldProblem::NoApiVersion => (
                "aws-auth has no apiVersion: kubectl rejects it".to_owned(),
                "add `apiVersion: v1`".to_owned(),
            ),
            InvalidFieldProblem::Unknown { path, intended } => (
                format!("{path} is not a field of a ConfigMap: kubectl rejects it"),
                intended.map_or("remove it".to_owned(), |name| format!("write {name}")),
            ),
            InvalidFieldProblem::WrongType {
                path,
                what,
                expected,
            } => (
                format!("{path} is {what}, not {expected}: {rejects}"),
                match (*what, *expected) {
                    ("a list" | "a mapping", _) => format!("write {expected}"),
                    (_, "a string") => "put it in quotes".to_owned(),
                    (_, "a boolean") => "write true or false without quotes".to_owned(),
                    _ => format!("write {expected}"),
                },
            ),
            InvalidFieldProblem::InBinaryData(key) => (
                format!("{key} is in data and in binaryData: {rejects}"),
                "remove it from binaryData".to_owned(),
            ),
            InvalidFieldProblem::TooLong(bytes) => (
                format!(
                    "data has {bytes} bytes: the API server accepts at most {CONFIG_MAP_BYTES}"
                ),
                "remove entries that are not needed".to_owned(),
            ),
        };
        findings.file(field.span.clone(), message, help);
    }
}
