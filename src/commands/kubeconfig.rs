mod certificate;
mod cluster;
mod executable;

use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;

use super::write::DryRun;
use crate::aws::Surroundings;
use crate::aws::config_file;
use crate::aws::credentials::Wish;
use crate::cluster::Environment;
use crate::edge::{Exit, Failure, Out};
use crate::kubeconfig::{Change, Cluster, Edited, Entries, Exec, Kubeconfig, User, What};
use crate::render::kubeconfig_changes;
use crate::world::Target;
use crate::world::eks::{self, Asks};
use crate::world::kubeconfigs::KubeconfigFile;
use cluster::Found;

/// Write or mend a cluster's entries in a kubeconfig
///
/// Adds the cluster, a user that signs in with awsauth's own tokens, and a context, or mends what differs in them, and makes
/// the context the current one. Everything else in the file stays as it is, byte for byte. The names are those that
/// `aws eks update-kubeconfig` gives, so that its entries are mended, too.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
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

    /// The context's name; otherwise the user's
    #[arg(long, env = "AWSAUTH_ALIAS", value_name = "NAME")]
    alias: Option<String>,

    /// The user's name; otherwise the cluster's ARN
    #[arg(long, env = "AWSAUTH_USER_ALIAS", value_name = "NAME")]
    user_alias: Option<String>,

    /// Where the API server is, instead of asking EKS
    #[arg(long, env = "AWSAUTH_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,

    /// The PEM certificates to check the API server's with, instead of asking EKS
    #[arg(
        long,
        env = "AWSAUTH_CERTIFICATE_AUTHORITY",
        value_name = "FILE",
        requires = "endpoint"
    )]
    certificate_authority: Option<PathBuf>,

    /// Write to stdout: these entries alone, or with --kubeconfig that whole file as it would be
    #[arg(long, env = "AWSAUTH_PRINT", value_parser = FalseyValueParser::new())]
    print: bool,

    /// Say what would change and write nothing
    #[arg(long, env = "AWSAUTH_DRY_RUN", value_enum, value_name = "MODE", default_value_t, default_missing_value = "auto", num_args = 0..=1, require_equals = true)]
    dry_run: DryRun,
}

const EXAMPLES: &str = "\
Examples:
  # After this, kubectl uses the cluster, and no aws CLI
  awsauth kubeconfig --cluster-name prod --region eu-west-1

  # As another role, under a short name
  awsauth kubeconfig --cluster-name prod --role-arn arn:aws:iam::111122223333:role/admin --alias prod-admin --user-alias prod-admin

  # For one command of a pipeline
  awsauth kubeconfig --cluster-name prod --print > kubeconfig
";

/// Finds the cluster, and writes its entries or says what would be written.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    target.only_kubeconfig(matches)?;
    if args.dry_run == DryRun::Server {
        return Err(Failure::usage(
            "cannot use --dry-run=server: a kubeconfig has no server to ask",
        )
        .hint("--dry-run=client says what would change"));
    }
    let surroundings = Surroundings::of_process();
    let wish = target.identity.wish();
    let found = match &args.endpoint {
        Some(endpoint) => args.given(endpoint, &wish, &surroundings)?,
        None => {
            let name = &args.cluster_name;
            let asks = Asks::OwnFirst;
            eks::ask(name, asks, &wish, &surroundings, target.wait, out)?
                .facts
                .into()
        }
    };
    let entries = args.entries(found, &wish, &surroundings)?;
    let named = target.kubeconfig.as_deref();
    if args.print {
        return print(named, &entries, out);
    }
    let file = KubeconfigFile::choose(
        named,
        &Environment::of_process(),
        &entries.cluster.name,
        out,
    )?;
    let edited = if args.dry_run == DryRun::None {
        file.write(&entries, target.timeout)?
    } else {
        file.with(&file.read()?, &entries)?
    };
    out.text(&kubeconfig_changes(&edited.changes))?;
    say_what_to_know(&edited, out);
    if edited
        .changes
        .iter()
        .all(|Change { what, .. }| *what == What::Unchanged)
    {
        out.note(&format!("{file} is as asked."));
    } else if args.dry_run != DryRun::None {
        out.note("Nothing was written.");
    } else {
        out.note(&format!("Wrote {file}."));
    }
    if let Some((before, context)) = file.hidden_behind()
        && context != entries.context
    {
        out.note(&format!(
            "warning: kubectl goes on using context {context}, which {} names first",
            before.display()
        ));
        out.note(&format!(
            "hint: kubectl config use-context {}",
            entries.context
        ));
    }
    Ok(Exit::Done)
}

impl Args {
    /// The cluster as the user describes it, so that nobody need be asked.
    fn given(
        &self,
        endpoint: &str,
        wish: &Wish,
        surroundings: &Surroundings,
    ) -> Result<Found, Failure> {
        let ca = self.certificate_authority.as_deref();
        Found::given(
            &self.cluster_name,
            endpoint,
            ca.map(certificate::data).transpose()?,
            wish,
            surroundings,
        )
    }

    fn entries(
        &self,
        found: Found,
        wish: &Wish,
        surroundings: &Surroundings,
    ) -> Result<Entries, Failure> {
        let user = self
            .user_alias
            .clone()
            .unwrap_or_else(|| found.name.clone());
        let profile = config_file::profile_name(wish.profile.as_deref(), surroundings);
        Ok(Entries {
            context: self.alias.clone().unwrap_or_else(|| user.clone()),
            user: User {
                name: user,
                exec: Exec {
                    command: executable::path()?,
                    args: arguments(&found, wish),
                    profile: profile.map(str::to_owned),
                },
            },
            cluster: Cluster {
                name: found.name,
                server: found.endpoint,
                certificate_authority_data: found.certificate_authority_data,
            },
        })
    }
}

/// What makes the same token that these options would make.
fn arguments(found: &Found, wish: &Wish) -> Vec<String> {
    let mut arguments = vec!["token".to_owned()];
    let mut add = |flag: &str, value: &str| arguments.extend([flag.to_owned(), value.to_owned()]);
    add("--cluster-name", &found.token_id);
    if let Some(region) = &found.region {
        add("--region", region);
    }
    for role in &wish.roles {
        add("--role-arn", role);
    }
    if let Some(name) = &wish.session_name {
        add("--role-session-name", name);
    }
    if let Some(id) = &wish.external_id {
        add("--external-id", id);
    }
    if let Some(duration) = wish.duration {
        add("--duration", &format!("{}s", duration.as_secs()));
    }
    if let Some(source) = wish.source {
        add("--source", source.name());
    }
    if wish.no_cache {
        arguments.push("--no-cache".to_owned());
    }
    arguments
}

fn print(named: Option<&Path>, entries: &Entries, out: &mut Out) -> Result<Exit, Failure> {
    let edited = match named {
        Some(path) => {
            let file = KubeconfigFile::choose(
                Some(path),
                &Environment::default(),
                &entries.cluster.name,
                out,
            )?;
            file.with(&file.read()?, entries)?
        }
        None => Kubeconfig::parse("")
            .and_then(|empty| empty.with(entries))
            .map_err(|error| Failure::bug(&error))?,
    };
    out.document(edited.text.as_bytes())?;
    say_what_to_know(&edited, out);
    Ok(Exit::Done)
}

fn say_what_to_know(edited: &Edited, out: &mut Out) {
    if !edited.also_for.is_empty() {
        out.note(&format!(
            "warning: that user serves other contexts, too: {}",
            edited.also_for.join(", ")
        ));
        out.note("hint: keep users apart with --user-alias NAME");
    }
}
