//! Parses X-Amz-Date like Go's `time.Parse`:
//! <https://github.com/golang/go/blob/go1.26.0/src/time/format.go>

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The authenticator's layout.
pub(super) const FORMAT: &str = "20060102T150405Z";

/// Returns the time, or Go's error message. A time beyond jiff's range becomes its maximum.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    let mut reader = Reader { text, rest: text };
    let year = reader.year()?;
    let month = reader.pair("01", Some(1..=12))?;
    let day = reader.pair("02", None)?;
    reader.literal("T")?;
    let hour = reader.hour()?;
    let minute = reader.pair("04", Some(0..=59))?;
    let second = reader.pair("05", Some(0..=59))?;
    let nanosecond = reader.fraction();
    reader.literal("Z")?;
    if !reader.rest.is_empty() {
        return Err(format!(
            "parsing time {}: extra text: {}",
            quote(text),
            quote(reader.rest)
        ));
    }
    let (Ok(date), Ok(time)) = (
        Date::new(year, month, day),
        Time::new(hour, minute, second, 0),
    ) else {
        return Err(reader.out_of_range("day"));
    };
    let whole = date.to_datetime(time).to_zoned(TimeZone::UTC);
    Ok(whole.map_or(Timestamp::MAX, |whole| {
        let fraction = SignedDuration::from_nanos(nanosecond);
        whole
            .timestamp()
            .saturating_add(fraction)
            .unwrap_or(Timestamp::MAX)
    }))
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    fn year(&mut self) -> Result<i16, String> {
        match self.digits() {
            4.. => Ok(self.take(4)),
            _ => Err(self.not_a("2006")),
        }
    }

    fn pair(
        &mut self,
        layout: &str,
        range: Option<std::ops::RangeInclusive<i8>>,
    ) -> Result<i8, String> {
        if self.digits() < 2 {
            return Err(self.not_a(layout));
        }
        let number = self.take(2);
        if range.is_some_and(|range| !range.contains(&number)) {
            return Err(self.out_of_range(match layout {
                "01" => "month",
                "04" => "minute",
                _ => "second",
            }));
        }
        Ok(number)
    }

    /// Reads the hour, the only number that may have one digit.
    fn hour(&mut self) -> Result<i8, String> {
        let digits = self.digits().min(2);
        if digits == 0 {
            return Err(self.not_a("15"));
        }
        let hour = self.take(digits);
        if hour > 23 {
            return Err(self.out_of_range("hour"));
        }
        Ok(hour)
    }

    /// Reads nanoseconds, which Go accepts although the layout has none.
    fn fraction(&mut self) -> i64 {
        let Some(behind) = self.rest.strip_prefix(['.', ',']) else {
            return 0;
        };
        let digits = Reader {
            rest: behind,
            ..*self
        }
        .digits();
        if digits == 0 {
            return 0;
        }
        let (fraction, rest) = behind.split_at(digits);
        self.rest = rest;
        let digit = |byte: u8| i64::from(byte - b'0');
        let padded = fraction.bytes().chain(std::iter::repeat(b'0'));
        padded.take(9).fold(0, |sum, byte| sum * 10 + digit(byte))
    }

    fn literal(&mut self, letter: &str) -> Result<(), String> {
        self.rest = self
            .rest
            .strip_prefix(letter)
            .ok_or_else(|| self.not_a(letter))?;
        Ok(())
    }

    /// Counts the leading digits.
    fn digits(&self) -> usize {
        let bytes = self.rest.bytes();
        bytes.take_while(u8::is_ascii_digit).count()
    }

    /// Reads this many digits as a number.
    fn take<N: std::str::FromStr + Default>(&mut self, digits: usize) -> N {
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().unwrap_or_default()
    }

    fn not_a(&self, layout: &str) -> String {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quote(self.text),
            quote(FORMAT),
            quote(self.rest),
            quote(layout)
        )
    }

    fn out_of_range(&self, what: &str) -> String {
        format!("parsing time {}: {what} out of range", quote(self.text))
    }
}

/// Quotes a string like Go's package time, which differs from other Go packages.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='\x7f' => quoted.push(c),
            _ => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    quoted.push_str(&format!("\\x{byte:02x}"));
                }
            }
        }
    }
    quoted + "\""
}
