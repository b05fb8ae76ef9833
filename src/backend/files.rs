//! Files that may contain aws-auth: named files, and files found in folders and by patterns.

mod relative_path;
mod search;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Backend;
use super::input_files::{desired_failure, is_stdin};
use super::manifest_file::ManifestFile;
use crate::terminal::{Failure, Out};
use awsauth_core::desired::{self, DesiredMapping};
use awsauth_core::helm_jinja_syntax;
use awsauth_core::manifest::{self, Manifest, ManifestError};
use awsauth_core::terraform_show::{self, Contents};

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

/// What a file contains.
pub(crate) enum Content {
    /// A manifest with aws-auth.
    Manifest(Backend),
    /// A Terraform plan or state, with its name.
    Terraform(String, Contents),
    /// Desired state in a form other than aws-auth, with the file's name and content.
    Desired {
        file: String,
        text: String,
        mappings: Vec<DesiredMapping>,
    },
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

    /// Reads the file; `None` if it is a template, or was found in a search and has no aws-auth.
    ///
    /// # Errors
    /// If the file cannot be read, has aws-auth in an unsupported form, or was named explicitly and has no aws-auth. Templates are skipped,
    /// because only their rendered output is aws-auth.
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
        let text = file.text(&bytes)?;
        if let Some(contents) = terraform_show::read(&text) {
            return Ok(Some(Content::Terraform(file.to_string(), contents)));
        }
        if self.is_named
            && is_terraform_configuration(&self.path)
            && TERRAFORM_NAMES.iter().any(|name| text.contains(name))
        {
            return Err(Failure::usage(format!(
                "{file} is configuration or state of Terraform, which lint does not read"
            ))
            .hint("terraform show -json plan.out | awsauth lint -"));
        }
        if let Some(line) = terraform_template(&self.path, &text) {
            skip(
                &file,
                line,
                "Lint the plan, as in terraform show -json plan.out | awsauth lint -.",
                out,
            );
            return Ok(None);
        }
        let action_line = || helm_jinja_syntax::first_action(&text).map(|action| action.line);
        // Helm takes every pair of braces for an action.
        let braces = text.lines().position(|line| line.contains("{{"));
        if let Some(index) = braces.filter(|_| is_in_chart_templates(&self.path)) {
            skip_template(&file, action_line().unwrap_or(index + 1), out);
            return Ok(None);
        }
        match Manifest::parse_with_faults(text.clone()) {
            Ok((manifest, manifest_faults)) => {
                if let Some(action) = manifest.template_action() {
                    skip_template(&file, action.line, out);
                    return Ok(None);
                }
                file.set_manifest(manifest, manifest_faults);
                Ok(Some(Content::Manifest(Backend::Manifest(Box::new(file)))))
            }
            Err(ManifestError::NotFound { .. } | ManifestError::Bare { .. })
                if desired::is_other_form(&text) =>
            {
                let file = file.to_string();
                let mappings =
                    desired::read(&text, &file, None).map_err(|error| desired_failure(&error))?;
                Ok(Some(Content::Desired {
                    file,
                    text,
                    mappings,
                }))
            }
            Err(ManifestError::Syntax { line, .. }) if manifest::is_template(&text) => {
                skip_template(&file, action_line().unwrap_or(line), out);
                Ok(None)
            }
            Err(error) if self.is_named => Err(file.not_aws_auth(&error)),
            Err(ManifestError::NotFound { .. } | ManifestError::Bare { .. }) => Ok(None),
            Err(error) => Err(file.not_aws_auth(&error)),
        }
    }
}

/// Skips a Helm or Jinja template.
fn skip_template(file: &ManifestFile, line: usize, out: &mut Out) {
    let advice = "Lint the rendered output, as in helm template RELEASE CHART | awsauth lint -.";
    skip(file, line, advice, out);
}

/// Skips a template.
fn skip(file: &ManifestFile, line: usize, advice: &str, out: &mut Out) {
    out.note(&format!(
        "Skipped {file}: line {line} is template text. {advice}"
    ));
}

/// What Terraform configuration of aws-auth or access entries contains.
const TERRAFORM_NAMES: [&str; 6] = [
    "aws-auth",
    "aws_auth",
    "access_entr",
    "map_roles",
    "rolearn",
    "userarn",
];

fn extension(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}

/// Returns whether a file has the name of Terraform configuration or state.
fn is_terraform_configuration(path: &Path) -> bool {
    matches!(extension(path), Some("tf" | "tfvars" | "tfstate" | "hcl"))
}

/// Returns the line of the first directive of a Terraform template, or of the first expression if the file has the name of a
/// template.
fn terraform_template(path: &Path, text: &str) -> Option<usize> {
    let is_named_so = matches!(extension(path), Some("tpl" | "tftpl" | "tmpl"));
    let mut lines = text.lines();
    let at = lines.position(|line| {
        line.trim_start().starts_with("%{") || (is_named_so && line.contains("${"))
    });
    at.map(|at| at + 1)
}

/// Returns whether a file is a template of a Helm chart, which Helm renders even if it is YAML.
fn is_in_chart_templates(path: &Path) -> bool {
    let mut folders = path.ancestors().skip(1);
    folders.any(|folder| {
        folder.ends_with("templates")
            && folder
                .parent()
                .is_some_and(|chart| chart.join("Chart.yaml").is_file())
    })
}

/// Returns whether the file mentions aws-auth or its entries, to skip unrelated files quickly.
fn names_it(bytes: &[u8]) -> bool {
    const NAMES: [&[u8]; 6] = [
        b"aws-auth",
        b"rolearn",
        b"userarn",
        b"iamIdentityMappings",
        b"AwsAuthMapping",
        b"aws_eks_access_entry",
    ];
    // In UTF-16, each of these letters has a zero byte next to it.
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let letters: Cow<'_, [u8]> = match is_utf16 {
        true => bytes.iter().copied().filter(|byte| *byte != 0).collect(),
        false => bytes.into(),
    };
    let finds = |name: &[u8]| letters.windows(name.len()).any(|window| window == name);
    NAMES.into_iter().any(finds)
}
