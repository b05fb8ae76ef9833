//! The user that the API server authenticates for a token.

use http::Request;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::support::cluster::Cluster;

/// The result of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// The response was 401.
    Unauthorized,
    User {
        name: String,
        /// The groups in order, without `system:authenticated`.
        groups: Vec<String>,
    },
}

impl Who {
    pub(crate) fn user(name: &str, groups: &[&str]) -> Self {
        Self::User {
            name: name.to_owned(),
            groups: groups.iter().map(ToString::to_string).collect(),
        }
    }

    /// Reads `userInfo` of a SelfSubjectReview.
    pub(crate) fn of(user_info: &Value) -> Self {
        let groups = user_info["groups"].as_array().into_iter().flatten();
        Self::User {
            name: user_info["username"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            groups: groups
                .map(|group| group.as_str().unwrap().to_owned())
                .filter(|group| group != "system:authenticated")
                .collect(),
        }
    }
}

/// A client without credentials of its own.
pub(crate) struct Reviewer {
    runtime: Runtime,
    client: Client,
}

impl Reviewer {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let kubeconfig = json!({
            "clusters": [{"name": "test", "cluster": {"server": cluster.server_url(), "certificate-authority": cluster.ca()}}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "nobody"}}],
            "current-context": "test",
        });
        let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig).unwrap();
        let client = runtime.block_on(async {
            let options = KubeConfigOptions::default();
            let config = Config::from_custom_kubeconfig(kubeconfig, &options);
            Client::try_from(config.await.unwrap()).unwrap()
        });
        Self { runtime, client }
    }

    /// Sends a SelfSubjectReview with this token.
    pub(crate) fn who(&self, token: &str) -> Who {
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let request = Request::post("/apis/authentication.k8s.io/v1/selfsubjectreviews")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(review.to_string().into_bytes())
            .unwrap();
        match self.runtime.block_on(self.client.request::<Value>(request)) {
            Ok(answer) => Who::of(&answer["status"]["userInfo"]),
            Err(kube::Error::Api(status)) if status.code == 401 => Who::Unauthorized,
            Err(error) => panic!("{error}"),
        }
    }
}
