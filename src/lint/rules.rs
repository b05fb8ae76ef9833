//! The rules, each in a file of its own.

mod account;
mod arn;
mod duplicate;
mod group;
mod node;
mod shape;
mod username;
mod waiver;

use super::rule::Rule;

/// All rules, in the order of their ids.
pub const RULES: [&Rule; 15] = [
    &account::account_shape::RULE,
    &account::foreign_account::RULE,
    &duplicate::identical_duplicate::RULE,
    &duplicate::conflicting_duplicate::RULE,
    &group::near_miss_of_built_in::RULE,
    &waiver::waiver_without_reason::RULE,
    &waiver::waiver_of_unknown_rule::RULE,
    &node::node_entry_incomplete::RULE,
    &arn::role_path::RULE,
    &shape::top_level_key_case::RULE,
    &shape::yaml_syntax_error::RULE,
    &shape::unquoted_template::RULE,
    &shape::groups_not_a_list::RULE,
    &shape::unknown_entry_field::RULE,
    &username::unknown_template::RULE,
];
