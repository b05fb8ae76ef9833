//! What must not be written without being asked for in words.

mod admin_grant;
mod admins;
mod caller;
mod ignored;
mod last_admin;
mod lint_regression;
mod mass_removal;
mod node_entry;
mod owner;
mod self_lockout;
#[cfg(test)]
mod tests;

pub use ignored::nobody_reads;
pub use last_admin::has_admin;

use super::facts::Open;
use super::{Notice, Request};
use crate::document::Document;
use crate::document::edit::{Edit, Outcome};
use crate::effect::AccessChange;
use crate::lint::Finding;
use crate::owners::Owners;
use caller::Standing;

/// Why a plan is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What stopped it.
    pub guard: Guard,
    /// What would have been lost for whom; a fragment.
    pub message: String,
    /// The flag that allows it.
    pub allow: String,
    /// The ARN that it is about, where it is about the edits of one.
    pub about: Option<String>,
}

/// What looks after something that is easily lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// What counts for nothing is not written.
    Ignored,
    /// No error comes in that was not there.
    LintRegression,
    /// Node entries are not changed or removed, but for gaining groups.
    NodeEntry,
    /// Not many mappings go that nobody named.
    MassRemoval,
    /// Whoever writes can still write afterwards.
    SelfLockout,
    /// Somebody is left who can administer the cluster.
    LastAdmin,
    /// Who becomes an administrator is said aloud.
    AdminGrant,
    /// Owners do not take each other's entries.
    Owner,
}

/// What every guard looks at.
struct Case<'a> {
    before: &'a Document,
    after: &'a Document,
    request: &'a Request,
    outcomes: &'a [(Edit, Outcome)],
    /// Who gains, who loses, what changes, as far as aws-auth is asked about them.
    access: &'a [AccessChange],
    /// What the rules find that they did not find before.
    findings: &'a [Finding],
    owners: &'a Owners,
    /// How the plan touches whoever carries it out.
    caller: Standing,
}

/// What guards say of a plan.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) refusals: Vec<Refusal>,
    pub(super) notices: Vec<Notice>,
    /// What they would have to know to say more.
    pub(super) open: Vec<Open>,
    /// Whether it changes what whoever carries it out becomes.
    pub(super) touches_caller: bool,
    /// Whether aws-auth is what lets in whoever carries it out, where that is known.
    pub(super) is_by_aws_auth: Option<bool>,
    /// Whether it takes away the last administrator who is known, and that is allowed.
    pub(super) leaves_no_admin: bool,
}

/// All guards that look at plans, in the order in which they speak. What looks at commands and objects comes before them and after.
const GUARDS: [fn(&Case<'_>, &mut Said); 8] = [
    ignored::check,
    lint_regression::check,
    node_entry::check,
    mass_removal::check,
    self_lockout::check,
    last_admin::check,
    admin_grant::check,
    owner::check,
];

/// What the guards say of what comes of a request.
pub(super) fn judge(
    (before, after): (&Document, &Document),
    request: &Request,
    outcomes: &[(Edit, Outcome)],
    access: &[AccessChange],
    findings: &[Finding],
    owners: &Owners,
    is_by_aws_auth: Option<bool>,
) -> Said {
    let case = Case {
        before,
        after,
        request,
        outcomes,
        access,
        findings,
        owners,
        caller: Standing::of(before, after, request, is_by_aws_auth),
    };
    let mut said = Said {
        touches_caller: case.caller.is_touched(),
        is_by_aws_auth: case.caller.is_by_aws_auth(),
        ..Said::default()
    };
    for check in GUARDS {
        check(&case, &mut said);
    }
    said
}

impl Guard {
    /// Its id, which never changes.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Ignored => "WG03",
            Self::LintRegression => "WG07",
            Self::NodeEntry => "WG08",
            Self::MassRemoval => "WG09",
            Self::SelfLockout => "WG10",
            Self::LastAdmin => "WG11",
            Self::AdminGrant => "WG12",
            Self::Owner => "WG13",
        }
    }

    /// Its name in one word.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Ignored => "mode-ignores-aws-auth",
            Self::LintRegression => "lint-regression",
            Self::NodeEntry => "node-guard",
            Self::MassRemoval => "mass-removal",
            Self::SelfLockout => "self-lockout",
            Self::LastAdmin => "last-admin",
            Self::AdminGrant => "admin-grant",
            Self::Owner => "other-owner",
        }
    }
}

impl Said {
    fn refuse(&mut self, guard: Guard, message: impl Into<String>, allow: impl Into<String>) {
        self.refusals.push(Refusal {
            guard,
            message: message.into(),
            allow: allow.into(),
            about: None,
        });
    }

    /// The same, where it is about the edits of one ARN.
    fn refuse_one(&mut self, arn: &str, guard: Guard, message: String, allow: impl Into<String>) {
        self.refusals.push(Refusal {
            guard,
            message,
            allow: allow.into(),
            about: Some(arn.to_owned()),
        });
    }

    fn not_checked(&mut self, what: impl Into<String>, needs: &str) {
        self.notices.push(Notice::NotChecked {
            what: what.into(),
            needs: needs.to_owned(),
        });
    }
}

impl Case<'_> {
    /// Whether somebody loses or changes what they had.
    fn takes_away(&self) -> bool {
        self.access.iter().any(|change| !change.before.is_empty())
    }
}
