use std::thread;
use std::time::{Duration, Instant};

use http::Uri;
use jiff::Timestamp;

use crate::aws::Surroundings;
use crate::aws::credentials::{self, Wish};
use crate::aws::eks::{ClusterFacts, Eks, EksError};
use crate::commands::identity;
use crate::edge::{Failure, Kind, Out};
use crate::facts::partitions::Partition;

/// How soon EKS is asked again whether a cluster is there. Making one takes minutes.
const PAUSE: Duration = Duration::from_secs(5);
/// How long an answer of EKS may take before a spinner shows that we wait.
const PATIENCE: Duration = Duration::from_millis(300);

/// A cluster, and where it is.
#[derive(Debug)]
pub(super) struct Found {
    /// What it is called in a kubeconfig: its ARN, or its name where nobody said that.
    pub(super) name: String,
    pub(super) endpoint: String,
    pub(super) certificate_authority_data: Option<String>,
    pub(super) region: Option<String>,
    /// What its tokens are made for.
    pub(super) token_id: String,
}

impl From<ClusterFacts> for Found {
    fn from(facts: ClusterFacts) -> Self {
        Self {
            region: Some(facts.region().to_owned()),
            name: facts.arn,
            endpoint: facts.endpoint,
            certificate_authority_data: Some(facts.certificate_authority_data),
            token_id: facts.token_id,
        }
    }
}

impl Found {
    /// The cluster at this endpoint.
    pub(super) fn given(
        name: &str,
        endpoint: &str,
        certificate_authority_data: Option<String>,
        wish: &Wish,
        surroundings: &Surroundings,
    ) -> Result<Self, Failure> {
        let uri: Option<Uri> = endpoint.parse().ok();
        let host = uri
            .as_ref()
            .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
            .and_then(Uri::host);
        let Some(host) = host else {
            return Err(Failure::usage(format!(
                "cannot use --endpoint {endpoint}: it is no URL of an API server"
            ))
            .hint("give it as --endpoint https://HOST[:PORT]"));
        };
        let named = wish.region.as_deref();
        let of_host = host
            .split('.')
            .find(|label| Partition::naming(label).is_some());
        let region = named
            .or(of_host)
            .or_else(|| surroundings.get("AWS_REGION"))
            .or_else(|| surroundings.get("AWS_DEFAULT_REGION"));
        Ok(Self {
            name: name.to_owned(),
            endpoint: endpoint.to_owned(),
            certificate_authority_data,
            region: region.map(str::to_owned),
            token_id: name.to_owned(),
        })
    }
}

/// Asks EKS, waiting up to `patience` for a cluster that is being made. As with the aws CLI, the roles to be assumed are
/// those of the token; they ask only where the caller's own credentials are told nothing.
pub(super) fn ask(
    name: &str,
    wish: &Wish,
    surroundings: &Surroundings,
    patience: Option<Duration>,
    out: &mut Out,
) -> Result<Found, Failure> {
    let own = Wish {
        roles: Vec::new(),
        session_name: None,
        external_id: None,
        duration: None,
        ..wish.clone()
    };
    let first = describe(name, &own, surroundings, patience, out);
    match first {
        Err(Unanswered::Eks(EksError::Denied { .. } | EksError::NoSuchCluster { .. }))
            if !wish.roles.is_empty() =>
        {
            describe(name, wish, surroundings, patience, out)
        }
        first => first,
    }
    .map(Found::from)
    .map_err(|unanswered| unanswered.failure(name))
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

fn cannot(name: &str) -> String {
    format!("cannot ask EKS about cluster {name:?}")
}

fn describe(
    name: &str,
    wish: &Wish,
    surroundings: &Surroundings,
    patience: Option<Duration>,
    out: &mut Out,
) -> Result<ClusterFacts, Unanswered> {
    let other = |failure: Failure| Unanswered::Other(Box::new(failure));
    let resolved = credentials::resolve(wish, surroundings, Timestamp::now())
        .map_err(|error| other(identity::failure(&cannot(name), &error)))?;
    if resolved.region.is_nobodys() {
        return Err(other(
            Failure::usage(format!(
                "{}: nobody says in which region it is",
                cannot(name)
            ))
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
            answer => return answer.map_err(Unanswered::Eks),
        }
    }
}
