//! The house rules of ARCHITECTURE.md, held against the tree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One row of the table of rooms.
struct Room {
    name: String,
    files: BTreeSet<String>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rooms in the order of the page, from the ground up.
fn rooms() -> Vec<Room> {
    let page = read("ARCHITECTURE.md");
    let table = page
        .split("\n## Rooms\n")
        .nth(1)
        .expect("the part headed Rooms");
    let rows = table
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let files = cells[3].split(", ").filter(|file| !file.is_empty());
            Room {
                name: cells[1].to_owned(),
                files: files.map(str::to_owned).collect(),
            }
        })
        .collect()
}

/// The source files below a folder, as paths from it.
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

fn source_of(room: &str) -> Vec<(PathBuf, String)> {
    let folder = root().join("src").join(room);
    let inner = sources(&folder)
        .into_iter()
        .map(|file| Path::new("src").join(room).join(file));
    let files = inner.chain([PathBuf::from(format!("src/{room}.rs"))]);
    files.map(|path| (path.clone(), read(path))).collect()
}

#[test]
fn imports_go_downwards_only() {
    let rooms = rooms();
    for (height, room) in rooms.iter().enumerate() {
        for (path, text) in source_of(&room.name) {
            for used in text.split("crate::").skip(1) {
                let name: String = used
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                    .collect();
                let Some(depth) = rooms.iter().position(|other| other.name == name) else {
                    continue;
                };
                assert!(
                    depth <= height,
                    "{} uses {name}, which stands above it",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_core_does_no_io() {
    let all = rooms();
    let core = all.iter().take_while(|room| room.name != "aws");
    for room in core {
        for (path, text) in source_of(&room.name) {
            for word in [
                "std::fs",
                "std::env",
                "std::io",
                "std::net",
                "std::process",
                "std::time",
                "tokio",
                "kube::",
                "async ",
            ] {
                assert!(!text.contains(word), "{} holds {word}", path.display());
            }
        }
    }
}

#[test]
fn the_table_of_rooms_lists_every_file() {
    let page = read("ARCHITECTURE.md");
    let mut updated = page.clone();
    for room in rooms() {
        let found: BTreeSet<String> = sources(&root().join("src").join(&room.name))
            .into_iter()
            .map(|file| {
                file.with_extension("")
                    .display()
                    .to_string()
                    .replace('\\', "/")
            })
            .collect();
        if found != room.files {
            let list: Vec<_> = found.into_iter().collect();
            let start = updated
                .find(&format!("\n| {} |", room.name))
                .expect("its row")
                + 1;
            let end = start + updated[start..].find('\n').expect("its end");
            let row: Vec<&str> = updated[start..end].split('|').collect();
            let row = format!("|{}|{}| {} |", row[1], row[2], list.join(", "));
            updated.replace_range(start..end, &row);
        }
    }
    let known: BTreeSet<String> = rooms()
        .into_iter()
        .map(|room| room.name)
        .chain(["lib".into(), "main".into()])
        .collect();
    let top = fs::read_dir(root().join("src")).expect("src").flatten();
    for file in top.map(|entry| entry.path()) {
        let stem = file
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        assert!(
            known.contains(&stem),
            "{stem} has no row in ARCHITECTURE.md"
        );
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join("ARCHITECTURE.md"), &updated).expect("ARCHITECTURE.md");
    }
    assert!(
        read("ARCHITECTURE.md") == updated,
        "the table is out of date: UPDATE_DOCS=1 cargo test --test tidy"
    );
}

#[test]
fn every_exit_code_is_on_its_page() {
    let page = read("docs/exit-codes.md");
    let on_page: BTreeSet<u8> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    let code = read("src/edge/exit.rs");
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
fn every_page_is_linked() {
    let readme = read("README.md");
    for entry in fs::read_dir(root().join("docs")).expect("docs").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(
            readme.contains(&format!("docs/{name}")),
            "README.md does not link {name}"
        );
    }
}

#[test]
fn files_stay_small() {
    for file in sources(&root().join("src")) {
        let lines = read(Path::new("src").join(&file)).lines().count();
        assert!(
            lines <= 400,
            "{} has {lines} lines; 400 is the ceiling",
            file.display()
        );
    }
}

/// What tests run is searched for secrets: they take programs' output in `tests/support/secrets.rs` alone.
#[test]
fn no_test_takes_output_past_the_place_that_searches_it() {
    // What builds the parts: Go, cargo, pip. Nobody has handed out a secret yet.
    const BUILDERS: [&str; 3] = ["toolchain.rs", "static_build.rs", "python.rs"];
    const WAYS: [&str; 3] = [".output()", ".wait_with_output()", ".status()"];
    let folder = root().join("tests");
    for file in sources(&folder) {
        let support = file.strip_prefix("support").ok();
        let searches = support.is_some_and(|file| file == Path::new("secrets.rs"));
        let builds = support.is_some_and(|file| BUILDERS.iter().any(|b| file == Path::new(b)));
        if searches || builds || file == Path::new("tidy.rs") {
            continue;
        }
        let text = read(Path::new("tests").join(&file));
        for way in WAYS {
            assert!(!text.contains(way), "{} has {way}", file.display());
        }
    }
}
