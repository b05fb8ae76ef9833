//! U: usernames and templates.

pub(super) mod access_key_template;
pub(super) mod binding_uses_template_text;
pub(super) mod caller_chosen_username;
pub(super) mod empty_username;
pub(super) mod impersonates_system_identity;
pub(in crate::lint) mod template_eaten;
pub(in crate::lint) mod template_needs_a_session;
pub(in crate::lint) mod unknown_template;

use crate::effect::Placeholder;

/// The templates that whoever assumes a role fills in by naming the session.
pub(super) const OF_SESSION: [Placeholder; 2] =
    [Placeholder::SessionName, Placeholder::SessionNameRaw];
