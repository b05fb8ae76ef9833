//! Role sessions from an STS that verifies signatures, trust policies and tokens.

use std::time::Duration;

use awsauth_aws::credentials::{
    CredentialOptions, ResolvedCredentials, Source, SourceChoice, caller,
};
use awsauth_aws::region::RegionSource;
use serde_json::json;

use crate::credentials::harness::{
    Harness, arn, aws_environment, error_text, get, roles, trusting,
};
use crate::support::simulated_aws::{ACCOUNT, trusts, trusts_service};

#[test]
fn role_chain_is_assumed_in_order() {
    let harness = Harness::new();
    let here = harness.user_with_role("first");
    let mut trust = trusts(&arn("role/first"));
    trust["Condition"] = json!({"StringEquals": {
        "sts:ExternalId": "audit-7",
        "sts:RoleSessionName": "awsauth-ann@build-7",
    }});
    harness.aws.role(&arn("role/last"), &[trust]);
    let credential_options = CredentialOptions {
        external_id: Some("audit-7".into()),
        duration: Some(Duration::from_secs(900)),
        ..roles(&["first", "last"])
    };
    let resolved =
        get(&here, &credential_options).unwrap_or_else(|error| panic!("{}", error_text(&error)));
    assert_eq!(resolved.source, Source::Environment);
    assert_eq!(resolved.roles, [arn("role/first"), arn("role/last")]);
    let credentials = resolved.credentials;
    assert!(credentials.access_key_id.starts_with("ASIA"));
    assert_eq!(credentials.account_id.as_deref(), Some(ACCOUNT));
    let left = credentials
        .expiration
        .unwrap()
        .duration_since(jiff::Timestamp::now());
    assert!(left.as_secs() <= 900, "{left}");
    let asked = harness.asked();
    let keys: Vec<_> = asked
        .iter()
        .map(|asked| asked.access_key_id.as_str())
        .collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(
        keys[0].starts_with("AKIA") && keys[1].starts_with("ASIA"),
        "{keys:?}"
    );
    assert!(
        asked
            .iter()
            .all(|asked| asked.host == "sts.us-east-1.amazonaws.com")
    );
    assert!(
        asked[0].user_agent.contains("app/awsauth"),
        "{}",
        asked[0].user_agent
    );
}

/// Opening a connection takes three round trips, and two more through a proxy.
#[test]
fn role_chain_uses_one_connection() {
    let harness = Harness::new();
    let web = harness.web_identity("first", "repo:octo/app:environment:prod");
    let user = harness.user_with_role("start");
    let by = |name| trusting(&arn(&format!("role/{name}")));
    harness.aws.role(&arn("role/other"), &[by("start")]);
    harness
        .aws
        .role(&arn("role/second"), &[by("first"), by("other")]);
    for (here, names, requests) in [
        (web, &["second"][..], 2),
        (user, &["start", "other", "second"], 3),
    ] {
        let credential_options = roles(names);
        get(&here, &credential_options).unwrap_or_else(|error| panic!("{}", error_text(&error)));
        let asked = harness.asked();
        assert_eq!(asked.len(), requests, "{asked:?}");
        for one in &asked {
            assert_eq!(one.connection, asked[0].connection, "{asked:?}");
        }
    }
}

#[test]
fn session_name_is_as_requested() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    let mut trust = trusts(&arn("user/alice"));
    trust["Condition"] = json!({"StringEquals": {"sts:RoleSessionName": "release=7"}});
    harness.aws.role(&arn("role/deploy"), &[trust]);
    let credential_options = CredentialOptions {
        session_name: Some("release=7".into()),
        ..roles(&["deploy"])
    };
    assert!(get(&here, &credential_options).is_ok());
    let credential_options = CredentialOptions {
        session_name: Some("release 7".into()),
        ..roles(&["deploy"])
    };
    let error = get(&here, &credential_options).unwrap_err();
    assert!(error.is_input());
    assert_eq!(
        error_text(&error),
        "environment variables: \"release 7\" is not a valid session name: STS accepts 2 to 64 letters, digits and _+=,.@-\n\
         hint: name it with --role-session-name, such as deploy@ci"
    );
}

