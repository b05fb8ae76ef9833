use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use thiserror::Error;

use super::sso::SsoError;
use super::token_file::Claims;
use crate::aws::AwsError;
use crate::aws::client::ClientError;
use crate::aws::config_file::ConfigError;
use crate::aws::container::ContainerError;
use crate::aws::document::DocumentError;
use crate::aws::imds::ImdsError;
use crate::aws::region::RegionError;
use crate::aws::words::OpenQuote;

/// Why a source that should have credentials can't be used. No message holds a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// One half of a key pair is there and the other is not.
    #[error("{there} is set, but {missing} is not")]
    Partial {
        /// What is there.
        there: String,
        /// What is missing.
        missing: String,
    },
    /// A time that can't be read.
    #[error("{what} is {value:?}, which is not a time such as 2026-01-31T12:00:00Z")]
    Time {
        /// Where it was read.
        what: String,
        /// What it says.
        value: String,
    },
    /// The credentials have ended.
    #[error("the credentials expired at {when}")]
    Expired {
        /// When.
        when: Timestamp,
    },
    /// The config or credentials file can't be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What is said about the region can't be used.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// A profile was named that is not there.
    #[error("there is no profile {name} in {places}")]
    NoProfile {
        /// The name.
        name: String,
        /// The files.
        places: String,
        /// The profiles that are there.
        known: Vec<String>,
    },
    /// A profile says in two ways whose credentials assume its role.
    #[error("profile {profile} has both source_profile and credential_source")]
    TwoSources {
        /// The profile.
        profile: String,
    },
    /// A profile doesn't say whose credentials assume its role.
    #[error("profile {profile} has a role_arn, but neither source_profile nor credential_source")]
    NoSource {
        /// The profile.
        profile: String,
    },
    /// The profile whose credentials assume a role is not there.
    #[error("the source_profile {source_profile} of profile {profile} does not exist")]
    NoSourceProfile {
        /// The profile with the role.
        profile: String,
        /// The one that is missing.
        source_profile: String,
    },
    /// The profile whose credentials assume a role has none.
    #[error("the source_profile {profile} has no credentials")]
    EmptySourceProfile {
        /// The profile without credentials.
        profile: String,
    },
    /// Profiles are each other's source.
    #[error("profiles are each other's source_profile: {}", visited.join(" → "))]
    Loop {
        /// In the order in which they were met.
        visited: Vec<String>,
    },
    /// `credential_source` is none that is known.
    #[error(
        "credential_source {value} of profile {profile} is none of Environment, EcsContainer and Ec2InstanceMetadata"
    )]
    CredentialSource {
        /// The profile.
        profile: String,
        /// What it says.
        value: String,
    },
    /// `credential_source` has nothing.
    #[error("credential_source {value} of profile {profile} has no credentials: {why}")]
    EmptyCredentialSource {
        /// The profile.
        profile: String,
        /// What it says.
        value: String,
        /// What would have to be there.
        why: String,
    },
    /// The role asks for a code that nobody is there to type.
    #[error(
        "profile {profile} asks for a code of the MFA device {serial}, and nobody can be asked for it here"
    )]
    Mfa {
        /// The profile.
        profile: String,
        /// The device.
        serial: String,
    },
    /// A session name that STS would refuse.
    #[error("{name:?} can't name a session: STS takes 2 to 64 letters, digits and _+=,.@-")]
    SessionName {
        /// The name.
        name: String,
    },
    /// `credential_process` is no command line.
    #[error("credential_process can't be read as a command")]
    ProcessWords(#[source] Option<OpenQuote>),
    /// The process did not start.
    #[error("credential_process {program} can't be run")]
    ProcessNotRun {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The process failed.
    #[error("credential_process {program} failed with {status}")]
    ProcessFailed {
        /// The program.
        program: String,
        /// Its exit status.
        status: String,
    },
    /// What the process printed holds no credentials.
    #[error("what credential_process {program} printed can't be used")]
    ProcessAnswer {
        /// The program.
        program: String,
        /// What is wrong with it.
        source: DocumentError,
    },
    /// A web identity token without a role to assume.
    #[error("there is a web identity token, but no role to assume with it")]
    NoRole,
    /// The web identity token can't be read.
    #[error("can't read the web identity token {}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why it can't be read.
        source: io::Error,
    },
    /// STS gave no session for the web identity token.
    #[error("cannot assume {role} with the web identity token {}", path.display())]
    WebIdentity {
        /// The role.
        role: String,
        /// The token's file.
        path: PathBuf,
        /// What the token says, if it is a JWT.
        claims: Option<Box<Claims>>,
        /// Why.
        source: AwsError,
    },
    /// STS gave no session of the role.
    #[error("cannot assume {role}")]
    AssumeRole {
        /// The role.
        role: String,
        /// The name that the session was to have.
        session_name: String,
        /// The external id that was given.
        external_id: Option<String>,
        /// Why.
        source: AwsError,
    },
    /// IAM Identity Center gave nothing.
    #[error(transparent)]
    Sso(#[from] SsoError),
    /// What `aws login` left can't be used.
    #[error("there is no session of aws login for profile {profile}: {why}")]
    Login {
        /// The profile.
        profile: String,
        /// What is wrong with what is there.
        why: String,
    },
    /// The container endpoint gave nothing.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// Instance metadata gave nothing.
    #[error(transparent)]
    Instance(#[from] ImdsError),
    /// An AWS client can't be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The system has no means for the network.
    #[error("the async runtime can't be started")]
    Runtime(#[from] io::Error),
}
