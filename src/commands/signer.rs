use clap::Args;
use jiff::Timestamp;

use super::identity::{self, Identity};
use crate::aws::Surroundings;
use crate::aws::credentials::Resolved;
use crate::cluster::EksName;
use crate::edge::{Failure, Out};
use crate::token::{StsHost, Token};

/// Who signs in, and what for.
#[derive(Debug, Args)]
pub(crate) struct SignIn {
    /// The cluster's name at EKS, which the token is signed for; the kubeconfig mostly knows it
    #[arg(
        short = 'i',
        long,
        visible_alias = "cluster-id",
        env = "AWSAUTH_CLUSTER_NAME",
        value_name = "NAME",
        help_heading = "Options for AWS credentials"
    )]
    cluster_name: Option<String>,

    #[command(flatten)]
    identity: Identity,
}

/// Makes tokens for one cluster, each time a new one.
pub(crate) struct Signer {
    /// What they are signed with.
    pub(crate) resolved: Resolved,
    /// Where the authenticator sends them.
    pub(crate) host: StsHost,
    /// The cluster that they are for.
    pub(crate) cluster: String,
}

impl SignIn {
    /// Gets fresh credentials, never kept ones: what is proved is what AWS says now. `role` is assumed last.
    pub(crate) fn signer(
        &self,
        eks: &EksName,
        role: Option<&str>,
        what: &str,
        out: &mut Out,
    ) -> Result<Signer, Failure> {
        let Some(cluster) = self.cluster_name.clone().or_else(|| eks.name.clone()) else {
            return Err(Failure::usage(format!(
                "{what}: the kubeconfig does not say what the cluster is called at EKS"
            ))
            .hint("give its name: --cluster-name NAME; list them: aws eks list-clusters"));
        };
        let surroundings = Surroundings::of_process();
        let mut wish = self.identity.wish();
        wish.no_cache = true;
        wish.roles.extend(role.map(str::to_owned));
        let resolved = identity::resolve(what, &wish, &surroundings, out)?;
        let said = wish.region.as_deref().or(eks.region.as_deref());
        let host = StsHost::of(said.unwrap_or(&resolved.region.name), resolved.endpoint).map_err(
            |error| {
                Failure::usage(what)
                    .because(&error)
                    .hint("give it with --region")
            },
        )?;
        Ok(Signer {
            resolved,
            host,
            cluster,
        })
    }
}

impl Signer {
    /// A token of this second. The API server remembers what it made of a token, also that it refused it, so that asking again
    /// takes another.
    pub(crate) fn token(&self) -> Token {
        Token::sign(
            &self.resolved.credentials,
            &self.host,
            &self.cluster,
            Timestamp::now(),
        )
    }
}
