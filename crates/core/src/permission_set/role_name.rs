//! The names of the roles of permission sets.

/// The start of the IAM path of the roles. A region may follow.
pub const PATH_PREFIX: &str = "/aws-reserved/sso.amazonaws.com/";

/// The start of the roles' names.
const NAME_PREFIX: &str = "AWSReservedSSO_";

/// Returns the permission set of a role with a complete name, such as `AWSReservedSSO_SET_0123456789abcdef`.
pub fn permission_set(name: &str) -> Option<&str> {
    let (set, suffix) = after_prefix(name)?.rsplit_once('_')?;
    let is_suffix = suffix.len() == 16 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_suffix.then_some(set)
}

/// Returns the part of a role's name after Identity Center's prefix.
pub fn after_prefix(name: &str) -> Option<&str> {
    let start = name.get(..NAME_PREFIX.len())?;
    start
        .eq_ignore_ascii_case(NAME_PREFIX)
        .then(|| &name[NAME_PREFIX.len()..])
}

/// Returns the name of a permission set's role with this suffix.
pub fn role_name(set: &str, suffix: &str) -> String {
    format!("{NAME_PREFIX}{set}_{suffix}")
}
