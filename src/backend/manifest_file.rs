//! A manifest in a file or a pipe.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::atomic_write::{Original, ReplaceError};
use super::{Planner, WriteOutcome, bounded_read};
use crate::terminal::{Failure, Kind, Out, Refusal};
use awsauth_core::aws_auth_snapshot::{Change, Snapshot};
use awsauth_core::document::SectionName;
use awsauth_core::manifest::{Manifest, ManifestError, ManifestFaults};
use awsauth_core::shell_quote::quoted;

/// A manifest in a file or a pipe.
#[derive(Debug)]
pub(crate) struct ManifestFile {
    /// `None` for stdin and stdout.
    path: Option<PathBuf>,
    /// How long to wait for other writers.
    timeout: Duration,
    /// The manifest that was read last.
    manifest: Option<Manifest>,
    /// The faults of that manifest.
    manifest_faults: ManifestFaults,
    /// The original text, if the manifest in memory has literal blocks that the file does not have.
    without_literal_blocks: Option<String>,
    /// Whether to add missing literal blocks.
    adds_literal_blocks: bool,
}

impl ManifestFile {
    pub(super) fn at(path: PathBuf, timeout: Duration) -> Self {
        Self {
            path: Some(path),
            timeout,
            manifest: None,
            manifest_faults: ManifestFaults::default(),
            without_literal_blocks: None,
            adds_literal_blocks: false,
        }
    }

    pub(super) fn of_stdin() -> Self {
        Self {
            path: None,
            timeout: Duration::ZERO,
            manifest: None,
            manifest_faults: ManifestFaults::default(),
            without_literal_blocks: None,
            adds_literal_blocks: false,
        }
    }

    pub(super) fn is_pipe(&self) -> bool {
        self.path.is_none()
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns the raw content.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, Failure> {
        match &self.path {
            Some(path) => bounded_read::file(path).map_err(|error| self.cannot_read(&error)),
            None => self.stdin(),
        }
    }

    pub(super) fn read(&mut self) -> Result<Snapshot, Failure> {
        let bytes = self.bytes()?;
        Ok(self.parse(bytes)?.snapshot())
    }

    /// Sets the manifest that was read.
    pub(super) fn set_manifest(&mut self, manifest: Manifest, manifest_faults: ManifestFaults) {
        self.manifest = Some(manifest);
        self.manifest_faults = manifest_faults;
    }

    /// Returns the faults of the manifest that was read last.
    pub(super) fn manifest_faults(&self) -> &ManifestFaults {
        &self.manifest_faults
    }

    /// Lets later reads convert non-text values to literal blocks.
    pub(super) fn add_literal_blocks(&mut self) {
        self.adds_literal_blocks = true;
    }

    /// Returns whether literal blocks were added to the manifest in memory.
    pub(super) fn has_new_literal_blocks(&self) -> bool {
        self.without_literal_blocks.is_some()
    }

    /// Applies a change to the manifest in memory.
    pub(super) fn apply_in_memory(&mut self, change: &Change) -> Result<(), Failure> {
        let Some(manifest) = &self.manifest else {
            return Ok(());
        };
        let changed = manifest.with(change).and_then(Manifest::parse_with_faults);
        let (manifest, manifest_faults) = changed.map_err(|error| Failure::bug(&error))?;
        self.set_manifest(manifest, manifest_faults);
        Ok(())
    }

    /// Returns the failure for a manifest without a usable aws-auth.
    pub(super) fn not_aws_auth(&self, error: &ManifestError) -> Failure {
        let failure = with_hint(
            Failure::usage(format!("cannot read aws-auth from {self}")),
            error,
        );
        match (error, &self.path) {
            (
                ManifestError::NotText {
                    fits_literal_block: true,
                    ..
                },
                Some(path),
            ) => {
                let path = path.display().to_string();
                failure.hint(format!(
                    "or let lint do so: awsauth lint --fix {}",
                    quoted(&path)
                ))
            }
            _ => failure,
        }
    }

    /// The manifest that was read last.
    pub(super) fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Converts a line of a section to a line of the file.
    pub(super) fn file_line(&self, section: SectionName, line: usize) -> Option<usize> {
        self.manifest.as_ref()?.file_line(section, line)
    }

    pub(super) fn write(
        &mut self,
        plan: &mut Planner<'_>,
        out: &mut Out,
    ) -> Result<WriteOutcome, Failure> {
        let Some(path) = self.path.clone() else {
            let bytes = self.stdin()?;
            self.parse(bytes)?;
            let (text, outcome) = self.changed(plan)?;
            out.document(text.as_bytes())?;
            return Ok(outcome);
        };
        let begun = Instant::now();
        let original = Original::lock(&path, self.timeout).map_err(|error| match error {
            ReplaceError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                self.cannot_read(&error)
            }
            error => self.cannot_write(&error),
        })?;
        loop {
            let bytes = original.read().map_err(|error| self.cannot_read(&error))?;
            self.parse(bytes)?;
            let (text, outcome) = self.changed(plan)?;
            let held = self.manifest.as_ref().map_or("", Manifest::text);
            let held = self.without_literal_blocks.as_deref().unwrap_or(held);
            match original.replace(held.as_bytes(), text.as_bytes()) {
                Ok(()) => return Ok(outcome),
                Err(ReplaceError::Changed) if begun.elapsed() < self.timeout => {}
                Err(error) => return Err(self.cannot_write(&error)),
            }
        }
    }

