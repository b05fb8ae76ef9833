//! The guards judge the plan that is written, also if a conflict makes it another one.

use std::path::Path;

use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::fake_api::{FakeApi, Scenario, eksctl_made};
use serde_json::Value;
use tokio::task::spawn_blocking;

const ROLE: &str = "arn:aws:iam::111122223333:role/";

const O2_ALONE: &str =
    "- {rolearn: 'arn:aws:iam::111122223333:role/o2', username: o2, groups: ['system:masters']}\n";

fn aws_auth(roles: &str) -> Value {
    let mut object = eksctl_made();
    object["data"]["mapRoles"] = roles.into();
    object
}

/// Removes the administrator `o2` from two, of whom another client removes one.
async fn without_o2(scenario: Scenario, args: &[&str]) -> (Run, String) {
    let roles =
        format!("- {{rolearn: '{ROLE}o1', username: o1, groups: ['system:masters']}}\n{O2_ALONE}");
    let api = FakeApi::start(scenario, Some(aws_auth(&roles))).await;
    let kubeconfig = api.kubeconfig("", "");
    let mut args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    args.extend(["--no-backup", "--allow-http-loopback", "--kubeconfig"].map(str::to_owned));
    args.push(kubeconfig.display().to_string());
    let program = Path::new(env!("CARGO_BIN_EXE_awsauth"));
    let environment = Environment::new(api.folder());
    let run = move || Run::of(environment.command(program).args(args));
    let run = spawn_blocking(run).await.unwrap();
    let stored = api.object()["data"]["mapRoles"].clone();
    (run, stored.as_str().unwrap().to_owned())
}

#[tokio::test]
async fn last_administrator_of_the_new_plan_stays() {
    let o2 = format!("{ROLE}o2");
    let overtaken = Scenario::Replaced { roles: O2_ALONE };
    for edit in [
        &["unmap", "role", &o2][..],
        &["map", "role", &o2, "--group", "system:nobody"],
    ] {
        let (run, stored) = without_o2(overtaken.clone(), edit).await;
        run.says(
            4,
            &[
                &format!("refused (last-admin): {o2} is the last known administrator of this cluster, and none would be left; not checked: the bindings to cluster-admin"),
                "add --allow-no-admin\n",
            ],
        );
        assert_eq!(stored, O2_ALONE, "{edit:?}");
        let allowed = [edit, &["--allow-no-admin"]].concat();
        let (run, stored) = without_o2(overtaken.clone(), &allowed).await;
        run.says(0, &[]);
        assert!(!stored.contains("masters"), "{stored}");
    }
}
