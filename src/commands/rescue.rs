//! `awsauth rescue`.

mod caller;
mod remove_access_entry;
mod repair;
mod sign_in;
mod step;

use std::time::{Duration, Instant};

use clap::builder::FalseyValueParser;

use super::confirmation::{READS_ENTRIES, confirm, confirm_irreversible};
use crate::access_check::{SigningCredentials, TokenSigner};
use crate::backend::{Backend, HistoryOptions, SignIn, Target};
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_aws::credentials::Caller;
use awsauth_core::access_entries::rescue::{RescuePlan, is_rescued};
use awsauth_core::access_entries::{EntryChange, Operation, changes_by};
use awsauth_core::facts::access_entries::CLUSTER_ADMIN;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::history::{EntryWrite, RESCUE};
use awsauth_core::shell_quote::quoted;
use awsauth_kube::history::PendingWrites;
use awsauth_kube::node_readiness::NodeReadiness;
use caller::{CallerPrincipal, eks};
use remove_access_entry::{Addition, OtherWay};
use repair::Source;
use sign_in::Access;
use step::{Step, Steps};

/// The pause between two reads of the nodes.
const PAUSE: Duration = Duration::from_secs(2);

/// The maximum number of nodes that a message names.
const SHOWN: usize = 10;

/// The calls of a sign-in, as commands.
const SIGN_IN_CALLS: [&str; 2] = [
    "kubectl auth whoami",
    "kubectl auth can-i '*' '*' --all-namespaces",
];

const CALLER: &str = "Find out who you are";
const CLUSTER: &str = "Describe the cluster, and try to sign in";
const PRINCIPAL: &str = "Find your IAM principal and its access entry";
const MODE: &str = "Let the cluster read access entries";
const ENTRY: &str = "Give yourself an access entry";
const POLICY: &str = "Make yourself an administrator";
const SIGN_IN: &str = "Sign in with a fresh token";
const REPAIR: &str = "Repair aws-auth";
const NODES: &str = "Wait until the nodes are ready";
const REMOVAL: &str = "Remove your access entry";

/// Regain access to a cluster with IAM permissions alone
///
/// For a cluster that no administrator can sign in to, for example because aws-auth was deleted. Gives you an access entry
/// with the access policy AmazonEKSClusterAdminPolicy, checks it with a fresh sign-in, and repairs aws-auth with --from.
///
/// Prints for each step the API calls, the IAM permissions, the changes, and the state of the cluster if the rescue stops
/// there. If it stops, run the same command again: it continues. If you are already an administrator, it changes no access
/// entry.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # What would happen? Changes nothing
  awsauth rescue --cluster-name prod --dry-run

  # Get in, and restore the latest aws-auth of the history
  awsauth rescue --cluster-name prod --from history

  # Get in, restore a backup, and remove the access entry if aws-auth makes you an administrator again
  awsauth rescue --cluster-name prod --from backup.yaml --leave-no-trace")]
pub(crate) struct Args {
    /// Print every step and change nothing
    #[arg(long, env = "AWSAUTH_DRY_RUN", value_parser = FalseyValueParser::new())]
    dry_run: bool,

    /// Repair aws-auth from the latest state in the history, from the roles of nodes that `awsauth nodes` shows, from a
    /// revision number or from a file
    #[arg(long, env = "AWSAUTH_FROM", value_name = "history|nodes|REVISION|FILE", value_parser = repair::source)]
    from: Option<Source>,

    /// Keep your access entry, and do not ask
    #[arg(long, env = "AWSAUTH_KEEP_ENTRY", value_parser = FalseyValueParser::new(), conflicts_with = "leave_no_trace")]
    keep_entry: bool,

    /// If a fresh sign-in proves another way into the cluster, delete your access entry, if a rescue created it, or the policy that
    /// this rescue added to it
    #[arg(long, env = "AWSAUTH_LEAVE_NO_TRACE", value_parser = FalseyValueParser::new())]
    leave_no_trace: bool,

    /// The role that proves another way into the cluster, instead of your own mapping in aws-auth
    #[arg(long, env = "AWSAUTH_VERIFY_AS", value_name = "ARN")]
    verify_as: Option<String>,

