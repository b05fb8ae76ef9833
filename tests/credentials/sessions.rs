//! Sessions of roles, from an STS that believes no signature, trust or token unseen.

use std::time::Duration;

use awsauth::aws::credentials::{Pin, Resolved, Source, Wish, caller};
use awsauth::aws::region::RegionSource;
use serde_json::json;

use crate::place::{Place, arn, get, roles, said, surroundings, trusting};
use crate::support::aws::{ACCOUNT, trusts, trusts_service};

#[test]
fn a_chain_of_roles_is_assumed_one_with_the_other() {
    let place = Place::new();
    let here = place.user_with_role("first");
    let mut trust = trusts(&arn("role/first"));
    trust["Condition"] = json!({"StringEquals": {
        "sts:ExternalId": "audit-7",
        "sts:RoleSessionName": "awsauth-ann@build-7",
    }});
    place.aws.role(&arn("role/last"), &[trust]);
    let wish = Wish {
        external_id: Some("audit-7".into()),
        duration: Some(Duration::from_secs(900)),
        ..roles(&["first", "last"])
    };
    let resolved = get(&here, &wish).unwrap_or_else(|error| panic!("{}", said(&error)));
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
    let asked = place.asked();
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

/// Opening one takes three round trips, and a proxy's two more.
#[test]
fn all_of_a_chain_are_asked_for_over_one_connection() {
    let place = Place::new();
    let web = place.web_identity("first", "repo:octo/app:environment:prod");
    let user = place.user_with_role("start");
    let by = |name| trusting(&arn(&format!("role/{name}")));
    place.aws.role(&arn("role/other"), &[by("start")]);
    place
        .aws
        .role(&arn("role/second"), &[by("first"), by("other")]);
    for (here, names, requests) in [
        (web, &["second"][..], 2),
        (user, &["start", "other", "second"], 3),
    ] {
        let wish = roles(names);
        get(&here, &wish).unwrap_or_else(|error| panic!("{}", said(&error)));
        let asked = place.asked();
        assert_eq!(asked.len(), requests, "{asked:?}");
        for one in &asked {
            assert_eq!(one.connection, asked[0].connection, "{asked:?}");
        }
    }
}

#[test]
fn a_session_is_named_as_the_caller_wishes() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    let mut trust = trusts(&arn("user/alice"));
    trust["Condition"] = json!({"StringEquals": {"sts:RoleSessionName": "release=7"}});
    place.aws.role(&arn("role/deploy"), &[trust]);
    let wish = Wish {
        session_name: Some("release=7".into()),
        ..roles(&["deploy"])
    };
    assert!(get(&here, &wish).is_ok());
    let wish = Wish {
        session_name: Some("release 7".into()),
        ..roles(&["deploy"])
    };
    let error = get(&here, &wish).unwrap_err();
    assert!(error.is_input());
    assert_eq!(
        said(&error),
        "environment variables: \"release 7\" can't name a session: STS takes 2 to 64 letters, digits and _+=,.@-\n\
         hint: name it with --role-session-name, such as deploy@ci"
    );
}

#[test]
fn what_is_said_of_a_session_counts_for_the_role_of_a_profile_too() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    let mut trust = trusts(&arn("user/alice"));
    trust["Condition"] = json!({"StringEquals": {
        "sts:ExternalId": "audit-7", "sts:RoleSessionName": "release=7",
    }});
    place.aws.role(&arn("role/deploy"), &[trust]);
    let profile = format!(
        "[profile deploy]\nrole_arn = {}\ncredential_source = Environment\n\
         role_session_name = other\nexternal_id = other\nduration_seconds = 3600\n",
        arn("role/deploy")
    );
    let here = here.with("AWS_CONFIG_FILE", &place.file("config", &profile));
    let wish = Wish {
        profile: Some("deploy".into()),
        session_name: Some("release=7".into()),
        external_id: Some("audit-7".into()),
        duration: Some(Duration::from_secs(900)),
        ..Wish::default()
    };
    let resolved = get(&here, &wish).unwrap_or_else(|error| panic!("{}", said(&error)));
    assert_eq!(resolved.notes, Vec::<String>::new());
    let minutes = |resolved: &Resolved| {
        let end = resolved.credentials.expiration.unwrap();
        end.duration_since(jiff::Timestamp::now()).as_mins()
    };
    assert!(minutes(&resolved) <= 15);
    // Somebody else's session is another.
    let other = Wish {
        session_name: Some("other".into()),
        ..wish
    };
    assert!(said(&get(&here, &other).unwrap_err()).contains("AccessDenied"));
}

