//! Strings in the languages of other tools.

use std::collections::BTreeSet;
use std::fmt::Write;

use awsauth_core::arn::Parts;
use awsauth_core::escape::is_invisible;

/// Quotes a string for YAML. The result is a string in every version of YAML.
pub(super) fn yaml(text: &str) -> String {
    quoted(text, false)
}

/// Adds a key with a YAML list of strings, if there are any.
pub(super) fn yaml_list(text: &mut String, indent: &str, key: &str, texts: &[impl AsRef<str>]) {
    if texts.is_empty() {
        return;
    }
    let _ = writeln!(text, "{indent}{key}:");
    for one in texts {
        let _ = writeln!(text, "{indent}- {}", yaml(one.as_ref()));
    }
}

/// Quotes a string for HCL, without templates.
/// <https://developer.hashicorp.com/terraform/language/expressions/strings>
pub(super) fn hcl(text: &str) -> String {
    quoted(text, true)
}

fn quoted(text: &str, is_hcl: bool) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // `${` and `%{` begin a template; doubled, they are these characters.
            '$' | '%' if is_hcl && rest.peek() == Some(&'{') => quoted.extend([c, c]),
            // The log of a CI system may take `##NAME[` for a command.
            '#' if rest.peek() == Some(&'#') => quoted.push_str("\\u0023"),
            c if is_invisible(c) || is_unprintable(c) => {
                let code = u32::from(c);
                quoted.push_str(&match code {
                    0..=0xffff => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                });
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns whether YAML 1.1 does not allow the character as it is.
fn is_unprintable(c: char) -> bool {
    matches!(c, '\u{fffe}' | '\u{ffff}') || u32::from(c) > 0xffff
}

/// Makes names from ARNs that are unique in one output.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Returns a name like `role_team_Dev`, of letters, digits and underscores.
    pub(super) fn identifier(&mut self, arn: &str) -> String {
        let name = resource(arn);
        let name = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
        self.unique(name.collect())
    }

    /// Returns a name like `RoleTeamDev`, of letters and digits.
    pub(super) fn logical_id(&mut self, arn: &str) -> String {
        let parts = resource(arn).split(|c: char| !c.is_ascii_alphanumeric());
        let name = parts.map(|part| {
            let mut letters = part.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        });
        self.unique(name.collect())
    }

    /// Returns the resource of the ARN, with the account if another principal has the same.
    pub(super) fn key(&mut self, arn: &str) -> String {
        let own = resource(arn);
        if self.0.insert(own.to_owned()) {
            return own.to_owned();
        }
        arn.to_owned()
    }

    fn unique(&mut self, name: String) -> String {
        let mut unique = name.clone();
        let mut number = 2;
        while !self.0.insert(unique.clone()) {
            unique = format!("{name}{number}");
            number += 1;
        }
        unique
    }
}

/// Returns what follows the account in an ARN.
fn resource(arn: &str) -> &str {
    match Parts::of(arn) {
        Some(_) => arn.splitn(6, ':').nth(5).unwrap_or(arn),
        None => arn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_without_templates_and_control_characters() {
        let text = "a\"b\\c\n\u{7f}${x}%{y}$ \u{85}é";
        assert_eq!(yaml(text), r#""a\"b\\c\n\u007f${x}%{y}$ \u0085é""#);
        assert_eq!(hcl(text), r#""a\"b\\c\n\u007f$${x}%%{y}$ \u0085é""#);
        assert_eq!(yaml("##[error]"), r##""\u0023#[error]""##);
        assert_eq!(hcl("##[error]"), r##""\u0023#[error]""##);
        assert_eq!(hcl("dev:{{SessionName}}"), r#""dev:{{SessionName}}""#);
    }

    #[test]
    fn names_are_unique() {
        let arns = [
            "arn:aws:iam::111122223333:role/team/Dev-1",
            "arn:aws:iam::444455556666:role/team/Dev-1",
            "arn:aws:iam::111122223333:role/team/Dev_1",
        ];
        let mut names = Names::default();
        assert_eq!(
            arns.map(|arn| names.identifier(arn)),
            ["role_team_Dev_1", "role_team_Dev_12", "role_team_Dev_13"]
        );
        let mut names = Names::default();
        assert_eq!(
            arns.map(|arn| names.logical_id(arn)),
            ["RoleTeamDev1", "RoleTeamDev12", "RoleTeamDev13"]
        );
        let mut names = Names::default();
        assert_eq!(
            arns.map(|arn| names.key(arn)),
            ["role/team/Dev-1", arns[1], "role/team/Dev_1"]
        );
    }
}
