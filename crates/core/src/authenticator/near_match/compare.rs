//! Compares an entry with an identity that no entry matches.

use super::Subject;
use super::mismatch::{MAX_LETTERS, Mismatch};
use crate::arn::{Normalized, Parts, fold, normalize, to_lower};
use crate::authenticator::sso;
use crate::document::SsoRole;

/// Returns why an entry for an ARN does not match, if it nearly does. `expected` are the parts of the subject.
pub(super) fn arn(written: &str, subject: &Subject<'_>, expected: &Parts<'_>) -> Option<Mismatch> {
    let folded = fold(written);
    if written.contains('İ') && fold(&to_lower(written)) == subject.folded {
        return Some(Mismatch::DottedI);
    }
    if folded.trim_matches(is_stray) == subject.folded {
        return Some(Mismatch::Stray);
    }
    parts(&folded, subject, expected).or_else(|| letters(&folded, subject, expected))
}

fn is_stray(c: char) -> bool {
    c.is_whitespace() || "\u{200B}\u{200C}\u{200D}\u{2060}\u{FEFF}'\"`‘’“”<>".contains(c)
}

fn parts(folded: &str, subject: &Subject<'_>, expected: &Parts<'_>) -> Option<Mismatch> {
    match normalize(folded) {
        Normalized::PathDropped { arn, .. } if arn == subject.folded => {
            return Some(Mismatch::RolePath);
        }
        Normalized::Session { role } if role == subject.folded => return Some(Mismatch::Session),
        _ => {}
    }
    let behind = folded.strip_prefix(subject.folded.as_str());
    if let Some(name) = behind.and_then(|rest| rest.strip_prefix('/'))
        && expected.kind == "role"
        && !name.is_empty()
    {
        return Some(Mismatch::SessionName(name.to_owned()));
    }
    let written = Parts::of(folded)?;
    let part = |part, of: fn(&Parts<'_>) -> String| Mismatch::Part {
        part,
        written: of(&written),
        expected: of(expected),
    };
    let same = Parts {
        path: expected.path,
        ..written
    } == *expected;
    if same && written.path != expected.path {
        return Some(if expected.kind == "user" {
            Mismatch::UserPath
        } else {
            Mismatch::RolePath
        });
    }
    if (Parts {
        account: expected.account,
        ..written
    }) == *expected
    {
        return Some(part("account", |parts| parts.account.to_owned()));
    }
    if (Parts {
        partition: expected.partition,
        ..written
    }) == *expected
    {
        return Some(part("partition", |parts| parts.partition.to_owned()));
    }
    if (Parts {
        service: expected.service,
        ..written
    }) == *expected
    {
        return Some(part("service", |parts| parts.service.to_owned()));
    }
    if (Parts {
        region: expected.region,
        ..written
    }) == *expected
    {
        return Some(part("region", |parts| parts.region.to_owned()));
    }
    if written.partition != expected.partition || written.account != expected.account {
        return None;
    }
    if written.kind == "root" {
        return Some(Mismatch::Root);
    }
    if written.name == expected.name && written.kind != expected.kind {
        match written.kind {
            "instance-profile" => return Some(Mismatch::InstanceProfile),
            "role" | "user" => {
                return Some(Mismatch::OtherKind {
                    written: written.kind.to_owned(),
                });
            }
            _ => {}
        }
    }
    if written.kind != expected.kind {
        return None;
    }
    if written.name.starts_with("awsreservedsso_")
        && let Some((set, _)) = expected.name.rsplit_once('_')
        && set != "awsreservedsso"
    {
        let other_suffix = written.name.rsplit_once('_');
        if written.name == set || other_suffix.is_some_and(|(written, _)| written == set) {
            return Some(Mismatch::SsoSuffix);
        }
    }
    globs(folded, &subject.folded).then_some(Mismatch::Wildcard)
}

/// Returns whether the pattern contains a wildcard and matches, with `*` for any text and `?` for any character.
fn globs(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return false;
    }
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // Where to continue after the last star if the text after it does not match.
    let mut retry = None;
    let (mut p, mut t) = (0, 0);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after_star, taken)) = retry else {
                    return false;
                };
                retry = Some((after_star, taken + 1));
                (p, t) = (after_star, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

fn letters(folded: &str, subject: &Subject<'_>, expected: &Parts<'_>) -> Option<Mismatch> {
    if folded.len().abs_diff(subject.folded.len()) > MAX_LETTERS * char::MAX.len_utf8() {
        return None;
    }
    let (a, b) = differing(folded, &subject.folded);
    let count = strsim::osa_distance(a, b);
    // In a short name, even one letter is a large difference.
    let most = MAX_LETTERS.min(expected.name.chars().count() / 2);
    (1..=most)
        .contains(&count)
        .then_some(Mismatch::Letters(count))
}

/// Removes the common prefix and suffix of two strings, which do not affect their distance.
fn differing<'a>(a: &'a str, b: &'a str) -> (&'a str, &'a str) {
    let pairs = a.chars().zip(b.chars());
    let start: usize = pairs
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let (a, b) = (&a[start..], &b[start..]);
    let pairs = a.chars().rev().zip(b.chars().rev());
    let end: usize = pairs
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    (&a[..a.len() - end], &b[..b.len() - end])
}

/// Returns why an `sso` entry does not match.
pub(super) fn sso(matcher: &SsoRole, subject: &Subject<'_>) -> Option<Mismatch> {
    if sso::matches(matcher, &subject.lower) {
        return Some(Mismatch::SsoGate);
    }
    let mut anywhere = matcher.clone();
    anywhere.partition.clear();
    sso::matches(&anywhere, &subject.lower).then_some(Mismatch::SsoPartition)
}

/// Returns why an element of mapAccounts does not match the identity's account.
pub(super) fn account(written: &str, subject: &Subject<'_>) -> Option<Mismatch> {
    if subject.account.is_empty() || written == subject.account {
        return None;
    }
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let has_same_digits = digits == subject.account
        || (digits.len() > 8 && digits == subject.account.trim_start_matches('0'));
    has_same_digits.then_some(Mismatch::AccountText)
}
