//! The environment of the process, as a value that tests can replace.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

/// Environment variables, home folder and host name of a process, as a value that tests can choose. Empty by default.
#[derive(Clone, Default)]
pub struct AwsEnvironment {
    variables: BTreeMap<String, String>,
    home: Option<PathBuf>,
    host: Option<String>,
}

impl AwsEnvironment {
    /// Reads the environment of this process. Variables that are not Unicode are left out.
    pub fn of_process() -> Self {
        let unicode = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            variables: env::vars_os().filter_map(unicode).collect(),
            home: env::home_dir(),
            host: host(),
        }
    }

    /// Returns the environment with one more variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Returns the environment with another home folder.
    #[must_use]
    pub fn at_home(mut self, home: &Path) -> Self {
        self.home = Some(home.to_owned());
        self
    }

    /// Returns the environment with another host name.
    #[must_use]
    pub fn on_host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// Returns the value of a variable. As in botocore, an empty value is treated as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Returns the home folder.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// Returns the host name.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }
}

#[cfg(unix)]
fn host() -> Option<String> {
    let system = rustix::system::uname();
    Some(system.nodename().to_str().ok()?.to_owned())
}

#[cfg(not(unix))]
fn host() -> Option<String> {
    env::var("COMPUTERNAME").ok()
}

impl fmt::Debug for AwsEnvironment {
    /// Shows the names only, because some values are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsEnvironment")
            .field("variables", &self.variables.keys())
            .field("home", &self.home)
            .field("host", &self.host)
            .finish()
    }
}
