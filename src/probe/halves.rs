use std::time::Instant;

use jiff::Timestamp;

use super::{LIMIT, send};
use crate::arn::Parts;
use crate::aws::Surroundings;
use crate::aws::credentials::{self, Known, SourceError, Wish};
use crate::aws::iam::Iam;
use crate::trust::Advice;

/// What decides over a role that AWS refuses to let be assumed: what IAM says of both halves where the caller may read it, else what
/// the refusal says.
pub(super) fn advice(
    error: &SourceError,
    wish: &Wish,
    surroundings: &Surroundings,
    now: Timestamp,
) -> Option<Advice> {
    let plain = error.advice()?;
    let SourceError::AssumeRole { role, source, .. } = error else {
        return Some(plain);
    };
    let caller = source.refused().and_then(|refused| refused.caller());
    // With the credentials that were refused the role; a profile's own chain of roles is not gone back along.
    let at = wish.roles.iter().position(|wished| wished == role);
    let (Some(caller), Some(at)) = (caller, at) else {
        return Some(plain);
    };
    let base = Wish {
        roles: wish.roles[..at].to_vec(),
        session_name: wish.session_name.clone().filter(|_| at > 0),
        external_id: None,
        duration: None,
        ..wish.clone()
    };
    let (caller, role) = (caller.to_owned(), role.clone());
    let surroundings = surroundings.clone();
    let asked = send(LIMIT, Instant::now() + LIMIT, move || {
        let resolved = credentials::resolve(&base, &surroundings, now).ok()?;
        let iam = Iam::new(&resolved, base.profile.as_deref(), &surroundings);
        Some(known(&mut iam.ok()?, &caller, &role))
    });
    let known = asked.wait().into_known().flatten().unwrap_or_default();
    error.advice_knowing(&known).or(Some(plain))
}

/// What IAM says. Of another account it tells nothing.
fn known(iam: &mut Iam, caller: &str, role: &str) -> Known {
    let mut known = Known::default();
    let (Some(asking), Some(asked)) = (Parts::of(caller), Parts::of(role)) else {
        return known;
    };
    if asking.account == asked.account {
        let found = iam.role(asked.name).ok().flatten();
        known.trust_policy = found.and_then(|role| role.trust);
    }
    let policies_of = if asking.is("iam", "user") {
        Some(caller.to_owned())
    } else if asking.is("sts", "assumed-role") {
        // A session's ARN lacks its role's IAM path.
        let name = asking.path.trim_matches('/');
        let found = iam.role(name).ok().flatten();
        found.map(|role| role.arn)
    } else {
        None
    };
    let said = policies_of.and_then(|arn| iam.simulate(&arn, "sts:AssumeRole", role).ok());
    if let Some((own, boundary)) = said {
        known.own_policies = own;
        known.boundary = boundary;
    }
    known
}
