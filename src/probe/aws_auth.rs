use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use super::sign_in::answered;
use super::{Way, in_runtime, trouble};
use crate::cluster::review;
use crate::cluster::{self, Flags, Live, Store, connect};
use crate::doctor::evidence::{Answered, AwsAuth, Trouble};
use crate::effect::User;
use crate::rbac::{Policy, Question, UserInfo};

/// Who reads.
#[derive(Clone)]
pub(crate) enum Reader {
    /// The holder of this token.
    Token(SecretString),
    /// The user of the kubeconfig.
    Kubeconfig,
    /// The user of this other context.
    Context(String),
}

impl Reader {
    fn name(&self) -> String {
        match self {
            Self::Token(_) => "read with the token".to_owned(),
            Self::Kubeconfig => "read as the kubeconfig's user".to_owned(),
            Self::Context(name) => format!("read by context {name}"),
        }
    }

    pub(super) async fn store(&self, way: &Way) -> Result<Store, Trouble> {
        let Way {
            flags, environment, ..
        } = way;
        let other = |name: &String| Flags {
            context: Some(name.clone()),
            ..flags.clone()
        };
        let store = match self {
            Self::Token(token) => way
                .nobody()
                .await
                .map(|store| store.signed_in(token.clone())),
            Self::Kubeconfig => connect(flags, environment).await,
            Self::Context(name) => connect(&other(name), environment).await,
        };
        store.map_err(|error| trouble(&error, error.hint()))
    }
}

/// Reads aws-auth.
pub(crate) fn read(way: &Way, reader: &Reader, limit: Duration) -> Result<AwsAuth, Trouble> {
    let read = in_runtime(async {
        let store = reader.store(way).await?;
        let live = store.read(limit).await;
        live.map_err(|error| trouble(&error, error.hint()))
    });
    let live =
        read.map_err(|error| trouble(&error, "see what limits this process: ulimit -a"))??;
    Ok(AwsAuth {
        place: reader.name(),
        exists: live.exists(),
        snapshot: live.snapshot(),
        changed: changed(&live),
    })
}

/// The latest time that the API server has on record for a change of what it holds.
fn changed(live: &Live) -> Option<Timestamp> {
    let managers = live.managers();
    let times = managers.iter().filter_map(|manager| manager.time.as_ref());
    times.filter_map(|time| time.parse().ok()).max()
}

/// What RBAC says of a user, and, where they can't be asked themselves, what they may do.
pub(crate) fn rights(
    way: &Way,
    reader: &Reader,
    user: &User,
    questions: &[Question],
    limit: Duration,
) -> Result<(Policy, Option<Vec<Answered>>), Trouble> {
    let read = in_runtime(async {
        let store = reader.store(way).await?;
        let info = [UserInfo::new(user, &[])];
        let policy = cluster::rbac::policy(&store, &info, limit).await;
        let answers = match questions {
            [] => None,
            questions => review::may_they(&store, user, questions, "default", limit)
                .await
                .ok(),
        };
        Ok((policy, answers.map(|answers| answered(questions, answers))))
    });
    read.map_err(|error| trouble(&error, "see what limits this process: ulimit -a"))?
}
