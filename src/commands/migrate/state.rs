//! What a migration depends on, read from the cluster or a file.

use std::sync::Arc;

use super::{Args, not_possible};
use crate::backend::{Backend, Inventory};
use crate::commands::unused::Source;
use crate::terminal::{Failure, Out};
use awsauth_core::access_entries::migrate::{
    Choices, ClusterFacts, FinishObstacle, MigrationInput, MigrationPlan, finish_obstacles, plan,
};
use awsauth_core::authenticator::{AccessEntries, MappedPrincipals, Store};
use awsauth_core::document::Document;
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::node_report::NodeReportInput;
use awsauth_core::plan::{Admins, Known};
use awsauth_core::unused_access::AccountUse;

/// The state of both stores, as far as it is known.
pub(super) struct State {
    pub(super) document: Document,
    /// The ARN that the caller signs in with.
    pub(super) caller: Option<String>,
    /// The users and groups that are bound to `cluster-admin`.
    pub(super) admins: Option<Admins>,
    pub(super) access_entries: Option<Arc<AccessEntries>>,
    inventory: Option<Inventory>,
}

impl State {
    /// Reads aws-auth, the access entries, the nodes and the IAM principals. Prints a warning for what cannot be read.
    pub(super) fn read(backend: &mut Backend, out: &mut Out) -> Result<Self, Failure> {
        let access_entries = backend.access_configuration(out);
        let first = backend.read_for_plan(false, true, out)?;
        let (snapshot, caller, admins) = match first {
            Some(first) => {
                let caller = match first.facts.caller {
                    Known::Is(caller) => caller.arn,
                    _ => None,
                };
                let admins = match first.facts.admins {
                    Known::Is(admins) => Some(admins),
                    _ => None,
                };
                (first.snapshot, caller, admins)
            }
            None => (backend.read(out)?.snapshot, None, None),
        };
        let document = Document::read(&snapshot.data);
        for section in document
            .sections()
            .filter(|section| section.is_unreadable())
        {
            out.note(&format!(
                "{} cannot be read: none of its entries is in effect.",
                section.name().key()
            ));
        }
        let inventory = backend.inventory(&document, out);
        Ok(Self {
            document,
            caller,
            admins,
            access_entries,
            inventory,
        })
    }

    /// Returns the known access entries.
    pub(super) fn existing(&self) -> &[AccessEntry] {
        let entries = self.access_entries.as_deref();
        entries.and_then(AccessEntries::all).unwrap_or_default()
    }

    /// Returns the principals that signed in during the requested period and that only their account in aws-auth maps, for each
    /// of these accounts; `None` if the user gave no period.
    pub(super) fn account_use(
        &self,
        args: &Args,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<Option<Vec<AccountUse>>, Failure> {
        let Some(since) = args.since else {
            return Ok(None);
        };
        let store = Store::new(&self.document);
        let principals = MappedPrincipals::of(&store, self.access_entries.as_deref());
        let mut all = principals.all().iter();
        if all.all(|one| one.whole_account().is_none()) {
            return Ok(Some(Vec::new()));
        }
        let source = Source {
            log: &args.log,
            eks: backend.eks(),
            needs_log: false,
        };
        let evidence = source.evidence(since, &principals, backend, out)?;
        Ok(Some(evidence.account_use(&principals)))
    }

    /// Plans the migration with the user's choices. `run` is the name of the run that creates the access entries, if it does.
    pub(super) fn plan(
        &self,
        args: &Args,
        run: Option<&str>,
        backend: &Backend,
    ) -> Result<MigrationPlan<'_>, Failure> {
        let choices = choices(args, run);
        plan(&self.input(&choices, backend)).map_err(|error| not_possible(&error))
    }

    /// Returns why the cluster must not ignore aws-auth yet.
    pub(super) fn finish_obstacles(
        &self,
        args: &Args,
        nodes: &NodeReportInput<'_>,
        accounts: Option<&[AccountUse]>,
        backend: &Backend,
    ) -> Result<Vec<FinishObstacle>, Failure> {
        let choices = choices(args, None);
        let input = self.input(&choices, backend);
        let planned = plan(&input).map_err(|error| not_possible(&error))?;
        Ok(finish_obstacles(
            &planned,
            &input,
            self.admins.as_ref(),
            nodes,
            accounts,
        ))
    }

    fn input<'d: 'f, 'f>(
        &'d self,
        choices: &'f Choices,
        backend: &'f Backend,
    ) -> MigrationInput<'d, 'f> {
        let eks = backend.eks().map(|eks| &eks.facts);
        let inventory = self.inventory.as_ref();
        MigrationInput {
            document: &self.document,
            access_entries: self.access_entries.as_deref(),
            cluster: eks.map(|facts| ClusterFacts {
                arn: &facts.arn,
                version: facts.version.as_deref(),
                platform_version: facts.platform_version.as_deref(),
            }),
            node_inventory: inventory.map(|found| &found.node_inventory),
            principals: inventory.and_then(|found| found.principals.as_ref()),
            caller: self.caller.as_deref(),
            choices,
        }
    }
}

fn choices(args: &Args, run: Option<&str>) -> Choices {
    Choices {
        masters: args.masters.clone().unwrap_or_default(),
        accepted: args.accepted.clone(),
        skipped: args.skipped.clone(),
        principals: args.principals.clone(),
        run: run.map(str::to_owned),
    }
}