    /// The ARN of your role with its IAM path, if IAM does not show it
    #[arg(long, env = "AWSAUTH_PRINCIPAL", value_name = "ARN")]
    principal: Option<String>,

    /// The reason for the change, recorded in the history
    #[arg(long, env = "AWSAUTH_REASON", value_name = "TEXT")]
    reason: Option<String>,

    /// Do not ask before the cluster is changed
    #[arg(long, short)]
    yes: bool,
}

/// A rescue in progress.
struct Rescue<'a> {
    args: &'a Args,
    /// The cluster's name, quoted for a shell.
    name: String,
    steps: Steps,
    caller: Caller,
    backend: Backend,
    cluster: SignIn,
    signer: TokenSigner,
    /// What this rescue added to an access entry that existed before.
    added_policy: Option<Addition>,
    /// What this rescue, or an earlier one that was stopped, did before it could write the history.
    unrecorded: PendingWrites,
}

/// Carries out the steps, or prints them.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let Some(name) = target.cluster_name.as_deref().map(quoted) else {
        return Err(caller::no_cluster_name());
    };
    let mut steps = Steps::default();
    let what = "cannot find out who you are";
    let call = "aws sts get-caller-identity".to_owned();
    steps.begin(&Step::reading(CALLER, vec![call], Vec::new()), out)?;
    let signing = SigningCredentials::get(&target.identity, None, what, out)?;
    let caller = signing.caller().map_err(|error| {
        let failure = Failure::new(Kind::Unreachable, what).because(&error);
        steps.failed(failure.hint(error.hint()))
    })?;
    steps.result(&caller.arn, out)?;

    let mut calls = vec![format!("aws eks describe-cluster --name {name}")];
    calls.extend(SIGN_IN_CALLS.map(str::to_owned));
    steps.begin(
        &Step::reading(CLUSTER, calls, vec!["eks:DescribeCluster"]),
        out,
    )?;
    let backend = Backend::open(target, matches, true, out)?;
    eks(&backend)?;
    let cluster = backend.sign_in(out)?;
    let token_id = cluster.eks().name.clone().unwrap_or_default();
    let signer = signing.signer(&cluster, token_id, "cannot sign in", out)?;
    let rescue = Rescue {
        args,
        name,
        steps,
        caller,
        backend,
        cluster,
        signer,
        added_policy: None,
        unrecorded: PendingWrites::default(),
    };
    rescue.run(target, matches, out)
}