/// As `aws-iam-authenticator token --forward-session-name` does.
#[test]
fn session_name_is_forwarded_from_a_session() {
    let harness = Harness::new();
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/sso/ann@example.com");
    harness.aws.role(&arn("role/sso"), &[]);
    let keys = harness.aws.sessions(&[&session]).remove(0);
    let here = harness.here().with_credentials(&keys);
    let mut trust = trusts(&arn("role/sso"));
    trust["Condition"] = json!({"StringEquals": {"sts:RoleSessionName": "ann@example.com"}});
    harness.aws.role(&arn("role/deploy"), &[trust]);
    let forwarded = CredentialOptions {
        forward_session_name: true,
        ..roles(&["deploy"])
    };
    get(&here, &forwarded).unwrap_or_else(|error| panic!("{}", error_text(&error)));
    assert_eq!(harness.actions(), ["GetCallerIdentity", "AssumeRole"]);
    assert!(get(&here, &roles(&["deploy"])).is_err());
    harness.asked();

    // A user has no session: the default name is used.
    let here = harness.user_with_role("of-user");
    let options = CredentialOptions {
        forward_session_name: true,
        ..roles(&["of-user"])
    };
    let assumed = get(&here, &options).unwrap_or_else(|error| panic!("{}", error_text(&error)));
    assert_eq!(assumed.notes, [""; 0]);
    let unused = CredentialOptions {
        forward_session_name: true,
        ..CredentialOptions::default()
    };
    assert_eq!(
        get(&here, &unused).unwrap().notes,
        ["--forward-session-name changes nothing: no role is named with --role-arn"]
    );

    harness.aws.expire(&keys.access_key_id);
    let here = harness.here().with_credentials(&keys);
    let error = get(&here, &forwarded).unwrap_err();
    assert!(!error.is_input());
    let text = error_text(&error);
    assert!(
        text.contains("cannot find out the name of the current session"),
        "{text}"
    );
}

#[test]
fn session_options_apply_to_the_role_of_a_profile() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    let mut trust = trusts(&arn("user/alice"));
    trust["Condition"] = json!({"StringEquals": {
        "sts:ExternalId": "audit-7", "sts:RoleSessionName": "release=7",
    }});
    harness.aws.role(&arn("role/deploy"), &[trust]);
    let profile = format!(
        "[profile deploy]\nrole_arn = {}\ncredential_source = Environment\n\
         role_session_name = other\nexternal_id = other\nduration_seconds = 3600\n",
        arn("role/deploy")
    );
    let here = here.with("AWS_CONFIG_FILE", &harness.file("config", &profile));
    let credential_options = CredentialOptions {
        profile: Some("deploy".into()),
        session_name: Some("release=7".into()),
        external_id: Some("audit-7".into()),
        duration: Some(Duration::from_secs(900)),
        ..CredentialOptions::default()
    };
    let resolved =
        get(&here, &credential_options).unwrap_or_else(|error| panic!("{}", error_text(&error)));
    assert_eq!(resolved.notes, Vec::<String>::new());
    let minutes = |resolved: &ResolvedCredentials| {
        let end = resolved.credentials.expiration.unwrap();
        end.duration_since(jiff::Timestamp::now()).as_mins()
    };
    assert!(minutes(&resolved) <= 15);
    // Another caller gets its own session.
    let other = CredentialOptions {
        session_name: Some("other".into()),
        ..credential_options
    };
    assert!(error_text(&get(&here, &other).unwrap_err()).contains("AccessDenied"));
}

#[test]
fn session_options_apply_to_a_web_identity() {
    let harness = Harness::new();
    let here = harness.web_identity("ci", "repo:octo/app:ref:refs/heads/main");
    let credential_options = CredentialOptions {
        session_name: Some("release=7".into()),
        duration: Some(Duration::from_secs(900)),
        ..CredentialOptions::default()
    };
    // A session with a longer duration is cached separately.
    assert!(!get(&here, &CredentialOptions::default()).unwrap().kept);
    let resolved = get(&here, &credential_options).unwrap();
    assert!(!resolved.kept);
    let end = resolved.credentials.expiration.unwrap();
    assert!(end.duration_since(jiff::Timestamp::now()).as_mins() <= 15);
    let caller = caller(
        &resolved,
        &credential_options,
        &aws_environment(&here),
        jiff::Timestamp::now(),
    );
    assert!(caller.unwrap().arn.ends_with(":assumed-role/ci/release=7"));
    let credential_options = CredentialOptions {
        external_id: Some("audit-7".into()),
        ..credential_options
    };
    assert_eq!(
        get(&here, &credential_options).unwrap().notes,
        ["--external-id changes nothing: AssumeRoleWithWebIdentity takes none"]
    );
}

