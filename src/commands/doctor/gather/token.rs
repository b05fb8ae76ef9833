use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{Asked, Keyring};
use crate::cluster::choice::{Choice, ChosenUser};
use crate::doctor::evidence::{Evidence, Probed, Signer};
use crate::probe::aws_auth::Reader;
use crate::probe::sts;
use crate::token::{Replay, StsHost, Token};

/// How tokens of EKS begin.
const PREFIX: &str = "k8s-aws-v1.";

/// The token that is tried.
pub(super) struct Tried {
    pub(super) token: SecretString,
    /// What the authenticator asks STS; `None` when it asks nobody.
    pub(super) replay: Option<Replay>,
    /// The name of the cluster whose authenticator it is.
    pub(super) cluster: String,
}

impl Asked {
    /// The token that kubectl would send: the plugin's, or the one that stands in the kubeconfig. Where there is neither, or the
    /// user says with which credentials, one made here.
    pub(super) fn token(
        &self,
        evidence: &mut Evidence,
        ring: &Keyring,
        choice: Option<&Choice>,
        printed: Option<SecretString>,
        now: Timestamp,
    ) -> Option<Tried> {
        if self.arn.is_some() {
            evidence.token =
                Probed::NotAsked("to be the one who is diagnosed (without --for)".to_owned());
            return None;
        }
        let written = choice.and_then(|choice| match &choice.user {
            ChosenUser::Token(token, _) => Some(token),
            _ => None,
        });
        let written = written.filter(|token| token.expose_secret().starts_with(PREFIX));
        let (signer, token) = match (printed, written) {
            (Some(token), _) if !ring.is_own => (Signer::Plugin, token),
            (_, Some(token)) if !ring.is_own => (Signer::Kubeconfig, token.clone()),
            _ => (Signer::Awsauth, self.made(evidence, ring, choice, now)?),
        };
        let keys_end = ring
            .resolved
            .as_ref()
            .and_then(|it| it.credentials.expiration);
        let keys_end = keys_end.filter(|_| signer == Signer::Awsauth);
        let region = self.region(ring, choice);
        let cluster = self.judge_name(signer, choice).unwrap_or_default();
        let (seen, replay) = sts::read(&token, signer, &cluster, &region, keys_end, now);
        evidence.token = Probed::Seen(seen);
        Some(Tried {
            token,
            replay,
            cluster,
        })
    }

    /// The name that the cluster's authenticator puts to a token: what the user says, else the kubeconfig's entry, else, for want
    /// of anything better, what the token was signed for.
    fn judge_name(&self, signer: Signer, choice: Option<&Choice>) -> Option<String> {
        let choice = choice?;
        let of_entry = choice
            .entry
            .name
            .clone()
            .filter(|_| signer != Signer::Awsauth);
        let said = self.cluster.clone();
        said.or(of_entry).or_else(|| choice.eks.name.clone())
    }

    fn region(&self, ring: &Keyring, choice: Option<&Choice>) -> String {
        let of_cluster = choice.and_then(|choice| choice.eks.region.clone());
        let of_keys = ring.resolved.as_ref().map(|it| it.region.name.clone());
        let said = of_cluster.or_else(|| ring.wish.region.clone()).or(of_keys);
        said.unwrap_or_else(|| "us-east-1".to_owned())
    }

    fn made(
        &self,
        evidence: &mut Evidence,
        ring: &Keyring,
        choice: Option<&Choice>,
        now: Timestamp,
    ) -> Option<SecretString> {
        let needs = |what: &str| Probed::NotAsked(what.to_owned());
        let Some(resolved) = &ring.resolved else {
            evidence.token = needs("credentials (C1)");
            return None;
        };
        if choice.is_none() {
            evidence.token = needs("a kubeconfig (K1)");
            return None;
        }
        let Some(cluster) = self.cluster_name(choice) else {
            evidence.token = needs("the cluster's name at EKS: --cluster-name NAME");
            return None;
        };
        let said = ring.wish.region.as_deref();
        let region = said.unwrap_or(&resolved.region.name);
        match StsHost::of(region, resolved.endpoint) {
            Ok(host) => Some(Token::sign(&resolved.credentials, &host, &cluster, now).text),
            Err(error) => {
                evidence.token = needs(&format!("another region: {error}"));
                None
            }
        }
    }
}

/// Who reads aws-auth, whatever becomes of the token; `None` when nobody but its holder can.
pub(super) fn reader(
    choice: Option<&Choice>,
    as_context: Option<&str>,
    evidence: &Evidence,
) -> Option<Reader> {
    if let Some(name) = as_context {
        return Some(Reader::Context(name.to_owned()));
    }
    match &choice?.user {
        ChosenUser::Other(_) => Some(Reader::Kubeconfig),
        ChosenUser::Token(token, _) if !token.expose_secret().starts_with(PREFIX) => {
            Some(Reader::Token(token.clone()))
        }
        ChosenUser::Exec(_) if evidence.wanted.arn.is_some() => Some(Reader::Kubeconfig),
        _ => None,
    }
}
