//! `awsauth lint`.

mod args;
mod collect_facts;
mod fix;
mod output;
mod source;

pub(crate) use args::{Args, RuleArgs, parse_account};
pub(crate) use collect_facts::{Requested, of_cluster as cluster_facts};

use crate::backend::{Backend, Target};
use crate::output::{Linted, lint_json, lint_notes};
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::lint::Report;
use output::Output;
use source::{Source, Sources};

/// Checks all files, or the live ConfigMap.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    args.fix.validate(matches)?;
    let selection = args.rules.selection()?;
    let requested = args.rules.requested(&selection);
    let Sources {
        read: sources,
        mut failures,
        fixed,
        follow_output,
    } = if args.fix.fix {
        fix::run(args, &requested, &selection, target, matches, out)?
    } else {
        Sources::read(args, &requested, target, matches, out)?
    };
    let check = |source: &Source| source.check(&selection);
    let reports: Vec<Report> = sources.iter().map(check).collect();
    let linted: Vec<Linted<'_>> = sources
        .iter()
        .zip(&reports)
        .map(|(source, report)| Linted::new(source.origin(), source.document(), report))
        .collect();
    for note in sources.iter().flat_map(Source::unchecked) {
        out.note(&note);
    }
    let output = Output {
        format: args.answer.output,
        linted: &linted,
        failures: &failures,
        fail_on: args.rules.fail_on,
        fixed: args.fix.fix.then_some(fixed.as_slice()),
        is_dry: args.fix.is_dry(),
        is_continued: follow_output,
        sarif_path: args.sarif_path.as_deref(),
    };
    output.print(out)?;
    // Failures come after the findings.
    if let Some(last) = failures.pop() {
        for failure in failures {
            out.failure(&failure.render(out.program()));
        }
        return Err(last);
    }
    Ok(args.rules.exit(&reports))
}

/// Checks the live ConfigMap of one cluster, and prints JSON if `is_json`.
pub(super) fn of_cluster(
    rules: &RuleArgs,
    is_json: bool,
    backend: Backend,
    out: &mut Out,
) -> Result<(Exit, Report), Failure> {
    let selection = rules.selection()?;
    let source = Source::of_cluster(backend, &rules.requested(&selection), out)?;
    let report = source.check(&selection);
    let linted = [Linted::new(source.origin(), source.document(), &report)];
    if is_json {
        out.json(&lint_json(&linted, None, false).map_err(|error| Failure::bug(&error))?)?;
    }
    for note in lint_notes(&linted, out.is_detailed()) {
        out.note(&note);
    }
    Ok((rules.exit([&report]), report))
}
