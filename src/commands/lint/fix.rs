//! `lint --fix`.

use std::cell::RefCell;
use std::path::Path;

use super::args::{Args, Format};
use super::collect::Requested;
use super::source::{Source, Sources};
use crate::backend::files::{Candidate, Content, search};
use crate::backend::sources::is_stdin;
use crate::backend::{Target, World};
use crate::output::FixedFinding;
use crate::terminal::{Exit, Failure, Out};
use crate::write::{Options, Transaction};
use awsauth_core::document::Document;
use awsauth_core::history::Contents;
use awsauth_core::lint::{
    Facts, Finding, FixResult, RULES, Selection, Site, Texts, apply_fixes, lint,
};
use awsauth_core::manifest::ManifestFaults;
use awsauth_core::plan::Request;
use awsauth_core::snapshot::Snapshot;

/// Fixes each file, or the live ConfigMap, and reads the result.
pub(super) fn run(
    args: &Args,
    requested: &Requested<'_>,
    selection: &Selection,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Sources, Failure> {
    if !matches!(args.answer.output, Format::Human | Format::Json) {
        return Err(Failure::usage("--fix prints text or JSON only")
            .hint("run lint --fix first, then lint again for the report"));
    }
    let mut run = Run {
        args,
        selection,
        requested,
        sources: Sources::default(),
    };
    let candidates = if args.files.is_empty() {
        let world = World::open(target, matches, false, out)?;
        let Some(path) = world.path().map(Path::to_owned) else {
            let fixed = run.fix_and_read(world, out);
            run.sources.add(fixed);
            return Ok(run.sources);
        };
        vec![Candidate::named(&path)]
    } else {
        target.only_files(matches)?;
        search(&args.files)?
    };
    for candidate in candidates {
        let fixed = if is_stdin(candidate.path()) {
            run.fix_and_read(World::of_stdin(), out)
        } else {
            run.fix_file(&candidate, out)
        };
        run.sources.add(fixed);
    }
    run.sources.note_if_empty(&args.files, out);
    Ok(run.sources)
}

/// The state of a run.
struct Run<'a> {
    args: &'a Args,
    selection: &'a Selection,
    requested: &'a Requested<'a>,
    sources: Sources,
}

impl Run<'_> {
    /// Fixes a file, if it contains an aws-auth that can be written.
    fn fix_file(&mut self, candidate: &Candidate, out: &mut Out) -> Result<Vec<Source>, Failure> {
        let content = match candidate.read(out)? {
            Some(Content::Manifest(world)) if self.is_writable(&world.manifest_faults()) => {
                return self.fix_and_read(world, out);
            }
            content => content,
        };
        match &content {
            Some(Content::Manifest(world)) => out.note(&format!(
                "Nothing in {world} was fixed: it is not the ConfigMap aws-auth."
            )),
            Some(Content::Terraform(file, _)) => out.note(&format!(
                "{file} is a Terraform plan or state: fix the Terraform configuration instead."
            )),
            None => {}
        }
        Ok(Source::of_file(candidate, content, self.requested.account))
    }

    fn is_writable(&self, faults: &ManifestFaults) -> bool {
        let is_text =
            faults.not_text.is_empty() || (faults.fits_literal_blocks && self.adds_bars());
        is_text && !faults.is_substitute
    }

    fn adds_bars(&self) -> bool {
        let mut rules = RULES.into_iter();
        rules.any(|rule| rule.id == NOT_A_STRING && self.selection.admits(rule))
    }

    /// Fixes one aws-auth and reads the result.
    fn fix_and_read(&mut self, mut world: World, out: &mut Out) -> Result<Vec<Source>, Failure> {
        match self.fix(&mut world, out) {
            // Its findings are still reported.
            Err(refusal) if refusal.exit() == Exit::Refused => {
                self.sources.failures.push(refusal.at(&world.to_string()));
            }
            result => result?,
        }
        Source::after_write(world, self.requested, out)
    }

    fn fix(&mut self, world: &mut World, out: &mut Out) -> Result<(), Failure> {
        if self.adds_bars() {
            world.add_bars();
        }
        let eks_account = world.eks().map(|eks| eks.facts.account().to_owned());
        // A fix of the text can't cause findings that need other facts, such as the bindings of a group.
        let facts = Facts {
            account: self.requested.account.map(str::to_owned).or(eks_account),
            ..Facts::default()
        };
        let args = &self.args.fix;
        let fixed = RefCell::new(Vec::new());
        let request = |snapshot: &Snapshot| {
            let result = apply_fixes(&snapshot.data, &facts, self.selection);
            fixed.replace(result.fixed);
            let contents = Contents {
                data: result.data,
                ..Contents::of(snapshot)
            };
            Ok(Request {
                contents: Some(contents),
                ..Request::default()
            })
        };
        if !world.is_pipe() {
            let data: Texts = world.read(out)?.snapshot.data;
            let FixResult { fixed, .. } = apply_fixes(&data, &facts, self.selection);
            if !world.has_bars() && fixed.is_empty() {
                return Ok(());
            }
        }
        let write = args.write_args(self.args.answer.output);
        let plan = Transaction {
            edits: &[],
            request: &request,
            create: false,
            verify: None,
            options: &Options {
                prints_own_json: true,
                ..write.options(world)
            },
        }
        .run(world, out)?;
        self.sources.follow_output |= plan.is_change();
        let is_dry = args.is_dry();
        for finding in added_bars(world).into_iter().chain(fixed.into_inner()) {
            let finding = with_place(finding, world);
            out.note(&finding.message(is_dry));
            self.sources.fixed.push(finding);
        }
        if world.is_pipe() && !is_dry {
            world.hold_with(&plan.change)?;
        }
        Ok(())
    }
}

/// The rule whose fix adds `|` after the keys of sections, outside their texts.
const NOT_A_STRING: &str = "S03";

/// Returns the findings that the added `|` fixes.
fn added_bars(world: &World) -> Vec<Finding> {
    if !world.has_bars() {
        return Vec::new();
    }
    let facts = Facts {
        manifest_faults: world.manifest_faults(),
        ..Facts::default()
    };
    let nothing = Texts::new();
    let document = Document::read(&nothing);
    let report = lint(&nothing, &document, &facts, &Selection::default());
    let findings = report.findings.into_iter();
    findings
        .filter(|finding| finding.rule.id == NOT_A_STRING)
        .collect()
}

/// Adds the place of a fixed finding.
fn with_place(finding: Finding, world: &World) -> FixedFinding {
    let file = world.path().map(|_| world.to_string());
    let file_line = match &finding.site {
        Site::Text(text) => world.file_line(text.section, text.start.line),
        Site::Key(key) => world.key_line(key),
        Site::File(_) | Site::ConfigMap => None,
    };
    FixedFinding {
        finding,
        file,
        file_line,
    }
}
