//! The HTTP handler of admission reviews.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::{Body, Bytes};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::mapping_review;
use super::peer_share::{MAX_REVIEWS, PeerShare, PeerShares, Slots};
use super::request_body::{BodyError, BodyPermits, BodyReader, RequestBody};
use super::validator::{Validator, shortened};
use crate::health::plain_text;
use crate::http::HttpResponse;
use awsauth_core::admission::{AdmissionRequest, Deadline, ReviewError};

/// The path of reviews of aws-auth.
pub(super) const PATH: &str = "/admit/aws-auth";
/// The time limit for receiving and checking a review; the API server waits for 3 s.
const TIMEOUT: Duration = Duration::from_millis(2500);
/// How many reviews with a small body are checked concurrently.
const SMALL_REVIEWS: usize = 2;
/// How many reviews with a large body are checked concurrently. The memory of a check is many times the size of the body.
const LARGE_REVIEWS: usize = 1;

/// Responds to requests, within limits on memory and time.
#[derive(Clone)]
pub(super) struct Handler {
    validator: Validator,
    bodies: BodyReader,
    shares: PeerShares,
    slots: Slots,
}

/// A response with a verdict. Until it is sent, the review counts toward the share of its peer: otherwise, a peer that does not read its
/// responses could have any number of them in memory.
struct ReviewResponse {
    json: Vec<u8>,
    _held: (Option<BodyPermits>, OwnedSemaphorePermit, Arc<PeerShare>),
}

impl AsRef<[u8]> for ReviewResponse {
    fn as_ref(&self) -> &[u8] {
        &self.json
    }
}

/// An error response.
#[derive(Debug)]
struct HttpError {
    status: StatusCode,
    message: String,
}

impl Handler {
    pub(super) fn new(validator: Validator) -> Self {
        Self {
            validator,
            bodies: BodyReader::new(),
            shares: PeerShares::default(),
            slots: Slots::new(SMALL_REVIEWS, LARGE_REVIEWS),
        }
    }

    /// Responds to a request. Calls `start_request` once the body has been read, and drops its result with the response.
    pub(super) async fn respond<B, G>(
        &self,
        request: Request<B>,
        peer: IpAddr,
        start_request: impl FnOnce() -> G,
    ) -> HttpResponse
    where
        B: Body<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        let end = Instant::now() + TIMEOUT;
        let share = self.shares.of(peer);
        let reviewed = async {
            let body = self.receive(request, &share).await?;
            let _active = start_request();
            self.review(body, share, end).await
        };
        let error = match timeout(TIMEOUT, reviewed).await {
            Ok(Ok(review)) => {
                let mut response = Response::new(Bytes::from_owner(review).into());
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(CONTENT_TYPE, json);
                return response;
            }
            Ok(Err(error)) => error,
            Err(_) => HttpError::too_slow(),
        };
        let is_overloaded = error.status == StatusCode::SERVICE_UNAVAILABLE;
        self.validator.count(match is_overloaded {
            true => "overloaded",
            false => "invalid",
        });
        let mut response = plain_text(error.status, format!("{}\n", shortened(&error.message)));
        if is_overloaded {
            // The API server tries again while it waits for the webhook.
            let seconds = HeaderValue::from_static("1");
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }

    async fn receive<B>(
        &self,
        request: Request<B>,
        share: &PeerShare,
    ) -> Result<RequestBody, HttpError>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        let error = |status, message| Err(HttpError::new(status, message));
        if ![PATH, mapping_review::PATH].contains(&request.uri().path()) {
            return error(StatusCode::NOT_FOUND, "not found");
        }
        if request.method() != Method::POST {
            return error(
                StatusCode::METHOD_NOT_ALLOWED,
                "method not allowed: use POST",
            );
        }
        let content_type = request.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(|value| value.starts_with("application/json")) {
            return error(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the content type must be application/json",
            );
        }
        // Reading a body that is refused afterwards would delay other peers.
        if share.is_used_up() {
            return Err(HttpError::too_many());
        }
        let body = self.bodies.read(request.into_body(), share).await;
        body.map_err(|error| match error {
            BodyError::TooLarge => HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, "too large"),
            BodyError::Overloaded => HttpError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many large reviews at the same time",
            ),
            BodyError::Failed(why) => HttpError::new(StatusCode::BAD_REQUEST, why),
        })
    }

    /// Checks the review in another thread, because a large aws-auth must not delay other requests.
    async fn review(
        &self,
        body: RequestBody,
        share: Arc<PeerShare>,
        end: Instant,
    ) -> Result<ReviewResponse, HttpError> {
        let failed = |why: String| HttpError::new(StatusCode::INTERNAL_SERVER_ERROR, why);
        let counted = share.add_review().ok_or_else(HttpError::too_many)?;
        let slot = self.slots.acquire(&share, body.is_large()).await;
        let slot = slot.map_err(|error| failed(error.to_string()))?;
        let validator = self.validator.clone();
        let reviewed = tokio::task::spawn_blocking(move || {
            let deadline = Deadline::new(move || Instant::now() >= end);
            let reviewed = review_response(&body.bytes, &validator, &deadline);
            // The thread continues for a moment after a timeout. Its memory counts until it ends.
            drop(slot);
            let held = (body.into_permits(), counted, share);
            reviewed.map(|json| ReviewResponse { json, _held: held })
        });
        reviewed.await.map_err(|error| failed(error.to_string()))?
    }
}

