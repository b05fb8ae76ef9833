//! Explains a denied `sts:AssumeRole`: which policy is missing a statement, and the statement to add.
//!
//! Two policies decide: the caller's own, and the trust policy of the role. Within an account, a trust policy that names
//! the caller is sufficient; one that names the account leaves the decision to the caller's own policies. Across
//! accounts, both must allow the call. An explicit deny in either, or a limit such as a permissions boundary, overrides
//! both.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>

mod access_denied_message;
mod advice;
mod condition;
mod decision_table;
mod obstacle;
mod parsed_principal;
mod policy;
mod suggested_statement;

pub use advice::{Advice, PolicyAdvice, State};
pub use obstacle::{Obstacle, PolicyKind};

use access_denied_message::Denial;
use condition::Context;
use parsed_principal::{IamPrincipal, Kind};

/// The service principal of EC2, which delivers a role's credentials to instances.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2.html>
pub const EC2: &str = "ec2.amazonaws.com";

const ASSUME_ROLE: &str = "sts:AssumeRole";

/// The known facts about a call of AssumeRole. Only caller and role are required; each further fact makes the advice
/// more certain.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The principal that assumes the role: the ARN that STS reports, or a service such as [`EC2`].
    pub caller: &'a str,
    pub role: &'a str,
    /// The message of the refusal.
    pub message: Option<&'a str>,
    /// The role's trust policy, as JSON or percent-encoded as in the response of `iam:GetRole`.
    pub trust_policy: Option<&'a str>,
    /// The decision of the caller's own policies, as `iam:SimulatePrincipalPolicy` returns it.
    pub own_policies: Decision,
    /// The decision of the caller's permissions boundary; [`Decision::Allowed`] if there is none.
    pub boundary: Decision,
    /// The external id of the call.
    pub external_id: Option<&'a str>,
    /// The session name of the call.
    pub session_name: Option<&'a str>,
    /// Whether the caller used an MFA code, for its session or for this call.
    pub mfa: bool,
}

impl<'a> Facts<'a> {
    /// Creates facts with only a caller and a role.
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

/// The decision of one kind of policy about the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decision {
    /// The policy could not be read.
    #[default]
    Unknown,
    Allowed,
    /// No statement applies.
    ImplicitDeny,
    ExplicitDeny,
}

/// Explains which policy is missing a statement, why, and what to add.
pub fn explain(facts: &Facts<'_>) -> Advice {
    let denial = facts.message.map(Denial::read).unwrap_or_default();
    let who = IamPrincipal::of(facts.caller);
    let role = IamPrincipal::of(facts.role);
    let mut advice = Advice::new(&who, &role);
    if let Some(obstacle) = impossible(&who, &role, &denial) {
        advice.obstacles.push(obstacle);
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
    let case = decision_table::Case {
        facts,
        denial: &denial,
        who,
        role,
        action,
        grant: granted.and_then(policy::Evaluation::nearest),
    };
    case.trust(reading, &mut advice);
    case.own(&mut advice);
    case.limits(&mut advice);
    advice
}

/// Returns the principals that a trust policy allows to assume the role: ARNs, accounts, services, providers, or `*`.
/// Ignores conditions and Deny statements.
///
/// # Errors
/// The reason why the policy cannot be parsed.
pub fn named_in(trust_policy: &str) -> Result<Vec<String>, String> {
    policy::named(trust_policy)
}

/// Returns the trust policy statement that lets an AWS service such as [`EC2`] assume the role, as JSON.
pub fn statement_for_service(service: &str) -> String {
    suggested_statement::of_trust(&IamPrincipal::of(service), ASSUME_ROLE)
}

/// Returns the obstacle that no policy statement can remove, if there is one.
fn impossible(
    who: &IamPrincipal<'_>,
    role: &IamPrincipal<'_>,
    denial: &Denial,
) -> Option<Obstacle> {
    match who.kind {
        Kind::Service => None,
        _ if denial.root => Some(Obstacle::RootUser),
        Kind::Root => Some(Obstacle::RootUser),
        Kind::Federated => Some(Obstacle::FederatedUser),
        _ if who.partition != role.partition => Some(Obstacle::OtherPartition {
            caller: who.partition.to_owned(),
            role: role.partition.to_owned(),
        }),
        _ => None,
    }
}
