//! docs/doctor.md says of every rung what it looks at.

use awsauth::doctor::LADDER;

#[test]
fn the_page_has_a_heading_for_every_rung() {
    let page = include_str!("../../docs/doctor.md");
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    let headings: Vec<&str> = headings.collect();
    let rungs = LADDER.iter();
    let rungs: Vec<String> = rungs
        .map(|rung| format!("{} {}", rung.id, rung.title))
        .collect();
    assert_eq!(headings, rungs);
}

#[test]
fn rungs_come_after_rungs_before_them() {
    for (at, rung) in LADDER.iter().enumerate() {
        for after in rung.after {
            let before = LADDER.iter().position(|other| other.id == *after);
            assert!(
                before.is_some_and(|before| before < at),
                "{} after {after}",
                rung.id
            );
        }
    }
}
