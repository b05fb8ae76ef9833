//! The credentials endpoint of containers on ECS and of EKS Pod Identity.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use thiserror::Error;
use tokio::time::Instant;

use super::AwsEnvironment;
use super::metadata_credentials::{CredentialsResponse, CredentialsResponseError};
use super::metadata_http::{Answer, Client, HttpError, Url};
use super::tls::{self, TlsError};
use awsauth_core::redact;
use awsauth_core::token::Credentials;

/// The limit for all attempts. The agent itself calls AWS for the first response.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// The delays between attempts. The agent may still be starting.
const RETRY_DELAYS: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(900),
];

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// The ECS agent, to which relative URIs refer.
const ECS: &str = "169.254.170.2";
/// The EKS Pod Identity agent.
const EKS: [&str; 2] = ["169.254.170.23", "fd00:ec2::23"];

/// The credentials endpoint of a container, and its authorization.
#[derive(Clone, Debug)]
pub struct Container {
    url: Url,
    authorization: Option<Authorization>,
    bundle: Option<PathBuf>,
}

#[derive(Clone, Debug)]
enum Authorization {
    Value(SecretString),
    /// The file is read for each request, because Kubernetes rotates the token.
    File(PathBuf),
}

impl Container {
    /// Returns the endpoint that the environment names, if any. The relative URI takes precedence over the full URI, and
    /// the token file over the token.
    ///
    /// # Errors
    /// If the URI is invalid, or its host requires TLS.
    pub fn of(environment: &AwsEnvironment) -> Result<Option<Self>, ContainerError> {
        let (variable, uri) = match (environment.get(RELATIVE), environment.get(FULL)) {
            (Some(relative), _) => (RELATIVE, format!("http://{ECS}{relative}")),
            (None, Some(full)) => (FULL, full.to_owned()),
            (None, None) => return Ok(None),
        };
        let Some(url) = Url::parse(&uri) else {
            let value = redact::text(environment.get(variable).unwrap_or_default());
            return Err(ContainerError::Uri { value, variable });
        };
        if !is_allowed(&url) {
            let host = url.host().to_owned();
            return Err(ContainerError::HostNotAllowed { host });
        }
        let value = |text: &str| Authorization::Value(SecretString::from(text));
        let file = |path: &str| Authorization::File(PathBuf::from(path));
        Ok(Some(Self {
            url,
            authorization: environment
                .get(TOKEN_FILE)
                .map(file)
                .or_else(|| environment.get(TOKEN).map(value)),
            bundle: environment.get(tls::BUNDLE).map(PathBuf::from),
        }))
    }

