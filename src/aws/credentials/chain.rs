//! Which source is asked after which.

use super::search::Search;
use super::session::{Origin, Session};
use super::sso::Sso;
use super::web_identity::WebIdentity;
use super::{Attempt, Pin, Source, SourceError};
use super::{keys, legacy, login, machine, process, role};
use crate::aws::config_file::Section;
use crate::aws::imds::ImdsError;

/// The source that ended the search, and why.
pub(super) type Failed = (Source, SourceError);

/// What a source has: a session, or nothing.
type Answer = Result<Result<Session, Absence>, SourceError>;

/// Why a source has nothing: what would have to be there.
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

/// Asks one source after the other, in botocore's order; and as with botocore, one that has something that can't be used ends the
/// search.
/// <https://github.com/boto/botocore/blob/1.44.5/botocore/credentials.py> (`create_credential_resolver`)
pub(super) fn find(search: &Search, tried: &mut Vec<Attempt>) -> Result<Option<Session>, Failed> {
    let pin = search.wish.source;
    let may = |allowed: Pin| pin.is_none_or(|pin| pin == allowed);
    let profile = search.profile();
    if may(Pin::Profile) || may(Pin::WebIdentity) {
        must_exist(search).map_err(|error| (Source::ConfigFile, error))?;
    }
    // A profile that the caller names keeps the environment from serving; AWS_PROFILE does not.
    let environment_counts = search.wish.profile.is_none();
    if pin == Some(Pin::Environment) || (pin.is_none() && environment_counts) {
        let answer = environment(search);
        if let Some(session) = note(Source::Environment, answer, tried)? {
            return Ok(Some(session));
        }
    }
    if may(Pin::Profile)
        && let Some(session) = of_role(search, profile, tried)?
    {
        return Ok(Some(session));
    }
    if may(Pin::Profile) || may(Pin::WebIdentity) {
        let environment_counts = environment_counts && pin != Some(Pin::Profile);
        if let Some(session) = of_profile(search, profile, environment_counts, tried)? {
            return Ok(Some(session));
        }
    }
    if pin.is_none() {
        // Nobody misses what nobody has any more.
        for (source, answer) in [
            (Source::Ec2File, legacy::ec2_file(search.surroundings)),
            (Source::BotoFile, legacy::boto_file(search.surroundings)),
        ] {
            if let Some(keys) = answer.map_err(|error| (source, error))? {
                return Ok(Some(Session::new(Origin::Keys(keys), source)));
            }
        }
    }
    if may(Pin::Container)
        && let Some(session) = note(Source::Container, container(search), tried)?
    {
        return Ok(Some(session));
    }
    if may(Pin::Instance) {
        return note(Source::Instance, instance(search), tried);
    }
    Ok(None)
}

/// The sources of one profile, apart from its role. The environment may have a say in its web identity.
pub(super) fn of_profile(
    search: &Search,
    name: &str,
    environment_counts: bool,
    tried: &mut Vec<Attempt>,
) -> Result<Option<Session>, Failed> {
    let files = search.files();
    let section = files
        .map_err(|error| (Source::ConfigFile, error))?
        .profile(name);
    let answer = web_identity(search, name, section, environment_counts);
    if let Some(session) = note(Source::WebIdentity, answer, tried)? {
        return Ok(Some(session));
    }
    if search.wish.source == Some(Pin::WebIdentity) {
        return Ok(None);
    }
    for (source, answer) in OF_PROFILE {
        let answer = match section {
            Some(section) => answer(search, name, section),
            None => Ok(Err(no_profile(search, name, source))),
        };
        if let Some(session) = note(source, answer, tried)? {
            return Ok(Some(session));
        }
    }
    Ok(None)
}

type OfSection = fn(&Search, &str, &Section) -> Answer;

const OF_PROFILE: [(Source, OfSection); 5] = [
    (Source::Sso, sso),
    (Source::CredentialsFile, credentials_file),
    (Source::Login, login_session),
    (Source::Process, credential_process),
    (Source::ConfigFile, config_file),
];

/// Notes why a source has nothing.
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

/// A profile that somebody names has to be there, even if it is not needed.
fn must_exist(search: &Search) -> Result<(), SourceError> {
    let Some(name) = search.named_profile() else {
        return Ok(());
    };
    let files = search.files()?;
    if files.profile(name).is_some() {
        return Ok(());
    }
    Err(SourceError::NoProfile {
        name: name.to_owned(),
        places: files.places(),
        known: files.profile_names().map(str::to_owned).collect(),
    })
}

