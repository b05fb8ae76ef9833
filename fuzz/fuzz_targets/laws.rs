//! The laws of editing on texts that libFuzzer thinks of.
//!
//! An input is eight bytes to draw the edits with, then mapRoles, mapUsers and mapAccounts, NUL between them.
#![no_main]

use awsauth::document::{Document, SectionName};
use fastrand::Rng;
use libfuzzer_sys::{Corpus, fuzz_target};

#[path = "../../tests/laws/edits.rs"]
mod edits;
#[path = "../../tests/support/laws.rs"]
mod laws;

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((seed, texts)) = input.split_first_chunk() else {
        return Corpus::Reject;
    };
    let Ok(texts) = std::str::from_utf8(texts) else {
        return Corpus::Reject;
    };
    let keys = SectionName::ALL.map(SectionName::key);
    let sections = keys.into_iter().zip(texts.splitn(3, '\0'));
    let data = sections
        .map(|(key, text)| (key.to_owned(), text.to_owned()))
        .collect();
    let mut rng = Rng::with_seed(u64::from_le_bytes(*seed));
    let edits = edits::batch(&mut rng, &Document::read(&data));
    if let Err(fault) = laws::check(&data, &edits, &mut laws::Seen::new()) {
        panic!("{fault}\n{data:#?}\n{edits:#?}");
    }
    Corpus::Keep
});
