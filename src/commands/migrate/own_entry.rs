//! The caller's own access entry, if an earlier run stopped before it associated the policy.

use super::caller_access_check::CallerProof;
use super::{Args, State, command};
use crate::backend::Backend;
use crate::commands::confirmation::confirm;
use crate::terminal::{Failure, Kind, Out};
use awsauth_core::access_entries::Operation;
use awsauth_core::access_entries::migrate::finished;
use awsauth_core::arn::is_same_principal;
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::facts::access_entries::{AccessEntry, AccessTerms};

/// The caller's own access entry, which lacks the policy that an earlier run was to associate.
struct Unfinished {
    arn: String,
    /// The access entry with the policy.
    terms: AccessTerms,
    /// The access entries before.
    existing: Vec<AccessEntry>,
    proof: CallerProof,
}

impl Unfinished {
    /// Finds the entry; `None` if the caller has no such access entry.
    ///
    /// # Errors
    /// If the caller cannot sign in, or STS does not return the ARN.
    fn find(backend: &mut Backend, out: &mut Out) -> Result<Option<Self>, Failure> {
        let entries = backend.access_configuration(out);
        let entries = entries.as_deref().and_then(AccessEntries::all);
        let existing = entries.unwrap_or_default().to_vec();
        let unfinished: Vec<AccessEntry> = existing.iter().filter_map(finished).collect();
        if unfinished.is_empty() {
            return Ok(None);
        }
        let proof = CallerProof::prepare(backend, out)?;
        let caller = proof.caller()?;
        let mut unfinished = unfinished.into_iter();
        let own = unfinished.find(|entry| is_same_principal(&entry.principal_arn, &caller));
        Ok(own.and_then(|own| {
            Some(Self {
                arn: own.principal_arn,
                terms: own.terms?,
                existing,
                proof,
            })
        }))
    }
}

impl State {
    /// Reads the state. If that fails because the caller's access entry lacks the policy that an earlier run was to associate, the
    /// failure reports it.
    pub(super) fn read_or_explain(backend: &mut Backend, out: &mut Out) -> Result<Self, Failure> {
        let failure = match Self::read(backend, out) {
            Ok(state) => return Ok(state),
            Err(failure) => failure,
        };
        match Unfinished::find(backend, out) {
            Ok(Some(own)) => Err(Failure::new(
                Kind::Unreachable,
                format!(
                    "your access entry {} is unfinished: an earlier run stopped before it associated the policy, so you cannot read aws-auth",
                    own.arn
                ),
            )
            .hint(format!("finish it: {}", command("--apply", backend)))
            .hint(format!("or delete it: {}", command("--revert", backend)))),
            Ok(None) | Err(_) => Err(failure),
        }
    }

    /// Reads the state. If that fails because the caller's access entry lacks the policy that an earlier run was to associate, the
    /// policy is associated first, except in a dry run.
    pub(super) fn read_with_own_access(
        args: &Args,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        if args.is_dry_run() {
            return Self::read_or_explain(backend, out);
        }
        let failure = match Self::read(backend, out) {
            Ok(state) => return Ok(state),
            Err(failure) => failure,
        };
        let Some(own) = Unfinished::find(backend, out)? else {
            return Err(failure);
        };
        let Unfinished {
            arn,
            terms,
            existing,
            mut proof,
        } = own;
        let question = "Associate the policy of your access entry, which an earlier run did not?";
        confirm(question, args.yes, backend, out)?;
        // If that fails, the entry is deleted, so that aws-auth applies to the caller again.
        let operations = Operation::creating(&arn, &terms);
        backend.execute(&operations, out)?;
        proof.expect_everything()?;
        proof
            .check(true, backend.timeout(), out)
            .map_err(|failure| failure.hint("run the same command again in a minute"))?;
        // Without the policy, the caller may not be allowed to write the history.
        backend.record_operations(&operations, &existing, &args.history_options(), out)?;
        Self::read(backend, out)
    }
}
