//! The controller's log: lines with fields on stderr, as text or JSON. Fields contain no secrets: only
//! names, ARNs, counts, and errors whose messages contain none.

use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use awsauth_core::escape;

/// The log format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Plain text
    #[default]
    Text,
    /// One JSON object per line
    Json,
}

/// The least severe level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Warnings and errors.
    Warn,
    /// Also the controller's actions.
    Info,
    /// Also details.
    Debug,
}

/// Starts logging to stderr: events of awsauth, and only warnings and errors of libraries.
pub(crate) fn start(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("awsauth", level)
        // They log every failed attempt to reach the API server, which the controller logs itself.
        .with_target("kube_runtime", LevelFilter::OFF)
        .with_target("kube_client", LevelFilter::OFF);
    let to_stderr = move || Escaper(io::stderr(), format);
    // Styles would be escaped, too.
    let layer = fmt::layer().with_writer(to_stderr).with_ansi(false);
    let layer = layer.with_target(false);
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
    };
    // Fails only if there is a subscriber already.
    let _ = registry().with(layer.with_filter(filter)).try_init();
}

/// Escapes invisible characters, and line breaks within a line: fields contain strings from other users, which must not look
/// like another line. Each write is one whole line.
struct Escaper<W>(W, LogFormat);

impl<W: Write> Write for Escaper<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = match self.1 {
            LogFormat::Text => escape::one_line(line),
            LogFormat::Json => escape::json(line),
        };
        self.0.write_all(format!("{line}\n").as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_escaped() {
        let written = |format, line: &str| {
            let mut escaper = Escaper(Vec::new(), format);
            escaper.write_all(line.as_bytes()).unwrap();
            String::from_utf8(escaper.0).unwrap()
        };
        let text = written(LogFormat::Text, "INFO a=\u{1b}[2J\u{202e}b\nERROR c\n");
        assert_eq!(text, "INFO a=\\u{1b}[2J\\u{202e}b\\nERROR c\n");
        let json = written(LogFormat::Json, "{\"a\":\"\u{202e}\u{e0041}\"}\n");
        assert_eq!(json, "{\"a\":\"\\u202e\\udb40\\udc41\"}\n");
    }
}
