//! The process that runs the cluster.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::cluster::Cluster;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::go_programs::Binary;
use crate::support::moto::Moto;
use crate::support::simulated_aws::{REGION, trusts_service};
use crate::support::simulated_eks_api::EksService;

/// Runs the cluster until standard input ends.
pub(crate) const RUN: &str = "--run-cluster";

/// Runs the cluster until the process is killed.
pub(crate) const RUN_AND_KEEP: &str = "--run-and-keep-cluster";

pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/mytestrole";
pub(crate) const NODE_ROLE: &str = "arn:aws:iam::111122223333:role/eksctl-k8s-cluster-nodegroup-ng-1-NodeInstanceRole-1FI6JXPS9MDWK";
pub(crate) const INSTANCE: &str = "i-0123456789abcdef0";
pub(crate) const ENGINEER: &str = "arn:aws:iam::111122223333:role/platform/ops";
const ENGINEER_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ops/ann";

/// How the session reaches the cluster.
#[derive(Deserialize, Serialize)]
pub(crate) struct ClusterAccess {
    pub(crate) pid: u32,
    /// The kubeconfig of the cluster's creator.
    pub(crate) kubeconfig: PathBuf,
    /// A shell script that sets the creator's environment variables.
    pub(crate) creator: PathBuf,
    /// A shell script that sets the instance's environment variables.
    pub(crate) instance: PathBuf,
    /// A shell script that sets the engineer's environment variables.
    pub(crate) engineer: PathBuf,
}

/// The AWS services that the engineer uses. They end when they are dropped.
struct Services {
    eks: EksService,
    moto: Moto,
}

pub(crate) fn run(keep: bool) -> Result<(), String> {
    // Print only the message of a panic, not its place in the code.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{}", panic.payload_as_str().unwrap_or("a bug in the demo"));
    }));
    let cluster = Cluster::start_eks_with_access_entries();
    let cannot = |e: std::io::Error| format!("cannot prepare the cluster: {e}");
    let services = Services::start(&cluster).map_err(cannot)?;
    let access = prepare(&cluster, &services).map_err(cannot)?;
    println!("{}", json!(access));
    let _ = std::io::stdout().flush();
    if keep {
        loop {
            std::thread::park();
        }
    }
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    Ok(())
}

/// Creates the aws-auth that eksctl would create, and an EC2 instance with a role.
fn prepare(cluster: &Cluster, services: &Services) -> std::io::Result<ClusterAccess> {
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
    Ok(ClusterAccess {
        pid: std::process::id(),
        kubeconfig: cluster.kubeconfig(),
        creator: script(&folder.join("creator.env"), &creator)?,
        instance: script(&folder.join("instance.env"), &instance)?,
        engineer: services.engineer(cluster)?,
    })
}

impl Services {
    /// Starts EKS, with the cluster in mode CONFIG_MAP, and IAM, EC2 and Auto Scaling.
    fn start(cluster: &Cluster) -> std::io::Result<Self> {
        let name = eks::NAME;
        let ca = BASE64_STANDARD.encode(fs::read(cluster.ca())?);
        let node_entry = json!({
            "principalArn": NODE_ROLE, "type": "EC2_LINUX", "username": "system:node:{{EC2PrivateDNSName}}",
            "kubernetesGroups": ["system:nodes"], "policies": [],
        });
        let state = json!({
            "clusters": {name: {
                "arn": format!("arn:aws:eks:{REGION}:111122223333:cluster/{name}"),
                "status": "ACTIVE",
                "version": "1.33",
                "platformVersion": "eks.7",
                "endpoint": cluster.server_url(),
                "certificateAuthority": {"data": ca},
                "accessConfig": {"authenticationMode": "CONFIG_MAP"},
            }},
            // The AWS stand-in issues the keys.
            "strangers": true,
            "update": {"polls": 1, "settles": 1},
            "nodegroups": {name: [{
                "nodegroupName": "ng-1", "nodeRole": NODE_ROLE, "amiType": "AL2023_x86_64_STANDARD", "status": "ACTIVE",
            }]},
            "made_by_update": {name: [node_entry]},
        });
        let trust = trusts_service("ec2.amazonaws.com");
        let node_role = NODE_ROLE.rsplit('/').next().unwrap_or_default();
        let roles = json!({"platform/ops": trust, node_role: trust});
        let iam = json!({"account": "111122223333", "roles": roles});
        Ok(Self {
            eks: EksService::start_in(cluster.eks_state(), &state),
            moto: Moto::start(&[&iam.to_string()]),
        })
    }

    /// Writes the environment of the engineer, who has no kubeconfig.
    fn engineer(&self, cluster: &Cluster) -> std::io::Result<PathBuf> {
        let aws = cluster.aws();
        let session = aws.sessions(&[ENGINEER_SESSION]).remove(0);
        let environment = ["IAM", "EC2", "AUTO_SCALING"].iter().fold(
            self.eks.under(aws.environment()),
            |environment, service| {
                environment.with(&format!("AWS_ENDPOINT_URL_{service}"), self.moto.url())
            },
        );
        let environment = environment
            .with_credentials(&session)
            .with("KUBECONFIG", "")
            .with("PATH", &path(cluster.kubectl_path())?);
        script(&cluster.folder().join("engineer.env"), &environment)
    }
}

/// Returns the instance's kubeconfig, with awsauth as the exec plugin.
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

/// Returns a PATH that finds awsauth, kubectl and the authenticator first.
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
