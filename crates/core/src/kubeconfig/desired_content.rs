//! The desired content of a kubeconfig, as a pattern that leaves open everything it does not name.

use super::entries::Entries;
use goyaml::edit::new_value::NewValue;

/// The desired state of a value.
#[derive(Clone, Debug)]
pub(super) enum Desired {
    /// This text.
    Text(String),
    /// A list of exactly these strings.
    Texts(Vec<String>),
    /// A mapping with these fields.
    Fields(Fields),
    /// A list that has an item with this name and these fields.
    Item(String, Fields),
    /// A list without an item with this name.
    NoItem(String),
    /// No value, or one that has the same effect.
    Absent { or: &'static str },
}

/// The fields of a mapping in order, without `name`.
pub(super) type Fields = Vec<(&'static str, Desired)>;

/// The key that names an item.
pub(super) const NAME: &str = "name";

impl Desired {
    /// Returns the value to add if there is none; `None` if none is desired.
    pub(super) fn fresh(&self) -> Option<NewValue<'_>> {
        Some(match self {
            Self::Text(text) => NewValue::Text(text),
            Self::Texts(texts) => {
                NewValue::List(texts.iter().map(|text| NewValue::Text(text)).collect())
            }
            Self::Fields(fields) => NewValue::Map(fresh(fields)),
            Self::Item(name, fields) => NewValue::List(vec![item(name, fields)]),
            Self::NoItem(_) | Self::Absent { .. } => return None,
        })
    }
}

/// Renders an item of a list, with its keys in alphabetical order as kubectl writes them.
pub(super) fn item<'a>(name: &'a str, fields: &'a Fields) -> NewValue<'a> {
    let mut entries = fresh(fields);
    let at = entries.partition_point(|(key, _)| *key < NAME);
    entries.insert(at, (NAME, NewValue::Text(name)));
    NewValue::Map(entries)
}

pub(super) fn fresh(fields: &Fields) -> Vec<(&str, NewValue<'_>)> {
    let fresh = fields
        .iter()
        .filter_map(|(key, desired)| Some((*key, desired.fresh()?)));
    fresh.collect()
}

/// Returns the desired fields of a kubeconfig. An empty file also needs `apiVersion` and `kind`.
pub(super) fn of(entries: &Entries, is_empty: bool) -> Fields {
    let text = |text: &str| Desired::Text(text.to_owned());
    let cluster = &entries.cluster;
    let mut of_cluster = Vec::new();
    if let Some(data) = &cluster.certificate_authority_data {
        // kubectl accepts neither of the two next to the data.
        of_cluster.push(("certificate-authority", Desired::Absent { or: "" }));
        of_cluster.push(("certificate-authority-data", text(data)));
        of_cluster.push(("insecure-skip-tls-verify", Desired::Absent { or: "false" }));
    }
    if let Some(proxy) = &cluster.proxy_url {
        of_cluster.push(("proxy-url", text(proxy)));
    }
    of_cluster.push(("server", text(&cluster.server)));
    let exec = &entries.user.exec;
    let variable = "AWS_PROFILE".to_owned();
    let env = match &exec.profile {
        Some(profile) => Desired::Item(variable, vec![("value", text(profile))]),
        None => Desired::NoItem(variable),
    };
    let of_exec = vec![
        ("apiVersion", text("client.authentication.k8s.io/v1")),
        ("args", Desired::Texts(exec.args.clone())),
        ("command", text(&exec.command)),
        ("env", env),
        ("interactiveMode", text("Never")),
    ];
    let of_user = vec![("exec", Desired::Fields(of_exec))];
    let of_context = vec![
        ("cluster", text(&cluster.name)),
        ("user", text(&entries.user.name)),
    ];
    let entry = |name: &str, key, fields| {
        Desired::Item(name.to_owned(), vec![(key, Desired::Fields(fields))])
    };
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
