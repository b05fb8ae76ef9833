//! Reports what an update changed.

use super::entries::Entries;
use super::update::Done;

/// The change to one part of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub part: Part,
    /// The name of the entry.
    pub name: String,
    pub what: EntryChange,
}

/// The parts of a kubeconfig that concern one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// An entry of `clusters`.
    Cluster,
    /// An entry of `users`.
    User,
    /// An entry of `contexts`.
    Context,
    CurrentContext,
}

/// The change to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryChange {
    /// It was added.
    Added,
    /// Some of its fields were changed.
    Updated(Vec<FieldChange>),
    /// It already was as requested.
    Unchanged,
}

/// A changed field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Its path in the entry, such as `exec.command`.
    pub field: String,
    pub how: FieldChangeKind,
}

/// How a field was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldChangeKind {
    /// It was added.
    Added,
    /// It had another value: this one, if it is short and not a secret.
    Changed(Option<String>),
    /// It was removed.
    Removed,
}

/// The fields whose old value may be shown.
const SHOWN: [&str; 7] = [
    "server",
    "exec.apiVersion",
    "exec.command",
    "exec.interactiveMode",
    "cluster",
    "user",
    "current-context",
];

pub(super) fn changes(entries: &Entries, steps: &[Done]) -> Vec<Change> {
    let change = |part, list: &str, name: &str| Change {
        part,
        name: name.to_owned(),
        what: what(list, steps),
    };
    vec![
        change(Part::Cluster, "clusters", &entries.cluster.name),
        change(Part::User, "users", &entries.user.name),
        change(Part::Context, "contexts", &entries.context),
        change(Part::CurrentContext, "current-context", &entries.context),
    ]
}

fn what(list: &str, steps: &[Done]) -> EntryChange {
    let mut fields: Vec<FieldChange> = Vec::new();
    for step in steps {
        let path: Vec<&str> = step.path.iter().map(String::as_str).collect();
        // The path of an entry's field is list, name, `cluster` or the like, field.
        let field = match path[..] {
            [] => return EntryChange::Added,
            [first, ..] if first != list => continue,
            ["current-context"] => "current-context".to_owned(),
            [_] | [_, _] => return EntryChange::Added,
            [_, _, body] => body.to_owned(),
            // The variable of an item in env, not its `value`.
            [_, _, _, "exec", "env", ..] => "exec.env.AWS_PROFILE".to_owned(),
            [_, _, _, ref field @ ..] => field.join("."),
        };
        let how = match (&step.before, step.present) {
            (_, false) => FieldChangeKind::Removed,
            (Some(before), _) => {
                FieldChangeKind::Changed(SHOWN.contains(&field.as_str()).then(|| before.clone()))
            }
            // Only some items of the list may be new.
            (None, true) if field == "exec.args" => FieldChangeKind::Changed(None),
            (None, true) => FieldChangeKind::Added,
        };
        if fields.last().is_none_or(|last| last.field != field) {
            fields.push(FieldChange { field, how });
        }
    }
    match &fields[..] {
        [] => EntryChange::Unchanged,
        [
            FieldChange {
                how: FieldChangeKind::Added,
                ..
            },
        ] if list == "current-context" => EntryChange::Added,
        _ => EntryChange::Updated(fields),
    }
}
