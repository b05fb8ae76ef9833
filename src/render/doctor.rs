use std::fmt::Write;

use serde::Serialize;

use super::plain::plain;
use super::style::{FAINT, GAIN, HEADING, LOSS, paint};
use crate::doctor::{Report, Standing, Symptom};

/// What the failing command came to.
pub(crate) struct Ran<'a> {
    /// The command.
    pub(crate) command: &'a [String],
    /// Its exit status in words; `None` when it did not end in time.
    pub(crate) status: Option<&'a str>,
    /// Whether it did what it should.
    pub(crate) worked: bool,
    /// What it said.
    pub(crate) said: &'a str,
    /// What that points to.
    pub(crate) symptom: Option<&'a Symptom>,
}

#[derive(Serialize)]
struct RungData<'a> {
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
    rung: Option<&'a str>,
    cause: Option<&'a str>,
    next: Option<&'a str>,
    others: &'a [&'static str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CommandData<'a> {
    command: &'a [String],
    status: Option<&'a str>,
    said: &'a str,
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
    rungs: Vec<RungData<'a>>,
}

/// What a ticket needs besides.
#[derive(Serialize)]
struct Bundle<'a> {
    awsauth: &'a str,
    os: &'a str,
    arch: &'a str,
    report: ReportData<'a>,
}

/// Pretty JSON in the shape that docs/json.md promises.
pub(crate) fn doctor_json(
    report: &Report,
    ran: Option<&Ran<'_>>,
) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&data(report, ran)).map(|text| text + "\n")
}

/// The same for a ticket.
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
    let rungs = report.rungs.iter().map(|(rung, judged)| {
        let outcome = judged.as_ref().ok();
        let problem = outcome.and_then(|outcome| outcome.problem.as_ref());
        RungData {
            id: rung.id,
            title: rung.title,
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
            standing: headline.standing.name(),
            text: &headline.text,
            rung: problem.map(|(id, _)| *id),
            cause: problem.map(|(_, trouble)| trouble.cause.as_str()),
            next: problem.map(|(_, trouble)| trouble.next.as_str()),
            others: &headline.others,
        },
        canonical_arn: headline.arn.as_deref(),
        entry: headline.entry.as_deref(),
        command: ran.map(|ran| CommandData {
            command: ran.command,
            status: ran.status,
            said: ran.said,
            start_at: ran.symptom.map(|symptom| symptom.rung),
        }),
        rungs: rungs.collect(),
    }
}

fn status(judged: &crate::doctor::Judged) -> &'static str {
    match judged {
        Err(_) => "skipped",
        Ok(outcome) if outcome.problem.is_some() => "problem",
        Ok(_) => "ok",
    }
}

/// The same for people, styled: each rung, then the diagnosis.
pub(crate) fn doctor_text(report: &Report, ran: Option<&Ran<'_>>) -> String {
    let mut text = String::new();
    let mut rungs = report.rungs.iter().peekable();
    while let Some((rung, judged)) = rungs.next() {
        let name = format!("{:<3} {:<26}", rung.id, rung.title);
        let _ = match judged {
            Err(skipped) => {
                // Those that lack the same are one line.
                let mut last = None;
                while let Some((next, _)) =
                    rungs.next_if(|(_, next)| next.as_ref().err() == Some(skipped))
                {
                    last = Some(next.id);
                }
                let name = last.map_or(name, |last| {
                    format!("{:<30}", format!("{} to {last}", rung.id))
                });
                let line = format!("-        {name} needs {}", plain(&skipped.needs));
                writeln!(text, "{}", paint(FAINT, &line))
            }
            Ok(outcome) => {
                let (word, style) = match outcome.problem {
                    Some(_) => ("problem", LOSS),
                    None => ("ok", GAIN),
                };
                let word = paint(style, &format!("{word:<8}"));
                writeln!(text, "{word} {name} {}", plain(&outcome.saw))
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
    let style = match (&headline.problem, headline.standing) {
        (None, Standing::SignedIn) => GAIN,
        (None, _) => HEADING,
        (Some(_), _) => LOSS,
    };
    let mut text = paint(style, &plain(&headline.text)) + "\n";
    if let Some((id, trouble)) = &headline.problem {
        let _ = writeln!(text, "{} {}", paint(HEADING, id), lines(&trouble.cause));
    }
    if let Some(ran) = ran {
        let command = plain(&ran.command.join(" ")).into_owned();
        let _ = match (ran.symptom, ran.worked, ran.status) {
            (_, true, _) => writeln!(text, "  {command} works"),
            (Some(symptom), _, Some(_)) => writeln!(
                text,
                "  {command} says {:?}, which starts at {}",
                plain(&symptom.said),
                symptom.rung
            ),
            (_, _, None) => writeln!(text, "  {command} did not end in time"),
            (None, _, Some(status)) => writeln!(
                text,
                "  {command} failed ({status}), and what it says leads to no rung: {}",
                plain(ran.said.lines().last().unwrap_or_default())
            ),
        };
    }
    if let Some(arn) = &headline.arn {
        let _ = writeln!(text, "  the cluster compares: {}", plain(arn));
    }
    if let Some(entry) = &headline.entry {
        let next = headline.problem.as_ref().map(|(_, trouble)| &trouble.next);
        if next != Some(entry) {
            let _ = writeln!(text, "  what would match: {}", plain(entry));
        }
    }
    if !headline.others.is_empty() {
        let _ = writeln!(text, "  also a problem: {}", headline.others.join(", "));
    }
    if let Some((_, trouble)) = &headline.problem {
        let _ = writeln!(text, "{} {}", paint(HEADING, "next:"), lines(&trouble.next));
    }
    text
}

/// Several lines, those after the first as they are.
fn lines(text: &str) -> String {
    let shown: Vec<_> = text.lines().map(plain).collect();
    shown.join("\n")
}
