//! Signs in to a cluster with tokens.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::cluster::{Cluster, flags, not_connected, refuse_other, runtime, until_interrupted};
use super::credential_args::CredentialArgs;
use super::eks_cluster;
use super::endpoint_check;
use super::failures::kind;
use super::target_options::{Chosen, Target, is_typed};
use super::wait_for_cluster::wait_for;
use crate::terminal::{Exit, Failure, Out};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::CredentialOptions;
use awsauth_aws::eks::{CredentialOrder, EksCluster};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::rbac::Question;
use awsauth_kube::access_review::{self, Answer, ClusterUser};
use awsauth_kube::connect::{
    AnonymousConnection, ConnectError, EksConnection, connect_anonymously, connect_to_anonymously,
};
use awsauth_kube::kubeconfig::choose;
use awsauth_kube::request_error::{Fault, RequestError};
use awsauth_kube::{ApiClient, EksEndpoint, EksName, Environment, Flags};

/// The timeout of API server requests in one attempt, unless the user sets a shorter one.
const ATTEMPT: Duration = Duration::from_secs(15);

/// The minimum timeout of an attempt, which the user cannot shorten.
const SHORTEST_ATTEMPT: Duration = Duration::from_secs(2);

/// A rejection that takes longer than this proves nothing about the identity: the authenticator did not answer, or STS did not
/// answer the authenticator.
const SLOW_REJECTION: Duration = Duration::from_secs(5);

/// A cluster that is authenticated to with tokens.
pub(crate) struct SignIn {
    runtime: Runtime,
    connection: AnonymousConnection,
    identity: CredentialArgs,
    /// EKS's response, if EKS was asked to find the cluster.
    described: Option<EksCluster>,
}

/// The user that a kubeconfig's own credentials sign in as, or why that is unknown.
pub(crate) type KubeconfigUser = Result<ClusterUser, String>;

/// The result of an attempt with a token.
#[derive(Debug)]
pub(crate) enum SignInResult {
    /// The API server accepts the token: the user, and what the user can do.
    Accepted(ClusterUser, Vec<Answer>),
    /// The API server does not accept the token.
    Unauthorized,
    /// The API server did not answer within this time, or rejected the token only later, so the authenticator probably hangs.
    TimedOut(Duration),
    /// The API server accepts the token, but does not report the user.
    Forbidden(String),
}

