//! Which users may request a mapping.

use awsauth_core::admission::Deadline;
use awsauth_core::reconcile::{Config, Spec, check_requester};

use super::simulation::{ACCOUNT, CONFIG, role, spec};

#[test]
fn grant_with_requesters_is_only_for_them() {
    let config = format!(
        "{CONFIG}  requesters: {{users: [\"system:serviceaccount:flux:*\"], groups: [platform]}}\n- accounts: [\"{ACCOUNT}\"]\n  groups: [open]\n  usernames: [u]\n"
    );
    let config = Config::parse(&config).unwrap();
    let check = |spec: &Spec, user: &str, groups: &[&str]| {
        let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        check_requester(&config, spec, user, &groups, &Deadline::default())
    };
    let dev = spec("team/a", "u", &["dev"]);
    assert_eq!(check(&dev, "system:serviceaccount:flux:apply", &[]), Ok(()));
    assert_eq!(check(&dev, "ann", &["x", "platform"]), Ok(()));
    let why = check(&dev, "mallory", &["system:masters"]).unwrap_err();
    assert!(
        why.starts_with("mallory may not request a mapping of ") && why.contains(&role("a")),
        "{why}"
    );
    assert_eq!(check(&spec("a", "u", &["open"]), "mallory", &[]), Ok(()));
    // A grant that is added later would cover it.
    let why = check(&spec("a", "u", &["secret"]), "mallory", &[]).unwrap_err();
    assert!(why.contains("add it to the groups of a grant"), "{why}");
    let without = Config::parse(CONFIG).unwrap();
    assert_eq!(
        check_requester(
            &without,
            &spec("a", "u", &["x"]),
            "mallory",
            &[],
            &Deadline::default(),
        ),
        Ok(())
    );
}
