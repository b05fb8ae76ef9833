//! Verifies a write by signing in, and rolls it back if that fails.

use std::collections::BTreeMap;

use serde_json::json;

use super::VerifyAs;
use super::entry_transaction::restore_entries;
use crate::access_check::{CheckedAccess, ExpectedAccess, TokenSigner};
use crate::backend::{Backend, HistoryOptions, SignIn, WriteOutcome, write_temporary};
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_core::arn::{canonical, comparable, fold};
use awsauth_core::aws_auth_snapshot::OWNERS_ANNOTATION;
use awsauth_core::facts::access_entries::AccessPolicy;
use awsauth_core::plan::{Plan, Rollback};
use awsauth_core::rbac::Question;
use awsauth_core::shell_quote::quoted;

/// Ready to sign in after a write.
pub(super) struct PostWriteCheck {
    cluster: SignIn,
    signer: TokenSigner,
    /// The ARN of the identity, if it is known.
    arn: Option<String>,
    rolls_back: bool,
}

/// The result of a check.
pub(super) struct CheckOutcome {
    /// The result of signing in; `None` if the API server did not respond.
    pub(super) access: Option<CheckedAccess>,
    /// Why the write is not verified; `None` if it is.
    pub(super) failure: Option<Failure>,
}

impl CheckOutcome {
    /// Whether the previous aws-auth was restored.
    pub(super) fn is_rolled_back(&self) -> bool {
        let exit = self.failure.as_ref().map(Failure::exit);
        exit == Some(Exit::RolledBack)
    }
}

impl PostWriteCheck {
    /// Gets credentials before anything is written, so that nothing is written if the check is impossible.
    pub(super) fn prepare(
        verify: &VerifyAs,
        rolls_back: bool,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let cluster = backend.sign_in(out)?;
        let what = format!(
            "cannot verify what would be written to {}",
            cluster.target()
        );
        let signer = TokenSigner::get(&cluster, verify.role.as_deref(), &what, out)?;
        Ok(Self {
            cluster,
            signer,
            arn: verify.role.clone(),
            rolls_back,
        })
    }

