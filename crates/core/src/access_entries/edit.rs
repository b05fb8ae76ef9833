//! Makes an edit of aws-auth's entries on an access entry instead.

use std::collections::BTreeMap;

use thiserror::Error;

use super::change::EntryChange;
use super::named_policy::NamedPolicy;
use super::rules::{Violation, validate};
use super::tags;
use super::tags::{DIGEST, EXPIRES, OWNER, digest, recorded_expiry};
use crate::authenticator::template;
use crate::document::Principal;
use crate::document::edit::{Edit, Groups};
use crate::expiry::Expiry;
use crate::facts::access_entries::{AccessEntry, AccessPolicy, AccessTerms, STANDARD};
use crate::facts::groups::MASTERS;
use crate::facts::node_kinds::NodeKind;
use crate::owners_annotation::Owner;
use crate::shell_quote::quoted;

/// What an edit requests of an access entry besides username and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryOptions {
    /// The type; `None` for the one that fits the username and groups.
    pub kind: Option<String>,
    /// The complete list of policies; `None` keeps the current ones.
    pub policies: Option<Vec<AccessPolicy>>,
    /// The policies to remove.
    pub remove: Vec<NamedPolicy>,
    /// The tags of a new entry.
    pub tags: BTreeMap<String, String>,
    /// The owner that applies the entry.
    pub owner: Option<Owner>,
    /// When the access ends; `None` keeps the recorded time.
    pub expiry: Option<Expiry>,
}

/// Why an access entry cannot be edited as requested.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntryEditError {
    #[error("an access entry is for one principal, so there is none for account {0}")]
    Account(String),
    #[error("an access entry is for one principal: use the full ARN of the SSO role")]
    Sso,
    #[error("an access entry of {arn} is not possible: {violation}")]
    Refused { arn: String, violation: Violation },
    #[error("the access entry of {arn} is of type {kind}, whose groups EKS sets")]
    NodeGroups { arn: String, kind: String },
    #[error(
        "the access entry of {arn} exists, and the time at which an entry expires is recorded only when it is created"
    )]
    Expiry { arn: String },
    #[error("EKS does not return the contents of the access entry of {arn}")]
    Unknown { arn: String },
}

impl EntryEditError {
    /// Returns what to do instead.
    pub fn remedy(&self) -> String {
        match self {
            Self::Account(_) | Self::Sso => {
                "create an access entry for each principal: awsauth map role ARN".to_owned()
            }
            Self::Refused {
                violation: Violation::SystemGroup { group },
                ..
            } if group == MASTERS => {
                "give the same permissions through an access policy, --policy cluster-admin, or through a group that is bound to cluster-admin, --group NAME"
                    .to_owned()
            }
            Self::Refused { violation, .. } => format!("to fix it: {}", violation.remedy()),
            Self::NodeGroups { .. } => {
                "to delete it and create one for users, give all groups: --group NAME".to_owned()
            }
            Self::Expiry { arn } => format!(
                "delete the entry first, which takes the access away until the new one exists: awsauth unmap role {} --backend access-entries",
                quoted(arn)
            ),
            Self::Unknown { .. } => {
                "allow eks:DescribeAccessEntry and eks:ListAssociatedAccessPolicies, then run again"
                    .to_owned()
            }
        }
    }
}

