//! `awsauth token`.

mod authenticator_settings;

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::backend::credential_args::{self, CredentialArgs};
use crate::backend::is_typed;
use crate::terminal::{Exit, Failure, Out};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::CredentialOptions;
use awsauth_core::facts::limits::TOKEN_BYTES;
use awsauth_core::token::{EXEC_INFO, ExecVersion, HostError, StsHost, Token};

/// Print a token for kubectl
///
/// Use it as the command of a user's exec entry in a kubeconfig, in place of `aws eks get-token` or
/// `aws-iam-authenticator token`. Needs no network if the credentials are available locally.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # The arguments of a user's exec entry in a kubeconfig
  awsauth token --cluster-name prod --region eu-west-1

  # For programs that are not Kubernetes clients
  curl -H \"Authorization: Bearer $(awsauth token --cluster-name prod --token-only)\" \"$SERVER/version\"")]
pub(crate) struct Args {
    /// The cluster's name
    #[arg(long, env = "AWSAUTH_CLUSTER_NAME", value_name = "NAME")]
    cluster_name: Option<String>,

    /// The id in the configuration of the cluster's authenticator; on EKS, the cluster's name
    ///
    /// Without --cluster-name, the variables KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID and DEFAULT_ROLE of aws-iam-authenticator
    /// are honored, too.
    #[arg(short = 'i', long, env = "AWSAUTH_CLUSTER_ID", value_name = "ID")]
    cluster_id: Option<String>,

    /// Print only the token, for programs that do not read an ExecCredential
    #[arg(long, env = "AWSAUTH_TOKEN_ONLY", value_parser = FalseyValueParser::new())]
    token_only: bool,

    /// Give each role of --role-arn the session name of the current session; for a user, this changes nothing
    #[arg(
        long,
        env = "AWSAUTH_FORWARD_SESSION_NAME",
        value_parser = FalseyValueParser::new()
    )]
    forward_session_name: bool,

    #[command(flatten)]
    authenticator: AuthenticatorArgs,

    #[command(flatten)]
    aliases: CredentialAliases,
}

/// Options of aws-iam-authenticator. Those that are not read here have no effect on a token.
#[derive(Debug, clap::Args)]
struct AuthenticatorArgs {
    /// A configuration file of aws-iam-authenticator with the cluster's id
    // AWSAUTH_CONFIG is the configuration of the controller.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Sessions of roles are always cached, except with --no-cache
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    cache: Option<bool>,

    /// Messages are always text
    #[arg(short, long, hide = true, value_parser = ["text", "json"])]
    log_format: Option<String>,

    /// --verbose and --quiet are the levels
    #[arg(long, hide = true)]
    log_verbosity: Option<String>,

    /// Features of the authenticator's server
    #[arg(long, hide = true)]
    feature_gates: Option<String>,
}

/// The global options under the names of aws-iam-authenticator. They have the same clap ids as the global options
/// and replace them.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options for AWS credentials")]
struct CredentialAliases {
    /// Assume this role; may be repeated, each with the credentials of the previous one
    #[arg(
        short,
        long = "role-arn",
        alias = "role",
        env = "AWSAUTH_ROLE_ARN",
        value_name = "ARN"
    )]
    roles: Vec<String>,

    /// The role session name, as CloudTrail shows it; without --role-arn, it applies to the profile's role
    #[arg(
        long,
        short_alias = 's',
        alias = "session-name",
        env = "AWSAUTH_ROLE_SESSION_NAME",
        value_name = "NAME"
    )]
    role_session_name: Option<String>,

    /// The sts:ExternalId that the role's trust policy requires; without --role-arn, it applies to the profile's role
    #[arg(
        long,
        short_alias = 'e',
        env = "AWSAUTH_EXTERNAL_ID",
        value_name = "ID"
    )]
    external_id: Option<String>,
}

impl Args {
    /// Combines these options with the global ones. `matches` are those of this command.
    pub(crate) fn request(
        self,
        identity: &CredentialArgs,
        matches: &clap::ArgMatches,
    ) -> Result<Request, Failure> {
        if self.cluster_id.is_some() && is_typed(matches, "cluster_name") {
            return Err(Failure::usage(
                "cannot use --cluster-name together with --cluster-id: both name the cluster",
            )
            .hint("leave one of them out"));
        }
        let is_of_authenticator = self.cluster_id.is_some() || self.cluster_name.is_none();
        let cluster = self.cluster_id.or(self.cluster_name);
        Ok(Request {
            cluster: cluster.unwrap_or_default(),
            is_of_authenticator,
            config: self.authenticator.config,
            credential_options: CredentialOptions {
                roles: self.aliases.roles,
                session_name: self.aliases.role_session_name,
                external_id: self.aliases.external_id,
                forward_session_name: self.forward_session_name,
                ..identity.credential_options()
            },
            token_only: self.token_only,
        })
    }
}

