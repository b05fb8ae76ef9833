//! Files that may contain aws-auth: named files, and files found in folders and by patterns.

mod relative_path;
mod search;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Backend;
use super::input_files::is_stdin;
use super::manifest_file::ManifestFile;
use crate::terminal::{Failure, Out};
use awsauth_core::manifest::{self, Manifest, ManifestError};
use awsauth_core::terraform_show::{self, Resource};

pub(crate) use relative_path::relative;
pub(crate) use search::search;

/// A file, or stdin.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// The path; - is stdin.
    path: PathBuf,
    /// Whether it was named explicitly, so that it must contain aws-auth.
    is_named: bool,
}

/// The aws-auth in a file.
pub(crate) enum Content {
    /// A manifest with aws-auth.
    Manifest(Backend),
    /// A Terraform plan or state: its name, and the resources with aws-auth.
    Terraform(String, Vec<Resource>),
}

impl Candidate {
    /// Returns a candidate that was named explicitly.
    pub(crate) fn named(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            is_named: true,
        }
    }

    /// The path; - is stdin.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file; `None` if it was found in a search and has no aws-auth.
    ///
    /// # Errors
    /// If the file cannot be read, has aws-auth in an unsupported form, or was named explicitly and has no aws-auth. Chart templates that
    /// a search finds are skipped, because they are not YAML before they are rendered.
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
        if let Some(resources) = terraform_show::read(&text) {
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
        match Manifest::parse_with_faults(text) {
            Ok((manifest, manifest_faults)) => {
                file.set_manifest(manifest, manifest_faults);
                Ok(Some(Content::Manifest(Backend::Manifest(Box::new(file)))))
            }
            Err(error) if self.is_named => Err(file.not_aws_auth(&error)),
            Err(ManifestError::NotFound { .. } | ManifestError::Bare { .. }) => Ok(None),
            Err(error @ ManifestError::Syntax { .. }) if is_template => {
                out.note(&format!("Skipped {file}: {error}."));
                Ok(None)
            }
            Err(error) => Err(file.not_aws_auth(&error)),
        }
    }
}

/// Returns whether the file mentions aws-auth, to skip unrelated files quickly.
fn names_it(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"aws-auth";
    bytes.windows(NAME.len()).any(|window| window == NAME)
}
