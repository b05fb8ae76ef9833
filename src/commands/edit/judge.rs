//! What is wrong with a text that was saved, and where.

use crate::commands::refusals::{line, refused};
use crate::document::{Section, SectionName};
use crate::edge::{self, Failure};
use crate::editable::{Parts, Remark};
use crate::history::Contents;
use crate::lint::{Finding, Severity, Site};
use crate::plan::{Guard, Plan, Refusal};
use crate::render::{finding_remark, plain};

/// What the checks say of a text.
pub(super) struct Judged {
    /// What is wrong, at its lines.
    pub(super) remarks: Vec<Remark>,
    /// The same as a refusal; `None` when it may be written.
    pub(super) failure: Option<Failure>,
}

/// What is to be said of a text, and of the plan that came of it.
pub(super) fn judge(before: &Contents, after: &Contents, parts: &Parts, plan: &Plan) -> Judged {
    let broken = unreadable(before, after, parts);
    let mut remarks: Vec<Remark> = plan
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| Remark::new(place(finding, parts), finding_remark(finding)))
        .collect();
    if !broken.is_empty() {
        // Of a section that can't be read all is gone, and nobody means that: guards say nothing here.
        let failure = broken
            .iter()
            .fold(not_readable(), |failure, (place, remark)| {
                failure.note(format!("{place}: {}", remark.text))
            });
        let is_said = |line| remarks.iter().any(|remark| remark.line == line);
        let unsaid: Vec<Remark> = broken
            .into_iter()
            .map(|(_, remark)| remark)
            .filter(|remark| !is_said(remark.line))
            .collect();
        remarks.extend(unsaid);
        return Judged {
            remarks,
            failure: Some(failure),
        };
    }
    if plan.refusals.is_empty() {
        remarks.clear();
    }
    // What rules have found stands at its line; of all else there may be no line left.
    let is_found = |refusal: &&Refusal| refusal.guard == Guard::LintRegression;
    for refusal in plan.refusals.iter().filter(|refusal| !is_found(refusal)) {
        let text = format!(
            "{}\nif that is meant: {}",
            plain(&line(refusal)),
            plain(&refusal.allow)
        );
        remarks.push(Remark::new(None, text));
    }
    Judged {
        remarks,
        failure: (!plan.refusals.is_empty()).then(|| refused(&plan.refusals)),
    }
}

fn place(finding: &Finding, parts: &Parts) -> Option<usize> {
    match &finding.site {
        Site::Text(at) => parts.line_of(at.section.key(), at.span.start()),
        Site::Key(key) => parts.heading_of(key),
        Site::File(_) | Site::ConfigMap => None,
    }
}

fn not_readable() -> Failure {
    let guard = edge::Refusal {
        guard: "WG04",
        reason: "lossy-edit",
    };
    Failure::refused(
        guard,
        "what was saved can't be read by the authenticator; nothing was written",
    )
}

/// The sections that were changed and can't be read, each with its line and what is wrong there.
fn unreadable(before: &Contents, after: &Contents, parts: &Parts) -> Vec<(String, Remark)> {
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
        // The library counts its own lines, by another rule.
        let reason = section.editable().err().map(|lost| lost.reason.as_str());
        let what = format!("error: {}", plain(reason.unwrap_or(&problem.message)));
        Some((
            format!("{} line {}", name.key(), problem.line),
            Remark::new(line, what),
        ))
    });
    broken.collect()
}
