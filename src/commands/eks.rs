use clap::Subcommand;

use super::token::Request;
use crate::aws::credentials::Wish;
use crate::world::identity::Identity;

/// Commands in the words of the aws CLI, so that a kubeconfig needs another `command` and nothing else
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    GetToken(GetToken),
}

/// Print a token for kubectl, as `aws eks get-token` does
///
/// No variable of ours stands for an option here: what the aws CLI hears of its environment is heard.
#[derive(Debug, clap::Args)]
pub(crate) struct GetToken {
    /// The cluster's name, or on an Outpost its id
    #[arg(long, visible_alias = "cluster-id", value_name = "NAME")]
    cluster_name: String,

    /// Assume this role
    // The aws CLI writes --role into kubeconfigs, and takes it for the beginning of --role-arn. It takes one.
    #[arg(id = "roles", long = "role-arn", alias = "role", value_name = "ARN")]
    role: Option<String>,

    /// The form of the answer
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    output: Option<String>,
}

impl GetToken {
    /// What is asked for; `identity` is what every command understands.
    pub(crate) fn request(self, identity: &Identity) -> Request {
        Request {
            cluster: self.cluster_name,
            wish: Wish {
                roles: self.role.into_iter().collect(),
                ..identity.wish()
            },
            token_only: false,
        }
    }
}
