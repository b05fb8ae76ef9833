//! Laws: the wanted entries are there, and everything else is as it was, in bytes and to other readers.

use awsauth::kubeconfig::{Kubeconfig, KubeconfigError, What};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::written::{Written, written};
use crate::{ARN, prod, prod_as};

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_gains_the_entries_and_nothing_else_changes(seed in any::<u64>(), profile in any::<bool>()) {
        let Written { text, says, has_ours } = written(seed);
        let entries = if profile { prod_as("ops") } else { prod() };
        let kubeconfig = Kubeconfig::parse(text.as_str()).map_err(|error| fail(&error, &text))?;
        prop_assert_eq!(kubeconfig.text(), &text);
        prop_assert_eq!(kubeconfig.has_cluster(ARN), has_ours);
        let edited = match kubeconfig.with(&entries) {
            Ok(edited) => edited,
            Err(KubeconfigError::Unwritable { .. }) => return Ok(()),
            Err(error) => return Err(fail(&error, &text)),
        };
        // Another reader agrees about both texts.
        prop_assert_eq!(&parse(&text), &says, "\n{}", text);
        let after = parse(&edited.text);
        prop_assert_eq!(&after, &wanted(says, profile), "\n{}\n=>\n{}", text, edited.text);
        // Nothing of the old lines goes but what was to go.
        if !has_ours && !text.starts_with('{') {
            prop_assert!(keeps_lines(&text, &edited.text), "\n{}\n=>\n{}", text, edited.text);
        }
        // What stands in the line of a field that goes, goes with it.
        let comments = |text: &str| text.matches('#').count();
        prop_assert!(has_ours || comments(&text) == comments(&edited.text), "\n{}\n=>\n{}", text, edited.text);
        let again = Kubeconfig::parse(edited.text.as_str()).map_err(|error| fail(&error, &edited.text))?;
        let again = again.with(&entries).map_err(|error| fail(&error, &edited.text))?;
        prop_assert_eq!(&again.text, &edited.text, "twice is once");
        prop_assert!(again.changes.iter().all(|change| change.what == What::Unchanged));
    }

    #[test]
    fn no_text_makes_it_panic_or_write_something_wrong(
        seed in any::<u64>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..4usize, prop::sample::select(vec!["", " ", "\n", "\"", "'", "{", "}", "|", ">", "-", ":", "#", "&a ", "*a", "!!str ", "\t", "\u{2028}", "\r", "[", ",", "? "])), 1..4),
    ) {
        let mut chars: Vec<char> = written(seed).text.chars().collect();
        for (index, length, put) in cuts {
            let from = index.index(chars.len() + 1);
            let to = (from + length).min(chars.len());
            chars.splice(from..to, put.chars());
        }
        let text: String = chars.into_iter().collect();
        match Kubeconfig::parse(text.as_str()).and_then(|kubeconfig| kubeconfig.with(&prod())) {
            Ok(edited) => {
                let again = Kubeconfig::parse(edited.text).and_then(|again| again.with(&prod()));
                let again = again.map_err(|error| fail(&error, &text))?;
                prop_assert!(again.changes.iter().all(|change| change.what == What::Unchanged));
            }
            Err(error @ KubeconfigError::Bug(_)) => return Err(fail(&error, &text)),
            Err(error) => prop_assert!(error.hint().is_some()),
        }
    }
}

fn fail(error: &KubeconfigError, text: &str) -> TestCaseError {
    TestCaseError::fail(format!("{error}\n{text}"))
}

/// What another reader of YAML makes of it.
fn parse(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What a file that said this should say afterwards.
pub(crate) fn wanted(mut says: Value, profile: bool) -> Value {
    let ours = |says: &mut Value, list: &str| -> usize {
        if says[list].is_null() {
            says[list] = json!([]);
        }
        let list = says[list].as_array_mut().expect("a list");
        let at = list.iter().position(|item| item["name"] == ARN);
        at.unwrap_or_else(|| {
            list.push(json!({"name": ARN}));
            list.len() - 1
        })
    };
    let entries = prod();
    let at = ours(&mut says, "clusters");
    let cluster = &mut says["clusters"][at]["cluster"];
    cluster["server"] = entries.cluster.server.into();
    cluster["certificate-authority-data"] = entries.cluster.certificate_authority_data.into();
    let fields = cluster.as_object_mut().expect("a mapping");
    fields.remove("certificate-authority");
    if fields.get("insecure-skip-tls-verify") == Some(&true.into()) {
        fields.remove("insecure-skip-tls-verify");
    }
    let at = ours(&mut says, "contexts");
    let context = &mut says["contexts"][at]["context"];
    context["cluster"] = ARN.into();
    context["user"] = ARN.into();
    says["current-context"] = ARN.into();
    let at = ours(&mut says, "users");
    let exec = &mut says["users"][at]["user"]["exec"];
    exec["apiVersion"] = "client.authentication.k8s.io/v1".into();
    exec["args"] = entries.user.exec.args.into();
    exec["command"] = entries.user.exec.command.into();
    exec["interactiveMode"] = "Never".into();
    let env = exec.as_object_mut().expect("a mapping");
    let mut variables = match env.remove("env") {
        Some(Value::Array(variables)) => variables,
        _ => Vec::new(),
    };
    let at = variables
        .iter()
        .position(|variable| variable["name"] == "AWS_PROFILE");
    match (at, profile) {
        (Some(at), true) => variables[at]["value"] = "ops".into(),
        (None, true) => variables.push(json!({"name": "AWS_PROFILE", "value": "ops"})),
        (Some(at), false) => drop(variables.remove(at)),
        (None, false) => {}
    }
    if !variables.is_empty() {
        env.insert("env".to_owned(), variables.into());
    }
    says
}

/// Whether every line of the old text is in the new one, in order, byte for byte; but for what is filled.
fn keeps_lines(old: &str, new: &str) -> bool {
    let is_filled = |line: &str| {
        [
            "clusters",
            "contexts",
            "users",
            "current-context",
            "'",
            "\"",
        ]
        .iter()
        .any(|key| line.starts_with(key))
    };
    let mut lines = new.lines();
    old.lines()
        .filter(|line| !is_filled(line))
        .all(|line| lines.any(|other| other == line))
}

/// `AWSAUTH_TEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("AWSAUTH_TEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(1000)
}