impl SignIn {
    /// Connects to the chosen cluster, without the credentials of its kubeconfig.
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
                "cannot combine signing in as an AWS identity with impersonation",
            )
            .hint("leave out --as and --as-group"));
        }
        match chosen {
            Chosen::Eks(name) => Self::at_eks(&name, target, out),
            _ => Self::of_kubeconfig(target, is_typed(matches, "cluster_name"), out)?
                .map_err(|error| not_connected(&error)),
        }
    }

    /// Does the same as [`Self::open`]. Returns `None` if no cluster is named and the kubeconfig has none.
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

    /// Opens a second connection to a cluster. Impersonation of the first connection does not apply to it.
    pub(super) fn second_connection(cluster: &Cluster, out: &mut Out) -> Result<Self, Failure> {
        let asked = cluster.options();
        match cluster.eks() {
            Some(eks) => Self::to(&eks_cluster::endpoint(eks), asked, asked.wait, out),
            None => Self::of_kubeconfig(asked, false, out)?.map_err(|error| not_connected(&error)),
        }
    }

    fn at_eks(name: &str, target: &Target, out: &mut Out) -> Result<Self, Failure> {
        let begun = Instant::now();
        let aws_environment = AwsEnvironment::of_process();
        let credential_options = target.identity.credential_options();
        let order = CredentialOrder::RolesFirst;
        let eks = eks_cluster::describe(
            name,
            order,
            &credential_options,
            &aws_environment,
            target.wait,
            out,
        )?;
        let left = target.wait.map(|wait| wait.saturating_sub(begun.elapsed()));
        let opened = Self::to(&eks_cluster::endpoint(&eks), target, left, out)?;
        Ok(Self {
            described: Some(eks),
            ..opened
        })
    }

    fn to(
        endpoint: &EksEndpoint,
        target: &Target,
        time_limit: Option<Duration>,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let runtime = runtime()?;
        let (flags, environment) = (anonymous_flags(target), Environment::of_process());
        let connecting = connect_to_anonymously(endpoint, &flags, &environment);
        let anonymous = until_interrupted(&runtime, out, "Connecting", connecting)?
            .map_err(|error| not_connected(&error))?;
        Self::connected(runtime, anonymous, target, time_limit, out)
    }

    /// `is_named`: whether the command line names the cluster at EKS. A name in the environment only applies if the
    /// kubeconfig has none, because it may be that of another cluster.
    fn of_kubeconfig(
        target: &Target,
        is_named: bool,
        out: &mut Out,
    ) -> Result<Result<Self, ConnectError>, Failure> {
        let runtime = runtime()?;
        let (flags, environment) = (anonymous_flags(target), Environment::of_process());
        let connecting = connect_anonymously(&flags, &environment);
        let mut anonymous = match until_interrupted(&runtime, out, "Connecting", connecting)? {
            Ok(anonymous) => anonymous,
            Err(error) => return Ok(Err(error)),
        };
        if is_named || anonymous.eks.name.is_none() {
            anonymous.eks.name = target.cluster_name.clone().or(anonymous.eks.name);
        }
        Self::connected(runtime, anonymous, target, target.wait, out).map(Ok)
    }

    fn connected(
        runtime: Runtime,
        anonymous: AnonymousConnection,
        target: &Target,
        time_limit: Option<Duration>,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        refuse_other(target, anonymous.client.target())?;
        if let Some(time_limit) = time_limit {
            wait_for(&runtime, &anonymous.client, time_limit, false, out)?;
        }
        Ok(Self {
            runtime,
            connection: anonymous,
            identity: target.identity.clone(),
            described: None,
        })
    }

    /// Returns the cluster, for messages.
    pub(crate) fn target(&self) -> &awsauth_kube::Target {
        self.connection.client.target()
    }

    /// Returns the name of the EKS cluster, from the user, the kubeconfig or EKS.
    pub(crate) fn eks(&self) -> &EksName {
        &self.connection.eks
    }

    /// Checks that tokens for the cluster of this name may be sent to the server. Asks EKS only if the host name alone does not
    /// prove that the server is EKS's endpoint.
    ///
    /// # Errors
    /// If the server is not known to be EKS's endpoint of the cluster; the message begins with `what`, which states what could
    /// not be done.
    pub(crate) fn trusted(
        &self,
        cluster: &str,
        options: &CredentialOptions,
        environment: &AwsEnvironment,
        what: &str,
        out: &Out,
    ) -> Result<EksConnection, Failure> {
        let refused = |error| endpoint_check::refusal(what, &error, Some(cluster));
        let error = match self.connection.trust(None) {
            Err(error) if error.needs_description() => error,
            trusted => return trusted.map_err(refused),
        };
        let mut options = options.clone();
        options.region = options.region.or_else(|| self.eks().region.clone());
        match endpoint_check::described(cluster, &options, environment, out) {
            Ok(described) => self.connection.trust(Some(&described)).map_err(refused),
            Err(reason) => Err(endpoint_check::unconfirmed(what, &error, cluster, reason)),
        }
    }

    /// Returns EKS's response, if EKS was asked to find the cluster.
    pub(crate) fn described(&self) -> Option<&EksCluster> {
        self.described.as_ref()
    }

    /// Returns the options of AWS credentials.
    pub(crate) fn identity(&self) -> &CredentialArgs {
        &self.identity
    }

    /// Authenticates with the token of `client`, and reviews permissions. Takes at most `time_limit`, but makes at least one
    /// attempt.
    ///
    /// # Errors
    /// If there is no response, or the user interrupts.
    pub(crate) fn attempt(
        &self,
        client: &ApiClient,
        questions: &[Question],
        time_limit: Duration,
        out: &Out,
    ) -> Result<SignInResult, Failure> {
        let namespace = &self.connection.namespace;
        let time_limit = attempt_limit(time_limit);
        let start = Instant::now();
        let asking = async {
            let who = access_review::current_user(client, time_limit).await?;
            let left = time_limit.saturating_sub(start.elapsed());
            let answers = access_review::check_access(client, questions, namespace, left).await?;
            Ok((who, answers))
        };
        match until_interrupted(&self.runtime, out, "Signing in", asking)? {
            Ok((who, answers)) => Ok(SignInResult::Accepted(who, answers)),
            Err(RequestError {
                fault: Fault::Unauthorized(_),
                ..
            }) => Ok(match start.elapsed() {
                elapsed if elapsed > SLOW_REJECTION => SignInResult::TimedOut(elapsed),
                _ => SignInResult::Unauthorized,
            }),
            Err(RequestError {
                fault: Fault::Forbidden(message),
                ..
            }) => Ok(SignInResult::Forbidden(message)),
            Err(RequestError {
                fault: Fault::TimedOut(_, after),
                ..
            }) => Ok(SignInResult::TimedOut(after)),
            Err(error) => Err(Failure::new(
                kind(error.kind()),
                format!("cannot sign in to {}", self.target()),
            )
            .because(&error)
            .hint(error.hint())),
        }
    }

    /// Signs in with the credentials of the kubeconfig, as kubectl does; an exec plugin runs. Returns `None` if the cluster was not
    /// selected by a kubeconfig context with a user, or if the command line selects AWS credentials.
    ///
    /// # Errors
    /// If the user interrupts.
    pub(crate) fn kubeconfig_user(
        &self,
        target: &Target,
        matches: &clap::ArgMatches,
        out: &mut Out,
    ) -> Result<Option<KubeconfigUser>, Failure> {
        let selects_identity = ["profile", "source", "roles"];
        let has_user = choose(&anonymous_flags(target), &Environment::of_process())
            .is_ok_and(|access| access.target.context.is_some() && access.has_credentials());
        if self.described.is_some()
            || !has_user
            || selects_identity.iter().any(|id| is_typed(matches, id))
        {
            return Ok(None);
        }
        let target = Target {
            impersonate: None,
            impersonate_groups: Vec::new(),
            wait: None,
            ..target.clone()
        };
        let user = match Cluster::open(&target, out) {
            Ok(cluster) => cluster
                .signed_in_user(attempt_limit(target.timeout()), out)?
                .map_err(|error| match error.fault {
                    Fault::Unauthorized(_) => {
                        "the API server does not accept its credentials".to_owned()
                    }
                    _ => error.to_string(),
                }),
            Err(failure) if failure.exit() == Exit::Interrupted => return Err(failure),
            Err(failure) => Err(failure.message()),
        };
        Ok(Some(user))
    }

    /// Reads aws-auth with the token of `client`, or returns why that is not possible.
    ///
    /// # Errors
    /// If the user interrupts.
    pub(crate) fn aws_auth(
        &self,
        client: &ApiClient,
        time_limit: Duration,
        out: &Out,
    ) -> Result<Result<Snapshot, RequestError>, Failure> {
        let reading = client.read(attempt_limit(time_limit));
        let read = until_interrupted(&self.runtime, out, "Reading aws-auth", reading)?;
        Ok(read.map(|live| live.snapshot()))
    }

    /// Waits, unless the user interrupts.
    pub(crate) fn pause(&self, time: Duration, out: &Out) -> Result<(), Failure> {
        // The timer must be created inside the runtime.
        let waiting = async { sleep(time).await };
        until_interrupted(&self.runtime, out, "Waiting", waiting)
    }
}

/// Returns the timeout of an attempt. Without a time limit, there is one attempt.
fn attempt_limit(time_limit: Duration) -> Duration {
    match time_limit.is_zero() {
        true => ATTEMPT,
        false => time_limit.clamp(SHORTEST_ATTEMPT, ATTEMPT),
    }
}

/// Returns connection flags without impersonation.
fn anonymous_flags(target: &Target) -> Flags {
    Flags {
        impersonate: None,
        impersonate_groups: Vec::new(),
        ..flags(target)
    }
}
