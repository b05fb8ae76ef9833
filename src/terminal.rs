//! Terminal output: streams, color, failures and exit codes.

mod exit;
mod failure;
mod output_streams;
mod panic;
mod program_name;
mod spinner;

pub(crate) use exit::{Exit, end_interrupted};
pub(crate) use failure::{Failure, Kind, Refusal};
pub(crate) use output_streams::{
    Captured, ColorMode, Out, Verbosity, after_name, print_clap, read_line,
};
pub(crate) use panic::report_panics;
pub(crate) use program_name::{Program, REPOSITORY};
pub(crate) use spinner::{Counter, Spinner};
