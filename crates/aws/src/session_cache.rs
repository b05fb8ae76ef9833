//! Role sessions in the user's cache folder, so that many runs share one request to STS. The file name is a digest of
//! everything that the session was requested with, secrets included: only a client that has these secrets finds the
//! session.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::AwsEnvironment;
use super::credential_process_json;
use super::timestamp::instant;
use awsauth_core::token::Credentials;

/// A session with less remaining time is not used.
const MIN_LIFETIME: SignedDuration = SignedDuration::from_mins(1);
/// A session with less remaining time is renewed, as in botocore, unless its whole lifetime is not much longer.
const RENEWAL_TIME: SignedDuration = SignedDuration::from_mins(15);
/// How long to wait for another run that fetches the same session.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);
/// The interval between two checks of the lock.
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The folder of cached sessions; `None` if caching is off.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: Option<PathBuf>,
}

struct CachedSession {
    credentials: Credentials,
    issued: Timestamp,
}

impl CachedSession {
    /// Whether the session lasts long enough to be used.
    fn is_usable(&self, now: Timestamp) -> bool {
        self.left(now) > MIN_LIFETIME
    }

    /// Whether the session needs no renewal yet. A session with a lifetime of a few minutes is renewed in its last
    /// quarter.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let end = self.credentials.expiration.unwrap_or(Timestamp::MIN);
        let life = end.duration_since(self.issued);
        self.left(now) > RENEWAL_TIME.min(life / 4).max(MIN_LIFETIME)
    }

    fn left(&self, now: Timestamp) -> SignedDuration {
        let end = self.credentials.expiration.unwrap_or(Timestamp::MIN);
        end.duration_since(now)
    }
}

impl Cache {
    /// Returns the user's cache. Caching is off if `enabled` is false and in CI jobs, which share machines between
    /// users.
    pub(crate) fn of(environment: &AwsEnvironment, enabled: bool) -> Self {
        let enabled = enabled && environment.get("CI").is_none();
        let folder = enabled.then(|| folder(environment)).flatten();
        Self { folder }
    }

    /// Returns the session of this key, from the cache or from `fetch`, and whether it came from the cache. If several
    /// runs need it at the same time, one fetches it and the others wait. A session near its end is renewed by one run
    /// while the others use it.
    ///
    /// # Errors
    /// The error of `fetch`. If the folder cannot be written, the session is not cached.
    pub(crate) fn session<E>(
        &self,
        key: &Key,
        now: Timestamp,
        fetch: impl FnOnce() -> Result<Credentials, E>,
    ) -> Result<(Credentials, bool), E> {
        let Some(folder) = &self.folder else {
            return Ok((fetch()?, false));
        };
        let path = folder.join(key.file_name());
        let cached = read(&path).filter(|cached| cached.is_usable(now));
        if let Some(cached) = cached {
            return serve_or_renew(&path, cached, now, fetch);
        }
        create_folder(folder);
        let began = Instant::now();
        let mut waited = false;
        let lock = loop {
            match lock(&path) {
                Lock::Held if began.elapsed() < LOCK_TIMEOUT => {
                    waited = true;
                    thread::sleep(LOCK_POLL_INTERVAL);
                }
                Lock::Held | Lock::Unsupported => break None,
                Lock::Acquired(lock) => break Some(lock),
            }
        };
        if waited && let Some(cached) = read(&path).filter(|cached| cached.is_usable(now)) {
            return Ok((cached.credentials, true));
        }
        // The run that held the lock has failed. All waiting runs can now try concurrently.
        let _lock = lock.filter(|_| !waited);
        let credentials = fetch()?;
        store(&path, &credentials, now);
        Ok((credentials, false))
    }
}

/// Returns a usable session, or a newer one if it is near its end, no other run is renewing it, and STS issues one.
fn serve_or_renew<E>(
    path: &Path,
    cached: CachedSession,
    now: Timestamp,
    fetch: impl FnOnce() -> Result<Credentials, E>,
) -> Result<(Credentials, bool), E> {
    if cached.is_fresh(now) {
        return Ok((cached.credentials, true));
    }
    let Lock::Acquired(_lock) = lock(path) else {
        return Ok((cached.credentials, true));
    };
    // Another run may have renewed it in the meantime.
    if let Some(newer) = read(path).filter(|newer| newer.is_fresh(now)) {
        return Ok((newer.credentials, true));
    }
    match fetch() {
        Ok(credentials) => {
            store(path, &credentials, now);
            Ok((credentials, false))
        }
        Err(_) => Ok((cached.credentials, true)),
    }
}

