//! `awsauth kubeconfig`.

mod certificate;
mod cluster;
mod executable;
mod proxy_url;

use std::path::PathBuf;

use clap::builder::FalseyValueParser;

use super::write_args::DryRun;
use crate::backend::Target;
use crate::backend::eks_cluster;
use crate::backend::kubeconfig_file::KubeconfigFile;
use crate::output::kubeconfig_changes;
use crate::terminal::{Exit, Failure, Out};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::config_file;
use awsauth_aws::credentials::CredentialOptions;
use awsauth_aws::eks::CredentialOrder;
use awsauth_core::kubeconfig::{
    Change, Cluster, Edited, Entries, EntryChange, Exec, Kubeconfig, User,
};
use awsauth_core::shell_quote::quoted;
use awsauth_kube::Environment;
use cluster::Found;

/// Write or update a cluster's entries in a kubeconfig
///
/// Adds or updates the cluster, a user that signs in with awsauth's own tokens, and a context, and makes
/// the context the current one. Everything else in the file stays unchanged, byte for byte. The names are those that
/// `aws eks update-kubeconfig` uses, so that its entries are updated, too.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The cluster's name
    #[arg(
        short = 'i',
        long,
        alias = "name",
        env = "AWSAUTH_CLUSTER_NAME",
        value_name = "NAME"
    )]
    cluster_name: String,

    /// The context's name; by default, the same as the user's
    #[arg(long, env = "AWSAUTH_ALIAS", value_name = "NAME")]
    alias: Option<String>,

    /// The user's name; by default, the cluster's ARN
    #[arg(long, env = "AWSAUTH_USER_ALIAS", value_name = "NAME")]
    user_alias: Option<String>,

    /// The URL of the API server; by default, EKS reports it
    #[arg(long, env = "AWSAUTH_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,

    /// The file of the API server's CA certificates (PEM); by default, EKS reports them
    #[arg(
        long,
        env = "AWSAUTH_CERTIFICATE_AUTHORITY",
        value_name = "FILE",
        requires = "endpoint"
    )]
    certificate_authority: Option<PathBuf>,

    /// The proxy for requests to the API server; by default, the entry's proxy is kept
    #[arg(long, env = "AWSAUTH_PROXY_URL", value_name = "URL", value_parser = proxy_url::parse)]
    proxy_url: Option<String>,

    /// Look the cluster up in EKS as this role, such as a role in the cluster's account; tokens are not signed with this role
    #[arg(
        long,
        env = "AWSAUTH_ASSUME_ROLE_ARN",
        value_name = "ARN",
        conflicts_with = "endpoint"
    )]
    assume_role_arn: Option<String>,

    /// Write to stdout: only these entries or, with --kubeconfig, the whole updated file
    #[arg(long, env = "AWSAUTH_PRINT", value_parser = FalseyValueParser::new())]
    print: bool,

    /// Show what would change, and write nothing
    #[arg(long, env = "AWSAUTH_DRY_RUN", value_enum, value_name = "none|client", hide_possible_values = true, default_value_t, default_missing_value = "auto", num_args = 0..=1, require_equals = true)]
    dry_run: DryRun,

    /// With `print`, print the whole updated file even if no option names it.
    #[arg(skip)]
    prints_file: bool,
}

/// Write or update a cluster's entries in a kubeconfig, like `aws eks update-kubeconfig`
///
/// Does the same as `awsauth kubeconfig`, with the options of the AWS CLI. Ignores the AWSAUTH_ variables of options.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  awsauth eks update-kubeconfig --name prod --region eu-west-1
  awsauth eks update-kubeconfig --name prod --alias prod --role-arn arn:aws:iam::111122223333:role/dev")]
pub(crate) struct AwsArgs {
    /// The cluster's name
    #[arg(id = "cluster_name", long = "name", value_name = "NAME")]
    name: String,

    /// The context's name; by default, the same as the user's
    #[arg(long, value_name = "NAME")]
    alias: Option<String>,

    /// The user's name; by default, the cluster's ARN
    #[arg(long, value_name = "NAME")]
    user_alias: Option<String>,

    /// The proxy for requests to the API server; by default, the entry's proxy is kept
    #[arg(long, value_name = "URL", value_parser = proxy_url::parse)]
    proxy_url: Option<String>,

    /// Look the cluster up in EKS as this role; tokens are not signed with it
    #[arg(long, value_name = "ARN")]
    assume_role_arn: Option<String>,

    /// Print the updated kubeconfig instead of writing it
    #[arg(long)]
    dry_run: bool,

    /// The AWS CLI has this option for every command; it has no effect here
    #[arg(long, hide = true)]
    output: Option<String>,

    /// The AWS CLI has this option for every command; it has no effect here
    #[arg(long, hide = true)]
    no_cli_pager: bool,
}

