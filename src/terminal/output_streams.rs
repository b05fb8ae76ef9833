//! Writes to stdout and stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use clap::error::{ContextKind, ContextValue};

use super::{Counter, Program, Spinner};
use awsauth_core::escape;
use awsauth_core::redact;

/// When to color output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorMode {
    /// On a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb is set; always with CLICOLOR_FORCE
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The verbosity of stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Failures and refusals only.
    Quiet,
    /// Also what was done, and where.
    Normal,
    /// Also details.
    Detailed,
}

/// The only writer to stdout and stderr. Data is written to stdout, everything else to stderr. A closed pipe on stdout is not an
/// error, and the command continues.
#[derive(Debug)]
pub(crate) struct Out {
    program: Program,
    verbosity: Verbosity,
    streams: Streams,
    stdout_is_document: bool,
}

/// Where the output goes.
#[derive(Debug)]
enum Streams {
    /// The streams of the process.
    Process {
        stdout: AutoStream<io::Stdout>,
        stderr: AutoStream<io::Stderr>,
    },
    /// Memory, for a command that runs for one cluster of several.
    Memory(Captured),
}

/// Output that was kept in memory.
#[derive(Debug, Default)]
pub(crate) struct Captured {
    pub(crate) stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Out {
    /// Creates the writers, and determines for each stream whether to use color.
    pub(crate) fn new(program: Program, color: ColorMode, verbosity: Verbosity) -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let choices = match color {
            ColorMode::Auto => (AutoStream::choice(&stdout), AutoStream::choice(&stderr)),
            ColorMode::Always => (ColorChoice::Always, ColorChoice::Always),
            ColorMode::Never => (ColorChoice::Never, ColorChoice::Never),
        };
        Self {
            program,
            verbosity,
            streams: Streams::Process {
                stdout: AutoStream::new(stdout, choices.0),
                stderr: AutoStream::new(stderr, choices.1),
            },
            stdout_is_document: false,
        }
    }

    /// Creates an output that is kept in memory. It asks no question and shows no spinner.
    pub(crate) fn in_memory(program: Program, verbosity: Verbosity) -> Self {
        Self {
            program,
            verbosity,
            streams: Streams::Memory(Captured::default()),
            stdout_is_document: false,
        }
    }

    /// Returns the output that was kept in memory.
    pub(crate) fn into_captured(self) -> Captured {
        match self.streams {
            Streams::Memory(captured) => captured,
            Streams::Process { .. } => Captured::default(),
        }
    }

    /// Prints captured lines of stderr, each after a name.
    pub(crate) fn forward(&mut self, name: &str, captured: &Captured) {
        let text = String::from_utf8_lossy(&captured.stderr);
        self.say(Verbosity::Quiet, &after_name(name, &text));
    }

    fn is_in_memory(&self) -> bool {
        matches!(self.streams, Streams::Memory(_))
    }

    /// Returns the name that the program was called by.
    pub(crate) fn program(&self) -> Program {
        self.program
    }

    /// Writes the manifest to stdout. Later text is written to stderr.
    pub(crate) fn document(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdout_is_document = true;
        self.data(bytes)
    }

