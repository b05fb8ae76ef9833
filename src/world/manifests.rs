use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::atomic::{Original, ReplaceError};
use super::{Landed, Planner};
use crate::document::SectionName;
use crate::edge::{Failure, Kind, Out, Refusal};
use crate::manifest::{Manifest, ManifestError};
use crate::snapshot::Snapshot;

/// A manifest on disk, or one that passes through a pipe.
#[derive(Debug)]
pub(crate) struct ManifestFile {
    /// `None` is stdin and stdout.
    path: Option<PathBuf>,
    /// How long to keep trying while others write it.
    timeout: Duration,
    /// What was read last.
    manifest: Option<Manifest>,
}

impl ManifestFile {
    pub(super) fn at(path: PathBuf, timeout: Duration) -> Self {
        Self {
            path: Some(path),
            timeout,
            manifest: None,
        }
    }

    pub(super) fn of_stdin() -> Self {
        Self {
            path: None,
            timeout: Duration::ZERO,
            manifest: None,
        }
    }

    pub(super) fn is_pipe(&self) -> bool {
        self.path.is_none()
    }

    pub(super) fn read(&mut self) -> Result<Snapshot, Failure> {
        let bytes = match &self.path {
            Some(path) => fs::read(path).map_err(|error| self.cannot_read(&error))?,
            None => self.stdin()?,
        };
        Ok(self.parse(bytes)?.snapshot())
    }

    /// What was read last.
    pub(super) fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// The line of the file where a line of a section stands.
    pub(super) fn file_line(&self, section: SectionName, line: usize) -> Option<usize> {
        self.manifest.as_ref()?.file_line(section, line)
    }

    pub(super) fn write(
        &mut self,
        plan: &mut Planner<'_>,
        out: &mut Out,
    ) -> Result<Landed, Failure> {
        let Some(path) = self.path.clone() else {
            let bytes = self.stdin()?;
            self.parse(bytes)?;
            let (text, landed) = self.changed(plan)?;
            out.document(text.as_bytes())?;
            return Ok(landed);
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
            let (text, landed) = self.changed(plan)?;
            let held = self.manifest.as_ref().map_or("", Manifest::text);
            match original.replace(held.as_bytes(), text.as_bytes()) {
                Ok(()) => return Ok(landed),
                Err(ReplaceError::Changed) if begun.elapsed() < self.timeout => {}
                Err(error) => return Err(self.cannot_write(&error)),
            }
        }
    }

    fn changed(&self, plan: &mut Planner<'_>) -> Result<(String, Landed), Failure> {
        let Some(manifest) = &self.manifest else {
            return Err(Failure::new(Kind::Bug, "the manifest was not read"));
        };
        let change = plan(&manifest.snapshot())?.filter(|change| !change.is_empty());
        let Some(change) = change else {
            return Ok((manifest.text().to_owned(), Landed::Unchanged));
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
        Ok((text, Landed::Changed))
    }

    fn parse(&mut self, bytes: Vec<u8>) -> Result<&Manifest, Failure> {
        let cannot = || Failure::usage(format!("cannot read aws-auth from {self}"));
        let text =
            String::from_utf8(bytes).map_err(|error| cannot().because(&error.utf8_error()))?;
        let manifest = Manifest::parse(text).map_err(|error| with_hint(cannot(), &error))?;
        Ok(self.manifest.insert(manifest))
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
        let mut bytes = Vec::new();
        io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::usage(format!("cannot read {self}")).because(&error))?;
        Ok(bytes)
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
