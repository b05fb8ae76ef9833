use super::evidence::{NotDescribed, SignedIn};
use super::{Evidence, Judged, Outcome, Rung, Skipped, remedy};
use crate::facts::auth_mode::AuthenticationMode;

pub(super) const RUNG: Rung = Rung {
    id: "M1",
    title: "cluster state and mode",
    after: &["K7"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let described = match evidence.described.seen()? {
        Ok(described) => described,
        Err(NotDescribed::NotReady(trouble)) => {
            return Outcome::trouble("EKS on the cluster", trouble);
        }
        Err(NotDescribed::NoSuchCluster(_)) => return Err(Skipped::needs("the cluster (K7)")),
        Err(NotDescribed::Unknown(why)) => {
            return Err(Skipped::needs(format!("eks:DescribeCluster: {why}")));
        }
    };
    let mode = described.mode.map_or("not told", AuthenticationMode::name);
    let saw = format!(
        "{}, authentication mode {mode}, {}",
        described.name, described.version
    );
    let is_out = matches!(evidence.signed_in.known(), Some(SignedIn::Unauthorized))
        || evidence.wanted.arn.is_some();
    let has_entry = evidence.subject().is_some_and(|subject| {
        let entries = evidence.access_entries.known();
        let entries = entries.and_then(|entries| entries.as_ref().ok());
        entries.is_some_and(|entries| entries.of(&subject.canonical.arn).is_some())
    });
    if described.mode == Some(AuthenticationMode::Api) && is_out && !has_entry {
        let next = evidence.subject().map_or_else(String::new, |subject| {
            remedy::access_entry(&described.name, &subject)
        });
        return Outcome::problem(
            saw,
            "nothing reads aws-auth here: the cluster asks access entries alone (authentication mode API)",
            next,
        );
    }
    Outcome::ok(saw)
}
