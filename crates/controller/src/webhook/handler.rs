//! Handles admission reviews.
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

use super::judge::{Asked, Judge};
use crate::health::plain;
use crate::http as server;
use awsauth_core::admission::{Answer, BREAK_GLASS, Object, Requester, Review};
use awsauth_core::history::Contents;
use awsauth_core::snapshot::OWNERS_ANNOTATION;
use awsauth_kube::{NAME, NAMESPACE};

/// The path of reviews of aws-auth.
const PATH: &str = "/admit/aws-auth";
/// A review holds an object twice, each of at most 1.5 MB, in JSON, which may double it.
const LARGEST: usize = 8 << 20;
/// The time limit for receiving and judging a review; the API server waits for 3 s.
const PATIENCE: Duration = Duration::from_millis(2500);

/// Responds to a request.
pub(super) async fn answer<B>(request: Request<B>, judge: &Judge) -> server::Answer
where
    B: Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match timeout(PATIENCE, answered(request, judge)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err((status, why))) => {
            judge.count("invalid");
            plain(status, format!("{why}\n"))
        }
        Err(_) => {
            judge.count("invalid");
            plain(StatusCode::REQUEST_TIMEOUT, "too slow\n".to_owned())
        }
    }
}

type Bad = (StatusCode, String);

async fn answered<B>(request: Request<B>, judge: &Judge) -> Result<server::Answer, Bad>
where
    B: Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let bad = |status, why: &str| Err((status, why.to_owned()));
    if request.uri().path() != PATH {
        return bad(StatusCode::NOT_FOUND, "not found");
    }
    if request.method() != Method::POST {
        return bad(StatusCode::METHOD_NOT_ALLOWED, "only POST");
    }
    let form = request.headers().get(CONTENT_TYPE);
    let form = form.and_then(|form| form.to_str().ok()).unwrap_or_default();
    if !form.starts_with("application/json") {
        return bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, "only application/json");
    }
    let too_large = || (StatusCode::PAYLOAD_TOO_LARGE, "too large".to_owned());
    if request.body().size_hint().lower() > LARGEST as u64 {
        return Err(too_large());
    }
    let body = Limited::new(request.into_body(), LARGEST).collect().await;
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
    let response = match asked(&request) {
        None => {
            judge.count("other");
            response
        }
        Some((review, asked)) => {
            let judge = judge.clone();
            // A large aws-auth takes a while, in which others are answered.
            let judged = tokio::task::spawn_blocking(move || judge.judge(&review, &asked)).await;
            let failed = |error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}"));
            said(response, judged.map_err(failed)?)
        }
    };
    let text = serde_json::to_vec(&response.into_review())
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let mut answer = Response::new(Bytes::from(text).into());
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    Ok(answer)
}

/// Encodes the response for the API server.
fn said(response: AdmissionResponse, answer: Answer) -> AdmissionResponse {
    let mut response = match answer.is_allowed() {
        true => response,
        false => {
            let mut denied = response.deny(answer.message);
            denied.result.code = StatusCode::FORBIDDEN.as_u16();
            "Forbidden".clone_into(&mut denied.result.reason);
            denied
        }
    };
    response.warnings = (!answer.warnings.is_empty()).then_some(answer.warnings);
    let audit = answer.audit.into_iter();
    response.audit_annotations = audit.map(|(key, text)| (key.to_owned(), text)).collect();
    response
}

/// What is asked, if it is about aws-auth. The object says so itself: the request for a collection names none.
fn asked(request: &AdmissionRequest<DynamicObject>) -> Option<(Review, Asked)> {
    let objects = [&request.object, &request.old_object];
    let is_configmap = request.kind.group.is_empty() && request.kind.kind == "ConfigMap";
    let is_ours = |object: &DynamicObject| {
        let named = &object.metadata;
        named.name.as_deref() == Some(NAME) && named.namespace.as_deref() == Some(NAMESPACE)
    };
    if !is_configmap || !objects.into_iter().flatten().any(is_ours) {
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
    let asked = Asked {
        operation,
        is_dry_run: request.dry_run,
    };
    Some((review, asked))
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
    let says = |key: &str| user.extra.as_ref()?.get(key)?.first().cloned();
    Requester {
        username: user.username.clone().unwrap_or_default(),
        groups: user.groups.clone().unwrap_or_default(),
        arn: says("arn").or_else(|| says("canonicalArn")),
        session_name: says("sessionName"),
        access_key_id: says("accessKeyId"),
    }
}
