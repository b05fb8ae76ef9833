//! Commands on a manifest of 1 MiB, the limit of a ConfigMap, and the library on up to 4 MiB.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::time::Duration;

use awsauth_core::document::edit::{Edit, Groups, apply};
use awsauth_core::document::{Document, Principal, SectionName};

use crate::measure::child_process::timed_run;
use crate::measure::libyaml_pass::event_pass;
use crate::measure::peak_memory::peak;
use crate::measure::release_binary::Awsauth;
use crate::measure::timing::{Samples, heading, interleaved, ratio, row, row_at_most, timed};
use crate::measured_commands::{MAP_NEW, NEW_ROLE};
use crate::support::authenticator_oracle::{Answer, Data, Oracle, Request};

/// The number of roles in 1 MiB.
const ROLES: usize = 7_600;
const ROUNDS: usize = 20;

/// The commands: label, arguments, and the highest acceptable multiple of a parser pass.
const RUNS: [(&str, &[&str], f64); 4] = [
    ("awsauth get --file -o json", &["get", "-o", "json"], 3.0),
    ("awsauth lint --file", &["lint"], 6.0),
    ("awsauth map --file, changing", &MAP_NEW, 5.0),
    (
        "awsauth apply --file, 1000 new mappings",
        &["apply", "-f", "desired.yaml"],
        6.0,
    ),
];

pub(crate) fn run(awsauth: &Awsauth) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = roles("platform", ROLES);
    let large = manifest_of(&text);
    fs::write(folder.path().join("desired.yaml"), roles("more", 1000)).expect("a file");
    // Every run starts with the same manifest.
    let command = |arguments: &[&str], manifest: &str| {
        fs::write(folder.path().join("aws-auth.yaml"), manifest).expect("a file");
        let mut command = awsauth.command(arguments);
        command
            .args(["--file", "aws-auth.yaml"])
            .current_dir(&folder);
        command
    };
    let [get, lint, map, apply] =
        RUNS.map(|(_, arguments, _)| || timed_run(&mut command(arguments, &large)));

    let [bare, runs @ ..] = interleaved(
        ROUNDS,
        [
            &mut || event_pass(&text),
            &mut { get },
            &mut { lint },
            &mut { map },
            &mut { apply },
        ],
    );
    heading(&format!(
        "A manifest with {} KiB of mapRoles, {ROLES} roles",
        text.len() >> 10
    ));
    row("libyaml's events, nothing else", &bare);
    for ((label, _, limit), samples) in RUNS.iter().zip(&runs) {
        row_at_most(label, samples, &bare, Some(*limit));
    }
    row_at_most(
        "aws-iam-authenticator's ParseMap",
        &parse_map(&text),
        &bare,
        None,
    );

    println!(
        "\nPeak memory above that on an empty aws-auth, and its ratio to the size of the text"
    );
    for (label, arguments, _) in RUNS {
        let beyond =
            peak(&command(arguments, &large)) - peak(&command(arguments, &manifest_of("[]\n")));
        println!(
            "{label:<46}{:>26} KiB{}",
            beyond >> 10,
            ratio(beyond as f64 / text.len() as f64, Some(12.0))
        );
    }
    library();
}

/// Compares 1 MiB with 4 MiB: the time must grow linearly.
fn library() {
    let [one, four] = [ROLES, 4 * ROLES].map(|count| {
        BTreeMap::from([(
            SectionName::Roles.key().to_owned(),
            roles("platform", count),
        )])
    });
    let edit = [Edit::Map {
        principal: Principal::Role(NEW_ROLE.to_owned()),
        username: Some("admin".to_owned()),
        groups: Groups::Set(vec!["system:masters".to_owned()]),
    }];
    let read = |data| timed(|| Document::read(data));
    let change =
        |data| timed(|| apply(&Document::read(data), &edit).expect("an edit that can be made"));
    let [read_one, read_four, change_one, change_four] = interleaved(
        ROUNDS,
        [
            &mut || read(&one),
            &mut || read(&four),
            &mut || change(&one),
            &mut || change(&four),
        ],
    );
    heading("In the library");
    row("read 1 MiB", &read_one);
    row_at_most("read 4 MiB", &read_four, &read_one, Some(4.5));
    row("read and map 1 MiB", &change_one);
    row_at_most("read and map 4 MiB", &change_four, &change_one, Some(4.5));
}

/// Measures the authenticator's own parser.
fn parse_map(text: &str) -> Samples {
    let data = Data {
        texts: BTreeMap::from([("mapRoles".to_owned(), text.to_owned())]),
        ..Data::default()
    };
    let count = u32::try_from(ROUNDS).expect("a small number");
    let answers = Oracle::start().ask(&[Request::Bench { data, count }]);
    let [Answer::Bench(nanos)] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    Samples::new(
        nanos
            .iter()
            .map(|&nanos| Duration::from_nanos(nanos))
            .collect(),
    )
}

/// Returns typical entries, of 142 bytes on average.
fn roles(prefix: &str, count: usize) -> String {
    let mut text = String::new();
    for i in 0..count {
        let account = 111_122_223_333 + i % 7;
        let name = format!("{prefix}-{i:05}-deployer");
        let _ = write!(
            text,
            "- rolearn: arn:aws:iam::{account}:role/{name}\n  username: {name}\n  groups:\n  - {prefix}-{i:05}:editors\n"
        );
        if i % 4 == 0 {
            text += "  - observers\n";
        }
    }
    text
}

fn manifest_of(map_roles: &str) -> String {
    let mut manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: |\n".to_owned();
    for line in map_roles.lines() {
        let _ = writeln!(manifest, "    {line}");
    }
    manifest
}
