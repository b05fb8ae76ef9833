//! What any reader of YAML must do at least: one pass over the text's events.

use std::time::Duration;

use crate::measure::timed;

/// How long libyaml's algorithm takes for all events of `text`, which it must read to the end.
pub(crate) fn event_pass(text: &str) -> Duration {
    timed(|| {
        let mut input = text.as_bytes();
        let mut parser = libyaml_safer::Parser::new();
        parser.set_input_string(&mut input);
        let mut events = 0_usize;
        loop {
            let event = parser.parse().expect("well-formed YAML");
            events += 1;
            if matches!(event.data, libyaml_safer::EventData::StreamEnd) {
                return events;
            }
        }
    })
}
