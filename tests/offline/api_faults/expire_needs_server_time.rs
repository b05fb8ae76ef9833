//! `expire` removes access only if the API server's clock is known and agrees.

use std::path::Path;

use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::fake_api::{FakeApi, Scenario, eksctl_made};
use serde_json::json;
use tokio::task::spawn_blocking;

const ONCALL: &str = "\
- rolearn: arn:aws:iam::111122223333:role/oncall
  username: oncall
  groups: [developers]
";
/// Records that the entry of role oncall has expired.
const OWNERS: &str = r#"{"expires":{"7aDySaIHAEJZhj-3":"2020-02-01T00:00:00Z"}}"#;

/// Runs `expire` on a server whose responses have this header `Date`. Returns whether the entry is left, and the requests.
async fn expire(date: Option<&'static str>) -> (Run, bool, Vec<String>) {
    let ops = "- {rolearn: 'arn:aws:iam::111122223333:role/ops', username: ops, groups: ['system:masters']}\n";
    let mut object = eksctl_made();
    object["data"]["mapRoles"] = format!("{ops}{ONCALL}").into();
    object["metadata"]["annotations"] = json!({"awsauth.dev/owners": OWNERS});
    let api = FakeApi::start(Scenario::Dated { date }, Some(object)).await;
    let kubeconfig = api.kubeconfig("", "").display().to_string();
    let environment = Environment::new(api.folder());
    let run = spawn_blocking(move || {
        let program = Path::new(env!("CARGO_BIN_EXE_awsauth"));
        let args = ["expire", "--no-backup", "--allow-http-loopback"];
        Run::of(
            environment
                .command(program)
                .args(args)
                .args(["--kubeconfig", &kubeconfig]),
        )
    });
    let run = run.await.unwrap();
    let roles = api.object()["data"]["mapRoles"].to_string();
    (run, roles.contains("role/oncall"), api.requests())
}

#[tokio::test]
async fn access_stays_if_the_time_of_the_server_is_unknown() {
    for date in [None, Some(""), Some("soon")] {
        let (run, is_left, requests) = expire(date).await;
        run.says(
            3,
            &[
                "error: cannot read the time of ",
                "its response has no valid header Date\n",
                "hint: access is removed only if the API server's clock agrees with this machine's\n",
            ],
        );
        assert!(is_left, "{date:?}: {run:?}");
        assert!(
            requests.iter().all(|request| request == "GET"),
            "{requests:?}"
        );
    }
}

#[tokio::test]
async fn access_stays_until_the_clock_of_the_server_reaches_its_end() {
    let (run, is_left, _) = expire(Some("Fri, 31 Jan 2020 23:59:59 GMT")).await;
    run.says(
        0,
        &[
            "warning: role/oncall at mapRoles line 2 expires at 2020-02-01T00:00:00Z, which only one of this machine's clock (",
        ],
    );
    assert!(is_left, "{run:?}");
    let (run, is_left, _) = expire(Some("Sat, 01 Feb 2020 00:00:00 GMT")).await;
    run.says(0, &[]);
    assert!(!is_left, "{run:?}");
}
