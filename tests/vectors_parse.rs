//! The reader against answers recorded from the authenticator's own `ParseMap`.

use awsauth::yaml::to_text;
use support::oracle::Parsed;
use support::reading::{comparable, read};
use support::vectors::{self, Outcome, Vector};

mod support;

#[test]
fn reads_what_the_authenticator_reads() {
    assert_read_alike(vectors::VECTORS);
}

#[test]
fn reads_alike_what_it_once_read_otherwise() {
    assert_read_alike(vectors::REGRESSIONS);
}

fn assert_read_alike(file: &str) {
    let mut wrong = Vec::new();
    for vector in vectors::load(file) {
        let have = comparable(read_bytes(&vector));
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

/// As a file of these bytes is read: what is not text is one error, and nothing is left.
fn read_bytes(vector: &Vector) -> Parsed {
    let mut data = vector.data.clone();
    let mut errors = Vec::new();
    for (key, bytes) in vector.bytes() {
        match to_text(&bytes) {
            Ok(text) => drop(data.insert(key, text.into_owned())),
            Err(error) => errors.push(format!("yaml: {}", error.message)),
        }
    }
    let mut parsed = read(&data);
    parsed.errors.extend(errors);
    parsed
}
