use std::fmt::Write;

use serde::Serialize;

use super::plain::plain;
use crate::aws::eks::ClusterFacts;
use crate::cluster::version::ServerVersion;

/// The aws-iam-authenticator that the reader is held against.
const AUTHENTICATOR: &str = "0.7.10";

/// What is known of versions.
pub(crate) struct Versions<'a> {
    /// Ours.
    pub(crate) client: &'a str,
    /// What we run on.
    pub(crate) platform: String,
    /// The API server's, where one was asked.
    pub(crate) server: Option<&'a ServerVersion>,
    /// What EKS says of the cluster, where it was asked.
    pub(crate) eks: Option<&'a ClusterFacts>,
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

/// JSON on one line, in the shape that docs/json.md promises.
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

/// The same for people, a line for each.
pub(crate) fn version_text(versions: &Versions<'_>) -> String {
    let mut text = format!("awsauth {}\n", versions.client);
    if let Some(server) = versions.server {
        let (version, platform) = (plain(&server.git_version), plain(&server.platform));
        let _ = writeln!(text, "API server {version} on {platform}");
    }
    if let Some(facts) = versions.eks {
        let _ = write!(text, "EKS cluster {}", plain(&facts.name));
        if let Some(version) = &facts.version {
            let _ = write!(text, ", version {}", plain(version));
        }
        if let Some(platform) = &facts.platform_version {
            let _ = write!(text, ", platform {}", plain(platform));
        }
        if let Some(mode) = facts.authentication_mode {
            let _ = write!(text, ", authentication mode {}", mode.name());
        }
        text.push('\n');
    }
    text
}
