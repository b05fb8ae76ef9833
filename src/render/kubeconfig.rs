use super::plain::plain;
use super::style::{FAINT, GAIN, LOSS, NOTICE, paint};
use crate::kubeconfig::{Change, How, Mend, Part, What};

/// What became of each part of a kubeconfig, one below the other, with the fields that were mended.
pub(crate) fn kubeconfig_changes(changes: &[Change]) -> String {
    let mut text = String::new();
    for Change { part, name, what } in changes {
        let part = match part {
            Part::Cluster => "cluster",
            Part::User => "user",
            Part::Context => "context",
            Part::CurrentContext => "current-context",
        };
        let (became, mends) = match what {
            What::Added if part == "current-context" => (paint(GAIN, "set"), &[][..]),
            What::Added => (paint(GAIN, "added"), &[][..]),
            What::Unchanged => (paint(FAINT, "unchanged"), &[][..]),
            What::Mended(mends) => (paint(NOTICE, "mended"), &mends[..]),
        };
        let was = match mends {
            [
                Mend {
                    field,
                    how: How::Changed(Some(was)),
                },
            ] if field == part => format!(", was {}", plain(was)),
            _ => String::new(),
        };
        text += &format!("{part} {} {became}{was}\n", plain(name));
        for Mend { field, how } in mends.iter().filter(|mend| mend.field != part) {
            let how = match how {
                How::Added => paint(GAIN, "added"),
                How::Removed => paint(LOSS, "removed"),
                How::Changed(None) => "changed".to_owned(),
                How::Changed(Some(was)) => format!("changed, was {}", plain(was)),
            };
            text += &format!("  {field} {how}\n");
        }
    }
    text
}
