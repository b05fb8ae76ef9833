//! Reads the shared AWS config and credentials files as botocore does.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

mod ini;
mod mistakes;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;
use thiserror::Error;

use super::AwsEnvironment;
use super::shlex;
pub use ini::{Ini, Section, Value};
pub use mistakes::Mistake;

/// The profile that is used if none is named.
pub const DEFAULT_PROFILE: &str = "default";

/// The contents of both files. A missing file is treated as empty, as in botocore.
#[derive(Clone, Debug, Default)]
pub struct ConfigFiles {
    pub config: File,
    pub credentials: File,
    config_profiles: BTreeMap<String, Section>,
    credentials_profiles: BTreeMap<String, Section>,
    /// The profiles of the config file, updated by those of the credentials file.
    profiles: BTreeMap<String, Section>,
    sso_sessions: BTreeMap<String, Section>,
    services: BTreeMap<String, Section>,
    /// The sections of the config file that are not read, in the order of the file.
    ignored: Vec<(String, Section)>,
}

#[derive(Clone, Debug, Default)]
pub struct File {
    /// The path; `None` if it begins with `~` and there is no home folder.
    pub path: Option<PathBuf>,
    /// Why the file is treated as empty.
    pub missing: Option<String>,
}

/// Why a file cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A line is invalid.
    #[error("{}: line {line} {problem}", path.display())]
    Line {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        problem: String,
    },
    /// The file is not UTF-8.
    #[error("{} is not UTF-8", path.display())]
    Encoding { path: PathBuf },
}

impl ConfigFiles {
    /// Reads the files that `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name, or else those in `~/.aws`. A file
    /// that is missing or cannot be opened is treated as empty, as in botocore.
    ///
    /// # Errors
    /// If a file is malformed.
    pub fn read(environment: &AwsEnvironment) -> Result<Self, ConfigError> {
        let named = |variable: &str, default: &str| {
            let path = environment.get(variable).unwrap_or(default);
            expand(path, environment)
        };
        let (config, config_sections) = read_sections(named("AWS_CONFIG_FILE", "~/.aws/config"))?;
        let (credentials, credentials_sections) =
            read_sections(named("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))?;
        let mut files = Self {
            config,
            credentials,
            ..Self::default()
        };
        for (name, section) in config_sections.sections {
            files.sort(&name, section);
        }
        files.profiles.clone_from(&files.config_profiles);
        for (name, section) in credentials_sections.sections {
            match files.profiles.get_mut(&name) {
                Some(merged) => merged.update(&section),
                None => drop(files.profiles.insert(name.clone(), section.clone())),
            }
            files.credentials_profiles.insert(name, section);
        }
        Ok(files)
    }

    /// Stores a section of the config file by its kind.
    fn sort(&mut self, name: &str, section: Section) {
        // botocore only compares the prefix.
        let place = if name.starts_with("profile") {
            &mut self.config_profiles
        } else if name.starts_with("sso-session") {
            &mut self.sso_sessions
        } else if name.starts_with("services") {
            &mut self.services
        } else {
            match name {
                DEFAULT_PROFILE => drop(self.config_profiles.insert(name.to_owned(), section)),
                _ => self.ignored.push((name.to_owned(), section)),
            }
            return;
        };
        match shlex::split(name).as_deref() {
            Ok([_, name]) => drop(place.insert(name.clone(), section)),
            _ => self.ignored.push((name.to_owned(), section)),
        }
    }

    /// Returns a profile as merged from both files. Values of the credentials file have precedence.
    pub fn profile(&self, name: &str) -> Option<&Section> {
        self.profiles.get(name)
    }

    /// Returns a profile as in the config file alone.
    pub(crate) fn config_profile(&self, name: &str) -> Option<&Section> {
        self.config_profiles.get(name)
    }

    /// Returns a profile as in the credentials file alone.
    pub(crate) fn credentials_profile(&self, name: &str) -> Option<&Section> {
        self.credentials_profiles.get(name)
    }

    /// Returns the names of all profiles in order.
    pub fn profile_names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// Returns `[sso-session NAME]` of the config file.
    pub fn sso_session(&self, name: &str) -> Option<&Section> {
        self.sso_sessions.get(name)
    }

    /// Returns `[services NAME]` of the config file.
    pub fn services(&self, name: &str) -> Option<&Section> {
        self.services.get(name)
    }

    /// Returns the paths of both files, for messages.
    pub fn places(&self) -> String {
        let place = |file: &File, name: &str| match &file.path {
            Some(path) => path.display().to_string(),
            None => name.to_owned(),
        };
        format!(
            "{} and {}",
            place(&self.config, "~/.aws/config"),
            place(&self.credentials, "~/.aws/credentials")
        )
    }
}

/// Returns the name of the requested profile: `requested`, or else `AWS_DEFAULT_PROFILE`, or else `AWS_PROFILE`, in
/// botocore's order.
pub fn profile_name<'a>(
    requested: Option<&'a str>,
    environment: &'a AwsEnvironment,
) -> Option<&'a str> {
    requested
        .or_else(|| environment.get("AWS_DEFAULT_PROFILE"))
        .or_else(|| environment.get("AWS_PROFILE"))
}

/// Reads the sections of a file in order; none if the file does not exist.
pub(super) fn read_sections(path: Option<PathBuf>) -> Result<(File, Ini), ConfigError> {
    let missing = |path, why: String| {
        let missing = Some(why);
        Ok((File { path, missing }, Ini::default()))
    };
    let Some(path) = path else {
        return missing(None, "there is no home folder".to_owned());
    };
    let bytes = match fs::metadata(&path) {
        Ok(metadata) if !metadata.is_file() => {
            return missing(Some(path), "it is no file".to_owned());
        }
        Ok(_) => fs::read(&path),
        Err(error) => Err(error),
    };
    let bytes = match bytes {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) => return missing(Some(path), why(&error)),
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Err(ConfigError::Encoding { path });
    };
    match ini::read(text.trim_start_matches('\u{feff}')) {
        Ok(ini) => {
            let path = Some(path);
            Ok((
                File {
                    path,
                    missing: None,
                },
                ini,
            ))
        }
        Err(ini::IniError { line, problem }) => Err(ConfigError::Line {
            path,
            line,
            problem,
        }),
    }
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there".to_owned(),
        _ => error.to_string(),
    }
}

/// Expands a path like Python's `expandvars` and `expanduser`, except for the home folders of other users.
pub fn expand(path: &str, environment: &AwsEnvironment) -> Option<PathBuf> {
    let path = variables(path, environment);
    match path.strip_prefix('~') {
        Some("") => environment.home().map(Path::to_owned),
        Some(rest) if rest.starts_with(['/', std::path::MAIN_SEPARATOR]) => {
            let home = environment.home()?;
            Some(home.join(rest.trim_start_matches(['/', std::path::MAIN_SEPARATOR])))
        }
        _ => Some(PathBuf::from(path)),
    }
}

/// Expands `$NAME` and `${NAME}`. An unset variable stays as written.
fn variables(text: &str, environment: &AwsEnvironment) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at..];
        let after = &rest[1..];
        let (name, length) = match after
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
        {
            Some((name, _)) => (name, name.len() + 3),
            None => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
                (&after[..end], end + 1)
            }
        };
        expanded.push_str(environment.get(name).unwrap_or(&rest[..length]));
        rest = &rest[length..];
    }
    expanded.push_str(rest);
    expanded
}