#[test]
fn what_is_said_of_a_session_counts_for_a_web_identity_too() {
    let place = Place::new();
    let here = place.web_identity("ci", "repo:octo/app:ref:refs/heads/main");
    let wish = Wish {
        session_name: Some("release=7".into()),
        duration: Some(Duration::from_secs(900)),
        ..Wish::default()
    };
    // A longer one is another, and does not serve instead.
    assert!(!get(&here, &Wish::default()).unwrap().kept);
    let resolved = get(&here, &wish).unwrap();
    assert!(!resolved.kept);
    let end = resolved.credentials.expiration.unwrap();
    assert!(end.duration_since(jiff::Timestamp::now()).as_mins() <= 15);
    let caller = caller(
        &resolved,
        &wish,
        &surroundings(&here),
        jiff::Timestamp::now(),
    );
    assert!(caller.unwrap().arn.ends_with(":assumed-role/ci/release=7"));
    let wish = Wish {
        external_id: Some("audit-7".into()),
        ..wish
    };
    assert_eq!(
        get(&here, &wish).unwrap().notes,
        ["--external-id changes nothing: a web identity token assumes its role without one"]
    );
}

#[test]
fn what_is_said_of_a_session_that_there_is_not_is_said_to_change_nothing() {
    let place = Place::new();
    let here = place.user_with_role("deploy");
    let wish = Wish {
        external_id: Some("audit-7".into()),
        duration: Some(Duration::from_secs(900)),
        ..Wish::default()
    };
    assert_eq!(
        get(&here, &wish).unwrap().notes,
        [
            "--external-id and --duration change nothing: no role is assumed; name one with --role-arn"
        ]
    );
    let wish = Wish {
        session_name: Some("release=7".into()),
        ..Wish::default()
    };
    assert_eq!(
        get(&here, &wish).unwrap().notes,
        ["--role-session-name changes nothing: no role is assumed; name one with --role-arn"]
    );
}

#[test]
fn a_web_identity_token_is_good_for_its_role() {
    let place = Place::new();
    let here = place.web_identity("ci", "repo:octo/app:ref:refs/heads/main");
    place
        .aws
        .role(&arn("role/cluster-admin"), &[trusting(&arn("role/ci"))]);
    let resolved = get(&here, &roles(&["cluster-admin"])).unwrap();
    assert_eq!(resolved.source, Source::WebIdentity);
    assert_eq!(resolved.roles, [arn("role/ci"), arn("role/cluster-admin")]);
    assert_eq!(place.actions(), ["AssumeRoleWithWebIdentity", "AssumeRole"]);
}

#[test]
fn a_pin_keeps_all_other_sources_away() {
    let place = Place::new();
    let web = place.web_identity("ci", "repo:octo/app:ref:refs/heads/main");
    let user = place.aws.user(&arn("user/alice"));
    let node = arn("role/node");
    place
        .aws
        .role(&node, &[trusts_service("ec2.amazonaws.com")]);
    let metadata = place.aws.instance(&json!({
        "id": "i-0123456789abcdef0", "metadata": "v2", "profile": "node", "role": node
    }));
    let task = arn("role/task");
    place
        .aws
        .role(&task, &[trusts_service("ecs-tasks.amazonaws.com")]);
    let container = place.aws.container(&json!({
        "id": "task", "kind": "ecs", "role": task, "authorizationToken": "open"
    }));
    let config = place.file(
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
        (Some(Pin::Environment), Source::Environment),
        (Some(Pin::Profile), Source::ConfigFile),
        (Some(Pin::WebIdentity), Source::WebIdentity),
        (Some(Pin::Container), Source::Container),
        (Some(Pin::Instance), Source::Instance),
    ] {
        let wish = Wish {
            source: pin,
            ..Wish::default()
        };
        let resolved = get(&here, &wish).unwrap_or_else(|error| panic!("{}", said(&error)));
        assert_eq!(resolved.source, source);
    }
}

#[test]
fn the_wished_endpoints_are_asked() {
    let place = Place::new();
    let here = place.user_with_role("deploy").without("AWS_REGION");
    let profile = |text: &str| place.file("config", &format!("[default]\n{text}"));
    let plain = place.aws.plain_endpoint().to_owned();
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
        let wish = Wish {
            no_cache: true,
            ..roles(&["deploy"])
        };
        let resolved = get(&here, &wish)
            .unwrap_or_else(|error| panic!("{variables:?} {options}: {}", said(&error)));
        let plain = plain.trim_start_matches("http://");
        let expected = if host.is_empty() { plain } else { host };
        let asked = place.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(asked[0].host, expected, "{variables:?} {options}");
        let is_fips = expected.contains("fips");
        assert_eq!(resolved.endpoint.fips, is_fips, "{variables:?} {options}");
    }
}

