//! Commands that fix a problem.

use super::evidence::{
    DescribeFailure, Entry, Evidence, Explained, Subject, User as KubeconfigUser,
};
use crate::arn::{Kind, Parts, is_same_principal};
use crate::authenticator::{Answer, NearMatch, NodeRoles};
use crate::document::{Document, Entry as DocumentEntry, Mapping, SectionName};
use crate::facts::node_kinds::NodeKind;
use crate::shell_quote::quoted;

/// The maximum number of mapped roles to name.
const MAX_ROLES: usize = 3;

/// The next step for an identity that cannot be mapped.
const ANOTHER_IDENTITY: &str =
    "sign in as a role or a user instead: --role-arn ARN, --profile NAME";

/// Returns the `awsauth map` command that gives the subject access, with the username and groups of a similar entry.
pub(super) fn map(evidence: &Evidence, near: Option<(&Document, &NearMatch)>) -> String {
    map_like(
        evidence,
        near.and_then(|(document, near)| mapping(document, near)),
    )
}

/// Returns the `awsauth map` command that gives the subject the username and groups of a mapping, if there is one.
pub(super) fn map_like(evidence: &Evidence, similar: Option<&Mapping>) -> String {
    let Some(subject) = evidence.subject() else {
        return "see the identity: awsauth whoami".to_owned();
    };
    let arn = &subject.canonical.arn;
    let Some(section) = section(&subject) else {
        return ANOTHER_IDENTITY.to_owned();
    };
    if let Some(kind) = node_kind(evidence, arn) {
        return format!(
            "awsauth map node-role {} --kind {}{}",
            quoted(arn),
            kind.name(),
            cluster_flags(evidence)
        );
    }
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
    format!(
        "awsauth map {section} {} --username {}{groups}{}",
        quoted(arn),
        quoted(username),
        cluster_flags(evidence)
    )
}

/// Returns the kind of the nodes that sign in with this ARN; `None` if none does, or if only an access entry can map them.
pub(super) fn node_kind(evidence: &Evidence, arn: &str) -> Option<NodeKind> {
    let node_inventory = evidence.node_inventory().ok()?;
    let kind = NodeRoles::of(&node_inventory).get(arn)?.kind();
    (kind != NodeKind::AutoMode).then_some(kind)
}

/// Returns the flags that select the cluster for a command that changes aws-auth.
pub(super) fn cluster_flags(evidence: &Evidence) -> String {
    let of_admin = evidence.request.as_context.as_deref();
    let own = || evidence.entry().ok()?.context.as_deref();
    match of_admin.or_else(own) {
        Some(name) => format!(" --context {}", quoted(name)),
        None => evidence
            .entry()
            .map_or_else(|_| String::new(), Entry::flags),
    }
}

/// Returns the step that writes the entries of the kubeconfig again. That needs eks:DescribeCluster, which another user may have.
pub(super) fn rewrite(evidence: &Evidence, entry: &Entry) -> String {
    match may_not_describe(evidence) {
        false => entry.rewrite(),
        true => format!(
            "IAM denies you eks:DescribeCluster, so ask a user who has it for a new kubeconfig, which contains no secret: {} --kubeconfig FILE",
            entry.rewrite()
        ),
    }
}

/// Returns the step that makes awsauth the exec plugin. Without eks:DescribeCluster, changes only the user's plugin, which needs
/// no permission.
pub(super) fn use_awsauth(evidence: &Evidence, entry: &Entry) -> String {
    let has_plugin = matches!(entry.user, KubeconfigUser::Exec(_));
    let change = entry.awsauth_as_plugin().filter(|_| has_plugin);
    match change.filter(|_| may_not_describe(evidence)) {
        Some(change) => change,
        None => rewrite(evidence, entry),
    }
}

/// Returns whether EKS reports that the kubeconfig's server is the cluster's endpoint.
pub(super) fn is_endpoint_current(evidence: &Evidence) -> bool {
    match (evidence.described.known(), evidence.entry()) {
        (Some(Ok(described)), Ok(entry)) => described.is_at(&entry.server),
        _ => false,
    }
}

/// Returns the command that shows which networks can reach the endpoint.
pub(super) fn describe_network(entry: &Entry) -> String {
    format!(
        "aws eks describe-cluster --name {} --query cluster.resourcesVpcConfig",
        quoted(entry.eks_name().unwrap_or("NAME"))
    )
}

pub(super) fn may_not_describe(evidence: &Evidence) -> bool {
    matches!(
        evidence.described.known(),
        Some(Err(DescribeFailure::Denied(_)))
    )
}

/// Returns the mapping of a similar entry as written.
pub(super) fn mapping<'d>(document: &'d Document, near: &NearMatch) -> Option<&'d Mapping> {
    let mut entries = document.section(near.section).entries().iter();
    let entry = entries.find(|entry| entry.line == near.line)?;
    Some(entry.written_mapping())
}

