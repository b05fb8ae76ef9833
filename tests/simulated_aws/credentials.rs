//! The sources of credentials, and the messages if there are none.

mod config_file;
#[cfg(unix)]
mod harness;
#[cfg(unix)]
mod moto;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod precedence;
#[cfg(unix)]
mod profiles;
#[cfg(unix)]
mod refusals;
#[cfg(unix)]
mod session_cache;
#[cfg(unix)]
mod sessions;
#[cfg(unix)]
mod sso;
