//! The order of the credential sources.

use super::context::Context;
use super::error::SourceError;
use super::role_session::{Origin, Session};
use super::source::{Attempt, Source, SourceChoice};
use super::sso::Sso;
use super::web_identity::WebIdentity;
use super::{console_login, credential_process, legacy_files, static_keys};
use crate::config_file::Section;
use crate::imds::ImdsError;
use crate::session_name::session_name;
use crate::sts::Role;
use awsauth_core::error_chain;

/// Why the container endpoint is skipped.
const NO_CONTAINER: &str =
    "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set";

/// The source that failed, which ends the search.
pub(super) type Failed = (Source, SourceError);

/// The session of a source, or why it has none.
type Answer = Result<Result<Session, Absence>, SourceError>;

/// Why a source has no credentials.
struct Absence {
    why: String,
    hint: Option<String>,
}

fn absent(why: impl Into<String>) -> Absence {
    Absence {
        why: why.into(),
        hint: None,
    }
}

/// Tries the sources in botocore's order. As in botocore, a source with invalid settings ends the search.
/// <https://github.com/boto/botocore/blob/1.44.5/botocore/credentials.py> (`create_credential_resolver`)
pub(super) fn find(context: &Context, tried: &mut Vec<Attempt>) -> Result<Option<Session>, Failed> {
    let pin = context.options.source;
    let may = |allowed: SourceChoice| pin.is_none_or(|pin| pin == allowed);
    let profile = context.profile();
    if may(SourceChoice::Profile) || may(SourceChoice::WebIdentity) {
        must_exist(context).map_err(|error| (Source::ConfigFile, error))?;
    }
    // `--profile` takes precedence over keys in the environment; AWS_PROFILE does not.
    let environment_counts = context.options.profile.is_none();
    if pin == Some(SourceChoice::Environment) || (pin.is_none() && environment_counts) {
        let answer = environment(context);
        if let Some(session) = note(Source::Environment, answer, tried)? {
            return Ok(Some(session));
        }
    }
    if may(SourceChoice::Profile)
        && let Some(session) = profile_role(context, profile, tried)?
    {
        return Ok(Some(session));
    }
    if may(SourceChoice::Profile) || may(SourceChoice::WebIdentity) {
        let environment_counts = environment_counts && pin != Some(SourceChoice::Profile);
        if let Some(session) = of_profile(context, profile, environment_counts, tried)? {
            return Ok(Some(session));
        }
    }
    if pin.is_none() {
        // These files are obsolete, so they are not listed as tried.
        for (source, answer) in [
            (Source::Ec2File, legacy_files::ec2_file(context.environment)),
            (
                Source::BotoFile,
                legacy_files::boto_file(context.environment),
            ),
        ] {
            if let Some(keys) = answer.map_err(|error| (source, error))? {
                return Ok(Some(Session::new(Origin::Keys(keys), source)));
            }
        }
    }
    if may(SourceChoice::Container)
        && let Some(session) = note(Source::Container, container(context), tried)?
    {
        return Ok(Some(session));
    }
    if may(SourceChoice::Instance) {
        return note(Source::Instance, instance(context), tried);
    }
    Ok(None)
}

/// Tries the sources of one profile, except its role. If `environment_counts`, the web identity can come from the environment.
pub(super) fn of_profile(
    context: &Context,
    name: &str,
    environment_counts: bool,
    tried: &mut Vec<Attempt>,
) -> Result<Option<Session>, Failed> {
    let files = context.files();
    let section = files
        .map_err(|error| (Source::ConfigFile, error))?
        .profile(name);
    let answer = web_identity(context, name, section, environment_counts);
    if let Some(session) = note(Source::WebIdentity, answer, tried)? {
        return Ok(Some(session));
    }
    if context.options.source == Some(SourceChoice::WebIdentity) {
        return Ok(None);
    }
    for (source, answer) in OF_PROFILE {
        let answer = match section {
            Some(section) => answer(context, name, section),
            None => Ok(Err(no_profile(context, name, source))),
        };
        if let Some(session) = note(source, answer, tried)? {
            return Ok(Some(session));
        }
    }
    Ok(None)
}

type OfSection = fn(&Context, &str, &Section) -> Answer;

const OF_PROFILE: [(Source, OfSection); 5] = [
    (Source::Sso, sso),
    (Source::CredentialsFile, credentials_file),
    (Source::Login, login_session),
    (Source::Process, credential_process),
    (Source::ConfigFile, config_file),
];

/// Records why a source has no credentials.
fn note(
    source: Source,
    answer: Answer,
    tried: &mut Vec<Attempt>,
) -> Result<Option<Session>, Failed> {
    match answer {
        Ok(Ok(session)) => Ok(Some(session)),
        Ok(Err(Absence { why, hint })) => {
            tried.push(Attempt { source, why, hint });
            Ok(None)
        }
        Err(error) => Err((source, error)),
    }
}

