//! The reader and the authenticator's own `ParseMap` agree on generated and damaged inputs.
//!
//! `AWSAUTH_FUZZ_INPUTS=N` sets the number of inputs, `AWSAUTH_FUZZ_SEED=N` the seed. Input i of seed s is input 0 of
//! seed s + i, so that a failing input can run alone.
#![allow(
    clippy::print_stderr,
    reason = "how much of what was tried is a part of the result"
)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use fastrand::Rng;
use serde_json::json;

use crate::support::authenticator_oracle::{Answer, Data, Oracle, Parsed, Request};
use crate::support::parse_comparison::{comparable, read};
use crate::support::parse_vectors::Outcome;
use crate::support::{generated_documents, parse_vectors, shrink};
use outcome_counts::OutcomeCounts;

mod outcome_counts;

/// The number of inputs in one request.
const BATCH: u64 = 1_000;
/// The number of workers. Each has its own oracle.
const WORKERS: usize = 2;
/// The number of disagreements after which a worker stops.
const ENOUGH: usize = 12;
/// How often to repeat a request. The authenticator iterates over Go maps in places, so its answers can vary.
const REPEATS: usize = 40;

type Sections = BTreeMap<String, String>;

#[test]
fn generated_documents_are_read_as_by_the_authenticator() {
    let inputs = number_from("AWSAUTH_FUZZ_INPUTS", 100_000);
    let seed = number_from("AWSAUTH_FUZZ_SEED", 1);
    let seeds = parse_vectors::texts();
    let (next, begun) = (AtomicU64::new(0), Instant::now());
    let workers: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| scope.spawn(|| Worker::new(seed, &seeds).run(&next, inputs)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a worker does not panic"))
            .collect()
    });
    let mut counts = OutcomeCounts::default();
    let mut disagreements = Vec::new();
    for (of_worker, found) in workers {
        counts.add(of_worker);
        disagreements.extend(found);
    }
    eprintln!(
        "{inputs} inputs from seed {seed} in {:.1?}\n{counts}",
        begun.elapsed()
    );
    assert!(disagreements.is_empty(), "{}", report(seed, &disagreements));
    counts.assert_varied();
}

#[test]
fn regression_cases_match_the_authenticator() {
    let mut oracle = Oracle::start();
    for vector in parse_vectors::load(parse_vectors::REGRESSIONS) {
        let answer = oracle
            .ask(&[Request::Parse { data: vector.data }])
            .remove(0);
        match (answer, vector.outcome) {
            (Answer::Parse(found), Outcome::Parsed(recorded)) => {
                assert_eq!(comparable(found), comparable(recorded), "{}", vector.name);
            }
            (Answer::Panic(_), Outcome::Panic { .. }) => {}
            (answer, _) => panic!("{}: {answer:?}", vector.name),
        }
    }
}

fn number_from(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|e| panic!("{variable}={text}: {e}"))
    })
}

/// An input on which the two readers differ, shrunk.
struct Disagreement {
    seed: u64,
    sections: Sections,
    want: Answer,
    have: Result<Parsed, String>,
}

struct Worker<'s> {
    oracle: Oracle,
    seed: u64,
    seeds: &'s [String],
    counts: OutcomeCounts,
    found: Vec<Disagreement>,
}

impl<'s> Worker<'s> {
    fn new(seed: u64, seeds: &'s [String]) -> Self {
        Self {
            oracle: Oracle::start(),
            seed,
            seeds,
            counts: OutcomeCounts::default(),
            found: Vec::new(),
        }
    }

    fn run(mut self, next: &AtomicU64, inputs: u64) -> (OutcomeCounts, Vec<Disagreement>) {
        while self.found.len() < ENOUGH {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= inputs {
                break;
            }
            self.batch(first..inputs.min(first + BATCH));
        }
        (self.counts, self.found)
    }

