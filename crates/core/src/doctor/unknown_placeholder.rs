//! Text that looks like a placeholder of the authenticator.

use crate::authenticator::Placeholder;

/// Returns the first text in braces that is no placeholder of the authenticator.
pub(super) fn unknown_placeholder(template: &str) -> Option<&str> {
    let mut rest = template;
    while let Some(at) = rest.find("{{") {
        let (_, text) = rest.split_at(at);
        let length = text.find("}}").map_or(text.len(), |end| end + "}}".len());
        let (found, next) = text.split_at(length);
        if !Placeholder::ALL.iter().any(|known| known.text() == found) {
            return Some(found);
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_that_the_authenticator_does_not_replace_is_an_unknown_placeholder() {
        for (template, expected) in [
            ("dev", None),
            ("pay:{{SessionName}}", None),
            ("{{AccountID}}:{{SessionNameRaw}}", None),
            ("dev:{{Session}}", Some("{{Session}}")),
            (
                "{{SessionName}}-{{ SessionName }}",
                Some("{{ SessionName }}"),
            ),
            ("dev:{{SessionName", Some("{{SessionName")),
        ] {
            assert_eq!(unknown_placeholder(template), expected, "{template}");
        }
    }
}
