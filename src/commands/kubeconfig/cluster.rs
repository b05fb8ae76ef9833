use http::Uri;

use crate::aws::Surroundings;
use crate::aws::credentials::Wish;
use crate::aws::eks::ClusterFacts;
use crate::edge::Failure;
use crate::facts::partitions::Partition;

/// A cluster, and where it is.
#[derive(Debug)]
pub(super) struct Found {
    /// What it is called in a kubeconfig: its ARN, or its name where nobody said that.
    pub(super) name: String,
    pub(super) endpoint: String,
    pub(super) certificate_authority_data: Option<String>,
    pub(super) region: Option<String>,
    /// What its tokens are made for.
    pub(super) token_id: String,
}

impl From<ClusterFacts> for Found {
    fn from(facts: ClusterFacts) -> Self {
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
    /// The cluster at this endpoint.
    pub(super) fn given(
        name: &str,
        endpoint: &str,
        certificate_authority_data: Option<String>,
        wish: &Wish,
        surroundings: &Surroundings,
    ) -> Result<Self, Failure> {
        let uri: Option<Uri> = endpoint.parse().ok();
        let host = uri
            .as_ref()
            .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
            .and_then(Uri::host);
        let Some(host) = host else {
            return Err(Failure::usage(format!(
                "cannot use --endpoint {endpoint}: it is no URL of an API server"
            ))
            .hint("give it as --endpoint https://HOST[:PORT]"));
        };
        let named = wish.region.as_deref();
        let of_host = host
            .split('.')
            .find(|label| Partition::naming(label).is_some());
        let region = named
            .or(of_host)
            .or_else(|| surroundings.get("AWS_REGION"))
            .or_else(|| surroundings.get("AWS_DEFAULT_REGION"));
        Ok(Self {
            name: name.to_owned(),
            endpoint: endpoint.to_owned(),
            certificate_authority_data,
            region: region.map(str::to_owned),
            token_id: name.to_owned(),
        })
    }
}
