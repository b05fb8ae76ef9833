//! The report of `doctor`.

use std::fmt::Write;

use serde::Serialize;

use super::style::{FAINT, GAIN, HEADING, LOSS, paint};
use awsauth_core::doctor::{Report, SignInState, Symptom, error_line};
use awsauth_core::escape::one_line;

/// The result of the failing command.
pub(crate) struct Ran<'a> {
    pub(crate) command: &'a [String],
    /// The exit status in words; `None` if it did not finish in time.
    pub(crate) status: Option<&'a str>,
    /// Whether it succeeded.
    pub(crate) worked: bool,
    /// The stderr of the command.
    pub(crate) stderr: &'a str,
    /// The check that its message points to.
    pub(crate) symptom: Option<&'a Symptom>,
}

#[derive(Serialize)]
struct CheckData<'a> {
    id: &'a str,
    title: &'a str,
    status: &'a str,
    saw: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

#[derive(Serialize)]
struct HeadlineData<'a> {
    standing: &'a str,
    text: &'a str,
    #[serde(rename = "rung")]
    check: Option<&'a str>,
    cause: Option<&'a str>,
    next: Option<&'a str>,
    unread: Option<&'a str>,
    others: &'a [&'static str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CommandData<'a> {
    command: &'a [String],
    status: Option<&'a str>,
    #[serde(rename = "said")]
    stderr: &'a str,
    start_at: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportData<'a> {
    headline: HeadlineData<'a>,
    canonical_arn: Option<&'a str>,
    entry: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<CommandData<'a>>,
    #[serde(rename = "rungs")]
    checks: Vec<CheckData<'a>>,
}

/// The report with the environment, for a ticket.
#[derive(Serialize)]
struct Bundle<'a> {
    awsauth: &'a str,
    os: &'a str,
    arch: &'a str,
    report: ReportData<'a>,
}

/// Formats the report as the JSON that docs/json.md documents.
pub(crate) fn doctor_json(
    report: &Report,
    ran: Option<&Ran<'_>>,
) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&data(report, ran)).map(|text| text + "\n")
}

/// Formats the report for a ticket as JSON.
pub(crate) fn doctor_bundle(
    report: &Report,
    ran: Option<&Ran<'_>>,
) -> Result<String, serde_json::Error> {
    let bundle = Bundle {
        awsauth: env!("CARGO_PKG_VERSION"),
        os: std::env::consts::OS,
        arch: std::env::consts::ARCH,
        report: data(report, ran),
    };
    serde_json::to_string_pretty(&bundle).map(|text| text + "\n")
}

fn data<'a>(report: &'a Report, ran: Option<&Ran<'a>>) -> ReportData<'a> {
    let checks = report.checks.iter().map(|(check, judged)| {
        let outcome = judged.as_ref().ok();
        let problem = outcome.and_then(|outcome| outcome.problem.as_ref());
        CheckData {
            id: check.id,
            title: check.title,
            status: status(judged),
            saw: match judged {
                Ok(outcome) => &outcome.saw,
                Err(skipped) => &skipped.needs,
            },
            cause: problem.map(|it| it.cause.as_str()),
            next: problem.map(|it| it.next.as_str()),
        }
    });
    let headline = &report.headline;
    let problem = headline.problem.as_ref();
    ReportData {
        headline: HeadlineData {
            standing: headline.state.name(),
            text: &headline.text,
            check: problem.map(|(id, _)| *id),
            cause: problem.map(|(_, trouble)| trouble.cause.as_str()),
            next: problem.map(|(_, trouble)| trouble.next.as_str()),
            unread: headline.unread.as_deref(),
            others: &headline.others,
        },
        canonical_arn: headline.arn.as_deref(),
        entry: headline.entry.as_deref(),
        command: ran.map(|ran| CommandData {
            command: ran.command,
            status: ran.status,
            stderr: ran.stderr,
            start_at: ran.symptom.map(|symptom| symptom.check),
        }),
        checks: checks.collect(),
    }
}

