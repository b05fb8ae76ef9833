//! The remains of a template that another tool has interpreted as its own.

use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

/// The username of a node without the part that identifies it.
const NODE_PREFIX: &str = "system:node:";

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U05",
    name: "template-replaced-by-other-tool",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["G07", "N05", "U02"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.effective() {
        let username = entry.username();
        if !has_remains(username) {
            continue;
        }
        let (message, help) = if username == NODE_PREFIX {
            (
                "system:node: is not followed by a template: all nodes get the same name",
                "write system:node:{{EC2PrivateDNSName}}, or for Fargate and hybrid nodes system:node:{{SessionName}}",
            )
        } else {
            (
                "this is not a template: the authenticator replaces only {{NAME}} and keeps everything else",
                "write the template with exactly two braces, as in {{SessionName}}",
            )
        };
        findings.entry(entry, Part::Username, message, help);
    }
}

/// Returns whether a username contains the remains of a template.
fn has_remains(username: &str) -> bool {
    username == NODE_PREFIX
        || username.to_ascii_lowercase().contains("%7b")
        || (username.contains("[[") && username.contains("]]"))
        || has_unpaired_braces(username)
}

/// Returns whether there are braces other than two before and two after a word.
fn has_unpaired_braces(text: &str) -> bool {
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
    // A closing brace without any opening one is an ordinary character.
    rest.contains('{') || (rest.contains('}') && text.contains('{'))
}

#[cfg(test)]
mod tests {
    use super::has_remains;

    #[test]
    fn remains_of_a_template_are_distinguished_from_templates() {
        for (username, expected) in [
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
            assert_eq!(has_remains(username), expected, "{username}");
        }
    }
}
