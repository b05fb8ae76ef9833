//! Desired state: the mappings that `apply` and `diff` read from files, in all supported forms.
//!
//! | form | what is read |
//! |---|---|
//! | an aws-auth ConfigMap | the entries of its sections, as the authenticator reads them; not its labels and annotations |
//! | `mapRoles`, `mapUsers`, `mapAccounts` as real lists | their items |
//! | a list of `{rolearn\|userarn\|account\|sso, username, groups}` | its items |
//! | the output of `get -o yaml` or `get -o json` | the entries that have an effect |
//! | eksctl ClusterConfig | the items of `iamIdentityMappings` and of `accessConfig.accessEntries` |
//! | IAMIdentityMapping, AwsAuthMapping | the mapping in `spec` |
//! | Access | the `grants`, which either store can hold |
//! | ACK AccessEntry, a CloudFormation template, `aws eks describe-access-entry` | the access entries |
//!
//! The text is YAML or JSON. Several documents in one stream, and v1 Lists, may mix the forms. Anchors, aliases and merge
//! keys work as in YAML 1.1; an explicit field wins over a merged one.
//!
//! # Strictness
//! `apply --prune` removes mappings that are no longer requested, so that an accidentally empty text must not request an
//! empty list. An empty file, a file with only comments, a ConfigMap without sections, and a list without a value are
//! errors; `[]` requests an empty list. For the same reason an unknown field is an error and is never ignored, and a value
//! that YAML 1.1 reads as a boolean or a number is not converted to text.

mod access_entry_formats;
mod access_file;
mod cluster_list;
mod configmap;
mod document_kinds;
mod error;
mod json_to_yaml;
mod mapping_formats;
mod resulting_sections;
mod template_rejection;
mod validate;
mod yaml_value;

pub use access_file::{DesiredAccess, node_kind_name};
pub use cluster_list::{ClusterPlace, ListedCluster, read_clusters};
pub use error::{DesiredError, Reason};
pub use resulting_sections::{ResultingSections, resulting_sections};

use std::collections::{BTreeMap, HashMap};

use crate::access_entries::NamedPolicy;
use crate::arn::fold;
use crate::document::Principal;
use crate::expiry::Expiry;

/// A desired mapping, with its position in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredMapping {
    /// The principal. An ARN is as written in the file: not normalized or validated.
    pub principal: Principal,
    /// The Kubernetes username: always set for a role or user, never for an account and for an access entry of nodes. Without one,
    /// the role of a permission set in an `Access` gets the default of EKS.
    pub username: Option<String>,
    /// The Kubernetes groups; `None` if the file does not set them, and for an account.
    pub groups: Option<Vec<String>>,
    /// What only an access entry has; `None` for a mapping that can be in either store.
    pub entry: Option<DesiredEntry>,
    /// Access that each store gives in its own way; `None` unless the file is an `Access`.
    pub access: Option<DesiredAccess>,
    /// Whether a mapping that exists must not be changed: `noDuplicateARNs` of eksctl.
    pub create_only: bool,
    /// When the access ends; `None` if the file does not state it.
    pub expires: Option<Expiry>,
    /// The cluster that the file is for, if it names one.
    pub cluster: Option<DesiredCluster>,
    /// The `source` that [`read`] was given.
    pub source: String,
    /// The line in that source, from 1. For an entry of a ConfigMap whose section is not a `|` text, the line of the section.
    pub line: usize,
}

/// The cluster that a file is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DesiredCluster {
    /// The name in EKS.
    Name(String),
    /// The name of an object of ACK, which has the name in EKS.
    AckObject(String),
    /// The name of a parameter or resource of a CloudFormation template, which does not state its value.
    Reference(String),
}

/// The contents of a desired access entry besides username and groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredEntry {
    /// Such as `STANDARD` or `EC2_LINUX`.
    pub kind: String,
    /// The complete list of access policies; `None` if the file does not state them.
    pub policies: Option<Vec<NamedPolicy>>,
    /// The tags of a new entry.
    pub tags: BTreeMap<String, String>,
}

