//! Parses the error message of a denied role assumption.

use super::PolicyKind;

/// The contents of the message of a refusal.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Denial {
    /// The denied action, such as `sts:TagSession`.
    pub(super) action: Option<String>,
    /// The kind of policy that the message names. It names only one, even if several deny the request.
    pub(super) kind: Option<PolicyKind>,
    /// Whether that policy has an explicit deny.
    pub(super) explicit: bool,
    /// The ARN of that policy, if the message has it.
    pub(super) policy: Option<String>,
    /// Whether the caller is a root user.
    pub(super) root: bool,
}

/// How the message names each kind of policy.
const POLICY_KINDS: [(&str, PolicyKind); 9] = [
    ("role trust policy", PolicyKind::Trust),
    ("resource-based policy", PolicyKind::Trust),
    ("identity-based policy", PolicyKind::Own),
    ("permissions boundary", PolicyKind::Boundary),
    ("session policy", PolicyKind::Session),
    ("sessions policy", PolicyKind::Session),
    ("service control policy", PolicyKind::ServiceControl),
    ("resource control policy", PolicyKind::ResourceControl),
    ("vpc endpoint policy", PolicyKind::Endpoint),
];

impl Denial {
    pub(super) fn read(message: &str) -> Self {
        let lower = message.to_ascii_lowercase();
        let after = |mark: &str| lower.find(mark).map(|at| at + mark.len());
        let word = |at: usize| {
            let rest = message[at..].trim_start();
            let end = rest.find(|c: char| c.is_whitespace() || "\",".contains(c));
            rest[..end.unwrap_or(rest.len())]
                .trim_end_matches(['.', ':'])
                .to_owned()
        };
        let explicit = after("explicit deny in ");
        let reason = explicit.or_else(|| after("because "));
        let kind = reason.and_then(|from| {
            let found = POLICY_KINDS.iter().filter_map(|(words, kind)| {
                let at = lower[from..].find(words)?;
                Some((at, from + at + words.len(), *kind))
            });
            found.min_by_key(|(at, ..)| *at)
        });
        let policy = kind.and_then(|(_, end, _)| {
            let at = lower[end..].find("arn:")? + end;
            // The rest of the message contains no other ARN.
            Some(word(at))
        });
        Self {
            action: after("not authorized to perform:").map(word),
            kind: kind.map(|(_, _, kind)| kind),
            explicit: explicit.is_some(),
            policy,
            root: lower.contains("may not be assumed by root accounts"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "User: arn:aws:sts::111122223333:assumed-role/ExampleRole/i-0abc is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/Other";

    fn check(more: &str, kind: Option<PolicyKind>, explicit: bool) {
        let denial = Denial::read(&format!("{BARE}{more}"));
        assert_eq!(denial.action.as_deref(), Some("sts:AssumeRole"));
        assert_eq!((denial.kind, denial.explicit), (kind, explicit), "{more}");
    }

    #[test]
    fn each_form_of_the_message_is_parsed() {
        check("", None, false);
        check(
            " because no identity-based policy allows the sts:AssumeRole action",
            Some(PolicyKind::Own),
            false,
        );
        check(
            " because no permissions boundary allows the sts:AssumeRole action",
            Some(PolicyKind::Boundary),
            false,
        );
        check(
            " because no session policy allows the sts:AssumeRole action",
            Some(PolicyKind::Session),
            false,
        );
        check(
            " because no resource-based policy allows the sts:AssumeRole action",
            Some(PolicyKind::Trust),
            false,
        );
        check(
            " because no role trust policy allows the sts:AssumeRole action",
            Some(PolicyKind::Trust),
            false,
        );
        check(
            " because no service control policy allows the sts:AssumeRole action",
            Some(PolicyKind::ServiceControl),
            false,
        );
        check(
            " because no VPC endpoint policy allows the sts:AssumeRole action",
            Some(PolicyKind::Endpoint),
            false,
        );
        check(
            " with an explicit deny in an identity-based policy",
            Some(PolicyKind::Own),
            true,
        );
        check(
            " with an explicit deny in a permissions boundary",
            Some(PolicyKind::Boundary),
            true,
        );
        check(
            " with an explicit deny in the role trust policy",
            Some(PolicyKind::Trust),
            true,
        );
        check(
            " with an explicit deny in a service control policy",
            Some(PolicyKind::ServiceControl),
            true,
        );
        check(
            " with an explicit deny in a resource control policy",
            Some(PolicyKind::ResourceControl),
            true,
        );
    }

    #[test]
    fn policy_and_action_are_parsed() {
        let denial = Denial::read(&format!(
            "{} with an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/no-roles",
            BARE.replace("AssumeRole", "TagSession")
        ));
        assert_eq!(denial.action.as_deref(), Some("sts:TagSession"));
        assert_eq!(
            denial.policy.as_deref(),
            Some("arn:aws:iam::111122223333:policy/no-roles")
        );
        assert!(Denial::read("Roles may not be assumed by root accounts.").root);
        assert_eq!(Denial::read("Access denied"), Denial::default());
    }
}
