//! Reads aws-auth and RBAC.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use super::{BearerToken, ConnectOptions, in_runtime, problem};
use awsauth_core::authenticator::User;
use awsauth_core::doctor::evidence::{AwsAuth, ConfigMapName, PermissionAnswer, Problem};
use awsauth_core::rbac::{Policy, Question, Scope};
use awsauth_kube::access_review::{self, Answer};
use awsauth_kube::connect::connect_with_plugin_token;
use awsauth_kube::{ApiClient, Live, connect, misplaced_aws_auth};

/// The identity that reads aws-auth and RBAC.
#[derive(Clone)]
pub(crate) enum Reader {
    /// The identity of this token.
    Token(BearerToken),
    /// The user of the kubeconfig, with the token that its exec plugin printed, if it has one.
    Kubeconfig(Option<SecretString>),
    /// The user of this other context, in the same way.
    Context(String, Option<SecretString>),
}

impl Reader {
    fn name(&self) -> String {
        match self {
            Self::Token(_) => "read with the token".to_owned(),
            Self::Kubeconfig(_) => "read as the kubeconfig user".to_owned(),
            Self::Context(name, _) => format!("read with context {name}"),
        }
    }

    pub(super) async fn client(&self, options: &ConnectOptions) -> Result<ApiClient, Problem> {
        let ConnectOptions {
            flags, environment, ..
        } = options;
        let (flags, printed) = match self {
            Self::Token(token) => {
                let client = options.authenticated(token).await;
                return client.map_err(|error| problem(&error, error.hint()));
            }
            Self::Kubeconfig(printed) => (flags.clone(), printed),
            Self::Context(name, printed) => (options.of_context(name), printed),
        };
        let client = match printed {
            Some(token) => connect_with_plugin_token(&flags, environment, token.clone()).await,
            None => connect(&flags, environment).await,
        };
        client.map_err(|error| problem(&error, error.hint()))
    }
}

/// Reads aws-auth.
pub(crate) fn read(
    options: &ConnectOptions,
    reader: &Reader,
    limit: Duration,
) -> Result<AwsAuth, Problem> {
    let read = in_runtime(async {
        let client = reader.client(options).await?;
        let live = client.read(limit).await;
        let live = live.map_err(|error| problem(&error, error.hint()))?;
        let misplaced = match live.exists() {
            true => Vec::new(),
            false => misplaced_aws_auth(&client, limit).await,
        };
        Ok((live, misplaced))
    });
    let (live, misplaced) =
        read.map_err(|error| problem(&error, "check the limits of this process: ulimit -a"))??;
    Ok(AwsAuth {
        place: reader.name(),
        exists: live.exists(),
        snapshot: live.snapshot(),
        changed: changed(&live),
        misplaced: misplaced
            .into_iter()
            .map(|(namespace, name)| ConfigMapName { namespace, name })
            .collect(),
    })
}

/// Returns the time of the latest change that the API server has recorded.
fn changed(live: &Live) -> Option<Timestamp> {
    let managers = live.managers();
    let times = managers.iter().filter_map(|manager| manager.time.as_ref());
    times.filter_map(|time| time.parse().ok()).max()
}

/// Reads the RBAC policy. If the user cannot sign in for itself, also asks the API server for its
/// permissions.
pub(crate) fn rights(
    options: &ConnectOptions,
    reader: &Reader,
    user: &User,
    questions: &[Question],
    limit: Duration,
) -> Result<(Policy, Option<Vec<PermissionAnswer>>), Problem> {
    let read = in_runtime(async {
        let client = reader.client(options).await?;
        let policy = awsauth_kube::rbac::policy_in(&client, &Scope::AllNamespaces, limit).await;
        let answers = match questions {
            [] => None,
            questions => access_review::check_access_of(&client, user, questions, "default", limit)
                .await
                .ok(),
        };
        Ok((policy, answers.map(|answers| answered(questions, answers))))
    });
    read.map_err(|error| problem(&error, "check the limits of this process: ulimit -a"))?
}

/// Pairs the questions with the answers.
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