    /// Returns the width of the terminal on stdout; `None` if stdout is not a terminal.
    pub(crate) fn width(&self) -> Option<usize> {
        self.is_seen()
            .then(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))?
    }

    /// Returns whether stdout is a terminal, which may keep its output on screen.
    pub(crate) fn is_seen(&self) -> bool {
        !self.is_in_memory() && io::stdout().is_terminal()
    }

    /// Writes data to stdout, unchanged.
    pub(crate) fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Streams::Memory(captured) = &mut self.streams {
            captured.stdout.extend(bytes);
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        ignore_broken_pipe(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }

    /// Writes JSON to stdout, with invisible characters as escapes.
    pub(crate) fn json(&mut self, text: &str) -> io::Result<()> {
        self.data(escape::json(text).as_bytes())
    }

    /// Streams JSON to stdout without holding all of it in memory.
    pub(crate) fn stream_json(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        if let Streams::Memory(captured) = &mut self.streams {
            return write(&mut JsonEscaper(&mut captured.stdout));
        }
        let mut stdout = io::BufWriter::new(io::stdout().lock());
        let written = write(&mut JsonEscaper(&mut stdout));
        ignore_broken_pipe(written.and_then(|()| stdout.flush()))
    }

    /// Writes styled text to stdout.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        if self.stdout_is_document {
            self.say(Verbosity::Normal, text);
            return Ok(());
        }
        self.write_stdout(&printable(text))
    }

    /// Writes GitHub Actions workflow commands to stdout; their values must be escaped.
    pub(crate) fn workflow_commands(&mut self, text: &str) -> io::Result<()> {
        let text = styled_lines(text);
        if self.stdout_is_document {
            // The runner reads stderr, too.
            self.write_stderr(&text);
            return Ok(());
        }
        self.write_stdout(&text)
    }

    /// Returns whether details are printed.
    pub(crate) fn is_detailed(&self) -> bool {
        self.verbosity == Verbosity::Detailed
    }

    /// Returns the verbosity of stderr.
    pub(crate) fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Prints a line about what happened to stderr.
    pub(crate) fn note(&mut self, line: &str) {
        self.say(
            Verbosity::Normal,
            &format!("{}\n", escape::one_line(&self.program.speak(line))),
        );
    }

    /// Prints a line to stderr, even with --quiet: what a guard could not check.
    pub(crate) fn unchecked(&mut self, line: &str) {
        self.say(
            Verbosity::Quiet,
            &format!("{}\n", escape::one_line(&self.program.speak(line))),
        );
    }

    /// Prints a line to stderr with --verbose. The closure runs only with --verbose.
    pub(crate) fn detail(&mut self, line: impl FnOnce() -> String) {
        if self.verbosity == Verbosity::Detailed {
            self.say(Verbosity::Detailed, &format!("{}\n", line()));
        }
    }

    /// Prints why a command failed or was refused to stderr, even with --quiet.
    pub(crate) fn failure(&mut self, text: &str) {
        self.say(Verbosity::Quiet, text);
    }

    /// Shows `doing` on a terminal after `delay`, until the spinner is dropped.
    pub(crate) fn spinner(&self, doing: &'static str, delay: Duration) -> Spinner {
        match self.shows_progress() {
            true => Spinner::start(doing, delay),
            false => Spinner::hidden(),
        }
    }

    /// Shows on a terminal how many of `total` are done, until the counter is dropped.
    pub(crate) fn counter(&self, doing: &'static str, total: usize) -> Counter {
        match self.shows_progress() {
            true => Counter::start(doing, total),
            false => Counter::hidden(),
        }
    }

    fn shows_progress(&self) -> bool {
        let dumb = std::env::var_os("CI").is_some()
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_seen = !self.is_in_memory() && io::stderr().is_terminal();
        is_seen && !dumb && self.verbosity != Verbosity::Quiet
    }

    /// Returns whether the user can answer questions.
    pub(crate) fn can_ask(&self) -> bool {
        !self.is_in_memory() && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Prints the context of the next question to stderr, even with --quiet.
    pub(crate) fn lay_out(&mut self, text: &str) {
        self.say(Verbosity::Quiet, text);
    }

    /// Prints a question; [`read_line`] reads the answer.
    pub(crate) fn ask(&mut self, question: &str) {
        self.say(
            Verbosity::Quiet,
            &format!("{} ", escape::one_line(question)),
        );
    }

    fn say(&mut self, at: Verbosity, text: &str) {
        if self.verbosity >= at {
            self.write_stderr(&printable(text));
        }
    }

    fn write_stdout(&mut self, text: &str) -> io::Result<()> {
        match &mut self.streams {
            Streams::Memory(captured) => captured.stdout.write_all(text.as_bytes()),
            Streams::Process { stdout, .. } => {
                let written = stdout.write_all(text.as_bytes());
                ignore_broken_pipe(written.and_then(|()| stdout.flush()))
            }
        }
    }

    /// Failures of stderr cannot be reported anywhere.
    fn write_stderr(&mut self, text: &str) {
        let _ = match &mut self.streams {
            Streams::Memory(captured) => captured.stderr.write_all(text.as_bytes()),
            Streams::Process { stderr, .. } => stderr.write_all(text.as_bytes()),
        };
    }
}

