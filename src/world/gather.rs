//! What guards have to know, asked at the same time as aws-auth is read for the first time.

use std::time::Duration;

use tokio::join;

use super::World;
use super::live::{Cluster, until_interrupted};
use crate::cluster::fault::{Fault, RequestError};
use crate::cluster::rbac;
use crate::cluster::review::{self, Reviewed};
use crate::edge::{Failure, Out};
use crate::effect::User;
use crate::facts::groups::AUTHENTICATED;
use crate::history::Who;
use crate::plan::{Admins, Caller, Facts, Known, Open, has_admin};
use crate::snapshot::Snapshot;

/// For how long a run waits for what only guards have to know.
const PATIENCE: Duration = Duration::from_secs(3);

/// aws-auth as it was read first, and what was asked beside it.
pub(crate) struct Gathered {
    /// What plans are made of; empty when there is no aws-auth.
    pub(crate) snapshot: Snapshot,
    /// Whether there is an aws-auth.
    pub(crate) exists: bool,
    /// What guards have to know.
    pub(crate) facts: Facts,
    /// Whether the API server lets the caller update aws-auth; `None` when it does not say.
    pub(crate) may_update: Option<bool>,
}

impl World {
    /// Reads aws-auth, from which the next write goes on, and asks what guards have to know; `None` of a manifest, which is read
    /// when it is written and of which only the document is known. `wants_admins` says whether what is bound to `cluster-admin` is
    /// going to matter.
    ///
    /// # Errors
    /// When aws-auth can't be read, or the user interrupts. What else can't be known is on record in the answer.
    pub(crate) fn gather(
        &mut self,
        is_to_write: bool,
        wants_admins: bool,
        out: &Out,
    ) -> Result<Option<Gathered>, Failure> {
        match self {
            Self::Manifest(_) => Ok(None),
            Self::Cluster(cluster) => {
                let gathered = cluster.gather(is_to_write, wants_admins, out);
                gathered.map(Some)
            }
        }
    }

    /// Asks what guards have found that they have to know.
    ///
    /// # Errors
    /// When the user interrupts.
    pub(crate) fn learn(
        &self,
        open: &[Open],
        facts: &mut Facts,
        out: &mut Out,
    ) -> Result<(), Failure> {
        for open in open {
            match (open, self) {
                (Open::MayUpdate(user), Self::Cluster(cluster)) => {
                    let answer = cluster.may_update(user, out)?;
                    facts.may_update.push((user.clone(), answer));
                }
                (Open::Admins, Self::Cluster(cluster)) => facts.admins = cluster.admins(out)?,
                (Open::AccessEntryOfAdmin, Self::Cluster(_)) => {
                    let entries = self.access_entries(&|_| true, out);
                    let answer = entries.and_then(|entries| has_admin(&entries, &facts.admins));
                    facts.access_entry_of_admin = answer.map_or_else(
                        || Known::Unknown {
                            needs: "eks:DescribeAccessEntry and eks:ListAssociatedAccessPolicies"
                                .to_owned(),
                        },
                        Known::Is,
                    );
                }
                (_, Self::Manifest(_)) => {}
            }
        }
        Ok(())
    }
}

impl Cluster {
    fn gather(
        &mut self,
        is_to_write: bool,
        wants_admins: bool,
        out: &Out,
    ) -> Result<Gathered, Failure> {
        let store = self.store();
        let timeout = self.asked().timeout;
        let patience = PATIENCE.min(timeout);
        let asking = async {
            join!(
                store.read(timeout),
                review::who(store, patience),
                review::may_update(store, None, patience),
                async {
                    match wants_admins {
                        true => Some(rbac::admins(store, patience).await),
                        false => None,
                    }
                },
            )
        };
        let (live, who, may_update, admins) =
            until_interrupted(self.runtime(), out, "Reading aws-auth", asking)?;
        let live = live.map_err(|error| match is_to_write {
            true => self.not_written(error),
            false => self.not_read(&error),
        })?;
        let eks = self.eks().map(|eks| &eks.facts);
        let facts = Facts {
            mode: eks.and_then(|eks| eks.authentication_mode),
            account: eks.map(|eks| eks.account().to_owned()),
            caller: match &who {
                Ok(_) if self.impersonates() => Known::Unknown {
                    needs: "a run without --as".to_owned(),
                },
                Ok(who) => Known::Is(caller(who)),
                Err(error) => unknown(error, "create selfsubjectreviews"),
            },
            admins: admins.map_or(Known::NotAsked, known_admins),
            ..Facts::default()
        };
        let who = who.map_or_else(|_| Who::default(), |who| named(&who));
        let gathered = Gathered {
            snapshot: live.snapshot(),
            exists: live.exists(),
            facts,
            may_update: may_update.ok(),
        };
        self.begin(live, who);
        Ok(gathered)
    }

    fn admins(&self, out: &Out) -> Result<Known<Admins>, Failure> {
        let asking = rbac::admins(self.store(), PATIENCE);
        let asked = until_interrupted(self.runtime(), out, "Asking what is allowed", asking)?;
        Ok(known_admins(asked))
    }

    fn may_update(&self, user: &User, out: &Out) -> Result<Known<bool>, Failure> {
        let mut they = user.clone();
        they.groups.push(AUTHENTICATED.to_owned());
        let asking = review::may_update(self.store(), Some(&they), PATIENCE);
        let asked = until_interrupted(self.runtime(), out, "Asking what is allowed", asking)?;
        Ok(match asked {
            Ok(may) => Known::Is(may),
            Err(error) => unknown(&error, "create subjectaccessreviews"),
        })
    }

    fn impersonates(&self) -> bool {
        let asked = self.asked();
        asked.impersonate.is_some() || !asked.impersonate_groups.is_empty()
    }
}

/// To whom `cluster-admin` is bound, or what it takes to know.
pub(crate) fn known_admins(admins: Result<Admins, RequestError>) -> Known<Admins> {
    match admins {
        Ok(admins) => Known::Is(admins),
        Err(error) => unknown(&error, "list clusterrolebindings"),
    }
}

fn caller(who: &Reviewed) -> Caller {
    let says = |key| who.says(key).map(str::to_owned);
    Caller {
        user: who.user(),
        arn: says("arn").or_else(|| says("canonicalArn")),
        session_name: says("sessionName"),
        access_key_id: says("accessKeyId"),
    }
}

fn named(who: &Reviewed) -> Who {
    Who {
        arn: who.says("arn").map(str::to_owned),
        username: Some(who.username.clone()),
    }
}

fn unknown<T>(error: &RequestError, permission: &str) -> Known<T> {
    let needs = match &error.fault {
        Fault::Forbidden(_) => format!("permission to {permission}"),
        // Some answer with a page.
        Fault::Server(status, ..) => {
            format!("an answer when asked to {permission} (the API server failed with {status})")
        }
        fault => {
            let said = fault.to_string();
            let line = said.lines().next().unwrap_or_default();
            format!("an answer when asked to {permission} ({line})")
        }
    };
    Known::Unknown { needs }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cluster::target::Target;

    #[test]
    fn a_page_is_told_by_its_status() {
        let page = "<html>\n<body>Not Implemented</body>\n</html>".to_owned();
        let error = RequestError {
            fault: Fault::Server(501, page, None),
            target: Arc::new(Target::default()),
            verb: "create",
        };
        let Known::<()>::Unknown { needs } = unknown(&error, "create x") else {
            panic!("it is known");
        };
        assert_eq!(
            needs,
            "an answer when asked to create x (the API server failed with 501)"
        );
    }
}
