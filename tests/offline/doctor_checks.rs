//! The verdicts of `doctor` on evidence that is hard to produce in a test.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use awsauth_core::authenticator::AccessEntries;
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::doctor::evidence::{
    AwsAuth, Caller, ClusterDescription, Collected, CommandRun, ConfigMapName, ConnectionAttempt,
    ConnectionFailure, DescribeFailure, EksNodes, Entry, Exec, FailedAt, FoundCredentials,
    IgnoredEntry, LivenessFailure, Node, PermissionAnswer, Plugin, PolicySide, Problem, ProxyFault,
    ProxyProbe, SearchFailed, SignedIn, Signer, StsProblem, Token, User, VerifiedCaller,
};
use awsauth_core::doctor::{Evidence, Report, SignInState, diagnose};
use awsauth_core::facts::access_entries::{AccessEntry, AccessPolicy, AccessScope, AccessTerms};
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::node_inventory::NodeGroup;
use awsauth_core::rbac::{Binding, Policy, Role, RoleKind, RoleRef, Rule, Rules, Subject};
use awsauth_core::token::{FormatError, TokenError};
use jiff::{SignedDuration, Timestamp};

const ARN: &str = "arn:aws:sts::111122223333:assumed-role/mytestrole/s";

fn keys() -> FoundCredentials {
    FoundCredentials {
        source: "environment variables".into(),
        source_name: "env",
        key: "MPLE".into(),
        expiration: None,
        is_temporary: false,
        key_problem: None,
        ignored_section: None,
        role_profiles: Vec::new(),
        roles: Vec::new(),
        tried: Vec::new(),
        notes: Vec::new(),
        region: "eu-west-1".into(),
        region_from: "AWS_REGION".into(),
    }
}

/// Evidence of an identity that AWS accepts, and of a cluster in eu-west-1.
fn evidence() -> Evidence {
    Evidence {
        now: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24),
        kubeconfig: Collected::Seen(Ok(Entry {
            server: "https://10.0.0.1".into(),
            named: Some("prod".into()),
            region: Some("eu-west-1".into()),
            kubectl: "kubectl".into(),
            user: User::Other("a client certificate".into()),
            ..Entry::default()
        })),
        credentials: Collected::Seen(Ok(keys())),
        caller: Collected::Seen(Ok(Caller {
            arn: ARN.into(),
            account: "111122223333".into(),
        })),
        ..Evidence::default()
    }
}

fn outcome<'r>(report: &'r Report, id: &str) -> &'r awsauth_core::doctor::Outcome {
    let (_, judged) = report
        .checks
        .iter()
        .find(|(check, _)| check.id == id)
        .unwrap();
    judged.as_ref().unwrap()
}

#[track_caller]
fn fails(evidence: &Evidence, id: &str, cause: &str, next: &str) {
    let report = diagnose(evidence);
    let problem = outcome(&report, id).problem.as_ref().unwrap();
    assert!(problem.cause.contains(cause), "{}", problem.cause);
    assert!(problem.next.contains(next), "{}", problem.next);
    assert_eq!(report.headline.problem.unwrap().0, id);
}

fn connection(address: &str, failed: ConnectionFailure) -> Evidence {
    Evidence {
        addresses: Collected::Seen(Ok(vec![address.into()])),
        connections: Collected::Seen(vec![ConnectionAttempt {
            address: format!("{address}:443"),
            is_proxy: false,
            failed: Some(failed),
        }]),
        ..evidence()
    }
}

#[test]
fn private_and_public_unreachable_endpoints_are_distinguished() {
    fails(
        &connection("10.0.0.1", ConnectionFailure::TimedOut),
        "E2",
        "the endpoint is private",
        "443",
    );
    fails(
        &connection("198.51.100.1", ConnectionFailure::TimedOut),
        "E2",
        "publicAccessCidrs",
        "describe-cluster --name prod",
    );
    fails(
        &connection("10.0.0.1", ConnectionFailure::Refused),
        "E2",
        "are refused",
        "awsauth kubeconfig",
    );
}

#[test]
fn intercepted_tls_is_the_cause_if_the_kubeconfig_is_current() {
    let described = |same_authority| ClusterDescription {
        same_authority,
        endpoint: "https://10.0.0.1".into(),
        ..described()
    };
    let with = |same_authority, is_untrusted| Evidence {
        described: Collected::Seen(Ok(described(same_authority))),
        livez: Collected::Seen(Err(LivenessFailure {
            problem: Problem {
                cause: "UnknownIssuer".into(),
                next: "the cluster may have been created again, or a proxy intercepts TLS".into(),
            },
            is_untrusted,
            is_for_another_host: false,
            is_silent: false,
            is_reset: false,
            certificate_names: Vec::new(),
        })),
        ..evidence()
    };
    let unclear = ("UnknownIssuer", "may have been created again");
    for (same_authority, is_untrusted, (cause, next)) in [
        (
            Some(true),
            true,
            (
                "another server answers for 10.0.0.1, probably a proxy that intercepts TLS",
                "openssl s_client -connect 10.0.0.1:443 ",
            ),
        ),
        (None, true, unclear),
        (Some(true), false, unclear),
    ] {
        fails(&with(same_authority, is_untrusted), "E3", cause, next);
    }
}

/// The cluster of the evidence.
fn described() -> ClusterDescription {
    ClusterDescription {
        name: "prod".into(),
        arn: "arn:aws:eks:eu-west-1:111122223333:cluster/prod".into(),
        endpoint: "https://10.0.0.1".into(),
        identity: None,
        is_proven: false,
        same_authority: None,
        mode: None,
        version: "1.36 eks.7".into(),
        logs_authenticator: false,
    }
}

#[test]
fn timed_out_evidence_is_reported() {
    let late = || Collected::TimedOut(SignedDuration::from_secs(2));
    let silent = Evidence {
        credentials: Collected::TimedOut(SignedDuration::from_secs(4)),
        caller: Collected::default(),
        ..evidence()
    };
    fails(
        &silent,
        "C1",
        "it is unknown which AWS credentials apply",
        "--source",
    );
    fails(
        &Evidence {
            caller: late(),
            ..evidence()
        },
        "C10",
        "STS cannot be reached",
        "VPC endpoint",
    );
    fails(
        &Evidence {
            livez: Collected::TimedOut(SignedDuration::from_secs(2)),
            ..evidence()
        },
        "E3",
        "does not respond within 2 s",
        "curl",
    );
    fails(
        &Evidence {
            addresses: Collected::TimedOut(SignedDuration::from_secs(2)),
            ..evidence()
        },
        "E1",
        "DNS",
        "resolv.conf",
    );
}

#[test]
fn identity_of_another_partition_is_rejected() {
    let china = Caller {
        arn: ARN.replace("arn:aws:", "arn:aws-cn:"),
        account: "111122223333".into(),
    };
    fails(
        &Evidence {
            caller: Collected::Seen(Ok(china)),
            ..evidence()
        },
        "C13",
        "do not work across partitions",
        "--profile",
    );
}

