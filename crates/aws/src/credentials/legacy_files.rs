//! Files of obsolete tools that botocore still reads.

use std::fs;

use secrecy::zeroize::Zeroizing;

use super::error::SourceError;
use super::static_keys;
use crate::AwsEnvironment;
use crate::config_file::{expand, read_sections};
use awsauth_core::token::Credentials;

/// Reads `AWS_CREDENTIAL_FILE`: lines of `AWSAccessKeyId=…` and `AWSSecretKey=…`.
pub(super) fn ec2_file(environment: &AwsEnvironment) -> Result<Option<Credentials>, SourceError> {
    let path = environment.get("AWS_CREDENTIAL_FILE");
    let Some(path) = path.and_then(|path| expand(path, environment)) else {
        return Ok(None);
    };
    let Ok(text) = fs::read_to_string(&path).map(Zeroizing::new) else {
        return Ok(None);
    };
    let get = |key: &str| {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let mut values = pairs.filter(|(name, _)| name.trim() == key);
        values.next_back().map(|(_, value)| value.trim())
    };
    let Some(key) = get("AWSAccessKeyId") else {
        return Ok(None);
    };
    let secret = get("AWSSecretKey").ok_or_else(|| SourceError::Partial {
        present: format!("AWSAccessKeyId in {}", path.display()),
        missing: "AWSSecretKey".to_owned(),
        profile: None,
    })?;
    Ok(Some(Credentials {
        access_key_id: key.to_owned(),
        secret_access_key: secret.into(),
        session_token: None,
        expiration: None,
        account_id: None,
    }))
}

/// Reads `[Credentials]` of boto 2 from `BOTO_CONFIG`, or else from `/etc/boto.cfg` or `~/.boto`.
pub(super) fn boto_file(environment: &AwsEnvironment) -> Result<Option<Credentials>, SourceError> {
    let places = match environment.get("BOTO_CONFIG") {
        Some(path) => vec![path],
        None => vec!["/etc/boto.cfg", "~/.boto"],
    };
    for place in places {
        let (_, file) = read_sections(expand(place, environment))?;
        let section = file.sections.iter().find(|(name, _)| name == "Credentials");
        let Some((name, section)) = section else {
            continue;
        };
        if let Some(mut keys) = static_keys::of_section(name, section)? {
            // boto 2 has no session tokens.
            keys.session_token = None;
            return Ok(Some(keys));
        }
    }
    Ok(None)
}
