//! The lint rules on generated mistakes, correct documents and facts about a cluster.
#![allow(
    clippy::print_stderr,
    reason = "how much was found is a part of the result"
)]

mod cluster_facts;
mod detection_rate;
mod manifest_rules;
