//! Delays between attempts.

use std::time::Duration;

/// Random delays after requests that failed because the server is failing or unreachable. The upper bound doubles with each
/// delay.
///
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
#[derive(Clone, Debug)]
pub struct Backoff {
    bound: Duration,
}

impl Backoff {
    const SHORTEST: Duration = Duration::from_millis(100);
    const FIRST_BOUND: Duration = Duration::from_millis(300);
    const LAST_BOUND: Duration = Duration::from_secs(3);

    /// Returns the next delay.
    pub fn next_wait(&mut self) -> Duration {
        let drawn = random_between(Self::SHORTEST, self.bound);
        self.bound = (self.bound * 2).min(Self::LAST_BOUND);
        drawn
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            bound: Self::FIRST_BOUND,
        }
    }
}

/// Random delays between the attempts of one write, after a lost race or a missing response.
///
/// Their upper bound is a multiple of what the last attempt took, which grows with the distance and the load of the server. The
/// multiple falls with each delay, so that writers that have waited longer come first.
#[derive(Clone, Debug)]
pub struct WriteBackoff {
    longest: Duration,
    multiple: f64,
    last_multiple: f64,
}

impl WriteBackoff {
    const SHORTEST: Duration = Duration::from_millis(10);
    const FACTOR: f64 = 0.6;

    /// Returns delays for a command. Many commands, such as CI jobs, may run at the same time and wait for each other.
    ///
    /// Measured with 64 concurrent writers on two cores: 4.8 requests per successful write, and 99 % of the writes took
    /// at most 9.3 s. With multiples from 60 down to 20, it took 6.9 requests and 8.6 s; from 200 down to 100, 4.3
    /// requests and 13.7 s.
    pub fn for_command() -> Self {
        Self {
            longest: Duration::from_secs(6),
            multiple: 150.0,
            last_multiple: 75.0,
        }
    }

    /// Returns delays for a controller. Only its leader writes, and its repairs must not wait.
    pub fn for_leader() -> Self {
        Self {
            longest: Duration::from_millis(100),
            ..Self::for_command()
        }
    }

    /// Returns shorter delays: for the first lost race, which may remain the only one, and against clients that retry
    /// without waiting, to which long delays would lose more races.
    #[must_use]
    pub fn brief(&self) -> Self {
        Self {
            longest: self.longest.min(Duration::from_secs(2)),
            multiple: 10.0,
            last_multiple: 2.0,
        }
    }

    /// Returns the next delay, after an attempt that took `attempt`.
    pub fn next_wait(&mut self, attempt: Duration) -> Duration {
        let bound = attempt
            .mul_f64(self.multiple)
            .clamp(Self::SHORTEST, self.longest);
        self.multiple = (self.multiple * Self::FACTOR).max(self.last_multiple);
        random_between(Self::SHORTEST, bound)
    }
}

fn random_between(shortest: Duration, bound: Duration) -> Duration {
    shortest + bound.saturating_sub(shortest).mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_after_faults_are_random_within_a_growing_bound() {
        let mut backoff = Backoff::default();
        let drawn: Vec<u128> = (0..1000).map(|_| backoff.next_wait().as_millis()).collect();
        assert!(drawn.iter().all(|wait| (100..=3000).contains(wait)));
        assert!(drawn[0] <= 300, "the first retry is soon");
        assert!(drawn[20..].iter().any(|wait| *wait > 2000));
    }

    #[test]
    fn delays_of_writes_are_random_within_a_falling_multiple_of_the_attempt() {
        let draw = |backoff: WriteBackoff, attempt: u64| -> Vec<u128> {
            let mut backoff = backoff;
            let attempt = Duration::from_millis(attempt);
            let waits = (0..1000).map(|_| backoff.next_wait(attempt).as_millis());
            waits.collect()
        };
        let near = draw(WriteBackoff::for_command(), 10);
        assert!(near.iter().all(|wait| (10..=1500).contains(wait)));
        let later = &near[20..];
        assert!(
            later.iter().all(|wait| *wait <= 750),
            "old writers come first"
        );
        assert!(later.iter().any(|wait| *wait < 200) && later.iter().any(|wait| *wait > 600));
        let slow = draw(WriteBackoff::for_command(), 5000);
        assert!(slow.iter().all(|wait| (10..=6000).contains(wait)));
        assert!(slow.iter().any(|wait| *wait > 4000));
        let brief = draw(WriteBackoff::for_command().brief(), 10);
        assert!(brief.iter().all(|wait| (10..=100).contains(wait)));
        assert!(brief[20..].iter().all(|wait| *wait <= 20));
        let instant = draw(WriteBackoff::for_command(), 0);
        assert!(instant.iter().all(|wait| *wait == 10));
        let leader = draw(WriteBackoff::for_leader(), 5000);
        assert!(leader.iter().all(|wait| (10..=100).contains(wait)));
        let brief = draw(WriteBackoff::for_leader().brief(), 5000);
        assert!(brief.iter().all(|wait| (10..=100).contains(wait)));
    }
}
