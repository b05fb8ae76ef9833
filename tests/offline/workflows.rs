//! The workflows in `.github/workflows/`: permissions, pinned actions, and the scripts of a release, run with stand-ins for the
//! programs that need a network.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::completed_run::Run;
use crate::support::environment::Environment;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const VERSION: &str = env!("CARGO_PKG_VERSION");
const REPOSITORY: &str = "Example/Awsauth";
/// The only job with write access, and its permissions.
const PUBLISH: &str = "publish";
const RIGHTS: [&str; 4] = ["attestations", "contents", "id-token", "packages"];
/// The only actions that run in that job.
const ACTIONS: [&str; 2] = [
    "actions/download-artifact",
    "actions/attest-build-provenance",
];

fn workflows() -> BTreeMap<String, Value> {
    let folder = Path::new(ROOT).join(".github/workflows");
    let entries = fs::read_dir(folder).expect("workflows").flatten();
    let workflows = entries.map(|entry| {
        let text = fs::read_to_string(entry.path()).expect("a text");
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, serde_yaml::from_str(&text).expect("YAML"))
    });
    workflows.collect()
}

fn release() -> Value {
    workflows().remove("release.yml").expect("release.yml")
}

fn jobs(workflow: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let jobs = workflow["jobs"].as_object().expect("jobs");
    jobs.iter().map(|(name, job)| (name.as_str(), job))
}

fn steps(job: &Value) -> &[Value] {
    job["steps"].as_array().expect("steps")
}

#[test]
fn workflows_pin_every_action_by_commit() {
    for (file, workflow) in workflows() {
        for (name, job) in jobs(&workflow) {
            assert!(job["uses"].is_null(), "{file}: {name} is another workflow");
            for used in steps(job).iter().filter_map(|step| step["uses"].as_str()) {
                let commit = used.split_once('@').map_or("", |(_, commit)| commit);
                let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                assert!(
                    commit.len() == 40 && commit.chars().all(is_hex),
                    "{file}: {name} uses {used}"
                );
            }
        }
    }
}

#[test]
fn checkouts_leave_no_credentials() {
    let mut checkouts = 0;
    for (file, workflow) in workflows() {
        for (name, job) in jobs(&workflow) {
            for step in steps(job) {
                let used = step["uses"].as_str().unwrap_or_default();
                if used.starts_with("actions/checkout@") {
                    checkouts += 1;
                    let keeps = &step["with"]["persist-credentials"];
                    assert_eq!(keeps, false, "{file}: {name}");
                }
            }
        }
    }
    assert!(checkouts > 0);
}

#[test]
fn only_the_publish_job_has_write_access() {
    for (file, workflow) in workflows() {
        let read = serde_json::json!({"contents": "read"});
        assert_eq!(workflow["permissions"], read, "{file}");
        for (name, job) in jobs(&workflow) {
            if (file.as_str(), name) == ("release.yml", PUBLISH) {
                let rights = RIGHTS.map(|right| (right.to_owned(), "write".into()));
                assert_eq!(
                    job["permissions"],
                    Value::Object(rights.into_iter().collect())
                );
                // The rules of the environment are settings of the repository.
                assert_eq!(job["environment"], "release");
            } else {
                assert!(job["permissions"].is_null(), "{file}: {name}");
                assert!(job["environment"].is_null(), "{file}: {name}");
                let text = job.to_string();
                for token in ["github.token", "secrets."] {
                    assert!(!text.contains(token), "{file}: {name} reads {token}");
                }
            }
        }
    }
}

#[test]
fn publish_job_runs_no_downloaded_code() {
    let release = release();
    for step in steps(&release["jobs"][PUBLISH]) {
        if let Some(used) = step["uses"].as_str() {
            let action = used.split('@').next().unwrap_or_default();
            assert!(ACTIONS.contains(&action), "{used}");
        } else {
            // Programs are found on the PATH, never in a folder of the job.
            let script = step["run"].as_str().expect("a script");
            for line in script.lines().map(str::trim_start) {
                assert!(!line.starts_with("./") && !line.starts_with('.'), "{line}");
            }
        }
    }
}

/// The shell would evaluate the value of an expression.
#[test]
fn scripts_of_workflows_have_no_expressions() {
    for (file, workflow) in workflows() {
        for (name, job) in jobs(&workflow) {
            for script in steps(job).iter().filter_map(|step| step["run"].as_str()) {
                assert!(!script.contains("${{"), "{file}: {name}: {script}");
            }
        }
    }
}

/// A folder in which scripts run, with stand-ins for programs. Each writes its arguments to `log`.
struct Job {
    folder: tempfile::TempDir,
}

