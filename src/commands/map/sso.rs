//! `awsauth map sso`.

use super::AccessArgs;
use crate::backend::{Backend, Target};
use crate::commands::permission_set_role::PermissionSetRoles;
use crate::terminal::{Failure, Out};
use awsauth_core::document::Principal;
use awsauth_core::facts::accounts::is_account_id;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The name of the permission set
    #[arg(value_name = "PERMISSION_SET")]
    permission_set: String,

    /// The account of the role; awsauth refuses AWS credentials of another one
    #[arg(long, env = "AWSAUTH_ACCOUNT", value_name = "ID", value_parser = account)]
    account: Option<String>,

    #[command(flatten)]
    pub(super) access: AccessArgs,
}

fn account(text: &str) -> Result<String, String> {
    match is_account_id(text) {
        true => Ok(text.to_owned()),
        false => Err("an AWS account id has twelve digits".to_owned()),
    }
}

impl Args {
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
