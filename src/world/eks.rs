use std::cell::RefCell;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::identity;
use crate::aws::Surroundings;
use crate::aws::credentials::{self, Resolved, Wish};
use crate::aws::eks::{ClusterFacts, Eks, EksError};
use crate::aws::iam::{Iam, IamError};
use crate::cluster::tokens::MintError;
use crate::cluster::{AtEks, Place, Tokens};
use crate::edge::{Failure, Kind, Out};
use crate::token::{HostError, StsHost, Token};

/// How soon EKS is asked again whether a cluster is there. Making one takes minutes.
const PAUSE: Duration = Duration::from_secs(5);
/// How long an answer of EKS may take before a spinner shows that we wait.
const PATIENCE: Duration = Duration::from_millis(300);

/// A cluster as EKS describes it, and an EKS to ask for more.
#[derive(Debug)]
pub(crate) struct EksCluster {
    /// What EKS says of it.
    pub(crate) facts: ClusterFacts,
    /// EKS in its region, asked with the credentials that were told of it.
    eks: RefCell<Eks>,
    /// Those credentials.
    resolved: Resolved,
    /// Whether they are those that were asked for first.
    is_first: bool,
    /// The profile whose settings say how AWS is reached, and what else does.
    profile: Option<String>,
    surroundings: Surroundings,
}

impl EksCluster {
    /// Asks EKS for more. Blocks, as [`Eks`] does.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&mut Eks) -> T) -> T {
        question(&mut self.eks.borrow_mut())
    }

    /// IAM, to be asked with the same credentials, which are of the cluster's account.
    pub(super) fn iam(&self) -> Result<Iam, IamError> {
        Iam::new(&self.resolved, self.profile.as_deref(), &self.surroundings)
    }

    /// Where to connect to.
    pub(super) fn place(&self) -> Place {
        let facts = &self.facts;
        Place {
            eks: AtEks {
                name: facts.name.clone(),
                arn: facts.arn.clone(),
            },
            token_id: facts.token_id.clone(),
            endpoint: facts.endpoint.clone(),
            certificate_authority_data: facts.certificate_authority_data.clone(),
        }
    }

    /// Tokens for whoever has the wished credentials. Credentials are looked for anew with each token but the first, because they
    /// end as tokens do.
    pub(super) fn tokens(
        &self,
        wish: &Wish,
        surroundings: &Surroundings,
        out: &mut Out,
    ) -> Result<Tokens, Failure> {
        let what = format!("cannot sign in to the cluster {}", self.facts.name);
        let resolved = match self.is_first {
            true => self.resolved.clone(),
            false => identity::resolve(&what, wish, surroundings, out)?,
        };
        let signer = Signer {
            region: self.facts.region().to_owned(),
            token_id: self.facts.token_id.clone(),
        };
        let first = signer.sign(&resolved).map_err(|error| {
            Failure::usage(&what)
                .because(&error)
                .hint(host_hint(&error))
        })?;
        let (wish, surroundings) = (wish.clone(), surroundings.clone());
        Ok(Tokens::new(Some(first), move || {
            let resolved = credentials::resolve(&wish, &surroundings, Timestamp::now());
            let resolved = resolved.map_err(|error| MintError {
                hint: error.hint(),
                cause: error.into(),
            })?;
            signer.sign(&resolved).map_err(|error| MintError {
                hint: host_hint(&error).to_owned(),
                cause: error.into(),
            })
        }))
    }
}

/// Makes tokens for one cluster.
struct Signer {
    region: String,
    token_id: String,
}

impl Signer {
    fn sign(&self, resolved: &Resolved) -> Result<Token, HostError> {
        let host = StsHost::of(&self.region, resolved.endpoint)?;
        let credentials = &resolved.credentials;
        Ok(Token::sign(
            credentials,
            &host,
            &self.token_id,
            Timestamp::now(),
        ))
    }
}

fn host_hint(error: &HostError) -> &'static str {
    match error {
        HostError::Region(_) => "name the cluster's region: --region eu-west-1",
        HostError::DualStack(_) => {
            "unset AWS_USE_DUALSTACK_ENDPOINT, and use_dualstack_endpoint of the profile"
        }
    }
}

