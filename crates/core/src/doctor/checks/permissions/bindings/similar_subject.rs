//! Subjects of bindings that resemble the user but do not match it.

use crate::arn::{Parts, canonical};
use crate::authenticator::User;
use crate::rbac::Subject;

/// The maximum edit distance of two names that differ only by a typo.
const MAX_LETTERS: usize = 2;
/// The minimum length of both names. For shorter names, a small edit distance does not indicate a typo.
const MIN_LENGTH: usize = 4;

/// A subject that resembles the user or one of its groups.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SimilarSubject<'u> {
    /// The kind of the mismatch: the lower, the more likely it is that the binding should name this user.
    rank: usize,
    /// Why the subject does not match.
    pub(super) why: String,
    /// `group` or `user`, and the name that would match.
    pub(super) flag: &'static str,
    pub(super) name: &'u str,
}

/// Returns how a subject resembles the user, whose IAM ARN is `arn`; `None` if it does not.
pub(super) fn similar<'u>(
    subject: &Subject,
    user: &'u User,
    arn: Option<&str>,
) -> Option<SimilarSubject<'u>> {
    let written = subject.name();
    if written.starts_with("system:") {
        return None;
    }
    let is_own = |name: &&String| !name.is_empty() && !name.starts_with("system:");
    let groups = user.groups.iter().filter(is_own);
    let username = Some(&user.username).filter(is_own);
    let names = groups
        .map(|name| ("group", name.as_str()))
        .chain(username.map(|name| ("user", name.as_str())));
    let all = names.filter_map(|(flag, name)| {
        let (rank, why) = mismatch(subject, flag, name, arn)?;
        Some(SimilarSubject {
            rank,
            why,
            flag,
            name,
        })
    });
    all.min()
}

fn mismatch(
    subject: &Subject,
    flag: &'static str,
    name: &str,
    arn: Option<&str>,
) -> Option<(usize, String)> {
    let (kind, written) = (subject.kind(), subject.name());
    let is_of_kind = kind.eq_ignore_ascii_case(flag);
    if written == name {
        let is_other = !is_of_kind;
        return is_other.then(|| {
            (
                0,
                format!("{name} is a {flag}, not a {}", in_words(subject)),
            )
        });
    }
    if !is_of_kind {
        return None;
    }
    if written.to_lowercase() == name.to_lowercase() {
        return Some((
            1,
            format!("the {flag} is {name}, and names are case-sensitive"),
        ));
    }
    let without_prefix = |text: &str| text.rsplit(':').next().map(str::to_owned);
    if without_prefix(written) == without_prefix(name) {
        return Some((
            2,
            format!("the {flag} is {name}, and a prefix is part of the name"),
        ));
    }
    if flag == "user" {
        let is_arn = |text: &str| text.starts_with("arn:");
        let of = |text: &str| canonical(text).ok().map(|canonical| canonical.arn);
        let same_arn = is_arn(written) && of(written).is_some_and(|of| Some(of.as_str()) == arn);
        let same_name = Parts::of(written).is_some_and(|parts| parts.name == name);
        if is_arn(written) && (same_arn || same_name) {
            return Some((
                2,
                format!("Kubernetes knows the identity by the username {name}, not by its ARN"),
            ));
        }
        let local = |text: &str| text.split('@').next().unwrap_or_default().to_lowercase();
        if (written.contains('@') || name.contains('@')) && local(written) == local(name) {
            return Some((3, format!("the username is {name}")));
        }
    }
    let letters = strsim::damerau_levenshtein(written, name);
    let is_typo = letters <= MAX_LETTERS && written.len().min(name.len()) >= MIN_LENGTH;
    is_typo.then(|| (3 + letters, format!("the {flag} is {name}")))
}

fn in_words(subject: &Subject) -> &'static str {
    match subject {
        Subject::User(_) => "user",
        Subject::Group(_) => "group",
        Subject::ServiceAccount { .. } => "service account",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_of_another_kind_or_spelling_resembles_the_user() {
        let user = User {
            username: "alice".into(),
            groups: vec!["Developers".into(), "system:authenticated".into()],
        };
        let arn = "arn:aws:iam::111122223333:user/alice";
        let found = |subject: Subject| {
            similar(&subject, &user, Some(arn)).map(|found| (found.flag, found.name, found.why))
        };
        for (subject, flag, name, why) in [
            (
                Subject::User("Developers".into()),
                "group",
                "Developers",
                "is a group, not a user",
            ),
            (
                Subject::Group("developers".into()),
                "group",
                "Developers",
                "case-sensitive",
            ),
            (
                Subject::Group("Developer".into()),
                "group",
                "Developers",
                "the group is",
            ),
            (
                Subject::Group("eks:Developers".into()),
                "group",
                "Developers",
                "a prefix is part of the name",
            ),
            (
                Subject::Group("alice".into()),
                "user",
                "alice",
                "is a user, not a group",
            ),
            (Subject::User(arn.into()), "user", "alice", "not by its ARN"),
            (
                Subject::User("alice@example.com".into()),
                "user",
                "alice",
                "the username is",
            ),
            (
                Subject::ServiceAccount {
                    namespace: "a".into(),
                    name: "Developers".into(),
                },
                "group",
                "Developers",
                "not a service account",
            ),
        ] {
            let (found_flag, found_name, found_why) = found(subject.clone()).unwrap();
            assert_eq!((found_flag, found_name), (flag, name), "{subject:?}");
            assert!(found_why.contains(why), "{found_why}");
        }
        for other in [
            Subject::User("alice".into()),
            Subject::User("bob".into()),
            Subject::User("arn:aws:iam::111122223333:user/bob".into()),
            Subject::Group("system:authenticated".into()),
            Subject::Group("viewers".into()),
        ] {
            assert_eq!(found(other.clone()), None, "{other:?}");
        }
    }
}
