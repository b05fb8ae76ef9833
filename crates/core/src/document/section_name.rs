//! The names of sections.

/// One of the three keys of `data` that the authenticator recognizes, case-sensitively.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SectionName {
    /// `mapRoles`
    Roles,
    /// `mapUsers`
    Users,
    /// `mapAccounts`
    Accounts,
}

impl SectionName {
    /// All three, in the order of the output.
    pub const ALL: [Self; 3] = [Self::Roles, Self::Users, Self::Accounts];

    /// Returns the key in the ConfigMap's `data`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Roles => "mapRoles",
            Self::Users => "mapUsers",
            Self::Accounts => "mapAccounts",
        }
    }
}
