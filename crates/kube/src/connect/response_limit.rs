//! Limits the length of responses.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Method, Request, Response, Uri};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tower::{BoxError, Service};

/// The maximum length of an object. A ConfigMap has up to 1 MiB, and each byte takes up to six bytes in JSON.
const MAX_OBJECT: usize = 8 << 20;

/// The maximum length of a list. One of 10,000 ClusterRoleBindings has about 10 MiB.
const MAX_LIST: usize = 32 << 20;

/// A response, or one event of a watch, is longer than any that an API server sends.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the response has more than {} MiB", self.bytes >> 20)]
pub(crate) struct ResponseTooLong {
    pub(crate) bytes: usize,
}

/// The part of a response to which a limit applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// The response.
    Whole(usize),
    /// Each event of a watch, which is a line. The response is endless.
    Line(usize),
}

impl Limit {
    fn of(method: &Method, uri: &Uri) -> Self {
        let is_watch = |parameter: &str| matches!(parameter, "watch=true" | "watch=1");
        if uri
            .query()
            .is_some_and(|query| query.split('&').any(is_watch))
        {
            return Self::Line(MAX_OBJECT);
        }
        match *method == Method::GET && !names_object(uri.path()) {
            true => Self::Whole(MAX_LIST),
            false => Self::Whole(MAX_OBJECT),
        }
    }
}

/// Returns whether a path names an object, not a resource or a group.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris>
fn names_object(path: &str) -> bool {
    let mut parts = path.split('/').skip_while(|part| !part.starts_with("api"));
    let mut rest: Vec<&str> = match parts.next() {
        Some("api") => parts.skip(1).collect(),
        Some("apis") => parts.skip(2).collect(),
        _ => return false,
    };
    if let ["namespaces", _, _, ..] = rest[..] {
        rest.drain(..2);
    }
    rest.len() > 1
}

/// Limits the responses of a client. It counts bytes as they arrive, because a server can leave out the length. Responses
/// are never decompressed.
#[derive(Clone, Debug)]
pub(super) struct ResponseLimit<S>(pub(super) S);

impl<S, Q, R> Service<Request<Q>> for ResponseLimit<S>
where
    S: Service<Request<Q>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<LimitedBody<R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let limit = Limit::of(request.method(), request.uri());
        let response = self.0.call(request);
        Box::pin(async move {
            let limited = |body| LimitedBody {
                body,
                limit,
                counted: 0,
            };
            Ok(response.await?.map(limited))
        })
    }
}

/// A body that fails when it exceeds its limit.
pub(super) struct LimitedBody<B> {
    body: B,
    limit: Limit,
    /// The bytes so far, of the response or of the line.
    counted: usize,
}

impl<B> LimitedBody<B> {
    fn count(&mut self, data: &[u8]) -> Result<(), ResponseTooLong> {
        let bytes = match self.limit {
            Limit::Whole(bytes) => {
                self.counted += data.len();
                bytes
            }
            Limit::Line(bytes) => {
                for line in data.split_inclusive(|byte| *byte == b'\n') {
                    self.counted += line.len();
                    if self.counted > bytes {
                        break;
                    }
                    if line.ends_with(b"\n") {
                        self.counted = 0;
                    }
                }
                bytes
            }
        };
        match self.counted > bytes {
            true => Err(ResponseTooLong { bytes }),
            false => Ok(()),
        }
    }
}

impl<B> Body for LimitedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => frame,
            other => return other.map_err(Into::into),
        };
        let counted = frame.data_ref().map_or(Ok(()), |data| self.count(data));
        Poll::Ready(Some(counted.map(|()| frame).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> fmt::Debug for LimitedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitedBody")
            .field("limit", &self.limit)
            .field("counted", &self.counted)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_depends_on_the_request() {
        let limit = |method, uri: &str| Limit::of(&method, &uri.parse().expect("a URI"));
        for list in [
            "/api/v1/nodes?limit=500",
            "/api/v1/namespaces/a/configmaps",
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?resourceVersion=0",
            "/apis",
            "/version",
            "/k8s/clusters/c-1/apis/a/v1/things",
        ] {
            assert_eq!(limit(Method::GET, list), Limit::Whole(MAX_LIST), "{list}");
        }
        for object in [
            "/api/v1/namespaces/kube-system/configmaps/aws-auth",
            "/api/v1/namespaces/kube-system",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/view",
            "/apis/a/v1/namespaces/b/things/c/status",
        ] {
            assert_eq!(
                limit(Method::GET, object),
                Limit::Whole(MAX_OBJECT),
                "{object}"
            );
        }
        let written = limit(Method::POST, "/api/v1/namespaces/a/configmaps");
        assert_eq!(written, Limit::Whole(MAX_OBJECT));
        let watched = limit(
            Method::GET,
            "/api/v1/namespaces/a/configmaps?&watch=true&x=1",
        );
        assert_eq!(watched, Limit::Line(MAX_OBJECT));
    }

    #[test]
    fn bytes_are_counted_for_the_response_or_the_line() {
        let counts = |limit, parts: &[&str]| {
            let mut body = LimitedBody {
                body: (),
                limit,
                counted: 0,
            };
            parts.iter().all(|part| body.count(part.as_bytes()).is_ok())
        };
        assert!(counts(Limit::Whole(5), &["ab\n", "cd"]));
        assert!(!counts(Limit::Whole(5), &["ab\n", "cde"]));
        assert!(counts(Limit::Line(5), &["abcd\nabcd\na", "bc", "d\nabcde"]));
        assert!(!counts(Limit::Line(5), &["abcd\nabc", "def"]));
        assert!(!counts(Limit::Line(5), &["abcdef\na"]));
    }
}
