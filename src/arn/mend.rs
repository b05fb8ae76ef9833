use super::Parts;

/// What becomes of an ARN before it is written into an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mended {
    /// It is written as given.
    AsGiven,
    /// A role's IAM path is left out, because STS never reports it and the entry would match nobody.
    /// Roles of IAM Identity Center always have one.
    PathDropped {
        /// The ARN to write.
        arn: String,
        /// The path left out, with both its slashes, such as `/team/`.
        path: String,
    },
    /// One session of a role cannot be mapped: the authenticator compares its role.
    /// Mapping the role is wider, so whoever asks must ask for that.
    Session {
        /// The role's ARN.
        role: String,
    },
}

impl Mended {
    /// What to tell whoever gave the ARN; `None` when there is nothing to tell.
    pub fn note(&self) -> Option<String> {
        match self {
            Self::AsGiven => None,
            Self::PathDropped { arn, path } => Some(format!(
                "left out the IAM path {path}, which STS never reports: the entry is for {arn}"
            )),
            Self::Session { role } => Some(format!(
                "the authenticator compares a session as its role, {role}, so that only all its sessions together can be mapped"
            )),
        }
    }
}

/// Mends an ARN that can never match but plainly says whom it means.
///
/// Users keep their path, because STS reports it. ARNs that can never match for other reasons, such as
/// wildcards, do not say whom they mean and stay as given.
pub fn mend(arn: &str) -> Mended {
    let Some(parts) = Parts::of(arn) else {
        return Mended::AsGiven;
    };
    if parts.is("iam", "role") && parts.has_path() && parts.has_valid_name() {
        let before_path = arn.len() - parts.name.len() - parts.path.len();
        return Mended::PathDropped {
            arn: format!("{}/{}", &arn[..before_path], parts.name),
            path: parts.path.to_owned(),
        };
    }
    if parts.is("sts", "assumed-role") || parts.is("iam", "assumed-role") {
        let role = match parts.path.strip_suffix('/') {
            // There is no session: the name is the role's.
            None | Some("") => parts.name,
            Some(path) => path.rsplit('/').next().unwrap_or_default(),
        };
        if !role.is_empty() {
            return Mended::Session {
                role: format!("arn:{}:iam::{}:role/{role}", parts.partition, parts.account),
            };
        }
    }
    Mended::AsGiven
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "arn:aws:iam::111122223333";

    fn dropped(arn: &str, path: &str) -> Mended {
        Mended::PathDropped {
            arn: format!("{A}:{arn}"),
            path: path.to_owned(),
        }
    }

    #[test]
    fn a_role_loses_its_path_and_a_user_keeps_it() {
        let sso =
            "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef";
        for (resource, expected) in [
            ("role/Dev", Mended::AsGiven),
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
            ("user/team/bob", Mended::AsGiven),
            ("role/team/*", Mended::AsGiven),
            ("role/team/", Mended::AsGiven),
            ("role/team/Dev ", Mended::AsGiven),
            ("instance-profile/team/Dev", Mended::AsGiven),
        ] {
            assert_eq!(mend(&format!("{A}:{resource}")), expected, "{resource}");
        }
        assert_eq!(mend("Dev"), Mended::AsGiven);
    }

    #[test]
    fn a_session_is_refused_for_its_role() {
        let session = Mended::Session {
            role: format!("{A}:role/Dev"),
        };
        for arn in [
            "arn:aws:sts::111122223333:assumed-role/Dev/alice@example.com",
            "arn:aws:sts::111122223333:assumed-role/Dev/",
            "arn:aws:sts::111122223333:assumed-role/Dev",
            "arn:aws:sts::111122223333:assumed-role/team/Dev/alice",
            "arn:aws:iam::111122223333:assumed-role/Dev/alice",
        ] {
            assert_eq!(mend(arn), session, "{arn}");
        }
        assert_eq!(
            mend("arn:aws:sts::111122223333:assumed-role/"),
            Mended::AsGiven
        );
        assert_eq!(
            mend("arn:aws:sts::111122223333:assumed-role//alice"),
            Mended::AsGiven
        );
        assert_eq!(
            mend("arn:aws:sts::111122223333:federated-user/bob"),
            Mended::AsGiven
        );
    }

    #[test]
    fn what_was_done_is_told() {
        let note = |arn: &str| mend(&format!("{A}:{arn}")).note().unwrap_or_default();
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
    fn mending_twice_is_mending_once() {
        let Mended::PathDropped { arn, .. } = mend(&format!("{A}:role/a/b/Dev")) else {
            panic!("a path is dropped")
        };
        assert_eq!(mend(&arn), Mended::AsGiven);
    }
}
