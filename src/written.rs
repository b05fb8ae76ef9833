//! YAML and JSON as somebody wrote them: nodes with their places, and changes that keep the style of the file.
//!
//! A change is a list of [splices](splice::Splice): the bytes that none of them names come out as they went in.

mod align;
pub(crate) mod block;
pub(crate) mod direct;
mod events;
mod flow;
mod item;
mod json;
pub(crate) mod lines;
pub(crate) mod new;
mod pair;
pub(crate) mod quoted;
pub(crate) mod spell;
pub(crate) mod splice;
pub(crate) mod tree;
mod value;

use thiserror::Error;

use spell::Spelling;
use tree::Tree;

/// Columns from a key to what stands below it, where the file does not show its own.
pub(crate) const DEFAULT_STEP: usize = 2;

/// Changes a file in its own style.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Editor<'t> {
    pub(crate) text: &'t str,
    pub(crate) tree: &'t Tree,
    /// How texts are spelt where there is no style to keep.
    pub(crate) spelling: Spelling,
    /// How much further in than its key a block mapping stands.
    pub(crate) step: usize,
    /// How much further in than its key a list stands.
    pub(crate) dash: usize,
}

/// A change that cannot be written in the style of the file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: cannot change {path} as it is written: {reason}")]
pub struct Unwritable {
    /// Where it stands in the file, from 1.
    pub line: usize,
    /// `server`, `data.mapRoles` and the like.
    pub path: String,
    /// Why not.
    pub reason: &'static str,
    /// What to write instead.
    pub remedy: &'static str,
}

/// Why a text could not be read, and where.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    /// `YAML` or `JSON`
    pub(crate) format: &'static str,
    pub(crate) problem: String,
    /// From 1.
    pub(crate) line: usize,
    /// The document of the stream, from 0.
    pub(crate) document: usize,
}

/// Reads a text as kubectl does a manifest: as JSON when it starts with `{` and is JSON, else as YAML 1.1.
pub(crate) fn read(text: &str) -> Result<Tree, Broken> {
    if !text.trim_start().starts_with('{') {
        return events::read(text);
    }
    // A flow mapping of YAML starts like JSON.
    json::read(text).or_else(|broken| events::read(text).map_err(|_| broken))
}

/// Reads a text as kubectl does a kubeconfig: as YAML 1.1, even where it looks like JSON.
pub(crate) fn read_yaml(text: &str) -> Result<Tree, Broken> {
    events::read(text)
}