#[test]
fn session_options_without_a_session_are_reported_as_ignored() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy");
    let credential_options = CredentialOptions {
        external_id: Some("audit-7".into()),
        duration: Some(Duration::from_secs(900)),
        ..CredentialOptions::default()
    };
    assert_eq!(
        get(&here, &credential_options).unwrap().notes,
        [
            "--external-id and --duration change nothing: no role is assumed; choose one with --role-arn"
        ]
    );
    let credential_options = CredentialOptions {
        session_name: Some("release=7".into()),
        ..CredentialOptions::default()
    };
    assert_eq!(
        get(&here, &credential_options).unwrap().notes,
        ["--role-session-name changes nothing: no role is assumed; choose one with --role-arn"]
    );
}

#[test]
fn web_identity_token_assumes_its_role() {
    let harness = Harness::new();
    let here = harness.web_identity("ci", "repo:octo/app:ref:refs/heads/main");
    harness
        .aws
        .role(&arn("role/cluster-admin"), &[trusting(&arn("role/ci"))]);
    let resolved = get(&here, &roles(&["cluster-admin"])).unwrap();
    assert_eq!(resolved.source, Source::WebIdentity);
    assert_eq!(resolved.roles, [arn("role/ci"), arn("role/cluster-admin")]);
    assert_eq!(
        harness.actions(),
        ["AssumeRoleWithWebIdentity", "AssumeRole"]
    );
}

#[test]
fn pinned_source_excludes_all_others() {
    let harness = Harness::new();
    let web = harness.web_identity("ci", "repo:octo/app:ref:refs/heads/main");
    let user = harness.aws.user(&arn("user/alice"));
    let node = arn("role/node");
    harness
        .aws
        .role(&node, &[trusts_service("ec2.amazonaws.com")]);
    let metadata = harness.aws.instance(&json!({
        "id": "i-0123456789abcdef0", "metadata": "v2", "profile": "node", "role": node
    }));
    let task = arn("role/task");
    harness
        .aws
        .role(&task, &[trusts_service("ecs-tasks.amazonaws.com")]);
    let container = harness.aws.container(&json!({
        "id": "task", "kind": "ecs", "role": task, "authorizationToken": "open"
    }));
    let config = harness.file(
        "config",
        "[default]\naws_access_key_id = AKIDCONFIG\naws_secret_access_key = s\n",
    );
    let here = web
        .with_credentials(&user)
        .with("AWS_CONFIG_FILE", &config)
        .on_instance(&metadata)
        .in_container(&container, "open");
    for (pin, source) in [
        (None, Source::Environment),
        (Some(SourceChoice::Environment), Source::Environment),
        (Some(SourceChoice::Profile), Source::ConfigFile),
        (Some(SourceChoice::WebIdentity), Source::WebIdentity),
        (Some(SourceChoice::Container), Source::Container),
        (Some(SourceChoice::Instance), Source::Instance),
    ] {
        let credential_options = CredentialOptions {
            source: pin,
            ..CredentialOptions::default()
        };
        let resolved = get(&here, &credential_options)
            .unwrap_or_else(|error| panic!("{}", error_text(&error)));
        assert_eq!(resolved.source, source);
    }
}

