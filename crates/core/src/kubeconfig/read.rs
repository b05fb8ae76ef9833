//! Reads a kubeconfig and finds its entries.

use std::collections::HashMap;

use super::desired_content::NAME;
use super::error::KubeconfigError;
use goyaml::edit::obstacle;
use goyaml::edit::span_tree::{Kind, NodeId, Style, Tree};
use goyaml::edit::{self, span_tree::ReadError};
use goyaml::{Resolved, resolve};

/// The lists of named entries.
const LISTS: [&str; 3] = ["clusters", "contexts", "users"];

/// The fields of a user that contain or name a credential. If the user also has a credential plugin, kubectl ignores the plugin or
/// rejects the kubeconfig.
const CREDENTIALS: [&str; 9] = [
    "token",
    "tokenFile",
    "username",
    "password",
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "auth-provider",
];

/// Reads one document and checks that it is a kubeconfig.
pub(super) fn read(text: &str) -> Result<Tree, KubeconfigError> {
    let tree = edit::read_yaml(text)
        .map_err(|ReadError { problem, line, .. }| KubeconfigError::Syntax { line, problem })?;
    if let Some(&second) = tree.roots.get(1) {
        return Err(KubeconfigError::Several {
            line: tree.node(second).line,
        });
    }
    if is_empty(&tree) {
        return Ok(tree);
    }
    let root = tree.roots[0];
    let not_a_kubeconfig = |line, what: String| KubeconfigError::NotAKubeconfig { line, what };
    let line = tree.node(root).line;
    match &tree.node(root).kind {
        Kind::Sequence { .. } => return Err(not_a_kubeconfig(line, "it is a list".to_owned())),
        Kind::Scalar { .. } => {
            return Err(not_a_kubeconfig(line, "it is a plain string".to_owned()));
        }
        Kind::Mapping { .. } | Kind::Alias(_) => {}
    }
    obstacle::check_mapping(&tree, root)
        .map_err(|obstacle| KubeconfigError::of(obstacle, "", ""))?;
    for (key, desired) in [("kind", "Config"), ("apiVersion", "v1")] {
        let Some(pair) = tree.get(root, key).filter(|pair| !tree.is_null(pair.value)) else {
            continue;
        };
        match tree.scalar(pair.value) {
            Some(value) if value == desired => {}
            Some(value) => {
                let line = tree.node(pair.key).line;
                return Err(not_a_kubeconfig(
                    line,
                    format!("its {key} is {value}, not {desired}"),
                ));
            }
            None => return Err(wrong_kind(&tree, pair.value, key, "text")),
        }
    }
    let known = [&LISTS[..], &["kind", "current-context"]].concat();
    let mut keys = known.iter().filter_map(|key| tree.get(root, key));
    if keys.next().is_none() && !tree.pairs(root).is_empty() {
        let what = "it has no clusters, contexts or users, and no `kind: Config`";
        return Err(not_a_kubeconfig(line, what.to_owned()));
    }
    if let Some(pair) = tree.get(root, "current-context")
        && tree.scalar(pair.value).is_none()
    {
        obstacle::check_node(&tree, pair.value)
            .map_err(|obstacle| KubeconfigError::of(obstacle, "current-context", ""))?;
        return Err(wrong_kind(&tree, pair.value, "current-context", "text"));
    }
    for list in LISTS {
        if let Some(pair) = tree
            .get(root, list)
            .filter(|pair| !tree.is_null(pair.value))
        {
            named_items(&tree, pair.value, list)?;
        }
    }
    Ok(tree)
}

/// Returns whether a file has no content.
pub(super) fn is_empty(tree: &Tree) -> bool {
    tree.roots.first().is_none_or(|&root| tree.is_null(root))
}

