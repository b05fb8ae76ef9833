//! `explain` and the authenticator's own mapper agree on generated identities and maps.
//!
//! `AWSAUTH_IDENTITIES=N` sets the number of identities, `AWSAUTH_IDENTITIES_SEED=N` the seed.

use std::collections::BTreeMap;

use crate::support::authenticator_oracle::{Answer, Login, Oracle, Request};
use crate::support::generated_identities::{Caller, Reach, answered, explained, map};
use awsauth_core::authenticator::explain;
use awsauth_core::document::Document;
use fastrand::Rng;

/// The number of identities for each map.
const PEOPLE: usize = 20;

/// The number of maps in one request to the oracle.
const MAPS: u64 = 100;

#[test]
fn explain_agrees_with_the_authenticator_mapper() {
    let count = number_from("AWSAUTH_IDENTITIES", 10_000);
    let seed = number_from("AWSAUTH_IDENTITIES_SEED", 1);
    let instances = BTreeMap::from([
        (
            "i-0123456789abcdef0".to_owned(),
            "ip-10-0-0-1.ec2.internal".to_owned(),
        ),
        (
            "i-01234567".to_owned(),
            "ip-10-0-0-2.ec2.internal".to_owned(),
        ),
    ]);
    let mut oracle = Oracle::start();
    let mut tally = Tally::default();
    let mut at = 0;
    while tally.asked < count {
        let cases: Vec<_> = (at..at + MAPS)
            .map(|number| Case::draw(seed + number))
            .collect();
        at += MAPS;
        let requests: Vec<_> = cases
            .iter()
            .flat_map(|case| case.requests(&instances))
            .collect();
        let mut answers = oracle.ask(&requests).into_iter();
        for case in cases {
            let document = Document::read(&case.data);
            for (caller, answer) in case.callers.iter().zip(&mut answers) {
                let Answer::Map(mapped) = answer else {
                    panic!("{answer:?}")
                };
                let expected = answered(mapped);
                let message = match explain(&document, &caller.question(case.sso_gate, &instances))
                {
                    Ok(explanation) => explained(&explanation),
                    Err(error) => vec![Login::Refused {
                        error: format!("verify: sts getCallerIdentity failed: {error}"),
                    }],
                };
                assert_eq!(
                    message, expected,
                    "seed {}: {caller:?} in {:#?}",
                    case.seed, case.data
                );
                tally.count(&expected);
            }
        }
    }
    eprintln!("{tally:?}");
    tally.assert_varied();
}

/// A map, and the identities that sign in with it.
struct Case {
    seed: u64,
    data: BTreeMap<String, String>,
    callers: Vec<Caller>,
    sso_gate: bool,
}

impl Case {
    fn draw(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let callers: Vec<_> = (0..PEOPLE).map(|_| Caller::draw(rng, Reach::Any)).collect();
        let data = map(rng, &callers, &[]);
        let sso_gate = rng.u32(..4) == 0;
        Self {
            seed,
            data,
            callers,
            sso_gate,
        }
    }

    fn requests(&self, instances: &BTreeMap<String, String>) -> Vec<Request> {
        let request = |caller: &Caller| caller.request(&self.data, self.sso_gate, instances);
        self.callers.iter().map(request).collect()
    }
}

/// Counts outcomes, so that a generator that always draws the same is noticed.
#[derive(Debug, Default)]
struct Tally {
    asked: u64,
    accepted: u64,
    unmapped: u64,
    refused: u64,
    several: u64,
}

impl Tally {
    fn count(&mut self, logins: &[Login]) {
        self.asked += 1;
        match logins {
            [Login::Accepted { .. }] => self.accepted += 1,
            [Login::Refused { error }] if error == "identity is not mapped" => self.unmapped += 1,
            [Login::Refused { .. }] => self.refused += 1,
            _ => self.several += 1,
        }
    }

    fn assert_varied(&self) {
        for some in [self.accepted, self.unmapped, self.refused, self.several] {
            assert!(some * 200 > self.asked, "{self:?}");
        }
    }
}

fn number_from(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|e| panic!("{variable}={text}: {e}"))
    })
}