#[test]
fn requested_endpoints_are_used() {
    let harness = Harness::new();
    let here = harness.user_with_role("deploy").without("AWS_REGION");
    let profile = |text: &str| harness.file("config", &format!("[default]\n{text}"));
    let plain = harness.aws.plain_endpoint().to_owned();
    let with_all = |variables: &[(&str, &str)]| {
        variables
            .iter()
            .fold(here.clone(), |all, (name, value)| all.with(name, value))
    };
    for (variables, options, host) in [
        (&[][..], "", "sts.us-east-1.amazonaws.com"),
        (
            &[("AWS_REGION", "eu-west-1")],
            "",
            "sts.eu-west-1.amazonaws.com",
        ),
        (
            &[
                ("AWS_REGION", "eu-west-1"),
                ("AWS_DEFAULT_REGION", "eu-west-2"),
            ],
            "region = eu-west-3",
            "sts.eu-west-1.amazonaws.com",
        ),
        (
            &[("AWS_DEFAULT_REGION", "eu-west-2")],
            "region = eu-west-3",
            "sts.eu-west-2.amazonaws.com",
        ),
        (&[], "region = eu-west-3", "sts.eu-west-3.amazonaws.com"),
        (&[], "region = aws-global", "sts.amazonaws.com"),
        (
            &[("AWS_USE_FIPS_ENDPOINT", "true")],
            "",
            "sts-fips.us-east-1.amazonaws.com",
        ),
        (
            &[("AWS_USE_FIPS_ENDPOINT", "false")],
            "use_fips_endpoint = true",
            "sts.us-east-1.amazonaws.com",
        ),
        (
            &[],
            "use_dualstack_endpoint = true",
            "sts.us-east-1.api.aws",
        ),
        (
            &[("AWS_USE_DUALSTACK_ENDPOINT", "TRUE")],
            "use_fips_endpoint = true",
            "sts-fips.us-east-1.api.aws",
        ),
        (&[("AWS_ENDPOINT_URL_STS", &plain)], "", ""),
        (
            &[("AWS_ENDPOINT_URL", &plain)],
            "endpoint_url = http://127.0.0.1:1",
            "",
        ),
        (
            &[],
            &format!("services = here\n[services here]\nsts =\n  endpoint_url = {plain}"),
            "",
        ),
        (
            &[
                ("AWS_ENDPOINT_URL", &plain),
                ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
            ],
            "",
            "sts.us-east-1.amazonaws.com",
        ),
    ] {
        let here = with_all(variables).with("AWS_CONFIG_FILE", &profile(options));
        let credential_options = CredentialOptions {
            no_cache: true,
            ..roles(&["deploy"])
        };
        let resolved = get(&here, &credential_options)
            .unwrap_or_else(|error| panic!("{variables:?} {options}: {}", error_text(&error)));
        let plain = plain.trim_start_matches("http://");
        let expected = if host.is_empty() { plain } else { host };
        let asked = harness.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(asked[0].host, expected, "{variables:?} {options}");
        let is_fips = expected.contains("fips");
        assert_eq!(resolved.endpoint.fips, is_fips, "{variables:?} {options}");
    }
}

#[test]
fn region_reports_its_source() {
    let harness = Harness::new();
    let here = harness.user_with_role("x").without("AWS_REGION");
    let config = harness.file("config", "[default]\nregion = eu-west-3\n[profile p]\n");
    let here = here.with("AWS_CONFIG_FILE", &config);
    let region = |here: &_, region: Option<&str>, profile: Option<&str>| {
        let credential_options = CredentialOptions {
            source: Some(SourceChoice::Environment),
            region: region.map(Into::into),
            profile: profile.map(Into::into),
            ..CredentialOptions::default()
        };
        let region = get(here, &credential_options).unwrap().region;
        (region.name, region.from)
    };
    let resolved = |name: &str, from| (name.to_owned(), from);
    assert_eq!(
        region(&here, Some("ap-south-1"), None),
        resolved("ap-south-1", RegionSource::Caller)
    );
    assert_eq!(
        region(&here.clone().with("AWS_REGION", "eu-west-1"), None, None),
        resolved("eu-west-1", RegionSource::Variable("AWS_REGION"))
    );
    assert_eq!(
        region(&here, None, None),
        resolved("eu-west-3", RegionSource::Profile("default".into()))
    );
    let here = here.with("AWS_PROFILE", "p");
    assert_eq!(
        region(&here, None, None),
        resolved("us-east-1", RegionSource::Fallback)
    );
    let node = arn("role/node");
    harness
        .aws
        .role(&node, &[trusts_service("ec2.amazonaws.com")]);
    let metadata = harness.aws.instance(&json!({
        "id": "i-0123456789abcdef0", "metadata": "v2", "profile": "node", "role": node,
        "region": "ca-central-1"
    }));
    let on_instance = here.clone().on_instance(&metadata);
    assert_eq!(
        region(&on_instance, None, None),
        resolved("ca-central-1", RegionSource::Instance)
    );
    let credential_options = CredentialOptions {
        source: Some(SourceChoice::Environment),
        ..CredentialOptions::default()
    };
    let wrong = here.with("AWS_REGION", "us-east-1.evil.test/");
    let error = get(&wrong, &credential_options).unwrap_err();
    assert_eq!(
        crate::credentials::harness::error_text(&error),
        "\"us-east-1.evil.test/\" (from AWS_REGION) is not a region: a region name has only letters, digits and hyphens, as in us-east-1\n\
         hint: name a region: --region eu-west-1"
    );
}

