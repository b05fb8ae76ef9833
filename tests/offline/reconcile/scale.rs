//! Thousands of objects.

use std::time::{Duration, Instant};

use awsauth_core::reconcile::{Reason, Stage};

use super::simulation::{CONFIG, Simulation, spec};
use crate::support::cpu_time;

fn many(objects: usize) -> Simulation {
    let mut simulation = Simulation::new(CONFIG, "");
    for at in 0..objects {
        simulation.create(&format!("o{at}"), spec(&format!("r{at}"), "u", &["dev"]));
    }
    simulation
}

#[test]
fn five_thousand_objects_take_one_write_and_linear_time() {
    let time = |objects| {
        let mut simulation = many(objects);
        let all = cpu_time::of(|| simulation.reconcile_until(None));
        assert_eq!(simulation.writes, 1);
        assert!(
            simulation
                .objects
                .iter()
                .all(|object| object.status.reason() == Some(Reason::Applied))
        );
        let begun = Instant::now();
        assert!(simulation.decide(Stage::Preparing).plan.is_none());
        println!(
            "{objects} objects: {all:?}; without changes: {:?}",
            begun.elapsed()
        );
        all
    };
    let (small, large) = (time(500), time(5000));
    assert!(
        large < 30 * small + Duration::from_millis(300),
        "{small:?}, {large:?}"
    );
}

#[test]
fn refused_objects_take_no_plan_of_their_own() {
    let mut simulation = many(2000);
    simulation.config.grants[0].usernames = vec![
        awsauth_core::wildcard_pattern::Pattern::new("system:admin"),
        awsauth_core::wildcard_pattern::Pattern::new("u"),
    ];
    for at in (0..2000).step_by(2) {
        simulation.change(&format!("o{at}"), |spec| {
            spec.username = Some("system:admin".to_owned())
        });
    }
    let begun = Instant::now();
    simulation.reconcile();
    println!("half of 2000 refused: {:?}", begun.elapsed());
    let refused = simulation
        .objects
        .iter()
        .filter(|object| object.status.reason() == Some(Reason::Refused));
    assert_eq!(refused.count(), 1000);
    assert_eq!(simulation.effective().len(), 1000);
}
