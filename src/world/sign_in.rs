use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::eks::{self, Asks, EksCluster};
use super::identity::Identity;
use super::live::{Cluster, flags, kind, not_connected, refuse_other, runtime, until_interrupted};
use super::target::{Chosen, Target, is_typed};
use super::waiting::wait_for;
use crate::aws::Surroundings;
use crate::cluster::connect::{ConnectError, Nobody, connect_as_nobody, connect_to_as_nobody};
use crate::cluster::fault::{Fault, RequestError};
use crate::cluster::review::{self, Answer, Reviewed};
use crate::cluster::{self, EksName, Environment, Flags, Place, Store};
use crate::edge::{Failure, Out};
use crate::rbac::Question;
use crate::snapshot::Snapshot;
use crate::token::Token;

/// How long the API server may take for all questions of one attempt.
const ATTEMPT: Duration = Duration::from_secs(15);

/// A cluster that is signed in to with tokens.
pub(crate) struct SignIn {
    runtime: Runtime,
    store: Arc<Store>,
    eks: EksName,
    namespace: String,
    identity: Identity,
    /// What EKS says of it, where that was asked to find it.
    described: Option<EksCluster>,
}

/// What came of a token.
#[derive(Debug)]
pub(crate) enum Came {
    /// The API server knows whose it is, and what they may do.
    In(Reviewed, Vec<Answer>),
    /// It does not accept the token.
    Unauthorized,
    /// It accepts the token, and does not even say whose it is.
    Forbidden(String),
}

impl SignIn {
    /// Connects to the chosen cluster; the credentials that its kubeconfig has are left alone.
    pub(crate) fn open(
        target: &Target,
        matches: &clap::ArgMatches,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let chosen = target.choose_to_sign_in(matches)?;
        if let Chosen::File(_) | Chosen::Pipe = chosen {
            return Err(Failure::usage("cannot sign in to a file").hint(
                "name the cluster, such as --context NAME, and leave out --file and AWSAUTH_FILE",
            ));
        }
        if target.impersonate.is_some() || !target.impersonate_groups.is_empty() {
            return Err(Failure::usage(
                "cannot sign in as an AWS identity and impersonate somebody",
            )
            .hint("leave out --as and --as-group"));
        }
        match chosen {
            Chosen::Eks(name) => Self::at_eks(&name, target, out),
            _ => Self::of_kubeconfig(target, is_typed(matches, "cluster_name"), out)?
                .map_err(|error| not_connected(&error)),
        }
    }

    /// The same where there may be none: `None` when nobody names a cluster and the kubeconfig suggests none.
    pub(crate) fn open_if_any(
        target: &Target,
        matches: &clap::ArgMatches,
        out: &mut Out,
    ) -> Result<Option<Self>, Failure> {
        match target.choose_to_sign_in(matches)? {
            Chosen::File(_) | Chosen::Pipe => Ok(None),
            Chosen::Eks(name) => Self::at_eks(&name, target, out).map(Some),
            Chosen::Cluster => {
                let is_typed = is_typed(matches, "cluster_name");
                match Self::of_kubeconfig(target, is_typed, out)? {
                    Err(ConnectError::NoCluster | ConnectError::NoCurrentContext) => Ok(None),
                    Err(error) => Err(not_connected(&error)),
                    Ok(connected) => Ok(Some(connected)),
                }
            }
        }
    }

    /// A second connection to a cluster. Whom its other requests impersonate is none of the token's business.
    pub(super) fn beside(cluster: &Cluster, out: &mut Out) -> Result<Self, Failure> {
        let asked = cluster.asked();
        match cluster.eks() {
            Some(eks) => Self::to(&eks.place(), asked, asked.wait, out),
            None => Self::of_kubeconfig(asked, false, out)?.map_err(|error| not_connected(&error)),
        }
    }

    fn at_eks(name: &str, target: &Target, out: &mut Out) -> Result<Self, Failure> {
        let begun = Instant::now();
        let surroundings = Surroundings::of_process();
        let wish = target.identity.wish();
        let asks = Asks::RolesFirst;
        let eks = eks::ask(name, asks, &wish, &surroundings, target.wait, out)?;
        let left = target.wait.map(|wait| wait.saturating_sub(begun.elapsed()));
        let opened = Self::to(&eks.place(), target, left, out)?;
        Ok(Self {
            described: Some(eks),
            ..opened
        })
    }

