//! Tests of the configuration: parsing and approval.

use super::*;
use crate::document::Principal;

const ALL_FIELDS: &str = r#"
grants:
- accounts: ["111122223333"]
  arns: ["arn:aws:iam::111122223333:role/Team-*", "arn:aws:iam::111122223333:user/*"]
  groups: [developers, "view-*", system:masters]
  usernames: ["*", "system:node:{{EC2PrivateDNSName}}", "{{SessionName}}"]
- accounts: ["444455556666"]
  wholeAccounts: true
  requesters: {users: [ann], groups: ["platform-*"]}
  onWithdrawal: Revoke
  maxKiB: 100
protect:
  nodeEntries: false
  arns: ["arn:aws:iam::111122223333:role/admin"]
admission:
  warnOnly: ["eks:*", "ops"]
  breakGlass: {groups: [oncall]}
"#;

fn role(name: &str) -> Principal {
    Principal::Role(format!("arn:aws:iam::111122223333:role/{name}"))
}

fn approved(
    config: &str,
    principal: &Principal,
    username: &str,
    groups: &[&str],
) -> Result<(), String> {
    let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
    let username = (!matches!(principal, Principal::Account(_))).then_some(username);
    Config::parse(config)
        .unwrap()
        .approve(principal, username, &groups, &[])
        .map(drop)
}

#[test]
fn all_fields_are_read() {
    let config = Config::parse(ALL_FIELDS).unwrap();
    assert_eq!(config.grants.len(), 2);
    assert_eq!(
        config.grants[0].arns[0].text(),
        "arn:aws:iam::111122223333:role/team-*"
    );
    assert!(config.grants[1].whole_accounts && !config.protect.node_entries);
    assert!(
        config
            .protect
            .includes("arn:aws:iam::111122223333:role/Admin")
    );
    let requesters = config.grants[1].requesters.as_ref().unwrap();
    assert!(requesters.include("ann", &[]) && !requesters.include("bob", &["ann".to_owned()]));
    assert!(requesters.include("bob", &["x".to_owned(), "platform-a".to_owned()]));
    assert_eq!(config.grants[1].on_withdrawal, OnWithdrawal::Revoke);
    assert_eq!(config.grants[1].max_kib, Some(100));
    assert_eq!(config.admission.break_glass_groups, ["oncall"]);
    assert_eq!(config.admission.warn_only.len(), 2);
}

#[test]
fn missing_fields_have_defaults() {
    for text in [
        "",
        "# nothing\n",
        "grants: []\n",
        "protect: {}\nadmission: {}\n",
    ] {
        assert_eq!(Config::parse(text).unwrap(), Config::default(), "{text}");
    }
    let config = Config::default();
    assert!(
        config.protect.node_entries && config.admission.warn_only[0].matches("eks:node-manager")
    );
    assert_eq!(
        Config::parse("admission: {warnOnly: []}")
            .unwrap()
            .admission
            .warn_only,
        []
    );
}

