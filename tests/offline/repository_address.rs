//! The repository's address is not known yet, so no file may contain a guessed one: a guessed address may belong to someone
//! else, whose program users would then download.
//!
//! Every address of a repository or of an image in the tracked files must be a placeholder, or be in the lists below.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::completed_run::Run;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Repositories on GitHub that comments and pages cite. Nothing is downloaded from them.
const CITED: &[&str] = &[
    "OctopusDeploy/Library",
    "actions/runner",
    "actions/toolkit",
    "aws-controllers-k8s/community",
    "aws-controllers-k8s/eks-controller",
    "aws-ia/terraform-aws-eks-blueprints",
    "aws-samples/appmod-blueprints",
    "aws/aws-cdk",
    "aws/aws-cli",
    "aws/aws-sdk-go-v2",
    "aws/karpenter-provider-aws",
    "boto/botocore",
    "eksctl-io/eksctl",
    "etcd-io/etcd",
    "golang/go",
    "gavinbunney/terraform-provider-kubectl",
    "hashicorp/terraform-provider-aws",
    "hashicorp/terraform-provider-kubernetes",
    "keikoproj/aws-auth",
    "kubernetes-sigs/aws-iam-authenticator",
    "kubernetes-sigs/cli-utils",
    "kubernetes-sigs/yaml",
    "kubernetes/apimachinery",
    "kubernetes/apiserver",
    "kubernetes/client-go",
    "kubernetes/kubernetes",
    "oasis-tcs/sarif-spec",
    "orgs/community",
    "pulumi/pulumi-eks",
    "terraform-aws-modules/terraform-aws-eks",
    "testmoapp/junitxml",
    "yaml/go-yaml",
];

/// Actions that the workflows and the examples of the pages use.
const ACTIONS: &[&str] = &[
    "actions/attest-build-provenance",
    "actions/cache",
    "actions/checkout",
    "actions/download-artifact",
    "actions/setup-go",
    "actions/upload-artifact",
    "aws-actions/configure-aws-credentials",
    "docker/setup-buildx-action",
    "github/codeql-action",
];

/// Images, each with the page of its publisher that names it.
const IMAGES: &[&str] = &[
    // https://hub.docker.com/_/rust
    "rust",
    // https://docs.aws.amazon.com/cli/latest/userguide/getting-started-docker.html
    "public.ecr.aws/aws-cli/aws-cli",
];

/// The placeholders for the repository: in pages, the reader's own copy; in scripts, a variable; in tests, an owner that GitHub
/// reserves for examples.
const OWNERS: &[&str] = &["OWNER", "REPOSITORY", "example", "octo"];

/// Hosts of repositories. Other subdomains, such as that of GitHub's documentation, have none.
const REPOSITORY_HOSTS: &[&str] = &[
    "github.com/",
    "github.com:",
    "api.github.com/repos/",
    "codeload.github.com/",
    "raw.githubusercontent.com/",
    "gitlab.com/",
    "bitbucket.org/",
];

/// Registries of images.
const REGISTRIES: &[&str] = &[
    "docker.io/",
    "gcr.io/",
    "ghcr.io/",
    "public.ecr.aws/",
    "quay.io/",
    "registry.gitlab.com/",
    "registry.k8s.io/",
];

