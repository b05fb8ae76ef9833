//! Finds the aws-auth ConfigMap in a stream of documents.

use super::error::{HEAD, ManifestError, PASS_THE_FILE};
use crate::aws_auth_snapshot::OWNERS_ANNOTATION;
use crate::document::SectionName;
use goyaml::edit::obstacle::{self, Obstacle};
use goyaml::edit::span_tree::{Kind, NodeId, Pair, Style, Tree};
use goyaml::{Resolved, resolve};

/// The nodes of the ConfigMap that are read or changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) object: NodeId,
    pub(super) metadata: NodeId,
    pub(super) has_namespace: bool,
    /// `data`, if present.
    pub(super) data: Option<Pair>,
    /// Whether `data` is the whole document, in which sections are among other keys.
    pub(super) is_at_top_level: bool,
    /// `metadata.annotations`, if present.
    pub(super) annotations: Option<Pair>,
}

pub(super) fn find(tree: &Tree) -> Result<Place, ManifestError> {
    place(tree, find_object(tree)?)
}

pub(super) fn find_object(tree: &Tree) -> Result<NodeId, ManifestError> {
    let objects = objects(tree);
    let mut places = Vec::new();
    let mut others = Vec::new();
    for object in objects {
        match identify(tree, object) {
            Identity::AwsAuth => places.push(object),
            Identity::Other(what) => others.push((object, what)),
            Identity::Bare(what) => {
                return Err(ManifestError::Bare {
                    line: tree.node(object).line,
                    what,
                });
            }
        }
    }
    match places[..] {
        [] => Err(not_found(tree, &others)),
        [object] => Ok(object),
        [first, second, ..] => Err(ManifestError::Twice {
            first: tree.node(first).line,
            second: tree.node(second).line,
        }),
    }
}

/// Returns the documents that have content. Lists of objects are replaced with their items.
pub(super) fn objects(tree: &Tree) -> Vec<NodeId> {
    let mut objects = Vec::new();
    for &root in &tree.roots {
        if tree.is_null(root) {
            continue;
        }
        let is_list = text(tree, root, "kind").is_some_and(|kind| kind.ends_with("List"));
        match tree
            .get(root, "items")
            .map(|items| &tree.node(items.value).kind)
        {
            Some(Kind::Sequence { items, .. }) if is_list => objects.extend(items),
            _ => objects.push(root),
        }
    }
    objects
}

pub(super) enum Identity {
    AwsAuth,
    /// Sections without a ConfigMap.
    Bare(String),
    /// A description of anything else.
    Other(String),
}

pub(super) fn identify(tree: &Tree, object: NodeId) -> Identity {
    match &tree.node(object).kind {
        Kind::Sequence { items, .. } => {
            let about_aws = items.iter().any(|&item| {
                tree.pairs(item)
                    .iter()
                    .filter_map(|pair| tree.scalar(pair.key))
                    .any(|key| {
                        key.eq_ignore_ascii_case("rolearn") || key.eq_ignore_ascii_case("userarn")
                    })
            });
            return if about_aws {
                Identity::Bare("a bare list of mappings".to_owned())
            } else {
                Identity::Other("a list".to_owned())
            };
        }
        Kind::Mapping { .. } => {}
        _ => return Identity::Other("text".to_owned()),
    }
    let section = |of: NodeId| {
        SectionName::ALL
            .map(SectionName::key)
            .into_iter()
            .find(|key| tree.get(of, key).is_some())
    };
    let Some(kind) = text(tree, object, "kind") else {
        if let Some(key) = section(object) {
            return Identity::Bare(format!("{key} at the top level"));
        }
        if let Some(key) = tree
            .get(object, "data")
            .and_then(|data| section(data.value))
        {
            return Identity::Bare(format!(
                "data.{key} without `kind: ConfigMap` and `metadata.name: aws-auth`"
            ));
        }
        return Identity::Other("a mapping without kind".to_owned());
    };
    let version = text(tree, object, "apiVersion");
    let metadata = tree.get(object, "metadata").map(|pair| pair.value);
    let of_metadata = |key| metadata.and_then(|metadata| text(tree, metadata, key));
    let name = of_metadata("name");
    let namespace = of_metadata("namespace").filter(|namespace| !namespace.is_empty());
    if kind == "ConfigMap"
        && version.is_none_or(|version| version == "v1")
        && name == Some("aws-auth")
        && namespace.is_none_or(|namespace| namespace == "kube-system")
    {
        return Identity::AwsAuth;
    }
    let mut what = kind.to_owned();
    match (name, of_metadata("generateName")) {
        (Some(name), _) => what += &format!(" {name}"),
        (None, Some(prefix)) => what += &format!(" with generateName {prefix}"),
        (None, None) => what += " without a name",
    }
    if let Some(namespace) = namespace {
        what += &format!(" of namespace {namespace}");
    }
    if let Some(version) = version.filter(|version| kind == "ConfigMap" && *version != "v1") {
        what += &format!(" of {version}");
    }
    Identity::Other(what)
}

/// Returns the text of a key's value; `None` if it is null or absent.
pub(super) fn text<'t>(tree: &'t Tree, of: NodeId, key: &str) -> Option<&'t str> {
    tree.get(of, key)
        .filter(|pair| !tree.is_null(pair.value))
        .and_then(|pair| tree.scalar(pair.value))
}

