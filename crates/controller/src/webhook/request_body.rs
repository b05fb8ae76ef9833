//! Reads request bodies into bounded memory.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::peer_share::{MAX_LARGE_BODIES, PeerShare};

/// The maximum size of a body. The API server accepts requests of up to 3 MiB, and a review usually has two versions of the object.
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apiserver/pkg/server/config.go>
pub(super) const MAX_BODY: usize = 3 << 20;
/// The size up to which a body is small. Every connection may hold a small body, so large ones cannot exclude it.
pub(super) const MAX_SMALL_BODY: usize = 128 << 10;

/// Bounds the memory of all bodies.
#[derive(Clone)]
pub(super) struct BodyReader {
    /// A permit for each byte of the large bodies.
    large: Arc<Semaphore>,
}

/// A complete body.
pub(super) struct RequestBody {
    pub(super) bytes: Vec<u8>,
    /// For a large body, a permit for each byte: of the peer and of all peers.
    permits: Option<BodyPermits>,
}

/// The permits for the bytes of a body.
pub(super) type BodyPermits = [OwnedSemaphorePermit; 2];

/// Why a body was not read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    /// There are too many large bodies, of this peer or of all peers.
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
    pub(super) async fn read<B>(&self, body: B, share: &PeerShare) -> Result<RequestBody, BodyError>
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
                self.add(&mut read, &data, share)?;
            }
        }
        Ok(read)
    }

    fn add(&self, read: &mut RequestBody, data: &[u8], share: &PeerShare) -> Result<(), BodyError> {
        let size = read.bytes.len() + data.len();
        if size > MAX_BODY {
            return Err(BodyError::TooLarge);
        }
        if size > MAX_SMALL_BODY {
            let held = read.permits.as_ref();
            let held = held.map_or(0, |[held, _]| held.num_permits());
            let more = u32::try_from(size - held).map_err(|_| BodyError::TooLarge)?;
            let acquire = |bytes: &Arc<Semaphore>| {
                let more = Arc::clone(bytes).try_acquire_many_owned(more);
                more.map_err(|_| BodyError::Overloaded)
            };
            let more = [acquire(&share.large_bytes)?, acquire(&self.large)?];
            match &mut read.permits {
                Some(permits) => {
                    let pairs = permits.iter_mut().zip(more);
                    pairs.for_each(|(held, more)| held.merge(more));
                }
                None => read.permits = Some(more),
            }
        }
        read.bytes.extend_from_slice(data);
        Ok(())
    }
}

impl RequestBody {
    /// Drops the bytes, but keeps the permits.
    pub(super) fn into_permits(self) -> Option<BodyPermits> {
        self.permits
    }

    pub(super) fn is_large(&self) -> bool {
        self.permits.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::super::peer_share::PeerShares;
    use super::*;
    use http_body_util::Full;

    fn share(last: u8) -> Arc<PeerShare> {
        PeerShares::default().of(IpAddr::from(Ipv4Addr::new(127, 0, 0, last)))
    }

    async fn read(
        reader: &BodyReader,
        size: usize,
        share: &PeerShare,
    ) -> Result<RequestBody, BodyError> {
        let body = Full::new(Bytes::from(vec![b'a'; size]));
        reader.read(body, share).await
    }

    #[tokio::test]
    async fn large_bodies_share_a_limit_and_small_ones_are_always_read() {
        let reader = BodyReader::new();
        let (first, second) = (share(1), share(2));
        let mut held = Vec::new();
        for share in [&first, &second] {
            for _ in 0..MAX_LARGE_BODIES / MAX_BODY / 2 {
                held.push(read(&reader, MAX_BODY, share).await.unwrap());
            }
            let refused = read(&reader, MAX_SMALL_BODY + 1, share).await;
            assert_eq!(refused.err(), Some(BodyError::Overloaded));
        }
        assert!(held.iter().all(|body| body.bytes.len() == MAX_BODY));
        // All memory is in use, also for a peer that uses none of it.
        let refused = read(&reader, MAX_SMALL_BODY + 1, &share(3)).await;
        assert_eq!(refused.err(), Some(BodyError::Overloaded));
        let small = read(&reader, MAX_SMALL_BODY, &first).await.unwrap();
        assert!(!small.is_large());
        drop(held.pop());
        assert!(read(&reader, MAX_BODY, &second).await.unwrap().is_large());
    }

    #[tokio::test]
    async fn too_large_body_is_not_read() {
        let (reader, share) = (BodyReader::new(), share(1));
        let refused = read(&reader, MAX_BODY + 1, &share).await;
        assert_eq!(refused.err(), Some(BodyError::TooLarge));
        // A client that does not announce the size.
        let mut body = RequestBody {
            bytes: vec![b'a'; MAX_BODY],
            permits: None,
        };
        assert_eq!(
            reader.add(&mut body, b"a", &share),
            Err(BodyError::TooLarge)
        );
    }
}
