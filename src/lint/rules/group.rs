//! G: groups.

pub(super) mod near_miss_of_built_in;
