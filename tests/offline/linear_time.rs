//! Reading, linting and reviewing take linear time for any input. This can be tested without an API server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use awsauth_core::access_entries::EntryChange;
use awsauth_core::admission::{self, Deadline, Object, Policy, Review, validate};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::desired;
use awsauth_core::document::{Document, SectionName};
use awsauth_core::facts::access_entries::AccessTerms;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::iam_inventory::{Listed, Principal, Principals};
use awsauth_core::helm_jinja_syntax::first_action;
use awsauth_core::history::{Contents, EntryWrite, Revision, Who, revision_states};
use awsauth_core::lint::{Cluster, Facts, Selection, lint};
use awsauth_core::manifest::Manifest;
use awsauth_core::plan::{Plan, Request};
use awsauth_core::reconcile::{
    Config, DeletionPolicy, DriftPolicy, Protect, Spec, check_requester,
};
use awsauth_core::redact;
use awsauth_core::wildcard_pattern::Pattern;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::completed_run::Run;
use crate::support::cpu_time;

const SMALL: usize = 128 << 10;
const LARGE: usize = 1 << 20;

#[test]
fn reading_time_is_linear() {
    for (name, make) in texts() {
        for section in [SectionName::Roles, SectionName::Accounts] {
            let time = |bytes, runs| {
                let data = BTreeMap::from([(section.key().to_owned(), make(bytes))]);
                (0..runs).map(|_| once(&data)).min().unwrap_or_default()
            };
            let (small, large) = (time(SMALL, 3), time(LARGE, 1));
            // Linear time is 8 times as long, quadratic time 64 times. The limit allows for slower memory access to
            // large documents.
            let limit = 30 * small + Duration::from_millis(300);
            assert!(
                large < limit,
                "{name} in {}: {small:?}, {large:?}",
                section.key()
            );
        }
    }
}

fn once(data: &BTreeMap<String, String>) -> Duration {
    cpu_time::of(|| Document::read(data))
}

#[test]
fn aliases_are_read_up_to_a_limit() {
    let long = "x".repeat(10_000);
    for (section, first, item) in [
        (
            SectionName::Roles,
            format!("- &a {long}\n"),
            "- {rolearn: a, username: *a}\n",
        ),
        (
            SectionName::Roles,
            format!("- &a {{username: {long}}}\n"),
            "- {rolearn: a, <<: *a}\n",
        ),
        (
            SectionName::Roles,
            format!("- &a [{long}]\n"),
            "- {rolearn: a, groups: *a}\n",
        ),
        (SectionName::Accounts, format!("- &a {long}\n"), "- *a\n"),
    ] {
        let read = |count| {
            let text = first.clone() + &item.repeat(count);
            Document::read(&BTreeMap::from([(section.key().to_owned(), text)]))
        };
        assert_eq!(read(100).section(section).entries().len(), 101, "{item}");
        let document = read(110);
        let problems = document.section(section).problems();
        assert!(document.section(section).is_unreadable(), "{item}");
        assert!(
            problems[0].message.contains("more than 1 MiB"),
            "{problems:?}"
        );
    }
}

#[test]
fn entries_are_read_up_to_a_limit() {
    for (item, first, last) in [("-\n", "", ""), ("~,", "[", "]"), ("{},", "[", "]")] {
        let read = |count| {
            let text = [first, &item.repeat(count), last].concat();
            Document::read(&BTreeMap::from([("mapRoles".to_owned(), text)]))
        };
        let section = SectionName::Roles;
        assert_eq!(read(50_000).section(section).entries().len(), 50_000);
        let document = read(60_000);
        assert!(document.section(section).is_unreadable(), "{item}");
        let problems = document.section(section).problems();
        assert_eq!(problems.len(), 1);
        assert_eq!(
            problems[0].message,
            "awsauth does not read more than 50000 entries"
        );
    }
}

