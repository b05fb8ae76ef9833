//! YAML as the authenticator reads it: text in, events with their places out.
//!
//! The authenticator decodes aws-auth with go-yaml v2 (<https://github.com/yaml/go-yaml/tree/v2>), a port of libyaml
//! from before its 0.2 line. This reader follows the same algorithm, so that it accepts, refuses and resolves the same
//! texts: YAML 1.1, `?` ends a plain scalar inside brackets, tags may hold `,`, only `%YAML 1.1` is known. Text is
//! taken in pieces of 512 bytes as there, which decides whether a forbidden character after the first document is seen.

mod encoding;
mod error;
mod event;
mod input;
mod node;
mod parser;
mod properties;
mod scalar;
mod scanner;
mod token;

pub use encoding::{EncodingError, to_text};
pub use error::{ErrorKind, SyntaxError};
pub use event::{Event, EventKind, Mark, ScalarStyle};
pub use node::{Node, NodeId, NodeKind, Place, Tree, TreeError};
pub use parser::Parser;
