//! Selects the clusters of a fleet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use jiff::Timestamp;

use super::fleet_cluster::{FleetCluster, Label};
use super::runs::{Limits, run_all};
use crate::backend::credential_args::{self, CredentialArgs};
use crate::backend::{Target, bounded_read, read_kubeconfig};
use crate::commands::lint::parse_account;
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials;
use awsauth_aws::eks::Eks;
use awsauth_core::desired::{ClusterPlace, ListedCluster, read_clusters};
use awsauth_core::wildcard_pattern::Pattern;

/// The placeholder of `--assume-role-arn`.
const ACCOUNT: &str = "{account}";

/// The clusters to work on, and how many at the same time.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Options for a fleet")]
pub(super) struct FleetArgs {
    /// The contexts of the kubeconfig with these names, in which * matches any text; may be repeated
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_CONTEXTS",
        value_name = "PATTERN",
        value_delimiter = ','
    )]
    contexts: Vec<Pattern>,

    /// All contexts of the kubeconfig
    #[arg(long, global = true, env = "AWSAUTH_ALL_CONTEXTS", value_parser = FalseyValueParser::new())]
    all_contexts: bool,

    /// The clusters that this YAML file lists
    #[arg(long, global = true, env = "AWSAUTH_CLUSTERS", value_name = "FILE")]
    clusters: Option<PathBuf>,

    /// All EKS clusters in these regions
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_REGIONS",
        value_name = "REGION",
        value_delimiter = ','
    )]
    regions: Vec<String>,

    /// With --regions, the clusters of these accounts, each through the role of --assume-role-arn
    #[arg(long, global = true, env = "AWSAUTH_ACCOUNTS", value_name = "ID", value_delimiter = ',', value_parser = parse_account, requires_all = ["regions", "assume_role_arn"])]
    accounts: Vec<String>,

    /// The role to assume in the account of each EKS cluster, such as arn:aws:iam::{account}:role/access-admin
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_ASSUME_ROLE_ARN",
        value_name = "ARN"
    )]
    assume_role_arn: Option<String>,

    /// Only clusters that have this label in the file of clusters; may be repeated
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_LABEL",
        value_name = "KEY=VALUE",
        value_delimiter = ',',
        requires = "clusters"
    )]
    label: Vec<Label>,

    #[command(flatten)]
    pub(super) limits: Limits,
}

/// The clusters of the fleet, and the regions whose clusters cannot be listed.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    pub(super) clusters: Vec<FleetCluster>,
    /// The name for each in the output, and why.
    pub(super) unlisted: Vec<(String, Failure)>,
}

