//! Tokens in random order.

use fastrand::Rng;

use super::{Draw, yaml_fragments};

pub(super) fn section(rng: &mut Rng) -> String {
    let mut text = String::new();
    if rng.one_in(4) {
        text.push_str("- rolearn: x\n");
    }
    for _ in 0..1 + rng.usize(..18) {
        text.push_str(rng.pick(&yaml_fragments::TOKENS));
    }
    text
}
