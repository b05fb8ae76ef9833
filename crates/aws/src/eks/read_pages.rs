//! Reads all pages of a list, up to a limit.

use std::error::Error;

use aws_sdk_eks::config::http::HttpResponse;
use aws_sdk_eks::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_async::future::pagination_stream::PaginationStream;
use aws_types::request_id::RequestId;

use crate::list_limit::{MAX_PAGES, TIME_LIMIT, too_many_pages, within};
use crate::request_error::AwsError;

/// Returns the `items` of all pages.
///
/// # Errors
/// If a page cannot be read, there are more than [`MAX_PAGES`], or they do not arrive within [`TIME_LIMIT`].
pub(super) async fn read_pages<P, I, E>(
    mut pages: PaginationStream<Result<P, SdkError<E, HttpResponse>>>,
    items: impl Fn(P) -> Option<Vec<I>>,
) -> Result<Vec<I>, AwsError>
where
    E: Error + ProvideErrorMetadata + 'static,
    SdkError<E, HttpResponse>: RequestId,
{
    let all = async {
        let (mut read, mut count) = (Vec::new(), 0);
        while let Some(page) = pages.next().await {
            count += 1;
            if count > MAX_PAGES {
                return Err(too_many_pages());
            }
            read.extend(items(page.map_err(AwsError::of)?).unwrap_or_default());
        }
        Ok(read)
    };
    within(TIME_LIMIT, all).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_eks::operation::list_clusters::ListClustersError;
    use aws_smithy_async::future::pagination_stream::fn_stream::FnStream;

    #[tokio::test]
    async fn list_of_more_than_200_pages_is_an_error() {
        for (pages, expected) in [
            (200, Ok(200)),
            (201, Err("a list has more than 200 pages")),
            (u32::MAX, Err("a list has more than 200 pages")),
        ] {
            let stream = PaginationStream::new(FnStream::new(move |sender| {
                Box::pin(async move {
                    for page in 0..pages {
                        if sender
                            .send(Ok::<_, SdkError<ListClustersError, HttpResponse>>(page))
                            .await
                            .is_err()
                        {
                            return;
                        }
                    }
                })
            }));
            let read = read_pages(stream, |page| Some(vec![page])).await;
            let read = read
                .map(|items| items.len())
                .map_err(|error| error.to_string());
            assert_eq!(read, expected.map_err(str::to_owned));
        }
    }
}
