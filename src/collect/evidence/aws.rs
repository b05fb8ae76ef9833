//! Steps that need AWS credentials.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::token::TestedToken;
use super::{Collector, CredentialContext, Searched};
use crate::collect::{ConnectOptions, LIMIT, Task, eks, kubeconfig, nodes, spawn, sts};
use awsauth_aws::credentials::ResolvedCredentials;
use awsauth_core::doctor::evidence::{
    Caller, ClusterDescription, Collected, DescribeFailure, EksNodes, Evidence, StsProblem,
    VerifiedCaller,
};
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_kube::selected_context::SelectedContext;

type CallerResult = Result<Caller, StsProblem>;
type DescribeResult = Result<ClusterDescription, DescribeFailure>;
/// The running requests for the caller and the cluster.
type Asked = (Option<Task<CallerResult>>, Option<Task<DescribeResult>>);
type VerifiedResult = Result<VerifiedCaller, StsProblem>;

impl Collector {
    /// Asks STS for the identity of the credentials, and EKS about the cluster.
    pub(super) fn ask_aws(
        &self,
        context: &CredentialContext,
        selected: Option<&Arc<SelectedContext>>,
        now: Timestamp,
        end: Instant,
    ) -> Option<Asked> {
        let resolved = context.resolved.clone()?;
        let (with, asker) = (resolved.clone(), context.clone());
        let calling = (self.arn.is_none() && !context.is_unused).then(|| {
            spawn(LIMIT, end, move || {
                sts::caller(
                    &with,
                    &asker.credential_options,
                    &asker.aws_environment,
                    now,
                )
            })
        });
        let name = self.described_name(selected.map(Arc::as_ref));
        let describing = name.zip(selected.cloned()).map(|(name, selected)| {
            let context = context.clone();
            let resolved = in_region(resolved, selected.entry.region.as_deref());
            spawn(LIMIT, end, move || {
                let profile = context.credential_options.profile.as_deref();
                eks::describe(
                    &resolved,
                    profile,
                    &context.aws_environment,
                    &name,
                    &selected,
                )
            })
        });
        Some((calling, describing))
    }

    /// Asks EKS for the endpoint if there is no kubeconfig.
    pub(super) fn through_eks(
        &self,
        evidence: &mut Evidence,
        context: &CredentialContext,
        options: &mut ConnectOptions,
    ) -> Option<SelectedContext> {
        let name = self.cluster.clone()?;
        let Some(resolved) = context.resolved.clone() else {
            let needs = "credentials (C1): without a kubeconfig, EKS is asked for the cluster";
            evidence.kubeconfig = Collected::NotRequested(needs.to_owned());
            return None;
        };
        let context = context.clone();
        let asked = spawn(LIMIT, options.end, move || {
            let profile = context.credential_options.profile.as_deref();
            eks::endpoint(&resolved, profile, &context.aws_environment, &name)
        });
        let endpoint = match asked.wait() {
            Collected::Seen(Ok(endpoint)) => endpoint,
            Collected::Seen(Err(problem)) => {
                evidence.kubeconfig = Collected::Seen(Err(problem));
                return None;
            }
            Collected::TimedOut(limit) => {
                evidence.kubeconfig = Collected::TimedOut(limit);
                return None;
            }
            Collected::NotRequested(needs) => {
                evidence.kubeconfig = Collected::NotRequested(needs);
                return None;
            }
        };
        let selected = SelectedContext::at(&endpoint, &options.flags).ok()?;
        evidence.kubeconfig = Collected::Seen(Ok(kubeconfig::at_eks(&selected)));
        options.eks_endpoint = Some(endpoint);
        Some(selected)
    }

    /// Asks EKS about the access entry if the cluster uses access entries.
    pub(super) fn ask_entries(
        &self,
        evidence: &mut Evidence,
        context: &CredentialContext,
        end: Instant,
    ) {
        let needs = "eks:DescribeCluster (M1)";
        evidence.access_entries = Collected::NotRequested(needs.to_owned());
        let Some(Ok(described)) = evidence.described.known() else {
            return;
        };
        let mode = described.mode.unwrap_or(AuthenticationMode::ConfigMap);
        let (Some(resolved), Some(subject)) = (context.resolved.clone(), evidence.subject()) else {
            return;
        };
        if mode == AuthenticationMode::ConfigMap {
            return;
        }
        let resolved = in_region(resolved, described.region());
        let (name, arn) = (described.name.clone(), subject.canonical.arn);
        let context = context.clone();
        let asked = spawn(LIMIT, end, move || {
            let profile = context.credential_options.profile.as_deref();
            eks::access_entries(
                &resolved,
                profile,
                &context.aws_environment,
                &name,
                mode,
                &arn,
            )
        });
        evidence.access_entries = asked.wait();
    }
}

/// Asks EKS about the nodes if it described the cluster.
pub(super) fn ask_nodes(
    evidence: &mut Evidence,
    context: &CredentialContext,
    end: Instant,
) -> Option<Task<EksNodes>> {
    let described = match &evidence.described {
        Collected::Seen(Ok(described)) => described,
        Collected::NotRequested(needs) => {
            evidence.eks_nodes = Collected::NotRequested(needs.clone());
            return None;
        }
        _ => {
            evidence.eks_nodes = Collected::NotRequested("eks:DescribeCluster (M1)".to_owned());
            return None;
        }
    };
    let region = described.region();
    let (resolved, name, context) = (
        in_region(context.resolved.clone()?, region),
        described.name.clone(),
        context.clone(),
    );
    Some(spawn(LIMIT, end, move || {
        let profile = context.credential_options.profile.as_deref();
        nodes::at_eks(&resolved, profile, &context.aws_environment, &name)
    }))
}

/// Returns credentials for requests to the cluster's region, which the region of its tokens may differ from.
fn in_region(mut resolved: ResolvedCredentials, region: Option<&str>) -> ResolvedCredentials {
    if let Some(region) = region {
        resolved.region.name = region.to_owned();
    }
    resolved
}

pub(super) fn searched(
    evidence: &mut Evidence,
    searching: Option<Task<Searched>>,
) -> Option<ResolvedCredentials> {
    let without = || "credentials (C1)".to_owned();
    evidence.caller = Collected::NotRequested(without());
    evidence.described = Collected::NotRequested(match searching {
        Some(_) => without(),
        None => "the name of the EKS cluster: --cluster-name NAME".to_owned(),
    });
    let searching = searching?;
    let (keys, resolved) = match searching.wait() {
        Collected::Seen(Ok((keys, resolved))) => (Collected::Seen(Ok(keys)), Some(resolved)),
        Collected::Seen(Err(none)) => (Collected::Seen(Err(*none)), None),
        Collected::NotRequested(needs) => (Collected::NotRequested(needs), None),
        Collected::TimedOut(limit) => (Collected::TimedOut(limit), None),
    };
    evidence.credentials = keys;
    resolved
}

pub(super) fn verify_token(
    tested: &TestedToken,
    context: &CredentialContext,
    end: Instant,
) -> Option<Task<VerifiedResult>> {
    let (presigned, cluster, context) = (
        tested.presigned.clone()?,
        tested.cluster.clone(),
        context.clone(),
    );
    Some(spawn(LIMIT, end, move || {
        let profile = context.credential_options.profile.as_deref();
        sts::verify_token(&presigned, &cluster, profile, &context.aws_environment)
    }))
}
