use clap::builder::FalseyValueParser;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::aws::Surroundings;
use crate::aws::credentials::Wish;
use crate::edge::{Exit, Failure, Out};
use crate::facts::limits::TOKEN_BYTES;
use crate::token::{EXEC_INFO, ExecVersion, HostError, StsHost, Token};
use crate::world::identity::{self, Identity};

/// Print a token for kubectl
///
/// Goes into a kubeconfig as the command of a user's exec entry, in place of `aws eks get-token` or `aws-iam-authenticator
/// token`. Needs no network when credentials are at hand.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The cluster's name, or the id that its authenticator was set up with
    #[arg(
        short = 'i',
        long,
        visible_alias = "cluster-id",
        env = "AWSAUTH_CLUSTER_NAME",
        value_name = "NAME"
    )]
    cluster_name: String,

    /// Print the bare token, for programs that take no ExecCredential
    #[arg(long, env = "AWSAUTH_TOKEN_ONLY", value_parser = FalseyValueParser::new())]
    token_only: bool,

    #[command(flatten)]
    words: Words,
}

/// Options that every command has, here also under the names that aws-iam-authenticator gives them. In place of those, by their
/// ids.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options for AWS credentials")]
struct Words {
    /// Assume this role; may be repeated, each with the credentials of the one before
    #[arg(
        short,
        long = "role-arn",
        alias = "role",
        env = "AWSAUTH_ROLE_ARN",
        value_name = "ARN"
    )]
    roles: Vec<String>,

    /// The name of the role's session, which CloudTrail shows; without --role-arn, of the profile's role
    #[arg(
        long,
        short_alias = 's',
        alias = "session-name",
        env = "AWSAUTH_ROLE_SESSION_NAME",
        value_name = "NAME"
    )]
    role_session_name: Option<String>,

    /// What the role's trust policy asks for as sts:ExternalId; without --role-arn, that of the profile's role
    #[arg(
        long,
        short_alias = 'e',
        env = "AWSAUTH_EXTERNAL_ID",
        value_name = "ID"
    )]
    external_id: Option<String>,
}

impl Args {
    /// What is asked for; `identity` is what every command understands.
    pub(crate) fn request(self, identity: &Identity) -> Request {
        Request {
            cluster: self.cluster_name,
            wish: Wish {
                roles: self.words.roles,
                session_name: self.words.role_session_name,
                external_id: self.words.external_id,
                ..identity.wish()
            },
            token_only: self.token_only,
        }
    }
}

/// A token that is asked for, in whichever words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// The cluster's name.
    pub(crate) cluster: String,
    /// What to sign with.
    pub(crate) wish: Wish,
    /// Whether nothing but the token is wanted.
    pub(crate) token_only: bool,
}

/// Signs a token and prints it. Nothing that clients could stumble over is kept from them: what they will not like of it is said on
/// stderr.
pub(crate) fn run(request: &Request, out: &mut Out) -> Result<Exit, Failure> {
    let Request { cluster, wish, .. } = request;
    let what = format!("cannot make a token for cluster {cluster:?}");
    if let Some(fault) = fault(cluster) {
        return Err(Failure::usage(format!("{what}: {fault}"))
            .hint("give the name that it was created with: awsauth token --cluster-name NAME"));
    }
    let surroundings = Surroundings::of_process();
    let resolved = identity::resolve(&what, wish, &surroundings, out)?;
    let host = StsHost::of(&resolved.region.name, resolved.endpoint);
    let host = host.map_err(|error| {
        let hint = match error {
            HostError::Region(_) => "name the cluster's region: --region eu-west-1",
            HostError::DualStack(_) => {
                "unset AWS_USE_DUALSTACK_ENDPOINT, and use_dualstack_endpoint of the profile"
            }
        };
        Failure::usage(&what).because(&error).hint(hint)
    })?;
    let token = Token::sign(&resolved.credentials, &host, cluster, Timestamp::now());
    if request.token_only {
        out.data(token.text.expose_secret().as_bytes())?;
        out.data(b"\n")?;
    } else {
        let exec_info = surroundings.get(EXEC_INFO).unwrap_or_default();
        let version = ExecVersion::asked_for(exec_info);
        out.data(version.credential(&token).expose_secret().as_bytes())?;
        if !version.is_taken() {
            complain_of_version(&version, out);
        }
    }
    if token.is_too_long() {
        complain_of_length(&token, out);
    }
    Ok(Exit::Done)
}

/// kubectl refuses such a version itself, but says neither whose it is nor how to change it.
fn complain_of_version(version: &ExecVersion, out: &mut Out) {
    let asked = version.as_str().map_or_else(
        || "names no apiVersion".to_owned(),
        |version| format!("asks for {version}"),
    );
    out.note(&format!(
        "warning: {EXEC_INFO} {asked}; kubectl 1.24 and newer take client.authentication.k8s.io/v1beta1 or v1"
    ));
    out.note("hint: kubectl config set-credentials USER --exec-api-version=client.authentication.k8s.io/v1beta1");
}

/// The authenticator refuses such a token before it looks at it, and the client hears no more than Unauthorized.
fn complain_of_length(token: &Token, out: &mut Out) {
    out.note(&format!(
        "warning: the token has {} bytes and the cluster's authenticator refuses more than {TOKEN_BYTES}: the session token of these \
         credentials is too long, as session tags and session policies make it",
        token.text.expose_secret().len()
    ));
    out.note("hint: use credentials whose session has fewer tags and no policy of its own, such as those of a role: --role-arn ARN");
}

/// Why it can't stand in the header that is signed.
fn fault(cluster: &str) -> Option<&'static str> {
    if cluster.trim().is_empty() {
        Some("it has no name")
    } else if cluster.chars().any(char::is_control) {
        Some("a name can't hold control characters")
    } else {
        None
    }
}
