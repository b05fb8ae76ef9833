//! Configures clients of AWS services: endpoint, proxy and trusted certificates.

use super::AwsEnvironment;
use super::config_file::{
    ConfigError, ConfigFiles, DEFAULT_PROFILE, Section, expand, profile_name,
};
use super::response_limit::{LimitedClient, LimitedConnector};
use super::tls::{self, TlsError};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{BehaviorVersion, SharedAsyncSleep, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_types::SdkConfig;
use aws_types::app_name::AppName;
use aws_types::region::Region;
use awsauth_core::redact;
use awsauth_core::token::Credentials;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Uri;
use secrecy::ExposeSecret;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The upper bound of the random delay before the second attempt. It doubles with each further attempt.
pub(super) const INITIAL_BACKOFF: Duration = Duration::from_millis(250);
/// The maximum number of attempts.
pub(super) const MAX_ATTEMPTS: u32 = 4;
/// The limit for one attempt, connection included.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// The limit for all attempts together.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);

/// The environment variables and profile settings that clients use.
#[derive(Clone, Copy, Debug)]
pub struct ClientSettings<'a> {
    pub environment: &'a AwsEnvironment,
    /// The files that hold the profile's `services` section.
    pub files: &'a ConfigFiles,
    pub profile: Option<&'a Section>,
}

/// The config files and the profile from which the settings of a client come.
pub(crate) struct ProfileSettings {
    environment: AwsEnvironment,
    files: ConfigFiles,
    profile: String,
}

impl ProfileSettings {
    /// Reads the files. Uses `profile`, else the profile in the environment, else the default profile.
    pub(crate) fn read(
        profile: Option<&str>,
        environment: &AwsEnvironment,
    ) -> Result<Self, ConfigError> {
        let profile = profile_name(profile, environment).unwrap_or(DEFAULT_PROFILE);
        Ok(Self {
            files: ConfigFiles::read(environment)?,
            profile: profile.to_owned(),
            environment: environment.clone(),
        })
    }

    pub(crate) fn client(&self) -> ClientSettings<'_> {
        ClientSettings {
            environment: &self.environment,
            files: &self.files,
            profile: self.files.profile(&self.profile),
        }
    }
}

/// Why a client cannot be configured. No request was sent.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The CA bundle cannot be used.
    #[error("cannot use the CA bundle set by {setting}")]
    Bundle {
        /// The setting that names the file.
        setting: &'static str,
        source: TlsError,
    },
    /// No trusted certificates were found.
    #[error("there are no trusted certificates")]
    Roots { source: TlsError },
    /// The proxy is not a usable URL.
    #[error("{setting} is {shown:?}, which is not an http or https URL")]
    Proxy {
        /// The URL without user and password.
        shown: String,
        setting: &'static str,
    },
    /// The endpoint is not a usable URL.
    #[error("{setting} is {shown:?}, which is not an http or https URL")]
    Endpoint {
        /// The URL without user and password.
        shown: String,
        /// The variable or option that holds the URL.
        setting: String,
    },
    /// Signed requests to the endpoint would be sent over plain HTTP.
    #[error("{setting} is {shown:?}: requests would be sent to another machine over plain HTTP")]
    PlainHttpEndpoint {
        /// The URL without user and password.
        shown: String,
        /// The variable or option that holds the URL.
        setting: String,
    },
    /// FIPS or dual-stack endpoints are requested, but a custom URL replaces the endpoint.
    #[error("{variant} endpoints cannot be combined with the custom endpoint {url}")]
    EndpointVariant {
        /// `FIPS` or `dual-stack`.
        variant: &'static str,
        url: String,
    },
    /// The profile's `services` option names a section that does not exist.
    #[error("the profile refers to [services {name}], which is not in the config file")]
    Services { name: String },
}

