//! How often the headline of `doctor` names the right check, for single faults and for pairs.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::doctor::harness::{Diagnosis, Harness, admin, put, valid_aws_auth};
use crate::doctor::injected_faults::{Fault, OF_THE_MACHINE, Part, of_aws_auth};
use crate::eks_cluster::harness::ExclusiveCluster;
use crate::eks_cluster::token_review::Who;
use crate::support::cluster::Cluster;

/// The minimum accuracy in percent.
const SINGLE: usize = 95;
const PAIRS: usize = 85;

/// Checks in the order in which their faults must be fixed: a fault hides the faults of later checks.
const FIX_ORDER: [&str; 31] = [
    "K1", "K8", "K2", "K3", "K6", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10",
    "C11", "C12", "C14", "C15", "K5", "K4", "K7", "T1", "T3", "T4", "T2", "T5", "E1", "E2", "E3",
    "M",
];

fn fix_position(rung: &str) -> usize {
    let is = |first: &&str| rung == *first || (*first == "M" && rung.starts_with('M'));
    FIX_ORDER.iter().position(is).unwrap()
}

/// The number of correct headlines, and the wrong ones.
#[derive(Default)]
struct Score {
    right: usize,
    all: usize,
    wrong: Vec<String>,
}

impl Score {
    fn note(&mut self, name: &str, expected: &str, diagnosis: &Diagnosis) {
        self.all += 1;
        if diagnosis.headline() == expected && diagnosis.run.status == 1 {
            self.right += 1;
        } else {
            self.wrong.push(format!(
                "{name}: {expected} expected, {:?} came: {}",
                diagnosis.headline(),
                diagnosis.json["headline"]
            ));
        }
    }

    #[allow(clippy::print_stdout, reason = "the rates are worth reading")]
    fn is_at_least(&self, percent: usize, what: &str) {
        println!("{what}: {} of {} headlines are right", self.right, self.all);
        self.wrong.iter().for_each(|wrong| println!("  {wrong}"));
        assert!(
            self.right * 100 >= self.all * percent,
            "{what}: {} of {}:\n{}",
            self.right,
            self.all,
            self.wrong.join("\n")
        );
    }
}

/// The number of concurrent runs. They mostly wait.
const CONCURRENT_RUNS: usize = 4;

/// Runs `doctor` once for each set of faults.
fn diagnose(cluster: &'static Cluster, cases: &[Vec<&'static Fault>]) -> Vec<Diagnosis> {
    let examine = |faults: &[&Fault]| {
        let mut harness = Harness::new(cluster);
        for fault in faults {
            (fault.inject)(cluster, &mut harness);
        }
        harness.diagnose(&[])
    };
    let next = AtomicUsize::new(0);
    let seen: Mutex<Vec<Option<Diagnosis>>> = Mutex::new(cases.iter().map(|_| None).collect());
    thread::scope(|scope| {
        for _ in 0..CONCURRENT_RUNS {
            scope.spawn(|| {
                while let Some((at, faults)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    cases.get(at).map(|faults| (at, faults))
                } {
                    let diagnosis = examine(faults);
                    seen.lock().unwrap()[at] = Some(diagnosis);
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    seen.into_iter().map(Option::unwrap).collect()
}

#[test]
fn headline_names_the_injected_fault() {
    let session = ExclusiveCluster::start();
    let cluster = session.cluster;
    put(&session, &valid_aws_auth(), &admin());
    let (mut single, mut pairs) = (Score::default(), Score::default());
    let (mut failing, mut passing) = (BTreeSet::new(), BTreeSet::new());
    let mut count = |diagnosis: &Diagnosis| {
        for rung in diagnosis.json["rungs"].as_array().unwrap() {
            let id = rung["id"].as_str().unwrap().to_owned();
            match rung["status"].as_str().unwrap() {
                "ok" => drop(passing.insert(id)),
                "problem" => drop(failing.insert(id)),
                _ => {}
            }
        }
    };
    let alone: Vec<Vec<&Fault>> = OF_THE_MACHINE.iter().map(|fault| vec![fault]).collect();
    let healthy = diagnose(cluster, &[Vec::new()]).remove(0);
    assert_eq!(healthy.run.status, 0, "{}", healthy.json);
    assert_eq!(healthy.json["headline"]["standing"], "signed-in");
    count(&healthy);
    for (fault, diagnosis) in OF_THE_MACHINE.iter().zip(diagnose(cluster, &alone)) {
        count(&diagnosis);
        single.note(fault.name, fault.rung, &diagnosis);
    }
    let two = sampled();
    for (faults, diagnosis) in two.iter().zip(diagnose(cluster, &two)) {
        let first = faults
            .iter()
            .min_by_key(|fault| fix_position(fault.rung))
            .unwrap();
        let names: Vec<_> = faults.iter().map(|fault| fault.name).collect();
        pairs.note(&names.join(" and "), first.rung, &diagnosis);
    }
    for (name, rung, data) in of_aws_auth() {
        put(&session, &data, &Who::Unauthorized);
        let diagnosis = diagnose(cluster, &[Vec::new()]).remove(0);
        count(&diagnosis);
        single.note(name, rung, &diagnosis);
        assert_eq!(
            diagnosis.json["headline"]["standing"], "unauthorized",
            "{name}"
        );
    }
    // The pair of each fault with an empty aws-auth.
    put(&session, &json!({}), &Who::Unauthorized);
    for (fault, diagnosis) in OF_THE_MACHINE.iter().zip(diagnose(cluster, &alone)) {
        let name = format!("{} and nothing mapped", fault.name);
        pairs.note(&name, fault.rung, &diagnosis);
    }
    single.is_at_least(SINGLE, "single faults");
    pairs.is_at_least(PAIRS, "pairs");
    for id in [
        "K1", "K2", "K3", "K4", "K5", "K6", "K8", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8",
        "C9", "C10", "C12", "C14", "T1", "T2", "T3", "T4", "E1", "E2", "E3", "M2", "M4", "M5",
        "M6", "M7",
    ] {
        assert!(failing.contains(id), "{id} never fails");
    }
    for id in [
        "K1", "K2", "K3", "K4", "K5", "C1", "C9", "C10", "C11", "C13", "T1", "T2", "T3", "T4",
        "T5", "E1", "E2", "E3", "M2", "M4", "M5", "M7", "B1", "B2",
    ] {
        assert!(passing.contains(id), "{id} never passes");
    }
}

/// Returns pairs of unrelated faults.
fn sampled() -> Vec<Vec<&'static Fault>> {
    let mut pairs = Vec::new();
    for (at, one) in OF_THE_MACHINE.iter().enumerate() {
        for (other, another) in OF_THE_MACHINE.iter().enumerate().skip(at + 1) {
            // A regular sample, because all pairs would take minutes.
            let together = [one.part, another.part];
            let unrelated = one.part != another.part
                && !(together.contains(&Part::Token)
                    && (together.contains(&Part::Credentials) || together.contains(&Part::Plugin)));
            if unrelated && (at * 7 + other * 3) % 9 == 0 {
                pairs.push(vec![one, another]);
            }
        }
    }
    pairs
}
