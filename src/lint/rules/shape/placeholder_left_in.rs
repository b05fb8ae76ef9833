//! What stands in an example for a value of one's own.

use crate::document::SectionName;
use crate::lint::context::Context;
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

/// The accounts of AWS's documentation.
const DOCUMENTATION: [&str; 3] = ["111122223333", "123456789012", "000000000000"];

/// How a word begins that stands for another.
const WORDS: [&str; 5] = ["YOUR_", "YOUR-", "REPLACE_", "REPLACEME", "CHANGEME"];

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S17",
    name: "placeholder-left-in",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.entries().iter().filter(|written| written.is_kept()) {
        for (text, span) in written.texts() {
            if let Some(left_in) = explained::left_in(text, written.is_principal(text)) {
                let message = format!(
                    "{left_in} is a placeholder that nobody has filled in: the authenticator takes it as it stands"
                );
                found.entry(written, span, message, "write the value itself");
            }
        }
        let own = context.facts.account.as_deref();
        let account = written.parts().map(|parts| parts.account);
        if let (Some(own), Some(account)) = (own, account)
            && written.section != SectionName::Accounts
            && is_documentation(account, own)
        {
            let message =
                format!("{account} is an account of examples, and not the cluster's, {own}");
            let help = format!("write the account of the role or user, such as {own}");
            let span = written.principal_span();
            if let Some(finding) = found.entry(written, span, message, help) {
                finding.severity(Severity::Warning);
            }
        }
    }
}

/// Whether an account stands in examples, and is not the cluster's own.
pub(in crate::lint) fn is_documentation(account: &str, own: &str) -> bool {
    account != own && DOCUMENTATION.contains(&account)
}

/// The part of a text that stands for a value.
pub(in crate::lint) fn placeholder(text: &str) -> Option<&str> {
    if !may_hold_one(text) {
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

/// What most texts have nothing of, in one look at each byte.
fn may_hold_one(text: &str) -> bool {
    let bytes = text.as_bytes();
    let begins = |pair: &[u8]| WORDS.iter().any(|word| word.as_bytes().starts_with(pair));
    bytes.iter().any(|byte| matches!(byte, b'$' | b'<' | b'%'))
        || bytes
            .windows(2)
            .any(|pair| begins(pair) || pair.eq_ignore_ascii_case(b"xx"))
}

/// The template in a text in which the authenticator replaces none.
pub(in crate::lint) fn template(text: &str) -> Option<&str> {
    let start = text.find("{{")?;
    let end = start + text[start..].find("}}")? + 2;
    text.get(start..end)
}
