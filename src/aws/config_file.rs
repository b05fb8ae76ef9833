//! The config and credentials files that all AWS tools share, as botocore reads them.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

mod ini;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;
use thiserror::Error;

use super::Surroundings;
use super::words;
pub use ini::{Ini, Section, Value};

/// The profile that is meant when none is named.
pub const DEFAULT_PROFILE: &str = "default";

/// Both files. Without them it is empty: like botocore, nobody has to have any.
#[derive(Clone, Debug, Default)]
pub struct ConfigFiles {
    /// Where the config file is or would be.
    pub config: File,
    /// Where the credentials file is or would be.
    pub credentials: File,
    config_profiles: BTreeMap<String, Section>,
    credentials_profiles: BTreeMap<String, Section>,
    /// What the config file says, and over it what the credentials file does.
    profiles: BTreeMap<String, Section>,
    sso_sessions: BTreeMap<String, Section>,
    services: BTreeMap<String, Section>,
}

/// One of the files.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Where it is; `None` when its path begins with `~` and there is no home.
    pub path: Option<PathBuf>,
    /// Why it counts as empty.
    pub missing: Option<String>,
}

/// Why a file can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A line that can't be read.
    #[error("{}: line {line} {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// It is not text.
    #[error("{} is not UTF-8", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
    },
}

impl ConfigFiles {
    /// Reads both files, from `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` or else from `~/.aws`. A file that is not there or
    /// can't be opened counts as empty, as with botocore.
    ///
    /// # Errors
    /// When a file is there and is not what it should be.
    pub fn read(surroundings: &Surroundings) -> Result<Self, ConfigError> {
        let named = |variable: &str, default: &str| {
            let path = surroundings.get(variable).unwrap_or(default);
            expand(path, surroundings)
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

    /// Puts a section of the config file where its name says.
    fn sort(&mut self, name: &str, section: Section) {
        // The prefixes are botocore's: it looks no closer.
        let place = if name.starts_with("profile") {
            &mut self.config_profiles
        } else if name.starts_with("sso-session") {
            &mut self.sso_sessions
        } else if name.starts_with("services") {
            &mut self.services
        } else {
            if name == DEFAULT_PROFILE {
                self.config_profiles.insert(name.to_owned(), section);
            }
            return;
        };
        if let Ok([_, name]) = words::split(name).as_deref() {
            place.insert(name.clone(), section);
        }
    }

    /// A profile as both files make it; the credentials file has the last word.
    pub fn profile(&self, name: &str) -> Option<&Section> {
        self.profiles.get(name)
    }

    /// What the config file alone says of a profile.
    pub fn config_profile(&self, name: &str) -> Option<&Section> {
        self.config_profiles.get(name)
    }

    /// What the credentials file alone says of a profile.
    pub fn credentials_profile(&self, name: &str) -> Option<&Section> {
        self.credentials_profiles.get(name)
    }

    /// The names of all profiles, sorted.
    pub fn profile_names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// `[sso-session NAME]` of the config file.
    pub fn sso_session(&self, name: &str) -> Option<&Section> {
        self.sso_sessions.get(name)
    }

    /// `[services NAME]` of the config file.
    pub fn services(&self, name: &str) -> Option<&Section> {
        self.services.get(name)
    }

    /// Both files as a reader may look for them.
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

/// The profile that counts, and whether somebody named it: the wished one, or `AWS_DEFAULT_PROFILE` before `AWS_PROFILE` as botocore
/// has it.
pub fn profile_name<'a>(
    wished: Option<&'a str>,
    surroundings: &'a Surroundings,
) -> Option<&'a str> {
    wished
        .or_else(|| surroundings.get("AWS_DEFAULT_PROFILE"))
        .or_else(|| surroundings.get("AWS_PROFILE"))
}

/// The sections of a file, in its order; none when it is not there.
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

/// A path as Python's `expandvars` and then `expanduser` make it, as far as that needs nobody else's home.
pub(crate) fn expand(path: &str, surroundings: &Surroundings) -> Option<PathBuf> {
    let path = variables(path, surroundings);
    match path.strip_prefix('~') {
        Some("") => surroundings.home().map(Path::to_owned),
        Some(rest) if rest.starts_with(['/', std::path::MAIN_SEPARATOR]) => {
            let home = surroundings.home()?;
            Some(home.join(rest.trim_start_matches(['/', std::path::MAIN_SEPARATOR])))
        }
        _ => Some(PathBuf::from(path)),
    }
}

/// `$NAME` and `${NAME}`; one that is not set stays as it is written.
fn variables(text: &str, surroundings: &Surroundings) -> String {
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
        expanded.push_str(surroundings.get(name).unwrap_or(&rest[..length]));
        rest = &rest[length..];
    }
    expanded.push_str(rest);
    expanded
}
