use super::SourceError;
use crate::aws::Surroundings;
use crate::token::Credentials;

const KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
/// botocore asks for the older name first.
const TOKENS: [&str; 2] = ["AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"];
const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";
const ACCOUNT: &str = "AWS_ACCOUNT_ID";

/// The credentials of the environment, if it has an access key id.
pub(super) fn credentials(surroundings: &Surroundings) -> Result<Option<Credentials>, SourceError> {
    let Some(key) = surroundings.get(KEY) else {
        return Ok(None);
    };
    let secret = surroundings
        .get(SECRET)
        .ok_or_else(|| SourceError::Partial {
            there: KEY.to_owned(),
            missing: SECRET.to_owned(),
        })?;
    let token = TOKENS.into_iter().find_map(|name| surroundings.get(name));
    let time = |value: &str| {
        value.parse().map_err(|_| SourceError::Time {
            what: EXPIRATION.to_owned(),
            value: value.to_owned(),
        })
    };
    Ok(Some(Credentials {
        access_key_id: key.to_owned(),
        secret_access_key: secret.into(),
        session_token: token.map(Into::into),
        expiration: surroundings.get(EXPIRATION).map(time).transpose()?,
        account_id: surroundings.get(ACCOUNT).map(str::to_owned),
    }))
}