/// Returns the response to an AdmissionReview.
fn review_response(
    body: &[u8],
    validator: &Validator,
    deadline: &Deadline,
) -> Result<Vec<u8>, HttpError> {
    let invalid = |why: String| HttpError::new(StatusCode::BAD_REQUEST, why);
    let request = AdmissionRequest::parse(body).map_err(invalid)?;
    let result = match request.review().map_err(invalid)? {
        None => mapping_review::check(&request, validator, deadline),
        Some(review) => validator.validate(&review, &request, deadline).map(Some),
    };
    let result = result.map_err(|error| match error {
        ReviewError::TimeIsUp => HttpError::too_slow(),
        ReviewError::TooLarge => HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
    })?;
    if result.is_none() {
        validator.count("other");
    }
    Ok(request.response(result.as_ref()))
}

impl HttpError {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    fn too_many() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("this address has {MAX_REVIEWS} reviews in progress, which is its limit"),
        )
    }

    fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            format!(
                "the review was not received and checked in {} s",
                TIMEOUT.as_secs_f32()
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    use fastrand::Rng;
    use http_body_util::{BodyExt, Full};
    use serde_json::{Value, json};

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const ROLES: &str = "- rolearn: arn:aws:iam::111122223333:role/node\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n  - system:bootstrappers\n  - system:nodes\n- rolearn: arn:aws:iam::111122223333:role/admin\n  username: admin\n  groups: [system:masters, &a dev, *a]\n- {rolearn: 'x', username: \"{{SessionName}}\", groups: []}\n";
    const USERS: &str = "- userarn: arn:aws:iam::111122223333:user/a\n  username: a\n# awsauth: ignore[G03] why\n- &b {userarn: arn:aws:iam::111122223333:user/B, <<: *b}\n";
    const ACCOUNTS: &str = "- \"111122223333\"\n- 0123\n";

    fn review(texts: [&str; 6]) -> Value {
        let object = |[roles, users, accounts]: [&str; 3]| {
            json!({
                "metadata": {"name": "aws-auth", "namespace": "kube-system", "annotations": {"awsauth.dev/owners": "{}"}},
                "data": {"mapRoles": roles, "mapUsers": users, "mapAccounts": accounts, "x": "y"},
            })
        };
        let [a, b, c, d, e, f] = texts;
        json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
                "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
                "operation": "UPDATE",
                "userInfo": {"username": "admin", "groups": ["system:masters"], "extra": {
                    "arn": ["arn:aws:sts::111122223333:assumed-role/admin/s"],
                }},
                "object": object([a, b, c]),
                "oldObject": object([d, e, f]),
                "dryRun": false,
                "options": {"fieldManager": "kubectl-edit"},
            },
        })
    }

    async fn respond(handler: &Handler, body: Vec<u8>) -> (StatusCode, Bytes) {
        let request = Request::post(PATH)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)));
        let response = handler.respond(request.unwrap(), PEER, || ()).await;
        let status = response.status();
        let body = response.into_body().collect().await.unwrap();
        (status, body.to_bytes())
    }

    /// Changes, removes, repeats or inserts bytes.
    fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
        const PARTS: [&[u8]; 12] = [
            b"\"", b"\\u0000", b"{", b"[", b"- ", b"\n", b"\\n", b": ", b"&a", b"*a", b"{{",
            b"\xff",
        ];
        for _ in 0..rng.usize(1..4) {
            let at = rng.usize(..=bytes.len());
            let end = (at + rng.usize(..20)).min(bytes.len());
            match rng.u8(..5) {
                0 => {
                    bytes.drain(at..end);
                }
                1 => {
                    let again = bytes[at..end].to_vec();
                    let again = again.repeat(rng.usize(..100));
                    bytes.splice(at..at, again);
                }
                2 => bytes.truncate(end.max(1)),
                3 => {
                    let part = rng.choice(PARTS).unwrap_or_default();
                    bytes.splice(at..at, part.iter().copied());
                }
                _ => bytes[at..end].fill_with(|| rng.u8(..)),
            }
        }
    }

    #[tokio::test]
    async fn every_mutated_review_gets_a_response() {
        let handler = Handler::new(Validator::for_test(None));
        let mut rng = Rng::with_seed(13);
        let mut answered = 0;
        for number in 0..10_000 {
            let mut texts = [ROLES, USERS, ACCOUNTS, ROLES, USERS, ACCOUNTS].map(str::to_owned);
            let body = match number % 3 {
                // The JSON.
                0 => {
                    let mut body = review(texts.each_ref().map(String::as_str)).to_string();
                    let mut bytes = std::mem::take(&mut body).into_bytes();
                    mutate(&mut bytes, &mut rng);
                    bytes
                }
                // A string in the object.
                _ => {
                    let text = &mut texts[rng.usize(..6)];
                    let mut bytes = std::mem::take(text).into_bytes();
                    mutate(&mut bytes, &mut rng);
                    *text = String::from_utf8_lossy(&bytes).into_owned();
                    review(texts.each_ref().map(String::as_str))
                        .to_string()
                        .into_bytes()
                }
            };
            let sent = String::from_utf8_lossy(&body).into_owned();
            let (status, body) = respond(&handler, body).await;
            match status {
                StatusCode::OK => {
                    let review: Value = serde_json::from_slice(&body).unwrap();
                    assert_eq!(review["kind"], "AdmissionReview", "{sent}");
                    answered += 1;
                }
                StatusCode::BAD_REQUEST | StatusCode::REQUEST_TIMEOUT => {}
                _ => panic!("{status}: {body:?}: {sent}"),
            }
        }
        assert!(answered > 5_000, "{answered}");
    }

    #[tokio::test]
    async fn overloaded_handler_responds_immediately() {
        let handler = Handler::new(Validator::for_test(None));
        let share = handler.shares.of(PEER);
        let bytes = Arc::clone(&share.large_bytes);
        let all = u32::try_from(bytes.available_permits()).unwrap();
        let held = bytes.try_acquire_many_owned(all);
        let text = "#".repeat(200_000);
        let large = review([&text, "", "", "", "", ""]).to_string();
        let small = review([ROLES, "", "", ROLES, "", ""]).to_string();
        let respond = |body: &str, peer| {
            let request = Request::post(PATH)
                .header(CONTENT_TYPE, "application/json")
                .body(Full::new(Bytes::from(body.to_owned())));
            handler.respond(request.unwrap(), peer, || ())
        };
        let response = respond(&large, PEER).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert_eq!(respond(&small, PEER).await.status(), StatusCode::OK);
        drop(held);
        assert_eq!(respond(&large, PEER).await.status(), StatusCode::OK);

        let reviews: Vec<_> = std::iter::from_fn(|| share.add_review()).collect();
        let response = respond(&small, PEER).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let other = IpAddr::from(Ipv4Addr::new(127, 0, 0, 2));
        assert_eq!(respond(&large, other).await.status(), StatusCode::OK);
        drop(reviews);
        assert_eq!(respond(&small, PEER).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn review_counts_until_its_response_is_sent() {
        let handler = Handler::new(Validator::for_test(None));
        let share = handler.shares.of(PEER);
        let free = || share.large_bytes.available_permits();
        let all = free();
        let text = "#".repeat(200_000);
        let large = review([&text, "", "", "", "", ""]).to_string();
        let request = Request::post(PATH)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(large)));
        let response = handler.respond(request.unwrap(), PEER, || ()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(free() < all - 200_000);
        drop(response);
        assert_eq!(free(), all);
    }

    #[tokio::test]
    async fn review_past_its_deadline_gets_a_timeout() {
        let body = review([ROLES, "", "", USERS, "", ""]).to_string();
        let deadline = Deadline::new(|| true);
        let response = review_response(body.as_bytes(), &Validator::for_test(None), &deadline);
        assert_eq!(
            response.err().map(|error| error.status),
            Some(StatusCode::REQUEST_TIMEOUT)
        );
    }
}
