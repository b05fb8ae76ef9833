//! Timeouts and interrupts.

use std::future::pending;
use std::time::Duration;

use awsauth_kube::request_error::Fault;
use awsauth_kube::wait_for_cluster::wait;
use awsauth_kube::write::{FinalState, WriteError, WriteOptions};
use awsauth_kube::{Environment, ErrorKind, Flags, connect, write};
use hyper::Method;

use crate::api_faults::{OURS, add, assert_merged, run_for, store};
use crate::support::fake_api::{FakeApi, Scenario, eksctl_made};

#[tokio::test]
async fn slow_responses_time_out() {
    let delay = Duration::from_secs(60);
    let api = FakeApi::start(
        Scenario::Slow {
            method: Method::GET,
            delay,
        },
        Some(eksctl_made()),
    )
    .await;
    let error = run_for(&api, Duration::from_millis(300)).await.unwrap_err();
    assert!(
        error.to_string().contains("did not respond within"),
        "{error}"
    );
    // The response is late, but the write was stored, as a read shows.
    let api = FakeApi::start(
        Scenario::Slow {
            method: Method::PUT,
            delay,
        },
        Some(eksctl_made()),
    )
    .await;
    let flags = Flags {
        kubeconfig: Some(api.kubeconfig("", "")),
        request_timeout: Some(Duration::from_millis(300)),
        ..Flags::default()
    };
    let store = connect(&flags, &Environment::default()).await.unwrap();
    write(&store, None, add(OURS), &WriteOptions::default(), pending())
        .await
        .unwrap();
    assert_merged(&api);
}

#[tokio::test]
async fn interrupt_waits_for_the_write_in_flight_and_reports_its_outcome() {
    let after = |millis| tokio::time::sleep(Duration::from_millis(millis));
    let slow = |method, millis| Scenario::Slow {
        method,
        delay: Duration::from_millis(millis),
    };
    let api = FakeApi::start(slow(Method::PUT, 4000), Some(eksctl_made())).await;
    let error = write(
        &store(&api).await,
        None,
        add(OURS),
        &WriteOptions::default(),
        after(2000),
    )
    .await
    .unwrap_err();
    assert!(
        matches!(
            error,
            WriteError::Interrupted {
                state: FinalState::Written
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        (error.to_string().as_str(), error.kind()),
        (
            "interrupted; the change was written",
            Some(ErrorKind::Interrupted)
        )
    );
    assert_merged(&api);
    let api = FakeApi::start(slow(Method::GET, 60_000), Some(eksctl_made())).await;
    let error = write(
        &store(&api).await,
        None,
        add(OURS),
        &WriteOptions::default(),
        after(500),
    )
    .await
    .unwrap_err();
    assert!(
        matches!(
            error,
            WriteError::Interrupted {
                state: FinalState::NotWritten
            }
        ),
        "{error:?}"
    );
    let api = FakeApi::start(Scenario::GoneAfterWrite, Some(eksctl_made())).await;
    let error = write(
        &store(&api).await,
        None,
        add(OURS),
        &WriteOptions::default(),
        after(3000),
    )
    .await
    .unwrap_err();
    assert!(
        matches!(
            error,
            WriteError::Interrupted {
                state: FinalState::Unknown
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn wait_ends_when_server_and_configmap_exist() {
    let api = FakeApi::start(Scenario::Starting { times: 2 }, Some(eksctl_made())).await;
    let mut seen = Vec::new();
    let patience = Duration::from_secs(20);
    let exists = wait(&store(&api).await, patience, true, |look| {
        seen.push(format!("{:?}", look.awaited))
    })
    .await;
    assert!(exists.unwrap());
    assert_eq!(seen, ["ApiServer", "ApiServer", "ConfigMap", "ConfigMap"]);
    let api = FakeApi::start(Scenario::Calm, None).await;
    assert!(
        !wait(&store(&api).await, Duration::from_millis(700), true, |_| {})
            .await
            .unwrap()
    );
    let api = FakeApi::start(
        Scenario::Always {
            status: 503,
            body: "starting",
        },
        None,
    )
    .await;
    let error = wait(
        &store(&api).await,
        Duration::from_millis(700),
        false,
        |_| {},
    )
    .await
    .unwrap_err();
    assert!(matches!(error.fault, Fault::Server(503, ..)), "{error:?}");
}