impl ClientError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Bundle { setting, .. } => format!(
                "set {setting} to a file of PEM certificates, or unset it to trust the system's"
            ),
            Self::Roots { .. } => "install the package ca-certificates, or set AWS_CA_BUNDLE to a file of PEM certificates".into(),
            Self::Proxy { setting, .. } => format!("set {setting} to a URL such as http://HOST:PORT"),
            Self::Endpoint { setting, .. } => format!("correct {setting}, or unset it"),
            Self::PlainHttpEndpoint { setting, .. } => {
                format!("use an https URL in {setting}, or a server on this machine")
            }
            Self::EndpointVariant { .. } => {
                "unset AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT (or the profile's use_fips_endpoint and use_dualstack_endpoint), or remove the custom endpoint".into()
            }
            Self::Services { name } => {
                format!("add the section [services {name}], or remove services from the profile")
            }
        }
    }
}

impl ClientSettings<'_> {
    /// Returns the settings of an SDK client. `service` is the suffix of its endpoint variable, such as `STS`. Without
    /// credentials, the client can only send unsigned requests.
    ///
    /// # Errors
    /// If a connection setting is invalid.
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
                    .with_max_attempts(MAX_ATTEMPTS)
                    .with_initial_backoff(INITIAL_BACKOFF),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(OPERATION_TIMEOUT)
                    .build(),
            );
        config.set_app_name(AppName::new("awsauth").ok());
        config.set_endpoint_url(endpoint);
        config.set_use_fips(self.fips());
        config.set_use_dual_stack(self.dual_stack());
        config.set_credentials_provider(credentials.map(provider));
        Ok(config.build())
    }

    /// Returns a connector for requests outside the SDK clients. `is_plain` means HTTP without TLS.
    pub(super) fn connector(
        &self,
        is_plain: bool,
        connect_timeout: Option<Duration>,
    ) -> Result<LimitedConnector<Connector>, ClientError> {
        let mut settings = HttpConnectorSettings::builder();
        settings.set_connect_timeout(connect_timeout);
        let transport = self.transport(is_plain)?;
        Ok(LimitedConnector(
            transport.connector(Some(settings.build()), None),
        ))
    }

    /// Returns whether FIPS endpoints are requested; `None` without a setting.
    pub fn fips(&self) -> Option<bool> {
        self.flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
    }

    /// Returns whether dual-stack endpoints are requested; `None` without a setting.
    pub fn dual_stack(&self) -> Option<bool> {
        self.flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")
    }

    fn http_client(&self, is_plain: bool) -> Result<SharedHttpClient, ClientError> {
        let transport = self.transport(is_plain)?;
        let client = Builder::new().build_with_connector_fn(move |settings, components| {
            let sleep = components.and_then(|components| components.sleep_impl());
            transport.connector(settings.cloned(), sleep)
        });
        Ok(SharedHttpClient::new(LimitedClient(client)))
    }

    fn transport(&self, is_plain: bool) -> Result<Transport, ClientError> {
        let proxy = proxy_config(self.environment, is_plain)?;
        Ok(Transport {
            proxy: proxy.unwrap_or_else(ProxyConfig::disabled),
            roots: match is_plain {
                true => None,
                false => Some(trust_store(self)?),
            },
        })
    }

    /// Returns a Boolean setting from the environment, else from the profile; `None` if neither has it.
    fn flag(&self, variable: &str, option: &str) -> Option<bool> {
        let value = self.environment.get(variable);
        let value = value.or_else(|| self.profile?.text(option));
        value.map(|text| text.eq_ignore_ascii_case("true"))
    }
}

/// The proxy that connections use, and the certificates that they trust; `None` without TLS.
#[derive(Clone)]
struct Transport {
    proxy: ProxyConfig,
    roots: Option<TrustStore>,
}

impl Transport {
    fn connector(
        &self,
        settings: Option<HttpConnectorSettings>,
        sleep: Option<SharedAsyncSleep>,
    ) -> Connector {
        let mut builder = Connector::builder().proxy_config(self.proxy.clone());
        builder.set_connector_settings(settings);
        builder.set_sleep_impl(sleep);
        let Some(roots) = &self.roots else {
            return builder.build_http();
        };
        let tls = TlsContext::builder()
            .with_trust_store(roots.clone())
            .build()
            .expect("a trust store of valid certificates");
        builder
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls)
            .build()
    }
}

