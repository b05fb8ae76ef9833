//! Why an ARN matches nobody: of several reasons the one that has to be mended first, so that one mistake is one finding.

use crate::arn::{Parts, can_match, fold};
use crate::document::Principal;
use crate::facts::accounts::is_account_id;
use crate::facts::partitions::Partition;
use crate::lint::context::Written;
use crate::lint::explained;

/// The reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lint) enum Fault {
    /// It is not made as an ARN of IAM is; a fragment that says so.
    Malformed(String),
    /// It has a wildcard.
    Wildcard,
    /// There is no such partition.
    Partition,
    /// It is a session's.
    Session,
    /// It is an instance profile's.
    InstanceProfile,
    /// It is that of something that can't sign in.
    NotAPrincipal,
    /// Its account is digits, but not twelve.
    Account,
    /// It has a role's path.
    Path,
}

/// What IAM has ARNs for besides principals:
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

/// Why the ARN of an entry matches nobody, where no other rule says so of any text.
pub(in crate::lint) fn fault(written: &Written<'_>) -> Option<Fault> {
    let arn = written.principal();
    let is_arn = !matches!(written.mapping.principal, Principal::Sso(_));
    let is_explained = explained::is_stray(arn) || explained::left_in(arn, true).is_some();
    (is_arn && !is_explained).then(|| of(arn)).flatten()
}

fn of(arn: &str) -> Option<Fault> {
    let malformed = |reason: &str| Some(Fault::Malformed(reason.to_owned()));
    let folded = fold(arn);
    let Some(parts) = Parts::of(&folded) else {
        return malformed(if folded.starts_with("arn:") {
            "an ARN has five colons in front of the role or user"
        } else {
            "this is no ARN"
        });
    };
    if arn.contains(['*', '?']) {
        return Some(Fault::Wildcard);
    }
    if Partition::named(parts.partition).is_none() {
        return Some(Fault::Partition);
    }
    match (parts.service, parts.kind) {
        ("iam" | "sts", "assumed-role") | ("sts", "role") => return Some(Fault::Session),
        ("iam", "instance-profile") => return Some(Fault::InstanceProfile),
        ("iam", "role" | "user" | "root") | ("sts", "federated-user") => {}
        ("iam", kind) if OTHERS.contains(&kind) => return Some(Fault::NotAPrincipal),
        ("iam" | "sts" | "", _) => {
            return malformed("behind the account comes role/NAME or user/NAME");
        }
        _ => return Some(Fault::NotAPrincipal),
    }
    if !parts.region.is_empty() {
        return malformed("ARNs of IAM have no region");
    }
    if !is_account_id(parts.account) {
        let is_digits = parts
            .account
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
        if is_digits && !parts.account.is_empty() {
            return Some(Fault::Account);
        }
        return malformed("its account is not twelve digits");
    }
    if parts.is("iam", "role") && parts.has_path() {
        return Some(Fault::Path);
    }
    if can_match(arn) {
        return None;
    }
    malformed(if parts.name.is_empty() {
        "it ends without a name"
    } else {
        "names in IAM are made of letters, digits and _+=,.@- alone"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_mended_first_is_told() {
        use Fault::{Account, NotAPrincipal, Path, Session, Wildcard};
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
                "arn:aws-mars:iam::111122223333:role/Dev".to_owned(),
                Some(Fault::Partition),
            ),
            (
                format!("{a}:instance-profile/Dev"),
                Some(Fault::InstanceProfile),
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
            assert_eq!(of(&arn), fault, "{arn}");
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
        ] {
            assert!(matches!(of(arn), Some(Fault::Malformed(_))), "{arn}");
        }
    }
}
