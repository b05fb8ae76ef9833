//! W1 to W3: nodes that cannot join.

pub(super) mod node_group_health;
pub(super) mod node_name;
pub(super) mod node_roles;
