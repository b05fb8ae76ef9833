//! Failures that several requests have in common.

use crate::terminal::{Failure, Kind};
use awsauth_kube::interrupt;

pub(super) const NOT_IN_TIME: &str = "not done in time; nothing was written";
pub(super) const MORE_TIME: &str = "give each cluster more time with --deadline DURATION";

/// Returns the failure after an interrupt or the deadline.
pub(super) fn interrupted() -> Failure {
    match interrupt::is_past_deadline() {
        true => Failure::new(Kind::Unreachable, NOT_IN_TIME).hint(MORE_TIME),
        false => Failure::new(Kind::Interrupted, "interrupted; nothing was written"),
    }
}

/// Returns the kind of failure, which decides the exit code.
pub(super) fn kind(kind: awsauth_kube::ErrorKind) -> Kind {
    match kind {
        awsauth_kube::ErrorKind::Input => Kind::Usage,
        awsauth_kube::ErrorKind::Unreachable | awsauth_kube::ErrorKind::Denied => Kind::Unreachable,
        awsauth_kube::ErrorKind::Refused => Kind::Refused,
        awsauth_kube::ErrorKind::Conflict => Kind::Conflict,
        awsauth_kube::ErrorKind::Interrupted => Kind::Interrupted,
    }
}
