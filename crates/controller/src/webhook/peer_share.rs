//! Limits the share of the webhook that each peer gets, so that no peer excludes others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// The maximum size of all large bodies together: four of the maximum size. Those of one peer may have half of it.
pub(super) const MAX_LARGE_BODIES: usize = 12 << 20;
/// How many complete reviews of one peer may wait or be checked.
pub(super) const MAX_REVIEWS: usize = 16;

/// The shares of the peers with requests in progress, by their address.
#[derive(Clone, Default)]
pub(super) struct PeerShares(Arc<Mutex<HashMap<IpAddr, Weak<PeerShare>>>>);

/// The share of one peer.
pub(super) struct PeerShare {
    /// A permit for each complete review.
    reviews: Arc<Semaphore>,
    /// A permit for each byte of large bodies.
    pub(super) large_bytes: Arc<Semaphore>,
    /// The permit to wait for a slot for a small review.
    small_turn: Semaphore,
    /// The same for a large review.
    large_turn: Semaphore,
}

/// The number of reviews that are checked concurrently, of all peers.
#[derive(Clone)]
pub(super) struct Slots {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl PeerShares {
    /// Returns the share of a peer. All its requests in progress have the same one.
    pub(super) fn of(&self, peer: IpAddr) -> Arc<PeerShare> {
        let mut shares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shares.retain(|_, share| share.strong_count() > 0);
        let known = shares.get(&peer).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let share = Arc::new(PeerShare {
                reviews: Arc::new(Semaphore::new(MAX_REVIEWS)),
                large_bytes: Arc::new(Semaphore::new(MAX_LARGE_BODIES / 2)),
                small_turn: Semaphore::new(1),
                large_turn: Semaphore::new(1),
            });
            shares.insert(peer, Arc::downgrade(&share));
            share
        })
    }
}

impl PeerShare {
    /// Returns whether the peer can have no more reviews now.
    pub(super) fn is_used_up(&self) -> bool {
        self.reviews.available_permits() == 0
    }

    /// Counts a complete review until the permit is dropped; `None` if the share is used up.
    pub(super) fn add_review(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.reviews).try_acquire_owned().ok()
    }
}

impl Slots {
    pub(super) fn new(small: usize, large: usize) -> Self {
        Self {
            small: Arc::new(Semaphore::new(small)),
            large: Arc::new(Semaphore::new(large)),
        }
    }

    /// Waits for a slot. Serves the peers in turn: of each peer only one review waits for a slot, and the others wait for that one.
    pub(super) async fn acquire(
        &self,
        share: &PeerShare,
        is_large: bool,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        let (turn, slots) = match is_large {
            true => (&share.large_turn, &self.large),
            false => (&share.small_turn, &self.small),
        };
        let _turn = turn.acquire().await?;
        Arc::clone(slots).acquire_owned().await
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::task::{JoinSet, yield_now};

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(127, 0, 0, last).into()
    }

    #[tokio::test]
    async fn peers_are_served_in_turn() {
        let (shares, slots) = (PeerShares::default(), Slots::new(1, 1));
        let held = slots.acquire(&shares.of(address(9)), false).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = JoinSet::new();
        for peer in [1, 1, 1, 1, 2, 3, 3] {
            let (share, slots, served) =
                (shares.of(address(peer)), slots.clone(), Arc::clone(&served));
            waiting.spawn(async move {
                let _slot = slots.acquire(&share, false).await;
                served.lock().unwrap().push(peer);
                yield_now().await;
            });
            yield_now().await;
        }
        // A large review does not wait for small ones.
        assert!(slots.acquire(&shares.of(address(1)), true).await.is_ok());
        drop(held);
        while waiting.join_next().await.is_some() {}
        assert_eq!(*served.lock().unwrap(), [1, 2, 3, 1, 3, 1, 1]);
    }

    #[tokio::test]
    async fn share_is_per_peer_and_returned() {
        let shares = PeerShares::default();
        let share = shares.of(address(1));
        let reviews: Vec<_> = (0..MAX_REVIEWS).map(|_| share.add_review()).collect();
        assert!(reviews.iter().all(Option::is_some));
        assert!(shares.of(address(1)).is_used_up() && share.add_review().is_none());
        assert!(!shares.of(address(2)).is_used_up());
        drop((reviews, share));
        assert!(!shares.of(address(1)).is_used_up());
        assert_eq!(shares.0.lock().unwrap().len(), 1);
    }
}
