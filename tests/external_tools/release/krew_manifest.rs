//! `plugins/awsauth.yaml`, by the rules of <https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/>.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::release::{PLATFORMS, ROOT, VERSION, yaml};
use crate::support::completed_run::Run;
use crate::support::environment::Environment;

/// Returns the krew manifest for a release with these checksums.
fn manifest(checksums: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checksums.txt");
    fs::write(&path, checksums).unwrap();
    let mut sh = Environment::new(folder.path())
        .with("PATH", "/usr/bin:/bin")
        .with("AWSAUTH_REPOSITORY", "example/awsauth")
        .command(Path::new("/bin/sh"));
    sh.arg(Path::new(ROOT).join("plugins/manifest.sh"));
    Run::of(sh.arg(path))
}

fn digest(number: usize) -> String {
    format!("{number:064x}")
}

#[test]
fn krew_manifest_lists_every_platform_with_its_checksum() {
    let lines = PLATFORMS.iter().enumerate();
    let lines =
        lines.map(|(n, platform)| format!("{}  awsauth_{VERSION}_{platform}.tar.gz\n", digest(n)));
    let run = manifest(&lines.collect::<String>());
    assert_eq!(run.status, 0, "{run:?}");
    let manifest = yaml(&run.stdout);
    assert_eq!(
        manifest["apiVersion"],
        "krew.googlecontainertools.github.com/v1alpha2"
    );
    assert_eq!(manifest["kind"], "Plugin");
    assert_eq!(manifest["metadata"]["name"], env!("CARGO_PKG_NAME"));
    let spec = &manifest["spec"];
    assert_eq!(spec["version"], format!("v{VERSION}"));
    let page = "https://github.com/example/awsauth";
    assert_eq!(spec["homepage"], page);
    // <https://krew.sigs.k8s.io/docs/developer-guide/develop/best-practices/>
    let short = spec["shortDescription"].as_str().unwrap();
    assert!(short.len() <= 50 && !short.ends_with('.'), "{short}");
    let description = spec["description"].as_str().unwrap();
    assert!(description.lines().all(|line| line.len() <= 80));
    let platforms = spec["platforms"].as_array().unwrap();
    let mut seen = BTreeSet::new();
    for platform in platforms {
        let labels = &platform["selector"]["matchLabels"];
        let name = format!(
            "{}_{}",
            labels["os"].as_str().unwrap(),
            labels["arch"].as_str().unwrap()
        );
        let at = PLATFORMS.iter().position(|known| *known == name).unwrap();
        assert_eq!(platform["sha256"], digest(at), "{name}");
        assert_eq!(
            platform["uri"],
            format!("{page}/releases/download/v{VERSION}/awsauth_{VERSION}_{name}.tar.gz")
        );
        let program = if name.starts_with("windows") {
            "awsauth.exe"
        } else {
            "awsauth"
        };
        assert_eq!(platform["bin"], program);
        let files = platform["files"].as_array().unwrap();
        let files: Vec<&str> = files
            .iter()
            .map(|file| file["from"].as_str().unwrap())
            .collect();
        assert_eq!(files, [program, "LICENSE"]);
        seen.insert(name);
    }
    assert_eq!(seen, PLATFORMS.map(str::to_owned).into());
}

#[test]
fn krew_manifest_requires_every_archive() {
    let run = manifest(&format!(
        "{}  awsauth_{VERSION}_linux_amd64.tar.gz\n",
        digest(1)
    ));
    run.says(1, &["does not name awsauth_", "_linux_arm64.tar.gz"]);
    assert_eq!(run.stdout, "");
}
