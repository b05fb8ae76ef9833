//! What aws-iam-authenticator reads besides its flags: its configuration file and its variables.
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/cmd/aws-iam-authenticator/token.go>

use std::collections::BTreeMap;
use std::path::Path;

use serde_yaml::Value;

use super::Request;
use crate::backend::bounded_read;
use crate::terminal::Failure;
use awsauth_aws::AwsEnvironment;

/// The variable with the cluster's id.
const CLUSTER_ID: &str = "KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID";
/// The variable with the role to assume.
const ROLE: &str = "DEFAULT_ROLE";

/// Completes a request from the variables, unless `--cluster-name` names the cluster, and from the configuration file.
pub(super) fn complete(
    request: &Request,
    environment: &AwsEnvironment,
) -> Result<Request, Failure> {
    let mut completed = request.clone();
    let file = request.config.as_deref().map(read).transpose()?;
    let setting = |variable: Option<&str>, key: &str| {
        let variable = variable.filter(|_| request.is_of_authenticator);
        let variable = variable.and_then(|name| environment.get(name));
        let file = || file.as_ref().and_then(|file| file.text(key));
        variable.map(str::to_owned).or_else(file)
    };
    let is_set = |key: &str| setting(None, key).is_some_and(|text| text == "true");
    if completed.cluster.is_empty() {
        completed.cluster = setting(Some(CLUSTER_ID), "clusterID").unwrap_or_default();
    }
    completed.token_only |= is_set("tokenOnly");
    let options = &mut completed.credential_options;
    if options.roles.is_empty() {
        options.roles.extend(setting(Some(ROLE), "role"));
    }
    options.region = options.region.take().or_else(|| setting(None, "region"));
    options.external_id = options
        .external_id
        .take()
        .or_else(|| setting(None, "externalID"));
    options.session_name = options
        .session_name
        .take()
        .or_else(|| setting(None, "sessionName"));
    options.forward_session_name |= is_set("forwardSessionName");
    Ok(completed)
}

/// The settings at the top level of the file.
struct ConfigFile(BTreeMap<String, Value>);

fn read(path: &Path) -> Result<ConfigFile, Failure> {
    let what = format!("cannot read the configuration file {}", path.display());
    let bytes = bounded_read::file(path).map_err(|error| Failure::usage(&what).because(&error))?;
    serde_yaml::from_slice(&bytes)
        .map(ConfigFile)
        .map_err(|error| Failure::usage(&what).because(&error))
}

impl ConfigFile {
    /// Returns a setting. The authenticator ignores the letter case of its name.
    fn text(&self, key: &str) -> Option<String> {
        let (_, value) = self
            .0
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))?;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }
}
