//! Signs in with the token.

use std::time::Duration;

use super::aws_auth::{Reader, answered};
use super::endpoint_probe::of_request;
use super::{ConnectOptions, in_runtime, problem};
use awsauth_core::doctor::evidence::{Collected, PermissionAnswer, Problem, SignedIn};
use awsauth_core::endpoint_trust::{Distrust, UntrustedEndpoint};
use awsauth_core::rbac::Question;
use awsauth_kube::access_review;
use awsauth_kube::connect::ConnectError;
use awsauth_kube::request_error::{Fault, RequestError};

/// The result of signing in with a token.
pub(crate) struct SignInResult {
    pub(crate) signed_in: Collected<SignedIn>,
    pub(crate) answers: Option<Vec<PermissionAnswer>>,
}

/// Signs in with the token or as the user of the kubeconfig, and checks permissions. A token that awsauth signed is sent only to the cluster's EKS
/// endpoint.
pub(crate) fn sign_in(
    options: &ConnectOptions,
    who: &Reader,
    questions: &[Question],
    namespace: &str,
    limit: Duration,
) -> SignInResult {
    let failed = |problem: Problem| SignInResult {
        signed_in: Collected::Seen(SignedIn::Failed(problem)),
        answers: None,
    };
    let result = in_runtime(async {
        let connected = match who {
            Reader::Token(token) => options.authenticated(token).await,
            who => match who.client(options).await {
                Ok(client) => Ok(client),
                Err(problem) => return failed(problem),
            },
        };
        let client = match connected {
            Ok(client) => client,
            Err(ConnectError::Untrusted(error)) if error.reason != Distrust::PlainHttp => {
                return SignInResult {
                    signed_in: Collected::NotRequested(needs(&error)),
                    answers: None,
                };
            }
            Err(error) => return failed(problem(&error, error.hint())),
        };
        let signed_in = match access_review::current_user(&client, limit).await {
            Ok(who) => SignedIn::In {
                username: who.username,
                groups: who.groups,
            },
            Err(error) => refused(&error),
        };
        let answers = match signed_in {
            SignedIn::In { .. } => {
                access_review::check_access(&client, questions, namespace, limit)
                    .await
                    .ok()
            }
            _ => None,
        };
        SignInResult {
            signed_in: Collected::Seen(signed_in),
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

/// Describes what the sign-in needs: a server that is trusted with the token.
fn needs(error: &UntrustedEndpoint) -> String {
    format!(
        "a server that may get the token: {error}; {}",
        error.hint(None)
    )
}

fn refused(error: &RequestError) -> SignedIn {
    match &error.fault {
        Fault::Unauthorized(_) => SignedIn::Unauthorized,
        Fault::Forbidden(message) => SignedIn::Forbidden(message.clone()),
        _ => SignedIn::Failed(of_request(error)),
    }
}