/// Returns the change to an access entry that an edit requests. `principal_arn` is the principal of the edit with its IAM
/// path, `existing` its access entry, and `cluster_arn` the ARN of the cluster, if it is known.
///
/// # Errors
/// If an access entry cannot express the edit.
pub fn entry_change(
    edit: &Edit,
    options: &EntryOptions,
    principal_arn: &str,
    existing: Option<&AccessEntry>,
    cluster_arn: Option<&str>,
) -> Result<EntryChange, EntryEditError> {
    match edit.principal() {
        Principal::Role(_) | Principal::User(_) => {}
        Principal::Account(id) => return Err(EntryEditError::Account(id.clone())),
        Principal::Sso(_) => return Err(EntryEditError::Sso),
    }
    let arn = existing.map_or(principal_arn, |entry| &entry.principal_arn);
    let before = match existing {
        None => None,
        Some(entry) => {
            let terms = entry.terms.clone();
            let terms = terms.filter(|terms| terms.policies.is_some());
            let unknown = || EntryEditError::Unknown {
                arn: arn.to_owned(),
            };
            Some(terms.ok_or_else(unknown)?)
        }
    };
    let after = match edit {
        Edit::Unmap { .. } => None,
        Edit::Map {
            username, groups, ..
        } => Some(after(
            arn,
            username.as_deref(),
            groups,
            options,
            before.as_ref(),
        )?),
        Edit::RenameGroup { from, to, .. } => before
            .clone()
            .map(|terms| with_group_renamed(terms, from, to)),
    };
    let mut change = EntryChange {
        principal_arn: arn.to_owned(),
        before,
        after,
    };
    record_expiry(&mut change, options.expiry)?;
    record_owner(&mut change, options.owner.as_ref());
    if !change.operations().is_empty() {
        let checked = change.entry_after().unwrap_or_else(|| AccessEntry {
            principal_arn: arn.to_owned(),
            terms: None,
        });
        if let Some(violation) = validate(&checked, cluster_arn).into_iter().next() {
            return Err(EntryEditError::Refused {
                arn: arn.to_owned(),
                violation,
            });
        }
    }
    Ok(change)
}

/// Completes the edit of an entry that replaces that of a deleted role: what the edit leaves open is as it was. A username that EKS
/// had set stays EKS's.
pub fn replacing(
    edit: Edit,
    mut options: EntryOptions,
    deleted: &AccessEntry,
) -> (Edit, EntryOptions) {
    let (
        Edit::Map {
            principal,
            username,
            groups,
        },
        Some(terms),
    ) = (edit.clone(), &deleted.terms)
    else {
        return (edit, options);
    };
    let by_default = AccessTerms {
        kind: terms.kind.clone(),
        ..AccessTerms::default()
    };
    let by_default = template(deleted, &by_default).username;
    let previous = terms.username.clone();
    let edit = Edit::Map {
        principal,
        username: username.or(previous.filter(|username| *username != by_default)),
        groups: Groups::Set(groups.after(&terms.groups)),
    };
    options.policies = options.policies.or_else(|| terms.policies.clone());
    let recorded = recorded_expiry(deleted).filter(|recorded| !recorded.is_changed);
    options.expiry = options
        .expiry
        .or_else(|| recorded.map(|recorded| Expiry::At(recorded.at)));
    (edit, options)
}

/// Records when a new entry expires. awsauth sets the tags only when it creates an entry, so that the time of an existing one cannot
/// change, and neither can an entry that expires: its digest would no longer match.
fn record_expiry(change: &mut EntryChange, expiry: Option<Expiry>) -> Result<(), EntryEditError> {
    let before = change.entry_before();
    let recorded = before.as_ref().and_then(recorded_expiry);
    let recorded = recorded.filter(|recorded| !recorded.is_changed);
    let is_update = before.is_some() && change.after.is_some();
    let is_changed = !change.operations().is_empty();
    let is_other_time = expiry.is_some_and(|expiry| match (expiry, recorded) {
        (Expiry::Never, recorded) => recorded.is_some(),
        (Expiry::At(at), recorded) => recorded.is_none_or(|recorded| recorded.at != at),
    });
    if is_update && (is_other_time || (recorded.is_some() && is_changed)) {
        let arn = change.principal_arn.clone();
        return Err(EntryEditError::Expiry { arn });
    }
    let after = change.entry_after();
    if let (None, Some(entry), Some(Expiry::At(at))) = (&before, &after, expiry)
        && let (Some(digest), Some(terms)) = (digest(entry), &mut change.after)
    {
        let tags = [(EXPIRES, at.to_string()), (DIGEST, digest)];
        terms
            .tags
            .extend(tags.map(|(key, value)| (key.to_owned(), value)));
    }
    Ok(())
}

/// Records the owner of a new entry, and the digest of the contents of every entry of this owner. An entry that existed before keeps
/// its owner or has none. A digest that another client made outdated stays if it would let the entry expire again.
fn record_owner(change: &mut EntryChange, owner: Option<&Owner>) {
    let Some(owner) = owner.map(Owner::as_str) else {
        return;
    };
    let existing = change.entry_before();
    let is_own = existing.is_none_or(|entry| {
        tags::owner(&entry) == Some(owner) && recorded_expiry(&entry).is_none()
    });
    let after = change.entry_after();
    if let (true, Some(digest), Some(terms)) =
        (is_own, after.as_ref().and_then(digest), &mut change.after)
    {
        let tags = [(OWNER, owner.to_owned()), (DIGEST, digest)];
        terms
            .tags
            .extend(tags.map(|(key, value)| (key.to_owned(), value)));
    }
}

