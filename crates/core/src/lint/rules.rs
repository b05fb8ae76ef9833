//! All rules, each in its own file.

mod access_entry;
mod account;
mod arn;
mod cluster;
mod duplicate;
mod group;
mod node;
mod plan;
mod shape;
mod username;
mod waiver;

use super::context::Context;
use super::finding::Findings;
use super::rule::Rule;
pub(crate) use shape::placeholder_left_in::unfilled_placeholder;

/// Looks for the problem that a rule describes.
type Check = fn(&Context<'_>, &mut Findings);

macro_rules! rules {
    ($count:literal: $($group:ident::$name:ident,)+) => {
        /// All rules, in the order of their IDs.
        pub const RULES: [&Rule; $count] = [$(&$group::$name::RULE,)+];

        /// All rules with their check functions, in the same order.
        pub(super) const CHECKS: [(&Rule, Check); $count] =
            [$((&$group::$name::RULE, $group::$name::check),)+];
    };
}

rules! { 97:
    account::malformed_account,
    account::account_unquoted,
    account::whole_account_mapped,
    account::foreign_account,
    account::account_plus_wide_binding,
    duplicate::identical_duplicate,
    duplicate::conflicting_duplicate,
    duplicate::users_differ_only_in_case,
    duplicate::role_list_shadows_user_list,
    duplicate::role_with_and_without_path,
    duplicate::access_entry_shadows,
    access_entry::entry_older_than_principal,
    access_entry::entry_without_principal,
    access_entry::entry_without_rights,
    access_entry::unknown_access_policy,
    access_entry::admin_in_both_stores,
    access_entry::standard_entry_for_nodes,
    group::no_groups,
    group::unbound_group,
    group::clusterrole_used_as_group,
    group::misspelled_built_in_group,
    group::system_masters,
    group::masters_with_nodes,
    group::node_groups_on_non_node,
    group::reserved_group,
    group::caller_chosen_group,
    group::can_edit_aws_auth,
    waiver::waiver_without_reason,
    waiver::waiver_of_unknown_rule,
    cluster::aws_auth_missing,
    node::node_group_role_unmapped,
    node::shared_role_at_risk,
    node::node_entry_incomplete,
    node::node_username_wrong,
    node::node_name_source_mismatch,
    node::fargate_entry_incomplete,
    node::windows_group_missing,
    node::karpenter_role_missing,
    cluster::principal_does_not_exist,
    cluster::sso_role_regenerated,
    cluster::mode_ignores_aws_auth,
    cluster::no_reachable_admin,
    node::cross_account_node_role,
    node::node_role_assumable,
    cluster::several_writers,
    cluster::deletable_by_its_owner,
    cluster::entry_expired,
    plan::plan_deletes_aws_auth,
    plan::plan_loses_node_entry,
    plan::plan_empties_map,
    plan::plan_standard_entry_for_nodes,
    plan::plan_unknown_policy,
    arn::malformed_arn,
    arn::malformed_account_id,
    arn::role_path,
    arn::sso_suffix_missing,
    arn::wildcard_arn,
    arn::sts_arn_for_role,
    arn::instance_profile_arn,
    arn::not_a_principal,
    arn::unknown_partition,
    arn::account_root,
    arn::arn_in_other_list,
    arn::user_path_missing,
    arn::sso_block_gated,
    arn::sso_partition_set,
    arn::sso_block_invalid,
    arn::sso_prefix_overmatch,
    arn::mixed_partitions,
    shape::top_level_key_case,
    shape::unknown_top_level_key,
    shape::map_not_a_string,
    shape::yaml_syntax_error,
    shape::unquoted_template,
    shape::section_not_a_list,
    shape::entry_not_a_mapping,
    shape::principal_missing,
    shape::principal_key_of_other_list,
    shape::groups_not_a_list,
    shape::username_or_group_not_a_string,
    shape::unknown_entry_field,
    shape::repeated_field,
    shape::second_yaml_document,
    shape::groups_run_together,
    shape::stray_delimiters,
    shape::placeholder_left_in,
    shape::wrong_object,
    shape::no_entries,
    shape::invalid_field,
    username::empty_username,
    username::unknown_template,
    username::template_needs_a_session,
    username::caller_chosen_username,
    username::template_replaced_by_other_tool,
    username::impersonates_system_identity,
    username::access_key_template,
    username::binding_uses_template_text,
}
