//! `awsauth options`.

use crate::terminal::{Exit, Failure, Out};

/// Prints the options that every command has.
pub(crate) fn run(root: &clap::Command, out: &mut Out) -> Result<Exit, Failure> {
    out.text(&list(root))?;
    Ok(Exit::Done)
}

/// Returns the help of the root's global options.
pub(crate) fn list(root: &clap::Command) -> String {
    let shared = root.get_arguments().filter(|arg| arg.is_global_set());
    let mut command = clap::Command::new("options")
        .help_template("{all-args}")
        .disable_help_flag(true)
        .max_term_width(100)
        .args(shared.cloned());
    format!("{}\n", command.render_help().to_string().trim_end())
}
