use super::evidence::{Keys, NoKeys, Place, Probed, Signer};
use super::{Evidence, Judged, Outcome, Rung, Skipped};

pub(super) const RUNG: Rung = Rung {
    id: "C1",
    title: "provider chain",
    after: &[],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    if let Probed::TooLate(limit) = evidence.keys {
        return Outcome::problem(
            format!("no credentials within {} s", limit.as_secs()),
            "the search for AWS credentials does not end: a source does not answer",
            "name the source: awsauth doctor --source env (or profile, instance, container, web-identity)",
        );
    }
    let passed = |tried: &[String]| match tried {
        [] => String::new(),
        tried => format!("; before that: {}", together(tried)),
    };
    if let (Some(Err(none)), true) = (evidence.keys.known(), has_its_own(evidence)) {
        return Outcome::ok(format!(
            "the token brings its own; here: {}",
            none.trouble.cause
        ));
    }
    match evidence.keys.seen()? {
        Ok(keys) => Outcome::ok(format!(
            "{}, key …{}{}",
            keys.source,
            keys.key,
            passed(&keys.tried)
        )),
        Err(none) => match (none.place, &none.source) {
            (Place::Chain, None) => Outcome::trouble(
                format!("no source has any: {}", together(&none.tried)),
                &none.trouble,
            ),
            (Place::Chain, Some(source)) => Outcome::trouble(source, &none.trouble),
            (_, source) => Outcome::ok(format!(
                "{} should serve{}",
                source.as_deref().unwrap_or("a source"),
                passed(&none.tried)
            )),
        },
    }
}

/// Sources that have nothing for the same reason, side by side.
fn together(tried: &[String]) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for attempt in tried {
        let (source, why) = attempt.split_once(": ").unwrap_or((attempt, ""));
        match reasons.iter_mut().find(|(other, _)| *other == why) {
            Some((_, sources)) => sources.push(source),
            None => reasons.push((why, vec![source])),
        }
    }
    let said = reasons
        .iter()
        .map(|(why, sources)| format!("{} ({why})", sources.join(", ")));
    said.collect::<Vec<_>>().join("; ")
}

/// Whether the token that is tried was not made of credentials found here.
fn has_its_own(evidence: &Evidence) -> bool {
    let token = evidence.token.known();
    token.is_some_and(|token| token.signer != Signer::Awsauth)
}

/// The problem of a search that failed at `place`; else the credentials.
pub(super) fn failed_at(
    evidence: &Evidence,
    place: Place,
) -> Result<Result<&Keys, &NoKeys>, Skipped> {
    match evidence.keys.seen()? {
        Err(_) if has_its_own(evidence) => Err(Skipped::needs(
            "credentials found here: the token brings its own",
        )),
        Err(none) if none.place == place => Ok(Err(none)),
        Err(_) => Err(Skipped::needs("credentials (C1)")),
        Ok(keys) => Ok(Ok(keys)),
    }
}

/// What a rung says that is about one source alone. `sources` are their names.
pub(super) fn of_source(
    evidence: &Evidence,
    place: Place,
    sources: &[&str],
    needs: &str,
    saw: fn(&Keys) -> String,
) -> Judged {
    match failed_at(evidence, place) {
        Ok(Err(none)) => {
            let source = none.source.clone().unwrap_or_default();
            Outcome::trouble(source, &none.trouble)
        }
        Ok(Ok(keys)) if sources.contains(&keys.source_name) => Outcome::ok(saw(keys)),
        Ok(Ok(_)) => Err(Skipped::needs(needs)),
        Err(skipped) => Err(skipped),
    }
}