#[test]
fn a_region_knows_who_said_it() {
    let place = Place::new();
    let here = place.user_with_role("x").without("AWS_REGION");
    let config = place.file("config", "[default]\nregion = eu-west-3\n[profile p]\n");
    let here = here.with("AWS_CONFIG_FILE", &config);
    let region = |here: &_, region: Option<&str>, profile: Option<&str>| {
        let wish = Wish {
            source: Some(Pin::Environment),
            region: region.map(Into::into),
            profile: profile.map(Into::into),
            ..Wish::default()
        };
        let region = get(here, &wish).unwrap().region;
        (region.name, region.from)
    };
    let said = |name: &str, from| (name.to_owned(), from);
    assert_eq!(
        region(&here, Some("ap-south-1"), None),
        said("ap-south-1", RegionSource::Caller)
    );
    assert_eq!(
        region(&here.clone().with("AWS_REGION", "eu-west-1"), None, None),
        said("eu-west-1", RegionSource::Variable("AWS_REGION"))
    );
    assert_eq!(
        region(&here, None, None),
        said("eu-west-3", RegionSource::Profile("default".into()))
    );
    let here = here.with("AWS_PROFILE", "p");
    assert_eq!(
        region(&here, None, None),
        said("us-east-1", RegionSource::Fallback)
    );
    let node = arn("role/node");
    place
        .aws
        .role(&node, &[trusts_service("ec2.amazonaws.com")]);
    let metadata = place.aws.instance(&json!({
        "id": "i-0123456789abcdef0", "metadata": "v2", "profile": "node", "role": node,
        "region": "ca-central-1"
    }));
    let on_instance = here.clone().on_instance(&metadata);
    assert_eq!(
        region(&on_instance, None, None),
        said("ca-central-1", RegionSource::Instance)
    );
    let wish = Wish {
        source: Some(Pin::Environment),
        ..Wish::default()
    };
    let wrong = here.with("AWS_REGION", "us-east-1.evil.test/");
    let error = get(&wrong, &wish).unwrap_err();
    assert_eq!(
        crate::place::said(&error),
        "\"us-east-1.evil.test/\", which AWS_REGION says, is no region: its name consists of letters, digits and hyphens, as us-east-1 \
         does\nhint: name a region: --region eu-west-1"
    );
}

/// They are on this machine, where no proxy can go for us.
#[test]
fn nothing_on_this_machine_is_asked_through_a_proxy() {
    let place = Place::new();
    let node = arn("role/node");
    place
        .aws
        .role(&node, &[trusts_service("ec2.amazonaws.com")]);
    let told = place.aws.declare(&json!({"instances": [{
        "id": "i-0123456789abcdef0", "metadata": "v2", "profile": "node", "role": node,
    }]}));
    let url = |of: &str| {
        let url = told["instances"][0][of].as_str();
        url.filter(|url| !url.is_empty()).map(str::to_owned)
    };
    let task = arn("role/task");
    place
        .aws
        .role(&task, &[trusts_service("ecs-tasks.amazonaws.com")]);
    let container = place.aws.container(&json!({
        "id": "task", "kind": "ecs", "role": task, "authorizationToken": "open"
    }));
    let mut here = place.user_with_role("deploy");
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
    let plain = place.aws.plain_endpoint().to_owned();
    // Who lists hosts of his own does not thereby want these to be asked through it.
    for here in [
        here.clone(),
        here.clone().with("NO_PROXY", ""),
        here.with("NO_PROXY", "example.com"),
    ] {
        for url in ["ipv4", "ipv6"].into_iter().filter_map(url) {
            let wish = Wish {
                source: Some(Pin::Instance),
                ..Wish::default()
            };
            get(&here.clone().on_instance(&url), &wish)
                .unwrap_or_else(|error| panic!("{url}: {}", said(&error)));
            // A service at that address, of which this is none.
            let wish = Wish {
                no_cache: true,
                ..roles(&["deploy"])
            };
            get(&here.clone().with("AWS_ENDPOINT_URL_STS", &url), &wish).unwrap_err();
        }
        let wish = Wish {
            source: Some(Pin::Container),
            ..Wish::default()
        };
        get(&here.clone().in_container(&container, "open"), &wish)
            .unwrap_or_else(|error| panic!("{}", said(&error)));
        let wish = Wish {
            no_cache: true,
            ..roles(&["deploy"])
        };
        for endpoint in [plain.clone(), plain.replace("127.0.0.1", "localhost")] {
            get(&here.clone().with("AWS_ENDPOINT_URL_STS", &endpoint), &wish)
                .unwrap_or_else(|error| panic!("{endpoint}: {}", said(&error)));
        }
        let asked = place.asked();
        assert!(asked.iter().any(|asked| asked.service == "imds"));
        assert!(asked.iter().any(|asked| asked.service == "container"));
        assert!(asked.iter().any(|asked| asked.service == "sts"));
        assert!(
            asked.iter().all(|asked| asked.service != "proxy"),
            "{asked:?}"
        );
    }
}
