//! Things of which each test has one to itself for its time.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

/// So many that few tests wait, and few servers run. Each is made when it is first needed, and ends with the process.
pub(crate) struct Turns<T>([(Mutex<()>, OnceLock<T>); 3]);

/// One of them, until its end.
pub(crate) struct Turn<T: 'static> {
    it: &'static T,
    _turn: MutexGuard<'static, ()>,
}

impl<T> Turns<T> {
    pub(crate) const fn new() -> Self {
        Self([const { (Mutex::new(()), OnceLock::new()) }; 3])
    }

    /// Waits for a turn. A test that failed in its own leaves nothing that the next does not clear away.
    pub(crate) fn take(&'static self, make: impl FnOnce() -> T) -> Turn<T> {
        let free = |(turn, it): &'static (Mutex<()>, OnceLock<T>)| match turn.try_lock() {
            Ok(turn) => Some((turn, it)),
            Err(TryLockError::Poisoned(turn)) => Some((turn.into_inner(), it)),
            Err(TryLockError::WouldBlock) => None,
        };
        let (turn, it) = self.0.iter().find_map(free).unwrap_or_else(|| {
            let (turn, it) = &self.0[fastrand::usize(..self.0.len())];
            (turn.lock().unwrap_or_else(PoisonError::into_inner), it)
        });
        Turn {
            it: it.get_or_init(make),
            _turn: turn,
        }
    }
}

impl<T> Deref for Turn<T> {
    type Target = &'static T;

    fn deref(&self) -> &&'static T {
        &self.it
    }
}