#[test]
fn aliases_of_desired_state_are_read_up_to_a_limit() {
    let long = "x".repeat(10_000);
    let principal = "arn:aws:iam::111122223333:role";
    for (first, item, loads) in [
        (
            format!("- &a {{rolearn: {principal}/a, username: {long}}}\n"),
            "- *a\n",
            100,
        ),
        (
            format!("- {{rolearn: {principal}/a, username: &a {long}}}\n"),
            "- {rolearn: ROLE, username: *a}\n",
            100,
        ),
        (
            format!(
                "- {{rolearn: {principal}/a, username: u, groups: &a [{}]}}\n",
                "g,".repeat(1_000)
            ),
            "- {rolearn: ROLE, username: u, groups: *a}\n",
            30,
        ),
    ] {
        let read = |count: usize| {
            let items = (0..count).map(|at| item.replace("ROLE", &format!("{principal}/b{at}")));
            let text = first.clone() + &items.collect::<String>();
            desired::read(&text, "f", None)
        };
        assert!(read(loads).is_ok(), "{item}");
        let error = read(loads + 10).expect_err(item);
        assert!(error.to_string().contains("more than 1 MiB"), "{error}");
        assert!(error.line > loads, "{error}");
    }
    // Merged, and nested: each anchor has ten of the previous one.
    let bomb = |mut text: String| {
        for level in 1..12 {
            let previous = format!("*a{},", level - 1).repeat(10);
            text += &format!("- &a{level} [{previous}]\n");
        }
        text
    };
    for text in [
        "- &a {rolearn: a, username: [*a]}\n".to_owned(),
        "kind: List\nitems:\n- &a {kind: List, items: [*a]}\n".to_owned(),
        bomb("- &a0 [a]\n".to_owned()),
    ] {
        let error = desired::read(&text, "f", None).expect_err("too many aliases");
        assert!(error.to_string().contains("more than 1 MiB"), "{error}");
        assert!(desired::is_other_form(&text), "so that lint reports it");
    }
}

/// A revision of 20 KB may change thousands of access entries.
#[test]
fn time_to_show_and_undo_a_write_to_access_entries_is_linear() {
    let time = |count: usize| {
        let arn = |at| format!("arn:aws:iam::111122223333:role/AWSReservedSSO_a_{at:016x}");
        let change = |at| EntryChange {
            principal_arn: arn(at),
            before: Some(AccessTerms {
                policies: Some(Vec::new()),
                ..AccessTerms::default()
            }),
            after: None,
        };
        let changes: Vec<_> = (0..count).map(change).collect();
        let write = EntryWrite::of_changes(AuthenticationMode::ApiAndConfigMap, changes);
        let revision = revision_of(write.clone());
        let command = ["awsauth", "map", "role"].map(str::to_owned).into_iter();
        let command: Vec<String> = command.chain((0..count).map(arn)).collect();
        let live = AccessEntries::new(write.mode, Some(write.entries_before()));
        let request = Request {
            access_entries: Some(Arc::new(live.clone())),
            entry_changes: write.changes.clone(),
            ..Request::default()
        };
        let nothing = Contents::default();
        let before = nothing.snapshot();
        cpu_time::of(|| {
            let states = revision_states(&[&revision, &revision], &nothing, Some(&live));
            let joined = EntryWrite::joined(&[&write, &write]);
            let document = Document::read(&before.data);
            let gains = write.principals_with_new_access(&document);
            let plan = Plan::new(&before, &request);
            (states, joined, gains, write.contradiction(&command), plan)
        })
    };
    let (small, large) = (time(1_000), time(8_000));
    assert!(
        large < 30 * small + Duration::from_millis(300),
        "{small:?}, {large:?}"
    );
}

fn revision_of(write: EntryWrite) -> Revision {
    Revision {
        number: 7,
        run: "0".repeat(16),
        before: Contents::default(),
        after: Contents::default(),
        who: Who::default(),
        when: Timestamp::UNIX_EPOCH,
        command: Vec::new(),
        version: String::new(),
        reason: None,
        undoes: None,
        transaction: None,
        is_foreign: false,
        entries: Some(write),
    }
}

/// Manifests around aws-auth, which awsauth reads as kubectl does.
#[test]
fn manifest_reading_time_is_linear() {
    let nested = |open: &str, close: &str, depth| open.repeat(depth) + "1" + &close.repeat(depth);
    let manifests: [(&str, &dyn Fn(usize) -> String); 5] = [
        ("JSON objects", &|depth| nested("{\"a\":", "}", depth)),
        ("JSON lists", &|depth| {
            format!("{{\"a\":{}}}", nested("[", "]", depth))
        }),
        ("JSON objects with an error at the end", &|depth| {
            format!("{}]", nested("{\"a\":", "}", depth - 1))
        }),
        ("flow lists", &|depth| nested("[", "]", depth)),
        ("block lists", &|depth| nested("- ", "", depth)),
    ];
    for (name, make) in manifests {
        let time = |depth, runs| {
            let text = make(depth);
            let once = || cpu_time::of(|| Manifest::parse(text.as_str()).is_err());
            (0..runs).map(|_| once()).min().unwrap_or_default()
        };
        let (small, large) = (time(1_000, 3), time(8_000, 1));
        let limit = 30 * small + Duration::from_millis(100);
        assert!(large < limit, "{name}: {small:?}, {large:?}");
        let deeper_than_kubectl_reads = make(100_000);
        let taken = cpu_time::of(|| Manifest::parse(deeper_than_kubectl_reads).expect_err(name));
        assert!(taken < Duration::from_secs(1), "{name}: {taken:?}");
    }
}

