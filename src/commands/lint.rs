mod answer;
mod fix;
mod gather;
mod source;

use std::path::PathBuf;

use clap::ValueEnum;

use crate::edge::{Exit, Failure, Out};
use crate::facts::accounts::is_account_id;
use crate::lint::{RULES, Report, Selection, Severity, UnknownRule};
use crate::render::Linted;
use crate::world::Target;
use answer::{Answer, Form};
use fix::Fixing;
use gather::Asking;
use source::{Source, Sources};

/// Check aws-auth for what breaks, weakens or misleads
///
/// Reads manifests and Terraform plans, or without FILE the live ConfigMap, and names each place with what the authenticator makes of it and
/// what mends it. A comment `# awsauth: ignore[ID] REASON` in the text waives a finding on its line, on the line below, or in the
/// entry that starts there.
///
/// With -o github, the findings are also added as a table to the file that GITHUB_STEP_SUMMARY names, and findings=N and errors=N to the
/// one that GITHUB_OUTPUT names.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Manifests or Terraform plans in JSON with aws-auth in them, folders with such, or patterns; - is stdin
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Only these rules, by id, name or the letter of their group
    #[arg(
        long,
        env = "AWSAUTH_SELECT",
        value_name = "RULE",
        value_delimiter = ','
    )]
    select: Vec<String>,

    /// Not these rules, by id, name or the letter of their group
    #[arg(
        long,
        env = "AWSAUTH_IGNORE",
        value_name = "RULE",
        value_delimiter = ','
    )]
    ignore: Vec<String>,

    /// Exit with 1 when something of this severity or worse is found
    #[arg(
        long,
        env = "AWSAUTH_FAIL_ON",
        value_enum,
        value_name = "SEVERITY",
        default_value_t
    )]
    fail_on: FailOn,

    /// The account of the cluster, for rules that have to know it
    #[arg(long, env = "AWSAUTH_CLUSTER_ACCOUNT", value_name = "ID", value_parser = account)]
    cluster_account: Option<String>,

    #[command(flatten)]
    answer: super::Answer<Form>,

    /// The file that SARIF is to name for the live ConfigMap and stdin
    #[arg(long, env = "AWSAUTH_SARIF_PATH", value_name = "PATH")]
    sarif_path: Option<String>,

    #[command(flatten)]
    fixing: Fixing,
}

/// From which severity on the answer is no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// For errors
    #[default]
    Error,
    /// For warnings, too
    Warning,
    /// For anything
    Note,
    /// For nothing
    Never,
}

/// Checks every file, or the live ConfigMap.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    args.fixing.only_to_fix(matches)?;
    let selection =
        Selection::new(&args.select, &args.ignore).map_err(|error| no_such_rule(&error))?;
    let mut wanted = RULES.into_iter().filter(|rule| selection.admits(rule));
    let asking = Asking {
        account: args.cluster_account.as_deref(),
        aws: wanted.any(|rule| rule.needs.is_of_aws()),
    };
    let Sources {
        read: sources,
        mut failures,
        fixed,
        are_below,
    } = if args.fixing.fix {
        fix::run(args, &asking, &selection, target, matches, out)?
    } else {
        Sources::read(&args.files, &asking, target, matches, out)?
    };
    let check = |source: &Source| source.check(&selection);
    let reports: Vec<Report> = sources.iter().map(check).collect();
    let both = sources.iter().zip(&reports);
    let linted: Vec<Linted<'_>> = both
        .map(|(source, report)| Linted::new(source.origin(), source.document(), report))
        .collect();
    for note in sources.iter().flat_map(Source::unknown) {
        out.note(&note);
    }
    let answer = Answer {
        form: args.answer.output,
        linted: &linted,
        failures: &failures,
        fail_on: args.fail_on,
        fixed: args.fixing.fix.then_some(fixed.as_slice()),
        is_dry: args.fixing.is_dry(),
        is_below: are_below,
        sarif_path: args.sarif_path.as_deref(),
    };
    answer.give(out)?;
    // What could be read is told first.
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

impl FailOn {
    fn is_reached(self, severity: Severity) -> bool {
        match self {
            Self::Error => severity >= Severity::Error,
            Self::Warning => severity >= Severity::Warning,
            Self::Note => true,
            Self::Never => false,
        }
    }
}

fn no_such_rule(error: &UnknownRule) -> Failure {
    Failure::usage(error).hint(match error.nearest {
        Some(nearest) => format!("the nearest is {nearest}; docs/lint.md has all rules"),
        None => "docs/lint.md has all rules".to_owned(),
    })
}

fn account(text: &str) -> Result<String, String> {
    if is_account_id(text) {
        Ok(text.to_owned())
    } else {
        Err("an account has twelve digits".to_owned())
    }
}
