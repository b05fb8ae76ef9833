//! The inputs and clients of one credential resolution.

use std::cell::{OnceCell, RefCell};
use std::future::Future;
use std::io;

use aws_types::SdkConfig;
use jiff::Timestamp;

use super::error::SourceError;
use super::options::CredentialOptions;
use crate::AwsEnvironment;
use crate::blocking_runtime::BlockingRuntime;
use crate::client_config::ClientSettings;
use crate::config_file::{ConfigFiles, DEFAULT_PROFILE, profile_name};
use crate::container_credentials::Container;
use crate::imds::{Imds, ImdsError, Settings};
use crate::machine::Machine;
use crate::region::{self, Region, RegionSource};
use awsauth_core::token::Credentials;

/// The inputs and clients of one resolution. Files, region and clients are read or created once, on first use.
pub(super) struct Context<'a> {
    pub(super) options: &'a CredentialOptions,
    pub(super) environment: &'a AwsEnvironment,
    pub(super) now: Timestamp,
    /// Notes for the user about successful resolutions.
    pub(super) notes: RefCell<Vec<String>>,
    /// Why instance metadata has no credentials.
    pub(super) instance: RefCell<Option<ImdsError>>,
    files: OnceCell<ConfigFiles>,
    region: OnceCell<Region>,
    runtime: RefCell<BlockingRuntime>,
    imds: RefCell<Option<Imds>>,
    sts: OnceCell<SdkConfig>,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        options: &'a CredentialOptions,
        environment: &'a AwsEnvironment,
        now: Timestamp,
    ) -> Self {
        Self {
            options,
            environment,
            now,
            notes: RefCell::default(),
            instance: RefCell::default(),
            files: OnceCell::new(),
            region: OnceCell::new(),
            runtime: RefCell::default(),
            imds: RefCell::default(),
            sts: OnceCell::new(),
        }
    }

    /// Returns the profile that the user requested.
    pub(super) fn named_profile(&self) -> Option<&str> {
        profile_name(self.options.profile.as_deref(), self.environment)
    }

    /// Returns the profile to use.
    pub(super) fn profile(&self) -> &str {
        self.named_profile().unwrap_or(DEFAULT_PROFILE)
    }

    /// Returns the config and credentials files.
    pub(super) fn files(&self) -> Result<&ConfigFiles, SourceError> {
        if let Some(files) = self.files.get() {
            return Ok(files);
        }
        let files = ConfigFiles::read(self.environment)?;
        Ok(self.files.get_or_init(|| files))
    }

    /// Returns the settings of clients.
    pub(super) fn settings(&self) -> Result<ClientSettings<'_>, SourceError> {
        let files = self.files()?;
        Ok(ClientSettings {
            environment: self.environment,
            files,
            profile: files.profile(self.profile()),
        })
    }

    /// Returns the region: the configured one, else that of the instance, else the default.
    pub(super) fn region(&self) -> Result<&Region, SourceError> {
        if let Some(region) = self.region.get() {
            return Ok(region);
        }
        let region = match self.configured_region()? {
            Some(region) => region,
            None => match self.instance_region()? {
                Some(name) => Region {
                    name,
                    from: RegionSource::Instance,
                },
                None => Region::fallback(),
            },
        };
        Ok(self.region.get_or_init(|| region))
    }

    fn configured_region(&self) -> Result<Option<Region>, SourceError> {
        region::configured(
            self.options.region.as_deref(),
            self.profile(),
            self.environment,
            || self.files(),
        )
    }

    /// Returns a string that identifies the STS endpoint, as far as it is known without a request. The string is part of cache
    /// keys, so that endpoints do not share sessions.
    pub(super) fn place(&self) -> Result<String, SourceError> {
        let region = self.configured_region()?.map(|region| region.name);
        let endpoint = self.settings()?.endpoint("STS")?;
        Ok(format!("{region:?} {endpoint:?}"))
    }

    /// Returns the settings for unsigned STS requests. All STS requests of this resolution share its connections.
    pub(super) fn sts(&self) -> Result<&SdkConfig, SourceError> {
        if let Some(config) = self.sts.get() {
            return Ok(config);
        }
        let config = self.settings()?.config("STS", &self.region()?.name, None)?;
        Ok(self.sts.get_or_init(|| config))
    }

    /// Runs a future to completion.
    pub(super) fn wait<T>(&self, answer: impl Future<Output = T>) -> io::Result<T> {
        self.runtime.borrow_mut().block_on(answer)
    }

    /// Uses the instance metadata client, which is created on first use.
    pub(super) fn ask_imds<T>(
        &self,
        ask: impl AsyncFnOnce(&mut Imds) -> T,
    ) -> Result<T, SourceError> {
        let mut imds = match self.imds.borrow_mut().take() {
            Some(imds) => imds,
            None => self.imds_client()?,
        };
        let answer = self.wait(ask(&mut imds));
        *self.imds.borrow_mut() = Some(imds);
        Ok(answer?)
    }

    /// Returns the credentials of the container endpoint, if its variables are set.
    pub(super) fn container_credentials(&self) -> Result<Option<Credentials>, SourceError> {
        let Some(container) = Container::of(self.environment)? else {
            return Ok(None);
        };
        Ok(Some(self.wait(container.credentials())??))
    }

    /// Returns the credentials of the instance's role.
    pub(super) fn instance_credentials(&self) -> Result<Credentials, SourceError> {
        let fetched = self.ask_imds(async |imds| imds.credentials(self.now).await)??;
        let stale = fetched.stale.as_ref().map(ToString::to_string);
        self.notes.borrow_mut().extend(stale);
        Ok(fetched.credentials)
    }

    /// Returns the region of the EC2 instance. On other machines the request would only time out, so it is skipped,
    /// unless an endpoint is configured.
    fn instance_region(&self) -> Result<Option<String>, SourceError> {
        let endpoint = self.environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        if endpoint.is_none() && !Machine::of(self.environment).is_ec2() {
            return Ok(None);
        }
        let region = self.ask_imds(async |imds| imds.region().await);
        // If this fails, the default region is used.
        Ok(region.ok().and_then(Result::ok))
    }

    fn imds_client(&self) -> Result<Imds, SourceError> {
        let profile = self.settings()?.profile;
        let settings = Settings::of(self.environment, |key| Some(profile?.text(key)?.to_owned()));
        Ok(Imds::new(settings?))
    }
}
