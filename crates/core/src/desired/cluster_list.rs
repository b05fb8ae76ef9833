//! A file that lists the clusters of a fleet.

use std::collections::{BTreeMap, HashSet};

use super::access_entry_formats::{given as find, refuse_unknown};
use super::error::{DesiredError, Fault, Reason};
use super::json_to_yaml;
use super::validate::check_text;
use super::yaml_value::{self, Field, Value};
use crate::facts::accounts::is_account_id;

/// An item of the list, for messages.
const CLUSTER: &str = "the cluster";

const FIELDS: [&str; 8] = [
    "name",
    "context",
    "kubeconfig",
    "clusterName",
    "region",
    "account",
    "roleArn",
    "labels",
];

/// The fields that belong to `clusterName`.
const OF_EKS: [&str; 3] = ["region", "account", "roleArn"];

/// A cluster of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCluster {
    pub name: String,
    pub place: ClusterPlace,
    pub labels: BTreeMap<String, String>,
}

/// How to connect to a listed cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterPlace {
    Kubeconfig {
        /// The context; `None` for the current context.
        context: Option<String>,
        /// The path, as written.
        kubeconfig: Option<String>,
    },
    Eks {
        /// The name of the cluster at EKS.
        name: String,
        region: Option<String>,
        account: Option<String>,
        /// The role to assume.
        role_arn: Option<String>,
    },
}

/// Reads a list of clusters. `source` names the text in messages.
///
/// # Errors
/// The first problem, with its line and remedy.
pub fn read_clusters(text: &str, source: &str) -> Result<Vec<ListedCluster>, DesiredError> {
    read(text).map_err(|fault| fault.of(source))
}

fn read(text: &str) -> Result<Vec<ListedCluster>, Fault> {
    let mut clusters = Vec::new();
    let mut names = HashSet::new();
    for tree in yaml_value::documents(&json_to_yaml::as_yaml(text))? {
        let Some(root) = yaml_value::root(&tree).filter(|root| !root.is_null()) else {
            continue;
        };
        for item in root.items("the list of clusters")? {
            let cluster = cluster(item)?;
            if !names.insert(cluster.name.clone()) {
                let field = cluster.name;
                return Err(Fault::new(item.line(), Reason::Twice { field }));
            }
            clusters.push(cluster);
        }
    }
    match clusters.is_empty() {
        true => Err(Fault::new(1, Reason::NoClusters)),
        false => Ok(clusters),
    }
}

fn cluster(item: Value<'_>) -> Result<ListedCluster, Fault> {
    let fields = item.fields(CLUSTER)?;
    refuse_unknown(&fields, CLUSTER, &FIELDS)?;
    let given = |name: &str| {
        let field = find(&fields, name);
        field.map(filled).transpose()
    };
    let place = match given("clusterName")? {
        Some(name) => {
            if let Some(other) = ["context", "kubeconfig"]
                .iter()
                .find_map(|name| find(&fields, name))
            {
                return Err(two("clusterName", other));
            }
            let account = find(&fields, "account").map(account).transpose()?;
            ClusterPlace::Eks {
                name,
                region: given("region")?,
                account,
                role_arn: given("roleArn")?,
            }
        }
        None => {
            let (context, kubeconfig) = (given("context")?, given("kubeconfig")?);
            let of_eks = OF_EKS.iter().find_map(|name| find(&fields, name));
            match (of_eks, &context, &kubeconfig) {
                (Some(of_eks), Some(_), _) => return Err(two("context", of_eks)),
                (Some(of_eks), _, Some(_)) => return Err(two("kubeconfig", of_eks)),
                (_, None, None) => return Err(missing(item, "context` or `clusterName")),
                (None, ..) => ClusterPlace::Kubeconfig {
                    context,
                    kubeconfig,
                },
            }
        }
    };
    let default_name = match &place {
        ClusterPlace::Eks { name, .. } => Some(name.clone()),
        ClusterPlace::Kubeconfig { context, .. } => context.clone(),
    };
    let name = given("name")?.or(default_name);
    let labels = find(&fields, "labels").map(labels).transpose()?;
    Ok(ListedCluster {
        name: name.ok_or_else(|| missing(item, "name"))?,
        place,
        labels: labels.unwrap_or_default(),
    })
}

fn labels(field: Field<'_>) -> Result<BTreeMap<String, String>, Fault> {
    let fields = field.value.fields("`labels`")?;
    let labels = fields
        .iter()
        .map(|label| Ok((label.name.to_owned(), filled(*label)?)));
    labels.collect()
}

/// Returns a scalar as it is written: names and labels need no quotes.
fn filled(field: Field<'_>) -> Result<String, Fault> {
    let what = format!("`{}`", field.name);
    let text = field.value.source(&what)?;
    check_text(&what, text).map_err(|reason| Fault::new(field.line, reason))?;
    Ok(text.to_owned())
}

/// Returns the account of a field.
fn account(field: Field<'_>) -> Result<String, Fault> {
    let account = field.value.source("`account`")?.to_owned();
    match is_account_id(&account) {
        true => Ok(account),
        false => Err(Fault::new(field.line, Reason::AccountId { account })),
    }
}

fn two(first: &str, second: Field<'_>) -> Fault {
    let reason = Reason::TwoConnections {
        what: CLUSTER.to_owned(),
        first: first.to_owned(),
        second: second.name.to_owned(),
    };
    Fault::new(second.line, reason)
}

fn missing(item: Value<'_>, field: &str) -> Fault {
    let reason = Reason::MissingField {
        what: CLUSTER.to_owned(),
        field: field.to_owned(),
    };
    Fault::new(item.line(), reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_names_contexts_and_eks_clusters() {
        let text = "# ours\n- context: dev\n  labels: {env: dev, wave: 1}\n- name: us\n  clusterName: prod\n  region: us-east-1\n  account: \"111122223333\"\n";
        let read = read_clusters(text, "f").expect("a list");
        assert_eq!(read[0].name, "dev");
        assert_eq!(read[0].labels["env"], "dev");
        assert_eq!(read[0].labels["wave"], "1");
        assert_eq!(
            read[1],
            ListedCluster {
                name: "us".to_owned(),
                place: ClusterPlace::Eks {
                    name: "prod".to_owned(),
                    region: Some("us-east-1".to_owned()),
                    account: Some("111122223333".to_owned()),
                    role_arn: None,
                },
                labels: BTreeMap::new(),
            }
        );
    }

    #[test]
    fn invalid_list_is_an_error_with_its_line() {
        for (text, message) in [
            ("", "f:1: no clusters"),
            (
                "clusters: []\n",
                "f:1: the list of clusters is a mapping, but must be a list",
            ),
            ("- context: a\n- context: a\n", "f:2: `a` is given twice"),
            (
                "- contxt: a\n",
                "f:1: unknown field `contxt` in the cluster",
            ),
            (
                "- name: a\n",
                "f:1: the cluster has no `context` or `clusterName`",
            ),
            ("- kubeconfig: a\n", "f:1: the cluster has no `name`"),
            (
                "- context: a\n  region: b\n",
                "f:2: the cluster has both `context` and `region`",
            ),
            (
                "- clusterName: a\n  context: b\n",
                "f:2: the cluster has both `clusterName` and `context`",
            ),
            (
                "- clusterName: a\n  account: \"12\"\n",
                "f:2: `12` is not an AWS account id",
            ),
            ("- clusterName: \"\"\n", "f:1: `clusterName` is empty"),
        ] {
            let error = read_clusters(text, "f").expect_err(text);
            assert_eq!(error.to_string(), message);
            assert!(!error.remedy().is_empty());
        }
    }
}
