//! Reviews of the objects that request mappings: which users may use a grant, and which user may write a status.

use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, Operation};
use tracing::info;

use super::validator::Validator;
use crate::convert::cached_object;
use crate::watch::resource;
use awsauth_core::reconcile::{ObjectKind, check_requester};

/// The path of reviews of these objects.
pub(super) const PATH: &str = "/admit/mappings";

/// Checks a request; `None` if it is about another object.
pub(super) fn check(
    request: &AdmissionRequest<DynamicObject>,
    validator: &Validator,
) -> Option<Result<(), String>> {
    let is_kind = |kind: &ObjectKind| {
        let kind = resource(*kind);
        kind.group == request.resource.group && kind.plural == request.resource.resource
    };
    let kinds = [ObjectKind::AwsAuthMapping, ObjectKind::IamIdentityMapping];
    let kind = kinds.into_iter().find(is_kind)?;
    let user = request.user_info.username.as_deref().unwrap_or_default();
    let checked = match request.sub_resource.as_deref() {
        Some("status") => check_status(kind, user, validator),
        Some(_) => return None,
        None => check_spec(kind, user, request, validator),
    };
    validator.count(if checked.is_ok() { "allowed" } else { "denied" });
    if let Err(why) = &checked {
        let (name, is_dry_run) = (request.name.as_str(), request.dry_run);
        info!(user, name, is_dry_run, why, "denied a change of an object");
    }
    Some(checked)
}

/// The status of an AwsAuthMapping names the entry that it owns, so only the controller writes it. That of an IAMIdentityMapping
/// belongs to the authenticator.
fn check_status(kind: ObjectKind, user: &str, validator: &Validator) -> Result<(), String> {
    let controller = validator.controller();
    match kind == ObjectKind::IamIdentityMapping || controller.is_none_or(|name| name == user) {
        true => Ok(()),
        false => Err(format!(
            "{user} may not write the status of a mapping: only the controller may"
        )),
    }
}

fn check_spec(
    kind: ObjectKind,
    user: &str,
    request: &AdmissionRequest<DynamicObject>,
    validator: &Validator,
) -> Result<(), String> {
    let spec = |object: &Option<DynamicObject>| Some(object.as_ref()?.data.get("spec")?.clone());
    let is_changed = request.operation == Operation::Create
        || spec(&request.object) != spec(&request.old_object);
    let Some(object) = request.object.clone().filter(|_| is_changed) else {
        return Ok(());
    };
    // The controller refuses an invalid spec.
    let Ok(spec) = cached_object(kind, object).object.spec else {
        return Ok(());
    };
    let groups = request.user_info.groups.as_deref().unwrap_or_default();
    check_requester(&validator.config(), &spec, user, groups)
}
