//! Tests of [`explain`](super::explain).

use super::*;
use crate::authenticator::test_documents::{document, list};
use crate::document::SectionName;

const DEV: &str = "arn:aws:iam::111122223333:role/Dev";

fn ask(document: &Document, question: Question<'_>) -> Explanation {
    explain(document, &question).expect("an identity")
}

#[test]
fn last_duplicate_decides_and_the_others_are_shadowed() {
    let roles = list(
        "rolearn",
        &[
            (DEV, "a", &[]),
            (&DEV.to_lowercase(), "b", &[]),
            (DEV, "c", &["g"]),
        ],
    );
    let users = list("userarn", &[(DEV, "d", &[])]);
    let document = document(&roles, &users, "");
    for arn in [
        DEV,
        "arn:aws:iam::111122223333:role/team/Dev",
        "arn:aws:sts::111122223333:assumed-role/Dev/alice",
    ] {
        let found = ask(
            &document,
            Question {
                arn,
                ..Question::default()
            },
        );
        assert_eq!((found.allowed(), found.reason()), (true, None));
        assert_eq!(found.canonical_arn, DEV);
        assert_eq!(
            found.answers[0].place,
            Place {
                section: SectionName::Roles,
                line: 3,
                index: 2
            }
        );
        assert_eq!(
            found.answers[0].user.as_ref().map(|user| &*user.username),
            Ok("c")
        );
        let shadowed: Vec<_> = found
            .shadowed
            .iter()
            .map(|at| (at.section, at.line))
            .collect();
        let expected = [
            (SectionName::Roles, 1),
            (SectionName::Roles, 2),
            (SectionName::Users, 1),
        ];
        assert_eq!(shadowed, expected);
        assert_eq!(found.near, []);
    }
}

#[test]
fn template_values_come_from_the_question() {
    let text = "{{SessionName}}:{{AccountID}}:{{AccessKeyID}}";
    let document = document(&list("rolearn", &[(DEV, text, &[])]), "", "");
    let bare = ask(
        &document,
        Question {
            arn: DEV,
            ..Question::default()
        },
    );
    assert!(bare.allowed());
    assert_eq!(
        bare.reason().as_deref(),
        Some("{{SessionName}} needs --session-name, {{AccessKeyID}} needs --access-key-id")
    );
    let whole = ask(
        &document,
        Question {
            arn: "arn:aws:sts::111122223333:assumed-role/Dev/alice@example.com",
            access_key_id: Some("ASIAEXAMPLEKEY"),
            account: Some("444455556666"),
            ..Question::default()
        },
    );
    assert_eq!(whole.reason(), None);
    assert_eq!(
        whole.answers[0].user.as_ref().map(|user| &*user.username),
        Ok("alice-example.com:444455556666:ASIAEXAMPLEKEY")
    );
}

#[test]
fn node_entry_admits_only_instances() {
    let roles = list(
        "rolearn",
        &[(DEV, "system:node:{{EC2PrivateDNSName}}", &["system:nodes"])],
    );
    let document = document(&roles, "", "- '111122223333'\n");
    let question = Question {
        arn: DEV,
        ..Question::default()
    };
    let human = ask(
        &document,
        Question {
            session_name: Some("alice"),
            ..question
        },
    );
    assert!(!human.allowed(), "it must not fall back to the account");
    assert!(
        human
            .reason()
            .expect("a reason")
            .ends_with("SessionName did not contain an instance id")
    );
    let node = Question {
        private_dns_name: Some("ip-10-0-0-1.ec2.internal"),
        ..question
    };
    for session_name in [None, Some("i-12345678")] {
        let node = ask(
            &document,
            Question {
                session_name,
                ..node
            },
        );
        assert_eq!(
            node.answers[0].user.as_ref().map(|user| &*user.username),
            Ok("system:node:ip-10-0-0-1.ec2.internal")
        );
    }
    let unknown = ask(&document, question);
    assert_eq!(
        unknown.reason().as_deref(),
        Some("{{EC2PrivateDNSName}} needs --private-dns-name")
    );
}

#[test]
fn account_entry_admits_under_the_own_arn_and_near_matches_are_listed() {
    let roles = list(
        "rolearn",
        &[("arn:aws:iam::111122223333:role/team/Dev", "dev", &["g"])],
    );
    let document = document(&roles, "", "- '111122223333'\n");
    let found = ask(
        &document,
        Question {
            arn: DEV,
            ..Question::default()
        },
    );
    assert!(found.allowed());
    assert_eq!(found.answers[0].place.section, SectionName::Accounts);
    assert_eq!(
        found.answers[0].user.as_ref().map(|user| &*user.username),
        Ok(DEV)
    );
    assert_eq!(found.near.len(), 1);
}

#[test]
fn several_matching_entries_are_all_listed() {
    let users = list(
        "userarn",
        &[
            ("arn:aws:iam::1:user/bob", "a", &[]),
            ("arn:aws:iam::1:user/Bob", "b", &[]),
        ],
    );
    let document = document("", &users, "");
    let found = ask(
        &document,
        Question {
            arn: "arn:aws:iam::1:user/bob",
            ..Question::default()
        },
    );
    assert_eq!(found.answers.len(), 2);
    assert_eq!(
        found.reason().as_deref(),
        Some("2 entries match, and the authenticator picks any of them")
    );
}

