//! G: groups.

pub(in crate::lint) mod near_miss_of_built_in;
