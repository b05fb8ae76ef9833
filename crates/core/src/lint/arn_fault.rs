//! Why an ARN matches no caller. If there are several reasons, only the one to fix first.

use super::resolved_entry::ResolvedEntry;
use crate::arn::{Parts, can_match, fold};
use crate::document::Principal;
use crate::facts::accounts::is_account_id;
use crate::facts::partitions::Partition;

/// The reason why an ARN matches no caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ArnFault {
    /// It does not have the form of an IAM ARN; a fragment that states why.
    Malformed(String),
    /// It contains a second ARN.
    SeveralArns,
    /// It contains a wildcard.
    Wildcard,
    /// Its partition does not exist.
    Partition,
    /// It is the ARN of a session.
    Session,
    /// It is the ARN of an instance profile.
    InstanceProfile,
    /// It is the ARN of a resource that cannot sign in.
    NotAPrincipal,
    /// Its account consists of digits, but not of twelve.
    Account,
    /// It contains the path of a role.
    Path,
}

/// The resource types of IAM that are not principals:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>
const OTHERS: [&str; 8] = [
    "group",
    "policy",
    "saml-provider",
    "oidc-provider",
    "mfa",
    "server-certificate",
    "sms-mfa",
    "access-report",
];

/// The maximum length of the name of a role or user:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length>
const MAX_NAME: usize = 64;

/// Returns why the ARN of an entry matches no caller, if it does not.
pub(super) fn arn_fault(entry: &ResolvedEntry<'_>) -> Option<ArnFault> {
    let is_arn = !matches!(entry.mapping.principal, Principal::Sso(_));
    is_arn.then(|| fault_of(entry.principal())).flatten()
}

fn fault_of(arn: &str) -> Option<ArnFault> {
    let malformed = |reason: &str| Some(ArnFault::Malformed(reason.to_owned()));
    let folded = fold(arn);
    let is_start = |(at, _): &(usize, &str)| !folded[..*at].ends_with(char::is_alphanumeric);
    if folded.match_indices("arn:").filter(is_start).count() > 1 {
        return Some(ArnFault::SeveralArns);
    }
    let Some(parts) = Parts::of(&folded) else {
        return malformed(if folded.starts_with("arn:") {
            "an ARN has five colons before the role or user"
        } else {
            "this is not an ARN"
        });
    };
    if arn.contains(['*', '?']) {
        return Some(ArnFault::Wildcard);
    }
    if Partition::named(parts.partition).is_none() {
        return Some(ArnFault::Partition);
    }
    match (parts.service, parts.kind) {
        ("iam" | "sts", "assumed-role") | ("sts", "role") => return Some(ArnFault::Session),
        ("iam", "instance-profile") => return Some(ArnFault::InstanceProfile),
        ("iam", "role" | "user" | "root") | ("sts", "federated-user") => {}
        ("iam", kind) if OTHERS.contains(&kind) => return Some(ArnFault::NotAPrincipal),
        ("iam" | "sts" | "", _) => {
            return malformed("an IAM ARN ends with role/NAME or user/NAME");
        }
        _ => return Some(ArnFault::NotAPrincipal),
    }
    if !parts.region.is_empty() {
        return malformed("an IAM ARN has no region");
    }
    if !is_account_id(parts.account) {
        if is_changed_account_id(parts.account) {
            return Some(ArnFault::Account);
        }
        return malformed("the account is not twelve digits");
    }
    if !parts.path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return malformed("an IAM path has no spaces");
    }
    if parts.name.is_ascii() && parts.name.len() > MAX_NAME {
        return malformed("the name of an IAM role or user has at most 64 characters");
    }
    if parts.is("iam", "role") && parts.has_path() {
        return Some(ArnFault::Path);
    }
    if can_match(arn) {
        return None;
    }
    malformed(if parts.name.contains(is_invisible) {
        "the name has a character that is not visible"
    } else if parts.name.is_empty() {
        "the ARN ends without a name"
    } else {
        "IAM names contain only letters, digits and _+=,.@-"
    })
}

/// Returns whether a character has no width, as those that chats and wikis add.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
    )
}

/// Returns whether most characters of a text are digits, as in an account ID that a program or a user changed, such as
/// `1.11122E+11`.
pub(super) fn is_changed_account_id(account: &str) -> bool {
    let is_digits = |byte: u8| byte.is_ascii_digit() || byte == b'-';
    let digits = account.bytes().filter(u8::is_ascii_digit).count();
    let has_x = account.contains(['x', 'X']);
    !account.is_empty()
        && (account.bytes().all(is_digits) || (digits * 2 > account.len() && digits >= 6 && !has_x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arn_with_several_faults_reports_the_first_to_fix() {
        use ArnFault::{Account, NotAPrincipal, Path, Session, SeveralArns, Wildcard};
        let a = "arn:aws:iam::111122223333";
        for (arn, fault) in [
            (format!("{a}:role/Dev"), None),
            ("ARN:AWS:IAM::111122223333:ROLE/DEV".to_owned(), None),
            (format!("{a}:role/Op\u{17f}"), None),
            (format!("{a}:user/team/bob"), None),
            (format!("{a}:root"), None),
            (
                "arn:aws:sts::111122223333:federated-user/bob".to_owned(),
                None,
            ),
            (format!("{a}:role/team/*"), Some(Wildcard)),
            (format!("{a}:role/team/Dev"), Some(Path)),
            (format!("{a}:assumed-role/Dev/s"), Some(Session)),
            (
                "arn:aws:sts::111122223333:role/Dev".to_owned(),
                Some(Session),
            ),
            (
                "arn:aws:sts::1111:assumed-role/Dev/s".to_owned(),
                Some(Session),
            ),
            (
                "arn:aws:iam::1111-2222-3333:role/team/Dev".to_owned(),
                Some(Account),
            ),
            (
                "arn:aws:iam::1.11122E+11:role/Dev".to_owned(),
                Some(Account),
            ),
            (
                "arn:aws:iam::1111O2223333:role/Dev".to_owned(),
                Some(Account),
            ),
            (format!("{a}:role/Dev, {a}:role/Ops"), Some(SeveralArns)),
            (format!("{a}:role/{a}:role/Ops"), Some(SeveralArns)),
            (format!("{a}:role/{}", "x".repeat(64)), None),
            (
                "arn:aws-mars:iam::111122223333:role/Dev".to_owned(),
                Some(ArnFault::Partition),
            ),
            (
                format!("{a}:instance-profile/Dev"),
                Some(ArnFault::InstanceProfile),
            ),
            (
                "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned(),
                Some(NotAPrincipal),
            ),
            (
                "arn:aws:ec2:us-east-1:111122223333:instance/i-0".to_owned(),
                Some(NotAPrincipal),
            ),
        ] {
            assert_eq!(fault_of(&arn), fault, "{arn}");
        }
        for arn in [
            "Dev",
            "arn:aws:iam:111122223333:role/Dev",
            "arn:aws:iam:us-east-1:111122223333:role/Dev",
            "arn:aws:iam:::role/Dev",
            "arn:aws:iam::111122223333:Dev",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/Dev#1",
            "arn:aws:iam::111122223333:role/\u{130}",
            "arn:aws:iam::111122223333:root/",
            "arn:aws:iam::111122223333:role/a b/Dev",
            "arn:aws:iam::111122223333:user/ThisNameHasMoreThanSixtyFourCharactersSoThatNoRoleOrUserCanHaveIt",
        ] {
            assert!(
                matches!(fault_of(arn), Some(ArnFault::Malformed(_))),
                "{arn}"
            );
        }
    }
}
