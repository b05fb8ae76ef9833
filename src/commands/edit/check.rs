//! Checks a saved page, and finds the lines of problems.

use crate::output::finding_remark;
use crate::terminal::{self, Failure};
use crate::write::{refusal_line, refused};
use awsauth_core::document::{Section, SectionName};
use awsauth_core::edit_buffer::{PageTexts, Remark};
use awsauth_core::escape::one_line;
use awsauth_core::history::Contents;
use awsauth_core::lint::{Finding, Severity, Site};
use awsauth_core::plan::{Guard, Plan, Refusal};

/// The result of the checks.
pub(super) struct Checked {
    /// The problems, at their lines.
    pub(super) remarks: Vec<Remark>,
    /// The same problems as a refusal; `None` if the page can be written.
    pub(super) failure: Option<Failure>,
}

/// Checks a page and the plan to write it.
pub(super) fn check(
    before: &Contents,
    after: &Contents,
    parts: &PageTexts,
    plan: &Plan,
) -> Checked {
    let broken = unreadable(before, after, parts);
    let mut remarks: Vec<Remark> = plan
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| Remark::new(place(finding, parts), finding_remark(finding)))
        .collect();
    if !broken.is_empty() {
        // The guards would only report that all entries of the section are removed.
        let failure = broken
            .iter()
            .fold(not_readable(), |failure, (place, remark)| {
                failure.note(format!("{place}: {}", remark.text))
            });
        let has_remark = |line| remarks.iter().any(|remark| remark.line == line);
        let others: Vec<Remark> = broken
            .into_iter()
            .map(|(_, remark)| remark)
            .filter(|remark| !has_remark(remark.line))
            .collect();
        remarks.extend(others);
        return Checked {
            remarks,
            failure: Some(failure),
        };
    }
    if plan.refusals.is_empty() {
        remarks.clear();
    }
    // Lint findings are at their lines. The other refusals have no line.
    let is_found = |refusal: &&Refusal| refusal.guard == Guard::LintRegression;
    for refusal in plan.refusals.iter().filter(|refusal| !is_found(refusal)) {
        let mut text = one_line(&refusal_line(refusal)).into_owned();
        if let Some(allow) = &refusal.allow {
            text += &format!("\nif this is intended: {}", one_line(allow));
        }
        remarks.push(Remark::new(None, text));
    }
    Checked {
        remarks,
        failure: (!plan.refusals.is_empty()).then(|| refused(&plan.refusals)),
    }
}

fn place(finding: &Finding, parts: &PageTexts) -> Option<usize> {
    match &finding.site {
        Site::Text(at) => parts.line_of(at.section.key(), at.span.start()),
        Site::Key(key) => parts.heading_of(key),
        Site::File(_) | Site::ConfigMap => None,
    }
}

fn not_readable() -> Failure {
    let guard = terminal::Refusal {
        guard: "WG04",
        reason: "lossy-edit",
    };
    Failure::refused(
        guard,
        "the authenticator cannot read what you saved; nothing was written",
    )
}

/// The changed sections that cannot be read, each with the line and the problem.
fn unreadable(before: &Contents, after: &Contents, parts: &PageTexts) -> Vec<(String, Remark)> {
    let broken = SectionName::ALL.into_iter().filter_map(|name| {
        let text = |contents: &Contents| contents.data.get(name.key()).cloned();
        let section = Section::read(name, text(after));
        if text(before) == text(after) || !section.is_unreadable() {
            return None;
        }
        let problem = section.problems().first()?;
        let text = section.text().unwrap_or_default();
        let above = text
            .split_inclusive('\n')
            .take(problem.line.saturating_sub(1));
        let line = parts.line_of(name.key(), above.map(str::len).sum());
        // go-yaml and this crate count lines differently.
        let reason = section.editable().err().map(|lost| lost.reason.as_str());
        let what = format!("error: {}", one_line(reason.unwrap_or(&problem.message)));
        Some((
            format!("{} line {}", name.key(), problem.line),
            Remark::new(line, what),
        ))
    });
    broken.collect()
}
