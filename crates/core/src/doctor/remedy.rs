//! Commands that fix a problem.

use super::evidence::{Entry, Evidence, Explained, SignedIn, Subject, User as EntryUser};
use crate::arn::{Kind, Parts, is_same_principal};
use crate::authenticator::{Answer, NearMatch, User};
use crate::document::{Document, Entry as DocumentEntry, Mapping, SectionName};
use crate::shell_quote::quoted;

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
    let section = match subject.canonical.kind {
        Kind::Role | Kind::AssumedRole => "role",
        Kind::User => "user",
        Kind::Root | Kind::FederatedUser => {
            return "sign in as a role or a user instead: --role-arn ARN, --profile NAME"
                .to_owned();
        }
    };
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
    Some(entry.written_mapping())
}

/// Returns the command that creates an access entry for the subject.
pub(super) fn access_entry(cluster: &str, subject: &Subject<'_>) -> String {
    format!(
        "ask a user with eks:CreateAccessEntry to run: aws eks create-access-entry --cluster-name {} --principal-arn {} --kubernetes-groups GROUP",
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
        Some(_) => format!(
            "ask a user who may read aws-auth to run: {}; if no administrator can sign in, and you have IAM permissions: awsauth rescue{cluster} --dry-run",
            diagnosis_by_admin(evidence, None)
        ),
        None => "see the identity: awsauth whoami".to_owned(),
    }
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
    if let Ok(entry) = evidence.entry()
        && let EntryUser::Exec(exec) = &entry.user
        && let Some((_, profile)) = exec.env.iter().find(|(name, _)| name == "AWS_PROFILE")
    {
        return Some(format!(
            "the kubeconfig's plugin sets AWS_PROFILE={profile}, which overrides yours: if you expect another identity than {arn}, remove it from the user's env"
        ));
    }
    let Some(Ok(keys)) = evidence.credentials.known() else {
        return None;
    };
    if keys.roles.is_empty()
        && let Some((profile, role)) = mapped_profile(evidence, &keys.role_profiles)
    {
        return Some(format!(
            "profile {profile} assumes {role}, which aws-auth maps, but {arn} did not: if you expect that role, set AWS_PROFILE={}",
            quoted(profile)
        ));
    }
    let how = match keys.source_name {
        "env" => {
            "AWS_ACCESS_KEY_ID in the environment comes before profiles and roles: if you expect another identity than {arn}, unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"
        }
        "credentials-file" | "config-file" if keys.roles.is_empty() => {
            "keys in the AWS credentials or config file come before the role of a container or an instance: if you expect another identity than {arn}, select its profile (AWS_PROFILE=NAME), or remove the keys"
        }
        _ => return None,
    };
    Some(how.replace("{arn}", &arn))
}

/// Returns the first profile whose role aws-auth maps.
fn mapped_profile<'e>(
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

/// Returns a next step after the one that selects other credentials, if they may be wrong.
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
