//! `awsauth map sso`.

use super::{Creating, ExpiryArg, check_terms};
use crate::backend::{Backend, Target};
use crate::commands::permission_set_role::PermissionSetRoles;
use crate::commands::store_args::StoreArgs;
use crate::commands::write_args::{VerifyArgs, WriteArgs};
use crate::terminal::{Failure, Out};
use awsauth_core::document::Principal;
use awsauth_core::document::edit::Groups;
use awsauth_core::facts::accounts::is_account_id;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The name of the permission set
    #[arg(value_name = "PERMISSION_SET")]
    permission_set: String,

    /// The account of the role; awsauth refuses AWS credentials of another one
    #[arg(long, env = "AWSAUTH_ACCOUNT", value_name = "ID", value_parser = account)]
    account: Option<String>,

    /// The Kubernetes username; required for a new mapping, otherwise the current one stays
    #[arg(long, env = "AWSAUTH_USERNAME", value_name = "USER")]
    pub(super) username: Option<String>,

    /// A Kubernetes group; repeat it for the complete list
    #[arg(long = "group", env = "AWSAUTH_GROUP", value_name = "GROUP")]
    groups: Vec<String>,

    #[command(flatten)]
    pub(super) expiry: ExpiryArg,

    #[command(flatten)]
    pub(super) store: StoreArgs,
    #[command(flatten)]
    pub(super) creating: Creating,
    #[command(flatten)]
    pub(super) write: WriteArgs,
    #[command(flatten)]
    pub(super) verify: VerifyArgs,
}

fn account(text: &str) -> Result<String, String> {
    match is_account_id(text) {
        true => Ok(text.to_owned()),
        false => Err("an AWS account id has twelve digits".to_owned()),
    }
}

impl Args {
    /// Refuses empty values.
    pub(super) fn check(&self) -> Result<(), Failure> {
        check_terms(self.username.as_ref(), &[("--group", &self.groups)])
    }

    pub(super) fn groups(&self) -> Groups {
        match self.groups.as_slice() {
            [] => Groups::Keep,
            groups => Groups::Set(groups.to_vec()),
        }
    }

    /// Finds the role in IAM.
    pub(super) fn role(
        &self,
        target: &Target,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<Principal, Failure> {
        let set = &self.permission_set;
        let roles = PermissionSetRoles::list(set, target, backend, out)?;
        let arn = roles.role(set, self.account.as_deref(), out)?;
        Ok(Principal::Role(arn))
    }
}
