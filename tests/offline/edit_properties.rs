//! The properties of edits on generated documents and batches of edits.
//!
//! `AWSAUTH_EDIT_SEQUENCES=N` sets the number of sequences, `AWSAUTH_EDIT_SEED=N` the seed. Sequence i of seed s is
//! sequence 0 of seed s + i, so that a failing sequence can run alone. A failure is shrunk and written to
//! `tests/data/regressions/edit/`, where later runs replay it.
#![allow(
    clippy::print_stderr,
    reason = "how much of what was tried is a part of the result"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use awsauth_core::document::edit::Edit;
use awsauth_core::document::{Document, SectionName};
use fastrand::Rng;

use crate::support::{edit_properties, generated_documents, parse_vectors, shrink};
use case_text_format::Case;
use edit_properties::{Data, Seen};

mod case_text_format;
mod edits;

const WORKERS: usize = 2;
/// The number of failures after which a worker stops.
const ENOUGH: usize = 4;
const SHRINK_FOR: Duration = Duration::from_secs(20);

/// Outcomes that must occur, with their minimum percentage of the sequences.
const LEAST: [(&str, u64); 16] = [
    ("added", 25),
    ("changed", 12),
    ("unchanged", 2),
    ("removed", 12),
    ("absent", 10),
    ("refused: not editable", 5),
    ("refused: odd entry", 1),
    ("refused: needs username", 2),
    ("refused: other list", 1),
    ("refused: no such line", 1),
    ("refused: invalid", 1),
    ("unchanged_entries", 200),
    ("node entries", 10),
    ("comments", 50),
    ("there and back", 80),
    ("there and back to none", 8),
];

#[test]
fn properties_hold_for_generated_documents_and_edits() {
    let sequences = number_from("AWSAUTH_EDIT_SEQUENCES", 30_000);
    let seed = number_from("AWSAUTH_EDIT_SEED", 1);
    let seeds = parse_vectors::texts();
    let (next, begun) = (AtomicU64::new(0), Instant::now());
    let work = || {
        let mut seen = Seen::new();
        let mut faults = Vec::new();
        while faults.len() < ENOUGH {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= sequences {
                break;
            }
            let seed = seed.wrapping_add(number);
            let case = draw(&mut Rng::with_seed(seed), &seeds);
            if fault(&case, &mut seen).is_some() {
                faults.push((seed, shrunk(case)));
            }
        }
        (seen, faults)
    };
    let mut seen = Seen::new();
    let mut faults = Vec::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let (of_worker, found) = worker.join().expect("a worker does not panic");
            for (what, count) in of_worker {
                *seen.entry(what).or_default() += count;
            }
            faults.extend(found);
        }
    });
    eprintln!(
        "{sequences} sequences from seed {seed} in {:.1?}",
        begun.elapsed()
    );
    for (what, count) in &seen {
        eprintln!("{count:>9} {what}");
    }
    assert!(faults.is_empty(), "{}", report(&faults));
    if sequences < 10_000 {
        return;
    }
    for (what, percent) in LEAST {
        let count = seen.get(what).copied().unwrap_or_default();
        assert!(count >= sequences * percent / 100, "only {count} {what}");
    }
}

#[test]
fn properties_hold_for_former_failures() {
    for entry in std::fs::read_dir(regressions()).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let case = Case::read(&text);
        let fault = fault(&case, &mut Seen::new());
        assert_eq!(fault, None, "{}", path.display());
    }
}

#[test]
fn written_case_is_read_back() {
    let seeds = parse_vectors::texts();
    for seed in 0..500 {
        let case = draw(&mut Rng::with_seed(seed), &seeds);
        let read = Case::read(&case.write("a\nfault"));
        assert_eq!((read.data, read.edits), (case.data, case.edits), "{seed}");
    }
}

fn number_from(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|e| panic!("{variable}={text}: {e}"))
    })
}

fn draw(rng: &mut Rng, seeds: &[String]) -> Case {
    let mut data = Data::new();
    for name in SectionName::ALL {
        let text = match rng.u8(..10) {
            0 => continue,
            1 => {
                let text = generated_documents::realistic(rng, name);
                twice(rng, &text)
            }
            2..=6 => generated_documents::realistic(rng, name),
            _ => generated_documents::any(rng, name, seeds),
        };
        data.insert(name.key().to_owned(), text);
    }
    let edits = edits::batch(rng, &Document::read(&data));
    Case { data, edits }
}

