//! Access that ends at a given time.

use jiff::{SignedDuration, Timestamp};

/// How soon the API server's time is requested again if it is unknown.
const RETRY: SignedDuration = SignedDuration::from_secs(30);

/// The current time by two clocks: one of them alone may have jumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    pub local: Timestamp,
    /// The API server's clock, when it last responded; `None` if unknown.
    pub server: Option<Timestamp>,
}

impl Clocks {
    /// Returns whether a time has come; `None` if the clocks disagree, or one is unknown.
    pub fn agree_on(&self, at: Timestamp) -> Option<bool> {
        let has_come = self.local >= at;
        let agrees = self.server.is_some_and(|server| (server >= at) == has_come);
        agrees.then_some(has_come)
    }

    /// Returns the local time at which both clocks will have reached a time.
    pub fn both_reach(&self, at: Timestamp) -> Timestamp {
        let left = match self.server {
            Some(server) => at.duration_since(server.min(self.local)),
            None if self.local >= at => RETRY,
            None => at.duration_since(self.local),
        };
        self.local.saturating_add(left).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_has_come_only_if_both_clocks_agree() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (local, server, agreed, both) in [
            (10, Some(10), Some(true), 10),
            (9, Some(8), Some(false), 11),
            (9, Some(12), None, 10),
            (12, Some(7), None, 15),
            (12, None, None, 42),
            (9, None, None, 10),
        ] {
            let clocks = Clocks {
                local: at(local),
                server: server.map(at),
            };
            assert_eq!(clocks.agree_on(at(10)), agreed, "{clocks:?}");
            assert_eq!(clocks.both_reach(at(10)), at(both), "{clocks:?}");
        }
    }
}
