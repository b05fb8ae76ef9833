//! Output for GitHub Actions: workflow commands, and Markdown for the step summary.

use std::fmt::Write;

use super::access_changes::{access_after, access_before, user_text};
use super::access_check::Verification;
use super::markdown::cell;
use awsauth_core::authenticator::AccessChange;
use awsauth_core::escape;
use awsauth_core::escape::one_line;
use awsauth_core::plan::Plan;

/// The maximum size of a summary. GitHub drops a step's summary of more than 1 MiB
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).
pub(super) const SUMMARY_LIMIT: usize = 900 << 10;

/// Escapes a message of a workflow command. Its line breaks stay, so those that others chose must be escaped before
/// (<https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>).
pub(super) fn data(text: &str) -> String {
    escape::lines(text).replace('%', "%25").replace('\n', "%0A")
}

pub(super) fn property(text: &str) -> String {
    data(&escape::one_line(text))
        .replace(':', "%3A")
        .replace(',', "%2C")
}

/// Formats the changes to aws-auth: a table of access changes, and the collapsed text diff.
pub(crate) fn plan_summary(
    plan: &Plan,
    of: &str,
    became: &str,
    verification: Option<&Verification<'_>>,
) -> String {
    let mut text = format!("### aws-auth of {}\n\n{became}\n", cell(of));
    let access = plan.access();
    if !access.is_empty() {
        text += "\n| | Who | Before | After |\n|---|---|---|---|\n";
    }
    let mut left = access.len();
    for change in access {
        if text.len() > SUMMARY_LIMIT / 2 {
            let _ = writeln!(text, "\n{left} more do not fit here.");
            break;
        }
        row(change, &mut text);
        left -= 1;
    }
    let diff = plan.text();
    if !diff.is_empty() && diff.len() < SUMMARY_LIMIT / 4 {
        let _ = write!(
            text,
            "\n<details><summary>The text</summary>\n\n{}\n</details>\n",
            fenced("diff", &diff)
        );
    }
    if let Some(who) = verification.and_then(|verification| verification.who) {
        let _ = writeln!(
            text,
            "\nSigned in with a fresh token, as {}.",
            cell(&user_text(&who.user()))
        );
    }
    text
}

fn row(change: &AccessChange, text: &mut String) {
    let kind = match (change.before.is_empty(), change.after.is_empty()) {
        (true, _) => "gains",
        (_, true) => "**loses**",
        (false, false) => "changes",
    };
    let _ = writeln!(
        text,
        "| {kind} | {} | {} | {} |",
        cell(&change.arn),
        cell(&access_before(change)),
        cell(&access_after(change))
    );
}

/// Formats a failure for the step summary.
pub(crate) fn failure_summary(text: &str) -> String {
    format!("### awsauth failed\n\n{}", fenced("text", text))
}

/// Formats a failure as a workflow command, which GitHub shows on the run's page.
pub(crate) fn failure_command(message: &str) -> String {
    format!("::error title=awsauth::{}\n", data(message))
}

/// Formats a code block. The fence is longer than any fence in the text.
fn fenced(language: &str, text: &str) -> String {
    let fences = text.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(fences.max().map_or(3, |longest| (longest + 1).max(3)));
    let mut block = format!("{fence}{language}\n");
    for line in text.lines() {
        block += &one_line(line);
        block.push('\n');
    }
    block + &fence + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflow_command_characters_are_escaped() {
        assert_eq!(data("50%\r\nof a: b, c"), "50%25\\r%0Aof a: b, c");
        assert_eq!(property("C:\\a,b%"), "C%3A\\a%2Cb%25");
    }

    #[test]
    fn fence_is_longer_than_fences_in_the_text() {
        assert_eq!(
            fenced("text", "a\n````\u{1b}[1m\n"),
            "`````text\na\n````\\u{1b}[1m\n`````\n"
        );
    }
}
