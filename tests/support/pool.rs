//! A pool of values that tests use exclusively, such as clusters.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use super::exclusive_test;

/// Up to three values, each created on first use. They end with the process.
pub(crate) struct Pool<T>([(Mutex<()>, OnceLock<T>); 3]);

/// Exclusive use of a value, until it is dropped.
pub(crate) struct PoolGuard<T: 'static> {
    it: &'static T,
    _turn: MutexGuard<'static, ()>,
}

impl<T> Pool<T> {
    pub(crate) const fn new() -> Self {
        Self([const { (Mutex::new(()), OnceLock::new()) }; 3])
    }

    /// Waits for a free value. The user must reset the state that an earlier test, which may have failed, left.
    pub(crate) fn take(&'static self, make: impl FnOnce() -> T) -> PoolGuard<T> {
        exclusive_test::share();
        let free = |(turn, it): &'static (Mutex<()>, OnceLock<T>)| match turn.try_lock() {
            Ok(turn) => Some((turn, it)),
            Err(TryLockError::Poisoned(turn)) => Some((turn.into_inner(), it)),
            Err(TryLockError::WouldBlock) => None,
        };
        let (turn, it) = self.0.iter().find_map(free).unwrap_or_else(|| {
            let (turn, it) = &self.0[fastrand::usize(..self.0.len())];
            (turn.lock().unwrap_or_else(PoisonError::into_inner), it)
        });
        PoolGuard {
            it: it.get_or_init(make),
            _turn: turn,
        }
    }
}

impl<T> Deref for PoolGuard<T> {
    type Target = &'static T;

    fn deref(&self) -> &&'static T {
        &self.it
    }
}
