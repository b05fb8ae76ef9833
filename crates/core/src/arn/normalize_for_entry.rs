//! Normalizes an ARN before it is written into an entry.

use super::Parts;

/// How an ARN is written into an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Normalized {
    AsGiven,
    /// Without the role's IAM path. STS never reports the path, so an entry with it would match no caller.
    /// Roles of IAM Identity Center always have a path.
    PathDropped {
        /// The ARN to write.
        arn: String,
        /// The removed path with both slashes, such as `/team/`.
        path: String,
    },
    /// Not at all: a single session of a role cannot be mapped, because the authenticator compares its role.
    /// Mapping the role grants access to more callers, so the user must request it explicitly.
    Session {
        /// The role's ARN.
        role: String,
    },
}

impl Normalized {
    /// Returns a note for the user who gave the ARN; `None` if the ARN is written as given.
    pub fn note(&self) -> Option<String> {
        match self {
            Self::AsGiven => None,
            Self::PathDropped { arn, path } => Some(format!(
                "left out the IAM path {path}, which STS never reports: the entry is for {arn}"
            )),
            Self::Session { role } => Some(format!(
                "the authenticator compares a session as its role, {role}, so an entry maps all sessions of the role"
            )),
        }
    }
}

/// Normalizes an ARN that can never match but identifies a principal.
///
/// Users keep their path, because STS reports it. ARNs that can never match for other reasons, such as
/// wildcards, do not identify a principal and stay as given.
pub fn normalize(arn: &str) -> Normalized {
    let Some(parts) = Parts::of(arn) else {
        return Normalized::AsGiven;
    };
    if parts.is("iam", "role") && parts.has_path() && parts.has_valid_name() {
        let before_path = arn.len() - parts.name.len() - parts.path.len();
        return Normalized::PathDropped {
            arn: format!("{}/{}", &arn[..before_path], parts.name),
            path: parts.path.to_owned(),
        };
    }
    if parts.is("sts", "assumed-role") || parts.is("iam", "assumed-role") {
        let role = match parts.path.strip_suffix('/') {
            // Without a session, the name is the role's.
            None | Some("") => parts.name,
            Some(path) => path.rsplit('/').next().unwrap_or_default(),
        };
        if !role.is_empty() {
            return Normalized::Session {
                role: format!("arn:{}:iam::{}:role/{role}", parts.partition, parts.account),
            };
        }
    }
    Normalized::AsGiven
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "arn:aws:iam::111122223333";

    fn dropped(arn: &str, path: &str) -> Normalized {
        Normalized::PathDropped {
            arn: format!("{A}:{arn}"),
            path: path.to_owned(),
        }
    }

    #[test]
    fn role_arn_with_path_drops_path_and_user_arn_keeps_it() {
        let sso =
            "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef";
        for (resource, expected) in [
            ("role/Dev", Normalized::AsGiven),
            ("role/team/Dev", dropped("role/Dev", "/team/")),
            ("role//Dev", dropped("role/Dev", "//")),
            ("role/a/b/Dev", dropped("role/Dev", "/a/b/")),
            (
                sso,
                dropped(
                    "role/AWSReservedSSO_Admin_0123456789abcdef",
                    "/aws-reserved/sso.amazonaws.com/eu-west-1/",
                ),
            ),
            ("user/team/bob", Normalized::AsGiven),
            ("role/team/*", Normalized::AsGiven),
            ("role/team/", Normalized::AsGiven),
            ("role/team/Dev ", Normalized::AsGiven),
            ("instance-profile/team/Dev", Normalized::AsGiven),
        ] {
            assert_eq!(
                normalize(&format!("{A}:{resource}")),
                expected,
                "{resource}"
            );
        }
        assert_eq!(normalize("Dev"), Normalized::AsGiven);
    }

    #[test]
    fn session_arn_returns_its_role() {
        let session = Normalized::Session {
            role: format!("{A}:role/Dev"),
        };
        for arn in [
            "arn:aws:sts::111122223333:assumed-role/Dev/alice@example.com",
            "arn:aws:sts::111122223333:assumed-role/Dev/",
            "arn:aws:sts::111122223333:assumed-role/Dev",
            "arn:aws:sts::111122223333:assumed-role/team/Dev/alice",
            "arn:aws:iam::111122223333:assumed-role/Dev/alice",
        ] {
            assert_eq!(normalize(arn), session, "{arn}");
        }
        assert_eq!(
            normalize("arn:aws:sts::111122223333:assumed-role/"),
            Normalized::AsGiven
        );
        assert_eq!(
            normalize("arn:aws:sts::111122223333:assumed-role//alice"),
            Normalized::AsGiven
        );
        assert_eq!(
            normalize("arn:aws:sts::111122223333:federated-user/bob"),
            Normalized::AsGiven
        );
    }

    #[test]
    fn note_describes_the_change() {
        let note = |arn: &str| normalize(&format!("{A}:{arn}")).note().unwrap_or_default();
        assert_eq!(
            note("role/team/Dev"),
            format!(
                "left out the IAM path /team/, which STS never reports: the entry is for {A}:role/Dev"
            )
        );
        assert!(note("assumed-role/Dev/s").contains(&format!("its role, {A}:role/Dev,")));
        assert_eq!(note("role/Dev"), "");
    }

    #[test]
    fn normalize_is_idempotent() {
        let Normalized::PathDropped { arn, .. } = normalize(&format!("{A}:role/a/b/Dev")) else {
            panic!("a path is dropped")
        };
        assert_eq!(normalize(&arn), Normalized::AsGiven);
    }
}