/// Prints clap's help on stdout, or its usage error on stderr, with the arguments and variables in it on one line each.
pub(crate) fn print_clap(mut error: clap::Error) {
    for kind in [
        ContextKind::InvalidArg,
        ContextKind::InvalidSubcommand,
        ContextKind::InvalidValue,
    ] {
        if let Some(ContextValue::String(text)) = error.get(kind) {
            let shown = escape::one_line(text).into_owned();
            let shown = match shown.contains("://") {
                // A URL may contain a password.
                true => redact::text(&shown),
                false => shown,
            };
            error.insert(kind, ContextValue::String(shown));
        }
    }
    let text = error.render().ansi().to_string();
    let text = printable(&text);
    // Failures of the streams cannot be reported anywhere; a closed pipe is not an error.
    let _ = match error.use_stderr() {
        true => AutoStream::auto(io::stderr()).write_all(text.as_bytes()),
        false => AutoStream::auto(io::stdout()).write_all(text.as_bytes()),
    };
}

/// Escapes what passes through as JSON. Each write must be complete characters, as serde_json's are.
struct JsonEscaper<W>(W);

impl<W: Write> Write for JsonEscaper<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_all(escape::json(text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Escapes as [`styled_lines`] does, and what the log of a CI system takes for a command.
fn printable(text: &str) -> String {
    escape::without_log_commands(&styled_lines(text)).into_owned()
}

/// Escapes invisible characters, except for line feeds and the styles that awsauth uses itself. Text of others is escaped
/// where it is inserted; this is for what was forgotten there.
fn styled_lines(text: &str) -> Cow<'_, str> {
    let mut parts = text.split('\u{1b}');
    let first = escape::lines(parts.next().unwrap_or_default());
    parts.fold(first, |mut shown, part| {
        let (style, rest) = part.split_at(style_length(part));
        // Without a style, the escape character is text.
        shown.to_mut().push_str(match style {
            "" => "\\u{1b}",
            _ => "\u{1b}",
        });
        shown.to_mut().push_str(style);
        shown.to_mut().push_str(&escape::lines(rest));
        shown
    })
}

/// Returns the length of the style that follows an escape character; 0 if awsauth does not use this style. awsauth uses
/// effects, and foreground colors other than black and white, which could hide text.
/// <https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters>
fn style_length(text: &str) -> usize {
    let Some((parameters, _)) = text.strip_prefix('[').and_then(|text| text.split_once('m')) else {
        return 0;
    };
    let is_used = |parameter: &str| {
        matches!(
            parameter.parse(),
            Ok(0..=4u8 | 22..=24 | 31..=36 | 39 | 91..=96)
        )
    };
    match parameters.split(';').all(is_used) {
        true => "[m".len() + parameters.len(),
        false => 0,
    }
}

/// Treats a closed pipe as success.
fn ignore_broken_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Returns each line of a message after a name, which is escaped to stay on its line.
pub(crate) fn after_name(name: &str, text: &str) -> String {
    let name = escape::one_line(name);
    let lines = text.lines().map(|line| format!("{name}: {line}\n"));
    lines.collect()
}

/// Reads the answer to a question; empty if stdin cannot be read.
pub(crate) fn read_line() -> String {
    let mut typed = String::new();
    match io::stdin().read_line(&mut typed) {
        Ok(_) => typed.trim().to_owned(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_lines_begin_with_the_name_on_one_line() {
        let mut of_cluster = Out::in_memory(Program::AWSAUTH, Verbosity::Normal);
        of_cluster.note("first");
        of_cluster.note("second");
        let mut out = Out::in_memory(Program::AWSAUTH, Verbosity::Normal);
        out.forward("a\nb", &of_cluster.into_captured());
        let stderr = out.into_captured().stderr;
        assert_eq!(
            String::from_utf8_lossy(&stderr),
            "a\\nb: first\na\\nb: second\n"
        );
    }

    #[test]
    fn only_own_styles_reach_the_terminal() {
        for kept in [
            "a\n\u{1b}[1m\u{1b}[32mb\u{1b}[0m\n",
            "\u{1b}[1;91mx\u{1b}[0m",
        ] {
            assert_eq!(styled_lines(kept), kept);
        }
        for (text, shown) in [
            ("a\u{1b}[8mb\u{1b}[0m", "a\\u{1b}[8mb\u{1b}[0m"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{1b}[2J\u{1b}[1A", "\\u{1b}[2J\\u{1b}[1A"),
            ("a\u{1b}", "a\\u{1b}"),
            ("\u{1b}[30m\u{1b}[m", "\\u{1b}[30m\\u{1b}[m"),
            ("a\rb\u{202e}\n", "a\\rb\\u{202e}\n"),
        ] {
            assert_eq!(styled_lines(text), shown);
        }
    }
}
