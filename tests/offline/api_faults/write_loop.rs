//! The write loop: conflicts, lost requests and lost responses.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use awsauth_core::aws_auth_snapshot::Change;
use awsauth_kube::Live;
use awsauth_kube::write::{Outcome, WriteError, WriteOptions};
use awsauth_kube::{Environment, ErrorKind, Flags, connect, write};
use hyper::Method;

use crate::api_faults::{OURS, add, assert_merged, run, run_for, store};
use crate::support::fake_api::{FakeApi, Scenario, eksctl_made};

#[tokio::test]
async fn change_takes_three_requests_and_no_change_sends_no_write() {
    let api = FakeApi::start(Scenario::Calm, Some(eksctl_made())).await;
    let store = store(&api).await;
    let written = write(&store, None, add(OURS), &WriteOptions::default(), pending())
        .await
        .unwrap();
    assert_eq!((written.outcome, written.attempts), (Outcome::Updated, 1));
    assert_eq!(api.requests(), ["GET", "PUT dry", "PUT"]);
    assert_merged(&api);
    assert_eq!(written.stored.object(), Some(&api.object()));
    let again = write(
        &store,
        Some(written.stored),
        add(OURS),
        &WriteOptions::default(),
        pending(),
    )
    .await
    .unwrap();
    assert_eq!(again.outcome, Outcome::Unchanged);
    assert_eq!(
        (api.requests().len(), store.requests(), api.connections()),
        (3, 3, 1)
    );
}

#[tokio::test]
async fn server_dry_run_stores_nothing() {
    let options = WriteOptions {
        dry_run: true,
        ..WriteOptions::default()
    };
    let api = FakeApi::start(Scenario::Calm, Some(eksctl_made())).await;
    let before = api.object();
    let written = run(&api, &options).await.unwrap();
    assert_eq!(written.outcome, Outcome::Updated);
    assert!(written.stored.snapshot().data["mapRoles"].contains(OURS));
    assert_eq!(api.object(), before);
    let api = FakeApi::start(Scenario::Calm, None).await;
    assert_eq!(run(&api, &options).await.unwrap().outcome, Outcome::Created);
    assert!(api.state.lock().unwrap().object.is_none());
    assert_eq!(api.requests(), ["GET", "POST dry"]);
}

#[tokio::test]
async fn conflicting_write_is_planned_again_and_loses_nothing() {
    let api = FakeApi::start(
        Scenario::Conflicts {
            times: 5,
            by: "foreign",
        },
        Some(eksctl_made()),
    )
    .await;
    let written = run_for(&api, Duration::from_secs(20)).await.unwrap();
    assert_eq!(written.attempts, 6);
    assert_eq!(
        api.requests(),
        [&["GET", "PUT dry", "PUT"][..], &["GET", "PUT"].repeat(5)].concat(),
        "there is no dry run after a lost race"
    );
    assert_merged(&api);
    let stored = api.object();
    for nth in 1..=5 {
        assert!(
            stored["data"]["mapRoles"]
                .as_str()
                .unwrap()
                .contains(&format!("# foreign {nth}\n"))
        );
    }
}

#[tokio::test]
async fn conflicting_write_is_retried_within_a_short_timeout() {
    for _ in 0..5 {
        let once = Scenario::Conflicts {
            times: 1,
            by: "foreign",
        };
        let api = FakeApi::start(once, Some(eksctl_made())).await;
        let written = run_for(&api, Duration::from_millis(1500)).await.unwrap();
        assert_eq!(written.attempts, 2);
    }
}

#[tokio::test]
async fn lost_races_renew_the_timeout_up_to_a_limit() {
    let endless = Scenario::Conflicts {
        times: u32::MAX,
        by: "foreign",
    };
    let api = FakeApi::start(endless, Some(eksctl_made())).await;
    let options = WriteOptions {
        timeout: Duration::from_millis(400),
        conflict_timeout: Duration::from_secs(2),
        ..WriteOptions::default()
    };
    let start = std::time::Instant::now();
    let error = run(&api, &options).await.unwrap_err();
    assert!(start.elapsed() >= Duration::from_secs(1), "{error}");
    assert!(error.to_string().contains("kept changing for 2 s"));
}