    /// Requests the credentials.
    ///
    /// # Errors
    /// A separate variant for each cause.
    pub async fn credentials(&self) -> Result<Credentials, ContainerError> {
        let deadline = Instant::now() + TIMEOUT;
        let token = self.token()?;
        let agent = self.agent(token.as_ref());
        let mut headers =
            HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        if let Some(token) = &token {
            let value = HeaderValue::from_str(token.expose_secret());
            let mut value = value.map_err(|_| ContainerError::TokenNotAHeader {
                variable: self.token_variable(),
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let answer = self.ask(&headers, &agent, deadline).await?;
        if answer.status == 200 {
            let read =
                CredentialsResponse::read(&answer.body).and_then(CredentialsResponse::credentials);
            return read.map_err(|source| ContainerError::Malformed { source });
        }
        let (status, first_line) = (answer.status, first_line(&answer, token.as_ref()));
        Err(if answer.is_failure() {
            ContainerError::Failing { status, first_line }
        } else {
            ContainerError::Refused {
                status,
                first_line,
                agent,
            }
        })
    }

    async fn ask(
        &self,
        headers: &HeaderMap,
        agent: &ContainerAgent,
        deadline: Instant,
    ) -> Result<Answer, ContainerError> {
        let tls = match self.url.is_https() {
            true => Some(tls::client(self.bundle.as_deref()).map_err(ContainerError::Trust)?),
            false => None,
        };
        let mut client = Client::new(self.url.clone(), tls);
        let may_pass = |answered: &Result<Answer, HttpError>| match answered {
            Ok(answer) => answer.is_failure(),
            Err(fault) => matches!(fault, HttpError::Lost(_) | HttpError::Connect(_)),
        };
        let answered =
            client.send_with_retries(Method::GET, "", headers, &RETRY_DELAYS, may_pass, deadline);
        answered.await.map_err(|fault| self.failed(fault, agent))
    }

    fn token(&self) -> Result<Option<SecretString>, ContainerError> {
        let token = match &self.authorization {
            None => return Ok(None),
            Some(Authorization::Value(token)) => token.clone(),
            Some(Authorization::File(path)) => fs::read_to_string(path)
                .map(SecretString::from)
                .map_err(|source| ContainerError::TokenFile {
                    path: path.clone(),
                    source,
                })?,
        };
        Ok(Some(token))
    }

    fn token_variable(&self) -> &'static str {
        match self.authorization {
            Some(Authorization::File(_)) => TOKEN_FILE,
            _ => TOKEN,
        }
    }

    /// Identifies the agent, for messages.
    fn agent(&self, token: Option<&SecretString>) -> ContainerAgent {
        let account = token.and_then(|token| ServiceAccount::of(token.expose_secret()));
        match (self.url.host(), account) {
            (_, Some(account)) => ContainerAgent::PodIdentity {
                namespace: account.namespace,
                service_account: account.name,
            },
            (host, None) if EKS.contains(&host) => ContainerAgent::PodIdentity {
                namespace: "NAMESPACE".to_owned(),
                service_account: "SERVICE_ACCOUNT".to_owned(),
            },
            (ECS, None) => ContainerAgent::Ecs,
            _ => ContainerAgent::Other,
        }
    }

    fn failed(&self, fault: HttpError, agent: &ContainerAgent) -> ContainerError {
        let (url, agent) = (self.url.origin(), agent.clone());
        let source = match fault {
            HttpError::Connect(source) => Some(source),
            HttpError::ConnectTimedOut => None,
            HttpError::TimedOut => return ContainerError::Slow { url },
            HttpError::Tls(source) => return ContainerError::Tls { url, source },
            fault => {
                return ContainerError::Lost {
                    url,
                    source: Box::new(fault),
                };
            }
        };
        ContainerError::NotRunning { url, agent, source }
    }
}

/// Whether the endpoint is allowed. As in botocore, TLS allows any host; plain HTTP allows loopback and the agents of
/// ECS and EKS.
/// <https://github.com/boto/botocore/blob/1.44.5/botocore/utils.py> (`ContainerMetadataFetcher`)
fn is_allowed(url: &Url) -> bool {
    let host = url.host();
    url.is_https()
        || url.address().as_ref().is_some_and(IpAddr::is_loopback)
        || host == ECS
        || EKS.contains(&host)
        || host == "localhost"
}

/// Returns the first line of an error response, without the token if the endpoint repeats it.
fn first_line(answer: &Answer, token: Option<&SecretString>) -> String {
    let line = answer.text().lines().next().unwrap_or_default();
    let line = match token.map(ExposeSecret::expose_secret) {
        Some(token) if !token.is_empty() => line.replace(token, "(the token)"),
        _ => line.to_owned(),
    };
    let plain = line.chars().filter(|c| !c.is_control());
    plain.take(300).collect()
}

/// The agent that issues a container's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerAgent {
    /// The EKS Pod Identity agent, for this service account.
    PodIdentity {
        namespace: String,
        service_account: String,
    },
    Ecs,
    Other,
}

/// Why the container endpoint returned no credentials.
#[derive(Debug, Error)]
pub enum ContainerError {
    /// The URI is invalid.
    #[error("{value:?}, which is {variable}, is not a URI of a credentials endpoint")]
    Uri {
        /// The URI without user and password.
        value: String,
        variable: &'static str,
    },
    /// The host requires TLS.
    #[error(
        "the credentials endpoint {host} requires TLS: only loopback, 169.254.170.2 (ECS), and 169.254.170.23 and \
         fd00:ec2::23 (EKS Pod Identity) may"
    )]
    HostNotAllowed { host: String },
    /// The token file cannot be read.
    #[error("cannot read {}, which AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names", path.display())]
    TokenFile { path: PathBuf, source: io::Error },
    /// The token cannot be sent in a header.
    #[error(
        "the token that {variable} gives holds a line break or another character that no header may have"
    )]
    TokenNotAHeader {
        /// The variable that holds the token or names its file.
        variable: &'static str,
    },
    /// Nothing accepts connections there.
    #[error(
        "{} is not running: nothing accepts connections at {url}",
        agent_name(agent)
    )]
    NotRunning {
        url: String,
        /// The agent that is expected there.
        agent: ContainerAgent,
        source: Option<io::Error>,
    },
    /// A 4xx response: no credentials for this container.
    #[error(
        "{} has no credentials for {}: it returned {status}{}",
        agent_name(agent),
        recipient(agent),
        colon(first_line)
    )]
    Refused {
        status: u16,
        /// The first line of the response.
        first_line: String,
        agent: ContainerAgent,
    },
    /// Repeated 429 or 5xx responses.
    #[error(
        "the credentials endpoint keeps failing: it returned {status}{}",
        colon(first_line)
    )]
    Failing {
        /// The last status.
        status: u16,
        /// The first line of the response.
        first_line: String,
    },
    /// No response in time.
    #[error("the credentials endpoint {url} did not respond within {} s", TIMEOUT.as_secs())]
    Slow { url: String },
    /// The certificate is not trusted, or TLS failed in another way.
    #[error("TLS with the credentials endpoint {url} failed")]
    Tls { url: String, source: io::Error },
    /// The connection was lost.
    #[error("the connection to the credentials endpoint {url} broke")]
    Lost {
        url: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS cannot be set up.
    #[error("TLS with the credentials endpoint cannot be set up")]
    Trust(#[source] TlsError),
    /// The response cannot be read.
    #[error("the response of the credentials endpoint cannot be read")]
    Malformed { source: CredentialsResponseError },
}

impl ContainerError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Uri { variable, .. } => format!("unset {variable}, or set it to the value from ECS or EKS"),
            Self::HostNotAllowed { .. } => {
                "set AWS_CONTAINER_CREDENTIALS_FULL_URI to an https URL, or to the value from ECS or EKS".into()
            }
            Self::TokenFile { path, .. } => {
                format!("check that it exists and that this user may read it: ls -l '{}'", path.display())
            }
            Self::TokenNotAHeader { variable } => format!("give {variable} a token without a line break at its end"),
            Self::NotRunning { agent: ContainerAgent::PodIdentity { .. }, .. } => {
                "check that the agent runs on this node: kubectl get pods -n kube-system -l app.kubernetes.io/name=eks-pod-identity-agent -o wide\n\
                 or install it: aws eks create-addon --cluster-name CLUSTER --addon-name eks-pod-identity-agent"
                    .into()
            }
            Self::Refused { agent: ContainerAgent::PodIdentity { namespace, service_account }, .. } => format!(
                "list this service account's associations: aws eks list-pod-identity-associations --cluster-name CLUSTER --namespace \
                 {namespace} --service-account {service_account}"
            ),
            Self::NotRunning { agent: ContainerAgent::Ecs, .. } | Self::Refused { agent: ContainerAgent::Ecs, .. } => {
                "check that the task has a task role: aws ecs describe-task-definition --task-definition FAMILY --query taskDefinition.taskRoleArn"
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
            | Self::Malformed { .. } => {
                "check AWS_CONTAINER_CREDENTIALS_FULL_URI, or unset it and use another source of credentials".into()
            }
        }
    }
}

