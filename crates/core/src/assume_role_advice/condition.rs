//! Evaluates the conditions of a trust policy, as far as their keys are known.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use serde_json::Value;

use super::parsed_principal::{IamPrincipal, Kind};

/// The known properties of the request.
pub(super) struct Context<'a> {
    pub(super) who: &'a IamPrincipal<'a>,
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
    /// Operator, key and required values of another condition.
    Other(String, String, Vec<String>),
}

/// Whether all conditions of a statement hold.
pub(super) enum Outcome {
    /// They hold, if these do, whose key or operator is unknown: `aws:SourceIp (IpAddress 203.0.113.0/24)`.
    Holds(Vec<String>),
    /// These do not hold.
    Fails(Vec<Unmet>),
}

/// What is known about a condition key.
enum Known {
    Value(String),
    /// The request does not have this key.
    Absent,
    Unknown,
}

pub(super) fn hold<'a>(
    tests: impl Iterator<Item = (&'a str, &'a str, &'a [Value])>,
    context: &Context<'_>,
) -> Outcome {
    let (mut unknown, mut unmet) = (Vec::new(), Vec::new());
    for (operator, key, required) in tests {
        let required: Vec<String> = required.iter().map(text).collect();
        match test(operator, key, &required, context) {
            Some(true) => {}
            None => unknown.push(format!("{key} ({operator} {})", required.join(", "))),
            Some(false) => unmet.push(match key.to_ascii_lowercase().as_str() {
                "sts:externalid" => Unmet::ExternalId(required),
                "aws:multifactorauthpresent" => Unmet::Mfa,
                _ => Unmet::Other(operator.to_owned(), key.to_owned(), required),
            }),
        }
    }
    if unmet.is_empty() {
        Outcome::Holds(unknown)
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

/// Returns `None` if the result depends on an unknown key or operator.
fn test(operator: &str, key: &str, required: &[String], context: &Context<'_>) -> Option<bool> {
    let value = match known(key, required, context) {
        Known::Unknown => return None,
        Known::Value(value) => Some(value),
        Known::Absent => None,
    };
    if operator == "Null" {
        let absent = value.is_none().to_string();
        return Some(
            required
                .iter()
                .any(|required| required.eq_ignore_ascii_case(&absent)),
        );
    }
    let (base, if_exists) = match operator.strip_suffix("IfExists") {
        Some(base) => (base, true),
        None => (operator, false),
    };
    let Some(value) = value else {
        // Negated operators hold if the key is missing.
        return Some(if_exists || base.contains("Not"));
    };
    let any =
        |matches: fn(&str, &str) -> bool| required.iter().any(|required| matches(required, &value));
    let matched = match base.replace("Not", "").as_str() {
        "StringEquals" => any(|required, value| required == value),
        "StringEqualsIgnoreCase" | "Bool" => {
            any(|required, value| required.eq_ignore_ascii_case(value))
        }
        "StringLike" | "ArnLike" | "ArnEquals" => any(like),
        _ => return None,
    };
    Some(matched != base.contains("Not"))
}

fn known(key: &str, required: &[String], context: &Context<'_>) -> Known {
    let given = |value: Option<&str>| match value {
        Some(value) => Known::Value(value.to_owned()),
        None => Known::Absent,
    };
    let who = context.who;
    match key.to_ascii_lowercase().as_str() {
        "sts:externalid" => given(context.external_id),
        "sts:rolesessionname" => context
            .session_name
            .map_or(Known::Unknown, |name| Known::Value(name.to_owned())),
        // Requests with a user's access keys do not have this key.
        "aws:multifactorauthpresent" if !context.mfa && who.kind == Kind::User => Known::Absent,
        "aws:multifactorauthpresent" => Known::Value(context.mfa.to_string()),
        "aws:principalaccount" if !who.account.is_empty() => Known::Value(who.account.to_owned()),
        "aws:principalarn" => {
            let arn = who.principal();
            // The ARN of a session lacks its role's IAM path, which is part of this key.
            let hidden = matches!(
                who.kind,
                Kind::Role {
                    session: Some(_),
                    ..
                }
            );
            let matched = required.iter().any(|pattern| like(pattern, &arn));
            if hidden && !matched {
                Known::Unknown
            } else {
                Known::Value(arn)
            }
        }
        _ => Known::Unknown,
    }
}

/// Returns whether a value matches a pattern with `*` for any text and `?` for any character.
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
    fn star_matches_any_text_and_question_mark_one_character() {
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
