//! What the controller says while it runs: lines with fields on stderr, as text or as JSON. Fields hold no secrets: what is logged
//! is names, ARNs, counts and errors, whose texts show none.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use crate::edge::Verbosity;

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Text for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// From here on, what happens is said on stderr: what awsauth does, and of others only what goes wrong.
pub(crate) fn start(format: LogFormat, verbosity: Verbosity) {
    let level = match verbosity {
        Verbosity::Quiet => LevelFilter::WARN,
        Verbosity::Normal => LevelFilter::INFO,
        Verbosity::Detailed => LevelFilter::DEBUG,
    };
    let said = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("awsauth", level)
        // It says an error of each attempt to reach the API server, as the controller itself does.
        .with_target("kube_runtime", LevelFilter::OFF)
        .with_target("kube_client", LevelFilter::OFF);
    let layer = fmt::layer().with_writer(io::stderr).with_target(false);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
    };
    // Somebody else's subscriber is as good; there is none in the program.
    let _ = registry().with(layer.with_filter(said)).try_init();
}
