//! Fresh sign-ins before and after the rescue.

use std::time::Duration;

use crate::access_check::{ExpectedAccess, TokenSigner, everything};
use crate::backend::SignIn;
use crate::terminal::{Exit, Failure, Out};
use awsauth_aws::eks::ClusterDescription;
use awsauth_core::shell_quote::quoted;

/// The access of an identity.
pub(super) enum Access {
    /// It can do everything.
    Admin { username: String },
    /// It signs in, but is not allowed to do everything.
    Limited { username: String },
    /// The API server does not accept its token.
    Rejected(Failure),
    /// The API server does not answer.
    Unknown(Failure),
}

impl Access {
    /// Signs in with fresh tokens until the identity can do everything, or `time_limit` has passed.
    ///
    /// # Errors
    /// If the user interrupts.
    pub(super) fn find(
        cluster: &SignIn,
        signer: &TokenSigner,
        time_limit: Duration,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let can = [everything()?];
        let expected = ExpectedAccess {
            can: &can,
            ..ExpectedAccess::default()
        };
        let checked = match expected.check(cluster, signer, time_limit, out) {
            Ok(checked) => checked,
            Err(failure) if failure.exit() == Exit::Interrupted => return Err(failure),
            Err(failure) => return Ok(Self::Unknown(failure)),
        };
        let username = checked.verification().who.map(|who| who.username.clone());
        Ok(match (username, checked.failure(cluster, signer)) {
            (Some(username), None) => Self::Admin { username },
            (Some(username), Some(_)) => Self::Limited { username },
            (None, Some(failure)) if failure.exit() == Exit::Unreachable => Self::Unknown(failure),
            (None, Some(failure)) => Self::Rejected(failure),
            (None, None) => {
                let failure = Failure::usage("the sign-in shows no user");
                Self::Unknown(failure)
            }
        })
    }

    /// Describes it as a sentence.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Admin { username } => {
                format!("You sign in as {username}, and can do everything.")
            }
            Self::Limited { username } => {
                format!("You sign in as {username}, but are not allowed to do everything.")
            }
            Self::Rejected(_) => "The API server does not accept your token.".to_owned(),
            Self::Unknown(failure) => {
                format!("Whether you can sign in is unknown: {}.", failure.message())
            }
        }
    }

    /// Returns why the identity is not an administrator; `None` if it is.
    pub(super) fn failure(self, facts: &ClusterDescription) -> Option<Failure> {
        match self {
            Self::Admin { .. } => None,
            Self::Limited { username } => Some(Failure::new(
                crate::terminal::Kind::No,
                format!("{username} is not allowed to do everything"),
            )),
            Self::Rejected(failure) => Some(failure),
            Self::Unknown(failure) => Some(with_network(failure, facts)),
        }
    }
}

/// Adds what EKS knows about the networks that can reach the API server. Access entries can be created from anywhere, but signing
/// in requires such a network.
fn with_network(failure: Failure, facts: &ClusterDescription) -> Failure {
    let name = quoted(&facts.name);
    let failure = match facts.is_public {
        Some(false) => failure
            .note("the endpoint of the cluster is private: only its VPC and networks connected to it reach it")
            .hint("run the same command in the VPC or through a VPN; on an instance in the VPC: aws ssm start-session --target INSTANCE-ID"),
        Some(true) if facts.public_networks.iter().any(|network| network == "0.0.0.0/0") => {
            return failure;
        }
        Some(true) => failure
            .note(format!(
                "only these networks outside the VPC reach the endpoint: {}",
                facts.public_networks.join(", ")
            ))
            .hint("run the same command in one of these networks"),
        None => return failure,
    };
    failure.hint(format!(
        "awsauth never opens an endpoint; to open it for one address yourself: aws eks update-cluster-config --name {name} --region {} --resources-vpc-config endpointPublicAccess=true,publicAccessCidrs=ADDRESS/32",
        quoted(facts.region())
    ))
}
