//! Reads YAML exactly as go-yaml v2 does, reports JSON errors as Go's decoder does, and edits both without changing other bytes.
//!
//! The authenticator decodes aws-auth with go-yaml v2 (<https://github.com/yaml/go-yaml/tree/v2>), a port of libyaml
//! from before version 0.2. This parser follows the same algorithm, so that it accepts, rejects and resolves the same
//! inputs: YAML 1.1, `?` ends a plain scalar inside brackets, tags may contain `,`, and only `%YAML 1.1` is known. Like
//! go-yaml, it reads text in blocks of 512 bytes, which decides whether it notices a forbidden character after the first
//! document.

pub mod edit;
mod encoding;
mod error;
mod event;
pub mod go_json;
mod input;
mod parser;
mod resolve;
mod scanner;
mod token;
mod tree;

pub use encoding::{EncodingError, to_text};
pub use error::{ErrorKind, SyntaxError};
pub use event::{Event, EventKind, Mark, ScalarStyle};
pub use parser::Parser;
pub use resolve::{Resolved, resolve, short_tag};
pub use tree::{Node, NodeId, NodeKind, Place, Tree, TreeError};
