//! Proves with fresh sign-ins that the caller keeps access.

use std::time::{Duration, Instant};

use crate::access_check::{ExpectedAccess, TokenSigner, everything};
use crate::backend::{Backend, SignIn};
use crate::terminal::{Failure, Kind, Out};
use awsauth_core::arn::canonical;
use awsauth_core::facts::groups::MASTERS;
use awsauth_core::rbac::Question;

/// The pause between two attempts: EKS needs seconds for a change to access entries.
const PAUSE: Duration = Duration::from_secs(2);

/// The caller's access before a change.
pub(super) struct CallerProof {
    cluster: SignIn,
    signer: TokenSigner,
    username: String,
    everything: Vec<Question>,
}

impl CallerProof {
    /// Signs in with a fresh token, before anything is changed.
    ///
    /// # Errors
    /// If the caller cannot sign in.
    pub(super) fn prepare(backend: &Backend, out: &mut Out) -> Result<Self, Failure> {
        let cluster = backend.sign_in(out)?;
        let what = "cannot prove that you keep access";
        let signer = TokenSigner::get(&cluster, None, what, out)?;
        let mut everything = vec![everything()?];
        let expected = ExpectedAccess {
            can: &everything,
            ..ExpectedAccess::default()
        };
        let checked = expected.check(&cluster, &signer, Duration::ZERO, out)?;
        let verification = checked.verification();
        let Some(who) = verification.who else {
            return Err(checked
                .failure(&cluster, &signer)
                .unwrap_or_else(|| Failure::new(Kind::No, "the sign-in shows no user"))
                .at("you cannot sign in, so nothing was changed"));
        };
        let username = who.username.clone();
        if !verification
            .answers
            .iter()
            .all(|(_, answer)| answer.allowed)
        {
            everything.clear();
        }
        drop(checked);
        Ok(Self {
            cluster,
            signer,
            username,
            everything,
        })
    }

    /// Returns the ARN that the caller signs in with.
    ///
    /// # Errors
    /// If STS does not return it.
    pub(super) fn caller(&self) -> Result<String, Failure> {
        let what = "cannot find out which access entry is yours";
        let caller = self.signer.caller().map_err(|error| {
            let failure = Failure::new(Kind::Unreachable, what).because(&error);
            failure.hint(error.hint())
        })?;
        let canonical = canonical(&caller.arn);
        let canonical =
            canonical.map_err(|error| Failure::new(Kind::Unreachable, what).because(&error))?;
        Ok(canonical.arn)
    }

    /// Expects an administrator's permissions afterwards.
    ///
    /// # Errors
    /// If awsauth has a bug.
    pub(super) fn expect_everything(&mut self) -> Result<(), Failure> {
        self.everything = vec![everything()?];
        Ok(())
    }

    /// Signs in until the caller has the same access through the other store. `leaves_masters` is whether the new access must
    /// not come from the group system:masters.
    ///
    /// # Errors
    /// If the caller does not have that access in time.
    pub(super) fn check(
        &self,
        leaves_masters: bool,
        time_limit: Duration,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let expected = ExpectedAccess {
            username: Some(&self.username),
            can: &self.everything,
            ..ExpectedAccess::default()
        };
        let deadline = Instant::now() + time_limit;
        loop {
            // Tokens that are made in the same second are equal, and the API server caches the user of a token for 10 s. So the
            // first token must be made in a later second than those before the change.
            self.cluster.pause(PAUSE, out)?;
            let checked = expected.check(&self.cluster, &self.signer, Duration::ZERO, out)?;
            let verification = checked.verification();
            let has_masters = verification
                .who
                .is_some_and(|who| who.groups.iter().any(|group| group == MASTERS));
            if checked.is_good() && !(leaves_masters && has_masters) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let failure = checked.failure(&self.cluster, &self.signer);
                return Err(failure.unwrap_or_else(|| {
                    Failure::new(Kind::No, "your sign-in still uses aws-auth")
                }));
            }
        }
    }
}