/// Returns a copy of the settings that signs with these credentials. It shares the HTTP client and its connections.
pub(crate) fn signed_with(config: &SdkConfig, credentials: &Credentials) -> SdkConfig {
    let config = config.clone().into_builder();
    config.credentials_provider(provider(credentials)).build()
}

fn provider(credentials: &Credentials) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(credentials_of_sdk(credentials))
}

/// Converts credentials to the SDK's type.
pub(super) fn credentials_of_sdk(credentials: &Credentials) -> aws_credential_types::Credentials {
    let token = credentials.session_token.as_ref();
    aws_credential_types::Credentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.expose_secret(),
        token.map(|token| token.expose_secret().to_owned()),
        None,
        "awsauth",
    )
}

impl ClientSettings<'_> {
    /// Returns the custom URL of a service, if one is configured. The order is botocore's: the service's variable, the
    /// general variable, the profile's `services`, the profile.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
    pub(crate) fn endpoint(&self, service: &str) -> Result<Option<String>, ClientError> {
        Ok(self.custom_endpoint(service)?.map(|(url, _)| url))
    }

    /// Returns the custom URL of a service, if one is configured, and the setting that names it.
    ///
    /// # Errors
    /// If the URL is not usable.
    pub fn custom_endpoint(&self, service: &str) -> Result<Option<(String, String)>, ClientError> {
        if self.flag(
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
            "ignore_configured_endpoint_urls",
        ) == Some(true)
        {
            return Ok(None);
        }
        let variable = format!("AWS_ENDPOINT_URL_{service}");
        let named = [
            (self.environment.get(&variable), variable.as_str()),
            (self.environment.get("AWS_ENDPOINT_URL"), "AWS_ENDPOINT_URL"),
            (
                self.services_endpoint(service)?,
                "endpoint_url of the profile's services",
            ),
            (self.profile_endpoint(), "endpoint_url of the profile"),
        ];
        let Some((url, setting)) = named
            .into_iter()
            .find_map(|(url, setting)| Some((url?, setting)))
        else {
            return Ok(None);
        };
        let (value, setting) = (url.to_owned(), setting.to_owned());
        let parsed: Option<Uri> = url.parse().ok();
        match parsed
            .as_ref()
            .and_then(|uri| uri.scheme_str().zip(uri.host()))
        {
            Some(("https", _)) => Ok(Some((value, setting))),
            Some(("http", host)) if is_loopback(host) => Ok(Some((value, setting))),
            Some(("http", _)) => Err(ClientError::PlainHttpEndpoint {
                shown: redact::text(&value),
                setting,
            }),
            _ => Err(ClientError::Endpoint {
                shown: redact::text(&value),
                setting,
            }),
        }
    }

    fn profile_endpoint(&self) -> Option<&str> {
        let url = self.profile?.text("endpoint_url")?;
        (!url.is_empty()).then_some(url)
    }

    fn services_endpoint(&self, service: &str) -> Result<Option<&str>, ClientError> {
        let Some(name) = self.profile.and_then(|profile| profile.text("services")) else {
            return Ok(None);
        };
        let services = self
            .files
            .services(name)
            .ok_or_else(|| ClientError::Services {
                name: name.to_owned(),
            })?;
        let url = services.nested(&service.to_lowercase(), "endpoint_url");
        Ok(url.filter(|url| !url.is_empty()))
    }
}

/// Whether the host of a URL is this machine.
fn is_loopback(host: &str) -> bool {
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
}

