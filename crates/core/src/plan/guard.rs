//! Guards: checks that refuse a dangerous plan unless the user overrides them with a flag.

mod admin_grant;
mod admins;
mod caller_access;
mod entry_precondition;
mod ignored_mapping;
mod last_admin;
mod lint_regression;
mod mass_removal;
mod node_entry;
mod owner;
mod self_lockout;
#[cfg(test)]
mod tests;

pub use admins::reason as admin_reason;
pub use ignored_mapping::aws_auth_is_ignored;
pub use last_admin::has_admin;

use std::collections::HashSet;
use std::sync::Arc;

use super::guard_facts::OpenQuestion;
use super::{Notice, Request};
use crate::access_entries::EntryChange;
use crate::authenticator::{AccessChange, AccessEntries, Store, Stores, User};
use crate::document::Document;
use crate::document::edit::{Edit, Outcome};
use crate::lint::Finding;
use crate::owners_annotation::Owners;
use caller_access::CallerAccess;

/// Why a plan must not be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The guard that refuses.
    pub guard: Guard,
    /// What the plan would break; a fragment.
    pub message: String,
    /// The flag that overrides the guard, if there is one.
    pub allow: Option<String>,
    /// The ARN whose edits are refused; `None` if the refusal is about the plan as a whole.
    pub arn: Option<Arc<str>>,
}

/// A check that refuses a dangerous plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guard {
    /// Refuses mappings that have no effect.
    Ignored,
    /// Refuses changes that introduce a lint error.
    LintRegression,
    /// Refuses changes to node entries, except for added groups.
    NodeEntry,
    /// Refuses to remove many mappings that were not named one by one.
    MassRemoval,
    /// Refuses changes after which the caller could no longer write aws-auth.
    SelfLockout,
    /// Refuses to remove the last administrator.
    LastAdmin,
    /// Reports new administrators. Never refuses.
    AdminGrant,
    /// Refuses changes to another owner's entries.
    Owner,
    /// Refuses to change a mapping that may only be created.
    AlreadyMapped,
    /// Refuses to remove an entry that is not as expected.
    UnexpectedEntry,
}

/// A document, the authenticator's store of it, and the access entries, which several guards need.
pub(super) struct State<'a> {
    pub(super) document: &'a Document,
    pub(super) store: Store<'a>,
    /// `None` if unknown.
    pub(super) entries: Option<&'a AccessEntries>,
}

impl<'a> State<'a> {
    pub(super) fn new(document: &'a Document, entries: Option<&'a AccessEntries>) -> Self {
        Self {
            document,
            store: Store::new(document),
            entries,
        }
    }

    /// Returns both stores, if the access entries are known.
    pub(super) fn stores(&self) -> Option<Stores<'_>> {
        Some(Stores {
            aws_auth: &self.store,
            entries: self.entries?,
        })
    }
}

/// The input of every guard.
pub(super) struct Case<'a> {
    pub(super) before: State<'a>,
    pub(super) after: State<'a>,
    pub(super) request: &'a Request,
    pub(super) outcomes: &'a [(Edit, Outcome)],
    /// The changes of access by both stores.
    pub(super) access: &'a [AccessChange],
    /// The findings that the change introduces.
    pub(super) findings: &'a [Finding],
    pub(super) owners: &'a Owners,
}

/// The results of all guards.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) refusals: Vec<Refusal>,
    pub(super) notices: Vec<Notice>,
    /// The facts that the guards need and that are not known yet.
    pub(super) open_questions: Vec<OpenQuestion>,
    /// Whether the plan changes which Kubernetes user or groups the caller gets.
    pub(super) changes_caller: bool,
    /// Whether the caller has access through aws-auth, if known.
    pub(super) caller_is_by_aws_auth: Option<bool>,
    /// Whether the plan removes the last known administrator, and an override allows that.
    pub(super) leaves_no_admin: bool,
    /// Whether the plan takes the permissions of an administrator away from a principal.
    pub(super) takes_admin: bool,
}

/// Runs the guards in a fixed order, which is the order of the refusals in messages. The guards on commands run before these, and the
/// guards on the stored object after them, both in other modules.
///
/// `caller_is_by_aws_auth` is the result of an earlier run on the text that was stored when the API server identified the caller.
pub(super) fn check(case: &Case<'_>, caller_is_by_aws_auth: Option<bool>) -> Verdict {
    let caller = CallerAccess::of(case, caller_is_by_aws_auth);
    let mut verdict = Verdict {
        changes_caller: caller.is_changed(),
        caller_is_by_aws_auth: caller.is_by_aws_auth(),
        ..Verdict::default()
    };
    ignored_mapping::check(case, &mut verdict);
    lint_regression::check(case, &mut verdict);
    node_entry::check(case, &mut verdict);
    mass_removal::check(case, &mut verdict);
    self_lockout::check(case, &caller, &mut verdict);
    last_admin::check(case, &caller, &mut verdict);
    admin_grant::check(case, &mut verdict);
    owner::check(case, &mut verdict);
    entry_precondition::check(case, &mut verdict);
    verdict.takes_admin = last_admin::takes_admin(case);
    verdict
}

