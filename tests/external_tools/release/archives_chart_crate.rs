//! The packages of a release: archives, the chart, and the crate.

use std::fs;
use std::path::Path;

use crate::release::{ROOT, VERSION};
use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::go_programs::Binary;

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
