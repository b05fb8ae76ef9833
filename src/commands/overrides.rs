use clap::Args;

use crate::lint::Rule;
use crate::plan::Allowed;

/// What each lowers one guard, in so many words. None of them has a variable.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Options that lower one guard")]
pub(crate) struct Overrides {
    /// Write aws-auth even where the cluster ignores it
    #[arg(long)]
    pub(crate) allow_ignored: bool,

    /// Let what is written bring in errors of this rule of lint, by id or name; may be repeated
    #[arg(long = "allow", value_name = "RULE", value_parser = rule)]
    rules: Vec<&'static Rule>,

    /// Allow this node entry to be changed or removed; may be repeated
    #[arg(long = "allow-node-entry", value_name = "ARN")]
    node_entries: Vec<String>,

    /// Allow just so many mappings to be removed that nobody named one by one
    #[arg(long = "allow-removals", value_name = "N")]
    removals: Option<usize>,

    /// Write even if you could not take it back afterwards
    #[arg(long)]
    pub(crate) allow_self_lockout: bool,

    /// Leave nobody who can administer the cluster; on a terminal you are asked to type its name
    #[arg(long = "allow-no-admin")]
    no_admin: bool,

    /// Write even where no copy of what is there can be kept
    #[arg(long)]
    pub(crate) no_backup: bool,

    /// Do not sign in anew when what is written changes what you become yourself
    #[arg(long)]
    pub(crate) no_verify: bool,

    /// Let what was written stand when it can't be verified
    #[arg(long)]
    pub(crate) no_rollback: bool,
}

impl Overrides {
    /// The guards of plans that they lower.
    pub(crate) fn allowed(&self) -> Allowed {
        Allowed {
            ignored: self.allow_ignored,
            rules: self.rules.clone(),
            node_entries: self.node_entries.clone(),
            removals: self.removals,
            self_lockout: self.allow_self_lockout,
            no_admin: self.no_admin,
        }
    }
}

fn rule(text: &str) -> Result<&'static Rule, String> {
    crate::lint::rule(text).map_err(|error| match error.nearest {
        Some(nearest) => format!("{error}; the nearest is {nearest}"),
        None => error.to_string(),
    })
}