#[test]
fn error_contains_the_line_and_what_is_expected() {
    for (text, line, expected) in [
        (
            "grants:\n- acounts: []\n",
            "line 2",
            "unknown field `acounts`, expected one of `accounts`",
        ),
        (
            "grants:\n- groups: [a]\n",
            "line 2",
            "missing field `accounts`",
        ),
        ("grants:\n- accounts: []\n", "line 2", "the list is empty"),
        (
            "grants:\n- accounts:\n  - 111122223333\n",
            "line 3",
            "a twelve-digit account ID in quotes",
        ),
        (
            "grants:\n- accounts:\n  - \"1111\"\n",
            "line 3",
            "`1111` is not a twelve-digit account ID",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n  groups:\n  - \"system:*\"\n",
            "line 4",
            "one by one",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n  groups:\n  - \" a\"\n",
            "line 4",
            "white space",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n  groups: [\"\"]\n",
            "line 3",
            "an empty string",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n  usernames: [\"eks:*\"]\n",
            "line 3",
            "one by one",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n  arns: []\n",
            "line 3",
            "the list is empty",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n  arns:\n  - arn:aws:iam::111122223333:role/team/*\n",
            "line 4",
            "such as arn:aws:iam::111122223333:role/*",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n  arns:\n  - arn:aws:sts::111122223333:assumed-role/a/b\n",
            "line 4",
            "such as arn:aws:iam::111122223333:role/a",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n- accounts: [\"111122223333\", \"444455556666\"]\n  arns:\n  - arn:aws:iam::999999999999:role/Team-*\n",
            "line 3",
            "`arn:aws:iam::999999999999:role/Team-*` matches nothing (remove it, or add its account): it is in none of the accounts of the grant at line 3",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n  usernames:\n  - \"*@example.com\"\n",
            "line 4",
            "`*@example.com` matches nothing: list names that contain @ one by one",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n  usernames: [\"arn:*\"]\n",
            "line 3",
            "list names that start with arn: one by one",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n  requesters: {users: []}\n",
            "line 2",
            "requesters has neither users nor groups",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n  onWithdrawal: Remove\n",
            "line 3",
            "unknown variant `Remove`, expected `Keep` or `Revoke`",
        ),
        (
            "grants:\n- accounts: [\"111122223333\"]\n  arns:\n  - \"arn:aws:iam::1111*\"\n",
            "line 4",
            "`arn:aws:iam::1111*` has fewer than five colons",
        ),
        (
            "protect:\n  arns: [\"arn:aws:*:role/a\"]\n",
            "line 2",
            "fewer than five colons",
        ),
        (
            "protect:\n  arns: [team]\n",
            "line 2",
            "`team` is not an ARN",
        ),
        ("protect:\n  nodeEntries: maybe\n", "line 2", "nodeEntries"),
        (
            "admission:\n  breakGlass: {users: [a]}\n",
            "line 2",
            "unknown field `users`",
        ),
        (
            "admission:\n  breakGlass:\n    groups: [\"on*\"]\n",
            "line 3",
            "one by one",
        ),
        ("grants: [\n", "line 2", "did not find expected"),
        (
            "protect: {}\ngrnts: []\n",
            "line 2",
            "unknown field `grnts`",
        ),
        ("grants:\ngrants:\n", "line 2", "duplicate"),
    ] {
        let error = Config::parse(text).unwrap_err().to_string();
        assert!(
            error.contains(expected) && error.contains(line),
            "{text}: {error}"
        );
    }
}

#[test]
fn arn_of_another_account_is_rejected() {
    let read = |arn: &str| {
        Config::parse(&format!(
            "grants:\n- arns: [\"{arn}\"]\n  accounts: [\"111122223333\"]\n"
        ))
    };
    for arn in [
        "arn:aws:iam::111122223333:role/a",
        "arn:*:iam::111122223333:role/a",
        "arn:aws:iam::*:role/a",
        "arn:aws:iam::1111*:role/a",
        "arn:aws:iam::*3333:user/team/a:b",
        "*:aws:iam::111122223333:*",
    ] {
        assert!(read(arn).is_ok(), "{arn}");
    }
    for arn in [
        "arn:aws:iam::444455556666:role/a",
        "arn:aws:iam::11112222333:role/*",
        "arn:aws:iam:::role/a",
        "arn:*:iam::444455556666:role/*",
        "arn:aws:iam::*6666:role/a",
    ] {
        let error = read(arn).unwrap_err().to_string();
        assert!(
            error.contains(arn) && error.contains("line 2"),
            "{arn}: {error}"
        );
    }
    // Protected ARNs can be in any account.
    assert!(Config::parse("protect: {arns: [\"arn:aws:iam::444455556666:role/a\"]}").is_ok());
}

#[test]
fn single_grant_must_cover_the_whole_request() {
    let masters = ["system:masters"];
    for (principal, username, groups) in [
        (role("team-a"), "ops", &["developers", "view-all"][..]),
        (role("TEAM-A"), "ops", &masters[..]),
        (role("team-a"), "{{SessionName}}", &[]),
        (role("team-a"), "system:node:{{EC2PrivateDNSName}}", &[]),
        (Principal::Account("444455556666".into()), "", &[]),
    ] {
        assert_eq!(
            approved(ALL_FIELDS, &principal, username, groups),
            Ok(()),
            "{principal:?}"
        );
    }
    for (principal, username, groups, expected) in [
        (
            role("other"),
            "ops",
            &[][..],
            "covers arn:aws:iam::111122223333:role/other; ask an administrator to add it to the arns",
        ),
        (
            role("team-a"),
            "system:admin",
            &[],
            "allows username system:admin; ask an administrator to add it to the usernames",
        ),
        (role("team-a"), "eks:x", &[], "allows username eks:x"),
        (
            role("team-a"),
            "ops",
            &["system:nodes"],
            "allows group system:nodes; ask an administrator to add it to the groups",
        ),
        (
            role("team-a"),
            "ops",
            &["a", "developers", "b"],
            "allows groups a, b; ask an administrator to add them",
        ),
        (
            Principal::Role("arn:aws:iam::999999999999:role/team-a".into()),
            "ops",
            &[],
            "contains account 999999999999",
        ),
        (
            Principal::Account("111122223333".into()),
            "",
            &[],
            "set wholeAccounts: true",
        ),
    ] {
        let error = approved(ALL_FIELDS, &principal, username, groups).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let error = approved("", &role("a"), "ops", &["g"]).unwrap_err();
    assert!(
        error.contains(
            "grants nothing; ask an administrator to add under grants: accounts: [\"111122223333\"], groups: [g], usernames: [\"ops\"]"
        ),
        "{error}"
    );
}

#[test]
fn grant_without_usernames_grants_none() {
    let config = "grants: [{accounts: [\"111122223333\"], groups: [dev]}]";
    let error = approved(config, &role("a"), "ops", &["dev"]).unwrap_err();
    assert!(
        error.ends_with("has no usernames; ask an administrator to add usernames: [\"ops\"] to it"),
        "{error}"
    );
}

#[test]
fn grant_without_arns_does_not_include_root() {
    let root = Principal::User("arn:aws:iam::111122223333:root".to_owned());
    let config = "grants: [{accounts: [\"111122223333\"], usernames: [\"*\"]}]";
    let error = approved(config, &root, "root", &[]).unwrap_err();
    assert!(error.contains("does not include the root user"), "{error}");
    let named = config.replace(
        "usernames",
        "arns: [\"arn:aws:iam::111122223333:root\"], usernames",
    );
    assert_eq!(approved(&named, &root, "root", &[]), Ok(()));
}

#[test]
fn usernames_of_other_identities_are_granted_only_by_name() {
    let any = |more: &str| {
        format!("grants: [{{accounts: [\"111122223333\"], usernames: [\"*\", \"k*\"{more}]}}]")
    };
    for name in [
        "kubernetes-admin",
        "kubernetes-super-admin",
        "kubernetes-{{SessionName}}",
        "{{SessionName}}",
        "{{SessionNameRaw}}",
        "k{{SessionName}}admin",
        "dev:{{SessionNameRaw}}",
        "arn:aws:sts::111122223333:assumed-role/admin/ann",
        "arn:{{SessionName}}",
        "ann@example.com",
        "oidc:ann@example.com",
        "{{SessionName}}@example.com",
    ] {
        let error = approved(&any(""), &role("a"), name, &[]).unwrap_err();
        assert!(
            error.contains(&format!(
                "allows username {name}; ask an administrator to add it to the usernames"
            )) && error.contains("by its full name"),
            "{error}"
        );
        let named = any(&format!(", \"{name}\""));
        assert_eq!(approved(&named, &role("a"), name, &[]), Ok(()), "{name}");
    }
    for name in [
        "ann",
        "dev:{{SessionName}}",
        "{{SessionName}}-dev",
        "kubernetes-dev",
    ] {
        assert_eq!(approved(&any(""), &role("a"), name, &[]), Ok(()), "{name}");
    }
}

#[test]
fn patterns_and_placeholders_never_grant_reserved_names() {
    let all = "grants: [{accounts: [\"111122223333\"], groups: [\"*\", \"s*\", \"*s\"], usernames: [\"*\", ops]}]";
    for name in [
        "system:masters",
        "{{SessionName}}:masters",
        "s{{SessionName}}:masters",
        "{{SessionName}}{{AccountID}}:masters",
        "system{{SessionName}}:masters",
        "system:{{SessionName}}",
    ] {
        assert!(approved(all, &role("a"), "ops", &[name]).is_err(), "{name}");
        assert!(approved(all, &role("a"), name, &[]).is_err(), "{name}");
    }
    for name in [
        "team:{{SessionName}}",
        "view-{{SessionName}}:x",
        "xsystem:a",
        "System:a",
    ] {
        assert_eq!(approved(all, &role("a"), "ops", &[name]), Ok(()), "{name}");
        assert_eq!(approved(all, &role("a"), name, &[]), Ok(()), "{name}");
    }
}

#[test]
fn exempt_groups_are_granted_only_by_their_names() {
    let grant = |groups: &str| {
        format!(
            "grants: [{{accounts: [\"111122223333\"], groups: [{groups}], usernames: [ops]}}]\nadmission: {{breakGlass: {{groups: [oncall]}}}}"
        )
    };
    for (group, granted) in [
        ("awsauth:break-glass", false),
        ("awsauth:{{SessionName}}", false),
        ("{{SessionName}}:break-glass", false),
        ("oncall", false),
        ("on{{SessionName}}", false),
        ("oncalls", true),
        ("xawsauth:break-glass", true),
    ] {
        for (groups, granted) in [
            ("\"*\"".to_owned(), granted),
            (format!("\"{group}\""), true),
        ] {
            let approved = approved(&grant(&groups), &role("a"), "ops", &[group]);
            assert_eq!(approved.is_ok(), granted, "{groups} {group}");
        }
    }
    let error = Config::parse(&grant("\"awsauth:*\"")).unwrap_err();
    assert!(
        error
            .message
            .contains("list names that start with awsauth: one by one"),
        "{error}"
    );
}

#[test]
fn wildcard_matches_any_characters() {
    for (pattern, yes, no) in [
        (
            "a*b",
            &["ab", "axb", "abb"][..],
            &["a", "b", "abc", "xab"][..],
        ),
        ("*", &["", "a"], &[]),
        ("a**b*", &["ab", "axbc"], &["ba"]),
        ("*a*", &["a", "bab"], &["b"]),
        ("aa*aa", &["aaaa", "aaxaa"], &["aaa"]),
        ("a*b*a", &["aba", "axbya"], &["aa", "ab"]),
        ("ab", &["ab"], &["a", "abc", ""]),
    ] {
        for text in yes {
            assert!(Pattern::new(pattern).matches(text), "{pattern} {text}");
        }
        for text in no {
            assert!(!Pattern::new(pattern).matches(text), "{pattern} {text}");
        }
    }
}
