//! How fast awsauth is beside kubectl, bare YAML and `/bin/true`: ratios, taken side by side in one run.
//!
//! Nothing is asserted: a busy machine makes every number worse, and only the ratios mean anything. `cargo bench`
//! runs everything; `cargo bench -- start manifest` only what it names. It measures the binary that is released,
//! which it builds with `cargo static`, against the real parts of `tests/cluster`.
#![expect(clippy::print_stdout, reason = "a bench is there to print")]

#[path = "../../tests/support/mod.rs"]
mod support;

mod aws_auth;
mod delay;
mod live;
mod manifest;
mod measure;
mod memory;
mod peers;
mod program;
mod round_trips;
mod start;
mod token;
mod writers;
mod yardstick;

use program::Awsauth;

type Part = (&'static str, fn(&Awsauth));

const PARTS: [Part; 6] = [
    ("start", start::run),
    ("token", token::run),
    ("manifest", manifest::run),
    ("live", live::run),
    ("round-trips", round_trips::run),
    ("writers", writers::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((memory::FLAG, command)) =
        arguments.split_first().map(|(a, rest)| (a.as_str(), rest))
    {
        return memory::report_peak(command);
    }
    // cargo itself says `--bench`.
    let wanted: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let unknown = wanted
        .iter()
        .find(|wanted| PARTS.iter().all(|(name, _)| name != *wanted));
    assert!(
        unknown.is_none(),
        "no part is called {unknown:?}; there are {:?}",
        PARTS.map(|(name, _)| name)
    );
    let awsauth = Awsauth::build();
    for (_, run) in PARTS
        .iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.contains(name))
    {
        run(&awsauth);
    }
}
