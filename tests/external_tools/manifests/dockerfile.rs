//! The Dockerfile, as far as it can be tested without Docker. `tests/external_tools/static_binary.rs` runs the binary
//! in an empty root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::manifests::same_rendering::{kustomized, object, with_backup};
use crate::support::completed_run::Run;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Returns the instructions of the Dockerfile, each on one line.
fn instructions() -> Vec<String> {
    let text = read("Dockerfile").replace("\\\n", " ");
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    words.collect()
}

/// Returns the `cargo build …` command in a file.
fn cargo_build(text: &str) -> String {
    let start = text.find("cargo build").expect("cargo build");
    let line = text[start..].lines().next().unwrap();
    line.split(" &&").next().unwrap().trim().to_owned()
}

#[test]
fn image_builds_the_released_binary() {
    let all = instructions().join("\n");
    let built = cargo_build(&all);
    assert_eq!(built, cargo_build(&read(".github/workflows/release.yml")));
    // The command is `cargo static`, except for the platform and `--locked`.
    let config: Value = {
        let text = read(".cargo/config.toml");
        let line = text.lines().find_map(|line| line.strip_prefix("static = "));
        serde_json::from_str(line.unwrap()).unwrap()
    };
    let alias: Vec<&str> = config.as_str().unwrap().split(' ').collect();
    for word in &alias[..alias.len() - 1] {
        assert!(built.split(' ').any(|of| of == *word), "{word} in {built}");
    }
    for (platform, target) in [
        ("amd64", "x86_64-unknown-linux-gnu"),
        ("arm64", "aarch64-unknown-linux-gnu"),
    ] {
        assert!(
            all.contains(&format!("{platform}) TARGET={target} ;;")),
            "{all}"
        );
        let flags = read(".cargo/static.toml");
        let flags = flags.split(&format!("[target.{target}]")).nth(1).unwrap();
        assert!(
            flags
                .lines()
                .nth(1)
                .unwrap()
                .contains("target-feature=+crt-static")
        );
    }
}

/// Runs the script of the Dockerfile with fake programs that print their arguments.
#[test]
fn image_cross_compiles_between_platforms() {
    let stubs = tempfile::tempdir().unwrap();
    for name in ["apt-get", "cargo", "install", "rm", "rustup"] {
        let stub = stubs.path().join(name);
        fs::write(&stub, format!("#!/bin/sh\necho {name} \"$@\"\n")).unwrap();
        fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let all = instructions();
    let scripts: Vec<&str> = all
        .iter()
        .filter_map(|line| line.strip_prefix("RUN "))
        .collect();
    let run = |from: &str, to: &str| {
        let runs = scripts.iter().map(|script| {
            let mut shell = Command::new("/bin/sh");
            shell
                .env_clear()
                .env("PATH", stubs.path())
                .env("BUILDARCH", from)
                .env("TARGETARCH", to)
                .args(["-c", script]);
            Run::of(&mut shell)
        });
        runs.collect::<Vec<_>>()
    };
    for (from, to, packages, target) in [
        ("amd64", "amd64", None, "x86_64"),
        ("arm64", "arm64", None, "aarch64"),
        ("amd64", "arm64", Some("gcc-aarch64-linux-gnu"), "aarch64"),
        ("arm64", "amd64", Some("gcc-x86-64-linux-gnu"), "x86_64"),
    ] {
        let [prepared, built] = &run(from, to)[..] else {
            panic!("two steps");
        };
        prepared.says(0, &[]);
        match packages {
            None => assert_eq!(prepared.stdout, ""),
            Some(package) => assert!(prepared.stdout.contains(package), "{prepared:?}"),
        }
        built.says(0, &[]);
        let target = format!("{target}-unknown-linux-gnu");
        for part in [
            format!("rustup target add {target}\n"),
            format!("--target {target}\n"),
            format!("target/{target}/release/awsauth /out/awsauth\n"),
        ] {
            assert!(built.stdout.contains(&part), "{part} in {built:?}");
        }
    }
    run("amd64", "riscv64")[1].says(1, &["platform riscv64 is not supported"]);
}

/// The compiler version is the one in Cargo.toml.
#[test]
fn image_uses_the_compiler_of_the_package() {
    let package = read("Cargo.toml");
    let version = package
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .unwrap()
        .trim_matches('"');
    let first = &instructions()[0];
    assert!(first.contains(&format!("rust:{version}-")), "{first}");
}

#[test]
fn image_contains_only_the_binary_and_runs_as_nobody() {
    let all = instructions();
    let start = all.iter().position(|line| line == "FROM scratch").unwrap();
    let is_label = |line: &&String| line.starts_with("ARG ") || line.starts_with("LABEL ");
    let content = all[start + 1..].iter().filter(|line| !is_label(line));
    assert_eq!(
        content.collect::<Vec<_>>(),
        [
            "COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt",
            "COPY --from=build /out/awsauth /awsauth",
            "USER 65532:65532",
            "ENTRYPOINT [\"/awsauth\"]",
            "CMD [\"controller\"]",
        ]
    );
    let deployment = object(
        &kustomized("controller"),
        "Deployment",
        "awsauth-controller",
    );
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsUser"], 65532);
    assert_eq!(pod["securityContext"]["runAsGroup"], 65532);
    // Arguments replace those of the image, but not the program.
    let container = &pod["containers"][0];
    assert_eq!(container.get("command"), None);
    assert_eq!(container["args"][0], "controller");
}

/// The names are those of <https://specs.opencontainers.org/image-spec/annotations/>.
#[test]
fn image_labels_state_its_source_and_license() {
    let all = instructions();
    let label = all.iter().find_map(|line| line.strip_prefix("LABEL "));
    let label = label.unwrap();
    for part in [
        "org.opencontainers.image.title=awsauth",
        "org.opencontainers.image.description=\"",
        concat!(
            "org.opencontainers.image.licenses=",
            env!("CARGO_PKG_LICENSE")
        ),
        "org.opencontainers.image.version=${VERSION}",
        "org.opencontainers.image.revision=${REVISION}",
        "org.opencontainers.image.source=${SOURCE}",
    ] {
        assert!(label.contains(part), "no {part} in {label}");
    }
    // Each value comes from a build argument, which the workflow sets.
    let script = read(".github/build-image.sh");
    for argument in ["BASE", "VERSION", "REVISION", "SOURCE"] {
        let declared = format!("ARG {argument}=");
        assert!(all.iter().any(|line| line.starts_with(&declared)));
        assert!(
            script.contains(&format!("--build-arg \"{argument}=")),
            "{argument}"
        );
    }
}

#[test]
fn base_image_is_a_build_argument() {
    let all = instructions();
    let from: Vec<&str> = all
        .iter()
        .filter_map(|line| line.strip_prefix("FROM "))
        .collect();
    assert_eq!(
        from,
        ["--platform=$BUILDPLATFORM ${BASE} AS build", "scratch"]
    );
}

/// All three versions are the same.
#[test]
fn image_chart_and_package_have_the_same_version() {
    let version = env!("CARGO_PKG_VERSION");
    let chart: Value = serde_yaml::from_str(&read("manifests/chart/Chart.yaml")).unwrap();
    assert_eq!(chart["appVersion"], version);
    assert_eq!(chart["version"], version);
    let deployment = object(
        &kustomized("controller"),
        "Deployment",
        "awsauth-controller",
    );
    let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, &format!("awsauth:{version}"));
    let job = object(&with_backup("controller"), "CronJob", "awsauth-backup");
    let image = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, &format!("awsauth:{version}"));
}
