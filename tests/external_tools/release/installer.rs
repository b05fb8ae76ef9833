//! `pipeline/install.sh`, by itself and as the action runs it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::release::{ROOT, VERSION};
use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::github_action::Action;

/// A fake `curl` that serves a folder as the release page and records the requests.
const CURL: &str = r#"#!/bin/sh
while [ $# -gt 0 ]; do case $1 in -o) out=$2; shift ;; https://*) url=$1 ;; esac; shift; done
echo "$url" >>"$PAGE/asked"
cp "$PAGE/${url##*/}" "$out" 2>/dev/null || exit 22
"#;

/// A gh that is signed in if `GH_TOKEN` is set. It finds an attestation if the page has a file `attested`.
const GH: &str = r#"#!/bin/sh
case $1-$2-$3 in
auth-token-) [ -n "${GH_TOKEN:-}" ] ;;
attestation-verify---help) ;;
*) echo "gh $*" >>"$PAGE/asked gh"; test -f "$PAGE/attested" ;;
esac
"#;

struct Page {
    folder: tempfile::TempDir,
    archive: String,
}

impl Page {
    /// Returns a release page with an archive of the built program for this machine.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = format!("awsauth_{VERSION}_linux_amd64.tar.gz");
        let page = Self { folder, archive };
        fs::create_dir(page.path("bin")).unwrap();
        page.program("curl", CURL);
        page.program("gh", GH);
        // Packed like in the release workflow.
        let target = Path::new(env!("CARGO_BIN_EXE_awsauth")).parent().unwrap();
        let mut pack = Environment::new(page.folder.path())
            .with("PATH", "/usr/bin:/bin")
            .command(Path::new("/bin/sh"));
        pack.arg(Path::new(ROOT).join(".github/package-archive.sh"));
        pack.arg(target).arg("linux_amd64");
        // The script reads the version and its other files from its own folder.
        for file in ["Cargo.toml", "LICENSE", "README.md"] {
            fs::copy(Path::new(ROOT).join(file), page.path(file)).unwrap();
        }
        let packed = Run::of(pack.current_dir(page.folder.path()));
        assert_eq!(packed.status, 0, "{packed:?}");
        page.sums(&page.digest());
        page
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// Runs the action's install step, from a commit of the action with these checksums.
    fn action(&self, checksums: Option<&str>, inputs: &[(&str, &str)]) -> Run {
        let action = self.path("action");
        fs::create_dir_all(action.join("pipeline")).unwrap();
        let script = Path::new(ROOT).join("pipeline/install.sh");
        fs::copy(script, action.join("pipeline/install.sh")).unwrap();
        let checksums_file = action.join("pipeline/checksums.txt");
        match checksums {
            Some(text) => fs::write(checksums_file, text).unwrap(),
            None => assert!(!checksums_file.exists()),
        }
        let step = Action::read().steps(inputs).remove(0);
        let runner = self
            .environment()
            .without("AWSAUTH_REPOSITORY")
            .with("GITHUB_ACTION_PATH", &action.display().to_string())
            .with("RUNNER_TEMP", &self.path("temp").display().to_string());
        let variables = step.variables.iter();
        let environment = variables.fold(runner, |all, (name, value)| all.with(name, value));
        let mut bash = environment.command(Path::new("/bin/bash"));
        bash.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c"]);
        Run::of(bash.arg(step.run))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn digest(&self) -> String {
        let bytes = fs::read(self.path(&self.archive)).unwrap();
        let digest = Sha256::digest(bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn sums(&self, digest: &str) {
        let other = "0".repeat(64);
        let archive = &self.archive;
        let text = format!("{other}  {archive}.other\n{digest}  {archive}\n");
        fs::write(self.path("checksums.txt"), text).unwrap();
    }

    fn environment(&self) -> Environment {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        Environment::new(self.folder.path())
            .with("PATH", &path)
            .with("AWSAUTH_REPOSITORY", "example/awsauth")
            .with("PAGE", &self.folder.path().display().to_string())
            .with(
                "GITHUB_PATH",
                &self.path("github path").display().to_string(),
            )
    }

    fn install(&self, environment: &Environment, version: &str) -> Run {
        let mut sh = environment.command(Path::new("/bin/sh"));
        sh.arg(Path::new(ROOT).join("pipeline/install.sh"));
        Run::of(sh.arg(version).arg(self.path("in here")))
    }
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn release_with_matching_checksum_is_installed() {
    let page = Page::new();
    let environment = page.environment().with("AWSAUTH_SHA256", &page.digest());
    for version in [VERSION.to_owned(), format!("v{VERSION}")] {
        page.install(&environment, &version).says(0, &[]);
    }
    let program = page.path("in here/awsauth");
    let run = Run::of(environment.command(&program).arg("--version"));
    assert_eq!(run.stdout, format!("awsauth {VERSION}\n"), "{run:?}");
    let left = fs::read_dir(page.path("in here")).unwrap().count();
    assert_eq!(left, 1, "nothing but the program");
    let added = fs::read_to_string(page.path("github path")).unwrap();
    let folder = page.path("in here").display().to_string();
    assert_eq!(added.lines().next(), Some(folder.as_str()));
    let asked = fs::read_to_string(page.path("asked")).unwrap();
    let own = format!("https://github.com/example/awsauth/releases/download/v{VERSION}/");
    assert!(asked.lines().all(|url| url.starts_with(&own)), "{asked}");
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn other_downloads_are_not_installed() {
    let page = Page::new();
    let environment = page.environment();
    let nothing = || assert!(!page.path("in here/awsauth").exists());
    for version in ["0.1.0/../../../evil", "", "9 9"] {
        assert_ne!(page.install(&environment, version).status, 0, "{version}");
    }
    page.install(&environment, "9.9.9").says(
        1,
        &["v9.9.9/awsauth_9.9.9_linux_amd64.tar.gz cannot be downloaded"],
    );
    let with_password = "https://bot:hunter2-mirror@mirror.example/awsauth";
    let mirror = environment
        .clone()
        .with("AWSAUTH_REPOSITORY", with_password);
    let run = page.install(&mirror, "9.9.9");
    run.says(1, &["https://mirror.example/awsauth/releases/download/"]);
    assert!(!run.stderr.contains("hunter2"), "{run:?}");
    let nowhere = environment.clone().without("AWSAUTH_REPOSITORY");
    page.install(&nowhere, VERSION).says(
        1,
        &[
            "its repository is not known",
            "hint: set AWSAUTH_REPOSITORY",
        ],
    );
    page.install(&environment, "path")
        .says(1, &["it is not on the PATH"]);
    let wrong = "1".repeat(64);
    let pinned = environment.clone().with("AWSAUTH_SHA256", &wrong);
    page.install(&pinned, VERSION)
        .says(1, &["has the SHA-256", "AWSAUTH_SHA256 is 1111"]);
    nothing();
    page.sums(&wrong);
    page.install(&environment, VERSION)
        .says(1, &["has the SHA-256", "checksums.txt has 1111"]);
    nothing();
    fs::write(page.path("checksums.txt"), "").unwrap();
    page.install(&environment, VERSION)
        .says(1, &["checksums.txt does not name awsauth_"]);
    nothing();
    assert!(!page.path("github path").exists());
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn action_installs_only_the_binary_that_its_commit_names() {
    let page = Page::new();
    let installed = || page.path("temp/awsauth/awsauth").exists();
    let digest = page.digest();
    let archive = &page.archive;
    fs::write(page.path("attested"), "").unwrap();

    // The checksum on the release page is right each time; it vouches for nothing.
    page.action(None, &[]).says(
        1,
        &[
            &format!("this commit of the action has no checksum of {archive}"),
            "hint: use the action at the tag or commit of release",
        ],
    );
    assert!(!page.path("asked").exists(), "nothing was downloaded");
    let wrong = "1".repeat(64);
    let [list, wrong_list] = [&digest, &wrong].map(|digest| format!("{digest}  {archive}\n"));
    page.action(Some(&wrong_list), &[])
        .says(1, &[&format!("was built with {wrong}")]);
    page.action(Some(&wrong_list), &[("sha256", &digest)])
        .says(1, &[&format!("was built with {wrong}")]);
    page.action(Some(&list), &[("sha256", &wrong)])
        .says(1, &[&format!("AWSAUTH_SHA256 is {wrong}")]);
    let other = [("version", "0.0.9")];
    page.action(Some(&list), &other)
        .says(1, &["has no checksum of awsauth_0.0.9_linux_amd64.tar.gz"]);
    assert!(!installed());

    page.action(Some(&list), &[]).says(0, &[]);
    assert!(installed());
    let asked = fs::read_to_string(page.path("asked")).unwrap();
    let own = format!("https://github.com/example/awsauth/releases/download/v{VERSION}/");
    assert!(asked.lines().all(|url| url.starts_with(&own)), "{asked}");
    page.action(Some(""), &[("sha256", &digest)]).says(0, &[]);
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn release_without_an_attestation_is_not_installed() {
    let page = Page::new();
    let environment = page.environment();
    let not_verified = "the build attestation of awsauth_";
    page.install(&environment, VERSION).says(0, &[not_verified]);
    fs::remove_file(page.path("in here/awsauth")).unwrap();

    let signed_in = environment.with("GH_TOKEN", "no-token");
    let refused = "gh finds no build attestation of awsauth_";
    page.install(&signed_in, VERSION)
        .says(1, &[refused, "by the release workflow of example/awsauth"]);
    assert!(!page.path("in here/awsauth").exists());
    fs::write(page.path("attested"), "").unwrap();
    let run = page.install(&signed_in, VERSION);
    run.says(0, &[]);
    assert!(!run.stderr.contains(not_verified), "{run:?}");
    let asked = fs::read_to_string(page.path("asked gh")).unwrap();
    let verified = format!(
        "gh attestation verify {} --repo example/awsauth --signer-workflow \
         example/awsauth/.github/workflows/release.yml\n",
        page.archive
    );
    assert_eq!(asked, verified.repeat(2));

    // gh has attestations of repositories on GitHub only.
    let elsewhere = signed_in.with("AWSAUTH_REPOSITORY", "https://mirror.test/awsauth");
    page.install(&elsewhere, VERSION).says(0, &[not_verified]);
}
