use super::proof::Expected;
use super::signer::Signer;
use super::{Answer, Format};
use crate::edge::{Exit, Failure, Out};
use crate::rbac::Question;
use crate::render::{verification_json, verification_text};
use crate::world::{SignIn, Target};

/// Sign in with a fresh token, and check who comes out and what they may do
///
/// Makes an EKS token with AWS credentials, signs in to the cluster of --cluster-name or of the kubeconfig's context with it, never
/// as the kubeconfig's own user, and shows whom the API server takes it for. Where that is not as expected, it tries again until a
/// change of aws-auth has come into force, for --timeout at most; then exits with 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Is the instance role let in, and as whom?
  awsauth verify

  # Is it an administrator by now?
  awsauth verify --expect-username admin --expect-group system:masters --can \"* * -A\"

  # May another role list pods?
  awsauth verify --role-arn arn:aws:iam::111122223333:role/ci --can \"list pods -n default\"")]
pub(crate) struct Args {
    /// Something that must be allowed, as kubectl auth can-i takes it: "get pods -n default"; may be repeated
    #[arg(long, env = "AWSAUTH_CAN", value_name = "QUESTION")]
    can: Vec<Question>,

    /// The username that must come out
    #[arg(long, env = "AWSAUTH_EXPECT_USERNAME", value_name = "USER")]
    expect_username: Option<String>,

    /// A group that must come out; may be repeated
    #[arg(
        long = "expect-group",
        env = "AWSAUTH_EXPECT_GROUP",
        value_name = "GROUP"
    )]
    expect_groups: Vec<String>,

    #[command(flatten)]
    answer: Answer,
}

/// Signs in until all is as expected or the time is over, and says what came of it.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let cluster = SignIn::open(target, matches, out)?;
    let what = format!("cannot sign in to {}", cluster.target());
    let signer = Signer::get(&cluster, None, &what, out)?;
    let expected = Expected {
        username: args.expect_username.as_deref(),
        groups: &args.expect_groups,
        can: &args.can,
        ..Expected::default()
    };
    let proof = expected.prove(&cluster, &signer, target.timeout, out)?;
    let verification = proof.verification();
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
        Format::Json => out.data(
            verification_json(&verification)
                .map_err(|error| Failure::bug(&error))?
                .as_bytes(),
        )?,
    }
    match proof.failure(&cluster, &signer) {
        Some(failure) => Err(failure),
        None => Ok(Exit::Done),
    }
}
