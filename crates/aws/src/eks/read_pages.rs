//! The limit of pages of a list.

use crate::request_error::AwsError;

/// The most pages that are read. A page has up to 100 items.
const MAX_PAGES: u32 = 200;

/// Counts the pages of a list, so that a list without end is an error.
#[derive(Default)]
pub(super) struct PageLimit {
    read: u32,
}

impl PageLimit {
    /// Counts a page.
    ///
    /// # Errors
    /// If there are more than [`MAX_PAGES`].
    pub(super) fn count(&mut self) -> Result<(), AwsError> {
        self.read += 1;
        match self.read > MAX_PAGES {
            true => Err(AwsError::InvalidResponse {
                why: format!("a list has more than {MAX_PAGES} pages"),
            }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_without_end_is_an_error() {
        let mut limit = PageLimit::default();
        assert!((0..MAX_PAGES).all(|_| limit.count().is_ok()));
        let error = limit.count().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the response is not from AWS: a list has more than 200 pages"
        );
    }
}
