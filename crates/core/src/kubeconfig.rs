//! Edits the entries of one cluster in a kubeconfig.
//!
//! The file format: <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>

mod desired_content;
mod entries;
mod error;
mod read;
mod report;
mod update;
mod verify;

pub use entries::{Cluster, Entries, Exec, User};
pub use error::KubeconfigError;
pub use report::{Change, EntryChange, FieldChange, FieldChangeKind, Part};

pub use goyaml::edit::Unwritable;
use goyaml::edit::span_tree::Tree;
use goyaml::edit::splice;

/// The maximum number of steps. Each step changes one field, so no file needs more.
const MAX_STEPS: usize = 1000;

/// A kubeconfig file.
#[derive(Clone, Debug)]
pub struct Kubeconfig {
    text: String,
    tree: Tree,
}

/// A kubeconfig with the requested entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The file's new text. Everything that the entries do not name is unchanged.
    pub text: String,
    /// The changes to the cluster, the user, the context and the current context, in this order.
    pub changes: Vec<Change>,
    /// Other contexts that sign in as the same user, if that user changed.
    pub also_for: Vec<String>,
}

impl Kubeconfig {
    /// Reads a kubeconfig. An empty text is a kubeconfig without entries.
    ///
    /// # Errors
    /// If it is not a single YAML document, not a kubeconfig, or has two entries with the same name, which kubectl
    /// rejects.
    pub fn parse(text: impl Into<String>) -> Result<Self, KubeconfigError> {
        let text = text.into();
        let tree = read::read(&text)?;
        Ok(Self { text, tree })
    }

    /// Returns the file as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether it has a cluster with this name.
    pub fn has_cluster(&self, name: &str) -> bool {
        read::item(&self.tree, "clusters", name).is_some()
    }

    /// Returns the context that kubectl uses by default.
    pub fn current_context(&self) -> Option<&str> {
        let root = *self.tree.roots.first()?;
        let pair = self.tree.get(root, "current-context")?;
        let name = self.tree.scalar(pair.value)?;
        (!name.is_empty() && !self.tree.is_null(pair.value)).then_some(name)
    }

    /// Returns the file with these entries, and with their context as the current one. Fields that already match, unknown
    /// fields, and all other entries keep their comments, order and quotes.
    ///
    /// # Errors
    /// If a part that must change uses anchors, aliases, tags or merge keys, or if a credential would be lost. Returns
    /// [`KubeconfigError::Bug`] if the new text does not parse to the old content with exactly these entries.
    pub fn with(&self, entries: &Entries) -> Result<Edited, KubeconfigError> {
        read::check_credentials(&self.tree, &entries.user.name)?;
        let desired = desired_content::of(entries, read::is_empty(&self.tree));
        let mut text = self.text.clone();
        let mut tree = self.tree.clone();
        let mut steps = Vec::new();
        while let Some(step) = update::next_step(&text, &tree, &desired)? {
            text = splice::apply(&text, step.splices).ok_or_else(|| {
                KubeconfigError::Bug("two changes touch the same bytes".to_owned())
            })?;
            tree = read::read(&text).map_err(|error| KubeconfigError::Bug(error.to_string()))?;
            steps.push(step.done);
            if steps.len() > MAX_STEPS {
                return Err(KubeconfigError::Bug(
                    "the update does not terminate".to_owned(),
                ));
            }
        }
        verify::verify(&self.tree, &text, &tree, &desired).map_err(KubeconfigError::Bug)?;
        let changes = report::changes(entries, &steps);
        let user = changes.iter().find(|change| change.part == Part::User);
        let also_for = match user.map(|user| &user.what) {
            Some(EntryChange::Updated(_)) => read::contexts_of(&self.tree, &entries.user.name)
                .filter(|name| *name != entries.context)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        };
        Ok(Edited {
            text,
            changes,
            also_for,
        })
    }
}