/// Returns the text with one line repeated, which may repeat an entry or a field.
fn twice(rng: &mut Rng, text: &str) -> String {
    let mut lines: Vec<_> = text.split_inclusive('\n').collect();
    if !lines.is_empty() {
        let at = rng.usize(..lines.len());
        lines.insert(at, lines[at]);
    }
    lines.concat()
}

/// Returns the property that does not hold, or the message of a panic.
fn fault(case: &Case, seen: &mut Seen) -> Option<String> {
    let checked = catch_unwind(AssertUnwindSafe(|| {
        edit_properties::check(&case.data, &case.edits, seen)
    }));
    match checked {
        Ok(result) => result.err(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Some(format!("panic: {}", text.unwrap_or_default()))
        }
    }
}

/// Returns a smaller case in which a property does not hold.
fn shrunk(mut case: Case) -> Case {
    let deadline = Instant::now() + SHRINK_FOR;
    let is_faulty =
        |case: &Case| Instant::now() < deadline && fault(case, &mut Seen::new()).is_some();
    loop {
        let size = case.write("").len();
        for at in (0..case.edits.len()).rev() {
            let mut less = case.clone();
            less.edits.remove(at);
            if is_faulty(&less) {
                case = less;
            }
        }
        for at in 0..case.edits.len() {
            for simpler in simpler(&case.edits[at]) {
                let mut less = case.clone();
                less.edits[at] = simpler;
                if is_faulty(&less) {
                    case = less;
                }
            }
        }
        for name in SectionName::ALL {
            let Some(text) = case.data.remove(name.key()) else {
                continue;
            };
            if is_faulty(&case) {
                continue;
            }
            let with = |text: &String| {
                let mut with = case.clone();
                with.data.insert(name.key().to_owned(), text.clone());
                with
            };
            let text = shrink::shrink(text, |texts| {
                texts.iter().position(|text| is_faulty(&with(text)))
            });
            case = with(&text);
        }
        if case.write("").len() >= size {
            return case;
        }
    }
}

fn simpler(edit: &Edit) -> Vec<Edit> {
    use awsauth_core::document::edit::Groups;
    let Edit::Map {
        principal,
        username,
        groups,
    } = edit
    else {
        return Vec::new();
    };
    let map = |username: &Option<String>, groups: Groups| Edit::Map {
        principal: principal.clone(),
        username: username.clone(),
        groups,
    };
    let mut simpler = vec![
        map(&None, groups.clone()),
        map(&Some("u".to_owned()), groups.clone()),
        map(username, Groups::Keep),
    ];
    let without = |list: &[String]| -> Vec<Vec<String>> {
        (0..list.len())
            .map(|at| [&list[..at], &list[at + 1..]].concat())
            .collect()
    };
    match groups {
        Groups::Keep => {
            simpler.pop();
        }
        Groups::Set(groups) => simpler.extend(
            without(groups)
                .into_iter()
                .map(|groups| map(username, Groups::Set(groups))),
        ),
        Groups::Adjust { add, remove } => {
            let adjust = |add: &[String], remove: &[String]| {
                let (add, remove) = (add.to_vec(), remove.to_vec());
                map(username, Groups::Adjust { add, remove })
            };
            simpler.extend(without(add).iter().map(|add| adjust(add, remove)));
            simpler.extend(without(remove).iter().map(|remove| adjust(add, remove)));
        }
    }
    simpler
}

fn regressions() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/regressions/edit")
}

/// Writes failing cases to files and returns a description of them.
fn report(faults: &[(u64, Case)]) -> String {
    let mut shown = String::new();
    std::fs::create_dir_all(regressions()).expect("the folder can be made");
    for (seed, case) in faults {
        let fault = fault(case, &mut Seen::new()).unwrap_or_default();
        let text = case.write(&fault);
        let path = regressions().join(format!("seed-{seed}.case"));
        std::fs::write(&path, &text).expect("the folder can be written to");
        shown += &format!("{}\n{text}\n", path.display());
    }
    shown
}
