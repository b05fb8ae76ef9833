//! The comments at the top of the page in the editor.

use crate::backend::Backend;
use crate::terminal::Failure;
use awsauth_core::document::SectionName;
use awsauth_core::edit_buffer::{Keys, MARK};
use awsauth_core::escape::one_line;
use awsauth_core::history::Contents;

const GIVE_UP: &str = "Fix it and save. Save this file unchanged or empty to give up; your edits are then saved to a file.";

/// The title: which aws-auth it is.
pub(super) fn title(backend: &Backend, note: Option<String>) -> Vec<String> {
    let title = format!("aws-auth of {}", one_line(&backend.to_string()));
    let note = note.map(|note| one_line(&note).into_owned());
    [title].into_iter().chain(note).collect()
}

/// The header of the first page.
pub(super) fn header(title: &[String], contents: &Contents, keys: &Keys) -> Vec<String> {
    let mut lines = title.to_vec();
    lines.push(String::new());
    lines.push(format!(
        "Each value is below its key. Lines that begin with {MARK} are dropped."
    ));
    lines.push("Save this file unchanged or empty to cancel.".to_owned());
    let sections = SectionName::ALL.map(SectionName::key).into_iter();
    let missing: Vec<&str> = sections
        .filter(|key| !contents.data.contains_key(*key))
        .collect();
    if let Some(first) = missing.first() {
        lines.push(format!(
            "There is no {}: to add one, write {first}: on a line of its own, followed by its entries.",
            missing.join(" and no ")
        ));
    }
    let hidden = contents.data.keys().filter(|key| !keys.has(key));
    let binary = contents.binary_data.keys();
    let hidden: Vec<String> = hidden
        .chain(binary)
        .map(|key| one_line(key).into_owned())
        .collect();
    if !hidden.is_empty() {
        lines.push(format!(
            "Not shown, and not changed: {}.",
            hidden.join(", ")
        ));
    }
    lines
}

/// The header of a page that is opened again.
pub(super) fn reopened(title: &[String]) -> Vec<String> {
    let mut lines = title.to_vec();
    lines.push(String::new());
    lines.push(format!(
        "Nothing is written yet. The problems are in lines that begin with {MARK}, above the lines that they are about."
    ));
    lines.push(GIVE_UP.to_owned());
    lines
}

/// The header of a page with conflicts.
pub(super) fn with_conflicts(title: &[String], why: &Failure) -> Vec<String> {
    let mut lines = title.to_vec();
    lines.push(String::new());
    lines.push(one_line(&why.message()).into_owned());
    lines.push("Resolve each conflict below: keep the correct parts of both sides.".to_owned());
    lines.push(GIVE_UP.to_owned());
    lines
}