impl Rescue<'_> {
    fn run(
        mut self,
        target: &Target,
        matches: &clap::ArgMatches,
        out: &mut Out,
    ) -> Result<Exit, Failure> {
        let access = Access::find(&self.cluster, &self.signer, Duration::ZERO, out)?;
        let mode = eks(&self.backend)?.facts.authentication_mode;
        let mode = mode.unwrap_or(AuthenticationMode::ConfigMap).name();
        let text = format!("The authentication mode is {mode}. {}", access.text());
        self.steps.result(&text, out)?;

        if !self.args.dry_run {
            self.unrecorded = self.backend.pending_writes(out)?;
            self.backend.remove_void(&mut self.unrecorded, out);
        }
        self.begin_principal(out)?;
        let chosen = self.args.principal.as_deref();
        let principal = CallerPrincipal::find(&self.caller, chosen, &self.backend);
        let is_admin = matches!(access, Access::Admin { .. });
        let is_in = is_admin || !self.args.dry_run;
        let mut principal = match principal {
            Ok(principal) => Some(principal),
            Err(failure) if is_admin => {
                self.steps.result(&failure.message(), out)?;
                None
            }
            Err(failure) => return Err(self.steps.failed(failure)),
        };
        if let Some(principal) = &principal {
            self.steps.result(&entry_text(principal), out)?;
        }
        match &mut principal {
            Some(principal) if !is_admin => self.get_in(principal, out)?,
            _ => {
                for title in [MODE, ENTRY, POLICY, SIGN_IN] {
                    self.steps.skip(title, "you are an administrator", out)?;
                }
            }
        }
        if is_in {
            // The API server caches the user of a token, so the next requests need another token.
            self.backend = Backend::open(target, matches, true, out)?;
            self.record(out)?;
        }
        self.repair(is_in, out)?;
        let exit = self.await_nodes(is_in, out)?;
        self.remove_entry(principal, out)?;
        if self.args.dry_run {
            out.note("Dry run: nothing was changed.");
        }
        Ok(exit)
    }

    /// Moves what was done to the history of the cluster.
    fn record(&mut self, out: &mut Out) -> Result<(), Failure> {
        self.backend.remove_void(&mut self.unrecorded, out);
        match self.backend.record_pending(&mut self.unrecorded, out) {
            Err(failure) if failure.exit() != Exit::Interrupted => {
                out.note(&format!(
                    "warning: the history does not have this rescue: {}",
                    failure.message()
                ));
                Ok(())
            }
            recorded => recorded,
        }
    }

    /// Records a change before it is made. The rescue cannot write the history yet.
    fn begin_change(&mut self, write: EntryWrite, out: &mut Out) {
        let options = self.recorded_as_rescue();
        Backend::add_pending(&mut self.unrecorded, write, &self.caller.arn, &options, out);
    }

    /// Returns how changes are recorded.
    fn recorded_as_rescue(&self) -> HistoryOptions {
        HistoryOptions {
            reason: Some(self.args.recorded_reason()),
            ..HistoryOptions::best_effort()
        }
    }

    fn begin_principal(&mut self, out: &mut Out) -> Result<(), Failure> {
        let name = &self.name;
        let calls = vec![
            "aws iam get-role --role-name ROLE".to_owned(),
            format!("aws eks describe-access-entry --cluster-name {name} --principal-arn ARN"),
            format!(
                "aws eks list-associated-access-policies --cluster-name {name} --principal-arn ARN"
            ),
        ];
        let permissions = vec![
            "iam:GetRole",
            "eks:DescribeAccessEntry",
            "eks:ListAssociatedAccessPolicies",
        ];
        let step = Step::reading(PRINCIPAL, calls, permissions);
        self.steps.begin(&step, out)
    }

    /// Makes the caller an administrator through an access entry.
    fn get_in(&mut self, principal: &mut CallerPrincipal, out: &mut Out) -> Result<(), Failure> {
        let mut plan = principal
            .plan(&self.backend)
            .map_err(|f| self.steps.failed(f))?;
        match &plan.mode {
            None => self.steps.skip(MODE, "it reads them already", out)?,
            Some(mode) => {
                self.change_mode(mode, out)?;
                if !self.args.dry_run {
                    self.backend.describe_again(out)?;
                    // EKS creates the access entry of the cluster's creator, who may be the caller.
                    principal.read_entry(&self.backend)?;
                    plan = principal
                        .plan(&self.backend)
                        .map_err(|f| self.steps.failed(f))?;
                }
            }
        }
        self.change_entry(&plan, principal, out)?;
        let calls = SIGN_IN_CALLS.map(str::to_owned).into();
        let mut step = Step::reading(SIGN_IN, calls, Vec::new());
        step.afterwards = "Your access entry stays.".to_owned();
        self.steps.begin(&step, out)?;
        if self.args.dry_run {
            return Ok(());
        }
        let time_limit = self.backend.timeout();
        let access = Access::find(&self.cluster, &self.signer, time_limit, out)?;
        let text = access.text();
        let eks = eks(&self.backend)?;
        match access.failure(&eks.facts) {
            None => self.steps.result(&text, out),
            Some(failure) => {
                let delete = Operation::DeleteEntry {
                    principal_arn: principal.arn.clone(),
                };
                let failure = failure
                    .note("your access entry stays; run the same command again to continue")
                    .hint(format!(
                        "if the access entry is older than your role, delete it and run again: {}",
                        delete.command(&eks.facts.name)
                    ));
                Err(self.steps.failed(failure))
            }
        }
    }

    fn change_mode(&mut self, mode: &Operation, out: &mut Out) -> Result<(), Failure> {
        let changes = "the cluster reads access entries in addition to aws-auth; EKS cannot reverse this, and needs some minutes".to_owned();
        let name = &eks(&self.backend)?.facts.name;
        let mut step = Step::operations(MODE, &[mode], name, changes);
        step.calls.push(format!(
            "aws eks describe-update --name {} --update-id ID",
            self.name
        ));
        step.permissions.push("eks:DescribeUpdate");
        self.steps.begin(&step, out)?;
        if self.args.dry_run {
            return Ok(());
        }
        confirm_irreversible(READS_ENTRIES, self.args.yes, &self.backend, out)?;
        let mut writes = self.unrecorded.writes.iter();
        // A rescue that was stopped may have begun the same update.
        let is_recorded = writes.any(|write| write.revision.mode_change().is_some());
        if let Operation::UpdateAuthenticationMode { from, to } = mode
            && !is_recorded
        {
            self.begin_change(EntryWrite::of_mode(*from, *to), out);
        }
        let done = self.backend.execute(std::slice::from_ref(mode), out);
        done.map_err(|failure| {
            if self.backend.describe_again(out).is_ok() {
                self.backend.remove_void(&mut self.unrecorded, out);
            }
            self.steps.failed(failure)
        })?;
        Ok(())
    }

    fn change_entry(
        &mut self,
        plan: &RescuePlan,
        principal: &CallerPrincipal,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let added = Addition::of_plan(plan);
        if added.is_some() && self.args.leave_no_trace && self.args.verify_as.is_none() {
            let failure = Failure::new(
                Kind::Refused,
                format!(
                    "you have an access entry already, so aws-auth does not decide for you: --leave-no-trace could not remove {CLUSTER_ADMIN} from it"
                ),
            );
            return Err(self.steps.failed(failure.hint(
                "name a role that is an administrator and that you can assume: --verify-as ARN; or keep the policy: --keep-entry",
            )));
        }
        let name = &eks(&self.backend)?.facts.name;
        if plan.entry.is_empty() {
            self.steps.skip(ENTRY, "you have one", out)?;
        } else {
            let mut changes = "your role or user signs in through this access entry, and aws-auth is ignored for it; CloudTrail records each call".to_owned();
            if plan.dead_entry.is_some() {
                changes.push_str(
                    "; the existing access entry is older than your principal, and gives access to no principal",
                );
            }
            let operations: Vec<_> = plan.entry.iter().collect();
            let step = Step::operations(ENTRY, &operations, name, changes);
            self.steps.begin(&step, out)?;
            for operation in plan.dead_entry.iter().flatten() {
                let text = format!(
                    "The present access entry is this: {}",
                    operation.command(name)
                );
                self.steps.result(&text, out)?;
            }
        }
        match &plan.policy {
            None => self
                .steps
                .skip(POLICY, "your access entry has the policy", out)?,
            Some(policy) => {
                let changes = "you can do everything in the cluster".to_owned();
                let step = Step::operations(POLICY, &[policy], name, changes);
                self.steps.begin(&step, out)?;
                if let Some(added) = &added {
                    let text = format!(
                        "To restore your access entry as it is now: {}",
                        added.removal_command(name)
                    );
                    self.steps.result(&text, out)?;
                }
            }
        }
        self.added_policy = added;
        let operations = plan.entry_operations();
        if self.args.dry_run || operations.is_empty() {
            return Ok(());
        }
        let question = format!(
            "Make {} an administrator of {}?",
            principal.arn, self.backend
        );
        confirm(&question, self.args.yes, &self.backend, out)?;
        let mode = eks(&self.backend)?.facts.authentication_mode;
        let mode = mode.unwrap_or(AuthenticationMode::ApiAndConfigMap);
        let mut changes = changes_by(&operations, principal.entry.as_slice());
        for change in &mut changes {
            self.continue_change(change, principal);
        }
        self.begin_change(EntryWrite::of_changes(mode, changes), out);
        let done = self.backend.execute(&operations, out);
        done.map_err(|failure| {
            self.backend.remove_void(&mut self.unrecorded, out);
            self.steps.failed(failure)
        })?;
        Ok(())
    }

    /// Replaces the record of a rescue that was stopped after it created the access entry.
    fn continue_change(&mut self, change: &mut EntryChange, principal: &CallerPrincipal) {
        let terms = principal.entry.as_ref();
        let terms = terms.and_then(|entry| entry.terms.as_ref());
        let writes = &mut self.unrecorded.writes;
        let stopped = writes.iter().position(|write| {
            let write = write.write();
            write.is_some_and(|write| write.principals().any(|of| of == principal.arn))
        });
        if let (true, Some(at)) = (terms.is_some_and(is_rescued), stopped) {
            let stopped = writes.remove(at);
            let changes = stopped.write().map(|write| write.changes.as_slice());
            let former = changes.unwrap_or_default().first();
            change.before = former.and_then(|former| former.before.clone());
            stopped.remove();
        }
    }

    /// Repairs aws-auth, if requested. `is_in` is whether the caller can sign in.
    fn repair(&mut self, is_in: bool, out: &mut Out) -> Result<(), Failure> {
        let mode = eks(&self.backend)?.facts.authentication_mode;
        let Some(source) = &self.args.from else {
            return self.steps.skip(
                REPAIR,
                "not requested; to repair it, run again with --from history, nodes, REVISION or FILE",
                out,
            );
        };
        if mode == Some(AuthenticationMode::Api) {
            let reason = "in authentication mode API, the cluster ignores aws-auth";
            return self.steps.skip(REPAIR, reason, out);
        }
        let step = Step {
            title: REPAIR,
            calls: vec![
                "kubectl replace -f aws-auth.yaml, after the dry run and the guards of every write"
                    .to_owned(),
            ],
            permissions: vec!["update configmaps aws-auth and awsauth-history in kube-system"],
            changes: "aws-auth; awsauth undo undoes it, or awsauth undo REVISION --whole if aws-auth was deleted".to_owned(),
            afterwards: "aws-auth is repaired, and your access entry stays.".to_owned(),
        };
        self.steps.begin(&step, out)?;
        if !is_in {
            return Ok(());
        }
        let reason = self.args.recorded_reason();
        let repaired = source.repair(
            self.args.dry_run,
            &reason,
            &self.caller,
            &mut self.backend,
            out,
        );
        repaired.map_err(|failure| {
            let failure = failure
                .note("you are an administrator: other commands work, too, and you can run this one again with another value of --from");
            self.steps.failed(failure)
        })
    }

    /// Waits until all nodes are ready.
    fn await_nodes(&mut self, is_in: bool, out: &mut Out) -> Result<Exit, Failure> {
        let call = "kubectl get nodes".to_owned();
        let mut step = Step::reading(NODES, vec![call], vec!["list nodes"]);
        step.afterwards = "Nodes that can sign in again become ready without awsauth.".to_owned();
        self.steps.begin(&step, out)?;
        if !is_in {
            return Ok(Exit::Done);
        }
        let deadline = Instant::now() + self.backend.timeout();
        let nodes = loop {
            let nodes = self.backend.node_readiness(out)?;
            let is_over = self.args.dry_run || Instant::now() >= deadline;
            if nodes.not_ready.is_empty() || is_over {
                break nodes;
            }
            self.cluster.pause(PAUSE, out)?;
        };
        self.steps.result(&nodes_text(&nodes), out)?;
        if nodes.not_ready.is_empty() || self.args.dry_run {
            return Ok(Exit::Done);
        }
        out.note(&format!(
            "hint: kubelets try again within minutes; find out which roles of nodes are not mapped: awsauth nodes --cluster-name {}",
            self.name
        ));
        Ok(Exit::No)
    }

    /// Removes what the rescue added, if requested and possible.
    fn remove_entry(
        &mut self,
        principal: Option<CallerPrincipal>,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let args = self.args;
        let may_ask = out.can_ask() && !args.yes && !args.keep_entry && !args.dry_run;
        if !args.leave_no_trace && !may_ask {
            let reason = match &self.added_policy {
                None => "not requested; it stays. To remove it, run again with --leave-no-trace",
                Some(_) => "not requested; it keeps the policy",
            };
            return self.steps.skip(REMOVAL, reason, out);
        }
        let Some(mut principal) = principal else {
            return self
                .steps
                .skip(REMOVAL, "it is unknown whether you have one", out);
        };
        let added = self.added_policy.take();
        if args.dry_run {
            let planned = added.unwrap_or_else(|| Addition::entry(&principal));
            return self.begin_removal(&planned, out);
        }
        principal.read_entry(&self.backend)?;
        let addition = match Addition::find(added, &principal) {
            Ok(addition) => addition,
            Err(reason) => {
                self.steps.skip(REMOVAL, reason, out)?;
                return self.warn_of_former_rescue(&principal, out);
            }
        };
        self.begin_removal(&addition, out)?;
        let role = args.verify_as.as_deref();
        let way = match OtherWay::find(role, &addition, &self.caller, &mut self.backend, out) {
            Ok(way) => way,
            Err(failure) if args.leave_no_trace => return Err(self.steps.failed(failure)),
            Err(failure) => return self.steps.result(&failure.message(), out),
        };
        let question = addition.question();
        if !args.leave_no_trace && !self.backend.ask(question, out)? {
            return self.steps.result("It stays.", out);
        }
        let options = self.recorded_as_rescue();
        self.backend.record_operations(
            &addition.removal,
            principal.entry.as_slice(),
            &options,
            out,
        )?;
        remove_access_entry::remove(
            &addition,
            &way,
            &self.cluster,
            &self.signer,
            &self.backend,
            out,
        )
        .map_err(|failure| self.steps.failed(failure))?;
        self.steps
            .result("Another way into the cluster is proven.", out)
    }

    /// Warns that the caller's access entry has an administrator policy that an earlier rescue may have added. EKS does not
    /// record who added a policy.
    fn warn_of_former_rescue(
        &self,
        principal: &CallerPrincipal,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let terms = principal.entry.as_ref();
        let terms = terms.and_then(|entry| entry.terms.as_ref());
        let mut policies = terms.iter().flat_map(|terms| terms.policies());
        let Some(policy) = policies.find(|policy| policy.is_cluster_admin()) else {
            return Ok(());
        };
        let disassociate = Operation::DisassociatePolicy {
            principal_arn: principal.arn.clone(),
            policy_arn: policy.arn.clone(),
        };
        out.note(&format!(
            "warning: your access entry existed before this rescue and has {CLUSTER_ADMIN}. If an earlier rescue added the policy, remove it: {}",
            disassociate.command(&eks(&self.backend)?.facts.name)
        ));
        Ok(())
    }

    fn begin_removal(&mut self, addition: &Addition, out: &mut Out) -> Result<(), Failure> {
        let name = &eks(&self.backend)?.facts.name;
        let operations: Vec<_> = addition.removal.iter().collect();
        let step = Step::operations(REMOVAL, &operations, name, addition.changes());
        self.steps.begin(&step, out)
    }
}

