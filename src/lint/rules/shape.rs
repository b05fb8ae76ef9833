//! S: the shape of the document.

pub(super) mod groups_not_a_list;
pub(super) mod top_level_key_case;
pub(super) mod unknown_entry_field;
pub(super) mod unquoted_template;
pub(super) mod yaml_syntax_error;
