//! U: usernames and templates.

pub(super) mod unknown_template;
