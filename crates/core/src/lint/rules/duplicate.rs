//! The D rules: several entries for the same principal.

pub(super) mod access_entry_shadows;
pub(super) mod conflicting_duplicate;
pub(super) mod identical_duplicate;
pub(super) mod role_list_shadows_user_list;
pub(super) mod role_with_and_without_path;
pub(super) mod users_differ_only_in_case;
