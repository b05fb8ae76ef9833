//! Mistakes in the fields of an entry.

use fastrand::Rng;

use super::map_model::{A, entry};
use super::{Entry, Map, V, account, human, list, node, text, user};

/// Items to insert into a map.
pub(super) struct Made {
    roles: Vec<V>,
    users: Vec<V>,
    accounts: Vec<V>,
}

impl Made {
    /// Inserts them at random positions, in order.
    pub(super) fn into(self, map: &mut Map, rng: &mut Rng) {
        for (items, section) in [
            (self.roles, &mut map.roles),
            (self.users, &mut map.users),
            (self.accounts, &mut map.accounts),
        ] {
            let mut at = 0;
            for item in items {
                at = rng.usize(at..=section.len());
                section.insert(at, item);
                at += 1;
            }
        }
    }
}

fn roles(entries: impl IntoIterator<Item = Entry>) -> Made {
    Made {
        roles: entries.into_iter().map(V::Entry).collect(),
        users: Vec::new(),
        accounts: Vec::new(),
    }
}

fn users(entries: impl IntoIterator<Item = Entry>) -> Made {
    let Made { roles, .. } = roles(entries);
    Made {
        roles: Vec::new(),
        users: roles,
        accounts: Vec::new(),
    }
}

fn accounts(items: impl IntoIterator<Item = V>) -> Made {
    Made {
        accounts: items.into_iter().collect(),
        ..roles([])
    }
}

/// A user role with another value of a field.
fn with(key: &str, value: V) -> Entry {
    let mut entry = human("mistake");
    match entry.iter_mut().find(|(name, _)| name == key) {
        Some((_, old)) => *old = value,
        None => entry.push((key.to_owned(), value)),
    }
    entry
}

fn without(key: &str) -> Entry {
    human("mistake")
        .into_iter()
        .filter(|(name, _)| name != key)
        .collect()
}

fn renamed(from: &str, to: &str) -> Entry {
    let renamed =
        |(key, value): (String, V)| (if key == from { to.to_owned() } else { key }, value);
    human("mistake").into_iter().map(renamed).collect()
}

fn arn(arn: &str) -> Made {
    roles([with("rolearn", text(arn))])
}

fn username(name: &str) -> Made {
    roles([with("username", text(name))])
}

fn groups(names: &[&str]) -> Made {
    roles([with("groups", list(names))])
}

fn sso(fields: &[(&str, V)]) -> Entry {
    let fields = fields
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()));
    let mut entry = without("rolearn");
    entry.insert(0, ("sso".to_owned(), V::Entry(fields.collect())));
    entry
}

fn permission_set(name: &str) -> Entry {
    sso(&[
        ("permissionSetName", text(name)),
        ("accountID", text("444455556666")),
    ])
}

fn raw(value: &str) -> V {
    V::Raw(value.to_owned())
}

