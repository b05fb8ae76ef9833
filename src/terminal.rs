//! Terminal output: streams, color, failures and exit codes.

mod exit;
mod failure;
mod out;
mod panic;
mod program;
mod spinner;

pub(crate) use exit::Exit;
pub(crate) use failure::{Failure, Kind, Refusal};
pub(crate) use out::{ColorMode, Out, Verbosity, read_line};
pub(crate) use panic::report_panics;
pub(crate) use program::{Program, REPOSITORY};
pub(crate) use spinner::Spinner;
