//! Selects cluster and credentials: kubectl's flags, or else `KUBECONFIG`, or else the pod's service account.
//!
//! This follows kubectl with one exception: what the user names explicitly is never replaced by the environment.
//!
//! <https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/>

use std::env;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use kube::Config;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster, Kubeconfig, KubeconfigError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use super::connect_error::ConnectError;
use super::connection_target::{Impersonated, Target};
use super::eks_name::EksName;
use super::environment::Environment;
use super::proxy::without_user_info;
use awsauth_core::endpoint_trust::{EndpointExceptions, Server};

/// The maximum size of a kubeconfig.
const MAX_KUBECONFIG: u64 = 16 << 20;

/// kubectl's flags for choosing a cluster and a user, and the exceptions that the user allows.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--kubeconfig`: this file and no other.
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig, if it has already been read, so that many connections read it only once.
    pub loaded: Option<Loaded>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`: a cluster entry of the kubeconfig, instead of the context's.
    pub cluster: Option<String>,
    /// `--user`: a user entry of the kubeconfig, instead of the context's.
    pub user: Option<String>,
    /// `--server`: the URL of the API server, instead of the cluster entry's.
    pub server: Option<String>,
    /// `--as`: the user to impersonate.
    pub impersonate: Option<String>,
    /// `--as-group`: the groups to impersonate.
    pub impersonate_groups: Vec<String>,
    /// `--as-uid`: the UID to impersonate.
    pub impersonate_uid: Option<String>,
    /// `--request-timeout`: how long one request may take.
    pub request_timeout: Option<Duration>,
    /// `--allow-endpoint` and `--allow-http-loopback`.
    pub exceptions: EndpointExceptions,
}

/// A kubeconfig that was read.
#[derive(Clone)]
pub struct Loaded(pub(super) Arc<Kubeconfig>);

impl Loaded {
    /// Returns the names of all contexts, in the kubeconfig's order.
    pub fn contexts(&self) -> impl Iterator<Item = &str> {
        self.0.contexts.iter().map(|named| named.name.as_str())
    }

    /// Returns the URL of a context's API server.
    pub fn server_url(&self, context: &str) -> Option<&str> {
        let contexts = &mut self.0.contexts.iter();
        let context = contexts.find(|named| named.name == context)?;
        let cluster = &context.context.as_ref()?.cluster;
        let clusters = &mut self.0.clusters.iter();
        let named = clusters.find(|named| named.name == *cluster)?;
        named.cluster.as_ref()?.server.as_deref()
    }
}

/// Prints no credentials.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.contexts()).finish()
    }
}

/// The selected cluster and credentials, ready to connect.
#[derive(Debug)]
pub struct Access {
    pub target: Target,
    pub config: Config,
    /// The kubeconfig's `proxy-url`.
    pub proxy_url: Option<String>,
    pub namespace: Option<String>,
    names_authorities: bool,
}

impl Access {
    /// Returns the server, and how connections to it are verified.
    pub fn server(&self) -> Server {
        let url = &self.config.cluster_url;
        let is_https = url.scheme_str() == Some("https");
        let host = url.host().unwrap_or_default();
        Server {
            is_https,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port_u16().unwrap_or(if is_https { 443 } else { 80 }),
            tls_server_name: self.config.tls_server_name.clone(),
            skips_verification: self.config.accept_invalid_certs,
            authorities: self.config.root_cert.clone(),
            names_authorities: self.names_authorities,
            has_kubeconfig_proxy: self.proxy_url.as_deref().is_some_and(|url| !url.is_empty()),
        }
    }

    /// Whether the user has credentials of any kind.
    pub fn has_credentials(&self) -> bool {
        let user = &self.config.auth_info;
        let has_certificate =
            user.client_certificate.is_some() || user.client_certificate_data.is_some();
        has_certificate || self.sends_credentials()
    }

    /// Whether the user's credentials are sent in requests, as opposed to client certificates.
    pub(crate) fn sends_credentials(&self) -> bool {
        let user = &self.config.auth_info;
        user.token.is_some()
            || user.token_file.is_some()
            || user.username.is_some()
            || user.exec.is_some()
            || user.auth_provider.is_some()
    }
}

/// Selects the cluster and the credentials. Reads files, runs no plugin and sends no request.
pub fn choose(flags: &Flags, environment: &Environment) -> Result<Access, ConnectError> {
    check_impersonation(flags)?;
    let kubeconfig = match &flags.loaded {
        Some(Loaded(loaded)) => Some(Arc::clone(loaded)),
        None => load(flags, environment)?.map(Arc::new),
    };
    let kubeconfig =
        kubeconfig.filter(|read| !read.contexts.is_empty() || !read.clusters.is_empty());
    let names_something = flags.kubeconfig.is_some()
        || flags.context.is_some()
        || flags.cluster.is_some()
        || flags.user.is_some()
        || flags.server.is_some();
    let mut access = match kubeconfig {
        None if !names_something && environment.is_pod() => in_cluster(environment)?,
        None if !names_something => return Err(ConnectError::NoCluster),
        kubeconfig => select(&kubeconfig.unwrap_or_default(), flags)?,
    };
    impersonate(flags, &mut access.config.auth_info);
    access.target.impersonated = impersonated(flags);
    Ok(access)
}

/// Returns access to the cluster at this endpoint, without a kubeconfig and without credentials. Flags that select
/// kubeconfig entries have no effect.
pub fn at(
    mut target: Target,
    certificate_authority_data: String,
    flags: &Flags,
) -> Result<Access, ConnectError> {
    check_impersonation(flags)?;
    let cluster = Cluster {
        server: Some(target.server.clone()),
        certificate_authority_data: Some(certificate_authority_data),
        ..Cluster::default()
    };
    let mut user = AuthInfo::default();
    impersonate(flags, &mut user);
    target.impersonated = impersonated(flags);
    with_cluster(target, cluster, user)
}

fn check_impersonation(flags: &Flags) -> Result<(), ConnectError> {
    let needs_user = flags.impersonate_uid.is_some() || !flags.impersonate_groups.is_empty();
    if flags.impersonate.is_none() && needs_user {
        return Err(ConnectError::ImpersonatedUserMissing);
    }
    Ok(())
}

fn impersonated(flags: &Flags) -> Option<Impersonated> {
    Some(Impersonated {
        username: flags.impersonate.clone()?,
        groups: flags.impersonate_groups.clone(),
    })
}

fn impersonate(flags: &Flags, user: &mut AuthInfo) {
    if flags.impersonate.is_some() {
        user.impersonate = flags.impersonate.clone();
        user.impersonate_groups = Some(flags.impersonate_groups.clone());
        user.impersonate_uid = flags.impersonate_uid.clone();
    }
}

/// Reads the kubeconfig, which must have a context.
pub fn read_once(flags: &Flags, environment: &Environment) -> Result<Loaded, ConnectError> {
    let kubeconfig = load(flags, environment)?.filter(|read| !read.contexts.is_empty());
    let kubeconfig = kubeconfig.ok_or(ConnectError::NoCluster)?;
    Ok(Loaded(Arc::new(kubeconfig)))
}

/// Reads the kubeconfig; `None` if there is none.
fn load(flags: &Flags, environment: &Environment) -> Result<Option<Kubeconfig>, ConnectError> {
    if let Some(path) = &flags.kubeconfig {
        return read(path).map(Some);
    }
    let Some(list) = &environment.kubeconfig else {
        let default = environment
            .home
            .as_ref()
            .map(|home| home.join(".kube").join("config"));
        return default
            .filter(|path| path.exists())
            .map(|path| read(&path))
            .transpose();
    };
    let named: Vec<PathBuf> = env::split_paths(list)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    // Like kubectl, this skips files of the list that do not exist. If none exists, the first is reported as missing.
    let existing: Vec<&PathBuf> = named.iter().filter(|path| path.exists()).collect();
    if let (true, Some(first)) = (existing.is_empty(), named.first()) {
        return read(first).map(Some);
    }
    existing
        .into_iter()
        .try_fold(None, |merged: Option<Kubeconfig>, path| {
            let next = read(path)?;
            let Some(merged) = merged else {
                return Ok(Some(next));
            };
            merged
                .merge(next)
                .map(Some)
                .map_err(|source| ConnectError::KubeconfigsDiffer { source })
        })
}

/// Returns the files of `KUBECONFIG`, if they are merged, without those that cannot be read.
pub(super) fn files(flags: &Flags, environment: &Environment) -> Vec<(PathBuf, Kubeconfig)> {
    let list = environment.kubeconfig.as_ref();
    let list = list.filter(|_| flags.kubeconfig.is_none());
    let paths = list.into_iter().flat_map(env::split_paths);
    let paths = paths.filter(|path| path.exists());
    paths
        .filter_map(|path| Some((path.clone(), read(&path).ok()?)))
        .collect()
}

/// Reads a file up to a limit: a device or a pipe may have no end.
fn read_bounded(path: &Path) -> Result<Kubeconfig, KubeconfigError> {
    let cannot_read = |source| KubeconfigError::ReadConfig(source, path.to_owned());
    let file = File::open(path).map_err(cannot_read)?;
    let metadata = file.metadata().map_err(cannot_read)?;
    let too_large = || {
        let limit = format!("it has more than {} MiB", MAX_KUBECONFIG >> 20);
        cannot_read(io::Error::new(io::ErrorKind::FileTooLarge, limit))
    };
    if metadata.is_file() {
        return match metadata.len() > MAX_KUBECONFIG {
            true => Err(too_large()),
            false => Kubeconfig::read_from(path),
        };
    }
    let mut text = Vec::new();
    let mut bounded = file.take(MAX_KUBECONFIG + 1);
    bounded.read_to_end(&mut text).map_err(cannot_read)?;
    if text.len() as u64 > MAX_KUBECONFIG {
        return Err(too_large());
    }
    let text = String::from_utf8(text)
        .map_err(|error| cannot_read(io::Error::other(error.utf8_error())))?;
    Kubeconfig::from_yaml(&text)
}

fn read(path: &Path) -> Result<Kubeconfig, ConnectError> {
    let mut read = read_bounded(path).map_err(|error| match error {
        KubeconfigError::ReadConfig(source, path) => ConnectError::File {
            what: "the kubeconfig",
            path,
            source,
        },
        // The parser's message quotes the surrounding lines, which may contain a token.
        KubeconfigError::Parse(error) => ConnectError::NotAKubeconfig {
            path: path.to_owned(),
            line: error
                .location()
                .map(|place| place.line())
                .filter(|line| *line > 0),
        },
        source => ConnectError::KubeconfigsDiffer { source },
    })?;
    // Otherwise an empty name would hide the name of a later file.
    read.current_context = read.current_context.filter(|name| !name.is_empty());
    Ok(read)
}

fn select(kubeconfig: &Kubeconfig, flags: &Flags) -> Result<Access, ConnectError> {
    let context_name = flags
        .context
        .as_ref()
        .or(kubeconfig.current_context.as_ref());
    let context = match context_name {
        None => None,
        Some(name) => {
            let named = kubeconfig.contexts.iter().find(|named| named.name == *name);
            let context = named.and_then(|named| named.context.as_ref());
            Some(context.ok_or_else(|| ConnectError::NotInKubeconfig {
                what: "context",
                name: name.clone(),
            })?)
        }
    };
    let cluster_name = flags
        .cluster
        .as_ref()
        .or(context.map(|context| &context.cluster));
    let mut cluster = match cluster_name {
        None if flags.server.is_some() => Cluster::default(),
        None => return Err(ConnectError::NoCurrentContext),
        Some(name) => {
            let named = kubeconfig.clusters.iter().find(|named| named.name == *name);
            let cluster = named.and_then(|named| named.cluster.clone());
            cluster.ok_or_else(|| ConnectError::NotInKubeconfig {
                what: "cluster",
                name: name.clone(),
            })?
        }
    };
    if let Some(server) = &flags.server {
        cluster.server = Some(server.clone());
    }
    let user_name = flags
        .user
        .as_ref()
        .or(context.and_then(|context| context.user.as_ref()));
    let user_name = user_name.filter(|name| !name.is_empty());
    let user = match user_name {
        None => AuthInfo::default(),
        Some(name) => {
            let named = kubeconfig
                .auth_infos
                .iter()
                .find(|named| named.name == *name);
            let user = named.and_then(|named| named.auth_info.clone());
            user.ok_or_else(|| ConnectError::NoSuchUser {
                name: name.clone(),
                context: context_name.cloned(),
                users: users(kubeconfig, cluster_name),
            })?
        }
    };
    let server = cluster.server.clone().unwrap_or_default();
    let target = Target {
        context: context_name.cloned(),
        cluster: cluster_name.cloned(),
        user: user_name.cloned(),
        server,
        // A token takes precedence over the plugin.
        signed_for: user
            .exec
            .as_ref()
            .filter(|_| user.token.is_none() && user.token_file.is_none())
            .and_then(EksName::of_plugin),
        ..Target::default()
    };
    let namespace = context.and_then(|context| context.namespace.clone());
    Ok(Access {
        namespace: namespace.filter(|namespace| !namespace.is_empty()),
        ..with_cluster(target, cluster, user)?
    })
}

/// Returns the names of the users; first the one that has the name of the cluster, as the AWS CLI writes it.
fn users(kubeconfig: &Kubeconfig, cluster: Option<&String>) -> Vec<String> {
    let users = kubeconfig.auth_infos.iter();
    let mut names: Vec<String> = users.map(|named| named.name.clone()).collect();
    names.sort_by_key(|name| Some(name) != cluster);
    names
}

fn with_cluster(
    mut target: Target,
    cluster: Cluster,
    mut user: AuthInfo,
) -> Result<Access, ConnectError> {
    // API servers do not use them, and messages would show them.
    target.server = without_user_info(&target.server);
    let mut config = Config::new(url(&target.server)?);
    let plugin_cluster = ExecAuthCluster::try_from(&cluster).map_err(ConnectError::of_data)?;
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.root_cert = match &plugin_cluster.certificate_authority_data {
        // If no certificate is checked, an empty list avoids loading the system's.
        _ if config.accept_invalid_certs || config.cluster_url.scheme_str() == Some("http") => {
            Some(Vec::new())
        }
        Some(pem) => Some(certificates(pem)?),
        None => None,
    };
    let names_authorities = plugin_cluster.certificate_authority_data.is_some();
    config.tls_server_name = cluster
        .tls_server_name
        .clone()
        .filter(|name| !name.is_empty());
    if let Some(exec) = user.exec.as_mut().filter(|exec| exec.provide_cluster_info) {
        exec.cluster = Some(plugin_cluster);
    }
    config.auth_info = user;
    target.certificate_digest = certificate_digest(&config);
    Ok(Access {
        target,
        config,
        proxy_url: cluster.proxy_url,
        namespace: None,
        names_authorities,
    })
}

/// Returns what identifies the cluster by its server's certificate and path; `None` if none is verified.
fn certificate_digest(config: &Config) -> Option<String> {
    if config.accept_invalid_certs || config.cluster_url.scheme_str() != Some("https") {
        return None;
    }
    let name = config.tls_server_name.as_deref();
    let name = name.or(config.cluster_url.host()).unwrap_or_default();
    let authorities = config.root_cert.iter().flatten();
    // Clusters behind one proxy have its certificate, and paths of their own.
    let path = config.cluster_url.path().trim_end_matches('/');
    let named = Sha256::new_with_prefix(name).chain_update(path);
    let digest = authorities.fold(named, |digest, authority| {
        digest.chain_update(Sha256::digest(authority))
    });
    Some(hex::encode(digest.finalize()))
}

/// Returns access to the pod's own cluster with its service account.
fn in_cluster(environment: &Environment) -> Result<Access, ConnectError> {
    let host = environment.service_host.clone().unwrap_or_default();
    let port = environment.service_port.clone().unwrap_or_default();
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host
    };
    let server = if port == "443" {
        format!("https://{host}")
    } else {
        format!("https://{host}:{port}")
    };
    let path = |name: &str| {
        environment
            .service_account
            .join(name)
            .to_string_lossy()
            .into_owned()
    };
    let cluster = Cluster {
        server: Some(server.clone()),
        certificate_authority: Some(path("ca.crt")),
        ..Cluster::default()
    };
    let user = AuthInfo {
        token_file: Some(path("token")),
        ..AuthInfo::default()
    };
    with_cluster(
        Target {
            server,
            ..Target::default()
        },
        cluster,
        user,
    )
}

fn url(server: &str) -> Result<Uri, ConnectError> {
    let invalid = || ConnectError::NotAServer {
        server: server.to_owned(),
    };
    // Other characters do not occur in the URL of an API server, and have a meaning for shells.
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]%".contains(c);
    if !server.chars().all(fits) {
        return Err(invalid());
    }
    let uri: Uri = server.parse().map_err(|_| invalid())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err(invalid()),
    }
}

pub(super) fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, ConnectError> {
    let unusable = || ConnectError::Data {
        what: "certificate-authority-data",
        problem: "holds no PEM certificate",
    };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem)
        .map(|read| read.map(|der| der.to_vec()))
        .collect();
    read.ok()
        .filter(|list| !list.is_empty())
        .ok_or_else(unusable)
}
