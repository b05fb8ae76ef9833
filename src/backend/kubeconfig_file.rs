//! Reads and writes kubeconfig files.

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::atomic_write::{Original, ReplaceError};
use super::bounded_read;
use crate::terminal::{Failure, Kind, Out, Refusal};
use awsauth_core::kubeconfig::{Edited, Entries, Kubeconfig, KubeconfigError};
use awsauth_kube::Environment;

/// The interval of checks whether kubectl has released a file.
const PAUSE: Duration = Duration::from_millis(10);

/// A kubeconfig file to write.
#[derive(Debug)]
pub(crate) struct KubeconfigFile {
    path: PathBuf,
    /// A file with precedence over this one, and the current context that it sets.
    before: Option<(PathBuf, String)>,
}

impl KubeconfigFile {
    /// Chooses the file as `aws eks update-kubeconfig` does: the named file; otherwise, of the files in `KUBECONFIG` or
    /// `~/.kube/config`, the first that has the cluster, or else the first.
    pub(crate) fn choose(
        named: Option<&Path>,
        environment: &Environment,
        cluster: &str,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        if let Some(path) = named {
            return Ok(Self::at(path.to_owned()));
        }
        let mut files: Vec<Self> = list(environment).into_iter().map(Self::at).collect();
        if files.is_empty() {
            return Err(Failure::usage(
                "cannot determine which kubeconfig to write: there is no home folder",
            )
            .hint("name it with --kubeconfig FILE"));
        }
        let mut before = None;
        let mut chosen = 0;
        for (at, file) in files.iter().enumerate().filter(|_| files.len() > 1) {
            match file.read() {
                Ok(kubeconfig) if kubeconfig.has_cluster(cluster) => {
                    chosen = at;
                    break;
                }
                Ok(kubeconfig) => {
                    let current = kubeconfig.current_context();
                    before = before.or_else(|| Some((file.path.clone(), current?.to_owned())));
                }
                // The first file is the default, so an error is reported when it is written.
                Err(failure) if at > 0 => out.note(&format!("warning: {}", failure.message())),
                Err(_) => {}
            }
        }
        let mut file = files.swap_remove(chosen);
        file.before = before.filter(|_| chosen > 0);
        Ok(file)
    }

    fn at(path: PathBuf) -> Self {
        Self { path, before: None }
    }

    /// Returns the current context of a file with precedence, which overrides this file's.
    pub(crate) fn overriding_context(&self) -> Option<(&Path, &str)> {
        let (path, context) = self.before.as_ref()?;
        Some((path, context))
    }

    /// Reads the file; a missing file is empty.
    pub(crate) fn read(&self) -> Result<Kubeconfig, Failure> {
        match bounded_read::file(&self.path) {
            Ok(bytes) => self.parse(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.parse(b""),
            Err(error) => Err(self.cannot("read", &error)),
        }
    }

    /// Returns the file with these entries.
    pub(crate) fn with(
        &self,
        kubeconfig: &Kubeconfig,
        entries: &Entries,
    ) -> Result<Edited, Failure> {
        kubeconfig.with(entries).map_err(|error| {
            let what = format!("cannot change {self}");
            let failure = match &error {
                KubeconfigError::Bug(_) => Failure::new(Kind::Bug, what),
                _ => Failure::refused(
                    Refusal {
                        guard: "WG04",
                        reason: "lossy-edit",
                    },
                    what,
                ),
            };
            with_hint(failure, &error)
        })
    }

    /// Writes these entries; waits up to `time_limit` for other writers. Makes the file readable only by its owner.
    pub(crate) fn write(&self, entries: &Entries, time_limit: Duration) -> Result<Edited, Failure> {
        let until = Instant::now() + time_limit;
        let failed = |error| self.cannot_write(&error);
        let original = Original::lock_or_make(&self.path, time_limit).map_err(failed)?;
        loop {
            let guard = self.lock(until).map_err(failed)?;
            let held = original.read_if_exists();
            drop(guard);
            let held = held.map_err(|error| self.cannot("read", &error))?;
            let kubeconfig = self.parse(held.as_deref().unwrap_or_default())?;
            let edited = self.with(&kubeconfig, entries)?;
            let bytes = edited.text.as_bytes();
            match original.replace_private(held.as_deref(), bytes, || self.lock(until)) {
                Ok(()) => return Ok(edited),
                Err(ReplaceError::Changed) if Instant::now() < until => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Takes kubectl's lock: kubectl changes files in place, with a lock file next to them.
    /// <https://github.com/kubernetes/client-go/blob/v0.36.3/tools/clientcmd/config.go>
    fn lock(&self, until: Instant) -> Result<KubectlLock, ReplaceError> {
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        loop {
            match File::create_new(&path) {
                Ok(_) => return Ok(KubectlLock(path)),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(error.into());
                }
                Err(_) if Instant::now() >= until => return Err(ReplaceError::Held(path)),
                Err(_) => thread::sleep(PAUSE),
            }
        }
    }

    fn parse(&self, bytes: &[u8]) -> Result<Kubeconfig, Failure> {
        let cannot = || Failure::usage(format!("cannot read {self}"));
        let text = goyaml::to_text(bytes).map_err(|error| cannot().because(&error))?;
        if text.as_bytes() != bytes {
            return Err(Failure::usage(format!("cannot read {self}: it is UTF-16"))
                .hint("save it as UTF-8"));
        }
        Kubeconfig::parse(text).map_err(|error| with_hint(cannot(), &error))
    }

    fn cannot(&self, what: &str, error: &io::Error) -> Failure {
        let failure = Failure::usage(format!("cannot {what} {self}")).because(error);
        failure.hint("name another file with --kubeconfig FILE")
    }

    fn cannot_write(&self, error: &ReplaceError) -> Failure {
        match error {
            ReplaceError::Io(error) => self.cannot("write", error),
            ReplaceError::Held(lock) => {
                let hint = format!(
                    "if no kubectl is running, one was killed; remove its lock: rm {}",
                    lock.display()
                );
                Failure::new(Kind::Conflict, format!("cannot write {self}"))
                    .because(error)
                    .hint(hint)
            }
            ReplaceError::Changed | ReplaceError::Locked(_) => {
                Failure::new(Kind::Conflict, format!("cannot write {self}"))
                    .because(error)
                    .hint("nothing was written; run this again, or keep trying for longer with --timeout DURATION")
            }
        }
    }
}

impl fmt::Display for KubeconfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

/// The lock file of kubectl, held by this process.
struct KubectlLock(PathBuf);

impl Drop for KubectlLock {
    fn drop(&mut self) {
        // A lock file that is already removed is not an error.
        let _ = fs::remove_file(&self.0);
    }
}

/// Returns the files that kubectl reads by default.
fn list(environment: &Environment) -> Vec<PathBuf> {
    let home = environment.home.as_deref();
    let named = environment.kubeconfig.iter().flat_map(env::split_paths);
    let mut files: Vec<PathBuf> = named.filter(|path| !path.as_os_str().is_empty()).collect();
    if files.is_empty() {
        files.extend(home.map(|home| home.join(".kube").join("config")));
    }
    files
}

fn with_hint(failure: Failure, error: &KubeconfigError) -> Failure {
    let failure = failure.because(error);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
