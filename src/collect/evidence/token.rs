//! The token under test.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{Collector, CredentialContext};
use crate::collect::aws_auth::Reader;
use crate::collect::{BearerToken, sts};
use awsauth_core::doctor::evidence::{Collected, Evidence, Plugin, Signer};
use awsauth_core::token::{PresignedRequest, StsHost, Token};
use awsauth_kube::selected_context::{SelectedContext, SelectedUser};

/// The prefix of EKS tokens.
const PREFIX: &str = "k8s-aws-v1.";

/// What checks of AWS credentials lack if the failing command does not sign in with AWS.
pub(super) const UNUSED: &str = "an exec plugin in the kubeconfig, whose user signs in without AWS";

/// Returns whether the failing command does not sign in with AWS.
pub(super) fn is_unused(evidence: &Evidence) -> bool {
    matches!(&evidence.token, Collected::NotRequested(needs) if needs == UNUSED)
}

/// The token that is tested.
pub(super) struct TestedToken {
    pub(super) token: BearerToken,
    /// The authenticator's request to STS; `None` if the authenticator rejects the token before asking STS.
    pub(super) presigned: Option<PresignedRequest>,
    /// The cluster name that the authenticator expects.
    pub(super) cluster: String,
}

impl Collector {
    /// Returns the token that kubectl would send: the plugin's or a static one. If there is neither, or the user
    /// selected credentials, signs a new token.
    pub(super) fn token(
        &self,
        evidence: &mut Evidence,
        context: &CredentialContext,
        selected: Option<&SelectedContext>,
        printed: Option<SecretString>,
        now: Timestamp,
    ) -> Option<TestedToken> {
        if self.arn.is_some() {
            evidence.token = Collected::NotRequested(
                "the identity's own credentials (run without --for)".to_owned(),
            );
            return None;
        }
        if context.is_unused {
            evidence.token = Collected::NotRequested(UNUSED.to_owned());
            return None;
        }
        let written = selected.and_then(|selected| match &selected.user {
            SelectedUser::Token(token, _) => Some(token),
            _ => None,
        });
        let written = written.filter(|token| token.expose_secret().starts_with(PREFIX));
        let (signer, token) = match (printed, written) {
            (Some(token), _) if !context.is_own => (Signer::Plugin, BearerToken::OfUser(token)),
            (_, Some(token)) if !context.is_own => {
                (Signer::Kubeconfig, BearerToken::OfUser(token.clone()))
            }
            _ => {
                let token = self.sign_token(evidence, context, selected, now)?;
                (Signer::Awsauth, BearerToken::Signed(token))
            }
        };
        let keys_end = context
            .resolved
            .as_ref()
            .and_then(|it| it.credentials.expiration);
        let keys_end = keys_end.filter(|_| signer == Signer::Awsauth);
        let region = self.region(context, selected);
        let cluster = self.expected_cluster(signer, selected).unwrap_or_default();
        let (seen, presigned) = sts::read(token.text(), signer, &cluster, &region, keys_end, now);
        evidence.token = Collected::Seen(seen);
        Some(TestedToken {
            token,
            presigned,
            cluster,
        })
    }

    /// Returns the cluster name that the authenticator expects: from --cluster-name, else from the kubeconfig's cluster entry
    /// (not for tokens that awsauth signed), else the name that the token was signed for.
    fn expected_cluster(
        &self,
        signer: Signer,
        selected: Option<&SelectedContext>,
    ) -> Option<String> {
        let selected = selected?;
        let of_entry = selected
            .entry
            .name
            .clone()
            .filter(|_| signer != Signer::Awsauth);
        let requested = self.cluster.clone();
        requested.or(of_entry).or_else(|| selected.eks.name.clone())
    }

    fn region(&self, context: &CredentialContext, selected: Option<&SelectedContext>) -> String {
        let of_cluster = selected.and_then(|selected| selected.eks.region.clone());
        let of_keys = context.resolved.as_ref().map(|it| it.region.name.clone());
        let region = of_cluster
            .or_else(|| context.credential_options.region.clone())
            .or(of_keys);
        region.unwrap_or_else(|| "us-east-1".to_owned())
    }

    fn sign_token(
        &self,
        evidence: &mut Evidence,
        context: &CredentialContext,
        selected: Option<&SelectedContext>,
        now: Timestamp,
    ) -> Option<Token> {
        let needs = |what: &str| Collected::NotRequested(what.to_owned());
        let Some(resolved) = &context.resolved else {
            evidence.token = needs("credentials (C1)");
            return None;
        };
        if selected.is_none() {
            evidence.token = needs("a kubeconfig (K1)");
            return None;
        }
        let Some(cluster) = self.cluster_name(selected) else {
            evidence.token = needs("the name of the EKS cluster: --cluster-name NAME");
            return None;
        };
        let requested = context.credential_options.region.as_deref();
        let region = requested.unwrap_or(&resolved.region.name);
        match StsHost::of(region, resolved.endpoint) {
            Ok(host) => Some(Token::sign(&resolved.credentials, &host, &cluster, now)),
            Err(error) => {
                evidence.token = needs(&format!("another region: {error}"));
                None
            }
        }
    }
}

/// The result of an exec plugin: what it did, and the token that it printed.
pub(super) type PluginRun = (Collected<Plugin>, Option<SecretString>);

/// Returns the identity that reads aws-auth, if it is not the tested token's. An error states what it lacks.
pub(super) fn reader(
    selected: Option<&SelectedContext>,
    as_context: Option<(&str, Option<PluginRun>)>,
    own: &PluginRun,
    is_for_another: bool,
) -> Result<Option<Reader>, String> {
    if let Some((name, plugin)) = as_context {
        let token = match plugin {
            Some(plugin) => printed(&plugin, &format!("the exec plugin of context {name}"))?,
            None => None,
        };
        return Ok(Some(Reader::Context(name.to_owned(), token)));
    }
    let Some(selected) = selected else {
        return Ok(None);
    };
    Ok(match &selected.user {
        SelectedUser::Other(_) | SelectedUser::TokenFile(_) => Some(Reader::Kubeconfig(None)),
        SelectedUser::Token(token, _) if !token.expose_secret().starts_with(PREFIX) => {
            Some(Reader::Token(BearerToken::OfUser(token.clone())))
        }
        SelectedUser::Exec(_) if is_for_another => {
            Some(Reader::Kubeconfig(printed(own, "the exec plugin (K4)")?))
        }
        _ => None,
    })
}

/// Returns the token that a plugin printed. It may print a client certificate instead. An error states what is missing.
fn printed((plugin, token): &PluginRun, whose: &str) -> Result<Option<SecretString>, String> {
    match plugin {
        Collected::TimedOut(limit) => Err(format!(
            "more time: {whose} did not end within {} s; to wait longer: --timeout DURATION",
            limit.as_secs()
        )),
        Collected::Seen(plugin) => match plugin.failed.as_ref().or(plugin.unreadable.as_ref()) {
            Some(why) => {
                let mut lines = plugin.stderr.lines().rev();
                let message = lines.find(|line| !line.trim().is_empty());
                let message = message.map_or_else(String::new, |line| format!(": {}", line.trim()));
                Err(format!("a token of {whose}, which fails: {why}{message}"))
            }
            None => Ok(token.clone()),
        },
        Collected::NotRequested(_) => Ok(None),
    }
}
