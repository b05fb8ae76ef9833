//! Identifies the cluster of a connection, for messages and for `--expect-cluster`.

use std::fmt;

use http::Uri;

use awsauth_core::shell_quote::quoted;

/// The cluster of a connection, with all its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The kubeconfig context; `None` in a pod, or if only a server is named.
    pub context: Option<String>,
    /// The name of the kubeconfig's cluster entry.
    pub cluster: Option<String>,
    /// The name of the kubeconfig's user entry.
    pub user: Option<String>,
    /// The URL of the API server, as the kubeconfig or EKS spells it.
    pub server: String,
    /// A digest of the certificate authority and the name that the server's certificate must have, and of the URL's
    /// path; `None` if the connection verifies no certificate.
    pub certificate_digest: Option<String>,
    /// The EKS cluster, if the endpoint came from EKS.
    pub eks: Option<EksClusterId>,
    /// The name of the EKS cluster that the kubeconfig's exec plugin makes tokens for.
    pub signed_for: Option<String>,
    /// The user that `--as` impersonates.
    pub impersonated: Option<Impersonated>,
}

/// A user that the flags `--as` and `--as-group` impersonate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impersonated {
    pub username: String,
    pub groups: Vec<String>,
}

impl Impersonated {
    /// Returns the flags, which kubectl understands, too.
    fn flags(&self) -> String {
        let groups = self.groups.iter().map(|group| ("--as-group", group));
        let flags = [("--as", &self.username)].into_iter().chain(groups);
        let flags = flags.map(|(flag, name)| format!(" {flag} {}", quoted(name)));
        flags.collect()
    }
}

/// The identity of a cluster in EKS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EksClusterId {
    pub name: String,
    pub arn: String,
}

impl EksClusterId {
    /// Returns the region.
    pub fn region(&self) -> &str {
        self.arn.split(':').nth(3).unwrap_or_default()
    }
}

impl Target {
    /// Whether `expected` names this cluster: its context, its kubeconfig cluster, its EKS name or ARN, or its server
    /// URL. In URLs, a trailing slash, the default port and the letter case of the host are ignored.
    pub fn is(&self, expected: &str) -> bool {
        self.context.as_deref() == Some(expected)
            || self.cluster.as_deref() == Some(expected)
            || self
                .eks
                .as_ref()
                .is_some_and(|eks| eks.name == expected || eks.arn == expected)
            || (normalized(expected).is_some() && normalized(expected) == normalized(&self.server))
    }

    /// Returns the name of the EKS cluster: from EKS, from the arguments of the exec plugin, whose tokens no other cluster accepts, or from
    /// the names that the AWS CLI and eksctl write into kubeconfigs: the ARN, and `NAME.REGION.eksctl.io`.
    pub fn eks_name(&self) -> Option<&str> {
        if let Some(eks) = &self.eks {
            return Some(&eks.name);
        }
        if let Some(name) = &self.signed_for {
            return Some(name);
        }
        let names = [&self.cluster, &self.context].into_iter().flatten();
        names.filter_map(|name| eks_name_in(name)).next()
    }

    /// Returns a `kubectl` command for this cluster. Without a context, it first writes a kubeconfig to a new file.
    pub fn kubectl(&self) -> String {
        match (&self.context, &self.eks) {
            (Some(context), _) => format!("kubectl --context {}", quoted(context)),
            (None, Some(eks)) => {
                let name = quoted(&eks.name);
                let file = quoted(&format!("{}.kubeconfig", eks.name));
                format!(
                    "awsauth kubeconfig --cluster-name {name} --region {} --kubeconfig {file} && kubectl --kubeconfig {file}",
                    eks.region()
                )
            }
            (None, None) => "kubectl".to_owned(),
        }
    }
}

impl Target {
    /// Like [`kubectl`](Self::kubectl), but as the user that the flags impersonate.
    pub fn kubectl_as_user(&self) -> String {
        let flags = self.impersonated.as_ref().map(Impersonated::flags);
        self.kubectl() + &flags.unwrap_or_default()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(eks) = &self.eks {
            return write!(f, "EKS cluster {} ({})", eks.name, self.server);
        }
        match (&self.context, &self.cluster) {
            (Some(name), _) => write!(f, "context {name} ({})", self.server),
            (None, Some(name)) => write!(f, "cluster {name} ({})", self.server),
            (None, None) => f.write_str(&self.server),
        }
    }
}

fn eks_name_in(name: &str) -> Option<&str> {
    if name.starts_with("arn:") {
        return name.split_once(":cluster/").map(|(_, name)| name);
    }
    let cluster = name.strip_suffix(".eksctl.io")?;
    let cluster = cluster.rsplit('@').next()?;
    cluster.rsplit_once('.').map(|(name, _)| name)
}

