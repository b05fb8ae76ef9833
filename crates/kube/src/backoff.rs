//! Delays between attempts.

use std::time::Duration;

/// Random delays between a minimum and an upper bound that changes with each delay. Callers that collided once spread
/// over a time that fits their number.
///
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
#[derive(Clone, Debug)]
pub struct Backoff {
    shortest: Duration,
    bound: Duration,
    factor: f64,
    last_bound: Duration,
}

impl Backoff {
    /// Returns delays for writers that lost a race for an object. There may be many of them.
    ///
    /// However many writers there are, one of them succeeds in the time of three requests. So delays save requests
    /// rather than time. The bound falls, so that writers that have waited longer come first. With 64 concurrent
    /// writers this took 9 requests per success and 6 s for the 99th of 100; a bound that grew from 240 to 800 ms took
    /// 12 requests and 9 s. If the bound fell much below 300 ms, many old writers would collide with each other.
    pub fn for_conflicts() -> Self {
        Self {
            shortest: Duration::from_millis(40),
            bound: Duration::from_millis(1200),
            factor: 0.85,
            last_bound: Duration::from_millis(300),
        }
    }

    /// Returns delays for a controller that lost a race for an object. Only its leader writes, and what it repairs must not wait.
    pub fn for_leader() -> Self {
        Self {
            shortest: Duration::from_millis(10),
            bound: Duration::from_millis(100),
            factor: 1.0,
            last_bound: Duration::from_millis(100),
        }
    }

    /// Returns delays for a server that fails or is unreachable.
    pub fn for_faults() -> Self {
        Self {
            shortest: Duration::from_millis(100),
            bound: Duration::from_millis(300),
            factor: 2.0,
            last_bound: Duration::from_secs(3),
        }
    }

    /// Returns the next delay.
    pub fn next_wait(&mut self) -> Duration {
        let span = self.bound.saturating_sub(self.shortest);
        let drawn = self.shortest + span.mul_f64(fastrand::f64());
        let next = self.bound.mul_f64(self.factor);
        self.bound = match self.factor < 1.0 {
            true => next.max(self.last_bound),
            false => next.min(self.last_bound),
        };
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_random_within_a_moving_bound() {
        let drawn = |mut backoff: Backoff| -> Vec<u128> {
            (0..1000).map(|_| backoff.next_wait().as_millis()).collect()
        };
        let conflicts = drawn(Backoff::for_conflicts());
        assert!(conflicts.iter().all(|wait| (40..=1200).contains(wait)));
        let later = &conflicts[20..];
        assert!(
            later.iter().all(|wait| *wait <= 300),
            "old writers come first"
        );
        assert!(later.iter().any(|wait| *wait < 100) && later.iter().any(|wait| *wait > 250));
        let leader = drawn(Backoff::for_leader());
        assert!(leader.iter().all(|wait| (10..=100).contains(wait)));
        let faults = drawn(Backoff::for_faults());
        assert!(faults.iter().all(|wait| (100..=3000).contains(wait)));
        assert!(faults[0] <= 300, "the first retry is soon");
        assert!(faults[20..].iter().any(|wait| *wait > 2000));
    }
}