/// Checks that a requested profile exists, even if another source is used.
fn must_exist(context: &Context) -> Result<(), SourceError> {
    let Some(name) = context.named_profile() else {
        return Ok(());
    };
    let files = context.files()?;
    if files.profile(name).is_some() {
        return Ok(());
    }
    Err(SourceError::NoProfile {
        name: name.to_owned(),
        places: files.places(),
        known: files.profile_names().map(str::to_owned).collect(),
    })
}

/// Returns why the default profile has nothing in the file of a source.
fn no_profile(context: &Context, name: &str, source: Source) -> Absence {
    let file = context.files().ok().map(|files| match source {
        Source::CredentialsFile => &files.credentials,
        _ => &files.config,
    });
    let path = file.and_then(|file| file.path.as_ref());
    let missing = file.and_then(|file| file.missing.as_ref());
    absent(match (path, missing) {
        (Some(path), Some(why)) => format!("{}: {why}", path.display()),
        (Some(path), None) => format!("{} has no profile {name}", path.display()),
        (None, why) => why.cloned().unwrap_or_default(),
    })
}

fn environment(context: &Context) -> Answer {
    let keys = static_keys::of_environment(context.environment)?;
    Ok(keys
        .map(|keys| Session::new(Origin::Keys(keys), Source::Environment))
        .ok_or_else(|| absent("AWS_ACCESS_KEY_ID is not set")))
}

fn profile_role(
    context: &Context,
    name: &str,
    tried: &mut Vec<Attempt>,
) -> Result<Option<Session>, Failed> {
    let files = context
        .files()
        .map_err(|error| (Source::ConfigFile, error))?;
    let absence = match files.profile(name) {
        Some(section) if names_role(section) => {
            let visited = &mut vec![name.to_owned()];
            return role_session(context, section, visited).map(Some);
        }
        Some(section) if section.has("role_arn") => absent(format!(
            "the role_arn of profile {name} is for its web_identity_token_file"
        )),
        Some(_) => absent(format!("profile {name} has no role_arn")),
        None => no_profile(context, name, Source::Role),
    };
    note(Source::Role, Ok(Err(absence)), tried)
}

fn web_identity(
    context: &Context,
    name: &str,
    section: Option<&Section>,
    environment_counts: bool,
) -> Answer {
    let identity = WebIdentity::of(context, section, environment_counts)?;
    Ok(identity
        .map(|identity| Session::new(Origin::WebIdentity(identity), Source::WebIdentity))
        .ok_or_else(|| {
            absent(match environment_counts {
                true => format!(
                    "AWS_WEB_IDENTITY_TOKEN_FILE is not set, and profile {name} has no web_identity_token_file"
                ),
                false => format!("profile {name} has no web_identity_token_file"),
            })
        }))
}

fn sso(context: &Context, name: &str, section: &Section) -> Answer {
    let sso = Sso::of_profile(context, name, section)?;
    let why = || {
        absent(format!(
            "profile {name} has neither sso_account_id nor sso_role_name"
        ))
    };
    Ok(sso
        .map(|sso| Session::new(Origin::Sso(sso), Source::Sso))
        .ok_or_else(why))
}

fn credentials_file(context: &Context, name: &str, _: &Section) -> Answer {
    match context.files()?.credentials_profile(name) {
        Some(section) => of_section(Source::CredentialsFile, name, section),
        None => Ok(Err(no_profile(context, name, Source::CredentialsFile))),
    }
}

fn config_file(context: &Context, name: &str, _: &Section) -> Answer {
    match context.files()?.config_profile(name) {
        Some(section) => of_section(Source::ConfigFile, name, section),
        None => Ok(Err(no_profile(context, name, Source::ConfigFile))),
    }
}

fn of_section(source: Source, name: &str, section: &Section) -> Answer {
    let keys = static_keys::of_section(name, section)?;
    Ok(keys
        .map(|keys| Session::new(Origin::Keys(keys), source))
        .ok_or_else(|| absent(format!("profile {name} has no aws_access_key_id there"))))
}

fn login_session(context: &Context, name: &str, section: &Section) -> Answer {
    let Some(session) = section.text("login_session") else {
        return Ok(Err(absent(format!("profile {name} has no login_session"))));
    };
    let keys = console_login::credentials(context, name, session)?;
    Ok(Ok(Session::new(Origin::Keys(keys), Source::Login)))
}

fn credential_process(_: &Context, name: &str, section: &Section) -> Answer {
    let Some(line) = section.text("credential_process") else {
        return Ok(Err(absent(format!(
            "profile {name} has no credential_process"
        ))));
    };
    let mut keys = credential_process::credentials(line)?;
    if keys.account_id.is_none() {
        keys.account_id = section.text("aws_account_id").map(str::to_owned);
    }
    Ok(Ok(Session::new(Origin::Keys(keys), Source::Process)))
}

fn container(context: &Context) -> Answer {
    let keys = context.container_credentials()?;
    Ok(keys
        .map(|keys| Session::new(Origin::Keys(keys), Source::Container))
        .ok_or_else(|| absent(NO_CONTAINER)))
}

