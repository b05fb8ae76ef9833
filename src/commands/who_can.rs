//! `awsauth who-can`.

use std::collections::HashMap;

use clap::builder::FalseyValueParser;
use jiff::Timestamp;

use super::get::note_expired;
use super::list_args::ListArgs;
use super::unreadable_rbac_warnings::print_unread;
use crate::backend::{Backend, Target};
use crate::output::WhoCanList;
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_core::access_entries::recorded_expiry;
use awsauth_core::authenticator::{MappedBy, MappedPrincipal, MappedPrincipals, Store};
use awsauth_core::document::{Document, SectionName};
use awsauth_core::expiry::RecordedExpiry;
use awsauth_core::near_name::nearest;
use awsauth_core::owners_annotation::Owners;
use awsauth_core::rbac::{Action, Namespace, Query, Question, Scope, who_can};
use awsauth_core::shell_quote::quoted;
use awsauth_kube::discovery::{Found, Resolved};

/// The verbs of RBAC rules that API discovery does not list:
/// <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb>
const SPECIAL_VERBS: [&str; 8] = [
    "*",
    "approve",
    "attest",
    "bind",
    "escalate",
    "impersonate",
    "sign",
    "use",
];

/// List the IAM principals that can perform an action, and why
///
/// Evaluates RBAC for every principal that aws-auth or, with --cluster-name, an access entry maps. Without a verb, lists any
/// access to the namespace. Each row is a principal and a binding, an access policy or a group that allows the action. If a
/// username such as dev:{{SessionName}} matches a binding only in some sessions, the row shows which. With --file, aws-auth
/// is read from the file, and RBAC from the cluster of the kubeconfig or of --cluster-name. Users who sign in by means other
/// than IAM are not listed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Who can delete pods in a namespace?
  awsauth who-can delete pods -n prod

  # Who has access to a namespace?
  awsauth who-can -n payments

  # Who can read this Secret?
  awsauth who-can get secret/db-password -n prod

  # Who can run commands in pods of any namespace?
  awsauth who-can create pods --subresource exec -A

  # Who can read the metrics of the API server?
  awsauth who-can get /metrics")]
pub(crate) struct Args {
    /// The verb, such as get, list, create, delete, or * for all; without it, any access to the namespace
    #[arg(
        value_name = "VERB",
        required_unless_present_any = ["namespace", "all_namespaces"]
    )]
    verb: Option<String>,

    /// The resource as kubectl accepts it, such as pods, deploy/web or deployments.apps, or a path such as /metrics
    #[arg(value_name = "RESOURCE[/NAME]")]
    resource: Option<String>,

    /// The namespace; by default, that of the kubeconfig's context
    #[arg(short, long, env = "AWSAUTH_NAMESPACE", value_name = "NAME")]
    namespace: Option<String>,

    /// In all namespaces; also lists principals that can do it only in some namespaces
    #[arg(short = 'A', long, env = "AWSAUTH_ALL_NAMESPACES", value_parser = FalseyValueParser::new(), conflicts_with = "namespace")]
    all_namespaces: bool,

    /// A subresource, such as log, exec or scale
    #[arg(long, env = "AWSAUTH_SUBRESOURCE", value_name = "NAME")]
    subresource: Option<String>,

    /// A path of the API server instead of a resource
    #[arg(
        long,
        env = "AWSAUTH_NON_RESOURCE",
        value_name = "PATH",
        conflicts_with = "resource"
    )]
    non_resource: Option<String>,

    #[command(flatten)]
    answer: ListArgs,
}

/// The verbs of requests for resources:
/// <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb>
const RESOURCE_VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// Returns whether this is an RBAC verb; otherwise the user may have meant a namespace.
pub(crate) fn is_verb(word: &str) -> bool {
    RESOURCE_VERBS.contains(&word) || SPECIAL_VERBS.contains(&word)
}

/// Reads aws-auth, access entries and RBAC, and prints the principals that can perform the action.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let question = match &args.verb {
        Some(verb) => Some(args.question(verb)?),
        None => None,
    };
    let access = args.scope_of_access()?;
    let (mut manifest, mut cluster) = Backend::open_with_cluster(target, matches, out)?;
    let reading = manifest.as_mut().unwrap_or(&mut cluster).read(out)?;
    let action = match &question {
        Some(question) => {
            let Resolved { action, resource } = cluster.resolve(question, out)?;
            check(&action, &resource, &cluster, out)?;
            Some(action)
        }
        None => None,
    };
    let query = action
        .as_ref()
        .map_or(Query::Access(&access), Query::Action);
    let policy = cluster.policy_in(query.scope(), out)?;
    let entries = cluster.access_entries(&|_| true, out);
    let document = Document::read(&reading.snapshot.data);
    let store = Store::new(&document);
    let principals = MappedPrincipals::of(&store, entries.as_deref());
    let found = who_can(&policy, &principals, query);
    let mut list = WhoCanList::new(query, found.allowed, &policy);
    args.answer.print(&mut list, out)?;
    out.note(&list.summary());
    let owners = Owners::read(reading.snapshot.owners_annotation.as_deref());
    note_expired(expired(&list, &owners.expiries(&document)), out);
    if found.hidden_bindings > 0 {
        out.note(&match found.hidden_bindings {
            1 => "1 more binding gives the same subjects the same access; not shown.".to_owned(),
            more => {
                format!("{more} more bindings give the same subjects the same access; not shown.")
            }
        });
    }
    if found.hidden_names > 0 {
        out.note(&match found.hidden_names {
            1 => {
                "1 more username of the same principals has the same access; not shown.".to_owned()
            }
            more => format!(
                "{more} more usernames of the same principals have the same access; not shown."
            ),
        });
    }
    if manifest.is_none()
        && let Some(note) = cluster.access_note(&reading)
    {
        out.note(&note);
    }
    let unread_entries = entries
        .as_ref()
        .is_some_and(|entries| entries.all().is_none());
    if cluster.is_eks_by_kubeconfig() {
        out.note("Access entries were not read.");
        out.note("hint: name the EKS cluster to include them: --cluster-name NAME");
    }
    if policy.unread.is_empty() && !unread_entries {
        return Ok(Exit::Done);
    }
    print_unread(&policy, &cluster, out);
    Err(Failure::new(
        Kind::Unreachable,
        "the list may be incomplete, because not everything could be read",
    ))
}

