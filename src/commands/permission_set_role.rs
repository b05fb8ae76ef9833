//! Finds the roles of IAM Identity Center permission sets in IAM.

use crate::backend::{Backend, Target, credential_args};
use crate::terminal::{Failure, Kind, Out};
use awsauth_aws::credentials::ResolvedCredentials;
use awsauth_aws::iam::Iam;
use awsauth_aws::{ActionError, AwsEnvironment};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::{Document, Principal};
use awsauth_core::facts::iam_inventory;
use awsauth_core::permission_set::{PATH_PREFIX, role_of, with_siblings_replaced};
use awsauth_core::plan::Request;

/// The roles of all permission sets in one account.
pub(super) struct PermissionSetRoles {
    roles: Vec<iam_inventory::Principal>,
    /// The account, if it is known.
    account: Option<String>,
}

impl PermissionSetRoles {
    /// Lists the roles with the credentials that described the cluster, or else with those of the user. `set` is the permission
    /// set to find.
    ///
    /// # Errors
    /// If IAM does not list them.
    pub(super) fn list(
        set: &str,
        target: &Target,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let what = format!("cannot find the role of the permission set {set}");
        let (iam, account) = match backend.eks() {
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
        Ok(Self { roles, account })
    }

    /// Returns the ARN of a permission set's role with its path. `account` is the one that the user named.
    ///
    /// # Errors
    /// If none or several belong to the set, or the account is another one.
    pub(super) fn role(
        &self,
        set: &str,
        account: Option<&str>,
        out: &mut Out,
    ) -> Result<String, Failure> {
        let role = role_of(set, account, self.account.as_deref(), &self.roles)
            .map_err(|error| Failure::usage(error.to_string()).hint(error.hint()))?;
        out.note(&format!("The role of {set} is {}.", role.arn));
        Ok(role.arn.clone())
    }
}

/// Returns the request whose edits of these roles replace the entries of deleted roles of the same permission sets.
pub(super) fn replace_deleted(
    request: &Request,
    roles: &[Principal],
    snapshot: &Snapshot,
) -> Request {
    let mut request = request.clone();
    if !roles.is_empty() {
        let document = Document::read(&snapshot.data);
        request.edits = with_siblings_replaced(request.edits, roles, &document);
    }
    request
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
