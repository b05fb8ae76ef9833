//! MiniStack. It has EKS's calls and messages, but not its rules, no second page of a list, no ListAccessPolicies and no
//! UpdateClusterConfig.

use std::collections::BTreeMap;

use awsauth_aws::eks::{Outcome, StopCause};
use awsauth_core::access_entries::Operation;
use awsauth_core::facts::access_entries::{AccessPolicy, AccessScope, AccessTerms};
use serde_json::{Value, json};

use super::{
    DEV, Emulator, NODE, Site, VIEW, cluster_in_mode_api, create_change_delete_and_undo, execute,
    state,
};
use crate::eks_cluster::harness::MYTESTROLE;
use crate::support::python::Packages;
use crate::support::python_server::PythonServer;

fn start(cluster: &Value) -> Emulator {
    let server = PythonServer::start(
        Packages::MiniStack,
        "ministack_server.py",
        &[&state(cluster)],
    );
    Emulator {
        server,
        _backend: None,
    }
}

#[test]
fn access_entry_is_created_changed_and_deleted() {
    let site = Site::start("API_AND_CONFIG_MAP", start);
    let note =
        "Not checked: whether EKS has the access policies, which needs eks:ListAccessPolicies: ";
    create_change_delete_and_undo(&site, &[note]);
}

#[test]
fn aws_auth_is_migrated_checked_and_reverted() {
    let site = Site::start("API_AND_CONFIG_MAP", start);
    let migrate = |args: &[&str]| site.run(&[&["migrate"], args].concat());
    migrate(&["--check"]).says(1, &["3 of 3 mappings in effect have no access entry"]);
    migrate(&["--apply", "--yes"]).says(0, &[]);
    let types: BTreeMap<_, _> = site
        .entries()
        .into_iter()
        .map(|entry| {
            (
                entry["principalArn"].as_str().unwrap().to_owned(),
                entry["type"].clone(),
            )
        })
        .collect();
    let expected = [
        (MYTESTROLE, "STANDARD"),
        (NODE, "EC2_LINUX"),
        (DEV, "STANDARD"),
    ];
    let expected = expected.map(|(arn, kind)| (arn.to_owned(), json!(kind)));
    assert_eq!(types, expected.into());
    migrate(&["--check"]).says(
        0,
        &["All 3 mappings in effect have an access entry with the same access.\n"],
    );
    migrate(&["--apply", "--yes"]).says(0, &["Nothing to do: "]);
    migrate(&["--revert", "--yes"]).says(0, &[]);
    assert!(site.entries().is_empty());
    // MiniStack does not know how to change the mode.
    let run = migrate(&["--finish", "--yes"]);
    assert_ne!(run.status, 0);
}

#[test]
fn executor_accepts_what_is_already_done() {
    let emulator = start(&cluster_in_mode_api());
    let mut client = emulator.client();
    let create = |groups: &[&str]| Operation::CreateEntry {
        principal_arn: DEV.to_owned(),
        kind: "STANDARD".to_owned(),
        username: Some("dev".to_owned()),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        tags: BTreeMap::from([("awsauth.dev/from".to_owned(), "aws-auth".to_owned())]),
    };
    let associate = Operation::AssociatePolicy {
        principal_arn: DEV.to_owned(),
        policy_arn: VIEW.to_owned(),
        scope: AccessScope::Namespaces(vec!["shop-*".to_owned()]),
    };
    let give = [create(&["devs"]), associate];
    let (outcomes, stopped) = execute(&mut client, &give);
    assert!(stopped.is_none(), "{stopped:?}");
    assert_eq!(outcomes, [Outcome::Changed; 2]);
    // MiniStack answers ResourceInUseException.
    let (outcomes, stopped) = execute(&mut client, &give);
    assert!(stopped.is_none(), "{stopped:?}");
    assert_eq!(outcomes, [Outcome::Unchanged, Outcome::Changed]);
    match execute(&mut client, &[create(&["ops"])]) {
        (_, Some(StopCause::Eks(error))) => assert!(error.to_string().contains("devs"), "{error}"),
        other => panic!("{other:?}"),
    }

    let list = client.access_entries("prod", &|_| true).unwrap();
    assert!(list.unavailable.is_empty(), "{list:?}");
    let entry = client.access_entry("prod", DEV).unwrap().unwrap();
    assert_eq!(list.entries, std::slice::from_ref(&entry));
    let terms = entry.terms.unwrap();
    let expected = AccessTerms {
        username: Some("dev".to_owned()),
        groups: vec!["devs".to_owned()],
        policies: Some(vec![AccessPolicy {
            arn: VIEW.to_owned(),
            scope: AccessScope::Namespaces(vec!["shop-*".to_owned()]),
        }]),
        tags: BTreeMap::from([("awsauth.dev/from".to_owned(), "aws-auth".to_owned())]),
        created_at: terms.created_at,
        arn: terms.arn.clone(),
        ..AccessTerms::default()
    };
    assert!(terms.created_at.is_some() && terms.arn.is_some());
    assert_eq!(terms, expected);

    let disassociate = Operation::DisassociatePolicy {
        principal_arn: DEV.to_owned(),
        policy_arn: VIEW.to_owned(),
    };
    let delete = Operation::DeleteEntry {
        principal_arn: DEV.to_owned(),
    };
    let take = [disassociate, delete];
    let (outcomes, stopped) = execute(&mut client, &take);
    assert!(stopped.is_none(), "{stopped:?}");
    assert_eq!(outcomes, [Outcome::Changed; 2]);
    // MiniStack answers ResourceNotFoundException.
    let (outcomes, stopped) = execute(&mut client, &take);
    assert!(stopped.is_none(), "{stopped:?}");
    assert_eq!(outcomes, [Outcome::Unchanged; 2]);
    assert_eq!(client.access_entry("prod", DEV).unwrap(), None);
}

/// A page of EKS has at most 100 access entries:
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_ListAccessEntries.html>
#[test]
fn list_has_no_second_page() {
    let emulator = start(&cluster_in_mode_api());
    let mut client = emulator.client();
    let create = |number| Operation::CreateEntry {
        principal_arn: format!("arn:aws:iam::111122223333:role/r{number}"),
        kind: "STANDARD".to_owned(),
        username: None,
        groups: vec!["devs".to_owned()],
        tags: BTreeMap::new(),
    };
    let all: Vec<_> = (0..101).map(create).collect();
    let (_, stopped) = execute(&mut client, &all);
    assert!(stopped.is_none(), "{stopped:?}");
    let list = client.access_entries("prod", &|_| false).unwrap();
    assert_eq!(list.entries.len(), 100);
}
