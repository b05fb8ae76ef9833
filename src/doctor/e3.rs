use super::{Evidence, Judged, Outcome, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "E3",
    title: "TLS and life",
    after: &["K1", "E1", "E2"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let entry = evidence.entry()?;
    if let Some(limit) = evidence.alive.late() {
        return Outcome::problem(
            "GET /livez, as nobody",
            format!(
                "{} takes the connection and does not answer within {} s",
                entry.server,
                limit.as_secs()
            ),
            format!(
                "see what answers there: curl -vk -m 5 {}/livez",
                entry.server
            ),
        );
    }
    match evidence.alive.seen()? {
        Ok(said) => Outcome::ok(format!("GET /livez, as nobody: {said}")),
        Err(trouble) => Outcome::trouble("GET /livez, as nobody", trouble),
    }
}
