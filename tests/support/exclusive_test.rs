//! Tests that must run alone in their program.
//!
//! A test that starts dozens of concurrent writers measures the races between them. On a machine with few cores, it
//! must not share the processor with other clusters.

use std::cell::RefCell;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static TESTS: RwLock<()> = RwLock::new(());

enum Held {
    Nothing,
    Shared {
        _guard: RwLockReadGuard<'static, ()>,
    },
    Alone {
        _guard: RwLockWriteGuard<'static, ()>,
    },
}

thread_local! {
    // The test harness runs each test in its own thread, so the test holds this until it ends.
    static HELD: RefCell<Held> = const { RefCell::new(Held::Nothing) };
}

/// Waits while another test runs alone. Every test that uses a cluster must call it.
pub(crate) fn share() {
    HELD.with_borrow_mut(|held| {
        if let Held::Nothing = held {
            let _guard = TESTS.read().unwrap_or_else(PoisonError::into_inner);
            *held = Held::Shared { _guard };
        }
    });
}

/// Waits until no other test uses a cluster, and blocks others until this test ends.
pub(crate) fn run_alone() {
    HELD.with_borrow_mut(|held| {
        *held = Held::Nothing;
        let _guard = TESTS.write().unwrap_or_else(PoisonError::into_inner);
        *held = Held::Alone { _guard };
    });
}
