use std::cell::RefCell;
use std::path::Path;

use clap::Args as _;
use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;

use super::gather::Asking;
use super::source::{Source, Sources};
use super::{Args, Form};
use crate::commands::overrides::Overrides;
use crate::commands::write::{DryRun, WriteArgs};
use crate::commands::{Answer, PlanFormat};
use crate::document::Document;
use crate::edge::{Exit, Failure, Out};
use crate::history::Contents;
use crate::lint::{Facts, Finding, Mended, RULES, Selection, Site, Texts, lint, mend};
use crate::manifest::Amiss;
use crate::plan::Request;
use crate::render::Fixed;
use crate::snapshot::Snapshot;
use crate::world::files::{Candidate, Content, search};
use crate::world::sources::is_stdin;
use crate::world::{Target, World};

/// Whether to mend what is found, and how to write that.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Fixing {
    /// Mend what can be mended without a doubt, and tell the rest; of stdin the mended text goes to stdout
    #[arg(long, env = "AWSAUTH_FIX", value_parser = FalseyValueParser::new())]
    pub(super) fix: bool,

    /// With --fix, show what would change and write nothing; without a value it means server on a cluster and client on a file
    #[arg(long, env = "AWSAUTH_DRY_RUN", value_enum, value_name = "MODE", default_value_t, default_missing_value = "auto", num_args = 0..=1, require_equals = true)]
    dry_run: DryRun,

    /// With --fix, why, for whoever reads the history
    #[arg(long, env = "AWSAUTH_REASON", value_name = "TEXT")]
    reason: Option<String>,

    #[command(flatten)]
    overrides: Overrides,
}

/// Mends each file, or the live ConfigMap; gives back what is there then.
pub(super) fn run(
    args: &Args,
    asking: &Asking<'_>,
    selection: &Selection,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Sources, Failure> {
    if !matches!(args.answer.output, Form::Human | Form::Json) {
        return Err(Failure::usage("--fix answers in text or JSON")
            .hint("mend first, then lint again for the report"));
    }
    let mut run = Run {
        args,
        selection,
        asking,
        sources: Sources::default(),
    };
    let candidates = if args.files.is_empty() {
        let world = World::open(target, matches, false, out)?;
        let Some(path) = world.path().map(Path::to_owned) else {
            let mended = run.one(world, out);
            run.sources.add(mended);
            return Ok(run.sources);
        };
        vec![Candidate::named(&path)]
    } else {
        target.only_files(matches)?;
        search(&args.files)?
    };
    for candidate in candidates {
        let mended = if is_stdin(candidate.path()) {
            run.one(World::of_stdin(), out)
        } else {
            run.file(&candidate, out)
        };
        run.sources.add(mended);
    }
    run.sources.say_if_none(&args.files, out);
    Ok(run.sources)
}

/// What is to be mended, and what has come of it.
struct Run<'a> {
    args: &'a Args,
    selection: &'a Selection,
    asking: &'a Asking<'a>,
    sources: Sources,
}

