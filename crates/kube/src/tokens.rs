//! Tokens that are renewed while a run lasts.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::request_error::Cause;
use awsauth_core::token::Token;

/// How long before its end a token is replaced by another.
const EARLY: SignedDuration = SignedDuration::from_secs(30);

/// Makes a token. May block.
type Mint = dyn Fn() -> Result<Token, MintError> + Send + Sync;

/// Tokens for one cluster, one after another.
pub struct Tokens {
    mint: Arc<Mint>,
    kept: Mutex<Option<Token>>,
}

/// Why there is no other token.
#[derive(Debug)]
pub struct MintError {
    /// Why.
    pub cause: Cause,
    /// What to do next.
    pub hint: String,
}

impl Tokens {
    /// Begins with `first` and gets the others from `mint`, which is called where it may block, and never twice at a time.
    pub fn new(
        first: Option<Token>,
        mint: impl Fn() -> Result<Token, MintError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            mint: Arc::new(mint),
            kept: Mutex::new(first),
        }
    }

    /// A token that has not ended. The next is made half a minute before the last one's end; should that fail, the last one serves
    /// to its end.
    ///
    /// # Errors
    /// When there is none any more, and no other.
    pub async fn token(&self) -> Result<SecretString, MintError> {
        let mut kept = self.kept.lock().await;
        let now = Timestamp::now();
        let lasts = |until: Timestamp| kept.as_ref().filter(|token| token.expiration > until);
        if let Some(token) = lasts(now + EARLY) {
            return Ok(token.text.clone());
        }
        let mint = Arc::clone(&self.mint);
        let minted = spawn_blocking(move || mint()).await;
        let minted = minted.unwrap_or_else(|error| {
            Err(MintError {
                cause: error.into(),
                hint: "run it again".to_owned(),
            })
        });
        match (minted, lasts(now)) {
            (Err(_), Some(token)) => Ok(token.text.clone()),
            (Err(error), None) => Err(error),
            (Ok(token), _) => Ok(kept.insert(token).text.clone()),
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

    /// Begins with a token that has this long to live, and gets one that has the second time; `None` is a mint that fails.
    async fn asked_twice(first: Option<i64>, minted: Option<i64>) -> (Vec<Option<String>>, u32) {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let tokens = Tokens::new(first.map(|seconds| token("first", seconds)), move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let minted = minted.map(|seconds| token("minted", seconds));
            minted.ok_or_else(|| MintError {
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
    async fn a_token_serves_until_shortly_before_its_end() {
        for (first, minted, given, calls) in [
            (Some(600), Some(600), [Some("first"), Some("first")], 0),
            (None, Some(600), [Some("minted"), Some("minted")], 1),
            (Some(20), Some(600), [Some("minted"), Some("minted")], 1),
            // Credentials that are about to end themselves.
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
    async fn nothing_shows_a_token() {
        let tokens = Tokens::new(Some(token("k8s-aws-v1.secret", 600)), || unreachable!());
        assert!(!format!("{tokens:?}").contains("secret"));
    }
}
