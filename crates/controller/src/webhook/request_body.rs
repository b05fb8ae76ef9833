//! Reads request bodies into bounded memory.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The maximum size of a body. The API server accepts requests of up to 3 MiB, and a review usually has two versions of the object.
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apiserver/pkg/server/config.go>
pub(super) const MAX_BODY: usize = 3 << 20;
/// The size up to which a body is small. Every connection may hold a small body, so large ones cannot exclude it.
pub(super) const MAX_SMALL_BODY: usize = 128 << 10;
/// The maximum size of all large bodies together.
const MAX_LARGE_BODIES: usize = 4 * MAX_BODY;

/// Bounds the memory of all bodies.
#[derive(Clone)]
pub(super) struct BodyReader {
    /// A permit for each byte of the large bodies.
    large: Arc<Semaphore>,
}

/// A complete body.
pub(super) struct RequestBody {
    pub(super) bytes: Vec<u8>,
    permits: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    /// There are too many large bodies.
    Overloaded,
    /// The connection failed.
    Failed(String),
}

impl BodyReader {
    pub(super) fn new() -> Self {
        Self {
            large: Arc::new(Semaphore::new(MAX_LARGE_BODIES)),
        }
    }

    /// Reads a body. Counts the bytes that have arrived, not those that the client announces.
    ///
    /// # Errors
    /// If the body is too large, there is no memory for it now, or the connection fails.
    pub(super) async fn read<B>(&self, body: B) -> Result<RequestBody, BodyError>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        if body.size_hint().lower() > MAX_BODY as u64 {
            return Err(BodyError::TooLarge);
        }
        let mut body = std::pin::pin!(body);
        let mut read = RequestBody {
            bytes: Vec::new(),
            permits: None,
        };
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| BodyError::Failed(error.to_string()))?;
            if let Ok(data) = frame.into_data() {
                self.add(&mut read, &data)?;
            }
        }
        Ok(read)
    }

    /// Leaves no memory for large bodies until the permits are dropped.
    #[cfg(test)]
    pub(super) fn hold_all(&self) -> Option<OwnedSemaphorePermit> {
        let all = u32::try_from(MAX_LARGE_BODIES).ok()?;
        Arc::clone(&self.large).try_acquire_many_owned(all).ok()
    }

    fn add(&self, read: &mut RequestBody, data: &[u8]) -> Result<(), BodyError> {
        let size = read.bytes.len() + data.len();
        if size > MAX_BODY {
            return Err(BodyError::TooLarge);
        }
        if size > MAX_SMALL_BODY {
            let held = read
                .permits
                .as_ref()
                .map_or(0, OwnedSemaphorePermit::num_permits);
            let more = u32::try_from(size - held).map_err(|_| BodyError::TooLarge)?;
            let more = Arc::clone(&self.large).try_acquire_many_owned(more);
            let more = more.map_err(|_| BodyError::Overloaded)?;
            match &mut read.permits {
                Some(permits) => permits.merge(more),
                None => read.permits = Some(more),
            }
        }
        read.bytes.extend_from_slice(data);
        Ok(())
    }
}

impl RequestBody {
    pub(super) fn is_large(&self) -> bool {
        self.permits.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;

    async fn read(reader: &BodyReader, size: usize) -> Result<RequestBody, BodyError> {
        reader.read(Full::new(Bytes::from(vec![b'a'; size]))).await
    }

    #[tokio::test]
    async fn large_bodies_share_a_limit_and_small_ones_are_always_read() {
        let reader = BodyReader::new();
        let mut held = Vec::new();
        for _ in 0..MAX_LARGE_BODIES / MAX_BODY {
            held.push(read(&reader, MAX_BODY).await.unwrap());
        }
        assert!(held.iter().all(|body| body.bytes.len() == MAX_BODY));
        let refused = read(&reader, MAX_SMALL_BODY + 1).await;
        assert_eq!(refused.err(), Some(BodyError::Overloaded));
        assert!(!read(&reader, MAX_SMALL_BODY).await.unwrap().is_large());
        drop(held.pop());
        assert!(read(&reader, MAX_BODY).await.unwrap().is_large());
    }

    #[tokio::test]
    async fn too_large_body_is_not_read() {
        let reader = BodyReader::new();
        let refused = read(&reader, MAX_BODY + 1).await;
        assert_eq!(refused.err(), Some(BodyError::TooLarge));
        // A client that does not announce the size.
        let mut body = RequestBody {
            bytes: vec![b'a'; MAX_BODY],
            permits: None,
        };
        assert_eq!(reader.add(&mut body, b"a"), Err(BodyError::TooLarge));
    }
}
