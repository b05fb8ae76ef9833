//! aws-auth that a kustomization generates:
//! <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/configmapgenerator/>.

use super::Manifest;
use super::file_positions::FileLines;
use super::find_aws_auth::text;
use super::misplaced_section::{MisplacedSection, Misplacement};
use crate::document::SectionName;
use goyaml::edit::span_tree::{NodeId, Style, Tree};

/// An item of configMapGenerator that generates aws-auth.
pub(super) struct Generator {
    pub(super) item: NodeId,
    pub(super) literals: Vec<Literal>,
    /// The files that it reads.
    pub(super) files: Vec<String>,
    /// Why the result is not aws-auth.
    pub(super) misplaced: Option<MisplacedSection>,
}

/// A section in `literals`.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    pub(super) section: SectionName,
    /// The item of the list.
    pub(super) item: NodeId,
    /// The column of the list.
    pub(super) column: usize,
}

impl Generator {
    /// Reads the generator of aws-auth in a kustomization.
    pub(super) fn of(tree: &Tree, kustomization: NodeId) -> Option<Self> {
        let list = tree.get(kustomization, "configMapGenerator")?;
        let mut items = tree.items(list.value).iter().copied();
        let item = items.find(|item| text(tree, *item, "name") == Some("aws-auth"))?;
        let texts = |key: &str| {
            let list = tree.get(item, key);
            let items = list.map_or(&[][..], |list| tree.items(list.value)).iter();
            items.filter_map(|item| Some((*item, tree.scalar(*item)?)))
        };
        let list = tree.get(item, "literals").map(|pair| pair.value);
        let column = list.map_or(0, |list| tree.node(list).column);
        let literals = texts("literals").filter_map(|(item, literal)| {
            let (key, _) = literal.split_once('=')?;
            let section = SectionName::ALL
                .into_iter()
                .find(|section| section.key() == key)?;
            Some(Literal {
                section,
                item,
                column,
            })
        });
        let file = |file: &str| {
            file.split_once('=')
                .map_or(file, |(_, file)| file)
                .to_owned()
        };
        Some(Self {
            item,
            literals: literals.collect(),
            files: texts("files").map(|(_, path)| file(path)).collect(),
            misplaced: misplaced(tree, kustomization, item),
        })
    }
}

fn misplaced(tree: &Tree, kustomization: NodeId, item: NodeId) -> Option<MisplacedSection> {
    let span = |key: &str| {
        tree.get(item, key)
            .map(|pair| tree.node(pair.value).span.clone())
    };
    let has_no_hash = [(item, "options"), (kustomization, "generatorOptions")]
        .into_iter()
        .filter_map(|(of, key)| text(tree, tree.get(of, key)?.value, "disableNameSuffixHash"))
        .any(|value| value == "true");
    let prefix = text(tree, kustomization, "namePrefix").unwrap_or_default();
    let suffix = text(tree, kustomization, "nameSuffix").unwrap_or_default();
    let hash = if has_no_hash { "" } else { "-HASH" };
    let name = format!("{prefix}aws-auth{suffix}{hash}");
    let namespace =
        text(tree, kustomization, "namespace").or_else(|| text(tree, item, "namespace"));
    let (misplacement, key) = if name != "aws-auth" {
        (Misplacement::GeneratedName(name), "name")
    } else {
        match namespace {
            Some("kube-system") => return None,
            Some(_) => (Misplacement::Namespace, "namespace"),
            None => (Misplacement::NoNamespace, "name"),
        }
    };
    let span = span(key).or_else(|| span("name"))?;
    Some(MisplacedSection {
        what: "the generated ConfigMap aws-auth".to_owned(),
        misplacement,
        span,
    })
}

impl Manifest {
    /// Adds the sections in `literals`, whose contents follow `KEY=`.
    pub(super) fn with_literals(mut self, literals: Vec<Literal>) -> Self {
        for Literal { section, item, .. } in &literals {
            let literal = self.tree.scalar(*item).unwrap_or_default();
            let Some((_, text)) = literal.split_once('=') else {
                continue;
            };
            self.data.insert(section.key().to_owned(), text.into());
            let line = self.tree.node(*item).line;
            let is_block = matches!(self.tree.style(*item), Some(Style::Literal | Style::Folded));
            self.file_lines[*section as usize] =
                Some(FileLines::from(line + usize::from(is_block)));
        }
        self.literals = literals;
        self
    }
}
