//! The release workflow, and the content of the packages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::release::{PLATFORMS, ROOT, VERSION, read, yaml};
use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::github_action::Action;
use crate::support::go_programs::Binary;

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
fn another_version_is_not_packaged() {
    let folder = tempfile::tempdir().unwrap();
    let mut sh = Environment::new(folder.path())
        .with("PATH", "/usr/bin:/bin")
        .with("RELEASE_VERSION", "9.9.9")
        .command(Path::new("/bin/sh"));
    sh.args([
        ".github/package-archive.sh",
        "target/release",
        "linux_amd64",
    ]);
    let run = Run::of(sh.current_dir(ROOT));
    run.says(
        1,
        &[&format!(
            "cannot release 9.9.9: the version in Cargo.toml is {VERSION}"
        )],
    );
}

/// Runs `.github/package-chart.sh` for an image with this digest.
fn package_chart(folder: &Path, digest: &str) -> Run {
    let helm = Binary::Helm.path();
    let path = format!("{}:/usr/bin:/bin", helm.parent().unwrap().display());
    let mut sh = Environment::new(folder)
        .with("PATH", &path)
        .with("GITHUB_REPOSITORY", "Example/Awsauth")
        .command(Path::new("/bin/sh"));
    sh.args([".github/package-chart.sh", digest]).arg(folder);
    Run::of(sh.current_dir(ROOT))
}

#[test]
fn published_chart_installs_the_published_image() {
    let folder = tempfile::tempdir().unwrap();
    let digest = format!("sha256:{}", "ab".repeat(32));
    package_chart(folder.path(), &digest).says(0, &[]);
    let chart = folder.path().join(format!("awsauth-{VERSION}.tgz"));
    let mut helm = Environment::new(folder.path()).command(&Binary::Helm.path());
    let rendered = Run::of(helm.args(["template", "awsauth"]).arg(chart));
    rendered.says(0, &[]);
    let image = format!("image: \"ghcr.io/example/awsauth@{digest}\"");
    assert!(rendered.stdout.contains(&image), "{}", rendered.stdout);
    // Without a digest, the chart would install a tag.
    package_chart(folder.path(), "").says(1, &["cannot package the chart"]);
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

#[test]
fn package_contains_only_the_program_and_its_pages() {
    let home = std::env::var("HOME").unwrap_or_default();
    let target = tempfile::tempdir().unwrap();
    let mut environment = Environment::new(Path::new(&home));
    for name in ["PATH", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        if let Ok(value) = std::env::var(name) {
            environment = environment.with(name, &value);
        }
    }
    let cargo = |args: &[&str]| {
        let mut cargo = environment.command(Path::new(env!("CARGO")));
        cargo
            .arg("package")
            .args(args)
            .args(["--offline", "--allow-dirty", "--target-dir"]);
        let run = Run::of(cargo.arg(target.path()).current_dir(ROOT));
        assert_eq!(run.status, 0, "{run:?}");
        run
    };
    let listed = cargo(&["--list", "--package", "awsauth"]).stdout;
    let own = [
        "Cargo.lock",
        "Cargo.toml",
        "Cargo.toml.orig",
        ".cargo_vcs_info.json",
        "ARCHITECTURE.md",
        "LICENSE",
        "README.md",
    ];
    for file in listed.lines() {
        let is_right = own.contains(&file) || file.starts_with("src/") || file.starts_with("docs/");
        assert!(is_right, "{file}");
    }
    for file in ["src/main.rs", "docs/lint.md", "LICENSE", "README.md"] {
        assert!(listed.lines().any(|line| line == file), "no {file}");
    }
    cargo(&["--no-verify", "--workspace"]);
    let packed = target
        .path()
        .join(format!("package/awsauth-{VERSION}.crate"));
    assert!(packed.exists());
    // The limits of package registries.
    assert!(fs::metadata(packed).unwrap().len() < 10 << 20);
}
