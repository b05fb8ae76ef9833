//! Which texts go-yaml v2 takes for a timestamp. Only messages and explicit tags tell them from other text.

/// Whether the text is one, as Go's `time.Parse` reads the four layouts of
/// <https://github.com/yaml/go-yaml/blob/v2.4.0/resolve.go>.
pub(super) fn is_timestamp(text: &str) -> bool {
    let year_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if year_digits != 4 || text.as_bytes().get(4) != Some(&b'-') {
        return false;
    }
    parse(text).is_some()
}

fn parse(text: &str) -> Option<()> {
    let year: u32 = text.get(..4)?.parse().ok()?;
    let (month, rest) = two_digits(&text[5..])?;
    let (day, rest) = two_digits(rest.strip_prefix('-')?)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in(month, year) {
        return None;
    }
    if rest.is_empty() {
        return Some(());
    }
    let zoned = rest.starts_with(['T', 't']);
    let rest = if zoned {
        &rest[1..]
    } else {
        rest.strip_prefix(' ')?.trim_start_matches(' ')
    };
    let (hour, rest) = two_digits(rest)?;
    let (minute, rest) = two_digits(rest.strip_prefix(':')?)?;
    let (second, rest) = two_digits(rest.strip_prefix(':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let rest = fraction(rest);
    if zoned {
        zone(rest)
    } else {
        rest.is_empty().then_some(())
    }
}

/// A number of one or two digits.
fn two_digits(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    Some((text.get(..digits)?.parse().ok()?, &text[digits..]))
}

fn fraction(text: &str) -> &str {
    let Some(rest) = text.strip_prefix(['.', ',']) else {
        return text;
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 { text } else { &rest[digits..] }
}

fn zone(text: &str) -> Option<()> {
    if text == "Z" {
        return Some(());
    }
    let bytes = text.as_bytes();
    let is_shaped = bytes.len() == 6 && matches!(bytes[0], b'+' | b'-') && bytes[3] == b':';
    let number = |at: usize| {
        text.get(at..at + 2)
            .filter(|two| two.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let hour: u32 = number(1)?.parse().ok()?;
    let minute: u32 = number(4)?.parse().ok()?;
    (is_shaped && hour <= 24 && minute <= 60).then_some(())
}

const fn days_in(month: u32, year: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}