#[test]
fn missing_half_of_a_role_assumption_is_named() {
    let half = |title: &str, is_missing| PolicySide {
        title: title.into(),
        because: "because".into(),
        statement: Some("{}".into()),
        is_missing,
        is_unread: !is_missing,
    };
    let none = |own, trust| SearchFailed {
        place: FailedAt::AssumeRole,
        source: None,
        problem: Problem {
            cause: "cannot assume it".into(),
            next: "look".into(),
        },
        tried: Vec::new(),
        policies: Some(Box::new([
            half("the caller's policies", own),
            half("its trust policy", trust),
        ])),
        obstacle: None,
        role: Some("arn:aws:iam::111122223333:role/locked".into()),
        caller: None,
        intended: None,
        has_external_id: false,
        clock_ahead: None,
    };
    let with = |none| Evidence {
        credentials: Collected::Seen(Err(none)),
        caller: Collected::default(),
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
    // If no policy can be read, no policy is blamed.
    let unread = with(none(false, false));
    fails(
        &unread,
        "C14",
        "AWS does not report which policy denies it",
        "its trust policy names the caller (aws iam get-role --role-name locked); a condition of the trust policy accepts no sts:ExternalId (external_id in the profile) and no MFA code (mfa_serial in the profile), and its other conditions hold (aws:SourceIp, …); the caller's policies allow it",
    );
    let report = diagnose(&unread);
    let (_, trust) = report
        .checks
        .iter()
        .find(|(check, _)| check.id == "C15")
        .unwrap();
    assert!(trust.is_err(), "{trust:?}");
}

/// Evidence of a user who is signed in and has no denied request.
fn signed_in() -> Evidence {
    Evidence {
        signed_in: Collected::Seen(SignedIn::In {
            username: "dev".into(),
            groups: Vec::new(),
        }),
        ..evidence()
    }
}

#[test]
fn failed_command_is_a_problem_even_if_every_check_passes() {
    let run = |stderr: &str| CommandRun {
        status: Some("exit status: 1".into()),
        succeeded: false,
        stderr: stderr.into(),
        message: stderr.into(),
    };
    let with = |run: CommandRun| Evidence {
        command: Collected::Seen(run),
        ..signed_in()
    };
    for (stderr, cause, next) in [
        (
            "Error from server (Forbidden): unknown",
            "no check explains",
            "-v=8",
        ),
        (
            "admission webhook \"a.b\" denied the request: no",
            "an admission webhook rejects",
            "webhook",
        ),
        (
            "pods \"a\" is forbidden: exceeded quota: q",
            "a ResourceQuota",
            "resourcequota",
        ),
        ("pods \"web\" not found", "does not exist", "namespace"),
        (
            "Error in configuration: requesting uid, groups or user-extra for c without impersonating a user",
            "--as-group and --as-uid only with --as",
            "add --as NAME",
        ),
        (
            "error: Metrics API not available",
            "metrics-server is not installed",
            "v1beta1.metrics.k8s.io",
        ),
        (
            "Error from server (ServiceUnavailable): the server is currently unable to handle the request (get pods.metrics.k8s.io)",
            "an aggregated API",
            "kubectl get apiservices",
        ),
        (
            "Error from server: Get \"https://10.0.1.4:10250/containerLogs/web/api-0/c\": dial tcp 10.0.1.4:10250: i/o timeout",
            "cannot connect to the node",
            "port 10250",
        ),
        (
            "error: the server doesn't have a resource type \"pdos\"",
            "no resource type of this name",
            "api-resources",
        ),
    ] {
        fails(&with(run(stderr)), "B3", cause, next);
    }
    let mut impersonating = with(run("Error from server (Forbidden): unknown"));
    if let Collected::Seen(Ok(entry)) = &mut impersonating.kubeconfig {
        entry.impersonates = Some("root".into());
    }
    fails(&impersonating, "B3", "has `as: root`", "remove `as: root`");
    let worked = with(CommandRun {
        succeeded: true,
        ..run("")
    });
    assert_eq!(diagnose(&worked).headline.problem, None);
    let slow = with(CommandRun {
        status: None,
        ..run("")
    });
    fails(&slow, "B3", "the command does not end in time", "-v=8");
    let mut logs = slow;
    logs.request.questions = vec!["get pods/api-0 --subresource=log -n web".to_owned()];
    fails(&logs, "B3", "cannot connect to the node", "port 10250");
}

#[test]
fn exceeded_time_limit_is_no_cause_if_later_evidence_exists() {
    let late = || Collected::TimedOut(SignedDuration::from_secs(2));
    let unreachable = Evidence {
        caller: late(),
        ..signed_in()
    };
    assert_eq!(diagnose(&unreachable).headline.problem, None);
    let mut slow_plugin = mapped(None);
    if let Collected::Seen(Ok(entry)) = &mut slow_plugin.kubeconfig {
        entry.user = User::Exec(Exec {
            api_version: Some("client.authentication.k8s.io/v1beta1".into()),
            command: "aws".into(),
            path: Some("/usr/bin/aws".into()),
            ..Exec::default()
        });
    }
    slow_plugin.plugin = Collected::TimedOut(SignedDuration::from_secs(5));
    let first = diagnose(&slow_plugin).headline.problem.unwrap().0;
    assert_ne!(first, "K4");
    slow_plugin.signed_in = Collected::default();
    slow_plugin.aws_auth = Collected::default();
    fails(&slow_plugin, "K4", "it is unknown", "run it alone");
}

#[test]
fn diagnosis_without_the_deciding_evidence_is_unknown() {
    let arn = "arn:aws:iam::111122223333:role/mytestrole";
    let mut unread = signed_in();
    unread.request.arn = Some(arn.into());
    unread.signed_in = Collected::default();
    unread.aws_auth = Collected::TimedOut(SignedDuration::from_secs(4));
    unread.addresses = Collected::Seen(Ok(vec!["10.0.0.1".into()]));
    unread.connections = Collected::Seen(vec![ConnectionAttempt {
        address: "10.0.0.1:443".into(),
        is_proxy: false,
        failed: None,
    }]);
    unread.livez = Collected::Seen(Ok("200".into()));
    let headline = diagnose(&unread).headline;
    assert_eq!(headline.problem, None);
    assert_eq!(
        headline.text,
        format!("Unknown: doctor could not find out whether {arn} can sign in to this cluster")
    );
    let unread = headline.unread.unwrap();
    assert_eq!(
        unread,
        "M4 aws-auth needs more time: no response within 4 s"
    );

    // A request that the user named, and that got no answer.
    let mut unanswered = mapped(None);
    unanswered.request.arn = Some(arn.into());
    unanswered.signed_in = Collected::default();
    let whole = diagnose(&unanswered).headline;
    assert_eq!((whole.state, whole.unread), (SignInState::SignedIn, None));
    unanswered.request.questions = vec!["list pods".into()];
    unanswered.answers = Collected::TimedOut(SignedDuration::from_secs(4));
    let headline = diagnose(&unanswered).headline;
    assert_eq!(headline.problem, None);
    assert!(headline.text.contains("could not find out whether"));
    let unread = headline.unread.unwrap();
    assert!(unread.starts_with("B1 permissions needs "), "{unread}");
}

/// IAM shows the path of a role, and STS does not.
#[test]
fn path_of_a_role_is_not_compared_and_its_entry_is_corrected() {
    let path = "arn:aws:iam::111122223333:role/team/mytestrole";
    let entry = format!("- rolearn: {path}\n  username: dev\n  groups: [devs]\n");
    let mut evidence = with_data(mapped(None), &[("mapRoles", &entry)]);
    evidence.request.arn = Some(path.into());
    evidence.signed_in = Collected::default();
    let next = "awsauth lint --select R03 --fix";
    fails(&evidence, "M6", "without its IAM path", next);
    let headline = diagnose(&evidence).headline;
    assert_eq!(
        headline.arn.as_deref(),
        Some("arn:aws:iam::111122223333:role/mytestrole")
    );
    assert_eq!(headline.entry, None);
}

#[test]
fn source_of_the_credentials_is_checked_before_the_identity_is_mapped() {
    let mut unmapped = mapped(None);
    if let Collected::Seen(Ok(aws_auth)) = &mut unmapped.aws_auth {
        let other = "- rolearn: arn:aws:iam::111122223333:role/other\n  username: dev\n";
        aws_auth.snapshot.data = [("mapRoles".to_owned(), other.into())].into();
    }
    let next = |evidence: &Evidence| {
        let report = diagnose(evidence);
        outcome(&report, "M5").problem.clone().unwrap().next
    };
    let of_environment = next(&unmapped);
    assert!(
        of_environment.starts_with("AWS_ACCESS_KEY_ID in the environment comes before"),
        "{of_environment}"
    );
    assert!(
        of_environment.contains("; otherwise awsauth map role "),
        "{of_environment}"
    );
    let set = |evidence: &mut Evidence, source_name| {
        if let Collected::Seen(Ok(keys)) = &mut evidence.credentials {
            keys.source_name = source_name;
        }
    };
    set(&mut unmapped, "instance");
    let of_instance = next(&unmapped);
    assert!(
        of_instance.starts_with("the credentials are those of this machine's instance profile"),
        "{of_instance}"
    );
    set(&mut unmapped, "credentials-file");
    if let Collected::Seen(Ok(entry)) = &mut unmapped.kubeconfig {
        entry.user = User::Exec(Exec {
            env: vec![("AWS_PROFILE".into(), "bob".into())],
            profile_in_environment: Some("alice".into()),
            ..Exec::default()
        });
    }
    let of_kubeconfig = next(&unmapped);
    let expected = "the kubeconfig selects profile bob (AWS_PROFILE in the plugin's env)";
    assert!(of_kubeconfig.starts_with(expected), "{of_kubeconfig}");
    // Keys in the environment come before AWS_PROFILE.
    set(&mut unmapped, "env");
    assert_eq!(next(&unmapped), of_environment);
    if let Collected::Seen(Ok(keys)) = &mut unmapped.credentials {
        keys.ignored_section = Some(Problem {
            cause: "the section is [dev]".into(),
            next: "write [profile dev]".into(),
        });
    }
    let of_section = next(&unmapped);
    let expected = "the section is [dev]: if you expect the identity of that section, write [profile dev]; otherwise awsauth map";
    assert!(of_section.starts_with(expected), "{of_section}");
    if let Collected::Seen(Ok(entry)) = &mut unmapped.kubeconfig {
        entry.account = Some("444455556666".into());
    }
    let of_account = next(&unmapped);
    let expected =
        "the identity is of account 111122223333, and the cluster is in account 444455556666";
    assert!(of_account.starts_with(expected), "{of_account}");
}

fn mapped(changed: Option<Timestamp>) -> Evidence {
    let text = "- rolearn: arn:aws:iam::111122223333:role/mytestrole\n  username: dev\n";
    Evidence {
        token: Collected::Seen(Token {
            signer: Signer::Awsauth,
            bytes: 1000,
            cluster: "prod".into(),
            read: Ok(("sts.eu-west-1.amazonaws.com".into(), evidence().now)),
            keys_end: None,
        }),
        verified: Collected::Seen(Ok(VerifiedCaller {
            arn: "arn:aws:iam::111122223333:role/mytestrole".into(),
            session_name: "s".into(),
            clock_ahead: Some(SignedDuration::from_secs(90)),
        })),
        signed_in: Collected::Seen(SignedIn::Unauthorized),
        aws_auth: Collected::Seen(Ok(AwsAuth {
            place: "read".into(),
            exists: true,
            snapshot: Snapshot {
                data: [("mapRoles".to_owned(), text.into())].into(),
                ..Snapshot::default()
            },
            changed,
            misplaced: Vec::new(),
        })),
        ..evidence()
    }
}

#[test]
fn recent_change_is_waited_for_and_older_change_is_not_blamed() {
    let now = evidence().now;
    let young = mapped(Some(now - SignedDuration::from_secs(7)));
    fails(&young, "M8", "aws-auth changed 7 s ago", "awsauth verify");
    assert_eq!(diagnose(&young).headline.state, SignInState::Unauthorized);
    let old = mapped(Some(now - SignedDuration::from_hours(1)));
    fails(
        &old,
        "T2",
        "the cluster's name is not",
        "--name prod --region eu-west-1",
    );
    // A small clock skew is reported, too.
    let report = diagnose(&old);
    let clock = outcome(&report, "C11");
    assert_eq!(
        clock.saw,
        "this machine's clock is 90 s ahead of AWS: set it before the difference grows"
    );
    assert_eq!(clock.problem, None);
}

#[test]
fn recent_change_does_not_hide_a_wrong_cluster_name() {
    let now = evidence().now;
    let mut young = mapped(Some(now - SignedDuration::from_secs(7)));
    // Only the plugin names the cluster.
    if let Collected::Seen(Ok(entry)) = &mut young.kubeconfig {
        entry.named = None;
    }
    let both = "either the cluster's name is not \"prod\", for which the token is signed, or the change to aws-auth 7 s ago is not in effect yet";
    let wait = "run this again in 54 s; if the token is still rejected, ";
    let compare = "compare its endpoint with the kubeconfig: aws eks describe-cluster --name prod --region eu-west-1 --query cluster.endpoint";
    fails(&young, "M8", both, &format!("{wait}{compare}"));
    assert_eq!(diagnose(&young).headline.entry, None);
    let denied = DescribeFailure::Denied("a policy is missing".into());
    young.described = Collected::Seen(Err(denied));
    let ask = format!("{wait}ask a user with eks:DescribeCluster to {compare}");
    fails(&young, "M8", both, &ask);
    // EKS confirms the name.
    young.described = Collected::Seen(Ok(described()));
    let waits = "aws-auth changed 7 s ago, and the change is not in effect yet";
    fails(&young, "M8", waits, "awsauth verify");
    let mut old = mapped(Some(now - SignedDuration::from_hours(1)));
    old.described = Collected::Seen(Ok(described()));
    fails(&old, "M2", "does not accept the token", "ask a user");
    // It is another cluster of this name.
    if let Collected::Seen(Ok(described)) = &mut old.described {
        described.endpoint = "https://10.0.0.2".into();
    }
    fails(
        &old,
        "K7",
        "is not the endpoint of cluster \"prod\"",
        "awsauth kubeconfig",
    );
}

/// A kubeconfig user with an exec plugin that makes tokens for cluster `staging`.
fn of_staging(change: impl FnOnce(&mut Entry)) -> Evidence {
    let mut evidence = mapped(None);
    if let Collected::Seen(Ok(entry)) = &mut evidence.kubeconfig {
        entry.context = Some("prod".into());
        entry.user_name = Some("staging".into());
        entry.plugin_named = Some("staging".into());
        entry.user = User::Exec(Exec {
            api_version: Some("client.authentication.k8s.io/v1beta1".into()),
            command: "aws".into(),
            path: Some("/usr/bin/aws".into()),
            args: [
                "eks",
                "get-token",
                "--cluster-name",
                "staging",
                "--role-arn",
                "r",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..Exec::default()
        });
        change(entry);
    }
    evidence
}

#[test]
fn user_of_another_cluster_is_replaced_instead_of_changed() {
    let cause =
        "the token is made for cluster \"staging\", but the kubeconfig entry is for \"prod\"";
    let check = |change: fn(&mut Entry), next| fails(&of_staging(change), "K5", cause, next);
    check(
        |entry| entry.matching_user = Some("prod-user".into()),
        "kubectl config set-context prod --user=prod-user",
    );
    check(
        |entry| entry.has_shared_user = true,
        "awsauth kubeconfig --cluster-name prod --region eu-west-1 --alias prod --role-arn r",
    );
    check(
        |_| {},
        "kubectl config set-credentials staging --exec-arg=eks --exec-arg=get-token --exec-arg=--cluster-name --exec-arg=prod",
    );
}

#[test]
fn user_who_may_not_describe_the_cluster_is_led_to_what_works() {
    let mut evidence = of_staging(|entry| {
        entry.plugin_named = Some("prod".into());
        if let User::Exec(exec) = &mut entry.user {
            exec.path = None;
        }
    });
    let uninstalled = "the exec plugin \"aws\" is not installed here";
    fails(
        &evidence,
        "K3",
        uninstalled,
        "use awsauth as the plugin: awsauth kubeconfig ",
    );
    evidence.described = Collected::Seen(Err(DescribeFailure::Denied("a policy".into())));
    fails(
        &evidence,
        "K3",
        uninstalled,
        "use awsauth as the plugin: kubectl config set-credentials staging --exec-api-version=client.authentication.k8s.io/v1beta1 \
         --exec-command=awsauth --exec-arg=token --exec-arg=--cluster-name --exec-arg=prod --exec-arg=--region --exec-arg=eu-west-1 \
         --exec-arg=--role-arn --exec-arg=r",
    );
    let mut shared = of_staging(|entry| entry.has_shared_user = true);
    shared.described = evidence.described.clone();
    fails(
        &shared,
        "K5",
        "is for \"prod\"",
        "IAM denies you eks:DescribeCluster, so ask a user who has it for a new kubeconfig, which contains no secret: \
         awsauth kubeconfig --cluster-name prod --region eu-west-1 --alias prod --role-arn r --kubeconfig FILE",
    );
}

#[test]
fn entry_with_an_unresolvable_template_never_matches() {
    let mut evidence = mapped(None);
    let text = "- rolearn: arn:aws:iam::111122223333:role/mytestrole\n  username: \"system:node:{{EC2PrivateDNSName}}\"\n";
    if let Collected::Seen(Ok(aws_auth)) = &mut evidence.aws_auth {
        aws_auth
            .snapshot
            .data
            .insert("mapRoles".to_owned(), text.into());
    }
    fails(&evidence, "M7", "cannot be rendered", "awsauth map role");
}

#[test]
fn address_of_a_tunnel_is_current_if_certificates_prove_the_endpoint() {
    let judged = |is_proven, same_authority| {
        let mut evidence = evidence();
        evidence.described = Collected::Seen(Ok(ClusterDescription {
            endpoint: "https://A0DCCD80A04F01705DD065655C30CC3D.gr7.eu-west-1.eks.amazonaws.com"
                .into(),
            is_proven,
            same_authority: Some(same_authority),
            ..described()
        }));
        let report = diagnose(&evidence);
        let problem = outcome(&report, "K7").problem.clone();
        problem.map(|problem| problem.cause)
    };
    assert_eq!(judged(true, true), None);
    let other = judged(false, true).unwrap();
    assert!(other.contains("is not the endpoint of cluster"), "{other}");
}

/// Evidence of user alice, whom the cluster rejects, and this aws-auth.
fn rejected_user(section: &str, text: &str) -> Evidence {
    let mut evidence = mapped(None);
    if let Collected::Seen(Ok(verified)) = &mut evidence.verified {
        verified.arn = "arn:aws:iam::111122223333:user/alice".into();
        verified.session_name = String::new();
    }
    if let Collected::Seen(Ok(aws_auth)) = &mut evidence.aws_auth {
        let data = [(section.to_owned(), text.into())];
        aws_auth.snapshot.data = data.into();
    }
    evidence
}

#[test]
fn entry_that_names_no_identity_is_the_cause() {
    let group = "- userarn: arn:aws:iam::111122223333:group/developers\n  username: dev\n  groups: [devs]\n";
    fails(
        &rejected_user("mapUsers", group),
        "M6",
        "is an IAM group, which aws-auth cannot map",
        "awsauth map user arn:aws:iam::111122223333:user/alice --username alice --group devs",
    );
    for (arn, placeholder) in [
        ("${USER_ARN}", "${USER_ARN}"),
        (
            "<ARN of the user (not of a group)>",
            "<ARN of the user (not of a group)>",
        ),
        ("YOUR_USER_ARN", "YOUR_USER_ARN"),
        ("{{ .Values.userArn }}", "{{ .Values.userArn }}"),
        ("arn:aws:iam::111122223333:user/__USER__", "__USER__"),
    ] {
        fails(
            &rejected_user("mapUsers", &with_arn(arn)),
            "M6",
            &format!(
                "mapUsers line 1 names no identity: the placeholder {placeholder} was not filled in"
            ),
            "--username dev --group devs",
        );
    }
    let of_bob = with_arn("arn:aws:iam::${ACCOUNT_ID}:user/bob");
    let report = diagnose(&rejected_user("mapUsers", &of_bob));
    assert_eq!(outcome(&report, "M6").problem, None);
}

/// An entry of a user.
fn with_arn(arn: &str) -> String {
    format!("- userarn: \"{arn}\"\n  username: dev\n  groups: [devs]\n")
}

#[test]
fn profile_of_a_mapped_role_is_named_before_the_user_is_mapped() {
    let role = "arn:aws:iam::111122223333:role/developers";
    let text = format!("- rolearn: {role}\n  username: dev\n");
    let mut evidence = rejected_user("mapRoles", &text);
    if let Collected::Seen(Ok(keys)) = &mut evidence.credentials {
        keys.role_profiles = vec![("dev".into(), role.into())];
    }
    fails(
        &evidence,
        "M5",
        "aws-auth does not map arn:aws:iam::111122223333:user/alice",
        "set AWS_PROFILE=dev for arn:aws:iam::111122223333:role/developers, which aws-auth maps",
    );
    if let Collected::Seen(Ok(keys)) = &mut evidence.credentials {
        keys.source_name = "credentials-file";
    }
    fails(
        &evidence,
        "M5",
        "aws-auth does not map arn:aws:iam::111122223333:user/alice",
        "profile dev assumes arn:aws:iam::111122223333:role/developers, which aws-auth maps",
    );
    if let Collected::Seen(Ok(keys)) = &mut evidence.credentials {
        keys.role_profiles.clear();
    }
    fails(
        &evidence,
        "M5",
        "aws-auth does not map arn:aws:iam::111122223333:user/alice",
        "if you should assume a role that aws-auth maps (developers)",
    );
}

#[test]
fn known_fault_of_a_key_replaces_the_guesses() {
    let mut evidence = Evidence {
        caller: Collected::Seen(Err(StsProblem {
            code: Some("InvalidClientTokenId".into()),
            problem: Problem {
                cause: "InvalidClientTokenId".into(),
                next: "guess".into(),
            },
            key_owner: None,
            clock_ahead: None,
        })),
        ..evidence()
    };
    fails(&evidence, "C10", "InvalidClientTokenId", "guess");
    let mut expired = evidence.clone();
    if let Collected::Seen(Err(rejected)) = &mut expired.caller {
        rejected.code = Some("ExpiredToken".into());
    }
    fails(&expired, "C10", "InvalidClientTokenId", "guess");
    if let Collected::Seen(Ok(keys)) = &mut expired.credentials {
        keys.source_name = "credentials-file";
        keys.source = "credentials file".into();
    }
    let next = "get new credentials where these are from: credentials file";
    fails(&expired, "C10", "InvalidClientTokenId", next);
    if let Collected::Seen(Ok(keys)) = &mut evidence.credentials {
        keys.is_temporary = true;
    }
    let next = "the session token may be that of other keys";
    fails(&evidence, "C10", "InvalidClientTokenId", next);
    if let Collected::Seen(Ok(keys)) = &mut evidence.credentials {
        keys.key_problem = Some(Problem {
            cause: "a session token of other credentials".into(),
            next: "unset AWS_SESSION_TOKEN".into(),
        });
    }
    fails(
        &evidence,
        "C10",
        "a session token",
        "unset AWS_SESSION_TOKEN",
    );
    if let Collected::Seen(Err(rejected)) = &mut evidence.caller {
        rejected.key_owner = Some("arn:aws:iam::111122223333:user/bob".into());
    }
    fails(
        &evidence,
        "C10",
        "a session token of other credentials; without it, you are arn:aws:iam::111122223333:user/bob",
        "unset AWS_SESSION_TOKEN; if you expect another identity than arn:aws:iam::111122223333:user/bob, unset AWS_ACCESS_KEY_ID",
    );
}

#[test]
fn error_line_of_the_plugin_is_quoted_instead_of_its_usage() {
    let mut evidence = evidence();
    if let Collected::Seen(Ok(entry)) = &mut evidence.kubeconfig {
        entry.user = User::Exec(Exec {
            api_version: Some("client.authentication.k8s.io/v1beta1".into()),
            command: "aws".into(),
            path: Some("/usr/bin/aws".into()),
            ..Exec::default()
        });
    }
    evidence.plugin = Collected::Seen(Plugin {
        command: "aws eks get-token".into(),
        took: SignedDuration::ZERO,
        failed: Some("exit status: 2".into()),
        stderr: "usage: aws [options]\naws: error: argument operation: Invalid choice, valid choices are:\n\ndescribe-cluster | list-clusters\n".into(),
        api_version: None,
        token_bytes: 0,
        expiration: None,
        unreadable: None,
    });
    fails(
        &evidence,
        "K4",
        "aws: error: argument operation: Invalid choice",
        "upgrade this program",
    );
}

/// Replaces aws-auth's data.
fn with_data(mut evidence: Evidence, data: &[(&str, &str)]) -> Evidence {
    if let Collected::Seen(Ok(aws_auth)) = &mut evidence.aws_auth {
        let data = data
            .iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).into()));
        aws_auth.snapshot.data = data.collect();
    }
    evidence
}