/// Returns the contents of the entry after it was mapped. An entry of another type keeps nothing but its tags, because its username,
/// groups and policies are those of its type.
fn after(
    arn: &str,
    username: Option<&str>,
    groups: &Groups,
    options: &EntryOptions,
    before: Option<&AccessTerms>,
) -> Result<AccessTerms, EntryEditError> {
    let kind_of_nodes = kind_of_nodes(username, groups).map(NodeKind::access_entry_type);
    let kept = before.map(|before| before.kind.as_str());
    // An edit that states neither the username nor all groups is not about the type.
    let kept = kept.filter(|_| username.is_none() && !matches!(groups, Groups::Set(_)));
    let requested = options.kind.as_deref().or(kind_of_nodes);
    let requested = requested.or(kept).unwrap_or(STANDARD);
    if requested != STANDARD && matches!(groups, Groups::Adjust { .. }) {
        return Err(EntryEditError::NodeGroups {
            arn: arn.to_owned(),
            kind: requested.to_owned(),
        });
    }
    let same_kind = before.filter(|before| before.kind == requested);
    let mut terms = same_kind.cloned().unwrap_or_else(|| {
        let mut tags = before.map_or_else(BTreeMap::new, |before| before.tags.clone());
        tags.retain(|key, _| key != DIGEST && key != EXPIRES);
        tags.extend(options.tags.clone());
        AccessTerms {
            kind: requested.to_owned(),
            policies: Some(Vec::new()),
            tags,
            ..AccessTerms::default()
        }
    });
    if requested == STANDARD {
        if let Some(username) = username {
            terms.username = Some(username.to_owned());
        }
        terms.groups = groups.after(&terms.groups);
    }
    if let Some(policies) = &options.policies {
        terms.policies = Some(policies.clone());
    }
    if let Some(kept) = &mut terms.policies {
        kept.retain(|policy| !options.remove.iter().any(|removed| removed.is(&policy.arn)));
    }
    Ok(terms)
}

fn with_group_renamed(terms: AccessTerms, from: &str, to: &str) -> AccessTerms {
    let renamed = |group: &String| if group == from { to } else { group }.to_owned();
    let groups: Vec<String> = terms.groups.iter().map(renamed).collect();
    AccessTerms {
        groups: Groups::Set(groups).after(&[]),
        ..terms
    }
}