#[tokio::test]
async fn endless_conflicts_name_the_conflicting_manager() {
    let api = FakeApi::start(
        Scenario::Conflicts {
            times: u32::MAX,
            by: "argocd-controller",
        },
        Some(eksctl_made()),
    )
    .await;
    let error = run_for(&api, Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.kind(), Some(ErrorKind::Conflict));
    let message = error.to_string();
    assert!(
        message.contains("kept changing for 1 s")
            && message.ends_with("last changed by argocd-controller"),
        "{message}"
    );
    assert!(
        error
            .hint()
            .unwrap()
            .contains("kubectl --context fake get configmap aws-auth")
    );
    assert!(
        !api.object()["data"]["mapRoles"]
            .as_str()
            .unwrap()
            .contains(OURS)
    );
}

#[tokio::test]
async fn retry_after_is_honored() {
    let api = FakeApi::start(Scenario::Throttled { times: 2 }, Some(eksctl_made())).await;
    let start = std::time::Instant::now();
    run_for(&api, Duration::from_secs(20)).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_merged(&api);
    let api = FakeApi::start(Scenario::Throttled { times: u32::MAX }, Some(eksctl_made())).await;
    let error = run_for(&api, Duration::from_millis(1500))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Some(ErrorKind::Unreachable));
    assert_eq!(error.to_string(), "the API server is throttling requests");
}

#[tokio::test]
async fn lost_response_is_looked_up_without_a_second_write() {
    let api = FakeApi::start(Scenario::AnswerLost, Some(eksctl_made())).await;
    let written = run_for(&api, Duration::from_secs(20)).await.unwrap();
    assert_eq!(written.outcome, Outcome::Updated);
    assert_eq!(api.requests(), ["GET", "PUT dry", "PUT", "GET"]);
    assert_merged(&api);
    // The same for a creation.
    let api = FakeApi::start(Scenario::AnswerLost, None).await;
    assert_eq!(
        run_for(&api, Duration::from_secs(20))
            .await
            .unwrap()
            .outcome,
        Outcome::Created
    );
    assert_eq!(api.requests(), ["GET", "POST dry", "POST", "GET"]);
}

#[tokio::test]
async fn lost_response_is_recognized_under_a_later_write() {
    let api = FakeApi::start(Scenario::AnswerLostAndOvertaken, Some(eksctl_made())).await;
    let written = run_for(&api, Duration::from_secs(20)).await.unwrap();
    assert_eq!(written.outcome, Outcome::Updated);
    assert_eq!(api.requests(), ["GET", "PUT dry", "PUT", "GET"]);
    assert_merged(&api);
}

#[tokio::test]
async fn lost_request_is_sent_again() {
    let api = FakeApi::start(Scenario::RequestLost, Some(eksctl_made())).await;
    run_for(&api, Duration::from_secs(20)).await.unwrap();
    assert_eq!(
        api.requests(),
        ["GET", "PUT dry", "PUT", "GET", "PUT dry", "PUT"]
    );
    assert_merged(&api);
}

#[tokio::test]
async fn write_with_unknown_outcome_is_reported_as_unknown() {
    let api = FakeApi::start(Scenario::GoneAfterWrite, Some(eksctl_made())).await;
    let error = run_for(&api, Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(error, WriteError::Unknown { .. }), "{error:?}");
    assert_eq!(error.kind(), Some(ErrorKind::Unreachable));
    assert_eq!(
        error.to_string(),
        "it is unknown whether kube-system/aws-auth was written"
    );
}

