use std::time::Duration;

use secrecy::SecretString;

use super::endpoint::of_request;
use super::{Way, in_runtime, trouble};
use crate::cluster::fault::{Fault, RequestError};
use crate::cluster::review::{self, Answer};
use crate::doctor::evidence::{Answered, SignedIn, Trouble};
use crate::rbac::Question;

/// What a token came to.
pub(crate) struct Came {
    pub(crate) signed_in: SignedIn,
    pub(crate) answers: Option<Vec<Answered>>,
}

/// Signs in with the token, and asks what its holder may do.
pub(crate) fn sign_in(
    way: &Way,
    token: SecretString,
    questions: &[Question],
    namespace: &str,
    limit: Duration,
) -> Came {
    let failed = |trouble: Trouble| Came {
        signed_in: SignedIn::Failed(trouble),
        answers: None,
    };
    let came = in_runtime(async {
        let store = match way.nobody().await {
            Ok(store) => store.signed_in(token),
            Err(error) => return failed(trouble(&error, error.hint())),
        };
        let signed_in = match review::who(&store, limit).await {
            Ok(who) => SignedIn::In {
                username: who.username,
                groups: who.groups,
            },
            Err(error) => refused(&error),
        };
        let answers = match signed_in {
            SignedIn::In { .. } => review::may(&store, questions, namespace, limit).await.ok(),
            _ => None,
        };
        Came {
            signed_in,
            answers: answers.map(|answers| answered(questions, answers)),
        }
    });
    came.unwrap_or_else(|error| failed(trouble(&error, "see what limits this process: ulimit -a")))
}

pub(super) fn answered(questions: &[Question], answers: Vec<Answer>) -> Vec<Answered> {
    let pairs = questions.iter().zip(answers);
    pairs
        .map(|(question, answer)| Answered {
            question: question.to_string(),
            allowed: answer.allowed,
            reason: answer.reason,
        })
        .collect()
}

fn refused(error: &RequestError) -> SignedIn {
    match &error.fault {
        Fault::Unauthorized(_) => SignedIn::Unauthorized,
        Fault::Forbidden(said) => SignedIn::Forbidden(said.clone()),
        _ => SignedIn::Failed(of_request(error)),
    }
}
