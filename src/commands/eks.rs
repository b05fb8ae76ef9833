//! `awsauth eks`: AWS CLI commands.

use clap::Subcommand;

use super::kubeconfig;
use super::token::Request;
use crate::backend::credential_args::CredentialArgs;
use awsauth_aws::credentials::CredentialOptions;

/// Commands of the AWS CLI, so that a kubeconfig or a script only needs another program
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  awsauth eks update-kubeconfig --name prod --region eu-west-1
  awsauth eks get-token --cluster-name prod --region eu-west-1")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    GetToken(GetToken),
    UpdateKubeconfig(kubeconfig::AwsArgs),
}

/// Print a token for kubectl, like `aws eks get-token`
///
/// Ignores the AWSAUTH_ variables of options. Environment variables of the AWS CLI are honored.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  awsauth eks get-token --cluster-name prod --region eu-west-1")]
pub(crate) struct GetToken {
    /// The cluster's name, or its id on an Outpost
    #[arg(long, visible_alias = "cluster-id", value_name = "NAME")]
    cluster_name: String,

    /// Assume this role
    // The AWS CLI writes --role into kubeconfigs as an abbreviation of --role-arn. It accepts one role.
    #[arg(id = "roles", long = "role-arn", alias = "role", value_name = "ARN")]
    role: Option<String>,

    /// The output format
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    output: Option<String>,
}

impl GetToken {
    /// Combines these options with the global ones.
    pub(crate) fn request(self, identity: &CredentialArgs) -> Request {
        Request {
            cluster: self.cluster_name,
            credential_options: CredentialOptions {
                roles: self.role.into_iter().collect(),
                ..identity.credential_options()
            },
            ..Request::default()
        }
    }
}
