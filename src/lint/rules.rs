//! The rules, each in a file of its own.

mod account;
mod arn;
mod duplicate;
pub(super) mod group;
pub(super) mod node;
pub(super) mod shape;
pub(super) mod username;
mod waiver;

use super::rule::Rule;

/// All rules, in the order of their ids.
pub const RULES: [&Rule; 60] = [
    &account::account_shape::RULE,
    &account::account_unquoted::RULE,
    &account::whole_account_mapped::RULE,
    &account::foreign_account::RULE,
    &duplicate::identical_duplicate::RULE,
    &duplicate::conflicting_duplicate::RULE,
    &duplicate::user_case_twins::RULE,
    &duplicate::role_list_shadows_user_list::RULE,
    &duplicate::path_twin::RULE,
    &group::no_groups::RULE,
    &group::clusterrole_used_as_group::RULE,
    &group::near_miss_of_built_in::RULE,
    &group::system_masters::RULE,
    &group::masters_with_nodes::RULE,
    &group::node_groups_on_non_node::RULE,
    &group::reserved_group::RULE,
    &group::caller_chosen_group::RULE,
    &waiver::waiver_without_reason::RULE,
    &waiver::waiver_of_unknown_rule::RULE,
    &node::node_entry_incomplete::RULE,
    &node::node_username_wrong::RULE,
    &node::cross_account_node_role::RULE,
    &arn::malformed_arn::RULE,
    &arn::account_id_shape::RULE,
    &arn::role_path::RULE,
    &arn::sso_suffix_missing::RULE,
    &arn::wildcard_arn::RULE,
    &arn::sts_arn_for_role::RULE,
    &arn::instance_profile_arn::RULE,
    &arn::not_a_principal::RULE,
    &arn::partition::RULE,
    &arn::account_root::RULE,
    &arn::arn_in_other_list::RULE,
    &arn::sso_block_gated::RULE,
    &arn::sso_partition_set::RULE,
    &arn::sso_block_invalid::RULE,
    &arn::sso_prefix_overmatch::RULE,
    &shape::top_level_key_case::RULE,
    &shape::unknown_top_level_key::RULE,
    &shape::yaml_syntax_error::RULE,
    &shape::unquoted_template::RULE,
    &shape::not_a_list::RULE,
    &shape::entry_not_a_mapping::RULE,
    &shape::principal_missing::RULE,
    &shape::principal_under_wrong_key::RULE,
    &shape::groups_not_a_list::RULE,
    &shape::value_not_a_string::RULE,
    &shape::unknown_entry_field::RULE,
    &shape::repeated_field::RULE,
    &shape::second_yaml_document::RULE,
    &shape::groups_run_together::RULE,
    &shape::stray_delimiters::RULE,
    &shape::placeholder_left_in::RULE,
    &username::empty_username::RULE,
    &username::unknown_template::RULE,
    &username::template_needs_a_session::RULE,
    &username::caller_chosen_username::RULE,
    &username::template_eaten::RULE,
    &username::impersonates_system_identity::RULE,
    &username::access_key_template::RULE,
];