/// Why a profile that nobody named has nothing in the file of a source.
fn no_profile(search: &Search, name: &str, source: Source) -> Absence {
    let file = search.files().ok().map(|files| match source {
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

fn environment(search: &Search) -> Answer {
    let keys = keys::of_environment(search.surroundings)?;
    Ok(keys
        .map(|keys| Session::new(Origin::Keys(keys), Source::Environment))
        .ok_or_else(|| absent("AWS_ACCESS_KEY_ID is not set")))
}

fn of_role(
    search: &Search,
    name: &str,
    tried: &mut Vec<Attempt>,
) -> Result<Option<Session>, Failed> {
    let files = search
        .files()
        .map_err(|error| (Source::ConfigFile, error))?;
    let absence = match files.profile(name) {
        Some(section) if role::is_asked_for(section) => {
            let visited = &mut vec![name.to_owned()];
            return role::session(search, section, visited).map(Some);
        }
        Some(section) if section.has("role_arn") => absent(format!(
            "the role_arn of profile {name} is for its web_identity_token_file"
        )),
        Some(_) => absent(format!("profile {name} has no role_arn")),
        None => no_profile(search, name, Source::Role),
    };
    note(Source::Role, Ok(Err(absence)), tried)
}

fn web_identity(
    search: &Search,
    name: &str,
    section: Option<&Section>,
    environment_counts: bool,
) -> Answer {
    let identity = WebIdentity::of(search, section, environment_counts)?;
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

fn sso(search: &Search, name: &str, section: &Section) -> Answer {
    let sso = Sso::of_profile(search, name, section)?;
    let why = || {
        absent(format!(
            "profile {name} has neither sso_account_id nor sso_role_name"
        ))
    };
    Ok(sso
        .map(|sso| Session::new(Origin::Sso(sso), Source::Sso))
        .ok_or_else(why))
}

fn credentials_file(search: &Search, name: &str, _: &Section) -> Answer {
    match search.files()?.credentials_profile(name) {
        Some(section) => of_section(Source::CredentialsFile, name, section),
        None => Ok(Err(no_profile(search, name, Source::CredentialsFile))),
    }
}

fn config_file(search: &Search, name: &str, _: &Section) -> Answer {
    match search.files()?.config_profile(name) {
        Some(section) => of_section(Source::ConfigFile, name, section),
        None => Ok(Err(no_profile(search, name, Source::ConfigFile))),
    }
}

fn of_section(source: Source, name: &str, section: &Section) -> Answer {
    let keys = keys::of_section(name, section)?;
    Ok(keys
        .map(|keys| Session::new(Origin::Keys(keys), source))
        .ok_or_else(|| absent(format!("profile {name} has no aws_access_key_id there"))))
}

fn login_session(search: &Search, name: &str, section: &Section) -> Answer {
    let Some(session) = section.text("login_session") else {
        return Ok(Err(absent(format!("profile {name} has no login_session"))));
    };
    let keys = login::credentials(search, name, session)?;
    Ok(Ok(Session::new(Origin::Keys(keys), Source::Login)))
}

fn credential_process(_: &Search, name: &str, section: &Section) -> Answer {
    let Some(line) = section.text("credential_process") else {
        return Ok(Err(absent(format!(
            "profile {name} has no credential_process"
        ))));
    };
    let mut keys = process::credentials(line)?;
    if keys.account_id.is_none() {
        keys.account_id = section.text("aws_account_id").map(str::to_owned);
    }
    Ok(Ok(Session::new(Origin::Keys(keys), Source::Process)))
}

fn container(search: &Search) -> Answer {
    let keys = machine::of_container(search)?;
    Ok(keys
        .map(|keys| Session::new(Origin::Keys(keys), Source::Container))
        .ok_or_else(|| absent(machine::NO_CONTAINER)))
}

/// As with botocore, instance metadata may fail in any way and then only has nothing; unless the caller wants it and nothing else.
fn instance(search: &Search) -> Answer {
    match machine::of_instance(search) {
        Ok(keys) => Ok(Ok(Session::new(Origin::Keys(keys), Source::Instance))),
        Err(SourceError::Instance(error))
            if search.wish.source.is_none() && !machine::is_misconfigured(&error) =>
        {
            let absence = Absence {
                why: with_causes(&error),
                // Whoever switched it off knows how to switch it on, and did not mean to be asked.
                hint: (!matches!(error, ImdsError::Disabled)).then(|| error.hint()),
            };
            *search.instance.borrow_mut() = Some(error);
            Ok(Err(absence))
        }
        Err(error) => Err(error),
    }
}

fn with_causes(error: &ImdsError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
