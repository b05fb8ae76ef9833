//! What the rungs make of evidence that no test can bring about by itself in good time.

use awsauth::doctor::evidence::{
    AwsAuth, Caller, Entry, Half, Keys, NoKeys, Place, Played, Probed, Reached, SignedIn, Signer,
    Token, Trouble, Unreached,
};
use awsauth::doctor::{Evidence, Report, Standing, examine};
use awsauth::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};

const ARN: &str = "arn:aws:sts::111122223333:assumed-role/mytestrole/s";

fn keys() -> Keys {
    Keys {
        source: "environment variables".into(),
        source_name: "env",
        key: "MPLE".into(),
        expiration: None,
        roles: Vec::new(),
        tried: Vec::new(),
        notes: Vec::new(),
        region: "eu-west-1".into(),
        region_from: "AWS_REGION".into(),
    }
}

/// Somebody whom AWS knows, before a cluster in Ireland.
fn evidence() -> Evidence {
    Evidence {
        now: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24),
        kubeconfig: Probed::Seen(Ok(Entry {
            server: "https://10.0.0.1".into(),
            named: Some("prod".into()),
            region: Some("eu-west-1".into()),
            kubectl: "kubectl".into(),
            ..Entry::default()
        })),
        keys: Probed::Seen(Ok(keys())),
        caller: Probed::Seen(Ok(Caller {
            arn: ARN.into(),
            account: "111122223333".into(),
        })),
        ..Evidence::default()
    }
}

fn outcome<'r>(report: &'r Report, id: &str) -> &'r awsauth::doctor::Outcome {
    let (_, judged) = report.rungs.iter().find(|(rung, _)| rung.id == id).unwrap();
    judged.as_ref().unwrap()
}

#[track_caller]
fn fails(evidence: &Evidence, id: &str, cause: &str, next: &str) {
    let report = examine(evidence);
    let problem = outcome(&report, id).problem.as_ref().unwrap();
    assert!(problem.cause.contains(cause), "{}", problem.cause);
    assert!(problem.next.contains(next), "{}", problem.next);
    assert_eq!(report.headline.problem.unwrap().0, id);
}

fn connection(address: &str, failed: Unreached) -> Evidence {
    Evidence {
        addresses: Probed::Seen(Ok(vec![address.into()])),
        reached: Probed::Seen(vec![Reached {
            address: format!("{address}:443"),
            is_proxy: false,
            failed: Some(failed),
        }]),
        ..evidence()
    }
}

#[test]
fn silence_of_a_private_address_is_told_from_that_of_a_public_one() {
    fails(
        &connection("10.0.0.1", Unreached::TimedOut),
        "E2",
        "the endpoint is private",
        "443",
    );
    fails(
        &connection("198.51.100.1", Unreached::TimedOut),
        "E2",
        "publicAccessCidrs",
        "describe-cluster --name prod",
    );
    fails(
        &connection("10.0.0.1", Unreached::Refused),
        "E2",
        "nothing accepts connections",
        "awsauth kubeconfig",
    );
}

#[test]
fn what_is_not_back_in_time_is_told_of() {
    let late = || Probed::TooLate(SignedDuration::from_secs(2));
    let silent = Evidence {
        keys: Probed::TooLate(SignedDuration::from_secs(4)),
        caller: Probed::default(),
        ..evidence()
    };
    fails(&silent, "C1", "does not end", "--source");
    fails(
        &Evidence {
            caller: late(),
            ..evidence()
        },
        "C10",
        "does not lead to STS",
        "VPC endpoint",
    );
    fails(
        &Evidence {
            alive: Probed::TooLate(SignedDuration::from_secs(2)),
            ..evidence()
        },
        "E3",
        "does not answer within 2 s",
        "curl",
    );
    fails(
        &Evidence {
            addresses: Probed::TooLate(SignedDuration::from_secs(2)),
            ..evidence()
        },
        "E1",
        "DNS",
        "resolv.conf",
    );
}

