//! The reader against answers recorded from the authenticator's own `ParseMap`.

use awsauth::yaml::to_text;
use support::oracle::{Data, Parsed};
use support::reading::{comparable, read};
use support::vectors::{self, Outcome};

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

/// As a file of these bytes is read: what is not text is one error, and nothing is left.
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
