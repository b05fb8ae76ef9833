use clap::Subcommand;

use super::token::Request;
use crate::aws::credentials::Wish;

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
    // The aws CLI writes --role into kubeconfigs, and takes it for the beginning of --role-arn.
    #[arg(long, alias = "role", value_name = "ARN")]
    role_arn: Option<String>,

    /// The AWS region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,

    /// The profile of ~/.aws/config and ~/.aws/credentials
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// The form of the answer
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    output: Option<String>,
}

impl GetToken {
    /// What is asked for.
    pub(crate) fn request(self) -> Request {
        Request {
            cluster: self.cluster_name,
            wish: Wish {
                region: self.region,
                profile: self.profile,
                roles: self.role_arn.into_iter().collect(),
                ..Wish::default()
            },
            token_only: false,
        }
    }
}