/// Normalizes a URL for comparison; `None` if it is not a URL.
fn normalized(url: &str) -> Option<(String, String, u16, String)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let port = uri
        .port_u16()
        .unwrap_or(if scheme == "http" { 80 } else { 443 });
    let host = uri.host()?.to_ascii_lowercase();
    Some((
        scheme,
        host,
        port,
        uri.path().trim_end_matches('/').to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eks_name_is_read_from_names_in_kubeconfigs() {
        let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
        for (cluster, context, expected) in [
            (arn, "mine", Some("prod")),
            ("mine", arn, Some("prod")),
            (
                "prod.eu-west-1.eksctl.io",
                "ann@prod.eu-west-1.eksctl.io",
                Some("prod"),
            ),
            ("mine", "ann@prod.eu-west-1.eksctl.io", Some("prod")),
            ("mine", "prod", None),
            ("prod.eksctl.io", "prod", None),
        ] {
            let target = Target {
                cluster: Some(cluster.to_owned()),
                context: Some(context.to_owned()),
                ..Target::default()
            };
            assert_eq!(target.eks_name(), expected, "{cluster} {context}");
        }
    }

    #[test]
    fn name_in_the_plugin_precedes_names_of_entries() {
        let target = Target {
            cluster: Some("arn:aws:eks:eu-west-1:111122223333:cluster/old".to_owned()),
            signed_for: Some("prod".to_owned()),
            ..Target::default()
        };
        assert_eq!(target.eks_name(), Some("prod"));
    }

    #[test]
    fn a_cluster_is_known_by_context_cluster_or_server() {
        let target = Target {
            context: Some("prod".into()),
            cluster: Some("arn:aws:eks:us-east-1:111122223333:cluster/prod".into()),
            server: "https://ABCD.gr7.us-east-1.eks.amazonaws.com".into(),
            ..Target::default()
        };
        for expected in [
            "prod",
            "arn:aws:eks:us-east-1:111122223333:cluster/prod",
            "https://abcd.gr7.us-east-1.eks.amazonaws.com/",
            "https://abcd.gr7.us-east-1.eks.amazonaws.com:443",
        ] {
            assert!(target.is(expected), "{expected}");
        }
        for expected in [
            "",
            "Prod",
            "abcd.gr7.us-east-1.eks.amazonaws.com",
            "http://abcd.gr7.us-east-1.eks.amazonaws.com",
            "https://abcd.gr7.us-east-1.eks.amazonaws.com:6443",
            "https://abcd.gr7.us-east-1.eks.amazonaws.com/other",
        ] {
            assert!(!target.is(expected), "{expected}");
        }
    }

    #[test]
    fn a_cluster_of_eks_is_known_by_name_arn_or_server() {
        let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
        let target = Target {
            server: "https://ABCD.gr7.eu-west-1.eks.amazonaws.com".into(),
            eks: Some(EksClusterId {
                name: "prod".into(),
                arn: arn.into(),
            }),
            ..Target::default()
        };
        for expected in ["prod", arn, "https://abcd.gr7.eu-west-1.eks.amazonaws.com"] {
            assert!(target.is(expected), "{expected}");
        }
        for expected in [
            "",
            "PROD",
            "cluster/prod",
            &arn.replace("eu-west", "us-west"),
        ] {
            assert!(!target.is(expected), "{expected}");
        }
        assert_eq!(
            target.to_string(),
            "EKS cluster prod (https://ABCD.gr7.eu-west-1.eks.amazonaws.com)"
        );
        assert_eq!(
            target.kubectl(),
            "awsauth kubeconfig --cluster-name prod --region eu-west-1 --kubeconfig prod.kubeconfig && kubectl --kubeconfig prod.kubeconfig"
        );
    }

    #[test]
    fn impersonated_user_is_named_in_commands() {
        let mut target = Target {
            context: Some("prod".into()),
            ..Target::default()
        };
        assert_eq!(target.kubectl_as_user(), target.kubectl());
        target.impersonated = Some(Impersonated {
            username: "ann@example.com".into(),
            groups: vec!["on call".into()],
        });
        assert_eq!(
            target.kubectl_as_user(),
            "kubectl --context prod --as ann@example.com --as-group 'on call'"
        );
    }

    #[test]
    fn a_context_is_quoted_for_the_shell() {
        let named = |context: &str| {
            Target {
                context: Some(context.into()),
                ..Target::default()
            }
            .kubectl()
        };
        assert_eq!(named("admin@prod"), "kubectl --context admin@prod");
        assert_eq!(named("it's $HOME"), r"kubectl --context 'it'\''s $HOME'");
    }
}
