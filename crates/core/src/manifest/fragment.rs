//! Sections that are lists of the file itself, not strings in a ConfigMap.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::Manifest;
use super::file_positions::FileLines;
use super::find_aws_auth::Place;
use crate::document::SectionName;
use goyaml::edit::lines::{line_at, line_start};
use goyaml::edit::read_yaml;
use goyaml::edit::span_tree::{Compare, Kind, NodeId, Pair, Tree};

/// A part of aws-auth without a Kubernetes object around it.
pub(super) enum Fragment {
    /// The file is the list of a section.
    List(SectionName),
    /// A patch with `data`, or the sections at the top level.
    Sections(Place),
}

impl Fragment {
    /// Returns what the only document of a file is a part of; `None` if it is an object or anything else.
    pub(super) fn of(tree: &Tree, root: NodeId) -> Option<Self> {
        if matches!(tree.node(root).kind, Kind::Sequence { .. }) {
            return section_of_list(tree, root).map(Self::List);
        }
        let mut of_objects = ["kind", "apiVersion", "metadata"].into_iter();
        if of_objects.any(|key| tree.get(root, key).is_some()) {
            return None;
        }
        let data = tree
            .get(root, "data")
            .filter(|data| has_section(tree, data.value));
        let is_at_top_level = data.is_none() && has_section(tree, root);
        let at_top_level = || {
            // The key is not used: all sections are in the value.
            let first = tree.pairs(root).first()?;
            is_at_top_level.then_some(Pair {
                value: root,
                ..*first
            })
        };
        Some(Self::Sections(Place {
            object: root,
            metadata: root,
            has_namespace: false,
            data: Some(data.or_else(at_top_level)?),
            is_at_top_level,
            annotations: None,
        }))
    }
}

/// Returns whether a mapping has the key of a section, in any letter case.
fn has_section(tree: &Tree, of: NodeId) -> bool {
    let keys = tree.pairs(of).iter();
    let mut keys = keys.filter_map(|pair| tree.scalar(pair.key));
    keys.any(is_section_in_any_case)
}

/// Returns whether a key is that of a section, in any letter case.
pub(super) fn is_section_in_any_case(key: &str) -> bool {
    let mut sections = SectionName::ALL.into_iter();
    sections.any(|section| section.key().eq_ignore_ascii_case(key))
}

/// Returns the section whose entries a list has, if all of them belong to the same one.
fn section_of_list(tree: &Tree, list: NodeId) -> Option<SectionName> {
    let has = |item: NodeId, name: &str| {
        let mut keys = tree
            .pairs(item)
            .iter()
            .filter_map(|pair| tree.scalar(pair.key));
        keys.any(|key| key.eq_ignore_ascii_case(name))
    };
    let items = || tree.items(list).iter().copied();
    match (
        items().any(|item| has(item, "rolearn")),
        items().any(|item| has(item, "userarn")),
    ) {
        (true, false) => Some(SectionName::Roles),
        (false, true) => Some(SectionName::Users),
        _ => None,
    }
}

impl Manifest {
    /// Reads a file that is the list of a section.
    pub(super) fn of_list(file: String, tree: Tree, root: NodeId, section: SectionName) -> Self {
        let mut manifest = Self::without_data(file, tree, root);
        let all = 0..manifest.text.len();
        manifest.add_list(section, all, 1);
        manifest
    }

    /// Reads a value that is a list as the text of a section, if it means the same on its own.
    pub(super) fn read_list(&mut self, key: &str) -> Option<()> {
        let section = SectionName::ALL
            .into_iter()
            .find(|section| section.key() == key)?;
        let pair = self.pair(key)?;
        let (key, value) = (self.tree.node(pair.key), self.tree.node(pair.value));
        let is_block =
            matches!(value.kind, Kind::Sequence { .. }) && !self.tree.is_flow(pair.value);
        let (start, line) = match line_start(&self.text, value.span.start) <= key.span.start {
            true => (value.span.start, value.line),
            false => (line_at(&self.text, key.span.end).next, key.line + 1),
        };
        // A block list may end with a comment.
        let last_line = line_at(&self.text, value.span.end.saturating_sub(1)).end;
        let end = if is_block {
            last_line.max(value.span.end)
        } else {
            value.span.end
        };
        let alone = read_yaml(self.text.get(start..end)?).ok()?;
        let &[root] = alone.roots.as_slice() else {
            return None;
        };
        let is_same = self
            .tree
            .same(pair.value, &alone, root, |_, _| Compare::All);
        is_same.then(|| self.add_list(section, start..end, line))
    }

    /// Adds a section whose text is in these bytes of the file, which begin in this line.
    fn add_list(&mut self, section: SectionName, bytes: Range<usize>, line: usize) {
        let text = self.text[bytes.clone()].into();
        self.data.insert(section.key().to_owned(), text);
        self.file_lines[section as usize] = Some(FileLines::from(line));
        self.lists[section as usize] = Some(bytes);
    }

    /// Returns a manifest whose aws-auth is not a ConfigMap in the file.
    pub(super) fn without_data(text: String, tree: Tree, object: NodeId) -> Self {
        let place = Place {
            object,
            metadata: object,
            has_namespace: false,
            data: None,
            is_at_top_level: false,
            annotations: None,
        };
        Self {
            text,
            tree,
            place,
            data: BTreeMap::new(),
            pairs: HashMap::new(),
            owners: None,
            file_lines: [const { None }; 3],
            literals: Vec::new(),
            lists: [const { None }; 3],
        }
    }
}
