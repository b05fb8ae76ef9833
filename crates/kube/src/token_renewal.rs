//! Tokens that are renewed during a run.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::request_error::TokenRenewalError;
use awsauth_core::token::Token;

/// How long before its expiration a token is renewed.
const RENEWAL_TIME: SignedDuration = SignedDuration::from_secs(30);

/// Creates a token. May block.
type Mint = dyn Fn() -> Result<Token, TokenRenewalError> + Send + Sync;

/// A source of tokens for one cluster.
pub struct Tokens {
    mint: Arc<Mint>,
    current: Mutex<Option<Token>>,
}

impl Tokens {
    /// Starts with `first`. `mint` creates new tokens; it may block, and is never called concurrently.
    pub fn new(
        first: Option<Token>,
        mint: impl Fn() -> Result<Token, TokenRenewalError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            mint: Arc::new(mint),
            current: Mutex::new(first),
        }
    }

    /// Returns a valid token. A new one is created half a minute before the current one expires. If that fails, the
    /// current one is used until it expires.
    ///
    /// # Errors
    /// If the last token has expired and no new one can be created.
    pub async fn token(&self) -> Result<SecretString, TokenRenewalError> {
        let mut current = self.current.lock().await;
        let now = Timestamp::now();
        let lasts = |until: Timestamp| current.as_ref().filter(|token| token.expiration > until);
        if let Some(token) = lasts(now + RENEWAL_TIME) {
            return Ok(token.text.clone());
        }
        let mint = Arc::clone(&self.mint);
        let minted = spawn_blocking(move || mint()).await;
        let minted = minted.unwrap_or_else(|error| {
            Err(TokenRenewalError {
                cause: error.into(),
                hint: "run it again".to_owned(),
            })
        });
        match (minted, lasts(now)) {
            (Err(_), Some(token)) => Ok(token.text.clone()),
            (Err(error), None) => Err(error),
            (Ok(token), _) => Ok(current.insert(token).text.clone()),
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use secrecy::ExposeSecret;

    use super::*;

    fn token(text: &str, seconds: i64) -> Token {
        Token {
            text: text.to_owned().into(),
            expiration: Timestamp::now() + SignedDuration::from_secs(seconds),
        }
    }

    /// Starts with a token of this lifetime, and renews it with one of the second lifetime; `None` means that renewal
    /// fails.
    async fn asked_twice(first: Option<i64>, minted: Option<i64>) -> (Vec<Option<String>>, u32) {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let tokens = Tokens::new(first.map(|seconds| token("first", seconds)), move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let minted = minted.map(|seconds| token("minted", seconds));
            minted.ok_or_else(|| TokenRenewalError {
                cause: "no credentials".into(),
                hint: String::new(),
            })
        });
        let mut given = Vec::new();
        for _ in 0..2 {
            let token = tokens.token().await.ok();
            given.push(token.map(|text| text.expose_secret().to_owned()));
        }
        (given, calls.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn token_is_renewed_shortly_before_it_expires() {
        for (first, minted, given, calls) in [
            (Some(600), Some(600), [Some("first"), Some("first")], 0),
            (None, Some(600), [Some("minted"), Some("minted")], 1),
            (Some(20), Some(600), [Some("minted"), Some("minted")], 1),
            // A new token may also be short-lived, if its credentials expire soon.
            (Some(-1), Some(20), [Some("minted"), Some("minted")], 2),
            (Some(20), None, [Some("first"), Some("first")], 2),
            (Some(-1), None, [None, None], 2),
        ] {
            let given = given.map(|text| text.map(str::to_owned)).to_vec();
            assert_eq!(
                asked_twice(first, minted).await,
                (given, calls),
                "{first:?} {minted:?}"
            );
        }
    }

    #[tokio::test]
    async fn debug_output_contains_no_token() {
        let tokens = Tokens::new(Some(token("k8s-aws-v1.secret", 600)), || unreachable!());
        assert!(!format!("{tokens:?}").contains("secret"));
    }
}
