//! The environment of a child process.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use super::secrets;
use super::simulated_aws::Credentials;

/// The variables of a child process, which inherits no others.
#[derive(Clone)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    pub(crate) fn new(home: &Path) -> Self {
        Self(BTreeMap::new()).with("HOME", &home.display().to_string())
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        secrets::know_value(name, value);
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// Adds credentials as variables.
    #[must_use]
    pub(crate) fn with_credentials(self, of: &Credentials) -> Self {
        let some = self
            .with("AWS_ACCESS_KEY_ID", &of.access_key_id)
            .with("AWS_SECRET_ACCESS_KEY", &of.secret_access_key);
        match &of.session_token {
            Some(token) => some.with("AWS_SESSION_TOKEN", token),
            None => some,
        }
    }

    /// Adds the metadata service of an instance.
    #[must_use]
    pub(crate) fn on_instance(self, url: &str) -> Self {
        self.without("AWS_EC2_METADATA_DISABLED")
            .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
    }

    /// Adds the credentials endpoint of a container.
    #[must_use]
    pub(crate) fn in_container(self, url: &str, authorization: &str) -> Self {
        self.with("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
            .with("AWS_CONTAINER_AUTHORIZATION_TOKEN", authorization)
    }

    /// Adds a role and a web identity token file.
    #[must_use]
    pub(crate) fn with_web_identity(self, role: &str, token_file: &Path) -> Self {
        self.with("AWS_ROLE_ARN", role).with(
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            &token_file.display().to_string(),
        )
    }

    /// Returns the variables in the order of their names.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns a command with only these variables and an empty standard input.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.0).stdin(Stdio::null());
        command
    }
}
