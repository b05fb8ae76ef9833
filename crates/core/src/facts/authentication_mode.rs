//! The authentication mode of an EKS cluster.

/// The sources of access that an EKS cluster reads: `accessConfig.authenticationMode`.
/// <https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationMode {
    /// aws-auth only.
    ConfigMap,
    /// Access entries, then aws-auth. If both have a principal, the access entry applies.
    ApiAndConfigMap,
    /// Access entries only; aws-auth is ignored.
    Api,
}

impl AuthenticationMode {
    /// Returns the mode with EKS's name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::ConfigMap, Self::ApiAndConfigMap, Self::Api]
            .into_iter()
            .find(|mode| mode.name() == name)
    }

    /// Returns EKS's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfigMap => "CONFIG_MAP",
            Self::ApiAndConfigMap => "API_AND_CONFIG_MAP",
            Self::Api => "API",
        }
    }
}