/// Files, which awsauth searches for templates before it reads them.
#[test]
fn template_search_time_is_linear() {
    for (name, part) in [
        ("open braces", "{{"),
        ("words in open braces", "{{a "),
        ("placeholders", "{{a}} "),
        ("open statements", "{%"),
    ] {
        let time = |count, runs| {
            let text = part.repeat(count);
            let once = || cpu_time::of(|| first_action(&text));
            (0..runs).map(|_| once()).min().unwrap_or_default()
        };
        let (small, large) = (time(2_000, 3), time(16_000, 1));
        let limit = 30 * small + Duration::from_millis(100);
        assert!(large < limit, "{name}: {small:?}, {large:?}");
    }
}

/// Findings behind lines that the file has in another form than the section.
#[test]
fn time_to_find_positions_in_the_file_is_linear() {
    for (name, style, line) in [
        ("blank lines of a literal", "|", "\n"),
        ("blank lines of a folded scalar", ">", "\n"),
        ("lines of white space", "|", "     \n"),
        ("folded lines", ">", "    # a\n"),
    ] {
        let time = |count, runs| {
            let text = format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-auth, namespace: kube-system}}\ndata:\n  mapRoles: {style}\n    - a\n{}    - b\n",
                line.repeat(count)
            );
            let manifest = Manifest::parse(text).expect(name);
            let end = manifest.data()["mapRoles"].len() - 1;
            let once = || cpu_time::of(|| manifest.file_offsets(SectionName::Roles, &[end]));
            (0..runs).map(|_| once()).min().unwrap_or_default()
        };
        let (small, large) = (time(2_000, 3), time(16_000, 1));
        let limit = 30 * small + Duration::from_millis(100);
        assert!(large < limit, "{name}: {small:?}, {large:?}");
    }
}

/// Sections with a finding in every entry or field.
#[test]
fn lint_time_is_linear() {
    let texts: [(&str, Make); 12] = [
        ("groups of a long principal", |bytes| {
            let groups = "  - \"a,\"\n".repeat(bytes / 20);
            format!("- rolearn: {}\n  groups:\n{groups}", "a".repeat(bytes / 2))
        }),
        ("a long value of a repeated field", |bytes| {
            let repeated = "  username: a\n".repeat(bytes / 28);
            format!(
                "- rolearn: a\n{repeated}  username: {}\n",
                "a".repeat(bytes / 2)
            )
        }),
        ("entries before a long one", |bytes| {
            let entries = "- {rolearn: a}\n".repeat(bytes / 30);
            format!(
                "{entries}- rolearn: a\n  username: {}\n",
                "a".repeat(bytes / 2)
            )
        }),
        ("entries before one with many groups", |bytes| {
            let entries = "- {rolearn: a}\n".repeat(bytes / 30);
            format!(
                "{entries}- rolearn: a\n  groups:\n{}",
                numbered(bytes / 24, |at| format!("  - g{at:07}\n"))
            )
        }),
        ("roles that are gone", |bytes| {
            numbered(bytes / 50, |at| {
                format!("- rolearn: arn:aws:iam::111122223333:role/r{at:07}\n")
            })
        }),
        ("the same entry", |bytes| {
            "- rolearn: a\n".repeat(bytes / 13)
        }),
        ("pathed roles", |bytes| {
            numbered(bytes / 47, |at| {
                format!("- rolearn: arn:aws:iam::111122223333:role/a/{at:06}\n")
            })
        }),
        ("unknown fields", |bytes| {
            format!(
                "- rolearn: a\n{}",
                numbered(bytes / 14, |at| format!("  k{at:07}: b\n"))
            )
        }),
        ("waivers", |bytes| {
            let waivers = "# awsauth: ignore[R99] no reason\n".repeat(bytes / 33);
            format!("{waivers}- rolearn: a\n")
        }),
        ("waivers of a line with many findings", |bytes| {
            let waivers = "# awsauth: ignore[X] no reason\n".repeat(bytes / 62);
            format!("{waivers}[{}]\n", "{rolearn: x},".repeat(bytes / 26))
        }),
        ("templates in braces on one line", |bytes| {
            format!("- {{a: {}", "a: b{{c}}, ".repeat(bytes / 11))
        }),
        ("templates without quotes on one line", |bytes| {
            format!("- groups: [{}]", "a{{b}},".repeat(bytes / 7))
        }),
    ];
    for (name, make) in texts {
        let time = |bytes, runs| {
            let data = BTreeMap::from([("mapRoles".to_owned(), make(bytes))]);
            let document = Document::read(&data);
            (0..runs).map(|_| once_lint(&data, &document)).min()
        };
        let (small, large) = (time(SMALL, 3), time(LARGE, 1));
        let limit = 30 * small.unwrap_or_default() + Duration::from_millis(300);
        assert!(large < Some(limit), "{name}: {small:?}, {large:?}");
    }
}

