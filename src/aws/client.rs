//! Clients of AWS services: which endpoint, through which proxy, trusting whom. Built only when somebody needs the network.

mod endpoint;
mod proxy;
mod roots;

use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{BehaviorVersion, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_http_client::{Builder, Connector};
use aws_types::SdkConfig;
use aws_types::app_name::AppName;
use aws_types::region::Region;
use secrecy::ExposeSecret;
use thiserror::Error;

use super::Surroundings;
use super::config_file::{ConfigFiles, Section};
use super::http::tls::TlsError;
use crate::token::Credentials;

/// How long a connection may take to open.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long the first wait before another attempt is at most; each is twice the one before.
const BACKOFF: Duration = Duration::from_millis(250);
/// How long one request may take, the connection included.
const ATTEMPT: Duration = Duration::from_secs(15);
/// How long all attempts together may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the surroundings and the profile say about reaching AWS.
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    /// The variables.
    pub surroundings: &'a Surroundings,
    /// The files in which `services` of the profile are looked up.
    pub files: &'a ConfigFiles,
    /// The profile, if there is one.
    pub profile: Option<&'a Section>,
}

/// Why no client can be had. The network was not asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The file of certificates can't be used.
    #[error("{setting} can't be used")]
    Bundle {
        /// What names the file.
        setting: &'static str,
        /// What is wrong with it.
        source: TlsError,
    },
    /// There are no certificates to trust.
    #[error("nobody can be trusted")]
    Roots {
        /// Why not.
        source: TlsError,
    },
    /// The proxy is not one that can be used.
    #[error("the proxy {shown:?} of {setting} is not an http or https URL")]
    Proxy {
        /// The URL without user and password.
        shown: String,
        /// The variable.
        setting: &'static str,
    },
    /// The endpoint is no URL.
    #[error("{value:?}, which is {setting}, is not an http or https URL")]
    Endpoint {
        /// As it was given.
        value: String,
        /// The variable or option that gave it.
        setting: String,
    },
    /// The profile's `services` names a section that is not there.
    #[error("the profile's services are [services {name}], which the config file does not have")]
    Services {
        /// The section's name.
        name: String,
    },
}

impl ClientError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Bundle { setting, .. } => format!(
                "let {setting} name a file of PEM certificates, or unset it to trust the system's"
            ),
            Self::Roots { .. } => "install the package ca-certificates, or let AWS_CA_BUNDLE name a file of PEM certificates".into(),
            Self::Proxy { setting, .. } => format!("set {setting} to a URL such as http://HOST:PORT"),
            Self::Endpoint { setting, .. } => format!("correct {setting}, or unset it"),
            Self::Services { name } => {
                format!("add the section [services {name}], or remove services from the profile")
            }
        }
    }
}

impl Reach<'_> {
    /// The settings of a client of `service`, as its endpoint variable spells it (`STS`), in a region. Without credentials it
    /// can make only requests that need none.
    ///
    /// # Errors
    /// When something that is said about the connection can't be used.
    pub fn config(
        &self,
        service: &str,
        region: &str,
        credentials: Option<&Credentials>,
    ) -> Result<SdkConfig, ClientError> {
        let endpoint = self.endpoint(service)?;
        let plain = endpoint
            .as_deref()
            .is_some_and(|url| url.starts_with("http:"));
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .http_client(self.http_client(plain)?)
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(4)
                    .with_initial_backoff(BACKOFF),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECTING)
                    .operation_attempt_timeout(ATTEMPT)
                    .operation_timeout(PATIENCE)
                    .build(),
            );
        config.set_app_name(AppName::new("awsauth").ok());
        config.set_endpoint_url(endpoint);
        config.set_use_fips(self.fips());
        config.set_use_dual_stack(self.dual_stack());
        config.set_credentials_provider(credentials.map(provider));
        Ok(config.build())
    }

    /// What sends a request over HTTPS that is not one of a service's client.
    pub(super) fn connector(&self) -> Result<Connector, ClientError> {
        let proxy = proxy::of(self.surroundings, false)?.unwrap_or_else(ProxyConfig::disabled);
        let tls = TlsContext::builder()
            .with_trust_store(roots::of(self)?)
            .build();
        Ok(Connector::builder()
            .proxy_config(proxy)
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls.expect("nothing in it can fail"))
            .build())
    }

    /// Whether FIPS endpoints are wanted, if somebody says so.
    pub fn fips(&self) -> Option<bool> {
        self.flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
    }

    /// Whether dual-stack endpoints are wanted, if somebody says so.
    pub fn dual_stack(&self) -> Option<bool> {
        self.flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")
    }

    fn http_client(&self, plain: bool) -> Result<SharedHttpClient, ClientError> {
        let proxy = proxy::of(self.surroundings, plain)?.unwrap_or_else(ProxyConfig::disabled);
        if plain {
            return Ok(
                Builder::new().build_with_connector_fn(move |settings, components| {
                    let mut connector = Connector::builder().proxy_config(proxy.clone());
                    connector.set_connector_settings(settings.cloned());
                    connector.set_sleep_impl(components.and_then(|parts| parts.sleep_impl()));
                    connector.build_http()
                }),
            );
        }
        let roots = roots::of(self)?;
        Ok(
            Builder::new().build_with_connector_fn(move |settings, components| {
                let tls = TlsContext::builder()
                    .with_trust_store(roots.clone())
                    .build();
                let mut connector = Connector::builder()
                    .proxy_config(proxy.clone())
                    .tls_provider(Provider::Rustls(CryptoMode::Ring))
                    .tls_context(tls.expect("nothing in it can fail"));
                connector.set_connector_settings(settings.cloned());
                connector.set_sleep_impl(components.and_then(|parts| parts.sleep_impl()));
                connector.build()
            }),
        )
    }

    /// A yes or no of the environment, else of the profile; `None` when neither says it.
    fn flag(&self, variable: &str, option: &str) -> Option<bool> {
        let said = self.surroundings.get(variable);
        let said = said.or_else(|| self.profile?.text(option));
        said.map(|text| text.eq_ignore_ascii_case("true"))
    }
}

/// The same settings, and with them the same connections, for requests that these credentials sign.
pub(crate) fn signed_with(config: &SdkConfig, credentials: &Credentials) -> SdkConfig {
    let config = config.clone().into_builder();
    config.credentials_provider(provider(credentials)).build()
}

fn provider(credentials: &Credentials) -> SharedCredentialsProvider {
    let token = credentials.session_token.as_ref();
    SharedCredentialsProvider::new(aws_credential_types::Credentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.expose_secret(),
        token.map(|token| token.expose_secret().to_owned()),
        None,
        "awsauth",
    ))
}
