//! Roles that profiles name with `role_arn`.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>

use super::SourceError;
use super::chain::{self, Failed};
use super::search::Search;
use super::session::{Origin, Session};
use super::source::Source;
use super::{keys, machine};
use crate::aws::config_file::Section;
use crate::aws::session_name;
use crate::aws::sts::Role;

/// Whether a profile asks for a role to be assumed. With a web identity token it is another source's affair.
pub(super) fn is_asked_for(section: &Section) -> bool {
    section.has("role_arn") && !section.has("web_identity_token_file")
}

/// The session of the role of a profile. `visited` holds the profiles that led here, this one last.
pub(super) fn session(
    search: &Search,
    section: &Section,
    visited: &mut Vec<String>,
) -> Result<Session, Failed> {
    let profile = visited.last().cloned().unwrap_or_default();
    let failed = |error| (Source::Role, error);
    let credential_source = section.text("credential_source");
    let mut session = match (section.text("source_profile"), credential_source) {
        (Some(_), Some(_)) => return Err(failed(SourceError::TwoSources { profile })),
        (None, None) => return Err(failed(SourceError::NoSource { profile })),
        (None, Some(value)) => of_credential_source(search, &profile, value).map_err(failed)?,
        (Some(source_profile), None) => of_profile(search, &profile, source_profile, visited)?,
    };
    session.source = Source::Role;
    let role = role(search, &profile, section).map_err(failed)?;
    session.roles.push(role);
    Ok(session)
}

fn role(search: &Search, profile: &str, section: &Section) -> Result<Role, SourceError> {
    if let Some(serial) = section.text("mfa_serial") {
        return Err(SourceError::Mfa {
            profile: profile.to_owned(),
            serial: serial.to_owned(),
        });
    }
    let name = section.text("role_session_name").map(str::to_owned);
    Ok(Role {
        arn: section.text("role_arn").unwrap_or_default().to_owned(),
        session_name: name.unwrap_or_else(|| session_name(search.surroundings)),
        external_id: section.text("external_id").map(str::to_owned),
        // botocore leaves out what is no number.
        duration: section
            .text("duration_seconds")
            .and_then(|text| text.trim().parse().ok()),
    })
}

fn of_credential_source(
    search: &Search,
    profile: &str,
    value: &str,
) -> Result<Session, SourceError> {
    let (found, source, why) = match value {
        "Environment" => (
            keys::of_environment(search.surroundings)?,
            Source::Environment,
            "AWS_ACCESS_KEY_ID is not set".to_owned(),
        ),
        "EcsContainer" => (
            machine::of_container(search)?,
            Source::Container,
            machine::NO_CONTAINER.to_owned(),
        ),
        "Ec2InstanceMetadata" => {
            let keys = machine::of_instance(search)?;
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

fn of_profile(
    search: &Search,
    profile: &str,
    source_profile: &str,
    visited: &mut Vec<String>,
) -> Result<Session, Failed> {
    let failed = |error| (Source::Role, error);
    let section = search.files().map_err(failed)?.profile(source_profile);
    let section = section.ok_or_else(|| {
        failed(SourceError::NoSourceProfile {
            profile: profile.to_owned(),
            source_profile: source_profile.to_owned(),
        })
    })?;
    let has_keys = section.has("aws_access_key_id") || section.has("aws_secret_access_key");
    let is_visited = visited.iter().any(|visited| visited == source_profile);
    visited.push(source_profile.to_owned());
    // A profile may hold both a role and the keys that assume it.
    if is_visited && !(source_profile == profile && has_keys) {
        let visited = visited.clone();
        return Err(failed(SourceError::Loop { visited }));
    }
    if !has_keys && is_asked_for(section) {
        return session(search, section, visited);
    }
    let found = chain::of_profile(search, source_profile, false, &mut Vec::new())?;
    found.ok_or_else(|| {
        failed(SourceError::EmptySourceProfile {
            profile: source_profile.to_owned(),
        })
    })
}
