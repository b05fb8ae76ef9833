use clap::Args;
use jiff::Timestamp;

use super::identity::{self, Identity};
use crate::aws::Surroundings;
use crate::aws::credentials::{Caller, CallerError, Resolved, Wish, caller};
use crate::cluster::EksName;
use crate::edge::{Failure, Out};
use crate::token::{HostError, StsHost, Token};

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

/// Credentials, and what they were asked for with.
pub(crate) struct Whose {
    wish: Wish,
    surroundings: Surroundings,
    /// What requests are signed with, and where it came from.
    pub(crate) resolved: Resolved,
}

/// Makes tokens for one cluster, each time a new one.
pub(crate) struct Signer {
    whose: Whose,
    /// Where the authenticator sends them.
    pub(crate) host: StsHost,
    /// The cluster that they are for.
    pub(crate) cluster: String,
}

impl SignIn {
    /// Gets fresh credentials, never kept ones: what is proved is what AWS says now. `role` is assumed last.
    ///
    /// # Errors
    /// `what` could not be done for want of them.
    pub(crate) fn whose(
        &self,
        role: Option<&str>,
        what: &str,
        out: &mut Out,
    ) -> Result<Whose, Failure> {
        let surroundings = Surroundings::of_process();
        let mut wish = self.identity.wish();
        wish.no_cache = true;
        wish.roles.extend(role.map(str::to_owned));
        let resolved = identity::resolve(what, &wish, &surroundings, out)?;
        Ok(Whose {
            wish,
            surroundings,
            resolved,
        })
    }

    /// What the cluster is called at EKS: as the user says, else as the kubeconfig does.
    pub(crate) fn cluster_name(&self, eks: &EksName) -> Option<String> {
        self.cluster_name.clone().or_else(|| eks.name.clone())
    }

    /// Gets ready to sign in.
    ///
    /// # Errors
    /// `what` could not be done for want of the cluster's name or of credentials.
    pub(crate) fn signer(
        &self,
        eks: &EksName,
        role: Option<&str>,
        what: &str,
        out: &mut Out,
    ) -> Result<Signer, Failure> {
        let cluster = self.cluster_name(eks).ok_or_else(|| {
            Failure::usage(format!(
                "{what}: the kubeconfig does not say what the cluster is called at EKS"
            ))
            .hint("give its name: --cluster-name NAME; list them: aws eks list-clusters")
        })?;
        let whose = self.whose(role, what, out)?;
        whose.signer(eks, cluster).map_err(|error| {
            Failure::usage(what)
                .because(&error)
                .hint("give it with --region")
        })
    }
}

impl Whose {
    /// Asks STS who it is.
    pub(crate) fn caller(&self) -> Result<Caller, CallerError> {
        caller(
            &self.resolved,
            &self.wish,
            &self.surroundings,
            Timestamp::now(),
        )
    }

    /// Gets ready to sign in to a cluster of this name.
    pub(crate) fn signer(self, eks: &EksName, cluster: String) -> Result<Signer, HostError> {
        let said = self.wish.region.as_deref().or(eks.region.as_deref());
        let region = said.unwrap_or(&self.resolved.region.name);
        Ok(Signer {
            host: StsHost::of(region, self.resolved.endpoint)?,
            whose: self,
            cluster,
        })
    }
}

impl Signer {
    /// A token of this second. The API server remembers what it made of a token, also that it refused it, so that asking again
    /// takes another.
    pub(crate) fn token(&self) -> Token {
        let credentials = &self.whose.resolved.credentials;
        Token::sign(credentials, &self.host, &self.cluster, Timestamp::now())
    }

    /// Asks STS who it is that signs.
    pub(crate) fn caller(&self) -> Result<Caller, CallerError> {
        self.whose.caller()
    }
}
