use clap::ValueEnum;

use super::access_entries;
use super::ignored;
use super::proof::Proof;
use super::refusals::{edit_failure, refused};
use super::witness::{Seen, WitnessArgs};
use super::{Answer, Format};
use crate::document::edit::EditError;
use crate::edge::{Failure, Kind, Out};
use crate::plan::{Plan, Request};
use crate::render::{notice, outcomes, report_json, report_text, verification_text};
use crate::snapshot::Snapshot;
use crate::world::{Landed, World};

/// What every writing command understands.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WriteArgs {
    /// Show what would change and write nothing; without a value it means server on a cluster and client on a file
    #[arg(long, env = "AWSAUTH_DRY_RUN", value_enum, value_name = "MODE", default_value_t, default_missing_value = "auto", num_args = 0..=1, require_equals = true)]
    pub(crate) dry_run: DryRun,

    /// Allow this node entry to be changed or removed; may be repeated
    #[arg(long = "allow-node-entry", value_name = "ARN")]
    pub(crate) allow_node_entries: Vec<String>,

    /// Write aws-auth even where the cluster ignores it
    #[arg(long)]
    pub(crate) allow_ignored: bool,

    #[command(flatten)]
    pub(crate) answer: Answer,
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
        if world.is_pipe() && dry_run == DryRun::None && self.answer.output == Format::Json {
            return Err(
                Failure::usage("cannot answer in JSON: stdout holds the manifest")
                    .hint("leave out -o json, or add --dry-run"),
            );
        }
        let edits = match world.eks() {
            Some(_) => asking(&Snapshot::default()).map(|request| request.edits),
            None => Ok(Vec::new()),
        };
        let edits = edits.unwrap_or_default();
        // Before anything is read: who may not enter learns why, too.
        if !self.allow_ignored
            && let Some(refusal) = ignored::refusal(world, &edits)
        {
            return Err(refusal);
        }
        let role = witness.and_then(WitnessArgs::role);
        let access_entries = access_entries::of_edits(&edits, role, world, out);
        let witness = match (witness, dry_run) {
            (Some(args), DryRun::None) => args.witness(world, out)?,
            _ => None,
        };
        let mut made: Option<Result<Plan, EditError>> = None;
        let mut planner = |snapshot: &Snapshot| {
            // The failure itself is made below, where lines of the file are known.
            let stop = || Failure::new(Kind::Refused, "refused");
            let request = Request {
                access_entries: access_entries.clone(),
                allow_ignored: self.allow_ignored,
                ..asking(snapshot)?
            };
            let plan = made
                .insert(Plan::new(snapshot, &request))
                .as_ref()
                .map_err(|_| stop())?;
            if plan.refusals.is_empty() {
                Ok(plan.is_change().then(|| plan.change.clone()))
            } else {
                Err(stop())
            }
        };
        let landed = match dry_run {
            DryRun::None => world.write(&mut planner, create, out),
            DryRun::Server => world.try_on_server(&mut planner, create, out),
            DryRun::Client | DryRun::Auto => world.read(out).and_then(|reading| {
                let change = planner(&reading.snapshot)?;
                Ok(if change.is_some() {
                    Landed::Changed
                } else {
                    Landed::Unchanged
                })
            }),
        };
        let plan = match (made, landed) {
            (Some(Err(error)), _) => return Err(edit_failure(&error, world)),
            (Some(Ok(plan)), Err(_)) if !plan.refusals.is_empty() => {
                if self.answer.output == Format::Json {
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
                for each in &plan.notices {
                    out.note(&notice(each));
                }
                let told = match self.answer.output {
                    Format::Json => Ok(()),
                    Format::Human => tell(&plan, dry_run, out),
                };
                // What was written is written, whether or not the answer can be given.
                say_where(landed, dry_run, world, out);
                let seen = witness.map(|witness| witness.see(&plan, landed, world, out));
                let answered = told.and_then(|()| self.answer(&plan, seen.as_ref(), out));
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
            Format::Json => {
                let is_rolled_back = seen.is_some_and(Seen::is_rolled_back);
                let changed = plan.is_change() && !is_rolled_back;
                let report = report_json(plan, changed, verification.as_ref());
                out.data(report.map_err(|error| Failure::bug(&error))?.as_bytes())?;
            }
            Format::Human => {
                if let Some(verification) = &verification {
                    out.text(&verification_text(verification, out.width()))?;
                }
            }
        }
        Ok(())
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
fn tell(plan: &Plan, dry_run: DryRun, out: &mut Out) -> Result<(), Failure> {
    let dry = match dry_run {
        DryRun::None => "",
        DryRun::Server => " (server dry run)",
        DryRun::Client | DryRun::Auto => " (dry run)",
    };
    if dry_run == DryRun::None {
        out.detail(|| report_text(plan).trim_end().to_owned());
    } else {
        out.text(&report_text(plan))?;
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