    fn batch(&mut self, numbers: std::ops::Range<u64>) {
        let seeds = numbers.map(|number| self.seed.wrapping_add(number));
        let inputs: Vec<_> = seeds
            .map(|seed| {
                (
                    seed,
                    generated_documents::data(&mut Rng::with_seed(seed), self.seeds),
                )
            })
            .collect();
        let requests: Vec<_> = inputs
            .iter()
            .map(|(_, sections)| request(sections))
            .collect();
        for ((seed, sections), want) in inputs.into_iter().zip(self.oracle.ask(&requests)) {
            self.counts.count(&want);
            let have = ours(&sections);
            if agree(&want, &have) || self.found.len() == ENOUGH {
                continue;
            }
            if self.varies(&sections, &have) {
                self.counts.varying += 1;
                continue;
            }
            let sections = self.shrunk(sections);
            let want = self.oracle.ask(&[request(&sections)]).remove(0);
            let have = ours(&sections);
            self.found.push(Disagreement {
                seed,
                sections,
                want,
                have,
            });
        }
    }

    /// Whether the authenticator gives our answer, too, when it is asked repeatedly.
    fn varies(&mut self, sections: &Sections, have: &Result<Parsed, String>) -> bool {
        let again = vec![request(sections); REPEATS];
        self.oracle.ask(&again).iter().any(|want| agree(want, have))
    }

    fn shrunk(&mut self, sections: Sections) -> Sections {
        let alone = sections
            .iter()
            .map(|(key, text)| Sections::from([(key.clone(), text.clone())]));
        let Some(alone) = alone.into_iter().find(|alone| self.differ(alone)) else {
            return sections;
        };
        let key = alone.keys().next().cloned().unwrap_or_default();
        let text = alone[&key].clone();
        let text = shrink::shrink(text, |candidates| {
            let candidates: Vec<_> = candidates
                .iter()
                .map(|text| Sections::from([(key.clone(), text.clone())]))
                .collect();
            let requests: Vec<_> = candidates.iter().map(request).collect();
            let answers = self.oracle.ask(&requests);
            let mut pairs = candidates.iter().zip(&answers);
            let found = pairs.position(|(sections, want)| !agree(want, &ours(sections)))?;
            let is_steady = !self.varies(&candidates[found], &ours(&candidates[found]));
            is_steady.then_some(found)
        });
        Sections::from([(key, text)])
    }

    fn differ(&mut self, sections: &Sections) -> bool {
        let want = self.oracle.ask(&[request(sections)]).remove(0);
        !agree(&want, &ours(sections))
    }
}

fn request(sections: &Sections) -> Request {
    Request::Parse {
        data: Data {
            texts: sections.clone(),
            ..Data::default()
        },
    }
}

/// Our result, or the message of the panic in our reader.
fn ours(sections: &Sections) -> Result<Parsed, String> {
    catch_unwind(AssertUnwindSafe(|| comparable(read(sections)))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default()
    })
}

/// If Go panics, there is nothing to compare. We must not panic.
fn agree(want: &Answer, have: &Result<Parsed, String>) -> bool {
    match (want, have) {
        (Answer::Parse(want), Ok(have)) => comparable(want.clone()) == *have,
        (Answer::Panic(_), have) => have.is_ok(),
        _ => false,
    }
}

/// Writes the disagreements as lines for `tests/data/regressions/read.jsonl`. Returns where they are.
fn report(seed: u64, disagreements: &[Disagreement]) -> String {
    let path =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("disagreements-{seed}.jsonl"));
    let mut lines = String::new();
    let mut shown = String::new();
    for Disagreement {
        seed,
        sections,
        want,
        have,
    } in disagreements
    {
        lines += &match want {
            Answer::Parse(want) => json!({ "name": format!("seed-{seed}"), "data": sections, "roles": want.roles, "users": want.users, "accounts": want.accounts, "errors": want.errors }),
            other => json!({ "name": format!("seed-{seed}"), "data": sections, "panic": format!("{other:?}") }),
        }
        .to_string();
        lines.push('\n');
        shown += &format!("seed {seed}: {sections:?}\n  want {want:?}\n  have {have:?}\n");
    }
    std::fs::write(&path, lines).expect("the target folder can be written to");
    format!(
        "{} disagreements, in {}\n{shown}",
        disagreements.len(),
        path.display()
    )
}
