//! One pass of libyaml over the events of a document: the least that any YAML parser must do.

use std::time::Duration;

use crate::measure::timing::timed;

/// Measures how long libyaml takes to parse all events of `text`.
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
