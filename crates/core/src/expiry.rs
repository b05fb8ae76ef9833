//! Access that ends at a given time.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use thiserror::Error;

/// How soon the API server's time is requested again if it is unknown.
const RETRY: SignedDuration = SignedDuration::from_secs(30);

/// When access must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    At(Timestamp),
    /// Never, even if a time was set before.
    Never,
}

/// The recorded time of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedExpiry {
    pub at: Timestamp,
    /// Whether the entry was changed after the time was recorded. Then it does not expire.
    pub is_changed: bool,
}

impl RecordedExpiry {
    /// Returns whether the time has passed, so that awsauth expire removes the entry. Until then, it still gives access.
    pub fn has_passed(self, now: Timestamp) -> bool {
        !self.is_changed && self.at <= now
    }
}

/// Why a string does not state when access ends.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExpiryError {
    #[error(
        "{0:?} is not a time: use 2027-01-31T18:00:00Z, 2027-01-31 (the end of that day in UTC) or never"
    )]
    NotATime(String),
    #[error(
        "{0:?} is neither a duration such as 30m, 8h or 2d, nor a time: use 2027-01-31T18:00:00Z, 2027-01-31 (the end of that day in UTC) or never"
    )]
    NeitherDurationNorTime(String),
    #[error("{0} has passed")]
    Passed(Timestamp),
}

impl Expiry {
    /// Reads a time in RFC 3339, a date, which is the end of that day in UTC, or `never`.
    ///
    /// # Errors
    /// If the text is something else.
    pub fn parse(text: &str) -> Result<Self, ExpiryError> {
        let end_of = |date: Date| {
            let next = date.tomorrow().ok()?;
            Offset::UTC.to_timestamp(next.at(0, 0, 0, 0)).ok()
        };
        // `Date` also accepts the date of a time.
        let is_date = text.len() == "2027-01-31".len();
        let at = match text {
            "never" => return Ok(Self::Never),
            date if is_date => date.parse().ok().and_then(end_of),
            time => time.parse().ok(),
        };
        at.map(Self::At)
            .ok_or_else(|| ExpiryError::NotATime(text.to_owned()))
    }

    /// Reads the same, or a duration from now such as `30m`, `8h` or `2d`.
    ///
    /// # Errors
    /// If the text is something else, or the time has passed.
    pub fn parse_after(text: &str, now: Timestamp) -> Result<Self, ExpiryError> {
        let at = match parse_duration(text) {
            Some(duration) => now
                .checked_add(duration)
                .ok()
                .map(whole_second)
                .map(Self::At),
            None => Self::parse(text).ok(),
        };
        match at {
            Some(Self::At(at)) if at <= now => Err(ExpiryError::Passed(at)),
            Some(expiry) => Ok(expiry),
            None => Err(ExpiryError::NeitherDurationNorTime(text.to_owned())),
        }
    }
}

/// Reads a duration such as `30m`, `8h` or `90d`. A day has 24 hours.
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    let span: Span = text.parse().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

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
    fn times_dates_and_durations_are_read() {
        let now: Timestamp = "2026-11-21T10:00:00.7Z".parse().unwrap();
        for (text, at) in [
            ("2027-01-31T18:00:00Z", "2027-01-31T18:00:00Z"),
            ("2027-01-31T18:00:00+01:00", "2027-01-31T17:00:00Z"),
            ("2027-01-31", "2027-02-01T00:00:00Z"),
            ("30m", "2026-11-21T10:30:00Z"),
            ("8h", "2026-11-21T18:00:00Z"),
            ("2d", "2026-11-23T10:00:00Z"),
            ("1h30m", "2026-11-21T11:30:00Z"),
        ] {
            let at = at.parse().unwrap();
            assert_eq!(Expiry::parse_after(text, now), Ok(Expiry::At(at)), "{text}");
        }
        assert_eq!(Expiry::parse_after("never", now), Ok(Expiry::Never));
        for text in [
            "",
            "soon",
            "8",
            "2mo",
            "2027-02-30",
            "2027-01-31T18:00:00",
            "31.1.2027",
        ] {
            let error = Expiry::parse_after(text, now).unwrap_err();
            assert_eq!(error, ExpiryError::NeitherDurationNorTime(text.to_owned()));
        }
        for text in ["0s", "-8h", "2026-11-20", "2026-11-21T10:00:00Z"] {
            let error = Expiry::parse_after(text, now).unwrap_err();
            assert!(matches!(error, ExpiryError::Passed(_)), "{text}: {error}");
        }
        assert!(Expiry::parse("8h").is_err());
        assert!(Expiry::parse("2026-11-20").is_ok());
    }

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
