//! Decides whether credentials may be sent to a server, and whether the server is EKS's endpoint of a cluster.
//!
//! A server that receives an EKS token can sign in with it to every cluster of that name for 15 minutes. So a token that
//! awsauth signs is sent to a [`TrustedEndpoint`] only.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

use crate::facts::partitions::{PARTITIONS, Partition};
use crate::shell_quote::quoted;

/// The partitions whose endpoint names EKS documents. In the others, only EKS itself can confirm an endpoint.
/// <https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html>
const DOCUMENTED_PARTITIONS: [&str; 3] = ["aws", "aws-us-gov", "aws-cn"];

/// The length of the hexadecimal id in an endpoint's name, such as
/// `A0DCCD80A04F01705DD065655C30CC3D.yl4.us-west-2.eks.amazonaws.com`:
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html>
const ID_LENGTH: usize = 32;

/// A server, and how connections to it are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub is_https: bool,
    /// The host of the URL, without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// The name that the certificate must be for, if it is not `host`.
    pub tls_server_name: Option<String>,
    /// Whether any certificate is accepted.
    pub skips_verification: bool,
    /// The trusted CA certificates in DER form; `None` for those of the operating system.
    pub authorities: Option<Vec<Vec<u8>>>,
    /// Whether the kubeconfig names certificate authorities, even if any certificate is accepted.
    pub names_authorities: bool,
    /// Whether the kubeconfig selects a proxy, which then decides what server `host` is.
    pub has_kubeconfig_proxy: bool,
}

/// An endpoint as DescribeCluster reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedEndpoint {
    pub host: String,
    /// The CA certificates of the cluster in DER form.
    pub authorities: Vec<Vec<u8>>,
}

/// What is known about the cluster that a token is for.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenCluster<'a> {
    /// `None` if it is unknown.
    pub region: Option<&'a str>,
    /// `None` if EKS has not described the cluster.
    pub described: Option<&'a DescribedEndpoint>,
}

/// The servers that the user allows in addition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointExceptions {
    /// Servers that may receive tokens although they are not known to be EKS's.
    pub endpoints: Vec<AllowedEndpoint>,
    /// Whether credentials may be sent over plain HTTP to this machine.
    pub http_loopback: bool,
}

/// A host, and a port if only that one is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedEndpoint {
    host: String,
    port: Option<u16>,
}

/// The proof that a server is EKS's endpoint of the cluster, or that the user allows it.
#[derive(Debug)]
pub struct TrustedEndpoint {
    // Private, so that only `check` creates a proof.
    _checked: (),
}

/// Why credentials are not sent to a server.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct UntrustedEndpoint {
    pub reason: Distrust,
    address: String,
    is_loopback: bool,
    /// Whether `--allow-endpoint` has an effect.
    can_be_allowed: bool,
}

/// The reason not to trust a server.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Distrust {
    #[error("the server's URL is plain HTTP, over which credentials are not sent")]
    PlainHttp,
    #[error(
        "the kubeconfig turns off the verification of its certificate (insecure-skip-tls-verify)"
    )]
    NotVerified,
    #[error("{host} is not the name of an EKS endpoint")]
    OtherHost { host: String },
    #[error(
        "tls-server-name of the kubeconfig accepts a certificate for {name} instead of the server's host"
    )]
    OtherTlsName { name: String },
    #[error("proxy-url of the kubeconfig decides which server is reached")]
    KubeconfigProxy,
    #[error("it is an EKS endpoint in {found}, and the cluster is in {expected}")]
    OtherRegion { found: String, expected: String },
    #[error("EKS reports the endpoint {endpoint} for this cluster")]
    OtherEndpoint { endpoint: String },
    #[error("the kubeconfig trusts a certificate authority that is not the cluster's")]
    OtherAuthority,
}

