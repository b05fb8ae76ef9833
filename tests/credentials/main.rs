//! Where credentials come from, and what is said when they come from nowhere.

mod config_file;
mod environment;
#[cfg(unix)]
mod handing;
#[path = "../support/mod.rs"]
mod support;