/// Comments and keys whose words are compared with the names of all rules or sections.
#[test]
fn comparing_words_with_known_names_takes_little_time() {
    let lint_time = |key: &str, text: String| {
        let data = BTreeMap::from([(key.to_owned(), text)]);
        let document = Document::read(&data);
        cpu_time::of(|| lint(&data, &document, &known(), &Selection::default()))
    };
    let comment = |names: &str| format!("# awsauth: ignore[{names}] no reason\n- rolearn: a\n");
    let other = format!("# {}\n- rolearn: a\n", "a".repeat(SMALL));
    let limit = 10 * lint_time("mapRoles", other) + Duration::from_millis(300);
    for (what, key, text) in [
        ("a long name", "mapRoles", comment(&"G".repeat(SMALL))),
        ("many names", "mapRoles", comment(&"aa,".repeat(SMALL / 3))),
        (
            "a long key",
            &*format!("mapRole{}", "s".repeat(3 << 20)),
            String::new(),
        ),
    ] {
        let taken = lint_time(key, text);
        assert!(taken < limit, "{what}: {taken:?}, {limit:?}");
    }
}

/// Usernames that consist of placeholders, which are compared with the names of administrators.
#[test]
fn time_to_check_a_requester_is_linear() {
    let config =
        "grants:\n- accounts: ['111122223333']\n  usernames: ['*']\n  requesters: {users: [x]}\n";
    let config = Config::parse(config).expect("a configuration");
    let time = |count, runs| {
        let spec = Spec {
            username: Some("{{SessionName}}".repeat(count)),
            ..spec(awsauth_core::document::Principal::Role(
                "arn:aws:iam::111122223333:role/a".to_owned(),
            ))
        };
        let once = || {
            cpu_time::of(|| {
                check_requester(&config, &spec, "mallory", &[], &Deadline::default()).is_err()
            })
        };
        (0..runs).map(|_| once()).min().unwrap_or_default()
    };
    let (small, large) = (time(250, 3), time(2_000, 1));
    let limit = 30 * small + Duration::from_millis(100);
    assert!(large < limit, "{small:?}, {large:?}");
}

fn spec(principal: awsauth_core::document::Principal) -> Spec {
    Spec {
        principal,
        username: None,
        groups: Vec::new(),
        policies: Vec::new(),
        deletion: DeletionPolicy::default(),
        drift: DriftPolicy::default(),
        expires_at: None,
    }
}

#[test]
fn redaction_time_is_linear() {
    let units = [
        ":",
        "\"",
        ":\"",
        "key:",
        "a:b@",
        "a://b:c@",
        "a://b:c",
        "x@h:1",
        "=",
        "token=\"",
        "[",
        "wJalrXUtnFEMIxK7MDENGxbPxRfiCYEXAMPLEKEY.",
        "eyJ",
        "token: \"",
    ];
    for (unit, end) in units
        .map(|unit| (unit, ""))
        .into_iter()
        .chain([(":", "\"")])
    {
        let once = |bytes: usize| {
            let text = unit.repeat(bytes / unit.len()) + &end.repeat(bytes);
            cpu_time::of(|| redact::text(&text))
        };
        let time = |bytes, runs| (0..runs).map(|_| once(bytes)).min().unwrap_or_default();
        let (small, large) = (time(SMALL / 4, 3), time(LARGE / 4, 1));
        let limit = 30 * small + Duration::from_millis(100);
        assert!(large < limit, "{unit:.10}: {small:?}, {large:?}");
    }
}

