//! The EKS name and region of a kubeconfig entry's cluster.

use std::path::Path;

use http::Uri;
use kube::config::ExecConfig;

use super::connection_target::Target;

/// The token programs whose flag `-i` is the cluster's name.
const SIGNERS: [&str; 4] = [
    "aws-iam-authenticator",
    "heptio-authenticator-aws",
    "awsauth",
    "kubectl-awsauth",
];

/// An EKS cluster's name and region, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EksName {
    /// The name or id that tokens are signed for.
    pub name: Option<String>,
    pub region: Option<String>,
    /// The AWS account.
    pub account: Option<String>,
}

impl EksName {
    /// Returns the cluster name in a credential plugin's arguments.
    pub(super) fn of_plugin(exec: &ExecConfig) -> Option<String> {
        plugin(exec).name
    }

    /// Reads name and region from the arguments of the credential plugin, or else from entry names in the format of
    /// `aws eks update-kubeconfig` and eksctl, or else from the server's address.
    pub(super) fn of(exec: Option<&ExecConfig>, target: &Target) -> Self {
        let plugin = exec.map(plugin).unwrap_or_default();
        let names = [target.cluster.as_deref(), target.context.as_deref()];
        let entries: Vec<Self> = names.into_iter().flatten().map(of_entry).collect();
        let first = |field: fn(&Self) -> Option<&String>| {
            let all = std::iter::once(&plugin).chain(&entries);
            all.filter_map(field).next().cloned()
        };
        Self {
            name: first(|known| known.name.as_ref()),
            region: first(|known| known.region.as_ref()).or_else(|| region_of(&target.server)),
            account: first(|known| known.account.as_ref()),
        }
    }
}

fn plugin(exec: &ExecConfig) -> EksName {
    let command = exec.command.as_deref().map(Path::new);
    let command = command.and_then(Path::file_stem);
    let is_signer = command.is_some_and(|command| SIGNERS.iter().any(|signer| command == *signer));
    let value = |names: &[&str]| argument(exec, names);
    let variable = |name: &str| {
        let variables = exec.env.iter().flatten();
        let mut named = variables.filter(|pair| pair.get("name").is_some_and(|it| it == name));
        let value = named.next_back()?.get("value")?;
        Some(value.clone()).filter(|value| !value.is_empty())
    };
    EksName {
        name: value(&["--cluster-name"])
            .or_else(|| value(&["--cluster-id", "-i"]).filter(|_| is_signer)),
        region: value(&["--region"])
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION")),
        account: None,
    }
}

/// Returns the value of the plugin's first argument that is one of these flags.
pub(super) fn argument(exec: &ExecConfig, names: &[&str]) -> Option<String> {
    let arguments = exec.args.as_deref().unwrap_or_default();
    arguments.iter().enumerate().find_map(|(at, argument)| {
        let (flag, value) = match argument.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (argument.as_str(), arguments.get(at + 1).map(String::as_str)),
        };
        let value = value.filter(|value| !value.is_empty());
        names.contains(&flag).then_some(value?).map(str::to_owned)
    })
}

/// Parses the ARN that `aws eks update-kubeconfig` uses as an entry's name, or eksctl's `NAME.REGION.eksctl.io`, which
/// in a context follows a user's name and `@`.
fn of_entry(entry: &str) -> EksName {
    let parts: Vec<&str> = entry.splitn(6, ':').collect();
    if let ["arn", _, "eks", region, account, resource] = parts[..] {
        return EksName {
            name: resource.strip_prefix("cluster/").map(str::to_owned),
            region: Some(region.to_owned()),
            account: Some(account.to_owned()),
        };
    }
    let entry = entry.rsplit('@').next().unwrap_or(entry);
    let stem = entry.strip_suffix(".eksctl.io");
    match stem.and_then(|stem| stem.rsplit_once('.')) {
        Some((name, region)) => EksName {
            name: Some(name.to_owned()),
            region: Some(region.to_owned()),
            account: None,
        },
        None => EksName::default(),
    }
}