/// Hosts that are never reached through a proxy.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Returns the proxy set in `HTTPS_PROXY`, or in `HTTP_PROXY` for HTTP without TLS. `NO_PROXY` lists the exceptions.
/// Lower-case variables have precedence, as in Python.
fn proxy_config(
    environment: &AwsEnvironment,
    plain: bool,
) -> Result<Option<ProxyConfig>, ClientError> {
    let names = if plain {
        ["http_proxy", "HTTP_PROXY"]
    } else {
        ["https_proxy", "HTTPS_PROXY"]
    };
    let named = |name| Some((name, environment.get(name)?));
    let Some((setting, url)) = names.into_iter().find_map(named) else {
        return Ok(None);
    };
    // Like curl and botocore, this assumes HTTP for a proxy without a scheme.
    let whole = if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    };
    let proxy = ProxyConfig::all(whole).map_err(|_| ClientError::Proxy {
        shown: url.rsplit('@').next().unwrap_or_default().to_owned(),
        setting,
    })?;
    let listed = environment
        .get("no_proxy")
        .or_else(|| environment.get("NO_PROXY"));
    let none = listed.map_or_else(
        || LOOPBACK.to_owned(),
        |listed| format!("{listed},{LOOPBACK}"),
    );
    Ok(Some(proxy.no_proxy(none)))
}

/// Returns the configured file of trusted certificates, and the setting that names it.
pub fn ca_bundle<'a>(
    profile: Option<&'a Section>,
    environment: &'a AwsEnvironment,
) -> Option<(&'a str, &'static str)> {
    let named = [
        (environment.get(tls::BUNDLE), tls::BUNDLE),
        (
            profile.and_then(|profile| profile.text("ca_bundle")),
            "ca_bundle of the profile",
        ),
        (environment.get("REQUESTS_CA_BUNDLE"), "REQUESTS_CA_BUNDLE"),
    ];
    let mut named = named.into_iter();
    named.find_map(|(path, setting)| Some((path?, setting)))
}

/// Returns the trusted certificates: those of a configured file, or else the system's. botocore reads the same
/// settings.
fn trust_store(settings: &ClientSettings) -> Result<TrustStore, ClientError> {
    let Some((path, setting)) = ca_bundle(settings.profile, settings.environment) else {
        // Other systems always have root certificates, and loading them there is slow.
        if cfg!(target_os = "linux") {
            tls::system_roots().map_err(|source| ClientError::Roots { source })?;
        }
        return Ok(TrustStore::default());
    };
    let path = expand(path, settings.environment).unwrap_or_else(|| PathBuf::from(path));
    let certificates =
        tls::certificates(&path).map_err(|source| ClientError::Bundle { setting, source })?;
    // The HTTP client panics on invalid PEM, so only usable certificates are passed on.
    let pem = certificates.iter().map(|certificate| {
        let text = BASE64_STANDARD.encode(certificate);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    });
    Ok(TrustStore::empty().with_pem_certificate(pem.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(variable: &str, url: &str) -> Result<Option<String>, ClientError> {
        let environment = AwsEnvironment::default().with(variable, url);
        let settings = ClientSettings {
            environment: &environment,
            files: &ConfigFiles::default(),
            profile: None,
        };
        settings.endpoint("EKS")
    }

    #[test]
    fn plain_http_is_refused_except_to_this_machine() {
        for url in [
            "https://vpce-1.eks.us-east-1.vpce.amazonaws.com",
            "http://127.0.0.1:4566",
            "http://[::1]:4566/x",
            "http://LOCALHOST",
        ] {
            assert_eq!(
                endpoint("AWS_ENDPOINT_URL", url).unwrap().as_deref(),
                Some(url)
            );
        }
        for url in [
            "http://localstack:4566",
            "http://10.0.0.1",
            "http://127.0.0.1.example.com/",
            "HTTP://example.com",
        ] {
            let error = endpoint("AWS_ENDPOINT_URL_EKS", url).unwrap_err();
            let message = format!(
                "AWS_ENDPOINT_URL_EKS is {url:?}: requests would be sent to another machine over plain HTTP"
            );
            assert_eq!(error.to_string(), message);
        }
        for url in [
            "http://127.0.0.1@example.com/",
            "ftp://me:pass/word@example.com",
        ] {
            let error = endpoint("AWS_ENDPOINT_URL_EKS", url).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("://…@example.com"), "{message}");
        }
        assert!(matches!(
            endpoint("AWS_ENDPOINT_URL", "ftp://127.0.0.1"),
            Err(ClientError::Endpoint { .. })
        ));
    }
}
