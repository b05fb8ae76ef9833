//! Who answers for an EKS cluster: aws-auth, access entries or both.

/// What an EKS cluster asks when it decides who may enter: `accessConfig.authenticationMode`.
/// <https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationMode {
    /// aws-auth alone.
    ConfigMap,
    /// Access entries, then aws-auth: where both have a principal, the access entry answers.
    ApiAndConfigMap,
    /// Access entries alone: nothing reads aws-auth.
    Api,
}

impl AuthenticationMode {
    /// The mode that EKS names so.
    pub fn named(name: &str) -> Option<Self> {
        [Self::ConfigMap, Self::ApiAndConfigMap, Self::Api]
            .into_iter()
            .find(|mode| mode.name() == name)
    }

    /// EKS's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfigMap => "CONFIG_MAP",
            Self::ApiAndConfigMap => "API_AND_CONFIG_MAP",
            Self::Api => "API",
        }
    }
}