/// Returns the kind of nodes whose username and groups these are.
fn kind_of_nodes(username: Option<&str>, groups: &Groups) -> Option<NodeKind> {
    let Groups::Set(groups) = groups else {
        return None;
    };
    let username = username?;
    let mut kinds = NodeKind::ALL.into_iter();
    kinds.find(|kind| kind.is_user(username, groups))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::access_entries::AccessScope;

    const ROLE: &str = "arn:aws:iam::111122223333:role/team/Dev";
    const CLUSTER: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
    const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";

    fn view() -> AccessPolicy {
        AccessPolicy {
            arn: VIEW.to_owned(),
            scope: AccessScope::Cluster,
        }
    }

    fn map(username: Option<&str>, groups: Groups) -> Edit {
        Edit::Map {
            principal: Principal::Role("arn:aws:iam::111122223333:role/Dev".to_owned()),
            username: username.map(str::to_owned),
            groups,
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn existing(kind: &str) -> AccessEntry {
        AccessEntry {
            principal_arn: ROLE.to_owned(),
            terms: Some(AccessTerms {
                kind: kind.to_owned(),
                username: Some("dev:{{SessionName}}".to_owned()),
                groups: names(&["devs", "ops"]),
                policies: Some(vec![view()]),
                ..AccessTerms::default()
            }),
        }
    }

    fn after(edit: &Edit, options: &EntryOptions, entry: Option<&AccessEntry>) -> AccessTerms {
        let change = entry_change(edit, options, ROLE, entry, Some(CLUSTER)).unwrap();
        assert_eq!(change.principal_arn, ROLE);
        change.after.unwrap()
    }

    #[test]
    fn edit_changes_only_what_it_names() {
        let (entry, none) = (existing(STANDARD), EntryOptions::default());
        let same = after(&map(None, Groups::Keep), &none, Some(&entry));
        assert_eq!(Some(same), entry.terms);
        let adjust = Groups::Adjust {
            add: names(&["new", "devs"]),
            remove: names(&["ops"]),
        };
        let adjusted = after(&map(Some("x:{{SessionName}}"), adjust), &none, Some(&entry));
        assert_eq!(adjusted.groups, ["devs", "new"]);
        assert_eq!(adjusted.username.as_deref(), Some("x:{{SessionName}}"));
        assert_eq!(adjusted.policies(), [view()]);
        let removed = EntryOptions {
            remove: vec!["view".parse().unwrap()],
            ..EntryOptions::default()
        };
        let set = Groups::Set(names(&["a", "a"]));
        let removed = after(&map(None, set), &removed, Some(&entry));
        assert_eq!(
            (removed.policies(), removed.groups.clone()),
            (&[][..], names(&["a"]))
        );
        let set = EntryOptions {
            policies: Some(vec![view()]),
            ..EntryOptions::default()
        };
        let new = after(&map(None, Groups::Keep), &set, None);
        assert_eq!(
            (new.username.as_ref(), new.policies()),
            (None, &[view()][..])
        );
    }

    #[test]
    fn mapping_of_nodes_becomes_an_entry_of_their_type() {
        for kind in NodeKind::ALL {
            let groups = Groups::Set(names(kind.groups()));
            let edit = map(Some(kind.username()), groups);
            let terms = after(&edit, &EntryOptions::default(), None);
            assert_eq!(terms.kind, kind.access_entry_type());
            assert_eq!((terms.username, terms.groups), (None, Vec::new()));
        }
    }

    #[test]
    fn what_an_entry_cannot_express_is_an_error() {
        let none = EntryOptions::default();
        let error = |edit: &Edit, entry: Option<&AccessEntry>| {
            let error = entry_change(edit, &none, ROLE, entry, Some(CLUSTER)).unwrap_err();
            (error.to_string(), error.remedy())
        };
        let masters = map(None, Groups::Set(names(&[MASTERS])));
        let (message, remedy) = error(&masters, None);
        assert!(
            message.contains("EKS refuses groups that start with system:"),
            "{message}"
        );
        assert!(remedy.contains("--policy cluster-admin"), "{remedy}");
        let adjust = Groups::Adjust {
            add: names(&["devs"]),
            remove: Vec::new(),
        };
        let (message, remedy) = error(&map(None, adjust), Some(&existing("EC2_LINUX")));
        assert!(
            message.contains("is of type EC2_LINUX, whose groups EKS sets"),
            "{message}"
        );
        assert!(remedy.contains("--group NAME"), "{remedy}");
        let account = map(None, Groups::Keep).of(Principal::Account("444455556666".to_owned()));
        assert!(
            error(&account, None)
                .0
                .contains("there is none for account")
        );
        let unknown = AccessEntry {
            terms: None,
            ..existing(STANDARD)
        };
        let unmap = Edit::Unmap {
            principal: Principal::Role(ROLE.to_owned()),
            only_line: None,
        };
        assert!(
            error(&unmap, Some(&unknown))
                .0
                .contains("does not return the contents")
        );
        let service_linked = "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS";
        let own = AccessEntry {
            principal_arn: service_linked.to_owned(),
            ..existing(STANDARD)
        };
        assert!(error(&unmap, Some(&own)).0.contains("service-linked roles"));
    }

    #[test]
    fn new_entry_records_when_it_expires() {
        let at: jiff::Timestamp = "2027-01-31T18:00:00Z".parse().unwrap();
        let with = |expiry| EntryOptions {
            expiry,
            ..EntryOptions::default()
        };
        let (map, at) = (map(None, Groups::Set(names(&["devs"]))), Expiry::At(at));
        let terms = after(&map, &with(Some(at)), None);
        assert_eq!(terms.tags[EXPIRES], "2027-01-31T18:00:00Z");
        let created = AccessEntry {
            principal_arn: ROLE.to_owned(),
            terms: Some(terms.clone()),
        };
        assert!(!recorded_expiry(&created).unwrap().is_changed);
        let mut other = created.clone();
        other.terms.as_mut().unwrap().groups.push("ops".to_owned());
        assert!(recorded_expiry(&other).unwrap().is_changed);
        // The same request again changes nothing; any other would lose the time.
        let again = |edit: &Edit, expiry, entry| {
            let change = entry_change(edit, &with(expiry), ROLE, Some(entry), None);
            change.map(|change| change.operations().len())
        };
        let refused = Err(EntryEditError::Expiry {
            arn: ROLE.to_owned(),
        });
        assert_eq!(again(&map, Some(at), &created), Ok(0));
        assert_eq!(again(&map, None, &created), Ok(0));
        assert_eq!(again(&map, Some(Expiry::Never), &created), refused);
        let adjust = Groups::Set(names(&["ops"]));
        let adjust = super::tests::map(None, adjust);
        assert_eq!(again(&adjust, None, &created), refused);
        let permanent = existing(STANDARD);
        assert_eq!(again(&map, Some(at), &permanent), refused);
        assert_eq!(again(&map, Some(Expiry::Never), &permanent), Ok(1));
    }

    #[test]
    fn unmapping_deletes_the_entry_once() {
        let unmap = Edit::Unmap {
            principal: Principal::Role(ROLE.to_owned()),
            only_line: None,
        };
        let change = |entry| entry_change(&unmap, &EntryOptions::default(), ROLE, entry, None);
        let entry = existing("EC2_LINUX");
        assert_eq!(change(Some(&entry)).unwrap().operations().len(), 1);
        assert!(change(None).unwrap().operations().is_empty());
    }

    #[test]
    fn owner_records_the_contents_of_its_own_entries() {
        let of = |name: &str| EntryOptions {
            owner: Some(Owner::new(name).unwrap()),
            ..EntryOptions::default()
        };
        let set = |groups: &[&str]| Groups::Set(groups.iter().map(|&one| one.to_owned()).collect());
        let created = after(&map(None, set(&["a"])), &of("team-a"), None);
        let entry = AccessEntry {
            principal_arn: ROLE.to_owned(),
            terms: Some(created),
        };
        assert_eq!(tags::owner(&entry), Some("team-a"));
        assert_eq!(tags::is_changed(&entry), Some(false));
        for (options, is_changed) in [
            (of("team-a"), false),
            (of("team-b"), true),
            (EntryOptions::default(), true),
        ] {
            let changed = AccessEntry {
                terms: Some(after(&map(None, set(&["b"])), &options, Some(&entry))),
                ..entry.clone()
            };
            assert_eq!(tags::owner(&changed), Some("team-a"));
            assert_eq!(tags::is_changed(&changed), Some(is_changed), "{options:?}");
        }
    }

    #[test]
    fn type_changes_only_if_the_edit_is_about_it() {
        let mut node = existing("EC2_LINUX");
        if let Some(terms) = &mut node.terms {
            terms.policies = Some(Vec::new());
            let tags = [("team", "a"), (DIGEST, "x"), (EXPIRES, "never")];
            let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
            terms.tags.extend(tags);
        }
        let none = EntryOptions::default();
        let change = |edit: &Edit, entry: &AccessEntry| {
            entry_change(edit, &none, ROLE, Some(entry), Some(CLUSTER)).unwrap()
        };
        assert_eq!(change(&map(None, Groups::Keep), &node).type_change(), None);
        let devs = || Groups::Set(names(&["devs"]));
        let changed = change(&map(None, devs()), &node);
        assert_eq!(changed.type_change(), Some(("EC2_LINUX", STANDARD)));
        let after = changed.after.unwrap();
        assert_eq!((after.username, after.groups), (None, names(&["devs"])));
        let tags: Vec<&str> = after.tags.keys().map(String::as_str).collect();
        assert_eq!(tags, ["team"]);

        let linux = Edit::map_nodes(ROLE.to_owned(), NodeKind::Linux);
        let changed = change(&linux, &existing(STANDARD));
        assert_eq!(changed.type_change(), Some((STANDARD, "EC2_LINUX")));
        let after = changed.after.unwrap();
        assert_eq!((after.username, after.groups), (None, Vec::new()));
        assert_eq!(after.policies, Some(Vec::new()));
    }
}
