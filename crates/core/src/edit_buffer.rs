//! The sections of aws-auth as one page that the user changes in an editor.
//!
//! Each value is written unchanged below a line with its key, so that a value that the user does not touch is read back byte
//! for byte, even if it is not YAML. Lines that begin with [`MARK`] are comments of awsauth and are dropped.

mod data_keys;
mod line;
mod parse_page;
mod remark;
mod render_page;

pub use data_keys::Keys;
pub use line::MARK;
pub use parse_page::{PageTexts, read};
pub use remark::{Remark, is_same, with_remarks};
pub use render_page::{conflict_page, page};
