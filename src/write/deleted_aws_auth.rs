//! Warns before a write creates aws-auth, although the history has the text of one that was deleted.

use crate::backend::Backend;
use crate::terminal::{Failure, Out};
use awsauth_core::document::Document;

/// Warns if aws-auth does not exist and its last recorded state has mappings.
pub(super) fn warn_of_last_text(backend: &Backend, out: &mut Out) -> Result<(), Failure> {
    let history = backend.history(out)?;
    let Some((name, revision, side)) = history.latest_text() else {
        return Ok(());
    };
    let document = Document::read(&side.of(revision).data);
    let count: usize = document.sections().map(|one| one.entries().len()).sum();
    if count > 0 {
        let mappings = match count {
            1 => "one mapping".to_owned(),
            count => format!("{count} mappings"),
        };
        out.note(&format!(
            "warning: aws-auth was deleted. Its last text, with {mappings}, is in the history (revision {name}), and this creates a new one without it"
        ));
        out.note("hint: to have it back, first run awsauth restore");
    }
    Ok(())
}
