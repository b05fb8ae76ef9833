//! What gives credentials to the machine that this runs on: the container endpoint, and EC2 instance metadata.

use super::SourceError;
use super::search::Search;
use crate::aws::container::Container;
use crate::aws::imds::{Imds, ImdsError, Settings};
use crate::aws::machine::Machine;
use crate::token::Credentials;

/// Why there are no credentials of a container.
pub(super) const NO_CONTAINER: &str =
    "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set";

/// The container's credentials, if its variables are set.
pub(super) fn of_container(search: &Search) -> Result<Option<Credentials>, SourceError> {
    let Some(container) = Container::of(search.surroundings)? else {
        return Ok(None);
    };
    Ok(Some(search.wait(container.credentials())??))
}

/// The credentials of the instance's role.
pub(super) fn of_instance(search: &Search) -> Result<Credentials, SourceError> {
    let asked = search.ask_imds(async |imds| imds.credentials(search.now).await);
    let fetched = asked??;
    let stale = fetched.stale.as_ref().map(ToString::to_string);
    search.notes.borrow_mut().extend(stale);
    Ok(fetched.credentials)
}

/// The region that the instance is in. Asked only where instance metadata can be expected: elsewhere the wait for nobody would be felt.
pub(super) fn region(search: &Search) -> Result<Option<String>, SourceError> {
    let endpoint = search.surroundings.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if endpoint.is_none() && !Machine::of(search.surroundings).is_ec2() {
        return Ok(None);
    }
    let asked = search.ask_imds(async |imds| imds.region().await);
    // Whatever is wrong with it, there is the fallback.
    Ok(asked.ok().and_then(Result::ok))
}

/// A conversation that has not begun, as the variables and the profile would have it.
pub(super) fn imds(search: &Search) -> Result<Imds, SourceError> {
    let profile = search.reach()?.profile;
    let settings = Settings::of(search.surroundings, |key| {
        Some(profile?.text(key)?.to_owned())
    });
    Ok(Imds::new(settings?))
}

/// Whether what the user says about instance metadata is wrong, rather than that there is none.
pub(super) fn is_misconfigured(error: &ImdsError) -> bool {
    matches!(error, ImdsError::Endpoint { .. } | ImdsError::Mode { .. })
}
