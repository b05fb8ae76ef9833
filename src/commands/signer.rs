use jiff::Timestamp;

use crate::aws::Surroundings;
use crate::aws::credentials::{Caller, CallerError, Resolved, Wish, caller};
use crate::cluster::EksName;
use crate::edge::{Failure, Out};
use crate::token::{HostError, StsHost, Token};
use crate::world::SignIn;
use crate::world::identity::{self, Identity};

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

impl Whose {
    /// Gets fresh credentials, never kept ones: what is proved is what AWS says now. `role` is assumed last.
    ///
    /// # Errors
    /// `what` could not be done for want of them.
    pub(crate) fn get(
        identity: &Identity,
        role: Option<&str>,
        what: &str,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let surroundings = Surroundings::of_process();
        let mut wish = identity.wish();
        wish.no_cache = true;
        wish.roles.extend(role.map(str::to_owned));
        let resolved = identity::resolve(what, &wish, &surroundings, out)?;
        Ok(Self {
            wish,
            surroundings,
            resolved,
        })
    }

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
    /// Gets ready to sign in to a cluster; `role` is assumed last.
    ///
    /// # Errors
    /// `what` could not be done for want of the cluster's name or of credentials.
    pub(crate) fn get(
        cluster: &SignIn,
        role: Option<&str>,
        what: &str,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let name = cluster.eks().name.clone().ok_or_else(|| {
            Failure::usage(format!(
                "{what}: the kubeconfig does not say what the cluster is called at EKS"
            ))
            .hint("give its name: --cluster-name NAME, or beside options that choose in a kubeconfig AWSAUTH_CLUSTER_NAME=NAME; list them: aws eks list-clusters")
        })?;
        let whose = Whose::get(cluster.identity(), role, what, out)?;
        whose.signer(cluster.eks(), name).map_err(|error| {
            Failure::usage(what)
                .because(&error)
                .hint("give it with --region")
        })
    }

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
