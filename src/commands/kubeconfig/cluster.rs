//! The cluster of the entries to write.

use http::Uri;

use crate::terminal::Failure;
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::CredentialOptions;
use awsauth_aws::eks::ClusterDescription;
use awsauth_core::facts::partitions::Partition;

/// A cluster and its endpoint.
#[derive(Debug)]
pub(super) struct Found {
    /// The name in a kubeconfig: the ARN or, if that is unknown, the cluster's name.
    pub(super) name: String,
    pub(super) endpoint: String,
    pub(super) certificate_authority_data: Option<String>,
    pub(super) region: Option<String>,
    /// The cluster id that tokens are signed for.
    pub(super) token_id: String,
}

impl From<ClusterDescription> for Found {
    fn from(facts: ClusterDescription) -> Self {
        Self {
            region: Some(facts.region().to_owned()),
            name: facts.arn,
            endpoint: facts.endpoint,
            certificate_authority_data: Some(facts.certificate_authority_data),
            token_id: facts.token_id,
        }
    }
}

impl Found {
    /// Returns the cluster at this endpoint.
    pub(super) fn given(
        name: &str,
        endpoint: &str,
        certificate_authority_data: Option<String>,
        credential_options: &CredentialOptions,
        aws_environment: &AwsEnvironment,
    ) -> Result<Self, Failure> {
        let uri: Option<Uri> = endpoint.parse().ok();
        let host = uri
            .as_ref()
            .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
            .and_then(Uri::host);
        let Some(host) = host else {
            return Err(Failure::usage(format!(
                "cannot use --endpoint {endpoint}: it is not the URL of an API server"
            ))
            .hint("give it as --endpoint https://HOST[:PORT]"));
        };
        let named = credential_options.region.as_deref();
        let of_host = host
            .split('.')
            .find(|label| Partition::naming(label).is_some());
        let region = named
            .or(of_host)
            .or_else(|| aws_environment.get("AWS_REGION"))
            .or_else(|| aws_environment.get("AWS_DEFAULT_REGION"));
        Ok(Self {
            name: name.to_owned(),
            endpoint: endpoint.to_owned(),
            certificate_authority_data,
            region: region.map(str::to_owned),
            token_id: name.to_owned(),
        })
    }
}