/// Returns the command that creates an access entry for the subject, and the one for a cluster in which no administrator can sign
/// in.
pub(super) fn access_entry(cluster: &str, subject: &Subject<'_>, groups: &[String]) -> String {
    let Some(section) = section(subject) else {
        return ANOTHER_IDENTITY.to_owned();
    };
    let cluster = quoted(cluster);
    let groups = match groups {
        [] => " --group GROUP".to_owned(),
        groups => groups
            .iter()
            .map(|group| format!(" --group {}", quoted(group)))
            .collect(),
    };
    format!(
        "ask an administrator with eks:CreateAccessEntry to run: awsauth map {section} {} --cluster-name {cluster}{groups}; if no administrator can sign in, and you have IAM permissions: awsauth rescue --cluster-name {cluster} --dry-run",
        quoted(&subject.canonical.arn)
    )
}

/// Returns `role` or `user`; `None` if no mapping is possible.
fn section(subject: &Subject<'_>) -> Option<&'static str> {
    match subject.canonical.kind {
        Kind::Role | Kind::AssumedRole => Some("role"),
        Kind::User => Some("user"),
        Kind::Root | Kind::FederatedUser => None,
    }
}

/// Returns the command that an administrator can run to diagnose the subject, and the one for a cluster in which none can sign
/// in.
pub(super) fn ask_an_admin(evidence: &Evidence) -> String {
    let cluster = evidence
        .entry()
        .map_or_else(|_| String::new(), Entry::flags);
    let cluster = match cluster.is_empty() {
        true => " --cluster-name NAME",
        false => &cluster,
    };
    match evidence.subject() {
        Some(_) => format!(
            "ask a user who may read aws-auth to run: {}{}; if no administrator can sign in, and you have IAM permissions: awsauth rescue{cluster} --dry-run",
            diagnosis_by_admin(evidence, None),
            unconfirmed_name(evidence).unwrap_or_default()
        ),
        None => "see the identity: awsauth whoami".to_owned(),
    }
}

/// Returns the remaining cause if EKS has no cluster with the name that the token is signed for, and the kubeconfig has no other
/// name.
fn unconfirmed_name(evidence: &Evidence) -> Option<String> {
    let entry = evidence.entry().ok()?;
    let is_known = entry.named.is_some() || matches!(evidence.described.known(), Some(Ok(_)));
    let name = entry.plugin_named.as_ref().filter(|_| !is_known)?;
    Some(format!(
        "; if it finds no problem, {name:?} in the exec plugin's arguments may not be the cluster's name"
    ))
}

/// Returns the command that diagnoses the subject with another user's permissions, and a request if there is one.
pub(super) fn diagnosis_by_admin(evidence: &Evidence, question: Option<&str>) -> String {
    let subject = evidence.subject();
    let arn = subject.map_or_else(|| "ARN".to_owned(), |it| quoted(&it.canonical.arn));
    let can = question.map_or_else(String::new, |question| {
        format!(" --can {}", quoted(question))
    });
    format!("awsauth doctor --for {arn}{can}")
}

/// Returns how the credentials were selected, if another identity may be the intended one.
pub(super) fn selected_by(evidence: &Evidence) -> Option<String> {
    if evidence.request.arn.is_some() {
        return None;
    }
    let arn = evidence.subject()?.canonical.arn;
    if node_kind(evidence, &arn).is_some() {
        return None;
    }
    let own = Parts::of(&arn).map(|parts| parts.account);
    let of_cluster = evidence
        .entry()
        .ok()
        .and_then(|entry| entry.account.as_deref());
    if let (Some(own), Some(of_cluster)) = (own, of_cluster)
        && own != of_cluster
    {
        return Some(format!(
            "the identity is of account {own}, and the cluster is in account {of_cluster}: if you expect an identity of that account, select its profile (AWS_PROFILE=NAME), or correct role_arn in the profile"
        ));
    }
    let keys = match evidence.credentials.known() {
        Some(Ok(keys)) => Some(keys),
        _ => None,
    };
    if let Some(ignored) = keys.and_then(|keys| keys.ignored_section.as_ref()) {
        return Some(format!(
            "{}: if you expect the identity of that section, {}",
            ignored.cause, ignored.next
        ));
    }
    let is_of_environment = keys.is_some_and(|keys| keys.source_name == "env");
    let selected = evidence.entry().ok().and_then(Entry::selects_profile);
    let outside = evidence.entry().ok().and_then(|entry| match &entry.user {
        KubeconfigUser::Exec(exec) => exec.profile_in_environment.as_deref(),
        _ => None,
    });
    if let (Some((profile, place)), false) = (selected, is_of_environment)
        && outside.is_some_and(|outside| outside != profile)
    {
        return Some(format!(
            "the kubeconfig selects profile {profile} ({place}), which overrides AWS_PROFILE: if you expect another identity than {arn}, remove it from the kubeconfig"
        ));
    }
    let keys = keys.filter(|keys| keys.roles.is_empty())?;
    let profile = mapped_profile(evidence, &keys.role_profiles);
    // Keys in the environment come before AWS_PROFILE.
    if is_of_environment {
        let select = profile.map_or_else(String::new, |(profile, role)| {
            format!(
                ", and set AWS_PROFILE={} for {role}, which aws-auth maps",
                quoted(profile)
            )
        });
        return Some(format!(
            "AWS_ACCESS_KEY_ID in the environment comes before profiles and roles: if you expect another identity than {arn}, unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN{select}"
        ));
    }
    if let Some((profile, role)) = profile {
        return Some(format!(
            "profile {profile} assumes {role}, which aws-auth maps, but {arn} did not: if you expect that role, set AWS_PROFILE={}",
            quoted(profile)
        ));
    }
    match keys.source_name {
        "credentials-file" | "config-file" if selected.is_none() => {
            let profile = match keys.role_profiles.as_slice() {
                [(profile, role)] => format!("AWS_PROFILE={} for {role}", quoted(profile)),
                _ => "AWS_PROFILE=NAME".to_owned(),
            };
            Some(format!(
                "keys in the AWS credentials or config file come before the role of a container or an instance: if you expect another identity than {arn}, select its profile ({profile}), or remove the keys"
            ))
        }
        "instance" => Some(format!(
            "the credentials are those of this machine's instance profile: if you expect another identity than {arn}, attach another instance profile, or give the pod its own role (EKS Pod Identity or IRSA)"
        )),
        _ => None,
    }
}

/// Returns the first profile whose role aws-auth maps.
pub(super) fn mapped_profile<'e>(
    evidence: &Evidence,
    profiles: &'e [(String, String)],
) -> Option<(&'e str, &'e str)> {
    let explained = evidence.explanation().ok()?;
    let roles = explained.document.section(SectionName::Roles).entries();
    let is_mapped = |role: &str| {
        let mut mapped = roles.iter().filter_map(DocumentEntry::mapping);
        mapped.any(|mapping| is_same_principal(mapping.principal.text(), role))
    };
    let mut profiles = profiles.iter();
    let (profile, role) = profiles.find(|(_, role)| is_mapped(role))?;
    Some((profile, role))
}

