//! Whether aws-auth can record when access ends.

use crate::terminal::Failure;
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::expiry::Expiry;
use awsauth_core::owners_annotation::{ANNOTATION, Owners};
use awsauth_core::plan::Request;

/// Refuses temporary access if its end cannot be recorded: it would be permanent.
pub(crate) fn refuse_unrecorded_expiry(
    request: &Request,
    snapshot: &Snapshot,
) -> Result<(), Failure> {
    let mut expiries = request.expiries.iter();
    if !expiries.any(|(_, expiry)| matches!(expiry, Expiry::At(_))) {
        return Ok(());
    }
    let owners = Owners::read(snapshot.owners_annotation.as_deref());
    match owners.unreadable() {
        None => Ok(()),
        Some(reason) => Err(Failure::usage(format!(
            "cannot record when the access ends: the annotation {ANNOTATION} is invalid: {reason}"
        ))
        .hint("to give up all owners and times, and write a new one: kubectl -n kube-system annotate configmap aws-auth awsauth.dev/owners-")),
    }
}
