//! The commands: each its arguments and a `run` that reads, plans, shows and writes.

pub(crate) mod apply;
pub(crate) mod backup;
pub(crate) mod completion;
pub(crate) mod controller;
pub(crate) mod crd;
pub(crate) mod credentials;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod edit;
pub(crate) mod eks;
pub(crate) mod explain;
pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod kubeconfig;
pub(crate) mod lint;
pub(crate) mod man;
pub(crate) mod map;
pub(crate) mod restore;
pub(crate) mod token;
pub(crate) mod undo;
pub(crate) mod unmap;
pub(crate) mod verify;
pub(crate) mod version;
pub(crate) mod whoami;

mod principal;
mod write_args;

use clap::ValueEnum;

use crate::output::PlanFormat;

/// How a command without a table answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people
    #[default]
    Human,
    /// JSON for scripts
    Json,
}

/// How a command is asked for the form of its answer.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Answer<F: ValueEnum + Default + Send + Sync + 'static = Format> {
    /// The output format
    #[arg(
        short,
        long,
        env = "AWSAUTH_OUTPUT",
        value_enum,
        value_name = "FORMAT",
        default_value = usual::<F>()
    )]
    pub(crate) output: F,
}

/// The word for a command's usual form. `default_value_t` would put one into a static that all commands share, as the struct is generic.
fn usual<F: ValueEnum + Default>() -> String {
    let usual = F::default().to_possible_value();
    usual.map_or_else(String::new, |usual| usual.get_name().to_owned())
}