fn agent_name(agent: &ContainerAgent) -> &'static str {
    match agent {
        ContainerAgent::PodIdentity { .. } => "the EKS Pod Identity agent",
        ContainerAgent::Ecs => "the ECS agent",
        ContainerAgent::Other => "the credentials endpoint",
    }
}

fn recipient(agent: &ContainerAgent) -> String {
    match agent {
        ContainerAgent::PodIdentity {
            namespace,
            service_account,
        } => {
            format!("the service account {namespace}/{service_account}")
        }
        ContainerAgent::Ecs => "this task".to_owned(),
        ContainerAgent::Other => "this container".to_owned(),
    }
}

fn colon(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}

/// The service account that a Kubernetes token belongs to.
#[derive(Debug, PartialEq, Eq)]
struct ServiceAccount {
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

impl ServiceAccount {
    /// Reads the subject of a token without verifying it; for messages only.
    /// <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/>
    fn of(token: &str) -> Option<Self> {
        let claims = token.split('.').nth(1)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        let claims: Claims = serde_json::from_slice(&claims).ok()?;
        let rest = claims.sub.strip_prefix("system:serviceaccount:")?;
        let (namespace, name) = rest.split_once(':')?;
        let plain = |text: &str| {
            let mut bytes = text.bytes();
            bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        };
        (plain(namespace) && plain(name)).then(|| Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint_url(variables: &[(&str, &str)]) -> Result<Option<String>, ContainerError> {
        let all = variables
            .iter()
            .fold(AwsEnvironment::default(), |all, (name, value)| {
                all.with(name, value)
            });
        Container::of(&all).map(|found| found.map(|container| container.url.to_string()))
    }

    #[test]
    fn endpoint_is_read_from_the_variables() {
        for (variables, found) in [
            (&[][..], None),
            (
                &[(RELATIVE, "/v2/credentials/1-2?a=b")],
                Some("http://169.254.170.2/v2/credentials/1-2?a=b"),
            ),
            (
                &[(RELATIVE, "/r"), (FULL, "http://127.0.0.1/f")],
                Some("http://169.254.170.2/r"),
            ),
            (
                &[(FULL, "http://169.254.170.23/v1/credentials")],
                Some("http://169.254.170.23/v1/credentials"),
            ),
            (
                &[(FULL, "http://[fd00:ec2::23]/v1/credentials")],
                Some("http://[fd00:ec2::23]/v1/credentials"),
            ),
            (
                &[(FULL, "http://127.8.9.1:51679/x")],
                Some("http://127.8.9.1:51679/x"),
            ),
            (&[(FULL, "http://[::1]/x")], Some("http://[::1]/x")),
            (&[(FULL, "http://localhost/x")], Some("http://localhost/x")),
            (
                &[(FULL, "https://anywhere.example/x")],
                Some("https://anywhere.example/x"),
            ),
        ] {
            assert_eq!(
                endpoint_url(variables).unwrap().as_deref(),
                found,
                "{variables:?}"
            );
        }
    }

    #[test]
    fn plain_http_to_other_hosts_is_refused() {
        for host in [
            "anywhere.example",
            "169.254.169.254",
            "10.0.0.1",
            "localhost.example",
            "[fd00:ec2::254]",
        ] {
            let error = endpoint_url(&[(FULL, &format!("http://{host}/x"))]).unwrap_err();
            assert!(
                matches!(error, ContainerError::HostNotAllowed { .. }),
                "{error}"
            );
        }
        for (variable, value) in [
            (FULL, "169.254.170.23/x"),
            (RELATIVE, "@anywhere.example/x"),
            (FULL, "ftp://localhost/x"),
        ] {
            let error = endpoint_url(&[(variable, value)]).unwrap_err();
            assert!(matches!(error, ContainerError::Uri { .. }), "{error}");
        }
        let error = endpoint_url(&[(FULL, "ftp://me:hunter2@localhost/x")]).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        // A host name that only begins like the agent's address is a different host.
        let error = endpoint_url(&[(RELATIVE, ".anywhere.example/x")]).unwrap_err();
        assert!(
            matches!(error, ContainerError::HostNotAllowed { .. }),
            "{error}"
        );
    }

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn service_account_is_read_from_the_token() {
        let found = ServiceAccount::of(&token(
            r#"{"sub":"system:serviceaccount:shop:cart","aud":["pods.eks.amazonaws.com"]}"#,
        ));
        let expected = ServiceAccount {
            namespace: "shop".into(),
            name: "cart".into(),
        };
        assert_eq!(found, Some(expected));
        for other in [
            token(r#"{"sub":"repo:a/b"}"#),
            token("{}"),
            token(r#"{"sub":"system:serviceaccount:a;b:c"}"#),
            "a.b.c".into(),
            String::new(),
        ] {
            assert_eq!(ServiceAccount::of(&other), None, "{other}");
        }
    }
}
