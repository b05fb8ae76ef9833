use std::cell::{OnceCell, RefCell};
use std::future::Future;
use std::io;

use aws_types::SdkConfig;
use jiff::Timestamp;

use super::machine;
use super::{SourceError, Wish};
use crate::aws::Surroundings;
use crate::aws::client::Reach;
use crate::aws::config_file::{ConfigFiles, DEFAULT_PROFILE, profile_name};
use crate::aws::imds::{Imds, ImdsError};
use crate::aws::network::Network;
use crate::aws::region::{self, Region, RegionSource};

/// One search for credentials. What it reads and starts is read and started once, when something first needs it.
pub(super) struct Search<'a> {
    pub(super) wish: &'a Wish,
    pub(super) surroundings: &'a Surroundings,
    pub(super) now: Timestamp,
    /// What the user should know although it worked.
    pub(super) notes: RefCell<Vec<String>>,
    /// Why instance metadata has nothing.
    pub(super) instance: RefCell<Option<ImdsError>>,
    files: OnceCell<ConfigFiles>,
    region: OnceCell<Region>,
    network: RefCell<Network>,
    imds: RefCell<Option<Imds>>,
    sts: OnceCell<SdkConfig>,
}

impl<'a> Search<'a> {
    pub(super) fn new(wish: &'a Wish, surroundings: &'a Surroundings, now: Timestamp) -> Self {
        Self {
            wish,
            surroundings,
            now,
            notes: RefCell::default(),
            instance: RefCell::default(),
            files: OnceCell::new(),
            region: OnceCell::new(),
            network: RefCell::default(),
            imds: RefCell::default(),
            sts: OnceCell::new(),
        }
    }

    /// The profile that somebody named.
    pub(super) fn named_profile(&self) -> Option<&str> {
        profile_name(self.wish.profile.as_deref(), self.surroundings)
    }

    /// The profile that counts.
    pub(super) fn profile(&self) -> &str {
        self.named_profile().unwrap_or(DEFAULT_PROFILE)
    }

    /// The shared files.
    pub(super) fn files(&self) -> Result<&ConfigFiles, SourceError> {
        if let Some(files) = self.files.get() {
            return Ok(files);
        }
        let files = ConfigFiles::read(self.surroundings)?;
        Ok(self.files.get_or_init(|| files))
    }

    /// How AWS is reached.
    pub(super) fn reach(&self) -> Result<Reach<'_>, SourceError> {
        let files = self.files()?;
        Ok(Reach {
            surroundings: self.surroundings,
            files,
            profile: files.profile(self.profile()),
        })
    }

    /// The region whose services are asked: what somebody says, else the one this machine is in, else the fallback.
    pub(super) fn region(&self) -> Result<&Region, SourceError> {
        if let Some(region) = self.region.get() {
            return Ok(region);
        }
        let region = match self.configured_region()? {
            Some(region) => region,
            None => match machine::region(self)? {
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
            self.wish.region.as_deref(),
            self.profile(),
            self.surroundings,
            || self.files(),
        )
    }

    /// Which STS is asked, as far as that is known without asking anybody: a session of another is another session.
    pub(super) fn place(&self) -> Result<String, SourceError> {
        let region = self.configured_region()?.map(|region| region.name);
        let endpoint = self.reach()?.endpoint("STS")?;
        Ok(format!("{region:?} {endpoint:?}"))
    }

    /// How the region's STS is asked without credentials. Whoever asks it in this search does so over the same connection.
    pub(super) fn sts(&self) -> Result<&SdkConfig, SourceError> {
        if let Some(config) = self.sts.get() {
            return Ok(config);
        }
        let config = self.reach()?.config("STS", &self.region()?.name, None)?;
        Ok(self.sts.get_or_init(|| config))
    }

    /// Waits for the network.
    pub(super) fn wait<T>(&self, answer: impl Future<Output = T>) -> io::Result<T> {
        self.network.borrow_mut().wait(answer)
    }

    /// Asks instance metadata, always in the same conversation.
    pub(super) fn ask_imds<T>(
        &self,
        ask: impl AsyncFnOnce(&mut Imds) -> T,
    ) -> Result<T, SourceError> {
        let mut imds = match self.imds.borrow_mut().take() {
            Some(imds) => imds,
            None => machine::imds(self)?,
        };
        let answer = self.wait(ask(&mut imds));
        *self.imds.borrow_mut() = Some(imds);
        Ok(answer?)
    }
}
