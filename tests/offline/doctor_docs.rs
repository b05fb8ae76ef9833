//! `docs/doctor.md` describes every check.

use awsauth_core::doctor::CHECKS;

#[test]
fn doctor_page_has_a_heading_for_every_check() {
    let page = include_str!("../../docs/doctor.md");
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    let headings: Vec<&str> = headings.collect();
    let checks = CHECKS.iter();
    let checks: Vec<String> = checks
        .map(|check| format!("{} {}", check.id, check.title))
        .collect();
    assert_eq!(headings, checks);
}

#[test]
fn checks_are_listed_after_their_prerequisites() {
    for (at, check) in CHECKS.iter().enumerate() {
        for after in check.after {
            let before = CHECKS.iter().position(|other| other.id == *after);
            assert!(
                before.is_some_and(|before| before < at),
                "{} after {after}",
                check.id
            );
        }
    }
}
