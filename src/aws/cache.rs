//! Sessions of roles, kept in the user's cache folder so that many runs ask AWS once. Whoever may use one is the only one who can name
//! it: the name is a digest of what the session was had with.

mod file;
mod key;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::Surroundings;
use crate::token::Credentials;
use file::Lock;
pub(crate) use key::Key;

/// A session that ends sooner is not given out.
const LAST: SignedDuration = SignedDuration::from_mins(1);
/// A session that ends sooner is renewed, as botocore does, unless it never lived much longer.
const RENEWED: SignedDuration = SignedDuration::from_mins(15);
/// How long another run may take to get the session that this one needs too.
const PATIENCE: Duration = Duration::from_secs(60);
/// How soon to look again.
const PAUSE: Duration = Duration::from_millis(5);

/// The folder of kept sessions, or nothing when none are kept.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: Option<PathBuf>,
}

/// A session that is kept.
struct Kept {
    credentials: Credentials,
    issued: Timestamp,
}

impl Kept {
    /// Whether it may still be given out.
    fn serves(&self, now: Timestamp) -> bool {
        self.left(now) > LAST
    }

    /// Whether nobody needs to renew it yet. One that lives for a few minutes only is renewed in its last quarter.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let end = self.credentials.expiration.unwrap_or(Timestamp::MIN);
        let life = end.duration_since(self.issued);
        self.left(now) > RENEWED.min(life / 4).max(LAST)
    }

    fn left(&self, now: Timestamp) -> SignedDuration {
        let end = self.credentials.expiration.unwrap_or(Timestamp::MIN);
        end.duration_since(now)
    }
}

impl Cache {
    /// The user's, unless it is not wished or this is a CI job: those share machines, and each is somebody else.
    pub(crate) fn of(surroundings: &Surroundings, wished: bool) -> Self {
        let wished = wished && surroundings.get("CI").is_none();
        let folder = wished.then(|| folder(surroundings)).flatten();
        Self { folder }
    }

    /// The session of this name, kept or fetched, and whether it was kept. Of many runs that need it at the same time one fetches it
    /// and the others wait; one that is near its end is renewed by one run while the others use it.
    ///
    /// # Errors
    /// What `fetch` says. A folder that can't be written only means that nothing is kept.
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
        let kept = file::read(&path).filter(|kept| kept.serves(now));
        if let Some(kept) = kept {
            return renewed(&path, kept, now, fetch);
        }
        file::create_folder(folder);
        let began = Instant::now();
        let mut waited = false;
        let lock = loop {
            match file::lock(&path) {
                Lock::Held if began.elapsed() < PATIENCE => {
                    waited = true;
                    thread::sleep(PAUSE);
                }
                Lock::Held | Lock::Impossible => break None,
                Lock::Ours(lock) => break Some(lock),
            }
        };
        if waited && let Some(kept) = file::read(&path).filter(|kept| kept.serves(now)) {
            return Ok((kept.credentials, true));
        }
        // Whoever held the lock failed. So may the rest of us, and better at once than one after the other.
        let _lock = lock.filter(|_| !waited);
        let credentials = fetch()?;
        keep(&path, &credentials, now);
        Ok((credentials, false))
    }
}

/// A session that serves; a newer one when it is near its end, nobody else is at it, and AWS has one.
fn renewed<E>(
    path: &Path,
    kept: Kept,
    now: Timestamp,
    fetch: impl FnOnce() -> Result<Credentials, E>,
) -> Result<(Credentials, bool), E> {
    if kept.is_fresh(now) {
        return Ok((kept.credentials, true));
    }
    let Lock::Ours(_lock) = file::lock(path) else {
        return Ok((kept.credentials, true));
    };
    // Somebody else may just have done it.
    if let Some(newer) = file::read(path).filter(|newer| newer.is_fresh(now)) {
        return Ok((newer.credentials, true));
    }
    match fetch() {
        Ok(credentials) => {
            keep(path, &credentials, now);
            Ok((credentials, false))
        }
        Err(_) => Ok((kept.credentials, true)),
    }
}

fn keep(path: &Path, credentials: &Credentials, now: Timestamp) {
    if credentials.expiration.is_some() {
        file::write(path, credentials, now);
        if let Some(folder) = path.parent() {
            file::tidy(folder);
        }
    }
}

/// Where programs keep what they can get again.
/// <https://specifications.freedesktop.org/basedir-spec/latest/>
fn folder(surroundings: &Surroundings) -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = surroundings.get(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let caches = if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        surroundings.home().map(|home| home.join("Library/Caches"))
    } else {
        let home = || surroundings.home().map(|home| home.join(".cache"));
        absolute("XDG_CACHE_HOME").or_else(home)
    };
    Some(caches?.join("awsauth").join("sessions"))
}
