//! The process that holds the cluster.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::aws::trusts_service;
use crate::support::cluster::Cluster;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::toolchain::Binary;

/// Holds the cluster until standard input ends.
pub(crate) const HOLD: &str = "--hold";

/// Holds it until the process is killed.
pub(crate) const HOLD_ON: &str = "--hold-on";

pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/mytestrole";
pub(crate) const NODE_ROLE: &str = "arn:aws:iam::111122223333:role/eksctl-k8s-cluster-nodegroup-ng-1-NodeInstanceRole-1FI6JXPS9MDWK";
pub(crate) const INSTANCE: &str = "i-0123456789abcdef0";

/// What the teller needs to know.
#[derive(Deserialize, Serialize)]
pub(crate) struct Held {
    pub(crate) pid: u32,
    /// The creator's.
    pub(crate) kubeconfig: PathBuf,
    /// Shell scripts that set the variables of the two places where the story happens.
    pub(crate) creator: PathBuf,
    pub(crate) instance: PathBuf,
}

pub(crate) fn hold(on: bool) -> Result<(), String> {
    // The reason alone: a newcomer has no use for where in our code it came up.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{}", panic.payload_as_str().unwrap_or("a bug in the demo"));
    }));
    let cluster = Cluster::start_eks(&[]);
    let held = set(&cluster).map_err(|e| format!("cannot set the stage: {e}"))?;
    println!("{}", json!(held));
    let _ = std::io::stdout().flush();
    if on {
        loop {
            std::thread::park();
        }
    }
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    Ok(())
}

/// A cluster as eksctl leaves it, and an instance with a role beside it.
fn set(cluster: &Cluster) -> std::io::Result<Held> {
    let aws = cluster.aws();
    aws.role(ROLE, &[trusts_service("ec2.amazonaws.com")]);
    let metadata = aws.instance(&json!({
        "id": INSTANCE,
        "privateDnsName": "ip-10-0-0-1.ec2.internal",
        "metadata": "v2",
        "profile": "mytestrole",
        "role": ROLE,
    }));
    let manifest = include_str!("../aws-auth.yaml");
    cluster.kubectl_fed(&["create", "-f", "-"], manifest);

    let folder = cluster.folder();
    let kubeconfig = folder.join("instance.kubeconfig");
    fs::write(&kubeconfig, kubeconfig_of_instance(cluster))?;
    let path = path(cluster.kubectl_path())?;
    let creator = Environment::new(folder)
        .with("PATH", &path)
        .with("KUBECONFIG", &cluster.kubeconfig().display().to_string());
    let instance = aws
        .environment()
        .on_instance(&metadata)
        .with("PATH", &path)
        .with("KUBECONFIG", &kubeconfig.display().to_string());
    Ok(Held {
        pid: std::process::id(),
        kubeconfig: cluster.kubeconfig(),
        creator: script(&folder.join("creator.env"), &creator)?,
        instance: script(&folder.join("instance.env"), &instance)?,
    })
}

/// What the instance's users need: where the cluster is, and who makes their tokens.
fn kubeconfig_of_instance(cluster: &Cluster) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: {name}
contexts:
- name: {name}
  context: {{cluster: {name}, user: mytestrole}}
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority: {ca}
users:
- name: mytestrole
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: awsauth
      args: [token, --cluster-name, {name}]
      interactiveMode: Never
",
        name = eks::NAME,
        server = cluster.server_url(),
        ca = cluster.ca().display(),
    )
}

/// Where the programs of the story are found, before all others.
fn path(kubectl: &Path) -> std::io::Result<String> {
    let example = std::env::current_exe()?;
    // target/debug/examples/demo
    let built = example.parent().and_then(Path::parent);
    let authenticator = Binary::Authenticator.path();
    let folders = [built, kubectl.parent(), authenticator.parent()];
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let inherited = std::env::split_paths(&inherited);
    let all = folders
        .into_iter()
        .flatten()
        .map(PathBuf::from)
        .chain(inherited);
    let joined = std::env::join_paths(all).map_err(std::io::Error::other)?;
    Ok(joined.to_string_lossy().into_owned())
}

fn script(path: &Path, environment: &Environment) -> std::io::Result<PathBuf> {
    let lines = environment
        .variables()
        .map(|(name, value)| format!("export {name}='{}'\n", value.replace('\'', r"'\''")));
    fs::write(path, lines.collect::<String>())?;
    Ok(path.to_owned())
}
