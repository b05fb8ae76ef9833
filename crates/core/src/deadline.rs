//! When to stop a computation. This crate has no clock; callers decide when time is up.

use std::fmt;
use std::sync::Arc;

/// Reports whether time is up. The default never is.
#[derive(Clone, Default)]
pub struct Deadline(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Deadline {
    /// `is_over` must keep returning true after it did once.
    pub fn new(is_over: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_over)))
    }

    /// Returns whether time is up. Computations then stop with an incomplete result, which must be discarded.
    pub fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(|is_over| is_over())
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadline").field(&self.is_over()).finish()
    }
}
