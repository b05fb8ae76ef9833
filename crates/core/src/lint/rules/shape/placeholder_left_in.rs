//! A placeholder from an example that was never replaced.

use super::stray_delimiters::without_delimiters;
use super::unquoted_template::{has_only_placeholders, lacking_quotes};
use crate::arn::{Parts, can_match};
use crate::document::{Section, SectionName, Span};
use crate::lint::arn_fault::is_changed_account_id;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::{Part, ResolvedEntry};
use crate::lint::rule::{Rule, Severity};

/// Account IDs that are common in examples.
const EXAMPLE_ACCOUNTS: [&str; 3] = ["111122223333", "123456789012", "000000000000"];

/// How placeholder words begin.
const WORDS: [&str; 6] = [
    "YOUR_",
    "YOUR-",
    "REPLACE_",
    "REPLACE-",
    "REPLACEME",
    "CHANGEME",
];

/// Suffixes of placeholders for a whole name or ARN.
const ENDINGS: [&str; 4] = ["ROLE_ARN", "ROLE_NAME", "USER_ARN", "USER_NAME"];

/// How names such as `your-role-name` end.
const YOURS: [&str; 4] = ["role", "user", "name", "arn"];

/// The brackets around placeholders of shells, templates and deployment tools.
const BRACKETS: [(&str, &str); 4] = [("${", "}"), ("#{", "}"), ("$(", ")"), ("<", ">")];

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S17",
    name: "placeholder-left-in",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[
        "A01", "A02", "A03", "A04", "D01", "D02", "D03", "D04", "D05", "G02", "G04", "G07", "G08",
        "N04", "N05", "N14", "R01", "R02", "R03", "R04", "R05", "R06", "R07", "R08", "R09", "S04",
        "S06", "S07", "S08", "S15", "S16", "U02", "U03", "U04", "U05", "U06",
    ],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for section in context.unreadable_sections() {
        report_section(section, findings);
    }
    for entry in context.entries() {
        if !entry.is_kept() {
            report_item(entry, findings);
            continue;
        }
        for (part, text) in entry.values() {
            if let Some(placeholder) = unfilled_placeholder(text, part == Part::Principal) {
                findings.entry(entry, part, message(placeholder), HELP);
            }
        }
        let (Some(own), Some(arn)) = (context.facts.account.as_deref(), entry.arn()) else {
            continue;
        };
        let is_example = arn.account != own && EXAMPLE_ACCOUNTS.contains(&arn.account);
        if is_example && entry.section != SectionName::Accounts {
            let account = arn.account;
            let message =
                format!("{account} is an example account ID, not the cluster's account, {own}");
            let help = format!("write the account of the role or user, such as {own}");
            findings
                .entry(entry, Part::Account, message, help)
                .severity(Severity::Warning);
        }
    }
}

/// Reports a section that consists of a placeholder, such as `${MAP_ROLES}`.
fn report_section(section: &Section, findings: &mut Findings) {
    let text = section.text().unwrap_or_default();
    let content = text.trim();
    let is_one_line = !content.contains('\n');
    let whole = placeholder(content).or_else(|| template(content));
    if let Some(placeholder) = whole.filter(|found| is_one_line && content.starts_with(found)) {
        let start = text.len() - text.trim_start().len();
        let span = Span::new(start, start + content.len());
        findings.section(section.name(), span, message(placeholder), HELP);
        return;
    }
    for span in lacking_quotes(section) {
        let value = &text[span.range()];
        if let Some(placeholder) = template(value).filter(|_| !has_only_placeholders(value)) {
            findings.section(section.name(), span, message(placeholder), HELP);
        }
    }
}