/// Returns the items of a list of named mappings. kubectl rejects a file in which two have the same name.
pub(super) fn named_items<'t>(
    tree: &'t Tree,
    list: NodeId,
    path: &str,
) -> Result<Vec<(NodeId, &'t str)>, KubeconfigError> {
    let of = |obstacle, path: &str| KubeconfigError::of(obstacle, path, "a list");
    obstacle::check_node(tree, list).map_err(|obstacle| of(obstacle, path))?;
    if !matches!(tree.node(list).kind, Kind::Sequence { .. }) {
        return Err(wrong_kind(tree, list, path, "a list"));
    }
    let mut seen = HashMap::new();
    let mut items = Vec::new();
    for &item in tree.items(list) {
        let line = tree.node(item).line;
        let indirect = |what: String| KubeconfigError::Indirect {
            line,
            path: path.to_owned(),
            what,
        };
        match &tree.node(item).kind {
            Kind::Mapping { .. } => {}
            Kind::Alias(name) => return Err(indirect(format!("the alias *{name}"))),
            _ => {
                return Err(wrong_kind(
                    tree,
                    item,
                    &format!("an item of {path}"),
                    "a mapping",
                ));
            }
        }
        if tree.get(item, "<<").is_some() {
            return Err(indirect("the merge key <<".to_owned()));
        }
        let name = match tree.get(item, NAME).map(|pair| pair.value) {
            None => "",
            Some(name) => {
                let path = format!("a name in {path}");
                obstacle::check_node(tree, name).map_err(|obstacle| of(obstacle, &path))?;
                if !tree.is_null(name) && !is_text(tree, name) {
                    return Err(wrong_kind(tree, name, &path, "text"));
                }
                tree.scalar(name).unwrap_or_default()
            }
        };
        if let Some(first) = seen.insert(name, line) {
            return Err(KubeconfigError::DuplicateName {
                line,
                path: path.to_owned(),
                name: name.to_owned(),
                first,
            });
        }
        items.push((item, name));
    }
    Ok(items)
}

/// Returns the item with this name in a list of the document.
pub(super) fn item(tree: &Tree, list: &str, name: &str) -> Option<NodeId> {
    let list = tree.get(*tree.roots.first()?, list)?.value;
    tree.items(list)
        .iter()
        .copied()
        .find(|&item| name_of(tree, item) == Some(name))
}

fn name_of(tree: &Tree, item: NodeId) -> Option<&str> {
    tree.scalar(tree.get(item, NAME)?.value)
}

/// Returns the contexts that sign in as this user.
pub(super) fn contexts_of<'t>(tree: &'t Tree, user: &str) -> impl Iterator<Item = &'t str> {
    let root = tree.roots.first().copied();
    let list = root.and_then(|root| tree.get(root, "contexts"));
    let items = list.map_or(&[][..], |list| tree.items(list.value));
    items.iter().filter_map(move |&item| {
        let context = tree.get(item, "context")?.value;
        let signs_in = tree.scalar(tree.get(context, "user")?.value);
        (signs_in == Some(user)).then(|| name_of(tree, item))?
    })
}

/// Checks that a user entry has no credential of its own, because replacing it with a credential plugin could lose the
/// only copy.
pub(super) fn check_credentials(tree: &Tree, user: &str) -> Result<(), KubeconfigError> {
    let Some(pair) = item(tree, "users", user).and_then(|item| tree.get(item, "user")) else {
        return Ok(());
    };
    let own = CREDENTIALS.into_iter().find_map(|field| {
        let found = tree.get(pair.value, field)?;
        let is_empty = tree.is_null(found.value) || tree.scalar(found.value) == Some("");
        (!is_empty).then_some((field, found))
    });
    match own {
        Some((field, found)) => Err(KubeconfigError::OtherCredential {
            line: tree.node(found.key).line,
            user: user.to_owned(),
            field,
        }),
        None => Ok(()),
    }
}

/// Returns whether kubectl reads a scalar as text.
pub(super) fn is_text(tree: &Tree, id: NodeId) -> bool {
    match (tree.scalar(id), tree.style(id)) {
        (Some(value), Some(Style::Plain)) => {
            matches!(
                resolve(None, value),
                Ok(Resolved::Text | Resolved::Timestamp)
            )
        }
        (Some(_), _) => true,
        _ => false,
    }
}

pub(super) fn wrong_kind(
    tree: &Tree,
    id: NodeId,
    path: &str,
    desired: &'static str,
) -> KubeconfigError {
    let what = match &tree.node(id).kind {
        Kind::Mapping { .. } => "a mapping",
        Kind::Sequence { .. } => "a list",
        Kind::Alias(_) => "an alias",
        Kind::Scalar { .. } if tree.is_null(id) => "null",
        Kind::Scalar { .. } if is_text(tree, id) => "text",
        Kind::Scalar { .. } => "a number or boolean",
    };
    KubeconfigError::WrongKind {
        line: tree.node(id).line,
        path: path.to_owned(),
        what,
        desired,
    }
}