#[test]
fn arn_that_is_no_identity_has_the_authenticators_message() {
    let document = document("", "", "");
    let arn = "arn:aws:iam::111122223333:instance-profile/Dev";
    let error = explain(
        &document,
        &Question {
            arn,
            ..Question::default()
        },
    );
    assert_eq!(
        error.expect_err("no identity").to_string(),
        "unrecognized resource instance-profile/Dev for service iam"
    );
    let unmapped = ask(
        &document,
        Question {
            arn: DEV,
            ..Question::default()
        },
    );
    assert_eq!(
        (unmapped.allowed(), unmapped.reason()),
        (false, Some(NOT_MAPPED.to_owned()))
    );
}

mod with_access_entries {
    use super::*;
    use crate::authenticator::AccessEntries;
    use crate::facts::access_entries::{AccessEntry, AccessTerms, STANDARD};
    use crate::facts::authentication_mode::AuthenticationMode::{self, Api, ApiAndConfigMap};

    const PATHED: &str = "arn:aws:iam::111122223333:role/team/Dev";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Dev/ann@example.com";

    fn entries(mode: AuthenticationMode, username: Option<&str>) -> AccessEntries {
        let terms = AccessTerms {
            kind: STANDARD.to_owned(),
            username: username.map(str::to_owned),
            groups: vec!["devs".to_owned()],
            policies: Some(Vec::new()),
            ..AccessTerms::default()
        };
        let entry = AccessEntry {
            principal_arn: PATHED.to_owned(),
            terms: Some(terms),
        };
        AccessEntries::new(mode, Some(vec![entry]))
    }

    fn aws_auth() -> Document {
        let roles = list("rolearn", &[(DEV, "a", &[]), (DEV, "b", &[])]);
        document(&roles, "", "- '111122223333'\n")
    }

    fn asked(arn: &str, entries: &AccessEntries) -> Explanation {
        let question = Question {
            arn,
            access_entries: Some(entries),
            ..Question::default()
        };
        ask(&aws_auth(), question)
    }

    fn shadowed(explanation: &Explanation) -> Vec<(SectionName, usize)> {
        let places = explanation.shadowed.iter();
        places.map(|place| (place.section, place.line)).collect()
    }

    #[test]
    fn access_entry_decides_and_shadows_the_aws_auth_entries_of_its_principal() {
        for (username, expected) in [
            (
                None,
                "arn:aws:sts::111122223333:assumed-role/Dev/ann-example.com",
            ),
            (Some("dev:{{SessionNameRaw}}"), "dev:ann@example.com"),
        ] {
            let found = asked(SESSION, &entries(ApiAndConfigMap, username));
            assert_eq!((found.allowed(), found.reason()), (true, None));
            let user = found.access_entry.as_ref().and_then(|mapped| mapped.user());
            let user = user.map(|user| (user.username.as_str(), user.groups.join(",")));
            assert_eq!(user, Some((expected, "devs".to_owned())));
            assert_eq!(found.answers, []);
            let both = [(SectionName::Roles, 1), (SectionName::Roles, 2)];
            assert_eq!(shadowed(&found), both);
        }
        let found = asked(PATHED, &entries(ApiAndConfigMap, None));
        assert_eq!(found.canonical_arn, DEV);
        let reason = found.reason().unwrap_or_default();
        assert_eq!(reason, "{{SessionName}} needs --session-name");
    }

    #[test]
    fn principal_without_access_entry_uses_aws_auth_unless_the_mode_is_api() {
        let other = "arn:aws:iam::111122223333:role/Other";
        let found = asked(other, &entries(ApiAndConfigMap, None));
        assert_eq!(found.answers[0].place.section, SectionName::Accounts);
        assert_eq!(found.access_entry, None);

        let found = asked(other, &entries(Api, None));
        assert!(!found.allowed());
        let reason =
            "identity is not mapped: in authentication mode API, the cluster ignores aws-auth";
        assert_eq!(found.reason().as_deref(), Some(reason));
        assert_eq!(shadowed(&found), [(SectionName::Accounts, 1)]);
    }

    #[test]
    fn session_that_is_no_instance_is_rejected_as_node() {
        let found = asked(
            SESSION,
            &entries(ApiAndConfigMap, Some("system:node:{{EC2PrivateDNSName}}")),
        );
        assert!(!found.allowed());
        let reason = "SessionName did not contain an instance id";
        assert_eq!(found.reason().as_deref(), Some(reason));
    }

    #[test]
    fn unknown_contents_of_an_access_entry_are_reported() {
        let entry = AccessEntry {
            principal_arn: PATHED.to_owned(),
            terms: None,
        };
        let found = asked(SESSION, &AccessEntries::new(Api, Some(vec![entry])));
        assert!(found.allowed());
        let reason = "the contents of its access entry are unknown";
        assert_eq!(found.reason().as_deref(), Some(reason));
    }
}