#[tokio::test]
async fn transient_failures_are_retried() {
    for scenario in [
        Scenario::Failing {
            method: Method::GET,
            status: 500,
            times: 2,
        },
        Scenario::Failing {
            method: Method::PUT,
            status: 503,
            times: 2,
        },
        Scenario::Resets { times: 2 },
    ] {
        let api = FakeApi::start(scenario.clone(), Some(eksctl_made())).await;
        run_for(&api, Duration::from_secs(20))
            .await
            .unwrap_or_else(|error| panic!("{scenario:?}: {error:?}"));
        assert_merged(&api);
    }
}

#[tokio::test]
async fn concurrent_creates_are_merged() {
    let api = FakeApi::start(Scenario::CreateRace, None).await;
    let written = run_for(&api, Duration::from_secs(20)).await.unwrap();
    assert_eq!(written.outcome, Outcome::Updated);
    assert_merged(&api);
    assert_eq!(api.requests(), ["GET", "POST dry", "POST", "GET", "PUT"]);
}

#[tokio::test]
async fn configmap_deleted_by_another_client_is_not_created_without_its_entries() {
    for scenario in [Scenario::Deleted, Scenario::RequestLostAndDeleted] {
        let api = FakeApi::start(scenario, Some(eksctl_made())).await;
        let error = run_for(&api, Duration::from_secs(20)).await.unwrap_err();
        assert!(matches!(error, WriteError::Deleted), "{error:?}");
        assert!(!error.may_be_written());
        let requests = api.requests();
        assert!(
            requests.iter().all(|request| !request.starts_with("POST")),
            "{requests:?}"
        );
    }
}

#[tokio::test]
async fn lost_removal_from_a_configmap_that_another_client_deleted_is_not_reported_as_written() {
    let api = FakeApi::start(Scenario::RequestLostAndDeleted, Some(eksctl_made())).await;
    // Nothing is left to remove from an aws-auth that does not exist.
    let plan = |live: &Live| -> Result<_, std::fmt::Error> {
        Ok(live.exists().then(|| Change {
            data: BTreeMap::from([("mapRoles", Some("[]".into()))]),
            ..Change::default()
        }))
    };
    let options = WriteOptions::default();
    let error = write(&store(&api).await, None, plan, &options, pending()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, WriteError::Deleted), "{error:?}");
}

#[tokio::test]
async fn failed_plan_sends_no_write() {
    let api = FakeApi::start(Scenario::Calm, Some(eksctl_made())).await;
    let plan = |_: &Live| Err(std::fmt::Error);
    let error = write(
        &store(&api).await,
        None,
        plan,
        &WriteOptions::default(),
        pending(),
    )
    .await
    .unwrap_err();
    assert!(matches!(error, WriteError::Plan(_)));
    assert_eq!(
        (error.kind(), api.requests()),
        (None, vec!["GET".to_owned()])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_concurrent_writers_all_succeed() {
    const WRITERS: usize = 64;
    let api = FakeApi::start(
        Scenario::Slow {
            method: Method::GET,
            delay: Duration::from_millis(2),
        },
        Some(eksctl_made()),
    )
    .await;
    let kubeconfig = api.kubeconfig("", "");
    let start = std::time::Instant::now();
    let writers = (0..WRITERS).map(|nth| {
        let flags = Flags {
            kubeconfig: Some(kubeconfig.clone()),
            ..Flags::default()
        };
        tokio::spawn(async move {
            let store = connect(&flags, &Environment::default()).await.unwrap();
            let line: &'static str =
                format!("- rolearn: arn:aws:iam::111122223333:role/w{nth}-\n").leak();
            write(&store, None, add(line), &WriteOptions::default(), pending())
                .await
                .map(|_| start.elapsed())
        })
    });
    let mut times = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        times.push(writer.await.unwrap().unwrap());
    }
    times.sort();
    let text = api.object()["data"]["mapRoles"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(text.lines().count(), 1 + WRITERS, "{text}");
    let requests = api.requests().len();
    println!(
        "p50 {:?}, last {:?}, {:.1} requests per success",
        times[WRITERS / 2],
        times[WRITERS - 1],
        requests as f64 / WRITERS as f64
    );
    assert_eq!(api.connections() as usize, WRITERS);
}
