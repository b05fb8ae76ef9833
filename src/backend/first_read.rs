//! The first read of aws-auth before a write, with the facts that guards need.

use std::sync::Arc;
use std::time::Duration;

use tokio::join;

use super::Backend;
use super::cluster::{Cluster, until_interrupted};
use crate::terminal::{Failure, Out};
use awsauth_core::authenticator::{AccessEntries, User};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::facts::groups::AUTHENTICATED;
use awsauth_core::history::Who;
use awsauth_core::plan::{Admins, Caller, Facts, Known, OpenQuestion, has_admin};
use awsauth_kube::ErrorKind;
use awsauth_kube::access_review::{self, ClusterUser};
use awsauth_kube::guard_facts::{known_admins, unknown};
use awsauth_kube::rbac;

/// The time limit of facts that only guards need.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// The first read of aws-auth, and the facts for guards.
pub(crate) struct FirstRead {
    /// The input of plans; empty if there is no aws-auth.
    pub(crate) snapshot: Snapshot,
    /// Whether aws-auth exists.
    pub(crate) exists: bool,
    /// The facts for guards.
    pub(crate) facts: Facts,
    /// Whether the caller may update aws-auth; `None` if the API server does not report it.
    pub(crate) may_update: Option<bool>,
}

impl Backend {
    /// Reads aws-auth for the next write, and the facts for guards; `None` for a manifest, which is read when it is
    /// written and has no other facts. `wants_admins` states whether to read the bindings of `cluster-admin`.
    ///
    /// # Errors
    /// If aws-auth cannot be read, or the user interrupts. The result lists the facts that are unknown.
    pub(crate) fn read_for_plan(
        &mut self,
        is_to_write: bool,
        wants_admins: bool,
        out: &Out,
    ) -> Result<Option<FirstRead>, Failure> {
        match self {
            Self::Manifest(_) => Ok(None),
            Self::Cluster(cluster) => {
                let first = cluster.read_for_plan(is_to_write, wants_admins, out);
                first.map(Some)
            }
        }
    }

    /// Looks up further facts that guards turned out to need. Returns all access entries with their contents, if a guard needs them
    /// and EKS lists them.
    ///
    /// # Errors
    /// If the user interrupts.
    pub(crate) fn answer_questions(
        &self,
        questions: &[OpenQuestion],
        facts: &mut Facts,
        out: &mut Out,
    ) -> Result<Option<Arc<AccessEntries>>, Failure> {
        let mut described = None;
        for question in questions {
            match (question, self) {
                (OpenQuestion::MayUpdate(user), Self::Cluster(cluster)) => {
                    let answer = cluster.can_update(user, out)?;
                    facts.may_update.push((user.clone(), answer));
                }
                (OpenQuestion::Admins, Self::Cluster(cluster)) => {
                    facts.admins = cluster.admins(out)?
                }
                (OpenQuestion::AccessEntryOfAdmin, Self::Cluster(_)) => {
                    let entries = self.access_entries(&|_| true, out);
                    let known = entries.as_deref();
                    let answer = known.and_then(|known| has_admin(known, &facts.admins));
                    facts.access_entry_of_admin = answer.map_or_else(
                        || Known::Unknown {
                            needs: "eks:DescribeAccessEntry and eks:ListAssociatedAccessPolicies"
                                .to_owned(),
                        },
                        Known::Is,
                    );
                    described = entries.filter(|entries| entries.all().is_some());
                }
                (_, Self::Manifest(_)) => {}
            }
        }
        Ok(described)
    }
}

impl Cluster {
    fn read_for_plan(
        &mut self,
        is_to_write: bool,
        wants_admins: bool,
        out: &Out,
    ) -> Result<FirstRead, Failure> {
        let client = self.client();
        let timeout = self.options().timeout;
        let time_limit = TIME_LIMIT.min(timeout);
        let asking = async {
            join!(
                client.read(timeout),
                access_review::current_user(client, time_limit),
                access_review::can_update_aws_auth(client, None, time_limit),
                async {
                    match wants_admins {
                        true => Some(rbac::admins(client, time_limit).await),
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
            admins: admins.map_or(Known::NotRequested, known_admins),
            ..Facts::default()
        };
        let who = match who {
            Ok(who) => Some(who.who()),
            // The write requests it again.
            Err(error) if error.kind() == ErrorKind::Unreachable => None,
            Err(_) => Some(Who::default()),
        };
        let first = FirstRead {
            snapshot: live.snapshot(),
            exists: live.exists(),
            facts,
            may_update: may_update.ok(),
        };
        self.begin(live, who);
        Ok(first)
    }

    /// Reads which users and groups are bound to `cluster-admin`.
    pub(super) fn admins(&self, out: &Out) -> Result<Known<Admins>, Failure> {
        let asking = rbac::admins(self.client(), TIME_LIMIT);
        let asked = until_interrupted(self.runtime(), out, "Asking what is allowed", asking)?;
        Ok(known_admins(asked))
    }

    fn can_update(&self, user: &User, out: &Out) -> Result<Known<bool>, Failure> {
        let mut they = user.clone();
        they.groups.push(AUTHENTICATED.to_owned());
        let asking = access_review::can_update_aws_auth(self.client(), Some(&they), TIME_LIMIT);
        let asked = until_interrupted(self.runtime(), out, "Asking what is allowed", asking)?;
        Ok(match asked {
            Ok(may) => Known::Is(may),
            Err(error) => unknown(&error, "create subjectaccessreviews"),
        })
    }

    fn impersonates(&self) -> bool {
        let asked = self.options();
        asked.impersonate.is_some() || !asked.impersonate_groups.is_empty()
    }
}

fn caller(who: &ClusterUser) -> Caller {
    let attribute = |key| who.attribute(key).map(str::to_owned);
    Caller {
        user: who.user(),
        arn: attribute("arn").or_else(|| attribute("canonicalArn")),
        session_name: attribute("sessionName"),
        access_key_id: attribute("accessKeyId"),
    }
}