impl From<AwsArgs> for Args {
    fn from(args: AwsArgs) -> Self {
        Self {
            cluster_name: args.name,
            alias: args.alias,
            user_alias: args.user_alias,
            endpoint: None,
            certificate_authority: None,
            proxy_url: args.proxy_url,
            assume_role_arn: args.assume_role_arn,
            print: args.dry_run,
            dry_run: DryRun::None,
            prints_file: args.dry_run,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  # After this, kubectl can use the cluster without the AWS CLI
  awsauth kubeconfig --cluster-name prod --region eu-west-1

  # As another role, under a short name
  awsauth kubeconfig --cluster-name prod --role-arn arn:aws:iam::111122223333:role/admin --alias prod-admin --user-alias prod-admin

  # For one command of a pipeline
  awsauth kubeconfig --cluster-name prod --print > kubeconfig
";

/// Finds the cluster, and writes its entries or shows what would be written.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    target.only_kubeconfig(matches)?;
    if args.dry_run == DryRun::Server {
        return Err(
            Failure::usage("cannot use --dry-run=server: a kubeconfig is a local file")
                .hint("--dry-run=client shows what would change"),
        );
    }
    let aws_environment = AwsEnvironment::of_process();
    let credential_options = target.identity.credential_options();
    let found = match &args.endpoint {
        Some(endpoint) => args.given(endpoint, &credential_options, &aws_environment)?,
        None => args.described(target, &credential_options, &aws_environment, out)?,
    };
    let entries = args.entries(found, &credential_options, &aws_environment)?;
    let named = target.kubeconfig.as_deref();
    if args.print && named.is_none() && !args.prints_file {
        let empty = Kubeconfig::parse("").and_then(|empty| empty.with(&entries));
        return print(&empty.map_err(|error| Failure::bug(&error))?, out);
    }
    let file = KubeconfigFile::choose(
        named,
        &Environment::of_process(),
        &entries.cluster.name,
        out,
    )?;
    if args.print {
        return print(&file.with(&file.read()?, &entries)?, out);
    }
    let edited = if args.dry_run == DryRun::None {
        file.write(&entries, target.timeout())?
    } else {
        file.with(&file.read()?, &entries)?
    };
    out.text(&kubeconfig_changes(&edited.changes))?;
    print_warnings(&edited, out);
    if edited
        .changes
        .iter()
        .all(|Change { what, .. }| *what == EntryChange::Unchanged)
    {
        out.note(&format!("{file} needs no change."));
    } else if args.dry_run != DryRun::None {
        out.note("Nothing was written.");
    } else {
        out.note(&format!("Wrote {file}."));
    }
    if let Some((before, context)) = file.overriding_context()
        && context != entries.context
    {
        out.note(&format!(
            "warning: kubectl still uses context {context}, because {} takes precedence",
            before.display()
        ));
        out.note(&format!(
            "hint: kubectl config use-context {}",
            quoted(&entries.context)
        ));
    }
    Ok(Exit::Done)
}

impl Args {
    /// Asks EKS for the cluster.
    fn described(
        &self,
        target: &Target,
        credential_options: &CredentialOptions,
        aws_environment: &AwsEnvironment,
        out: &mut Out,
    ) -> Result<Found, Failure> {
        let as_role = self.assume_role_arn.as_ref().map(|role| CredentialOptions {
            roles: vec![role.clone()],
            session_name: None,
            external_id: None,
            duration: None,
            ..credential_options.clone()
        });
        let (order, options) = match &as_role {
            Some(options) => (CredentialOrder::RolesOnly, options),
            None => (CredentialOrder::OwnFirst, credential_options),
        };
        let cluster = eks_cluster::describe(
            &self.cluster_name,
            order,
            options,
            aws_environment,
            target.wait,
            out,
        )?;
        Ok(cluster.facts.into())
    }

    /// Returns the cluster from the options alone, without a request to EKS.
    fn given(
        &self,
        endpoint: &str,
        credential_options: &CredentialOptions,
        aws_environment: &AwsEnvironment,
    ) -> Result<Found, Failure> {
        let ca = self.certificate_authority.as_deref();
        Found::given(
            &self.cluster_name,
            endpoint,
            ca.map(certificate::data).transpose()?,
            credential_options,
            aws_environment,
        )
    }

    fn entries(
        &self,
        found: Found,
        credential_options: &CredentialOptions,
        aws_environment: &AwsEnvironment,
    ) -> Result<Entries, Failure> {
        let user = self
            .user_alias
            .clone()
            .unwrap_or_else(|| found.name.clone());
        let profile =
            config_file::profile_name(credential_options.profile.as_deref(), aws_environment);
        Ok(Entries {
            context: self.alias.clone().unwrap_or_else(|| user.clone()),
            user: User {
                name: user,
                exec: Exec {
                    command: executable::path()?,
                    args: arguments(&found, credential_options),
                    profile: profile.map(str::to_owned),
                },
            },
            cluster: Cluster {
                name: found.name,
                server: found.endpoint,
                certificate_authority_data: found.certificate_authority_data,
                proxy_url: self.proxy_url.clone(),
            },
        })
    }
}

/// Returns the arguments of the command that makes tokens with these options.
fn arguments(found: &Found, credential_options: &CredentialOptions) -> Vec<String> {
    let mut arguments = vec!["token".to_owned()];
    let mut add = |flag: &str, value: &str| arguments.extend([flag.to_owned(), value.to_owned()]);
    add("--cluster-name", &found.token_id);
    if let Some(region) = &found.region {
        add("--region", region);
    }
    for role in &credential_options.roles {
        add("--role-arn", role);
    }
    if let Some(name) = &credential_options.session_name {
        add("--role-session-name", name);
    }
    if let Some(id) = &credential_options.external_id {
        add("--external-id", id);
    }
    if let Some(duration) = credential_options.duration {
        add("--duration", &format!("{}s", duration.as_secs()));
    }
    if let Some(source) = credential_options.source {
        add("--source", source.name());
    }
    if credential_options.no_cache {
        arguments.push("--no-cache".to_owned());
    }
    arguments
}

fn print(edited: &Edited, out: &mut Out) -> Result<Exit, Failure> {
    out.document(edited.text.as_bytes())?;
    print_warnings(edited, out);
    Ok(Exit::Done)
}

fn print_warnings(edited: &Edited, out: &mut Out) {
    if !edited.also_for.is_empty() {
        out.note(&format!(
            "warning: other contexts also use that user: {}",
            edited.also_for.join(", ")
        ));
        out.note("hint: use a separate user: --user-alias NAME");
    }
}
