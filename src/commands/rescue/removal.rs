//! The removal of the caller's access entry, if another way into the cluster is proven.

use super::caller::{CallerPrincipal, eks};
use super::sign_in::Access;
use crate::access_check::{ExpectedAccess, TokenSigner, everything};
use crate::backend::{Backend, SignIn};
use crate::terminal::{Failure, Kind, Out};
use awsauth_aws::credentials::Caller;
use awsauth_core::access_entries::Operation;
use awsauth_core::access_entries::rescue::is_rescued;
use awsauth_core::arn::is_same_principal;
use awsauth_core::authenticator::{Question, User, explain};
use awsauth_core::document::Document;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::groups::MASTERS;
use awsauth_core::plan::{Admins, Known};

/// How the caller keeps a way into the cluster.
pub(super) enum OtherWay {
    /// aws-auth maps the caller to this administrator.
    AwsAuth(User),
    /// This role signs in as an administrator.
    Role(String),
}

/// Returns why the access entry must stay; `None` if a rescue created it.
pub(super) fn why_kept(principal: &CallerPrincipal) -> Option<&'static str> {
    let Some(entry) = &principal.entry else {
        return Some("you have no access entry");
    };
    match entry.terms.as_ref().is_some_and(is_rescued) {
        true => None,
        false => Some("your access entry was not created by a rescue"),
    }
}

impl OtherWay {
    /// Finds another way into the cluster: the role that the user names, or the caller's mapping in aws-auth.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn find(
        role: Option<&str>,
        caller: &Caller,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        if let Some(role) = role {
            return match is_same_principal(role, &caller.arn) {
                false => Ok(Self::Role(role.to_owned())),
                true => Err(none(
                    "--verify-as names your own role, which would lose the access entry",
                )),
            };
        }
        if eks(backend)?.facts.authentication_mode == Some(AuthenticationMode::Api) {
            return Err(none(
                "in authentication mode API, the cluster ignores aws-auth",
            ));
        }
        let Some(first) = backend.read_for_plan(false, true, out)? else {
            return Err(none("aws-auth cannot be read"));
        };
        let admins = match first.facts.admins {
            Known::Is(admins) => admins,
            _ => Admins::default(),
        };
        let document = Document::read(&first.snapshot.data);
        let question = Question {
            arn: &caller.arn,
            account: Some(&caller.account),
            ..Question::default()
        };
        let explanation = explain(&document, &question)
            .map_err(|error| none("aws-auth cannot map your ARN").because(&error))?;
        let mut users = explanation.users();
        match (users.next(), users.next()) {
            (Some((user, [])), None) if is_admin(user, &admins) => Ok(Self::AwsAuth(user.clone())),
            (None, _) => Err(none("aws-auth does not map you")),
            _ => Err(none("aws-auth does not map you to an administrator")),
        }
    }
}

/// Deletes the access entry. Afterwards, another way into the cluster is proven by a fresh sign-in, or the access entry
/// exists again.
pub(super) fn remove(
    principal: &CallerPrincipal,
    way: &OtherWay,
    cluster: &SignIn,
    signer: &TokenSigner,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let delete = Operation::DeleteEntry {
        principal_arn: principal.arn.clone(),
    };
    let restore = delete.inverse(principal.entry.as_ref()).unwrap_or_default();
    let user = match way {
        OtherWay::Role(role) => {
            let signer = TokenSigner::get(cluster, Some(role), "cannot prove another way in", out)?;
            let access = Access::find(cluster, &signer, backend.timeout(), out)?;
            let text = access.text();
            return match access {
                Access::Admin { .. } => backend.execute(&[delete], out).map(drop),
                _ => Err(none(&format!("{role} signed in. {text}"))),
            };
        }
        OtherWay::AwsAuth(user) => user,
    };
    backend.execute(&[delete], out)?;
    let can = [everything()?];
    let expected = ExpectedAccess {
        username: Some(&user.username),
        groups: &user.groups,
        can: &can,
        ..ExpectedAccess::default()
    };
    let checked = expected.check(cluster, signer, backend.timeout(), out);
    let failure = match checked.map(|checked| checked.failure(cluster, signer)) {
        Ok(None) => return Ok(()),
        Ok(Some(failure)) | Err(failure) => failure.at("aws-auth does not give you your access"),
    };
    Err(match backend.execute(&restore, out) {
        Ok(_) => failure
            .of_kind(Kind::RolledBack)
            .note("your access entry was created again"),
        Err(obstacle) => failure.of_kind(Kind::NotRolledBack).note(format!(
            "your access entry could not be created again: {}",
            obstacle.message()
        )),
    })
}

fn is_admin(user: &User, admins: &Admins) -> bool {
    let mut groups = user.groups.iter();
    admins.users.contains(&user.username)
        || groups.any(|group| group == MASTERS || admins.groups.contains(group))
}

/// Refuses because no other way into the cluster is proven.
fn none(why: &str) -> Failure {
    Failure::new(
        Kind::Refused,
        format!("your access entry stays, because no other way into the cluster is proven: {why}"),
    )
    .hint("map yourself as an administrator in aws-auth, or name a role that is one and that you may assume: --verify-as ARN")
}
