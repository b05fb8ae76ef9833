//! Checks the properties of edits on sections that libFuzzer generates.
//!
//! An input is an eight-byte seed for random edits, then mapRoles, mapUsers and mapAccounts, separated by NUL.
#![no_main]

use awsauth_core::document::{Document, SectionName};
use fastrand::Rng;
use libfuzzer_sys::{Corpus, fuzz_target};

#[path = "../../tests/support/edit_properties.rs"]
mod edit_properties;
#[path = "../../tests/offline/edit_properties/edits.rs"]
mod edits;

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
    if let Err(fault) = edit_properties::check(&data, &edits, &mut edit_properties::Seen::new()) {
        panic!("{fault}\n{data:#?}\n{edits:#?}");
    }
    Corpus::Keep
});
