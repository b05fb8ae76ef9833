//! The aws-auth documents to check, and where they come from.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::args::Args;
use super::collect_facts::{self, Requested};
use crate::backend::bounded_read::MAX_INPUT;
use crate::backend::files::{Candidate, Content, relative, search};
use crate::backend::input_files::is_stdin;
use crate::backend::{Backend, Target};
use crate::output::{FixedFinding, Origin};
use crate::terminal::{Failure, Out};
use awsauth_core::desired::{ResultingSections, resulting_sections};
use awsauth_core::document::{Document, SectionName};
use awsauth_core::lint::{Change, Facts, ObjectChange, Report, Selection, lint, shortened};
use awsauth_core::manifest::ManifestForm;
use awsauth_core::terraform_show::{Contents, ObjectAction, Resource};

/// An aws-auth that was read.
pub(super) struct Source {
    input: Input,
    data: BTreeMap<String, Arc<str>>,
    document: Document,
    facts: Facts,
    /// The file's path relative to the checkout; `None` without a file.
    path: Option<String>,
}

/// The source of an aws-auth.
enum Input {
    Backend(Backend),
    Plan {
        file: String,
        /// `None` for a plan whose resources do not write aws-auth.
        resource: Option<Resource>,
    },
    Desired {
        file: String,
        text: String,
        lines: [Vec<usize>; 3],
    },
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
        args: &Args,
        requested: &Requested<'_>,
        target: &Target,
        matches: &clap::ArgMatches,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let mut sources = Self::default();
        let files = &args.files;
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
        let mut total = 0;
        for candidate in candidates {
            let read = candidate.read(out);
            if !matches!(read, Ok(None)) {
                total += fs::metadata(candidate.path()).map_or(0, |file| file.len());
            }
            // The files stay in memory until all findings are known.
            if total > MAX_INPUT {
                let most = MAX_INPUT >> 20;
                return Err(
                    Failure::usage(format!("cannot lint more than {most} MiB at once"))
                        .hint("lint some of the files at a time"),
                );
            }
            sources
                .add(read.map(|content| Source::of_file(&candidate, content, requested.account)));
        }
        sources.check_not_empty(args, out);
        Ok(sources)
    }

    /// Adds a failure if there was nothing to check, or prints a note if that is allowed.
    pub(super) fn check_not_empty(&mut self, args: &Args, out: &mut Out) {
        if !self.read.is_empty() || !self.failures.is_empty() {
            return;
        }
        let names = args.files.iter().map(|path| path.display().to_string());
        let names = names.collect::<Vec<_>>().join(", ");
        let place = if names.is_empty() { "the file" } else { &names };
        let what = format!("no aws-auth in {place}");
        if args.allow_empty {
            out.note(&format!("Nothing was checked: {what}."));
            return;
        }
        let failure = Failure::usage(format!("nothing was checked: {what}"));
        self.failures
            .push(failure.hint("if that is right, add --allow-empty"));
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

    /// Reads the result of a write; for stdin, what was printed.
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

    pub(super) fn of_cluster(
        mut backend: Backend,
        requested: &Requested<'_>,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        if requested.needs_aws
            && let Err(failure) = backend.find_at_eks(out)
        {
            // The output names the rules that are not checked.
            out.detail(|| failure.message());
        }
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
                let manifest_faults = backend.manifest_faults();
                let facts = Facts {
                    is_file: manifest_faults.form == ManifestForm::ConfigMap,
                    manifest_faults,
                    ..collect_facts::of_file(manifest, account)
                };
                let data = data.unwrap_or_default();
                vec![Self::new(Input::Backend(backend), data, facts, path)]
            }
            Some(Content::Terraform(file, contents)) => {
                let Contents { aws_auth, access } = contents;
                let resources = aws_auth.into_iter().map(Some);
                // The other resources of a plan may matter even if none of them writes aws-auth.
                let resources: Vec<_> = match resources.len() {
                    0 => vec![None],
                    _ => resources.collect(),
                };
                let each = resources.into_iter().enumerate().map(|(number, resource)| {
                    let data = resource.as_ref().map(|resource| resource.after.clone());
                    let facts = Facts {
                        is_file: resource.as_ref().is_some_and(creates_all),
                        change: resource.as_ref().and_then(change),
                        // Findings that do not concern this aws-auth are reported once.
                        planned_access: match number {
                            0 => access.clone(),
                            _ => access.of_aws_auth(),
                        },
                        ..collect_facts::of_file(None, account)
                    };
                    let file = file.clone();
                    let input = Input::Plan { file, resource };
                    Self::new(input, data.unwrap_or_default(), facts, path.clone())
                });
                each.collect()
            }
            Some(Content::Desired {
                file,
                text,
                mappings,
            }) => {
                let ResultingSections { data, lines } = resulting_sections(&mappings);
                let facts = collect_facts::of_file(None, account);
                let input = Input::Desired { file, text, lines };
                vec![Self::new(input, data, facts, path)]
            }
        }
    }

    /// Runs the rules.
    pub(super) fn check(&self, selection: &Selection) -> Report {
        let mut report = lint(&self.data, &self.document, &self.facts, selection);
        if let Input::Desired { .. } = self.input {
            // The fixes are for the file that would be written.
            let findings = report.findings.iter_mut();
            findings.for_each(|finding| finding.fix = None);
        }
        report
    }

    /// Returns notes about what could not be checked.
    pub(super) fn unchecked(&self) -> Vec<String> {
        let (file, resource) = match &self.input {
            Input::Plan {
                file,
                resource: Some(resource),
            } => (file, resource),
            Input::Plan {
                file,
                resource: None,
            } => {
                return vec![format!("No resource in {file} writes aws-auth.")];
            }
            Input::Backend(backend) => return unread_files(backend).into_iter().collect(),
            Input::Desired { .. } => return Vec::new(),
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
                // Every finding repeats the address.
                address: resource
                    .as_ref()
                    .map(|resource| shortened(&resource.address).into_owned()),
            },
            Input::Desired { file, text, lines } => Origin::Desired {
                file: file.clone(),
                path: self.path.clone(),
                text,
                lines,
            },
        }
    }

    pub(super) fn document(&self) -> &Document {
        &self.document
    }
}

/// Returns whether a resource creates aws-auth with data that is known.
fn creates_all(resource: &Resource) -> bool {
    let has_before = resource
        .before
        .as_ref()
        .is_some_and(|before| !before.is_empty());
    resource.unknown.is_empty() && !has_before && resource.object == ObjectAction::Kept
}

/// Returns a note about the files that a kustomization reads.
fn unread_files(backend: &Backend) -> Option<String> {
    let ManifestForm::Generator { files } = backend.manifest_faults().form else {
        return None;
    };
    let files = (!files.is_empty()).then(|| files.join(", "))?;
    Some(format!(
        "Not checked: {files} of configMapGenerator in {backend}. Lint the output: kustomize build FOLDER | awsauth lint -."
    ))
}

/// Returns what a plan changes, if it shows the previous value.
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