    fn to(
        place: &Place,
        target: &Target,
        patience: Option<Duration>,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let runtime = runtime()?;
        let (flags, environment) = (nobodys_flags(target), Environment::of_process());
        let connecting = connect_to_as_nobody(place, &flags, &environment);
        let nobody = until_interrupted(&runtime, out, "Connecting", connecting)?
            .map_err(|error| not_connected(&error))?;
        Self::connected(runtime, nobody, target, patience, out)
    }

    /// `is_named`: the command line names the cluster, too. A variable's word counts only where the kubeconfig is silent: it may
    /// be about another cluster, whose tokens are none of this one's business.
    fn of_kubeconfig(
        target: &Target,
        is_named: bool,
        out: &mut Out,
    ) -> Result<Result<Self, ConnectError>, Failure> {
        let runtime = runtime()?;
        let (flags, environment) = (nobodys_flags(target), Environment::of_process());
        let connecting = connect_as_nobody(&flags, &environment);
        let mut nobody = match until_interrupted(&runtime, out, "Connecting", connecting)? {
            Ok(nobody) => nobody,
            Err(error) => return Ok(Err(error)),
        };
        if is_named || nobody.eks.name.is_none() {
            nobody.eks.name = target.cluster_name.clone().or(nobody.eks.name);
        }
        Self::connected(runtime, nobody, target, target.wait, out).map(Ok)
    }

    fn connected(
        runtime: Runtime,
        nobody: Nobody,
        target: &Target,
        patience: Option<Duration>,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        refuse_other(target, nobody.store.target())?;
        let store = Arc::new(nobody.store);
        if let Some(patience) = patience {
            wait_for(&runtime, &store, patience, false, out)?;
        }
        Ok(Self {
            runtime,
            store,
            eks: nobody.eks,
            namespace: nobody.namespace,
            identity: target.identity.clone(),
            described: None,
        })
    }

    /// Which cluster it is.
    pub(crate) fn target(&self) -> &cluster::Target {
        self.store.target()
    }

    /// What it is called at EKS, as far as the user, the kubeconfig or EKS says it.
    pub(crate) fn eks(&self) -> &EksName {
        &self.eks
    }

    /// What EKS says of it, where that was asked to find it.
    pub(crate) fn described(&self) -> Option<&EksCluster> {
        self.described.as_ref()
    }

    /// Which AWS credentials the user wants to sign in with.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Signs in, and asks.
    ///
    /// # Errors
    /// When there is no answer, or the user interrupts.
    pub(crate) fn attempt(
        &self,
        token: &Token,
        questions: &[Question],
        out: &Out,
    ) -> Result<Came, Failure> {
        let store = self.store.signed_in(token.text.clone());
        let asking = async {
            let who = review::who(&store, ATTEMPT).await?;
            let answers = review::may(&store, questions, &self.namespace, ATTEMPT).await?;
            Ok((who, answers))
        };
        match until_interrupted(&self.runtime, out, "Signing in", asking)? {
            Ok((who, answers)) => Ok(Came::In(who, answers)),
            Err(RequestError {
                fault: Fault::Unauthorized(_),
                ..
            }) => Ok(Came::Unauthorized),
            Err(RequestError {
                fault: Fault::Forbidden(said),
                ..
            }) => Ok(Came::Forbidden(said)),
            Err(error) => Err(Failure::new(
                kind(error.kind()),
                format!("cannot sign in to {}", self.target()),
            )
            .because(&error)
            .hint(error.hint())),
        }
    }

    /// Reads aws-auth as the token's holder; or says why that can't be done.
    ///
    /// # Errors
    /// When the user interrupts.
    pub(crate) fn aws_auth(
        &self,
        token: &Token,
        out: &Out,
    ) -> Result<Result<Snapshot, RequestError>, Failure> {
        let store = self.store.signed_in(token.text.clone());
        let reading = store.read(ATTEMPT);
        let read = until_interrupted(&self.runtime, out, "Reading aws-auth", reading)?;
        Ok(read.map(|live| live.snapshot()))
    }

    /// Waits; the user may interrupt.
    pub(crate) fn pause(&self, time: Duration, out: &Out) -> Result<(), Failure> {
        // A timer needs the runtime from the start.
        let waiting = async { sleep(time).await };
        until_interrupted(&self.runtime, out, "Waiting", waiting)
    }
}

/// The flags of a connection that impersonates nobody.
fn nobodys_flags(target: &Target) -> Flags {
    Flags {
        impersonate: None,
        impersonate_groups: Vec::new(),
        ..flags(target)
    }
}
