//! The argument that selects where access is stored.

use clap::ValueEnum;

use super::write_args::Overrides;
use awsauth_core::access_entries::{Store, StoreChoice};

/// Where to make a change.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// Where to make the change: in aws-auth or in EKS access entries
    #[arg(
        long = "backend",
        env = "AWSAUTH_BACKEND",
        value_enum,
        value_name = "STORE",
        default_value_t
    )]
    store: StoreName,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum StoreName {
    /// The store that the cluster reads. If it reads both, the one that has the principal, and aws-auth for a new one. Without
    /// --cluster-name, aws-auth
    #[default]
    Auto,
    /// The ConfigMap aws-auth
    AwsAuth,
    /// EKS access entries; needs --cluster-name
    AccessEntries,
}

impl StoreArgs {
    /// Returns the user's choice. `--allow-ignored` selects aws-auth.
    pub(crate) fn choice(self, overrides: &Overrides) -> StoreChoice {
        match self.store {
            StoreName::Auto if !overrides.allow_ignored => StoreChoice::Auto,
            StoreName::Auto | StoreName::AwsAuth => StoreChoice::Only(Store::AwsAuth),
            StoreName::AccessEntries => StoreChoice::Only(Store::AccessEntries),
        }
    }
}