/// Returns how many of the listed principals have an entry that has expired.
fn expired(
    list: &WhoCanList<'_>,
    recorded: &HashMap<(SectionName, usize), RecordedExpiry>,
) -> usize {
    let now = Timestamp::now();
    let expiry = |principal: &MappedPrincipal<'_>| match principal.by {
        MappedBy::AwsAuth(slot) => recorded
            .get(&(slot.place.section, slot.place.line))
            .copied(),
        MappedBy::AccessEntry(entry) => recorded_expiry(entry),
    };
    let principals = list.principals();
    let expired = principals.filter(|one| expiry(one).is_some_and(|at| at.has_passed(now)));
    expired.count()
}

impl Args {
    /// Returns the namespaces whose access is listed without a verb.
    fn scope_of_access(&self) -> Result<Scope, Failure> {
        if self.verb.is_none() && (self.subresource.is_some() || self.non_resource.is_some()) {
            return Err(Failure::usage(
                "--subresource and --non-resource need a verb and a resource",
            )
            .hint("who can read logs: awsauth who-can get pods --subresource log"));
        }
        Ok(match &self.namespace {
            Some(name) if !self.all_namespaces => Scope::Namespace(name.clone()),
            _ => Scope::AllNamespaces,
        })
    }

    fn question(&self, verb: &str) -> Result<Question, Failure> {
        let what = self.non_resource.as_ref().or(self.resource.as_ref());
        let what = what.map(String::as_str).ok_or_else(|| {
            Failure::usage(format!("the verb {verb} needs a resource")).hint(match is_verb(verb) {
                true => format!("for example: awsauth who-can {verb} pods"),
                false => format!(
                    "for any access to a namespace: awsauth who-can -n {}",
                    quoted(verb)
                ),
            })
        })?;
        let namespace = match &self.namespace {
            _ if self.all_namespaces => Namespace::All,
            Some(name) => Namespace::Named(name.clone()),
            None => Namespace::Current,
        };
        if self.non_resource.is_some() && !what.starts_with('/') {
            return Err(Failure::usage(format!("{what} is not a path"))
                .hint("a path of the API server begins with a slash, such as /metrics"));
        }
        Question::new(verb, what, namespace, self.subresource.clone())
            .map_err(|error| Failure::usage("cannot answer this question").because(&error))
    }
}

/// Refuses an unknown resource without an API group, and warns about other probable mistakes.
fn check(action: &Action, found: &Found, cluster: &Backend, out: &mut Out) -> Result<(), Failure> {
    let Action::Resource {
        verb,
        group,
        resource,
        name,
        ..
    } = action
    else {
        return Ok(());
    };
    match found {
        Found::NotNeeded => {}
        Found::Known {
            verbs,
            subresources,
        } => {
            let known = verbs.iter().map(String::as_str).chain(SPECIAL_VERBS);
            if !known.clone().any(|known| known == verb) {
                let near = nearest(verb, known);
                let near = near.map_or_else(String::new, |near| format!(": did you mean {near}?"));
                out.note(&format!("warning: resource {resource} does not support the verb {verb}{near}"));
            }
            if subresources.contains(name) {
                out.note(&format!(
                    "hint: {name} is the name of an object here; for the subresource: {resource} --subresource {name}"
                ));
            }
        }
        Found::Unknown { nearest } if group.is_empty() => {
            let failure = Failure::usage(format!("{cluster} has no resource {resource}"));
            return Err(match nearest {
                Some(near) => failure.hint(format!("did you mean {near}?")),
                None => failure.hint(format!(
                    "list the resources: {} api-resources; if its CRD is not installed yet, add its API group: {resource}.GROUP",
                    cluster.kubectl()
                )),
            });
        }
        Found::Unknown { .. } => out.note(&format!(
            "warning: {cluster} has no resource {resource}.{group}; only RBAC rules that name it exactly, or have a wildcard, are evaluated"
        )),
        Found::Unread(fault) => out.note(&format!(
            "warning: cannot read the resources of {cluster}: {fault}; only RBAC rules that name {resource} exactly, or have a wildcard, are evaluated"
        )),
    }
    Ok(())
}