impl Args {
    /// Returns the reason that is recorded in the history. Other commands recognize a rescue by it.
    fn recorded_reason(&self) -> String {
        match &self.reason {
            None => RESCUE.to_owned(),
            Some(reason) => format!("{RESCUE}: {reason}"),
        }
    }
}

fn entry_text(principal: &CallerPrincipal) -> String {
    let arn = &principal.arn;
    let terms = principal
        .entry
        .as_ref()
        .and_then(|entry| entry.terms.as_ref());
    match terms {
        None => format!("{arn}, without an access entry."),
        Some(terms) => {
            let policies: Vec<&str> = terms.policies().iter().map(|one| one.name()).collect();
            let policies = match policies.as_slice() {
                [] => "no access policies".to_owned(),
                policies => policies.join(", "),
            };
            format!(
                "{arn}, with an access entry of type {} and {policies}.",
                terms.kind
            )
        }
    }
}

fn nodes_text(nodes: &NodeReadiness) -> String {
    let NodeReadiness { ready, not_ready } = nodes;
    let all = ready.len() + not_ready.len();
    let mut text = format!("{} of {all} nodes are ready.", ready.len());
    if !not_ready.is_empty() {
        let names: Vec<&str> = not_ready.iter().take(SHOWN).map(String::as_str).collect();
        text.push_str(&format!(" Not ready: {}", names.join(", ")));
        if not_ready.len() > SHOWN {
            text.push_str(&format!(" and {} more", not_ready.len() - SHOWN));
        }
        text.push('.');
    }
    text
}
