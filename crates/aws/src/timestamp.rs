//! Parses timestamps.

use jiff::Timestamp;

/// Parses a timestamp as AWS tools write it: RFC 3339, or with `UTC` for `Z` as older tools do.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    match text.strip_suffix("UTC") {
        Some(naive) => format!("{}Z", naive.trim_end()).parse().ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_of_aws_tools_are_parsed() {
        let noon = "2026-11-20T12:00:00Z".parse().ok();
        for text in [
            "2026-11-20T12:00:00Z",
            "2026-11-20T12:00:00UTC",
            "2026-11-20T13:00:00+01:00",
            "2026-11-20T13:00:00+0100",
            "2026-11-20 12:00:00Z",
            " 2026-11-20T12:00:00.000Z\n",
        ] {
            assert_eq!(instant(text), noon, "{text}");
        }
        for text in ["", "UTC", "soon", "2026-11-20T12:00:00", "1700000000"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
