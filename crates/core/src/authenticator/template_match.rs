//! Which names a template can become for any caller.

use super::Placeholder;

/// Returns whether a template can become exactly `name` for some caller of an account. Checks only the minimum length of a value.
///
/// Takes time in proportion to the template and the name.
pub(crate) fn can_become(template: &str, name: &str, account: &str) -> bool {
    let name = name.as_bytes();
    // For each offset in the name, whether the template read so far can match the name up to there.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    let mut rest = template;
    while let Some((at, placeholder)) = first_placeholder(rest) {
        reached = after_literal(&reached, name, &rest[..at]);
        reached = match placeholder {
            Placeholder::AccountId => after_literal(&reached, name, account),
            other => after_value(&reached, name, other),
        };
        if !reached.contains(&true) {
            return false;
        }
        rest = &rest[at + placeholder.text().len()..];
    }
    reached = after_literal(&reached, name, rest);
    reached.last().copied().unwrap_or_default()
}

/// Returns the first placeholder, and where it is. Reads the template only up to there.
fn first_placeholder(template: &str) -> Option<(usize, Placeholder)> {
    template.match_indices('{').find_map(|(at, _)| {
        let mut all = Placeholder::ALL.into_iter();
        let placeholder = all.find(|each| template[at..].starts_with(each.text()))?;
        Some((at, placeholder))
    })
}

fn after_literal(reached: &[bool], name: &[u8], literal: &str) -> Vec<bool> {
    let mut behind = vec![false; reached.len()];
    for (at, _) in reached.iter().enumerate().filter(|(_, is)| **is) {
        if name[at..].starts_with(literal.as_bytes()) {
            behind[at + literal.len()] = true;
        }
    }
    behind
}

fn after_value(reached: &[bool], name: &[u8], placeholder: Placeholder) -> Vec<bool> {
    let mut behind = vec![false; reached.len()];
    // The first offset from which everything up to here can be the value.
    let mut from = None;
    for at in 0..reached.len() {
        from = from.or(reached[at].then_some(at));
        behind[at] = from.is_some_and(|from| at - from >= shortest(placeholder));
        if name
            .get(at)
            .is_none_or(|byte| !may_hold(placeholder, *byte))
        {
            from = None;
        }
    }
    behind
}

/// Returns the minimum length of a value. A session name has at least two characters:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn shortest(placeholder: Placeholder) -> usize {
    match placeholder {
        Placeholder::SessionName | Placeholder::SessionNameRaw => 2,
        _ => 1,
    }
}

fn may_hold(placeholder: Placeholder, byte: u8) -> bool {
    let more: &[u8] = match placeholder {
        // `@` has become `-` in it.
        Placeholder::SessionName => b"_+=,.-",
        Placeholder::SessionNameRaw => b"_+=,.@-",
        Placeholder::Ec2PrivateDnsName => b".-",
        Placeholder::AccountId | Placeholder::AccessKeyId => b"",
    };
    byte.is_ascii_alphanumeric() || more.contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_becomes_only_what_its_values_can_be() {
        for (template, name, expected) in [
            ("bob", "bob", true),
            ("bob", "bo", false),
            ("{{SessionName}}", "alice", true),
            ("{{SessionName}}", "a", false),
            ("{{SessionName}}", "system:admin", false),
            ("{{SessionName}}", "a@b.c", false),
            ("{{SessionNameRaw}}", "a@b.c", true),
            ("dev:{{SessionName}}", "dev:alice", true),
            ("dev:{{SessionName}}", "dev:", false),
            ("dev:{{SessionName}}-x", "dev:a-x-x", true),
            ("{{SessionName}}{{SessionName}}", "abcd", true),
            ("{{SessionName}}{{SessionName}}", "abc", false),
            ("{{AccountID}}/{{SessionName}}", "111122223333/ab", true),
            ("{{AccountID}}/{{SessionName}}", "444455556666/ab", false),
            ("{{sessionname}}", "ab", false),
            ("{{{SessionName}}}", "{ab}", true),
            ("", "", true),
        ] {
            let becomes = can_become(template, name, "111122223333");
            assert_eq!(becomes, expected, "{template} {name}");
        }
    }
}
