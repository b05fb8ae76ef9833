//! `awsauth crd`.

use super::OutputArgs;
use crate::terminal::{Exit, Failure, Out};
use awsauth_controller::crd;

/// Print the CustomResourceDefinition of AwsAuthMapping
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    answer: OutputArgs<Form>,
}

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// YAML
    #[default]
    Yaml,
    /// JSON
    Json,
}

const EXAMPLES: &str = "\
Examples:
  awsauth crd | kubectl apply --server-side -f -";

/// Prints the CustomResourceDefinition.
pub(crate) fn run(args: &Args, out: &mut Out) -> Result<Exit, Failure> {
    let crd = crd::definition();
    let text = match args.answer.output {
        Form::Yaml => serde_yaml::to_string(&crd).map_err(|error| Failure::bug(&error))?,
        Form::Json => {
            let text = serde_json::to_string_pretty(&crd);
            text.map_err(|error| Failure::bug(&error))? + "\n"
        }
    };
    out.data(text.as_bytes())?;
    Ok(Exit::Done)
}
