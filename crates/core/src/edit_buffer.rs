//! The sections of aws-auth as one page that the user changes in an editor.
//!
//! Each text is written unchanged below a line with its key, so that a text that the user does not touch is read back byte
//! for byte, even if it is not YAML. Lines that begin with [`MARK`] are comments of awsauth and are dropped.

mod keys;
mod line;
mod page;
mod page_texts;
mod remark;

pub use keys::Keys;
pub use line::MARK;
pub use page::{conflict_page, page};
pub use page_texts::{PageTexts, read};
pub use remark::{Remark, is_same, with_remarks};