fn not_found(tree: &Tree, others: &[(NodeId, String)]) -> ManifestError {
    const SHOWN: usize = 5;
    if others.is_empty() {
        let hint = format!("begin it with `{HEAD}`");
        return ManifestError::NotFound {
            found: "the file is empty".to_owned(),
            hint,
        };
    }
    let mut shown: Vec<String> = others
        .iter()
        .take(SHOWN)
        .map(|(id, what)| format!("{what} (line {})", tree.node(*id).line))
        .collect();
    if others.len() > SHOWN {
        shown.push(format!("{} more", others.len() - SHOWN));
    }
    let hint = if others
        .iter()
        .any(|(_, what)| what.starts_with("ConfigMap aws-auth "))
    {
        "the authenticator reads only aws-auth in kube-system: set `namespace: kube-system`"
    } else if others
        .iter()
        .any(|(_, what)| what.starts_with("ConfigMap "))
    {
        "if this is aws-auth, set `name: aws-auth` and `namespace: kube-system`"
    } else {
        PASS_THE_FILE
    };
    ManifestError::NotFound {
        found: format!("the file has {}", shown.join(", ")),
        hint: hint.to_owned(),
    }
}

pub(super) fn place(tree: &Tree, object: NodeId) -> Result<Place, ManifestError> {
    if let Some(data) = tree.get(object, "data") {
        check_mapping(tree, data.value, "data", "data.")?;
    }
    place_with_repeated_keys(tree, object)
}

/// Returns the same as [`place`], but accepts keys that are repeated in `data`.
pub(super) fn place_with_repeated_keys(
    tree: &Tree,
    object: NodeId,
) -> Result<Place, ManifestError> {
    check_mapping(tree, object, "the ConfigMap", "")?;
    let metadata = tree
        .get(object, "metadata")
        .map_or(object, |pair| pair.value);
    check_mapping(tree, metadata, "metadata", "metadata.")?;
    for key in ["kind", "apiVersion"] {
        check_direct(tree, tree.get(object, key), key)?;
    }
    for key in ["name", "namespace"] {
        check_direct(tree, tree.get(metadata, key), &format!("metadata.{key}"))?;
    }
    let data = tree.get(object, "data");
    if let Some(data) = data {
        match check_mapping(tree, data.value, "data", "data.") {
            Err(ManifestError::Duplicate { .. }) => {}
            result => result?,
        }
    }
    let annotations = tree.get(metadata, "annotations");
    if let Some(annotations) = annotations {
        check_mapping(
            tree,
            annotations.value,
            "metadata.annotations",
            "metadata.annotations.",
        )?;
        let owners = tree.get(annotations.value, OWNERS_ANNOTATION);
        check_direct(
            tree,
            owners,
            &format!("metadata.annotations.{OWNERS_ANNOTATION}"),
        )?;
        if let Some(owners) = owners
            && let Some(what) = not_text(tree, owners.value)
        {
            let line = tree.node(owners.value).line;
            return Err(ManifestError::WrongKind {
                line,
                path: "the annotation",
                what,
                expected: "text",
            });
        }
    }
    let has_namespace =
        text(tree, metadata, "namespace").is_some_and(|namespace| !namespace.is_empty());
    Ok(Place {
        object,
        metadata,
        has_namespace,
        data,
        is_at_top_level: false,
        annotations,
    })
}

/// Checks that a mapping can be changed. `prefix` is the prefix of its keys in messages.
fn check_mapping(
    tree: &Tree,
    id: NodeId,
    path: &'static str,
    prefix: &str,
) -> Result<(), ManifestError> {
    obstacle::check_mapping(tree, id).map_err(|obstacle| match obstacle {
        Obstacle::Indirect { line, what } => ManifestError::Indirect {
            line,
            path: path.to_owned(),
            what,
        },
        Obstacle::Duplicate { line, key, first } => ManifestError::Duplicate {
            line,
            path: format!("{prefix}{key}"),
            first,
        },
        Obstacle::WrongKind { line, what } => ManifestError::WrongKind {
            line,
            path,
            what,
            expected: "a mapping",
        },
    })
}

/// Checks that a value can be changed.
pub(super) fn check_direct(
    tree: &Tree,
    pair: Option<Pair>,
    path: &str,
) -> Result<(), ManifestError> {
    let Some(pair) = pair else { return Ok(()) };
    match obstacle::check_node(tree, pair.value) {
        Err(Obstacle::Indirect { line, what }) => Err(ManifestError::Indirect {
            line,
            path: path.to_owned(),
            what,
        }),
        _ => Ok(()),
    }
}

/// Returns what a value is if it is not a string. A null is treated as an empty string, as by the API server.
pub(super) fn not_text(tree: &Tree, id: NodeId) -> Option<&'static str> {
    match &tree.node(id).kind {
        Kind::Sequence { .. } => Some("a list"),
        Kind::Mapping { .. } => Some("a mapping"),
        Kind::Alias(_) => Some("an alias"),
        Kind::Scalar {
            value,
            style: Style::Plain,
        } if !tree.is_null(id) => plain_type(value, tree.json),
        Kind::Scalar { .. } => None,
    }
}

/// Returns the type of a plain scalar that kubectl does not read as text.
fn plain_type(value: &str, json: bool) -> Option<&'static str> {
    match resolve(None, value) {
        Ok(Resolved::Bool(_)) => Some("a boolean"),
        Ok(Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_)) => Some("a number"),
        // JSON has numbers that YAML reads as text, such as 1E400.
        _ => json.then_some("a number"),
    }
}
