//! The credentials endpoint of a container: ECS, and EKS Pod Identity.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>

mod error;
mod service_account;

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::Surroundings;
use super::http::tls;
use super::http::{Answer, Client, Fault, Url};
use super::issued::Issued;
use crate::token::Credentials;
use service_account::ServiceAccount;

pub use error::{ContainerError, Giver};

/// How long the endpoint is waited for in all. The agent asks AWS before it answers for the first time.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The waits before the endpoint is asked again: its agent may just be starting.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(900),
];

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// The agent of ECS, below which relative URIs are.
const ECS: &str = "169.254.170.2";
/// The agent of EKS Pod Identity.
const EKS: [&str; 2] = ["169.254.170.23", "fd00:ec2::23"];

/// Where a container's credentials are, and what opens the door.
#[derive(Clone, Debug)]
pub struct Container {
    url: Url,
    authorization: Option<Authorization>,
    bundle: Option<PathBuf>,
}

#[derive(Clone, Debug)]
enum Authorization {
    Value(SecretString),
    /// Read for every request, because Kubernetes renews it.
    File(PathBuf),
}

impl Container {
    /// The endpoint that the variables name; `None` when they name none. The relative URI wins over the full one, and
    /// the token's file over the token.
    ///
    /// # Errors
    /// When the URI can't be used, or its host may not be asked without TLS.
    pub fn of(surroundings: &Surroundings) -> Result<Option<Self>, ContainerError> {
        let (variable, uri) = match (surroundings.get(RELATIVE), surroundings.get(FULL)) {
            (Some(relative), _) => (RELATIVE, format!("http://{ECS}{relative}")),
            (None, Some(full)) => (FULL, full.to_owned()),
            (None, None) => return Ok(None),
        };
        let Some(url) = Url::parse(&uri) else {
            let value = surroundings.get(variable).unwrap_or_default().to_owned();
            return Err(ContainerError::Uri { value, variable });
        };
        if !may_be_asked(&url) {
            let host = url.host().to_owned();
            return Err(ContainerError::HostNotAllowed { host });
        }
        let value = |text: &str| Authorization::Value(SecretString::from(text));
        let file = |path: &str| Authorization::File(PathBuf::from(path));
        Ok(Some(Self {
            url,
            authorization: surroundings
                .get(TOKEN_FILE)
                .map(file)
                .or_else(|| surroundings.get(TOKEN).map(value)),
            bundle: surroundings.get(tls::BUNDLE).map(PathBuf::from),
        }))
    }

    /// Asks for the credentials.
    ///
    /// # Errors
    /// Each way in which there can be none, told apart.
    pub async fn credentials(&self) -> Result<Credentials, ContainerError> {
        let deadline = Instant::now() + PATIENCE;
        let token = self.token()?;
        let giver = self.giver(token.as_ref());
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
        let answer = self.ask(&headers, &giver, deadline).await?;
        if answer.status == 200 {
            let read = Issued::read(&answer.body).and_then(Issued::credentials);
            return read.map_err(|source| ContainerError::Garbage { source });
        }
        let (status, said) = (answer.status, said(&answer, token.as_ref()));
        Err(if answer.is_failure() {
            ContainerError::Failing { status, said }
        } else {
            ContainerError::Refused {
                status,
                said,
                giver,
            }
        })
    }

    async fn ask(
        &self,
        headers: &HeaderMap,
        giver: &Giver,
        deadline: Instant,
    ) -> Result<Answer, ContainerError> {
        let tls = match self.url.is_https() {
            true => Some(tls::client(self.bundle.as_deref()).map_err(ContainerError::Trust)?),
            false => None,
        };
        let mut client = Client::new(self.url.clone(), tls);
        let may_pass = |answered: &Result<Answer, Fault>| match answered {
            Ok(answer) => answer.is_failure(),
            Err(fault) => matches!(fault, Fault::Lost(_) | Fault::Connect(_)),
        };
        let answered = client.insist(Method::GET, "", headers, &PAUSES, may_pass, deadline);
        answered.await.map_err(|fault| self.failed(fault, giver))
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

    /// Who answers there, for a message.
    fn giver(&self, token: Option<&SecretString>) -> Giver {
        let account = token.and_then(|token| ServiceAccount::of(token.expose_secret()));
        match (self.url.host(), account) {
            (_, Some(account)) => Giver::PodIdentity {
                namespace: account.namespace,
                service_account: account.name,
            },
            (host, None) if EKS.contains(&host) => Giver::PodIdentity {
                namespace: "NAMESPACE".to_owned(),
                service_account: "SERVICE_ACCOUNT".to_owned(),
            },
            (ECS, None) => Giver::Ecs,
            _ => Giver::Other,
        }
    }

    fn failed(&self, fault: Fault, giver: &Giver) -> ContainerError {
        let (url, giver) = (self.url.origin(), giver.clone());
        let source = match fault {
            Fault::Connect(source) => Some(source),
            Fault::ConnectTimedOut => None,
            Fault::TimedOut => return ContainerError::Slow { url },
            Fault::Tls(source) => return ContainerError::Tls { url, source },
            fault => {
                return ContainerError::Lost {
                    url,
                    source: Box::new(fault),
                };
            }
        };
        ContainerError::NotRunning { url, giver, source }
    }
}

/// botocore's rule: any host over TLS; without it this machine and the agents of ECS and EKS.
/// <https://github.com/boto/botocore/blob/1.44.5/botocore/utils.py> (`ContainerMetadataFetcher`)
fn may_be_asked(url: &Url) -> bool {
    let host = url.host();
    url.is_https()
        || url.address().as_ref().is_some_and(IpAddr::is_loopback)
        || host == ECS
        || EKS.contains(&host)
        || host == "localhost"
}

/// The first line of an answer that is no credentials, should an endpoint give the token back without that.
fn said(answer: &Answer, token: Option<&SecretString>) -> String {
    let line = answer.text().lines().next().unwrap_or_default();
    let line = match token.map(ExposeSecret::expose_secret) {
        Some(token) if !token.is_empty() => line.replace(token, "(the token)"),
        _ => line.to_owned(),
    };
    let plain = line.chars().filter(|c| !c.is_control());
    plain.take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(variables: &[(&str, &str)]) -> Result<Option<String>, ContainerError> {
        let all = variables
            .iter()
            .fold(Surroundings::default(), |all, (name, value)| {
                all.with(name, value)
            });
        Container::of(&all).map(|found| found.map(|container| container.url.to_string()))
    }

    #[test]
    fn the_variables_name_the_endpoint() {
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
            assert_eq!(url(variables).unwrap().as_deref(), found, "{variables:?}");
        }
    }

    #[test]
    fn a_host_that_may_not_be_asked_is_refused() {
        for host in [
            "anywhere.example",
            "169.254.169.254",
            "10.0.0.1",
            "localhost.example",
            "[fd00:ec2::254]",
        ] {
            let error = url(&[(FULL, &format!("http://{host}/x"))]).unwrap_err();
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
            let error = url(&[(variable, value)]).unwrap_err();
            assert!(matches!(error, ContainerError::Uri { .. }), "{error}");
        }
        // A name that only begins like the agent's address is another host.
        let error = url(&[(RELATIVE, ".anywhere.example/x")]).unwrap_err();
        assert!(
            matches!(error, ContainerError::HostNotAllowed { .. }),
            "{error}"
        );
    }
}
