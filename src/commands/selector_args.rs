//! The options that select entries.

use awsauth_core::entry_selection::Selector;
use awsauth_core::wildcard_pattern::Pattern;

/// The heading of the options.
pub(super) const SELECT: &str = "Options that select entries";

/// Conditions that an entry must meet.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = SELECT)]
pub(super) struct SelectorArgs {
    /// Only entries with this username, as written; * matches any text
    #[arg(long, env = "AWSAUTH_USERNAME", value_name = "PATTERN")]
    username: Option<Pattern>,

    /// Only entries with this group, as written; * matches any text
    #[arg(long, env = "AWSAUTH_GROUP", value_name = "PATTERN")]
    group: Option<Pattern>,

    /// Only principals of this account, and the mapping of the account itself
    #[arg(long, env = "AWSAUTH_ACCOUNT", value_name = "ID")]
    account: Option<String>,

    /// Only principals with this ARN, ignoring letter case; * matches any text
    #[arg(long, env = "AWSAUTH_ARN", value_name = "PATTERN")]
    arn: Option<Pattern>,
}

impl SelectorArgs {
    /// The ids of the arguments.
    pub(super) const IDS: [&str; 4] = ["username", "group", "account", "arn"];

    /// Returns the conditions; `None` if there is none.
    pub(super) fn selector(&self) -> Option<Selector> {
        let Self {
            username,
            group,
            account,
            arn,
        } = self.clone();
        let is_any = username.is_some() || group.is_some() || account.is_some() || arn.is_some();
        is_any.then_some(Selector {
            username,
            group,
            account,
            arn,
            unused: None,
        })
    }
}