#[test]
fn ignored_key_that_mentions_the_identity_is_the_cause() {
    let entry = "- rolearn: arn:aws:iam::111122223333:role/mytestrole\n  username: dev\n";
    let other = "- rolearn: arn:aws:iam::111122223333:role/other\n  username: dev\n";
    for key in ["mapRole", "maproles"] {
        fails(
            &with_data(mapped(None), &[(key, entry), ("mapRoles", other)]),
            "M4",
            key,
            "mapRoles",
        );
    }
    fails(
        &with_data(mapped(None), &[("mapRole", other), ("mapRoles", other)]),
        "M5",
        "aws-auth does not map",
        "awsauth map",
    );
    fails(
        &with_data(mapped(None), &[("mapRoles", "")]),
        "M4",
        "aws-auth has no entries",
        "awsauth restore",
    );
    let quoted = with_data(mapped(None), &[("mapRoles", "\"[]\"")]);
    fails(&quoted, "M4", "not a list", "without quotes");
}

#[test]
fn misplaced_aws_auth_is_named() {
    let mut evidence = with_data(mapped(None), &[]);
    if let Collected::Seen(Ok(aws_auth)) = &mut evidence.aws_auth {
        aws_auth.exists = false;
    }
    let cause = "aws-auth does not exist in namespace kube-system";
    fails(&evidence, "M4", cause, "awsauth nodes --fix");
    if let Collected::Seen(Ok(aws_auth)) = &mut evidence.aws_auth {
        aws_auth.misplaced = vec![ConfigMapName {
            namespace: "default".into(),
            name: "aws-auth".into(),
        }];
    }
    fails(
        &evidence,
        "M4",
        "ConfigMap aws-auth in namespace default has the entries",
        "get configmap aws-auth -n default",
    );
    evidence.request.as_context = Some("admin".into());
    let next = "kubectl --context admin get configmap aws-auth -n default -o yaml | sed 's/^  name: .*/  name: aws-auth/; s/^  namespace: .*/  namespace: kube-system/' > aws-auth.yaml; awsauth restore aws-auth.yaml --context admin";
    fails(&evidence, "M4", "ConfigMap aws-auth", next);
}

