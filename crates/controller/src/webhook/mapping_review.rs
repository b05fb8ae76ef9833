//! Reviews of the objects that request mappings: which users may use a grant, and which user can write a status.

use tracing::info;

use super::validator::{Validator, shortened};
use crate::convert::parse_spec;
use crate::watch::resource;
use awsauth_core::admission::{AdmissionRequest, Deadline, Operation, ReviewError, ReviewResult};
use awsauth_core::reconcile::{ObjectKind, check_requester};

/// The path of reviews of these objects.
pub(super) const PATH: &str = "/admit/mappings";

/// Checks a request; `None` if it is not about the spec or status of a mapping.
///
/// # Errors
/// If the deadline passes before the check is complete.
pub(super) fn check(
    request: &AdmissionRequest<'_>,
    validator: &Validator,
    deadline: &Deadline,
) -> Result<Option<ReviewResult>, ReviewError> {
    let is_kind = |kind: &ObjectKind| {
        let kind = resource(*kind);
        kind.group == request.resource.group && kind.plural == request.resource.resource
    };
    let kinds = [ObjectKind::AwsAuthMapping, ObjectKind::IamIdentityMapping];
    let Some(kind) = kinds.into_iter().find(is_kind) else {
        return Ok(None);
    };
    let user = request.username();
    let checked = match request.sub_resource.as_deref() {
        Some("status") => check_status(kind, user, validator),
        Some(_) => return Ok(None),
        None => check_spec(kind, user, request, validator, deadline),
    };
    if deadline.is_over() {
        return Err(ReviewError::TimeIsUp);
    }
    validator.count(if checked.is_ok() { "allowed" } else { "denied" });
    if let Err(why) = &checked {
        let (uid, user, name) = (&request.uid, user, &request.name);
        let (uid, user, name) = (shortened(uid), shortened(user), shortened(name));
        let (is_dry_run, why) = (request.dry_run, shortened(why));
        info!(
            uid,
            user, name, is_dry_run, why, "denied a change to an object"
        );
    }
    let result = checked.map_or_else(ReviewResult::denied, |()| ReviewResult::allowed());
    Ok(Some(result))
}

/// The status of an AwsAuthMapping states which entry the object owns, so only the controller may write it. The authenticator
/// writes the status of an IAMIdentityMapping.
fn check_status(kind: ObjectKind, user: &str, validator: &Validator) -> Result<(), String> {
    if kind == ObjectKind::IamIdentityMapping {
        return Ok(());
    }
    match validator.controller() {
        Some(controller) if controller == user => Ok(()),
        Some(_) => Err(format!(
            "{user} may not write the status of a mapping: only the controller may"
        )),
        None => Err(
            "the controller does not know its own username yet, so it cannot tell who may write the status of a mapping; try again"
                .to_owned(),
        ),
    }
}

fn check_spec(
    kind: ObjectKind,
    user: &str,
    request: &AdmissionRequest<'_>,
    validator: &Validator,
    deadline: &Deadline,
) -> Result<(), String> {
    let [before, after] = request.specs();
    let is_changed = request.operation == Operation::Create || before != after;
    let Some(spec) = after.filter(|_| is_changed) else {
        return Ok(());
    };
    let config = validator.config();
    match parse_spec(kind, spec) {
        Ok(spec) => check_requester(&config, &spec, user, request.groups(), deadline),
        // The controller would keep the entry of the previous spec.
        Err(invalid) if config.has_requesters() => {
            Err(format!("the spec is invalid: {}", invalid.why))
        }
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn status_is_denied_while_the_controller_is_unknown() {
        let denied = |user: &str, validator: &Validator| {
            let review = json!({
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "request": {
                    "uid": "1",
                    "kind": {"group": "awsauth.dev", "version": "v1alpha1", "kind": "AwsAuthMapping"},
                    "resource": {"group": "awsauth.dev", "version": "v1alpha1", "resource": "awsauthmappings"},
                    "subResource": "status",
                    "operation": "UPDATE",
                    "userInfo": {"username": user},
                },
            });
            let body = review.to_string().into_bytes();
            let request = AdmissionRequest::parse(&body).unwrap();
            let result = check(&request, validator, &Deadline::default())
                .unwrap()
                .unwrap();
            (!result.is_allowed()).then_some(result.message)
        };
        let unknown = denied("controller", &Validator::for_test(None)).unwrap();
        assert!(
            unknown.contains("does not know its own username yet"),
            "{unknown}"
        );
        let known = Validator::for_test(Some("controller"));
        assert_eq!(denied("controller", &known), None);
        let other = denied("mallory", &known).unwrap();
        assert!(other.starts_with("mallory may not write"), "{other}");
    }
}
