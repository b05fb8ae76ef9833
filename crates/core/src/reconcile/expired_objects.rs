//! Which objects have expired. An object expires, or is valid again, only when the local clock and that of the API server agree; until
//! then it stays what its status reports.

use jiff::Timestamp;

use super::decision::Input;
use super::mapping_object::{Object, Reason};
use crate::expiry::Clocks;

/// Returns whether the decision needs the API server's time: by the local clock, an object has expired that does not report it, or the
/// other way round.
pub fn needs_server_time(objects: &[Object], now: Timestamp) -> bool {
    objects.iter().any(|object| {
        object
            .expires_at()
            .is_some_and(|expires_at| (now >= expires_at) != is_reported(object))
    })
}

/// Returns whether each object has expired, in the order of the input.
pub(super) fn find(input: &Input<'_>) -> Vec<bool> {
    let has_expired = |object: &Object| {
        let expires_at = object.expires_at()?;
        Some(
            clocks(input)
                .agree_on(expires_at)
                .unwrap_or(is_reported(object)),
        )
    };
    let objects = input.objects.iter();
    objects
        .map(|object| has_expired(object).unwrap_or_default())
        .collect()
}

/// Returns when the next object expires by both clocks.
pub(super) fn next(input: &Input<'_>) -> Option<Timestamp> {
    let objects = input.objects.iter();
    let pending = objects.filter_map(|object| {
        let expires_at = object.expires_at()?;
        let clocks = clocks(input);
        let is_pending = clocks.agree_on(expires_at) != Some(true) && !is_reported(object);
        is_pending.then(|| clocks.both_reach(expires_at))
    });
    pending.min()
}

fn clocks(input: &Input<'_>) -> Clocks {
    Clocks {
        local: input.now,
        server: input.server_time,
    }
}

/// Returns whether the status reports that the object has expired.
fn is_reported(object: &Object) -> bool {
    object.status.reason() == Some(Reason::Expired)
}