/// A proxy cannot reach endpoints on this machine.
#[test]
fn local_endpoints_bypass_the_proxy() {
    let harness = Harness::new();
    let node = arn("role/node");
    harness
        .aws
        .role(&node, &[trusts_service("ec2.amazonaws.com")]);
    let response = harness.aws.declare(&json!({"instances": [{
        "id": "i-0123456789abcdef0", "metadata": "v2", "profile": "node", "role": node,
    }]}));
    let url = |of: &str| {
        let url = response["instances"][0][of].as_str();
        url.filter(|url| !url.is_empty()).map(str::to_owned)
    };
    let task = arn("role/task");
    harness
        .aws
        .role(&task, &[trusts_service("ecs-tasks.amazonaws.com")]);
    let container = harness.aws.container(&json!({
        "id": "task", "kind": "ecs", "role": task, "authorizationToken": "open"
    }));
    let mut here = harness.user_with_role("deploy");
    let proxy = here
        .variables()
        .find_map(|(name, value)| (name == "HTTPS_PROXY").then(|| value.to_owned()))
        .unwrap();
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        here = here.with(name, &proxy);
    }
    let plain = harness.aws.plain_endpoint().to_owned();
    // A custom NO_PROXY does not send these endpoints through the proxy.
    for here in [
        here.clone(),
        here.clone().with("NO_PROXY", ""),
        here.with("NO_PROXY", "example.com"),
    ] {
        for url in ["ipv4", "ipv6"].into_iter().filter_map(url) {
            let credential_options = CredentialOptions {
                source: Some(SourceChoice::Instance),
                ..CredentialOptions::default()
            };
            get(&here.clone().on_instance(&url), &credential_options)
                .unwrap_or_else(|error| panic!("{url}: {}", error_text(&error)));
            // The server at that address is not STS.
            let credential_options = CredentialOptions {
                no_cache: true,
                ..roles(&["deploy"])
            };
            get(
                &here.clone().with("AWS_ENDPOINT_URL_STS", &url),
                &credential_options,
            )
            .unwrap_err();
        }
        let credential_options = CredentialOptions {
            source: Some(SourceChoice::Container),
            ..CredentialOptions::default()
        };
        get(
            &here.clone().in_container(&container, "open"),
            &credential_options,
        )
        .unwrap_or_else(|error| panic!("{}", error_text(&error)));
        let credential_options = CredentialOptions {
            no_cache: true,
            ..roles(&["deploy"])
        };
        for endpoint in [plain.clone(), plain.replace("127.0.0.1", "localhost")] {
            get(
                &here.clone().with("AWS_ENDPOINT_URL_STS", &endpoint),
                &credential_options,
            )
            .unwrap_or_else(|error| panic!("{endpoint}: {}", error_text(&error)));
        }
        let asked = harness.asked();
        assert!(asked.iter().any(|asked| asked.service == "imds"));
        assert!(asked.iter().any(|asked| asked.service == "container"));
        assert!(asked.iter().any(|asked| asked.service == "sts"));
        assert!(
            asked.iter().all(|asked| asked.service != "proxy"),
            "{asked:?}"
        );
    }
}
