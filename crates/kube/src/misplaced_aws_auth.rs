//! ConfigMaps that were probably intended to be aws-auth.

use std::time::Duration;

use k8s_openapi::List;
use k8s_openapi::api::core::v1::ConfigMap;
use tokio::time::Instant;

use super::api_client::ApiClient;
use super::{NAME, NAMESPACE};

/// The maximum number of ConfigMaps in kube-system to compare.
const MAX_CONFIG_MAPS: u32 = 200;

/// Returns the namespaces and names of ConfigMaps with entries: those named aws-auth in other namespaces, and those with
/// another name in kube-system. Returns none if the user may not list them.
pub async fn misplaced_aws_auth(client: &ApiClient, time_limit: Duration) -> Vec<(String, String)> {
    let deadline = Instant::now() + time_limit;
    let paths = [
        format!("/api/v1/configmaps?fieldSelector=metadata.name%3D{NAME}"),
        format!("/api/v1/namespaces/{NAMESPACE}/configmaps?limit={MAX_CONFIG_MAPS}"),
    ];
    let mut found = Vec::new();
    for path in paths {
        let Ok(list) = client.get::<List<ConfigMap>>(&path, deadline).await else {
            continue;
        };
        let with_entries = list.items.into_iter().filter(has_entries);
        found.extend(
            with_entries.filter_map(|it| Some((it.metadata.namespace?, it.metadata.name?))),
        );
    }
    found
}

fn has_entries(config_map: &ConfigMap) -> bool {
    let data = config_map.data.as_ref();
    data.is_some_and(|data| {
        ["mapRoles", "mapUsers"]
            .iter()
            .any(|key| data.contains_key(*key))
    })
}
