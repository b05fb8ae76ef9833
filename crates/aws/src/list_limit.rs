//! Limits for lists that are read page by page, so that no service can make a command run endlessly.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use super::AwsError;

/// The maximum number of pages in one list. A page of EKS or IAM has up to 100 items, one of EC2 up to 200.
pub(crate) const MAX_PAGES: usize = 200;

/// The time limit for reading one list.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Reads all pages of a list.
///
/// # Errors
/// If a page cannot be read, or the last one does not arrive in time.
pub(crate) async fn within<T>(
    limit: Duration,
    pages: impl Future<Output = Result<T, AwsError>>,
) -> Result<T, AwsError> {
    timeout(limit, pages).await.unwrap_or_else(|_| {
        Err(AwsError::EndlessList {
            why: format!("did not end within {} s", limit.as_secs_f32()),
        })
    })
}

/// Returns the error for a list of more pages than [`MAX_PAGES`].
pub(crate) fn too_many_pages() -> AwsError {
    AwsError::EndlessList {
        why: format!("has more than {MAX_PAGES} pages"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[tokio::test]
    async fn list_that_does_not_end_in_time_is_an_error() {
        let limit = Duration::from_millis(100);
        let slow = async {
            for _ in 0..1000 {
                sleep(Duration::from_millis(10)).await;
            }
            Ok(())
        };
        let error = within(limit, slow).await.unwrap_err();
        assert_eq!(error.to_string(), "a list did not end within 0.1 s");
        assert!(within(limit, async { Ok(()) }).await.is_ok());
    }
}
