use clap::ValueEnum;

use super::access_entries;
use super::ignored;
use super::overrides::Overrides;
use super::planning::{Planning, wants_admins};
use super::proof::Proof;
use super::refusals::{confirm_no_admin, edit_failure, no_permission, refused};
use super::step::{self, StepEnd};
use super::witness::{Seen, Witness, WitnessArgs};
use super::{Answer, PlanFormat};
use crate::edge::{Failure, Kind, Out};
use crate::plan::{Plan, Request};
use crate::render::{access_text, outcomes, remarks, report_json, report_text, verification_text};
use crate::snapshot::Snapshot;
use crate::world::{Keep, Landed, World};

/// What every writing command understands.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WriteArgs {
    /// Show what would change and write nothing; without a value it means server on a cluster and client on a file
    #[arg(long, env = "AWSAUTH_DRY_RUN", value_enum, value_name = "MODE", default_value_t, default_missing_value = "auto", num_args = 0..=1, require_equals = true)]
    pub(crate) dry_run: DryRun,

    #[command(flatten)]
    pub(crate) answer: Answer<PlanFormat>,

    /// Why, for whoever reads the history
    #[arg(long, env = "AWSAUTH_REASON", value_name = "TEXT")]
    pub(crate) reason: Option<String>,

    #[command(flatten)]
    pub(crate) overrides: Overrides,

    /// Whether who gains and who loses was shown already, for somebody to answer.
    #[arg(skip)]
    pub(crate) is_shown: bool,

    /// Whether it is part of a run that gives the answer for scripts.
    #[arg(skip)]
    pub(crate) is_part: bool,
}

/// Whether to write, and who is asked instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DryRun {
    /// Write
    #[default]
    None,
    /// Plan here and write nothing
    Client,
    /// Send it to the API server, which checks it and stores nothing
    Server,
    /// What `--dry-run` without a value means.
    #[value(hide = true)]
    Auto,
}

/// What a writing command asks for, made anew from what is read each time.
pub(crate) type Asking<'a> = dyn Fn(&Snapshot) -> Result<Request, Failure> + 'a;

impl WriteArgs {
    /// Plans what is asked for on what is there, and carries it out: writes it, has the server check it, or only shows it.
    pub(crate) fn carry_out(
        &self,
        create: bool,
        asking: &Asking<'_>,
        witness: Option<&WitnessArgs>,
        world: &mut World,
        out: &mut Out,
    ) -> Result<Plan, Failure> {
        let dry_run = self.mode(world);
        if world.is_pipe() && dry_run == DryRun::None && self.answer.output == PlanFormat::Json {
            return Err(
                Failure::usage("cannot answer in JSON: stdout holds the manifest")
                    .hint("leave out -o json, or add --dry-run"),
            );
        }
        let edits = match world.has_server() {
            true => asking(&Snapshot::default()).map(|request| request.edits),
            false => Ok(Vec::new()),
        };
        let edits = edits.unwrap_or_default();
        // Before anything is read: who may not enter learns why, too.
        if !self.overrides.allow_ignored
            && let Some(refusal) = ignored::refusal(world, &edits)
        {
            return Err(refusal);
        }
        let role = witness.and_then(WitnessArgs::role);
        let mut witness = match (witness, dry_run) {
            (Some(args), DryRun::None) => args.witness(!self.overrides.no_rollback, world, out)?,
            _ => None,
        };
        let gathered = world.gather(true, wants_admins(&edits), out)?;
        let there = gathered.as_ref().map(|gathered| &gathered.snapshot);
        let access_entries = access_entries::of_edits(&edits, role, there, world, out);
        let mut planning = Planning::new(asking, self.overrides.allowed(), access_entries);
        if let Some(gathered) = &gathered
            && let Some(plan) = planning.begin(gathered, world, out)?
            && plan.is_change()
            && plan.refusals.is_empty()
            && dry_run != DryRun::Client
        {
            if gathered.exists && gathered.may_update == Some(false) {
                return Err(no_permission(world, &gathered.facts));
            }
            if dry_run == DryRun::None {
                if plan.leaves_no_admin && out.can_ask() {
                    confirm_no_admin(world, out)?;
                }
                if plan.touches_caller && witness.is_none() {
                    witness = self.own_witness(planning.caller(), world, out);
                }
            }
        }
        let mut planner = |snapshot: &Snapshot| planning.change(snapshot);
        let landed = match dry_run {
            DryRun::None => world.write(&mut planner, create, &self.keep(), out),
            DryRun::Server => world.try_on_server(&mut planner, create, out),
            DryRun::Client | DryRun::Auto => {
                let snapshot = match gathered {
                    Some(gathered) => Ok(gathered.snapshot),
                    None => world.read(out).map(|reading| reading.snapshot),
                };
                snapshot
                    .and_then(|snapshot| planner(&snapshot))
                    .map(|change| match change.is_some() || world.has_bars() {
                        true => Landed::Changed,
                        false => Landed::Unchanged,
                    })
            }
        };
        let made = planning.into_made();
        let plan = match (made, landed) {
            (Some(Err(error)), _) => return Err(edit_failure(&error, world)),
            (Some(Ok(plan)), Err(_)) if !plan.refusals.is_empty() => {
                if self.answer.output == PlanFormat::Json && !self.is_part {
                    let report =
                        report_json(&plan, false, None).map_err(|error| Failure::bug(&error))?;
                    if let Err(error) = out.data(report.as_bytes()) {
                        out.failure(&Failure::from(error).render(out.program()));
                    }
                }
                return Err(ignored::with_hints(refused(&plan.refusals), &plan, world));
            }
            (_, Err(failure)) => return Err(failure),
            (None, Ok(_)) => return Err(Failure::new(Kind::Bug, "nothing was planned")),
            (Some(Ok(plan)), Ok(landed)) => {
                // Before the question, or else now.
                for line in remarks(&plan).iter().filter(|_| !self.is_shown) {
                    out.note(line);
                }
                let told = match self.answer.output {
                    PlanFormat::Json => Ok(()),
                    PlanFormat::Human | PlanFormat::Github => {
                        tell(&plan, landed, dry_run, self.is_shown, out)
                    }
                };
                // What was written is written, whether or not the answer can be given.
                say_where(landed, dry_run, world, out);
                let seen = witness.map(|witness| witness.see(&plan, landed, world, out));
                let answered = told.and_then(|()| self.answer(&plan, seen.as_ref(), out));
                if self.answer.output == PlanFormat::Github {
                    let end = match dry_run {
                        DryRun::None => StepEnd::Done(landed),
                        _ => StepEnd::Asked {
                            changes: landed != Landed::Unchanged,
                        },
                    };
                    step::told(&plan, end, seen.as_ref(), world, out);
                }
                if let Some(failure) = seen.and_then(|seen| seen.failure) {
                    if let Err(error) = answered {
                        out.failure(&error.render(out.program()));
                    }
                    return Err(failure);
                }
                answered.map_err(|failure| match (landed, dry_run) {
                    (Landed::Created | Landed::Changed, DryRun::None) => {
                        failure.at("aws-auth was written")
                    }
                    _ => failure,
                })?;
                plan
            }
        };
        Ok(plan)
    }

