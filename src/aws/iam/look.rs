use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{self, PolicyEvaluationDecisionType};

use super::{Told, unanswered};
use crate::aws::AwsError;
use crate::aws::at_once::at_once;
use crate::facts::principals::{Listed, Principal};
use crate::trust::Decision;

/// The most names that are asked for one by one.
const ONE_BY_ONE: usize = 200;

pub(super) async fn roles(client: &Client, names: &BTreeSet<String>) -> Told<Listed> {
    match every_role(client).await {
        Ok(roles) => Ok(Listed::all(roles)),
        Err(denied) if denied.is_denial() && !names.is_empty() => {
            let names = names.iter().take(ONE_BY_ONE).cloned();
            let asked = at_once(names, |name| {
                let client = client.clone();
                async move { (name.clone(), role(&client, name).await) }
            });
            each(asked.await?)
        }
        Err(error) => Err(unanswered("iam:ListRoles")(error)),
    }
}

pub(super) async fn users(client: &Client, names: &BTreeSet<String>) -> Told<Listed> {
    match every_user(client).await {
        Ok(users) => Ok(Listed::all(users)),
        Err(denied) if denied.is_denial() && !names.is_empty() => {
            let names = names.iter().take(ONE_BY_ONE).cloned();
            let asked = at_once(names, |name| {
                let client = client.clone();
                async move { (name.clone(), user(&client, name).await) }
            });
            each(asked.await?)
        }
        Err(error) => Err(unanswered("iam:ListUsers")(error)),
    }
}

fn each(answers: Vec<(String, Told<Option<Principal>>)>) -> Told<Listed> {
    let (mut found, mut absent) = (Vec::new(), Vec::new());
    for (name, answer) in answers {
        match answer? {
            Some(principal) => found.push(principal),
            None => absent.push(name),
        }
    }
    Ok(Listed::some(found, absent))
}

async fn every_role(client: &Client) -> Result<Vec<Principal>, AwsError> {
    let mut pages = client.list_roles().into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(role) = pages.next().await {
        all.push(of_role(role.map_err(AwsError::of)?));
    }
    Ok(all)
}

async fn every_user(client: &Client) -> Result<Vec<Principal>, AwsError> {
    let mut pages = client.list_users().into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(user) = pages.next().await {
        all.push(of_user(user.map_err(AwsError::of)?));
    }
    Ok(all)
}

pub(super) async fn role(client: &Client, name: String) -> Told<Option<Principal>> {
    let answer = client.get_role().role_name(name).send().await;
    let answer = answer.map(|answer| answer.role.map(of_role));
    or_nowhere(answer.map_err(AwsError::of), "iam:GetRole")
}

async fn user(client: &Client, name: String) -> Told<Option<Principal>> {
    let answer = client.get_user().user_name(name).send().await;
    let answer = answer.map(|answer| answer.user.map(of_user));
    or_nowhere(answer.map_err(AwsError::of), "iam:GetUser")
}

pub(super) async fn instance_profiles(
    client: &Client,
    names: &BTreeSet<String>,
) -> Told<BTreeMap<String, Option<String>>> {
    const ACTION: &str = "iam:GetInstanceProfile";
    let names = names.iter().take(ONE_BY_ONE).cloned();
    let asked = at_once(names, |name| {
        let asking = client.get_instance_profile().instance_profile_name(&name);
        async move {
            let answer = asking.send().await.map_err(AwsError::of);
            let profile = answer.map(|answer| answer.instance_profile);
            (name, or_nowhere(profile, ACTION))
        }
    });
    let mut profiles = BTreeMap::new();
    for (name, answer) in asked.await? {
        // IAM lets a profile hold one role.
        let roles = answer?.map(|profile| profile.roles).unwrap_or_default();
        profiles.insert(name, roles.into_iter().next().map(|role| role.arn));
    }
    Ok(profiles)
}

pub(super) async fn simulate(
    client: &Client,
    principal: &str,
    action: &str,
    resource: &str,
) -> Told<(Decision, Decision)> {
    let asking = client.simulate_principal_policy();
    let asking = asking.policy_source_arn(principal).action_names(action);
    let answer = asking.resource_arns(resource).send().await;
    let answer = answer.map_err(AwsError::of);
    let answer = answer.map_err(unanswered("iam:SimulatePrincipalPolicy"))?;
    let results = answer.evaluation_results.unwrap_or_default();
    let Some(result) = results.into_iter().next() else {
        return Ok((Decision::Unknown, Decision::Unknown));
    };
    let own = match result.eval_decision {
        PolicyEvaluationDecisionType::Allowed => Decision::Allowed,
        PolicyEvaluationDecisionType::ExplicitDeny => Decision::ExplicitDeny,
        PolicyEvaluationDecisionType::ImplicitDeny => Decision::ImplicitDeny,
        _ => Decision::Unknown,
    };
    let boundary = result.permissions_boundary_decision_detail;
    let boundary = match boundary.map(|detail| detail.allowed_by_permissions_boundary) {
        Some(false) => Decision::ImplicitDeny,
        Some(true) | None => Decision::Allowed,
    };
    Ok((own, boundary))
}

/// What is not there is `None`.
fn or_nowhere<T>(answer: Result<Option<T>, AwsError>, action: &'static str) -> Told<Option<T>> {
    match answer {
        Err(error) if error.code() == Some("NoSuchEntity") => Ok(None),
        answer => answer.map_err(unanswered(action)),
    }
}

fn of_role(role: types::Role) -> Principal {
    Principal {
        arn: role.arn,
        name: role.role_name,
        trust: role.assume_role_policy_document,
    }
}

fn of_user(user: types::User) -> Principal {
    Principal {
        arn: user.arn,
        name: user.user_name,
        trust: None,
    }
}
