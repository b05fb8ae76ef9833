//! The S rules: the structure of the document.

pub(super) mod entry_not_a_mapping;
pub(super) mod groups_not_a_list;
pub(super) mod groups_run_together;
pub(super) mod invalid_field;
pub(super) mod map_not_a_string;
pub(super) mod no_entries;
pub(super) mod placeholder_left_in;
pub(super) mod principal_key_of_other_list;
pub(super) mod principal_missing;
pub(super) mod repeated_field;
pub(super) mod second_yaml_document;
pub(super) mod section_not_a_list;
pub(super) mod stray_delimiters;
pub(super) mod top_level_key_case;
pub(super) mod unknown_entry_field;
pub(super) mod unknown_top_level_key;
pub(super) mod unquoted_template;
pub(super) mod username_or_group_not_a_string;
pub(super) mod wrong_object;
pub(super) mod yaml_syntax_error;