    /// The report for scripts; for people, whom a witness was taken for.
    fn answer(&self, plan: &Plan, seen: Option<&Seen>, out: &mut Out) -> Result<(), Failure> {
        let proof = seen.and_then(|seen| seen.proof.as_ref());
        let verification = proof.map(Proof::verification);
        match self.answer.output {
            PlanFormat::Json if self.is_part => {}
            PlanFormat::Json => {
                let is_rolled_back = seen.is_some_and(Seen::is_rolled_back);
                let changed = plan.is_change() && !is_rolled_back;
                let report = report_json(plan, changed, verification.as_ref());
                out.data(report.map_err(|error| Failure::bug(&error))?.as_bytes())?;
            }
            PlanFormat::Human | PlanFormat::Github => {
                if let Some(verification) = &verification {
                    out.text(&verification_text(verification, out.width()))?;
                }
            }
        }
        Ok(())
    }

    fn keep(&self) -> Keep {
        Keep {
            reason: self.reason.clone(),
            optional: self.overrides.no_backup,
        }
    }

    /// Whoever writes, ready to sign in anew afterwards: what they become changes. Where they can't, that is said.
    fn own_witness(&self, caller: Option<&str>, world: &World, out: &mut Out) -> Option<Witness> {
        if self.overrides.no_verify || self.overrides.allow_self_lockout {
            return None;
        }
        match Witness::own(caller?, !self.overrides.no_rollback, world, out) {
            Ok(witness) => Some(witness),
            Err(why) => {
                out.note(&format!(
                    "Not checked: whether you still get in after the write, which needs a fresh token of yours: {why}"
                ));
                None
            }
        }
    }

    /// Who is asked instead of writing.
    fn mode(&self, world: &World) -> DryRun {
        match self.dry_run {
            DryRun::Auto if world.has_server() => DryRun::Server,
            DryRun::Auto => DryRun::Client,
            named => named,
        }
    }
}

/// What became of each edit; of a dry run first what would change.
fn tell(
    plan: &Plan,
    landed: Landed,
    dry_run: DryRun,
    is_shown: bool,
    out: &mut Out,
) -> Result<(), Failure> {
    let dry = match dry_run {
        DryRun::None => "",
        DryRun::Server => " (server dry run)",
        DryRun::Client | DryRun::Auto => " (dry run)",
    };
    if dry_run == DryRun::None && plan.is_whole && !is_shown {
        // Nobody typed who is let in and who is not.
        out.text(&access_text(plan))?;
    } else if dry_run == DryRun::None {
        out.detail(|| report_text(plan).trim_end().to_owned());
    } else {
        out.text(&report_text(plan))?;
    }
    if landed != Landed::Unchanged && !plan.is_change() {
        // What was written stands around what is planned.
        return Ok(());
    }
    for line in outcomes(plan) {
        out.text(&format!("{line}{dry}\n"))?;
    }
    Ok(())
}

fn say_where(landed: Landed, dry_run: DryRun, world: &World, out: &mut Out) {
    let destination = world.destination();
    match (landed, dry_run) {
        (Landed::Unchanged, _) => {}
        (_, DryRun::Server | DryRun::Client | DryRun::Auto) => out.note("Nothing was written."),
        (Landed::Created, DryRun::None) => {
            out.note(&format!("Created aws-auth on {destination}."));
            out.note("A Terraform resource kubernetes_config_map would now find it existing: terraform import ADDRESS kube-system/aws-auth");
        }
        (Landed::Changed, DryRun::None) => out.note(&format!("Wrote aws-auth to {destination}.")),
    }
}
