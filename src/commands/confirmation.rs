//! Questions before a change of access entries or of the authentication mode.

use crate::backend::Backend;
use crate::terminal::{Failure, Kind, Out};

/// The consequence of the mode `API_AND_CONFIG_MAP`.
pub(super) const READS_ENTRIES: &str = "read access entries from now on";

/// Asks the user before the cluster is changed.
///
/// # Errors
/// If the answer is no. Without a terminal, there is no question.
pub(super) fn confirm(
    question: &str,
    yes: bool,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    if yes || !out.can_ask() || backend.ask(question, out)? {
        return Ok(());
    }
    Err(
        Failure::new(Kind::Refused, "the answer was no; nothing was changed")
            .hint("to skip the question, add --yes"),
    )
}

/// Asks for the cluster's name before a change that EKS cannot reverse. `consequence` follows the name of the cluster.
///
/// # Errors
/// If the user types another name, or there is no terminal.
pub(super) fn confirm_irreversible(
    consequence: &str,
    yes: bool,
    backend: &Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !out.can_ask() {
        return Err(Failure::new(
            Kind::Refused,
            format!("the cluster would {consequence}, which EKS cannot reverse"),
        )
        .hint("if this is intended, add --yes"));
    }
    let question = format!(
        "{backend} would {consequence}, which EKS cannot reverse. Type its name to continue:"
    );
    match backend.ask_for_name(&question, out)? {
        true => Ok(()),
        false => Err(Failure::new(
            Kind::Refused,
            "the name does not match; nothing was changed",
        )),
    }
}
