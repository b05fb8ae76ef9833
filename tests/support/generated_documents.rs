//! Generates the contents of aws-auth sections, valid and damaged. The same seed gives the same content.

mod entry_lists;
mod json;
mod limits;
mod mutate;
mod random_tokens;
mod scalars;
mod yaml_trees;
#[rustfmt::skip]
mod yaml_fragments;

use std::collections::BTreeMap;

use awsauth_core::document::SectionName;
use fastrand::Rng;

/// Random choices.
pub(crate) trait Draw {
    /// Returns true with probability 1/`n`.
    fn one_in(&mut self, n: u32) -> bool;
    fn pick<T: Copy>(&mut self, from: &[T]) -> T;
    /// Returns an index with these weights.
    fn weighted(&mut self, weights: &[u32]) -> usize;
}

impl Draw for Rng {
    fn one_in(&mut self, n: u32) -> bool {
        self.u32(..n) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.usize(..from.len())]
    }

    fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut at = self.u32(..weights.iter().sum::<u32>());
        for (index, weight) in weights.iter().enumerate() {
            if at < *weight {
                return index;
            }
            at -= weight;
        }
        unreachable!("the draw is below the sum of the weights")
    }
}

/// Generates `data` for the reader: mostly one section, with any kind of content.
/// `seeds` are contents to mutate and splice.
pub(crate) fn data(rng: &mut Rng, seeds: &[String]) -> BTreeMap<String, String> {
    let count = if rng.one_in(12) {
        1 + rng.usize(..3)
    } else {
        1
    };
    (0..count)
        .map(|_| {
            let name = SectionName::ALL[rng.weighted(&[55, 20, 25])];
            (name.key().to_owned(), any(rng, name, seeds))
        })
        .collect()
}

/// Generates a section that the authenticator reads without errors, in a realistic style.
pub(crate) fn realistic(rng: &mut Rng, name: SectionName) -> String {
    entry_lists::section(rng, name, entry_lists::Values::Tame)
}

/// Generates any section.
pub(crate) fn any(rng: &mut Rng, name: SectionName, seeds: &[String]) -> String {
    match rng.weighted(&[130, 150, 160, 210, 70, 70, 90, 50, 25, 20, 1]) {
        0 => realistic(rng, name),
        1 => entry_lists::section(rng, name, entry_lists::Values::Wild),
        2 => {
            let text = entry_lists::section(rng, name, entry_lists::Values::Wild);
            mutate::some(rng, text, seeds)
        }
        3 => yaml_trees::section(rng, name),
        4 => {
            let text = yaml_trees::section(rng, name);
            mutate::some(rng, text, seeds)
        }
        5 => random_tokens::section(rng),
        6 => {
            let text = rng.choice(seeds).cloned().unwrap_or_default();
            mutate::some(rng, text, seeds)
        }
        7 => scalars::focus(rng, name),
        8 => {
            let text = json::object(rng);
            if rng.bool() {
                text
            } else {
                mutate::some(rng, text, seeds)
            }
        }
        9 => {
            let text = any(rng, name, seeds);
            mutate::at_piece_end(rng, &text)
        }
        _ => limits::section(rng, name),
    }
}
