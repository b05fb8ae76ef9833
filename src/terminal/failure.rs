//! Failures: what, why and the next step.

use std::error::Error;
use std::fmt::{Display, Write};
use std::io;

use super::{Exit, Program};
use awsauth_core::error_chain;
use awsauth_core::escape::one_line;

/// The kind of a failure, which determines the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Wrong usage, or input that cannot be read.
    Usage,
    /// The answer is no.
    No,
    /// The cluster cannot be reached, or the caller lacks permission.
    Unreachable,
    /// Refused by a guard or a rule of the object.
    Refused,
    /// The object kept changing.
    Conflict,
    /// The change was written, verification failed, and it was rolled back.
    RolledBack,
    /// The change was written, verification failed, and it was not rolled back.
    NotRolledBack,
    /// A bug in awsauth.
    Bug,
    /// The user interrupted.
    Interrupted,
    /// Stdout cannot be written.
    Output,
}

/// Why a command failed: what could not be done, the chain of causes, and the next step.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    what: String,
    causes: Vec<String>,
    lines: Vec<Line>,
    // Boxed to keep `Failure` small, because most functions return it in a `Result`.
    refusal: Option<Box<Refused>>,
    is_after_change: bool,
}

/// The guard that refused, and the flag that overrides it.
#[derive(Debug)]
struct Refused {
    by: Refusal,
    allow: Option<&'static str>,
}

/// A line below the message.
#[derive(Debug)]
enum Line {
    /// An attempt.
    Note(String),
    /// A next step.
    Hint(String),
}

/// The guard that refused, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The guard's id.
    pub(crate) guard: &'static str,
    /// The guard's name.
    pub(crate) reason: &'static str,
}

impl Failure {
    /// Creates a failure. `what` is a lower-case fragment without a period.
    pub(crate) fn new(kind: Kind, what: impl Display) -> Self {
        Self {
            kind,
            what: what.to_string(),
            causes: Vec::new(),
            lines: Vec::new(),
            refusal: None,
            is_after_change: false,
        }
    }

    /// Creates a failure of kind [`Kind::Usage`].
    pub(crate) fn usage(what: impl Display) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// Creates a failure of kind [`Kind::Refused`] by one guard.
    pub(crate) fn refused(refusal: Refusal, what: impl Display) -> Self {
        Self {
            refusal: Some(Box::new(Refused {
                by: refusal,
                allow: None,
            })),
            ..Self::new(Kind::Refused, what)
        }
    }

    /// Creates a failure of kind [`Kind::Bug`], for states that should be impossible.
    pub(crate) fn bug(error: &dyn Error) -> Self {
        Self::new(Kind::Bug, "awsauth made a mistake").because(error)
    }

    /// Appends an error and its chain of sources as the reason.
    #[must_use]
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        self.causes.extend(error_chain::messages(error));
        self
    }

    /// Appends a line about an attempt; text output only.
    #[must_use]
    pub(crate) fn note(mut self, note: impl Display) -> Self {
        self.lines.push(Line::Note(note.to_string()));
        self
    }

    /// Sets the flag that overrides the refusal.
    #[must_use]
    pub(crate) fn unless(mut self, flag: &'static str) -> Self {
        if let Some(refused) = &mut self.refusal {
            refused.allow = Some(flag);
        }
        self
    }

    /// Appends a next step. Write commands as `awsauth COMMAND …`; [`Program::speak`] adapts them to the program's name.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.lines.push(Line::Hint(hint.to_string()));
        self
    }

    /// Prefixes the place in the input that caused the failure.
    #[must_use]
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.what = format!("{place}: {}", self.what);
        self
    }

    /// Returns the failure with another kind.
    #[must_use]
    pub(crate) fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// Records that something was changed before the failure, or may have been.
    #[must_use]
    pub(crate) fn after_change(self) -> Self {
        Self {
            is_after_change: true,
            ..self
        }
    }

    /// Returns whether something was changed before the failure, or may have been.
    pub(crate) fn is_after_change(&self) -> bool {
        self.is_after_change
    }

    /// Returns the exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self.kind {
            Kind::Usage => Exit::Usage,
            Kind::No => Exit::No,
            Kind::Unreachable => Exit::Unreachable,
            Kind::Refused => Exit::Refused,
            Kind::Conflict => Exit::Conflict,
            Kind::RolledBack => Exit::RolledBack,
            Kind::NotRolledBack => Exit::NotRolledBack,
            Kind::Bug => Exit::Bug,
            Kind::Interrupted => Exit::Interrupted,
            Kind::Output => Exit::Output,
        }
    }

    /// Returns whether a guard refused.
    pub(crate) fn is_refused(&self) -> bool {
        self.kind == Kind::Refused
    }

    /// Returns the flag that overrides the refusal.
    pub(crate) fn allow(&self) -> Option<&'static str> {
        self.refusal.as_ref()?.allow
    }

    /// Returns the guard that refused, if it was one guard outside a plan.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.refusal.as_ref().map(|refused| refused.by)
    }

    /// Returns what could not be done and why, on one line.
    pub(crate) fn message(&self) -> String {
        let mut text = self.what.clone();
        for cause in &self.causes {
            let _ = write!(text, ": {cause}");
        }
        text
    }

    /// Returns the text for the terminal. Failures that combine several refusals have their own prefix.
    pub(crate) fn render(&self, program: Program) -> String {
        let is_combined = self.kind == Kind::Refused && self.refusal.is_none();
        let what = match is_combined {
            true => self.message(),
            false => one_line(&self.message()).into_owned(),
        };
        let mut text = match (self.kind, self.refusal()) {
            (_, Some(Refusal { reason, .. })) => format!("refused ({reason}): {what}\n"),
            (Kind::Refused, None) => format!("{what}\n"),
            _ => format!("error: {what}\n"),
        };
        for line in &self.lines {
            let _ = match line {
                Line::Note(note) => writeln!(text, "  {}", one_line(note)),
                Line::Hint(hint) => writeln!(text, "hint: {}", one_line(&program.speak(hint))),
            };
        }
        if self.kind == Kind::Bug {
            let _ = writeln!(
                text,
                "hint: This is a bug in awsauth. {}",
                super::program_name::report_request()
            );
        }
        text
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

/// Lets a plan return a `Failure` during a write. It has no source, because the causes are already strings.
impl Error for Failure {}

impl From<io::Error> for Failure {
    /// Converts errors of the output streams.
    fn from(error: io::Error) -> Self {
        Self::new(Kind::Output, "cannot write the output").because(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn failure_renders_what_why_and_the_next_step() {
        let cause = Layer(
            "outer: inner",
            Some(Box::new(Layer(
                "inner",
                Some(Box::new(Layer("cause", None))),
            ))),
        );
        let failure = Failure::usage("cannot read x")
            .because(&cause)
            .note("tried: y")
            .hint("look at it: awsauth get");
        assert_eq!(
            failure.render(Program::KUBECTL_PLUGIN),
            "error: cannot read x: outer: inner: cause\n  tried: y\nhint: look at it: kubectl awsauth get\n"
        );
        assert_eq!(failure.exit(), Exit::Usage);
    }
}
