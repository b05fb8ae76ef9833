//! Chooses the role of a permission set among the roles that IAM lists.

use thiserror::Error;

use super::role_name::{after_prefix, permission_set};
use crate::arn::Parts;
use crate::facts::iam_inventory;

/// The most names that an error lists.
const MAX_NAMES: usize = 10;

/// Why there is not exactly one role for a permission set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RoleError {
    #[error("{name} is a role, not a permission set")]
    RoleName { name: String },
    #[error("the AWS credentials are of account {found}, not of {wanted}")]
    OtherAccount { wanted: String, found: String },
    #[error("no role of the permission set {set} exists in {}", account_words(account.as_deref()))]
    NotAssigned {
        set: String,
        /// The account of the credentials, if it is known.
        account: Option<String>,
        /// The permission sets that have a role.
        others: Vec<String>,
    },
    #[error("the permission set {set} has several roles: {}", arns.join(", "))]
    Several { set: String, arns: Vec<String> },
}

fn account_words(account: Option<&str>) -> String {
    account.map_or_else(
        || "the account of the AWS credentials".to_owned(),
        |account| format!("account {account}"),
    )
}

impl RoleError {
    /// Returns what to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::RoleName { name } => match permission_set(name) {
                Some(set) => format!("give its permission set: {set}"),
                None => "give the name of the permission set, without AWSReservedSSO_".to_owned(),
            },
            Self::OtherAccount { wanted, .. } => format!(
                "use credentials of that account, such as --profile NAME, or map the role by its ARN: awsauth map role arn:aws:iam::{wanted}:role/AWSReservedSSO_… …"
            ),
            Self::NotAssigned { set, others, .. } => {
                let same = others.iter().find(|other| other.eq_ignore_ascii_case(set));
                match (same, others.as_slice()) {
                    (Some(same), _) => format!("did you mean {same}?"),
                    (None, []) => {
                        "assign the permission set to a user or group in this account, or use credentials of another account, such as --profile NAME"
                            .to_owned()
                    }
                    (None, others) => format!(
                        "assign the permission set to a user or group in this account; those with a role are {}",
                        names(others)
                    ),
                }
            }
            Self::Several { .. } => {
                "two instances of Identity Center may use this account: map the intended role by its ARN with awsauth map role".to_owned()
            }
        }
    }
}

fn names(all: &[String]) -> String {
    let shown = all.iter().take(MAX_NAMES).map(String::as_str);
    let shown: Vec<&str> = shown.collect();
    match all.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Returns the role of a permission set. `roles` are those that IAM lists with [`PATH_PREFIX`](super::PATH_PREFIX); `own_account` is the account that
/// they are of, if it is known, and `wanted` the one that the user named.
///
/// # Errors
/// If none or several belong to the set, or the account is not the wanted one.
pub fn role_of<'a>(
    set: &str,
    wanted: Option<&str>,
    own_account: Option<&str>,
    roles: &'a [iam_inventory::Principal],
) -> Result<&'a iam_inventory::Principal, RoleError> {
    if after_prefix(set).is_some() {
        let name = set.to_owned();
        return Err(RoleError::RoleName { name });
    }
    let listed = roles.iter().find_map(|role| Parts::of(&role.arn));
    let found = listed.map(|parts| parts.account).or(own_account);
    if let (Some(wanted), Some(found)) = (wanted, found)
        && wanted != found
    {
        return Err(RoleError::OtherAccount {
            wanted: wanted.to_owned(),
            found: found.to_owned(),
        });
    }
    let of_set = roles
        .iter()
        .filter(|role| permission_set(&role.name) == Some(set));
    let of_set: Vec<_> = of_set.collect();
    match of_set.as_slice() {
        [role] => Ok(role),
        [] => {
            let mut others: Vec<String> = roles
                .iter()
                .filter_map(|role| permission_set(&role.name).map(str::to_owned))
                .collect();
            others.sort();
            others.dedup();
            Err(RoleError::NotAssigned {
                set: set.to_owned(),
                account: found.or(wanted).map(str::to_owned),
                others,
            })
        }
        several => Err(RoleError::Several {
            set: set.to_owned(),
            arns: several.iter().map(|role| role.arn.clone()).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "arn:aws:iam::111122223333:role";

    fn role(name: &str) -> iam_inventory::Principal {
        iam_inventory::Principal {
            arn: format!("{A}/aws-reserved/sso.amazonaws.com/eu-west-1/{name}"),
            name: name.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn role_is_found_by_the_whole_name_of_its_permission_set() {
        let roles = [
            role("AWSReservedSSO_Dev_ReadOnly_0123456789abcdef"),
            role("AWSReservedSSO_Dev_fedcba9876543210"),
            role("AWSReservedSSO_Ops_0123456789abcdef"),
            role("AWSReservedSSO_Ops_0123456789abcde0"),
        ];
        let find = |set| role_of(set, None, None, &roles).map(|role| role.name.as_str());
        assert_eq!(find("Dev"), Ok("AWSReservedSSO_Dev_fedcba9876543210"));
        assert_eq!(
            find("Dev_ReadOnly"),
            Ok("AWSReservedSSO_Dev_ReadOnly_0123456789abcdef")
        );
        for (set, error, hint) in [
            (
                "Ops",
                "the permission set Ops has several roles: ",
                "map the intended role by its ARN",
            ),
            (
                "dev",
                "no role of the permission set dev exists in account 111122223333",
                "did you mean Dev?",
            ),
            (
                "De",
                "no role of the permission set De exists in account 111122223333",
                "those with a role are Dev, Dev_ReadOnly, Ops",
            ),
            (
                "AWSReservedSSO_Dev_fedcba9876543210",
                "AWSReservedSSO_Dev_fedcba9876543210 is a role",
                "give its permission set: Dev",
            ),
        ] {
            let found = find(set).expect_err(set);
            assert!(found.to_string().starts_with(error), "{found}");
            assert!(found.hint().contains(hint), "{}", found.hint());
        }
    }

    #[test]
    fn role_of_another_account_is_refused() {
        let roles = [role("AWSReservedSSO_Dev_fedcba9876543210")];
        let error = role_of("Dev", Some("444455556666"), None, &roles).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "the AWS credentials are of account 111122223333, not of 444455556666"
        );
        let error = role_of("Dev", Some("444455556666"), Some("111122223333"), &[]);
        assert!(matches!(error, Err(RoleError::OtherAccount { .. })));
        let error = role_of("Dev", None, None, &[]).expect_err("none");
        assert_eq!(
            error.to_string(),
            "no role of the permission set Dev exists in the account of the AWS credentials"
        );
        assert!(role_of("Dev", Some("111122223333"), None, &roles).is_ok());
    }
}