impl Server {
    /// Checks that credentials cannot be read on the way to the server.
    ///
    /// # Errors
    /// If the connection is plain HTTP, except directly to this machine if the user allows that.
    pub fn check_confidential(
        &self,
        exceptions: &EndpointExceptions,
    ) -> Result<(), UntrustedEndpoint> {
        match self.is_https || (exceptions.http_loopback && self.is_loopback()) {
            true => Ok(()),
            false => Err(self.distrusted(Distrust::PlainHttp)),
        }
    }

    /// Whether the certificate's name and CA prove that the server is this endpoint, at whatever address.
    pub fn is_endpoint(&self, described: &DescribedEndpoint) -> bool {
        self.is_https && !self.skips_verification && self.check_described(described).is_ok()
    }

    /// Whether the server is on this machine. A proxy of the environment is never used for such a server.
    fn is_loopback(&self) -> bool {
        let is_address = |address: IpAddr| address.is_loopback();
        !self.has_kubeconfig_proxy
            && (self.host.eq_ignore_ascii_case("localhost")
                || self.host.parse().is_ok_and(is_address))
    }

    /// Whether the user can allow the server by its host name: the kubeconfig does not choose both the proxy and the
    /// certificate authority or name that prove which server the proxy reaches.
    fn can_be_allowed(&self) -> bool {
        let is_proven = || {
            self.is_https
                && self.authorities.is_none()
                && self.certificate_name().eq_ignore_ascii_case(&self.host)
        };
        !self.has_kubeconfig_proxy || is_proven()
    }

    /// The name that the certificate must be for.
    fn certificate_name(&self) -> &str {
        self.tls_server_name.as_deref().unwrap_or(&self.host)
    }

    fn distrusted(&self, reason: Distrust) -> UntrustedEndpoint {
        let exact = AllowedEndpoint {
            host: self.host.clone(),
            port: Some(self.port).filter(|port| *port != 443),
        };
        UntrustedEndpoint {
            reason,
            address: exact.to_string(),
            is_loopback: self.is_loopback(),
            can_be_allowed: self.can_be_allowed(),
        }
    }

