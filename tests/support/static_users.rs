//! The users of a test cluster with static tokens, and their kubeconfigs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::secrets;

/// A user that the API server authenticates by a static bearer token.
#[derive(Clone, Copy)]
pub(crate) struct StaticUser {
    /// Letters, digits and dashes. Also the name of the kubeconfig.
    pub(crate) name: &'static str,
    pub(crate) groups: &'static [&'static str],
}

/// The cluster's creator, with all permissions.
pub(crate) const ADMIN: StaticUser = StaticUser {
    name: "admin",
    groups: &["system:masters"],
};

impl StaticUser {
    pub(crate) fn token(&self) -> String {
        format!("{}-token", self.name)
    }
}

/// Returns the path of the kubeconfig that [`write`] creates for the user `name`.
pub(crate) fn kubeconfig(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.kubeconfig"))
}

/// Writes a kubeconfig for each user, and the token file of kube-apiserver. Returns the path of the token file.
pub(crate) fn write(
    folder: &Path,
    users: &[StaticUser],
    server_url: &str,
    ca: &Path,
) -> io::Result<PathBuf> {
    let mut tokens = String::new();
    for user in users {
        let (name, token) = (user.name, user.token());
        secrets::know(&token);
        tokens += &format!("{token},{name},{name},\"{}\"\n", user.groups.join(","));
        let content = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": server_url, "certificate-authority": ca}}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": "test", "user": name}}],
            "current-context": name,
        });
        fs::write(kubeconfig(folder, name), format!("{content:#}\n"))?;
    }
    let list = folder.join("tokens.csv");
    fs::write(&list, tokens)?;
    Ok(list)
}
