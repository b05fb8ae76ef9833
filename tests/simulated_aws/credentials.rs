//! The sources of credentials, and the messages if there are none.

mod config_file;
#[cfg(unix)]
mod credentials_command;
#[cfg(unix)]
mod error_messages;
#[cfg(unix)]
mod harness;
#[cfg(unix)]
mod moto_role_sessions;
#[cfg(unix)]
mod profiles;
#[cfg(unix)]
mod role_sessions;
#[cfg(unix)]
mod session_cache;
#[cfg(unix)]
mod source_precedence;
#[cfg(unix)]
mod sso;
