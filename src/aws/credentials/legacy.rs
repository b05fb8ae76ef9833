//! Files of the first tools, which botocore still reads.

use std::fs;

use secrecy::zeroize::Zeroizing;

use super::{SourceError, keys};
use crate::aws::Surroundings;
use crate::aws::config_file::{expand, read_sections};
use crate::token::Credentials;

/// `AWS_CREDENTIAL_FILE`: lines of `AWSAccessKeyId=…` and `AWSSecretKey=…`.
pub(super) fn ec2_file(surroundings: &Surroundings) -> Result<Option<Credentials>, SourceError> {
    let path = surroundings.get("AWS_CREDENTIAL_FILE");
    let Some(path) = path.and_then(|path| expand(path, surroundings)) else {
        return Ok(None);
    };
    let Ok(text) = fs::read_to_string(&path).map(Zeroizing::new) else {
        return Ok(None);
    };
    let get = |wanted: &str| {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let mut values = pairs.filter(|(name, _)| name.trim() == wanted);
        values.next_back().map(|(_, value)| value.trim())
    };
    let Some(key) = get("AWSAccessKeyId") else {
        return Ok(None);
    };
    let secret = get("AWSSecretKey").ok_or_else(|| SourceError::Partial {
        there: format!("AWSAccessKeyId in {}", path.display()),
        missing: "AWSSecretKey".to_owned(),
    })?;
    Ok(Some(Credentials {
        access_key_id: key.to_owned(),
        secret_access_key: secret.into(),
        session_token: None,
        expiration: None,
        account_id: None,
    }))
}

/// The `[Credentials]` of boto 2, from `BOTO_CONFIG`, else from `/etc/boto.cfg` or `~/.boto`.
pub(super) fn boto_file(surroundings: &Surroundings) -> Result<Option<Credentials>, SourceError> {
    let places = match surroundings.get("BOTO_CONFIG") {
        Some(path) => vec![path],
        None => vec!["/etc/boto.cfg", "~/.boto"],
    };
    for place in places {
        let (_, file) = read_sections(expand(place, surroundings))?;
        let section = file.sections.iter().find(|(name, _)| name == "Credentials");
        let Some((name, section)) = section else {
            continue;
        };
        if let Some(mut keys) = keys::of_section(name, section)? {
            // boto 2 knew no sessions.
            keys.session_token = None;
            return Ok(Some(keys));
        }
    }
    Ok(None)
}
