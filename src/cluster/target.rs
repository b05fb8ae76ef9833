//! Which cluster this is, for messages and for `--expect-cluster`.

use std::fmt;

use http::Uri;

use super::shell::quoted;

/// The cluster that a connection goes to, under every name the caller may know it by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The kubeconfig context; `None` in a pod, or when only a server was named.
    pub context: Option<String>,
    /// The name of the kubeconfig's cluster entry.
    pub cluster: Option<String>,
    /// The URL of the API server, as the kubeconfig spells it.
    pub server: String,
}

impl Target {
    /// Whether `expected` names this cluster: its context, its kubeconfig cluster or its server URL,
    /// where a trailing slash, the default port and the letter case of the host make no difference.
    pub fn is(&self, expected: &str) -> bool {
        self.context.as_deref() == Some(expected)
            || self.cluster.as_deref() == Some(expected)
            || (plain(expected).is_some() && plain(expected) == plain(&self.server))
    }

    /// `kubectl`, with the context that reaches this cluster.
    pub(crate) fn kubectl(&self) -> String {
        match &self.context {
            Some(context) => format!("kubectl --context {}", quoted(context)),
            None => "kubectl".to_owned(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.context, &self.cluster) {
            (Some(name), _) => write!(f, "context {name} ({})", self.server),
            (None, Some(name)) => write!(f, "cluster {name} ({})", self.server),
            (None, None) => f.write_str(&self.server),
        }
    }
}

/// A URL reduced to what tells servers apart; `None` for what is not one.
fn plain(url: &str) -> Option<(String, String, u16, String)> {
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
    fn a_cluster_is_known_by_context_cluster_or_server() {
        let target = Target {
            context: Some("prod".into()),
            cluster: Some("arn:aws:eks:us-east-1:111122223333:cluster/prod".into()),
            server: "https://ABCD.gr7.us-east-1.eks.amazonaws.com".into(),
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
