//! Commands that fix a problem.

use super::evidence::{Entry, Evidence, SignedIn, Subject};
use crate::arn::{Kind, Parts};
use crate::authenticator::{NearMatch, User};
use crate::document::{Document, Mapping, Status};
use crate::shell_quote::quoted;

/// Returns the `awsauth map` command that gives the subject access, with the username and groups of a similar entry.
pub(super) fn map(evidence: &Evidence, near: Option<(&Document, &NearMatch)>) -> String {
    let Some(subject) = evidence.subject() else {
        return "see the identity: awsauth whoami".to_owned();
    };
    let arn = &subject.canonical.arn;
    let section = match subject.canonical.kind {
        Kind::Role | Kind::AssumedRole => "role",
        Kind::User => "user",
        Kind::Root | Kind::FederatedUser => {
            return "sign in as a role or a user instead: --role-arn ARN, --profile NAME"
                .to_owned();
        }
    };
    let similar = near.and_then(|(document, near)| mapping(document, near));
    let name = Parts::of(arn).map_or("", |parts| parts.name);
    let username = similar.map(|mapping| mapping.username.as_str());
    let username = username.filter(|name| !name.is_empty()).unwrap_or(name);
    let groups = similar.map(Mapping::groups).unwrap_or_default();
    let groups = match groups {
        [] => " --group GROUP".to_owned(),
        groups => groups
            .iter()
            .map(|group| format!(" --group {}", quoted(group)))
            .collect(),
    };
    let context = evidence
        .entry()
        .ok()
        .and_then(|entry| entry.context.as_deref());
    let context = match context {
        Some(name) => format!(" --context {}", quoted(name)),
        None => evidence
            .entry()
            .map_or_else(|_| String::new(), Entry::flags),
    };
    format!(
        "awsauth map {section} {} --username {}{groups}{context}",
        quoted(arn),
        quoted(username)
    )
}

fn mapping<'d>(document: &'d Document, near: &NearMatch) -> Option<&'d Mapping> {
    let mut entries = document.section(near.section).entries().iter();
    let entry = entries.find(|entry| entry.line == near.line)?;
    match &entry.status {
        Status::Kept(mapping) | Status::Dropped { mapping, .. } => Some(mapping),
    }
}

/// Returns the command that creates an access entry for the subject.
pub(super) fn access_entry(cluster: &str, subject: &Subject<'_>) -> String {
    format!(
        "aws eks create-access-entry --cluster-name {} --principal-arn {}",
        quoted(cluster),
        quoted(&subject.canonical.arn)
    )
}

/// Returns the command that an administrator can run to diagnose the subject, and the one for a cluster that admits none.
pub(super) fn ask_an_admin(evidence: &Evidence) -> String {
    let cluster = evidence
        .entry()
        .map_or_else(|_| String::new(), Entry::flags);
    let cluster = match cluster.is_empty() {
        true => " --cluster-name NAME",
        false => &cluster,
    };
    match evidence.subject() {
        Some(subject) => format!(
            "ask a user who may read aws-auth to run: awsauth doctor --for {}; if no administrator can sign in, and you have IAM permissions: awsauth rescue{cluster} --dry-run",
            quoted(&subject.canonical.arn)
        ),
        None => "see the identity: awsauth whoami".to_owned(),
    }
}

/// Returns the Kubernetes user of the subject, from the sign-in or else from aws-auth.
pub(super) fn user(evidence: &Evidence) -> Option<User> {
    if let Some(SignedIn::In { username, groups }) = evidence.signed_in.known() {
        return Some(User {
            username: username.clone(),
            groups: groups.clone(),
        });
    }
    let explained = evidence.explanation().ok()?;
    let (user, _) = explained.explanation.users().next()?;
    Some(user.clone())
}

/// Lists groups in words.
pub(super) fn groups(groups: &[String]) -> String {
    match groups {
        [] => "no groups".to_owned(),
        [group] => format!("group {group}"),
        groups => format!("groups {}", groups.join(", ")),
    }
}

/// Returns the command that creates the smallest binding that usually helps.
pub(super) fn bind(evidence: &Evidence, question: &str) -> String {
    let kubectl = evidence.entry().map_or("kubectl", |entry| &entry.kubectl);
    let Some(user) = user(evidence) else {
        return format!("{kubectl} auth can-i {question}");
    };
    let is_own = |name: &&String| !name.is_empty() && !name.starts_with("system:");
    let (flag, name) = match user.groups.iter().find(is_own) {
        Some(group) => ("group", group.as_str()),
        None => ("user", user.username.as_str()),
    };
    let verb = question.split_whitespace().next().unwrap_or_default();
    let role = match verb {
        "get" | "list" | "watch" => "view",
        _ => "edit",
    };
    format!(
        "{kubectl} create clusterrolebinding {} --clusterrole={role} {}",
        quoted(&format!(
            "{}-{role}",
            name.replace(['/', '%', ':', '@'], "-")
        )),
        quoted(&format!("--{flag}={name}"))
    )
}
