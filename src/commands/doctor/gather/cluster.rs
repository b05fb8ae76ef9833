use super::Asked;
use super::token::{Tried, reader};
use crate::cluster::choice::Choice;
use crate::doctor::evidence::{Evidence, Probed, SignedIn, Trouble};
use crate::probe;
use crate::probe::aws_auth::{self, Reader};
use crate::probe::nodes::Joined;
use crate::probe::{LIMIT, Sent, Way, send, sign_in};

impl Asked {
    /// Signs in, reads aws-auth and asks what is allowed.
    pub(super) fn ask_cluster(
        &self,
        evidence: &mut Evidence,
        way: &Way,
        choice: Option<&Choice>,
        tried: Option<Tried>,
    ) {
        let token = tried
            .map(|tried| tried.token)
            .filter(|_| self.arn.is_none());
        let own = reader(choice, self.as_context.as_deref(), evidence);
        // Somebody who may anyway reads at the same time.
        let read = |reader: &Reader| {
            let (way, reader) = (way.clone(), reader.clone());
            send(super::READING, way.end, move || {
                aws_auth::read(&way, &reader, LIMIT)
            })
        };
        let reading = own.as_ref().map(read);
        match &token {
            Some(token) => {
                let (way, token) = (way.clone(), token.clone());
                let questions = self.questions.clone();
                let namespace = choice.map(|choice| choice.namespace.clone());
                let came = send(LIMIT * 2, way.end, move || {
                    let namespace = namespace.as_deref().unwrap_or("default");
                    sign_in::sign_in(&way, token, &questions, namespace, LIMIT)
                });
                let (signed_in, answers) = match came.wait() {
                    Probed::Seen(came) => (Probed::Seen(came.signed_in), came.answers),
                    Probed::TooLate(limit) => (Probed::TooLate(limit), None),
                    Probed::NotAsked(needs) => (Probed::NotAsked(needs), None),
                };
                evidence.signed_in = signed_in;
                evidence.answers = answers.map_or_else(
                    || Probed::NotAsked("to be signed in (M2)".to_owned()),
                    Probed::Seen,
                );
            }
            None => {
                let needs = match self.arn {
                    Some(_) => "to be the one who is diagnosed (without --for)",
                    None => "a token (T1)",
                };
                evidence.signed_in = Probed::NotAsked(needs.to_owned());
            }
        }
        let is_in = matches!(evidence.signed_in.known(), Some(SignedIn::In { .. }));
        let mine = token.filter(|_| is_in).map(Reader::Token);
        let (reading, reader) = match reading {
            Some(reading) => (Some(reading), own),
            None => (mine.as_ref().map(read), mine),
        };
        let needs = "somebody who may read it: --as-context NAME";
        evidence.aws_auth = reading.map_or_else(|| Probed::NotAsked(needs.to_owned()), Sent::wait);
        let counting = counted(evidence, way, reader.as_ref());
        self.rights(evidence, way, reader);
        nodes(evidence, counting);
    }

    /// Reads what RBAC says of the user, and of somebody else what they may do.
    pub(super) fn rights(&self, evidence: &mut Evidence, way: &Way, reader: Option<Reader>) {
        let needs = || "somebody who may read RBAC".to_owned();
        let Some((user, reader)) = evidence.user().zip(reader) else {
            evidence.policy = Probed::NotAsked(needs());
            return;
        };
        let way = way.clone();
        let questions = match self.arn {
            Some(_) => self.questions.clone(),
            None => Vec::new(),
        };
        let asked = send(LIMIT * 2, way.end, move || {
            aws_auth::rights(&way, &reader, &user, &questions, LIMIT)
        });
        match asked.wait() {
            Probed::Seen(Ok((policy, answers))) => {
                evidence.policy = Probed::Seen(policy);
                if let Some(answers) = answers {
                    evidence.answers = Probed::Seen(answers);
                }
            }
            Probed::Seen(Err(trouble)) => evidence.policy = Probed::NotAsked(trouble.cause),
            Probed::TooLate(limit) => evidence.policy = Probed::TooLate(limit),
            Probed::NotAsked(needs) => evidence.policy = Probed::NotAsked(needs),
        }
    }
}

/// Counts the nodes and Karpenter's node classes.
fn counted(
    evidence: &Evidence,
    way: &Way,
    reader: Option<&Reader>,
) -> Option<Sent<Result<Joined, Trouble>>> {
    let arn = match evidence.described.known() {
        Some(Ok(described)) => described.arn.clone(),
        _ => String::new(),
    };
    let (way, reader) = (way.clone(), reader?.clone());
    Some(send(super::READING, way.end, move || {
        probe::nodes::joined(&way, &reader, &arn, LIMIT)
    }))
}

/// Notes what nodes there are.
fn nodes(evidence: &mut Evidence, counting: Option<Sent<Result<Joined, Trouble>>>) {
    let needs = || "somebody who may list nodes".to_owned();
    match counting.map(Sent::wait) {
        Some(Probed::Seen(Ok(joined))) => {
            evidence.node_classes = Probed::Seen(joined.classes);
            evidence.nodes = Probed::Seen(joined.nodes);
        }
        Some(Probed::Seen(Err(trouble))) => evidence.nodes = Probed::NotAsked(trouble.cause),
        Some(Probed::TooLate(limit)) => evidence.nodes = Probed::TooLate(limit),
        Some(Probed::NotAsked(needs)) => evidence.nodes = Probed::NotAsked(needs),
        None => evidence.nodes = Probed::NotAsked(needs()),
    }
}
