//! Files that may hold aws-auth: those that are named, and what is found in folders and by patterns.

mod relative;
mod search;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::World;
use super::manifests::ManifestFile;
use super::sources::is_stdin;
use crate::edge::{Failure, Out};
use crate::manifest::{self, Manifest, ManifestError};
use crate::terraform::{self, Resource};

pub(crate) use relative::relative;
pub(crate) use search::search;

/// A file, or stdin.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// Its path; - is stdin.
    path: PathBuf,
    /// Whether it was named by itself, so that it has to hold aws-auth.
    is_named: bool,
}

/// What was found in a file.
pub(crate) enum Content {
    /// A manifest with aws-auth in it.
    Manifest(World),
    /// A plan or state of Terraform; its name, and the resources that hold aws-auth.
    Terraform(String, Vec<Resource>),
}

impl Candidate {
    /// A file that was named by itself.
    pub(crate) fn named(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            is_named: true,
        }
    }

    /// Its path; - is stdin.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; `None` of a file that was only found, and holds no aws-auth.
    ///
    /// # Errors
    /// When it can't be read, when one that was named holds no aws-auth, and when one that holds it has it in a form that is not read.
    /// Only the template of a chart, which is no YAML before it is rendered, is passed over where it was found.
    pub(crate) fn read(&self, out: &mut Out) -> Result<Option<Content>, Failure> {
        let mut file = if is_stdin(&self.path) {
            ManifestFile::of_stdin()
        } else {
            ManifestFile::at(self.path.clone(), Duration::ZERO)
        };
        let bytes = file.bytes()?;
        if !self.is_named && !names_it(&bytes) {
            return Ok(None);
        }
        let text = file.text(bytes)?;
        if let Some(resources) = terraform::read(&text) {
            return match resources.is_empty() {
                true if self.is_named => Err(Failure::usage(format!(
                    "cannot read aws-auth from {file}: no resource of the plan writes it"
                ))
                .hint("lint reads kubernetes_config_map, kubernetes_config_map_v1 and kubernetes_config_map_v1_data")),
                true => Ok(None),
                false => Ok(Some(Content::Terraform(file.to_string(), resources))),
            };
        }
        let is_template = manifest::is_template(&text);
        match Manifest::parse_amiss(text) {
            Ok((manifest, amiss)) => {
                file.hold(manifest, amiss);
                Ok(Some(Content::Manifest(World::Manifest(Box::new(file)))))
            }
            Err(error) if self.is_named => Err(file.holds_none(&error)),
            Err(ManifestError::NotFound { .. } | ManifestError::Bare { .. }) => Ok(None),
            Err(error @ ManifestError::Syntax { .. }) if is_template => {
                out.note(&format!("Passed over {file}: {error}."));
                Ok(None)
            }
            Err(error) => Err(file.holds_none(&error)),
        }
    }
}

/// Whether aws-auth can be in it at all: most files of a folder have nothing to do with it.
fn names_it(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"aws-auth";
    bytes.windows(NAME.len()).any(|window| window == NAME)
}