/// The tracked text files, except lists of checksums that cargo and Go verify.
fn tracked() -> Vec<(String, String)> {
    let mut git = Command::new("git");
    let listed = Run::of(git.args(["ls-files", "-z"]).current_dir(ROOT));
    assert_eq!(listed.status, 0, "{listed:?}");
    let names = listed.stdout.split('\0').filter(|name| !name.is_empty());
    let is_list = |name: &&str| {
        ["Cargo.lock", "go.sum"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    let files =
        names.filter(|name| !is_list(name) && *name != "tests/offline/repository_address.rs");
    // A file that is tracked may be deleted in the work tree.
    let texts = files.filter_map(|name| {
        let text = fs::read_to_string(Path::new(ROOT).join(name)).ok()?;
        Some((name.to_owned(), text))
    });
    texts.collect()
}

/// The first words of a path: `OWNER/NAME` of `OWNER/NAME/blob/main`.
fn words(path: &str, count: usize) -> String {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || "-_./${}%[]".contains(c));
    let path = path.split(ends).next().unwrap_or_default();
    let words: Vec<&str> = path.split('/').take(count).collect();
    words.join("/").trim_end_matches(['.', '/']).to_owned()
}

/// Whether a name is spelled out. A variable of a shell, a workflow or a test is not.
fn is_spelled_out(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// What follows each occurrence of a host in a file.
fn after<'a>(text: &'a str, host: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(host).filter_map(|(at, found)| {
        let is_longer = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let before = text[..at].chars().next_back();
        let is_host = !before.is_some_and(is_longer);
        is_host.then(|| &text[at + found.len()..])
    })
}

/// Go modules, whose content `go.sum` pins.
fn go_modules() -> BTreeSet<String> {
    let files = tracked().into_iter();
    let files = files.filter(|(name, _)| name.ends_with("go.mod"));
    let modules = files.flat_map(|(_, text)| {
        let modules = after(&text, "github.com/").map(|path| words(path, 2));
        modules.collect::<Vec<_>>()
    });
    modules.collect()
}

/// The addresses of repositories in a file that no list allows.
fn unknown_repositories(name: &str, text: &str, modules: &BTreeSet<String>) -> Vec<String> {
    let mut unknown = Vec::new();
    for host in REPOSITORY_HOSTS {
        for path in after(text, host) {
            let repository = words(path, 2);
            let owner = repository.split('/').next().unwrap_or_default();
            let is_known = CITED.contains(&repository.as_str())
                || ACTIONS.contains(&repository.as_str())
                || OWNERS.contains(&owner)
                || (name.starts_with("tests/go/") && modules.contains(&repository));
            if !is_known && is_spelled_out(owner) {
                unknown.push(format!("{name}: {host}{repository}"));
            }
        }
    }
    unknown
}

/// The images in a file that no list allows.
fn unknown_images(name: &str, text: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    for registry in REGISTRIES {
        for path in after(text, registry) {
            let image = format!("{registry}{}", words(path, 2));
            let owner = path.split('/').next().unwrap_or_default();
            let is_known = IMAGES.contains(&image.as_str()) || OWNERS.contains(&owner);
            if !is_known && is_spelled_out(owner) {
                unknown.push(format!("{name}: {image}"));
            }
        }
    }
    unknown
}

#[test]
fn files_name_only_listed_repositories_and_registries() {
    let modules = go_modules();
    let files = tracked();
    assert!(files.iter().any(|(name, _)| name == "README.md"));
    let unknown: Vec<String> = files
        .iter()
        .flat_map(|(name, text)| {
            let repositories = unknown_repositories(name, text, &modules).into_iter();
            repositories.chain(unknown_images(name, text))
        })
        .collect();
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn cited_lists_have_no_leftovers() {
    let files = tracked();
    let is_named = |name: &&str| files.iter().any(|(_, text)| text.contains(*name));
    let lists = [CITED, ACTIONS, IMAGES].concat();
    let left: Vec<&str> = lists
        .iter()
        .filter(|name| !is_named(name))
        .copied()
        .collect();
    assert_eq!(left, Vec::<&str>::new());
}

/// A release is downloaded only from the repository that the user or the runner names.
#[test]
fn downloads_come_from_a_named_repository() {
    let mut downloads = 0;
    for (name, text) in tracked() {
        for line in text.lines() {
            let Some(start) = line.find("/releases/download/") else {
                continue;
            };
            downloads += 1;
            let before = &line[..start];
            // Nothing before it, as in a test that looks for the path.
            let is_named = [
                "REPOSITORY",
                "example/awsauth",
                "{page}",
                "${repository%/}",
                "\"",
            ]
            .iter()
            .any(|named| before.ends_with(named));
            assert!(is_named, "{name}: {line}");
        }
    }
    assert!(downloads > 0);
    let package = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).expect("Cargo.toml");
    let address = package
        .lines()
        .find_map(|line| line.strip_prefix("repository = "));
    assert_eq!(address, Some("\"\""), "then list it here as ours");
}

#[test]
fn actions_and_images_are_listed() {
    for (name, text) in tracked() {
        let has_steps = [".md", ".yml", ".yaml"]
            .iter()
            .any(|end| name.ends_with(end));
        for line in text.lines().filter(|_| has_steps) {
            let line = line.trim_start().trim_start_matches("- ");
            if let Some(used) = line.strip_prefix("uses: ") {
                let action = words(used.split('@').next().unwrap_or_default(), 2);
                let owner = action.split('/').next().unwrap_or_default();
                let is_known = ACTIONS.contains(&action.as_str()) || OWNERS.contains(&owner);
                assert!(is_known, "{name}: {line}");
            }
        }
        if name == "Dockerfile" {
            let bases = text
                .lines()
                .filter_map(|line| line.strip_prefix("ARG BASE="));
            for base in bases {
                let image = base.split([':', '@']).next().unwrap_or_default();
                assert!(IMAGES.contains(&image), "{base}");
            }
        }
    }
}

#[test]
fn guessed_addresses_are_found() {
    let modules = go_modules();
    let repositories = |text: &str| unknown_repositories("page.md", text, &modules).len();
    for guessed in [
        "https://github.com/awsauth/awsauth",
        "go install github.com/awsauth/awsauth@latest",
        "git clone git@github.com:awsauth/awsauth.git",
        "https://raw.githubusercontent.com/awsauth/awsauth/main/install.sh",
        "https://api.github.com/repos/awsauth/awsauth/releases",
        "https://gitlab.com/awsauth/awsauth",
        // Only Go files may name a Go module.
        "https://github.com/spf13/cobra",
    ] {
        assert_eq!(repositories(guessed), 1, "{guessed}");
    }
    for fine in [
        "https://github.com/OWNER/awsauth",
        "https://github.com/$repository",
        "https://github.com/yaml/go-yaml/tree/v2>), a port",
        "https://docs.github.com/en/actions",
    ] {
        assert_eq!(repositories(fine), 0, "{fine}");
    }
    let images = |text: &str| unknown_images("page.md", text).len();
    for guessed in [
        "ghcr.io/awsauth/awsauth:0.1.0",
        "docker.io/awsauth",
        "quay.io/a/b",
    ] {
        assert_eq!(images(guessed), 1, "{guessed}");
    }
    for fine in [
        "ghcr.io/OWNER/awsauth",
        "ghcr.io/${GITHUB_REPOSITORY,,}",
        "to ghcr.io.",
    ] {
        assert_eq!(images(fine), 0, "{fine}");
    }
}
