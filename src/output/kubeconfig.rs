//! The changes to a kubeconfig.

use super::style::{FAINT, GAIN, LOSS, NOTICE, paint};
use awsauth_core::escape::one_line;
use awsauth_core::kubeconfig::{Change, EntryChange, FieldChange, FieldChangeKind, Part};

/// Formats the changes to a kubeconfig, one part per line, with the updated fields.
pub(crate) fn kubeconfig_changes(changes: &[Change]) -> String {
    let mut text = String::new();
    for Change { part, name, what } in changes {
        let part = match part {
            Part::Cluster => "cluster",
            Part::User => "user",
            Part::Context => "context",
            Part::CurrentContext => "current-context",
        };
        let (became, updated_fields) = match what {
            EntryChange::Added if part == "current-context" => (paint(GAIN, "set"), &[][..]),
            EntryChange::Added => (paint(GAIN, "added"), &[][..]),
            EntryChange::Unchanged => (paint(FAINT, "unchanged"), &[][..]),
            EntryChange::Updated(updated_fields) => (paint(NOTICE, "updated"), &updated_fields[..]),
        };
        let was = match updated_fields {
            [
                FieldChange {
                    field,
                    how: FieldChangeKind::Changed(Some(was)),
                },
            ] if field == part => format!(", was {}", one_line(was)),
            _ => String::new(),
        };
        text += &format!("{part} {} {became}{was}\n", one_line(name));
        for FieldChange { field, how } in updated_fields
            .iter()
            .filter(|updated| updated.field != part)
        {
            let how = match how {
                FieldChangeKind::Added => paint(GAIN, "added"),
                FieldChangeKind::Removed => paint(LOSS, "removed"),
                FieldChangeKind::Changed(None) => "changed".to_owned(),
                FieldChangeKind::Changed(Some(was)) => format!("changed, was {}", one_line(was)),
            };
            text += &format!("  {field} {how}\n");
        }
    }
    text
}