fn store(path: &Path, credentials: &Credentials, now: Timestamp) {
    if credentials.expiration.is_some() {
        write(path, credentials, now);
        if let Some(folder) = path.parent() {
            remove_expired(folder);
        }
    }
}

/// The folder for data that a program can restore.
/// <https://specifications.freedesktop.org/basedir-spec/latest/>
fn folder(environment: &AwsEnvironment) -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = environment.get(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let caches = if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        environment.home().map(|home| home.join("Library/Caches"))
    } else {
        let home = || environment.home().map(|home| home.join(".cache"));
        absolute("XDG_CACHE_HOME").or_else(home)
    };
    Some(caches?.join("awsauth").join("sessions"))
}

/// The longest lifetime of a session. Older files are useless.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html>
const MAX_SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// The result of an attempt to lock a session.
enum Lock {
    /// This run has the lock until the value is dropped.
    Acquired(File),
    /// Another run has the lock.
    Held,
    /// The folder is read-only, or the file system does not support locks.
    Unsupported,
}

/// Reads a session file. Returns `None` if it is malformed, or if other users can read or write it.
fn read(path: &Path) -> Option<CachedSession> {
    #[derive(Deserialize)]
    struct Issued {
        #[serde(rename = "Issued")]
        issued: String,
    }
    let mut file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || !is_private(&metadata) {
        return None;
    }
    // Large enough not to grow: reallocation would leave copies of the secrets in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(metadata.len()).ok()? + 1,
    ));
    file.read_to_end(&mut bytes).ok()?;
    let issued: Issued = serde_json::from_slice(&bytes).ok()?;
    Some(CachedSession {
        credentials: credential_process_json::read(&bytes).ok()?,
        issued: instant(&issued.issued)?,
    })
}

/// Replaces the file atomically with one that only its owner can read.
fn write(path: &Path, credentials: &Credentials, issued: Timestamp) {
    let text = credential_process_json::write(credentials, issued);
    let Some(folder) = path.parent() else {
        return;
    };
    // A temporary file is private from the start. If any step fails, the session is not cached.
    if let Ok(mut next) = tempfile::Builder::new()
        .prefix(".awsauth-")
        .tempfile_in(folder)
        && next.write_all(&text).is_ok()
    {
        let _ = next.persist(path);
    }
}

/// Tries to become the only run that fetches this session.
fn lock(path: &Path) -> Lock {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let Ok(file) = options.open(path.with_extension("lock")) else {
        return Lock::Unsupported;
    };
    match file.try_lock() {
        Ok(()) => Lock::Acquired(file),
        Err(TryLockError::WouldBlock) => Lock::Held,
        Err(TryLockError::Error(_)) => Lock::Unsupported,
    }
}

/// Removes files of sessions that have ended.
fn remove_expired(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age > MAX_SESSION) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Creates the folder with permissions only for its owner. If that fails, nothing is cached.
fn create_folder(folder: &Path) {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let _ = builder.create(folder);
}

/// Whether the file belongs to this user and other users can neither read nor write it.
#[cfg(unix)]
fn is_private(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o077 == 0 && metadata.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_private(_metadata: &Metadata) -> bool {
    true
}

/// The key of a session: a digest of everything that the session depends on, secrets included. The digest reveals none of it.
#[derive(Clone)]
pub(crate) struct Key(Sha256);

impl Key {
    /// Starts a key. Each kind of session has its own keys.
    pub(crate) fn of(kind: &str) -> Self {
        let key = Self(Sha256::new());
        key.with("awsauth session 1").with(kind)
    }

    /// Adds a value that the session depends on.
    #[must_use]
    pub(crate) fn with(mut self, part: &str) -> Self {
        // The length separates adjacent values.
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    /// Adds an optional value.
    #[must_use]
    pub(crate) fn with_option(self, part: Option<&str>) -> Self {
        match part {
            Some(part) => self.with("some").with(part),
            None => self.with("none"),
        }
    }

    fn file_name(&self) -> String {
        format!("{}.json", hex::encode(self.0.clone().finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_depends_on_every_part_and_its_position() {
        let names: Vec<_> = [
            Key::of("a"),
            Key::of("b"),
            Key::of("a").with(""),
            Key::of("a").with("xy"),
            Key::of("a").with("x").with("y"),
            Key::of("a").with_option(None),
            Key::of("a").with_option(Some("")),
        ]
        .iter()
        .map(Key::file_name)
        .collect();
        let unique: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
        assert_eq!(Key::of("a").file_name(), names[0]);
    }
}
