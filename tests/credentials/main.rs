//! Where credentials come from, and what is said when they come from nowhere.

mod config_file;
mod environment;
#[path = "../support/mod.rs"]
mod support;
