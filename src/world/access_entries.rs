use std::sync::Arc;
use std::time::Duration;

use super::eks::EksCluster;
use super::{SignIn, World};
use crate::aws::eks::Untold;
use crate::edge::Out;
use crate::effect::AccessEntries;
use crate::facts::auth_mode::AuthenticationMode;

/// How long EKS may take before a spinner shows that we wait.
const PATIENCE: Duration = Duration::from_millis(300);

impl World {
    /// The access entries that are asked before aws-auth, and what those say whose principal is `wanted`; `None` where nobody knows
    /// of any: of a manifest, a kubeconfig's cluster, and a cluster that asks aws-auth alone. What EKS does not tell is said.
    pub(crate) fn access_entries(
        &self,
        wanted: &dyn Fn(&str) -> bool,
        out: &mut Out,
    ) -> Option<Arc<AccessEntries>> {
        let (entries, untold) = self.eks()?.access_entries(wanted, out)?;
        let name = self.eks().map_or("", |eks| eks.facts.name.as_str());
        for untold in &untold {
            out.note(&format!("warning: {}", not_told(untold, name)));
        }
        if let Some(untold) = untold.first() {
            out.note(&format!("hint: {}", untold.hint()));
        }
        Some(Arc::new(entries))
    }

    /// Who answers for the cluster, and what each access entry says; `None` where EKS was not asked, or does not say who answers.
    pub(crate) fn who_answers(&self, out: &mut Out) -> Option<Arc<AccessEntries>> {
        let mode = self.eks()?.facts.authentication_mode?;
        if mode == AuthenticationMode::ConfigMap {
            return Some(Arc::new(AccessEntries::new(mode, None)));
        }
        self.access_entries(&|_| true, out)
    }
}

impl SignIn {
    /// As [`World::access_entries`]; what EKS does not tell is a detail to those who only sign in.
    pub(crate) fn access_entries(
        &self,
        wanted: &dyn Fn(&str) -> bool,
        out: &mut Out,
    ) -> Option<AccessEntries> {
        let eks = self.described()?;
        let (entries, untold) = eks.access_entries(wanted, out)?;
        for untold in &untold {
            out.detail(|| not_told(untold, &eks.facts.name));
        }
        Some(entries)
    }
}

impl EksCluster {
    /// As [`World::access_entries`], with what EKS does not tell.
    pub(super) fn access_entries(
        &self,
        wanted: &dyn Fn(&str) -> bool,
        out: &Out,
    ) -> Option<(AccessEntries, Vec<Untold>)> {
        let mode = self.facts.authentication_mode?;
        if mode == AuthenticationMode::ConfigMap {
            return None;
        }
        let name = &self.facts.name;
        let spinner = out.spinner("Asking EKS for access entries", PATIENCE);
        let told = self.ask(|eks| eks.access_entries(name, wanted));
        drop(spinner);
        let (entries, untold) = match told {
            Ok(told) => (Some(told.entries), told.untold),
            Err(untold) => (None, vec![untold]),
        };
        Some((AccessEntries::new(mode, entries), untold))
    }
}

pub(super) fn not_told(untold: &Untold, cluster: &str) -> String {
    let what = untold.what();
    format!(
        "EKS does not tell {what} of cluster {cluster}: {}",
        untold.why
    )
}
