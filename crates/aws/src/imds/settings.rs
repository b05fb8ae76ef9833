//! Settings of the EC2 instance metadata service (IMDS).

use super::error::ImdsError;
use crate::environment::AwsEnvironment;
use crate::machine::Machine;
use crate::metadata_http::Url;
use awsauth_core::redact;

/// The fixed addresses: link-local for IPv4, unique-local for IPv6.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>
const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";

const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";

/// The variable, which takes precedence, and the profile option of each setting.
/// <https://github.com/boto/botocore/blob/1.44.5/botocore/configprovider.py>
const ENDPOINT: [&str; 2] = [
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "ec2_metadata_service_endpoint",
];
const MODE: [&str; 2] = [
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "ec2_metadata_service_endpoint_mode",
];
const OLD_MODE: [&str; 2] = ["AWS_IMDS_USE_IPV6", "imds_use_ipv6"];
const V1_DISABLED: [&str; 2] = ["AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled"];

/// The endpoint of instance metadata and how to use it.
///
/// `metadata_service_timeout` and `metadata_service_num_attempts` are ignored: [`TIMEOUT`](super::TIMEOUT) limits all
/// attempts together.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) endpoint: Url,
    pub(super) disabled: bool,
    /// The setting that forbids IMDSv1.
    pub(super) v1_disabled_by: Option<String>,
    pub(super) machine: Machine,
}

impl Settings {
    /// Reads the settings from the environment, or else from the profile, whose options `profile` returns.
    ///
    /// # Errors
    /// If the endpoint is not an http URL, or its mode is neither IPv4 nor IPv6.
    pub fn of(
        environment: &AwsEnvironment,
        profile: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ImdsError> {
        let find = |[variable, key]: [&str; 2]| {
            let found = environment.get(variable).map(str::to_owned);
            let found = found.map(|value| (value, variable.to_owned()));
            found.or_else(|| {
                let value = profile(key).filter(|value| !value.is_empty())?;
                Some((value, format!("{key} in the profile")))
            })
        };
        let is_true = |found: &(String, String)| found.0.eq_ignore_ascii_case("true");
        let ipv6 = match find(MODE) {
            None => find(OLD_MODE).is_some_and(|found| is_true(&found)),
            Some((mode, _)) if mode.eq_ignore_ascii_case("ipv4") => false,
            Some((mode, _)) if mode.eq_ignore_ascii_case("ipv6") => true,
            Some((value, setting)) => return Err(ImdsError::Mode { value, setting }),
        };
        let standard = (if ipv6 { IPV6 } else { IPV4 }, "the default");
        let (value, setting) =
            find(ENDPOINT).unwrap_or_else(|| (standard.0.to_owned(), standard.1.to_owned()));
        let endpoint = Url::parse(&value).filter(|url| !url.is_https());
        let value = redact::text(&value);
        Ok(Self {
            endpoint: endpoint.ok_or(ImdsError::Endpoint { value, setting })?,
            disabled: environment
                .get(DISABLED)
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            v1_disabled_by: find(V1_DISABLED)
                .filter(is_true)
                .map(|(_, setting)| setting),
            machine: Machine::of(environment),
        })
    }

    /// Returns the settings for another machine, for tests.
    #[must_use]
    pub fn on(mut self, machine: Machine) -> Self {
        self.machine = machine;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(variables: &[(&str, &str)], profile: &[(&str, &str)]) -> Result<String, ImdsError> {
        let environment = variables
            .iter()
            .fold(AwsEnvironment::default(), |all, (name, value)| {
                all.with(name, value)
            });
        let find = |key: &str| {
            let found = profile.iter().find(|(known, _)| *known == key);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::of(&environment, find).map(|settings| settings.endpoint.to_string())
    }

    #[test]
    fn variable_takes_precedence_over_profile_and_endpoint_over_mode() {
        let [endpoint_variable, endpoint_key] = ENDPOINT;
        let [mode_variable, mode_key] = MODE;
        let here = (endpoint_variable, "http://127.0.0.1:1338");
        for (variables, profile, found) in [
            (&[][..], &[][..], "http://169.254.169.254/"),
            (&[(mode_variable, "IPv6")], &[], "http://[fd00:ec2::254]/"),
            (&[], &[(mode_key, "ipv6")], "http://[fd00:ec2::254]/"),
            (&[], &[("imds_use_ipv6", "True")], "http://[fd00:ec2::254]/"),
            (
                &[(mode_variable, "IPv4")],
                &[(mode_key, "ipv6")],
                "http://169.254.169.254/",
            ),
            (
                &[(mode_variable, "IPv4")],
                &[("imds_use_ipv6", "true")],
                "http://169.254.169.254/",
            ),
            (
                &[here, (mode_variable, "IPv6")],
                &[],
                "http://127.0.0.1:1338/",
            ),
            (
                &[here],
                &[(endpoint_key, "http://other")],
                "http://127.0.0.1:1338/",
            ),
            (&[], &[(endpoint_key, "http://other")], "http://other/"),
        ] {
            assert_eq!(
                endpoint(variables, profile).unwrap(),
                found,
                "{variables:?} {profile:?}"
            );
        }
    }

    #[test]
    fn invalid_endpoint_is_shown_without_password() {
        let error = endpoint(&[(ENDPOINT[0], "https://me:hunter2@proxy/")], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT is \"https://…@proxy/\", which is not an http URL"
        );
    }

    #[test]
    fn invalid_setting_is_named() {
        let error = endpoint(&[], &[(ENDPOINT[1], "169.254.169.254")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ec2_metadata_service_endpoint in the profile is \"169.254.169.254\", which is not an http URL"
        );
        let error = endpoint(&[(MODE[0], "dual")], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is \"dual\", which is neither IPv4 nor IPv6"
        );
    }
}