/// Runs the guards against lock-outs on a state between two calls of a plan.
pub(super) fn check_between(
    case: &Case<'_>,
    between: State<'_>,
    caller_is_by_aws_auth: Option<bool>,
) -> Verdict {
    let case = &Case {
        before: State::new(case.before.document, case.before.entries),
        after: between,
        ..*case
    };
    let caller = CallerAccess::of(case, caller_is_by_aws_auth);
    let mut verdict = Verdict::default();
    node_entry::check(case, &mut verdict);
    self_lockout::check(case, &caller, &mut verdict);
    last_admin::check(case, &caller, &mut verdict);
    verdict
}

/// Runs `last-admin` on what is stored.
pub(super) fn check_stored(case: &Case<'_>, caller_is_by_aws_auth: Option<bool>) -> Verdict {
    let caller = CallerAccess::of(case, caller_is_by_aws_auth);
    let mut verdict = Verdict::default();
    last_admin::check(case, &caller, &mut verdict);
    verdict
}

impl Guard {
    /// Returns the guard's ID, which never changes.
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
            Self::AlreadyMapped => "WG21",
            Self::UnexpectedEntry => "WG22",
        }
    }

    /// Returns the guard's name in one word, which never changes.
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
            Self::AlreadyMapped => "already-mapped",
            Self::UnexpectedEntry => "unexpected-entry",
        }
    }
}

impl Verdict {
    fn refuse(&mut self, guard: Guard, message: impl Into<String>, allow: impl Into<String>) {
        self.refusals.push(Refusal {
            guard,
            message: message.into(),
            allow: Some(allow.into()),
            arn: None,
        });
    }

    /// Adds another verdict, without refusals by the same guard of the same ARN.
    pub(super) fn add(&mut self, other: Self) {
        let by = |refusal: &Refusal| (refusal.guard, refusal.arn.clone());
        let mut known: HashSet<_> = self.refusals.iter().map(by).collect();
        let is_new = |refusal: &Refusal| known.insert(by(refusal));
        let new = other.refusals.into_iter().filter(is_new);
        self.refusals.extend(new);
        add_new(&mut self.open_questions, other.open_questions);
        add_new(&mut self.notices, other.notices);
        self.leaves_no_admin |= other.leaves_no_admin;
    }

    /// Adds the verdict on the states between the calls of a plan.
    pub(super) fn add_between(&mut self, mut between: Self) {
        for refusal in &mut between.refusals {
            refusal.message = format!(
                "between the first call and the last one: {}; make the changes that give access in a run of their own",
                refusal.message
            );
        }
        self.add(between);
    }

    /// Adds the verdict on the states in which an access entry is deleted to get another type.
    pub(super) fn add_recreation(&mut self, mut during: Self) {
        for refusal in &mut during.refusals {
            refusal.message = format!(
                "while the access entry is deleted and created again with another type: {}",
                refusal.message
            );
        }
        self.add(during);
    }

    /// Refuses the edits of one ARN.
    fn refuse_one(
        &mut self,
        arn: impl Into<Arc<str>>,
        guard: Guard,
        message: String,
        allow: impl Into<String>,
    ) {
        self.refusals.push(Refusal {
            guard,
            message,
            allow: Some(allow.into()),
            arn: Some(arn.into()),
        });
    }

    /// Refuses the edits of one ARN without a flag that overrides the guard.
    fn refuse_always(&mut self, arn: &str, guard: Guard, message: String) {
        self.refusals.push(Refusal {
            guard,
            message,
            allow: None,
            arn: Some(arn.into()),
        });
    }

    fn not_checked(&mut self, what: impl Into<String>, needs: &str) {
        self.notices.push(Notice::NotChecked {
            what: what.into(),
            needs: needs.to_owned(),
        });
    }
}

/// Describes a Kubernetes user and its groups.
fn describe(user: &User) -> String {
    match user.groups.as_slice() {
        [] => format!("user {} without groups", user.username),
        groups => format!("user {} in {}", user.username, groups.join(", ")),
    }
}

fn add_new<T: PartialEq>(known: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !known.contains(&one) {
            known.push(one);
        }
    }
}

impl Case<'_> {
    /// Returns the changes to access entries.
    fn entry_changes(&self) -> &[EntryChange] {
        &self.request.entry_changes
    }

    /// Returns whether the request changes aws-auth.
    fn edits_aws_auth(&self) -> bool {
        self.request.contents.is_some() || !self.outcomes.is_empty()
    }

    /// Returns whether an identity loses or changes its access.
    fn takes_away(&self) -> bool {
        self.access.iter().any(|change| !change.before.is_empty())
    }
}
