//! The aws-auth documents to check, and where they come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::collect_facts::{self, Requested};
use crate::backend::files::{Candidate, Content, relative, search};
use crate::backend::input_files::is_stdin;
use crate::backend::{Backend, Target};
use crate::output::{FixedFinding, Origin};
use crate::terminal::{Failure, Out};
use awsauth_core::document::{Document, SectionName};
use awsauth_core::lint::{Change, Facts, ObjectChange, Report, Selection, lint};
use awsauth_core::terraform_show::{ObjectAction, Resource};

/// An aws-auth that was read.
pub(super) struct Source {
    input: Input,
    data: BTreeMap<String, Arc<str>>,
    document: Document,
    facts: Facts,
    /// The file's path relative to the checkout; `None` without a file.
    path: Option<String>,
}

/// What an aws-auth was read from.
enum Input {
    Backend(Backend),
    Plan { file: String, resource: Resource },
}

/// What was read, and what could not be read.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) read: Vec<Source>,
    pub(super) failures: Vec<Failure>,
    /// The fixed findings.
    pub(super) fixed: Vec<FixedFinding>,
    /// Whether the report of a write was printed before their findings.
    pub(super) follow_output: bool,
}

impl Sources {
    /// Reads these files, or if there are none, the target of the other flags.
    pub(super) fn read(
        files: &[PathBuf],
        requested: &Requested<'_>,
        target: &Target,
        matches: &clap::ArgMatches,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let mut sources = Self::default();
        let candidates = if files.is_empty() {
            let backend = Backend::open(target, matches, false, out)?;
            match backend.path() {
                Some(path) => vec![Candidate::named(path)],
                None => {
                    let read = Source::of_cluster(backend, requested, out);
                    sources.add(read.map(|source| vec![source]));
                    return Ok(sources);
                }
            }
        } else {
            target.only_files(matches)?;
            search(files)?
        };
        for candidate in candidates {
            let read = candidate.read(out);
            sources
                .add(read.map(|content| Source::of_file(&candidate, content, requested.account)));
        }
        sources.note_if_empty(files, out);
        Ok(sources)
    }

    /// Prints a note if no file contains an aws-auth.
    pub(super) fn note_if_empty(&self, files: &[PathBuf], out: &mut Out) {
        if self.read.is_empty() && self.failures.is_empty() {
            let names: Vec<String> = files
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            out.note(&format!("No aws-auth in {}.", names.join(", ")));
        }
    }

    pub(super) fn add(&mut self, read: Result<Vec<Source>, Failure>) {
        match read {
            Ok(sources) => self.read.extend(sources),
            Err(failure) => self.failures.push(failure),
        }
    }
}

impl Source {
    fn new(
        input: Input,
        data: BTreeMap<String, Arc<str>>,
        facts: Facts,
        path: Option<String>,
    ) -> Self {
        Self {
            facts,
            document: Document::read(&data),
            input,
            data,
            path,
        }
    }

    /// Reads the result of a write; for stdin, the text that was printed.
    pub(super) fn after_write(
        backend: Backend,
        requested: &Requested<'_>,
        out: &mut Out,
    ) -> Result<Vec<Self>, Failure> {
        let Some(path) = backend.path().map(Path::to_owned) else {
            return Self::of_cluster(backend, requested, out).map(|source| vec![source]);
        };
        let candidate = Candidate::named(&path);
        let content = if is_stdin(&path) {
            Some(Content::Manifest(backend))
        } else {
            candidate.read(out)?
        };
        Ok(Self::of_file(&candidate, content, requested.account))
    }

    fn of_cluster(
        mut backend: Backend,
        requested: &Requested<'_>,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let (snapshot, facts) = collect_facts::of_cluster(&mut backend, requested, out)?;
        Ok(Self::new(
            Input::Backend(backend),
            snapshot.data,
            facts,
            None,
        ))
    }

    pub(super) fn of_file(
        candidate: &Candidate,
        content: Option<Content>,
        account: Option<&str>,
    ) -> Vec<Self> {
        let path = candidate.path();
        let path = (!is_stdin(path)).then(|| relative(path));
        match content {
            None => Vec::new(),
            Some(Content::Manifest(backend)) => {
                let manifest = backend.manifest().map(|(_, manifest)| manifest);
                let data = manifest.map(|manifest| manifest.data().clone());
                let facts = Facts {
                    manifest_faults: backend.manifest_faults(),
                    ..collect_facts::of_file(manifest, account)
                };
                let data = data.unwrap_or_default();
                vec![Self::new(Input::Backend(backend), data, facts, path)]
            }
            Some(Content::Terraform(file, resources)) => {
                let each = resources.into_iter().map(|resource| {
                    let (data, file) = (resource.after.clone(), file.clone());
                    let facts = Facts {
                        change: change(&resource),
                        ..collect_facts::of_file(None, account)
                    };
                    let input = Input::Plan { file, resource };
                    Self::new(input, data, facts, path.clone())
                });
                each.collect()
            }
        }
    }

    /// Runs the rules.
    pub(super) fn check(&self, selection: &Selection) -> Report {
        lint(&self.data, &self.document, &self.facts, selection)
    }

    /// Returns notes about what could not be checked.
    pub(super) fn unchecked(&self) -> Vec<String> {
        let Input::Plan { file, resource } = &self.input else {
            return Vec::new();
        };
        let address = &resource.address;
        let mut notes = Vec::new();
        let unknown = resource.unknown.iter().map(|name| name.key());
        let unknown: Vec<&str> = unknown.collect();
        if !unknown.is_empty() {
            notes.push(format!(
                "Not checked: {} of {address} in {file}, which is known only after the plan is applied.",
                unknown.join(", ")
            ));
        }
        if resource.takes_over {
            let keys = SectionName::ALL.into_iter().map(SectionName::key);
            let keys: Vec<&str> = keys
                .filter(|key| resource.after.contains_key(*key) || unknown.contains(key))
                .collect();
            notes.push(format!(
                "Not checked: the current {} in the cluster. {address} in {file} replaces it (force), including node entries.",
                keys.join(", ")
            ));
        }
        notes
    }

    pub(super) fn origin(&self) -> Origin<'_> {
        match &self.input {
            Input::Backend(backend) => match backend.manifest() {
                Some((file, manifest)) => Origin::File {
                    file,
                    path: self.path.clone(),
                    manifest,
                },
                None => Origin::Live,
            },
            Input::Plan { file, resource } => Origin::Plan {
                file: file.clone(),
                path: self.path.clone(),
                address: resource.address.clone(),
            },
        }
    }

    pub(super) fn document(&self) -> &Document {
        &self.document
    }
}

/// Returns what a plan changes, if it shows the text before the change.
fn change(resource: &Resource) -> Option<Change> {
    let object = match resource.object {
        ObjectAction::Kept => ObjectChange::Updated,
        ObjectAction::Replaced => ObjectChange::Replaced,
        ObjectAction::Deleted => ObjectChange::Deleted,
        ObjectAction::Forgotten => return None,
    };
    Some(Change {
        before: Document::read(resource.before.as_ref()?),
        object,
        unknown: resource.unknown.clone(),
    })
}