    /// Checks the host name: only AWS can create names in EKS's domains.
    fn check_name(&self, region: Option<&str>) -> Result<(), Distrust> {
        let host = self.host.to_ascii_lowercase();
        let Some(found) = region_of_endpoint(&host) else {
            return Err(Distrust::OtherHost {
                host: self.host.clone(),
            });
        };
        if !self.certificate_name().eq_ignore_ascii_case(&host) {
            return Err(Distrust::OtherTlsName {
                name: self.certificate_name().to_owned(),
            });
        }
        // Such a proxy, together with the kubeconfig's CA, could be any server.
        if self.has_kubeconfig_proxy {
            return Err(Distrust::KubeconfigProxy);
        }
        match region.filter(|expected| *expected != found) {
            Some(expected) => Err(Distrust::OtherRegion {
                found: found.to_owned(),
                expected: expected.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Checks the certificate's name and CA. They prove the server's identity at every address, also behind a tunnel.
    fn check_described(&self, described: &DescribedEndpoint) -> Result<(), Distrust> {
        if !self
            .certificate_name()
            .eq_ignore_ascii_case(&described.host)
        {
            return Err(Distrust::OtherEndpoint {
                endpoint: described.host.clone(),
            });
        }
        let is_of_cluster = |trusted: &Vec<u8>| described.authorities.contains(trusted);
        match self.authorities.as_deref() {
            Some(trusted @ [_, ..]) if trusted.iter().all(is_of_cluster) => Ok(()),
            _ => Err(Distrust::OtherAuthority),
        }
    }
}

impl TrustedEndpoint {
    /// Checks that a token of the cluster may be sent to the server.
    ///
    /// # Errors
    /// If the connection is not verified, or if neither the server's host name nor EKS's description of the cluster shows
    /// that the server is EKS's endpoint, and the user does not allow it either.
    pub fn check(
        server: &Server,
        cluster: TokenCluster<'_>,
        exceptions: &EndpointExceptions,
    ) -> Result<Self, UntrustedEndpoint> {
        let distrusted = |reason| server.distrusted(reason);
        server.check_confidential(exceptions)?;
        if server.is_https && server.skips_verification {
            return Err(distrusted(Distrust::NotVerified));
        }
        let trusted = Self { _checked: () };
        let mut allowed = exceptions.endpoints.iter();
        let is_allowed = allowed.any(|allowed| allowed.allows(server));
        if is_allowed && server.can_be_allowed() {
            return Ok(trusted);
        }
        if !server.is_https {
            return Err(distrusted(Distrust::OtherHost {
                host: server.host.clone(),
            }));
        }
        let name = match is_allowed {
            true => Err(Distrust::KubeconfigProxy),
            false => server.check_name(cluster.region),
        };
        match (name, cluster.described) {
            (Ok(()), _) => Ok(trusted),
            (Err(_), Some(described)) => match server.check_described(described) {
                Ok(()) => Ok(trusted),
                Err(reason) => Err(distrusted(reason)),
            },
            (Err(reason), None) => Err(distrusted(reason)),
        }
    }
}

impl UntrustedEndpoint {
    /// Whether DescribeCluster may show that the server is EKS's endpoint after all.
    pub fn needs_description(&self) -> bool {
        match self.reason {
            Distrust::OtherHost { .. }
            | Distrust::OtherTlsName { .. }
            | Distrust::KubeconfigProxy
            | Distrust::OtherRegion { .. } => true,
            Distrust::PlainHttp
            | Distrust::NotVerified
            | Distrust::OtherEndpoint { .. }
            | Distrust::OtherAuthority => false,
        }
    }

    /// The flag that allows the server; `None` if none does.
    pub fn flag(&self) -> Option<&'static str> {
        match self.reason {
            Distrust::NotVerified => None,
            Distrust::PlainHttp if !self.is_loopback => None,
            Distrust::PlainHttp => Some("--allow-http-loopback"),
            _ => self.can_be_allowed.then_some("--allow-endpoint"),
        }
    }

    /// The next step for the user.
    pub fn hint(&self, cluster: Option<&str>) -> String {
        let cluster = cluster.map_or_else(|| "NAME".to_owned(), quoted);
        let rewrite = format!("awsauth kubeconfig --cluster-name {cluster}");
        match &self.reason {
            Distrust::PlainHttp if self.is_loopback => "use an https URL; or, to send credentials to this machine over plain HTTP, add --allow-http-loopback".to_owned(),
            Distrust::PlainHttp => format!("use the cluster's https URL: {rewrite}"),
            Distrust::NotVerified => format!("replace insecure-skip-tls-verify by the cluster's certificate authority: {rewrite}"),
            Distrust::OtherEndpoint { endpoint } if self.is_loopback => format!(
                "for a tunnel to the cluster, set tls-server-name of the kubeconfig's cluster to {endpoint}; if another server may get your token, add --allow-endpoint {}",
                self.address
            ),
            _ if !self.can_be_allowed => format!(
                "connect to the endpoint that EKS reports: {rewrite}; to use the proxy, set HTTPS_PROXY instead of proxy-url of the kubeconfig"
            ),
            _ => format!(
                "connect to the endpoint that EKS reports: {rewrite}; if this server may get your token, add --allow-endpoint {}",
                self.address
            ),
        }
    }
}

impl AllowedEndpoint {
    fn allows(&self, server: &Server) -> bool {
        self.host.eq_ignore_ascii_case(&server.host)
            && self.port.is_none_or(|port| port == server.port)
    }
}

/// An invalid value of `--allow-endpoint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("give HOST or HOST:PORT, such as localhost:8443")]
pub struct InvalidEndpoint;

impl FromStr for AllowedEndpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or(InvalidEndpoint)?;
                host.parse::<Ipv6Addr>().map_err(|_| InvalidEndpoint)?;
                let port = match rest {
                    "" => None,
                    rest => Some(rest.strip_prefix(':').ok_or(InvalidEndpoint)?),
                };
                (host, port)
            }
            None if text.parse::<Ipv6Addr>().is_ok() => (text, None),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        if host.is_empty() || !host.bytes().all(fits) {
            return Err(InvalidEndpoint);
        }
        let port = port.map(|port| port.parse().map_err(|_| InvalidEndpoint));
        Ok(Self {
            host: host.to_owned(),
            port: port.transpose()?,
        })
    }
}

