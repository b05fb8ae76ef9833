//! Collects the evidence for `doctor`. Each question runs on its own thread with a time limit and returns plain data.

mod assume_role;
pub(crate) mod aws_auth;
pub(crate) mod command_flags;
pub(crate) mod command_question;
pub(crate) mod credentials;
mod eks;
pub(crate) mod endpoint_probe;
mod evidence;
pub(crate) mod exec_plugin;
pub(crate) mod failing_command;
mod home_folder;
pub(crate) mod kubeconfig;
pub(crate) mod nodes;
mod proxy_probe;
pub(crate) mod sign_in;
pub(crate) mod sts;
mod subprocess;
mod timed_task;

use std::error::Error;
use std::future::Future;
use std::io;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio::runtime::Builder;

pub(crate) use evidence::Collector;
pub(crate) use timed_task::{Task, spawn};

use awsauth_core::doctor::evidence::Problem;
use awsauth_core::endpoint_trust::DescribedEndpoint;
use awsauth_core::error_chain;
use awsauth_core::redact;
use awsauth_core::token::Token;
use awsauth_kube::connect::{
    AnonymousConnection, ConnectError, connect_anonymously, connect_to_anonymously,
};
use awsauth_kube::{ApiClient, EksEndpoint, Environment, Flags};

/// The time limit of most questions.
pub(crate) const LIMIT: Duration = Duration::from_secs(2);

/// Runs a future in a new runtime.
fn in_runtime<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(work))
}

/// How to connect to the cluster.
#[derive(Clone)]
pub(crate) struct ConnectOptions {
    /// The flags that select a cluster of the kubeconfig.
    pub(crate) flags: Flags,
    pub(crate) environment: Environment,
    /// The endpoint according to EKS, if there is no kubeconfig.
    pub(crate) eks_endpoint: Option<EksEndpoint>,
    /// What identifies the endpoint according to EKS, if EKS was asked.
    pub(crate) described: Option<DescribedEndpoint>,
    /// The deadline of all questions.
    pub(crate) end: Instant,
}

impl ConnectOptions {
    /// Returns the flags that select another context.
    pub(crate) fn of_context(&self, name: &str) -> Flags {
        Flags {
            context: Some(name.to_owned()),
            ..self.flags.clone()
        }
    }

    /// Connects to the selected cluster without credentials.
    async fn anonymous(&self) -> Result<AnonymousConnection, ConnectError> {
        let flags = Flags {
            impersonate: None,
            impersonate_groups: Vec::new(),
            ..self.flags.clone()
        };
        match &self.eks_endpoint {
            Some(endpoint) => connect_to_anonymously(endpoint, &flags, &self.environment).await,
            None => connect_anonymously(&flags, &self.environment).await,
        }
    }

    /// Connects to the selected cluster with a token.
    async fn authenticated(&self, token: &BearerToken) -> Result<ApiClient, ConnectError> {
        let connection = self.anonymous().await?;
        Ok(match token {
            BearerToken::Signed(token) => {
                let endpoint = connection.trust(self.described.as_ref())?;
                endpoint.with_token(token)
            }
            BearerToken::OfUser(token) => connection.with_user_token(token.clone())?,
        })
    }
}

/// A token, and who it belongs to.
#[derive(Clone)]
pub(crate) enum BearerToken {
    /// Signed by awsauth.
    Signed(Token),
    /// Of the kubeconfig's user: kubectl sends it to the same server.
    OfUser(SecretString),
}

impl BearerToken {
    /// The token as it is sent.
    pub(crate) fn text(&self) -> &SecretString {
        match self {
            Self::Signed(token) => &token.text,
            Self::OfUser(token) => token,
        }
    }
}

/// Returns an error with its causes, without repetitions and secrets.
pub(crate) fn error_text(error: &dyn Error) -> String {
    redact::text(&error_chain::text(error))
}

/// Returns an error with the next step.
fn problem(error: &dyn Error, next: impl Into<String>) -> Problem {
    Problem {
        cause: error_text(error),
        next: next.into(),
    }
}
