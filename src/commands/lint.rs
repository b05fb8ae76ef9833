//! `awsauth lint`.

mod args;
mod collect_facts;
mod fix;
mod output;
mod source;

pub(crate) use args::Args;
pub(crate) use collect_facts::{Requested, of_cluster as cluster_facts};

use crate::backend::Target;
use crate::output::Linted;
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::lint::{RULES, Report, Selection, UnknownRule};
use awsauth_kube::rbac::RoleScope;
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
    let selection =
        Selection::new(&args.select, &args.ignore).map_err(|error| no_such_rule(&error))?;
    let mut selected = RULES.into_iter().filter(|rule| selection.admits(rule));
    let requested = Requested {
        account: args.cluster_account.as_deref(),
        needs_aws: selected.any(|rule| rule.needs.is_cluster()),
        roles: RoleScope::KubeSystem,
    };
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
        fail_on: args.fail_on,
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
    let worst = reports.iter().flat_map(|report| &report.findings);
    let worst = worst.map(|finding| finding.severity).max();
    Ok(
        if worst.is_some_and(|worst| args.fail_on.is_reached(worst)) {
            Exit::No
        } else {
            Exit::Done
        },
    )
}

fn no_such_rule(error: &UnknownRule) -> Failure {
    Failure::usage(error).hint(match error.closest {
        Some(closest) => format!("did you mean {closest}? docs/lint.md lists all rules"),
        None => "docs/lint.md lists all rules".to_owned(),
    })
}
