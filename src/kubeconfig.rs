//! A kubeconfig as somebody wrote it, and the entries of one cluster in it: text in, text out.
//!
//! What kubectl makes of such a file: <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>

mod entries;
mod error;
mod mend;
mod proof;
mod read;
mod report;
mod want;

pub use entries::{Cluster, Entries, Exec, User};
pub use error::KubeconfigError;
pub use report::{Change, How, Mend, Part, What};

pub use crate::written::Unwritable;
use crate::written::splice;
use crate::written::tree::Tree;

/// More steps than this no file takes; each step mends one field.
const MOST_STEPS: usize = 1000;

/// A kubeconfig as somebody wrote it.
#[derive(Clone, Debug)]
pub struct Kubeconfig {
    text: String,
    tree: Tree,
}

/// A kubeconfig with the entries that were wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The file's new text; what the entries do not name is as it was, byte for byte.
    pub text: String,
    /// What became of the cluster, the user, the context and the current context, in this order.
    pub changes: Vec<Change>,
    /// Other contexts that sign in as the same user, if that user changed.
    pub also_for: Vec<String>,
}

impl Kubeconfig {
    /// Reads a kubeconfig; an empty text is one that has no entries yet.
    ///
    /// # Errors
    /// When it is not one document of YAML, not a kubeconfig, or one that kubectl would refuse for the names of its
    /// entries.
    pub fn parse(text: impl Into<String>) -> Result<Self, KubeconfigError> {
        let text = text.into();
        let tree = read::read(&text)?;
        Ok(Self { text, tree })
    }

    /// The file as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it has a cluster of this name.
    pub fn has_cluster(&self, name: &str) -> bool {
        read::item(&self.tree, "clusters", name).is_some()
    }

    /// The context that kubectl uses if none is named.
    pub fn current_context(&self) -> Option<&str> {
        let root = *self.tree.roots.first()?;
        let pair = self.tree.get(root, "current-context")?;
        let name = self.tree.scalar(pair.value)?;
        (!name.is_empty() && !self.tree.is_null(pair.value)).then_some(name)
    }

    /// The file with these entries, their context being the current one. Fields that already are as wanted, unknown ones
    /// and all other entries stay as they are, with their comments, order and quotes.
    ///
    /// # Errors
    /// When a place that has to change is not plainly written, or a credential would be lost; and
    /// [`KubeconfigError::Bug`] when the new text, read again, is not exactly the old one with these entries.
    pub fn with(&self, entries: &Entries) -> Result<Edited, KubeconfigError> {
        read::no_credential_is_lost(&self.tree, &entries.user.name)?;
        let wanted = want::of(entries, read::is_empty(&self.tree));
        let mut text = self.text.clone();
        let mut tree = self.tree.clone();
        let mut steps = Vec::new();
        while let Some(step) = mend::next_step(&text, &tree, &wanted)? {
            text = splice::apply(&text, step.splices).ok_or_else(|| {
                KubeconfigError::Bug("two changes touch the same bytes".to_owned())
            })?;
            tree = read::read(&text).map_err(|error| KubeconfigError::Bug(error.to_string()))?;
            steps.push(step.done);
            if steps.len() > MOST_STEPS {
                return Err(KubeconfigError::Bug("it never ends".to_owned()));
            }
        }
        proof::prove(&self.tree, &text, &tree, &wanted).map_err(KubeconfigError::Bug)?;
        let changes = report::changes(entries, &steps);
        let user = changes.iter().find(|change| change.part == Part::User);
        let also_for = match user.map(|user| &user.what) {
            Some(What::Mended(_)) => read::contexts_of(&self.tree, &entries.user.name)
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
