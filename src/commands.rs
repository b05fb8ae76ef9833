//! The commands: each has its arguments and a function `run`.

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
pub(crate) mod expire;
pub(crate) mod explain;
pub(crate) mod fleet;
pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod kubeconfig;
pub(crate) mod lint;
pub(crate) mod man;
pub(crate) mod map;
pub(crate) mod migrate;
pub(crate) mod nodes;
pub(crate) mod options;
pub(crate) mod replace_group;
pub(crate) mod report;
pub(crate) mod rescue;
pub(crate) mod restore;
pub(crate) mod token;
pub(crate) mod undo;
pub(crate) mod unmap;
pub(crate) mod unused;
pub(crate) mod verify;
pub(crate) mod version;
pub(crate) mod who_can;
pub(crate) mod whoami;

mod confirmation;
mod list_args;
mod permission_set_role;
mod principal_validation;
mod selected_edits;
mod selector_args;
mod store_args;
mod unbound_groups;
mod unreadable_rbac_warnings;
pub(crate) mod write_args;

use clap::ValueEnum;

pub(crate) use who_can::is_verb;

use crate::output::PlanFormat;

/// The output format of commands without a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for users
    #[default]
    Human,
    /// JSON for scripts
    Json,
}

/// The option `-o` of a command.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct OutputArgs<F: ValueEnum + Default + Send + Sync + 'static = Format> {
    /// The output format
    #[arg(
        short,
        long,
        env = "AWSAUTH_OUTPUT",
        value_enum,
        value_name = "FORMAT",
        default_value = default_format::<F>()
    )]
    pub(crate) output: F,
}

/// Returns the name of the default format. `default_value_t` would put one into a static that all commands share,
/// because the struct is generic.
fn default_format<F: ValueEnum + Default>() -> String {
    let format = F::default().to_possible_value();
    format.map_or_else(String::new, |format| format.get_name().to_owned())
}