/// The program on a file with a finding about each object.
#[test]
#[cfg(unix)]
fn lint_of_many_misplaced_objects_takes_linear_time() {
    const OBJECTS: usize = 16_000;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("objects.yaml");
    let object = |at: usize| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-auth{at}, namespace: kube-system}}\ndata: {{mapRoles: '[]'}}\n"
        )
    };
    std::fs::write(&path, (0..OBJECTS).map(object).collect::<String>()).expect("a file");
    let run = Run::of(limited(&["lint", "-o", "json"]).arg(&path));
    let findings = run.json()["findings"].as_array().map_or(0, Vec::len);
    assert!(findings >= OBJECTS, "{findings}, status {}", run.status);
}

/// The program on a plan with many aws-auths and access entries. The limit of memory is many times what it needs.
#[test]
#[cfg(unix)]
fn lint_of_a_plan_with_many_resources_takes_linear_memory() {
    const RESOURCES: usize = 4_000;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plan.json");
    let resource = |at: usize, kind: &str, after: Value| {
        let change =
            json!({"actions": ["create"], "before": null, "after": after, "after_unknown": {}});
        json!({"address": format!("{kind}.a{at}"), "type": kind, "mode": "managed", "name": "a", "change": change})
    };
    let aws_auth = |at| {
        let metadata = json!([{"name": "aws-auth", "namespace": "kube-system"}]);
        let after = json!({"data": {"mapRoles": "[]"}, "metadata": metadata});
        resource(at, "kubernetes_config_map", after)
    };
    let entry = |at: usize| {
        let arn = format!("arn:aws:iam::111122223333:role/r{at}");
        let after = json!({"cluster_name": "a", "principal_arn": arn, "kubernetes_groups": ["g"]});
        resource(at, "aws_eks_access_entry", after)
    };
    let both = (0..RESOURCES).flat_map(|at| [aws_auth(at), entry(at)]);
    let resources: Vec<Value> = both.collect();
    let plan = json!({"format_version": "1.2", "resource_changes": resources});
    std::fs::write(&path, plan.to_string()).expect("a file");
    let run = Run::of(limited(&["lint", "-o", "json"]).arg(&path));
    let findings = run.json()["findings"].as_array().map_or(0, Vec::len);
    assert!(findings >= RESOURCES, "{findings}, status {}", run.status);
}

/// The program on a plan whose aws-auth has a long address and a finding in each entry.
#[test]
#[cfg(unix)]
fn address_of_a_resource_is_not_repeated_at_length() {
    const ENTRIES: usize = 2_000;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plan.json");
    let roles = numbered(ENTRIES, |at| {
        format!("- rolearn: arn:aws:iam::111122223333:role/a/{at:06}\n")
    });
    let metadata = json!([{"name": "aws-auth", "namespace": "kube-system"}]);
    let after = json!({"data": {"mapRoles": roles}, "metadata": metadata});
    let change =
        json!({"actions": ["create"], "before": null, "after": after, "after_unknown": {}});
    let address = format!("kubernetes_config_map.a[\"{}\"]", "é".repeat(40_000));
    let resource = json!({"address": address, "type": "kubernetes_config_map", "mode": "managed", "name": "a", "change": change});
    let plan = json!({"format_version": "1.2", "resource_changes": [resource]});
    std::fs::write(&path, plan.to_string()).expect("a file");
    for format in ["human", "json", "sarif", "junit", "github"] {
        let run = Run::of(limited(&["lint", "-o", format]).arg(&path));
        assert_eq!(run.status, 1, "{format}");
        let length = run.stdout.len() + run.stderr.len();
        assert!(length < ENTRIES * 5_000, "{format}: {length}");
    }
}

/// The program on a file with a finding about each key of `data`.
#[test]
#[cfg(unix)]
fn lint_of_many_keys_takes_linear_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("aws-auth.yaml");
    let mut text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\ndata:\n".to_owned();
    text.extend((0..100_000).map(|at| format!("  k{at}: ''\n")));
    std::fs::write(&path, text).expect("a file");
    let run = Run::of(limited(&["lint", "-o", "sarif"]).arg(&path));
    assert!(run.status < 2, "{}", run.status);
}

