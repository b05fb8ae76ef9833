use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::live::{flags, kind, not_connected, refuse_other, runtime, until_interrupted, wait_for};
use super::target::{Chosen, Target};
use crate::cluster::connect::{ConnectError, connect_as_nobody};
use crate::cluster::fault::{Fault, RequestError};
use crate::cluster::review::{self, Answer, Reviewed};
use crate::cluster::{self, EksName, Environment, Flags, Store};
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
        if target.choose(matches)? != Chosen::Cluster {
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
        Self::to(target, out)
    }

    /// The same where there may be none: `None` when nobody names a cluster and the kubeconfig suggests none.
    pub(crate) fn open_if_any(
        target: &Target,
        matches: &clap::ArgMatches,
        out: &mut Out,
    ) -> Result<Option<Self>, Failure> {
        if target.choose(matches)? != Chosen::Cluster {
            return Ok(None);
        }
        match Self::connect(target, out)? {
            Err(ConnectError::NoCluster | ConnectError::NoCurrentContext) => Ok(None),
            Err(error) => Err(not_connected(&error)),
            Ok(connected) => Ok(Some(connected)),
        }
    }

    /// The same for a cluster that is chosen already. Whom its other requests impersonate is none of the token's business.
    pub(super) fn to(target: &Target, out: &mut Out) -> Result<Self, Failure> {
        Self::connect(target, out)?.map_err(|error| not_connected(&error))
    }

    fn connect(target: &Target, out: &mut Out) -> Result<Result<Self, ConnectError>, Failure> {
        let runtime = runtime()?;
        let flags = Flags {
            impersonate: None,
            impersonate_groups: Vec::new(),
            ..flags(target)
        };
        let environment = Environment::of_process();
        let connecting = connect_as_nobody(&flags, &environment);
        let nobody = match until_interrupted(&runtime, out, "Connecting", connecting)? {
            Ok(nobody) => nobody,
            Err(error) => return Ok(Err(error)),
        };
        refuse_other(target, nobody.store.target())?;
        let store = Arc::new(nobody.store);
        if let Some(patience) = target.wait {
            wait_for(&runtime, &store, patience, false, out)?;
        }
        Ok(Ok(Self {
            runtime,
            store,
            eks: nobody.eks,
            namespace: nobody.namespace,
        }))
    }

    /// Which cluster it is.
    pub(crate) fn target(&self) -> &cluster::Target {
        self.store.target()
    }

    /// What the kubeconfig says of it at EKS.
    pub(crate) fn eks(&self) -> &EksName {
        &self.eks
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
