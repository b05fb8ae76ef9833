//! The tags of access entries that awsauth writes.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::authenticator::template;
use crate::expiry::RecordedExpiry;
use crate::facts::access_entries::{AccessEntry, AccessScope};

/// The key of the tag whose value is the owner that applied the entry.
pub(super) const OWNER: &str = "awsauth.dev/owner";

/// The key of the tag whose value is the reason.
pub(super) const FROM: &str = "awsauth.dev/from";

/// The key of the tag whose value is the digest of the contents.
pub(super) const DIGEST: &str = "awsauth.dev/digest";

/// The key of the tag whose value names the run.
pub(super) const RUN: &str = "awsauth.dev/run";

/// The key of the tag whose value is when the entry expires.
pub(super) const EXPIRES: &str = "awsauth.dev/expires";

/// Returns when an access entry expires, as its tags record it.
pub fn recorded_expiry(entry: &AccessEntry) -> Option<RecordedExpiry> {
    let tag = entry.terms.as_ref()?.tags.get(EXPIRES)?;
    Some(RecordedExpiry {
        at: tag.parse().ok()?,
        // Without the digest, it is unknown what the time was recorded for.
        is_changed: is_changed(entry).unwrap_or(true),
    })
}

/// Returns the name of the owner that applied an access entry.
pub fn owner(entry: &AccessEntry) -> Option<&str> {
    let tags = &entry.terms.as_ref()?.tags;
    tags.get(OWNER).map(String::as_str)
}

/// Returns whether another client changed the contents of an access entry since awsauth wrote it; `None` if awsauth did not
/// record them, or they are unknown.
pub fn is_changed(entry: &AccessEntry) -> Option<bool> {
    let recorded = entry.terms.as_ref()?.tags.get(DIGEST)?;
    Some(*recorded != digest(entry)?)
}

/// Returns the digest of the type, the username, the groups and the policies; `None` if they are unknown.
pub(super) fn digest(entry: &AccessEntry) -> Option<String> {
    let terms = entry.terms.as_ref()?;
    let user = template(entry, terms);
    // EKS chooses the groups of nodes.
    let groups: BTreeSet<&String> = match terms.is_for_nodes() {
        true => BTreeSet::new(),
        false => user.groups.iter().collect(),
    };
    let policies: BTreeSet<(&str, Option<BTreeSet<&String>>)> = terms
        .policies
        .as_ref()?
        .iter()
        .map(|policy| {
            let namespaces = match &policy.scope {
                AccessScope::Cluster => None,
                AccessScope::Namespaces(names) => Some(names.iter().collect()),
            };
            (policy.arn.as_str(), namespaces)
        })
        .collect();
    let contents = serde_json::json!([terms.kind, user.username, groups, policies]);
    Some(hex::encode(Sha256::digest(contents.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::access_entries::{AccessPolicy, AccessTerms, STANDARD};

    fn entry(kind: &str, username: Option<&str>, groups: &[&str], scope: &[&str]) -> AccessEntry {
        let names = scope.iter().map(|&name| name.to_owned()).collect();
        let policy = AccessPolicy {
            arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".to_owned(),
            scope: AccessScope::Namespaces(names),
        };
        AccessEntry {
            principal_arn: "arn:aws:iam::111122223333:role/team/dev".to_owned(),
            terms: Some(AccessTerms {
                kind: kind.to_owned(),
                username: username.map(str::to_owned),
                groups: groups.iter().map(|&group| group.to_owned()).collect(),
                policies: Some(vec![policy]),
                ..AccessTerms::default()
            }),
        }
    }

    #[test]
    fn digest_depends_on_each_content_and_not_on_order_or_tags() {
        let own = || entry(STANDARD, None, &["a", "b"], &["x", "y"]);
        let digest = |entry: &AccessEntry| digest(entry).unwrap();
        let default = "arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}}";
        let same = entry(STANDARD, Some(default), &["b", "a"], &["y", "x"]);
        assert_eq!(digest(&own()), digest(&same));
        for other in [
            entry("EC2_LINUX", None, &["a", "b"], &["x", "y"]),
            entry(STANDARD, Some("x"), &["a", "b"], &["x", "y"]),
            entry(STANDARD, None, &["a"], &["x", "y"]),
            entry(STANDARD, None, &["a", "b"], &["x"]),
        ] {
            assert_ne!(digest(&own()), digest(&other));
        }
        let mut tagged = own();
        assert_eq!(is_changed(&tagged), None);
        let tag = (DIGEST.to_owned(), digest(&own()));
        if let Some(terms) = &mut tagged.terms {
            terms.tags.extend([tag]);
        }
        assert_eq!(is_changed(&tagged), Some(false));
        if let Some(terms) = &mut tagged.terms {
            terms.groups.push("c".to_owned());
        }
        assert_eq!(is_changed(&tagged), Some(true));
    }
}
