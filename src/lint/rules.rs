//! The rules, each in a file of its own.

mod account;
pub(super) mod arn;
mod duplicate;
pub(super) mod group;
pub(super) mod node;
pub(super) mod shape;
pub(super) mod username;
mod waiver;

use super::bound::Bound;
use super::change;
use super::rule::Rule;
use crate::document::Mapping;
use crate::facts::groups::MASTERS;

/// All rules, in the order of their ids.
pub const RULES: [&Rule; 85] = [
    &account::account_shape::RULE,
    &account::account_unquoted::RULE,
    &account::whole_account_mapped::RULE,
    &account::foreign_account::RULE,
    &account::account_plus_wide_binding::RULE,
    &duplicate::identical_duplicate::RULE,
    &duplicate::conflicting_duplicate::RULE,
    &duplicate::user_case_twins::RULE,
    &duplicate::role_list_shadows_user_list::RULE,
    &duplicate::path_twin::RULE,
    &duplicate::access_entry_shadows::RULE,
    &group::no_groups::RULE,
    &group::unbound_group::RULE,
    &group::clusterrole_used_as_group::RULE,
    &group::near_miss_of_built_in::RULE,
    &group::system_masters::RULE,
    &group::masters_with_nodes::RULE,
    &group::node_groups_on_non_node::RULE,
    &group::reserved_group::RULE,
    &group::caller_chosen_group::RULE,
    &group::can_edit_aws_auth::RULE,
    &waiver::waiver_without_reason::RULE,
    &waiver::waiver_of_unknown_rule::RULE,
    &node::aws_auth_missing::RULE,
    &node::node_role_unmapped::RULE,
    &node::shared_role_at_risk::RULE,
    &node::node_entry_incomplete::RULE,
    &node::node_username_wrong::RULE,
    &node::node_name_source_mismatch::RULE,
    &node::fargate_entry_incomplete::RULE,
    &node::windows_group_missing::RULE,
    &node::karpenter_role_missing::RULE,
    &node::principal_does_not_exist::RULE,
    &node::sso_role_regenerated::RULE,
    &node::mode_ignores_aws_auth::RULE,
    &node::no_reachable_admin::RULE,
    &node::cross_account_node_role::RULE,
    &node::node_role_assumable::RULE,
    &node::several_writers::RULE,
    &node::deletable_by_its_owner::RULE,
    &change::DELETES,
    &change::LOSES_NODES,
    &change::EMPTIES,
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
    &arn::user_path_missing::RULE,
    &arn::sso_block_gated::RULE,
    &arn::sso_partition_set::RULE,
    &arn::sso_block_invalid::RULE,
    &arn::sso_prefix_overmatch::RULE,
    &shape::top_level_key_case::RULE,
    &shape::unknown_top_level_key::RULE,
    &shape::map_not_a_string::RULE,
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
    &shape::wrong_object::RULE,
    &username::empty_username::RULE,
    &username::unknown_template::RULE,
    &username::template_needs_a_session::RULE,
    &username::caller_chosen_username::RULE,
    &username::template_eaten::RULE,
    &username::impersonates_system_identity::RULE,
    &username::access_key_template::RULE,
    &username::binding_uses_template_text::RULE,
];

/// Whether a user may do everything in the cluster.
fn may_do_everything(bound: &Bound<'_>, username: &str, groups: &[String]) -> bool {
    let of_groups = groups.iter().flat_map(|group| bound.group(group));
    let mut bindings = of_groups.chain(bound.user(username));
    groups.iter().any(|group| group == MASTERS)
        || bindings.any(|binding| bound.gives_everything(binding))
}

/// Whether an entry lets its callers do everything in the cluster.
fn is_admin(bound: &Bound<'_>, mapping: &Mapping) -> bool {
    may_do_everything(bound, &mapping.username, mapping.groups())
}