/// The program on an entry with many groups.
#[test]
#[cfg(unix)]
fn migration_of_many_groups_takes_linear_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("aws-auth.yaml");
    let mut text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\ndata:\n  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/a\n      username: a\n      groups:\n".to_owned();
    text.extend((0..100_000).map(|at| format!("      - g{at}\n")));
    std::fs::write(&path, text).expect("a file");
    let run = Run::of(limited(&["migrate", "--file"]).arg(&path));
    assert!(run.status < 2, "{}", run.status);
}

#[test]
fn template_with_many_parameters_is_read_in_linear_time() {
    let time = |count: usize, runs| {
        let lines = |line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
        let parameters = lines(&|at| format!("  P{at}: {{Type: String, Default: c{at}}}\n"));
        let resources = lines(&|at| {
            format!(
                "  R{at}: {{Type: 'AWS::EKS::AccessEntry', Properties: {{ClusterName: {{Ref: P{at}}}, PrincipalArn: 'arn:aws:iam::111122223333:role/r{at}', KubernetesGroups: [g]}}}}\n"
            )
        });
        let text = format!("Parameters:\n{parameters}Resources:\n{resources}");
        let once = || cpu_time::of(|| desired::read(&text, "f", None).expect("entries"));
        (0..runs).map(|_| once()).min().unwrap_or_default()
    };
    let (small, large) = (time(500, 3), time(4_000, 1));
    // Linear time is 8 times as long, quadratic time 64 times.
    let limit = 30 * small + Duration::from_millis(300);
    assert!(large < limit, "{small:?}, {large:?}");
}

/// The difference between two long lists of groups, in the forms that people and GitHub read.
#[test]
#[cfg(unix)]
fn difference_of_many_groups_takes_linear_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let map = |name: &str, prefix: &str| {
        let path = folder.path().join(name);
        let groups: String = (0..100_000)
            .map(|at| format!("      - {prefix}{at}\n"))
            .collect();
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-auth, namespace: kube-system}}\ndata:\n  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/a\n      username: a\n      groups:\n{groups}"
        );
        std::fs::write(&path, text).expect("a file");
        path
    };
    let (old, new) = (map("old.yaml", "a"), map("new.yaml", "b"));
    for output in ["human", "github"] {
        let mut command = limited(&["diff", "-o", output, "-f"]);
        let run = Run::of(command.arg(&new).arg("--file").arg(&old));
        assert_eq!(run.status, 1, "{}", run.stderr);
    }
}

/// The program on a file with many findings in one long line.
#[test]
#[cfg(unix)]
fn lint_of_many_findings_in_a_line_takes_linear_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("aws-auth.yaml");
    let username = "{{a}}".repeat(250_000);
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-auth, namespace: kube-system}}\ndata:\n  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/a\n      username: '{username}'\n"
    );
    std::fs::write(&path, text).expect("a file");
    let run = Run::of(limited(&["lint", "-o", "github"]).arg(&path));
    assert_eq!(run.status, 1);
}

/// The program on files of which each is short enough.
#[test]
#[cfg(unix)]
fn lint_reads_files_up_to_a_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let paths = ["a.yaml", "b.yaml"].map(|name| folder.path().join(name));
    for path in &paths {
        let file = std::fs::File::create(path).expect("a file");
        file.set_len(70 << 20).expect("a long file");
    }
    let run = Run::of(limited(&["lint"]).args(&paths));
    run.says(2, &["cannot lint more than 128 MiB at once"]);
}

/// The program on a pattern that matches folders at any depth twice.
#[test]
#[cfg(unix)]
fn search_of_deep_folders_takes_little_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let deepest = folder.path().join("aws-auth/".repeat(250));
    std::fs::create_dir_all(&deepest).expect("folders");
    std::fs::write(deepest.join("a.yaml"), "mapRoles: []\n").expect("a file");
    let mut command = limited(&["lint", "--allow-empty", "**/aws-auth/**/*.yaml"]);
    let run = Run::of(command.current_dir(folder.path()));
    assert_eq!(run.status, 0, "{run:?}");
}

