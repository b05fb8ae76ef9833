//! The HTTP handler of admission reviews.
//! <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request>

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use k8s_openapi::api::authentication::v1::UserInfo;
use kube::core::DynamicObject;
use kube::core::admission::{
    AdmissionRequest, AdmissionResponse, AdmissionReview, META_API_VERSION_V1, META_KIND, Operation,
};
use serde_json::Value;
use tokio::time::timeout;

use super::mapping_review;
use super::validator::{RequestInfo, Validator};
use crate::health::plain_text;
use crate::http::HttpResponse;
use awsauth_core::admission::{BREAK_GLASS, Object, Requester, Review, ReviewResult};
use awsauth_core::history::Contents;
use awsauth_core::snapshot::OWNERS_ANNOTATION;
use awsauth_kube::{NAME, NAMESPACE};

/// The path of reviews of aws-auth.
const PATH: &str = "/admit/aws-auth";
/// The maximum size of a review: it contains two versions of the object, each of at most 1.5 MB, and JSON can double them.
const MAX_BODY: usize = 8 << 20;
/// The time limit for receiving and checking a review; the API server waits for 3 s.
const TIMEOUT: Duration = Duration::from_millis(2500);

/// Responds to a request.
pub(super) async fn respond<B>(request: Request<B>, validator: &Validator) -> HttpResponse
where
    B: Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match timeout(TIMEOUT, review_response(request, validator)).await {
        Ok(Ok(response)) => response,
        Ok(Err((status, why))) => {
            validator.count("invalid");
            plain_text(status, format!("{why}\n"))
        }
        Err(_) => {
            validator.count("invalid");
            plain_text(StatusCode::REQUEST_TIMEOUT, "too slow\n".to_owned())
        }
    }
}

type HttpError = (StatusCode, String);

async fn review_response<B>(
    request: Request<B>,
    validator: &Validator,
) -> Result<HttpResponse, HttpError>
where
    B: Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let error = |status, why: &str| Err((status, why.to_owned()));
    if ![PATH, mapping_review::PATH].contains(&request.uri().path()) {
        return error(StatusCode::NOT_FOUND, "not found");
    }
    if request.method() != Method::POST {
        return error(StatusCode::METHOD_NOT_ALLOWED, "only POST");
    }
    let content_type = request.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|value| value.starts_with("application/json")) {
        return error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "only application/json");
    }
    let too_large = || (StatusCode::PAYLOAD_TOO_LARGE, "too large".to_owned());
    if request.body().size_hint().lower() > MAX_BODY as u64 {
        return Err(too_large());
    }
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
    let body = body.map_err(|error| match error.is::<LengthLimitError>() {
        true => too_large(),
        false => (StatusCode::BAD_REQUEST, error.to_string()),
    })?;
    let invalid = |why: String| (StatusCode::BAD_REQUEST, why);
    let review: AdmissionReview<DynamicObject> = serde_json::from_slice(&body.to_bytes())
        .map_err(|error| invalid(format!("not an AdmissionReview: {error}")))?;
    if review.types.kind != META_KIND || review.types.api_version != META_API_VERSION_V1 {
        return Err(invalid(format!(
            "only {META_KIND} of {META_API_VERSION_V1}"
        )));
    }
    let request: AdmissionRequest<DynamicObject> = review
        .try_into()
        .map_err(|_| invalid("an AdmissionReview without a request".to_owned()))?;
    let response = AdmissionResponse::from(&request);
    let response = match aws_auth_review(&request) {
        None => match mapping_review::check(&request, validator) {
            None => {
                validator.count("other");
                response
            }
            Some(Ok(())) => response,
            Some(Err(why)) => denied(response, why),
        },
        Some((review, info)) => {
            let validator = validator.clone();
            // A large aws-auth takes a while, and must not block other requests.
            let verdict =
                tokio::task::spawn_blocking(move || validator.validate(&review, &info)).await;
            let failed = |error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}"));
            with_verdict(response, verdict.map_err(failed)?)
        }
    };
    let text = serde_json::to_vec(&response.into_review())
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let mut http_response = Response::new(Bytes::from(text).into());
    let json = HeaderValue::from_static("application/json");
    http_response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(http_response)
}

/// Adds the verdict to the response for the API server.
fn with_verdict(response: AdmissionResponse, result: ReviewResult) -> AdmissionResponse {
    let mut response = match result.is_allowed() {
        true => response,
        false => denied(response, result.message),
    };
    response.warnings = (!result.warnings.is_empty()).then_some(result.warnings);
    let audit = result.audit.into_iter();
    response.audit_annotations = audit.map(|(key, text)| (key.to_owned(), text)).collect();
    response
}

fn denied(response: AdmissionResponse, message: String) -> AdmissionResponse {
    let mut denied = response.deny(message);
    denied.result.code = StatusCode::FORBIDDEN.as_u16();
    "Forbidden".clone_into(&mut denied.result.reason);
    denied
}

/// Returns the review, if it is about aws-auth. Checks the objects' own names, because requests to delete a collection contain no name.
fn aws_auth_review(request: &AdmissionRequest<DynamicObject>) -> Option<(Review, RequestInfo)> {
    let objects = [&request.object, &request.old_object];
    let is_configmap = request.kind.group.is_empty() && request.kind.kind == "ConfigMap";
    let is_aws_auth = |object: &DynamicObject| {
        let metadata = &object.metadata;
        metadata.name.as_deref() == Some(NAME) && metadata.namespace.as_deref() == Some(NAMESPACE)
    };
    if !is_configmap || !objects.into_iter().flatten().any(is_aws_auth) {
        return None;
    }
    let operation = match request.operation {
        Operation::Create => "CREATE",
        Operation::Update => "UPDATE",
        Operation::Delete => "DELETE",
        Operation::Connect => return None,
    };
    let options = request.options.as_ref().map(|options| &options.0);
    let manager = options.and_then(|options| options["fieldManager"].as_str());
    let review = Review {
        before: request.old_object.as_ref().map(object),
        after: request.object.as_ref().map(object),
        requester: requester(&request.user_info),
        field_manager: manager.filter(|name| !name.is_empty()).map(str::to_owned),
    };
    let info = RequestInfo {
        operation,
        is_dry_run: request.dry_run,
    };
    Some((review, info))
}

fn object(object: &DynamicObject) -> Object {
    let texts = |key: &str| {
        let texts = object.data.get(key).and_then(Value::as_object);
        let texts = texts.into_iter().flatten();
        let texts = texts.filter_map(|(key, text)| Some((key.clone(), Arc::from(text.as_str()?))));
        texts.collect()
    };
    let annotation = |name: &str| object.metadata.annotations.as_ref()?.get(name).cloned();
    Object {
        contents: Contents {
            exists: true,
            data: texts("data"),
            binary_data: texts("binaryData"),
            owners_annotation: annotation(OWNERS_ANNOTATION),
        },
        break_glass: annotation(BREAK_GLASS),
        is_immutable: object.data["immutable"] == true,
    }
}

/// Returns the requester, including the AWS identity that the authenticator adds.
/// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/server/server.go>
fn requester(user: &UserInfo) -> Requester {
    let extra = |key: &str| user.extra.as_ref()?.get(key)?.first().cloned();
    Requester {
        username: user.username.clone().unwrap_or_default(),
        groups: user.groups.clone().unwrap_or_default(),
        arn: extra("arn").or_else(|| extra("canonicalArn")),
        session_name: extra("sessionName"),
        access_key_id: extra("accessKeyId"),
    }
}
