//! Mistakes in the config and credentials files that botocore ignores without an error.

use super::{ConfigFiles, DEFAULT_PROFILE, File, Section, Value};
use awsauth_core::near_name::misspelled;

/// The options that name credentials.
const OPTIONS: [&str; 12] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "role_arn",
    "source_profile",
    "credential_source",
    "credential_process",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
];

/// A section or an option that has no effect because its name is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The place and its content.
    pub found: String,
    /// What to write instead.
    pub fix: String,
}

impl ConfigFiles {
    /// Returns the mistake that causes a profile to be missing or to lack settings.
    pub fn mistake_in(&self, profile: &str) -> Option<Mistake> {
        self.misnamed_section(profile)
            .or_else(|| self.misnamed_option(profile))
    }

    /// Returns a section that was intended to be this profile, but is not read as such.
    pub fn misnamed_section(&self, profile: &str) -> Option<Mistake> {
        let mut ignored = self.ignored.iter();
        if let Some((name, section)) = ignored.find(|(name, _)| intended_profile(name) == profile) {
            let correct = match profile {
                DEFAULT_PROFILE => format!("[{DEFAULT_PROFILE}]"),
                name if name.contains(char::is_whitespace) => format!("[profile \"{name}\"]"),
                name => format!("[profile {name}]"),
            };
            return Some(misnamed(&self.config, name, section, profile, &correct));
        }
        let mut others = self.credentials_profiles.iter();
        let (name, section) =
            others.find(|(name, _)| *name != profile && intended_profile(name) == profile)?;
        let correct = format!("[{profile}]");
        Some(misnamed(
            &self.credentials,
            name,
            section,
            profile,
            &correct,
        ))
    }

    /// Returns a misnamed option of a profile.
    fn misnamed_option(&self, profile: &str) -> Option<Mistake> {
        let merged = self.profile(profile)?;
        let files = [
            (&self.config, &self.config_profiles),
            (&self.credentials, &self.credentials_profiles),
        ];
        let mut sections = files
            .iter()
            .filter_map(|(file, sections)| Some((file, sections.get(profile)?)));
        sections.find_map(|(file, section)| {
            let missing = OPTIONS.into_iter().filter(|option| !merged.has(option));
            let missing: Vec<&str> = missing.collect();
            let place = place(file, section);
            section.options().iter().find_map(|(name, value)| {
                if let Some(option) = intended_option(name, &missing) {
                    return Some(Mistake {
                        found: format!("{place} has the option {name}, which has no effect"),
                        fix: format!("write {option} instead of {name}"),
                    });
                }
                let option = continued_by(value, &missing)?;
                Some(Mistake {
                    found: format!("{place} has an indented line that begins with {option}, which is read as a part of {name}"),
                    fix: "begin that line without spaces".to_owned(),
                })
            })
        })
    }
}

impl Section {
    /// Whether the section has an option that names credentials.
    pub fn names_credentials(&self) -> bool {
        OPTIONS.iter().any(|option| self.has(option))
    }
}

fn place(file: &File, section: &Section) -> String {
    let path = file.path.as_ref();
    let path = path.map_or_else(String::new, |path| path.display().to_string());
    format!("the section in line {} of {path}", section.line)
}

fn misnamed(file: &File, name: &str, section: &Section, profile: &str, correct: &str) -> Mistake {
    let place = place(file, section);
    Mistake {
        found: format!("{place} is [{name}], which is not read as profile {profile}"),
        fix: format!("write {correct} instead of [{name}]"),
    }
}

/// Returns the profile that the section header was probably intended to name: its last word.
fn intended_profile(header: &str) -> &str {
    let header = header.trim();
    let name = match header.strip_prefix("profile") {
        Some(rest) => rest.trim_start_matches(|c: char| !c.is_alphanumeric()),
        None => header
            .rsplit(|c: char| c.is_whitespace() || c == ':')
            .next()
            .unwrap_or(header),
    };
    let name = name.trim_matches(['"', '\'']);
    match name.eq_ignore_ascii_case(DEFAULT_PROFILE) {
        true => DEFAULT_PROFILE,
        false => name,
    }
}

/// Returns the missing option that an unknown name was probably intended to be.
fn intended_option<'m>(name: &str, missing: &[&'m str]) -> Option<&'m str> {
    // `export AWS_ACCESS_KEY_ID`
    let name = name.split_whitespace().next_back().unwrap_or(name);
    if let Some(option) = missing.iter().find(|option| **option == name) {
        return Some(option);
    }
    if OPTIONS.contains(&name) {
        return None;
    }
    let words = |name: &str| -> Vec<String> {
        let words = name.split(|c: char| !c.is_alphanumeric());
        words.map(str::to_owned).collect()
    };
    let written = words(name);
    // `aws_secret_key`, `access-key-id`
    let abbreviated = missing.iter().find(|option| {
        let all = words(option);
        written.len() >= 2
            && written.len() + 2 >= all.len()
            && written.iter().all(|word| all.contains(word))
    });
    abbreviated
        .copied()
        .or_else(|| misspelled(name, missing.iter().copied()))
}

