use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::trouble;
use crate::aws::credentials::{self, CallerError, Resolved, SourceError, Wish};
use crate::aws::eks::{Eks, EksError};
use crate::aws::replay::replay;
use crate::aws::{AwsError, Surroundings};
use crate::cluster::choice::Choice;
use crate::cluster::{AtEks, Place};
use crate::doctor::evidence::{
    Caller, Described, NotDescribed, Played, Signer, StsTrouble, Token, Trouble,
};
use crate::effect::AccessEntries;
use crate::facts::access_entries::AccessEntry;
use crate::facts::auth_mode::AuthenticationMode;
use crate::facts::partitions::Partition;
use crate::token::{Authenticator, Replay};

/// Asks STS whose credentials these are.
pub(crate) fn caller(
    resolved: &Resolved,
    wish: &Wish,
    surroundings: &Surroundings,
    now: Timestamp,
) -> Result<Caller, StsTrouble> {
    let asked = credentials::caller(resolved, wish, surroundings, now);
    asked
        .map(|caller| Caller {
            arn: caller.arn,
            account: caller.account,
        })
        .map_err(|error| match error {
            CallerError::Machine(error) => of_machine(&error),
            CallerError::Sts(error) => of_aws(&error),
        })
}

/// Reads a token as the authenticator does before it asks anybody. What comes with it is for [`play`].
pub(crate) fn read(
    token: &SecretString,
    signer: Signer,
    cluster: &str,
    region: &str,
    keys_end: Option<Timestamp>,
    now: Timestamp,
) -> (Token, Option<Replay>) {
    let authenticator = Authenticator {
        partition: Partition::of_region(region).id,
        region,
    };
    let text = token.expose_secret();
    let read = authenticator.read(text, now);
    let seen = Token {
        signer,
        bytes: text.len(),
        cluster: cluster.to_owned(),
        read: read
            .as_ref()
            .map(|replay| (replay.host.clone(), replay.signed))
            .map_err(Clone::clone),
        keys_end,
    };
    (seen, read.ok())
}

/// Asks STS about a token as the authenticator does.
pub(crate) fn play(
    ready: &Replay,
    cluster: &str,
    profile: Option<&str>,
    surroundings: &Surroundings,
) -> Result<Played, StsTrouble> {
    let named =
        replay(ready, cluster, profile, surroundings).map_err(|error| of_machine(&error))?;
    let named = named.map_err(|error| of_aws(&error))?;
    Ok(Played {
        arn: named.identity.canonical_arn,
        session_name: named.identity.session_name,
        clock_ahead: named.clock_ahead,
    })
}

/// Asks EKS about the cluster.
pub(crate) fn describe(
    resolved: &Resolved,
    profile: Option<&str>,
    surroundings: &Surroundings,
    name: &str,
    choice: &Choice,
) -> Result<Described, NotDescribed> {
    let asked = Eks::new(resolved, profile, surroundings).and_then(|mut eks| eks.describe(name));
    let facts = asked.map_err(|error| match &error {
        EksError::NoSuchCluster { .. } => {
            NotDescribed::NoSuchCluster(trouble(&error, error.hint()))
        }
        EksError::NotReady { .. } => NotDescribed::NotReady(trouble(&error, error.hint())),
        EksError::Denied { statement, .. } => {
            NotDescribed::Unknown(format!("AWS does not allow it; a policy needs {statement}"))
        }
        _ => NotDescribed::Unknown(super::words(&error)),
    })?;
    let versions = [facts.version, facts.platform_version];
    let versions: Vec<String> = versions.into_iter().flatten().collect();
    Ok(Described {
        same_authority: choice.trusts(&facts.certificate_authority_data),
        name: facts.name,
        arn: facts.arn,
        endpoint: facts.endpoint,
        mode: facts.authentication_mode,
        version: versions.join(" "),
        logs_authenticator: facts.logs_authenticator,
    })
}

/// Asks EKS where the cluster is.
pub(crate) fn place(
    resolved: &Resolved,
    profile: Option<&str>,
    surroundings: &Surroundings,
    name: &str,
) -> Result<Place, Trouble> {
    let asked = Eks::new(resolved, profile, surroundings).and_then(|mut eks| eks.describe(name));
    let facts = asked.map_err(|error| Trouble {
        cause: format!(
            "there is no kubeconfig, and EKS does not say where {name} is: {}",
            super::words(&error)
        ),
        next: error.hint(),
    })?;
    Ok(Place {
        eks: AtEks {
            name: facts.name,
            arn: facts.arn,
        },
        token_id: facts.token_id,
        endpoint: facts.endpoint,
        certificate_authority_data: facts.certificate_authority_data,
    })
}

/// Asks EKS about the access entry of whoever signs in with this ARN.
pub(crate) fn access_entries(
    resolved: &Resolved,
    profile: Option<&str>,
    surroundings: &Surroundings,
    name: &str,
    mode: AuthenticationMode,
    arn: &str,
) -> Result<AccessEntries, String> {
    let mut eks =
        Eks::new(resolved, profile, surroundings).map_err(|error| super::words(&error))?;
    let signs_in = |principal: &str| {
        let one = [AccessEntry {
            principal_arn: principal.to_owned(),
            terms: None,
        }];
        AccessEntries::new(AuthenticationMode::Api, Some(one.into()))
            .of(arn)
            .is_some()
    };
    match eks.access_entries(name, &signs_in) {
        Ok(told) => Ok(AccessEntries::new(mode, Some(told.entries))),
        Err(untold) => Err(format!("{}: {}", untold.action, untold.hint())),
    }
}

fn of_machine(error: &SourceError) -> StsTrouble {
    StsTrouble {
        code: None,
        trouble: trouble(error, error.hint()),
        clock_ahead: None,
    }
}

fn of_aws(error: &AwsError) -> StsTrouble {
    StsTrouble {
        code: error.code().map(str::to_owned),
        trouble: trouble(error, error.hint()),
        clock_ahead: error.refused().and_then(|refused| refused.clock_ahead),
    }
}
