use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::PATIENCE;
use crate::aws::http::tls::TlsError;
use crate::aws::issued::IssuedError;

/// Who gives out a container's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Giver {
    /// The agent of EKS Pod Identity, to this service account.
    PodIdentity {
        /// Its namespace.
        namespace: String,
        /// Its name.
        service_account: String,
    },
    /// The agent of ECS, to this task.
    Ecs,
    /// Something else.
    Other,
}

/// Why the container endpoint gave nothing, told apart by what to do about it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// The URI can't be used.
    #[error("{value:?}, which is {variable}, is not a URI of a credentials endpoint")]
    Uri {
        /// As it was given.
        value: String,
        /// The variable that gave it.
        variable: &'static str,
    },
    /// The host may not be asked over plain HTTP.
    #[error(
        "the credentials endpoint {host} may not be asked without TLS: only loopback, 169.254.170.2 (ECS), and 169.254.170.23 and \
         fd00:ec2::23 (EKS Pod Identity) may"
    )]
    HostNotAllowed {
        /// The host.
        host: String,
    },
    /// The token's file can't be read.
    #[error("can't read {}, which AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why it can't be read.
        source: io::Error,
    },
    /// The token can't stand in a header.
    #[error(
        "the token that {variable} gives holds a line break or another character that no header may have"
    )]
    TokenNotAHeader {
        /// The variable that gives it, or its file.
        variable: &'static str,
    },
    /// Nothing accepts connections there.
    #[error("{} does not run: nothing accepts connections at {url}", agent(giver))]
    NotRunning {
        /// What was asked.
        url: String,
        /// Who should be there.
        giver: Giver,
        /// What the system says.
        source: Option<io::Error>,
    },
    /// 4xx: it has nothing for this container.
    #[error(
        "{} has no credentials for {}: it answered {status}{}",
        agent(giver),
        whom(giver),
        colon(said)
    )]
    Refused {
        /// The status.
        status: u16,
        /// The first line of its answer.
        said: String,
        /// Who answered.
        giver: Giver,
    },
    /// 429 or 5xx, again and again.
    #[error(
        "the credentials endpoint keeps failing: it answered {status}{}",
        colon(said)
    )]
    Failing {
        /// The last status.
        status: u16,
        /// The first line of its answer.
        said: String,
    },
    /// It did not answer in time.
    #[error("the credentials endpoint {url} did not answer within {} s", PATIENCE.as_secs())]
    Slow {
        /// What was asked.
        url: String,
    },
    /// Its certificate is not trusted, or TLS failed in another way.
    #[error("TLS with the credentials endpoint {url} failed")]
    Tls {
        /// What was asked.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection to the credentials endpoint {url} broke")]
    Lost {
        /// What was asked.
        url: String,
        /// Why, as far as is known.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS can't be set up.
    #[error("the credentials endpoint can't be trusted")]
    Trust(#[source] TlsError),
    /// What it gave can't be read.
    #[error("what the credentials endpoint gave can't be read")]
    Garbage {
        /// What is wrong with it.
        source: IssuedError,
    },
}

impl ContainerError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Uri { variable, .. } => format!("unset {variable}, or set it to what ECS or EKS gave this container"),
            Self::HostNotAllowed { .. } => {
                "set AWS_CONTAINER_CREDENTIALS_FULL_URI to an https URL, or to what ECS or EKS gave this container".into()
            }
            Self::TokenFile { path, .. } => {
                format!("see whether it exists and may be read by this user: ls -l '{}'", path.display())
            }
            Self::TokenNotAHeader { variable } => format!("give {variable} a token without a line break at its end"),
            Self::NotRunning { giver: Giver::PodIdentity { .. }, .. } => {
                "see whether the agent runs on this node: kubectl get pods -n kube-system -l app.kubernetes.io/name=eks-pod-identity-agent -o wide\n\
                 or install it: aws eks create-addon --cluster-name CLUSTER --addon-name eks-pod-identity-agent"
                    .into()
            }
            Self::Refused { giver: Giver::PodIdentity { namespace, service_account }, .. } => format!(
                "list this service account's associations: aws eks list-pod-identity-associations --cluster-name CLUSTER --namespace \
                 {namespace} --service-account {service_account}"
            ),
            Self::NotRunning { giver: Giver::Ecs, .. } | Self::Refused { giver: Giver::Ecs, .. } => {
                "see whether the task has a task role: aws ecs describe-task-definition --task-definition FAMILY --query taskDefinition.taskRoleArn"
                    .into()
            }
            Self::Tls { .. } | Self::Trust(TlsError::NoRoots) => {
                "set AWS_CA_BUNDLE to a file with the certificate that signed the endpoint's, or install this system's CA certificates".into()
            }
            Self::Trust(_) => "set AWS_CA_BUNDLE to a file of certificates in PEM form, or unset it".into(),
            Self::NotRunning { .. }
            | Self::Refused { .. }
            | Self::Failing { .. }
            | Self::Slow { .. }
            | Self::Lost { .. }
            | Self::Garbage { .. } => {
                "see what AWS_CONTAINER_CREDENTIALS_FULL_URI names, or unset it and name another source of credentials".into()
            }
        }
    }
}

fn agent(giver: &Giver) -> &'static str {
    match giver {
        Giver::PodIdentity { .. } => "the EKS Pod Identity agent",
        Giver::Ecs => "the ECS agent",
        Giver::Other => "the credentials endpoint",
    }
}

fn whom(giver: &Giver) -> String {
    match giver {
        Giver::PodIdentity {
            namespace,
            service_account,
        } => {
            format!("the service account {namespace}/{service_account}")
        }
        Giver::Ecs => "this task".to_owned(),
        Giver::Other => "this container".to_owned(),
    }
}

fn colon(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}
