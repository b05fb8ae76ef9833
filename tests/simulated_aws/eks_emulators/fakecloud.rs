//! fakecloud. It has all calls of access entries with several pages, and changes the authentication mode, but has no rules.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use awsauth_aws::eks::Outcome;
use awsauth_core::access_entries::Operation;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use serde_json::Value;

use super::{Emulator, Site, cluster_in_mode_api, create_change_delete_and_undo, execute, state};
use crate::support::child_process::Supervised;
use crate::support::ports;
use crate::support::python::Packages;
use crate::support::python_server::PythonServer;
use crate::support::simulated_aws::{ACCOUNT, REGION};

/// The program, version 0.51.0: `cargo install fakecloud --version 0.51.0`.
const PROGRAM: &str = "AWSAUTH_FAKECLOUD";

fn start(cluster: &Value) -> Emulator {
    let program = std::env::var(PROGRAM).expect(PROGRAM);
    let folder = tempfile::tempdir().unwrap();
    let [port] = ports::free();
    let address = format!("127.0.0.1:{port}");
    let args = [
        "--addr",
        &address,
        "--region",
        REGION,
        "--account-id",
        ACCOUNT,
        "--log-level",
        "error",
    ];
    let args = args.map(str::to_owned);
    let log = folder.path().join("log");
    let mut backend =
        Supervised::start(Path::new(&program), &args, &[], folder.path(), log).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(&address).is_err() {
        assert_eq!(backend.ended(), None);
        assert!(Instant::now() < deadline, "{}", backend.log_tail());
        sleep(Duration::from_millis(20));
    }
    let server = PythonServer::start(
        Packages::Botocore,
        "fakecloud_proxy.py",
        &[&address, &state(cluster)],
    );
    Emulator {
        server,
        _backend: Some((backend, folder)),
    }
}

fn create(name: &str, kind: &str) -> Operation {
    Operation::CreateEntry {
        principal_arn: format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        kind: kind.to_owned(),
        username: None,
        groups: Vec::new(),
        tags: BTreeMap::new(),
    }
}

#[test]
#[ignore = "needs fakecloud, which AWSAUTH_FAKECLOUD names"]
fn access_entry_is_created_changed_and_deleted() {
    let site = Site::start("API_AND_CONFIG_MAP", start);
    create_change_delete_and_undo(&site, &[]);
}

#[test]
#[ignore = "needs fakecloud, which AWSAUTH_FAKECLOUD names"]
fn aws_auth_is_migrated_and_ignored_afterwards() {
    let site = Site::start("CONFIG_MAP", start);
    let migrate = |args: &[&str]| site.run(&[&["migrate"], args].concat());
    migrate(&["--apply", "--yes"]).says(0, &[]);
    migrate(&["--check"]).says(0, &[]);
    migrate(&["--clean", "--yes"]).says(0, &[]);
    migrate(&["--finish", "--yes"]).says(0, &[]);
}

#[test]
#[ignore = "needs fakecloud, which AWSAUTH_FAKECLOUD names"]
fn every_page_and_type_is_read() {
    let emulator = start(&cluster_in_mode_api());
    let mut client = emulator.client();
    let kinds = [
        "STANDARD",
        "EC2_LINUX",
        "EC2_WINDOWS",
        "FARGATE_LINUX",
        "EC2",
        "HYBRID_LINUX",
        "HYPERPOD_LINUX",
    ];
    let of_kinds = kinds.map(|kind| create(&format!("team/{kind}"), kind));
    let more = (0..250).map(|number| create(&format!("r{number}"), "STANDARD"));
    let all: Vec<_> = of_kinds.into_iter().chain(more).collect();
    let (outcomes, stopped) = execute(&mut client, &all);
    assert!(stopped.is_none(), "{stopped:?}");
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Changed));
    let list = client.access_entries("prod", &|_| true).unwrap();
    assert!(list.unavailable.is_empty(), "{list:?}");
    assert_eq!(list.entries.len(), all.len());
    let read: BTreeSet<_> = list
        .entries
        .iter()
        .map(|entry| entry.terms.as_ref().unwrap().kind.as_str())
        .collect();
    assert_eq!(read, kinds.into());
}

#[test]
#[ignore = "needs fakecloud, which AWSAUTH_FAKECLOUD names"]
fn mode_update_is_awaited() {
    let mut cluster = cluster_in_mode_api();
    cluster["accessConfig"]["authenticationMode"] = "CONFIG_MAP".into();
    let emulator = start(&cluster);
    let mut client = emulator.client();
    let (first, second, third) = (
        AuthenticationMode::ConfigMap,
        AuthenticationMode::ApiAndConfigMap,
        AuthenticationMode::Api,
    );
    for (from, to) in [(first, second), (second, third)] {
        let update = [Operation::UpdateAuthenticationMode { from, to }];
        for expected in [Outcome::Changed, Outcome::Unchanged] {
            let (outcomes, stopped) = execute(&mut client, &update);
            assert!(stopped.is_none(), "{stopped:?}");
            assert_eq!(outcomes, [expected]);
        }
    }
}
