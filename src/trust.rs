//! A second role and its trust: which half of `sts:AssumeRole` is missing, and the statement to add.
//!
//! Two halves decide: the policies of the caller, and the trust policy of the role to be assumed. In one
//! account a trust policy that names the caller itself is enough; one that names the account leaves it to the caller's
//! own policies; across accounts both must allow it. An explicit deny in either, or a limit such as a permissions
//! boundary, wins over both.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>

mod advice;
mod condition;
mod denial;
mod gap;
mod halves;
mod policy;
mod statement;
mod who;

pub use advice::{Advice, Half, State};
pub use gap::{Gap, Place};

use condition::Context;
use denial::Denial;
use who::{Kind, Who};

/// The principal by which a role's trust policy lets EC2 hand its credentials to instances.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2.html>
pub const EC2: &str = "ec2.amazonaws.com";

const ASSUME_ROLE: &str = "sts:AssumeRole";

/// What is known. Nothing beyond the caller and the role is needed; the more there is, the fewer things are left open.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Who wants to assume the role: the ARN that STS reports, or a service such as [`EC2`].
    pub caller: &'a str,
    /// The ARN of the role.
    pub role: &'a str,
    /// AWS's answer, when it refused.
    pub message: Option<&'a str>,
    /// The role's trust policy, as JSON or percent-encoded as `iam:GetRole` gives it.
    pub trust_policy: Option<&'a str>,
    /// What the caller's own policies say, as `iam:SimulatePrincipalPolicy` would.
    pub own_policies: Decision,
    /// What the caller's permissions boundary says; [`Decision::Allowed`] when there is none.
    pub boundary: Decision,
    /// The external id that the call gave.
    pub external_id: Option<&'a str>,
    /// The session name that the call gave.
    pub session_name: Option<&'a str>,
    /// Whether the caller gave an MFA code, for its session or for this call.
    pub mfa: bool,
}

impl<'a> Facts<'a> {
    /// Of these two and nothing else.
    pub const fn new(caller: &'a str, role: &'a str) -> Self {
        Self {
            caller,
            role,
            message: None,
            trust_policy: None,
            own_policies: Decision::Unknown,
            boundary: Decision::Unknown,
            external_id: None,
            session_name: None,
            mfa: false,
        }
    }
}

/// What one kind of policy says about the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decision {
    /// It could not be read.
    #[default]
    Unknown,
    /// It allows it.
    Allowed,
    /// No statement of it is about it.
    ImplicitDeny,
    /// A statement denies it.
    ExplicitDeny,
}

/// Which half is missing, why, and what to add.
pub fn explain(facts: &Facts<'_>) -> Advice {
    let denial = facts.message.map(Denial::read).unwrap_or_default();
    let who = Who::of(facts.caller);
    let role = Who::of(facts.role);
    let mut advice = Advice::new(&who, &role);
    if let Some(gap) = impossible(&who, &role, &denial) {
        advice.gaps.push(gap);
        return advice;
    }
    let action = denial.action.as_deref();
    let action = action
        .filter(|action| action.starts_with("sts:"))
        .unwrap_or(ASSUME_ROLE);
    let context = Context {
        who: &who,
        external_id: facts.external_id,
        session_name: facts.session_name,
        mfa: facts.mfa,
    };
    let reading = facts
        .trust_policy
        .map(|text| policy::read(text, &who, action, &context));
    let granted = reading.as_ref().and_then(|reading| reading.as_ref().ok());
    let case = halves::Case {
        facts,
        denial: &denial,
        who,
        role,
        action,
        grant: granted.and_then(policy::Reading::nearest),
    };
    case.trust(reading, &mut advice);
    case.own(&mut advice);
    case.limits(&mut advice);
    advice
}

/// Everybody whom a trust policy names as somebody who may assume the role: ARNs, accounts, services, providers, or `*`. Conditions and
/// what denies are not looked at.
///
/// # Errors
/// When it can't be read as a policy; says why.
pub fn named_in(trust_policy: &str) -> Result<Vec<String>, String> {
    policy::named(trust_policy)
}

/// The statement by which a role's trust policy lets an AWS service such as [`EC2`] assume it, as JSON to paste.
pub fn statement_for_service(service: &str) -> String {
    statement::of_trust(&Who::of(service), ASSUME_ROLE)
}

/// What no statement can mend.
fn impossible(who: &Who<'_>, role: &Who<'_>, denial: &Denial) -> Option<Gap> {
    match who.kind {
        Kind::Service => None,
        _ if denial.root => Some(Gap::RootUser),
        Kind::Root => Some(Gap::RootUser),
        Kind::Federated => Some(Gap::FederatedUser),
        _ if who.partition != role.partition => Some(Gap::OtherPartition {
            caller: who.partition.to_owned(),
            role: role.partition.to_owned(),
        }),
        _ => None,
    }
}