impl FleetArgs {
    /// Finds the clusters.
    ///
    /// # Errors
    /// If the options select no cluster, or the kubeconfig or the file cannot be read.
    pub(super) fn select(&self, target: &Target, out: &mut Out) -> Result<Fleet, Failure> {
        let mut fleet = Fleet::default();
        if self.all_contexts || !self.contexts.is_empty() {
            fleet.clusters.extend(self.of_kubeconfig(target)?);
        }
        if let Some(path) = &self.clusters {
            fleet.clusters.extend(self.of_file(path, target)?);
        }
        if !self.regions.is_empty() {
            self.at_eks(target, &mut fleet, out)?;
        }
        let is_selected = self.all_contexts
            || !self.contexts.is_empty()
            || self.clusters.is_some()
            || !self.regions.is_empty();
        if !is_selected {
            return Err(Failure::usage("no clusters are selected").hint(
                "select them with --contexts 'prod-*', --all-contexts, --clusters FILE or --regions REGION,…",
            ));
        }
        if fleet.clusters.is_empty() && fleet.unlisted.is_empty() {
            return Err(Failure::usage("these options select no cluster"));
        }
        let mut names: Vec<&str> = fleet.clusters.iter().map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(
                Failure::usage(format!("two clusters have the name {}", pair[0])).hint(
                    "select it in one way only, or give it another name in the file of clusters",
                ),
            );
        }
        Ok(fleet)
    }

    fn of_kubeconfig(&self, target: &Target) -> Result<Vec<FleetCluster>, Failure> {
        let kubeconfig = read_kubeconfig(target)?;
        let target = Target {
            loaded_kubeconfig: Some(kubeconfig.clone()),
            ..target.clone()
        };
        for pattern in &self.contexts {
            if !kubeconfig.contexts().any(|name| pattern.matches(name)) {
                return Err(Failure::usage(format!(
                    "no context of the kubeconfig matches {}",
                    pattern.text()
                ))
                .hint("list them: kubectl config get-contexts -o name"));
            }
        }
        let is_selected = |name: &&str| {
            self.all_contexts || self.contexts.iter().any(|pattern| pattern.matches(name))
        };
        let selected = kubeconfig.contexts().filter(is_selected);
        let cluster = |name: &str| FleetCluster {
            name: name.to_owned(),
            target: target.at_context(Some(name)),
            labels: BTreeMap::new(),
        };
        Ok(selected.map(cluster).collect())
    }

    fn of_file(&self, path: &Path, target: &Target) -> Result<Vec<FleetCluster>, Failure> {
        let shown = path.display().to_string();
        let failed = || Failure::usage("cannot read the file of clusters");
        let bytes = bounded_read::file(path);
        let bytes = bytes.map_err(|error| failed().at(&shown).because(&error))?;
        let text = String::from_utf8(bytes);
        let text = text.map_err(|error| failed().at(&shown).because(&error))?;
        let listed = read_clusters(&text, &shown)
            .map_err(|error| failed().because(&error).hint(error.remedy()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut kubeconfigs = BTreeMap::new();
        let clusters = listed.into_iter().map(|listed| {
            let ListedCluster {
                name,
                place,
                labels,
            } = listed;
            let target = match place {
                ClusterPlace::Eks {
                    name,
                    region,
                    account,
                    role_arn,
                } => self.listed_at_eks(&name, region, account, role_arn, target)?,
                ClusterPlace::Kubeconfig {
                    context,
                    kubeconfig,
                } => {
                    let path = kubeconfig.map(|path| folder.join(path));
                    let of_file = Target {
                        kubeconfig: path.clone().or_else(|| target.kubeconfig.clone()),
                        ..target.clone()
                    };
                    if !kubeconfigs.contains_key(&path) {
                        kubeconfigs.insert(path.clone(), read_kubeconfig(&of_file)?);
                    }
                    let of_file = Target {
                        loaded_kubeconfig: kubeconfigs.get(&path).cloned(),
                        ..of_file
                    };
                    of_file.at_context(context.as_deref())
                }
            };
            Ok(FleetCluster {
                name,
                target,
                labels,
            })
        });
        let mut clusters: Vec<FleetCluster> = clusters.collect::<Result<_, Failure>>()?;
        clusters.retain(|cluster| self.label.iter().all(|label| cluster.has(label)));
        Ok(clusters)
    }

    /// Returns the target for an EKS cluster of the file. The cluster must be in the account that the file names.
    fn listed_at_eks(
        &self,
        name: &str,
        region: Option<String>,
        account: Option<String>,
        role_arn: Option<String>,
        target: &Target,
    ) -> Result<Target, Failure> {
        let role = match (role_arn, &self.assume_role_arn) {
            (Some(role), _) => Some(role),
            (None, Some(pattern)) => Some(self.role(pattern, account.as_deref())?),
            (None, None) => None,
        };
        let identity = target.identity.with(region.as_deref(), role.as_deref());
        Ok(Target {
            expect_account: account,
            ..target.at_eks(name, identity)
        })
    }

    /// Adds the clusters of all regions, in all accounts.
    fn at_eks(&self, target: &Target, fleet: &mut Fleet, out: &mut Out) -> Result<(), Failure> {
        let mut roles = Vec::new();
        for account in &self.accounts {
            let pattern = self.assume_role_arn.as_deref().unwrap_or_default();
            if !pattern.contains(ACCOUNT) && self.accounts.len() > 1 {
                return Err(Failure::usage(format!(
                    "--assume-role-arn names one role for {} accounts",
                    self.accounts.len()
                ))
                .hint("write {account} in it, such as arn:aws:iam::{account}:role/access-admin"));
            }
            roles.push(Some(self.role(pattern, Some(account))?));
        }
        if roles.is_empty() {
            let role = self.assume_role_arn.as_ref();
            roles.push(role.map(|role| self.role(role, None)).transpose()?);
        }
        let mut places = Vec::new();
        for (number, role) in roles.iter().enumerate() {
            for region in &self.regions {
                let account = self.accounts.get(number);
                places.push(FleetCluster {
                    name: account.map_or_else(|| region.clone(), |id| format!("{id}/{region}")),
                    target: Target {
                        identity: target.identity.with(Some(region), role.as_deref()),
                        ..target.clone()
                    },
                    labels: BTreeMap::new(),
                });
            }
        }
        let list = |place: &FleetCluster, out: &mut Out| {
            Ok((Exit::Done, clusters_at_eks(&place.target.identity, out)?))
        };
        let listed = run_all("Listing EKS clusters", &places, &self.limits, list, out);
        for (place, run) in places.into_iter().zip(listed) {
            out.forward(&run.cluster, &run.captured);
            match run.done {
                Err(failure) if failure.exit() == Exit::Interrupted => return Err(failure),
                Err(failure) => fleet.unlisted.push((format!("{}/*", place.name), failure)),
                Ok((_, names)) => {
                    fleet
                        .clusters
                        .extend(names.into_iter().map(|name| FleetCluster {
                            target: target.at_eks(&name, place.target.identity.clone()),
                            name: format!("{}/{name}", place.name),
                            labels: BTreeMap::new(),
                        }))
                }
            }
        }
        Ok(())
    }

    /// Returns the role in an account.
    fn role(&self, pattern: &str, account: Option<&str>) -> Result<String, Failure> {
        match account {
            Some(account) => Ok(pattern.replace(ACCOUNT, account)),
            None if pattern.contains(ACCOUNT) => Err(Failure::usage(
                "--assume-role-arn has {account}, and the account is not known",
            )
            .hint("name the accounts with --accounts, or with account: in the file of clusters")),
            None => Ok(pattern.to_owned()),
        }
    }
}

/// Returns the names of the EKS clusters in a region.
fn clusters_at_eks(identity: &CredentialArgs, out: &mut Out) -> Result<Vec<String>, Failure> {
    const WHAT: &str = "cannot list the EKS clusters";
    let environment = AwsEnvironment::of_process();
    let options = identity.credential_options();
    let resolved = credentials::resolve(&options, &environment, Timestamp::now());
    let resolved = resolved.map_err(|error| credential_args::failure(WHAT, &error))?;
    out.detail(|| format!("Signing with credentials of {}", resolved.source));
    let listed = Eks::new(&resolved, options.profile.as_deref(), &environment)
        .and_then(|mut eks| eks.clusters());
    listed.map_err(|error| {
        let kind = match error.is_input() {
            true => Kind::Usage,
            false => Kind::Unreachable,
        };
        Failure::new(kind, WHAT).because(&error).hint(error.hint())
    })
}