/// If the identity is a user, returns the first roles that aws-auth maps, without node roles.
pub(super) fn mapped_roles(evidence: &Evidence) -> Option<String> {
    if evidence.subject()?.canonical.kind != Kind::User {
        return None;
    }
    if let Some(Ok(keys)) = evidence.credentials.known()
        && mapped_profile(evidence, &keys.role_profiles).is_some()
    {
        return None;
    }
    let explained = evidence.explanation().ok()?;
    let roles = explained.document.section(SectionName::Roles).entries();
    let mapped = roles.iter().filter_map(DocumentEntry::mapping);
    let of_people = mapped.filter(|mapping| !mapping.username.starts_with("system:node:"));
    let names = of_people.filter_map(|mapping| Some(Parts::of(mapping.principal.text())?.name));
    let names: Vec<&str> = names.take(MAX_ROLES).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Returns a further step after the one that selects other credentials, if the credentials may be wrong.
pub(super) fn after_selection(evidence: &Evidence, next: String) -> String {
    match selected_by(evidence) {
        Some(how) => format!("{how}; otherwise {next}"),
        None => next,
    }
}

/// Returns the mapping of an answer's entry as written.
pub(super) fn written<'e>(explained: &'e Explained<'_>, answer: &Answer) -> Option<&'e Mapping> {
    let section = explained.document.section(answer.place.section);
    let entry = section.entries().get(answer.place.index)?;
    Some(entry.written_mapping())
}

/// Returns the command that writes the subject's entry again, with its username and groups, or with a placeholder for
/// groups if it has none; `None` if aws-auth is unknown or does not map the subject.
pub(super) fn map_again(evidence: &Evidence) -> Option<String> {
    let explained = evidence.explanation().ok()?;
    let answer = explained.explanation.answers.first()?;
    Some(map_like(evidence, written(&explained, answer)))
}

/// Returns the name of a user or a group in words.
pub(super) fn username(name: &str) -> &str {
    match name {
        "" => "\"\"",
        name => name,
    }
}

/// Lists groups in words.
pub(super) fn groups(groups: &[String]) -> String {
    match groups {
        [] => "no groups".to_owned(),
        [group] => format!("group {}", username(group)),
        groups => {
            let names: Vec<&str> = groups.iter().map(|group| username(group)).collect();
            format!("groups {}", names.join(", "))
        }
    }
}
