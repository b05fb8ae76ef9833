//! One mistake, one finding: where several rules could speak of it, the one that knows most of it does.
//!
//! | what | who speaks |
//! |---|---|
//! | a section that is not read | S05, else S06, else S04 |
//! | an entry that is dropped | S07, else R15, else S09, else S08 |
//! | a value | S17 where it was never filled in, else S15 for two in one, else S16 for what strayed into it, else the rules of its kind |
//! | an ARN | the first that `rules/arn/fault.rs` finds; D05 in place of R03, R14 of R13 |
//! | a principal of the cluster's account | the rules of its ARN, else R12, N11 or N10, where IAM is known |
//! | a username that an entry lacks | S11 and S12, else U01 |
//! | a template | U05, else U02; U03 in place of N04, N14, U04 and G09 |
//! | nodes | G06 in place of G05 and G07; N05 in place of G07 and U06, where nothing else is wrong with the username |
//! | nodes of the cluster | N01 where there is no aws-auth; N02 in place of N09 for a role of both; N04 in place of N07 for the groups of all nodes |
//! | an account | A04 in place of A03 where the cluster's is known, and A05 where its bindings are; S17 in place of N14 |
//! | a group | S15, S16, S17 and G04 where it was meant to be another; else G03 where it is a role, else G02 |
//! | an entry that an access entry hides | N12 where nobody reads aws-auth at all, else D06 |
//! | groups that an entry lacks | S10, S11, S12, S15, S16, S17 and G04 where they say what became of them, else the rules of groups and nodes |

use super::context::Written;
use super::rules::group::near_miss_of_built_in::near;
use super::rules::node::node_username_wrong::is_misnamed;
use super::rules::shape::groups_run_together::run_together;
use super::rules::shape::placeholder_left_in::{placeholder, template};
use super::rules::shape::stray_delimiters::stripped;
use super::rules::shape::unknown_entry_field::meant;
use super::rules::username::template_eaten::is_eaten;
use super::rules::username::unknown_template::unknown;
use crate::arn::can_match;
use crate::document::Oddity;

/// What in a value was never filled in. In a principal nothing is, templates included.
pub(super) fn left_in(text: &str, is_principal: bool) -> Option<&str> {
    // What is in angle brackets was filled in, and the brackets have stayed.
    let bare = stripped(text);
    if text.starts_with('<') && (can_match(bare) || bare.starts_with("system:")) {
        return None;
    }
    let template = || template(text).filter(|_| is_principal);
    placeholder(text).or_else(template)
}

/// Whether something has strayed into a value.
pub(super) fn is_stray(text: &str) -> bool {
    stripped(text).len() < text.len() && left_in(text, false).is_none() && !run_together(text)
}

/// Whether other rules say what became of groups that the entry seems not to have.
pub(super) fn has_lost_groups(written: &Written<'_>) -> bool {
    has_lost(written, "groups") || written.groups().any(|(group, _)| is_slip(group))
}

/// Whether other rules say what is wrong with the text of a group.
pub(super) fn is_slip(group: &str) -> bool {
    run_together(group)
        || is_stray(group)
        || left_in(group, false).is_some()
        || near(group).is_some()
}

/// Whether other rules say what became of a username that the entry seems not to have.
pub(super) fn has_lost_username(written: &Written<'_>) -> bool {
    has_lost(written, "username")
}

/// Whether other rules say what is wrong with the text of the username.
pub(super) fn has_odd_username(written: &Written<'_>) -> bool {
    let username = &written.mapping.username;
    is_stray(username)
        || left_in(username, false).is_some()
        || is_eaten(username)
        || unknown(username).next().is_some()
}

/// Whether this is an entry of nodes by its groups, and N05 says what they are called.
pub(super) fn is_misnamed_node(written: &Written<'_>) -> bool {
    is_misnamed(written)
}

/// Whether a field that the entry seems not to have is there, of a wrong type or under a name that is nearly its own.
fn has_lost(written: &Written<'_>, name: &str) -> bool {
    written.entry.oddities.iter().any(|oddity| match oddity {
        Oddity::Mistyped { field, .. } => *field == name,
        Oddity::UnknownField(field) => {
            meant(written.section, written.field_name(*field)) == Some(name)
        }
        Oddity::NotAMapping(_) | Oddity::Repeated { .. } => false,
    })
}
