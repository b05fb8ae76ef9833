//! What a file should say, as a pattern that leaves open all that it does not name.

use super::entries::Entries;
use crate::written::new::New;

/// What a value should be.
#[derive(Clone, Debug)]
pub(super) enum Want {
    /// This text.
    Text(String),
    /// A list of just these texts.
    Texts(Vec<String>),
    /// A mapping in which these fields are so.
    Fields(Fields),
    /// A list with an item of this name, in which these fields are so.
    Item(String, Fields),
    /// A list without an item of this name.
    NoItem(String),
    /// Nothing, or what is as good as that.
    Absent { or: &'static str },
}

/// Fields of a mapping in their order, `name` aside.
pub(super) type Fields = Vec<(&'static str, Want)>;

/// The name of an item.
pub(super) const NAME: &str = "name";

impl Want {
    /// The value where there is none yet; `None` where none is wanted.
    pub(super) fn fresh(&self) -> Option<New<'_>> {
        Some(match self {
            Self::Text(text) => New::Text(text),
            Self::Texts(texts) => New::List(texts.iter().map(|text| New::Text(text)).collect()),
            Self::Fields(fields) => New::Map(fresh(fields)),
            Self::Item(name, fields) => New::List(vec![item(name, fields)]),
            Self::NoItem(_) | Self::Absent { .. } => return None,
        })
    }
}

/// An item of a list, its keys in the order of the alphabet as kubectl writes them.
pub(super) fn item<'a>(name: &'a str, fields: &'a Fields) -> New<'a> {
    let mut entries = fresh(fields);
    let at = entries.partition_point(|(key, _)| *key < NAME);
    entries.insert(at, (NAME, New::Text(name)));
    New::Map(entries)
}

pub(super) fn fresh(fields: &Fields) -> Vec<(&str, New<'_>)> {
    let fresh = fields
        .iter()
        .filter_map(|(key, want)| Some((*key, want.fresh()?)));
    fresh.collect()
}

/// What a kubeconfig with these entries says; one that says nothing yet also needs to say what it is.
pub(super) fn of(entries: &Entries, is_empty: bool) -> Fields {
    let text = |text: &str| Want::Text(text.to_owned());
    let cluster = &entries.cluster;
    let mut of_cluster = Vec::new();
    if let Some(data) = &cluster.certificate_authority_data {
        // Beside the data, kubectl takes neither.
        of_cluster.push(("certificate-authority", Want::Absent { or: "" }));
        of_cluster.push(("certificate-authority-data", text(data)));
        of_cluster.push(("insecure-skip-tls-verify", Want::Absent { or: "false" }));
    }
    of_cluster.push(("server", text(&cluster.server)));
    let exec = &entries.user.exec;
    let variable = "AWS_PROFILE".to_owned();
    let env = match &exec.profile {
        Some(profile) => Want::Item(variable, vec![("value", text(profile))]),
        None => Want::NoItem(variable),
    };
    let of_exec = vec![
        ("apiVersion", text("client.authentication.k8s.io/v1")),
        ("args", Want::Texts(exec.args.clone())),
        ("command", text(&exec.command)),
        ("env", env),
        ("interactiveMode", text("Never")),
    ];
    let of_user = vec![("exec", Want::Fields(of_exec))];
    let of_context = vec![
        ("cluster", text(&cluster.name)),
        ("user", text(&entries.user.name)),
    ];
    let entry =
        |name: &str, key, fields| Want::Item(name.to_owned(), vec![(key, Want::Fields(fields))]);
    let mut fields = vec![
        ("clusters", entry(&cluster.name, "cluster", of_cluster)),
        ("contexts", entry(&entries.context, "context", of_context)),
        ("current-context", text(&entries.context)),
        ("users", entry(&entries.user.name, "user", of_user)),
    ];
    if is_empty {
        fields.insert(0, ("apiVersion", text("v1")));
        fields.insert(4, ("kind", text("Config")));
    }
    fields
}
