//! The sign-ins that the authenticator logs, counted by principal.
//!
//! The line is the same since 2017, with more fields in later versions:
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/master/pkg/server/server.go>

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::arn::principal_key;

/// A sign-in that the authenticator granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedSignIn<'a> {
    pub time: Timestamp,
    /// The principal as the authenticator compares it: without a session, and for a role without its IAM path.
    pub arn: &'a str,
    /// The unique id of the user or role, such as `AROAEXAMPLE`, by which IAM tells it from an earlier one of the same name.
    pub unique_id: Option<&'a str>,
}

impl<'a> LoggedSignIn<'a> {
    /// Reads a line of the authenticator's log. Text before the fields, such as a stream's name, is ignored. Returns `None` for
    /// lines about anything else, and for sign-ins whose account the authenticator is configured not to log.
    pub fn of_line(line: &'a str) -> Option<Self> {
        let (mut message, mut time, mut arn, mut uid) = (None, None, None, None);
        for (key, value) in fields(line) {
            let field = match key {
                "msg" => &mut message,
                "time" => &mut time,
                "arn" => &mut arn,
                "uid" => &mut uid,
                _ => continue,
            };
            *field = Some(value);
        }
        if message? != "access granted" {
            return None;
        }
        Some(Self {
            time: time?.parse().ok()?,
            arn: arn.filter(|arn| arn.starts_with("arn:"))?,
            // Such as aws-iam-authenticator:111122223333:AROAEXAMPLE; the first word was another one before 2019.
            unique_id: uid
                .and_then(|uid| uid.rsplit(':').next())
                .filter(|id| !id.is_empty()),
        })
    }
}

/// Returns the fields `key=value` and `key="value"`. Escapes in values are kept.
fn fields(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            let end = rest.find(['=', ' '])?;
            let (key, after) = rest.split_at(end);
            let Some(after) = after.strip_prefix('=') else {
                rest = after;
                continue;
            };
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_at(closing_quote(quoted)?),
                None => after.split_at(after.find(' ').unwrap_or(after.len())),
            };
            rest = after.strip_prefix('"').unwrap_or(after);
            return Some((key, value));
        }
    })
}

/// Returns where the quoted text ends; `None` if the line ends before.
fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        closes
    })
}

/// How often a principal signed in, and when last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignIns {
    pub count: u64,
    pub last: Timestamp,
}

impl SignIns {
    /// Returns both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            last: self.last.max(other.last),
        }
    }
}

