use super::Format;
use crate::arn::{self, ArnError};
use crate::document::Document;
use crate::edge::{Exit, Failure, Out};
use crate::effect::{Question, explain};
use crate::render::{explanation_json, explanation_text};
use crate::world::World;

/// Say which Kubernetes user and groups an identity becomes, and why
///
/// Takes the ARN of a role, a user, a role's session or a federated user, as aws sts get-caller-identity prints it. Says
/// which entry decides and which it shadows; and when none does, why not, and which entries come near.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Its ARN, such as arn:aws:sts::111122223333:assumed-role/NAME/SESSION
    #[arg(value_name = "ARN")]
    arn: String,

    /// What {{SessionName}} stands for; taken from the ARN of a session when it has one
    #[arg(long, env = "AWSAUTH_SESSION_NAME", value_name = "NAME")]
    session_name: Option<String>,

    /// What {{AccessKeyID}} stands for
    #[arg(long, env = "AWSAUTH_ACCESS_KEY_ID", value_name = "ID")]
    access_key_id: Option<String>,

    /// What {{EC2PrivateDNSName}} stands for
    #[arg(long, env = "AWSAUTH_PRIVATE_DNS_NAME", value_name = "NAME")]
    private_dns_name: Option<String>,

    /// The form of the answer
    #[arg(
        short,
        long,
        env = "AWSAUTH_OUTPUT",
        value_enum,
        value_name = "FORMAT",
        default_value_t
    )]
    output: Format,
}

/// Reads, and explains what the authenticator would make of the identity.
pub(crate) fn run(args: &Args, world: &mut World, out: &mut Out) -> Result<Exit, Failure> {
    let question = Question {
        arn: &args.arn,
        session_name: args.session_name.as_deref(),
        access_key_id: args.access_key_id.as_deref(),
        private_dns_name: args.private_dns_name.as_deref(),
        ..Question::default()
    };
    let cannot = |error: &ArnError| {
        Failure::usage(format!("cannot explain {}", args.arn))
            .because(error)
            .hint("see who you are: aws sts get-caller-identity --query Arn --output text")
    };
    // An ARN that no caller can have is the user's to mend, before any cluster is asked.
    arn::canonical(&args.arn).map_err(|error| cannot(&error))?;
    let reading = world.read(out)?;
    let document = Document::read(&reading.snapshot.data);
    let explanation = explain(&document, &question).map_err(|error| cannot(&error))?;
    match args.output {
        Format::Human => out.text(&explanation_text(&explanation))?,
        Format::Json => out.data(
            explanation_json(&explanation)
                .map_err(|error| Failure::bug(&error))?
                .as_bytes(),
        )?,
    }
    if !reading.exists {
        out.note(&format!(
            "There is no aws-auth in {world}: nobody is mapped."
        ));
    }
    Ok(Exit::Done)
}
