//! Debouncing: a reconciliation starts soon after a change, and less often while changes continue.

use std::time::Duration;

use tokio::time::Instant;

/// A reconciliation starts after this time without a change.
const QUIET: Duration = Duration::from_millis(100);
/// The longest delay after the first change; doubles while changes continue.
const MIN_DELAY: Duration = Duration::from_millis(300);
/// The limit of that delay.
const MAX_DELAY: Duration = Duration::from_secs(10);
/// The delay is reset after this time without a change.
const RESET_AFTER: Duration = Duration::from_secs(20);
/// The first and the longest delay after a failed reconciliation.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// Determines when the next reconciliation is due.
#[derive(Debug)]
pub(crate) struct Debounce {
    delay: Duration,
    first_change: Option<Instant>,
    last_change: Option<Instant>,
    /// When the first change came that must not wait longer than [`MIN_DELAY`].
    urgent: Option<Instant>,
    failures: u32,
    not_before: Option<Instant>,
}

impl Debounce {
    pub(crate) fn new() -> Self {
        Self {
            delay: MIN_DELAY,
            first_change: None,
            last_change: None,
            urgent: None,
            failures: 0,
            not_before: None,
        }
    }

    pub(crate) fn changed(&mut self, now: Instant) {
        if self
            .last_change
            .is_some_and(|last| now - last > RESET_AFTER)
        {
            self.delay = MIN_DELAY;
        }
        self.first_change.get_or_insert(now);
        self.last_change = Some(now);
    }

    /// Registers a change that is reconciled soon even while other changes continue.
    pub(crate) fn changed_urgently(&mut self, now: Instant) {
        self.changed(now);
        self.urgent.get_or_insert(now);
    }

    /// Returns when the next reconciliation is due; `None` if nothing has changed.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (first, last) = (self.first_change?, self.last_change?);
        let mut due = (last + QUIET).min(first + self.delay);
        if let Some(urgent) = self.urgent {
            due = due.min(urgent + MIN_DELAY);
        }
        Some(
            self.not_before
                .map_or(due, |not_before| due.max(not_before)),
        )
    }

    /// Registers the start of a reconciliation.
    pub(crate) fn started(&mut self, now: Instant) {
        let was_busy = self.last_change.is_some_and(|last| now - last < QUIET);
        if was_busy {
            self.delay = (self.delay * 2).min(MAX_DELAY);
        }
        self.first_change = None;
        self.urgent = None;
    }

    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
        self.not_before = None;
    }

    /// Registers a failure and returns the delay before the retry, which doubles with each failure in a row.
    pub(crate) fn failed(&mut self, now: Instant) -> Duration {
        let delay = RETRY_DELAYS.0.saturating_mul(1 << self.failures.min(16));
        let delay = delay
            .min(RETRY_DELAYS.1)
            .mul_f64(0.8 + 0.4 * fastrand::f64());
        self.failures += 1;
        self.not_before = Some(now + delay);
        self.first_change.get_or_insert(now);
        self.last_change = self.last_change.or(Some(now));
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn single_change_is_due_soon() {
        let (mut debounce, now) = (Debounce::new(), Instant::now());
        assert_eq!(debounce.due(), None);
        debounce.changed(now);
        assert_eq!(debounce.due(), Some(now + QUIET));
        debounce.started(now + QUIET);
        assert_eq!(debounce.due(), None);
    }

    #[test]
    fn two_minutes_of_changes_take_less_than_twenty_reconciliations() {
        let (mut debounce, begun) = (Debounce::new(), Instant::now());
        let (mut now, mut count) = (begun, 0);
        while now < begun + Duration::from_secs(120) {
            now += ms(20);
            debounce.changed(now);
            if debounce.due().is_some_and(|due| due <= now) {
                count += 1;
                debounce.started(now);
                debounce.succeeded();
            }
        }
        assert!((10..20).contains(&count), "{count}");
        debounce.started(now);
        debounce.changed(now + RESET_AFTER * 2);
        assert_eq!(debounce.due(), Some(now + RESET_AFTER * 2 + QUIET));
        debounce.changed(now + RESET_AFTER * 2 + ms(290));
        assert_eq!(debounce.due(), Some(now + RESET_AFTER * 2 + MIN_DELAY));
    }

    #[test]
    fn urgent_change_is_due_soon_while_other_changes_continue() {
        let (mut debounce, begun) = (Debounce::new(), Instant::now());
        let mut now = begun;
        while now < begun + Duration::from_secs(30) {
            now += ms(20);
            debounce.changed(now);
            if debounce.due().is_some_and(|due| due <= now) {
                debounce.started(now);
            }
        }
        debounce.changed_urgently(now);
        for _ in 0..20 {
            now += ms(20);
            debounce.changed(now);
        }
        assert!(debounce.due().is_some_and(|due| due <= now));
        debounce.started(now);
        for _ in 0..20 {
            now += ms(20);
            debounce.changed(now);
        }
        assert!(debounce.due() > Some(now));
    }

    #[test]
    fn delay_grows_with_each_failure() {
        let (mut debounce, now) = (Debounce::new(), Instant::now());
        debounce.changed(now);
        debounce.started(now);
        let first = debounce.failed(now);
        let mut later = first;
        for _ in 0..20 {
            later = debounce.failed(now);
        }
        assert!(
            first < ms(700) && later > Duration::from_secs(40),
            "{first:?} {later:?}"
        );
        assert_eq!(debounce.due(), Some(now + later));
        debounce.succeeded();
        assert_eq!(debounce.due(), Some(now + QUIET));
    }
}
