//! Runs the exec plugin.

use std::process::Command;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use serde_json::json;

use super::subprocess;
use awsauth_core::doctor::evidence::Plugin;
use awsauth_core::redact;
use awsauth_core::token::EXEC_INFO;
use awsauth_kube::selected_context::ExecPlugin;

/// The output of an exec plugin.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    api_version: Option<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    expiration_timestamp: Option<String>,
}

/// Runs the plugin as kubectl would, but without a terminal for prompts. Returns `None` if it does not end in time.
pub(crate) fn run(exec: &ExecPlugin, limit: Duration) -> Option<(Plugin, Option<SecretString>)> {
    let info = json!({
        "apiVersion": exec.api_version, "kind": "ExecCredential", "spec": {"interactive": false},
    });
    let mut command = Command::new(&exec.command);
    command
        .args(&exec.args)
        .envs(exec.env.iter().map(|(name, value)| (name, value)))
        .env(EXEC_INFO, info.to_string());
    let mut plugin = Plugin {
        command: exec.line(),
        took: SignedDuration::ZERO,
        failed: None,
        stderr: String::new(),
        api_version: None,
        token_bytes: 0,
        expiration: None,
        unreadable: None,
    };
    let exited = match subprocess::run(&mut command, limit) {
        Ok(exited) => exited?,
        Err(error) => {
            plugin.failed = Some(error.to_string());
            return Some((plugin, None));
        }
    };
    plugin.took = SignedDuration::try_from(exited.took).unwrap_or_default();
    plugin.stderr = redact::text(exited.stderr.trim_end());
    if !exited.status.success() {
        plugin.failed = Some(exited.status.to_string());
        return Some((plugin, None));
    }
    let stdout = Zeroizing::new(exited.stdout);
    let credential: Credential = match serde_json::from_slice(&stdout) {
        Ok(credential) => credential,
        Err(error) => {
            // The parser's message may quote the output.
            plugin.unreadable = Some(match error.line() {
                0 => "it is empty".to_owned(),
                _ if follows_other_text(&stdout) => {
                    "other text precedes it on stdout, so a wrapper script or the program itself must print that to stderr"
                        .to_owned()
                }
                line => format!("line {line} is not valid"),
            });
            return Some((plugin, None));
        }
    };
    plugin.api_version = credential.api_version;
    let token = credential.status.and_then(|status| {
        plugin.expiration = status.expiration_timestamp;
        status.token.map(SecretString::from)
    });
    let bytes = |token: &SecretString| secrecy::ExposeSecret::expose_secret(token).len();
    plugin.token_bytes = token.as_ref().map_or(0, bytes);
    Some((plugin, token.filter(|token| bytes(token) > 0)))
}

/// Whether an ExecCredential follows other text.
fn follows_other_text(stdout: &[u8]) -> bool {
    let begin = stdout.iter().position(|byte| *byte == b'{');
    begin.is_some_and(|begin| serde_json::from_slice::<Credential>(&stdout[begin..]).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_before_the_credential_is_recognized() {
        let credential = r#"{"apiVersion":"v1","status":{"token":"x"}}"#;
        let with_text = format!("Using profile dev\n{credential}");
        assert!(follows_other_text(with_text.as_bytes()));
        assert!(!follows_other_text(b"Using profile {dev}"));
    }
}
