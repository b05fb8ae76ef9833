//! The texts of aws-auth as one text that people change in an editor, and back.
//!
//! Each text stands as it is below the line that names its key, so that what nobody touched comes back byte for byte, be it
//! YAML or not. Lines that begin with [`MARK`] are ours: they are read by people and dropped.

mod keys;
mod line;
mod page;
mod parts;
mod remark;

pub use keys::Keys;
pub use line::MARK;
pub use page::{page, torn_page};
pub use parts::{Parts, read};
pub use remark::{Remark, is_same, with_remarks};