/// A request for a token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// The cluster id to sign; empty if no option names it.
    pub(crate) cluster: String,
    /// Whether the variables of aws-iam-authenticator are honored.
    pub(crate) is_of_authenticator: bool,
    /// The configuration file of aws-iam-authenticator.
    pub(crate) config: Option<PathBuf>,
    pub(crate) credential_options: CredentialOptions,
    /// Whether to print only the token.
    pub(crate) token_only: bool,
}

/// Signs a token and prints it. Prints warnings on stderr about problems that clients will have with it.
pub(crate) fn run(request: &Request, out: &mut Out) -> Result<Exit, Failure> {
    let aws_environment = AwsEnvironment::of_process();
    let request = &authenticator_settings::complete(request, &aws_environment)?;
    let Request {
        cluster,
        credential_options,
        ..
    } = request;
    if cluster.is_empty() {
        return Err(Failure::usage("cannot create a token: no cluster is named")
            .hint("name it as it was created: awsauth token --cluster-name NAME"));
    }
    if credential_options.forward_session_name && credential_options.session_name.is_some() {
        return Err(Failure::usage(
            "cannot use --forward-session-name together with --role-session-name: both name the session",
        )
        .hint("leave one of them out"));
    }
    let what = format!("cannot create a token for cluster {cluster:?}");
    if let Some(fault) = fault(cluster) {
        return Err(Failure::usage(format!("{what}: {fault}")).hint(
            "pass the name that the cluster was created with: awsauth token --cluster-name NAME",
        ));
    }
    let resolved = credential_args::resolve(&what, credential_options, &aws_environment, out)?;
    let host = StsHost::of(&resolved.region.name, resolved.endpoint);
    let host = host.map_err(|error| {
        let hint = match error {
            HostError::Region(_) => "pass the cluster's region, for example --region eu-west-1",
            HostError::DualStack(_) => {
                "unset AWS_USE_DUALSTACK_ENDPOINT, and remove use_dualstack_endpoint from the profile"
            }
        };
        Failure::usage(&what).because(&error).hint(hint)
    })?;
    let token = Token::sign(&resolved.credentials, &host, cluster, Timestamp::now());
    if request.token_only {
        out.data(token.text.expose_secret().as_bytes())?;
        out.data(b"\n")?;
    } else {
        let exec_info = aws_environment.get(EXEC_INFO).unwrap_or_default();
        let version = ExecVersion::requested_by(exec_info).unwrap_or_else(|error| {
            let default = ExecVersion::default();
            out.note(&format!(
                "warning: {EXEC_INFO} is not an ExecCredential ({error}); the answer is of version {}",
                default.as_str().unwrap_or_default()
            ));
            out.note("hint: kubectl sets the variable; unset it in scripts, or update the client that set it");
            default
        });
        out.data(version.credential(&token).expose_secret().as_bytes())?;
        if !version.is_supported() {
            warn_about_version(&version, out);
        }
    }
    if token.is_too_long() {
        warn_about_length(&token, out);
    }
    Ok(Exit::Done)
}

/// Prints a warning, because kubectl itself names neither the user nor a remedy.
fn warn_about_version(version: &ExecVersion, out: &mut Out) {
    let asked = version.as_str().map_or_else(
        || "names no apiVersion".to_owned(),
        |version| format!("requests {version}"),
    );
    out.note(&format!(
        "warning: {EXEC_INFO} {asked}; kubectl 1.24 and newer accept only client.authentication.k8s.io/v1beta1 or v1"
    ));
    out.note("hint: kubectl config set-credentials USER --exec-api-version=client.authentication.k8s.io/v1beta1");
}

/// Prints a warning, because the authenticator refuses the token, and the client only reports Unauthorized.
fn warn_about_length(token: &Token, out: &mut Out) {
    out.note(&format!(
        "warning: the token is {} bytes long, but the authenticator accepts at most {TOKEN_BYTES}: session tags or a session \
         policy make the session token too long",
        token.text.expose_secret().len()
    ));
    out.note(
        "hint: use a session with fewer tags and no session policy, for example: --role-arn ARN",
    );
}

/// Returns why a name cannot be part of the signed header.
fn fault(cluster: &str) -> Option<&'static str> {
    if cluster.trim().is_empty() {
        Some("the cluster name is empty")
    } else if cluster.chars().any(char::is_control) {
        Some("a name cannot contain control characters")
    } else {
        None
    }
}
