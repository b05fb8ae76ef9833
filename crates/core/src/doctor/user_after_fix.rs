//! The Kubernetes user that an identity becomes after the next step of a mapping problem.

use std::collections::BTreeMap;

use serde_json::json;
use strsim::levenshtein;

use super::checks::mapping::near_miss::is_ignored;
use super::denied_request::denied_question;
use super::evidence::{Evidence, Explained};
use super::{remedy, similar_access_entry};
use crate::arn::{Kind, Normalized, Parts, normalize};
use crate::authenticator::{Answer, Mismatch, Question, User, explain};
use crate::document::{DecodeWarning, Document, Field, SectionName};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::lint::{Facts, Selection, apply_fixes};

/// The user that the identity becomes after the next step of a check.
pub(super) struct FixedUser {
    pub(super) check: &'static str,
    pub(super) user: User,
}

/// Returns the Kubernetes user that the subject becomes after the next step of a mapping problem, if that is a different user.
pub fn user_after_fix(evidence: &Evidence) -> Option<User> {
    find(evidence).map(|fixed| fixed.user)
}

/// Returns the user after the next step of M3 to M7. `None` if none of them finds a problem that decides the user's groups, or
/// if these groups are unknown.
pub(super) fn find(evidence: &Evidence) -> Option<FixedUser> {
    let explained = evidence.explanation().ok()?;
    let explanation = &explained.explanation;
    if explanation.access_entry.is_some() {
        let user = with_groups_of_aws_auth(evidence, &explained)?;
        return Some(FixedUser { check: "M3", user });
    }
    let none_similar = || like_a_similar_entry(evidence, &explained).is_none();
    if explanation.answers.is_empty() && !evidence.is_signed_in() && none_similar() {
        let like_an_access_entry = || {
            let user = similar_access_entry::user(evidence)?;
            let check = match described_mode(evidence) {
                Some(AuthenticationMode::Api) => "M1",
                _ => "M6",
            };
            Some(FixedUser { check, user })
        };
        return readable(evidence, &explained)
            .or_else(|| of_mapped_profile(evidence, &explained))
            .or_else(like_an_access_entry);
    }
    let (check, section, text) = match explanation.answers.first() {
        Some(answer) => (
            "M7",
            answer.place.section,
            with_groups(evidence, &explained, answer)?,
        ),
        None if evidence.is_signed_in() => return None,
        None => like_a_similar_entry(evidence, &explained)?,
    };
    let user = user(evidence, section, text)?;
    let is_other = evidence.user().as_ref() != Some(&user);
    (is_other && !user.groups.is_empty()).then_some(FixedUser { check, user })
}

fn described_mode(evidence: &Evidence) -> Option<AuthenticationMode> {
    evidence.described.known()?.as_ref().ok()?.mode
}

/// Returns the user of an access entry with neither groups nor policies if it gets the groups that aws-auth has for the
/// identity.
pub(super) fn with_groups_of_aws_auth(
    evidence: &Evidence,
    explained: &Explained<'_>,
) -> Option<User> {
    let mapped = explained.explanation.access_entry.as_ref()?;
    let terms = mapped.entry.terms.as_ref()?;
    let subject = evidence.subject()?;
    let own = evidence.user()?;
    let known = terms.policies.is_some() && terms.policies().is_empty();
    if !known || !terms.groups.is_empty() {
        return None;
    }
    let mut user = explained_user(
        &explained.document,
        Question {
            arn: subject.arn,
            session_name: subject.session_name,
            ..Question::default()
        },
    )?;
    // EKS accepts none of Kubernetes's own groups:
    // https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
    user.groups.retain(|group| !group.starts_with("system:"));
    user.username = own.username;
    (!user.groups.is_empty()).then_some(user)
}

/// Returns the user after safe corrections of a section that the authenticator cannot read.
fn readable(evidence: &Evidence, explained: &Explained<'_>) -> Option<FixedUser> {
    let mut sections = explained.document.sections();
    sections.find(|section| section.is_unreadable())?;
    let data = &explained.aws_auth.snapshot.data;
    let fixed = apply_fixes(data, &Facts::default(), &Selection::default());
    let subject = evidence.subject()?;
    let user = explained_user(
        &Document::read(&fixed.data),
        Question {
            arn: subject.arn,
            session_name: subject.session_name,
            ..Question::default()
        },
    )?;
    (!user.groups.is_empty()).then_some(FixedUser { check: "M4", user })
}