/// Evidence of the user of this entry, who may not list pods.
fn denied(entry: &str, groups: &[&str]) -> Evidence {
    let head = "- rolearn: arn:aws:iam::111122223333:role/mytestrole\n";
    let mut evidence = with_data(mapped(None), &[("mapRoles", &format!("{head}{entry}"))]);
    evidence.signed_in = Collected::Seen(SignedIn::In {
        username: "dev".into(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
    });
    evidence.answers = Collected::Seen(vec![PermissionAnswer {
        question: "list pods".into(),
        allowed: false,
        reason: None,
    }]);
    evidence
}

#[test]
fn mistake_in_the_entry_of_a_denied_user_is_the_cause() {
    for (entry, cause, next) in [
        (
            "  username: dev\n  group: [devs]\n",
            "line 3: the authenticator does not know the field group",
            "write groups",
        ),
        (
            "  username: dev\n  groups: [system:master]\n",
            "group system:master is not system:masters",
            "write system:masters",
        ),
        (
            "  username: system:masters\n",
            "but system:masters is a group",
            "list it under groups",
        ),
    ] {
        fails(&denied(entry, &[]), "M7", cause, next);
    }
    // An entry without a mistake is not the cause.
    let report = diagnose(&denied("  username: dev\n  groups: [devs]\n", &["devs"]));
    assert_eq!(outcome(&report, "M7").problem, None);
}

#[test]
fn role_that_the_api_server_does_not_find_is_named_without_reading_rbac() {
    let mut evidence = denied("  username: dev\n  groups: [devs]\n", &["devs"]);
    if let Collected::Seen(answers) = &mut evidence.answers {
        answers[0].reason =
            Some("RBAC: clusterrole.rbac.authorization.k8s.io \"pods-reader\" not found".into());
    }
    fails(
        &evidence,
        "B1",
        "a binding refers to ClusterRole pods-reader, which does not exist",
        "ask an administrator",
    );
}

#[test]
fn cluster_that_accepts_the_token_is_not_accused() {
    let mut evidence = signed_in();
    let not_found = || {
        DescribeFailure::NoSuchCluster(Problem {
            cause: "there is no cluster \"prod\"".into(),
            next: "list them".into(),
        })
    };
    evidence.described = Collected::Seen(Err(not_found()));
    assert_eq!(diagnose(&evidence).headline.problem, None);
    evidence.signed_in = Collected::Seen(SignedIn::Unauthorized);
    fails(&evidence, "K7", "there is no cluster", "list them");
}

#[test]
fn command_that_fails_changes_the_first_line() {
    let failing = || {
        Collected::Seen(CommandRun {
            status: Some("exit status: 1".into()),
            succeeded: false,
            stderr: "error: You must be logged in to the server (Unauthorized)".into(),
            message: "error: You must be logged in to the server (Unauthorized)".into(),
        })
    };
    let with_user = |user| {
        let mut evidence = signed_in();
        if let Collected::Seen(Ok(entry)) = &mut evidence.kubeconfig {
            entry.user = user;
        }
        evidence
    };
    let mut missing_plugin = with_user(User::Exec(Exec {
        api_version: Some("client.authentication.k8s.io/v1beta1".into()),
        command: "aws".into(),
        ..Exec::default()
    }));
    missing_plugin.command = failing();
    let text = diagnose(&missing_plugin).headline.text;
    assert!(text.starts_with("kubectl cannot sign in"), "{text}");

    let mut refused_token = with_user(User::Token {
        signed: None,
        is_eks: false,
        overrides_plugin: false,
    });
    assert_eq!(diagnose(&refused_token).headline.problem, None);
    refused_token.command = failing();
    let cause = "the API server does not accept the token in the kubeconfig";
    fails(&refused_token, "K6", cause, "use an exec plugin");

    let mut anonymous = with_user(User::Anonymous);
    assert_eq!(diagnose(&anonymous).headline.problem, None);
    anonymous.command = failing();
    fails(&anonymous, "K1", "has no user", "awsauth kubeconfig");

    let mut other = signed_in();
    other.command = failing();
    let text = diagnose(&other).headline.text;
    assert!(text.starts_with("The command fails"), "{text}");
}

#[test]
fn unreachable_sts_is_named_if_credentials_wait_for_it() {
    let silent = Evidence {
        credentials: Collected::TimedOut(SignedDuration::from_secs(4)),
        caller: Collected::default(),
        sts_connection: Collected::Seen(ConnectionAttempt {
            address: "sts.eu-west-1.amazonaws.com".into(),
            is_proxy: false,
            failed: Some(ConnectionFailure::TimedOut),
        }),
        ..evidence()
    };
    fails(
        &silent,
        "C1",
        "no connection to STS: sts.eu-west-1",
        "VPC endpoint",
    );
}

#[test]
fn misspelled_region_of_the_kubeconfig_is_named() {
    let with = |region: &str| {
        let mut evidence = evidence();
        if let Collected::Seen(Ok(entry)) = &mut evidence.kubeconfig {
            entry.region = Some(region.to_owned());
        }
        evidence
    };
    fails(
        &with("us-east1"),
        "C13",
        "\"us-east1\" in the kubeconfig",
        "--region",
    );
    for region in ["us-gov-west-1", "ap-southeast-3", "us-isob-east-1"] {
        let report = diagnose(&with(region));
        let cause = outcome(&report, "C13").problem.clone();
        let cause = cause.map(|problem| problem.cause).unwrap_or_default();
        assert!(!cause.contains("is not the name"), "{cause}");
    }
}

#[test]
fn profile_that_the_kubeconfig_selects_is_corrected_there() {
    let mut evidence = Evidence {
        credentials: Collected::Seen(Err(SearchFailed {
            place: FailedAt::Profile,
            source: None,
            problem: Problem {
                cause: "there is no profile work".into(),
                next: "name one of these".into(),
            },
            tried: Vec::new(),
            policies: None,
            obstacle: None,
            role: None,
            caller: None,
            intended: None,
            has_external_id: false,
            clock_ahead: None,
        })),
        caller: Collected::default(),
        ..evidence()
    };
    fails(
        &evidence,
        "C2",
        "there is no profile work",
        "name one of these",
    );
    if let Collected::Seen(Ok(entry)) = &mut evidence.kubeconfig {
        entry.user = User::Exec(Exec {
            api_version: Some("client.authentication.k8s.io/v1beta1".into()),
            command: "aws".into(),
            path: Some("/usr/bin/aws".into()),
            args: ["--profile", "work"].map(str::to_owned).into(),
            ..Exec::default()
        });
    }
    let next = "the kubeconfig selects profile work (--profile in the plugin's args): name one";
    fails(&evidence, "C2", "there is no profile work", next);
}

#[test]
fn access_entry_that_cannot_be_read_is_recognized_by_the_username() {
    let default = "arn:aws:sts::111122223333:assumed-role/mytestrole/s";
    let with = |username: &str, mode| {
        let mut evidence = denied("  username: dev\n", &[]);
        evidence.signed_in = Collected::Seen(SignedIn::In {
            username: username.into(),
            groups: vec!["system:authenticated".into()],
        });
        evidence.access_entries = Collected::Seen(Err("eks:ListAccessEntries".into()));
        evidence.described = Collected::Seen(Ok(ClusterDescription {
            mode: Some(mode),
            ..described()
        }));
        evidence
    };
    let both = AuthenticationMode::ApiAndConfigMap;
    let mut unread = with(default, both);
    fails(
        &unread,
        "M3",
        "an access entry applies instead of user dev of mapRoles line 1",
        "ask a user with eks:DescribeAccessEntry",
    );
    unread.aws_auth = Collected::default();
    fails(
        &unread,
        "B1",
        "may not list pods; the username is the default of an access entry, which takes precedence over aws-auth",
        "aws eks describe-access-entry --cluster-name prod --principal-arn arn:aws:iam::111122223333:role/mytestrole",
    );
    unread.access_entries = Collected::default();
    unread.described = Collected::default();
    fails(
        &unread,
        "B1",
        "the default of an access entry",
        "describe-access-entry",
    );
    for other in [
        with("dev", both),
        with(default, AuthenticationMode::ConfigMap),
    ] {
        let report = diagnose(&other);
        let (check, problem) = report.headline.problem.unwrap();
        assert_eq!(check, "B1");
        assert!(!problem.cause.contains("access entry"), "{}", problem.cause);
    }
}

#[test]
fn denied_example_is_no_problem() {
    let example = |entry, groups| {
        let mut evidence = denied(entry, groups);
        evidence.request.is_example = true;
        diagnose(&evidence)
    };
    let report = example("  username: dev\n  groups: [devs]\n", &["devs"]);
    assert_eq!(report.headline.problem, None);
    assert_eq!(report.headline.state, SignInState::SignedIn);
    let saw = &outcome(&report, "B1").saw;
    assert!(saw.contains("list pods: no"), "{saw}");
    assert!(saw.contains("awsauth doctor -- kubectl"), "{saw}");
    // A mistake in the entry is a problem anyway.
    let report = example("  username: dev\n  group: [devs]\n", &[]);
    assert_eq!(report.headline.state, SignInState::SignedIn);
    assert_eq!(report.headline.problem.unwrap().0, "M7");
}

/// Evidence of a command that works, in spite of a wrong region in the kubeconfig.
fn working_command() -> Evidence {
    let mut evidence = signed_in();
    evidence.command = Collected::Seen(CommandRun {
        status: Some("exit status: 0".into()),
        succeeded: true,
        stderr: String::new(),
        message: String::new(),
    });
    if let Collected::Seen(Ok(entry)) = &mut evidence.kubeconfig {
        entry.region = Some("us-east1".into());
    }
    evidence
}

#[test]
fn command_that_works_decides() {
    let mut evidence = working_command();
    let headline = diagnose(&evidence).headline;
    assert_eq!(headline.problem, None);
    assert_eq!(headline.state, SignInState::SignedIn);
    assert_eq!(headline.others, ["C13"]);
    // It does not answer another question.
    evidence.answers = Collected::Seen(vec![PermissionAnswer {
        question: "delete nodes".into(),
        allowed: false,
        reason: None,
    }]);
    assert_eq!(diagnose(&evidence).headline.state, SignInState::Forbidden);
    let mut rejected = working_command();
    rejected.signed_in = Collected::Seen(SignedIn::Unauthorized);
    assert_ne!(diagnose(&rejected).headline.problem, None);
}

#[test]
fn failing_plugin_is_in_the_first_line_even_if_the_request_is_denied() {
    let mut evidence = denied("  username: dev\n  groups: [devs]\n", &["devs"]);
    evidence.set_user(User::Exec(Exec {
        api_version: Some("client.authentication.k8s.io/v1alpha1".into()),
        command: "aws".into(),
        path: Some("/usr/bin/aws".into()),
        ..Exec::default()
    }));
    let headline = diagnose(&evidence).headline;
    assert!(
        headline.text.starts_with("kubectl cannot sign in"),
        "{}",
        headline.text
    );
    assert_eq!(headline.problem.unwrap().0, "K2");
    assert!(headline.others.contains(&"B1"), "{:?}", headline.others);
}

#[test]
fn mapped_identity_without_permissions_is_not_unknown() {
    let mut evidence = denied("  username: dev\n  group: [devs]\n", &[]);
    evidence.request.arn = Some(ARN.into());
    evidence.signed_in = Collected::default();
    fails(&evidence, "M7", "does not know the field group", "groups");
    let headline = diagnose(&evidence).headline;
    assert_eq!(headline.state, SignInState::Forbidden);
    assert!(
        headline.text.contains("is user dev in no groups"),
        "{}",
        headline.text
    );
    assert_eq!(headline.entry, None);
    // An entry that gives no user leaves the identity unknown.
    evidence.answers = Collected::default();
    let evidence = with_data(evidence, &[("mapRoles", "[]")]);
    assert_eq!(
        diagnose(&evidence).headline.state,
        SignInState::Unauthorized
    );
}

#[test]
fn entry_is_suggested_only_if_the_mapping_is_the_cause() {
    let entry = |evidence: &Evidence| {
        let headline = diagnose(evidence).headline;
        (headline.problem.unwrap().0, headline.entry)
    };
    assert_eq!(entry(&mapped(None)), ("T2", None));
    let unmapped = with_data(
        mapped(None),
        &[(
            "mapRoles",
            "- rolearn: arn:aws:iam::111122223333:role/other\n  username: dev\n",
        )],
    );
    let (check, map) = entry(&unmapped);
    assert_eq!(check, "M5");
    assert!(map.unwrap().starts_with("awsauth map role "));
    let unread = Evidence {
        aws_auth: Collected::default(),
        ..unmapped.clone()
    };
    assert_eq!(entry(&unread), ("M2", None));
    let mut expired = unmapped;
    expired.set_user(User::Token {
        signed: Some(Timestamp::UNIX_EPOCH),
        is_eks: true,
        overrides_plugin: false,
    });
    assert_eq!(entry(&expired), ("K6", None));
}

trait WithUser {
    fn set_user(&mut self, user: User);
}

impl WithUser for Evidence {
    fn set_user(&mut self, user: User) {
        if let Collected::Seen(Ok(entry)) = &mut self.kubeconfig {
            entry.user = user;
        }
    }
}

#[test]
fn rewritten_entry_keeps_profile_and_role() {
    let with = |args: &[&str], env: &[(&str, &str)]| {
        let mut evidence = evidence();
        let own = |text: &str| text.to_owned();
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let env = env.iter().map(|(name, value)| (own(name), own(value)));
        evidence.set_user(User::Exec(Exec {
            api_version: Some("client.authentication.k8s.io/v1beta1".into()),
            command: "no-such-plugin".into(),
            args,
            env: env.collect(),
            ..Exec::default()
        }));
        outcome(&diagnose(&evidence), "K3")
            .problem
            .clone()
            .unwrap()
            .next
    };
    let rewrite =
        "use awsauth as the plugin: awsauth kubeconfig --cluster-name prod --region eu-west-1";
    let role = "arn:aws:iam::111122223333:role/dev";
    for (args, env, flags) in [
        (&[][..], &[][..], ""),
        (&[], &[("AWS_PROFILE", "dev")], " --profile dev"),
        (&["--profile=dev x"], &[], " --profile 'dev x'"),
        (
            &["--profile", "a", "-r", role, "-e", "team-42"],
            &[("AWS_PROFILE", "dev")],
            " --profile a --role-arn arn:aws:iam::111122223333:role/dev --external-id team-42",
        ),
        (
            &["--role-arn", role, "--session-name", "ci"],
            &[],
            " --role-arn arn:aws:iam::111122223333:role/dev --role-session-name ci",
        ),
    ] {
        assert_eq!(with(args, env), format!("{rewrite}{flags}"));
    }
}

#[test]
fn next_cause_behind_a_wrong_entry_is_found() {
    let grants = |subject: &str, role: &str| Policy {
        bindings: vec![Binding {
            namespace: Some("web".into()),
            name: "devs-read".into(),
            role: RoleRef {
                kind: RoleKind::Role,
                name: role.into(),
            },
            subjects: vec![Subject::Group(subject.into())],
        }],
        roles: [(
            Role {
                namespace: Some("web".into()),
                name: "pod-reader".into(),
            },
            Rules::Known(vec![Rule {
                verbs: vec!["list".into()],
                api_groups: vec![String::new()],
                resources: vec!["pods".into()],
                ..Rule::default()
            }]),
        )]
        .into(),
        unread: Vec::new(),
    };
    let path = "- rolearn: arn:aws:iam::111122223333:role/team/mytestrole\n  username: dev\n  groups: [devs]\n";
    let of_path = with_data(mapped(None), &[("mapRoles", path)]);
    let of_field = denied("  username: dev\n  group: devs\n", &[]);
    let of_text = denied("  username: dev\n  groups: devs\n", &[]);
    let template = format!(
        "- rolearn: {ROLE}\n  username: dev\n  groups: [devs]\n- rolearn: {ROLE}2\n  username: {{{{SessionName}}}}\n"
    );
    let of_template = with_data(mapped(None), &[("mapRoles", &template)]);
    let role = format!("- rolearn: {ROLE}\n  username: dev\n  groups: [devs]\n");
    let mut of_profile = rejected_user("mapRoles", &role);
    if let Collected::Seen(Ok(keys)) = &mut of_profile.credentials {
        keys.role_profiles = vec![("dev".into(), ROLE.into())];
    }
    for (evidence, first) in [
        (of_path, "M6"),
        (of_field, "M7"),
        (of_text, "M7"),
        (of_template, "M4"),
        (of_profile, "M5"),
    ] {
        let second = |policy: Policy| {
            let mut evidence = evidence.clone();
            evidence.request.questions = vec!["list pods -n web".into()];
            evidence.policy = Collected::Seen(policy);
            let report = diagnose(&evidence);
            let (check, _) = report.headline.problem.clone().unwrap();
            assert_eq!(check, first);
            let found = outcome(&report, "B2").problem.clone();
            assert_eq!(report.headline.others.contains(&"B2"), found.is_some());
            found.map(|problem| problem.cause)
        };
        assert_eq!(second(grants("devs", "pod-reader")), None);
        let cause = second(grants("Devs", "pod-reader")).unwrap();
        let start = format!(
            "after the next step of {first}, user dev in group devs still may not list pods -n web: "
        );
        assert!(cause.starts_with(&start), "{cause}");
        assert!(cause.contains("names are case-sensitive"), "{cause}");
        let cause = second(grants("devs", "pods-reader")).unwrap();
        assert!(
            cause.contains("Role pods-reader in namespace web, which does not exist"),
            "{cause}"
        );
    }
}

#[test]
fn condition_of_the_trust_policy_is_named() {
    let obstacle = Problem {
        cause:
            "the role's trust policy requires the external id \"team-42\", but the call has none"
                .into(),
        next: "aws configure set external_id team-42 --profile dev".into(),
    };
    let side = |is_missing| PolicySide {
        title: "the trust policy".into(),
        because: "because".into(),
        statement: None,
        is_missing,
        is_unread: !is_missing,
    };
    let with = |trust| Evidence {
        credentials: Collected::Seen(Err(SearchFailed {
            place: FailedAt::AssumeRole,
            source: None,
            problem: Problem {
                cause: "cannot assume it".into(),
                next: "look".into(),
            },
            tried: Vec::new(),
            policies: Some(Box::new([side(false), side(trust)])),
            obstacle: Some(obstacle.clone()),
            role: None,
            caller: None,
            intended: None,
            has_external_id: false,
            clock_ahead: None,
        })),
        caller: Collected::default(),
        ..evidence()
    };
    let cause = format!("{}: cannot assume it", obstacle.cause);
    fails(&with(true), "C15", &cause, &obstacle.next);
    // Such as a permissions boundary, which neither of the two policies shows.
    fails(&with(false), "C14", &cause, &obstacle.next);
}

#[test]
fn token_for_another_partition_names_the_region() {
    let mut evidence = mapped(None);
    evidence.set_user(User::Exec(Exec {
        api_version: Some("client.authentication.k8s.io/v1beta1".into()),
        command: "aws".into(),
        path: Some("/usr/bin/aws".into()),
        ..Exec::default()
    }));
    if let Collected::Seen(Ok(entry)) = &mut evidence.kubeconfig {
        entry.user_name = Some("dev".into());
    }
    if let Collected::Seen(token) = &mut evidence.token {
        token.read = Err(TokenError::Format(FormatError::OtherPartition {
            partition: "aws".into(),
            host: "sts.cn-north-1.amazonaws.com.cn".into(),
        }));
    }
    let next = "kubectl config set-credentials dev --exec-env=AWS_REGION=eu-west-1";
    fails(&evidence, "T1", "sts.cn-north-1.amazonaws.com.cn", next);
}

#[test]
fn certificate_of_another_authority_is_fixed_with_the_same_identity() {
    let mut evidence = connection("10.0.0.1", ConnectionFailure::Refused);
    if let Collected::Seen(attempts) = &mut evidence.connections {
        attempts[0].failed = None;
    }
    evidence.livez = Collected::Seen(Err(LivenessFailure {
        problem: Problem {
            cause: "BadSignature".into(),
            next: "write its entry again: awsauth kubeconfig --cluster-name CLUSTER".into(),
        },
        is_untrusted: true,
        is_for_another_host: false,
        is_silent: false,
        is_reset: false,
        certificate_names: Vec::new(),
    }));
    let next = "write its entry again: awsauth kubeconfig --cluster-name prod --region eu-west-1";
    fails(&evidence, "E3", "BadSignature", next);
}

#[test]
fn proxy_that_cannot_be_reached_is_named_with_its_place() {
    let mut evidence = connection("127.0.0.1", ConnectionFailure::Refused);
    if let Collected::Seen(attempts) = &mut evidence.connections {
        attempts[0].is_proxy = true;
    }
    let address = "proxy 127.0.0.1:443 refused";
    fails(&evidence, "E2", address, "correct HTTPS_PROXY");
    if let Collected::Seen(Ok(entry)) = &mut evidence.kubeconfig {
        entry.proxy_url = Some("http://127.0.0.1:443".into());
        entry.cluster = Some("c".into());
    }
    fails(
        &evidence,
        "E2",
        address,
        "config set-cluster c --proxy-url=URL",
    );
}

#[test]
fn user_of_another_kubeconfig_file_is_the_cause() {
    let mut evidence = mapped(None);
    if let Collected::Seen(Ok(entry)) = &mut evidence.kubeconfig {
        entry.context = Some("prod".into());
        entry.ignored = vec![IgnoredEntry {
            kind: "user",
            name: "aws".into(),
            used: "config-dev".into(),
            ignored: "config".into(),
            used_cluster: Some("dev".into()),
            ignored_cluster: Some("prod".into()),
        }];
    }
    fails(
        &evidence,
        "K8",
        "kubectl takes the user aws from config-dev (tokens for cluster dev), and ignores that of config (tokens for cluster prod), although context prod is in config",
        "export KUBECONFIG=config;",
    );
    evidence.signed_in = signed_in().signed_in;
    let report = diagnose(&evidence);
    assert_eq!(outcome(&report, "K8").problem, None);
}

#[test]
fn other_credentials_are_not_those_of_a_static_token() {
    let expired = |overrides_plugin| {
        let mut evidence = rejected_user("mapUsers", "[]");
        evidence.verified = Collected::default();
        evidence.set_user(User::Token {
            signed: Some(Timestamp::UNIX_EPOCH),
            is_eks: true,
            overrides_plugin,
        });
        if let Collected::Seen(Ok(entry)) = &mut evidence.kubeconfig {
            entry.user_name = Some("me".into());
        }
        if let Collected::Seen(token) = &mut evidence.token {
            token.signer = Signer::Kubeconfig;
        }
        diagnose(&evidence)
    };
    let alone = expired(false).headline;
    assert_eq!(alone.arn, None);
    let (check, problem) = alone.problem.unwrap();
    assert_eq!(check, "K6");
    assert_eq!(
        problem.next,
        "use an exec plugin instead: kubectl config unset users.me.token && awsauth kubeconfig --cluster-name prod --region eu-west-1"
    );
    // The collected credentials are those of the plugin.
    let next_to_plugin = expired(true).headline;
    let role = "arn:aws:iam::111122223333:role/mytestrole";
    assert_eq!(next_to_plugin.arn.as_deref(), Some(role));
    assert_eq!(
        next_to_plugin.problem.unwrap().1.next,
        "remove the token, so that the exec plugin next to it runs: kubectl config unset users.me.token"
    );
}

#[test]
fn access_policy_that_does_not_allow_the_request_is_the_cause() {
    let arn = "arn:aws:iam::111122223333:role/mytestrole";
    let mut evidence = denied("  username: dev\n", &[]);
    evidence.described = Collected::Seen(Ok(ClusterDescription {
        mode: Some(AuthenticationMode::ApiAndConfigMap),
        ..described()
    }));
    let with = |policies: Vec<AccessPolicy>| {
        let entry = AccessEntry {
            principal_arn: arn.into(),
            terms: Some(AccessTerms {
                username: Some("dev".into()),
                policies: Some(policies),
                ..AccessTerms::default()
            }),
        };
        let mode = AuthenticationMode::ApiAndConfigMap;
        let entries = AccessEntries::new(mode, Some([entry].into()));
        Evidence {
            access_entries: Collected::Seen(Ok(entries)),
            ..evidence.clone()
        }
    };
    fails(
        &with(Vec::new()),
        "M3",
        "has neither groups nor a policy",
        "namespaces=default",
    );
    let view = AccessPolicy {
        arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".into(),
        scope: AccessScope::Namespaces(vec!["team-a".into()]),
    };
    fails(
        &with(vec![view]),
        "M3",
        "has only AmazonEKSViewPolicy in namespace team-a, which does not allow list pods",
        "eks:AssociateAccessPolicy",
    );
    let associated = |name: &str, question: &str| {
        let mut evidence = with(vec![AccessPolicy {
            arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
            scope: AccessScope::Cluster,
        }]);
        if let Collected::Seen(answers) = &mut evidence.answers {
            answers[0].question = question.into();
        }
        evidence
    };
    // The next step is never what the entry has already.
    for (policy, question, next) in [
        (
            "AmazonEKSViewPolicy",
            "list secrets -n web",
            "cluster-access-policy/AmazonEKSAdminViewPolicy --access-scope type=namespace,namespaces=web",
        ),
        (
            "AmazonEKSEditPolicy",
            "create rolebindings -n web",
            "cluster-access-policy/AmazonEKSAdminPolicy",
        ),
        (
            "AmazonEKSViewPolicy",
            "create pods -n web",
            "cluster-access-policy/AmazonEKSEditPolicy",
        ),
        (
            "AmazonEKSAdminPolicy",
            "list servicemonitors.monitoring.coreos.com -n web",
            "--kubernetes-groups mytestrole; then ",
        ),
        (
            "AmazonEKSAdminPolicy",
            "list servicemonitors.monitoring.coreos.com -n web",
            "--resource=servicemonitors.monitoring.coreos.com && ",
        ),
        (
            "AmazonEKSViewPolicy",
            "list pods -n web",
            "--kubernetes-groups mytestrole",
        ),
    ] {
        fails(&associated(policy, question), "M3", policy, next);
    }
    let mut groups = with(Vec::new());
    groups.aws_auth = denied("  username: dev\n  groups: [devs]\n", &[]).aws_auth;
    let next = "give it the groups of the aws-auth entry: ask a user with eks:UpdateAccessEntry to run: aws eks update-access-entry --cluster-name prod --principal-arn arn:aws:iam::111122223333:role/mytestrole --kubernetes-groups devs";
    fails(
        &groups,
        "M3",
        "takes precedence over the aws-auth entry",
        next,
    );
}

#[test]
fn access_entry_of_an_earlier_role_is_created_again_as_it_was() {
    let node = "arn:aws:iam::111122223333:role/n";
    let next = r#"create-access-entry --cluster-name prod --principal-arn "$(aws iam get-role --role-name mytestrole --query Role.Arn --output text)""#;
    let of_user = with_nodes(mapped(None), node, vec![access_entry("STANDARD")]);
    fails(&of_user, "M3", "belongs to the old one", next);
    let mut of_node = with_nodes(mapped(None), ROLE, vec![access_entry("EC2_LINUX")]);
    if let Collected::Seen(Ok(verified)) = &mut of_node.verified {
        verified.session_name = "i-0123456789abcdef0".into();
    }
    fails(
        &of_node,
        "M3",
        "belongs to the old one",
        " --type EC2_LINUX",
    );
}

#[test]
fn missing_association_of_a_service_account_is_created() {
    let failed = |place, cause: &str| Evidence {
        credentials: Collected::Seen(Err(SearchFailed {
            place,
            source: None,
            problem: Problem {
                cause: cause.into(),
                next: "check".into(),
            },
            tried: Vec::new(),
            policies: None,
            obstacle: None,
            role: None,
            caller: None,
            intended: None,
            has_external_id: false,
            clock_ahead: None,
        })),
        caller: Collected::default(),
        ..with_entry(evidence(), |entry| {
            entry.account = Some("111122223333".into())
        })
    };
    fails(
        &failed(
            FailedAt::Container,
            "it returned 404: ResourceNotFoundException: No association found",
        ),
        "C4",
        "No association found",
        "aws eks create-pod-identity-association --cluster-name prod",
    );
    fails(
        &failed(
            FailedAt::WebIdentity,
            "cannot assume arn:aws:iam::444455556666:role/eks-dev with the web identity token /t: InvalidIdentityToken",
        ),
        "C3",
        "InvalidIdentityToken",
        "the role is of account 444455556666, and the cluster is in account 111122223333",
    );
}

/// A command that fails with this message.
fn failed(stderr: &str) -> Collected<CommandRun> {
    Collected::Seen(CommandRun {
        status: Some("exit status: 1".into()),
        succeeded: false,
        stderr: stderr.into(),
        message: stderr.lines().next().unwrap_or_default().into(),
    })
}

/// Changes the entry of the kubeconfig.
fn with_entry(mut evidence: Evidence, change: impl FnOnce(&mut Entry)) -> Evidence {
    if let Collected::Seen(Ok(entry)) = &mut evidence.kubeconfig {
        entry.cluster = Some("c".into());
        entry.user_name = Some("me".into());
        change(entry);
    }
    evidence
}

#[test]
fn user_who_does_not_sign_in_with_aws_is_not_sent_to_aws_auth() {
    let with = |user| with_entry(evidence(), |entry| entry.user = user);
    let file = |fault: Option<&str>| User::TokenFile {
        path: "/run/token".into(),
        fault: fault.map(str::to_owned),
    };
    let next = "kubectl config unset users.me.tokenFile && awsauth kubeconfig --cluster-name prod";
    let cause = "the tokenFile /run/token of the kubeconfig's user cannot be read: No such file";
    fails(&with(file(Some("No such file"))), "K6", cause, next);
    let unauthorized = "error: You must be logged in to the server (Unauthorized)";
    let rejected = Evidence {
        command: failed(unauthorized),
        ..with(file(None))
    };
    fails(&rejected, "K6", "the token in /run/token", next);
    let rejected = Evidence {
        command: failed(unauthorized),
        ..evidence()
    };
    fails(
        &rejected,
        "K6",
        "does not accept a client certificate",
        "awsauth kubeconfig",
    );
    let token = Evidence {
        command: failed(unauthorized),
        ..with(User::Token {
            signed: None,
            is_eks: false,
            overrides_plugin: true,
        })
    };
    fails(
        &token,
        "K6",
        "it expired",
        "kubectl config unset users.me.token",
    );
}

#[test]
fn credentials_that_no_api_server_of_eks_accepts_are_the_cause() {
    let anonymous = "selfsubjectreviews.authentication.k8s.io is forbidden: User \"system:anonymous\" cannot create resource \"selfsubjectreviews\"";
    for what in ["a client certificate", "a password"] {
        let mut evidence = with_entry(evidence(), |entry| entry.user = User::Other(what.into()));
        evidence.signed_in = Collected::Seen(SignedIn::Forbidden(anonymous.into()));
        let cause = format!("has {what}, which EKS does not accept, so the requests are anonymous");
        fails(&evidence, "K6", &cause, "awsauth kubeconfig");
        let report = diagnose(&evidence);
        let text = report.headline.text;
        assert!(text.contains("your requests are anonymous"), "{text}");
    }
    let mut provider = with_entry(evidence(), |entry| {
        entry.user = User::Other("an auth provider".into());
    });
    provider.command =
        failed("error: The gcp auth plugin has been removed.\nSee https://example.com");
    let cause = "an auth provider that kubectl no longer supports";
    fails(&provider, "K6", cause, "awsauth kubeconfig");
}

#[test]
fn missing_authority_of_the_kubeconfig_is_not_blamed_on_the_cluster() {
    let mut evidence = with_entry(evidence(), |entry| entry.lacks_authority = true);
    evidence.livez = Collected::Seen(Err(LivenessFailure {
        problem: Problem {
            cause: "the certificate is not signed by the cluster's certificate authority".into(),
            next: "the cluster may have been created again".into(),
        },
        is_untrusted: true,
        is_for_another_host: false,
        is_silent: false,
        is_reset: false,
        certificate_names: Vec::new(),
    }));
    let cause = "has no certificate-authority-data";
    fails(
        &evidence,
        "E3",
        cause,
        "awsauth kubeconfig --cluster-name prod",
    );
}

#[test]
fn tunnel_that_is_not_open_is_not_blamed_on_the_cluster() {
    for server in [
        "https://localhost:8443",
        "https://127.0.0.1:8443",
        "https://[::1]:8443",
    ] {
        let refused = connection("127.0.0.1", ConnectionFailure::Refused);
        let mut evidence = with_entry(refused, |entry| entry.server = server.into());
        evidence.described = Collected::Seen(Ok(described()));
        let cause = format!("nothing answers at {server}, an address of this machine");
        fails(&evidence, "E2", &cause, "(https://10.0.0.1)");
        fails(&evidence, "E2", &cause, "start the tunnel");
    }
}

#[test]
fn proxy_url_without_a_scheme_is_corrected() {
    let mut evidence = with_entry(evidence(), |entry| {
        entry.proxy_url = Some("proxy.corp.example:3128".into());
    });
    evidence.addresses = Collected::Seen(Err(Problem {
        cause: "the name proxy.corp.example cannot be resolved".into(),
        next: "check".into(),
    }));
    let next = "kubectl config set-cluster c --proxy-url=http://proxy.corp.example:3128";
    fails(
        &evidence,
        "K1",
        "kubectl refuses the proxy-url proxy.corp.example:3128",
        next,
    );
    let plain = with_entry(evidence, |entry| {
        entry.proxy_url = Some("socks5://p:1".into())
    });
    assert_eq!(outcome(&diagnose(&plain), "K1").problem, None);
}

#[test]
fn cluster_that_is_deleted_is_the_cause_of_its_missing_address() {
    let mut evidence = evidence();
    evidence.addresses = Collected::Seen(Err(Problem {
        cause: "the name cannot be resolved".into(),
        next: "check".into(),
    }));
    evidence.described = Collected::Seen(Err(DescribeFailure::NotReady(Problem {
        cause: "the cluster prod is DELETING".into(),
        next: "check its status".into(),
    })));
    fails(&evidence, "M1", "is DELETING", "check its status");
}

#[test]
fn identity_without_access_entry_is_told_which_exist() {
    let other = AccessEntry {
        principal_arn: "arn:aws:iam::111122223333:user/alice".into(),
        terms: None,
    };
    let node = "arn:aws:iam::111122223333:role/n";
    fails(
        &with_nodes(mapped(None), node, vec![other]),
        "M1",
        &format!(
            "no access entry is for {ROLE}, and authentication mode API uses only access entries, which ignores the entry of aws-auth; there are some for arn:aws:iam::111122223333:user/alice"
        ),
        &format!("awsauth map role {ROLE}"),
    );
    let mut unmapped = with_nodes(mapped(None), node, Vec::new());
    unmapped.aws_auth = Collected::default();
    fails(
        &unmapped,
        "M1",
        "; there are none for other identities",
        "awsauth map role",
    );
    // The role of nodes needs an entry of their type.
    let of_nodes = with_nodes(mapped(None), ROLE, Vec::new());
    fails(&of_nodes, "M1", "no access entry is for", "EC2_LINUX");
}

#[test]
fn session_name_behind_the_name_of_a_role_is_the_cause() {
    let text = format!("- rolearn: {ROLE}/alice\n  username: dev\n  groups: [devs]\n");
    let mut evidence = mapped(None);
    if let Collected::Seen(Ok(aws_auth)) = &mut evidence.aws_auth {
        aws_auth.snapshot.data = [("mapRoles".to_owned(), text.into())].into();
    }
    fails(
        &evidence,
        "M6",
        "the entry has the session name \"alice\" behind the role's name",
        &format!("awsauth map role {ROLE} --username dev --group devs"),
    );
}

const ENDPOINT: &str = "0A1B2C3D4E5F60718293A4B5C6D7E8F9.gr7.eu-west-1.eks.amazonaws.com";

#[test]
fn url_that_no_eks_endpoint_has_is_corrected() {
    let with = |server: String| with_entry(evidence(), |entry| entry.server = server);
    let next = format!("kubectl config set-cluster c --server=https://{ENDPOINT}");
    for (server, cause) in [
        (format!("http://{ENDPOINT}:443"), "is written with http://"),
        (format!("https://{ENDPOINT}:6443"), "has port 6443"),
        (
            format!("https://{ENDPOINT}/k8s/clusters/c-1"),
            "has the path /k8s/clusters/c-1",
        ),
    ] {
        let mut evidence = with(server);
        evidence.signed_in = Collected::Seen(SignedIn::Forbidden("cannot post path".into()));
        fails(&evidence, "K7", cause, &next);
        assert!(!diagnose(&evidence).headline.others.contains(&"M2"));
    }
    // Another host may be a tunnel or a proxy such as Rancher.
    for server in [
        "https://rancher.example.com/k8s/clusters/c-1".to_owned(),
        "https://localhost:6443".to_owned(),
        format!("https://{ENDPOINT}/"),
    ] {
        let report = diagnose(&with(server.clone()));
        let judged = report.checks.iter().find(|(check, _)| check.id == "K7");
        assert!(judged.unwrap().1.is_err(), "{server}");
    }
}

#[test]
fn cluster_entry_that_cannot_work_is_corrected() {
    let both = with_entry(evidence(), |entry| entry.is_insecure_with_authority = true);
    let next = "kubectl config set-cluster c --insecure-skip-tls-verify=false";
    fails(&both, "K1", "kubectl refuses", next);
    let mut name = with_entry(evidence(), |entry| {
        entry.tls_server_name = Some("other.example.com".into());
    });
    let livez = |is_for_another_host, is_silent| {
        Collected::Seen(Err(LivenessFailure {
            problem: Problem {
                cause: "the certificate is for another host".into(),
                next: "set tls-server-name".into(),
            },
            is_untrusted: false,
            is_for_another_host,
            is_silent,
            is_reset: false,
            certificate_names: Vec::new(),
        }))
    };
    name.livez = livez(true, false);
    let next = "kubectl config set-cluster c --tls-server-name=''";
    fails(
        &name,
        "E3",
        "tls-server-name other.example.com is not in",
        next,
    );
    name.livez = livez(false, true);
    fails(
        &name,
        "E3",
        "does not respond within 2 s",
        "curl -vk -m 5 https://10.0.0.1/livez",
    );
}

#[test]
fn endpoint_that_eks_reports_is_not_doubted() {
    let current = |evidence: Evidence| Evidence {
        described: Collected::Seen(Ok(described())),
        ..evidence
    };
    let refused = current(connection("10.0.0.1", ConnectionFailure::Refused));
    fails(
        &refused,
        "E2",
        "are refused",
        "EKS has just reported this endpoint",
    );
    let unknown = current(Evidence {
        addresses: Collected::Seen(Err(Problem {
            cause: "the name cannot be resolved".into(),
            next: "check that the cluster still exists".into(),
        })),
        ..evidence()
    });
    fails(
        &unknown,
        "E1",
        "cannot be resolved",
        "EKS has just reported this endpoint",
    );
}

#[test]
fn mistyped_exec_plugin_is_corrected() {
    let with = |exec: Exec| {
        let exec = Exec {
            api_version: Some("client.authentication.k8s.io/v1".into()),
            has_interactive_mode: true,
            ..exec
        };
        with_entry(evidence(), |entry| entry.user = User::Exec(exec))
    };
    let line = with(Exec {
        command: "aws eks get-token".into(),
        args: vec!["--cluster-name".into(), "prod".into()],
        ..Exec::default()
    });
    fails(
        &line,
        "K3",
        "is a whole command line",
        "kubectl config set-credentials me --exec-command=aws --exec-arg=eks --exec-arg=get-token --exec-arg=--cluster-name --exec-arg=prod",
    );
    let home = with(Exec {
        command: "/home/me/.kube/~/bin/get-token.sh".into(),
        ..Exec::default()
    });
    fails(
        &home,
        "K3",
        "command of the exec plugin is ~/bin/get-token.sh, and ~ is not replaced",
        "kubectl config set-credentials me --exec-command=\"$HOME\"/bin/get-token.sh",
    );
    let mut typo = with(Exec {
        command: "aws".into(),
        path: Some("/bin/aws".into()),
        args: ["--region", "eks1", "eks", "get-tokens"]
            .map(str::to_owned)
            .into(),
        ..Exec::default()
    });
    typo.plugin = Collected::Seen(Plugin {
        command: "aws".into(),
        took: SignedDuration::ZERO,
        failed: Some("exit status: 2".into()),
        stderr: "aws: error: argument operation: Invalid choice, valid choices are:".into(),
        api_version: None,
        token_bytes: 0,
        expiration: None,
        unreadable: None,
    });
    fails(
        &typo,
        "K4",
        "get-tokens in its args is no command of aws",
        "--exec-arg=eks1 --exec-arg=eks --exec-arg=get-token",
    );
    let mut exchanged = with(Exec {
        command: "aws".into(),
        path: Some("/bin/aws".into()),
        args: ["token", "-i", "prod"].map(str::to_owned).into(),
        ..Exec::default()
    });
    exchanged.plugin = typo.plugin.clone();
    fails(
        &exchanged,
        "K4",
        "the exec plugin runs aws with the arguments of aws-iam-authenticator: token -i prod",
        "--exec-command=aws --exec-arg=eks --exec-arg=get-token --exec-arg=--cluster-name --exec-arg=prod",
    );
    let mut exchanged = with(Exec {
        command: "aws-iam-authenticator".into(),
        path: Some("/bin/aws-iam-authenticator".into()),
        args: ["eks", "get-token", "--cluster-name", "prod"]
            .map(str::to_owned)
            .into(),
        ..Exec::default()
    });
    exchanged.plugin = typo.plugin.clone();
    fails(
        &exchanged,
        "K4",
        "the exec plugin runs aws-iam-authenticator with the arguments of the AWS CLI",
        "--exec-command=aws --exec-arg=eks --exec-arg=get-token",
    );
    let mut terminal = with(Exec {
        command: "aws".into(),
        path: Some("/bin/aws".into()),
        needs_terminal: true,
        ..Exec::default()
    });
    fails(&terminal, "K2", "interactiveMode: Always", "IfAvailable");
    if let Collected::Seen(Ok(entry)) = &mut terminal.kubeconfig
        && let User::Exec(exec) = &mut entry.user
    {
        exec.has_terminal = true;
    }
    assert_eq!(outcome(&diagnose(&terminal), "K2").problem, None);
}

#[test]
fn rights_that_may_not_be_granted_are_named() {
    let mut evidence = signed_in();
    evidence.request.bound_role = Some("clusterroles/deployer".into());
    evidence.command = failed(
        "error: failed to create rolebinding: rolebindings.rbac.authorization.k8s.io \"x\" is forbidden: user \"dev\" is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"apps\"], Resources:[\"deployments\"], Verbs:[\"*\"]}",
    );
    fails(
        &evidence,
        "B3",
        "user dev may create the binding, but not grant the rights of clusterroles/deployer that it does not have itself: {APIGroups:[\"apps\"]",
        "kubectl create clusterrole may-bind --verb=bind --resource=clusterroles --resource-name=deployer && kubectl create clusterrolebinding may-bind --clusterrole=may-bind --user=dev",
    );
}

/// Evidence of a cluster in mode API whose node group has the identity's role, or another one.
fn with_nodes(evidence: Evidence, role: &str, entries: Vec<AccessEntry>) -> Evidence {
    let mode = AuthenticationMode::Api;
    Evidence {
        described: Collected::Seen(Ok(ClusterDescription {
            mode: Some(mode),
            ..described()
        })),
        access_entries: Collected::Seen(Ok(AccessEntries::new(mode, Some(entries)))),
        eks_nodes: Collected::Seen(EksNodes {
            groups: Ok(vec![NodeGroup {
                name: "workers".into(),
                role: Some(role.into()),
                ..NodeGroup::default()
            }]),
            profiles: Ok(Vec::new()),
        }),
        ..evidence
    }
}

fn access_entry(kind: &str) -> AccessEntry {
    AccessEntry {
        principal_arn: ROLE.into(),
        terms: Some(AccessTerms {
            kind: kind.into(),
            policies: Some(Vec::new()),
            ..AccessTerms::default()
        }),
    }
}

const ROLE: &str = "arn:aws:iam::111122223333:role/mytestrole";

#[test]
fn access_entry_of_the_wrong_type_is_the_cause() {
    let other = "arn:aws:iam::111122223333:role/other";
    let of_nodes = with_nodes(mapped(None), other, vec![access_entry("EC2_LINUX")]);
    fails(
        &of_nodes,
        "M3",
        "has the type EC2_LINUX, which admits only EC2 instances, and session s does not belong to one",
        "create it again with type STANDARD",
    );
    // The denied request of a node must not lead to a policy for all nodes.
    let denied = denied("  username: dev\n", &[]);
    let of_user = with_nodes(denied.clone(), ROLE, vec![access_entry("STANDARD")]);
    fails(
        &of_user,
        "M3",
        "is not for nodes (type STANDARD)",
        "with type EC2_LINUX",
    );
    let mut for_role = of_user.clone();
    for_role.request.arn = Some(ROLE.into());
    for_role.signed_in = Collected::default();
    fails(
        &for_role,
        "M3",
        "is not for nodes (type STANDARD)",
        "with type EC2_LINUX",
    );
}

#[test]
fn earlier_role_of_a_permission_set_is_named() {
    let role = |suffix: &str| format!("arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_{suffix}");
    let earlier = AccessEntry {
        principal_arn: role("0123456789abcdef"),
        terms: None,
    };
    let mut evidence = with_nodes(
        mapped(None),
        "arn:aws:iam::111122223333:role/n",
        vec![earlier],
    );
    if let Collected::Seen(Ok(verified)) = &mut evidence.verified {
        verified.arn = role("fedcba9876543210");
    }
    fails(
        &evidence,
        "M1",
        "for an earlier role of the same permission set",
        "AWSReservedSSO_Dev_fedcba9876543210",
    );
}

#[test]
fn entry_of_nodes_is_not_that_of_a_user() {
    let nodes = |evidence: Evidence| {
        let mut evidence = with_nodes(evidence, ROLE, Vec::new());
        if let Collected::Seen(Ok(described)) = &mut evidence.described {
            described.mode = Some(AuthenticationMode::ConfigMap);
        }
        evidence.access_entries = Collected::default();
        evidence
    };
    let unmapped = "- rolearn: arn:aws:iam::111122223333:role/other\n  username: dev\n";
    let unmapped = nodes(with_data(mapped(None), &[("mapRoles", unmapped)]));
    let map = "awsauth map node-role arn:aws:iam::111122223333:role/mytestrole --kind linux";
    fails(&unmapped, "M5", "does not map", map);
    assert!(diagnose(&unmapped).headline.entry.unwrap().starts_with(map));
    let literal = "  username: system:node:{EC2PrivateDNSName}\n  groups: [system:nodes]\n";
    let mut literal = nodes(denied(literal, &["system:nodes"]));
    literal.request.arn = Some(ROLE.into());
    literal.request.is_example = true;
    literal.signed_in = Collected::default();
    fails(
        &literal,
        "M7",
        "this is not a template",
        "exactly two braces",
    );
    // Without aws-auth, the user shows it.
    let seen = |username: &str, groups: &[&str]| {
        let mut evidence = denied("  username: dev\n", groups);
        evidence.aws_auth = Collected::default();
        evidence.signed_in = Collected::Seen(SignedIn::In {
            username: username.into(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
        });
        evidence
    };
    let next = "awsauth map node-role arn:aws:iam::111122223333:role/mytestrole";
    let braces = seen("system:node:{EC2PrivateDNSName}", &["system:nodes"]);
    fails(&braces, "B1", "is not the username of a node", next);
    let group = seen("system:node:ip-10-0-0-1.ec2.internal", &["system:node"]);
    let why = "is not in the group system:nodes, so it has none of the permissions of a node (it is in group system:node)";
    fails(&group, "B1", why, next);
    let no_group = seen("system:node:ip-10-0-0-1.ec2.internal", &[]);
    fails(&no_group, "B1", "(it is in no groups)", next);
}

#[test]
fn missing_dash_that_replaces_the_principal_is_the_cause() {
    let text = "- rolearn: arn:aws:iam::111122223333:role/mytestrole\n  username: a\n  rolearn: arn:aws:iam::111122223333:role/other\n";
    let evidence = with_data(mapped(None), &[("mapRoles", text)]);
    fails(
        &evidence,
        "M6",
        "mapRoles line 1 maps arn:aws:iam::111122223333:role/mytestrole, but has a second rolearn in line 3",
        "begin a new entry in line 3 with a dash",
    );
    assert_eq!(diagnose(&evidence).headline.entry, None);
}

#[test]
fn mapping_of_the_intended_role_is_checked_without_working_credentials() {
    let other = "- rolearn: arn:aws:iam::111122223333:role/other\n  username: dev\n";
    let mut evidence = with_data(mapped(None), &[("mapRoles", other)]);
    evidence.token = Collected::default();
    evidence.verified = Collected::default();
    evidence.signed_in = Collected::default();
    evidence.caller = Collected::default();
    evidence.credentials = Collected::Seen(Err(SearchFailed {
        place: FailedAt::AssumeRole,
        source: None,
        problem: Problem {
            cause: "denied".into(),
            next: "allow it".into(),
        },
        tried: Vec::new(),
        policies: None,
        obstacle: None,
        role: Some(ROLE.into()),
        caller: None,
        intended: None,
        has_external_id: false,
        clock_ahead: None,
    }));
    fails(&evidence, "C14", "denied", "allow it");
    let headline = diagnose(&evidence).headline;
    assert!(headline.others.contains(&"M5"), "{:?}", headline.others);
    assert_eq!(headline.arn, None);
}

/// Evidence that credentials cannot assume a role.
fn not_assumed(caller: &str, problem: &str) -> SearchFailed {
    SearchFailed {
        place: FailedAt::AssumeRole,
        source: None,
        problem: Problem {
            cause: problem.into(),
            next: "allow it".into(),
        },
        tried: Vec::new(),
        policies: None,
        obstacle: None,
        role: Some(ROLE.into()),
        caller: Some(caller.into()),
        intended: None,
        has_external_id: false,
        clock_ahead: None,
    }
}

#[test]
fn role_that_has_to_assume_itself_is_assumed_once() {
    let own = "arn:aws:sts::111122223333:assumed-role/mytestrole/alice";
    let with = |caller: &str, args: &[&str]| {
        let mut evidence = with_entry(evidence(), |entry| {
            entry.user = User::Exec(Exec {
                api_version: Some("client.authentication.k8s.io/v1beta1".into()),
                command: "aws-iam-authenticator".into(),
                path: Some("/usr/bin/aws-iam-authenticator".into()),
                args: args.iter().map(|&arg| arg.to_owned()).collect(),
                ..Exec::default()
            });
        });
        evidence.credentials = Collected::Seen(Err(not_assumed(caller, "cannot assume")));
        evidence.caller = Collected::default();
        evidence
    };
    let program = "kubectl config set-credentials me --exec-command=aws-iam-authenticator";
    for args in [
        &["token", "-i", "prod", "-r", ROLE][..],
        &["token", "--role", ROLE, "-i", "prod"],
        &["token", &format!("--role-arn={ROLE}"), "-i", "prod"],
    ] {
        fails(
            &with(own, args),
            "C14",
            &format!("{ROLE} is assumed twice"),
            &format!("{program} --exec-arg=token --exec-arg=-i --exec-arg=prod"),
        );
    }
    fails(
        &with(own, &["token", "-i", "prod"]),
        "C14",
        "is assumed twice",
        "remove role_arn from the profile",
    );
    // Another role or user needs a permission.
    for caller in [
        "arn:aws:sts::111122223333:assumed-role/jump/alice",
        "arn:aws:iam::111122223333:user/mytestrole",
    ] {
        let evidence = with(caller, &["token", "-i", "prod", "-r", ROLE]);
        fails(&evidence, "C14", "cannot assume", "allow it");
    }
}

#[test]
fn mapping_is_checked_for_the_role_that_the_credentials_should_become() {
    let other = "- rolearn: arn:aws:iam::111122233333:role/mytestrole\n  username: dev\n";
    let mut evidence = with_data(mapped(None), &[("mapRoles", other)]);
    evidence.token = Collected::default();
    evidence.verified = Collected::default();
    evidence.signed_in = Collected::default();
    evidence.caller = Collected::default();
    evidence.credentials = Collected::Seen(Err(SearchFailed {
        place: FailedAt::Imds,
        role: None,
        caller: None,
        intended: Some(ROLE.into()),
        ..not_assumed("", "no instance metadata")
    }));
    fails(&evidence, "C5", "no instance metadata", "allow it");
    let headline = diagnose(&evidence).headline;
    assert!(headline.others.contains(&"M6"), "{:?}", headline.others);
}

#[test]
fn proxy_is_named_with_what_is_wrong_with_it() {
    let probe = |setting: &str, url: &str, fault| {
        Collected::Seen(ProxyProbe {
            url: url.into(),
            setting: setting.into(),
            host: "sts.eu-west-1.amazonaws.com".into(),
            fault,
        })
    };
    let with = |proxy: Collected<ProxyProbe>| Evidence {
        caller: Collected::Seen(Err(StsProblem {
            code: None,
            problem: Problem {
                cause: "AWS cannot be reached: tunnel error".into(),
                next: "check".into(),
            },
            key_owner: None,
            clock_ahead: None,
        })),
        aws_proxy: proxy,
        ..evidence()
    };
    let url = "http://proxy.corp.example:3128";
    for (url, fault, cause, next) in [
        (
            url,
            ProxyFault::Refuses("403 Forbidden".into()),
            "the proxy http://proxy.corp.example:3128 (HTTPS_PROXY) refuses to connect to sts.eu-west-1.amazonaws.com: 403 Forbidden",
            "export NO_PROXY=sts.eu-west-1.amazonaws.com",
        ),
        (
            url,
            ProxyFault::NeedsPassword("407 Proxy Authentication Required".into()),
            "without a user and a password: 407",
            "export HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
        ),
        (
            url,
            ProxyFault::Unresolved("Name or service not known".into()),
            "the name of the proxy http://proxy.corp.example:3128 (HTTPS_PROXY) cannot be resolved",
            "the VPN that has this proxy",
        ),
        (
            url,
            ProxyFault::Unreached("connection refused".into()),
            "(HTTPS_PROXY) cannot be reached: connection refused",
            "start the proxy",
        ),
        (
            "https://127.0.0.1:3128",
            ProxyFault::PlainHttp,
            "speaks plain HTTP, but its URL begins with https://",
            "export HTTPS_PROXY=http://127.0.0.1:3128",
        ),
        (
            url,
            ProxyFault::Silent,
            "does not answer the request for sts.eu-west-1.amazonaws.com",
            "export HTTPS_PROXY=",
        ),
    ] {
        let evidence = with(probe("HTTPS_PROXY", url, Some(fault)));
        fails(&evidence, "C10", cause, next);
        let late = Evidence {
            caller: Collected::TimedOut(SignedDuration::from_secs(2)),
            ..evidence
        };
        fails(&late, "C10", cause, next);
    }
    // A proxy that connects is not the cause.
    let works = with(probe("HTTPS_PROXY", url, None));
    fails(&works, "C10", "tunnel error", "check");
    // The proxy of the kubeconfig is corrected there.
    let mut of_cluster = with_entry(evidence(), |entry| entry.proxy_url = Some(url.into()));
    of_cluster.proxy = probe("proxy-url", url, Some(ProxyFault::Silent));
    of_cluster.addresses = Collected::Seen(Ok(vec!["10.0.0.9".into()]));
    of_cluster.livez = Collected::TimedOut(SignedDuration::from_secs(2));
    fails(
        &of_cluster,
        "E3",
        "(proxy-url)",
        "kubectl config set-cluster c --proxy-url=",
    );
    of_cluster.livez = Collected::Seen(Ok("200".into()));
    assert_eq!(outcome(&diagnose(&of_cluster), "E3").problem, None);
}

fn not_alive(change: impl FnOnce(&mut LivenessFailure)) -> Evidence {
    let mut failure = LivenessFailure {
        problem: Problem {
            cause: "UnknownIssuer".into(),
            next: "the cluster may have been created again".into(),
        },
        is_untrusted: true,
        is_for_another_host: false,
        is_silent: false,
        is_reset: false,
        certificate_names: Vec::new(),
    };
    change(&mut failure);
    let mut evidence = with_entry(evidence(), |entry| {
        entry.server = "https://ABC.gr7.eu-west-1.eks.amazonaws.com".into();
    });
    evidence.livez = Collected::Seen(Err(failure));
    evidence
}

#[test]
fn certificate_of_another_host_is_not_that_of_the_cluster() {
    let with = |names: &[&str]| {
        not_alive(|failure| {
            failure.certificate_names = names.iter().map(|&name| name.to_owned()).collect();
        })
    };
    fails(
        &with(&["login.wifi.example"]),
        "E3",
        "another server answers for abc.gr7.eu-west-1.eks.amazonaws.com: its certificate is for login.wifi.example",
        "sign-in page",
    );
    // A certificate for this host may be that of a cluster that was created again, or of a proxy that intercepts TLS.
    for names in [
        &["abc.gr7.eu-west-1.eks.amazonaws.com", "kubernetes"][..],
        &["*.gr7.eu-west-1.eks.amazonaws.com"],
        &[],
    ] {
        fails(&with(names), "E3", "UnknownIssuer", "created again");
    }
    let mut tunnel = with(&["kubernetes"]);
    if let Collected::Seen(Ok(entry)) = &mut tunnel.kubeconfig {
        entry.server = "https://localhost:8443".into();
    }
    fails(&tunnel, "E3", "UnknownIssuer", "created again");
}

#[test]
fn connection_that_ends_at_the_beginning_of_tls_is_blamed_on_the_way() {
    let reset = not_alive(|failure| {
        failure.is_untrusted = false;
        failure.is_reset = true;
    });
    let cause = "opens, but is closed at the beginning of TLS";
    fails(&reset, "E3", cause, "a firewall or a proxy on the way");
}

#[test]
fn exec_plugin_that_the_system_cannot_run_is_corrected() {
    let with = |exec: Exec| {
        let exec = Exec {
            api_version: Some("client.authentication.k8s.io/v1".into()),
            has_interactive_mode: true,
            ..exec
        };
        with_entry(evidence(), |entry| entry.user = User::Exec(exec))
    };
    for command in [
        r"C:\Program Files\Amazon\AWSCLIV2\aws.exe",
        r"/home/me/.kube/C:\Program Files\Amazon\AWSCLIV2\aws.exe",
        "aws.exe",
        "/mnt/c/Amazon/aws.cmd",
    ] {
        let windows = with(Exec {
            command: command.into(),
            args: vec!["eks".into()],
            ..Exec::default()
        });
        fails(
            &windows,
            "K3",
            "is the path of a Windows program",
            "kubectl config set-credentials me --exec-command=aws --exec-arg=eks",
        );
    }
    let elsewhere = with(Exec {
        command: "/opt/homebrew/bin/aws".into(),
        elsewhere: Some("/usr/bin/aws".into()),
        ..Exec::default()
    });
    fails(
        &elsewhere,
        "K3",
        "the exec plugin \"/opt/homebrew/bin/aws\" is not there, but /usr/bin/aws is",
        "--exec-command=/usr/bin/aws",
    );
    let lines = with(Exec {
        command: "/bin/get-token.sh".into(),
        path: Some("/bin/get-token.sh".into()),
        fault: Some("/bin/get-token.sh has Windows line endings, so the system looks for the interpreter /bin/sh\\r".into()),
        ..Exec::default()
    });
    fails(
        &lines,
        "K3",
        "has Windows line endings",
        "sed -i 's/\\r$//' /bin/get-token.sh",
    );
}

#[test]
fn namespace_of_the_command_is_in_the_next_step() {
    let with = |stderr: &str, question: &str| {
        let mut evidence = signed_in();
        evidence.command = failed(stderr);
        evidence.request.questions = vec![question.into()];
        evidence
    };
    fails(
        &with(
            "configmaps \"q\" is forbidden: exceeded quota: cm-quota",
            "create configmaps -n quota",
        ),
        "B3",
        "a ResourceQuota",
        "kubectl describe resourcequota -n quota",
    );
    fails(
        &with(
            "configmaps \"x\" is forbidden: unable to create new content in namespace old-web because it is being terminated",
            "create configmaps -n old-web",
        ),
        "B3",
        "the namespace is being deleted",
        "kubectl get namespace old-web",
    );
    // Its requests may be unknown.
    let mut unknown = with(
        "configmaps \"q\" is forbidden: exceeded quota: q",
        "list pods",
    );
    unknown.request.questions.clear();
    unknown.request.namespace = Some("quota".into());
    fails(
        &unknown,
        "B3",
        "a ResourceQuota",
        "kubectl describe resourcequota -n quota",
    );
    for (stderr, cause) in [
        (
            "Error from server (InternalError): Internal error occurred: failed calling webhook \"a.b\": connection refused",
            "no answer from an admission webhook",
        ),
        (
            "Error from server: error dialing backend: dial tcp 10.0.0.1:10250: i/o timeout",
            "cannot connect to the node",
        ),
        (
            "Error from server (AlreadyExists): configmaps \"x\" already exists",
            "exists already",
        ),
        (
            "The Deployment \"x\" is invalid: spec.replicas: Invalid value: -1",
            "does not accept the object",
        ),
    ] {
        fails(&with(stderr, "create pods -n web"), "B3", cause, "");
    }
}

#[test]
fn template_that_is_not_replaced_becomes_the_one_that_was_meant() {
    for (written, meant) in [
        ("{{AccountId}}", "{{AccountID}}"),
        ("{{ SessionName }}", "{{SessionName}}"),
        ("{{EC2PrivateDnsName}}", "{{EC2PrivateDNSName}}"),
        ("{{SessionNameraw}}", "{{SessionNameRaw}}"),
        ("{{Sessionname}}", "{{SessionName}}"),
        ("{{user}}", "{{SessionName}}"),
    ] {
        fails(
            &denied(&format!("  username: \"dev:{written}\"\n"), &[]),
            "M7",
            &format!("does not replace {written}"),
            &format!("--username 'dev:{meant}'"),
        );
    }
    // Without the entry, the username shows it.
    let mut plain = signed_in();
    plain.signed_in = Collected::Seen(SignedIn::In {
        username: "dev:{{AccountId}}".into(),
        groups: Vec::new(),
    });
    plain.answers = Collected::Seen(vec![PermissionAnswer {
        question: "list pods".into(),
        allowed: false,
        reason: None,
    }]);
    fails(
        &plain,
        "B1",
        "{{AccountId}} in the username is a template that the authenticator does not replace",
        "correct the username of your entry",
    );
}

#[test]
fn item_without_an_arn_beside_the_entry_has_its_groups() {
    let map = format!("awsauth map role {ROLE} --username dev --group devs --group ops");
    for rest in [
        "  username: dev\n- groups: [devs, ops]\n",
        "- username: dev\n  groups: [devs, ops]\n",
    ] {
        let cause = "but no ARN, and was probably meant for the entry of line 1";
        fails(&denied(rest, &[]), "M7", cause, &map);
    }
    // Another item with its own username is of another identity.
    let other = "  username: dev\n- username: ops\n  groups: [ops]\n";
    let report = diagnose(&denied(other, &[]));
    assert_eq!(outcome(&report, "M7").problem, None);
}

#[test]
fn user_with_the_id_of_an_instance_is_not_the_node() {
    let node = |name: &str| {
        let mut evidence = denied("  username: dev\n", &[]);
        evidence.signed_in = Collected::Seen(SignedIn::In {
            username: format!("system:node:{name}"),
            groups: vec!["system:nodes".into()],
        });
        evidence
    };
    let named = node("i-0fedcba9876543210");
    fails(
        &named,
        "B1",
        "has the id of an EC2 instance",
        "awsauth map node-role",
    );
    let real = node("ip-10-0-0-1.ec2.internal");
    fails(&real, "B1", "the role of an instance", "EKS Pod Identity");
    // Nodes may have these names.
    let mut known = named;
    known.nodes = Collected::Seen(Ok(vec![Node {
        name: "i-0fedcba9876543210".into(),
        is_instance: true,
        internal_dns: Vec::new(),
    }]));
    fails(&known, "B1", "the role of an instance", "EKS Pod Identity");
}

/// An access entry of another principal, with groups and policies.
fn entry_of(principal: &str, groups: &[&str], policies: &[&str]) -> AccessEntry {
    let policies = policies.iter().map(|name| AccessPolicy {
        arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
        scope: AccessScope::Cluster,
    });
    AccessEntry {
        principal_arn: principal.into(),
        terms: Some(AccessTerms {
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            policies: Some(policies.collect()),
            ..AccessTerms::default()
        }),
    }
}

#[test]
fn similar_access_entry_is_the_cause() {
    let node = "arn:aws:iam::111122223333:role/n";
    let typo = "arn:aws:iam::111122233333:role/mytestrole";
    let with = |entries: Vec<AccessEntry>| with_nodes(mapped(None), node, entries);
    let cause =
        format!("a similar one, for {typo}, does not match: the account is \"111122233333\"");
    fails(
        &with(vec![entry_of(typo, &["devs"], &[])]),
        "M1",
        &cause,
        &format!("awsauth map role {ROLE} --cluster-name prod --group devs"),
    );
    fails(
        &with(vec![entry_of(typo, &[], &["AmazonEKSViewPolicy"])]),
        "M1",
        &cause,
        "cluster-access-policy/AmazonEKSViewPolicy --access-scope type=cluster",
    );
    // The next cause is found with the groups of that entry.
    let mut next = with(vec![entry_of(typo, &["devs"], &[])]);
    next.request.questions = vec!["list pods -n web".into()];
    next.policy = Collected::Seen(Policy {
        bindings: Vec::new(),
        roles: [].into(),
        unread: Vec::new(),
    });
    let report = diagnose(&next);
    let found = outcome(&report, "B2").problem.clone().unwrap();
    assert!(
        found.cause.starts_with("after the next step of M1"),
        "{}",
        found.cause
    );
    // In a cluster that reads aws-auth, too.
    let mut both = with(vec![entry_of(typo, &["devs"], &[])]);
    if let Collected::Seen(Ok(described)) = &mut both.described {
        described.mode = Some(AuthenticationMode::ApiAndConfigMap);
    }
    both.access_entries = Collected::Seen(Ok(AccessEntries::new(
        AuthenticationMode::ApiAndConfigMap,
        Some(vec![entry_of(typo, &["devs"], &[])]),
    )));
    let both = with_data(
        both,
        &[
            ("mapRoles", "[]"),
            (
                "mapUsers",
                "- userarn: arn:aws:iam::111122223333:user/zoe\n  username: zoe\n",
            ),
        ],
    );
    let report = diagnose(&both);
    let found = outcome(&report, "M6").problem.clone().unwrap();
    assert!(
        found.cause.contains("a similar access entry"),
        "{}",
        found.cause
    );
}

/// Evidence of a token that is signed for another cluster.
fn with_wrong_token(evidence: Evidence) -> Evidence {
    let mut evidence = with_entry(evidence, |entry| {
        entry.plugin_named = Some("old".into());
        entry.user = User::Exec(Exec {
            api_version: Some("client.authentication.k8s.io/v1beta1".into()),
            has_interactive_mode: true,
            command: "aws-iam-authenticator".into(),
            path: Some("/bin/aws-iam-authenticator".into()),
            args: ["token", "-i", "old"].map(str::to_owned).into(),
            ..Exec::default()
        });
    });
    evidence.signed_in = Collected::Seen(SignedIn::Unauthorized);
    evidence
}

#[test]
fn next_cause_behind_a_token_for_another_cluster_is_found() {
    let policy = |name: &str, question: &str| {
        let entry = entry_of(ROLE, &[], &[name]);
        let node = "arn:aws:iam::111122223333:role/n";
        let mut evidence = with_wrong_token(with_nodes(mapped(None), node, vec![entry]));
        evidence.request.questions = vec![question.into()];
        let report = diagnose(&evidence);
        assert_eq!(report.headline.problem.as_ref().unwrap().0, "K5");
        outcome(&report, "M3").problem.clone().map(|it| it.cause)
    };
    // An entry of a principal that exists is not blamed for the rejected token.
    assert_eq!(policy("AmazonEKSViewPolicy", "list pods -n web"), None);
    assert_eq!(policy("AmazonEKSEditPolicy", "list secrets -n web"), None);
    assert_eq!(policy("AmazonEKSClusterAdminPolicy", "list nodes -A"), None);
    assert_eq!(policy("AmazonEKSNewPolicy", "list secrets -n web"), None);
    for (name, question) in [
        ("AmazonEKSViewPolicy", "list secrets -n web"),
        ("AmazonEKSViewPolicy", "create pods -n web"),
        ("AmazonEKSAdminViewPolicy", "delete pods -n web"),
        ("AmazonEKSEditPolicy", "create roles -n web"),
    ] {
        let cause = policy(name, question).unwrap();
        assert!(
            cause.contains(&format!("which does not allow {question}")),
            "{cause}"
        );
    }
    // RBAC of the user that the identity will be.
    let mut of_rbac = with_wrong_token(mapped(None));
    of_rbac.request.questions = vec!["list pods -n web".into()];
    of_rbac.policy = Collected::Seen(Policy {
        bindings: Vec::new(),
        roles: [].into(),
        unread: Vec::new(),
    });
    let report = diagnose(&of_rbac);
    assert_eq!(report.headline.problem.as_ref().unwrap().0, "K5");
    let cause = outcome(&report, "B2").problem.clone().unwrap().cause;
    assert!(
        cause.starts_with("with a token that the cluster accepts, user"),
        "{cause}"
    );
}

#[test]
fn wrong_namespace_and_wrong_rule_of_a_role_are_both_named() {
    let role = |namespace: &str| Role {
        namespace: Some(namespace.into()),
        name: "pod-reader".into(),
    };
    let bound = |namespace: &str| Binding {
        namespace: Some(namespace.into()),
        name: "devs-read".into(),
        role: RoleRef {
            kind: RoleKind::Role,
            name: "pod-reader".into(),
        },
        subjects: vec![Subject::Group("devs".into())],
    };
    let rules = |group: &str| {
        Rules::Known(vec![Rule {
            verbs: vec!["list".into()],
            api_groups: vec![group.into()],
            resources: vec!["pods".into()],
            ..Rule::default()
        }])
    };
    let with = |places: &[(&str, &str)]| {
        let mut evidence = denied("  username: dev\n  groups: [devs]\n", &["devs"]);
        if let Collected::Seen(answers) = &mut evidence.answers {
            answers[0].question = "list pods -n web".into();
        }
        evidence.policy = Collected::Seen(Policy {
            bindings: places.iter().map(|(place, _)| bound(place)).collect(),
            roles: places
                .iter()
                .map(|(place, group)| (role(place), rules(group)))
                .collect(),
            unread: Vec::new(),
        });
        evidence
    };
    fails(
        &with(&[("staging", "v1")]),
        "B2",
        "RoleBinding devs-read in namespace staging applies only to namespace staging, and the request is for namespace web; and Role pod-reader in namespace staging does not allow it there either: its rule for pods has apiGroups [\"v1\"]",
        "create role devs-list-pods -n web",
    );
    // A wrong rule in the requested namespace comes before a right one elsewhere.
    fails(
        &with(&[("quota", ""), ("web", "v1")]),
        "B2",
        "Role pod-reader in namespace web does not allow user dev",
        "patch role pod-reader -n web",
    );
    fails(
        &with(&[("quota", "")]),
        "B2",
        "only in namespace quota",
        "add -n quota",
    );
    // So does a subject that nearly matches.
    let mut subject = with(&[("quota", ""), ("web", "")]);
    if let Collected::Seen(policy) = &mut subject.policy {
        policy.bindings[1].subjects = vec![Subject::User("devs".into())];
    }
    fails(
        &subject,
        "B2",
        "devs is a group, not a user",
        "set subject rolebinding devs-read -n web --group=devs",
    );
}

#[test]
fn causes_of_two_denied_requests_are_both_named() {
    let role = |name: &str| Role {
        namespace: Some("web".into()),
        name: name.into(),
    };
    let bound = |name: &str| Binding {
        namespace: Some("web".into()),
        name: name.into(),
        role: RoleRef {
            kind: RoleKind::Role,
            name: name.into(),
        },
        subjects: vec![Subject::Group("devs".into())],
    };
    let rules = |group: &str, resource: &str, verb: &str| {
        Rules::Known(vec![Rule {
            verbs: vec![verb.into()],
            api_groups: vec![group.into()],
            resources: vec![resource.into()],
            ..Rule::default()
        }])
    };
    let mut evidence = denied("  username: dev\n  groups: [devs]\n", &["devs"]);
    let answer = |question: &str| PermissionAnswer {
        question: question.into(),
        allowed: false,
        reason: None,
    };
    evidence.answers = Collected::Seen(vec![
        answer("list pods -n web"),
        answer("list deployments.apps -n web"),
    ]);
    evidence.policy = Collected::Seen(Policy {
        bindings: vec![bound("pods"), bound("deployments")],
        roles: [
            (role("pods"), rules("v1", "pods", "list")),
            (role("deployments"), rules("apps", "deployments", "get")),
        ]
        .into(),
        unread: Vec::new(),
    });
    let second = "and Role deployments in namespace web does not allow user dev to list deployments.apps -n web";
    fails(&evidence, "B2", "has apiGroups [\"v1\"]", "patch role pods");
    fails(&evidence, "B2", second, "patch role deployments");
}

#[test]
fn expired_credentials_of_the_plugin_are_renewed_at_their_source() {
    let mut evidence = mapped(None);
    evidence.verified = Collected::Seen(Err(StsProblem {
        code: Some("ExpiredToken".into()),
        problem: Problem {
            cause: "ExpiredToken: the token is expired".into(),
            next: "unset AWS_ACCESS_KEY_ID".into(),
        },
        key_owner: None,
        clock_ahead: None,
    }));
    fails(&evidence, "T5", "ExpiredToken", "unset AWS_ACCESS_KEY_ID");
    evidence.caller = Collected::default();
    if let Collected::Seen(token) = &mut evidence.token {
        token.signer = Signer::Plugin;
    }
    evidence.credentials = Collected::Seen(Err(SearchFailed {
        place: FailedAt::Expired,
        source: Some("credential_process".into()),
        ..not_assumed("", "the credentials expired at 2026-11-20T00:00:00Z")
    }));
    fails(
        &evidence,
        "T5",
        "the credentials expired at 2026-11-20T00:00:00Z (credential_process)",
        "get new credentials where these are from: credential_process",
    );
}
