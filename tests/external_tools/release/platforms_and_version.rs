//! The platforms that the release workflow builds, and the version that the action and the pages name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::release::{PLATFORMS, ROOT, VERSION, read, yaml};
use crate::support::github_action::Action;

#[test]
fn release_workflow_builds_every_platform() {
    let workflow = yaml(&read(".github/workflows/release.yml"));
    let matrix = workflow["jobs"]["build"]["strategy"]["matrix"]["include"].as_array();
    let built: BTreeSet<String> = matrix
        .unwrap()
        .iter()
        .map(|each| {
            let target = each["target"].as_str().unwrap();
            let platform = each["platform"].as_str().unwrap();
            let (os, arch) = platform.split_once('_').unwrap();
            let arch = if arch == "amd64" { "x86_64" } else { "aarch64" };
            assert!(
                target.starts_with(arch) && target.contains(os),
                "{target} is {platform}"
            );
            platform.to_owned()
        })
        .collect();
    assert_eq!(built, PLATFORMS.map(str::to_owned).into());
}

#[test]
fn action_installs_this_release() {
    let action = Action::read();
    let action = action.value();
    assert_eq!(action["inputs"]["version"]["default"], VERSION);
    assert_eq!(action["runs"]["using"], "composite");
    for (name, input) in action["inputs"].as_object().unwrap() {
        assert!(input["description"].is_string(), "{name}");
        let page = read("docs/github-actions.md");
        assert!(
            page.contains(&format!("| `{name}` |")),
            "docs/github-actions.md has no {name}"
        );
    }
}

#[test]
fn pages_name_this_release() {
    let docs = fs::read_dir(Path::new(ROOT).join("docs")).unwrap();
    let pages = docs.flatten().map(|entry| entry.path());
    let pages: Vec<(PathBuf, String)> = pages
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .chain([Path::new(ROOT).join("README.md")])
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    for before in [
        "OWNER/awsauth@v",
        "rev: v",
        "sh install.sh ",
        "/releases/download/v",
        "verify awsauth_",
    ] {
        let mut places = 0;
        for (path, text) in &pages {
            for after in text.split(before).skip(1) {
                places += 1;
                let is_number = |c: char| c.is_ascii_digit() || c == '.';
                let named = after.split(|c| !is_number(c)).next();
                assert_eq!(named, Some(VERSION), "{} after {before}", path.display());
            }
        }
        assert!(places > 0, "no page has {before}");
    }
}