/// The summary of a GitHub step, which escapes names for Markdown.
#[test]
#[cfg(unix)]
fn summaries_of_long_names_take_linear_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let empty = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\ndata: {mapRoles: '[]'}\n";
    std::fs::write(at("aws-auth.yaml"), empty).expect("a file");
    for name in [".", ":", "`"] {
        let username = name.repeat(200_000);
        let desired = format!(
            "mapRoles:\n- rolearn: arn:aws:iam::111122223333:role/a\n  username: 'a{username}'\n  groups: [a]\n"
        );
        std::fs::write(at("desired.yaml"), desired).expect("a file");
        let mut command = limited(&["diff", "-o", "github", "-f"]);
        command
            .arg(at("desired.yaml"))
            .arg("--file")
            .arg(at("aws-auth.yaml"))
            .env("GITHUB_STEP_SUMMARY", at("summary"))
            .env("GITHUB_OUTPUT", at("output"));
        let run = Run::of(&mut command);
        assert_eq!(run.status, 1, "{name}");
        let summary = std::fs::read_to_string(at("summary")).expect("a summary");
        assert!(summary.len() > 200_000, "{name}: {}", summary.len());
    }
}

/// The program with limits of CPU time and memory that are many times what it needs.
#[cfg(unix)]
fn limited(args: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "ulimit -t 12; ulimit -v 2000000; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_awsauth"))
        .args(args);
    command
}

fn once_lint(data: &BTreeMap<String, String>, document: &Document) -> Duration {
    let (facts, selection) = (known(), Selection::default());
    cpu_time::of(|| {
        let report = lint(data, document, &facts, &selection);
        assert!(!report.findings.is_empty());
        report
    })
}

/// Reviews of edits that compare every group or entry with every other one.
#[test]
fn review_time_is_linear() {
    let groups = |bytes: usize| numbered(bytes / 13, |at| format!("  - g{at:07}\n"));
    let entry = |name: &str, username: &str, groups: &str| {
        format!(
            "- userarn: arn:aws:iam::111122223333:user/{name}\n  username: {username}\n  groups:\n  - system:bootstrappers\n  - system:nodes\n{groups}"
        )
    };
    let node = "system:node:{{EC2PrivateDNSName}}";
    let edits: [(&str, Edit); 4] = [
        ("groups of a node entry", &|bytes| {
            let groups = groups(bytes);
            [
                entry("a", node, &groups),
                entry("a", node, &format!("{groups}  - more\n")),
            ]
        }),
        ("groups of another entry", &|bytes| {
            let groups = groups(bytes);
            [
                entry("a", "a", &groups),
                entry("a", "a", &groups.replace("- g", "- h")),
            ]
        }),
        ("spellings of one node entry", &|bytes| {
            let entries = numbered(bytes / 160, |at| entry(&spelling(at), node, ""));
            [entries.clone(), format!("{entries}# more\n")]
        }),
        ("a new finding in every entry", &|bytes| {
            let entries = |name: &str| {
                numbered(bytes / 55, |at| {
                    format!("- userarn: arn:aws:iam::111122223333:user/{name}{at:06}\n")
                })
            };
            [entries("a"), entries("b")]
        }),
    ];
    let policy = Policy {
        protect: Protect {
            arns: vec![Pattern::new("*")],
            ..Protect::default()
        },
        ..Policy::default()
    };
    let facts = admission::Facts::default();
    for (name, texts) in edits {
        let time = |bytes, runs| {
            let [before, after] = texts(bytes).map(map_users);
            let review = Review {
                before,
                after,
                ..Review::default()
            };
            let once = || cpu_time::of(|| validate(&review, &policy, &facts, &Deadline::default()));
            (0..runs).map(|_| once()).min().unwrap_or_default()
        };
        let (small, large) = (time(SMALL, 2), time(LARGE, 1));
        let limit = 30 * small + Duration::from_millis(300);
        assert!(large < limit, "{name}: {small:?}, {large:?}");
    }
}

/// The sections before and after an edit, each of about this many bytes.
type Edit<'a> = &'a dyn Fn(usize) -> [String; 2];

/// Returns one of many spellings of the same name.
fn spelling(number: usize) -> String {
    let letters = ('a'..='p').enumerate();
    letters
        .map(|(bit, letter)| match number >> bit & 1 {
            0 => letter,
            _ => letter.to_ascii_uppercase(),
        })
        .collect()
}

fn map_users(text: String) -> Option<Object> {
    Some(Object {
        contents: Contents {
            exists: true,
            data: [("mapUsers".to_owned(), text.into())].into(),
            ..Contents::default()
        },
        ..Object::default()
    })
}

