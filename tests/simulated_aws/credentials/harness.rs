//! A simulated AWS, and a home folder with config files.

use std::fs;
use std::path::{Path, PathBuf};

use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::{CredentialOptions, NoCredentials, ResolvedCredentials, resolve};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::environment::Environment;
use crate::support::secrets;
use crate::support::simulated_aws::{ACCOUNT, Aws, ReceivedRequest, trusts_web_identity};

pub(crate) const ISSUER: &str = "token.actions.githubusercontent.com";

pub(crate) struct Harness {
    pub(crate) aws: Aws,
    folder: TempDir,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let aws = Aws::start(&folder.path().join("aws")).expect("the stand-in");
        fs::create_dir(folder.path().join("home")).expect("a home");
        Self { aws, folder }
    }

    /// The home folder (`~`).
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder of cached sessions.
    pub(crate) fn sessions(&self) -> PathBuf {
        self.home().join("cache/awsauth/sessions")
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.home().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        secrets::know_lines(text);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    }

    /// An environment without credentials, in which STS is used over TLS and through a proxy, under its public name.
    pub(crate) fn here(&self) -> Environment {
        let home = self.home();
        let home = home.to_str().expect("a path");
        self.aws
            .environment()
            .with("HOME", home)
            .with("XDG_CACHE_HOME", &format!("{home}/cache"))
    }

    /// Creates a role that a user can assume. Returns an environment with the user's keys.
    pub(crate) fn user_with_role(&self, role: &str) -> Environment {
        let user = arn("user/alice");
        let alice = self.aws.user(&user);
        self.aws
            .role(&arn(&format!("role/{role}")), &[trusting(&user)]);
        self.here().with_credentials(&alice)
    }

    /// Creates a role for a subject of an OIDC issuer. Returns an environment with a token file.
    pub(crate) fn web_identity(&self, role: &str, subject: &str) -> Environment {
        let issuer = format!("https://{ISSUER}");
        self.aws
            .declare(&json!({"issuers": [{"issuer": issuer, "account": ACCOUNT}]}));
        let role = arn(&format!("role/{role}"));
        self.aws
            .role(&role, &[trusts_web_identity(ISSUER, subject)]);
        let token = self.aws.web_identity(&issuer, subject);
        let path = self.file("token", &token);
        self.here().with_web_identity(&role, Path::new(&path))
    }

    /// Returns the requested AWS actions since the last call.
    pub(crate) fn asked(&self) -> Vec<ReceivedRequest> {
        let asked = self.aws.requests();
        self.aws.forget_requests();
        asked
    }

    pub(crate) fn actions(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.action).collect()
    }
}

pub(crate) fn arn(of: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{of}")
}

pub(crate) fn trusting(principal: &str) -> Value {
    crate::support::simulated_aws::trusts(principal)
}

pub(crate) fn aws_environment(environment: &Environment) -> AwsEnvironment {
    let variables = environment.variables();
    let mut all = variables.fold(AwsEnvironment::default(), |all, (name, value)| {
        all.with(name, value)
    });
    if let Some(home) = all.get("HOME").map(PathBuf::from) {
        all = all.at_home(&home);
    }
    all.with("USER", "ann").on_host("build-7.test")
}

/// Options that assume these roles.
pub(crate) fn roles(names: &[&str]) -> CredentialOptions {
    CredentialOptions {
        roles: names
            .iter()
            .map(|name| arn(&format!("role/{name}")))
            .collect(),
        ..CredentialOptions::default()
    }
}

pub(crate) fn get(
    environment: &Environment,
    credential_options: &CredentialOptions,
) -> Result<ResolvedCredentials, NoCredentials> {
    get_at(environment, credential_options, Timestamp::now())
}

pub(crate) fn get_at(
    environment: &Environment,
    credential_options: &CredentialOptions,
    now: Timestamp,
) -> Result<ResolvedCredentials, NoCredentials> {
    resolve(credential_options, &aws_environment(environment), now)
}

/// Returns the text of the error with its causes and its hint.
pub(crate) fn error_text(error: &NoCredentials) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    let message = format!("{text}\nhint: {}", error.hint());
    secrets::assert_none_in(&message);
    message
}

pub(crate) fn fails(environment: &Environment, credential_options: &CredentialOptions) -> String {
    match get(environment, credential_options) {
        Ok(resolved) => panic!("{:?} from {}", resolved.credentials, resolved.source),
        Err(error) => error_text(&error),
    }
}