/// Whose credentials ask EKS about a cluster, where roles are to be assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// The caller's own, as with the aws CLI, whose roles are for tokens; the roles where the caller is told nothing.
    OwnFirst,
    /// The roles, whose account it is that the name means something in; the caller's own only where the roles may not ask.
    RolesFirst,
}

/// Asks EKS, waiting up to `patience` for a cluster that is being made.
pub(crate) fn ask(
    name: &str,
    asks: Asks,
    wish: &Wish,
    surroundings: &Surroundings,
    patience: Option<Duration>,
    out: &mut Out,
) -> Result<EksCluster, Failure> {
    let own = match wish.roles.is_empty() {
        true => wish.clone(),
        false => Wish {
            roles: Vec::new(),
            session_name: None,
            external_id: None,
            duration: None,
            ..wish.clone()
        },
    };
    let wishes = match asks {
        Asks::OwnFirst => [&own, wish],
        Asks::RolesFirst => [wish, &own],
    };
    let mut describe = |wish: &Wish| describe(name, wish, surroundings, patience, out);
    let first = match describe(wishes[0]) {
        Err(Unanswered::Eks(error)) if asks.may_go_on(&error) && !wish.roles.is_empty() => {
            Unanswered::Eks(error)
        }
        told => return told.map_err(|unanswered| unanswered.failure(name)),
    };
    match (describe(wishes[1]), asks) {
        (Ok(cluster), _) => {
            let cluster = EksCluster {
                is_first: false,
                ..cluster
            };
            if asks == Asks::RolesFirst {
                out.note(&format!(
                    "The role may not ask EKS about {name}; {} may, and sees {}",
                    cluster.resolved.source, cluster.facts.arn
                ));
            }
            Ok(cluster)
        }
        (Err(_), Asks::RolesFirst) => Err(first.failure(name)),
        (Err(second), Asks::OwnFirst) => Err(second.failure(name)),
    }
}

impl Asks {
    /// Whether somebody else is asked, too. Where the roles see no such cluster, another account's of that name is another cluster.
    fn may_go_on(self, error: &EksError) -> bool {
        match error {
            EksError::Denied { .. } => true,
            EksError::NoSuchCluster { .. } => self == Self::OwnFirst,
            _ => false,
        }
    }
}

enum Unanswered {
    Eks(EksError),
    Other(Box<Failure>),
}

impl Unanswered {
    fn failure(self, name: &str) -> Failure {
        match self {
            Self::Other(failure) => *failure,
            Self::Eks(error) => {
                let kind = if error.is_input() {
                    Kind::Usage
                } else {
                    Kind::Unreachable
                };
                Failure::new(kind, cannot(name))
                    .because(&error)
                    .hint(error.hint())
            }
        }
    }
}

fn cannot(name: &str) -> impl fmt::Display {
    format!("cannot ask EKS about cluster {name:?}")
}

fn describe(
    name: &str,
    wish: &Wish,
    surroundings: &Surroundings,
    patience: Option<Duration>,
    out: &mut Out,
) -> Result<EksCluster, Unanswered> {
    let other = |failure: Failure| Unanswered::Other(Box::new(failure));
    let what = cannot(name).to_string();
    let resolved = identity::resolve(&what, wish, surroundings, out).map_err(other)?;
    if resolved.region.is_nobodys() {
        return Err(other(
            Failure::usage(format!("{what}: nobody says in which region it is"))
                .hint("name it: --region eu-west-1"),
        ));
    }
    let mut eks =
        Eks::new(&resolved, wish.profile.as_deref(), surroundings).map_err(Unanswered::Eks)?;
    let begun = Instant::now();
    let mut said = false;
    loop {
        let spinner = out.spinner("Asking EKS", PATIENCE);
        let answer = eks.describe(name);
        drop(spinner);
        match answer {
            Err(error)
                if error.will_pass()
                    && patience.is_some_and(|patience| begun.elapsed() < patience) =>
            {
                if !said {
                    out.note(&format!("Waiting for EKS: {error}"));
                    said = true;
                }
                thread::sleep(PAUSE);
            }
            answer => {
                let facts = answer.map_err(Unanswered::Eks)?;
                return Ok(EksCluster {
                    facts,
                    eks: RefCell::new(eks),
                    resolved,
                    is_first: true,
                    profile: wish.profile.clone(),
                    surroundings: surroundings.clone(),
                });
            }
        }
    }
}
