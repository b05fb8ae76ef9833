//! The conditions of a trust policy, as far as they can be judged from here.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use serde_json::Value;

use super::who::{Kind, Who};

/// What is known of the request.
pub(super) struct Context<'a> {
    pub(super) who: &'a Who<'a>,
    pub(super) external_id: Option<&'a str>,
    pub(super) session_name: Option<&'a str>,
    pub(super) mfa: bool,
}

/// A condition that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unmet {
    /// The external id must be one of these.
    ExternalId(Vec<String>),
    /// The caller must have signed in with MFA.
    Mfa,
    /// Another: operator, key and the values that it wants.
    Other(String, String, Vec<String>),
}

/// Whether all conditions of a statement hold.
pub(super) enum Outcome {
    /// They do, provided that those with these keys, of which nothing is known, do.
    Holds(Vec<String>),
    /// These do not.
    Fails(Vec<Unmet>),
}

/// What is known of a key.
enum Known {
    /// Its value in the request.
    Value(String),
    /// The request has none.
    Absent,
    /// It can't be seen from here.
    Unseen,
}

pub(super) fn hold<'a>(
    tests: impl Iterator<Item = (&'a str, &'a str, &'a [Value])>,
    context: &Context<'_>,
) -> Outcome {
    let (mut unseen, mut unmet) = (Vec::new(), Vec::new());
    for (operator, key, wanted) in tests {
        let wanted: Vec<String> = wanted.iter().map(text).collect();
        match test(operator, key, &wanted, context) {
            Some(true) => {}
            None => unseen.push(key.to_owned()),
            Some(false) => unmet.push(match key.to_ascii_lowercase().as_str() {
                "sts:externalid" => Unmet::ExternalId(wanted),
                "aws:multifactorauthpresent" => Unmet::Mfa,
                _ => Unmet::Other(operator.to_owned(), key.to_owned(), wanted),
            }),
        }
    }
    if unmet.is_empty() {
        Outcome::Holds(unseen)
    } else {
        Outcome::Fails(unmet)
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `None` when it can't be told.
fn test(operator: &str, key: &str, wanted: &[String], context: &Context<'_>) -> Option<bool> {
    let value = match known(key, wanted, context) {
        Known::Unseen => return None,
        Known::Value(value) => Some(value),
        Known::Absent => None,
    };
    if operator == "Null" {
        let absent = value.is_none().to_string();
        return Some(
            wanted
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(&absent)),
        );
    }
    let (base, if_exists) = match operator.strip_suffix("IfExists") {
        Some(base) => (base, true),
        None => (operator, false),
    };
    let Some(value) = value else {
        // Operators that deny a match hold for what is not there.
        return Some(if_exists || base.contains("Not"));
    };
    let any = |matches: fn(&str, &str) -> bool| wanted.iter().any(|wanted| matches(wanted, &value));
    let matched = match base.replace("Not", "").as_str() {
        "StringEquals" => any(|wanted, value| wanted == value),
        "StringEqualsIgnoreCase" | "Bool" => {
            any(|wanted, value| wanted.eq_ignore_ascii_case(value))
        }
        "StringLike" | "ArnLike" | "ArnEquals" => any(like),
        _ => return None,
    };
    Some(matched != base.contains("Not"))
}

fn known(key: &str, wanted: &[String], context: &Context<'_>) -> Known {
    let given = |value: Option<&str>| match value {
        Some(value) => Known::Value(value.to_owned()),
        None => Known::Absent,
    };
    let who = context.who;
    match key.to_ascii_lowercase().as_str() {
        "sts:externalid" => given(context.external_id),
        "sts:rolesessionname" => context
            .session_name
            .map_or(Known::Unseen, |name| Known::Value(name.to_owned())),
        // Access keys of a user lack the key altogether.
        "aws:multifactorauthpresent" if !context.mfa && who.kind == Kind::User => Known::Absent,
        "aws:multifactorauthpresent" => Known::Value(context.mfa.to_string()),
        "aws:principalaccount" if !who.account.is_empty() => Known::Value(who.account.to_owned()),
        "aws:principalarn" => {
            let arn = who.principal();
            // A session's ARN does not tell its role's IAM path, which this key has.
            let hidden = matches!(
                who.kind,
                Kind::Role {
                    session: Some(_),
                    ..
                }
            );
            let matched = wanted.iter().any(|pattern| like(pattern, &arn));
            if hidden && !matched {
                Known::Unseen
            } else {
                Known::Value(arn)
            }
        }
        _ => Known::Unseen,
    }
}

/// Whether a text matches a pattern in which `*` stands for any text and `?` for any character.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut here) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while here < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[here] => (at, here) = (at + 1, here + 1),
            _ => match star {
                Some((then, from)) => {
                    star = Some((then, from + 1));
                    (at, here) = (then + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        for (pattern, text, matches) in [
            ("sts:assumerole", "sts:assumerole", true),
            ("sts:*", "sts:assumerole", true),
            ("*", "", true),
            ("sts:assume????", "sts:assumerole", true),
            ("*role", "sts:assumerole", true),
            ("*s*r*e", "sts:assumerole", true),
            ("sts:tag*", "sts:assumerole", false),
            ("sts:assumerole?", "sts:assumerole", false),
            ("", "x", false),
        ] {
            assert_eq!(like(pattern, text), matches, "{pattern} {text}");
        }
    }
}
