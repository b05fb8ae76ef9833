//! A lossless editor for YAML and JSON.
//!
//! A change is a list of [splices](splice::Splice): every byte outside of them is preserved. New text is written in
//! the style of the text around it. There are three layers:
//! - [`lines`], [`splice`] and [`scalar_style`]: line arithmetic, byte ranges, and how scalars are written.
//! - [`block_list`], [`flow_collection`], [`block_scalar`] and [`quoted_scalar`]: one construct, given by its byte ranges.
//! - [`Editor`]: a [`Tree`] of the whole text and changes to its nodes.

pub mod block_list;
pub mod block_scalar;
mod edit_mapping;
mod edit_scalar;
mod edit_sequence;
pub mod flow_collection;
mod line_diff;
pub mod lines;
pub mod new_value;
mod node_end;
pub mod obstacle;
pub mod quoted_scalar;
mod read_json;
mod read_yaml;
pub mod scalar_style;
pub mod span_tree;
pub mod splice;

use thiserror::Error;

use scalar_style::Spelling;
use span_tree::{ReadError, Tree};

/// The indentation of nested values if the file does not show its own.
pub const DEFAULT_STEP: usize = 2;

/// Changes a file in its own style.
#[derive(Clone, Copy, Debug)]
pub struct Editor<'t> {
    pub text: &'t str,
    pub tree: &'t Tree,
    /// How a new value is written if there is no style to keep.
    pub spelling: Spelling,
    /// The indentation of a block mapping below its key.
    pub step: usize,
    /// The indentation of a list below its key.
    pub dash: usize,
}

/// A change that cannot be written in the style of the file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: cannot change {path} in its present form: {reason}")]
pub struct Unwritable {
    /// The line in the file, from 1.
    pub line: usize,
    /// The path of the value, such as `server` or `data.mapRoles`.
    pub path: String,
    pub reason: &'static str,
    /// How the user can make the change possible.
    pub remedy: &'static str,
}

/// Reads a file as kubectl reads a manifest: as JSON if it starts with `{` and is JSON, else as YAML 1.1.
///
/// # Errors
/// If the text is neither.
pub fn read(text: &str) -> Result<Tree, ReadError> {
    if !text.trim_start().starts_with('{') {
        return read_yaml::read(text);
    }
    // A flow mapping of YAML starts like JSON.
    read_json::read(text).or_else(|error| read_yaml::read(text).map_err(|_| error))
}

/// Reads a file as kubectl reads a kubeconfig: as YAML 1.1, even if it looks like JSON.
///
/// # Errors
/// If the text is not YAML.
pub fn read_yaml(text: &str) -> Result<Tree, ReadError> {
    read_yaml::read(text)
}