/// Returns the missing option that a value of several lines contains.
fn continued_by<'m>(value: &Value, missing: &[&'m str]) -> Option<&'m str> {
    let Value::Text(text) = value else {
        return None;
    };
    let lines = text.lines().skip(1);
    let mut names = lines.filter_map(|line| line.split_once(['=', ':']));
    names
        .find_map(|(name, _)| {
            let mut missing = missing.iter();
            missing.find(|option| name.trim().eq_ignore_ascii_case(option))
        })
        .copied()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::AwsEnvironment;

    #[track_caller]
    fn check(config: &str, credentials: &str, profile: &str, expected: Option<(&str, &str)>) {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".aws");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("config"), config).unwrap();
        fs::write(folder.join("credentials"), credentials).unwrap();
        let files = ConfigFiles::read(&AwsEnvironment::default().at_home(home.path())).unwrap();
        let found = files.mistake_in(profile);
        let found = found.map(|mistake| {
            let home = home.path().display().to_string();
            (mistake.found.replace(&home, "~"), mistake.fix)
        });
        let expected =
            expected.map(|(found, fix)| (format!("the section in line {found}"), fix.to_owned()));
        assert_eq!(found, expected, "{config}{credentials}");
    }

    #[test]
    fn section_with_a_wrong_name_is_found() {
        for (header, profile, correct) in [
            ("dev", "dev", "[profile dev]"),
            ("Profile dev", "dev", "[profile dev]"),
            ("profil dev", "dev", "[profile dev]"),
            ("profile:dev", "dev", "[profile dev]"),
            (" profile dev ", "dev", "[profile dev]"),
            ("profile my dev", "my dev", "[profile \"my dev\"]"),
            ("Default", "default", "[default]"),
        ] {
            let found =
                format!("2 of ~/.aws/config is [{header}], which is not read as profile {profile}");
            let fix = format!("write {correct} instead of [{header}]");
            let config = format!("[profile a]\n[{header}]\nregion = x\n");
            check(&config, "", profile, Some((&found, &fix)));
        }
        check(
            "",
            "[profile dev]\naws_access_key_id = A\n",
            "dev",
            Some((
                "1 of ~/.aws/credentials is [profile dev], which is not read as profile dev",
                "write [dev] instead of [profile dev]",
            )),
        );
        for (config, credentials) in [
            ("[profile dev]\n", "[dev]\n"),
            ("[profile \"dev\"]\n", ""),
            ("[sso-session dev]\n[services dev]\n", ""),
            ("[other]\n[profile a dev-b]\n", "[other dev-b]\n"),
        ] {
            check(config, credentials, "dev", None);
        }
    }

    #[test]
    fn option_with_a_wrong_name_is_found() {
        let key = "aws_access_key_id = A\n";
        for (rest, name, option) in [
            (
                "aws_secret_acces_key = s\n",
                "aws_secret_acces_key",
                "aws_secret_access_key",
            ),
            (
                "aws_secret_key = s\n",
                "aws_secret_key",
                "aws_secret_access_key",
            ),
            (
                "secret_access_key = s\n",
                "secret_access_key",
                "aws_secret_access_key",
            ),
            (
                "export AWS_SECRET_ACCESS_KEY=s\n",
                "export aws_secret_access_key",
                "aws_secret_access_key",
            ),
            ("source-profile = a\n", "source-profile", "source_profile"),
            ("rolearn = a\n", "rolearn", "role_arn"),
        ] {
            let found =
                format!("1 of ~/.aws/credentials has the option {name}, which has no effect");
            let fix = format!("write {option} instead of {name}");
            check(
                "",
                &format!("[dev]\n{key}{rest}"),
                "dev",
                Some((&found, &fix)),
            );
        }
        check(
            &format!("[profile dev]\n{key}  aws_secret_access_key = s\n"),
            "",
            "dev",
            Some((
                "1 of ~/.aws/config has an indented line that begins with aws_secret_access_key, which is read as a part of aws_access_key_id",
                "begin that line without spaces",
            )),
        );
        for rest in [
            "aws_secret_access_key = s\nregion = r\noutput = json\nsso_region = r\nmfa_serial = m\n",
            "role_session_name = n\nduration_seconds = 900\nexternal_id = e\naws_account_id = 1\n",
            "aws_security_token = t\nx_security_token_expires = t\nx_principal_arn = a\nlogin_session = l\n",
            "s3 =\n  addressing_style = path\nservices = s\nendpoint_url = u\nca_bundle = f\n",
        ] {
            check(&format!("[profile dev]\n{rest}"), "", "dev", None);
        }
    }
}
