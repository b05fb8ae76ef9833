//! E3: whether the API server answers over TLS.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "E3",
    title: "TLS and liveness",
    after: &["K1", "E1", "E2"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let entry = evidence.entry()?;
    if let Some(limit) = evidence.livez.timed_out() {
        return Outcome::problem(
            "anonymous GET /livez",
            format!(
                "{} accepts the connection but does not respond within {} s",
                entry.server,
                limit.as_secs()
            ),
            format!(
                "see what answers: curl -vk -m 5 {}",
                quoted(&format!("{}/livez", entry.server))
            ),
        );
    }
    match evidence.livez.seen()? {
        Ok(status) => Outcome::ok(format!("anonymous GET /livez: {status}")),
        Err(problem) => Outcome::from_problem("anonymous GET /livez", problem),
    }
}
