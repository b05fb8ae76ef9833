//! The reader against answers recorded from the authenticator's own `ParseMap`.

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
        let have = comparable(read(&vector.data));
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
