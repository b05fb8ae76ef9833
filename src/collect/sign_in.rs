//! Signs in with the token.

use std::time::Duration;

use secrecy::SecretString;

use super::endpoint::of_request;
use super::{ConnectOptions, in_runtime, problem};
use awsauth_core::doctor::evidence::{PermissionAnswer, Problem, SignedIn};
use awsauth_core::rbac::Question;
use awsauth_kube::request_error::{Fault, RequestError};
use awsauth_kube::review::{self, Answer};

/// The result of signing in with a token.
pub(crate) struct SignInResult {
    pub(crate) signed_in: SignedIn,
    pub(crate) answers: Option<Vec<PermissionAnswer>>,
}

/// Signs in with the token, and checks permissions.
pub(crate) fn sign_in(
    options: &ConnectOptions,
    token: SecretString,
    questions: &[Question],
    namespace: &str,
    limit: Duration,
) -> SignInResult {
    let failed = |problem: Problem| SignInResult {
        signed_in: SignedIn::Failed(problem),
        answers: None,
    };
    let result = in_runtime(async {
        let client = match options.anonymous().await {
            Ok(client) => client.signed_in(token),
            Err(error) => return failed(problem(&error, error.hint())),
        };
        let signed_in = match review::current_user(&client, limit).await {
            Ok(who) => SignedIn::In {
                username: who.username,
                groups: who.groups,
            },
            Err(error) => refused(&error),
        };
        let answers = match signed_in {
            SignedIn::In { .. } => review::check_access(&client, questions, namespace, limit)
                .await
                .ok(),
            _ => None,
        };
        SignInResult {
            signed_in,
            answers: answers.map(|answers| answered(questions, answers)),
        }
    });
    result.unwrap_or_else(|error| {
        failed(problem(
            &error,
            "check the limits of this process: ulimit -a",
        ))
    })
}

pub(super) fn answered(questions: &[Question], answers: Vec<Answer>) -> Vec<PermissionAnswer> {
    let pairs = questions.iter().zip(answers);
    pairs
        .map(|(question, answer)| PermissionAnswer {
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
