//! Where credentials come from, and what is said when they come from nowhere.

mod config_file;
mod environment;
#[cfg(unix)]
mod handing;
#[cfg(unix)]
mod keeping;
#[cfg(unix)]
mod matrix;
#[cfg(unix)]
mod moto;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod profiles;
#[cfg(unix)]
mod refusals;
#[cfg(unix)]
mod sessions;
#[cfg(unix)]
mod sso;
#[path = "../support/mod.rs"]
mod support;
