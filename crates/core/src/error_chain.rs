//! The messages of an error and its causes.

use std::error::Error;

/// Returns the message of an error and those of its causes, outermost first. Many libraries repeat a cause in their own
/// message, so a message that another one contains is left out.
pub fn messages(error: &dyn Error) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    let errors = std::iter::successors(Some(error), |&error| error.source());
    for message in errors.map(ToString::to_string) {
        if !messages.iter().any(|known| known.contains(&message)) {
            messages.push(message);
        }
    }
    messages
}

/// Returns the same as one line: `message: cause: cause`.
pub fn text(error: &dyn Error) -> String {
    messages(error).join(": ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{message}")]
    struct Layer {
        message: &'static str,
        source: Option<Box<dyn Error>>,
    }

    fn layer(message: &'static str, source: impl Error + 'static) -> Layer {
        Layer {
            message,
            source: Some(Box::new(source)),
        }
    }

    #[test]
    fn repeated_message_is_left_out() {
        let refused = io::Error::other("connection refused");
        let error = layer("cannot connect", layer("tcp: connection refused", refused));
        assert_eq!(text(&error), "cannot connect: tcp: connection refused");
    }
}
