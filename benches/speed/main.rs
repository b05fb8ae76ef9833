//! Benchmarks of awsauth relative to kubectl, a YAML parser and `/bin/true`, measured in the same run.
//!
//! Nothing fails because of a number: a busy machine makes every number worse, and only the ratios are meaningful. `cargo
//! bench` runs all benchmarks, `cargo bench -- start manifest` only those. They measure the release binary, which they
//! build with `cargo static`, against the servers of `tests/go/cluster`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

#[path = "../../tests/support/mod.rs"]
mod support;

mod aws_auth_fixture;
mod concurrent_writers;
mod fleet;
mod large_manifest;
mod live_cluster;
mod measure;
mod measured_commands;
mod other_writers;
mod process_start;
mod round_trips;
mod token;
mod webhook;

use measure::peak_memory;
use measure::release_binary::Awsauth;

type Benchmark = (&'static str, fn(&Awsauth));

const BENCHMARKS: [Benchmark; 8] = [
    ("start", process_start::run),
    ("token", token::run),
    ("manifest", large_manifest::run),
    ("live", live_cluster::run),
    ("round-trips", round_trips::run),
    ("writers", concurrent_writers::run),
    ("webhook", webhook::run),
    ("fleet", fleet::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((peak_memory::FLAG, command)) =
        arguments.split_first().map(|(a, rest)| (a.as_str(), rest))
    {
        return peak_memory::report_peak(command);
    }
    // cargo adds `--bench`.
    let selected: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let unknown = selected
        .iter()
        .find(|name| BENCHMARKS.iter().all(|(known, _)| known != *name));
    assert!(
        unknown.is_none(),
        "there is no benchmark {unknown:?}; choose from {:?}",
        BENCHMARKS.map(|(name, _)| name)
    );
    let awsauth = Awsauth::build();
    for (_, run) in BENCHMARKS
        .iter()
        .filter(|(name, _)| selected.is_empty() || selected.contains(name))
    {
        run(&awsauth);
    }
}