    fn changed(&self, plan: &mut Planner<'_>) -> Result<(String, WriteOutcome), Failure> {
        let Some(manifest) = &self.manifest else {
            return Err(Failure::new(Kind::Bug, "the manifest was not read"));
        };
        let change = plan(&manifest.snapshot())?.filter(|change| !change.is_empty());
        let Some(change) = change else {
            let outcome = if self.has_new_literal_blocks() {
                WriteOutcome::Changed
            } else {
                WriteOutcome::Unchanged
            };
            return Ok((manifest.text().to_owned(), outcome));
        };
        let text = manifest.with(&change).map_err(|error| {
            let cannot = format!("cannot change {self}");
            with_hint(
                match &error {
                    ManifestError::Bug(_) => Failure::new(Kind::Bug, cannot),
                    _ => Failure::refused(
                        Refusal {
                            guard: "WG04",
                            reason: "lossy-edit",
                        },
                        cannot,
                    ),
                },
                &error,
            )
        })?;
        Ok((text, WriteOutcome::Changed))
    }

    fn parse(&mut self, bytes: Vec<u8>) -> Result<&Manifest, Failure> {
        let text = self.writable_text(bytes)?;
        let manifest = if self.adds_literal_blocks {
            self.with_literal_blocks(text)
        } else {
            Manifest::parse(text)
        };
        let manifest = manifest.map_err(|error| self.not_aws_auth(&error))?;
        Ok(self.manifest.insert(manifest))
    }

    fn with_literal_blocks(&mut self, text: String) -> Result<Manifest, ManifestError> {
        let (_, manifest_faults) = Manifest::parse_with_faults(text.clone())?;
        let manifest = Manifest::with_literal_blocks(text.clone())?;
        self.without_literal_blocks = manifest_faults.fits_literal_blocks.then_some(text);
        self.manifest_faults = manifest_faults;
        Ok(manifest)
    }

    /// Decodes a file to report on: UTF-8, or UTF-16 with a byte order mark, which kubectl reads, too.
    pub(super) fn text(&self, bytes: &[u8]) -> Result<String, Failure> {
        match goyaml::to_text(bytes) {
            Ok(text) => Ok(text.into_owned()),
            Err(error) => Err(Failure::usage(format!("cannot read aws-auth from {self}"))
                .because(&error)
                .hint("pass a manifest in YAML or JSON, as text in UTF-8")),
        }
    }

    /// Decodes a file to change.
    fn writable_text(&self, bytes: Vec<u8>) -> Result<String, Failure> {
        let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        if is_utf16 {
            return Err(
                Failure::usage(format!("cannot change {self}: it is UTF-16")).hint(format!(
                    "convert it to UTF-8 first: iconv -f UTF-16 -t UTF-8 {self}"
                )),
            );
        }
        self.text(&bytes)
    }

    fn cannot_read(&self, error: &io::Error) -> Failure {
        let failure = Failure::usage(format!("cannot read {self}")).because(error);
        match error.kind() {
            io::ErrorKind::NotFound => failure.hint("a new manifest can begin as: kubectl create configmap aws-auth -n kube-system --dry-run=client -o yaml"),
            _ => failure,
        }
    }

    fn cannot_write(&self, error: &ReplaceError) -> Failure {
        let kind = match error {
            ReplaceError::Changed | ReplaceError::Locked(_) | ReplaceError::Held(_) => {
                Kind::Conflict
            }
            ReplaceError::Io(_) => Kind::Usage,
        };
        let failure = Failure::new(kind, format!("cannot write {self}")).because(error);
        if kind == Kind::Conflict {
            failure.hint("nothing was written; run this again, or keep trying for longer with --timeout DURATION")
        } else {
            failure
        }
    }

    fn stdin(&self) -> Result<Vec<u8>, Failure> {
        bounded_read::stdin()
            .map_err(|error| Failure::usage(format!("cannot read {self}")).because(&error))
    }
}

fn with_hint(failure: Failure, error: &ManifestError) -> Failure {
    let failure = failure.because(error);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

impl fmt::Display for ManifestFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}", path.display()),
            None => f.write_str("stdin"),
        }
    }
}
