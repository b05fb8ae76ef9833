use super::entries::Entries;
use super::mend::Done;

/// What became of one part of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which part.
    pub part: Part,
    /// The entry's name.
    pub name: String,
    /// What became of it.
    pub what: What,
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
    /// `current-context`.
    CurrentContext,
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// There was none.
    Added,
    /// Some of its fields were not as wanted.
    Mended(Vec<Mend>),
    /// It was as wanted.
    Unchanged,
}

/// What became of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// Its path in the entry, such as `exec.command`.
    pub field: String,
    /// What became of it.
    pub how: How,
}

/// What became of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// There was none.
    Added,
    /// It said something else: this, where that is short and no secret.
    Changed(Option<String>),
    /// It is gone.
    Removed,
}

/// Fields whose old text may be shown.
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

fn what(list: &str, steps: &[Done]) -> What {
    let mut mends: Vec<Mend> = Vec::new();
    for step in steps {
        let path: Vec<&str> = step.path.iter().map(String::as_str).collect();
        // The path of an entry's field is list, name, `cluster` or the like, field.
        let field = match path[..] {
            [] => return What::Added,
            [first, ..] if first != list => continue,
            ["current-context"] => "current-context".to_owned(),
            [_] | [_, _] => return What::Added,
            [_, _, body] => body.to_owned(),
            // The variable of an item in env, not its `value`.
            [_, _, _, "exec", "env", ..] => "exec.env.AWS_PROFILE".to_owned(),
            [_, _, _, ref field @ ..] => field.join("."),
        };
        let how = match (&step.before, step.present) {
            (_, false) => How::Removed,
            (Some(before), _) => {
                How::Changed(SHOWN.contains(&field.as_str()).then(|| before.clone()))
            }
            // Of a list, only some items may be new.
            (None, true) if field == "exec.args" => How::Changed(None),
            (None, true) => How::Added,
        };
        if mends.last().is_none_or(|last| last.field != field) {
            mends.push(Mend { field, how });
        }
    }
    match &mends[..] {
        [] => What::Unchanged,
        [
            Mend {
                how: How::Added, ..
            },
        ] if list == "current-context" => What::Added,
        _ => What::Mended(mends),
    }
}
