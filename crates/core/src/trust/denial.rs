use super::Place;

/// The facts in the message of a refusal.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Denial {
    /// The denied action, such as `sts:TagSession`.
    pub(super) action: Option<String>,
    /// The kind of policy that the message names. It names only one, even if several deny the request.
    pub(super) place: Option<Place>,
    /// Whether that policy has an explicit deny.
    pub(super) explicit: bool,
    /// The ARN of that policy, if the message has it.
    pub(super) policy: Option<String>,
    /// Whether the caller is a root user.
    pub(super) root: bool,
}

/// How the message names each kind of policy.
const PLACES: [(&str, Place); 9] = [
    ("role trust policy", Place::Trust),
    ("resource-based policy", Place::Trust),
    ("identity-based policy", Place::Own),
    ("permissions boundary", Place::Boundary),
    ("session policy", Place::Session),
    ("sessions policy", Place::Session),
    ("service control policy", Place::ServiceControl),
    ("resource control policy", Place::ResourceControl),
    ("vpc endpoint policy", Place::Endpoint),
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
        let place = reason.and_then(|from| {
            let found = PLACES.iter().filter_map(|(words, place)| {
                let at = lower[from..].find(words)?;
                Some((at, from + at + words.len(), *place))
            });
            found.min_by_key(|(at, ..)| *at)
        });
        let policy = place.and_then(|(_, end, _)| {
            let at = lower[end..].find("arn:")? + end;
            // The rest of the message contains no other ARN.
            Some(word(at))
        });
        Self {
            action: after("not authorized to perform:").map(word),
            place: place.map(|(_, _, place)| place),
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

    fn check(more: &str, place: Option<Place>, explicit: bool) {
        let denial = Denial::read(&format!("{BARE}{more}"));
        assert_eq!(denial.action.as_deref(), Some("sts:AssumeRole"));
        assert_eq!((denial.place, denial.explicit), (place, explicit), "{more}");
    }

    #[test]
    fn each_form_of_the_sentence_is_understood() {
        check("", None, false);
        check(
            " because no identity-based policy allows the sts:AssumeRole action",
            Some(Place::Own),
            false,
        );
        check(
            " because no permissions boundary allows the sts:AssumeRole action",
            Some(Place::Boundary),
            false,
        );
        check(
            " because no session policy allows the sts:AssumeRole action",
            Some(Place::Session),
            false,
        );
        check(
            " because no resource-based policy allows the sts:AssumeRole action",
            Some(Place::Trust),
            false,
        );
        check(
            " because no role trust policy allows the sts:AssumeRole action",
            Some(Place::Trust),
            false,
        );
        check(
            " because no service control policy allows the sts:AssumeRole action",
            Some(Place::ServiceControl),
            false,
        );
        check(
            " because no VPC endpoint policy allows the sts:AssumeRole action",
            Some(Place::Endpoint),
            false,
        );
        check(
            " with an explicit deny in an identity-based policy",
            Some(Place::Own),
            true,
        );
        check(
            " with an explicit deny in a permissions boundary",
            Some(Place::Boundary),
            true,
        );
        check(
            " with an explicit deny in the role trust policy",
            Some(Place::Trust),
            true,
        );
        check(
            " with an explicit deny in a service control policy",
            Some(Place::ServiceControl),
            true,
        );
        check(
            " with an explicit deny in a resource control policy",
            Some(Place::ResourceControl),
            true,
        );
    }

    #[test]
    fn the_policy_and_the_action_are_found() {
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
