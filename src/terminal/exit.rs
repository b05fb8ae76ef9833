//! Exit codes.

use std::io::{self, Write};
use std::process::ExitCode;

/// The exit codes of the process, documented in docs/exit-codes.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Success, no change needed, or the answer is yes.
    Done = 0,
    /// The answer is no: there are differences, or a required mapping does not exist.
    No = 1,
    /// Wrong usage, or input that cannot be read.
    Usage = 2,
    /// The cluster cannot be reached, or the caller lacks permission.
    Unreachable = 3,
    /// Refused by a guard or a rule of the object; nothing was written.
    Refused = 4,
    /// The object kept changing; nothing was written.
    Conflict = 5,
    /// The change was written, verification failed, and awsauth rolled it back.
    RolledBack = 6,
    /// The change was written, verification failed, and it was not rolled back.
    NotRolledBack = 7,
    /// A bug in awsauth.
    Bug = 70,
    /// Stdout could not be written (EX_IOERR in sysexits.h).
    Output = 74,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl Exit {
    /// Returns the numeric exit code.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }
}

/// Ends the process while it is in a call that blocks.
#[expect(
    clippy::exit,
    reason = "the call may not return for as long as its time limit"
)]
pub(crate) fn end_interrupted() {
    let _ = writeln!(
        io::stderr(),
        "error: interrupted\nhint: check what is stored: awsauth get"
    );
    std::process::exit(i32::from(Exit::Interrupted.code()));
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Exit; 11] = [
        Exit::Done,
        Exit::No,
        Exit::Usage,
        Exit::Unreachable,
        Exit::Refused,
        Exit::Conflict,
        Exit::RolledBack,
        Exit::NotRolledBack,
        Exit::Bug,
        Exit::Output,
        Exit::Interrupted,
    ];

    #[test]
    fn documentation_lists_every_code_in_order() {
        let page = include_str!("../../docs/exit-codes.md");
        let rows = page.lines().filter_map(|line| {
            line.strip_prefix("| ")?
                .split(" | ")
                .map(str::to_owned)
                .collect::<Vec<_>>()
                .into()
        });
        let listed: Vec<(u8, String)> = rows
            .filter_map(|row: Vec<String>| Some((row[0].parse().ok()?, row[1].clone())))
            .collect();
        let known: Vec<(u8, String)> = ALL
            .map(|exit| (exit.code(), format!("{exit:?}").to_lowercase()))
            .into();
        assert_eq!(listed, known);
    }
}
