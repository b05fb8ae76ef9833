//! Recorded results of the authenticator's `ParseMap`: `tests/data/authenticator_vectors/parse.jsonl`, and in the same form the inputs
//! that our reader once read differently.

use std::path::Path;

use serde::Deserialize;

use super::authenticator_oracle::{Data, Parsed};

pub(crate) const VECTORS: &str = "tests/data/authenticator_vectors/parse.jsonl";
/// In lines with `panic`, the authenticator panicked.
pub(crate) const REGRESSIONS: &str = "tests/data/regressions/read.jsonl";

#[derive(Deserialize)]
pub(crate) struct Vector {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) data: Data,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    Parsed(Parsed),
    Panic { panic: String },
}

/// Reads the vectors of a file.
pub(crate) fn load(file: &str) -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let lines =
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{file}: {e}: {line}")))
        .collect()
}

/// Returns every string in them.
pub(crate) fn texts() -> Vec<String> {
    [VECTORS, REGRESSIONS]
        .into_iter()
        .flat_map(load)
        .flat_map(|vector| vector.data.texts.into_values())
        .collect()
}
