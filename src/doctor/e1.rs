use super::{Evidence, Judged, Outcome, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "E1",
    title: "endpoint's address",
    after: &["K1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let entry = evidence.entry()?;
    if let Some(limit) = evidence.addresses.late() {
        return Outcome::problem(
            format!("{} was looked up", entry.server),
            format!(
                "this machine's DNS does not answer within {} s",
                limit.as_secs()
            ),
            "see which resolver is asked: cat /etc/resolv.conf",
        );
    }
    match evidence.addresses.seen()? {
        Ok(addresses) => Outcome::ok(addresses.join(", ")),
        Err(trouble) => Outcome::trouble(format!("{} was looked up", entry.server), trouble),
    }
}
