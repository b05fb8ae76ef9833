//! The reader on recorded results of the authenticator's own `ParseMap`.

use crate::support::authenticator_oracle::{Data, Parsed};
use crate::support::parse_comparison::{comparable, read};
use crate::support::parse_vectors::{self, Outcome};
use goyaml::to_text;

#[test]
fn recorded_documents_are_read_as_the_authenticator_reads_them() {
    assert_read_alike(parse_vectors::VECTORS);
}

#[test]
fn former_differences_are_read_as_the_authenticator_reads_them() {
    assert_read_alike(parse_vectors::REGRESSIONS);
}

fn assert_read_alike(file: &str) {
    let mut wrong = Vec::new();
    for vector in parse_vectors::load(file) {
        let have = comparable(read_bytes(&vector.data));
        if let Outcome::Parsed(want) = vector.outcome
            && comparable(want.clone()) != have
        {
            wrong.push(format!(
                "{}: {:?}\n  want {want:?}\n  have {have:?}",
                vector.name, vector.data
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{file}: {} disagree:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Reads a document like a file of these bytes: invalid UTF-8 is a single error without entries.
fn read_bytes(data: &Data) -> Parsed {
    let mut texts = data.texts.clone();
    let mut errors = Vec::new();
    for (key, bytes) in &data.bytes {
        match to_text(bytes) {
            Ok(text) => drop(texts.insert(key.clone(), text.into_owned())),
            Err(error) => errors.push(format!("yaml: {}", error.message)),
        }
    }
    let mut parsed = read(&texts);
    parsed.errors.extend(errors);
    parsed
}
