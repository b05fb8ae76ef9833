use std::path::PathBuf;

use clap::ValueEnum;

use super::{Answer, Format};
use crate::document::Document;
use crate::edge::{Exit, Failure, Out};
use crate::facts::accounts::is_account_id;
use crate::lint::{Facts, Report, Selection, Severity, UnknownRule, lint};
use crate::render::{Linted, lint_json, lint_notes, lint_text};
use crate::snapshot::Snapshot;
use crate::world::sources::is_stdin;
use crate::world::{Target, World};

/// Check aws-auth for what breaks, weakens or misleads
///
/// Reads manifests, or without FILE the live ConfigMap, and names each place with what the authenticator makes of it and
/// what mends it. A comment `# awsauth: ignore[ID] REASON` in the text waives a finding on its line, on the line below, or in the
/// entry that starts there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Manifests with aws-auth in them; - is stdin
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
    answer: Answer,
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

/// An aws-auth that was read.
struct Source {
    world: World,
    snapshot: Snapshot,
    document: Document,
}

/// Checks every file, or the live ConfigMap.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let selection =
        Selection::new(&args.select, &args.ignore).map_err(|error| no_such_rule(&error))?;
    let mut failures = Vec::new();
    let mut sources = Vec::new();
    for world in worlds(args, target, matches, out)? {
        match Source::read(world, out) {
            Ok(source) => sources.push(source),
            Err(failure) => failures.push(failure),
        }
    }
    let check = |source: &Source| {
        let Source {
            snapshot,
            document,
            world,
        } = source;
        let told = || world.eks().map(|eks| eks.facts.account().to_owned());
        let facts = Facts {
            account: args.cluster_account.clone().or_else(told),
        };
        lint(&snapshot.data, document, &facts, &selection)
    };
    let reports: Vec<Report> = sources.iter().map(check).collect();
    let both = sources.iter().zip(&reports);
    let linted: Vec<Linted<'_>> = both
        .map(|(source, report)| Linted::new(source.world.manifest(), &source.document, report))
        .collect();
    match args.answer.output {
        Format::Human => {
            let text = lint_text(&linted);
            out.text(&out.program().speak(&text))?;
        }
        Format::Json => out.data(
            lint_json(&linted)
                .map_err(|error| Failure::bug(&error))?
                .as_bytes(),
        )?,
    }
    if !linted.is_empty() {
        for line in lint_notes(&linted) {
            out.note(&line);
        }
    }
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

impl Source {
    fn read(mut world: World, out: &mut Out) -> Result<Self, Failure> {
        let reading = world.read(out)?;
        if let Some(note) = world.who_else_decides(&reading) {
            out.note(&note);
        }
        let snapshot = reading.snapshot;
        Ok(Self {
            document: Document::read(&snapshot.data),
            snapshot,
            world,
        })
    }
}

/// The files, or whatever else the user chose.
fn worlds(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Vec<World>, Failure> {
    if args.files.is_empty() {
        return Ok(vec![World::open(target, matches, false, out)?]);
    }
    target.only_files(matches)?;
    let stdins = args.files.iter().filter(|path| is_stdin(path)).count();
    if stdins > 1 {
        return Err(Failure::usage(
            "cannot read stdin twice: - is given more than once",
        ));
    }
    Ok(args.files.iter().map(|path| World::of_file(path)).collect())
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
    Failure::usage(error).hint(format!(
        "the nearest is {}; docs/lint.md has all rules",
        error.nearest
    ))
}

fn account(text: &str) -> Result<String, String> {
    if is_account_id(text) {
        Ok(text.to_owned())
    } else {
        Err("an account has twelve digits".to_owned())
    }
}