/// Reads the region from an address such as `https://ID.gr7.REGION.eks.amazonaws.com` or `https://ID.REGION.api.aws`.
fn region_of(server: &str) -> Option<String> {
    let server: Uri = server.parse().ok()?;
    let host = server.host()?.to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let is_aws = labels
        .iter()
        .any(|label| label.starts_with("amazonaws") || *label == "aws");
    let at = labels
        .iter()
        .position(|label| ["eks", "api"].contains(label))?;
    let region = labels.get(at.checked_sub(1)?)?;
    (is_aws && region.contains('-')).then(|| (*region).to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// A command, its arguments and its variables.
    type Plugin<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);

    fn check(exec: Option<Plugin<'_>>, entry: &str, server: &str) -> (String, String) {
        let exec = exec.map(|(command, args, env)| ExecConfig {
            command: Some(command.to_owned()),
            args: Some(args.iter().map(|&arg| arg.to_owned()).collect()),
            env: Some(
                env.iter()
                    .map(|(name, value)| {
                        let pairs = [("name", *name), ("value", *value)];
                        HashMap::from(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())))
                    })
                    .collect(),
            ),
            ..ExecConfig::default()
        });
        let target = Target {
            context: None,
            cluster: Some(entry.to_owned()),
            server: server.to_owned(),
            ..Target::default()
        };
        let known = EksName::of(exec.as_ref(), &target);
        let shown = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
        (shown(known.name), shown(known.region))
    }

    #[test]
    fn name_and_region_are_read_from_a_kubeconfig() {
        let aws = [
            "--region",
            "eu-west-1",
            "eks",
            "get-token",
            "--cluster-name",
            "prod",
            "--output",
            "json",
        ];
        for (exec, entry, server, name, region) in [
            (
                Some(("aws", &aws[..], &[][..])),
                "other",
                "https://x",
                "prod",
                "eu-west-1",
            ),
            (
                Some((
                    "/opt/aws-iam-authenticator",
                    &["token", "-i", "prod"],
                    &[("AWS_REGION", "eu-west-1")],
                )),
                "x",
                "https://x",
                "prod",
                "eu-west-1",
            ),
            (
                Some(("awsauth", &["token", "--cluster-name=prod"], &[])),
                "arn:aws:eks:us-east-2:111122223333:cluster/old",
                "https://x",
                "prod",
                "us-east-2",
            ),
            (
                Some(("gke-gcloud-auth-plugin", &["-i", "x"], &[])),
                "c",
                "https://x",
                "-",
                "-",
            ),
            (
                None,
                "arn:aws-cn:eks:cn-north-1:111122223333:cluster/prod",
                "https://x",
                "prod",
                "cn-north-1",
            ),
            (
                None,
                "my.prod.eu-west-1.eksctl.io",
                "https://x",
                "my.prod",
                "eu-west-1",
            ),
            (
                None,
                "ci@prod.eu-west-1.eksctl.io",
                "https://x",
                "prod",
                "eu-west-1",
            ),
            (
                None,
                "prod",
                "https://0123ABCD.gr7.eu-west-1.eks.amazonaws.com",
                "-",
                "eu-west-1",
            ),
            (
                None,
                "prod",
                "https://0123ABCD.sk1.cn-north-1.eks.amazonaws.com.cn:443/",
                "-",
                "cn-north-1",
            ),
            (
                None,
                "prod",
                "https://eks-cluster.eu-west-1.api.aws",
                "-",
                "eu-west-1",
            ),
            (None, "prod", "https://api.example.com", "-", "-"),
            (None, "prod", "https://127.0.0.1:6443", "-", "-"),
        ] {
            assert_eq!(
                check(exec, entry, server),
                (name.to_owned(), region.to_owned()),
                "{exec:?} {entry} {server}"
            );
        }
    }
}