impl DesiredMapping {
    /// Returns the principal as messages name it: the ARN, the account, or the permission set of an sso matcher.
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

/// The mappings read so far from one input.
struct Mappings<'s> {
    source: &'s str,
    /// The cluster whose account and partition are the default.
    cluster_arn: Option<&'s str>,
    list: Vec<DesiredMapping>,
    /// Whether the text has a list, even an empty one.
    found_list: bool,
}

/// Reads desired state in any form, in the order written. `source` names the text in messages, such as its path. The principals of an
/// `Access` without an account are in that of the cluster with this ARN.
///
/// # Errors
/// The first problem, with its line and remedy.
pub fn read(
    text: &str,
    source: &str,
    cluster_arn: Option<&str>,
) -> Result<Vec<DesiredMapping>, DesiredError> {
    let mut read = Mappings {
        source,
        cluster_arn,
        list: Vec::new(),
        found_list: false,
    };
    take(text, &mut read).map_err(|fault| fault.of(source))?;
    merge(read.list)
}

fn take(text: &str, read: &mut Mappings<'_>) -> Result<(), error::Fault> {
    template_rejection::reject(text)?;
    for tree in yaml_value::documents(&json_to_yaml::as_yaml(text))? {
        if let Some(root) = yaml_value::root(&tree).filter(|root| !root.is_null()) {
            document_kinds::document(root, read)?;
        }
    }
    if read.list.is_empty() && !read.found_list {
        return Err(error::Fault::new(1, Reason::Empty));
    }
    Ok(())
}

/// Returns whether an input requests mappings in a form that is not aws-auth itself: an object or file of another tool, or a list
/// that mixes roles and users.
pub fn is_other_form(text: &str) -> bool {
    let text = json_to_yaml::as_yaml(text);
    let Ok(trees) = yaml_value::unchecked_documents(&text) else {
        return false;
    };
    // It may request mappings behind the aliases, so that it must be read, which fails.
    trees.iter().any(|tree| {
        yaml_value::check_aliases(tree).is_err()
            || yaml_value::root(tree).is_some_and(document_kinds::is_other_form)
    })
}

/// Merges desired state of several sources. A mapping that is requested twice in the same way is kept once, at its first
/// position.
///
/// ARNs are compared without regard to letter case, like the authenticator, and a role and a user must not share one. Call
/// this again after normalizing ARNs, which may make two of them equal.
///
/// # Errors
/// If a principal is requested in two ways. The error names both positions.
pub fn merge(desired: Vec<DesiredMapping>) -> Result<Vec<DesiredMapping>, DesiredError> {
    let mut merged: Vec<DesiredMapping> = Vec::with_capacity(desired.len());
    let mut places = HashMap::with_capacity(desired.len());
    for next in desired {
        let Some(&index) = places.get(&key(&next.principal)) else {
            places.insert(key(&next.principal), merged.len());
            merged.push(next);
            continue;
        };
        merged[index].create_only |= next.create_only;
        let first: &DesiredMapping = &merged[index];
        if let Some(difference) = difference(first, &next) {
            let reason = Reason::Differs {
                who: next.who(),
                other: first.place(),
                difference,
            };
            return Err(DesiredError {
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

/// Describes how `first` differs from `second`.
fn difference(first: &DesiredMapping, second: &DesiredMapping) -> Option<String> {
    let as_set = |desired: &DesiredMapping| {
        let mut groups = desired.groups.clone();
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
    if first.expires != second.expires {
        return Some("another expiry time".to_owned());
    }
    if first.access != second.access {
        return Some("other policies".to_owned());
    }
    if first.entry != second.entry {
        return Some(match &first.entry {
            None => "no access entry".to_owned(),
            Some(_) => "another access entry".to_owned(),
        });
    }
    (as_set(first) != as_set(second)).then(|| match &first.groups {
        None => "no `groups`".to_owned(),
        Some(groups) => format!("groups [{}]", groups.join(", ")),
    })
}