#[test]
fn an_identity_of_another_partition_can_t_cross_over() {
    let china = Caller {
        arn: ARN.replace("arn:aws:", "arn:aws-cn:"),
        account: "111122223333".into(),
    };
    fails(
        &Evidence {
            caller: Probed::Seen(Ok(china)),
            ..evidence()
        },
        "C13",
        "no identity crosses over",
        "--profile",
    );
}

#[test]
fn of_two_halves_the_missing_one_is_named() {
    let half = |title: &str, is_missing| Half {
        title: title.into(),
        because: "because".into(),
        statement: Some("{}".into()),
        is_missing,
    };
    let none = |own, trust| NoKeys {
        place: Place::AssumeRole,
        source: None,
        trouble: Trouble {
            cause: "cannot assume it".into(),
            next: "look".into(),
        },
        tried: Vec::new(),
        halves: Some(Box::new([
            half("the caller's policies", own),
            half("its trust policy", trust),
        ])),
        clock_ahead: None,
    };
    let with = |none| Evidence {
        keys: Probed::Seen(Err(none)),
        caller: Probed::default(),
        ..evidence()
    };
    fails(
        &with(none(false, true)),
        "C15",
        "cannot assume it",
        "add to its trust policy: {}",
    );
    fails(
        &with(none(true, false)),
        "C14",
        "cannot assume it",
        "add to the caller's policies: {}",
    );
}

fn mapped(changed: Option<Timestamp>) -> Evidence {
    let text = "- rolearn: arn:aws:iam::111122223333:role/mytestrole\n  username: dev\n";
    Evidence {
        token: Probed::Seen(Token {
            signer: Signer::Awsauth,
            bytes: 1000,
            cluster: "prod".into(),
            read: Ok(("sts.eu-west-1.amazonaws.com".into(), evidence().now)),
            keys_end: None,
        }),
        played: Probed::Seen(Ok(Played {
            arn: "arn:aws:iam::111122223333:role/mytestrole".into(),
            session_name: "s".into(),
            clock_ahead: Some(SignedDuration::from_secs(90)),
        })),
        signed_in: Probed::Seen(SignedIn::Unauthorized),
        aws_auth: Probed::Seen(Ok(AwsAuth {
            place: "read".into(),
            exists: true,
            snapshot: Snapshot {
                data: [("mapRoles".to_owned(), text.into())].into(),
                ..Snapshot::default()
            },
            changed,
        })),
        ..evidence()
    }
}

#[test]
fn a_change_of_a_moment_ago_is_waited_for_and_an_older_one_is_not_to_blame() {
    let now = evidence().now;
    let young = mapped(Some(now - SignedDuration::from_secs(7)));
    fails(&young, "M8", "aws-auth changed 7 s ago", "awsauth verify");
    assert_eq!(examine(&young).headline.standing, Standing::Nobody);
    let old = mapped(Some(now - SignedDuration::from_hours(1)));
    fails(
        &old,
        "T2",
        "is not what its cluster is called",
        "--name prod --region eu-west-1",
    );
    // And a clock that is a little off is told of.
    let report = examine(&old);
    let clock = outcome(&report, "C11");
    assert_eq!(
        clock.saw,
        "this machine's clock is 90 s ahead of AWS's: set it before it is minutes"
    );
    assert_eq!(clock.problem, None);
}

#[test]
fn a_template_that_can_t_be_filled_in_is_a_dead_entry() {
    let mut evidence = mapped(None);
    let text = "- rolearn: arn:aws:iam::111122223333:role/mytestrole\n  username: \"system:node:{{EC2PrivateDNSName}}\"\n";
    if let Probed::Seen(Ok(aws_auth)) = &mut evidence.aws_auth {
        aws_auth
            .snapshot
            .data
            .insert("mapRoles".to_owned(), text.into());
    }
    fails(&evidence, "M7", "can't be filled in", "awsauth map role");
}
