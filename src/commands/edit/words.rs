//! What the page says of itself.

use crate::document::SectionName;
use crate::edge::Failure;
use crate::editable::{Keys, MARK};
use crate::history::Contents;
use crate::render::plain;
use crate::world::World;

const GIVE_UP: &str = "Mend it and save. Save it unchanged or empty to give up: what you typed is kept in a file then.";

/// Whose aws-auth it is.
pub(super) fn title(world: &World, note: Option<String>) -> Vec<String> {
    let title = format!("aws-auth of {}", plain(&world.to_string()));
    let note = note.map(|note| plain(&note).into_owned());
    [title].into_iter().chain(note).collect()
}

/// What stands above a page that is shown first.
pub(super) fn header(title: &[String], contents: &Contents, keys: &Keys) -> Vec<String> {
    let mut lines = title.to_vec();
    lines.push(String::new());
    lines.push(format!(
        "Each text stands below its key. Lines that begin with {MARK} are dropped."
    ));
    lines.push("Save it unchanged or empty to cancel.".to_owned());
    let sections = SectionName::ALL.map(SectionName::key).into_iter();
    let missing: Vec<&str> = sections
        .filter(|key| !contents.data.contains_key(*key))
        .collect();
    if let Some(first) = missing.first() {
        lines.push(format!(
            "There is no {}: to begin one, write {first}: on a line of its own and the entries below.",
            missing.join(" and no ")
        ));
    }
    let hidden = contents.data.keys().filter(|key| !keys.has(key));
    let binary = contents.binary_data.keys();
    let hidden: Vec<String> = hidden
        .chain(binary)
        .map(|key| plain(key).into_owned())
        .collect();
    if !hidden.is_empty() {
        lines.push(format!(
            "Not shown, and left as it is: {}.",
            hidden.join(", ")
        ));
    }
    lines
}

/// What stands above a page that comes back.
pub(super) fn reopened(title: &[String]) -> Vec<String> {
    let mut lines = title.to_vec();
    lines.push(String::new());
    lines.push(format!(
        "Nothing is written yet: what is in the way stands in lines that begin with {MARK}, above the line in question."
    ));
    lines.push(GIVE_UP.to_owned());
    lines
}

/// What stands above a page with a conflict.
pub(super) fn torn(title: &[String], why: &Failure) -> Vec<String> {
    let mut lines = title.to_vec();
    lines.push(String::new());
    lines.push(plain(&why.message()).into_owned());
    lines.push("Of each conflict below, leave what is right of both sides.".to_owned());
    lines.push(GIVE_UP.to_owned());
    lines
}
