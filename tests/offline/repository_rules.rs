//! Rules on the repository's files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the source files below a folder as relative paths.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            let inner = sources(&path).into_iter();
            found.extend(inner.map(|file| Path::new(&entry.file_name()).join(file)));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(PathBuf::from(entry.file_name()));
        }
    }
    found
}

#[test]
fn exit_codes_page_lists_every_exit_code() {
    let page = read("docs/exit-codes.md");
    let on_page: BTreeSet<u8> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    let src = root().join("src");
    let code = sources(&src)
        .into_iter()
        .map(|file| read(Path::new("src").join(file)))
        .find(|text| text.contains("enum Exit "))
        .expect("the enum of exit codes");
    let in_code: BTreeSet<u8> = code
        .lines()
        .filter_map(|line| {
            line.trim()
                .trim_end_matches(',')
                .split_once(" = ")?
                .1
                .parse()
                .ok()
        })
        .collect();
    assert!(!in_code.is_empty());
    assert_eq!(on_page, in_code);
}

#[test]
fn readme_links_every_page() {
    let readme = read("README.md");
    for entry in fs::read_dir(root().join("docs")).expect("docs").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(
            readme.contains(&format!("docs/{name}")),
            "README.md does not link {name}"
        );
    }
}

/// Tests take the output of programs only in `tests/support/program_output.rs`, which searches it for secrets.
#[test]
fn tests_read_output_only_through_the_program_output_module() {
    // Go, cargo and pip run before any secret is issued.
    const BUILDERS: [&str; 3] = ["go_programs.rs", "static_build.rs", "python.rs"];
    const WAYS: [&str; 3] = [".output()", ".wait_with_output()", ".status()"];
    let folder = root().join("tests");
    for file in sources(&folder) {
        let support = file.strip_prefix("support").ok();
        let searches = support.is_some_and(|file| file == Path::new("program_output.rs"));
        let builds = support.is_some_and(|file| BUILDERS.iter().any(|b| file == Path::new(b)));
        if searches || builds || file == Path::new("offline/repository_rules.rs") {
            continue;
        }
        let text = read(Path::new("tests").join(&file));
        for way in WAYS {
            assert!(!text.contains(way), "{} has {way}", file.display());
        }
    }
}

/// A dependency that has other features in tests compiles twice, with all that depend on it.
#[test]
fn dependencies_have_the_same_features_in_tests() {
    let features = |edges: &str| -> BTreeSet<String> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(root())
            .args(["tree", "--offline", "--locked", "--workspace"]);
        cargo.args(["--edges", edges, "--prefix", "none", "--format", "{p} {f}"]);
        let done = cargo.output().expect("cargo");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let lines = String::from_utf8_lossy(&done.stdout).into_owned();
        lines
            .lines()
            .map(|line| line.trim_end_matches(" (*)").to_owned())
            .collect()
    };
    let (program, tests) = (features("normal,build"), features("normal,build,dev"));
    let other: Vec<_> = program.difference(&tests).collect();
    assert!(other.is_empty(), "other features in tests: {other:#?}");
}

/// Below `### crates/NAME` or `### src`, each row begins with names of modules in that folder.
#[test]
fn architecture_page_names_existing_modules() {
    let page = read("ARCHITECTURE.md");
    let mut folder = None;
    let mut count = 0;
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("### ") {
            folder = Some(match title {
                "src" => root().join("src"),
                title => root().join(title).join("src"),
            });
        } else if line.starts_with("## ") {
            folder = None;
        } else if let (Some(folder), Some(row)) = (&folder, line.strip_prefix("| `")) {
            let (cell, _) = row.split_once(" |").expect("a table");
            for name in cell.split(", ").map(|name| name.trim_matches('`')) {
                let module = folder.join(name);
                assert!(
                    module.is_dir() || module.with_extension("rs").is_file(),
                    "{} does not exist",
                    module.display()
                );
                count += 1;
            }
        }
    }
    assert!(count > 50, "{count} modules");
}

/// Checks the code spans that look like a path to a file of the repository.
#[test]
fn pages_name_existing_files() {
    const FOLDERS: [&str; 6] = [
        "crates/",
        "docs/",
        "manifests/",
        "pipeline/",
        "src/",
        "tests/",
    ];
    // Only the commit of a release has pipeline/checksums.txt.
    const EXAMPLES: [&str; 4] = [
        "name.rs",
        "rule_name.rs",
        "verb.rs",
        "pipeline/checksums.txt",
    ];
    let docs = fs::read_dir(root().join("docs")).expect("docs").flatten();
    let mut pages: Vec<_> = docs
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.extend(
        [
            "README.md",
            "ARCHITECTURE.md",
            "CONTRIBUTING.md",
            "SECURITY.md",
        ]
        .map(PathBuf::from),
    );
    for page in pages {
        let text = read(&page);
        for span in text.split('`').skip(1).step_by(2) {
            let path = Path::new(span);
            let is_file = FOLDERS.iter().any(|folder| span.starts_with(folder))
                && !span.contains(char::is_whitespace)
                && path.extension().is_some();
            if is_file && !EXAMPLES.iter().any(|name| path.ends_with(name)) {
                assert!(root().join(path).exists(), "{}: no {span}", page.display());
            }
        }
    }
}
