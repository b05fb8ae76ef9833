//! The parts of an ARN.

use super::{Kind, canonical, fold};
use crate::facts::accounts::is_account_id;

/// The parts of an ARN in any letter case, even if no identity can have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Such as `aws`.
    pub partition: &'a str,
    /// Such as `iam`.
    pub service: &'a str,
    /// Empty for IAM and STS.
    pub region: &'a str,
    /// Twelve digits if it is valid.
    pub account: &'a str,
    /// The resource up to its first slash, such as `role`.
    pub kind: &'a str,
    /// The text between the kind and the name, in IAM's notation: `/` is no path, `/team/` is one.
    /// Empty when the resource has no slash.
    pub path: &'a str,
    /// The resource after its last slash; empty when it has no slash.
    pub name: &'a str,
}

impl<'a> Parts<'a> {
    /// Splits an ARN; `None` if it does not have the six sections of an ARN.
    pub fn of(arn: &'a str) -> Option<Self> {
        let mut sections = arn.splitn(6, ':');
        let [prefix, partition, service, region, account, resource] =
            std::array::from_fn(|_| sections.next());
        let (prefix, resource) = (prefix?, resource?);
        if !prefix.eq_ignore_ascii_case("arn") {
            return None;
        }
        let kind = resource.split('/').next().unwrap_or_default();
        let name = resource[kind.len()..]
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let path = &resource[kind.len()..resource.len() - name.len()];
        Some(Self {
            partition: partition?,
            service: service?,
            region: region?,
            account: account?,
            kind,
            path,
            name,
        })
    }

    /// Returns whether its service and kind are these, ignoring letter case like the authenticator.
    pub fn is(&self, service: &str, kind: &str) -> bool {
        self.service.eq_ignore_ascii_case(service) && self.kind.eq_ignore_ascii_case(kind)
    }

    /// Returns whether the resource has an IAM path.
    pub(crate) fn has_path(&self) -> bool {
        self.path.len() > 1
    }

    /// Returns whether IAM allows the name for a role or user.
    pub fn has_valid_name(&self) -> bool {
        is_iam_name(self.name)
    }
}

/// Returns whether a name has only the characters that IAM allows for roles and users:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
fn is_iam_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

/// Returns whether any caller can have an ARN that the authenticator matches with this one.
///
/// STS never reports a role's path, sessions are compared as their role, names have neither wildcards nor
/// white space, and accounts are twelve digits.
pub fn can_match(arn: &str) -> bool {
    let folded = fold(arn);
    let (Ok(canonical), Some(parts)) = (canonical(&folded), Parts::of(&folded)) else {
        return false;
    };
    if !is_account_id(parts.account) {
        return false;
    }
    match canonical.kind {
        Kind::Role => parts.region.is_empty() && !parts.has_path() && parts.has_valid_name(),
        Kind::User => parts.region.is_empty() && parts.has_valid_name(),
        Kind::FederatedUser => !parts.has_path() && parts.has_valid_name(),
        Kind::Root => parts.path.is_empty(),
        Kind::AssumedRole => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arns_that_sts_reports_can_match() {
        for (arn, can) in [
            ("arn:aws:iam::111122223333:role/Dev", true),
            ("ARN:AWS:IAM::111122223333:ROLE/DEV", true),
            ("arn:aws:iam::111122223333:role/Opſ", true),
            ("arn:aws:iam::111122223333:role/İ", false),
            ("arn:aws:iam::111122223333:role/team/Dev", false),
            ("arn:aws:iam::111122223333:role//Dev", false),
            ("arn:aws:iam::111122223333:role/*", false),
            ("arn:aws:iam::111122223333:role/Dev ", false),
            ("arn:aws:iam::111122223333:role/", false),
            ("arn:aws:iam:us-east-1:111122223333:role/Dev", false),
            ("arn:aws:iam::111122223333:user/team/bob", true),
            ("arn:aws:iam::111122223333:root", true),
            ("arn:aws:iam::111122223333:root/", false),
            ("arn:aws:sts::111122223333:federated-user/bob", true),
            ("arn:aws:sts::111122223333:assumed-role/Dev/s", false),
            ("arn:aws:iam::111122223333:group/devs", false),
            ("arn:aws-mars:iam::111122223333:role/Dev", false),
            ("arn:aws:iam::1111:role/Dev", false),
            ("arn:aws:iam::1111-2222-3333:user/bob", false),
            ("arn:aws:iam:::root", false),
            ("Dev", false),
        ] {
            assert_eq!(can_match(arn), can, "{arn}");
        }
    }
}
