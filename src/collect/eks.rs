//! Asks EKS about the cluster and its access entries.

use super::{error_text, problem};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::ResolvedCredentials;
use awsauth_aws::eks::{Eks, EksError};
use awsauth_core::arn::Parts;
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::doctor::evidence::{ClusterDescription, DescribeFailure, Problem};
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_kube::connect::described;
use awsauth_kube::selected_context::SelectedContext;
use awsauth_kube::{EksClusterId, EksEndpoint};

/// Asks EKS about the cluster.
pub(crate) fn describe(
    resolved: &ResolvedCredentials,
    profile: Option<&str>,
    aws_environment: &AwsEnvironment,
    name: &str,
    selected: &SelectedContext,
) -> Result<ClusterDescription, DescribeFailure> {
    let asked = Eks::new(resolved, profile, aws_environment).and_then(|mut eks| eks.describe(name));
    // Another account may have a cluster of this name, too.
    let elsewhere = |account: Option<&str>| {
        let (of_cluster, own) = selected.entry.account.as_deref().zip(account)?;
        (of_cluster != own).then(|| {
            DescribeFailure::Unknown(format!(
                "the credentials are of account {own}, and the cluster is in account {of_cluster}"
            ))
        })
    };
    let facts = asked.map_err(|error| match &error {
        EksError::NoSuchCluster { account, .. }
            if let Some(failure) = elsewhere(account.as_deref()) =>
        {
            failure
        }
        EksError::NoSuchCluster { .. } => {
            DescribeFailure::NoSuchCluster(problem(&error, error.hint()))
        }
        EksError::NotReady { .. } => DescribeFailure::NotReady(problem(&error, error.hint())),
        EksError::Denied { statement, .. } => {
            DescribeFailure::Denied(format!("AWS denies it; a policy needs {statement}"))
        }
        _ => DescribeFailure::Unknown(error_text(&error)),
    })?;
    if let Some(failure) = elsewhere(Some(facts.account())) {
        return Err(failure);
    }
    let versions = [facts.version, facts.platform_version];
    let versions: Vec<String> = versions.into_iter().flatten().collect();
    let identity = described(&facts.endpoint, &facts.certificate_authority_data);
    Ok(ClusterDescription {
        is_proven: identity
            .as_ref()
            .is_some_and(|identity| selected.server.is_endpoint(identity)),
        identity,
        same_authority: selected.trusts(&facts.certificate_authority_data),
        name: facts.name,
        arn: facts.arn,
        endpoint: facts.endpoint,
        mode: facts.authentication_mode,
        version: versions.join(" "),
        logs_authenticator: facts.logs_authenticator,
    })
}

/// Asks EKS for the cluster's endpoint.
pub(crate) fn endpoint(
    resolved: &ResolvedCredentials,
    profile: Option<&str>,
    aws_environment: &AwsEnvironment,
    name: &str,
) -> Result<EksEndpoint, Problem> {
    let asked = Eks::new(resolved, profile, aws_environment).and_then(|mut eks| eks.describe(name));
    let facts = asked.map_err(|error| Problem {
        cause: format!(
            "there is no kubeconfig, and EKS did not provide the endpoint of {name}: {}",
            error_text(&error)
        ),
        next: error.hint(),
    })?;
    Ok(EksEndpoint {
        eks: EksClusterId {
            name: facts.name,
            arn: facts.arn,
        },
        token_id: facts.token_id,
        endpoint: facts.endpoint,
        certificate_authority_data: facts.certificate_authority_data,
    })
}

/// Asks EKS for the access entries that apply to this ARN.
pub(crate) fn access_entries(
    resolved: &ResolvedCredentials,
    profile: Option<&str>,
    aws_environment: &AwsEnvironment,
    name: &str,
    mode: AuthenticationMode,
    arn: &str,
) -> Result<AccessEntries, String> {
    let mut eks =
        Eks::new(resolved, profile, aws_environment).map_err(|error| error_text(&error))?;
    let signs_in = |principal: &str| {
        let one = [AccessEntry {
            principal_arn: principal.to_owned(),
            terms: None,
        }];
        AccessEntries::new(AuthenticationMode::Api, Some(one.into()))
            .of(arn)
            .is_some()
    };
    // The contents of an entry for a similar principal may be those that the identity should have.
    let own_name = Parts::of(arn).map(|parts| parts.name.to_owned());
    let is_relevant = |principal: &str| {
        let name = Parts::of(principal).map(|parts| parts.name);
        let has_its_name = name.is_some_and(|name| own_name.as_deref() == Some(name));
        has_its_name || signs_in(principal)
    };
    match eks.access_entries(name, &is_relevant) {
        Ok(list) => Ok(AccessEntries::new(mode, Some(list.entries))),
        Err(unavailable) => Err(format!("{}: {}", unavailable.action, unavailable.hint())),
    }
}
