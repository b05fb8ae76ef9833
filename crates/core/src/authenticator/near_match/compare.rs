//! Compares an entry with an identity that no entry matches.

use super::Subject;
use super::mismatch::{MOST_LETTERS, Mismatch};
use crate::arn::{Normalized, Parts, fold, normalize, to_lower};
use crate::authenticator::sso;
use crate::document::SsoRole;

/// Why an entry for an ARN does not match, if it nearly does. `wanted` are the parts of the subject.
pub(super) fn arn(written: &str, subject: &Subject<'_>, wanted: &Parts<'_>) -> Option<Mismatch> {
    let folded = fold(written);
    if written.contains('İ') && fold(&to_lower(written)) == subject.folded {
        return Some(Mismatch::DottedI);
    }
    if folded.trim_matches(is_stray) == subject.folded {
        return Some(Mismatch::Stray);
    }
    parts(&folded, subject, wanted).or_else(|| letters(&folded, subject, wanted))
}

fn is_stray(c: char) -> bool {
    c.is_whitespace() || "\u{200B}\u{200C}\u{200D}\u{2060}\u{FEFF}'\"`‘’“”<>".contains(c)
}

fn parts(folded: &str, subject: &Subject<'_>, wanted: &Parts<'_>) -> Option<Mismatch> {
    match normalize(folded) {
        Normalized::PathDropped { arn, .. } if arn == subject.folded => {
            return Some(Mismatch::RolePath);
        }
        Normalized::Session { role } if role == subject.folded => return Some(Mismatch::Session),
        _ => {}
    }
    let written = Parts::of(folded)?;
    let part = |part, of: fn(&Parts<'_>) -> String| Mismatch::Part {
        part,
        written: of(&written),
        wanted: of(wanted),
    };
    let same = Parts {
        path: wanted.path,
        ..written
    } == *wanted;
    if same && written.path != wanted.path {
        return Some(if wanted.kind == "user" {
            Mismatch::UserPath
        } else {
            Mismatch::RolePath
        });
    }
    if (Parts {
        account: wanted.account,
        ..written
    }) == *wanted
    {
        return Some(part("account", |parts| parts.account.to_owned()));
    }
    if (Parts {
        partition: wanted.partition,
        ..written
    }) == *wanted
    {
        return Some(part("partition", |parts| parts.partition.to_owned()));
    }
    if (Parts {
        service: wanted.service,
        ..written
    }) == *wanted
    {
        return Some(part("service", |parts| parts.service.to_owned()));
    }
    if (Parts {
        region: wanted.region,
        ..written
    }) == *wanted
    {
        return Some(part("region", |parts| parts.region.to_owned()));
    }
    if written.partition != wanted.partition || written.account != wanted.account {
        return None;
    }
    if written.kind == "root" {
        return Some(Mismatch::Root);
    }
    if written.name == wanted.name && written.kind != wanted.kind {
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
    if written.kind != wanted.kind {
        return None;
    }
    if written.name.starts_with("awsreservedsso_")
        && let (Some((a, _)), Some((b, _))) =
            (written.name.rsplit_once('_'), wanted.name.rsplit_once('_'))
        && a == b
        && a != "awsreservedsso"
    {
        return Some(Mismatch::SsoSuffix);
    }
    globs(folded, &subject.folded).then_some(Mismatch::Wildcard)
}

/// Whether the pattern holds a wildcard and matches, with `*` for any text and `?` for any character.
fn globs(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return false;
    }
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // Where to go on after the last star, once what follows it does not fit.
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

fn letters(folded: &str, subject: &Subject<'_>, wanted: &Parts<'_>) -> Option<Mismatch> {
    if folded.len().abs_diff(subject.folded.len()) > MOST_LETTERS * char::MAX.len_utf8() {
        return None;
    }
    let (a, b) = differing(folded, &subject.folded);
    let count = strsim::osa_distance(a, b);
    // Of a short name, one letter is much.
    let most = MOST_LETTERS.min(wanted.name.chars().count() / 2);
    (1..=most)
        .contains(&count)
        .then_some(Mismatch::Letters(count))
}

/// Two texts without what they begin and end with in common, which no distance counts.
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

/// Why an `sso` entry does not match.
pub(super) fn sso(matcher: &SsoRole, subject: &Subject<'_>) -> Option<Mismatch> {
    if sso::matches(matcher, &subject.lower) {
        return Some(Mismatch::SsoGate);
    }
    let mut anywhere = matcher.clone();
    anywhere.partition.clear();
    sso::matches(&anywhere, &subject.lower).then_some(Mismatch::SsoPartition)
}

/// Why an element of mapAccounts does not admit the identity's account.
pub(super) fn account(written: &str, subject: &Subject<'_>) -> Option<Mismatch> {
    if subject.account.is_empty() || written == subject.account {
        return None;
    }
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let means_it = digits == subject.account
        || (digits.len() > 8 && digits == subject.account.trim_start_matches('0'));
    means_it.then_some(Mismatch::AccountText)
}
