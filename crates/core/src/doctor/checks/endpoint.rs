//! E1 to E3: the connection to the API server.

pub(super) mod address;
pub(super) mod connection;
pub(super) mod liveness;
