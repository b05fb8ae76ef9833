use http::Uri;

use super::{ClientError, Reach};

impl Reach<'_> {
    /// The URL at which a service is, when somebody says another than its own. The order is botocore's: the service's variable, the
    /// variable for all, the profile's `services`, the profile.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
    pub(in crate::aws) fn endpoint(&self, service: &str) -> Result<Option<String>, ClientError> {
        if self.flag(
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
            "ignore_configured_endpoint_urls",
        ) == Some(true)
        {
            return Ok(None);
        }
        let variable = format!("AWS_ENDPOINT_URL_{service}");
        let named = [
            (self.surroundings.get(&variable), variable.as_str()),
            (
                self.surroundings.get("AWS_ENDPOINT_URL"),
                "AWS_ENDPOINT_URL",
            ),
            (
                self.of_services(service)?,
                "endpoint_url of the profile's services",
            ),
            (self.of_profile(), "endpoint_url of the profile"),
        ];
        let Some((url, setting)) = named
            .into_iter()
            .find_map(|(url, setting)| Some((url?, setting)))
        else {
            return Ok(None);
        };
        let parsed: Option<Uri> = url.parse().ok();
        let usable = |uri: &Uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some()
        };
        if parsed.as_ref().is_some_and(usable) {
            return Ok(Some(url.to_owned()));
        }
        Err(ClientError::Endpoint {
            value: url.to_owned(),
            setting: setting.to_owned(),
        })
    }

    fn of_profile(&self) -> Option<&str> {
        let url = self.profile?.text("endpoint_url")?;
        (!url.is_empty()).then_some(url)
    }

    fn of_services(&self, service: &str) -> Result<Option<&str>, ClientError> {
        let Some(name) = self.profile.and_then(|profile| profile.text("services")) else {
            return Ok(None);
        };
        let services = self
            .files
            .services(name)
            .ok_or_else(|| ClientError::Services {
                name: name.to_owned(),
            })?;
        let url = services.nested(&service.to_lowercase(), "endpoint_url");
        Ok(url.filter(|url| !url.is_empty()))
    }
}