/// Facts: the cluster's account, with many roles.
fn known() -> Facts {
    let role = |at| {
        let name = format!("role-{at}");
        let arn = format!("arn:aws:iam::111122223333:role/{name}");
        let trust = None;
        Principal {
            arn,
            name,
            trust,
            ..Principal::default()
        }
    };
    let principals = Principals {
        account: "111122223333".to_owned(),
        roles: Listed::all((0..1000).map(role).collect()),
        ..Principals::default()
    };
    Facts {
        cluster: Some(Cluster {
            principals: Some(principals),
            ..Cluster::default()
        }),
        ..Facts::default()
    }
}

type Make = fn(usize) -> String;

fn texts() -> [(&'static str, Make); 26] {
    [
        ("flow nesting", |bytes| "[".repeat(bytes)),
        ("deep flow lists", |bytes| {
            format!("- {}{}\n", "[".repeat(3_000), "]".repeat(3_000)).repeat(bytes / 6_003)
        }),
        ("deep block lists", |bytes| {
            format!("{}x\n", "- ".repeat(3_000)).repeat(bytes / 6_002)
        }),
        ("one plain line", |bytes| {
            format!("- rolearn: {}", "a b ".repeat(bytes / 4))
        }),
        ("one quoted line", |bytes| {
            format!("- rolearn: \"{}\"", "a \\n b".repeat(bytes / 6))
        }),
        ("plain lines", |bytes| {
            format!("- rolearn: {}", "a\n    b ".repeat(bytes / 8))
        }),
        ("a literal", |bytes| {
            format!("- rolearn: |\n{}", "    a\n\n".repeat(bytes / 7))
        }),
        ("blank lines", |bytes| format!("{}- a", "\n".repeat(bytes))),
        ("comments", |bytes| {
            format!("{}- a", "# comment\n".repeat(bytes / 10))
        }),
        ("many keys", |bytes| {
            format!(
                "- rolearn: a\n{}",
                numbered(bytes / 14, |at| format!("  k{at:07}: b\n"))
            )
        }),
        ("one key again", |bytes| {
            format!("- rolearn: a\n{}", "  groups: [a]\n".repeat(bytes / 14))
        }),
        ("groups", |bytes| {
            format!("- rolearn: a\n  groups:\n{}", "  - a\n".repeat(bytes / 6))
        }),
        ("entries", |bytes| "- rolearn: a\n".repeat(bytes / 13)),
        ("invalid entries", |bytes| "- a\n".repeat(bytes / 4)),
        ("flow items", |bytes| {
            format!("[{}]", "a: b, ".repeat(bytes / 6))
        }),
        ("empty flow items", |bytes| {
            format!("[{}]", "[],".repeat(bytes / 3))
        }),
        ("question marks", |bytes| {
            format!("- {{{}}}", "?,".repeat(bytes / 2))
        }),
        ("many anchors", |bytes| {
            numbered(bytes / 16, |at| format!("- &a{at:07} x\n"))
        }),
        ("one anchor again", |bytes| "- &a x\n".repeat(bytes / 7)),
        ("aliases", |bytes| {
            format!("- &a x\n{}", "- *a\n".repeat(bytes / 5))
        }),
        ("merges", |bytes| {
            format!(
                "- &a {{rolearn: a, groups: [a, b]}}\n- rolearn: b\n{}",
                "  <<: *a\n".repeat(bytes / 9)
            )
        }),
        ("an alias bomb behind entries", |bytes| {
            format!("{}{}", "- ~\n".repeat(bytes / 4), bomb())
        }),
        ("tags", |bytes| "- !!str a\n".repeat(bytes / 10)),
        ("tag directives", |bytes| {
            format!(
                "{}---\n- a",
                numbered(bytes / 16, |at| format!("%TAG !t{at:06}! x\n"))
            )
        }),
        ("JSON nesting", |bytes| {
            format!("{{\"a\": {}", "[".repeat(bytes))
        }),
        ("one number", |bytes| {
            format!("- rolearn: {}", "1".repeat(bytes))
        }),
    ]
}

fn numbered(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

fn bomb() -> String {
    let ladder = (1..10).map(|at| {
        format!(
            "  y{at}: &a{at} [{}]\n",
            vec![format!("*a{}", at - 1); 9].join(",")
        )
    });
    format!(
        "- x: &a0 [x,x,x,x,x,x,x,x,x]\n{}",
        ladder.collect::<String>()
    )
}