    /// Prepares to sign in as the caller, if the AWS credentials are those of the caller.
    ///
    /// # Errors
    /// Why the check is not possible; a clause.
    pub(super) fn of_caller(
        arn: &str,
        rolls_back: bool,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<Self, String> {
        let what = "cannot sign in with these AWS credentials";
        let cluster = backend.sign_in(out).map_err(|failure| failure.message())?;
        let signer =
            TokenSigner::get(&cluster, None, what, out).map_err(|failure| failure.message())?;
        let caller = signer.caller().map_err(|error| error.to_string())?;
        let key = |arn: &str| {
            canonical(arn)
                .ok()
                .map(|canonical| fold(&canonical.arn).into_owned())
        };
        match key(&caller.arn) == key(arn) {
            true => Ok(Self {
                cluster,
                signer,
                arn: Some(arn.to_owned()),
                rolls_back,
            }),
            false => Err(format!("these AWS credentials are those of {}", caller.arn)),
        }
    }

    /// Returns whether the plan makes the identity that signs in an administrator through an access policy, as far as it is known.
    fn is_admin_by_policy(&self, plan: &Plan) -> bool {
        let entries = plan.access_entries();
        let entry = self
            .arn
            .as_ref()
            .and_then(|arn| entries?.of(&comparable(arn)));
        let terms = entry.and_then(|entry| entry.terms.as_ref());
        let mut policies = terms.map_or(&[][..], |terms| terms.policies()).iter();
        policies.any(AccessPolicy::is_cluster_admin)
    }

    /// Signs in until the API server reports the user that the plan maps the identity to, and rolls the write back otherwise.
    pub(super) fn run(
        &self,
        plan: &Plan,
        outcome: WriteOutcome,
        backend: &mut Backend,
        out: &mut Out,
    ) -> CheckOutcome {
        let is_changed = outcome != WriteOutcome::Unchanged || plan.changes_entries();
        let everything = match self.is_admin_by_policy(plan) {
            true => vec![Question::everything()],
            false => Vec::new(),
        };
        let expected = ExpectedAccess {
            can: &everything,
            before: is_changed.then(|| plan.before()),
            entries_before: plan.entries_before().cloned(),
            document: Some(plan.after()),
            access_entries: plan.access_entries().cloned(),
            ..ExpectedAccess::default()
        };
        let time_limit = backend.timeout();
        let (access, failure) = match expected.check(&self.cluster, &self.signer, time_limit, out) {
            Ok(access) => {
                let failure = access.failure(&self.cluster, &self.signer);
                (Some(access), failure)
            }
            Err(failure) => (None, Some(failure)),
        };
        let failure = failure.map(|failure| match is_changed {
            false => failure,
            true => self.roll_back(failure, plan, outcome, backend, out),
        });
        CheckOutcome { access, failure }
    }

    /// Restores the previous aws-auth after a failed verification, unless the user asked not to. Returns the failure to report.
    fn roll_back(
        &self,
        why: Failure,
        plan: &Plan,
        outcome: WriteOutcome,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Failure {
        if why.exit() == Exit::Interrupted {
            return Failure::new(
                Kind::Interrupted,
                format!("interrupted: {} but not verified", written(plan)),
            )
            .hint("verify it: awsauth verify");
        }
        let why = why.at(&format!("{} but could not be verified", written(plan)));
        if !self.rolls_back {
            return why
                .of_kind(Kind::NotRolledBack)
                .note("what was written stays, because of --no-rollback");
        }
        match restore(plan, outcome, backend, out) {
            Ok(()) => {
                let why = why.of_kind(Kind::RolledBack);
                match outcome {
                    WriteOutcome::Unchanged => why.note("the previous access entries were restored"),
                    WriteOutcome::Changed => why.note("the previous state was restored"),
                    WriteOutcome::Created => {
                        left_empty(why.note("the previous state was restored"), &backend.kubectl())
                    }
                }
            }
            Err(NotRestored::Entries(obstacle)) => why
                .of_kind(Kind::NotRolledBack)
                .note(format!(
                    "the access entries stay as they were written, because they could not be restored: {}",
                    obstacle.message()
                ))
                .hint("restore them: awsauth undo"),
            Err(NotRestored::AwsAuth(obstacle)) => {
                let why = why.of_kind(Kind::NotRolledBack).note(format!(
                    "what was written stays, because it could not be rolled back: {}",
                    obstacle.message()
                ));
                match obstacle.exit() {
                    Exit::Conflict => why.hint("see what is stored now: awsauth get"),
                    _ => self.recovery_hints(why, &plan.rollback(), backend),
                }
            }
        }
    }

    /// Adds the commands for a user who still has access, or has the IAM permissions to regain it.
    fn recovery_hints(&self, why: Failure, rollback: &Rollback, backend: &Backend) -> Failure {
        let kubectl = backend.kubectl();
        let name = quoted(&self.signer.cluster);
        let region = quoted(&self.signer.host.region);
        let why = match write_temporary("aws-auth-before-", ".json", merge_patch(rollback).as_bytes()) {
            Ok(path) => why.hint(format!(
                "a user who can still write aws-auth restores it with: {kubectl} patch configmap aws-auth -n kube-system --type merge --patch-file {}",
                quoted(&path.to_string_lossy())
            )),
            Err(error) => why.note(format!("the previous state could not be saved to a file either: {error}")),
        };
        let undo = format!("awsauth undo --cluster-name {name} --region {region}");
        why.hint(format!(
            "the IAM identity that created the cluster has access regardless of aws-auth, unless that access was revoked; as that identity: {undo}"
        ))
        .hint(format!(
            "if no user has access, a user with IAM permissions gets in and undoes the write: awsauth rescue --cluster-name {name} --region {region} && {undo}"
        ))
    }
}

/// What could not be restored, and why.
pub(super) enum NotRestored {
    Entries(Failure),
    AwsAuth(Failure),
}

/// Undoes a plan that was carried out, in the reverse order: first what gives access again.
///
/// # Errors
/// If one of the stores cannot be restored. What was restored before stays.
pub(super) fn restore(
    plan: &Plan,
    outcome: WriteOutcome,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(), NotRestored> {
    restore_entries(&plan.stages.last, backend, out).map_err(NotRestored::Entries)?;
    if outcome != WriteOutcome::Unchanged {
        let rollback = plan.rollback();
        let mut change = |snapshot: &_| {
            rollback
                .from(snapshot)
                .map_err(|error| Failure::new(Kind::Conflict, error))
        };
        let backup = HistoryOptions {
            reason: Some("rolled back: the write could not be verified".to_owned()),
            undoes: None,
            transaction: None,
            // The history has it already.
            optional: true,
        };
        let restored = backend.write(&mut change, false, &backup, out);
        restored.map_err(NotRestored::AwsAuth)?;
    }
    restore_entries(&plan.stages.first, backend, out).map_err(NotRestored::Entries)
}

/// Names what a plan wrote; a clause.
fn written(plan: &Plan) -> &'static str {
    match (plan.changes_aws_auth(), plan.changes_entries()) {
        (false, true) => "access entries were written",
        (true, true) => "aws-auth and access entries were written",
        (_, false) => "aws-auth was written",
    }
}

/// Explains that an aws-auth that the write created stays, because another client may rely on it by now.
fn left_empty(why: Failure, kubectl: &str) -> Failure {
    why.note("aws-auth did not exist before; it stays, empty, and maps no identity: awsauth never deletes it")
        .hint(format!(
            "to remove it, after awsauth get shows that it is still empty: {kubectl} delete configmap aws-auth -n kube-system"
        ))
}

/// The rollback as a JSON merge patch.
fn merge_patch(rollback: &Rollback) -> String {
    let change = rollback.change();
    let sections = change.data.iter();
    let sections = sections.map(|(key, text)| (*key, text.as_deref()));
    let others = change.other_data.iter();
    let others = others.map(|(key, text)| (key.as_str(), text.as_deref()));
    let data: BTreeMap<_, _> = sections.chain(others).collect();
    let binary = change.binary_data.iter();
    let binary_data: BTreeMap<_, _> = binary.map(|(key, text)| (key, text.as_deref())).collect();
    let mut patch = json!({"data": data});
    if !binary_data.is_empty() {
        patch["binaryData"] = json!(binary_data);
    }
    if let Some(owners) = &change.owners_annotation {
        patch["metadata"]["annotations"][OWNERS_ANNOTATION] = json!(owners);
    }
    patch.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use awsauth_core::history::Contents;
    use awsauth_core::plan::Request;

    #[test]
    fn merge_patch_of_rollback_restores_every_key() {
        let texts = |texts: &[(&str, &str)]| {
            let texts = texts.iter();
            texts
                .map(|&(key, text)| (key.to_owned(), text.into()))
                .collect()
        };
        let before = Contents {
            exists: true,
            data: texts(&[("mapRoles", "[]\n"), ("other", "was")]),
            binary_data: texts(&[("blob", "AAEC")]),
            owners_annotation: None,
        };
        let after = Contents {
            data: texts(&[("mapRoles", ""), ("other", "is"), ("new", "is")]),
            binary_data: texts(&[("logo", "AAAA")]),
            ..before.clone()
        };
        let request = Request {
            contents: Some(after),
            ..Request::default()
        };
        let plan = Plan::new(&before.snapshot(), &request).unwrap();
        let patch: serde_json::Value =
            serde_json::from_str(&merge_patch(&plan.rollback())).unwrap();
        assert_eq!(
            patch,
            json!({
                "data": {"mapRoles": "[]\n", "other": "was", "new": null},
                "binaryData": {"blob": "AAEC", "logo": null},
            })
        );
    }
}
