use super::c1::failed_at;
use super::evidence::Place;
use super::{Evidence, Judged, Outcome, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "C9",
    title: "freshness",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    match failed_at(evidence, Place::Expired)? {
        Err(none) => Outcome::trouble("the credentials say when they end", &none.trouble),
        Ok(keys) => {
            let mut saw = match keys.expiration {
                Some(end) => format!("they end at {end}"),
                None => "they do not say when they end".to_owned(),
            };
            for note in &keys.notes {
                saw += &format!("; {note}");
            }
            Outcome::ok(saw)
        }
    }
}