impl Run<'_> {
    /// Mends a file, if it holds an aws-auth that can be written.
    fn file(&mut self, candidate: &Candidate, out: &mut Out) -> Result<Vec<Source>, Failure> {
        let content = match candidate.read(out)? {
            Some(Content::Manifest(world)) if self.is_writable(&world.amiss()) => {
                return self.one(world, out);
            }
            content => content,
        };
        match &content {
            Some(Content::Manifest(world)) => out.note(&format!(
                "Nothing of {world} was mended: as it stands, it is no aws-auth."
            )),
            Some(Content::Terraform(file, _)) => out.note(&format!(
                "{file} is Terraform's: mend its configuration instead."
            )),
            None => {}
        }
        Ok(Source::of_file(candidate, content, self.asking.account))
    }

    fn is_writable(&self, amiss: &Amiss) -> bool {
        let is_text = amiss.not_text.is_empty() || (amiss.takes_bars && self.adds_bars());
        is_text && !amiss.stands_in
    }

    fn adds_bars(&self) -> bool {
        let mut rules = RULES.into_iter();
        rules.any(|rule| rule.id == BARS && self.selection.admits(rule))
    }

    /// Mends one aws-auth, and reads it again.
    fn one(&mut self, mut world: World, out: &mut Out) -> Result<Vec<Source>, Failure> {
        match self.mend(&mut world, out) {
            // What is found there is told all the same.
            Err(refusal) if refusal.exit() == Exit::Refused => {
                self.sources.failures.push(refusal.at(&world.to_string()));
            }
            mended => mended?,
        }
        Source::again(world, self.asking, out)
    }

    fn mend(&mut self, world: &mut World, out: &mut Out) -> Result<(), Failure> {
        if self.adds_bars() {
            world.add_bars();
        }
        let of_eks = world.eks().map(|eks| eks.facts.account().to_owned());
        // What the cluster lacks besides, such as a binding of a group, no fix of the text brings in.
        let facts = Facts {
            account: self.asking.account.map(str::to_owned).or(of_eks),
            ..Facts::default()
        };
        let fixing = &self.args.fixing;
        let found = RefCell::new(Vec::new());
        let request = |snapshot: &Snapshot| {
            let Mended { data, fixed } = mend(&snapshot.data, &facts, self.selection);
            found.replace(fixed);
            let kept = Contents {
                data,
                ..Contents::of(snapshot)
            };
            Ok(Request {
                kept: Some(kept),
                ..Request::default()
            })
        };
        if !world.is_pipe() {
            let data: Texts = world.read(out)?.snapshot.data;
            let is_mendable =
                world.has_bars() || !mend(&data, &facts, self.selection).fixed.is_empty();
            if !is_mendable {
                return Ok(());
            }
        }
        let write = fixing.write(self.args.answer.output);
        let plan = write.carry_out(false, &request, None, world, out)?;
        self.sources.are_below |= plan.is_change();
        let is_dry = fixing.is_dry();
        for finding in bars(world).into_iter().chain(found.into_inner()) {
            let fixed = fixed(finding, world);
            out.note(&fixed.told(is_dry));
            self.sources.fixed.push(fixed);
        }
        if world.is_pipe() && !is_dry {
            world.hold_with(&plan.change)?;
        }
        Ok(())
    }
}

/// The rule whose fix stands around the sections' texts, and makes texts of them.
const BARS: &str = "S03";

/// What the bars mend that what was read is held with.
fn bars(world: &World) -> Vec<Finding> {
    if !world.has_bars() {
        return Vec::new();
    }
    let facts = Facts {
        amiss: world.amiss(),
        ..Facts::default()
    };
    let nothing = Texts::new();
    let document = Document::read(&nothing);
    let report = lint(&nothing, &document, &facts, &Selection::default());
    let findings = report.findings.into_iter();
    findings.filter(|finding| finding.rule.id == BARS).collect()
}

/// What was mended, with the place where it stood.
fn fixed(finding: Finding, world: &World) -> Fixed {
    let file = world.path().map(|_| world.to_string());
    let file_line = match &finding.site {
        Site::Text(text) => world.file_line(text.section, text.start.line),
        Site::Key(key) => world.key_line(key),
        Site::File(_) | Site::ConfigMap => None,
    };
    Fixed {
        finding,
        file,
        file_line,
    }
}

impl Fixing {
    /// Refuses what was typed for a write where nothing is to be written. Variables hold for other commands, too.
    pub(super) fn only_to_fix(&self, matches: &clap::ArgMatches) -> Result<(), Failure> {
        if self.fix {
            return Ok(());
        }
        let matches = matches.subcommand().map_or(matches, |(_, lint)| lint);
        let known = Self::augment_args(clap::Command::new("lint"));
        let typed = known.get_arguments().find(|arg| {
            matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
        });
        let Some(flag) = typed.and_then(clap::Arg::get_long) else {
            return Ok(());
        };
        let failure = Failure::usage(format!(
            "--{flag} needs --fix: nothing is written without it"
        ));
        Err(match flag {
            "allow" => failure.hint("to leave out what a rule finds: --ignore RULE"),
            _ => failure.hint(format!(
                "leave out --{flag}, or mend what is found: add --fix"
            )),
        })
    }

    /// Whether nothing is to be written.
    pub(super) fn is_dry(&self) -> bool {
        self.dry_run != DryRun::None
    }

    /// As every command writes.
    fn write(&self, form: Form) -> WriteArgs {
        WriteArgs {
            dry_run: self.dry_run,
            answer: Answer {
                output: match form {
                    Form::Json => PlanFormat::Json,
                    _ => PlanFormat::Human,
                },
            },
            is_part: true,
            reason: self.reason.clone(),
            overrides: self.overrides.clone(),
            is_shown: false,
        }
    }
}