/// Reports an item that the authenticator drops because it is a placeholder.
fn report_item(entry: &ResolvedEntry<'_>, findings: &mut Findings) {
    let raw = entry.raw(entry.source.span);
    let item = raw.trim_start_matches(['-', ' ']).trim_end();
    if !item.contains('\n')
        && let Some(placeholder) = placeholder(item)
        && item.trim_matches(['"', '\'']).starts_with(placeholder)
    {
        findings.entry(entry, Part::Entry, message(placeholder), HELP);
    }
}

const HELP: &str = "write the value itself";

fn message(placeholder: &str) -> String {
    format!(
        "{placeholder} is a placeholder that was not filled in: the authenticator does not replace it"
    )
}

/// Returns the part of a value that was never filled in. In a principal, this includes templates, which the authenticator replaces
/// only in usernames and groups.
pub(crate) fn unfilled_placeholder(text: &str, is_principal: bool) -> Option<&str> {
    // The brackets around a value may have stayed after it was filled in.
    let bare = without_delimiters(text);
    if text.starts_with('<') && (can_match(bare) || bare.starts_with("system:")) {
        return None;
    }
    let of_principal = || {
        let all = template(text)
            .or_else(|| placeholder_account(text))
            .or_else(|| whole_name(text));
        all.filter(|_| is_principal)
    };
    placeholder(text).or_else(of_principal)
}

/// Returns the account of an ARN if it is a placeholder: accounts have only digits.
fn placeholder_account(arn: &str) -> Option<&str> {
    let account = Parts::of(arn)?.account;
    let is_placeholder = account.contains(|c: char| c.is_ascii_uppercase() || "_[{".contains(c))
        || account.to_ascii_lowercase().contains("account")
        || account.starts_with("xxx");
    (is_placeholder && !is_changed_account_id(account)).then_some(account)
}

/// Returns a word in capitals such as `IAM_ROLE_ARN` in place of the whole ARN or name, or a name such as `XXXX` or
/// `your-role-name`.
fn whole_name(text: &str) -> Option<&str> {
    let name = Parts::of(text).map_or(text, |arn| arn.name);
    let is_upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let ends = |ending: &&str| name.replace('-', "_").ends_with(ending);
    let is_placeholder = name.chars().all(is_upper)
        && (ENDINGS.iter().any(ends) || (name == text && name.contains('_')));
    let is_run = name.len() > 2 && name.bytes().all(|byte| matches!(byte, b'x' | b'X'));
    let lower = name.to_ascii_lowercase();
    let is_yours = ["your-", "your_"]
        .iter()
        .any(|word| lower.starts_with(word))
        && YOURS.iter().any(|ending| lower.ends_with(ending));
    (is_placeholder || is_run || is_yours).then_some(name)
}

fn placeholder(text: &str) -> Option<&str> {
    if !may_contain_placeholder(text) {
        return None;
    }
    let bracketed = || {
        let found = BRACKETS.into_iter().filter_map(|(open, close)| {
            let start = text.find(open)?;
            let end = closing(&text[start..], close)?;
            Some((start, &text[start..start + end]))
        });
        found
            .min_by_key(|(start, _)| *start)
            .map(|(_, found)| found)
    };
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
    bracketed()
        .or_else(|| variable(text))
        .or_else(|| between_underscores(text))
        .or_else(word)
        .or_else(run)
        .or_else(format)
}

/// Returns the end of the bracket that a text begins with. Brackets inside it are skipped.
fn closing(text: &str, close: &str) -> Option<usize> {
    let open = match close {
        "}" => "{",
        ")" => "(",
        _ => "<",
    };
    let mut depth = 0;
    for (at, c) in text.match_indices(|c: char| open.contains(c) || close.contains(c)) {
        depth = if c == open { depth + 1 } else { depth - 1 };
        if depth == 0 {
            return Some(at + c.len());
        }
    }
    None
}

