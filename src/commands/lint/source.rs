use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::gather::{self, Asking};
use crate::document::{Document, SectionName};
use crate::edge::{Failure, Out};
use crate::lint::{Facts, Report, Selection, Whole, lint, lint_change};
use crate::render::{Fixed, Origin};
use crate::terraform::{Fate, Resource};
use crate::world::files::{Candidate, Content, relative, search};
use crate::world::sources::is_stdin;
use crate::world::{Target, World};

/// An aws-auth that was read.
pub(super) struct Source {
    whence: Whence,
    data: BTreeMap<String, Arc<str>>,
    document: Document,
    facts: Facts,
    /// The path of its file, as code hosts call it; `None` of what comes from none.
    path: Option<String>,
}

/// What it was read from.
enum Whence {
    World(World),
    Plan { file: String, resource: Resource },
}

/// What was read, and what could not be.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) read: Vec<Source>,
    pub(super) failures: Vec<Failure>,
    /// What was mended in them.
    pub(super) fixed: Vec<Fixed>,
    /// Whether what is said of them stands below what became of them.
    pub(super) are_below: bool,
}

impl Sources {
    /// Reads these files, or without any whatever else the user chose.
    pub(super) fn read(
        files: &[PathBuf],
        asking: &Asking<'_>,
        target: &Target,
        matches: &clap::ArgMatches,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let mut sources = Self::default();
        let candidates = if files.is_empty() {
            let world = World::open(target, matches, false, out)?;
            match world.path() {
                Some(path) => vec![Candidate::named(path)],
                None => {
                    let read = Source::of_cluster(world, asking, out);
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
            sources.add(read.map(|content| Source::of_file(&candidate, content, asking.account)));
        }
        sources.say_if_none(files, out);
        Ok(sources)
    }

    /// Says so where nothing was found.
    pub(super) fn say_if_none(&self, files: &[PathBuf], out: &mut Out) {
        if self.read.is_empty() && self.failures.is_empty() {
            let names: Vec<String> = files
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            out.note(&format!("Nothing in {} holds aws-auth.", names.join(", ")));
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
        whence: Whence,
        data: BTreeMap<String, Arc<str>>,
        facts: Facts,
        path: Option<String>,
    ) -> Self {
        Self {
            facts,
            document: Document::read(&data),
            whence,
            data,
            path,
        }
    }

    /// What is there after a run that may have written it; of stdin, what went to stdout.
    pub(super) fn again(
        world: World,
        asking: &Asking<'_>,
        out: &mut Out,
    ) -> Result<Vec<Self>, Failure> {
        let Some(path) = world.path().map(Path::to_owned) else {
            return Self::of_cluster(world, asking, out).map(|source| vec![source]);
        };
        let candidate = Candidate::named(&path);
        let content = if is_stdin(&path) {
            Some(Content::Manifest(world))
        } else {
            candidate.read(out)?
        };
        Ok(Self::of_file(&candidate, content, asking.account))
    }

    fn of_cluster(mut world: World, asking: &Asking<'_>, out: &mut Out) -> Result<Self, Failure> {
        let (snapshot, facts) = gather::of_cluster(&mut world, asking, out)?;
        Ok(Self::new(Whence::World(world), snapshot.data, facts, None))
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
            Some(Content::Manifest(world)) => {
                let manifest = world.manifest().map(|(_, manifest)| manifest);
                let data = manifest.map(|manifest| manifest.data().clone());
                let facts = Facts {
                    amiss: world.amiss(),
                    ..gather::of_file(manifest, account)
                };
                let data = data.unwrap_or_default();
                vec![Self::new(Whence::World(world), data, facts, path)]
            }
            Some(Content::Terraform(file, resources)) => {
                let each = resources.into_iter().map(|resource| {
                    let (data, file) = (resource.after.clone(), file.clone());
                    let facts = gather::of_file(None, account);
                    let whence = Whence::Plan { file, resource };
                    Self::new(whence, data, facts, path.clone())
                });
                each.collect()
            }
        }
    }

    /// What the rules say of it.
    pub(super) fn check(&self, selection: &Selection) -> Report {
        let mut report = lint(&self.data, &self.document, &self.facts, selection);
        if let Whence::Plan { resource, .. } = &self.whence
            && let Some(before) = &resource.before
            && resource.fate != Fate::Forgotten
        {
            let whole = match resource.fate {
                Fate::Deleted => Whole::Deleted,
                Fate::Replaced => Whole::Replaced,
                Fate::Stays | Fate::Forgotten => Whole::Stays,
            };
            let before = Document::read(before);
            let both = (&before, &self.document);
            lint_change(&mut report, both, whole, &resource.unknown, selection);
        }
        report
    }

    /// What of it could not be checked.
    pub(super) fn unknown(&self) -> Vec<String> {
        let Whence::Plan { file, resource } = &self.whence else {
            return Vec::new();
        };
        let address = &resource.address;
        let mut notes = Vec::new();
        let unknown = resource.unknown.iter().map(|name| name.key());
        let unknown: Vec<&str> = unknown.collect();
        if !unknown.is_empty() {
            notes.push(format!(
                "Not checked: {} of {address} in {file}, which is known only after the plan was applied.",
                unknown.join(", ")
            ));
        }
        if resource.takes_over {
            let keys = SectionName::ALL.into_iter().map(SectionName::key);
            let keys: Vec<&str> = keys
                .filter(|key| resource.after.contains_key(*key) || unknown.contains(key))
                .collect();
            notes.push(format!(
                "Not checked: what {} of the cluster holds now. {address} in {file} replaces it (force), entries of nodes included.",
                keys.join(", ")
            ));
        }
        notes
    }

    /// Where its findings are.
    pub(super) fn origin(&self) -> Origin<'_> {
        match &self.whence {
            Whence::World(world) => match world.manifest() {
                Some((file, manifest)) => Origin::File {
                    file,
                    path: self.path.clone(),
                    manifest,
                },
                None => Origin::Live,
            },
            Whence::Plan { file, resource } => Origin::Plan {
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
