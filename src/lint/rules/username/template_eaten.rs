//! What is left of a template that another tool has taken for its own.

use crate::lint::context::Context;
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

/// The username of a node without what tells nodes apart.
const NODE: &str = "system:node:";

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U05",
    name: "template-eaten",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.in_force() {
        let username = &written.mapping.username;
        if !is_eaten(username) || explained::left_in(username, false).is_some() {
            continue;
        }
        let (message, help) = if username == NODE {
            (
                "no template stands behind system:node: and every node gets this same name",
                "write system:node:{{EC2PrivateDNSName}}, or for Fargate and hybrid nodes system:node:{{SessionName}}",
            )
        } else {
            (
                "this is not how a template is written: the authenticator replaces {{NAME}} alone, and keeps everything else as it is",
                "write the template in exactly two braces, as in {{SessionName}}",
            )
        };
        found.entry(written, written.username_span(), message, help);
    }
}

/// Whether something is left of a template, rather than the template itself.
pub(in crate::lint) fn is_eaten(username: &str) -> bool {
    username == NODE
        || username.to_ascii_lowercase().contains("%7b")
        || (username.contains("[[") && username.contains("]]"))
        || has_odd_braces(username)
}

/// Whether braces stand there other than two before and two behind a word.
fn has_odd_braces(text: &str) -> bool {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inner, behind)) = after.split_once("}}") else {
            return true;
        };
        if before.contains(['{', '}']) || inner.contains(['{', '}']) {
            return true;
        }
        rest = behind;
    }
    // A closing brace without any other is a letter like others.
    rest.contains('{') || (rest.contains('}') && text.contains('{'))
}

#[cfg(test)]
mod tests {
    use super::is_eaten;

    #[test]
    fn what_is_left_of_a_template_is_told_from_one() {
        for (username, eaten) in [
            ("system:node:{{EC2PrivateDNSName}}", false),
            ("a-{{SessionName}}-{{AccountID}}", false),
            ("{{ SessionName }}", false),
            ("dev", false),
            ("[dev]", false),
            ("dev}", false),
            ("{{SessionName}}}", true),
            ("system:node:", true),
            ("{SessionName}", true),
            ("{{{SessionName}}}", true),
            ("{{SessionName}", true),
            (r#"{{ "{{" }}SessionName{{ "}}" }}"#, true),
            ("%7B%7BSessionName%7D%7D", true),
            ("[[SessionName]]", true),
        ] {
            assert_eq!(is_eaten(username), eaten, "{username}");
        }
    }
}
