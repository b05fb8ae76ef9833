//! Versions.

use std::fmt::Write;

use serde::Serialize;

use awsauth_aws::eks::ClusterDescription;
use awsauth_core::escape::one_line;
use awsauth_kube::server_version::ServerVersion;

/// The version of aws-iam-authenticator whose parsing awsauth reproduces.
const AUTHENTICATOR: &str = "0.7.10";

/// The known versions.
pub(crate) struct Versions<'a> {
    /// The version of awsauth.
    pub(crate) client: &'a str,
    /// The platform of awsauth.
    pub(crate) platform: String,
    /// The version of the API server, if it was requested.
    pub(crate) server: Option<&'a ServerVersion>,
    /// EKS's description of the cluster, if it was requested.
    pub(crate) eks: Option<&'a ClusterDescription>,
}

#[derive(Serialize)]
struct VersionData<'a> {
    version: &'a str,
    client: ClientData<'a>,
    server: Option<ServerData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eks: Option<EksData<'a>>,
}

#[derive(Serialize)]
struct ClientData<'a> {
    version: &'a str,
    platform: &'a str,
    authenticator: &'a str,
}

#[derive(Serialize)]
struct ServerData<'a> {
    version: &'a str,
    platform: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EksData<'a> {
    name: &'a str,
    arn: &'a str,
    version: Option<&'a str>,
    platform_version: Option<&'a str>,
    authentication_mode: Option<&'a str>,
}

/// Formats the versions as the JSON that docs/json.md documents, on one line.
pub(crate) fn version_json(versions: &Versions<'_>) -> Result<String, serde_json::Error> {
    let data = VersionData {
        version: versions.client,
        client: ClientData {
            version: versions.client,
            platform: &versions.platform,
            authenticator: AUTHENTICATOR,
        },
        server: versions.server.map(|server| ServerData {
            version: &server.git_version,
            platform: &server.platform,
        }),
        eks: versions.eks.map(|facts| EksData {
            name: &facts.name,
            arn: &facts.arn,
            version: facts.version.as_deref(),
            platform_version: facts.platform_version.as_deref(),
            authentication_mode: facts.authentication_mode.map(|mode| mode.name()),
        }),
    };
    serde_json::to_string(&data).map(|text| text + "\n")
}

/// Formats the versions as text, one per line.
pub(crate) fn version_text(versions: &Versions<'_>) -> String {
    let mut text = format!("awsauth {}\n", versions.client);
    if let Some(server) = versions.server {
        let (version, platform) = (one_line(&server.git_version), one_line(&server.platform));
        let _ = writeln!(text, "API server {version} on {platform}");
    }
    if let Some(facts) = versions.eks {
        let _ = write!(text, "EKS cluster {}", one_line(&facts.name));
        if let Some(version) = &facts.version {
            let _ = write!(text, ", version {}", one_line(version));
        }
        if let Some(platform) = &facts.platform_version {
            let _ = write!(text, ", platform {}", one_line(platform));
        }
        if let Some(mode) = facts.authentication_mode {
            let _ = write!(text, ", authentication mode {}", mode.name());
        }
        text.push('\n');
    }
    text
}
