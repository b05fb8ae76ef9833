//! Access entries of the backend's cluster.

use std::sync::Arc;
use std::time::Duration;

use super::{Backend, SignIn};
use crate::terminal::Out;
use awsauth_aws::eks::{EksCluster, Unavailable};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::facts::authentication_mode::AuthenticationMode;

/// The delay before the spinner appears.
const SPINNER_DELAY: Duration = Duration::from_millis(300);

impl Backend {
    /// Lists the access entries, which have precedence over aws-auth, and describes those that `is_requested` selects.
    /// Prints a warning for what EKS did not return. Returns `None` for manifests, for clusters of a kubeconfig, and
    /// for clusters that only read aws-auth.
    pub(crate) fn access_entries(
        &self,
        is_requested: &dyn Fn(&str) -> bool,
        out: &mut Out,
    ) -> Option<Arc<AccessEntries>> {
        let (entries, unavailable) = access_entries(self.eks()?, is_requested, out)?;
        let name = self.eks().map_or("", |eks| eks.facts.name.as_str());
        for unavailable in &unavailable {
            out.note(&format!("warning: {}", unavailable.message(name)));
        }
        if let Some(unavailable) = unavailable.first() {
            out.note(&format!("hint: {}", unavailable.hint()));
        }
        Some(Arc::new(entries))
    }

    /// Returns the authentication mode and all access entries; `None` if EKS was not asked or reports no mode.
    pub(crate) fn access_configuration(&self, out: &mut Out) -> Option<Arc<AccessEntries>> {
        self.access_configuration_of(&|_| true, out)
    }

    /// Does the same, with the contents of the entries that `is_requested` selects.
    pub(super) fn access_configuration_of(
        &self,
        is_requested: &dyn Fn(&str) -> bool,
        out: &mut Out,
    ) -> Option<Arc<AccessEntries>> {
        let mode = self.eks()?.facts.authentication_mode?;
        if mode == AuthenticationMode::ConfigMap {
            return Some(Arc::new(AccessEntries::new(mode, None)));
        }
        self.access_entries(is_requested, out)
    }
}

impl SignIn {
    /// Does the same as [`Backend::access_entries`], but reports what EKS did not return only with --verbose.
    pub(crate) fn access_entries(
        &self,
        is_requested: &dyn Fn(&str) -> bool,
        out: &mut Out,
    ) -> Option<AccessEntries> {
        let eks = self.described()?;
        let (entries, unavailable) = access_entries(eks, is_requested, out)?;
        for unavailable in &unavailable {
            out.detail(|| unavailable.message(&eks.facts.name));
        }
        Some(entries)
    }
}

/// Requests the access entries behind a spinner.
fn access_entries(
    eks: &EksCluster,
    is_requested: &dyn Fn(&str) -> bool,
    out: &Out,
) -> Option<(AccessEntries, Vec<Unavailable>)> {
    let _spinner = out.spinner("Asking EKS for access entries", SPINNER_DELAY);
    eks.access_entries(is_requested)
}
