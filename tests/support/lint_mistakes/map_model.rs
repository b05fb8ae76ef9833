//! A map, independent of its style.

use fastrand::Rng;

/// A value.
#[derive(Clone)]
pub(crate) enum V {
    Text(String),
    /// Written verbatim, without quotes.
    Raw(String),
    List(Vec<Self>),
    Entry(Entry),
}

/// The fields of an entry.
pub(crate) type Entry = Vec<(String, V)>;

/// An aws-auth.
pub(crate) struct Map {
    pub(crate) roles: Vec<V>,
    pub(crate) users: Vec<V>,
    pub(crate) accounts: Vec<V>,
}

/// The account of the correct entries.
pub(crate) const A: &str = "arn:aws:iam::444455556666";

pub(crate) fn text(text: impl Into<String>) -> V {
    V::Text(text.into())
}

pub(crate) fn list(items: &[&str]) -> V {
    V::List(items.iter().map(|item| text(*item)).collect())
}

/// An entry with these fields.
pub(crate) fn entry(key: &str, arn: &str, username: &str, groups: &[&str]) -> Entry {
    vec![
        (key.to_owned(), text(arn)),
        ("username".to_owned(), text(username)),
        ("groups".to_owned(), list(groups)),
    ]
}

/// A user role.
pub(crate) fn human(name: &str) -> Entry {
    let username = format!("{name}:{{{{SessionName}}}}");
    entry(
        "rolearn",
        &format!("{A}:role/{name}"),
        &username,
        &["developers", "viewers"],
    )
}

/// A node role.
pub(crate) fn node(name: &str) -> Entry {
    let groups = ["system:bootstrappers", "system:nodes"];
    entry(
        "rolearn",
        &format!("{A}:role/{name}"),
        "system:node:{{EC2PrivateDNSName}}",
        &groups,
    )
}

pub(crate) fn user(name: &str) -> Entry {
    entry(
        "userarn",
        &format!("{A}:user/{name}"),
        name,
        &["developers"],
    )
}

pub(crate) fn account(id: &str) -> V {
    text(id)
}

impl Map {
    /// A correct entry.
    pub(crate) fn clean(size: usize, rng: &mut Rng) -> Self {
        let mut map = Self {
            roles: Vec::new(),
            users: Vec::new(),
            accounts: Vec::new(),
        };
        for number in 0..size {
            match rng.u32(..8) {
                0 => map.users.push(V::Entry(user(&format!("user-{number}")))),
                1 | 2 => map.roles.push(V::Entry(node(&format!("node-{number}")))),
                _ => map.roles.push(V::Entry(human(&format!("team-{number}")))),
            }
        }
        map
    }
}
