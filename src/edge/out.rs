use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};

use super::{Program, Spinner};

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorMode {
    /// On a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb says no; CLICOLOR_FORCE says yes.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How much to say on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Failures and refusals only.
    Quiet,
    /// What was done, and where.
    Normal,
    /// The details, too.
    Detailed,
}

/// The only writer to stdout and stderr. Data goes to stdout, everything else to stderr.
/// A reader of stdout that goes away has what it wanted: its leaving is no error, and the work goes on.
#[derive(Debug)]
pub(crate) struct Out {
    program: Program,
    verbosity: Verbosity,
    stdout: AutoStream<io::Stdout>,
    stderr: AutoStream<io::Stderr>,
    stdout_is_document: bool,
}

impl Out {
    /// Decides about colour, once for each stream.
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
            stdout: AutoStream::new(stdout, choices.0),
            stderr: AutoStream::new(stderr, choices.1),
            stdout_is_document: false,
        }
    }

    /// The name by which the program speaks of itself.
    pub(crate) fn program(&self) -> Program {
        self.program
    }

    /// Writes the manifest itself to stdout; from now on messages go to stderr.
    pub(crate) fn document(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdout_is_document = true;
        self.data(bytes)
    }

    /// The columns that text on stdout must fit; `None` when it is no terminal.
    pub(crate) fn width(&self) -> Option<usize> {
        io::stdout()
            .is_terminal()
            .then(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))?
    }

    /// Whether stdout is a terminal, where what it shows stays to be read.
    pub(crate) fn is_seen(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Bytes that the user asked for, as they are.
    pub(crate) fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        read_enough(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }

    /// Data that is written piece by piece, so that it need not stand whole anywhere.
    pub(crate) fn stream(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut stdout = io::BufWriter::new(io::stdout().lock());
        read_enough(write(&mut stdout).and_then(|()| stdout.flush()))
    }

    /// Styled text that the user asked for.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        if self.stdout_is_document {
            self.say(Verbosity::Normal, text);
            return Ok(());
        }
        let written = self.stdout.write_all(text.as_bytes());
        read_enough(written.and_then(|()| self.stdout.flush()))
    }

    /// Whether the details are told, too.
    pub(crate) fn is_detailed(&self) -> bool {
        self.verbosity == Verbosity::Detailed
    }

    /// How much is said.
    pub(crate) fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// A line about what happened; goes to stderr.
    pub(crate) fn note(&mut self, line: &str) {
        self.say(
            Verbosity::Normal,
            &format!("{}\n", self.program.speak(line)),
        );
    }

    /// A line for those who want to know more, made only for them; goes to stderr.
    pub(crate) fn detail(&mut self, line: impl FnOnce() -> String) {
        if self.verbosity == Verbosity::Detailed {
            self.say(Verbosity::Detailed, &format!("{}\n", line()));
        }
    }

    /// Why a command failed or was refused; goes to stderr, always.
    pub(crate) fn failure(&mut self, text: &str) {
        self.say(Verbosity::Quiet, text);
    }

    /// Shows `doing` on a terminal from `patience` on until the answer is dropped.
    pub(crate) fn spinner(&self, doing: &'static str, patience: Duration) -> Spinner {
        let dumb = std::env::var_os("CI").is_some()
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if dumb || self.verbosity == Verbosity::Quiet || !io::stderr().is_terminal() {
            return Spinner::hidden();
        }
        Spinner::start(doing, patience)
    }

    /// Whether there is somebody to ask.
    pub(crate) fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// What the next question is about; goes where that goes.
    pub(crate) fn lay_out(&mut self, text: &str) {
        self.say(Verbosity::Quiet, text);
    }

    /// Puts a question on the terminal; [`typed`] reads what is typed.
    pub(crate) fn ask(&mut self, question: &str) {
        self.say(Verbosity::Quiet, &format!("{question} "));
    }

    fn say(&mut self, at: Verbosity, text: &str) {
        if self.verbosity >= at {
            // When stderr itself is gone there is nobody left to tell.
            let _ = self.stderr.write_all(text.as_bytes());
        }
    }
}

/// A closed pipe as a success.
fn read_enough(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Reads a line that answers a question; an empty one where there is none.
pub(crate) fn typed() -> String {
    let mut typed = String::new();
    match io::stdin().read_line(&mut typed) {
        Ok(_) => typed.trim().to_owned(),
        Err(_) => String::new(),
    }
}