impl fmt::Display for AllowedEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Returns whether a host's lower-case name is that of an EKS endpoint.
pub fn is_eks_endpoint(host: &str) -> bool {
    region_of_endpoint(host).is_some()
}

/// Returns the region in the lower-case name of an EKS endpoint; `None` for other names.
///
/// Names end with `.REGION.eks.amazonaws.com` for IPv4 and `.REGION.api.aws` for IPv6. The first domain has only clusters.
/// The second has the endpoints of all services, and in some of them customers choose names. So there the name must have
/// the form of an id that EKS generates, with the three characters that follow it.
fn region_of_endpoint(host: &str) -> Option<&str> {
    let documented = |partition: &&Partition| DOCUMENTED_PARTITIONS.contains(&partition.id);
    PARTITIONS
        .iter()
        .filter(documented)
        .find_map(|partition| region_in(partition, host))
}

fn region_in<'a>(partition: &Partition, host: &'a str) -> Option<&'a str> {
    let below = |domain: &str| host.strip_suffix(domain)?.strip_suffix('.');
    let is_label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(fits)
    };
    let is_region =
        |region: &str| Partition::naming(region).is_some_and(|naming| naming.id == partition.id);
    if let Some(name) = below(partition.domain).and_then(|name| name.strip_suffix(".eks")) {
        let (id, region) = name.rsplit_once('.')?;
        return (id.split('.').all(is_label) && is_region(region)).then_some(region);
    }
    let name = below(partition.dual_stack_domain)?;
    let (id, region) = name.rsplit_once('.')?;
    let (id, shard) = id.split_once('.')?;
    let is_id = id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_shard = shard.len() == 3 && shard.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_id && is_shard && is_region(region)).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "a0dccd80a04f01705dd065655c30cc3d";
    const PROD: &str = "A0DCCD80A04F01705DD065655C30CC3D.gr7.eu-west-1.eks.amazonaws.com";

    fn server(url: &str) -> Server {
        let (scheme, rest) = url.split_once("://").unwrap();
        let allowed: AllowedEndpoint = rest.parse().unwrap();
        Server {
            is_https: scheme == "https",
            host: allowed.host,
            port: allowed.port.unwrap_or(443),
            tls_server_name: None,
            skips_verification: false,
            authorities: Some(vec![b"the CA of prod".to_vec()]),
            names_authorities: true,
            has_kubeconfig_proxy: false,
        }
    }

    fn prod() -> Server {
        server(&format!("https://{PROD}"))
    }

    fn described() -> DescribedEndpoint {
        DescribedEndpoint {
            host: PROD.to_ascii_lowercase(),
            authorities: vec![b"the CA of prod".to_vec(), b"its next CA".to_vec()],
        }
    }

    fn allowing(endpoints: &[&str], http_loopback: bool) -> EndpointExceptions {
        EndpointExceptions {
            endpoints: endpoints.iter().map(|one| one.parse().unwrap()).collect(),
            http_loopback,
        }
    }

    fn check(
        server: &Server,
        described: Option<&DescribedEndpoint>,
        exceptions: &EndpointExceptions,
    ) -> Result<(), Distrust> {
        let cluster = TokenCluster {
            region: Some("eu-west-1"),
            described,
        };
        match TrustedEndpoint::check(server, cluster, exceptions) {
            Ok(_) => Ok(()),
            Err(error) => {
                assert!(!error.hint(Some("prod")).is_empty());
                Err(error.reason)
            }
        }
    }

    #[test]
    fn endpoint_names_of_documented_partitions_are_recognized() {
        for (host, region) in [
            ("ID.gr7.us-east-1.eks.amazonaws.com", Some("us-east-1")),
            (
                "ID.yl4.us-gov-west-1.eks.amazonaws.com",
                Some("us-gov-west-1"),
            ),
            ("ID.sk1.cn-north-1.eks.amazonaws.com.cn", Some("cn-north-1")),
            ("ID.eu-west-1.eks.amazonaws.com", Some("eu-west-1")),
            ("ID.gr7.eu-west-1.api.aws", Some("eu-west-1")),
            ("ID.gr7.us-gov-east-1.api.aws", Some("us-gov-east-1")),
            (
                "ID.gr7.cn-northwest-1.api.amazonwebservices.com.cn",
                Some("cn-northwest-1"),
            ),
            // A region of another partition.
            ("ID.gr7.cn-north-1.eks.amazonaws.com", None),
            ("ID.gr7.us-east-1.eks.amazonaws.com.cn", None),
            ("ID.gr7.cn-north-1.api.aws", None),
            // Names that are not documented.
            ("ID.gr7.us-iso-east-1.eks.c2s.ic.gov", None),
            ("ID.gr7.us-isob-east-1.eks.sc2s.sgov.gov", None),
            ("ID.gr7.eusc-de-east-1.eks.amazonaws.eu", None),
            // Other services, and names that customers choose.
            ("eks.us-east-1.amazonaws.com", None),
            ("eks.us-east-1.api.aws", None),
            ("abcdefghij.execute-api.us-east-1.api.aws", None),
            ("ID.execute-api.us-east-1.api.aws", None),
            ("111122223333.ddb.us-east-1.api.aws", None),
            ("abcdefghij.execute-api.us-east-1.amazonaws.com", None),
            ("bucket.s3.us-east-1.amazonaws.com", None),
            // Names that only look like it.
            ("us-east-1.eks.amazonaws.com", None),
            (".us-east-1.eks.amazonaws.com", None),
            ("ID..us-east-1.eks.amazonaws.com", None),
            ("ID.gr7.us-east-1.eks.amazonaws.com.", None),
            ("ID.gr7.us-east-1.eks.amazonaws.com.example.com", None),
            ("ID.gr7.us-east-1.eks.amazonaws.example", None),
            ("ID.gr7.us-east-1.xeks.amazonaws.com", None),
            ("ID.gr7.us-east-1.eks.xamazonaws.com", None),
            ("ID.gr7.us-east-1.xapi.aws", None),
            ("ID.gr7.nowhere.eks.amazonaws.com", None),
            ("127.0.0.1", None),
            ("localhost", None),
            ("", None),
        ] {
            let host = host.replace("ID", ID);
            assert_eq!(region_of_endpoint(&host), region, "{host}");
        }
    }

    #[test]
    fn eks_host_name_with_verified_certificate_is_trusted() {
        let none = EndpointExceptions::default();
        assert_eq!(check(&prod(), None, &none), Ok(()));
        // A cluster of the same name in another account.
        let other = DescribedEndpoint {
            host: format!("{ID}.gr7.eu-west-1.eks.amazonaws.com").replace('a', "b"),
            authorities: Vec::new(),
        };
        assert_eq!(check(&prod(), Some(&other), &none), Ok(()));
        let changed = |change: fn(&mut Server)| {
            let mut server = prod();
            change(&mut server);
            check(&server, None, &none)
        };
        assert_eq!(
            changed(|server| server.skips_verification = true),
            Err(Distrust::NotVerified)
        );
        assert_eq!(
            changed(|server| server.is_https = false),
            Err(Distrust::PlainHttp)
        );
        assert_eq!(
            changed(|server| server.has_kubeconfig_proxy = true),
            Err(Distrust::KubeconfigProxy)
        );
        assert_eq!(
            changed(|server| server.tls_server_name = Some("evil.example".to_owned())),
            Err(Distrust::OtherTlsName {
                name: "evil.example".to_owned()
            })
        );
        assert_eq!(
            changed(|server| server.tls_server_name = Some(PROD.to_ascii_lowercase())),
            Ok(())
        );
        assert_eq!(
            changed(|server| server.host = server.host.replace("eu-west-1", "us-east-1")),
            Err(Distrust::OtherRegion {
                found: "us-east-1".to_owned(),
                expected: "eu-west-1".to_owned()
            })
        );
    }

    #[test]
    fn other_server_is_trusted_only_if_eks_describes_it() {
        let none = EndpointExceptions::default();
        let described = described();
        let stranger = server("https://evil.example");
        assert_eq!(
            check(&stranger, None, &none),
            Err(Distrust::OtherHost {
                host: "evil.example".to_owned()
            })
        );
        assert_eq!(
            check(&stranger, Some(&described), &none),
            Err(Distrust::OtherEndpoint {
                endpoint: described.host.clone()
            })
        );
        // The name of the endpoint, with a CA of the stranger's own.
        let named = |authorities| Server {
            tls_server_name: Some(PROD.to_owned()),
            authorities,
            ..stranger.clone()
        };
        let of_prod = || b"the CA of prod".to_vec();
        for authorities in [
            None,
            Some(Vec::new()),
            Some(vec![b"of a stranger".to_vec()]),
            Some(vec![of_prod(), b"of a stranger".to_vec()]),
        ] {
            assert_eq!(
                check(&named(authorities), Some(&described), &none),
                Err(Distrust::OtherAuthority)
            );
        }
        assert_eq!(
            check(&named(Some(vec![of_prod()])), Some(&described), &none),
            Ok(())
        );
        // The CA of the cluster through a proxy that the kubeconfig selects.
        let proxied = Server {
            has_kubeconfig_proxy: true,
            ..prod()
        };
        assert_eq!(check(&proxied, Some(&described), &none), Ok(()));
    }

    #[test]
    fn tunnel_is_trusted_with_the_cluster_ca_and_the_eks_name() {
        let none = EndpointExceptions::default();
        let described = described();
        for url in [
            "https://localhost:8443",
            "https://127.0.0.1:8443",
            "https://[::1]:8443",
        ] {
            let tunnel = server(url);
            assert!(check(&tunnel, Some(&described), &none).is_err());
            assert!(!tunnel.is_endpoint(&described));
            let named = Server {
                tls_server_name: Some(PROD.to_owned()),
                ..tunnel
            };
            assert_eq!(check(&named, Some(&described), &none), Ok(()));
            assert!(named.is_endpoint(&described));
            // The kubeconfig alone does not show whose CA it has.
            assert!(check(&named, None, &none).is_err());
            let unverified = Server {
                skips_verification: true,
                ..named
            };
            assert_eq!(
                check(&unverified, Some(&described), &none),
                Err(Distrust::NotVerified)
            );
        }
    }

    #[test]
    fn exceptions_name_the_server_and_never_skip_verification() {
        let stranger = server("https://api.example.com:6443");
        for (allowed, is_trusted) in [
            ("api.example.com", true),
            ("API.example.com:6443", true),
            ("api.example.com:443", false),
            ("example.com", false),
        ] {
            let exceptions = allowing(&[allowed], false);
            assert_eq!(
                check(&stranger, None, &exceptions).is_ok(),
                is_trusted,
                "{allowed}"
            );
        }
        let unverified = Server {
            skips_verification: true,
            ..stranger
        };
        assert_eq!(
            check(&unverified, None, &allowing(&["api.example.com"], true)),
            Err(Distrust::NotVerified)
        );
    }

    #[test]
    fn exceptions_do_not_cover_a_proxy_of_the_kubeconfig() {
        let described = described();
        for url in ["https://api.example.com:6443", "https://localhost:6443"] {
            let host = url.trim_start_matches("https://");
            let exceptions = allowing(&[host], true);
            let proxied = Server {
                has_kubeconfig_proxy: true,
                ..server(url)
            };
            let error =
                TrustedEndpoint::check(&proxied, TokenCluster::default(), &exceptions).unwrap_err();
            assert_eq!(error.reason, Distrust::KubeconfigProxy);
            assert_eq!(error.flag(), None);
            assert!(
                error
                    .hint(None)
                    .ends_with("set HTTPS_PROXY instead of proxy-url of the kubeconfig")
            );
            assert!(error.needs_description());
            // Certificates that prove the server whatever the proxy does: the one that EKS describes, and public ones.
            let of_cluster = Server {
                tls_server_name: Some(PROD.to_owned()),
                ..proxied.clone()
            };
            assert_eq!(check(&of_cluster, Some(&described), &exceptions), Ok(()));
            let public = Server {
                authorities: None,
                ..proxied.clone()
            };
            assert_eq!(check(&public, None, &exceptions), Ok(()));
            let other_name = Server {
                tls_server_name: Some("evil.example".to_owned()),
                ..public
            };
            assert_eq!(
                check(&other_name, None, &exceptions),
                Err(Distrust::KubeconfigProxy)
            );
        }
        let plain = Server {
            has_kubeconfig_proxy: true,
            ..server("http://localhost:8001")
        };
        let exceptions = allowing(&["localhost"], true);
        let error = plain.check_confidential(&exceptions).unwrap_err();
        assert_eq!((&error.reason, error.flag()), (&Distrust::PlainHttp, None));
        assert_eq!(check(&plain, None, &exceptions), Err(Distrust::PlainHttp));
    }

    #[test]
    fn plain_http_needs_both_exceptions_and_loopback() {
        for (url, endpoints, http_loopback, is_confidential, is_trusted) in [
            ("http://127.0.0.1:8001", &[][..], false, false, false),
            ("http://127.0.0.1:8001", &[], true, true, false),
            ("http://127.0.0.1:8001", &["127.0.0.1"], false, false, false),
            ("http://127.0.0.1:8001", &["127.0.0.1"], true, true, true),
            ("http://localhost:8001", &["localhost"], true, true, true),
            ("http://[::1]:8001", &["::1"], true, true, true),
            (
                "http://127.0.0.1.example.com:80",
                &["127.0.0.1.example.com"],
                true,
                false,
                false,
            ),
            ("http://10.0.0.1:8001", &["10.0.0.1"], true, false, false),
        ] {
            let server = server(url);
            let exceptions = allowing(endpoints, http_loopback);
            let confidential = server.check_confidential(&exceptions);
            assert_eq!(confidential.is_ok(), is_confidential, "{url}");
            assert_eq!(
                check(&server, Some(&described()), &exceptions).is_ok(),
                is_trusted,
                "{url}"
            );
        }
    }

    #[test]
    fn refusal_names_the_flag_that_allows_the_server() {
        let of = |url: &str| {
            let none = EndpointExceptions::default();
            TrustedEndpoint::check(&server(url), TokenCluster::default(), &none).unwrap_err()
        };
        let stranger = of("https://[fd00::1]:6443");
        assert!(
            stranger
                .hint(Some("it's"))
                .contains(r"--cluster-name 'it'\''s'")
        );
        assert!(
            stranger
                .hint(None)
                .ends_with("add --allow-endpoint [fd00::1]:6443")
        );
        assert_eq!(stranger.flag(), Some("--allow-endpoint"));
        assert!(
            of("https://api.example.com")
                .hint(None)
                .ends_with("--allow-endpoint api.example.com")
        );
        assert_eq!(of("http://api.example.com:80").flag(), None);
        assert_eq!(
            of("http://127.0.0.1:80").flag(),
            Some("--allow-http-loopback")
        );
    }

    #[test]
    fn allowed_endpoint_is_a_host_and_an_optional_port() {
        for (text, shown) in [
            ("localhost", Some("localhost")),
            ("127.0.0.1:6443", Some("127.0.0.1:6443")),
            ("::1", Some("[::1]")),
            ("[::1]:6443", Some("[::1]:6443")),
            ("", None),
            (":6443", None),
            ("https://localhost", None),
            ("localhost/x", None),
            ("localhost:port", None),
            ("localhost:65536", None),
            ("[::1", None),
            ("[::1]6443", None),
            ("[localhost]:1", None),
            ("*", None),
        ] {
            let parsed = text.parse::<AllowedEndpoint>().ok();
            assert_eq!(
                parsed.map(|one| one.to_string()).as_deref(),
                shown,
                "{text}"
            );
        }
    }
}
