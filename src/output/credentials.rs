//! Credentials for shells, files and programs.

use std::borrow::Cow;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use awsauth_core::escape;
use awsauth_core::shell_quote::quoted;
use awsauth_core::token::Credentials;

/// Enough for credentials in any format: reallocation would leave copies of the secrets in memory.
const CAPACITY: usize = 32 * 1024;

/// The output of a credential process.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessData<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialsData<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: Option<&'a str>,
    expiration: Option<String>,
    account_id: Option<&'a str>,
    source: String,
}

/// Returns the environment variables of credentials as the SDKs read them. `None` means that the variable must be
/// unset, because an earlier value would be combined with these.
pub(crate) fn variables(credentials: &Credentials) -> Vec<(&'static str, Option<SecretString>)> {
    let open = |text: Option<String>| text.map(SecretString::from);
    vec![
        (
            "AWS_ACCESS_KEY_ID",
            open(Some(credentials.access_key_id.clone())),
        ),
        (
            "AWS_SECRET_ACCESS_KEY",
            Some(credentials.secret_access_key.clone()),
        ),
        ("AWS_SESSION_TOKEN", credentials.session_token.clone()),
        ("AWS_SECURITY_TOKEN", None),
        ("AWS_CREDENTIAL_EXPIRATION", open(expiration(credentials))),
        ("AWS_ACCOUNT_ID", open(credentials.account_id.clone())),
    ]
}

/// Formats credentials for `eval` in a POSIX shell.
pub(crate) fn as_exports(credentials: &Credentials) -> Zeroizing<String> {
    lines(credentials, |name, value| match value {
        Some(value) => format!("export {name}={}\n", quoted(value)),
        None => format!("unset {name}\n"),
    })
}

/// Formats credentials for PowerShell's `Invoke-Expression`.
/// <https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules>
pub(crate) fn as_powershell(credentials: &Credentials) -> Zeroizing<String> {
    // PowerShell treats curly quotes as quotes, too.
    const QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
    lines(credentials, |name, value| match value {
        Some(value) => {
            let doubled = |c: char| std::iter::repeat_n(c, 1 + usize::from(QUOTES.contains(&c)));
            let value: Zeroizing<String> =
                Zeroizing::new(value.chars().flat_map(doubled).collect());
            format!("$Env:{name} = '{}'\n", *value)
        }
        None => format!("Remove-Item -ErrorAction Ignore Env:{name}\n"),
    })
}

/// Formats credentials as a `.env` file; `None` if a value has characters that readers of such files interpret
/// differently.
pub(crate) fn as_dotenv(credentials: &Credentials) -> Option<Zeroizing<String>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+/=-_.:@%,".contains(c);
    let is_plain = |value: &SecretString| value.expose_secret().chars().all(plain);
    let variables = variables(credentials);
    let mut values = variables.iter().filter_map(|(_, value)| value.as_ref());
    values.all(is_plain).then(|| {
        lines(credentials, |name, value| match value {
            Some(value) => format!("{name}={value}\n"),
            None => String::new(),
        })
    })
}

/// Formats credentials as a `credential_process` prints them.
pub(crate) fn as_process(credentials: &Credentials) -> serde_json::Result<Zeroizing<String>> {
    json(&ProcessData {
        version: 1,
        access_key_id: &credentials.access_key_id,
        secret_access_key: credentials.secret_access_key.expose_secret(),
        session_token: session_token(credentials),
        expiration: expiration(credentials),
        account_id: credentials.account_id.as_deref(),
    })
}

/// Formats credentials as the JSON that docs/json.md documents.
pub(crate) fn as_json(
    credentials: &Credentials,
    source: String,
) -> serde_json::Result<Zeroizing<String>> {
    json(&CredentialsData {
        access_key_id: &credentials.access_key_id,
        secret_access_key: credentials.secret_access_key.expose_secret(),
        session_token: session_token(credentials),
        expiration: expiration(credentials),
        account_id: credentials.account_id.as_deref(),
        source,
    })
}

fn session_token(credentials: &Credentials) -> Option<&str> {
    let token = credentials.session_token.as_ref();
    token.map(ExposeSecret::expose_secret)
}

/// Formats the expiration as RFC 3339, rounded down to whole seconds.
fn expiration(credentials: &Credentials) -> Option<String> {
    let end = credentials.expiration?;
    Some(end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn lines(
    credentials: &Credentials,
    line: impl Fn(&str, Option<&str>) -> String,
) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(CAPACITY));
    for (name, value) in variables(credentials) {
        let value = value.as_ref().map(ExposeSecret::expose_secret);
        text.push_str(&Zeroizing::new(line(name, value)));
    }
    text
}

fn json(data: &impl Serialize) -> serde_json::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(CAPACITY));
    serde_json::to_writer_pretty(&mut *bytes, data)?;
    bytes.push(b'\n');
    // Serialized JSON is UTF-8.
    let text = String::from_utf8(std::mem::take(&mut *bytes)).unwrap_or_default();
    let text = Zeroizing::new(text);
    Ok(match escape::json(&text) {
        Cow::Owned(escaped) => Zeroizing::new(escaped),
        Cow::Borrowed(_) => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(secret: &str, token: Option<&str>) -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: secret.into(),
            session_token: token.map(Into::into),
            expiration: Some("2026-11-20T12:00:00.9Z".parse().unwrap()),
            account_id: None,
        }
    }

    #[test]
    fn powershell_quotes_of_every_kind_are_escaped() {
        let text = as_powershell(&credentials("it's \u{2019}$Env:PATH`n", None));
        assert_eq!(
            *text,
            "$Env:AWS_ACCESS_KEY_ID = 'AKIDEXAMPLE'\n\
             $Env:AWS_SECRET_ACCESS_KEY = 'it''s \u{2019}\u{2019}$Env:PATH`n'\n\
             Remove-Item -ErrorAction Ignore Env:AWS_SESSION_TOKEN\n\
             Remove-Item -ErrorAction Ignore Env:AWS_SECURITY_TOKEN\n\
             $Env:AWS_CREDENTIAL_EXPIRATION = '2026-11-20T12:00:00Z'\n\
             Remove-Item -ErrorAction Ignore Env:AWS_ACCOUNT_ID\n"
        );
    }

    #[test]
    fn json_has_no_invisible_characters() {
        let text = as_json(
            &credentials("a\u{202e}b", None),
            "profile \u{1b}x".to_owned(),
        )
        .unwrap();
        assert!(
            text.contains("a\\u202eb") && text.contains("profile \\u001bx"),
            "{}",
            *text
        );
    }

    #[test]
    fn dotenv_rejects_characters_that_readers_interpret_differently() {
        let text = as_dotenv(&credentials("a/b+c=", Some("t=="))).unwrap();
        assert_eq!(
            *text,
            "AWS_ACCESS_KEY_ID=AKIDEXAMPLE\nAWS_SECRET_ACCESS_KEY=a/b+c=\nAWS_SESSION_TOKEN=t==\n\
             AWS_CREDENTIAL_EXPIRATION=2026-11-20T12:00:00Z\n"
        );
        for secret in ["a b", "a#b", "a$b", "a'b", "a\nb", "\u{e9}"] {
            assert!(as_dotenv(&credentials(secret, None)).is_none(), "{secret}");
        }
    }
}