/// Tries instance metadata. As in botocore, its failure only means that it has no credentials, unless the user chose
/// this source.
fn instance(context: &Context) -> Answer {
    match context.instance_credentials() {
        Ok(keys) => Ok(Ok(Session::new(Origin::Keys(keys), Source::Instance))),
        Err(SourceError::Instance(error))
            if context.options.source.is_none() && !is_misconfigured(&error) =>
        {
            let absence = Absence {
                why: error_chain::text(&error),
                // A user who disabled instance metadata needs no hint.
                hint: (!matches!(error, ImdsError::Disabled)).then(|| error.hint()),
            };
            *context.instance.borrow_mut() = Some(error);
            Ok(Err(absence))
        }
        Err(error) => Err(error),
    }
}

/// Whether a profile names a role to assume. With a web identity token, the role belongs to the web identity source.
fn names_role(section: &Section) -> bool {
    section.has("role_arn") && !section.has("web_identity_token_file")
}

/// Returns the session of a profile's role. `visited` has the profiles that led here; the last is this one.
fn role_session(
    context: &Context,
    section: &Section,
    visited: &mut Vec<String>,
) -> Result<Session, Failed> {
    let profile = visited.last().cloned().unwrap_or_default();
    let failed = |error| (Source::Role, error);
    let credential_source = section.text("credential_source");
    let mut session = match (section.text("source_profile"), credential_source) {
        (Some(_), Some(_)) => return Err(failed(SourceError::TwoSources { profile })),
        (None, None) => return Err(failed(SourceError::NoSource { profile })),
        (None, Some(value)) => {
            credential_source_session(context, &profile, value).map_err(failed)?
        }
        (Some(source_profile), None) => {
            source_profile_session(context, &profile, source_profile, visited)?
        }
    };
    session.source = Source::Role;
    let role = role_of_profile(context, &profile, section).map_err(failed)?;
    session.roles.push(role);
    Ok(session)
}

fn role_of_profile(
    context: &Context,
    profile: &str,
    section: &Section,
) -> Result<Role, SourceError> {
    if let Some(serial) = section.text("mfa_serial") {
        return Err(SourceError::Mfa {
            profile: profile.to_owned(),
            serial: serial.to_owned(),
        });
    }
    let name = section.text("role_session_name").map(str::to_owned);
    Ok(Role {
        arn: section.text("role_arn").unwrap_or_default().to_owned(),
        session_name: name.unwrap_or_else(|| session_name(context.environment)),
        external_id: section.text("external_id").map(str::to_owned),
        // As in botocore, a value that is not a number is ignored.
        duration: section
            .text("duration_seconds")
            .and_then(|text| text.trim().parse().ok()),
    })
}

fn credential_source_session(
    context: &Context,
    profile: &str,
    value: &str,
) -> Result<Session, SourceError> {
    let (found, source, why) = match value {
        "Environment" => (
            static_keys::of_environment(context.environment)?,
            Source::Environment,
            "AWS_ACCESS_KEY_ID is not set".to_owned(),
        ),
        "EcsContainer" => (
            context.container_credentials()?,
            Source::Container,
            NO_CONTAINER.to_owned(),
        ),
        "Ec2InstanceMetadata" => {
            let keys = context.instance_credentials()?;
            (Some(keys), Source::Instance, String::new())
        }
        _ => {
            return Err(SourceError::CredentialSource {
                profile: profile.to_owned(),
                value: value.to_owned(),
            });
        }
    };
    let keys = found.ok_or_else(|| SourceError::EmptyCredentialSource {
        profile: profile.to_owned(),
        value: value.to_owned(),
        why,
    })?;
    Ok(Session::new(Origin::Keys(keys), source))
}

fn source_profile_session(
    context: &Context,
    profile: &str,
    source_profile: &str,
    visited: &mut Vec<String>,
) -> Result<Session, Failed> {
    let failed = |error| (Source::Role, error);
    let section = context.files().map_err(failed)?.profile(source_profile);
    let section = section.ok_or_else(|| {
        failed(SourceError::NoSourceProfile {
            profile: profile.to_owned(),
            source_profile: source_profile.to_owned(),
        })
    })?;
    let has_keys = section.has("aws_access_key_id") || section.has("aws_secret_access_key");
    let is_visited = visited.iter().any(|visited| visited == source_profile);
    visited.push(source_profile.to_owned());
    // A profile may have both a role and the keys that assume it.
    if is_visited && !(source_profile == profile && has_keys) {
        let visited = visited.clone();
        return Err(failed(SourceError::Loop { visited }));
    }
    if !has_keys && names_role(section) {
        return role_session(context, section, visited);
    }
    let found = of_profile(context, source_profile, false, &mut Vec::new())?;
    found.ok_or_else(|| {
        failed(SourceError::EmptySourceProfile {
            profile: source_profile.to_owned(),
        })
    })
}

/// Whether the user's settings are wrong, as opposed to instance metadata being absent.
fn is_misconfigured(error: &ImdsError) -> bool {
    matches!(error, ImdsError::Endpoint { .. } | ImdsError::Mode { .. })
}
