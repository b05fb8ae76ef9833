//! Reads mapAccounts, which the authenticator decodes directly into a list of strings, without a conversion to JSON.

use super::go_yaml_decoder::{DecodeError, Expansion, decode_base64, lossy_text};
use super::section_content::{SectionContent, span};
use super::{Entry, Field, Fields, Mapping, Principal, Problem, Status};
use goyaml::{NodeId, NodeKind, Place, Tree};
use goyaml::{Resolved, resolve, short_tag};

/// The result of reading one element.
enum Element {
    Account(String),
    /// The element is dropped, with this line in the error of the section.
    Dropped(String),
}

/// Reads the accounts of the document with this root.
pub(super) fn read_accounts(tree: &Tree<'_>, root: NodeId) -> SectionContent {
    let mut expansion = Expansion::new();
    let mut reading = SectionContent::empty();
    if !matches!(tree.node(root).kind, NodeKind::Sequence { .. }) {
        match not_a_list(tree, root, &mut expansion) {
            Ok(None) => {}
            Ok(Some(problem)) => reading.fail(vec![problem]),
            Err(DecodeError { message, at }) => return SectionContent::unreadable(message, at),
        }
        return reading;
    }
    let mut dropped = Vec::new();
    let mut failure = None;
    let count = tree.children(root).count();
    let _ = expansion.count(tree.node(root).start);
    for node in tree.children(root) {
        let element = if failure.is_some() {
            Ok(Element::Account(String::new()))
        } else {
            element(tree, node, &mut expansion)
        };
        let place = tree.node(node);
        let line = place.dash.unwrap_or(place.start).line() + 1;
        let status = match element {
            Ok(Element::Account(account)) => kept(account),
            Ok(Element::Dropped(message)) => {
                dropped.push((place.start, message.clone()));
                Status::Dropped {
                    mapping: mapping(String::new()),
                    reason: message,
                }
            }
            Err(error) => {
                failure = Some(error);
                kept(String::new())
            }
        };
        let fields = Fields {
            principal: Some(Field {
                key: span(place),
                value: span(place),
            }),
            ..Fields::default()
        };
        reading.entries.push(Entry {
            span: span(place),
            dash: place.dash.map(Place::offset),
            line,
            status,
            fields,
            decode_warnings: Vec::new(),
        });
    }
    if let Some(DecodeError { message, at }) = failure {
        if expansion.copies_too_much() {
            return SectionContent::unreadable(message, at);
        }
        // Elements dropped before the error are kept as empty accounts at the end.
        for entry in &mut reading.entries {
            if let Status::Dropped { mapping, .. } = &entry.status {
                entry.status = Status::Kept(mapping.clone());
            }
        }
        debug_assert_eq!(reading.entries.len(), count);
        reading.problems = vec![Problem {
            line: at.line() + 1,
            message,
        }];
    } else {
        reading.fail(dropped);
    }
    reading
}

impl SectionContent {
    /// Adds go-yaml's error for all elements of the wrong type.
    fn fail(&mut self, lines: Vec<(Place, String)>) {
        let Some((first, _)) = lines.first() else {
            return;
        };
        let line = first.line() + 1;
        let list: Vec<_> = lines
            .iter()
            .map(|(_, message)| format!("  {message}"))
            .collect();
        self.problems.push(Problem {
            line,
            message: format!("yaml: unmarshal errors:\n{}", list.join("\n")),
        });
    }
}

fn mapping(account: String) -> Mapping {
    Mapping {
        principal: Principal::Account(account),
        username: String::new(),
        groups: None,
    }
}

fn kept(account: String) -> Status {
    Status::Kept(mapping(account))
}

fn element(tree: &Tree<'_>, id: NodeId, expansion: &mut Expansion) -> Result<Element, DecodeError> {
    let node = tree.node(id);
    expansion.count(node.start)?;
    match &node.kind {
        NodeKind::Alias { name, target } => {
            expansion.enter(id, name, node.start)?;
            let element = element(tree, *target, expansion);
            expansion.leave(id);
            element
        }
        NodeKind::Scalar { value, .. } => {
            expansion.count_text(value, node.start)?;
            Ok(Element::Account(match scalar(tree, id)? {
                Resolved::Null => String::new(),
                Resolved::Binary => {
                    let error = |message: &str| DecodeError {
                        message: message.to_owned(),
                        at: node.start,
                    };
                    lossy_text(&decode_base64(value).map_err(error)?)
                }
                _ => value.clone().into_owned(),
            }))
        }
        NodeKind::Sequence { .. } => Ok(Element::Dropped(wrong(node.start, "!!seq", "string"))),
        NodeKind::Mapping { .. } => Ok(Element::Dropped(wrong(node.start, "!!map", "string"))),
    }
}

fn scalar(tree: &Tree<'_>, id: NodeId) -> Result<Resolved, DecodeError> {
    let node = tree.node(id);
    match &node.kind {
        NodeKind::Scalar {
            value, implicit, ..
        } if *implicit || node.tagged => {
            resolve(tree.tag(id), value).map_err(|message| DecodeError {
                message,
                at: node.start,
            })
        }
        _ => Ok(Resolved::Text),
    }
}

fn wrong(at: Place, found: &str, expected: &str) -> String {
    format!(
        "line {}: cannot unmarshal {found} into {expected}",
        at.line() + 1
    )
}

/// Reads a top level that is not a list: null is an empty list, anything else is an error.
fn not_a_list(
    tree: &Tree<'_>,
    root: NodeId,
    expansion: &mut Expansion,
) -> Result<Option<(Place, String)>, DecodeError> {
    let node = tree.node(root);
    expansion.count(node.start)?;
    let NodeKind::Scalar { value, .. } = &node.kind else {
        return Ok(Some((node.start, wrong(node.start, "!!map", "[]string"))));
    };
    let resolved = scalar(tree, root)?;
    if resolved == Resolved::Null {
        return Ok(None);
    }
    if resolved == Resolved::Binary && decode_base64(value).is_err() {
        let message = "yaml: !!binary value contains invalid base64 data".to_owned();
        return Err(DecodeError {
            message,
            at: node.start,
        });
    }

    let tag = match tree.tag(root) {
        // go-yaml prints these tags with the value, which is empty for real lists and mappings.
        Some(tag @ ("tag:yaml.org,2002:map" | "tag:yaml.org,2002:seq")) => {
            let found = short_tag(tag) + value;
            return Ok(Some((node.start, wrong(node.start, &found, "[]string"))));
        }
        Some(tag) => short_tag(tag),
        None => resolved.tag().to_owned(),
    };
    let shown = if value.len() > 10 {
        lossy_text(&value.as_bytes()[..7]) + "..."
    } else {
        value.clone().into_owned()
    };
    let found = format!("{tag} `{shown}`");
    Ok(Some((node.start, wrong(node.start, &found, "[]string"))))
}
