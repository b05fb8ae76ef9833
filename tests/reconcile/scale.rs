//! Many objects.

use std::time::{Duration, Instant};

use awsauth::reconcile::{Reason, Stage};

use super::world::{CONFIG, World, spec};

fn many(objects: usize) -> World {
    let mut world = World::new(CONFIG, "");
    for at in 0..objects {
        world.create(&format!("o{at}"), spec(&format!("r{at}"), "u", &["dev"]));
    }
    world
}

#[test]
fn five_thousand_objects_are_one_write_and_time_grows_with_them_alone() {
    let time = |objects| {
        let mut world = many(objects);
        let begun = Instant::now();
        world.look_until(None);
        let all = begun.elapsed();
        assert_eq!(world.writes, 1);
        assert!(
            world
                .objects
                .iter()
                .all(|object| object.status.reason() == Some(Reason::Applied))
        );
        let begun = Instant::now();
        assert!(world.decide(Stage::Preparing).plan.is_none());
        println!(
            "{objects} objects: {all:?}, and {:?} where nothing is to be done",
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

/// Those of them that a guard refuses do not cost a plan each.
#[test]
fn half_of_them_refused_takes_little_longer() {
    let mut world = many(2000);
    world.config.grants[0].usernames = vec![
        awsauth::reconcile::Pattern::new("system:admin"),
        awsauth::reconcile::Pattern::new("u"),
    ];
    for at in (0..2000).step_by(2) {
        world.change(&format!("o{at}"), |spec| {
            spec.username = Some("system:admin".to_owned())
        });
    }
    let begun = Instant::now();
    world.look();
    println!("half of 2000 refused: {:?}", begun.elapsed());
    let refused = world
        .objects
        .iter()
        .filter(|object| object.status.reason() == Some(Reason::Refused));
    assert_eq!(refused.count(), 1000);
    assert_eq!(world.meaning().len(), 1000);
}
