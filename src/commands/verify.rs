//! `awsauth verify`.

use super::{Format, OutputArgs};
use crate::access_check::{ExpectedAccess, TokenSigner};
use crate::backend::{SignIn, Target};
use crate::output::{verification_json, verification_text};
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::rbac::Question;

/// Sign in with a new token, and check the user and permissions
///
/// Makes an EKS token from your AWS credentials, signs in with it to the cluster of --cluster-name or of the kubeconfig's
/// context, and shows the user that the API server reports. The kubeconfig's own user is never used. If the user is not the
/// expected one, retries for up to --timeout, because changes to aws-auth take a while to take effect; then exits with 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Does the instance role have access, and as which user?
  awsauth verify

  # Is it an administrator?
  awsauth verify --expect-username admin --expect-group system:masters --can \"* * -A\"

  # May another role list pods?
  awsauth verify --role-arn arn:aws:iam::111122223333:role/ci --can \"list pods -n default\"")]
pub(crate) struct Args {
    /// An action that must be allowed, in the syntax of kubectl auth can-i: "get pods -n default"; may be repeated
    #[arg(long, env = "AWSAUTH_CAN", value_name = "QUESTION")]
    can: Vec<Question>,

    /// The expected username
    #[arg(long, env = "AWSAUTH_EXPECT_USERNAME", value_name = "USER")]
    expect_username: Option<String>,

    /// An expected group; may be repeated
    #[arg(
        long = "expect-group",
        env = "AWSAUTH_EXPECT_GROUP",
        value_name = "GROUP"
    )]
    expect_groups: Vec<String>,

    #[command(flatten)]
    answer: OutputArgs,
}

/// Signs in until all expectations are met or the time limit is reached, and prints the result.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let cluster = SignIn::open(target, matches, out)?;
    let what = format!("cannot sign in to {}", cluster.target());
    let signer = TokenSigner::get(&cluster, None, &what, out)?;
    let expected = ExpectedAccess {
        username: args.expect_username.as_deref(),
        groups: &args.expect_groups,
        can: &args.can,
        ..ExpectedAccess::default()
    };
    let checked = expected.check(&cluster, &signer, target.timeout(), out)?;
    let verification = checked.verification();
    for (question, answer) in &verification.answers {
        if answer.is_unknown_resource {
            out.note(&format!(
                "warning: {} has no such resource: {question}",
                cluster.target()
            ));
        }
    }
    match args.answer.output {
        Format::Human => out.text(&verification_text(&verification, out.width()))?,
        Format::Json => {
            out.json(&verification_json(&verification).map_err(|error| Failure::bug(&error))?)?
        }
    }
    match checked.failure(&cluster, &signer) {
        Some(failure) => Err(failure),
        None => Ok(Exit::Done),
    }
}