/// The sign-ins of a period. Keeps one counter for each principal, whatever the log's length.
#[derive(Clone, Debug)]
pub struct SignInLog {
    since: Timestamp,
    until: Timestamp,
    /// By the folded ARN, then by the unique id.
    principals: BTreeMap<String, BTreeMap<Option<String>, SignIns>>,
    /// The days with a sign-in, counted from `since`.
    days: BTreeSet<i64>,
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl SignInLog {
    /// Creates an empty log of the time from `since` to `until`.
    pub fn new(since: Timestamp, until: Timestamp) -> Self {
        Self {
            since,
            until,
            principals: BTreeMap::new(),
            days: BTreeSet::new(),
        }
    }

    /// Returns when the period begins.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Returns when the period ends.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Adds a line, unless it is no sign-in of the period.
    pub fn add_line(&mut self, line: &str) {
        let Some(sign_in) = LoggedSignIn::of_line(line) else {
            return;
        };
        if !(self.since..=self.until).contains(&sign_in.time) {
            return;
        }
        self.days.insert(self.day(sign_in.time));
        let by_id = self
            .principals
            .entry(principal_key(sign_in.arn))
            .or_default();
        let one = SignIns {
            count: 1,
            last: sign_in.time,
        };
        by_id
            .entry(sign_in.unique_id.map(str::to_owned))
            .and_modify(|seen| *seen = seen.and(one))
            .or_insert(one);
    }

    fn day(&self, time: Timestamp) -> i64 {
        time.duration_since(self.since).as_secs() / DAY.as_secs()
    }

    /// Returns when each whole day of the period begins without a sign-in. Nodes sign in every day, so that on such a day
    /// the log is likely to be incomplete.
    pub fn silent_days(&self) -> Vec<Timestamp> {
        let whole_days = 0..self.day(self.until);
        whole_days
            .filter(|day| !self.days.contains(day))
            .map(|day| self.since + SignedDuration::from_secs(day * DAY.as_secs()))
            .collect()
    }

    /// Returns the sign-ins of a principal by its unique id.
    pub fn of(&self, arn: &str) -> impl Iterator<Item = (Option<&str>, SignIns)> {
        let by_id = self.principals.get(&principal_key(arn));
        by_id
            .into_iter()
            .flatten()
            .map(|(id, sign_ins)| (id.as_deref(), *sign_ins))
    }

    /// Returns the folded ARN of every principal that signed in.
    pub fn arns(&self) -> impl Iterator<Item = &str> {
        self.principals.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/ci";

    #[test]
    fn lines_of_every_version_are_read() {
        let time = "2023-01-23T14:06:32Z".parse().unwrap();
        let expected = LoggedSignIn {
            time,
            arn: ROLE,
            unique_id: Some("AROAEXAMPLE"),
        };
        for line in [
            // 2018: https://github.com/kubernetes-sigs/aws-iam-authenticator/issues/157
            r#"time="2023-01-23T14:06:32Z" level=info msg="access granted" arn="arn:aws:iam::111122223333:role/ci" client="127.0.0.1:59726" groups="[system:masters]" method=POST path=/authenticate uid="heptio-authenticator-aws:111122223333:AROAEXAMPLE" username=admin"#,
            // 2023: https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2415
            r#"time="2023-01-23T14:06:32Z" level=info msg="access granted" arn="arn:aws:iam::111122223333:role/ci" client="127.0.0.1:51358" groups="[]" method=POST path=/authenticate uid="aws-iam-authenticator:111122223333:AROAEXAMPLE" username="eks:node-manager""#,
            // Since 2024, with the STS endpoint.
            r#"time="2023-01-23T14:06:32Z" level=info msg="access granted" arn="arn:aws:iam::111122223333:role/ci" client="127.0.0.1:51358" groups="[a b]" method=POST path=/authenticate stsendpoint=sts.eu-west-1.amazonaws.com uid="aws-iam-authenticator:111122223333:AROAEXAMPLE" username="a \" arn=\"x""#,
            // As `aws logs tail` shows it.
            r#"2023-01-23T14:06:33+00:00 authenticator-a1b2 time="2023-01-23T14:06:32Z" level=info msg="access granted" arn="arn:aws:iam::111122223333:role/ci" uid="aws-iam-authenticator:111122223333:AROAEXAMPLE""#,
        ] {
            assert_eq!(
                LoggedSignIn::of_line(line),
                Some(expected.clone()),
                "{line}"
            );
        }
    }

    #[test]
    fn other_lines_are_no_sign_ins() {
        for line in [
            "",
            "msg=",
            r#"time="2023-01-23T14:06:32Z" level=warning msg="access denied" arn="arn:aws:iam::1:role/ci" error="not mapped""#,
            r#"time="2023-01-23T14:06:32Z" level=info msg="STS response" arn="arn:aws:sts::1:assumed-role/ci/s""#,
            r#"time="2023-01-23T14:06:32Z" level=info msg="mapping IAM role" role="arn:aws:iam::1:role/ci" username="msg=\"access granted\"""#,
            // Without its ARN, because its account is not logged.
            r#"time="2023-01-23T14:06:32Z" level=info msg="access granted" uid="aws-iam-authenticator:administrative:x" username=x"#,
            r#"time=yesterday level=info msg="access granted" arn="arn:aws:iam::1:role/ci""#,
            r#"time="2023-01-23T14:06:32Z" msg="access granted" arn="arn:aws:iam::1:role/ci"#,
        ] {
            assert_eq!(LoggedSignIn::of_line(line), None, "{line}");
        }
    }

    fn line(time: &str, arn: &str) -> String {
        format!(r#"time="{time}" msg="access granted" arn="{arn}" uid="x:1:AROA1""#)
    }

    #[test]
    fn sign_ins_are_counted_in_the_period() {
        let (since, until) = ("2026-10-01T12:00:00Z", "2026-10-04T18:00:00Z");
        let mut log = SignInLog::new(since.parse().unwrap(), until.parse().unwrap());
        for time in [
            "2026-10-01T11:59:59Z",
            "2026-10-01T12:00:00Z",
            "2026-10-03T13:00:00Z",
            "2026-10-04T18:00:00Z",
            "2026-10-04T18:00:01Z",
        ] {
            log.add_line(&line(time, ROLE));
        }
        let seen: Vec<_> = log.of("arn:aws:iam::111122223333:role/team/CI").collect();
        let last = until.parse().unwrap();
        assert_eq!(seen, [(Some("AROA1"), SignIns { count: 3, last })]);
        // The second day, from noon to noon; the last one has not ended.
        let silent: Timestamp = "2026-10-02T12:00:00Z".parse().unwrap();
        assert_eq!(log.silent_days(), [silent]);
    }
}
