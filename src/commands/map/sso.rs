//! `awsauth map sso`.

use super::{Creating, ExpiryArg, check_terms};
use crate::backend::{Backend, Target, credential_args};
use crate::commands::store_args::StoreArgs;
use crate::commands::write_args::{VerifyArgs, WriteArgs};
use crate::terminal::{Failure, Kind, Out};
use awsauth_aws::credentials::ResolvedCredentials;
use awsauth_aws::iam::Iam;
use awsauth_aws::{ActionError, AwsEnvironment};
use awsauth_core::document::edit::Groups;
use awsauth_core::facts::accounts::is_account_id;
use awsauth_core::permission_set::{PATH_PREFIX, role_of};

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

    /// Finds the role in IAM, and returns its ARN with its path.
    pub(super) fn role(
        &self,
        target: &Target,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<String, Failure> {
        let set = &self.permission_set;
        let what = format!("cannot find the role of the permission set {set}");
        let (iam, own_account) = match backend.eks() {
            Some(eks) => (eks.iam(), Some(eks.facts.account().to_owned())),
            None => {
                let resolved = resolve(&what, target, out)?;
                let profile = target.identity.credential_options().profile;
                let environment = AwsEnvironment::of_process();
                let iam = Iam::new(&resolved, profile.as_deref(), &environment);
                (iam, resolved.credentials.account_id.clone())
            }
        };
        let roles = iam.and_then(|mut iam| iam.roles_below(PATH_PREFIX));
        let roles = roles.map_err(|error| not_listed(what, &error))?;
        let role = role_of(set, self.account.as_deref(), own_account.as_deref(), &roles)
            .map_err(|error| Failure::usage(error.to_string()).hint(error.hint()))?;
        out.note(&format!("The role of {set} is {}.", role.arn));
        Ok(role.arn.clone())
    }
}

fn resolve(what: &str, target: &Target, out: &mut Out) -> Result<ResolvedCredentials, Failure> {
    let options = target.identity.credential_options();
    credential_args::resolve(what, &options, &AwsEnvironment::of_process(), out)
}

fn not_listed(what: String, error: &ActionError) -> Failure {
    Failure::new(Kind::Unreachable, what)
        .because(error)
        .hint(error.hint())
        .hint("or map the role by its ARN, which the AWS access portal and aws sts get-caller-identity show: awsauth map role ARN …")
}