impl Job {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let job = Self { folder };
        fs::create_dir(job.path("bin")).expect("a folder");
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("it is written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Adds a stand-in that logs its arguments and then runs this script.
    fn program(&self, name: &str, script: &str) {
        let text = format!("#!/bin/sh\necho {name} \"$@\" >>\"$JOB/log\"\n{script}\n");
        self.put(&format!("bin/{name}"), &text);
        let path = self.path(&format!("bin/{name}"));
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("a mode");
    }

    /// Adds the program of this name of the machine.
    fn machine_program(&self, name: &str) {
        let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name));
        let found = found.iter().find(|path| path.exists());
        let found = found.unwrap_or_else(|| panic!("no {name}"));
        let link = self.path(&format!("bin/{name}"));
        std::os::unix::fs::symlink(found, link).expect("a link");
    }

    fn environment(&self, path: &str) -> Environment {
        let file = |name: &str| self.path(name).display().to_string();
        Environment::new(self.folder.path())
            .with("PATH", &format!("{}{path}", file("bin")))
            .with("JOB", &self.folder.path().display().to_string())
            .with("GITHUB_ACTOR", "dev")
            .with("GITHUB_OUTPUT", &file("output"))
            .with("GITHUB_REPOSITORY", REPOSITORY)
            .with("GITHUB_SERVER_URL", "https://github.com")
            .with("GITHUB_SHA", "c0ffee")
            .with("RELEASE_VERSION", VERSION)
    }
}

/// A job with the files that the other jobs hand over, of which this is the archive.
fn publishing(archive: &str) -> Job {
    let job = Job::new();
    for program in ["cut", "sed", "sha256sum"] {
        job.machine_program(program);
    }
    job.program(
        "docker",
        "read -r token; echo \"token of $token\" >>\"$JOB/log\"",
    );
    job.program(
        "helm",
        "case $1 in registry) read -r token || true ;; push) echo \"Pushed: $3\" >&2; echo 'Digest: sha256:cafe' >&2 ;; esac",
    );
    job.program("skopeo", "case $1 in inspect) printf index ;; esac");
    job.program(
        "gh",
        "case $1-$2 in\n\
         api-*/ref/tags/*) test -f \"$JOB/tag exists\" ;;\n\
         api-*/commits/*) echo tree-before ;;\n\
         api-*/trees) echo tree-after ;;\n\
         api-*/commits) echo commit ;;\n\
         esac",
    );
    job.put("image/image.tar", "image");
    job.put("release/awsauth.tar.gz", archive);
    let sum = sha256("archive");
    job.put("release/checksums.txt", &format!("{sum}  awsauth.tar.gz\n"));
    job
}

/// Returns the SHA-256 of a string.
fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs the scripts of the publish job, with what its actions would hand over, until one fails.
fn publish(job: &Job, built: &str) -> Run {
    let release = release();
    let publish = &release["jobs"][PUBLISH];
    let outputs = || -> BTreeMap<String, String> {
        let lines = job.read("output");
        let pairs = lines.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    };
    let mut last = None;
    for step in steps(publish) {
        let Some(script) = step["run"].as_str() else {
            continue;
        };
        let mut environment = job.environment("").with("IMAGE_DIGEST", built);
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            let value = value.as_str().expect("a text");
            let value = match value {
                "${{ github.token }}" => "no-token".to_owned(),
                "${{ steps.names.outputs.image }}" => outputs()["image"].clone(),
                "${{ steps.names.outputs.chart }}" => outputs()["chart"].clone(),
                _ => panic!("{value} is not known"),
            };
            environment = environment.with(name, &value);
        }
        let mut bash = environment.command(Path::new("/bin/bash"));
        bash.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c"]);
        let run = Run::of(bash.arg(script).current_dir(job.folder.path()));
        let failed = run.status != 0;
        last = Some(run);
        if failed {
            break;
        }
    }
    last.expect("a script")
}

#[test]
fn release_tags_a_commit_with_the_checksums_of_its_archives() {
    let job = publishing("archive");
    let built = format!("sha256:{}", sha256("index"));
    let run = publish(&job, &built);
    assert_eq!(run.status, 0, "{run:?}\n{}", job.read("log"));
    let log = job.read("log");
    let image = format!("docker://ghcr.io/example/awsauth:{VERSION}");
    let git = format!("repos/{REPOSITORY}/git");
    let expected = [
        format!("gh api {git}/ref/tags/v{VERSION}"),
        "docker login ghcr.io --username dev --password-stdin".to_owned(),
        "token of no-token".to_owned(),
        "helm registry login ghcr.io --username dev --password-stdin".to_owned(),
        format!("skopeo copy --all --preserve-digests oci-archive:image/image.tar {image}"),
        format!("skopeo inspect --raw {image}"),
        format!("helm push release/awsauth-{VERSION}.tgz oci://ghcr.io/example/awsauth/charts"),
        format!("gh api {git}/commits/c0ffee --jq .tree.sha"),
        format!(
            "gh api {git}/trees --jq .sha -f base_tree=tree-before -f tree[][path]=pipeline/checksums.txt \
             -f tree[][mode]=100644 -f tree[][type]=blob -F tree[][content]=@release/checksums.txt"
        ),
        format!(
            "gh api {git}/commits --jq .sha -f message=release: add the checksums of {VERSION} -f tree=tree-after \
             -f parents[]=c0ffee"
        ),
        format!("gh api {git}/refs --silent -f ref=refs/tags/v{VERSION} -f sha=commit"),
        format!(
            "gh release create v{VERSION} --repo {REPOSITORY} --verify-tag --generate-notes \
             release/awsauth.tar.gz release/checksums.txt"
        ),
    ];
    assert_eq!(log.lines().collect::<Vec<_>>(), expected);
    let outputs = job.read("output");
    let digest = "\ndigest=sha256:cafe\n";
    assert!(outputs.contains(digest), "{outputs}");
}