/// Returns the user of the role that a profile of this machine assumes and aws-auth maps: the profile that M5 proposes.
fn of_mapped_profile(evidence: &Evidence, explained: &Explained<'_>) -> Option<FixedUser> {
    let Some(Ok(keys)) = evidence.credentials.known() else {
        return None;
    };
    let (_, role) = remedy::mapped_profile(evidence, &keys.role_profiles)?;
    let role = match normalize(role) {
        Normalized::PathDropped { arn, .. } => arn,
        _ => role.to_owned(),
    };
    let user = explained_user(
        &explained.document,
        Question {
            arn: &role,
            ..Question::default()
        },
    )?;
    (!user.groups.is_empty()).then_some(FixedUser { check: "M5", user })
}

fn explained_user(document: &Document, question: Question<'_>) -> Option<User> {
    let explanation = explain(document, &question).ok()?;
    let (user, _) = explanation.users().next()?;
    Some(user.clone())
}

/// Returns an entry for the identity with the username and groups of the similar entry that M7 or M6 names.
fn like_a_similar_entry(
    evidence: &Evidence,
    explained: &Explained<'_>,
) -> Option<(&'static str, SectionName, String)> {
    let mut near = explained.explanation.near.iter();
    let ignored = near.clone().find(|near| is_ignored(&near.why));
    let (check, near) = match ignored {
        Some(near) => ("M7", near),
        None => ("M6", near.next().filter(|near| near.why != Mismatch::Root)?),
    };
    let mapping = remedy::mapping(&explained.document, near)?;
    let subject = evidence.subject()?.canonical;
    let (section, key) = match subject.kind {
        Kind::Role | Kind::AssumedRole => (SectionName::Roles, "rolearn"),
        Kind::User => (SectionName::Users, "userarn"),
        Kind::Root | Kind::FederatedUser => return None,
    };
    let name = Parts::of(&subject.arn).map_or("", |parts| parts.name);
    let username = match mapping.username.as_str() {
        "" => name,
        username => username,
    };
    let entry = json!([{key: &subject.arn, "username": username, "groups": mapping.groups()}]);
    Some((check, section, entry.to_string()))
}

/// Returns the section with the groups of an entry in a field that the authenticator reads, as a list.
fn with_groups(evidence: &Evidence, explained: &Explained<'_>, answer: &Answer) -> Option<String> {
    let section = explained.document.section(answer.place.section);
    let entry = section.entries().get(answer.place.index)?;
    let text = section.text()?;
    let is_lost = |_: &Field| !entry.fields.groups_are_list;
    let misnamed = || {
        denied_question(evidence)?;
        let mut warnings = entry.decode_warnings.iter();
        warnings.find_map(|warning| {
            let DecodeWarning::UnknownField(field) = warning else {
                return None;
            };
            let name = text.get(field.key.range())?.to_ascii_lowercase();
            (levenshtein(&name, "groups") <= 2).then_some(*field)
        })
    };
    let field = match entry.fields.groups {
        Some(field) => Some(field).filter(is_lost),
        None => misnamed(),
    }?;
    let value = text.get(field.value.range())?;
    let list = match value.starts_with(['[', '-']) {
        true => value.to_owned(),
        false if value.contains(char::is_whitespace) => return None,
        false => format!("[{value}]"),
    };
    let mut fixed = text.to_owned();
    fixed.replace_range(field.value.range(), &list);
    fixed.replace_range(field.key.range(), "groups");
    Some(fixed)
}

/// Returns the user of the identity according to one section.
fn user(evidence: &Evidence, section: SectionName, text: String) -> Option<User> {
    let subject = evidence.subject()?;
    let question = Question {
        arn: subject.arn,
        session_name: subject.session_name,
        ..Question::default()
    };
    let data = BTreeMap::from([(section.key().to_owned(), text)]);
    explained_user(&Document::read(&data), question)
}
