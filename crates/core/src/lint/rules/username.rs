//! The U rules: usernames and templates.

pub(super) mod access_key_template;
pub(super) mod binding_uses_template_text;
pub(super) mod caller_chosen_username;
pub(super) mod empty_username;
pub(super) mod impersonates_system_identity;
pub(super) mod template_needs_a_session;
pub(super) mod template_replaced_by_other_tool;
pub(super) mod unknown_template;