/// Returns a variable of a shell, such as `$ACCOUNT_ID`.
fn variable(text: &str) -> Option<&str> {
    let (at, _) = text.match_indices('$').find(|(at, _)| {
        text[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    })?;
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let end = text[at + 1..]
        .find(is_end)
        .map_or(text.len(), |end| at + 1 + end);
    text.get(at..end)
}

/// Returns a word such as `__ROLE__`.
fn between_underscores(text: &str) -> Option<&str> {
    let start = text.find("__")?;
    let end = start + 2 + text[start + 2..].find("__")?;
    let word = &text[start + 2..end];
    let is_upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_word = word.starts_with(|c: char| c.is_ascii_uppercase()) && word.chars().all(is_upper);
    is_word.then(|| &text[start..end + 2])
}

/// Returns whether a text may contain a placeholder. This fast test excludes most texts in a single pass.
fn may_contain_placeholder(text: &str) -> bool {
    let bytes = text.as_bytes();
    let begins_word = |pair: &[u8]| WORDS.iter().any(|word| word.as_bytes().starts_with(pair));
    bytes
        .iter()
        .any(|byte| matches!(byte, b'$' | b'#' | b'<' | b'%'))
        || bytes
            .windows(2)
            .any(|pair| begins_word(pair) || pair == b"__" || pair.eq_ignore_ascii_case(b"xx"))
}

fn template(text: &str) -> Option<&str> {
    let start = text.find("{{")?;
    let end = start + text[start..].find("}}")? + 2;
    text.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::unfilled_placeholder;

    #[test]
    fn placeholders_are_found_whole() {
        let a = "arn:aws:iam::111122223333:role";
        for (text, expected) in [
            (
                "arn:aws:iam::${ACCOUNT_ID}:role/x".to_owned(),
                Some("${ACCOUNT_ID}"),
            ),
            (
                "${{ secrets.ROLE }}".to_owned(),
                Some("${{ secrets.ROLE }}"),
            ),
            (
                format!("{a}/${{var.roles[\"{{a}}\"]}}"),
                Some("${var.roles[\"{a}\"]}"),
            ),
            (
                "arn:aws:iam::#{Account}:role/x".to_owned(),
                Some("#{Account}"),
            ),
            (format!("{a}/$ROLE-x"), Some("$ROLE")),
            ("IAM_ROLE_ARN".to_owned(), Some("IAM_ROLE_ARN")),
            (
                "arn:aws:iam::ACCOUNT_ID:role/x".to_owned(),
                Some("ACCOUNT_ID"),
            ),
            (
                "arn:aws:iam::1234XXXX5678:role/x".to_owned(),
                Some("1234XXXX5678"),
            ),
            (format!("{a}/NODE_ROLE_NAME"), Some("NODE_ROLE_NAME")),
            (format!("{a}/__ROLE__"), Some("__ROLE__")),
            (format!("{a}/XXXX"), Some("XXXX")),
            (format!("{a}/your-role-name"), Some("your-role-name")),
            (format!("{a}/your-brand"), None),
            ("arn:aws:iam::8.64004E+11:role/x".to_owned(), None),
            ("arn:aws:iam::8640O3978924:role/x".to_owned(), None),
            (format!("{a}/<path>/x"), Some("<path>")),
            (
                "<ARN (of the role)>".to_owned(),
                Some("<ARN (of the role)>"),
            ),
            ("USER-ARN".to_owned(), Some("USER-ARN")),
            (format!("{a}/ADMIN_ROLE"), None),
            (format!("{a}/dev__ops"), None),
            (format!("{a}/__init__"), None),
            (format!("<{a}/x>"), None),
            ("Dev".to_owned(), None),
            ("DEV".to_owned(), None),
            ("arn:aws:iam::1111-2222-3333:role/x".to_owned(), None),
            (format!("{a}/x"), None),
        ] {
            assert_eq!(unfilled_placeholder(&text, true), expected, "{text}");
        }
        assert_eq!(unfilled_placeholder("dev:{{SessionName}}", false), None);
        assert_eq!(unfilled_placeholder("ADMIN_USER", false), None);
    }
}