#[test]
fn release_publishes_nothing_that_differs_from_what_was_built() {
    let built = format!("sha256:{}", sha256("index"));
    // A file that is not what the list of checksums names.
    let job = publishing("another archive");
    let run = publish(&job, &built);
    assert_eq!(run.status, 1, "{run:?}");
    assert_eq!(job.read("log"), "");

    // An image that is not the one that the other job built.
    let job = publishing("archive");
    let run = publish(&job, "sha256:0000");
    run.says(
        1,
        &[
            "cannot publish ghcr.io/example/awsauth",
            "sha256:0000 was built",
        ],
    );
    assert!(!job.read("log").contains("gh release"));

    // A version that exists.
    let job = publishing("archive");
    job.put("tag exists", "");
    let run = publish(&job, &built);
    run.says(1, &[&format!("the tag v{VERSION} exists")]);
    assert!(!job.read("log").contains("login"));
}

#[test]
fn release_takes_from_each_artifact_only_its_own_file() {
    let release = release();
    let assemble = steps(&release["jobs"]["assemble"]);
    let download = assemble
        .iter()
        .find(|step| step["with"]["pattern"] == "asset-*")
        .expect("a download");
    assert_eq!(download["with"]["path"], "assets");
    assert!(download["with"]["merge-multiple"].is_null());
    let scripts = assemble.iter().filter_map(|step| step["run"].as_str());
    let script = scripts.clone().find(|script| script.contains("assets/"));
    let script = script.expect("a script");
    let build = release["jobs"]["build"]["strategy"]["matrix"]["include"].as_array();
    let platforms = build
        .expect("a matrix")
        .iter()
        .map(|one| one["platform"].as_str());
    let archive = |platform: &str| format!("awsauth_{VERSION}_{platform}.tar.gz");

    let job = Job::new();
    job.put("assets/asset-sbom/awsauth.cdx.json", "sbom");
    let mut expected = vec!["awsauth.cdx.json".to_owned()];
    for platform in platforms.flatten() {
        let name = archive(platform);
        job.put(&format!("assets/asset-{platform}/{name}"), platform);
        expected.push(name);
    }
    expected.sort();
    // Another job hands over an archive of its own.
    let name = archive("linux_amd64");
    job.put(&format!("assets/asset-sbom/{name}"), "replaced");
    job.put(&format!("assets/asset-x/{name}"), "replaced");
    let mut bash = job
        .environment(":/usr/bin:/bin")
        .command(Path::new("/bin/bash"));
    bash.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c"]);
    let run = Run::of(bash.arg(script).current_dir(job.folder.path()));
    assert_eq!(run.status, 0, "{run:?}");
    let found = fs::read_dir(job.path("release"))
        .expect("a folder")
        .flatten();
    let mut found: Vec<String> = found
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(job.read(&format!("release/{name}")), "linux_amd64");
}

#[test]
fn release_builds_the_image_from_a_base_pinned_by_digest() {
    let job = Job::new();
    job.program(
        "docker",
        "while [ $# -gt 0 ]; do case $1 in --metadata-file) echo '{}' >\"$2\" ;; esac; shift; done",
    );
    job.program("jq", "echo sha256:cafe");
    let build = |base: Option<&str>| {
        let environment = job.environment(":/usr/bin:/bin");
        let environment = match base {
            Some(base) => environment.with("BASE", base),
            None => environment,
        };
        let mut sh = environment.command(Path::new("/bin/sh"));
        sh.args([".github/build-image.sh", "image.tar"]);
        Run::of(sh.current_dir(ROOT))
    };
    for base in [
        None,
        Some("rust:1.95-trixie"),
        Some("rust@sha256:cafe"),
        Some("rust:1.95@sha256:"),
    ] {
        build(base).says(1, &["BASE is not pinned by digest", "hint: "]);
    }
    assert_eq!(job.read("log"), "");
    let base = format!("rust:1.95-trixie@sha256:{}", "0".repeat(64));
    build(Some(&base)).says(0, &[]);
    let log = job.read("log");
    for part in [
        "--platform linux/amd64,linux/arm64 --provenance=false --sbom=false",
        "--output type=oci,dest=image.tar",
        &format!(
            "--build-arg BASE={base} --build-arg VERSION={VERSION} --build-arg REVISION=c0ffee"
        ),
        &format!("--build-arg SOURCE=https://github.com/{REPOSITORY} ."),
    ] {
        assert!(log.contains(part), "no {part} in {log}");
    }
    assert_eq!(job.read("output"), "digest=sha256:cafe\n");
}
