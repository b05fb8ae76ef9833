//! When to look: soon after a change, and later the more keeps changing.

use std::time::Duration;

use tokio::time::Instant;

/// So long nothing must change before it is looked at.
const QUIET: Duration = Duration::from_millis(100);
/// So long it may keep changing at first.
const FIRST: Duration = Duration::from_millis(300);
/// So long it may keep changing at most.
const LAST: Duration = Duration::from_secs(10);
/// After so long without a change, it begins anew.
const CALM: Duration = Duration::from_secs(20);
/// The first wait after a look that failed, and the longest.
const FAULTS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// When the next look is due.
#[derive(Debug)]
pub(crate) struct Pace {
    patience: Duration,
    since: Option<Instant>,
    last: Option<Instant>,
    /// Since when something is not to wait for quiet.
    urgent: Option<Instant>,
    faults: u32,
    not_before: Option<Instant>,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self {
            patience: FIRST,
            since: None,
            last: None,
            urgent: None,
            faults: 0,
            not_before: None,
        }
    }

    /// Something has changed.
    pub(crate) fn changed(&mut self, now: Instant) {
        if self.last.is_some_and(|last| now - last > CALM) {
            self.patience = FIRST;
        }
        self.since.get_or_insert(now);
        self.last = Some(now);
    }

    /// Something has changed that is looked at soon, whatever else keeps changing.
    pub(crate) fn urgent(&mut self, now: Instant) {
        self.changed(now);
        self.urgent.get_or_insert(now);
    }

    /// When to look; `None` while nothing has changed.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (since, last) = (self.since?, self.last?);
        let mut due = (last + QUIET).min(since + self.patience);
        if let Some(urgent) = self.urgent {
            due = due.min(urgent + FIRST);
        }
        Some(
            self.not_before
                .map_or(due, |not_before| due.max(not_before)),
        )
    }

    /// A look begins.
    pub(crate) fn begins(&mut self, now: Instant) {
        let was_busy = self.last.is_some_and(|last| now - last < QUIET);
        if was_busy {
            self.patience = (self.patience * 2).min(LAST);
        }
        self.since = None;
        self.urgent = None;
    }

    /// It came to its end.
    pub(crate) fn done(&mut self) {
        self.faults = 0;
        self.not_before = None;
    }

    /// It failed, and is tried again later: later each time.
    pub(crate) fn failed(&mut self, now: Instant) -> Duration {
        let wait = FAULTS.0.saturating_mul(1 << self.faults.min(16));
        let wait = wait.min(FAULTS.1).mul_f64(0.8 + 0.4 * fastrand::f64());
        self.faults += 1;
        self.not_before = Some(now + wait);
        self.since.get_or_insert(now);
        self.last = self.last.or(Some(now));
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn one_change_is_looked_at_soon() {
        let (mut pace, now) = (Pace::new(), Instant::now());
        assert_eq!(pace.due(), None);
        pace.changed(now);
        assert_eq!(pace.due(), Some(now + QUIET));
        pace.begins(now + QUIET);
        assert_eq!(pace.due(), None);
    }

    #[test]
    fn two_minutes_of_changes_take_less_than_twenty_looks() {
        let (mut pace, begun) = (Pace::new(), Instant::now());
        let (mut now, mut looks) = (begun, 0);
        while now < begun + Duration::from_secs(120) {
            now += ms(20);
            pace.changed(now);
            if pace.due().is_some_and(|due| due <= now) {
                looks += 1;
                pace.begins(now);
                pace.done();
            }
        }
        assert!((10..20).contains(&looks), "{looks}");
        pace.begins(now);
        pace.changed(now + CALM * 2);
        assert_eq!(pace.due(), Some(now + CALM * 2 + QUIET));
        pace.changed(now + CALM * 2 + ms(290));
        assert_eq!(pace.due(), Some(now + CALM * 2 + FIRST));
    }

    #[test]
    fn what_is_urgent_does_not_wait_for_quiet() {
        let (mut pace, begun) = (Pace::new(), Instant::now());
        let mut now = begun;
        while now < begun + Duration::from_secs(30) {
            now += ms(20);
            pace.changed(now);
            if pace.due().is_some_and(|due| due <= now) {
                pace.begins(now);
            }
        }
        pace.urgent(now);
        for _ in 0..20 {
            now += ms(20);
            pace.changed(now);
        }
        assert!(pace.due().is_some_and(|due| due <= now));
        pace.begins(now);
        for _ in 0..20 {
            now += ms(20);
            pace.changed(now);
        }
        assert!(pace.due() > Some(now));
    }

    #[test]
    fn a_look_that_fails_is_put_off_further_each_time() {
        let (mut pace, now) = (Pace::new(), Instant::now());
        pace.changed(now);
        pace.begins(now);
        let first = pace.failed(now);
        let mut later = first;
        for _ in 0..20 {
            later = pace.failed(now);
        }
        assert!(
            first < ms(700) && later > Duration::from_secs(40),
            "{first:?} {later:?}"
        );
        assert_eq!(pace.due(), Some(now + later));
        pace.done();
        assert_eq!(pace.due(), Some(now + QUIET));
    }
}
