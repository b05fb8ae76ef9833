//! The first read of aws-auth before a write, with the facts that guards need.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::join;

use super::Backend;
use super::cluster::{Cluster, until_interrupted};
use crate::terminal::{Failure, Out};
use awsauth_core::arn::Parts;
use awsauth_core::authenticator::{AccessEntries, User};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::facts::access_entries::{AccessEntry, Liveness};
use awsauth_core::facts::groups::AUTHENTICATED;
use awsauth_core::facts::iam_inventory::Principals;
use awsauth_core::history::Who;
use awsauth_core::plan::{Admins, Caller, Facts, Known, OpenQuestion, has_admin};
use awsauth_kube::ErrorKind;
use awsauth_kube::access_review::{self, ClusterUser};
use awsauth_kube::guard_facts::{known_admins, unknown};
use awsauth_kube::rbac;

/// The delay before the spinner appears.
const SPINNER_DELAY: Duration = Duration::from_millis(300);

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
    /// Whether the caller can update aws-auth; `None` if the API server does not report it.
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

    /// Looks up further facts that the guards need. Returns all access entries with their contents, if a guard needs them
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
                (OpenQuestion::LivingPrincipal(entries), Self::Cluster(cluster)) => {
                    cluster.find_living_principal(entries, facts, out);
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
        let timeout = self.options().timeout();
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
            // The write requests aws-auth again.
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

    /// Asks IAM for the principals of access entries, until it has one. After a failure, the others count as unknown.
    fn find_living_principal(&self, entries: &[AccessEntry], facts: &mut Facts, out: &mut Out) {
        let mut unavailable = None;
        for entry in entries {
            let answer = match &unavailable {
                None => self.is_principal_alive(entry, out),
                Some(needs) => Known::Unknown {
                    needs: String::clone(needs),
                },
            };
            let is_alive = answer == Known::Is(true);
            if let Known::Unknown { needs } = &answer {
                unavailable = Some(needs.clone());
            }
            let arn = entry.principal_arn.clone();
            facts.living_principals.push((arn, answer));
            if is_alive {
                return;
            }
        }
    }

    /// Returns whether IAM has the principal of an access entry as it was when the entry was created.
    fn is_principal_alive(&self, entry: &AccessEntry, out: &mut Out) -> Known<bool> {
        let unknown = |needs: &str| Known::Unknown {
            needs: needs.to_owned(),
        };
        let (Some(eks), Some(parts)) = (self.eks(), Parts::of(&entry.principal_arn)) else {
            return unknown("EKS");
        };
        let names = BTreeSet::from([parts.name.to_owned()]);
        let mut principals = Principals {
            account: eks.facts.account().to_owned(),
            ..Principals::default()
        };
        let _spinner = out.spinner("Asking IAM", SPINNER_DELAY);
        let (action, read) = match parts.kind {
            _ if parts.account != principals.account => ("", Ok(())),
            "user" => {
                let users = eks.iam().and_then(|mut iam| iam.users(&names));
                ("iam:GetUser", users.map(|users| principals.users = users))
            }
            _ => {
                let roles = eks.iam().and_then(|mut iam| iam.roles_named(&names));
                ("iam:GetRole", roles.map(|roles| principals.roles = roles))
            }
        };
        if let Err(error) = read {
            out.detail(|| format!("IAM did not return {}: {error}", entry.principal_arn));
            return unknown(action);
        }
        match Liveness::of(entry, Some(&principals)) {
            Liveness::Alive => Known::Is(true),
            Liveness::Dead | Liveness::Orphaned => Known::Is(false),
            Liveness::Unknown => {
                unknown("a principal of the cluster's account whose date of creation is known")
            }
        }
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