/// The mistakes, each with its rule and number.
pub(super) fn all() -> Vec<(&'static str, usize, Made)> {
    let mistake = format!("{A}:role/mistake");
    let mut node_without = node("mistake");
    node_without[2].1 = list(&["system:nodes"]);
    let mut node_called = node("mistake");
    node_called[1].1 = text("worker");
    let mut node_of_masters = node("mistake");
    node_of_masters[2].1 = list(&["system:masters"]);
    let mut odd_node = node("mistake");
    odd_node[1].1 = text("system:node:mistake-{{EC2PrivateDNSName}}");
    let mut bare_node = node("mistake");
    bare_node[1].1 = text("system:node:");
    let mut braces = node("mistake");
    braces[1].1 = text("system:node:{EC2PrivateDNSName}");
    let mut user_of_session = user("mistake");
    user_of_session[1].1 = text("mistake:{{SessionName}}");
    let mut user_of_node = user("mistake");
    user_of_node[1].1 = text("system:node:{{EC2PrivateDNSName}}");
    let foreign_node = entry(
        "rolearn",
        "arn:aws:iam::999988887777:role/mistake",
        "system:node:{{EC2PrivateDNSName}}",
        &["system:bootstrappers", "system:nodes"],
    );
    let twice = |key: &str, value: V| {
        let mut entry = human("mistake");
        entry.push((key.to_owned(), value));
        entry
    };
    let of_group = |name: &str| {
        let mut entry = human("mistake");
        entry[2].1 = list(&[name]);
        entry
    };
    let other = |key: &str, value: V| [human("mistake"), with(key, value)];
    let rules: Vec<(&'static str, Vec<Made>)> =
        vec![
        (
            "A01",
            [
                "4444-5555-6666",
                "44445555666",
                "arn:aws:iam::444455556666:root",
                "",
            ]
            .map(|id| accounts([account(id)]))
            .into(),
        ),
        (
            "A02",
            ["444455556666", "123412341234"]
                .map(|id| accounts([raw(id)]))
                .into(),
        ),
        (
            "A04",
            vec![
                accounts([account("999988887777")]),
                accounts([account("111122223333"), account("999988887777")]),
            ],
        ),
        ("A03", vec![accounts([account("111122223333")])]),
        (
            "D01",
            vec![
                roles([human("mistake"), human("mistake")]),
                roles([
                    human("mistake"),
                    with(
                        "rolearn",
                        text(mistake.to_uppercase().replace("ARN:AWS:IAM", "arn:aws:iam")),
                    ),
                ]),
                users([user("mistake"), user("mistake")]),
            ],
        ),
        (
            "D02",
            vec![
                roles(other("groups", list(&["others"]))),
                roles(other("username", text("other"))),
                users([
                    user("mistake"),
                    entry("userarn", &format!("{A}:user/mistake"), "mistake", &["others"]),
                ]),
            ],
        ),
        ("D03", vec![users([user("mistake"), user("MISTAKE")])]),
        (
            "D04",
            vec![Made {
                users: vec![V::Entry(entry("userarn", &mistake, "mistake", &["others"]))],
                ..roles([human("mistake")])
            }],
        ),
        (
            "D05",
            vec![
                roles(other("rolearn", text(format!("{A}:role/team/mistake")))),
                roles([
                    with("rolearn", text(format!("{A}:role/a/b/mistake"))),
                    of_group("others"),
                ]),
            ],
        ),
        (
            "G01",
            vec![
                roles([without("groups")]),
                groups(&[]),
                roles([with("groups", raw("null"))]),
            ],
        ),
        (
            "G03",
            ["cluster-admin", "view", "edit", "admin"]
                .map(|name| groups(&[name]))
                .into(),
        ),
        (
            "G04",
            [
                "system:master",
                "systems:masters",
                "system:Masters",
                "system:node",
                "system:bootstraper",
                "eks:kube-proxy-window",
            ]
            .map(|name| groups(&["developers", name]))
            .into(),
        ),
        (
            "G05",
            vec![
                groups(&["system:masters"]),
                groups(&["developers", "system:masters"]),
            ],
        ),
        (
            "G06",
            vec![
                groups(&["system:masters", "system:nodes"]),
                groups(&["system:bootstrappers", "system:masters"]),
                roles([node_of_masters]),
            ],
        ),
        ("G07", vec![groups(&["system:bootstrappers"])]),
        (
            "G08",
            [
                "system:unauthenticated",
                "system:serviceaccounts",
                "system:serviceaccounts:ci",
                "system:authenticated",
            ]
            .map(|name| groups(&[name]))
            .into(),
        ),
        (
            "G09",
            [
                "{{SessionName}}",
                "team-{{SessionName}}",
                "{{AccessKeyID}}-x",
            ]
            .map(|name| groups(&[name]))
            .into(),
        ),
        ("N04", vec![roles([node_without])]),
        ("N05", vec![roles([node_called]), roles([odd_node])]),
        ("N14", vec![roles([foreign_node])]),
        (
            "R01",
            [
                "mistake",
                "role/mistake",
                "arn:aws:iam:444455556666:role/mistake",
                "arn:aws:iam:eu-west-1:444455556666:role/mistake",
                "arn:aws:iam::444455556666:role/sl#ip",
                "arn:aws:iam::444455556666::role/mistake",
                "arn:aws:iam::444455556666:role",
            ]
            .map(arn)
            .into(),
        ),
        (
            "R02",
            [
                "arn:aws:iam::44445555666:role/mistake",
                "arn:aws:iam::4444-5555-6666:role/mistake",
                "arn:aws:iam::4444555566667:role/mistake",
            ]
            .map(arn)
            .into(),
        ),
        (
            "R03",
            [
                "team/mistake",
                "a/b/c/mistake",
                "/mistake",
                "mistake/",
                "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef",
            ]
            .map(|name| arn(&format!("{A}:role/{name}")))
            .into(),
        ),
        (
            "R04",
            [
                "AWSReservedSSO_Admin",
                "AWSReservedSSO_Admin_0123",
                "AWSReservedSSO_Admin_0123456789ABCDEG",
            ]
            .map(|name| arn(&format!("{A}:role/{name}")))
            .into(),
        ),
        (
            "R05",
            ["*", "team-*", "team-?"]
                .map(|name| arn(&format!("{A}:role/{name}")))
                .into(),
        ),
        (
            "R06",
            [
                "arn:aws:sts::444455556666:assumed-role/mistake/i-0ab",
                "arn:aws:sts::444455556666:assumed-role/mistake/ann@example.com",
                "arn:aws:sts::444455556666:role/mistake",
            ]
            .map(arn)
            .into(),
        ),
        (
            "R07",
            vec![
                arn(&format!("{A}:instance-profile/mistake")),
                arn(&format!("{A}:instance-profile/a/mistake")),
            ],
        ),
        (
            "R08",
            [
                format!("{A}:group/mistake"),
                format!("{A}:policy/mistake"),
                format!("{A}:saml-provider/mistake"),
                format!("{A}:oidc-provider/mistake"),
                "arn:aws:s3:::mistake".to_owned(),
            ]
            .map(|of| arn(&of))
            .into(),
        ),
        ("R17", vec![arn("arn:aws-cn:iam::444455556666:role/mistake")]),
        (
            "R09",
            [
                "arn:amazon:iam::444455556666:role/mistake",
                "arn:aws-eu:iam::444455556666:role/mistake",
                "arn::iam::444455556666:role/mistake",
            ]
            .map(arn)
            .into(),
        ),
        (
            "R10",
            vec![
                arn(&format!("{A}:root")),
                users([entry(
                    "userarn",
                    &format!("{A}:root"),
                    "mistake",
                    &["developers"],
                )]),
            ],
        ),
        (
            "R11",
            vec![
                arn(&format!("{A}:user/mistake")),
                users([entry("userarn", &mistake, "mistake", &["developers"])]),
            ],
        ),
        ("R13", vec![roles([permission_set("Mistake")])]),
        (
            "R14",
            vec![roles([sso(&[
                ("permissionSetName", text("Mistake")),
                ("accountID", text("444455556666")),
                ("partition", text("aws")),
            ])])],
        ),
        (
            "R15",
            vec![
                roles([sso(&[
                    ("permissionSetName", text("Mistake")),
                    ("accountID", text("44445555666")),
                ])]),
                roles([sso(&[
                    ("permissionSetName", text("Sl ip")),
                    ("accountID", text("444455556666")),
                ])]),
                roles([sso(&[
                    ("permissionSetName", text("Mistake")),
                    ("accountID", raw("444455556666")),
                ])]),
            ],
        ),
        (
            "R16",
            vec![roles([
                permission_set("Mistake"),
                permission_set("Slip_ReadOnly"),
            ])],
        ),
        (
            "S07",
            vec![
                Made {
                    roles: vec![V::List(vec![V::Entry(human("mistake"))])],
                    ..roles([])
                },
                Made {
                    roles: vec![text("mistake")],
                    ..roles([])
                },
                Made {
                    roles: vec![raw("null")],
                    ..roles([])
                },
            ],
        ),
        (
            "S08",
            vec![
                roles([renamed("rolearn", "role_arn")]),
                roles([renamed("rolearn", "arn")]),
                roles([without("rolearn")]),
                users([renamed("rolearn", "user_arn")]),
            ],
        ),
        ("S09", vec![roles([user("mistake")]), users([human("mistake")])]),
        (
            "S10",
            vec![
                roles([with("groups", text("developers"))]),
                roles([with("groups", raw("7"))]),
                roles([with("groups", V::Entry(vec![("a".to_owned(), text("b"))]))]),
            ],
        ),
        (
            "S11",
            vec![
                roles([with("username", raw("12345"))]),
                roles([with("username", raw("yes"))]),
                roles([with("groups", V::List(vec![text("developers"), raw("7")]))]),
                roles([with(
                    "groups",
                    V::List(vec![V::Entry(vec![("system".to_owned(), text("masters"))])]),
                )]),
            ],
        ),
        (
            "S12",
            vec![
                roles([renamed("groups", "group")]),
                roles([renamed("username", "user")]),
                roles([renamed("username", "usernames")]),
                roles([twice("note", text("mine"))]),
            ],
        ),
        (
            "S13",
            vec![
                roles([twice("username", text("other"))]),
                roles([twice("Groups", list(&["others"]))]),
                roles([twice(
                    "roleARN",
                    text("arn:aws:iam::444455556666:role/other"),
                )]),
            ],
        ),
        (
            "S15",
            vec![
                groups(&["a,b"]),
                groups(&["system:bootstrappers - system:nodes"]),
            ],
        ),
        (
            "S16",
            vec![
                username("'mistake'"),
                username("mistake\u{a0}"),
                arn(&format!("<{mistake}>")),
                groups(&["\"developers\""]),
                arn(&format!("{mistake}\u{200b}")),
                username(" mistake"),
            ],
        ),
        (
            "S17",
            vec![
                arn("arn:aws:iam::${ACCOUNT_ID}:role/mistake"),
                arn("arn:aws:iam::xxxxxxxxxxxx:role/mistake"),
                arn("arn:aws:iam::$(ACCOUNT):role/mistake"),
                arn("arn:aws:iam::<ACCOUNT>:role/mistake"),
                username("YOUR_USERNAME"),
                username("CHANGEME"),
                username("%s"),
            ],
        ),
        (
            "U01",
            vec![
                roles([without("username")]),
                username(""),
                roles([with("username", raw("null"))]),
            ],
        ),
        (
            "U02",
            [
                "mistake:{{ SessionName }}",
                "mistake:{{AccountId}}",
                "mistake:{{Session}}",
                "mistake:{{EC2PrivateDnsName}}",
            ]
            .map(username)
            .into(),
        ),
        (
            "U03",
            vec![
                username("system:node:{{EC2PrivateDNSName}}"),
                users([user_of_session]),
                users([user_of_node]),
            ],
        ),
        (
            "U04",
            [
                "{{SessionName}}",
                "{{SessionNameRaw}}",
                "{{SessionName}}-mistake",
            ]
            .map(username)
            .into(),
        ),
        (
            "U05",
            vec![
                roles([bare_node]),
                roles([braces]),
                username("mistake:[[SessionName]]"),
                username("mistake:%7B%7BSessionName%7D%7D"),
                username("mistake:{{{SessionName}}}"),
            ],
        ),
        (
            "U06",
            [
                "system:admin",
                "eks:mistake",
                "system:serviceaccount:ci:mistake",
                "system:kube-scheduler",
                "aws:mistake",
                "iam:mistake",
                "amazon:mistake",
            ]
            .map(username)
            .into(),
        ),
        ("U07", vec![username("mistake:{{AccessKeyID}}")]),
    ];
    let numbered = rules.into_iter().flat_map(|(rule, made)| {
        made.into_iter()
            .enumerate()
            .map(move |(number, made)| (rule, number, made))
    });
    numbered.collect()
}
