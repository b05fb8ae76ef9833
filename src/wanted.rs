//! Wanted state: the mappings that `apply` and `diff` are asked for, in every form people keep them.
//!
//! | form | what of it is wanted |
//! |---|---|
//! | an aws-auth ConfigMap | the entries of its sections, as the authenticator reads them; labels and annotations are not |
//! | `mapRoles`, `mapUsers`, `mapAccounts` as real lists | their items |
//! | a list of `{rolearn\|userarn\|account\|sso, username, groups}` | its items |
//! | eksctl ClusterConfig | the items of `iamIdentityMappings` |
//! | IAMIdentityMapping, AwsAuthMapping | the mapping in `spec` |
//!
//! YAML or JSON; several documents in one stream and v1 Lists may mix the forms. Anchors, aliases and merge keys mean
//! what YAML 1.1 says, a field written out winning over a merged one.
//!
//! # Nothing is guessed
//! `apply --prune` removes what is no longer wanted, so text that says nothing must not be taken for "nothing is wanted".
//! An empty file, a file of comments, a ConfigMap without sections, and a list that is named without a value are errors; a
//! list that is meant to be empty is written `[]`. For the same reason a field that is not known is an error, never
//! passed over, and a value that YAML 1.1 takes for a boolean or a number is not turned into text.

mod check;
mod configmap;
mod error;
mod helm;
mod item;
mod json;
mod object;
mod scalar;
mod tree;
mod value;

pub use error::{Reason, WantedError};

use std::collections::HashMap;

use crate::arn::fold;
use crate::document::Principal;

/// One mapping that is asked for, and where it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whom to admit. An ARN stands as it was given: not mended, not known to be one.
    pub principal: Principal,
    /// The Kubernetes username; always there for a role or user, never for an account.
    pub username: Option<String>,
    /// The Kubernetes groups; `None` when the wanted state does not speak of them, and for an account.
    pub groups: Option<Vec<String>>,
    /// The `source` that [`read`] was given.
    pub source: String,
    /// Line in that source, from 1. For an entry of a ConfigMap whose section is not a `|` text, the line of the section.
    pub line: usize,
}

impl Wanted {
    /// The principal as messages name it: the ARN, the account, or the role name pattern of an sso matcher.
    fn who(&self) -> String {
        match &self.principal {
            Principal::Role(arn) | Principal::User(arn) => arn.clone(),
            Principal::Account(account) => format!("account {account}"),
            Principal::Sso(sso) => format!("sso {}/{}", sso.account_id, sso.permission_set_name),
        }
    }

    fn place(&self) -> String {
        format!("{}:{}", self.source, self.line)
    }
}

/// What has been asked for so far in one text.
struct Asked<'s> {
    source: &'s str,
    wanted: Vec<Wanted>,
    /// Whether a list was named, an empty one included.
    names_a_list: bool,
}

/// Reads wanted state in any form, in the order written; `source` is how messages call the text, such as its path.
///
/// # Errors
/// The first thing that is not understood, or not to be trusted, with its line and remedy.
pub fn read(text: &str, source: &str) -> Result<Vec<Wanted>, WantedError> {
    let mut asked = Asked {
        source,
        wanted: Vec::new(),
        names_a_list: false,
    };
    take(text, &mut asked).map_err(|fault| fault.of(source))?;
    merge(asked.wanted)
}

fn take(text: &str, asked: &mut Asked<'_>) -> Result<(), error::Fault> {
    helm::refuse(text)?;
    for tree in tree::documents(&json::as_yaml(text))? {
        if !tree.root().is_null() {
            object::document(tree.root(), asked)?;
        }
    }
    if asked.wanted.is_empty() && !asked.names_a_list {
        return Err(error::Fault::new(1, Reason::Empty));
    }
    Ok(())
}

/// Joins wanted state of several sources: what is wanted twice in the same way is kept once, at its first place.
///
/// ARNs are compared without regard to letter case, as the authenticator does, and a role and a user may not share one. To
/// be called again when ARNs have been mended, which may make two of them one.
///
/// # Errors
/// One principal is wanted in two ways; the error names both places.
pub fn merge(wanted: Vec<Wanted>) -> Result<Vec<Wanted>, WantedError> {
    let mut merged: Vec<Wanted> = Vec::with_capacity(wanted.len());
    let mut places = HashMap::with_capacity(wanted.len());
    for next in wanted {
        let Some(&index) = places.get(&key(&next.principal)) else {
            places.insert(key(&next.principal), merged.len());
            merged.push(next);
            continue;
        };
        let first: &Wanted = &merged[index];
        if let Some(difference) = difference(first, &next) {
            let reason = Reason::Differs {
                who: next.who(),
                other: first.place(),
                difference,
            };
            return Err(WantedError {
                file: next.source,
                line: next.line,
                reason: Box::new(reason),
            });
        }
    }
    Ok(merged)
}

fn key(principal: &Principal) -> (&'static str, String) {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => ("arn", fold(arn).into_owned()),
        Principal::Account(account) => ("account", account.clone()),
        Principal::Sso(sso) => {
            let key = format!(
                "{}/{}/{}",
                sso.partition, sso.account_id, sso.permission_set_name
            );
            ("sso", fold(&key).into_owned())
        }
    }
}

/// How `first` differs from `second`, in words about the first.
fn difference(first: &Wanted, second: &Wanted) -> Option<String> {
    let as_set = |wanted: &Wanted| {
        let mut groups = wanted.groups.clone();
        if let Some(groups) = &mut groups {
            groups.sort();
            groups.dedup();
        }
        groups
    };
    let (one, other) = (&first.principal, &second.principal);
    if std::mem::discriminant(one) != std::mem::discriminant(other) {
        let list = if matches!(one, Principal::User(_)) {
            "mapUsers"
        } else {
            "mapRoles"
        };
        return Some(format!("{list} as its list"));
    }
    if first.username != second.username {
        return Some(format!(
            "username `{}`",
            first.username.as_deref().unwrap_or_default()
        ));
    }
    (as_set(first) != as_set(second)).then(|| match &first.groups {
        None => "no word about groups".to_owned(),
        Some(groups) => format!("groups [{}]", groups.join(", ")),
    })
}
