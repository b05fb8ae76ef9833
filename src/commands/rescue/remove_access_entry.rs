//! Removes what the rescue added to the caller's access, if it is proven that there is another way into the cluster.

use super::caller::{CallerPrincipal, eks, map_command};
use super::sign_in::Access;
use crate::access_check::{ExpectedAccess, TokenSigner, everything};
use crate::backend::{Backend, SignIn};
use crate::terminal::{Failure, Kind, Out};
use awsauth_aws::credentials::Caller;
use awsauth_core::access_entries::Operation;
use awsauth_core::access_entries::rescue::{RescuePlan, is_rescued};
use awsauth_core::arn::is_same_principal;
use awsauth_core::authenticator::{Question, User, explain};
use awsauth_core::document::Document;
use awsauth_core::facts::access_entries::CLUSTER_ADMIN;
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

/// What a rescue added, and how to remove it.
pub(super) struct Addition {
    /// The operations that remove it.
    pub(super) removal: Vec<Operation>,
    /// The operations that add it again.
    restore: Vec<Operation>,
    /// Whether it is a policy of an access entry that existed before.
    is_policy: bool,
}

impl Addition {
    /// Returns the policy that a plan adds to an access entry that exists.
    pub(super) fn of_plan(plan: &RescuePlan) -> Option<Self> {
        Some(Self {
            removal: plan.former_policy.clone()?,
            restore: vec![plan.policy.clone()?],
            is_policy: true,
        })
    }

    /// Returns the caller's whole access entry.
    pub(super) fn entry(principal: &CallerPrincipal) -> Self {
        let delete = Operation::DeleteEntry {
            principal_arn: principal.arn.clone(),
        };
        Self {
            restore: delete.inverse(principal.entry.as_ref()).unwrap_or_default(),
            removal: vec![delete],
            is_policy: false,
        }
    }

    /// Determines what to remove: the access entry, or the policy that this rescue added to it.
    ///
    /// # Errors
    /// If a rescue added nothing.
    pub(super) fn find(
        added_policy: Option<Self>,
        principal: &CallerPrincipal,
    ) -> Result<Self, &'static str> {
        let Some(entry) = &principal.entry else {
            return Err("you have no access entry");
        };
        match entry.terms.as_ref().is_some_and(is_rescued) {
            true => Ok(Self::entry(principal)),
            false => added_policy.ok_or("your access entry was not created by a rescue"),
        }
    }

    /// Returns the commands that remove it.
    pub(super) fn removal_command(&self, cluster: &str) -> String {
        let commands = self.removal.iter().map(|one| one.command(cluster));
        commands.collect::<Vec<_>>().join(" && ")
    }

    /// Returns what the removal changes.
    pub(super) fn changes(&self) -> String {
        match self.is_policy {
            true => format!("the policy {CLUSTER_ADMIN} of your access entry, only if a fresh sign-in of another administrator succeeds before; otherwise it stays"),
            false => "your access entry, only if a rescue created it and a fresh sign-in proves another way into the cluster; otherwise it stays or is created again".to_owned(),
        }
    }

    /// Returns the question before the removal.
    pub(super) fn question(&self) -> &'static str {
        match self.is_policy {
            true => "Take the policy from your access entry?",
            false => "Delete your access entry?",
        }
    }

    /// Refuses because no other way into the cluster is proven.
    fn stays(&self, why: &str) -> Failure {
        let what = match self.is_policy {
            true => format!("your access entry keeps {CLUSTER_ADMIN}"),
            false => "your access entry stays".to_owned(),
        };
        Failure::new(
            Kind::Refused,
            format!("{what}, because no other way into the cluster is proven: {why}"),
        )
        .hint("name a role that is an administrator and that you can assume: --verify-as ARN")
    }
}

impl OtherWay {
    /// Finds another way into the cluster: the role that the user names, or the caller's mapping in aws-auth.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn find(
        role: Option<&str>,
        addition: &Addition,
        caller: &Caller,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let none = |why: &str| addition.stays(why);
        let unmapped = |why: &str| {
            let failure = none(why);
            match map_command(caller) {
                Some(command) => failure.hint(format!(
                    "or map yourself in aws-auth, then run again: {command}"
                )),
                None => failure,
            }
        };
        if let Some(role) = role {
            return match is_same_principal(role, &caller.arn) {
                false => Ok(Self::Role(role.to_owned())),
                true => Err(none(
                    "--verify-as names your own role, which would lose the access entry",
                )),
            };
        }
        if addition.is_policy {
            return Err(none(
                "aws-auth does not decide for a principal with an access entry",
            ));
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
            (None, _) => Err(unmapped("aws-auth does not map you")),
            _ => Err(unmapped("aws-auth does not map you to an administrator")),
        }
    }
}

/// Removes what the rescue added. Afterwards, either a fresh sign-in has proven another way into the cluster, or the access entry
/// is as before.
pub(super) fn remove(
    addition: &Addition,
    way: &OtherWay,
    cluster: &SignIn,
    signer: &TokenSigner,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let user = match way {
        OtherWay::Role(role) => {
            let signer = TokenSigner::get(cluster, Some(role), "cannot prove another way in", out)?;
            let access = Access::find(cluster, &signer, backend.timeout(), out)?;
            let text = access.text();
            return match access {
                Access::Admin { .. } => backend.execute(&addition.removal, out).map(drop),
                _ => Err(addition.stays(&format!("{role} signed in. {text}"))),
            };
        }
        OtherWay::AwsAuth(user) => user,
    };
    backend.execute(&addition.removal, out)?;
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
        Ok(Some(failure)) | Err(failure) => {
            failure.at("you do not get the expected access through aws-auth")
        }
    };
    Err(match backend.roll_back(&addition.restore, out) {
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
