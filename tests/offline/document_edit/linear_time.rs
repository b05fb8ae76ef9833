//! The time of a batch is linear in the text and the batch.

use std::collections::BTreeMap;
use std::time::Duration;

use awsauth_core::document::edit::{Edit, Groups, apply};
use awsauth_core::document::{Document, Principal};

use crate::support::cpu_time;

const LARGE: usize = 1 << 20;
const EDITS: usize = 1_000;
/// The size of the large input relative to the small one.
const PART: usize = 8;

#[test]
fn edit_time_is_linear_in_text_and_batch() {
    for (text_name, text) in TEXTS {
        for (batch_name, edit) in BATCHES {
            let key = if batch_name == "accounts" {
                "mapAccounts"
            } else {
                "mapRoles"
            };
            let time = |part: usize, enough: Duration| {
                let data = BTreeMap::from([(key.to_owned(), text(LARGE / part))]);
                let document = Document::read(&data);
                let entries = document.sections().map(|section| section.entries().len());
                let count = entries.sum();
                let edits: Vec<_> = (0..EDITS / part).map(|at| edit(at, count)).collect();
                fastest_of_three(&document, &edits, enough)
            };
            let small = time(PART, Duration::ZERO);
            // Linear time is 8 times as long, quadratic time 64 times. The limit allows for slower memory access to
            // large documents.
            let limit = 30 * small + Duration::from_millis(300);
            let large = time(1, limit);
            assert!(
                large < limit,
                "{batch_name} in {text_name}: {small:?}, {large:?}"
            );
        }
    }
}

fn fastest_of_three(document: &Document, edits: &[Edit], enough: Duration) -> Duration {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let taken =
            cpu_time::of(|| apply(document, edits).unwrap_or_else(|error| panic!("{error}")));
        fastest = fastest.min(taken);
        if fastest < enough {
            break;
        }
    }
    fastest
}

fn arn(at: usize) -> String {
    format!("arn:aws:iam::111122223333:role/r{at:06}")
}

fn entries(bytes: usize, entry: impl Fn(usize) -> String) -> String {
    let count = bytes / entry(0).len();
    (0..count).map(entry).collect()
}

type Text = fn(usize) -> String;

const TEXTS: [(&str, Text); 9] = [
    ("block entries", |bytes| {
        entries(bytes, |at| {
            format!("- rolearn: {}\n  username: u\n  groups:\n  - g\n", arn(at))
        })
    }),
    ("commented entries", |bytes| {
        entries(bytes, |at| {
            format!(
                "# {at:06}\n\n# one\n- rolearn: {}\n  username: u # it\n  groups: [g]\n\n",
                arn(at)
            )
        })
    }),
    ("JSON on one line", |bytes| {
        let entry = |at| {
            format!(
                r#"{{"rolearn":"{}","username":"u","groups":["g"]}},"#,
                arn(at)
            )
        };
        format!("[{}]", entries(bytes, entry).trim_end_matches(','))
    }),
    ("JSON on many lines", |bytes| {
        let entry = |at| {
            format!(
                "  {{\n    \"rolearn\": \"{}\",\n    \"username\": \"u\",\n    \"groups\": [\"g\"]\n  }},\n",
                arn(at)
            )
        };
        format!("[\n{}\n]", entries(bytes, entry).trim_end_matches(",\n"))
    }),
    ("one entry of many groups", |bytes| {
        let groups = entries(bytes, |at| format!("  - g{at:06}\n"));
        format!("- rolearn: {}\n  username: u\n  groups:\n{groups}", arn(0))
    }),
    ("one entry of many groups in brackets", |bytes| {
        let groups = entries(bytes, |at| format!("g{at:06}, "));
        format!(
            "- rolearn: {}\n  username: u\n  groups: [{groups}]\n",
            arn(0)
        )
    }),
    ("one ARN many times", |bytes| {
        entries(bytes, |_| format!("- rolearn: {}\n  username: u\n", arn(0)))
    }),
    ("comments and blank lines", |bytes| {
        let noise = "# comment\n\n".repeat(bytes / 11);
        format!(
            "- rolearn: {}\n  username: u\n{noise}- rolearn: {}\n  username: u\n",
            arn(0),
            arn(1)
        )
    }),
    ("blank lines behind a literal", |bytes| {
        let noise = "\n".repeat(bytes);
        format!(
            "- rolearn: {}\n  username: |-\n    u\n{noise}- rolearn: {}\n",
            arn(0),
            arn(1)
        )
    }),
];

/// Makes an edit from its number and the number of entries in the document.
type Make = fn(usize, usize) -> Edit;

const BATCHES: [(&str, Make); 7] = [
    ("new entries", |at, _| map(900_000 + at, &["a", "b"])),
    ("changes", |at, count| {
        map(at * count.div_ceil(EDITS), &["h"])
    }),
    ("changes of one", |at, _| {
        adjust(0, &format!("n{at}"), &format!("g{at:06}"))
    }),
    ("removals", |at, count| unmap(at * count.div_ceil(EDITS))),
    ("nothing new", |_, _| adjust(0, "g000001", "none")),
    ("to and fro", |at, _| {
        if at % 2 == 0 {
            map(0, &["a"])
        } else {
            unmap(0)
        }
    }),
    ("accounts", |at, _| Edit::Map {
        principal: Principal::Account(format!("9{at:011}")),
        username: None,
        groups: Groups::Keep,
    }),
];

fn map(number: usize, groups: &[&str]) -> Edit {
    Edit::Map {
        principal: Principal::Role(arn(number)),
        username: Some("v".to_owned()),
        groups: Groups::Set(groups.iter().map(|group| (*group).to_owned()).collect()),
    }
}

fn adjust(number: usize, add: &str, remove: &str) -> Edit {
    Edit::Map {
        principal: Principal::Role(arn(number)),
        username: Some("v".to_owned()),
        groups: Groups::Adjust {
            add: vec![add.to_owned()],
            remove: vec![remove.to_owned()],
        },
    }
}

fn unmap(number: usize) -> Edit {
    Edit::Unmap {
        principal: Principal::Role(arn(number)),
        only_line: None,
    }
}
