//! A placeholder from an example that was never replaced.

use super::stray_delimiters::without_delimiters;
use crate::arn::can_match;
use crate::document::SectionName;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

/// The accounts that AWS uses in its documentation.
const EXAMPLE_ACCOUNTS: [&str; 3] = ["111122223333", "123456789012", "000000000000"];

/// How placeholder words begin.
const WORDS: [&str; 5] = ["YOUR_", "YOUR-", "REPLACE_", "REPLACEME", "CHANGEME"];

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S17",
    name: "placeholder-left-in",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[
        "A01", "G02", "G07", "N04", "N05", "N14", "R01", "R02", "R03", "R05", "R06", "R07", "R08",
        "R09", "S16", "U03", "U05",
    ],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.entries().iter().filter(|entry| entry.is_kept()) {
        for (part, text) in entry.values() {
            if let Some(placeholder) = unfilled(text, part == Part::Principal) {
                let message = format!(
                    "{placeholder} is a placeholder that was not filled in: the authenticator does not replace it"
                );
                findings.entry(entry, part, message, "write the value itself");
            }
        }
        let (Some(own), Some(arn)) = (context.facts.account.as_deref(), entry.arn()) else {
            continue;
        };
        let is_example = arn.account != own && EXAMPLE_ACCOUNTS.contains(&arn.account);
        if is_example && entry.section != SectionName::Accounts {
            let account = arn.account;
            let message =
                format!("{account} is an account from examples, not the cluster's account, {own}");
            let help = format!("write the account of the role or user, such as {own}");
            findings
                .entry(entry, Part::Account, message, help)
                .severity(Severity::Warning);
        }
    }
}

/// Returns the part of a value that was never filled in. In a principal, this includes templates, which the authenticator replaces
/// only in usernames and groups.
fn unfilled(text: &str, is_principal: bool) -> Option<&str> {
    // The brackets around a value may have stayed after it was filled in.
    let bare = without_delimiters(text);
    if text.starts_with('<') && (can_match(bare) || bare.starts_with("system:")) {
        return None;
    }
    let template = || template(text).filter(|_| is_principal);
    placeholder(text).or_else(template)
}

fn placeholder(text: &str) -> Option<&str> {
    if !may_contain_placeholder(text) {
        return None;
    }
    let pairs = [("${", "}"), ("$(", ")"), ("<", ">")];
    let bracketed = pairs.into_iter().find_map(|(open, close)| {
        let start = text.find(open)?;
        let end = start + text[start..].find(close)? + close.len();
        text.get(start..end)
    });
    let word = || {
        WORDS.into_iter().find_map(|word| {
            let (at, _) = text.match_indices(word).find(|(at, _)| {
                !text[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            })?;
            let rest = &text[at..];
            let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-';
            Some(&rest[..rest.find(is_end).unwrap_or(rest.len())])
        })
    };
    let run = || {
        let at = text.to_ascii_lowercase().find("xxxxxxxxxxxx")?;
        text.get(at..at + 12)
    };
    let format = || text.find("%s").and_then(|at| text.get(at..at + 2));
    bracketed.or_else(word).or_else(run).or_else(format)
}

/// Returns whether a text may contain a placeholder. This fast test excludes most texts in a single pass.
fn may_contain_placeholder(text: &str) -> bool {
    let bytes = text.as_bytes();
    let begins_word = |pair: &[u8]| WORDS.iter().any(|word| word.as_bytes().starts_with(pair));
    bytes.iter().any(|byte| matches!(byte, b'$' | b'<' | b'%'))
        || bytes
            .windows(2)
            .any(|pair| begins_word(pair) || pair.eq_ignore_ascii_case(b"xx"))
}

fn template(text: &str) -> Option<&str> {
    let start = text.find("{{")?;
    let end = start + text[start..].find("}}")? + 2;
    text.get(start..end)
}