fn status(judged: &awsauth_core::doctor::CheckResult) -> &'static str {
    match judged {
        Err(_) => "skipped",
        Ok(outcome) if outcome.problem.is_some() => "problem",
        Ok(_) => "ok",
    }
}

/// Formats the report as styled text: each check, then the diagnosis.
pub(crate) fn doctor_text(report: &Report, ran: Option<&Ran<'_>>) -> String {
    let mut text = String::new();
    let mut checks = report.checks.iter().peekable();
    while let Some((check, judged)) = checks.next() {
        let name = format!("{:<3} {:<26}", check.id, check.title);
        let _ = match judged {
            Err(skipped) => {
                // Checks with the same reason share a line.
                let mut last = None;
                while let Some((next, _)) =
                    checks.next_if(|(_, next)| next.as_ref().err() == Some(skipped))
                {
                    last = Some(next.id);
                }
                let name = last.map_or(name, |last| {
                    format!("{:<30}", format!("{} to {last}", check.id))
                });
                let line = format!("-        {name} needs {}", one_line(&skipped.needs));
                writeln!(text, "{}", paint(FAINT, &line))
            }
            Ok(outcome) => {
                let (word, style) = match outcome.problem {
                    Some(_) => ("problem", LOSS),
                    None => ("ok", GAIN),
                };
                let word = paint(style, &format!("{word:<8}"));
                writeln!(text, "{word} {name} {}", one_line(&outcome.saw))
            }
        };
        if let Some(problem) = judged.as_ref().ok().and_then(|it| it.problem.as_ref()) {
            let _ = writeln!(text, "             {}", lines(&problem.cause));
            let _ = writeln!(text, "             → {}", lines(&problem.next));
        }
    }
    text.push('\n');
    text + &headline(report, ran)
}

fn headline(report: &Report, ran: Option<&Ran<'_>>) -> String {
    let headline = &report.headline;
    let style = match (&headline.problem, headline.state) {
        (None, SignInState::SignedIn) => GAIN,
        (None, _) => HEADING,
        (Some(_), _) => LOSS,
    };
    let mut text = paint(style, &one_line(&headline.text)) + "\n";
    if let Some((id, trouble)) = &headline.problem {
        let _ = writeln!(text, "{} {}", paint(HEADING, id), lines(&trouble.cause));
    }
    if let Some(unread) = &headline.unread {
        let _ = writeln!(text, "{}", lines(unread));
    }
    if let Some(ran) = ran {
        let command = one_line(&ran.command.join(" ")).into_owned();
        let _ = match (ran.symptom, ran.worked, ran.status) {
            (_, true, _) => writeln!(text, "  {command} works"),
            (Some(symptom), _, Some(_)) => writeln!(
                text,
                "  {command} prints {:?}, which points to {}",
                one_line(&symptom.message),
                symptom.check
            ),
            (_, _, None) => writeln!(text, "  {command} did not finish in time"),
            (None, _, Some(status)) => writeln!(
                text,
                "  {command} failed ({status}), and its message points to no check: {}",
                one_line(error_line(ran.stderr))
            ),
        };
    }
    if let Some(arn) = &headline.arn {
        let _ = writeln!(text, "  ARN that the cluster compares: {}", one_line(arn));
    }
    if let Some(entry) = &headline.entry {
        let next = headline.problem.as_ref().map(|(_, trouble)| &trouble.next);
        if next != Some(entry) {
            let _ = writeln!(text, "  to add a matching entry: {}", one_line(entry));
        }
    }
    if let Some(example) = &headline.example {
        let _ = writeln!(text, "  {}", one_line(example));
    }
    if !headline.others.is_empty() {
        let _ = writeln!(text, "  other problems: {}", headline.others.join(", "));
    }
    if let Some((_, trouble)) = &headline.problem {
        let _ = writeln!(text, "{} {}", paint(HEADING, "next:"), lines(&trouble.next));
    }
    text
}

/// Escapes each line of a string.
fn lines(text: &str) -> String {
    let shown: Vec<_> = text.lines().map(one_line).collect();
    shown.join("\n")
}
